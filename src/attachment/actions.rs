//! What people do with files: bring them, look at them. Sending them is the conversation's.
use super::{
    added::{Added, Kinds},
    archive,
    model::{A_DAY, ACCEPTED, Attachment, FileName, HEAD, Kind, Owner, State, unfit},
    picture::{self, Drawn},
    store,
};
use crate::{
    app::App,
    audit::{self, Deed, Doer},
    error::{Error, Result},
    event::Side,
    ids::FileId,
};
use futures_util::future::try_join_all;
use jiff::SignedDuration;
use sha2::{Digest, Sha256};
use std::io::{Read, Seek};
use tempfile::NamedTempFile;

const DAY: SignedDuration = SignedDuration::from_hours(24);
/// So much of a file is looked through at once, in bytes.
const PIECE: usize = 64 * 1024;

/// What somebody sent, as it came.
#[derive(Debug)]
pub struct Received {
    pub name: String,
    pub file: NamedTempFile,
}

/// Keeps a file for its owner, who has a day to send it.
pub async fn upload(app: &App, owner: Owner, received: Received) -> Result<Attachment> {
    let Received { name, file } = received;
    let kinds = store::kinds(app.db.read()).await?;
    let (file, (name, kind)) = read(file, move |file| {
        let kind = told(file, &name, &kinds)?;
        Ok((name, kind))
    })
    .await?;
    let (file, kind, width, height) = if kind.is_picture() {
        let drawn = picture::draw(&app.kept, file, kind, None, app.files.incoming()?).await?;
        let Drawn { file, kind, width, height } = drawn;
        (file, kind, width, height)
    } else {
        (file, kind, 0, 0)
    };
    let (file, (size, sha256)) = read(file, move |file| look_through(file, kind)).await?;

    let coming = Attachment {
        id: FileId::new(),
        owner,
        name: FileName::of(&name, kind).as_str().to_owned(),
        kind,
        size,
        width: width.into(),
        height: height.into(),
        state: State::Coming,
    };
    // The row first: whatever is interrupted, the bytes are found again and forgotten.
    let at = app.clock.now();
    store::insert(&app.db, &coming, &sha256, at).await?;
    if owner.side == Side::Visitor && store::left_since(&app.db, owner, at - DAY).await? > A_DAY {
        store::remove(&app.db, &coming.id).await?;
        return Err(unfit("invalid-file-quota").into());
    }
    if let Err(error) = app.files.put(coming.id.as_str(), file).await {
        // What did not come counts for nothing. Nobody can tell whether it is there all the same: so it is forgotten.
        store::lose(&app.db, &coming.id).await?;
        return Err(error);
    }
    if !store::arrive(&app.db, &coming.id).await? {
        return Err(unfit("invalid-file-gone").into());
    }
    Ok(Attachment { state: State::Unsent, ..coming })
}

/// Keeps a picture as a small PNG of at most `side` pixels each way, under a key that whoever wanted it remembers and deletes.
pub async fn keep_small(app: &App, received: Received, side: u32) -> Result<FileId> {
    let (file, kind) = read(received.file, |file| Ok(Kind::of(&head(file)?)?)).await?;
    if !matches!(kind, Kind::Png | Kind::Jpeg | Kind::Webp) {
        return Err(unfit("invalid-file-still").into());
    }
    let drawn = picture::draw(&app.kept, file, kind, Some(side), app.files.incoming()?).await?;
    let id = FileId::new();
    app.files.put(id.as_str(), drawn.file).await?;
    Ok(id)
}

/// What a page offers to choose from, which is only a hint.
pub async fn accepted(app: &App) -> Result<String> {
    Ok(store::kinds(app.db.read()).await?.accepted(ACCEPTED))
}

/// The kinds that are taken besides, from now on, by whoever brings a file.
pub async fn take(app: &App, by: &Doer, kinds: &Kinds) -> Result<()> {
    let (tx, at) = (app.db.begin().await?, app.clock.now());
    let before = store::kinds(&tx).await?;
    store::set_kinds(&tx, kinds).await?;
    let (added, removed) = (kinds.without(&before), before.without(kinds));
    if !added.is_empty() {
        audit::record(&tx, by, Deed::new("file-kinds-added", added.signs()), at).await?;
    }
    if !removed.is_empty() {
        audit::record(&tx, by, Deed::new("file-kinds-removed", removed.signs()), at).await?;
    }
    Ok(tx.commit().await?)
}

/// What an owner chose to send, in the order chosen; each once.
pub async fn chosen(app: &App, owner: Owner, ids: &[FileId]) -> Result<Vec<Attachment>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut found = store::of_owner(app.db.read(), owner, ids).await?;
    let mut chosen = Vec::with_capacity(ids.len());
    for id in ids {
        let at = found.iter().position(|file| file.id == *id);
        chosen.push(found.swap_remove(at.ok_or(unfit("invalid-file-gone"))?));
    }
    Ok(chosen)
}

