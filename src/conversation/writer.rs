//! The log's writer: the only way an entry comes to be. Lock, check, number, insert, commit; only then the answers and the
//! news. A commit takes long, however much is in it; so what arrives while one is under way goes into the next one
//! together, each append still under its own rules.
use super::{
    model::{Append, Conversation, Seat},
    store::{self, Held},
};
use crate::{
    app::{App, in_time},
    contact,
    db::Tx,
    error::{Error, Result},
    event::{Appended, Author, Entry, Event, Side},
    ids::{ContactId, ConversationId},
    site,
};
use jiff::Timestamp;
use std::{
    collections::{HashMap, HashSet, VecDeque, hash_map},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Instant,
};
use tokio::sync::oneshot;
use tracing::Instrument;

/// The most appends in one transaction: more would make the first wait for the last.
const TOGETHER: usize = 64;

/// Transactions at once, where the database can: one whose line fell silent does not stop everybody. Few, so that each is
/// of many.
const LEADS: usize = 2;

/// What became of an append: the entry it made, or the one that its nonce had made before.
#[derive(Clone, Debug)]
pub struct Sent {
    pub appended: Appended,
    pub conversation: Conversation,
    pub duplicate: bool,
}

/// Goes on to its end even if whoever asked has hung up meanwhile.
pub async fn append(app: &App, seat: Seat, append: Append) -> Result<Sent> {
    let (answer, answered) = oneshot::channel();
    let queue = app.kept.of::<Queue>();
    let leads = if app.db.is_embedded() { 1 } else { LEADS };
    let new = Waiting { seat, append, answer, since: Instant::now() };
    if let Some(lead) = queue.push(new, leads) {
        tokio::spawn(commit_all(app.clone(), lead).in_current_span());
    }
    let dropped = |_| Error::Unavailable(anyhow::anyhow!("a commit came to no end"));
    answered.await.map_err(dropped)?
}

/// An append that waits for its transaction.
#[derive(Debug)]
struct Waiting {
    seat: Seat,
    append: Append,
    answer: oneshot::Sender<Result<Sent>>,
    since: Instant,
}

#[derive(Debug, Default)]
struct Queue(Mutex<Line>);

#[derive(Debug, Default)]
struct Line {
    waiting: VecDeque<Waiting>,
    /// How many are committing.
    leads: usize,
}

/// Whoever commits what waits, one transaction after the other, until nothing does.
#[derive(Debug)]
struct Lead(Option<Arc<Queue>>);

impl Drop for Lead {
    /// Only a panic leaves something waiting: whoever does hears that nothing is known.
    fn drop(&mut self) {
        if let Some(queue) = self.0.take() {
            let mut line = queue.line();
            line.leads -= 1;
            line.waiting.clear();
        }
    }
}

impl Queue {
    /// Nothing panics while it is locked.
    fn line(&self) -> MutexGuard<'_, Line> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A lead, if there are not so many yet.
    fn push(self: Arc<Self>, new: Waiting, leads: usize) -> Option<Lead> {
        let mut line = self.line();
        line.waiting.push_back(new);
        if line.leads == leads {
            return None;
        }
        line.leads += 1;
        drop(line);
        Some(Lead(Some(self)))
    }
}

impl Lead {
    /// What goes into one transaction: of each seat the first that waits, and a power of two of them, so that few different
    /// statements have to be prepared. The lead ends when nothing waits.
    fn take(&mut self) -> Option<Vec<Waiting>> {
        let queue = self.0.clone()?;
        let mut line = queue.line();
        let mut seats = HashSet::new();
        let (mut taken, mut left): (VecDeque<_>, VecDeque<_>) = (line.waiting.drain(..))
            .partition(|one| seats.len() < TOGETHER && seats.insert(one.seat.clone()));
        let Some(power) = taken.len().checked_ilog2() else {
            line.leads -= 1;
            self.0 = None;
            return None;
        };
        for one in taken.split_off(1 << power).into_iter().rev() {
            left.push_front(one);
        }
        line.waiting = left;
        Some(taken.into())
    }
}

async fn commit_all(app: App, mut lead: Lead) {
    while let Some(batch) = lead.take() {
        match in_time(commit(&app, &batch)).await {
            Ok(outcomes) => {
                for (one, outcome) in batch.into_iter().zip(outcomes) {
                    match outcome {
                        Some(outcome) => one.hears(&app, outcome),
                        // Another transaction holds the conversation, or it does not exist.
                        None => drop(tokio::spawn(alone(app.clone(), one).in_current_span())),
                    }
                }
            }
            Err(Error::Unavailable(error)) => {
                for one in batch {
                    one.hears(&app, Err(Error::Unavailable(anyhow::anyhow!("{error:#}"))));
                }
            }
            // One that cannot be stored keeps nobody else from it.
            Err(_) => {
                for one in batch {
                    tokio::spawn(alone(app.clone(), one).in_current_span());
                }
            }
        }
    }
}

impl Waiting {
    /// After the commit, if there was one.
    fn hears(self, app: &App, outcome: Result<Sent>) {
        if let Ok(sent) = &outcome {
            app.metrics.appended(self.since.elapsed());
            tell(app, sent);
        }
        // Whoever asked may have hung up.
        let _ = self.answer.send(outcome);
    }
}

async fn alone(app: App, one: Waiting) {
    let outcome = in_time(async {
        let tx = app.db.begin().await?;
        let held = store::lock(&tx, &one.seat).await?;
        let sent = write(&tx, held, &one.append, app.clock.now()).await?;
        tx.commit().await?;
        Ok(sent)
    });
    let outcome = outcome.await;
    one.hears(&app, outcome);
}

