//! Bytes by key, too big for a database: in a folder of this machine, on a disk that all nodes share, or in a bucket.
mod copies;
mod place;

use crate::{
    config::Config,
    error::{Error, Result},
};
use anyhow::Context;
use bytes::Bytes;
pub use copies::{Copies, Known};
use futures_util::{StreamExt, TryStreamExt, stream::BoxStream};
use object_store::{
    Error as StoreError, GetOptions, GetRange, ObjectStoreExt, path::Path as Place,
};
use place::Store;
use std::{
    io,
    ops::Range,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, SystemTime},
};
use tempfile::NamedTempFile;
use tokio::{io::AsyncReadExt, sync::Semaphore, time::timeout};

/// Where what people send is kept. A key is 2–64 of `A-Z a-z 0-9 - _`.
#[derive(Clone, Debug)]
pub struct Files {
    store: Store,
    /// Only what is not a disk of ours is looked after.
    is_elsewhere: bool,
    /// It did not answer, or refused, when it was last looked at.
    away: Arc<AtomicBool>,
    writing: Arc<Semaphore>,
    /// Where what is on its way waits until it is whole.
    incoming: PathBuf,
}

/// What stands under a key.
pub struct Object {
    /// How much of it was asked for, in bytes.
    pub size: u64,
    pub bytes: BoxStream<'static, io::Result<Bytes>>,
}

/// Why files cannot be kept where they should.
#[derive(Debug)]
pub enum Trouble {
    /// Nothing answers, which may pass.
    Away(anyhow::Error),
    /// What answers refuses.
    Refused(anyhow::Error),
}

/// What a process left behind that was killed in the midst of receiving.
const LEFT_BEHIND: Duration = Duration::from_secs(24 * 3600);
/// A larger file is written in parts of so many bytes; S3 takes no smaller ones.
const PART: usize = 5 * 1024 * 1024;
/// So many are written at once, each with one part in memory.
const WRITING: usize = 4;
/// How long writing may take: the largest file at 3 Mbit/s.
const WRITTEN: Duration = Duration::from_secs(60);
/// How long somebody waits who wants to look at one, or have it removed.
const OPENED: Duration = Duration::from_secs(4);
/// How long a place may take to show that files can be kept there.
const CHECKED: Duration = Duration::from_secs(10);
/// What is written to see whether files can be kept. No file is called so.
const TRIAL: &str = "kefu.trial";

impl Files {
    /// As the settings say. Makes the folders that are missing, and asks no server.
    pub fn open(config: &Config) -> anyhow::Result<Self> {
        let incoming = config.data_dir.join("incoming");
        place::make_private(&incoming)?;
        forget_left_behind(&incoming)?;
        let store = match &config.files_url {
            Some(url) => place::bucket(url)?,
            None => place::folder(&config.data_dir.join("files"))?,
        };
        Ok(Self {
            store,
            is_elsewhere: config.files_url.is_some(),
            away: Arc::default(),
            writing: Arc::new(Semaphore::new(WRITING)),
            incoming,
        })
    }

    /// An empty file that nobody else may read; it is gone once it is dropped.
    pub fn incoming(&self) -> Result<NamedTempFile> {
        NamedTempFile::new_in(&self.incoming).map_err(unavailable)
    }

    /// Puts a file under a key, for good once this returns.
    pub async fn put(&self, key: &str, file: NamedTempFile) -> Result<()> {
        let (place, files) = (place_of(key)?, self.clone());
        // Who hangs up leaves nothing half written.
        let writing = tokio::spawn(async move {
            let _turn = timeout(WRITTEN, files.writing.acquire()).await.map_err(|_| slow())?;
            write(&files.store, &place, &file).await
        });
        writing.await.map_err(Error::internal)?.map_err(away)
    }

    /// All of it, or these of its bytes.
    pub async fn get(&self, key: &str, part: Option<Range<u64>>) -> Result<Object> {
        let options = GetOptions { range: part.map(GetRange::Bounded), ..GetOptions::default() };
        match in_time(self.store.get_opts(&place_of(key)?, options)).await? {
            Ok(found) => Ok(Object {
                size: found.range.end - found.range.start,
                bytes: found.into_stream().map_err(io::Error::from).boxed(),
            }),
            Err(StoreError::NotFound { .. }) => Err(Error::NotFound),
            Err(error) => Err(away(error)),
        }
    }

    /// What is not there is deleted already.
    pub async fn delete(&self, key: &str) -> Result<()> {
        match in_time(self.store.delete(&place_of(key)?)).await? {
            Ok(()) | Err(StoreError::NotFound { .. }) => Ok(()),
            Err(error) => Err(away(error)),
        }
    }

