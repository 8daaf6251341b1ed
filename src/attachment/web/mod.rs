//! How files come in, as a stream that is never whole in memory, and how they go out, by links that end. The page that says
//! which kinds are taken.
mod kinds;

pub use kinds::{list_kinds, set_kinds};

use super::{
    actions::{self, Received},
    link,
    model::{Attachment, Kind, LARGEST, MOST, Owner, State, unfit},
    range::Wanted,
};
use crate::{
    app::App,
    error::{Error, Invalid, Result},
    ids::FileId,
    web::page::query,
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream::BoxStream};
use multer::{Field, Multipart};
use poem::{
    Body, Request, Response, handler,
    http::{HeaderValue, StatusCode, header},
    web::{Data, Path},
};
use serde::de::DeserializeOwned;
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};
use tempfile::NamedTempFile;
use tokio::{
    io::{AsyncWriteExt, BufWriter},
    time::timeout,
};
use tokio_util::io::ReaderStream;
use url::form_urlencoded::Serializer;

/// So much is read at once, in bytes.
const PIECE: usize = 16 * 1024;
/// The most bytes that stand between two files of a form: names, types, borders.
const BETWEEN: usize = 64 * 1024;
/// How long a sender may send nothing.
const SILENCE: Duration = Duration::from_secs(30);
/// So much of what is refused is still read, in bytes: a browser that is not done sending hears no answer.
const REFUSED: u64 = 2 * LARGEST;

/// The files of a form, or the only file that a program sends. `may` is asked before each.
pub async fn receive(
    app: &App,
    request: &Request,
    body: Body,
    mut may: impl FnMut() -> Result<()>,
) -> Result<Vec<Received>> {
    let content_type = request.content_type().unwrap_or_default();
    let mut filled = Filled::default();
    filled.read(app, content_type, body, &mut may).await?;
    if filled.files.is_empty() { Err(unfit("invalid-file-none").into()) } else { Ok(filled.files) }
}

/// The same, kept for their owner, who has a day to send them.
pub async fn bring(
    app: &App,
    owner: Owner,
    request: &Request,
    body: Body,
    may: impl FnMut() -> Result<()>,
) -> Result<Vec<Attachment>> {
    let received = receive(app, request, body, may).await?;
    let mut files = Vec::with_capacity(received.len());
    for one in received {
        files.push(actions::upload(app, owner, one).await?);
    }
    Ok(files)
}

/// The only file of a request, which is its whole body.
pub async fn receive_one(app: &App, name: String, body: Body) -> Result<Received> {
    let coming = Coming::new(body);
    let outcome = one(app, name, coming.clone()).await;
    if outcome.is_err() {
        coming.drain().await;
    }
    outcome
}

/// A form that brings files, as far as it was read.
#[derive(Default)]
struct Filled {
    fields: Vec<(String, String)>,
    files: Vec<Received>,
}

impl Filled {
    async fn read(
        &mut self,
        app: &App,
        content_type: &str,
        body: Body,
        may: &mut impl FnMut() -> Result<()>,
    ) -> Result<()> {
        let coming = Coming::new(body);
        let outcome = match multer::parse_boundary(content_type) {
            Ok(boundary) => self.read_form(app, coming.clone(), &boundary, may).await,
            Err(_) => Err(Invalid { field: "form", reason: "invalid-form" }.into()),
        };
        if outcome.is_err() {
            coming.drain().await;
        }
        outcome
    }

    async fn read_form(
        &mut self,
        app: &App,
        coming: Coming,
        boundary: &str,
        may: &mut impl FnMut() -> Result<()>,
    ) -> Result<()> {
        let mut form = Multipart::new(coming.clone(), boundary);
        while let Some(field) = in_time(form.next_field()).await?.map_err(|_| cut())? {
            match field.file_name().map(str::to_owned) {
                None => self.fields.extend(words(field).await?),
                // What a browser sends where none was chosen.
                Some(name) if name.is_empty() => drop(words(field).await?),
                Some(_) if self.files.len() == MOST => {
                    return Err(unfit("invalid-file-count").into());
                }
                Some(name) => {
                    may()?;
                    let file = bytes(app, field, &coming).await?;
                    self.files.push(Received { name, file });
                }
            }
        }
        Ok(())
    }
}

