//! What programs do, over REST and over the socket alike: through the same actions, limits and owners as people.
use super::{caller::Caller, shape::Entry};
use crate::{
    agent::{Agent, Scope},
    app::App,
    attachment::{self, Attachment, Owner, Received, web::chosen_ids},
    contact::Arrival,
    conversation::{
        self, AtWork, Beside, Body, Conversation, Earlier, FirstMessage, Range, Seat, Sent,
        colleagues, mentions,
    },
    error::{Error, Invalid, Result},
    event::{Content, Side},
    ids::{ConversationId, Nonce, PublicId},
    site,
    text::Lang,
    web::limits::Limits,
};
use std::net::IpAddr;

/// The most entries that an answer written on a stale view is shown.
const NEWER: u64 = 100;

/// A program at work for its caller.
#[derive(Clone, Copy, Debug)]
pub struct Desk<'a> {
    pub app: &'a App,
    pub limits: &'a Limits,
    pub caller: &'a Caller,
}

/// What is to be sent.
#[derive(Clone, Debug)]
pub struct Message {
    pub nonce: String,
    pub body: String,
    pub note: bool,
    /// Ids of files that the writer brought before.
    pub attachments: Vec<String>,
    /// The last entry the writer had seen; without one it is sent whatever was said meanwhile.
    pub seen: Option<i64>,
    /// The number of the entry it answers. What cannot be quoted is left out.
    pub quote: Option<i64>,
}

