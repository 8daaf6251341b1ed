//! What people do in a conversation: who adds what under which rule. The writer does the rest.
use super::{
    model::{self, Append, BLOCKED, Beside, Body, Conversation, Seat, UNSIGNED},
    store::{self, History, Log, Range, Start, Tab},
    writer::{self, Sent},
};
use crate::{
    agent,
    app::{App, to_the_end},
    attachment::{self, Attachment, Owner},
    contact::{self, Arrival, Contact, TokenHash, TokenState},
    db::Connection,
    error::{Error, Result},
    event::{
        self, Access, Author, Card, Content, Event, Happening, Mention, ReadMoved, Side, State,
        Topic, With,
    },
    ids::{AgentId, ContactId, ConversationId, FileId, Nonce, PublicId},
    site::{self, Site},
    text::Lang,
};
use jiff::Timestamp;
use std::time::Duration;
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, sleep_until},
};

/// The first message of somebody, who may be known or new.
#[derive(Clone, Debug)]
pub struct FirstMessage {
    pub visitor: Option<ContactId>,
    pub token: TokenHash,
    pub lang: Lang,
    pub nonce: Nonce,
    pub body: Body,
    /// What the message shows instead of its words.
    pub card: Option<Card>,
    pub arrival: Arrival,
}

/// Opens a conversation with its first message; the same token and nonce again, the same conversation. Somebody who is
/// in an open conversation already goes on there.
pub async fn start(app: &App, site: &Site, first: FirstMessage) -> Result<Sent> {
    let (app, site) = (app.clone(), site.clone());
    to_the_end(async move {
        // A repeat that runs beside the original finds its rows the next time round.
        for _ in 0..3 {
            if let Some(sent) = try_start(&app, &site, &first).await? {
                writer::tell(&app, &sent);
                contact::tell(&app, sent.conversation.contact);
                return Ok(sent);
            }
        }
        Err(Error::Unavailable(anyhow::anyhow!(
            "a first message was repeated faster than it was stored"
        )))
    })
    .await
}

async fn try_start(app: &App, on: &Site, first: &FirstMessage) -> Result<Option<Sent>> {
    let team = on.team;
    let site = on.id;
    let at = app.clock.now();
    let tx = app.db.begin().await?;
    let held = match store::find_started(&tx, site, &first.token, &first.nonce).await? {
        Some(started) => Some(started),
        None => {
            // Who was told who they are by the page outside, in this moment, is not new any more.
            let contact = match (first.visitor, contact::token_within(&tx, &first.token, at).await?)
            {
                (Some(contact), _) | (None, TokenState::Known(contact)) => Some(contact),
                (None, TokenState::Fresh | TokenState::Ended) => {
                    contact::create(&tx, &first.token, first.lang, at).await?
                }
            };
            let Some(contact) = contact else { return Ok(None) };
            let contact = contact::lock(&tx, contact).await?;
            if contact.block.is_some() {
                return Err(Error::Forbidden(BLOCKED));
            }
            let contact = contact.id;
            if is_unsigned(&tx, on, contact).await? {
                return Err(Error::Forbidden(UNSIGNED));
            }
            match store::find_open(&tx, site, contact).await? {
                Some(open) => Some(open),
                None => {
                    contact::arrived(&tx, contact, &first.arrival, at).await?;
                    let (token, nonce) = (&first.token, &first.nonce);
                    let start = Start { site, team, contact, token, nonce, at };
                    store::open(&tx, &start).await?
                }
            }
        }
    };
    let Some(held) = held else { return Ok(None) };
    // Found without a lock: take it now, and what was written meanwhile with it.
    let seat = Seat::Visitor { contact: held.contact, conversation: held.public_id };
    let held = store::lock(&tx, &seat).await?;
    let author = unnamed(held.conversation.contact);
    let with = With { card: first.card.clone(), ..With::default() };
    let content = Content::Text { body: first.body.clone().into(), with };
    let append = Append { author, nonce: first.nonce.clone(), content, seen: None };
    let sent = writer::write(app, &tx, held, &append, at).await?;
    tx.commit().await?;
    Ok(Some(sent))
}

