//! The desk's one stream: rows and counters of the lists, and for conversations only the hint that there is more to fetch,
//! so that a missed hint costs nothing.
use super::{
    follow::{Piece, TYPING},
    notice,
    seat::AtDesk,
};
use crate::{
    agent::{self, Agent, CurrentAgent},
    app::{App, aside},
    bus::{Drawn, News},
    conversation::{self, Canvas, Lens, Seat, Sight, counts, list, touched_since},
    db::Db,
    desk::{self, Around, row_changed, row_news},
    draft,
    error::Result,
    event::{Access, Author, Circle, Event, Present, Side, Summary, Topic},
    ids::{AgentId, ContactId, ConversationId, Nonce},
    text::Lang,
};
use bytes::Bytes;
use futures_util::Stream;
use jiff::{SignedDuration, Timestamp};
use std::{collections::HashMap, sync::Arc, time::Duration};
use tokio::{
    sync::broadcast::error::RecvError,
    time::{Instant, sleep_until},
};

/// Rows touched so long before the cursor are sent again: transactions commit out of the order of their clocks.
const SLACK: SignedDuration = SignedDuration::from_secs(30);
/// The most rows that are sent again; whoever missed more loads the page.
const ROWS: u64 = 300;
/// The most for a page that was loaded within [`SLACK`]: loading it again and again would not help.
const ROWS_AT_ONCE: u64 = 3_000;
/// Counters follow at most this often.
const COUNT_EVERY: Duration = Duration::from_millis(250);

/// Losses of access are known for a day; whoever was away longer loads the page.
const AWAY: SignedDuration = SignedDuration::from_hours(23);

/// Where a reader goes on, as [`desk::cursor`] wrote it.
#[derive(Clone, Debug)]
pub struct Cursor {
    at: Timestamp,
    /// What was seen then.
    sight: Option<String>,
}

impl Cursor {
    pub fn parse(text: &str, epoch: &str) -> Option<Self> {
        let rest = text.strip_prefix(epoch)?.strip_prefix(':')?;
        let (micros, sight) = match rest.split_once(':') {
            Some((micros, sight)) => (micros, Some(sight.to_owned())),
            None => (rest, None),
        };
        let at = Timestamp::from_microsecond(micros.parse().ok()?).ok()?;
        Some(Self { at, sight })
    }
}

/// A page that shows lists: by what it is known, and which conversation stood open when it asked for its stream.
#[derive(Clone, Debug)]
pub struct Page {
    pub name: Nonce,
    pub open: Option<ConversationId>,
}

/// What was missed: rows, and conversations that she saw and sees no more.
struct Missed {
    rows: Vec<Summary>,
    lost: Vec<ConversationId>,
}

