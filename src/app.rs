//! What every handler may hold. Machines only: no feature is named here.
use crate::{
    bus::Bus,
    clock::Clock,
    config::{Config, SecretKey},
    db::Db,
    error::{Error, Result},
};
use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering},
};
use tokio_util::sync::CancellationToken;
use tracing::Instrument;

#[derive(Clone, Debug)]
pub struct App {
    pub config: Arc<Config>,
    pub key: SecretKey,
    pub db: Db,
    pub bus: Bus,
    pub clock: Clock,
    pub streams: Streams,
    /// A short random word of the database; changes when a backup is restored, so that old cursors are noticed.
    pub epoch: Arc<str>,
}

/// Does work to its end even if whoever asked for it has hung up meanwhile: a commit is followed by its news.
pub async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    tokio::spawn(work.in_current_span()).await.map_err(Error::internal)?
}

/// The open streams of this node, and the sign that they should end.
#[derive(Clone, Debug, Default)]
pub struct Streams {
    open: Arc<AtomicUsize>,
    pub draining: CancellationToken,
}

impl Streams {
    pub fn open(&self) -> OpenStream {
        self.open.fetch_add(1, Ordering::Relaxed);
        OpenStream(self.open.clone())
    }

    pub fn count(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }
}

/// Counts as an open stream until it is dropped.
#[derive(Debug)]
pub struct OpenStream(Arc<AtomicUsize>);

impl Drop for OpenStream {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}
