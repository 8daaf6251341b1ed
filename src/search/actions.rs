//! Letting what was said be found, after the fact: who sends waits for none of it.
use super::finding::said;
use crate::{
    app::App,
    contact,
    conversation::{self, Log, Searched},
    error::Result,
    event::Entry,
    ids::{ContactId, ConversationId},
    index::{self, Doc, Kind, Place, Position},
    text,
};
use jiff::SignedDuration;
use std::collections::{BTreeMap, BTreeSet};

/// Logs that are looked at in one turn, and in one transaction; and entries that are read for that.
const LOGS: u64 = 200;
const LOGS_TOGETHER: usize = 25;
const ENTRIES: u64 = 500;
/// People whose names are looked at in one turn.
const PEOPLE: u64 = 200;
/// Transactions commit out of the order of their clocks, by no more than this.
const SLACK: SignedDuration = SignedDuration::from_secs(30);
/// How far was looked is noted when it moved so far; whoever takes over looks at little twice.
const NOTED: SignedDuration = SignedDuration::from_secs(10);

/// What a turn did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Entries that can be found now.
    pub entries: u64,
    /// Logs that are still to be looked at, at least.
    pub behind: u64,
}

/// Looks at some logs that cannot be searched to their end: first those that changed of late, then, from the oldest on, those
/// at which nobody looked yet, as all are in a database that was there before, was restored or sown.
pub async fn take_turn(app: &App) -> Result<Turn> {
    let now = app.db.now().await?;
    let noted = index::position(&app.db, &app.epoch).await?;
    let mut position =
        noted.unwrap_or(Position { conversation: ConversationId(0), touched_at: now });
    let since = position.touched_at - SLACK;
    let changed = conversation::unsearched_since(&app.db, since, LOGS).await?;
    let (mut entries, done) = make_searchable(app, &changed).await?;
    if (changed.len() as u64) < LOGS && done.len() == changed.len() {
        position.touched_at = now;
    }
    let next = conversation::searched_after(&app.db, position.conversation, LOGS).await?;
    let unsearched: Vec<_> =
        next.iter().filter(|log| log.last_seq > log.searched).copied().collect();
    let (more, whole) = make_searchable(app, &unsearched).await?;
    entries += more;
    let is_whole =
        |log: &&Searched| log.last_seq <= log.searched || whole.contains(&log.conversation);
    if let Some(last) = next.iter().take_while(is_whole).last() {
        position.conversation = last.conversation;
    }
    let moved = noted.is_none_or(|noted| {
        noted.conversation != position.conversation
            || position.touched_at - noted.touched_at > NOTED
    });
    if moved {
        index::put_position(&app.db, &app.epoch, position).await?;
    }
    let newest = conversation::newest(&app.db, position.conversation).await?;
    let unseen = newest.0.saturating_sub(position.conversation.0);
    let unnamed = u64::from(sound(app).await?);
    let behind = (changed.len() - done.len()) as u64 + u64::try_from(unseen).unwrap_or(0) + unnamed;
    Ok(Turn { entries, behind })
}

/// Lets some people be found by how their names sound who could be found before that was kept; whether there are more.
async fn sound(app: &App) -> Result<bool> {
    let after = index::sounded(&app.db, &app.epoch).await?;
    if after == Some(index::EVERYBODY) {
        return Ok(false);
    }
    let tx = app.db.begin().await?;
    let last = contact::index_after(&tx, after.unwrap_or(ContactId(0)), PEOPLE).await?;
    tx.commit().await?;
    index::put_sounded(&app.db, &app.epoch, last).await?;
    Ok(last.is_some())
}

