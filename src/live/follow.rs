//! Following one conversation, for whatever transport.
use crate::{
    agent,
    app::{App, aside},
    bus::{Drawn, Listener, News},
    contact::{self, TokenHash},
    conversation::{self, Conversation, History, Positions, Range, Seat, Shown, Sight},
    error::Result,
    event::{Access, Author, Entry, Event, Present, Redrawn, Side, Topic},
    ids::{self, AgentId, ConversationId, Cursor},
};
use bytes::Bytes;
use futures_util::{Stream, StreamExt};
use rand::RngExt;
use std::{sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, interval_at, sleep_until},
};

/// The longest gap that is replayed; after a longer one the page reloads its log.
pub const MISSED: u64 = 500;
/// Whoever was typing is not any more after so long without a sign (protocol: expires after 6 s).
pub const TYPING: Duration = Duration::from_secs(6);
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
    Entry { seq: i64, drawn: Drawn },
    /// Something shown before as it is now; moves the cursor likewise.
    Redrawn { seq: i64, drawn: Drawn },
    /// Something to show that is not in the log.
    Passing(Drawn),
    /// All that was missed has been sent: how things stand now, as how far everybody has read and who is here.
    Synced(Drawn),
    /// A row of the desk's lists, the cursor to come back with, and that there is more to fetch in the conversation, as JSON.
    Row { cursor: String, drawn: Drawn, hint: Bytes },
    /// That the contact beside the conversation which an agent has open is known otherwise now: to be fetched anew.
    Contact(ConversationId),
    /// Something that an agent wants to be told of, as JSON.
    Notice(Bytes),
    /// The cursor cannot be continued from: load the page again.
    Reset,
    /// Nothing to say; keeps the line awake.
    Beat,
    /// Come back with the cursor.
    End,
    /// Access was lost: do not come back.
    Bye,
}

impl Piece {
    /// Whether nothing follows it.
    pub fn is_last(&self) -> bool {
        matches!(self, Self::Reset | Self::End | Self::Bye)
    }
}

/// How a conversation is written for one kind of reader: as fragments of a page, or as frames for programs.
pub trait Draw: Clone + Send + Sync + 'static {
    fn audience(&self) -> Side;
    fn conversation(&self) -> ConversationId;
    /// An entry, and the one before it that this audience may see.
    fn entry(&self, entry: &Entry, before: Option<&Entry>) -> Result<Drawn>;
    /// An entry that was changed.
    fn redrawn(&self, redrawn: &Redrawn) -> Result<Drawn>;
    /// The same from news, drawn by its first reader and shared. Empty if there is nothing to see.
    fn news(&self, news: &News) -> Drawn;
    fn positions(&self, positions: &Positions) -> Result<Drawn>;
    /// Whether the other side is here.
    fn presence(&self, here: bool) -> Drawn;
    /// Nobody on the other side is typing any more.
    fn quiet(&self) -> Drawn;
}

/// By what right a stream is open.
#[derive(Clone, Debug)]
pub enum Holder {
    Visitor { token: String },
    Agent { id: AgentId, session: String },
    AgentToken { id: AgentId, token: String },
}

impl Holder {
    /// Whether it is still so. Asked once a stream listens, since access may be lost between the door and the listening.
    async fn holds(&self, app: &App) -> Result<bool> {
        let (holder, app) = (self.clone(), app.clone());
        let hash = |name: &str| ids::decode(name).unwrap_or_default();
        aside(async move {
            match &holder {
                Self::Visitor { token } => {
                    contact::token_lives(&app, &TokenHash(hash(token))).await
                }
                Self::Agent { id, session } => {
                    agent::session_lives(&app, *id, &hash(session)).await
                }
                Self::AgentToken { token, .. } => agent::token_lives(&app, &hash(token)).await,
            }
        })
        .await
    }

