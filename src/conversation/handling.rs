//! What agents do with a conversation beside answering: hand it over, ask for help, put it off, say how much it matters and
//! what it is about. What needs rows beside the log's own is written in the same transaction.
use super::{
    actions::{AtWork, happen},
    model::{Append, Assignee, Body},
    store,
    writer::{self, Sent},
};
use crate::{
    agent,
    app::{App, to_the_end},
    error::{Error, Result},
    event::{Author, Content, Happening, Mention, Priority, With},
    ids::{ConversationId, Nonce, TagId, TeamId},
};
use jiff::Timestamp;

/// To whom a conversation is handed over.
#[derive(Clone, Debug)]
pub enum Recipient {
    Agent(Mention),
    Team { id: TeamId, name: String },
}

/// Gives a conversation to a colleague or a team, with a note for them if there is something to say.
pub async fn transfer(
    app: &App,
    by: AtWork,
    nonce: Nonce,
    to: Recipient,
    note: Option<Body>,
) -> Result<Sent> {
    let app = app.clone();
    to_the_end(async move {
        let at = app.clock.now();
        let tx = app.db.begin().await?;
        let (what, mentions) = match to {
            Recipient::Agent(to) => (Happening::Transferred { to: to.clone() }, vec![to]),
            Recipient::Team { id, name } => {
                (Happening::TransferredToTeam { team: id, name }, Vec::new())
            }
        };
        let handed = append(&by, nonce.clone(), what);
        let held = writer::hold(&tx, &by.seat(), &handed).await?;
        let sent = writer::write(&app, &tx, held, &handed, at).await?;
        let mut told = vec![sent.clone()];
        if let Some(body) = note.filter(|_| !sent.duplicate) {
            let with = With { mentions, ..With::default() };
            let content = Content::Note { body: body.into(), with };
            let (author, nonce) = (by.author(), Nonce::new());
            // Whoever hands it over may not see it any more.
            let held = store::lock_again(&tx, by.conversation).await?;
            let note = Append { author, nonce, content, seen: None };
            told.push(writer::write(&app, &tx, held, &note, at).await?);
        }
        tx.commit().await?;
        told.iter().for_each(|sent| writer::tell(&app, sent));
        Ok(sent)
    })
    .await
}

/// Asks a colleague to help; whoever has the conversation keeps it.
pub async fn invite(app: &App, by: AtWork, nonce: Nonce, agent: Mention) -> Result<Sent> {
    let app = app.clone();
    to_the_end(async move {
        let tx = app.db.begin().await?;
        let asked = append(&by, nonce, Happening::Invited { agent });
        let held = writer::hold(&tx, &by.seat(), &asked).await?;
        let sent = writer::write(&app, &tx, held, &asked, app.clock.now()).await?;
        tx.commit().await?;
        writer::tell(&app, &sent);
        Ok(sent)
    })
    .await
}

/// Puts a conversation off until a moment, or until its visitor writes.
pub async fn snooze(app: &App, by: AtWork, nonce: Nonce, until: Timestamp) -> Result<Sent> {
    happen(app, by, nonce, Happening::Snoozed { until }).await
}

pub async fn prioritize(app: &App, by: AtWork, nonce: Nonce, priority: Priority) -> Result<Sent> {
    happen(app, by, nonce, Happening::Prioritized { priority }).await
}

/// The tags of a conversation from now on, which are among the `known` ones, each with its name; `None` if it carries just
/// these already. A repeat finds what it did, whatever the conversation carries since.
pub async fn retag(
    app: &App,
    by: AtWork,
    nonce: Nonce,
    tags: Vec<(TagId, String)>,
    known: Vec<(TagId, String)>,
) -> Result<Option<Sent>> {
    let tags = ids(&tags);
    set_tags(app, by, nonce, known, move |_| tags).await
}

/// Takes tags `off` and puts others `on`, each with its name, beside those that a conversation carries; as [`retag`] answers.
pub async fn change_tags(
    app: &App,
    by: AtWork,
    nonce: Nonce,
    on: Vec<(TagId, String)>,
    off: Vec<(TagId, String)>,
) -> Result<Option<Sent>> {
    let (more, less) = (ids(&on), ids(&off));
    let known = on.into_iter().chain(off).collect();
    set_tags(app, by, nonce, known, move |before| {
        let kept: Vec<_> = before.iter().copied().filter(|id| !less.contains(id)).collect();
        with(&kept, more)
    })
    .await
}

/// Closes a conversation with tags that say how it ended, each with its name, beside those that it carries: both or neither.
pub async fn close(
    app: &App,
    by: AtWork,
    nonce: Nonce,
    tags: Vec<(TagId, String)>,
) -> Result<Sent> {
    if tags.is_empty() {
        return happen(app, by, nonce, Happening::Closed).await;
    }
    let app = app.clone();
    to_the_end(async move {
        let at = app.clock.now();
        let tx = app.db.begin().await?;
        let closing = append(&by, nonce, Happening::Closed);
        let mut held = writer::hold(&tx, &by.seat(), &closing).await?;
        let made = store::made_by(&tx, std::iter::once((by.conversation, &closing))).await?;
        let mut told = Vec::new();
        let before = &held.conversation.tags;
        let wanted = with(before, ids(&tags));
        if let Some(what) = tagged(before, &wanted, &tags).filter(|_| made.is_empty()) {
            held.conversation.tags = wanted;
            store::set_tags(&tx, &held.conversation).await?;
            let tagging = append(&by, Nonce::new(), what);
            told.push(writer::write(&app, &tx, held, &tagging, at).await?);
            held = store::lock_again(&tx, by.conversation).await?;
        }
        let sent = writer::write(&app, &tx, held, &closing, at).await?;
        tx.commit().await?;
        told.push(sent.clone());
        told.iter().for_each(|sent| writer::tell(&app, sent));
        Ok(sent)
    })
    .await
}

