//! What agents' programs do with contacts: by the same actions as the panel beside a conversation.
use super::acts::Desk;
use crate::{
    agent::Agent,
    audit::Doer,
    contact::{
        self, BlockReason, Change, Contact, ContactEmail, ContactName, ContactTag, Note, NoteBody,
        Phone,
    },
    conversation, dossier,
    error::{Error, Invalid, Result},
    ids::{ContactId, Nonce},
};
use std::net::IpAddr;

/// What a program knows of a contact; an empty text takes away what was known.
#[derive(Clone, Debug, Default)]
pub struct Known {
    pub name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
    /// Values under the keys of attributes.
    pub attributes: Vec<(String, String)>,
}

impl Desk<'_> {
    /// A contact of whom the caller may know.
    pub async fn contact(&self, id: i64) -> Result<Contact> {
        conversation::known(self.app.db.read(), self.caller.agent()?, ContactId(id)).await
    }

    /// An agent who may change something, and the contact of whom she does.
    async fn whom_to_change(&self, id: i64) -> Result<(&Agent, Contact)> {
        Ok((self.may_write()?, self.contact(id).await?))
    }

    /// Changes what is known of a contact: what is given, and nothing else.
    pub async fn change_contact(&self, id: i64, new: &Known, address: IpAddr) -> Result<()> {
        let (agent, contact) = self.whom_to_change(id).await?;
        let mut changes = Vec::new();
        if let Some(name) = &new.name {
            let name = ContactName::parse(name).map_err(|invalid| named("name", invalid))?;
            changes.push(Change::Name(name));
        }
        if let Some(phone) = &new.phone {
            let phone = Phone::parse(phone).map_err(|invalid| named("phone", invalid))?;
            changes.push(Change::Phone(phone));
        }
        if let Some(email) = &new.email {
            let email = ContactEmail::parse(email).map_err(|invalid| named("email", invalid))?;
            changes.push(Change::Email(email));
        }
        if !new.attributes.is_empty() {
            let all = contact::attributes(self.app.db.read()).await?;
            for (key, value) in &new.attributes {
                let unknown = Invalid { field: "attributes", reason: "invalid-attribute-unknown" };
                let attribute = all.iter().find(|one| one.key == *key).ok_or(unknown)?;
                let value = attribute.value(value).map_err(|one| named("attributes", one))?;
                changes.push(Change::Attribute(attribute.id, value));
            }
        }
        self.limits.act(&self.caller.counted_as())?;
        dossier::change(self.app, &doer(agent, address), contact.id, changes).await
    }

    /// Takes tags off a contact and puts others on.
    pub async fn tag_contact<T: AsRef<str>>(
        &self,
        id: i64,
        add: &[T],
        remove: &[T],
        address: IpAddr,
    ) -> Result<()> {
        let (agent, contact) = self.whom_to_change(id).await?;
        let tags = |words: &[T], field| -> Result<Vec<_>, Invalid> {
            let tag = |word: &T| ContactTag::parse(word.as_ref()).map_err(|one| named(field, one));
            words.iter().map(tag).collect()
        };
        let (on, off) = (tags(add, "add")?, tags(remove, "remove")?);
        self.limits.act(&self.caller.counted_as())?;
        let by = doer(agent, address);
        match contact::change_tags(self.app, &by, contact.id, &on, &off).await {
            Err(Error::Invalid(too_many)) => Err(named("add", too_many).into()),
            outcome => outcome,
        }
    }

    /// Counted as a message. The same nonce again finds the note it made, and whether it had.
    pub async fn note_on_contact(
        &self,
        id: i64,
        nonce: &str,
        body: &str,
        address: IpAddr,
    ) -> Result<(Note, bool)> {
        let (agent, contact) = self.whom_to_change(id).await?;
        let (nonce, body) = (Nonce::parse(nonce)?, NoteBody::parse(body)?);
        self.limits.message(&self.caller.counted_as())?;
        contact::add_note(self.app, &doer(agent, address), contact.id, &nonce, &body).await
    }

    /// Her own, or anybody's if she manages.
    pub async fn remove_contact_note(&self, id: i64, note: i64, address: IpAddr) -> Result<()> {
        let (agent, contact) = self.whom_to_change(id).await?;
        self.limits.act(&self.caller.counted_as())?;
        let may = |note: &Note| note.agent == agent.id || agent.role.may_manage();
        contact::remove_note(self.app, &doer(agent, address), contact.id, note, may).await
    }

    pub async fn block_contact(&self, id: i64, reason: &str, address: IpAddr) -> Result<()> {
        let (agent, contact) = self.whom_to_change(id).await?;
        let reason = BlockReason::parse(reason).map_err(|invalid| named("reason", invalid))?;
        self.limits.act(&self.caller.counted_as())?;
        dossier::block(self.app, &doer(agent, address), contact.id, reason).await
    }

    pub async fn unblock_contact(&self, id: i64, reason: &str, address: IpAddr) -> Result<()> {
        let (agent, contact) = self.whom_to_change(id).await?;
        let reason = BlockReason::if_any(reason).map_err(|invalid| named("reason", invalid))?;
        self.limits.act(&self.caller.counted_as())?;
        dossier::unblock(self.app, &doer(agent, address), contact.id, reason).await
    }

    /// Whatever is known of another contact becomes this one's.
    pub async fn merge_contact(&self, id: i64, with: i64, address: IpAddr) -> Result<()> {
        let (agent, kept) = self.whom_to_change(id).await?;
        let unknown = Invalid { field: "with", reason: "invalid-contact-unknown" };
        let gone = self.contact(with).await.map_err(|error| match error {
            Error::NotFound => unknown.into(),
            error => error,
        })?;
        self.limits.act(&self.caller.counted_as())?;
        dossier::merge(self.app, &doer(agent, address), gone.id, kept.id).await
    }
}

fn doer(agent: &Agent, address: IpAddr) -> Doer {
    Doer { agent: agent.id, name: agent.name.clone(), address }
}

fn named(field: &'static str, invalid: Invalid) -> Invalid {
    Invalid { field, ..invalid }
}
