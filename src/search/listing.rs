//! Conversations that are asked about by nothing but filters: the lists of the desk, those that are not closed before the others.
use super::{
    finding::LOOKED_AT,
    model::{After, Days, Within},
};
use crate::{
    agent::Agent,
    app::App,
    conversation::{self, Conversation, Filter, Lens, Sight, Tab},
    error::Result,
    ids::ConversationId,
};
use jiff::Timestamp;

/// Of those that are not closed, so many are read at once: days stand in no list of theirs.
const TOGETHER: u64 = 200;

#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Each with its visitor's name.
    pub rows: Vec<(Conversation, String)>,
    /// After which there may be more.
    pub next: Option<After>,
}

impl Listing {
    fn of(mut rows: Vec<(Conversation, String)>, limit: usize) -> Self {
        let goes_on = rows.len() > limit;
        rows.truncate(limit);
        let next =
            rows.last().filter(|_| goes_on).map(|(head, _)| After::of(head.id, head.closed_at));
        Self { rows, next }
    }
}

impl Within {
    fn filter(&self) -> Filter {
        Filter { site: self.site, agent: self.agent, tag: self.tag, ..Filter::default() }
    }
}

/// What an agent sees of them, at most `limit`: first what is not closed and went on at some time of the days that are asked about,
/// the newest first; then what was closed in them, whichever was last first.
pub async fn listing(
    app: &App,
    me: &Agent,
    within: &Within,
    after: Option<After>,
    limit: usize,
) -> Result<Listing> {
    let sight = conversation::sight(app.db.read(), me).await?;
    let mut rows = Vec::new();
    if !matches!(after, Some(After::Closed(..))) {
        let listed = open(app, &sight, within, after, limit).await?;
        if listed.next.is_some() {
            return Ok(listed);
        }
        rows = listed.rows;
    }
    let room = (limit - rows.len()) as u64;
    rows.extend(closed(app, &sight, within, after, room + 1).await?);
    Ok(Listing::of(rows, limit))
}

/// Those that are not closed.
async fn open(
    app: &App,
    sight: &Sight,
    within: &Within,
    after: Option<After>,
    limit: usize,
) -> Result<Listing> {
    let lens = Lens { filter: within.filter(), ..Tab::All.into() };
    let mut below = after.map(After::id);
    let (mut rows, mut looked_at) = (Vec::new(), 0);
    loop {
        let page =
            conversation::page(&app.db, sight, &lens, below.map(|id| id.0), TOGETHER).await?;
        let ended = (page.len() as u64) < TOGETHER;
        looked_at += page.len() as u64;
        below = page.last().map(|(head, _)| head.id).or(below);
        rows.extend(page.into_iter().filter(|(head, _)| within.covers(head)));
        if ended || rows.len() > limit {
            return Ok(Listing::of(rows, limit));
        }
        if looked_at >= LOOKED_AT {
            return Ok(Listing { rows, next: below.map(After::Open) });
        }
    }
}

/// Those that are: their list is in the order of the moments at which they were, so days are a stretch of it.
async fn closed(
    app: &App,
    sight: &Sight,
    within: &Within,
    after: Option<After>,
    limit: u64,
) -> Result<Vec<(Conversation, String)>> {
    let Days { from, to } = within.days;
    let place = match after {
        Some(After::Closed(at, id)) => Some((at, id)),
        _ => to.map(|to| (to, ConversationId(0))),
    };
    let page = conversation::closed_page(&app.db, sight, &within.filter(), place, limit).await?;
    let is_in = |at: Timestamp| from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to);
    let is_of = |(head, _): &(Conversation, String)| head.closed_at.is_some_and(is_in);
    Ok(page.into_iter().take_while(is_of).collect())
}
