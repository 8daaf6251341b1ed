//! What an agent is told of beside what her lists show: who came into the queue, who wrote in a conversation of hers,
//! and what she had put off and comes back.
//! Whether it is heard, and by which of her tabs, is for `assets/js/told.js`.
use crate::{
    agent::{Agent, Notice},
    conversation::Sight,
    desk,
    event::{Appended, Author, Content, Event, Happening, Mention, Side, State, Summary},
    ids::AgentId,
    text::Lang,
};
use bytes::Bytes;
use serde::Serialize;

#[derive(Serialize)]
struct Told<'a> {
    conversation: i64,
    /// The entry that it is about: who is told twice knows.
    seq: i64,
    kind: Notice,
    title: String,
    /// At most 100 characters.
    body: &'a str,
}

/// Of news, as JSON.
pub fn of_news(event: &Event, me: &Agent, sight: &Sight, lang: Lang) -> Option<Bytes> {
    let Event::EntryAppended(appended) = event else { return None };
    let kind = kind(appended, me, sight)?;
    match &appended.entry.content {
        Content::Note { body, .. } | Content::Edit { body, .. } => {
            let words = body.split_whitespace().collect::<Vec<_>>().join(" ");
            let body: String = words.chars().take(100).collect();
            write(kind, &appended.summary, &body, lang)
        }
        _ => write(kind, &appended.summary, &appended.summary.preview, lang),
    }
}

/// Of a row that changed while nobody listened.
pub fn of_row(summary: &Summary, me: &Agent, sight: &Sight, lang: Lang) -> Option<Bytes> {
    let unheard = summary.preview_by == Side::Visitor && me.role.may_act();
    let kind = match summary.state {
        State::Open if unheard && summary.unread > 0 && summary.assignee == Some(me.id) => {
            Notice::Mine
        }
        State::Queued
            if unheard && summary.waiting_since.is_some() && is_called(me, sight, summary) =>
        {
            Notice::Queue
        }
        State::Queued | State::Open | State::Closed => return None,
    };
    write(kind, summary, &summary.preview, lang)
}

fn kind(appended: &Appended, me: &Agent, sight: &Sight) -> Option<Notice> {
    let Appended { entry, summary, .. } = appended;
    if !me.role.may_act() || !sight.sees_row(summary) {
        return None;
    }
    let queue = is_called(me, sight, summary).then_some(Notice::Queue);
    match (&entry.author, &entry.content) {
        (Author::Visitor { .. }, Content::Text { .. }) => match summary.state {
            State::Queued if came(appended) => queue,
            State::Open if summary.assignee == Some(me.id) => Some(Notice::Mine),
            State::Queued | State::Open | State::Closed => None,
        },
        // The moment comes in the name of whoever has it, and counts as unread; who calls it back herself has it before her.
        (Author::Agent { id, .. }, Content::Event { what: Happening::Woken }) => {
            let is_told = summary.assignee == Some(me.id) && (*id != me.id || summary.unread > 0);
            is_told.then_some(Notice::Mine)
        }
        // Nobody is told of her own deeds.
        (Author::Agent { id, .. }, _) if *id == me.id => None,
        // That it was handed to her has been said.
        (_, Content::Note { .. }) if came_with_it(appended, me.id) => None,
        (_, Content::Note { with, .. } | Content::Edit { with, .. }) => {
            names(&with.mentions, me.id).then_some(Notice::Mention)
        }
        (_, Content::Event { what }) => match what {
            Happening::Requeued | Happening::TransferredToTeam { .. } => queue,
            Happening::Transferred { to } if to.agent == me.id => Some(Notice::Mine),
            Happening::Invited { agent } if agent.agent == me.id => Some(Notice::Mention),
            _ => None,
        },
        (Author::Visitor { .. } | Author::Agent { .. }, _) => None,
    }
}

/// A team's queue calls its members; who manages sees it, and is left alone, as is whoever is busy or gone.
fn is_called(me: &Agent, sight: &Sight, summary: &Summary) -> bool {
    me.is_on_call() && sight.is_called_to(summary.team)
}

fn names(mentions: &[Mention], agent: AgentId) -> bool {
    mentions.iter().any(|mention| mention.agent == agent)
}

/// Whether a note came with the conversation that was handed to her: both are of one moment.
fn came_with_it(Appended { entry, before_desk, .. }: &Appended, agent: AgentId) -> bool {
    before_desk.as_ref().is_some_and(|before| {
        before.at == entry.at
            && matches!(&before.content, Content::Event { what: Happening::Transferred { to } } if to.agent == agent)
    })
}

/// Whether a visitor's message brought its conversation into the queue: as the first, or after it was closed. Whoever was there
/// already waits since before it.
fn came(Appended { entry, summary, .. }: &Appended) -> bool {
    summary.waiting_since == Some(entry.at)
}

fn write(kind: Notice, summary: &Summary, body: &str, lang: Lang) -> Option<Bytes> {
    let told = Told {
        conversation: summary.id.0,
        seq: summary.last_seq,
        kind,
        title: desk::name(summary, lang),
        body,
    };
    serde_json::to_vec(&told)
        .inspect_err(|error| tracing::error!(%error, "cannot write a notice"))
        .ok()
        .map(Bytes::from)
}
