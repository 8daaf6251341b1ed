//! The stored people behind visitors.
use super::{Limit, Tag, USUAL, at_desk, next_cursor, page_cursor};
use crate::{
    agent::Agent,
    api::{acts::Desk, caller::Token, contacts::Known, problem::Answer, shape::moment, text::Text},
    app::App,
    contact, conversation,
    error::Invalid,
    ids::ContactId,
    web::page::Viewer,
};
use jiff::Timestamp;
use poem::web::Data;
use poem_openapi::{
    Enum, Object, OpenApi,
    param::{Path, Query},
    payload::Json,
};

/// The most contacts in one answer: of each it may have to be asked whether the caller may know of it.
const MOST: u64 = 100;

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct Contacts {
    /// Fewer than were asked for where the caller may not know of some.
    contacts: Vec<ListedContact>,
    /// Where the next page of the same list begins; none after the last one.
    next: Option<String>,
}

/// A contact in a list. What else is known of it, `/contacts/{contact}` says.
#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct ListedContact {
    id: i64,
    /// Empty while nobody knows it; so are the phone and the e-mail.
    name: String,
    /// Masked, as in `138****8871`, for a role that may only read.
    phone: String,
    email: String,
    /// The language of the first message: `zh-CN` or `en`.
    language: String,
    created_at: String,
    /// Whether what the contact sends is refused.
    blocked: bool,
    /// Since when, by whom and why.
    block: Option<ContactBlock>,
}

impl ListedContact {
    fn new(found: contact::Contact, reader: &Agent) -> Self {
        Self {
            id: found.id.0,
            phone: phone_for(reader, &found),
            name: found.name,
            email: found.email,
            language: found.lang.code().into(),
            created_at: moment(found.created_at),
            blocked: found.block.is_some(),
            block: found.block.map(Into::into),
        }
    }
}

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct Contact {
    id: i64,
    /// Empty while nobody knows it; so are the phone and the e-mail.
    name: String,
    /// Masked, as in `138****8871`, for a role that may only read.
    phone: String,
    email: String,
    /// The language of the first message: `zh-CN` or `en`.
    language: String,
    /// Under the keys of `/desk/settings/attributes`; what is not known is left out.
    attributes: Vec<AttributeValue>,
    tags: Vec<String>,
    /// Who the sites' own servers say that it is.
    identities: Vec<ContactIdentity>,
    /// Whether what the contact sends is refused.
    blocked: bool,
    /// Since when, by whom and why.
    block: Option<ContactBlock>,
}

#[derive(Object)]
struct ContactIdentity {
    /// The number of the site.
    site: i64,
    /// The id under which the site knows the contact.
    subject: String,
}

#[derive(Object)]
struct ContactBlock {
    at: String,
    /// The agent's name then.
    by: String,
    reason: String,
}

impl From<contact::Block> for ContactBlock {
    fn from(block: contact::Block) -> Self {
        Self { at: moment(block.at), by: block.by, reason: block.reason }
    }
}

#[derive(Object)]
struct AttributeValue {
    key: Text,
    value: Text,
}

/// What is left out stays as it is; an empty text takes away what was known.
#[derive(Object)]
struct ContactChange {
    /// At most 60 characters.
    name: Option<Text>,
    /// Digits, spaces, `-` and a `+` in front: at most 32 characters.
    phone: Option<Text>,
    /// At most 254 characters.
    email: Option<Text>,
    /// Those given are changed: at most 500 characters each.
    attributes: Option<Vec<AttributeValue>>,
}

/// A tag that is in both is put on.
#[derive(Object)]
struct ContactTagging {
    /// Free words of 1–30 characters. A contact has at most 20.
    #[oai(validator(max_items = 20))]
    add: Option<Vec<Text>>,
    #[oai(validator(max_items = 200))]
    remove: Option<Vec<Text>>,
}

#[derive(Object)]
struct Blocking {
    /// For agents: 1–200 characters.
    reason: Text,
}

#[derive(Object)]
struct Unblocking {
    /// For the audit log: at most 200 characters.
    reason: Option<Text>,
}

#[derive(Object)]
struct Merging {
    /// The number of the other contact.
    with: i64,
}

#[derive(Object)]
struct Attributes {
    /// In the order in which they stand.
    attributes: Vec<Attribute>,
}

/// What the company wants to know of its contacts.
#[derive(Object)]
struct Attribute {
    /// Never changed.
    key: String,
    label: AttributeLabel,
    kind: AttributeKind,
    /// What can be chosen; empty unless it is a choice.
    choices: Vec<String>,
}