/// Returns how many entries can be found now, and which of the logs can be searched to their end.
async fn make_searchable(app: &App, logs: &[Searched]) -> Result<(u64, BTreeSet<ConversationId>)> {
    let (mut entries, mut whole) = (0, BTreeSet::new());
    for logs in logs.chunks(LOGS_TOGETHER) {
        let ends = logs.iter().map(|log| (log.conversation, log.searched));
        let read = conversation::entries_after(&app.db, ends, ENTRIES).await?;
        let mut reached: BTreeMap<_, _> =
            logs.iter().map(|log| (log.conversation, log.searched)).collect();
        for (id, entry) in &read {
            reached.insert(*id, entry.seq);
        }
        // Whoever is new here may have a name.
        let new: Vec<_> =
            logs.iter().filter(|log| log.searched == 0).map(|log| log.contact).collect();
        let amended = amended(app, &read, logs).await?;
        let docs: Vec<Doc> = read.iter().chain(&amended).map(doc).collect();
        let again: Vec<_> = amended.iter().map(|(id, entry)| place(*id, entry)).collect();
        let tx = app.db.begin().await?;
        index::remove(&tx, &again).await?;
        index::put(&tx, &docs).await?;
        contact::index_again(&tx, &new).await?;
        let further = reached.iter().map(|(id, seq)| (*id, *seq));
        index::advance(&tx, further).await?;
        tx.commit().await?;
        entries += docs.iter().filter(|doc| !doc.terms.is_empty()).count() as u64;
        let reaches_end = |log: &&Searched| {
            reached.get(&log.conversation).is_some_and(|seq| *seq >= log.last_seq)
        };
        whole.extend(logs.iter().filter(reaches_end).map(|log| log.conversation));
    }
    Ok((entries, whole))
}

/// Entries that could be found before, and were edited or recalled since: as they are now.
async fn amended(
    app: &App,
    read: &[(ConversationId, Entry)],
    logs: &[Searched],
) -> Result<Vec<(ConversationId, Entry)>> {
    let searched: BTreeMap<_, _> =
        logs.iter().map(|log| (log.conversation, log.searched)).collect();
    let targets: BTreeSet<_> = read
        .iter()
        .filter_map(|(id, entry)| Some((*id, entry.amends()?)))
        .filter(|(id, seq)| searched.get(id).is_some_and(|searched| seq <= searched))
        .collect();
    let found = conversation::entries_at(&app.db, targets.into_iter()).await?;
    Ok(found.into_iter().map(|((id, _), entry)| (id, entry)).collect())
}

/// Lets an entry be found by what it says now. Edits and recalls need not ask for it: their own entries do.
pub async fn index_again(app: &App, conversation: ConversationId, seq: i64) -> Result<()> {
    let found = conversation::entries_at(&app.db, [(conversation, seq)].into_iter()).await?;
    let docs: Vec<_> = found.into_iter().map(|((id, _), entry)| doc(&(id, entry))).collect();
    let place = Place { kind: Kind::Entry, owner: conversation.0, seq };
    let tx = app.db.begin().await?;
    index::remove(&tx, &[place]).await?;
    index::put(&tx, &docs).await?;
    Ok(tx.commit().await?)
}

/// Whole logs at which nobody looked yet: to try kefu with many.
pub async fn plant(app: &App, logs: &[Log]) -> Result<()> {
    let entries = |log: &Log| {
        let id = log.head.id;
        log.entries.iter().map(move |entry| doc_of(id, entry)).collect::<Vec<_>>()
    };
    let docs: Vec<Doc> = logs.iter().flat_map(entries).collect();
    let tx = app.db.begin().await?;
    index::put(&tx, &docs).await?;
    index::advance(&tx, logs.iter().map(|log| (log.head.id, log.head.last_seq))).await?;
    Ok(tx.commit().await?)
}

/// Once all logs were planted, nobody need look through them.
pub async fn all_planted(app: &App) -> Result<()> {
    let newest = conversation::newest(&app.db, ConversationId(0)).await?;
    let now = app.db.now().await?;
    let position = Position { conversation: newest, touched_at: now };
    index::put_position(&app.db, &app.epoch, position).await?;
    index::put_sounded(&app.db, &app.epoch, None).await
}

fn doc((id, entry): &(ConversationId, Entry)) -> Doc {
    doc_of(*id, entry)
}

fn doc_of(id: ConversationId, entry: &Entry) -> Doc {
    Doc { place: place(id, entry), at: entry.at, terms: text::terms(&said(entry)) }
}

fn place(id: ConversationId, entry: &Entry) -> Place {
    Place { kind: Kind::Entry, owner: id.0, seq: entry.seq }
}
