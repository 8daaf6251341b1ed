//! The log's writer: the only way an entry comes to be. Lock, check, number, insert, commit; only then the answers and the
//! news. A commit takes long, however much is in it; so what arrives while one is under way goes into the next one
//! together, each append still under its own rules.
use super::{
    heads::Heads,
    model::{Append, BLOCKED, Conversation, Seat, UNSIGNED},
    store::{self, Held, Step},
};
use crate::{
    agent,
    app::{App, in_time},
    attachment::{self, Owner},
    db::{Connection, Tx},
    error::{Error, Invalid, Result},
    event::{Access, Appended, Author, Entry, Event, Side},
    ids::{AgentId, ContactId, ConversationId, FileId},
};
use jiff::Timestamp;
use std::{
    collections::{HashMap, HashSet, VecDeque},
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
    /// Who may not see it any more.
    lost: Option<Access>,
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
        let left = commit_known(&app, batch).await;
        if !left.is_empty() {
            let outcomes = in_time(commit(&app, &left)).await;
            answer(&app, left, outcomes);
        }
    }
}

/// Each of a transaction hears what became of it.
fn answer(app: &App, batch: Vec<Waiting>, outcomes: Result<Vec<Option<Result<Sent>>>>) {
    match outcomes {
        Ok(outcomes) => {
            for (one, outcome) in batch.into_iter().zip(outcomes) {
                match outcome {
                    Some(outcome) => one.hears(app, outcome),
                    // Another transaction holds the conversation, or it does not exist.
                    None => drop(tokio::spawn(alone(app.clone(), one).in_current_span())),
                }
            }
        }
        Err(Error::Unavailable(error)) => {
            for one in batch {
                one.hears(app, Err(Error::Unavailable(anyhow::anyhow!("{error:#}"))));
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
        let held = hold(&tx, &one.seat, &one.append).await?;
        let append = one.append.clone().of(held.conversation.contact);
        let sent = write(&app, &tx, held, &append, app.clock.now()).await?;
        tx.commit().await?;
        Ok(sent)
    });
    let outcome = outcome.await;
    one.hears(&app, outcome);
}

/// Holds a conversation for whoever sees it; and for whoever does not any more and only repeats what was done before.
pub async fn hold(tx: &Tx, seat: &Seat, append: &Append) -> Result<Held> {
    match (store::lock(tx, seat).await, seat) {
        (Err(Error::NotFound), Seat::Agent { conversation, .. }) => {
            let made = store::made_by(tx, [(*conversation, append)].into_iter()).await?;
            if made.is_empty() {
                Err(Error::NotFound)
            } else {
                store::lock_again(tx, *conversation).await
            }
        }
        (held, _) => held,
    }
}

/// Commits those whose heads this node knows, and answers them; gives the others, and all if something was not as it was thought.
async fn commit_known(app: &App, batch: Vec<Waiting>) -> Vec<Waiting> {
    if !store::writes_unheld(&app.db) {
        return batch;
    }
    let heads = app.kept.of::<Heads>();
    let (mut known, mut held, mut left) = (Vec::new(), Vec::new(), Vec::new());
    for one in batch {
        // Rows beside the log's own are written in a transaction that holds their conversation; where somebody does not get it
        // back, there may be some.
        let alone = |head: &Held| {
            !one.append.content.needs_rows() && head.conversation.calls_back(&one.append).is_none()
        };
        match heads.take(&one.seat).filter(alone) {
            Some(head) => {
                held.push(head);
                known.push(one);
            }
            None => left.push(one),
        }
    }
    if known.is_empty() {
        return left;
    }
    let mut appends: Vec<_> =
        held.into_iter().zip(&known).map(|(held, one)| (held, &one.append)).collect();
    let (db, now) = (app.db.write(), app.clock.now());
    let written = in_time(write_all(app, db, &mut appends, Granted::Heads, now)).await;
    let held: Vec<_> = appends.into_iter().map(|(held, _)| held).collect();
    match written.transpose() {
        Some(Ok(written)) => {
            held.into_iter().for_each(|held| heads.keep(held));
            answer(app, known, Ok(written.into_iter().map(Some).collect()));
        }
        Some(Err(error)) => answer(app, known, Err(error)),
        None => left.append(&mut known),
    }
    left
}

/// What became of each; nothing of those whose conversation another transaction holds.
async fn commit(app: &App, batch: &[Waiting]) -> Result<Vec<Option<Result<Sent>>>> {
    match commit_held(app, batch, Granted::Nonces).await? {
        Some(outcomes) => Ok(outcomes),
        None => {
            let outcomes = commit_held(app, batch, Granted::Nothing).await?;
            Ok(outcomes.unwrap_or_else(|| batch.iter().map(|_| None).collect()))
        }
    }
}

/// In a transaction that holds them. `None` if what was granted was wrong: nothing is written.
async fn commit_held(
    app: &App,
    batch: &[Waiting],
    granted: Granted,
) -> Result<Option<Vec<Option<Result<Sent>>>>> {
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
    let now = app.clock.now();
    let Some(written) = write_all(app, &tx, &mut appends, granted, now).await? else {
        return Ok(None);
    };
    tx.commit().await?;
    let heads = app.kept.of::<Heads>();
    for ((place, (held, _)), outcome) in places.into_iter().zip(appends).zip(written) {
        heads.keep(held);
        outcomes[place] = Some(outcome);
    }
    Ok(Some(outcomes))
}

/// Inside a transaction that holds the conversation. Tell the news once it has committed.
pub async fn write(app: &App, tx: &Tx, held: Held, append: &Append, at: Timestamp) -> Result<Sent> {
    let written = write_all(app, tx, &mut [(held, append)], Granted::Nothing, at).await?;
    written.and_then(|mut written| written.pop()).unwrap_or(Err(Error::NotFound))
}

/// What is taken for granted. The database takes nothing if it was wrong, and then less is granted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Granted {
    /// Nothing: the conversations are held, and what their nonces made before is asked.
    Nothing,
    /// The conversations are held; none of the nonces has made anything before.
    Nonces,
    /// Nor are the conversations held: they are as this node knows them.
    Heads,
}