pub fn follow(
    app: App,
    me: CurrentAgent,
    lens: Lens,
    page: Option<Page>,
    after: Option<Cursor>,
) -> impl Stream<Item = Piece> + Send {
    let mut at_desk = AtDesk::new(&app, &me.agent);
    async_stream::stream! {
        let mut news = app.bus.subscribe(Topic::Desk);
        let mut own = app.bus.subscribe(Topic::Agent(me.agent.id));
        let since = Instant::now();
        let asked = app.clone();
        let turn = app.streams.turn().await;
        let (agent, resumed) = (me.agent.clone(), after.clone());
        let open = page.as_ref().and_then(|page| page.open);
        let begun = aside(async move {
            if let Err(error) = agent::see(&asked, &[agent.id]).await {
                tracing::warn!(%error, "cannot note that an agent is at the desk");
            }
            let now = asked.db.now().await?;
            let sight = conversation::sight(asked.db.read(), &agent).await?;
            let missed = missed(&asked, &sight, resumed, now).await?;
            // An address can name any.
            let open = match open {
                Some(id) => conversation::circle(asked.db.read(), id).await?.filter(|of| sight.sees(of)).and(open),
                None => None,
            };
            Ok((now, Arc::new(sight), missed, open))
        })
        .await;
        drop(turn);
        let Ok((began, sight, missed, open)) = begun else {
            yield Piece::End;
            return;
        };
        app.metrics.stream_began(after.is_some());
        let Some(missed) = missed else {
            app.metrics.resets.inc();
            yield Piece::Reset;
            return;
        };
        // What she chose before this listened, nobody tells.
        at_desk.ask_again().await;
        at_desk.show(open);
        // The database's clock, carried on by ours: what a reader will come back with.
        let now = || {
            let at = began + SignedDuration::try_from(since.elapsed()).unwrap_or(SignedDuration::ZERO);
            desk::cursor(&app.epoch, at, &sight)
        };
        for id in missed.lost {
            yield Piece::Passing(desk::lost(id, me.lang).into());
        }
        for summary in missed.rows {
            let around = Around::of(&app.bus, summary.id, me.agent.id);
            let drawn = row_changed(&app, &summary, &lens, &around, me.lang).into();
            yield Piece::Row { cursor: now(), drawn, hint: hint(&summary, None) };
            if after.as_ref().is_some_and(|after| summary.last_at > after.at)
                && let Some(told) = notice::of_row(&summary, at_desk.agent(), &sight, me.lang)
            {
                yield Piece::Notice(told);
            }
        }
        let counters = counted(&app, at_desk.agent(), &sight, me.lang).await.unwrap_or_default();
        let drafts = drafts(&app, &me).await;
        let around = if page.is_some() { around(&app, &me, &sight, &lens, open).await } else { String::new() };
        yield Piece::Synced([&counters[..], drafts.as_bytes(), around.as_bytes()].concat().into());

        let mut count_at: Option<Instant> = None;
        let mut typing = Typing::default();
        // Whose the conversation is that stands open, once that was asked.
        let mut beside: Option<(ConversationId, ContactId)> = None;
        loop {
            let quiet_at = typing.quiet_at();
            tokio::select! {
                () = sleep_until(count_at.unwrap_or_else(Instant::now)), if count_at.is_some() => {
                    count_at = None;
                    if let Some(counted) = counted(&app, at_desk.agent(), &sight, me.lang).await {
                        yield Piece::Passing(counted);
                    }
                }
                () = sleep_until(quiet_at.unwrap_or_else(Instant::now)), if quiet_at.is_some() => {
                    for id in typing.fall_quiet(Instant::now()) {
                        yield passing(&me, id, |canvas| conversation::typing(canvas, typing.of(id)));
                    }
                }
                told = news.recv() => match told {
                    // What she may not see passes without a word.
                    Ok(news) if !concerns_her(&app, &sight, &news).await => {}
                    Ok(news) => {
                        if let Event::AccessLost { access: Access::Conversation { id, .. } } = &news.event {
                            yield Piece::Passing(desk::lost(*id, me.lang).into());
                            if at_desk.shows() == Some(*id) {
                                at_desk.show(None);
                            }
                            count_at.get_or_insert_with(|| Instant::now() + COUNT_EVERY);
                        }
                        if let Some((summary, seq)) = concerns(&news) {
                            let around = Around::of(&app.bus, summary.id, me.agent.id);
                            let drawn = row_news(&app, &news, summary, &lens, &around, me.lang).into();
                            yield Piece::Row { cursor: now(), drawn, hint: hint(summary, seq) };
                            count_at.get_or_insert_with(|| Instant::now() + COUNT_EVERY);
                        }
                        if let Some(told) = notice::of_news(&news.event, at_desk.agent(), &sight, me.lang) {
                            yield Piece::Notice(told);
                        }
                        match &news.event {
                            Event::Typed { conversation: id, by } if !is_her(by, &me) => {
                                typing.add(*id, by, Instant::now() + TYPING);
                                yield passing(&me, *id, |canvas| conversation::typing(canvas, typing.of(*id)));
                            }
                            Event::EntryAppended(appended)
                                if typing.remove(appended.summary.id, &appended.entry.author) =>
                            {
                                let id = appended.summary.id;
                                yield passing(&me, id, |canvas| conversation::typing(canvas, typing.of(id)));
                            }
                            Event::PresenceChanged { who: Present::Visitor(id), here } => {
                                let dot = desk::dots([*id], *here, me.lang);
                                yield passing(&me, *id, |canvas| Ok(conversation::presence(canvas, *here)? + &dot));
                            }
                            Event::PresenceChanged { who: Present::Viewer { agent, conversation: id }, .. }
                                if *agent != me.agent.id && page.is_some() =>
                            {
                                let around = Around::of(&app.bus, *id, me.agent.id);
                                yield Piece::Passing(desk::viewers(&around, me.lang).into());
                            }
                            Event::ContactChanged { contact } if page.is_some() => {
                                let open = at_desk.shows();
                                if beside.map(|(of, _)| of) != open {
                                    beside = contact_of(&app, &me, open).await;
                                }
                                if let Some((id, _)) = beside.filter(|(_, whose)| whose == contact) {
                                    yield Piece::Contact(id);
                                    // Two may have become one.
                                    beside = None;
                                }
                            }
                            Event::PresenceChanged { who: Present::Agent(id), .. }
                            | Event::StandingChanged { agent: id } => {
                                if *id == me.agent.id {
                                    let was_on_call = at_desk.agent().is_on_call();
                                    at_desk.ask_again().await;
                                    if at_desk.agent().is_on_call() != was_on_call {
                                        count_at.get_or_insert_with(Instant::now);
                                    }
                                }
                                if let Some(drawn) = standing(&app, *id, me.lang).await {
                                    yield Piece::Passing(drawn);
                                }
                            }
                            _ => {}
                        }
                    }
                    // Come back with the cursor: the rows touched meanwhile are sent again.
                    Err(RecvError::Lagged(_) | RecvError::Closed) => {
                        yield Piece::End;
                        return;
                    }
                },
                told = own.recv() => match told {
                    Ok(news) => match &news.event {
                        Event::DraftChanged { conversation, begun, .. } => {
                            yield Piece::Passing(desk::draft_changed(*conversation, *begun).into());
                        }
                        Event::PageTurned { page: turned, to, .. }
                            if page.as_ref().is_some_and(|page| page.name == *turned) =>
                        {
                            at_desk.show(*to);
                        }
                        _ => {}
                    }
                    Err(RecvError::Lagged(_) | RecvError::Closed) => {
                        yield Piece::End;
                        return;
                    }
                },
            }
        }
    }
}

