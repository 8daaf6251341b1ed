//! Bytes by key, too big for a database: on the disk of this machine, or on one that all nodes share.
mod copies;
mod disk;

use crate::{
    config::Config,
    error::{Error, Result},
};
use anyhow::Context;
use bytes::Bytes;
pub use copies::{Copies, Known};
use disk::Disk;
use futures_util::stream::BoxStream;
use std::{
    io,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime},
};
use tempfile::NamedTempFile;

/// Where what people send is kept. A key is 2–64 of `A-Z a-z 0-9 - _`.
#[derive(Clone, Debug)]
pub struct Files {
    disk: Arc<Disk>,
    /// Where what is on its way waits until it is whole.
    incoming: PathBuf,
}

/// What stands under a key.
pub struct Object {
    /// In bytes.
    pub size: u64,
    pub bytes: BoxStream<'static, io::Result<Bytes>>,
}

/// What a process left behind that was killed in the midst of receiving.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 3600);

impl Files {
    /// As the settings say. Makes the folders that are missing.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        let incoming = config.data_dir.join("incoming");
        disk::make_private(&incoming)?;
        forget_left_behind(&incoming)?;
        let disk = Arc::new(Disk::open(config.data_dir.join("files"))?);
        Ok(Self { disk, incoming })
    }

    /// An empty file that nobody else may read; it is gone once it is dropped.
    pub fn incoming(&self) -> Result<NamedTempFile> {
        NamedTempFile::new_in(&self.incoming).map_err(unavailable)
    }

    /// Puts a file under a key, for good once this returns.
    pub async fn put(&self, key: &str, file: NamedTempFile) -> Result<()> {
        self.disk.put(key, file).await.map_err(unavailable)
    }

    pub async fn get(&self, key: &str) -> Result<Object> {
        self.disk.get(key).await.map_err(unavailable)?.ok_or(Error::NotFound)
    }

    /// What is not there is deleted already.
    pub async fn delete(&self, key: &str) -> Result<()> {
        self.disk.delete(key).await.map_err(unavailable)
    }
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object").field("size", &self.size).finish_non_exhaustive()
    }
}

fn forget_left_behind(folder: &Path) -> anyhow::Result<()> {
    let now = SystemTime::now();
    for found in std::fs::read_dir(folder).context("cannot read the folder of incoming files")? {
        let found = found?;
        let changed = found.metadata().and_then(|known| known.modified());
        let age = changed.ok().and_then(|at| now.duration_since(at).ok());
        if age.is_some_and(|age| age > LEFT_BEHIND) {
            let _ = std::fs::remove_file(found.path());
        }
    }
    Ok(())
}

/// A disk that is full or away will be back.
fn unavailable(error: io::Error) -> Error {
    Error::Unavailable(error.into())
}
