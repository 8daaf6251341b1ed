//! What agents do with a conversation beside answering: hand it over, ask for help, put it off, say how much it matters and
//! what it is about. What needs rows beside the log's own is written in the same transaction.
use super::{
    actions::{AtWork, happen},
    model::{Append, Assignee, Body},
    store,
    writer::{self, Sent},
};
use crate::{
    app::{App, to_the_end},
    error::{Error, Result},
    event::{Author, Content, Entry, Happening, Mention, Priority, With},
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
        let sent = writer::write(&tx, held, &handed, at).await?;
        let mut told = vec![sent.clone()];
        if let Some(body) = note.filter(|_| !sent.duplicate) {
            let with = With { mentions, ..With::default() };
            let content = Content::Note { body: body.into(), with };
            let (author, nonce) = (by.author(), Nonce::new());
            // Whoever hands it over may not see it any more.
            let held = store::lock_again(&tx, by.conversation).await?;
            let note = Append { author, nonce, content, seen: None };
            told.push(writer::write(&tx, held, &note, at).await?);
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
        let sent = writer::write(&tx, held, &asked, app.clock.now()).await?;
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

/// The tags of a conversation from now on, which are among the `known` ones, each with its name; `None` if it carries just these already, or if this was done
/// before, whatever it carries since.
pub async fn retag(
    app: &App,
    by: AtWork,
    nonce: Nonce,
    tags: Vec<(TagId, String)>,
    known: Vec<(TagId, String)>,
) -> Result<Option<Sent>> {
    let tags: Vec<TagId> = tags.into_iter().map(|(id, _)| id).collect();
    set_tags(app, by, nonce, known, move |_| tags).await
}

/// Puts tags on, each with its name, beside those that a conversation carries; `None` as for [`retag`].
pub async fn tag_also(
    app: &App,
    by: AtWork,
    nonce: Nonce,
    tags: Vec<(TagId, String)>,
) -> Result<Option<Sent>> {
    let more: Vec<TagId> = tags.iter().map(|(id, _)| *id).collect();
    set_tags(app, by, nonce, tags, move |before| {
        let new = more.into_iter().filter(|id| !before.contains(id));
        before.iter().copied().chain(new).collect()
    })
    .await
}

/// What it carries is looked at under its lock, so that two who tag at once do not undo each other. Only `known` ones have a
/// name that can be told.
async fn set_tags(
    app: &App,
    by: AtWork,
    nonce: Nonce,
    known: Vec<(TagId, String)>,
    wanted: impl FnOnce(&[TagId]) -> Vec<TagId> + Send + 'static,
) -> Result<Option<Sent>> {
    let app = app.clone();
    to_the_end(async move {
        let tx = app.db.begin().await?;
        let asked =
            |added, removed| append(&by, nonce.clone(), Happening::Tagged { added, removed });
        let done = asked(Vec::new(), Vec::new());
        let mut held = writer::hold(&tx, &by.seat(), &done).await?;
        let made = store::made_by(&tx, std::iter::once((by.conversation, &done))).await?;
        let is_tagging = |entry: &Entry| {
            matches!(entry.content, Content::Event { what: Happening::Tagged { .. } })
        };
        if made.values().any(is_tagging) {
            return Ok(None);
        }
        let before = held.conversation.tags.clone();
        let wanted = wanted(&before);
        let names = |is_told: &dyn Fn(&TagId) -> bool| -> Vec<String> {
            known.iter().filter(|(id, _)| is_told(id)).map(|(_, name)| name.clone()).collect()
        };
        let added = names(&|id| wanted.contains(id) && !before.contains(id));
        let removed = names(&|id| before.contains(id) && !wanted.contains(id));
        if added.is_empty() && removed.is_empty() {
            return Ok(None);
        }
        held.conversation.tags = wanted;
        store::set_tags(&tx, &held.conversation).await?;
        let sent = writer::write(&tx, held, &asked(added, removed), app.clock.now()).await?;
        tx.commit().await?;
        writer::tell(&app, &sent);
        Ok(Some(sent))
    })
    .await
}

/// So many conversations are woken in one turn.
const WOKEN_AT_ONCE: u64 = 200;

/// Brings back what was put off until now; how many. Each in the name of whoever has it.
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
        let held = store::lock_again(&tx, id).await?;
        let is_due = held.conversation.snoozed_until.is_some_and(|until| until <= now);
        let had = held.conversation.assignee.clone().filter(|_| is_due);
        let Some(Assignee { id: agent, name }) = had else { return Ok(false) };
        let by = AtWork { agent, name, conversation: id };
        let woken = append(&by, Nonce::new(), Happening::Woken);
        let sent = writer::write(&tx, held, &woken, app.clock.now()).await?;
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