/// What was typed into a field, and its name. It counts as what stands between files.
async fn words(mut field: Field<'_>) -> Result<Option<(String, String)>> {
    let (name, mut typed) = (field.name().map(str::to_owned), Vec::new());
    while let Some(piece) = in_time(field.chunk()).await?.map_err(|_| cut())? {
        typed.extend_from_slice(&piece);
    }
    let invalid = |_| Invalid { field: "body", reason: "invalid-utf8" };
    let typed = String::from_utf8(typed).map_err(invalid)?;
    Ok(name.map(|name| (name, typed)))
}

async fn bytes(app: &App, mut field: Field<'_>, coming: &Coming) -> Result<NamedTempFile> {
    let mut writing = Writing::new(app)?;
    while let Some(piece) = in_time(field.chunk()).await?.map_err(|_| cut())? {
        writing.write(&piece).await?;
        coming.took(piece.len());
    }
    writing.done().await
}

async fn one(app: &App, name: String, mut coming: Coming) -> Result<Received> {
    let mut writing = Writing::new(app)?;
    while let Some(piece) = in_time(coming.next()).await? {
        let piece = piece.map_err(|_| cut())?;
        writing.write(&piece).await?;
        coming.took(piece.len());
    }
    Ok(Received { name, file: writing.done().await? })
}

async fn in_time<T>(coming: impl Future<Output = T>) -> Result<T> {
    timeout(SILENCE, coming).await.map_err(|_| cut())
}

fn cut() -> Error {
    const CUT: Invalid = unfit("invalid-file-cut");
    CUT.into()
}

/// A body on its way. No more of it is taken at once than is put somewhere: whoever parses it would keep all there is.
#[derive(Clone)]
struct Coming(Arc<Mutex<Way>>);

struct Way {
    pieces: BoxStream<'static, io::Result<Bytes>>,
    /// Set after each piece, so that whoever asks at once for the next hears that there is none yet.
    rests: bool,
    /// Bytes that came and of which nobody said that they took them.
    untaken: usize,
}

impl Coming {
    fn new(body: Body) -> Self {
        let pieces = ReaderStream::with_capacity(body.into_async_read(), PIECE).boxed();
        Self(Arc::new(Mutex::new(Way { pieces, rests: false, untaken: 0 })))
    }

    fn way(&self) -> MutexGuard<'_, Way> {
        // Nothing panics while it is locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn took(&self, bytes: usize) {
        let mut way = self.way();
        way.untaken = way.untaken.saturating_sub(bytes);
    }

    async fn drain(mut self) {
        let reading = async {
            let mut left = REFUSED;
            while let Some(Ok(piece)) = self.next().await {
                self.took(piece.len());
                left = left.saturating_sub(piece.len() as u64);
                if left == 0 {
                    break;
                }
            }
        };
        let _ = timeout(SILENCE, reading).await;
    }
}

impl Stream for Coming {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut way = self.way();
        if std::mem::take(&mut way.rests) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        let piece = ready!(way.pieces.as_mut().poll_next(context));
        if let Some(Ok(piece)) = &piece {
            way.rests = true;
            way.untaken += piece.len();
            if way.untaken > BETWEEN {
                return Poll::Ready(Some(Err(io::Error::other("too much that is no file"))));
            }
        }
        Poll::Ready(piece)
    }
}

/// A file on its way to the disk.
struct Writing {
    file: NamedTempFile,
    out: BufWriter<tokio::fs::File>,
    /// In bytes.
    size: u64,
}

impl Writing {
    fn new(app: &App) -> Result<Self> {
        let file = app.files.incoming()?;
        let out = file.as_file().try_clone().map_err(no_room)?;
        Ok(Self { file, out: BufWriter::new(out.into()), size: 0 })
    }