/// Whether a visitor is not heard on a site for want of a signature.
pub async fn is_unsigned(db: &impl Connection, site: &Site, contact: ContactId) -> Result<bool> {
    if !site.signed_only {
        return Ok(false);
    }
    let known = contact::identities(db, contact).await?;
    Ok(known.iter().all(|known| known.site != site.id))
}

/// The visitor of a conversation, refused if nothing that they say there would be taken: what goes with a message is taken from those
/// alone who may send one.
pub async fn must_be_heard(app: &App, conversation: &Conversation) -> Result<Contact> {
    let db = app.db.read();
    let visitor = contact::find(db, conversation.contact).await?;
    if visitor.block.is_some() {
        return Err(Error::Forbidden(BLOCKED));
    }
    if is_unsigned(db, &site::find(db, conversation.site).await?, visitor.id).await? {
        return Err(Error::Forbidden(UNSIGNED));
    }
    Ok(visitor)
}

/// A visitor's message; a card is shown instead of its words.
pub async fn say(
    app: &App,
    contact: ContactId,
    conversation: PublicId,
    nonce: Nonce,
    body: Body,
    files: &[FileId],
    card: Option<Card>,
) -> Result<Sent> {
    let seat = Seat::Visitor { contact, conversation };
    let mut with = With { card, ..With::default() };
    if !files.is_empty() {
        let id = store::find_for(app.db.read(), &seat).await?.id;
        let owner = Owner { conversation: id, side: Side::Visitor, id: contact.0 };
        with.attachments = attachments(app, owner, files).await?;
    }
    let content = Content::Text { body: body.into(), with };
    let append = Append { author: unnamed(contact), nonce, content, seen: None };
    writer::append(app, seat, append).await
}

/// A visitor ends the conversation; what they write within a day opens it again.
pub async fn end(
    app: &App,
    contact: ContactId,
    conversation: PublicId,
    nonce: Nonce,
) -> Result<Sent> {
    let content = Content::Event { what: Happening::Closed };
    let append = Append { author: unnamed(contact), nonce, content, seen: None };
    writer::append(app, Seat::Visitor { contact, conversation }, append).await
}

/// An agent at work in a conversation.
#[derive(Clone, Debug)]
pub struct AtWork {
    pub agent: AgentId,
    /// The name visitors see.
    pub name: String,
    pub conversation: ConversationId,
}

/// An answer. `seen` is the last entry the agent had before her eyes; without one it is sent whatever was said meanwhile.
pub async fn reply(
    app: &App,
    by: AtWork,
    nonce: Nonce,
    body: Body,
    beside: Beside,
    seen: Option<i64>,
) -> Result<Sent> {
    let with = brought(app, &by, beside, false).await?;
    let content = Content::Text { body: body.into(), with };
    writer::append(app, by.seat(), Append { author: by.author(), nonce, content, seen }).await
}

/// A note for the other agents.
pub async fn note(app: &App, by: AtWork, nonce: Nonce, body: Body, beside: Beside) -> Result<Sent> {
    let mut with = brought(app, &by, beside, true).await?;
    with.let_in = strangers(app, &by, &with.mentions).await?;
    let content = Content::Note { body: body.into(), with };
    writer::append(app, by.seat(), Append { author: by.author(), nonce, content, seen: None }).await
}

/// Who of those called does not see the conversation, by name.
pub(super) async fn strangers(app: &App, by: &AtWork, called: &[Mention]) -> Result<Vec<String>> {
    let mut strangers = Vec::new();
    if called.is_empty() {
        return Ok(strangers);
    }
    let head = store::find_for(app.db.read(), &by.seat()).await?;
    for one in called {
        if !head.is_open_to(one.agent)
            && !store::sight_of(app.db.read(), one.agent).await?.sees_head(&head)
        {
            strangers.push(one.name.clone());
        }
    }
    Ok(strangers)
}