/// What an append comes to under its rules.
enum Verdict {
    /// With who is asked to help by it, and who may not see the conversation any more.
    New(Entry, Vec<AgentId>, Option<Access>),
    /// Its nonce has made this before.
    Made(Entry),
    Refused(Error),
}

/// The same in several conversations, with as many questions as for one; what is refused changes nothing. Nothing is
/// written, and `None` returned, if what was granted is not so.
async fn write_all(
    app: &App,
    db: &impl Connection,
    appends: &mut [(Held, &Append)],
    granted: Granted,
    at: Timestamp,
) -> Result<Option<Vec<Result<Sent>>>> {
    let id = |held: &Held| held.conversation.id;
    let made = match granted {
        Granted::Nothing => {
            store::made_by(db, appends.iter().map(|(held, append)| (id(held), *append))).await?
        }
        Granted::Nonces | Granted::Heads => HashMap::new(),
    };
    let (mut lost, mut left) = (HashSet::new(), HashSet::new());
    for (held, append) in appends.iter().filter(|(held, _)| !made.contains_key(&id(held))) {
        let files = files(append);
        if !files.is_empty() && !attachment::are_unsent(db, owner(held, append), &files).await? {
            lost.insert(id(held));
        }
        if let Some(agent) = held.conversation.calls_back(append)
            && !agent::is_there(app, db, agent).await?
        {
            left.insert(id(held));
        }
    }
    let missing = |held: &Held| Missing {
        files: lost.contains(&id(held)),
        assignee: left.contains(&id(held)),
    };
    let verdicts: Vec<_> = appends
        .iter_mut()
        .map(|(held, append)| judge(held, append, &made, missing(held), at))
        .collect();
    let refused = verdicts.iter().any(|verdict| matches!(verdict, Verdict::Refused(_)));
    if granted != Granted::Nothing && refused {
        // What is against the rules now may have been written when it was not.
        return Ok(None);
    }

    // Whatever has to be asked is asked before anything is written: a commit is followed by its news.
    let (mut outcomes, mut fresh) = (Vec::new(), Vec::new());
    for ((held, _), verdict) in appends.iter().zip(verdicts) {
        let (outcome, new) = match verdict {
            Verdict::New(entry, guests, lost) => {
                // Who edits stands in no place of her own.
                let before = match &held.last {
                    Some(last) if last.amends().is_some() => {
                        store::before(db, id(held), entry.seq, Side::Agent).await?
                    }
                    last => last.clone(),
                };
                let sent = sent(db, held, &entry, before, false).await?;
                (Ok(Sent { lost: lost.clone(), ..sent }), Some((entry, guests, lost)))
            }
            Verdict::Made(entry) => {
                let before = store::before(db, id(held), entry.seq, Side::Agent).await?;
                (Ok(sent(db, held, &entry, before, true).await?), None)
            }
            Verdict::Refused(error) => (Err(error), None),
        };
        outcomes.push(outcome);
        fresh.push(new);
    }

    let steps = appends.iter_mut().zip(&fresh).filter_map(|((held, append), new)| {
        let (entry, ..) = new.as_ref()?;
        Some((held, entry, &append.nonce))
    });
    let steps: Vec<Step> = steps.collect();
    let done = match granted {
        Granted::Nothing | Granted::Nonces => store::write(db, steps).await?,
        Granted::Heads => store::write_unheld(db, steps).await?,
    };
    if !done {
        return Ok(None);
    }
    for ((held, append), _) in appends.iter().zip(&fresh).filter(|(_, new)| new.is_some()) {
        let (files, noted) = (files(append), append.content.is_private());
        if !files.is_empty() && !attachment::send(db, owner(held, append), &files, noted).await? {
            return Err(Error::Unavailable(anyhow::anyhow!("a file was forgotten in this moment")));
        }
    }
    for ((held, _), new) in appends.iter_mut().zip(fresh) {
        let Some((entry, guests, lost)) = new else { continue };
        if !guests.is_empty() {
            store::add_guests(db, id(held), &guests).await?;
        }
        if let Some(access) = lost {
            agent::note_lost_access(db, &access).await?;
        }
        held.last = Some(entry);
    }
    Ok(Some(outcomes))
}