    async fn write(&mut self, piece: &[u8]) -> Result<()> {
        self.size += piece.len() as u64;
        if self.size > LARGEST {
            return Err(Error::FileTooLarge { megabytes: LARGEST / 1_000_000 });
        }
        self.out.write_all(piece).await.map_err(no_room)
    }

    async fn done(mut self) -> Result<NamedTempFile> {
        self.out.flush().await.map_err(no_room)?;
        Ok(self.file)
    }
}

fn no_room(error: io::Error) -> Error {
    Error::Unavailable(error.into())
}

/// Nothing in a file runs, whatever a browser takes it for.
const POLICY: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// `GET /f/{id}/{name}?until=…&sig=…`, all of it or a stretch: pictures are shown, everything else is saved.
#[handler]
pub async fn serve(
    app: Data<&App>,
    request: &Request,
    Path((id, _name)): Path<(String, String)>,
) -> Result<Response> {
    let asked = |name| query(request, name).unwrap_or_default();
    let file = link::follow(&app, &id, &asked("until"), &asked("sig")).await?;
    let size = u64::try_from(file.size).unwrap_or(0);
    // What is in a file never changes, and so one name of a state is enough.
    let state = format!("\"{}\"", file.id);
    let wanted = match request.header("range") {
        Some(range) if request.header("if-range").is_none_or(|known| known == state) => {
            Wanted::of(range, size)
        }
        _ => Wanted::Whole,
    };
    let part = match wanted {
        Wanted::Beyond => {
            return Ok(Response::builder()
                .status(StatusCode::RANGE_NOT_SATISFIABLE)
                .header(header::CONTENT_RANGE, format!("bytes */{size}"))
                .finish());
        }
        Wanted::Part(part) => Some(part),
        Wanted::Whole => None,
    };
    let object = app.files.get(file.id.as_str(), part.clone()).await?;
    let content_type = match file.kind {
        Kind::Text => "text/plain; charset=utf-8",
        other => other.media_type(),
    };
    let mut answer = Response::builder()
        .content_type(content_type)
        .header(header::CONTENT_LENGTH, object.size)
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::ETAG, state)
        .header(header::CACHE_CONTROL, "private, max-age=1800, immutable")
        .header(header::CONTENT_DISPOSITION, disposition(&file));
    if let Some(part) = part {
        let place = format!("bytes {}-{}/{size}", part.start, part.end - 1);
        answer = answer.status(StatusCode::PARTIAL_CONTENT).header(header::CONTENT_RANGE, place);
    }
    let mut response = answer.body(Body::from_bytes_stream(object.bytes));
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, POLICY);
    Ok(response)
}

/// As RFC 6266 says, in letters that every browser knows and in those the name has.
fn disposition(file: &Attachment) -> String {
    let how = if file.kind.is_picture() { "inline" } else { "attachment" };
    let plain = |c: char| if c.is_ascii_graphic() && !matches!(c, '"' | '\\') { c } else { '_' };
    let known: String = file.name.chars().map(plain).collect();
    format!("{how}; filename=\"{known}\"; filename*=UTF-8''{}", link::encoded(&file.name))
}

/// A form of words with files to send along: it names those that were brought before, as often as there are, by `file_id`, and
/// where no script brought them it brings them itself.
#[derive(Debug)]
pub struct WithFiles<T> {
    pub form: T,
    /// Those that are here by now.
    pub files: Vec<FileId>,
    /// Why some are not.
    pub refused: Option<Error>,
}

impl<T: DeserializeOwned> WithFiles<T> {
    /// One that brings no files.
    pub async fn named(body: Body) -> Result<Self> {
        let unread = |_| Invalid { field: "form", reason: "invalid-form" };
        let typed = body.into_bytes().await.map_err(unread)?;
        Self::of(url::form_urlencoded::parse(&typed).into_owned().collect(), None)
    }