/// Who is typing where, visitors and colleagues, and until when that is believed.
#[derive(Default)]
struct Typing(HashMap<ConversationId, Vec<(Author, Instant)>>);

impl Typing {
    fn of(&self, id: ConversationId) -> impl Iterator<Item = &Author> {
        self.0.get(&id).into_iter().flatten().map(|(by, _)| by)
    }

    fn add(&mut self, id: ConversationId, by: &Author, until: Instant) {
        let all = self.0.entry(id).or_default();
        match all.iter_mut().find(|(one, _)| one.same_person(by)) {
            Some(known) => known.1 = until,
            None => all.push((by.clone(), until)),
        }
    }

    /// Whether she was typing.
    fn remove(&mut self, id: ConversationId, by: &Author) -> bool {
        let Some(all) = self.0.get_mut(&id) else { return false };
        let before = all.len();
        all.retain(|(one, _)| !one.same_person(by));
        let (left, typed) = (all.len(), all.len() < before);
        if left == 0 {
            self.0.remove(&id);
        }
        typed
    }

    /// When the next one is not believed any more.
    fn quiet_at(&self) -> Option<Instant> {
        self.0.values().flatten().map(|(_, until)| *until).min()
    }

    /// Forgets whoever has given no sign for long; in which conversations that is.
    fn fall_quiet(&mut self, now: Instant) -> Vec<ConversationId> {
        let mut changed = Vec::new();
        self.0.retain(|id, all| {
            let before = all.len();
            all.retain(|(_, until)| *until > now);
            if all.len() < before {
                changed.push(*id);
            }
            !all.is_empty()
        });
        changed
    }
}

fn is_her(by: &Author, me: &CurrentAgent) -> bool {
    matches!(by, Author::Agent { id, .. } if *id == me.agent.id)
}

/// Whose an open conversation is, as far as she sees it.
async fn contact_of(
    app: &App,
    me: &CurrentAgent,
    open: Option<ConversationId>,
) -> Option<(ConversationId, ContactId)> {
    let (app, seat) = (app.clone(), Seat::Agent { id: me.agent.id, conversation: open? });
    let found =
        aside(async move { conversation::find_for(app.db.read(), &seat).await }).await.ok()?;
    Some((found.id, found.contact))
}

/// What stands beside a colleague's name now.
async fn standing(app: &App, id: AgentId, lang: Lang) -> Option<Drawn> {
    let app = app.clone();
    let standing = aside(async move { agent::standing(&app, id).await })
        .await
        .inspect_err(|error| tracing::warn!(%error, "cannot ask where an agent is"));
    standing.ok().map(|standing| desk::standing(id, standing, lang).into())
}

/// What passes in a conversation, for whoever has it open.
fn passing(
    me: &CurrentAgent,
    conversation: ConversationId,
    draw: impl FnOnce(&Canvas) -> Result<String>,
) -> Piece {
    let zone = jiff::tz::TimeZone::UTC;
    let files = String::new();
    let canvas = Canvas {
        audience: Side::Agent,
        lang: me.lang,
        zone,
        conversation,
        files,
        visitor: String::new(),
        acts: false,
        standing: Default::default(),
    };
    draw(&canvas).map_or(Piece::Beat, |drawn| Piece::Passing(drawn.into()))
}

/// What happened while the reader was away; `None` if that is too much, if she sees otherwise than she did, or if the clock was
/// put back since.
async fn missed(
    app: &App,
    sight: &Sight,
    after: Option<Cursor>,
    now: Timestamp,
) -> Result<Option<Missed>> {
    let Some(Cursor { at: after, sight: before }) = after else {
        return Ok(Some(Missed { rows: Vec::new(), lost: Vec::new() }));
    };
    if after > now + SLACK || before != sight.word() || (sight.narrows() && after < now - AWAY) {
        return Ok(None);
    }
    let Some(rows) = rows_since(&app.db, sight, after, now).await? else {
        return Ok(None);
    };
    let mut lost = Vec::new();
    if sight.narrows() {
        let revoked = agent::revocations_since(&app.db, after - SLACK).await?;
        for access in revoked.into_iter().map(|(_, access)| access) {
            if let Access::Conversation { id, .. } = &access
                && sight.saw(&access)
                && !sees_now(app, sight, *id).await
            {
                lost.push(*id);
            }
        }
    }
    Ok(Some(Missed { rows, lost }))
}