async fn sent(
    db: &impl Connection,
    held: &Held,
    entry: &Entry,
    before_desk: Option<Entry>,
    duplicate: bool,
) -> Result<Sent> {
    let conversation = held.conversation.clone();
    let before_visitor = match &before_desk {
        Some(before) if !before.is_for(Side::Visitor) => {
            store::before(db, conversation.id, entry.seq, Side::Visitor).await?
        }
        both => both.clone(),
    };
    let (entry, summary) = (entry.clone(), held.summary());
    let redrawn = Vec::new();
    let appended = Appended { entry, before_visitor, before_desk, redrawn, summary };
    Ok(Sent { appended, conversation, duplicate, lost: None })
}

/// What is not there any more.
struct Missing {
    /// Some of those that an append brings.
    files: bool,
    /// Who would get the conversation back by it.
    assignee: bool,
}

/// The conversation goes on only if the append is new and its rules allow it.
fn judge(
    held: &mut Held,
    append: &Append,
    made: &HashMap<ConversationId, Entry>,
    missing: Missing,
    at: Timestamp,
) -> Verdict {
    let was = held.conversation.clone();
    let was = if missing.assignee { was.without_assignee() } else { was };
    match made.get(&held.conversation.id) {
        // What was changed since cannot be compared any more.
        Some(entry) if entry.changed.is_some() || entry.content.is_again(&append.content) => {
            Verdict::Made(entry.clone())
        }
        Some(_) => Verdict::Refused(Error::NonceReused),
        None if held.blocked && append.author.side() == Side::Visitor => {
            Verdict::Refused(Error::Forbidden(BLOCKED))
        }
        None if held.unsigned && append.author.side() == Side::Visitor => {
            Verdict::Refused(Error::Forbidden(UNSIGNED))
        }
        None if missing.files => {
            let gone = Invalid { field: "file_id", reason: "invalid-file-gone" };
            Verdict::Refused(gone.into())
        }
        None => match was.accept(append, at) {
            Ok(next) => {
                let before = std::mem::replace(&mut held.conversation, next);
                let now = &held.conversation;
                let guests = now.guests[before.guests.len()..].to_vec();
                let entry = Entry {
                    seq: now.last_seq,
                    author: named(&append.author, &held.name),
                    content: append.content.clone(),
                    at,
                    changed: None,
                };
                Verdict::New(entry, guests, now.lost_since(&before))
            }
            Err(refusal) => Verdict::Refused(refusal),
        },
    }
}

fn files(append: &Append) -> Vec<FileId> {
    append.content.attachments().iter().filter_map(|file| FileId::parse(&file.id)).collect()
}

/// Whose files an append may bring.
fn owner(held: &Held, append: &Append) -> Owner {
    let (Author::Visitor { id: ContactId(id), .. } | Author::Agent { id: AgentId(id), .. }) =
        append.author;
    Owner { conversation: held.conversation.id, side: append.author.side(), id }
}

/// An agent's name comes with her, a visitor's is known with the conversation.
fn named(author: &Author, visitor: &str) -> Author {
    match author {
        Author::Visitor { id, .. } => Author::Visitor { id: *id, name: visitor.to_owned() },
        Author::Agent { .. } => author.clone(),
    }
}

pub fn tell(app: &App, sent: &Sent) {
    if sent.duplicate {
        app.metrics.duplicates.inc();
    } else {
        app.metrics.acknowledged.inc();
        app.bus.publish(Event::EntryAppended(Box::new(sent.appended.clone())));
        if let Some(access) = sent.lost.clone() {
            app.bus.publish(Event::AccessLost { access });
        }
    }
}
