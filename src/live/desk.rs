//! The desk's one stream: rows and counters of the lists, and for conversations only the hint that there is more to fetch,
//! so that a missed hint costs nothing.
use super::{
    follow::{self, Holder, Piece, Watch},
    sse::{BEAT, answer, encode},
};
use crate::{
    agent::CurrentAgent,
    app::App,
    bus::News,
    conversation::{Tab, counts, touched_since},
    desk::{self, counters, row_changed, row_news},
    error::Result,
    event::{Event, Summary, Topic},
    ids,
    web::{
        limits::Limits,
        page::query,
        sse::{Frame, HEARTBEAT},
    },
};
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use poem::{Request, Response, handler, web::Data};
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, sleep_until},
};

/// Rows touched so long before the cursor are sent again: transactions commit out of the order of their clocks.
const SLACK: SignedDuration = SignedDuration::from_secs(30);
/// The most rows that are sent again; whoever was away longer loads the page.
const ROWS: u64 = 300;
/// Counters follow at most this often.
const COUNT_EVERY: Duration = Duration::from_millis(250);

#[handler]
pub async fn desk_events(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    request: &Request,
) -> Result<Response> {
    let session = ids::encode(&me.session);
    let place = limits.stream(session.clone())?;
    let watch = Watch::new(&app, Holder::Agent { id: me.agent.id, session }, BEAT);
    let tab = desk::tab(query(request, "tab").as_deref(), me.agent.id);
    let header = request.header("last-event-id").map(str::to_owned);
    let after =
        header.or_else(|| query(request, "after")).and_then(|text| cursor(&text, &app.epoch));
    Ok(answer(stream(app.clone(), me, tab, after, watch), place))
}

/// `{epoch}:{microseconds of the database's clock}`; opaque to clients.
fn cursor(text: &str, epoch: &str) -> Option<Timestamp> {
    let micros = text.strip_prefix(epoch)?.strip_prefix(':')?.parse().ok()?;
    Timestamp::from_microsecond(micros).ok()
}

fn stream(
    app: App,
    me: CurrentAgent,
    tab: Tab,
    after: Option<Timestamp>,
    mut watch: Watch,
) -> impl futures_util::Stream<Item = Bytes> + Send {
    async_stream::stream! {
        let mut news = app.bus.subscribe(Topic::Desk);
        let (since, began) = (Instant::now(), app.db.now().await);
        let (Ok(began), Ok(missed)) = (began, missed(&app, after).await) else {
            yield end(&app);
            return;
        };
        let Some(missed) = missed else {
            yield encode(Frame { event: Some("reset"), data: Some(""), ..Frame::default() });
            return;
        };
        // The database's clock, carried on by ours: what a reader will come back with.
        let now = || {
            let at = began + SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::ZERO);
            format!("{}:{}", app.epoch, at.as_microsecond())
        };
        for summary in missed {
            yield row(&row_changed(&summary, tab, me.lang), &now());
            yield hint(&summary, None);
        }
        yield counted(&app, &me).await;
        yield encode(Frame { event: Some("synced"), retry: Some(follow::retry(app.streams.count())), data: Some(""), ..Frame::default() });

        let mut count_at: Option<Instant> = None;
        loop {
            let due = count_at.unwrap_or_else(|| Instant::now() + Duration::from_secs(3600));
            tokio::select! {
                interruption = watch.next() => match interruption {
                    Piece::Bye => {
                        yield encode(Frame { event: Some("bye"), data: Some(""), ..Frame::default() });
                        return;
                    }
                    Piece::Beat => yield HEARTBEAT,
                    _ => {
                        yield end(&app);
                        return;
                    }
                },
                () = sleep_until(due), if count_at.is_some() => {
                    count_at = None;
                    yield counted(&app, &me).await;
                }
                told = news.recv() => match told {
                    Ok(news) => {
                        if let Some((summary, seq)) = concerns(&news) {
                            yield row(&row_news(&news, summary, tab, me.lang), &now());
                            yield hint(summary, seq);
                            count_at.get_or_insert_with(|| Instant::now() + COUNT_EVERY);
                        }
                    }
                    // Come back with the cursor: the rows touched meanwhile are sent again.
                    Err(RecvError::Lagged(_) | RecvError::Closed) => {
                        yield end(&app);
                        return;
                    }
                },
            }
        }
    }
}

/// Rows touched while the reader was away; `None` if they are too many.
async fn missed(app: &App, after: Option<Timestamp>) -> Result<Option<Vec<Summary>>> {
    let Some(after) = after else { return Ok(Some(Vec::new())) };
    let rows = touched_since(&app.db, after - SLACK, ROWS + 1).await?;
    Ok((rows.len() as u64 <= ROWS).then_some(rows))
}

fn concerns(news: &News) -> Option<(&Summary, Option<i64>)> {
    match &news.event {
        Event::EntryAppended(appended) => Some((&appended.summary, Some(appended.entry.seq))),
        Event::ReadMoved(moved) => Some((&moved.summary, None)),
        Event::AccessLost { .. } => None,
    }
}

fn row(html: &str, cursor: &str) -> Bytes {
    encode(Frame { id: Some(cursor), data: Some(html), ..Frame::default() })
}

/// For whoever has the conversation open: fetch what follows what you have.
fn hint(summary: &Summary, seq: Option<i64>) -> Bytes {
    let data = serde_json::json!({ "conversation": summary.id, "seq": seq }).to_string();
    encode(Frame { event: Some("hint"), data: Some(&data), ..Frame::default() })
}

async fn counted(app: &App, me: &CurrentAgent) -> Bytes {
    match counts(&app.db, me.agent.id).await {
        Ok(counts) => encode(Frame { data: Some(&counters(&counts)), ..Frame::default() }),
        Err(error) => {
            tracing::warn!(%error, "cannot count");
            HEARTBEAT
        }
    }
}

fn end(app: &App) -> Bytes {
    let retry = Some(follow::retry(app.streams.count()));
    encode(Frame { event: Some("end"), retry, data: Some(""), ..Frame::default() })
}