/// What became of each; nothing of those whose conversation another transaction holds.
async fn commit(app: &App, batch: &[Waiting]) -> Result<Vec<Option<Result<Sent>>>> {
    let seats: Vec<_> = batch.iter().map(|one| &one.seat).collect();
    let tx = app.db.begin().await?;
    let mut free = store::lock_free(&tx, &seats).await?;
    let mut outcomes: Vec<_> = batch.iter().map(|_| None).collect();
    let (mut places, mut appends) = (Vec::new(), Vec::new());
    for (place, one) in batch.iter().enumerate() {
        if let Some(at) = free.iter().position(|held| held.is_of(&one.seat)) {
            places.push(place);
            appends.push((free.swap_remove(at), &one.append));
        }
    }
    let written = write_all(&tx, appends, app.clock.now()).await?;
    tx.commit().await?;
    for (place, outcome) in places.into_iter().zip(written) {
        outcomes[place] = Some(outcome);
    }
    Ok(outcomes)
}

/// Inside a transaction that holds the conversation. Tell the news once it has committed.
pub async fn write(tx: &Tx, held: Held, append: &Append, at: Timestamp) -> Result<Sent> {
    let mut written = write_all(tx, vec![(held, append)], at).await?;
    written.pop().unwrap_or(Err(Error::NotFound))
}

/// What an append comes to under its rules.
enum Verdict {
    New(Entry),
    /// Its nonce has made this before.
    Made(Entry),
    Refused(Error),
}

/// The same in several conversations, with as many questions as for one; what is refused changes nothing.
async fn write_all(
    tx: &Tx,
    mut appends: Vec<(Held, &Append)>,
    at: Timestamp,
) -> Result<Vec<Result<Sent>>> {
    let id = |held: &Held| held.conversation.id;
    let made = store::made_by(tx, appends.iter().map(|(held, append)| (id(held), *append))).await?;
    let last = |(held, _): &(Held, _)| (id(held), held.conversation.last_seq);
    let before = store::at(tx, appends.iter().map(last)).await?;
    let contacts = appends.iter().map(|(held, _)| held.conversation.contact).collect();
    let names = contact::names(tx, contacts).await?;
    let verdicts: Vec<_> = (appends.iter_mut())
        .map(|(held, append)| judge(&mut held.conversation, append, &made, &names, at))
        .collect();

    let new = |verdict: &Verdict| matches!(verdict, Verdict::New(_));
    let entries = appends.iter().zip(&verdicts).filter_map(|((held, append), verdict)| {
        if let Verdict::New(entry) = verdict {
            Some((id(held), entry, &append.nonce))
        } else {
            None
        }
    });
    store::insert(tx, entries).await?;
    let changed = appends.iter_mut().zip(&verdicts).filter(|(_, verdict)| new(verdict));
    store::update(tx, changed.map(|((held, _), _)| held)).await?;

    let mut zones = HashMap::new();
    let mut outcomes = Vec::with_capacity(appends.len());
    for ((held, _), verdict) in appends.into_iter().zip(verdicts) {
        let conversation = held.conversation;
        let (entry, before_desk, duplicate) = match verdict {
            Verdict::New(entry) => (entry, before.get(&conversation.id).cloned(), false),
            Verdict::Made(entry) => {
                let before = store::before(tx, conversation.id, entry.seq, Side::Agent).await?;
                (entry, before, true)
            }
            Verdict::Refused(error) => {
                outcomes.push(Err(error));
                continue;
            }
        };
        let before_visitor = match &before_desk {
            Some(before) if !before.is_for(Side::Visitor) => {
                store::before(tx, conversation.id, entry.seq, Side::Visitor).await?
            }
            both => both.clone(),
        };
        let zone = match zones.entry(conversation.site) {
            hash_map::Entry::Occupied(known) => known.into_mut(),
            hash_map::Entry::Vacant(new) => {
                new.insert(site::find(tx, conversation.site).await?.zone)
            }
        };
        let name = names.get(&conversation.contact).ok_or(Error::NotFound)?.clone();
        let summary = conversation.summary(name, zone.clone());
        let appended = Appended { entry, before_visitor, before_desk, summary };
        outcomes.push(Ok(Sent { appended, conversation, duplicate }));
    }
    Ok(outcomes)
}

/// The conversation goes on only if the append is new and its rules allow it.
fn judge(
    conversation: &mut Conversation,
    append: &Append,
    made: &HashMap<ConversationId, Entry>,
    names: &HashMap<ContactId, String>,
    at: Timestamp,
) -> Verdict {
    match made.get(&conversation.id) {
        Some(entry) if entry.content == append.content => Verdict::Made(entry.clone()),
        Some(_) => Verdict::Refused(Error::NonceReused),
        None => match conversation.clone().accept(append, at) {
            Ok(next) => {
                *conversation = next;
                Verdict::New(Entry {
                    seq: conversation.last_seq,
                    author: named(&append.author, names),
                    content: append.content.clone(),
                    at,
                })
            }
            Err(refusal) => Verdict::Refused(refusal),
        },
    }
}

/// An agent's name comes with her, a visitor's is known with the conversation.
fn named(author: &Author, names: &HashMap<ContactId, String>) -> Author {
    match author {
        Author::Visitor { id, .. } => {
            Author::Visitor { id: *id, name: names.get(id).cloned().unwrap_or_default() }
        }
        Author::Agent { .. } => author.clone(),
    }
}

pub fn tell(app: &App, sent: &Sent) {
    if sent.duplicate {
        app.metrics.duplicates.inc();
    } else {
        app.metrics.acknowledged.inc();
        app.bus.publish(Event::EntryAppended(Box::new(sent.appended.clone())));
    }
}