fn ids(tags: &[(TagId, String)]) -> Vec<TagId> {
    tags.iter().map(|(id, _)| *id).collect()
}

/// Those that are there, and more, each once.
fn with(before: &[TagId], more: Vec<TagId>) -> Vec<TagId> {
    let new = more.into_iter().filter(|id| !before.contains(id));
    before.iter().copied().chain(new).collect()
}

/// What is told when these tags take the place of those; `None` where there is nothing to tell. Only `known` ones have a name
/// that can be told.
fn tagged(before: &[TagId], wanted: &[TagId], known: &[(TagId, String)]) -> Option<Happening> {
    let names = |is_told: &dyn Fn(&TagId) -> bool| -> Vec<String> {
        known.iter().filter(|(id, _)| is_told(id)).map(|(_, name)| name.clone()).collect()
    };
    let added = names(&|id| wanted.contains(id) && !before.contains(id));
    let removed = names(&|id| before.contains(id) && !wanted.contains(id));
    let nothing = added.is_empty() && removed.is_empty();
    (!nothing).then_some(Happening::Tagged { added, removed })
}

/// What it carries is looked at under its lock, so that two who tag at once do not undo each other.
async fn set_tags(
    app: &App,
    by: AtWork,
    nonce: Nonce,
    known: Vec<(TagId, String)>,
    wanted: impl FnOnce(&[TagId]) -> Vec<TagId> + Send + 'static,
) -> Result<Option<Sent>> {
    let app = app.clone();
    to_the_end(async move {
        let at = app.clock.now();
        let tx = app.db.begin().await?;
        let nothing = Happening::Tagged { added: Vec::new(), removed: Vec::new() };
        let mut asked = append(&by, nonce, nothing);
        let mut held = writer::hold(&tx, &by.seat(), &asked).await?;
        let made = store::made_by(&tx, std::iter::once((by.conversation, &asked))).await?;
        let done = made.into_values().map(|entry| entry.content).find(is_tagging);
        if let Some(content) = done {
            let again = Append { content, ..asked };
            let sent = writer::write(&app, &tx, held, &again, at).await?;
            writer::tell(&app, &sent);
            return Ok(Some(sent));
        }
        let wanted = wanted(&held.conversation.tags);
        let Some(what) = tagged(&held.conversation.tags, &wanted, &known) else {
            return Ok(None);
        };
        asked.content = Content::Event { what };
        held.conversation.tags = wanted;
        store::set_tags(&tx, &held.conversation).await?;
        let sent = writer::write(&app, &tx, held, &asked, at).await?;
        tx.commit().await?;
        writer::tell(&app, &sent);
        Ok(Some(sent))
    })
    .await
}

fn is_tagging(content: &Content) -> bool {
    matches!(content, Content::Event { what: Happening::Tagged { .. } })
}

/// So many conversations are woken in one turn.
const WOKEN_AT_ONCE: u64 = 200;

/// Brings back what was put off until now; how many. Each in the name of whoever has it; if she is not there, into the queue.
pub async fn wake_due(app: &App) -> Result<u64> {
    let (mut woken, now) = (0, app.db.now().await?);
    for due in store::due(&app.db, now, WOKEN_AT_ONCE).await? {
        match wake(app, due.id, now).await {
            Ok(true) => woken += 1,
            // Somebody was faster, closed it, or put it off once more; or it was forgotten.
            Ok(false) | Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(woken)
}

/// Wakes one that is due, if it is still; whether it was.
async fn wake(app: &App, id: ConversationId, now: Timestamp) -> Result<bool> {
    let app = app.clone();
    to_the_end(async move {
        let tx = app.db.begin().await?;
        let mut held = store::lock_again(&tx, id).await?;
        let is_due = held.conversation.snoozed_until.is_some_and(|until| until <= now);
        let had = held.conversation.assignee.clone().filter(|_| is_due);
        let Some(Assignee { id: whose, name }) = had else { return Ok(false) };
        // Nobody has seen yet that it is back.
        held.conversation.forget_reading(0)?;
        let is_there = agent::is_there(&app, &tx, whose).await?;
        let what = if is_there { Happening::Woken } else { Happening::Requeued };
        let by = AtWork { agent: whose, name, conversation: id };
        let back = append(&by, Nonce::new(), what);
        let sent = writer::write(&app, &tx, held, &back, app.clock.now()).await?;
        tx.commit().await?;
        writer::tell(&app, &sent);
        Ok(true)
    })
    .await
}

fn append(by: &AtWork, nonce: Nonce, what: Happening) -> Append {
    let author: Author = by.author();
    Append { author, nonce, content: Content::Event { what }, seen: None }
}
