//! A conversation as server-sent events.
use super::follow::{self, Cursor, Holder, Piece, Watch};
use crate::{
    app::App,
    contact::CurrentVisitor,
    conversation::{self, Canvas, Seat},
    error::{Error, Result},
    event::Side,
    ids::PublicId,
    site, text,
    web::{
        limits::{Limits, StreamPlace},
        page::{Viewer, query},
        sse::{Frame, HEARTBEAT},
    },
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use poem::{
    Body, Request, Response, handler,
    http::header,
    web::{Data, Path},
};
use std::{io, sync::Arc, time::Duration};

pub const BEAT: Duration = Duration::from_secs(15);

#[handler]
pub async fn conversation_events(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    viewer: Viewer,
    visitor: CurrentVisitor,
    request: &Request,
    Path(cid): Path<String>,
) -> Result<Response> {
    let (seat, canvas) = seat_of(&app, &visitor, &cid, viewer).await?;
    let place = limits.stream(visitor.token.name())?;
    let watch = Watch::new(&app, Holder::Visitor { token: visitor.token.name() }, BEAT);
    let pieces = follow::conversation(app.clone(), seat, canvas, cursor(request), watch);
    let epoch = app.epoch.clone();
    let open = app.streams.clone();
    Ok(answer(pieces.map(move |piece| frame(&piece, &epoch, open.count())), place))
}

/// The seat of a visitor in her own conversation, and how it is drawn for her.
pub async fn seat_of(
    app: &App,
    visitor: &CurrentVisitor,
    cid: &str,
    viewer: Viewer,
) -> Result<(Seat, Canvas)> {
    let public_id = PublicId::parse(cid).ok_or(Error::NotFound)?;
    let seat = Seat::Visitor { contact: visitor.contact, conversation: public_id };
    let found = conversation::find_for(app.db.read(), &seat).await?;
    let zone = text::zone(&site::find(app.db.read(), found.site).await?.zone);
    Ok((seat, Canvas { audience: Side::Visitor, lang: viewer.lang, zone, conversation: found.id }))
}

/// `Last-Event-ID` wins over `?after=`; a reader without either begins at the beginning.
pub fn cursor(request: &Request) -> Option<Cursor> {
    let header = request.header("last-event-id").map(str::to_owned);
    let text = header.or_else(|| query(request, "after")).unwrap_or_else(|| "0".into());
    Cursor::parse(&text)
}

fn frame(piece: &Piece, epoch: &str, open: usize) -> Bytes {
    let retry = Some(follow::retry(open));
    match piece {
        Piece::Entry { seq, html } => encode(Frame {
            id: Some(&format!("{epoch}:{seq}")),
            data: Some(&html_text(html)),
            ..Frame::default()
        }),
        Piece::Passing(html) => encode(Frame { data: Some(&html_text(html)), ..Frame::default() }),
        Piece::Synced(html) => {
            let marks = encode(Frame { data: Some(&html_text(html)), ..Frame::default() });
            let synced =
                encode(Frame { event: Some("synced"), retry, data: Some(""), ..Frame::default() });
            if html.is_empty() { synced } else { [marks, synced].concat().into() }
        }
        Piece::Reset => {
            encode(Frame { event: Some("reset"), retry, data: Some(""), ..Frame::default() })
        }
        Piece::End => {
            encode(Frame { event: Some("end"), retry, data: Some(""), ..Frame::default() })
        }
        Piece::Bye => encode(Frame { event: Some("bye"), data: Some(""), ..Frame::default() }),
        Piece::Beat => HEARTBEAT,
    }
}

fn html_text(html: &Bytes) -> String {
    String::from_utf8_lossy(html).into_owned()
}

/// Ids and names are ours, so refusing one would be a fault of ours: it is logged, and the event left out.
pub fn encode(frame: Frame<'_>) -> Bytes {
    frame.encode().unwrap_or_else(|error| {
        tracing::error!(%error, "an event could not be written");
        HEARTBEAT
    })
}

/// An endless answer that nothing on the way may keep, change or compress. The first byte leaves at once.
pub fn answer(frames: impl Stream<Item = Bytes> + Send + 'static, place: StreamPlace) -> Response {
    let first = futures_util::stream::once(async { Bytes::from_static(b": ok\n\n") });
    let body = first.chain(frames).map(move |bytes| {
        let _held_as_long_as_the_stream = &place;
        Ok::<_, io::Error>(bytes)
    });
    Response::builder()
        .content_type("text/event-stream")
        .header(header::CACHE_CONTROL, "no-cache, no-transform")
        .header("X-Accel-Buffering", "no")
        .body(Body::from_bytes_stream(body))
}