/// What comes with a message. What cannot be quoted any more is left out.
async fn brought(app: &App, by: &AtWork, beside: Beside, private: bool) -> Result<With> {
    let quote = match beside.quote {
        Some(seq) => match store::find_entry(app.db.read(), by.conversation, seq).await {
            Err(Error::NotFound) => None,
            found => model::quoted(&found?, private),
        },
        None => None,
    };
    let owner = Owner { conversation: by.conversation, side: Side::Agent, id: by.agent.0 };
    let attachments = attachments(app, owner, &beside.files).await?;
    Ok(With { quote, mentions: beside.mentions, attachments, ..With::default() })
}

/// What is known of files, for the message that brings them. That nobody sent them before, its writer sees to.
async fn attachments(app: &App, owner: Owner, files: &[FileId]) -> Result<Vec<event::Attachment>> {
    let chosen = attachment::chosen(app, owner, files).await?;
    Ok(chosen.iter().map(Attachment::told).collect())
}

/// Taking, closing, reopening a conversation.
pub async fn happen(app: &App, by: AtWork, nonce: Nonce, what: Happening) -> Result<Sent> {
    let append =
        Append { author: by.author(), nonce, content: Content::Event { what }, seen: None };
    writer::append(app, by.seat(), append).await
}

/// Gives all conversations of an agent back to the queue; how many. What she has no longer by then is passed over, so
/// that it may be begun again.
pub async fn give_back(app: &App, agent: AgentId, name: &str) -> Result<usize> {
    let (mut given, mut below) = (0, None);
    let sight = store::sight_of(app.db.read(), agent).await?;
    let hers = Tab::Mine(agent).into();
    loop {
        let page = store::page(&app.db, &sight, &hers, below, 100).await?;
        let Some((last, _)) = page.last() else { return Ok(given) };
        below = Some(last.id.0);
        for (Conversation { id: conversation, .. }, _) in page {
            let by = AtWork { agent, name: name.to_owned(), conversation };
            match happen(app, by, Nonce::new(), Happening::Requeued).await {
                Ok(_) => given += 1,
                Err(Error::Conflict(_) | Error::NotFound) => {}
                Err(error) => return Err(error),
            }
        }
    }
}

/// So much is given back in one turn.
const GIVEN_AT_ONCE: u64 = 200;

