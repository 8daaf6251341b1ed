//! A folder of files, in folders by the first two letters of their keys. Nobody else may look into them.
use super::Object;
use anyhow::Context;
use futures_util::StreamExt;
use std::{
    fs, io,
    path::{Path, PathBuf},
};
use tempfile::NamedTempFile;
use tokio_util::io::ReaderStream;

/// So much of a file is read at once, in bytes.
const PIECE: usize = 64 * 1024;

#[derive(Debug)]
pub struct Disk {
    folder: PathBuf,
}

impl Disk {
    pub fn open(folder: PathBuf) -> anyhow::Result<Self> {
        make_private(&folder)?;
        Ok(Self { folder })
    }

    pub async fn put(&self, key: &str, file: NamedTempFile) -> io::Result<()> {
        let path = self.path(key)?;
        let written = tokio::task::spawn_blocking(move || {
            let folder = path.parent().unwrap_or(&path);
            private().create(folder)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)?;
            // The name is as safe as what it names.
            sync_folder(folder)?;
            folder.parent().map_or(Ok(()), sync_folder)
        });
        written.await.map_err(io::Error::other)?
    }

    pub async fn get(&self, key: &str) -> io::Result<Option<Object>> {
        let file = match tokio::fs::File::open(self.path(key)?).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let size = file.metadata().await?.len();
        Ok(Some(Object { size, bytes: ReaderStream::with_capacity(file, PIECE).boxed() }))
    }

    pub async fn delete(&self, key: &str) -> io::Result<()> {
        match tokio::fs::remove_file(self.path(key)?).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// No key leads out of the folder.
    fn path(&self, key: &str) -> io::Result<PathBuf> {
        let word = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        if !(2..=64).contains(&key.len()) || !key.bytes().all(word) {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "no key"));
        }
        Ok(self.folder.join(&key[..2]).join(key))
    }
}

pub fn make_private(folder: &Path) -> anyhow::Result<()> {
    private().create(folder).with_context(|| format!("cannot make the folder {}", folder.display()))
}

fn private() -> fs::DirBuilder {
    let mut folder = fs::DirBuilder::new();
    folder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
    folder
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    // Only here can a folder be opened and synced.
    #[cfg(unix)]
    fs::File::open(folder)?.sync_all()?;
    #[cfg(not(unix))]
    let _ = folder;
    Ok(())
}