/// What was touched since the cursor, and as much of the slack before it as [`ROWS`] hold: hundreds of conversations may be
/// touched within it. `None` if that is too much.
async fn rows_since(
    db: &Db,
    sight: &Sight,
    after: Timestamp,
    now: Timestamp,
) -> Result<Option<Vec<Summary>>> {
    let newest = touched_since(db, sight, after - SLACK, ROWS).await?;
    if (newest.len() as u64) < ROWS {
        return Ok(Some(newest));
    }
    let most = if after > now - SLACK { ROWS_AT_ONCE } else { ROWS };
    let missed = touched_since(db, sight, after, most + 1).await?;
    Ok(if missed.len() as u64 > most {
        None
    } else if missed.len() > newest.len() {
        Some(missed)
    } else {
        Some(newest)
    })
}

/// Whether news is for her: of a conversation that she sees, or that she saw and does not see any more.
pub async fn concerns_her(app: &App, sight: &Sight, news: &News) -> bool {
    if let Some(row) = news.event.row() {
        return sight.sees_row(row);
    }
    match &news.event {
        // What is said may be old, so the database is asked.
        Event::AccessLost { access: access @ Access::Conversation { id, .. } } => {
            sight.saw(access) && !sees_now(app, sight, *id).await
        }
        Event::Typed { conversation: id, .. }
        | Event::PresenceChanged {
            who: Present::Visitor(id) | Present::Viewer { conversation: id, .. },
            ..
        } if sight.narrows() => {
            let circle = news.circle(circle(app.clone(), *id)).await;
            circle.is_some_and(|circle| sight.sees(circle))
        }
        _ => true,
    }
}

/// For whom a conversation is now; nobody where that cannot be asked.
async fn circle(app: App, id: ConversationId) -> Option<Circle> {
    aside(async move { conversation::circle(app.db.read(), id).await })
        .await
        .inspect_err(|error| tracing::warn!(%error, "cannot ask who sees a conversation"))
        .ok()
        .flatten()
}

async fn sees_now(app: &App, sight: &Sight, id: ConversationId) -> bool {
    circle(app.clone(), id).await.is_some_and(|circle| sight.sees(&circle))
}

fn concerns(news: &News) -> Option<(&Summary, Option<i64>)> {
    let row = news.event.row()?;
    Some((row, news.event.reaches().map(|(_, seq)| seq)))
}

/// For whoever has the conversation open: fetch what follows what you have.
fn hint(summary: &Summary, seq: Option<i64>) -> Bytes {
    serde_json::json!({ "conversation": summary.id, "seq": seq }).to_string().into()
}

async fn counted(app: &App, agent: &Agent, sight: &Arc<Sight>, lang: Lang) -> Option<Drawn> {
    let (app, sight) = (app.clone(), sight.clone());
    let counts = aside(async move { counts(&app.db, &sight).await })
        .await
        .inspect_err(|error| tracing::warn!(%error, "cannot count"));
    counts.ok().map(|counts| desk::counters(&counts, agent, lang).into())
}

/// What passes in the rows of her page and in the conversation that stands open there, as it is now. Nothing, if the list cannot be
/// asked: the page goes by what it knows.
async fn around(
    app: &App,
    me: &CurrentAgent,
    sight: &Arc<Sight>,
    lens: &Lens,
    open: Option<ConversationId>,
) -> String {
    let (asked, sight, lens) = (app.clone(), sight.clone(), *lens);
    let rows = aside(async move { list(&asked.db, &sight, &lens, desk::ROWS).await })
        .await
        .inspect_err(|error| tracing::warn!(%error, "cannot ask for a list"))
        .unwrap_or_default();
    let of = |id| Around::of(&app.bus, id, me.agent.id);
    let rows: Vec<_> = rows.iter().map(|row| of(row.id)).collect();
    desk::around(&rows, open.map(of).as_ref(), me.lang)
}

/// Where she has begun to write something. Nothing, if that cannot be asked: the page goes by what it knows.
async fn drafts(app: &App, me: &CurrentAgent) -> String {
    let (app, id) = (app.clone(), me.agent.id);
    let begun = aside(async move { draft::begun_by(&app, id).await })
        .await
        .inspect_err(|error| tracing::warn!(%error, "cannot ask for drafts"));
    begun.map_or_else(|_| String::new(), |begun| desk::begun(&begun))
}