/// Gives back what these have who work here no more, put off or not; how many. Asked again and again, as a colleague may
/// hand something over to one of them in the moment they go.
pub async fn give_back_of(app: &App, gone: &[AgentId]) -> Result<u64> {
    if gone.is_empty() {
        return Ok(0);
    }
    let mut given = 0;
    for held in store::held_by(&app.db, gone, GIVEN_AT_ONCE).await? {
        let Some(had) = held.assignee else { continue };
        let by = AtWork { agent: had.id, name: had.name, conversation: held.id };
        match happen(app, by, Nonce::new(), Happening::Requeued).await {
            Ok(_) => given += 1,
            // Somebody was faster.
            Err(Error::Conflict(_) | Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(given)
}

/// A visitor has read up to `seq`.
pub async fn read_as_visitor(
    app: &App,
    contact: ContactId,
    conversation: PublicId,
    seq: i64,
) -> Result<()> {
    read(app, Seat::Visitor { contact, conversation }, Side::Visitor, seq).await
}

/// An agent has read up to `seq`.
pub async fn read_as_agent(app: &App, by: &AtWork, seq: i64) -> Result<()> {
    read(app, by.seat(), Side::Agent, seq).await
}

/// Makes a conversation count as unread again for everybody who sees its row. How far anybody has read stays as it is: that only
/// grows, and the visitor is shown it. Done twice it comes to the same, so it has no nonce and is no entry, as reading is none.
pub async fn mark_unread(app: &App, by: &AtWork) -> Result<()> {
    let (app, seat) = (app.clone(), by.seat());
    to_the_end(async move {
        let tx = app.db.begin().await?;
        let mut held = store::lock(&tx, &seat).await?;
        let answered = held.conversation.answer.as_ref().map_or(0, |answer| answer.seq);
        let said = store::unread_after(&tx, held.conversation.id, answered).await?;
        if held.conversation.forget_reading(said)? {
            store::update(&tx, &mut held).await?;
            let summary = held.summary();
            tx.commit().await?;
            app.bus.publish(Event::RowChanged(Box::new(summary)));
        }
        Ok(())
    })
    .await
}

/// The log of a range (`After` a number) as soon as it holds something that the audience may see, or as it is when the
/// patience ends.
pub async fn wait_for_news(
    app: &App,
    conversation: ConversationId,
    audience: Side,
    mut range: Range,
    patience: Duration,
) -> Result<History> {
    let until = Instant::now() + patience;
    // Listen before reading, so that nothing falls between the two.
    let mut news = app.bus.subscribe(Topic::Conversation(conversation));
    loop {
        let history = store::history(app.db.read(), conversation, range).await?;
        if history.shown_to(audience).next().is_some() {
            return Ok(history);
        }
        // What came and is not for this audience is not read again.
        if let (Range::After(after, _), Some(last)) = (&mut range, history.entries.last()) {
            *after = last.seq;
        }
        loop {
            tokio::select! {
                told = news.recv() => match told {
                    Ok(told) if told.event.reaches().is_none() => {}
                    Ok(_) | Err(RecvError::Lagged(_)) => break,
                    Err(RecvError::Closed) => return Ok(history),
                },
                () = sleep_until(until) => return Ok(history),
                // The process leaves: whoever waits asks the next one.
                () = app.streams.draining.cancelled() => return Ok(history),
            }
        }
    }
}

/// So many conversations are forgotten in one transaction.
const FORGOTTEN_AT_ONCE: u64 = 200;

/// Forgets conversations that were closed before a moment, and visitors who have no other; how many.
pub async fn forget_closed_before(app: &App, before: Timestamp) -> Result<u64> {
    let mut forgotten = 0;
    loop {
        let tx = app.db.begin().await?;
        let contacts = store::remove_closed_before(&tx, before, FORGOTTEN_AT_ONCE).await?;
        if contacts.is_empty() {
            return Ok(forgotten);
        }
        forgotten += u64::try_from(contacts.len()).unwrap_or(u64::MAX);
        contact::forget(&tx, &store::without_conversations(&tx, contacts).await?).await?;
        tx.commit().await?;
    }
}

/// Forgets those whom a site knew under an id, who never spoke or of whom nothing is left, and who were not here since a moment; how
/// many.
pub async fn forget_silent_since(app: &App, before: Timestamp) -> Result<u64> {
    let mut forgotten = 0;
    loop {
        let tx = app.db.begin().await?;
        let mut silent = store::silent_since(&tx, before, FORGOTTEN_AT_ONCE).await?;
        silent.sort_unstable();
        silent.dedup();
        for one in &silent {
            // Whoever begins to speak in this moment holds the contact.
            contact::lock(&tx, *one).await?;
        }
        let silent = store::without_conversations(&tx, silent).await?;
        if silent.is_empty() {
            return Ok(forgotten);
        }
        forgotten += u64::try_from(silent.len()).unwrap_or(u64::MAX);
        contact::forget(&tx, &silent).await?;
        tx.commit().await?;
    }
}

/// A visitor signs out: the token opens no doors any more, and whatever is open by it ends.
pub async fn forget(app: &App, token: &TokenHash) -> Result<()> {
    let access = Access::VisitorToken(token.name());
    let tx = app.db.begin().await?;
    contact::end_token(&tx, token, app.clock.now()).await?;
    agent::note_lost_access(&tx, &access).await?;
    tx.commit().await?;
    app.bus.publish(Event::AccessLost { access });
    Ok(())
}

/// The most rows that are told at once: the newest of a contact's. The others are right when the page is loaded.
const TOLD: usize = 200;

/// Tells whoever follows the desk's lists that rows changed without an entry; after the commit that changed them.
pub async fn tell_rows(app: &App, ids: &[ConversationId]) -> Result<()> {
    let ids = &ids[..ids.len().min(TOLD)];
    if ids.is_empty() {
        return Ok(());
    }
    for row in store::summaries_of(&app.db, ids).await? {
        app.bus.publish(Event::RowChanged(Box::new(row)));
    }
    Ok(())
}

/// Whole logs, each of a visitor of its own who has the same number: to try kefu with many.
pub async fn plant(app: &App, logs: &[Log]) -> Result<()> {
    let tx = app.db.begin().await?;
    let visitors: Vec<_> = logs.iter().map(|log| log.head.contact).collect();
    contact::plant(&tx, &visitors, app.clock.now()).await?;
    store::plant(&tx, logs).await?;
    Ok(tx.commit().await?)
}

/// Once all were planted, others get the numbers after theirs.
pub async fn all_planted(app: &App) -> Result<()> {
    let tx = app.db.begin().await?;
    contact::all_planted(&tx).await?;
    store::all_planted(&tx).await?;
    Ok(tx.commit().await?)
}

/// A visitor is writing.
pub async fn type_as_visitor(app: &App, contact: ContactId, conversation: PublicId) -> Result<()> {
    let seat = Seat::Visitor { contact, conversation };
    let head = store::find_for(app.db.read(), &seat).await?;
    let who = match must_be_heard(app, &head).await {
        // Who is blocked is not announced, and need not be told so at every key.
        Err(Error::Forbidden(BLOCKED)) => return Ok(()),
        heard => heard?,
    };
    typed(app, head.id, Author::Visitor { id: who.id, name: who.name });
    Ok(())
}

/// An agent is writing.
pub async fn type_as_agent(app: &App, by: &AtWork) -> Result<()> {
    let head = store::find_for(app.db.read(), &by.seat()).await?;
    typed(app, head.id, by.author());
    Ok(())
}

/// What a page of an agent's desk shows from now on: its stream, wherever that is, lets colleagues know. To be said of what she
/// was shown, and so may see.
pub fn turn_page(app: &App, agent: AgentId, page: Nonce, to: Option<ConversationId>) {
    app.bus.publish(Event::PageTurned { agent, page, to });
}

fn typed(app: &App, conversation: ConversationId, by: Author) {
    app.bus.publish(Event::Typed { conversation, by });
}

async fn read(app: &App, seat: Seat, reader: Side, seq: i64) -> Result<()> {
    let app = app.clone();
    to_the_end(async move { try_read(&app, &seat, reader, seq).await }).await
}

async fn try_read(app: &App, seat: &Seat, reader: Side, seq: i64) -> Result<()> {
    let tx = app.db.begin().await?;
    let mut held = store::lock(&tx, seat).await?;
    let (conversation, seq) = (held.conversation.id, seq.min(held.conversation.last_seq));
    let before = store::mark(&tx, conversation, reader).await?;
    let (furthest, moved) = store::advance(&tx, conversation, seat, seq, app.clock.now()).await?;
    let mut counted = false;
    if let Seat::Agent { id, .. } = seat
        && held.conversation.is_assigned_to(*id)
        && held.conversation.state != State::Closed
        // What was marked as unread is read once more although nobody gets any further.
        && (moved || held.conversation.unread > 0)
    {
        let unread = store::unread_after(&tx, conversation, furthest).await?;
        counted = moved || unread != held.conversation.unread;
        held.conversation.unread = unread;
    }
    if counted {
        store::update(&tx, &mut held).await?;
    } else if !moved {
        return Ok(());
    }
    let after = store::mark(&tx, conversation, reader).await?;
    let summary = held.summary();
    tx.commit().await?;
    let mark = if after == before { 0 } else { after.at_entry };
    app.bus.publish(Event::ReadMoved(Box::new(ReadMoved {
        reader,
        seq: after.seq,
        mark,
        summary,
    })));
    Ok(())
}

impl AtWork {
    pub fn seat(&self) -> Seat {
        Seat::Agent { id: self.agent, conversation: self.conversation }
    }
    pub fn author(&self) -> Author {
        Author::Agent { id: self.agent, name: self.name.clone() }
    }
}

/// The writer knows the names of those whose conversations it writes.
fn unnamed(id: ContactId) -> Author {
    Author::Visitor { id, name: String::new() }
}