    /// Whether files could be kept when that was last asked.
    pub fn is_away(&self) -> bool {
        self.away.load(Ordering::Relaxed)
    }

    /// Whether files can be kept: tried once, from then on only asked for what was written then.
    pub async fn look(&self) -> Result<(), Trouble> {
        if self.is_away() {
            return self.check().await;
        }
        self.remember(self.ask(async { self.store.get(&trial()).await.map(drop) }).await)
    }

    /// Writes, reads and deletes, as will be done with files. A disk of ours is known to be there.
    pub async fn check(&self) -> Result<(), Trouble> {
        let trying = async {
            let place = trial();
            self.store.put(&place, "Written to see whether files can be kept.".into()).await?;
            self.store.get(&place).await?.bytes().await?;
            match self.store.delete(&Place::from(format!("{TRIAL}.gone"))).await {
                Err(StoreError::NotFound { .. }) => Ok(()),
                deleted => deleted,
            }
        };
        self.remember(self.ask(trying).await)
    }

    async fn ask(
        &self,
        asking: impl Future<Output = object_store::Result<()>>,
    ) -> Result<(), Trouble> {
        if !self.is_elsewhere {
            return Ok(());
        }
        match timeout(CHECKED, asking).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(error)) => Err(trouble(error)),
            Err(_) => Err(Trouble::Away(anyhow::anyhow!("nothing heard within {CHECKED:?}"))),
        }
    }

    fn remember(&self, seen: Result<(), Trouble>) -> Result<(), Trouble> {
        self.away.store(seen.is_err(), Ordering::Relaxed);
        seen
    }
}

impl std::fmt::Debug for Object {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Object").field("size", &self.size).finish_non_exhaustive()
    }
}

/// In folders by the first two letters of keys. No key leads anywhere else.
fn place_of(key: &str) -> Result<Place> {
    let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if !(2..=64).contains(&key.len()) || !key.bytes().all(word) {
        return Err(Error::internal(anyhow::anyhow!("no key")));
    }
    Ok(Place::from_iter([&key[..2], key]))
}

fn trial() -> Place {
    Place::from(TRIAL)
}

/// What is not finished is not there.
async fn write(store: &Store, place: &Place, file: &NamedTempFile) -> object_store::Result<()> {
    let mut file = tokio::fs::File::from_std(file.reopen().map_err(unreadable)?);
    let first = part_of(&mut file).await?;
    if first.len() < PART {
        return store.put(place, first.into()).await.map(drop);
    }
    let mut upload = store.put_multipart(place).await?;
    let written = timeout(WRITTEN, async {
        let mut part = first;
        while !part.is_empty() {
            upload.put_part(part.into()).await?;
            part = part_of(&mut file).await?;
        }
        upload.complete().await.map(drop)
    });
    let written = written.await.unwrap_or_else(|_| Err(slow()));
    if written.is_err() {
        let _ = timeout(OPENED, upload.abort()).await;
    }
    written
}

async fn part_of(file: &mut tokio::fs::File) -> object_store::Result<Vec<u8>> {
    let mut part = Vec::new();
    file.take(PART as u64).read_to_end(&mut part).await.map_err(unreadable)?;
    Ok(part)
}

fn trouble(error: StoreError) -> Trouble {
    use StoreError::{NotFound, PermissionDenied, Unauthenticated};
    match error {
        NotFound { .. } => Trouble::Refused(
            anyhow::Error::new(error).context("there is no such bucket in the place that --files-url names"),
        ),
        PermissionDenied { .. } | Unauthenticated { .. } => Trouble::Refused(
            anyhow::Error::new(error).context("the place that --files-url names refuses AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY; they must be right and may read, write and delete"),
        ),
        other => Trouble::Away(other.into()),
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

async fn in_time<T>(asking: impl Future<Output = T>) -> Result<T> {
    timeout(OPENED, asking).await.map_err(|_| silent(OPENED))
}

fn silent(limit: Duration) -> Error {
    Error::FilesAway(anyhow::anyhow!("nothing heard within {limit:?}"))
}

fn slow() -> StoreError {
    let source = format!("not written within {WRITTEN:?}").into();
    StoreError::Generic { store: "files", source }
}

fn away(error: StoreError) -> Error {
    Error::FilesAway(error.into())
}

fn unreadable(error: io::Error) -> StoreError {
    StoreError::Generic { store: "incoming", source: error.into() }
}

/// A disk that is full or away will be back.
fn unavailable(error: io::Error) -> Error {
    Error::Unavailable(error.into())
}