    pub fn lost(&self, access: &Access) -> bool {
        match (self, access) {
            (Self::Visitor { token }, Access::VisitorToken(gone))
            | (Self::AgentToken { token, .. }, Access::AgentToken(gone)) => token == gone,
            (Self::Agent { session, .. }, Access::Session(gone)) => session == gone,
            (Self::Agent { id, .. } | Self::AgentToken { id, .. }, Access::Agent(gone)) => {
                id == gone
            }
            (Self::Visitor { .. } | Self::Agent { .. } | Self::AgentToken { .. }, _) => false,
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
    /// Whether access is said to be lost. What is said may be old, so the database is asked.
    doubted: bool,
    /// Whether the agent is said to have another role, which a stream may have been opened with.
    changed: bool,
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
            doubted: false,
            changed: false,
            _open: app.streams.open(),
            app: app.clone(),
        }
    }

    /// Whether access was not lost before this began to watch. A database that is away says nothing either way.
    pub async fn holds(&self) -> bool {
        self.holder.holds(&self.app).await.unwrap_or(true)
    }

    /// Waits for the next of them. May be dropped and called again.
    pub async fn next(&mut self) -> Piece {
        loop {
            if self.doubted {
                match self.holder.holds(&self.app).await {
                    // What stands on the page may be what she does not see any more.
                    Ok(true) if self.changed => return Piece::Reset,
                    Ok(true) => self.doubted = false,
                    Ok(false) => return Piece::Bye,
                    Err(_) => return Piece::End,
                }
            }
            let ends = self.leaves.map_or(self.ends, |leaves| leaves.min(self.ends));
            tokio::select! {
                told = self.access.recv() => match told {
                    Ok(news) => match &news.event {
                        Event::AccessLost { access } if self.holder.lost(access) => {
                            self.doubted = true;
                            self.changed |= matches!(access, Access::Agent(_));
                        }
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
pub fn conversation<D: Draw>(
    app: App,
    seat: Seat,
    draw: D,
    cursor: Option<Cursor>,
) -> impl Stream<Item = Piece> + Send {
    async_stream::stream! {
        // Listen before reading, so that nothing falls between the two.
        let mut news = app.bus.subscribe(Topic::Conversation(draw.conversation()));
        let mut presence = app.bus.subscribe(Topic::Presence);
        let resumed = cursor.is_some();
        let turn = app.streams.turn().await;
        let began = aside(begin(app.clone(), seat.clone(), draw.clone(), cursor)).await;
        drop(turn);
        let began = match began {
            Ok(began) => began,
            Err(error) => {
                tracing::warn!(%error, "a stream could not begin");
                yield Piece::End;
                return;
            }
        };
        app.metrics.stream_began(resumed);
        let Some((sight, mut seen, missed, around)) = began else {
            app.metrics.resets.inc();
            yield Piece::Reset;
            return;
        };
        for piece in missed {
            yield piece;
        }
        yield Piece::Synced(around);

        // Until when the other side counts as typing.
        let mut typing: Option<Instant> = None;
        loop {
            let pieces = tokio::select! {
                told = news.recv() => match told {
                    told if is_doubtful(sight.as_ref(), told.as_ref()) && !sits_still(&app, &seat).await => {
                        Ok(vec![Piece::Bye])
                    }
                    Ok(news) => {
                        let pieces = heard(&app, &draw, &news, &mut seen).await;
                        match signs(&draw, &news.event) {
                            Some(Sign::Types) => typing = Some(Instant::now() + TYPING),
                            Some(Sign::Wrote) if typing.take().is_some() => yield Piece::Passing(draw.quiet()),
                            Some(Sign::Wrote) | None => {}
                        }
                        pieces
                    }
                    Err(RecvError::Lagged(_)) => missed_since(&app, &draw, &mut seen).await,
                    Err(RecvError::Closed) => Ok(vec![Piece::End]),
                }
                .unwrap_or_else(|error| {
                    tracing::warn!(%error, "a stream could not go on");
                    vec![Piece::End]
                }),
                told = presence.recv(), if draw.audience() == Side::Visitor => match told {
                    Ok(news) => vec![Piece::Passing(draw.news(&news))],
                    Err(_) => vec![Piece::Passing(draw.presence(app.bus.is_here(Present::Agents)))],
                },
                () = sleep_until(typing.unwrap_or_else(Instant::now)), if typing.is_some() => {
                    typing = None;
                    vec![Piece::Passing(draw.quiet())]
                }
            };
            for piece in pieces {
                let last = piece.is_last();
                yield piece;
                if last {
                    return;
                }
            }
        }
    }
}

/// A stream with what interrupts and ends all streams alike.
pub fn watched(
    pieces: impl Stream<Item = Piece> + Send,
    mut watch: Watch,
) -> impl Stream<Item = Piece> + Send {
    // Boxed: streams in streams would each hold room for the inner one twice.
    let mut pieces = Box::pin(pieces);
    async_stream::stream! {
        if !watch.holds().await {
            yield Piece::Bye;
            return;
        }
        loop {
            let piece = tokio::select! {
                biased;
                interruption = watch.next() => interruption,
                piece = pieces.next() => match piece {
                    Some(piece) => piece,
                    None => return,
                },
            };
            let last = piece.is_last();
            yield piece;
            if last {
                return;
            }
        }
    }
}

/// What comes together with the first news is answered together.
const TOGETHER: Duration = Duration::from_millis(20);

/// For a reader whose line carries no streams: what was missed; or else the first news, waited for as long as `patience`.
pub fn until_something(
    pieces: impl Stream<Item = Piece> + Send,
    patience: Duration,
) -> impl Stream<Item = Piece> + Send {
    let mut pieces = Box::pin(pieces);
    async_stream::stream! {
        let mut until = Instant::now() + patience;
        let (mut synced, mut something) = (false, patience.is_zero());
        while !(synced && something && Instant::now() >= until) {
            // However long the log takes: an answer is whole up to here.
            let piece = tokio::select! {
                biased;
                piece = pieces.next() => piece,
                () = sleep_until(until), if synced => None,
            };
            match piece {
                None => return,
                Some(Piece::Beat) => {}
                Some(piece) => {
                    let last = piece.is_last();
                    synced |= matches!(piece, Piece::Synced(_));
                    // Where everybody stands when the reader came is no news.
                    if !matches!(piece, Piece::Synced(_)) && !something {
                        something = true;
                        until = until.min(Instant::now() + TOGETHER);
                    }
                    yield piece;
                    if last {
                        return;
                    }
                }
            }
        }
    }
}

/// Whether an agent may not see the conversation any more, by what is told, or because something was not.
fn is_doubtful(sight: Option<&Sight>, told: Result<&Arc<News>, &RecvError>) -> bool {
    let Some(sight) = sight.filter(|sight| sight.narrows()) else { return false };
    let Ok(news) = told else { return true };
    match &news.event {
        Event::AccessLost { .. } | Event::HeadSeen { .. } => true,
        event => event.row().is_some_and(|row| !sight.sees_row(row)),
    }
}

/// What was told may be old, so the database is asked.
async fn sits_still(app: &App, seat: &Seat) -> bool {
    let (app, seat) = (app.clone(), seat.clone());
    aside(async move { conversation::find_for(app.db.read(), &seat).await }).await.is_ok()
}

/// What was missed up to now, with what an agent sees and the number reached; `None` if the cursor cannot be continued from.
async fn begin<D: Draw>(
    app: App,
    seat: Seat,
    draw: D,
    cursor: Option<Cursor>,
) -> Result<Option<(Option<Sight>, i64, Vec<Piece>, Drawn)>> {
    let sight = match &seat {
        Seat::Agent { id, .. } => Some(conversation::sight_of(app.db.read(), *id).await?),
        Seat::Visitor { .. } => None,
    };
    let Conversation { last_seq, .. } = conversation::find_for(app.db.read(), &seat).await?;
    let Some(seen) = cursor.and_then(|cursor| cursor.resume(&app.epoch, last_seq)) else {
        return Ok(None);
    };
    if last_seq.saturating_sub(seen) > i64::try_from(MISSED).unwrap_or(i64::MAX) {
        return Ok(None);
    }
    let (missed, seen) =
        if seen < last_seq { read_on(&app, &draw, seen).await? } else { (Vec::new(), seen) };
    let positions = conversation::positions(app.db.read(), draw.conversation()).await?;
    let other = match draw.audience() {
        Side::Visitor => Present::Agents,
        Side::Agent => Present::Visitor(draw.conversation()),
    };
    let (read, here) = (draw.positions(&positions)?, draw.presence(app.bus.is_here(other)));
    Ok(Some((sight, seen, missed, [&read[..], &here[..]].concat().into())))
}

/// Rule 3 of following: old news is dropped, the next entry passed on, and a gap read from the log first.
async fn heard<D: Draw>(
    app: &App,
    draw: &D,
    news: &Arc<News>,
    seen: &mut i64,
) -> Result<Vec<Piece>> {
    let next = news.event.reaches().map(|(_, seq)| seq - *seen);
    match next {
        Some(..1) => Ok(Vec::new()),
        Some(2..) => {
            app.metrics.gaps_filled.inc();
            missed_since(app, draw, seen).await
        }
        Some(1) if matches!(news.event, Event::HeadSeen { .. }) => {
            app.metrics.gaps_filled.inc();
            missed_since(app, draw, seen).await
        }
        // What this reader may not see moves its place without a word.
        Some(1) => {
            *seen += 1;
            let drawn = draw.news(news);
            Ok(match &news.event {
                _ if drawn.is_empty() => Vec::new(),
                Event::EntryAppended(appended) if appended.entry.amends().is_some() => {
                    vec![Piece::Redrawn { seq: *seen, drawn }]
                }
                _ => vec![Piece::Entry { seq: *seen, drawn }],
            })
        }
        None => {
            let drawn = draw.news(news);
            Ok(if drawn.is_empty() { Vec::new() } else { vec![Piece::Passing(drawn)] })
        }
    }
}

/// What news says of the other side's typing.
enum Sign {
    Types,
    Wrote,
}

fn signs<D: Draw>(draw: &D, event: &Event) -> Option<Sign> {
    let theirs = |author: &Author| author.side() != draw.audience();
    match event {
        Event::Typed { by, .. } if theirs(by) => Some(Sign::Types),
        Event::EntryAppended(appended) if theirs(&appended.entry.author) => Some(Sign::Wrote),
        _ => None,
    }
}

/// The log after what was seen, one piece an entry.
async fn missed_since<D: Draw>(app: &App, draw: &D, seen: &mut i64) -> Result<Vec<Piece>> {
    let (app, draw, from) = (app.clone(), draw.clone(), *seen);
    let (pieces, last) = aside(async move { read_on(&app, &draw, from).await }).await?;
    *seen = last;
    Ok(pieces)
}

/// The same, with the number reached.
async fn read_on<D: Draw>(app: &App, draw: &D, mut seen: i64) -> Result<(Vec<Piece>, i64)> {
    let mut pieces = Vec::new();
    loop {
        let range = Range::After(seen, MISSED);
        let history: History =
            conversation::history(app.db.read(), draw.conversation(), range).await?;
        let Some(last) = history.entries.last().map(|entry| entry.seq) else {
            return Ok((pieces, seen));
        };
        for shown in history.shown_to(draw.audience()) {
            pieces.push(match shown {
                Shown::Entry(entry, before) => {
                    Piece::Entry { seq: entry.seq, drawn: draw.entry(entry, before)? }
                }
                Shown::Redrawn(seq, redrawn) => {
                    Piece::Redrawn { seq, drawn: draw.redrawn(redrawn)? }
                }
            });
        }
        seen = last;
        if (history.entries.len() as u64) < MISSED {
            return Ok((pieces, seen));
        }
    }
}