    /// One that brings files, see [`brings_files`](crate::web::limits::brings_files); `may` is asked before each.
    pub async fn brought(
        app: &App,
        owner: Owner,
        request: &Request,
        body: Body,
        mut may: impl FnMut() -> Result<()>,
    ) -> Result<Self> {
        let mut filled = Filled::default();
        let content_type = request.content_type().unwrap_or_default();
        let mut refused = filled.read(app, content_type, body, &mut may).await.err();
        for received in filled.files {
            match actions::upload(app, owner, received).await {
                Ok(file) => filled.fields.push(("file_id".into(), file.id.to_string())),
                Err(error) => refused = Some(error),
            }
        }
        Self::of(filled.fields, refused)
    }

    fn of(fields: Vec<(String, String)>, refused: Option<Error>) -> Result<Self> {
        let named = fields.iter().filter(|(name, _)| name == "file_id");
        let files = chosen_ids(named.map(|(_, id)| id.as_str()))?;
        let typed = Serializer::new(String::new()).extend_pairs(&fields).finish();
        match (serde_urlencoded::from_str(&typed), refused) {
            (Ok(form), refused) => Ok(Self { form, files, refused }),
            (Err(_), Some(error)) => Err(error),
            (Err(_), None) => Err(Invalid { field: "form", reason: "invalid-form" }.into()),
        }
    }
}

/// What an address names by `file` and its owner has not sent: a page shows it beside what is being written.
pub async fn unsent(app: &App, owner: Owner, request: &Request) -> Result<Vec<Attachment>> {
    let fields = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    let named: Vec<_> = fields.filter(|(name, _)| name == "file").map(|(_, id)| id).collect();
    let ids = chosen_ids(named.iter().map(AsRef::as_ref)).unwrap_or_default();
    let found = actions::chosen(app, owner, &ids).await.unwrap_or_default();
    Ok(found.into_iter().filter(|file| file.state == State::Unsent).collect())
}

/// What was brought, for a script.
pub fn told(files: &[Attachment]) -> Response {
    let files: Vec<_> = files.iter().map(Attachment::told).collect();
    let body = serde_json::json!({ "files": files }).to_string();
    Response::builder().content_type("application/json").body(body)
}

/// Whether it is a script that asks.
pub fn is_for_scripts(request: &Request) -> bool {
    request.header("accept").is_some_and(|accept| accept.contains("application/json"))
}

/// Each once.
pub fn chosen_ids<'a>(ids: impl IntoIterator<Item = &'a str>) -> Result<Vec<FileId>> {
    let mut chosen = Vec::new();
    for id in ids {
        let id = FileId::parse(id).ok_or(unfit("invalid-file-gone"))?;
        if !chosen.contains(&id) {
            chosen.push(id);
        }
    }
    if chosen.len() > MOST { Err(unfit("invalid-file-count").into()) } else { Ok(chosen) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use tokio::time::{Instant, sleep};

    /// Pieces with a pause before each; behind the last one nothing comes for ever.
    fn body(pauses: &'static [u64]) -> Body {
        let pieces = stream::iter(pauses).then(|pause| async move {
            sleep(Duration::from_secs(*pause)).await;
            io::Result::Ok(Bytes::from_static(b"piece"))
        });
        Body::from_bytes_stream(pieces.chain(stream::pending()).boxed())
    }

    #[tokio::test(start_paused = true)]
    async fn who_sends_slowly_is_waited_for_and_who_sends_nothing_for_half_a_minute_is_not() {
        let (began, mut coming) = (Instant::now(), Coming::new(body(&[29, 29, 29])));
        for _ in 0..3 {
            let piece = in_time(coming.next()).await.unwrap().unwrap().unwrap();
            assert_eq!(piece, &b"piece"[..]);
        }
        assert_eq!(began.elapsed().as_secs(), 87);
        let error = in_time(coming.next()).await.unwrap_err();
        assert!(matches!(error, Error::Invalid(Invalid { reason: "invalid-file-cut", .. })));
        assert_eq!(began.elapsed().as_secs(), 87 + SILENCE.as_secs());
    }
}
