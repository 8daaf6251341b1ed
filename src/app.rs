//! What every handler may hold. Machines only: no feature is named here.
use crate::{
    bus::Bus,
    clock::Clock,
    config::{Config, SecretKey},
    db::Db,
    error::{Error, Result},
    metrics::Metrics,
};
use std::{
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::time::timeout;
use tokio_util::{
    sync::CancellationToken,
    task::{AbortOnDropHandle, TaskTracker, task_tracker::TaskTrackerToken},
};
use tracing::Instrument;

#[derive(Clone, Debug)]
pub struct App {
    pub config: Arc<Config>,
    pub key: SecretKey,
    pub db: Db,
    pub bus: Bus,
    pub clock: Clock,
    pub streams: Streams,
    pub metrics: Metrics,
    pub kept: Kept,
    /// A short random word of the database; changes when a backup is restored, so that old cursors are noticed.
    pub epoch: Arc<str>,
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
pub async fn aside<T: Send + 'static>(
    question: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let asked = AbortOnDropHandle::new(tokio::spawn(in_time(question).in_current_span()));
    asked.await.map_err(Error::internal)?
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

/// The open streams of this node, and the sign that they should end.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    open: TaskTracker,
    /// The process was asked to leave: whoever sends people here should send them elsewhere.
    pub leaving: CancellationToken,
    /// It leaves now: nothing is accepted any more, and streams end.
    pub draining: CancellationToken,
}

impl Streams {
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