#[derive(Object)]
struct AttributeLabel {
    #[oai(rename = "zh-CN")]
    zh_cn: String,
    en: String,
}

#[derive(Enum)]
#[oai(rename_all = "snake_case")]
enum AttributeKind {
    Text,
    Number,
    /// As in `2026-11-25`.
    Date,
    Choice,
}

impl From<contact::Attribute> for Attribute {
    fn from(attribute: contact::Attribute) -> Self {
        let [zh_cn, en] = attribute.labels;
        let kind = match attribute.kind {
            contact::AttributeKind::Text => AttributeKind::Text,
            contact::AttributeKind::Number => AttributeKind::Number,
            contact::AttributeKind::Date => AttributeKind::Date,
            contact::AttributeKind::Choice => AttributeKind::Choice,
        };
        let label = AttributeLabel { zh_cn, en };
        Self { key: attribute.key, label, kind, choices: attribute.choices }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Rest;

#[OpenApi]
impl Rest {
    /// The stored people behind visitors of whom the caller may know, the newest first; or those who are blocked, the last first.
    #[oai(path = "/contacts", method = "get", tag = "Tag::People", operation_id = "list_contacts")]
    async fn contacts(
        &self,
        app: Data<&App>,
        Token(caller): Token,
        /// Only those who are blocked, in the order in which that was done.
        blocked: Query<Option<bool>>,
        /// `next` of the page before, of the same list.
        cursor: Query<Option<String>>,
        /// How many, 50 if left out.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u64>>,
    ) -> Answer<Json<Contacts>> {
        let agent = caller.agent()?;
        let (limit, cursor) = (limit.0.unwrap_or(USUAL).min(MOST), cursor.0.as_deref());
        let only_blocked = blocked.0.unwrap_or(false);
        let mut found = if only_blocked {
            let below = cursor.map(page_cursor).transpose()?.map(place).transpose()?;
            contact::blocked(&app.db, below, limit + 1).await?
        } else {
            let below = cursor.map(page_cursor).transpose()?.map(|[id]| ContactId(id));
            contact::newest(&app.db, below, limit + 1).await?
        };
        let shown = usize::try_from(limit).unwrap_or(usize::MAX);
        let more = found.len() > shown;
        found.truncate(shown);
        let next = found.last().filter(|_| more).map(|last| match &last.block {
            Some(block) if only_blocked => next_cursor(&[block.at.as_microsecond(), last.id.0]),
            _ => next_cursor(&[last.id.0]),
        });
        let known = conversation::only_known(app.db.read(), agent, found).await?;
        let contacts = known.into_iter().map(|one| ListedContact::new(one, agent)).collect();
        Ok(Json(Contacts { contacts, next }))
    }

    /// The stored person behind a visitor.
    #[oai(
        path = "/contacts/:contact",
        method = "get",
        tag = "Tag::People",
        operation_id = "get_contact"
    )]
    async fn contact(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        /// One that was merged is found as whom it became.
        contact: Path<i64>,
    ) -> Answer<Json<Contact>> {
        shown(at_desk(&app, &limits, &caller)?, contact.0).await
    }

