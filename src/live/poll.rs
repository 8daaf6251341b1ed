//! A stretch of a visitor's log, and the wait for its next entry: what a reader uses whose line carries neither a stream
//! nor a socket, and the simplest way for a program.
use super::{
    follow::{MISSED, Piece, Watch},
    reader::Reader,
    sse::BEAT,
};
use crate::{
    api::shape::Entries,
    app::App,
    conversation::{self, Canvas, History, Range, asked_range, history_fragment},
    error::{Error, Invalid, Result},
    event::Side,
    ids::Cursor,
    web::{errors::asked_wait, page::query},
};
use poem::{IntoResponse, Request, Response, handler, http::StatusCode, web::Json};
use std::time::Duration;

/// `?after=` a cursor or `?before=` a number; without either the newest. With `?wait=` seconds, and nothing after the cursor,
/// the answer waits for what comes. Fragments, or by `Accept: application/json` the entries; 204 where there is nothing.
#[handler]
pub async fn conversation_messages(reader: Reader<'_>) -> Result<Response> {
    let Reader { app, request, .. } = &reader;
    let (seat, canvas) = reader.seat().await?;
    let last_seq = conversation::find_for(app.db.read(), &seat).await?.last_seq;
    let Some(after) = query(request, "after") else {
        let range = asked_range(request)?;
        let history = conversation::history(app.db.read(), canvas.conversation, range).await?;
        return shown(app, &canvas, &history, last_seq, request);
    };
    let invalid = Invalid { field: "after", reason: "invalid-cursor" };
    let after = Cursor::parse(&after).ok_or(invalid)?.resume(&app.epoch, last_seq);
    let after = after.ok_or(Error::Conflict("conflict-cursor"))?;
    let history = match asked_wait(request) {
        None => news(app, &canvas, after, Duration::ZERO).await?,
        Some(patience) => {
            let _place = reader.place()?;
            wait(app, &canvas, after, patience, reader.watch(BEAT)).await?
        }
    };
    shown(app, &canvas, &history, last_seq, request)
}

/// What comes within the patience, unless access is lost or the process leaves meanwhile.
async fn wait(
    app: &App,
    canvas: &Canvas,
    after: i64,
    patience: Duration,
    mut watch: Watch,
) -> Result<History> {
    if !watch.holds().await {
        return Err(Error::NotFound);
    }
    let interrupted = async {
        loop {
            match watch.next().await {
                Piece::Beat => {}
                piece => return piece,
            }
        }
    };
    tokio::select! {
        history = news(app, canvas, after, patience) => history,
        piece = interrupted => match piece {
            Piece::Bye => Err(Error::NotFound),
            _ => news(app, canvas, after, Duration::ZERO).await,
        },
    }
}

async fn news(app: &App, canvas: &Canvas, after: i64, patience: Duration) -> Result<History> {
    let range = Range::After(after, MISSED);
    conversation::wait_for_news(app, canvas.conversation, Side::Visitor, range, patience).await
}

fn shown(
    app: &App,
    canvas: &Canvas,
    history: &History,
    last_seq: i64,
    request: &Request,
) -> Result<Response> {
    let json = request.header("accept").is_some_and(|accept| accept.contains("application/json"));
    if !json {
        return history_fragment(canvas, history);
    }
    if history.shown_to(Side::Visitor).next().is_none() {
        return Ok(StatusCode::NO_CONTENT.into());
    }
    Ok(Json(Entries::new(&app.epoch, history, last_seq, Side::Visitor)).into_response())
}
