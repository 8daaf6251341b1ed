//! Following one conversation, for whatever transport.
use crate::{
    app::App,
    bus::{Listener, News},
    conversation::{self, Canvas, Conversation, History, Range, Seat},
    error::Result,
    event::{Access, Event, Topic},
    ids::AgentId,
};
use bytes::Bytes;
use futures_util::Stream;
use rand::RngExt;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, interval_at, sleep_until},
};

/// The longest gap that is replayed; after a longer one the page reloads its log.
pub const MISSED: u64 = 500;
/// A stream ends after about so long, and is taken up again.
const LIFE: Duration = Duration::from_secs(600);
/// The most that the ends of all streams are spread over when the process leaves.
const SPREAD: Duration = Duration::from_secs(20);
/// Each open stream adds this much to the spread: a few end at once, ten thousand over twenty seconds.
const SPREAD_PER_STREAM: Duration = Duration::from_millis(2);

/// What a transport has to write.
#[derive(Clone, Debug)]
pub enum Piece {
    /// Something to show that moves the cursor to `seq`.
    Entry { seq: i64, html: Bytes },
    /// Something to show that is not in the log.
    Passing(Bytes),
    /// All that was missed has been sent.
    Synced(Bytes),
    /// The cursor cannot be continued from: load the page again.
    Reset,
    /// Nothing to say; keeps the line awake.
    Beat,
    /// Come back with the cursor.
    End,
    /// Access was lost: do not come back.
    Bye,
}

/// `{epoch}:{seq}`, or a bare `seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    epoch: Option<String>,
    seq: i64,
}

impl Cursor {
    /// `None` for garbage, which is answered like a cursor of another epoch: with a reset.
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, seq) = match text.split_once(':') {
            Some((epoch, seq)) => (Some(epoch.to_owned()), seq),
            None => (None, text),
        };
        let seq: i64 = seq.parse().ok()?;
        (seq >= 0).then_some(Self { epoch, seq })
    }

    /// Where to go on, if the log we have is the one the cursor speaks of.
    fn resume(&self, epoch: &str, last_seq: i64) -> Option<i64> {
        let same_log = self.epoch.as_deref().is_none_or(|theirs| theirs == epoch);
        (same_log && self.seq <= last_seq).then_some(self.seq)
    }
}

/// By what right a stream is open.
#[derive(Clone, Debug)]
pub enum Holder {
    Visitor { token: String },
    Agent { id: AgentId, session: String },
}

impl Holder {
    pub fn lost(&self, access: &Access) -> bool {
        match (self, access) {
            (Self::Visitor { token }, Access::VisitorToken(gone)) => token == gone,
            (Self::Agent { session, .. }, Access::Session(gone)) => session == gone,
            (Self::Agent { id, .. }, Access::Agent(gone)) => id == gone,
            (Self::Visitor { .. } | Self::Agent { .. }, _) => false,
        }
    }
}

/// What ends or interrupts every stream alike: loss of access, age, the end of the process, silence.
#[derive(Debug)]
pub struct Watch {
    app: App,
    holder: Holder,
    access: Listener,
    beat: tokio::time::Interval,
    ends: Instant,
    /// When this stream ends because the process leaves: chosen once, when that is known.
    leaves: Option<Instant>,
    _open: crate::app::OpenStream,
}

impl Watch {
    pub fn new(app: &App, holder: Holder, beat: Duration) -> Self {
        let age = LIFE.mul_f64(rand::rng().random_range(0.8..1.2));
        Self {
            holder,
            access: app.bus.subscribe(Topic::Access),
            beat: interval_at(Instant::now() + beat, beat),
            ends: Instant::now() + age,
            leaves: None,
            _open: app.streams.open(),
            app: app.clone(),
        }
    }

    /// Waits for the next of them. May be dropped and called again.
    pub async fn next(&mut self) -> Piece {
        loop {
            let ends = self.leaves.map_or(self.ends, |leaves| leaves.min(self.ends));
            tokio::select! {
                told = self.access.recv() => match told {
                    Ok(news) => match &news.event {
                        Event::AccessLost { access } if self.holder.lost(access) => return Piece::Bye,
                        _ => {}
                    },
                    // Too much was lost to know whether we were meant: come back and be asked again.
                    Err(_) => return Piece::End,
                },
                _ = self.beat.tick() => return Piece::Beat,
                () = sleep_until(ends) => return Piece::End,
                () = self.app.streams.draining.cancelled(), if self.leaves.is_none() => {
                    self.leaves = Some(Instant::now() + farewell(self.app.streams.count()));
                }
            }
        }
    }
}

/// When this stream ends while the process leaves: a random moment of the spread.
fn farewell(open: usize) -> Duration {
    let spread =
        SPREAD_PER_STREAM.saturating_mul(u32::try_from(open).unwrap_or(u32::MAX)).min(SPREAD);
    spread.mul_f64(rand::rng().random_range(0.0..1.0))
}

/// How long a reader should wait before it comes back: 1–3 s, more where many streams are open.
pub fn retry(open: usize) -> Duration {
    let spread = u64::try_from(open).unwrap_or(u64::MAX).clamp(2_000, 60_000);
    Duration::from_millis(1_000 + rand::rng().random_range(0..spread))
}