    /// Changes what is known of a contact.
    #[oai(
        path = "/contacts/:contact",
        method = "post",
        tag = "Tag::People",
        operation_id = "change_contact"
    )]
    async fn change_contact(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        viewer: Viewer,
        Token(caller): Token,
        contact: Path<i64>,
        change: Json<ContactChange>,
    ) -> Answer<Json<Contact>> {
        let ContactChange { name, phone, email, attributes } = change.0;
        let attributes = attributes.unwrap_or_default().into_iter();
        let known = Known {
            name: name.map(String::from),
            phone: phone.map(String::from),
            email: email.map(String::from),
            attributes: attributes.map(|one| (one.key.into(), one.value.into())).collect(),
        };
        let desk = at_desk(&app, &limits, &caller)?;
        desk.change_contact(contact.0, &known, viewer.address).await?;
        shown(desk, contact.0).await
    }

    /// Takes tags off a contact and puts others on: all of it or nothing.
    #[oai(
        path = "/contacts/:contact/tags",
        method = "post",
        tag = "Tag::People",
        operation_id = "tag_contact"
    )]
    async fn tag(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        viewer: Viewer,
        Token(caller): Token,
        contact: Path<i64>,
        tagging: Json<ContactTagging>,
    ) -> Answer<Json<Contact>> {
        let desk = at_desk(&app, &limits, &caller)?;
        let ContactTagging { add, remove } = tagging.0;
        let (add, remove) = (add.unwrap_or_default(), remove.unwrap_or_default());
        desk.tag_contact(contact.0, &add, &remove, viewer.address).await?;
        shown(desk, contact.0).await
    }

    /// Takes no message of a contact any more, on any site. Whoever is blocked stays so for the first reason.
    #[oai(
        path = "/contacts/:contact/block",
        method = "post",
        tag = "Tag::People",
        operation_id = "block_contact"
    )]
    async fn block(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        viewer: Viewer,
        Token(caller): Token,
        contact: Path<i64>,
        blocking: Json<Blocking>,
    ) -> Answer<Json<Contact>> {
        let desk = at_desk(&app, &limits, &caller)?;
        desk.block_contact(contact.0, &blocking.reason, viewer.address).await?;
        shown(desk, contact.0).await
    }

    /// Takes messages of a contact again.
    #[oai(
        path = "/contacts/:contact/unblock",
        method = "post",
        tag = "Tag::People",
        operation_id = "unblock_contact"
    )]
    async fn unblock(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        viewer: Viewer,
        Token(caller): Token,
        contact: Path<i64>,
        unblocking: Json<Unblocking>,
    ) -> Answer<Json<Contact>> {
        let desk = at_desk(&app, &limits, &caller)?;
        let reason = unblocking.0.reason.map(String::from).unwrap_or_default();
        desk.unblock_contact(contact.0, &reason, viewer.address).await?;
        shown(desk, contact.0).await
    }

    /// Makes two contacts one, for good: the conversations, tags and notes of the other become this one's, and of what is known
    /// of it whatever is not known here.
    ///
    /// The other one is found as this one from then on. Two whom a site tells apart stay two.
    #[oai(
        path = "/contacts/:contact/merge",
        method = "post",
        tag = "Tag::People",
        operation_id = "merge_contact"
    )]
    async fn merge(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        viewer: Viewer,
        Token(caller): Token,
        contact: Path<i64>,
        merging: Json<Merging>,
    ) -> Answer<Json<Contact>> {
        let desk = at_desk(&app, &limits, &caller)?;
        desk.merge_contact(contact.0, merging.with, viewer.address).await?;
        shown(desk, contact.0).await
    }

    /// What the company wants to know of its contacts. Managers say so at `/desk/settings/attributes`.
    #[oai(
        path = "/attributes",
        method = "get",
        tag = "Tag::People",
        operation_id = "list_attributes"
    )]
    async fn attributes(&self, app: Data<&App>, Token(caller): Token) -> Answer<Json<Attributes>> {
        caller.agent()?;
        let attributes = contact::attributes(app.db.read()).await?;
        Ok(Json(Attributes { attributes: attributes.into_iter().map(Into::into).collect() }))
    }
}

/// Where a page of those who are blocked begins.
fn place([at, id]: [i64; 2]) -> Result<(Timestamp, ContactId), Invalid> {
    let at = Timestamp::from_microsecond(at);
    let at = at.map_err(|_| Invalid { field: "cursor", reason: "invalid-cursor" })?;
    Ok((at, ContactId(id)))
}

/// Whole for whoever may act.
fn phone_for(agent: &Agent, contact: &contact::Contact) -> String {
    if agent.role.may_act() { contact.phone.clone() } else { contact::masked(&contact.phone) }
}

/// A contact as it is now.
async fn shown(desk: Desk<'_>, id: i64) -> Answer<Json<Contact>> {
    let (db, agent) = (desk.app.db.read(), desk.caller.agent()?);
    let found = desk.contact(id).await?;
    let mut values = contact::values(db, found.id).await?;
    let value = |one: contact::Attribute| {
        let value = values.remove(&one.id)?;
        Some(AttributeValue { key: one.key.into(), value: value.into() })
    };
    let attributes = contact::attributes(db).await?.into_iter().filter_map(value).collect();
    let identity =
        |known: contact::Identity| ContactIdentity { site: known.site.0, subject: known.subject };
    let identities = contact::identities(db, found.id).await?.into_iter().map(identity).collect();
    let phone = phone_for(agent, &found);
    let block = found.block.map(ContactBlock::from);
    Ok(Json(Contact {
        id: found.id.0,
        name: found.name,
        phone,
        email: found.email,
        language: found.lang.code().into(),
        attributes,
        tags: contact::tags(db, found.id).await?,
        identities,
        blocked: block.is_some(),
        block,
    }))
}