impl Desk<'_> {
    /// The place of the caller in a conversation; what is not theirs is not found. A program names a conversation as it
    /// was told to: agents by number, visitors by public id.
    pub fn seat(&self, name: &str) -> Result<Seat> {
        match self.caller {
            Caller::Visitor { contact, .. } => {
                let conversation = PublicId::parse(name).ok_or(Error::NotFound)?;
                Ok(Seat::Visitor { contact: contact.ok_or(Error::NotFound)?, conversation })
            }
            Caller::Agent { agent, .. } => {
                let conversation = name.parse().map_err(|_| Error::NotFound)?;
                Ok(Seat::Agent { id: agent.id, conversation })
            }
        }
    }

    /// A visitor's first message; of somebody who is in an open conversation of this site already, one more.
    pub async fn start(
        &self,
        site: &str,
        nonce: &str,
        body: &str,
        address: IpAddr,
        lang: Lang,
    ) -> Result<Sent> {
        let Caller::Visitor { token, contact } = self.caller else {
            return Err(Error::Forbidden("forbidden-to-agents"));
        };
        let site = site::addressed(self.app.db.read(), site).await?;
        let (body, nonce) = (Body::parse(body)?, Nonce::parse(nonce)?);
        let known = contact.map(|_| token.hash().name());
        self.limits.start(address, known.as_deref())?;
        let arrival = Arrival::default();
        let first = FirstMessage {
            visitor: *contact,
            token: token.hash(),
            lang,
            nonce,
            body,
            card: None,
            arrival,
        };
        conversation::start(self.app, &site, first).await
    }

    pub async fn send(&self, name: &str, message: &Message) -> Result<Sent> {
        let seat = self.seat(name)?;
        let files = chosen_ids(message.attachments.iter().map(String::as_str))?;
        let (body, nonce) = (Body::beside(&message.body, &files)?, Nonce::parse(&message.nonce)?);
        match seat {
            Seat::Visitor { .. } if message.note || message.quote.is_some() => {
                Err(Error::Forbidden("forbidden-to-visitors"))
            }
            Seat::Visitor { contact, conversation } => {
                self.limits.message(&self.caller.counted_as())?;
                conversation::say(self.app, contact, conversation, nonce, body, &files, None).await
            }
            Seat::Agent { conversation, .. } => {
                let work = self.at_work(conversation)?;
                self.limits.message(&self.caller.counted_as())?;
                let beside = Beside { quote: message.quote, files, ..Beside::default() };
                if message.note {
                    let mentions = mentions(body.as_str(), &colleagues(self.app).await?);
                    conversation::note(self.app, work, nonce, body, Beside { mentions, ..beside })
                        .await
                } else {
                    let sent =
                        conversation::reply(self.app, work, nonce, body, beside, message.seen)
                            .await;
                    match (sent, message.seen) {
                        (Err(Error::Stale { by, .. }), Some(seen)) => {
                            let newer = Some(self.newer(conversation, seen).await?);
                            Err(Error::Stale { by, newer })
                        }
                        (sent, _) => sent,
                    }
                }
            }
        }
    }

    /// Keeps a file, whose sender has a day to send it with a message. `received` reads it once it is known to be wanted.
    pub async fn bring(
        &self,
        name: &str,
        received: impl AsyncFnOnce() -> Result<Received>,
    ) -> Result<Attachment> {
        let (owner, conversation) = self.owner(name).await?;
        match owner.side {
            Side::Visitor => {
                conversation::must_be_heard(self.app, &conversation).await?;
            }
            Side::Agent => {
                self.at_work(owner.conversation)?;
            }
        }
        self.limits.upload(&self.caller.counted_as())?;
        attachment::upload(self.app, owner, received().await?).await
    }

    /// A link to a file of a conversation, which ends soon.
    pub async fn link(&self, name: &str, file: &str) -> Result<String> {
        let (owner, _) = self.owner(name).await?;
        let file = attachment::find_for(self.app, owner, file).await?;
        Ok(attachment::address(self.app, &file))
    }

    /// The caller, in a conversation of theirs.
    async fn owner(&self, name: &str) -> Result<(Owner, Conversation)> {
        let seat = self.seat(name)?;
        let conversation = conversation::find_for(self.app.db.read(), &seat).await?;
        let (side, id) = match seat {
            Seat::Visitor { contact, .. } => (Side::Visitor, contact.0),
            Seat::Agent { id, .. } => (Side::Agent, id.0),
        };
        Ok((Owner { conversation: conversation.id, side, id }, conversation))
    }

    /// What an agent has not seen.
    async fn newer(&self, conversation: ConversationId, seen: i64) -> Result<serde_json::Value> {
        let range = Range::After(seen, NEWER);
        let history = conversation::history(self.app.db.read(), conversation, range).await?;
        let entries: Vec<_> =
            history.shown_to(Side::Agent).map(|shown| Entry::shown(shown, Side::Agent)).collect();
        serde_json::to_value(entries).map_err(Error::internal)
    }

    /// What a message or a note said before, for those who manage; what only happened never said anything.
    pub async fn earlier(&self, name: &str, seq: i64) -> Result<Vec<Earlier>> {
        if !self.caller.agent()?.role.may_manage() {
            return Err(Error::Forbidden("forbidden-manage"));
        }
        let db = self.app.db.read();
        let head = conversation::find_for(db, &self.seat(name)?).await?;
        let entry = conversation::find_entry(db, head.id, seq).await?;
        match entry.content {
            Content::Text { .. } | Content::Note { .. } => {
                conversation::earlier(db, head.id, seq).await
            }
            Content::Event { .. } | Content::Edit { .. } | Content::Recall { .. } => {
                Err(Error::NotFound)
            }
        }
    }

    pub async fn read(&self, name: &str, seq: i64) -> Result<()> {
        let seat = self.seat(name)?;
        if seq < 0 {
            return Err(Invalid { field: "seq", reason: "invalid-cursor" }.into());
        }
        self.limits.act(&self.caller.counted_as())?;
        match seat {
            Seat::Visitor { contact, conversation } => {
                conversation::read_as_visitor(self.app, contact, conversation, seq).await
            }
            Seat::Agent { conversation, .. } => {
                conversation::read_as_agent(self.app, &self.at_work(conversation)?, seq).await
            }
        }
    }

    /// More signs than the rate allows are passed over: nothing depends on them.
    pub async fn typing(&self, name: &str) -> Result<()> {
        let seat = self.seat(name)?;
        let heard = self.limits.may_type(&self.caller.counted_as());
        match seat {
            _ if !heard => Ok(()),
            Seat::Visitor { contact, conversation } => {
                conversation::type_as_visitor(self.app, contact, conversation).await
            }
            Seat::Agent { conversation, .. } => {
                conversation::type_as_agent(self.app, &self.at_work(conversation)?).await
            }
        }
    }

    /// An agent who is about to do something with a conversation, which counts.
    pub(super) fn about_to(&self, name: &str, nonce: &str) -> Result<(AtWork, Nonce)> {
        let (work, nonce) = self.who_acts(name, nonce)?;
        self.limits.act(&self.caller.counted_as())?;
        Ok((work, nonce))
    }

    /// The same, not counted yet.
    pub(super) fn who_acts(&self, name: &str, nonce: &str) -> Result<(AtWork, Nonce)> {
        let work = self.works_in(name)?;
        Ok((work, Nonce::parse(nonce)?))
    }

    /// An agent at work in a conversation; visitors are told that it is not for them.
    pub(super) fn works_in(&self, name: &str) -> Result<AtWork> {
        match self.seat(name)? {
            Seat::Visitor { .. } => Err(Error::Forbidden("forbidden-to-visitors")),
            Seat::Agent { conversation, .. } => self.at_work(conversation),
        }
    }

    fn at_work(&self, conversation: ConversationId) -> Result<AtWork> {
        let Agent { id, name, .. } = self.may_write()?;
        Ok(AtWork { agent: *id, name: name.clone(), conversation })
    }

    /// The agent who is at work, if neither role nor token keep her from it.
    pub(super) fn may_write(&self) -> Result<&Agent> {
        let agent = self.caller.agent()?;
        let may_write = matches!(self.caller, Caller::Agent { scope: Scope::Write, .. });
        if !agent.role.may_act() || !may_write {
            return Err(Error::Forbidden("forbidden-read-only"));
        }
        Ok(agent)
    }
}