/// A file of a conversation, for somebody who is in it.
pub async fn find_for(app: &App, reader: Owner, id: &str) -> Result<Attachment> {
    let id = FileId::parse(id).ok_or(Error::NotFound)?;
    let found = store::find(app.db.read(), &id).await?;
    if found.is_for(reader) { Ok(found) } else { Err(Error::NotFound) }
}

/// Forgets what nobody sent within a day; how much.
pub async fn forget_unsent(app: &App) -> Result<u64> {
    let now = app.db.now().await?;
    store::forget_left_before(&app.db, now - DAY).await
}

/// So many are removed before others get a turn.
const REMOVED_AT_ONCE: u64 = 100;
const REMOVED_TOGETHER: usize = 8;

/// Removes the bytes of what is gone, and then its rows; how many.
pub async fn remove_gone(app: &App) -> Result<u64> {
    let gone = store::gone(&app.db, REMOVED_AT_ONCE).await?;
    for some in gone.chunks(REMOVED_TOGETHER) {
        try_join_all(some.iter().map(|id| remove(app, id))).await?;
    }
    Ok(gone.len() as u64)
}

async fn remove(app: &App, id: &FileId) -> Result<()> {
    app.files.delete(id.as_str()).await?;
    store::remove(&app.db, id).await
}

/// Reads a file where waiting for a disk keeps nobody.
async fn read<T: Send + 'static>(
    file: NamedTempFile,
    look: impl FnOnce(&mut std::fs::File) -> Result<T> + Send + 'static,
) -> Result<(NamedTempFile, T)> {
    let reading = tokio::task::spawn_blocking(move || {
        let mut file = file;
        file.as_file_mut().rewind().map_err(unreadable)?;
        let seen = look(file.as_file_mut())?;
        Ok((file, seen))
    });
    reading.await.map_err(Error::internal)?
}

fn head(file: &mut std::fs::File) -> Result<Vec<u8>> {
    let mut head = Vec::with_capacity(HEAD);
    file.take(HEAD as u64).read_to_end(&mut head).map_err(unreadable)?;
    Ok(head)
}

/// What a file is. Of what was added, its name, if it says anything, must say so, too.
fn told(file: &mut std::fs::File, name: &str, kinds: &Kinds) -> Result<Kind> {
    let head = head(file)?;
    let is_text = text_to(&head, false).is_some();
    let mut may_be = if is_text { Vec::new() } else { Added::of(&head) };
    if !may_be.iter().any(|kind| kinds.has(kind)) {
        return Kind::of(&head).map_err(|unfit| match unfit.reason {
            "invalid-file-kind" => not_taken(kinds),
            // What stands in an archive may look like a page.
            "invalid-file-markup" if !may_be.is_empty() => not_taken(kinds),
            _ => unfit.into(),
        });
    }
    if may_be.contains(&Added::Zip) {
        may_be = archive::look(file)?.into_iter().collect();
    }
    let (called, else_called): (Vec<_>, Vec<_>) =
        may_be.into_iter().partition(|kind| !FileName::denies(name, Kind::Added(*kind)));
    let taken = |some: &[Added]| some.iter().copied().find(|kind| kinds.has(kind));
    match (taken(&called), taken(&else_called)) {
        (Some(kind), _) => Ok(Kind::Added(kind)),
        (None, Some(kind)) if called.is_empty() => {
            Err(Error::FileKind { reason: "invalid-file-ending", kinds: kind.sign() })
        }
        _ => Err(not_taken(kinds)),
    }
}

fn not_taken(kinds: &Kinds) -> Error {
    if kinds.is_empty() {
        return unfit("invalid-file-kind").into();
    }
    Error::FileKind { reason: "invalid-file-kind-also", kinds: kinds.signs() }
}

/// How many bytes there are, and their hash. What calls itself text must be text to its end.
fn look_through(file: &mut std::fs::File, kind: Kind) -> Result<(i64, [u8; 32])> {
    let (mut hash, mut size) = (Sha256::new(), 0);
    let (mut piece, mut kept) = (vec![0; PIECE], 0);
    loop {
        let read = file.read(&mut piece[kept..]).map_err(unreadable)?;
        size += i64::try_from(read).unwrap_or(i64::MAX);
        hash.update(&piece[kept..kept + read]);
        if kind == Kind::Text {
            let (text, ended) = (&piece[..kept + read], read == 0);
            let cut = text_to(text, ended).ok_or(unfit("invalid-file-text"))?;
            let end = text.len();
            piece.copy_within(cut..end, 0);
            kept = end - cut;
        }
        if read == 0 {
            return Ok((size, hash.finalize().into()));
        }
    }
}

/// How far a piece is whole characters; `None` if something in it is no text.
fn text_to(piece: &[u8], ended: bool) -> Option<usize> {
    let end = match std::str::from_utf8(piece) {
        Ok(_) => piece.len(),
        Err(error) if error.error_len().is_none() && !ended => error.valid_up_to(),
        Err(_) => return None,
    };
    (!piece[..end].contains(&0)).then_some(end)
}

fn unreadable(error: std::io::Error) -> Error {
    Error::Unavailable(error.into())
}
