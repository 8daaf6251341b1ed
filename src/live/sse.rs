//! Streams as server-sent events, and as answers to a reader whose line carries none (`?wait=`).
use super::{
    desk,
    follow::{self, Holder, Piece, Watch, until_something, watched},
    reader::Reader,
};
use crate::{
    agent::CurrentAgent,
    app::{App, Streams},
    bus::Here,
    error::Result,
    event::Present,
    ids::{Cursor, Nonce},
    web::{
        endless::Endless,
        errors::asked_wait,
        limits::{Limits, StreamPlace},
        origin::own_page_reads,
        page::query,
        sse::{Frame, HEARTBEAT},
    },
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, future::Either};
use poem::{Body, Request, Response, handler, http::header, web::Data};
use std::{borrow::Cow, io, sync::Arc, time::Duration};

pub const BEAT: Duration = Duration::from_secs(15);

#[handler]
pub async fn conversation_events(reader: Reader<'_>) -> Result<Response> {
    own_page_reads(reader.request)?;
    answer(visitor_stream(&reader).await?, reader.request)
}

#[handler]
pub async fn desk_events(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    request: &Request,
) -> Result<Response> {
    own_page_reads(request)?;
    answer(desk_stream(&app, &limits, me, request)?, request)
}

/// An open stream, whatever carries it.
pub struct OpenStream<S> {
    pub pieces: S,
    pub writer: Writer,
    /// What a reader holds while it listens.
    pub held: (StreamPlace, Option<Here>),
}

/// A visitor's stream of her conversation.
pub async fn visitor_stream(
    reader: &Reader<'_>,
) -> Result<OpenStream<impl Stream<Item = Piece> + Send + use<>>> {
    let Reader { app, request, .. } = reader;
    let (seat, canvas) = reader.seat().await?;
    let place = reader.place()?;
    let here = app.bus.enter(Present::Visitor(canvas.conversation));
    let watch = reader.watch(BEAT);
    let pieces = follow::conversation(App::clone(app), seat, canvas, cursor(request));
    let held = (place, Some(here));
    Ok(OpenStream { pieces: watched(pieces, watch), writer: Writer::new(app), held })
}

/// An agent's stream of the desk.
pub fn desk_stream(
    app: &App,
    limits: &Limits,
    me: CurrentAgent,
    request: &Request,
) -> Result<OpenStream<impl Stream<Item = Piece> + Send + use<>>> {
    let session = crate::ids::encode(&me.session);
    let place = limits.stream(session.clone())?;
    let watch = Watch::new(app, Holder::Agent { id: me.agent.id, session }, BEAT);
    let lens = crate::desk::lens(request, me.agent.id);
    let after = said_cursor(request).and_then(|text| desk::Cursor::parse(&text, &app.epoch));
    let name = query(request, "page").and_then(|name| Nonce::parse(&name).ok());
    let open = query(request, "open").and_then(|id| id.parse().ok());
    let page = name.map(|name| desk::Page { name, open });
    let pieces = desk::follow(app.clone(), me, lens, page, after);
    let held = (place, None);
    Ok(OpenStream { pieces: watched(pieces, watch), writer: Writer::new(app), held })
}

/// A reader without a cursor begins at the beginning.
pub fn cursor(request: &Request) -> Option<Cursor> {
    Cursor::parse(&said_cursor(request).unwrap_or_else(|| "0".into()))
}

/// `Last-Event-ID` wins over `?after=`.
fn said_cursor(request: &Request) -> Option<String> {
    request.header("last-event-id").map(str::to_owned).or_else(|| query(request, "after"))
}

/// Writes pieces as blocks of an event stream: the body of an event stream, or the messages of a socket.
#[derive(Clone, Debug)]
pub struct Writer {
    epoch: Arc<str>,
    open: Streams,
}

impl Writer {
    fn new(app: &App) -> Self {
        Self { epoch: app.epoch.clone(), open: app.streams.clone() }
    }

    pub fn write(&self, piece: &Piece) -> Bytes {
        match piece {
            Piece::Entry { seq, drawn } | Piece::Redrawn { seq, drawn } => {
                drawn.block(|drawn| shown(Some(&format!("{}:{seq}", self.epoch)), drawn))
            }
            Piece::Row { cursor, drawn, hint } => {
                let hint = text_of(hint);
                let hint = Frame { event: Some("hint"), data: Some(&hint), ..Frame::default() };
                [shown(Some(cursor), drawn), encode(hint)].concat().into()
            }
            Piece::Passing(drawn) => drawn.block(|drawn| shown(None, drawn)),
            Piece::Synced(drawn) if drawn.is_empty() => self.named("synced"),
            Piece::Synced(drawn) => [shown(None, drawn), self.named("synced")].concat().into(),
            Piece::Contact(conversation) => {
                let of = serde_json::json!({ "conversation": conversation }).to_string();
                encode(Frame { event: Some("contact"), data: Some(&of), ..Frame::default() })
            }
            Piece::Notice(told) => {
                let told = text_of(told);
                encode(Frame { event: Some("notify"), data: Some(&told), ..Frame::default() })
            }
            Piece::Reset => self.named("reset"),
            Piece::End => self.named("end"),
            Piece::Bye => encode(Frame { event: Some("bye"), data: Some(""), ..Frame::default() }),
            Piece::Beat => HEARTBEAT,
        }
    }

    fn named(&self, event: &str) -> Bytes {
        let retry = Some(follow::retry(self.open.count()));
        encode(Frame { event: Some(event), retry, data: Some(""), id: None })
    }
}

fn shown(id: Option<&str>, drawn: &[u8]) -> Bytes {
    encode(Frame { id, data: Some(&text_of(drawn)), ..Frame::default() })
}

fn text_of(drawn: &[u8]) -> Cow<'_, str> {
    String::from_utf8_lossy(drawn)
}

/// Ids and names are ours, so refusing one would be a fault of ours: it is logged, and the event left out.
fn encode(frame: Frame<'_>) -> Bytes {
    frame.encode().unwrap_or_else(|error| {
        tracing::error!(%error, "an event could not be written");
        HEARTBEAT
    })
}

/// An answer that nothing on the way may keep, change or compress: endless, or with `?wait=` as long as the first news.
/// The first byte leaves at once.
fn answer<S: Stream<Item = Piece> + Send + 'static>(
    stream: OpenStream<S>,
    request: &Request,
) -> Result<Response> {
    let OpenStream { pieces, writer, held } = stream;
    let wait = asked_wait(request);
    let pieces = match wait {
        None => Either::Left(pieces),
        Some(patience) => Either::Right(until_something(pieces, patience)),
    };
    let first = futures_util::stream::once(async { Bytes::from_static(b": ok\n\n") });
    let body = first.chain(pieces.map(move |piece| writer.write(&piece))).map(move |bytes| {
        let _as_long_as_the_stream = &held;
        Ok::<_, io::Error>(bytes)
    });
    let mut response = Response::builder()
        .content_type("text/event-stream")
        .header(header::CACHE_CONTROL, "no-cache, no-transform")
        .header("X-Accel-Buffering", "no")
        .body(Body::from_bytes_stream(body));
    if wait.is_none() {
        response.set_data(Endless);
    }
    Ok(response)
}