/// Everything a reader of a conversation has not seen, and then everything new, each entry once and in order.
pub fn conversation(
    app: App,
    seat: Seat,
    canvas: Canvas,
    cursor: Option<Cursor>,
    mut watch: Watch,
) -> impl Stream<Item = Piece> + Send {
    async_stream::stream! {
        // Listen before reading, so that nothing falls between the two.
        let mut news = app.bus.subscribe(Topic::Conversation(canvas.conversation));
        let began = match begin(&app, &seat, &canvas, cursor.as_ref()).await {
            Ok(began) => began,
            Err(error) => {
                tracing::warn!(%error, "a stream could not begin");
                yield Piece::End;
                return;
            }
        };
        let Some((mut seen, missed, marks)) = began else {
            yield Piece::Reset;
            return;
        };
        for piece in missed {
            yield piece;
        }
        yield Piece::Synced(marks);

        loop {
            let pieces = tokio::select! {
                interruption = watch.next() => vec![interruption],
                told = news.recv() => match told {
                    Ok(news) => heard(&app, &canvas, &news, &mut seen).await,
                    Err(RecvError::Lagged(_)) => missed_since(&app, &canvas, &mut seen).await,
                    Err(RecvError::Closed) => Ok(vec![Piece::End]),
                }
                .unwrap_or_else(|error| {
                    tracing::warn!(%error, "a stream could not go on");
                    vec![Piece::End]
                }),
            };
            for piece in pieces {
                let last = matches!(piece, Piece::End | Piece::Bye);
                yield piece;
                if last {
                    return;
                }
            }
        }
    }
}

/// What was missed up to now, with the number reached; `None` if the cursor cannot be continued from.
async fn begin(
    app: &App,
    seat: &Seat,
    canvas: &Canvas,
    cursor: Option<&Cursor>,
) -> Result<Option<(i64, Vec<Piece>, Bytes)>> {
    let Conversation { last_seq, .. } = conversation::find_for(app.db.read(), seat).await?;
    let Some(mut seen) = cursor.and_then(|cursor| cursor.resume(&app.epoch, last_seq)) else {
        return Ok(None);
    };
    if last_seq.saturating_sub(seen) > i64::try_from(MISSED).unwrap_or(i64::MAX) {
        return Ok(None);
    }
    let missed = missed_since(app, canvas, &mut seen).await?;
    let positions = conversation::positions(app.db.read(), canvas.conversation).await?;
    Ok(Some((seen, missed, conversation::read_marks(canvas, &positions)?.into())))
}

/// Rule 3 of following: old news is dropped, the next entry passed on, and a gap read from the log first.
async fn heard(app: &App, canvas: &Canvas, news: &Arc<News>, seen: &mut i64) -> Result<Vec<Piece>> {
    match &news.event {
        Event::EntryAppended(appended) if appended.entry.seq <= *seen => Ok(Vec::new()),
        Event::EntryAppended(appended) if appended.entry.seq == *seen + 1 => {
            *seen = appended.entry.seq;
            let html = conversation::drawn(news, canvas);
            // What this reader may not see moves its place without a word.
            Ok(if html.is_empty() { Vec::new() } else { vec![Piece::Entry { seq: *seen, html }] })
        }
        Event::EntryAppended(_) => missed_since(app, canvas, seen).await,
        Event::ReadMoved(_) => {
            let html = conversation::drawn(news, canvas);
            Ok(if html.is_empty() { Vec::new() } else { vec![Piece::Passing(html)] })
        }
        Event::AccessLost { .. } => Ok(Vec::new()),
    }
}

/// The log after what was seen, one piece an entry.
async fn missed_since(app: &App, canvas: &Canvas, seen: &mut i64) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    loop {
        let history: History =
            conversation::history(app.db.read(), canvas.conversation, Range::After(*seen, MISSED))
                .await?;
        let Some(last) = history.entries.last().map(|entry| entry.seq) else { return Ok(pieces) };
        for (entry, before) in history.seen_by(canvas.audience) {
            let html = conversation::upsert(canvas, entry, before)?.into();
            pieces.push(Piece::Entry { seq: entry.seq, html });
        }
        *seen = last;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cursor_is_a_number_perhaps_of_an_epoch() {
        let cursor = |text: &str| Cursor::parse(text).map(|cursor| (cursor.epoch, cursor.seq));
        assert_eq!(cursor("7"), Some((None, 7)));
        assert_eq!(cursor("k3:7"), Some((Some("k3".into()), 7)));
        for garbage in ["", "x", "-1", "k3:", "k3:7:8", "9223372036854775808", "7 ", "٧"] {
            assert_eq!(cursor(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn a_cursor_of_another_epoch_or_from_the_future_is_not_continued() {
        let resume = |text: &str| Cursor::parse(text).and_then(|cursor| cursor.resume("now", 10));
        assert_eq!(resume("now:10"), Some(10));
        assert_eq!(resume("3"), Some(3));
        assert_eq!(resume("then:3"), None);
        assert_eq!(resume("now:11"), None);
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_cursor(text in "\\PC{0,40}") {
            if let Some(cursor) = Cursor::parse(&text) {
                prop_assert!(cursor.seq >= 0);
            }
        }

        #[test]
        fn what_we_print_we_read(epoch in "[a-z0-9]{1,8}", seq in 0..i64::MAX) {
            let cursor = Cursor::parse(&format!("{epoch}:{seq}"));
            prop_assert_eq!(cursor, Some(Cursor { epoch: Some(epoch), seq }));
        }
    }
}
