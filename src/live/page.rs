//! A conversation as a document that never ends: live without a script. The composer stands in a frame of its own, so
//! sending does not touch the document; after ten minutes the document asks the browser to load it again.
use super::{
    follow::{self, Draw, MISSED, Piece, watched},
    reader::Reader,
};
use crate::{
    app::App,
    bus::{Drawn, News},
    conversation::{self, Canvas, EntryLine, Positions, Range},
    error::Result,
    event::{Entry, Event, Present, Redrawn, Side},
    ids::{ConversationId, Cursor, Nonce},
    site::{self, Site},
    text::Lang,
    web::{
        endless::Endless,
        headers::framed_with_own_style,
        origin::own_page_reads,
        page::{draw, query},
    },
};
use askama::Template;
use bytes::Bytes;
use futures_util::StreamExt;
use poem::{Body, Request, Response, handler, http::header};
use std::{io, time::Duration};

const BEAT: Duration = Duration::from_secs(10);
/// Should the line die without a word, the browser loads the document again after so many seconds: later than the stream
/// would have ended by itself. What happens live may set such a limit (WCAG 2.2.1, real-time exception).
const WATCHDOG: &str = "760";
/// Entries the document begins with.
const PAGE: u64 = 50;

#[derive(Template)]
#[template(path = "live/page.html")]
struct LivePage<'a> {
    lang: Lang,
    cid: &'a str,
    site: &'a Site,
    lines: Vec<EntryLine>,
}

#[handler]
pub async fn live_page(reader: Reader<'_>) -> Result<Response> {
    let Reader { app, request, viewer, cid, .. } = &reader;
    own_page_reads(request)?;
    let (seat, canvas) = reader.seat().await?;
    let place = reader.place()?;
    let held = (place, app.bus.enter(Present::Visitor(canvas.conversation)));
    let watch = reader.watch(BEAT);

    let head = conversation::find_for(app.db.read(), &seat).await?;
    let site = site::find(app.db.read(), head.site).await?;
    let range = range(request, &app.epoch, head.last_seq);
    let history = conversation::history(app.db.read(), canvas.conversation, range).await?;
    if query(request, "lang").is_some() {
        viewer.remember_language(request, app.config.is_https());
    }
    let seen = history.entries.last().map_or(head.last_seq, |entry| entry.seq);
    let lines = conversation::lines(&history, &canvas);
    let page = draw(&LivePage { lang: viewer.lang, cid, site: &site, lines })?;

    let cursor = Cursor::parse(&seen.to_string());
    let nonce = Nonce::new();
    let document = Document { canvas, nonce: nonce.clone() };
    let pieces = follow::conversation(App::clone(app), seat, document, cursor);
    let rest = watched(pieces, watch).map(written);
    let body =
        futures_util::stream::once(async { Bytes::from(page) }).chain(rest).map(move |bytes| {
            let _as_long_as_the_stream = &held;
            Ok::<_, io::Error>(bytes)
        });
    let mut response = Response::builder()
        .content_type("text/html; charset=utf-8")
        .header(header::CACHE_CONTROL, "no-store, no-transform")
        .header("X-Accel-Buffering", "no")
        .header("Refresh", WATCHDOG)
        .body(Body::from_bytes_stream(body));
    response.set_data(Endless);
    framed_with_own_style(&mut response, &site.origins, nonce.as_str());
    Ok(response)
}

/// A page that follows this document for what it misses says `?after=`; where that cannot be continued from, and for a
/// person, the document begins with the newest entries.
fn range(request: &Request, epoch: &str, last_seq: i64) -> Range {
    let cursor = query(request, "after").and_then(|text| Cursor::parse(&text));
    match cursor.and_then(|cursor| cursor.resume(epoch, last_seq)) {
        Some(after) if last_seq - after <= MISSED.cast_signed() => Range::After(after, MISSED),
        _ => Range::Latest(PAGE),
    }
}

fn written(piece: Piece) -> Bytes {
    match piece {
        Piece::Entry { drawn, .. } | Piece::Redrawn { drawn, .. } => Bytes::clone(&drawn),
        // A document that only grows cannot move a mark.
        Piece::Passing(_)
        | Piece::Synced(_)
        | Piece::Row { .. }
        | Piece::Contact(_)
        | Piece::Notice(_) => Bytes::new(),
        Piece::Beat => Bytes::from_static(b"<!-- -->"),
        Piece::Reset | Piece::End => {
            let seconds = follow::retry(0).as_secs();
            format!("<meta http-equiv=\"refresh\" content=\"{seconds}\">").into()
        }
        Piece::Bye => Bytes::from_static(b"<meta http-equiv=\"refresh\" content=\"0\">"),
    }
}

/// What a document that only grows is drawn on. What was changed is told at its end.
#[derive(Clone, Debug)]
struct Document {
    canvas: Canvas,
    /// By which the policy knows the document's own rules of style.
    nonce: Nonce,
}

impl Document {
    fn retold(&self, all: &[Redrawn]) -> Result<Drawn> {
        let retold = all.iter().map(|one| conversation::retell(&self.canvas, one, &self.nonce));
        retold.collect::<Result<String>>().map(Drawn::from)
    }
}

impl Draw for Document {
    fn audience(&self) -> Side {
        self.canvas.audience()
    }
    fn conversation(&self) -> ConversationId {
        self.canvas.conversation()
    }
    fn entry(&self, entry: &Entry, before: Option<&Entry>) -> Result<Drawn> {
        self.canvas.entry(entry, before)
    }
    fn redrawn(&self, redrawn: &Redrawn) -> Result<Drawn> {
        self.retold(std::slice::from_ref(redrawn))
    }
    fn news(&self, news: &News) -> Drawn {
        match &news.event {
            Event::EntryAppended(appended) if appended.entry.amends().is_some() => {
                self.retold(&appended.redrawn).unwrap_or_else(|error| {
                    tracing::error!(%error, "cannot draw what was changed");
                    Drawn::default()
                })
            }
            _ => self.canvas.news(news),
        }
    }
    fn positions(&self, positions: &Positions) -> Result<Drawn> {
        self.canvas.positions(positions)
    }
    fn presence(&self, here: bool) -> Drawn {
        self.canvas.presence(here)
    }
    fn quiet(&self) -> Drawn {
        self.canvas.quiet()
    }
}
