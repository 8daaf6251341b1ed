//! What agents' programs do with a conversation beside answering it: by the same actions as the forms of the desk.
use super::{acts::Desk, frame::Verb};
use crate::{
    conversation::{self, Body, Change, Recipient, Sent},
    error::{Invalid, Result},
    event::{Happening, Priority},
    ids::{AgentId, TagId, TeamId},
    tag,
};
use jiff::Timestamp;

/// The most tags that are named at once: there are no more.
pub const TAGS: usize = 200;

/// To whom a conversation is handed over: one of the two.
#[derive(Clone, Copy, Debug)]
pub struct To {
    pub agent: Option<i64>,
    pub team: Option<i64>,
}

impl Desk<'_> {
    /// What a frame asks for; `None` if there was nothing to change, or nothing to write in the log.
    pub async fn act(&self, verb: Verb) -> Result<Option<Sent>> {
        let sent = match verb {
            Verb::Claim { conversation: name, nonce } => {
                self.happen(&name.to_string(), &nonce, Happening::Claimed).await
            }
            Verb::Reopen { conversation: name, nonce } => {
                self.happen(&name.to_string(), &nonce, Happening::Reopened).await
            }
            Verb::Wake { conversation: name, nonce } => {
                self.happen(&name.to_string(), &nonce, Happening::Woken).await
            }
            Verb::Close { conversation: name, nonce, tags } => {
                self.close(&name.to_string(), &nonce, &tags).await
            }
            Verb::Transfer { conversation: name, nonce, agent, team, note } => {
                let (to, note) = (To { agent, team }, note.as_deref());
                self.transfer(&name.to_string(), &nonce, to, note).await
            }
            Verb::Invite { conversation: name, nonce, agent } => {
                self.invite(&name.to_string(), &nonce, agent).await
            }
            Verb::Snooze { conversation: name, nonce, until } => {
                self.snooze(&name.to_string(), &nonce, &until).await
            }
            Verb::Priority { conversation: name, nonce, priority } => {
                self.prioritize(&name.to_string(), &nonce, priority.into()).await
            }
            Verb::Edit { conversation: name, nonce, seq, body } => {
                self.amend(&name.to_string(), &nonce, seq, Some(&body)).await
            }
            Verb::Recall { conversation: name, nonce, seq } => {
                self.amend(&name.to_string(), &nonce, seq, None).await
            }
            Verb::Tags { conversation: name, nonce, add, remove } => {
                return self.change_tags(&name.to_string(), &nonce, &add, &remove).await;
            }
            Verb::Unread { conversation: name } => {
                self.mark_unread(&name.to_string()).await?;
                return Ok(None);
            }
        };
        sent.map(Some)
    }

    /// Taking, reopening, waking.
    pub async fn happen(&self, name: &str, nonce: &str, what: Happening) -> Result<Sent> {
        let (work, nonce) = self.about_to(name, nonce)?;
        conversation::happen(self.app, work, nonce, what).await
    }

    /// With tags that say how it ended, put on beside those that it carries.
    pub async fn close(&self, name: &str, nonce: &str, tags: &[i64]) -> Result<Sent> {
        let (work, nonce) = self.about_to(name, nonce)?;
        let tags = self.tags(tags, "tags").await?;
        conversation::close(self.app, work, nonce, tags).await
    }

    /// A note of white space is none.
    pub async fn transfer(
        &self,
        name: &str,
        nonce: &str,
        to: To,
        note: Option<&str>,
    ) -> Result<Sent> {
        let (work, nonce) = self.about_to(name, nonce)?;
        let note = note.filter(|note| !note.trim().is_empty()).map(Body::parse).transpose();
        let note = note.map_err(|invalid| Invalid { field: "note", ..invalid })?;
        let to = match (to.agent, to.team) {
            (Some(agent), None) => {
                let agent = Some(AgentId(agent));
                Recipient::Agent(conversation::colleague(self.app, agent, "agent").await?)
            }
            (None, Some(team)) => {
                conversation::team_to(self.app, Some(TeamId(team)), "team").await?
            }
            _ => return Err(Invalid { field: "agent", reason: "invalid-recipient" }.into()),
        };
        conversation::transfer(self.app, work, nonce, to, note).await
    }

    pub async fn invite(&self, name: &str, nonce: &str, agent: i64) -> Result<Sent> {
        let (work, nonce) = self.about_to(name, nonce)?;
        let agent = conversation::colleague(self.app, Some(AgentId(agent)), "agent").await?;
        conversation::invite(self.app, work, nonce, agent).await
    }

    /// Until a moment, RFC 3339.
    pub async fn snooze(&self, name: &str, nonce: &str, until: &str) -> Result<Sent> {
        let (work, nonce) = self.about_to(name, nonce)?;
        let invalid = |_| Invalid { field: "until", reason: "invalid-moment" };
        let until: Timestamp = until.parse().map_err(invalid)?;
        conversation::snooze(self.app, work, nonce, until).await
    }

    pub async fn prioritize(&self, name: &str, nonce: &str, priority: Priority) -> Result<Sent> {
        let (work, nonce) = self.about_to(name, nonce)?;
        conversation::prioritize(self.app, work, nonce, priority).await
    }

    /// Takes tags off and puts others on; `None` if it carries just these already.
    pub async fn change_tags(
        &self,
        name: &str,
        nonce: &str,
        add: &[i64],
        remove: &[i64],
    ) -> Result<Option<Sent>> {
        let (work, nonce) = self.about_to(name, nonce)?;
        let (on, off) = (self.tags(add, "add").await?, self.tags(remove, "remove").await?);
        conversation::change_tags(self.app, work, nonce, on, off).await
    }

    /// Makes it count as unread for whoever sees it; how far anybody has read stays as it is.
    pub async fn mark_unread(&self, name: &str) -> Result<()> {
        let work = self.works_in(name)?;
        self.limits.act(&self.caller.counted_as())?;
        conversation::mark_unread(self.app, &work).await
    }

    /// Changes what she said, or with no words takes it back. Counted as a message.
    pub async fn amend(
        &self,
        name: &str,
        nonce: &str,
        of: i64,
        words: Option<&str>,
    ) -> Result<Sent> {
        let (work, nonce) = self.who_acts(name, nonce)?;
        let change = match words {
            Some(words) => Change::Edit(Body::parse(words)?),
            None => Change::Recall,
        };
        self.limits.message(&self.caller.counted_as())?;
        conversation::amend(self.app, work, nonce, of, change).await
    }

    /// Tags by their numbers, each once and with its name.
    async fn tags(&self, wanted: &[i64], field: &'static str) -> Result<Vec<(TagId, String)>> {
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        let all = tag::all(&self.app.db).await?;
        let is_known = |id: &i64| all.iter().any(|tag| tag.id.0 == *id);
        if wanted.len() > TAGS || !wanted.iter().all(is_known) {
            return Err(Invalid { field, reason: "invalid-tag-unknown" }.into());
        }
        let tags = all.into_iter().filter(|tag| wanted.contains(&tag.id.0));
        Ok(tags.map(|tag| (tag.id, tag.name)).collect())
    }
}
