//! What every handler may hold. Machines only: no feature is named here.
use crate::{
    bus::Bus,
    clock::Clock,
    config::{Config, SecretKey},
    db::Db,
    error::{Error, Result},
    files::Files,
    metrics::Metrics,
};
use std::{
    ops::Deref,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker, task_tracker::TaskTrackerToken},
};
use tracing::Instrument;

#[derive(Clone, Debug)]
pub struct App(Arc<Parts>);

#[derive(Clone, Debug)]
pub struct Parts {
    pub config: Arc<Config>,
    pub key: SecretKey,
    pub db: Db,
    pub bus: Bus,
    pub files: Files,
    pub clock: Clock,
    pub streams: Streams,
    pub metrics: Metrics,
    pub kept: Kept,
    /// A short random word of the database; changes when a backup is restored, so that old cursors are noticed.
    pub epoch: Arc<str>,
}

impl Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl From<Parts> for App {
    fn from(parts: Parts) -> Self {
        Self(Arc::new(parts))
    }
}

impl App {
    /// The same with other parts.
    pub fn with(&self, change: impl FnOnce(&mut Parts)) -> Self {
        let mut parts = (*self.0).clone();
        change(&mut parts);
        parts.into()
    }
}

/// The longest that work may take: statements are stopped before, so what takes longer waits for a database that is gone,
/// and holds a connection for as long.
const LONGEST: Duration = Duration::from_secs(7);

/// Does work to its end even if whoever asked for it has hung up meanwhile: a commit is followed by its news.
pub async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    tokio::spawn(in_time(work).in_current_span()).await.map_err(Error::internal)?
}

/// Gives up on a database from which nothing is heard any more.
pub async fn in_time<T>(work: impl Future<Output = Result<T>>) -> Result<T> {
    let silent = |_| Error::Unavailable(anyhow::anyhow!("nothing heard within {LONGEST:?}"));
    timeout(LONGEST, work).await.map_err(silent)?
}

/// Asks the database in a task of its own. A stream is one of several things that somebody waits for, and left alone while
/// another of them is dealt with; in the midst of a question it would hold a connection that the others need.
/// It is asked at once, so that whoever waits keeps only a handle and not the question.
pub fn aside<T: Send + 'static>(
    question: impl Future<Output = Result<T>> + Send + 'static,
) -> impl Future<Output = Result<T>> + Send {
    let asked = AbortOnDropHandle::new(tokio::spawn(in_time(question).in_current_span()));
    async move { asked.await.map_err(Error::internal)? }
}

/// What features keep for as long as the process lives, each under its own type.
#[derive(Clone, Debug, Default)]
pub struct Kept(Arc<Mutex<http::Extensions>>);

impl Kept {
    /// Made when it is first asked for.
    pub fn of<T: Default + Send + Sync + 'static>(&self) -> Arc<T> {
        // Nothing panics while it is locked.
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.get_or_insert_default::<Arc<T>>().clone()
    }
}

/// Streams that ask the database at once before they follow. After a crash thousands come back together; were all of them to
/// ask, each would wait for a connection until it gives up, and so would those who send.
const ASKING: usize = 8;

/// The open streams of this node, and the sign that they should end.
#[derive(Clone, Debug)]
pub struct Streams {
    open: TaskTracker,
    turns: Arc<Semaphore>,
    /// The process was asked to leave: whoever sends people here should send them elsewhere.
    pub leaving: CancellationToken,
    /// It leaves now: nothing is accepted any more, and streams end.
    pub draining: CancellationToken,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            open: TaskTracker::default(),
            turns: Arc::new(Semaphore::new(ASKING)),
            leaving: CancellationToken::default(),
            draining: CancellationToken::default(),
        }
    }
}

impl Streams {
    /// Waits for a turn to ask the database, however long; whoever waits holds nothing. First come, first served.
    pub async fn turn(&self) -> Turn {
        let place = self.turns.clone().acquire_owned().await;
        Turn { _place: place.expect("nobody closes it") }
    }

    pub fn open(&self) -> OpenStream {
        OpenStream { _place: self.open.token() }
    }

    pub fn count(&self) -> usize {
        self.open.len()
    }

    /// Waits until every stream has ended.
    pub async fn ended(&self) {
        self.open.close();
        self.open.wait().await;
    }
}

/// Counts as an open stream until it is dropped.
#[derive(Debug)]
pub struct OpenStream {
    _place: TaskTrackerToken,
}

/// A turn to ask the database, until it is dropped.
#[derive(Debug)]
pub struct Turn {
    _place: OwnedSemaphorePermit,
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    #[tokio::test]
    async fn a_few_streams_ask_at_once_and_the_next_one_when_another_has_asked_or_gone_away() {
        let streams = Streams::default();
        let mut asking = Vec::new();
        for _ in 0..ASKING {
            asking.push(streams.turn().now_or_never().expect("nobody waits on a quiet server"));
        }
        let mut hangs_up = Box::pin(streams.turn());
        let mut next = Box::pin(streams.turn());
        assert!(hangs_up.as_mut().now_or_never().is_none());
        assert!(next.as_mut().now_or_never().is_none());
        drop(hangs_up);
        asking.pop();
        assert!(next.now_or_never().is_some());
    }
}
