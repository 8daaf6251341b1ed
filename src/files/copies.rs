//! Copies of what is stored, for a backup: a folder of files by key.
use super::Files;
use crate::error::Error;
use anyhow::{Context, ensure};
use futures_util::TryStreamExt;
use sha2::{Digest, Sha256};
use std::{
    io::{Read, Write},
    path::{Path, PathBuf},
};

/// What is known of an object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    pub key: String,
    /// In bytes.
    pub size: i64,
    pub sha256: Vec<u8>,
}

/// The folder of a backup.
#[derive(Debug)]
pub struct Copies(PathBuf);

impl Copies {
    /// Beside a backup: `{backup}.files`.
    pub fn of(backup: &Path) -> Self {
        let mut name = backup.as_os_str().to_owned();
        name.push(".files");
        Self(name.into())
    }

    /// Copies what is known; what is not there any more is given back.
    pub async fn take(&self, files: &Files, known: &[Known]) -> anyhow::Result<Vec<Known>> {
        let mut missing = Vec::new();
        if !known.is_empty() {
            super::place::make_private(&self.0)?;
        }
        for one in known {
            let path = self.0.join(&one.key);
            let mut object = match files.get(&one.key, None).await {
                Err(Error::NotFound) => {
                    missing.push(one.clone());
                    continue;
                }
                found => found?,
            };
            let mut copy = private(&path)?;
            while let Some(piece) = object.bytes.try_next().await? {
                copy.write_all(&piece)
                    .with_context(|| format!("cannot write {}", path.display()))?;
            }
            copy.sync_all()?;
        }
        Ok(missing)
    }

    /// An error unless every copy is what it should be.
    pub fn verify(&self, known: &[Known]) -> anyhow::Result<()> {
        for one in known {
            let path = self.0.join(&one.key);
            let read = || format!("cannot read {}", path.display());
            let mut file = std::fs::File::open(&path).with_context(read)?;
            let (mut hash, mut piece, mut size) = (Sha256::new(), vec![0; 64 * 1024], 0);
            loop {
                let read = file.read(&mut piece).with_context(read)?;
                if read == 0 {
                    break;
                }
                hash.update(&piece[..read]);
                size += i64::try_from(read)?;
            }
            let whole = size == one.size && hash.finalize().as_slice() == one.sha256;
            ensure!(whole, "{} is damaged", path.display());
        }
        Ok(())
    }

    /// Puts them where files are kept.
    pub async fn give(&self, files: &Files, known: &[Known]) -> anyhow::Result<()> {
        for one in known {
            let copy = files.incoming()?;
            std::fs::copy(self.0.join(&one.key), copy.path())?;
            files.put(&one.key, copy).await?;
        }
        Ok(())
    }
}

/// A file that nobody else may read.
fn private(path: &Path) -> anyhow::Result<std::fs::File> {
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path).with_context(|| format!("cannot write {}", path.display()))
}
