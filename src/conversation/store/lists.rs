//! The lists of the desk.
use super::{
    conversations::{conversation, read},
    marks::conversation_tag,
    places::{self, Place},
    sight,
    words::{priority_number, state_word},
};
use crate::{
    contact,
    conversation::{model::Conversation, sight::Sight},
    db,
    db::Db,
    error::Result,
    event::{Priority, State, Summary},
    ids::{AgentId, ContactId, ConversationId, SiteId, TagId, TeamId},
    site,
};
use jiff::Timestamp;
use sea_orm::{
    Condition, FromQueryResult, QueryOrder, QuerySelect, QueryTrait, Select,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, Query},
};
use std::collections::HashMap;

/// The lists an agent looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    Mine(AgentId),
    Queue,
    All,
    /// Put off.
    Snoozed,
    Closed,
}

impl Tab {
    pub fn holds(self, summary: &Summary) -> bool {
        let snoozed = summary.snoozed_until.is_some();
        match self {
            Self::Mine(agent) => {
                summary.state == State::Open && !snoozed && summary.assignee == Some(agent)
            }
            Self::Queue => summary.state == State::Queued,
            Self::All => summary.state != State::Closed && !snoozed,
            Self::Snoozed => summary.state != State::Closed && snoozed,
            Self::Closed => summary.state == State::Closed,
        }
    }

    fn condition(self) -> Condition {
        use conversation::Column::{AssigneeId, SnoozedUntil, State};
        let mine = match self {
            Self::Mine(agent) => Some(AssigneeId.eq(agent.0)),
            Self::Queue | Self::All | Self::Snoozed | Self::Closed => None,
        };
        let states = self.states().iter().copied().map(state_word);
        let put_off = match self {
            Self::Snoozed => Some(SnoozedUntil.is_not_null()),
            Self::Mine(_) | Self::All => Some(SnoozedUntil.is_null()),
            Self::Queue | Self::Closed => None,
        };
        Condition::all().add(State.is_in(states)).add_option(mine).add_option(put_off)
    }

    fn states(self) -> &'static [State] {
        match self {
            Self::Mine(_) | Self::Snoozed => &[State::Open],
            Self::Queue => &[State::Queued],
            Self::All => &[State::Queued, State::Open],
            Self::Closed => &[State::Closed],
        }
    }
}

/// What of a list an agent wants to see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    pub site: Option<SiteId>,
    /// Whoever has it.
    pub agent: Option<AgentId>,
    pub tag: Option<TagId>,
    pub team: Option<TeamId>,
    pub priority: Option<Priority>,
    pub unread: bool,
}

impl Filter {
    fn holds(&self, summary: &Summary) -> bool {
        self.site.is_none_or(|site| summary.site == site)
            && self.agent.is_none_or(|agent| summary.assignee == Some(agent))
            && self.tag.is_none_or(|tag| summary.tags.contains(&tag))
            && self.team.is_none_or(|team| summary.team == Some(team))
            && self.priority.is_none_or(|priority| summary.priority == priority)
            && (!self.unread || summary.unread > 0)
    }

    /// By how many things.
    fn narrows_by(&self) -> usize {
        let Self { site, agent, tag, team, priority, unread } = self;
        let things = [
            site.is_some(),
            agent.is_some(),
            tag.is_some(),
            team.is_some(),
            priority.is_some(),
            *unread,
        ];
        things.into_iter().filter(|narrows| *narrows).count()
    }

    /// Of a list. Rows of tags and the index of priorities know what is closed: among those of a tag or a priority, the open ones
    /// are few.
    fn condition(&self, tab: Tab) -> Condition {
        use conversation::Column::{AssigneeId, ClosedAt, Id, Priority, SiteId, TeamId, Unread};
        use conversation_tag::Column::{ClosedAt as TaggedClosedAt, ConversationId, TagId};
        let tagged = self.tag.map(|tag| {
            let closed_at = TaggedClosedAt.into_expr();
            let of_tab =
                if tab == Tab::Closed { closed_at.is_not_null() } else { closed_at.is_null() };
            let mut of = Query::select();
            of.column(ConversationId).from(conversation_tag::Entity);
            Id.in_subquery(of.and_where(is(TagId, tag.0)).and_where(of_tab).take())
        });
        let open_of_priority =
            self.priority.filter(|_| tab != Tab::Closed).map(|_| ClosedAt.is_null());
        Condition::all()
            .add_option(self.site.map(|site| is(SiteId, site.0)))
            .add_option(self.agent.map(|agent| is(AssigneeId, agent.0)))
            .add_option(self.team.map(|team| is(TeamId, team.0)))
            .add_option(self.priority.map(|priority| is(Priority, priority_number(priority))))
            .add_option(open_of_priority)
            .add_option(self.unread.then(|| Unread.gt(0)))
            .add_option(tagged)
    }
}

/// The number stands in the question itself, so that it is planned for what is asked: urgent ones are few, normal ones most.
/// PostgreSQL keeps a plan for all numbers otherwise, and takes seconds where it is the wrong one.
fn is(column: impl ColumnTrait, number: i64) -> Expr {
    column.into_expr().eq(Expr::cust(number.to_string()))
}

/// What an agent looks at: a list, and what of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lens {
    pub tab: Tab,
    pub filter: Filter,
    /// Only what comes after this place of the list.
    pub after: Option<Place>,
}

impl Lens {
    pub fn holds(&self, summary: &Summary) -> bool {
        self.tab.holds(summary)
            && self.filter.holds(summary)
            && self.after.is_none_or(|place| place.is_before(summary))
    }
}

impl From<Tab> for Lens {
    fn from(tab: Tab) -> Self {
        Self { tab, filter: Filter::default(), after: None }
    }
}

/// The rows of a list that an agent sees, in the order of [`places`], at most `limit`.
pub async fn list(db: &Db, sight: &Sight, lens: &Lens, limit: u64) -> Result<Vec<Summary>> {
    summaries(db, rows_of(db, sight, lens, limit).await?).await
}

/// A page of the closed ones that an agent sees and a filter lets pass, whichever was closed last first, from below one of
/// them: each with its visitor's name.
pub async fn closed_page(
    db: &Db,
    sight: &Sight,
    filter: &Filter,
    below: Option<(Timestamp, ConversationId)>,
    limit: u64,
) -> Result<Vec<(Conversation, String)>> {
    let after = below.map(|(at, id)| Place::of_closed(at, id));
    let lens = Lens { tab: Tab::Closed, filter: *filter, after };
    named(db, rows_of(db, sight, &lens, limit).await?).await
}

async fn rows_of(
    db: &Db,
    sight: &Sight,
    lens: &Lens,
    limit: u64,
) -> Result<Vec<conversation::Model>> {
    use conversation::Column::SnoozedUntil;
    if lens.tab == Tab::Closed {
        return in_order(db, &closed_ids(db, sight, lens, limit).await?).await;
    }
    let all = conversation::Entity::find()
        .filter(lens.filter.condition(lens.tab))
        .apply_if(seen_in(sight, lens.tab), QueryFilter::filter);
    let some = match lens.tab {
        Tab::Snoozed => all.filter(SnoozedUntil.is_not_null()),
        _ => all.filter(lens.tab.condition()),
    };
    Ok(places::in_order(some, lens.tab, lens.after).limit(limit).all(db.read()).await?)
}

/// The numbers of closed ones in the order of their list. Indexes know all that they are narrowed by, so that only the rows that
/// are shown are read. Where several things narrow, it depends on them which index is the best.
async fn closed_ids(db: &Db, sight: &Sight, lens: &Lens, limit: u64) -> Result<Vec<i64>> {
    if lens.filter.narrows_by() < 2 {
        return closed_of(db.read(), sight, lens, limit).await;
    }
    let tx = db.planned_anew().await?;
    let ids = closed_of(&tx, sight, lens, limit).await?;
    tx.commit().await?;
    Ok(ids)
}

async fn closed_of(
    db: &impl ConnectionTrait,
    sight: &Sight,
    lens: &Lens,
    limit: u64,
) -> Result<Vec<i64>> {
    use conversation::Column::{ClosedAt, Id};
    // Whoever closes one has read it, and a visitor who writes opens it again.
    if lens.filter.unread {
        return Ok(Vec::new());
    }
    let which = lens.filter.condition(lens.tab).add(ClosedAt.is_not_null());
    if sight.narrows() {
        let which = which.add_option(places::closed_after(lens.after));
        return sight::newest_of(db, sight, ClosedAt, which, limit).await;
    }
    if let Some(tag) = lens.filter.tag {
        let closed = places::in_order_of_tag(closed_with(tag, &lens.filter), lens.after);
        let id = conversation_tag::Column::ConversationId;
        return Ok(closed.select_only().column(id).limit(limit).into_tuple().all(db).await?);
    }
    let closed = places::in_order(conversation::Entity::find().filter(which), lens.tab, lens.after);
    Ok(closed.select_only().column(Id).limit(limit).into_tuple().all(db).await?)
}

/// Closed ones that carry a tag: its own rows know all that they are narrowed by, and are in order too, be they many or few.
fn closed_with(tag: TagId, filter: &Filter) -> Select<conversation_tag::Entity> {
    use conversation_tag::Column::{AssigneeId, ClosedAt, Priority, SiteId, TagId, TeamId};
    let narrowed = Condition::all()
        .add_option(filter.site.map(|site| is(SiteId, site.0)))
        .add_option(filter.agent.map(|agent| is(AssigneeId, agent.0)))
        .add_option(filter.team.map(|team| is(TeamId, team.0)))
        .add_option(filter.priority.map(|priority| is(Priority, priority_number(priority))));
    conversation_tag::Entity::find()
        .filter(is(TagId, tag.0))
        .filter(ClosedAt.is_not_null())
        .filter(narrowed)
}

/// What of a list an agent sees; `None` where she sees all of it, as of her own.
fn seen_in(sight: &Sight, tab: Tab) -> Option<Condition> {
    match tab {
        Tab::Mine(agent) if agent == sight.agent() => None,
        _ => sight::seen(sight),
    }
}

/// Rows by their numbers, in the order of these.
async fn in_order(db: &Db, ids: &[i64]) -> Result<Vec<conversation::Model>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let these = conversation::Column::Id.is_in(ids.iter().copied());
    let rows = conversation::Entity::find().filter(these).all(db.read()).await?;
    let mut rows: HashMap<_, _> = rows.into_iter().map(|row| (row.id, row)).collect();
    Ok(ids.iter().filter_map(|id| rows.remove(id)).collect())
}

/// A page of what an agent looks at, the newest first, from below a number: each with its visitor's name. What is put off is
/// among all that are not closed. What is rare among those that are closed is found faster by [`closed_page`].
pub async fn page(
    db: &Db,
    sight: &Sight,
    lens: &Lens,
    below: Option<i64>,
    limit: u64,
) -> Result<Vec<(Conversation, String)>> {
    let Lens { tab, filter, .. } = *lens;
    if let Tab::Mine(_) | Tab::Snoozed = tab {
        let which = filter.condition(tab).add(tab.condition()).add_option(seen_in(sight, tab));
        return newest(db, which, below, limit).await;
    }
    if tab == Tab::Closed && sight.narrows() {
        let below = below.map(|id| conversation::Column::Id.lt(id));
        let which = filter.condition(tab).add(sight::closed()).add_option(below);
        let by = conversation::Column::Id;
        let ids = sight::newest_of(db.read(), sight, by, which, limit).await?;
        return named(db, in_order(db, &ids).await?).await;
    }
    // One state at a time: each is a range of an index that is in order.
    let mut page = Vec::new();
    for state in tab.states() {
        let those = filter
            .condition(tab)
            .add(conversation::Column::State.eq(state_word(*state)))
            .add_option(sight::seen(sight));
        page.extend(newest(db, those, below, limit).await?);
    }
    page.sort_by_key(|(conversation, _)| std::cmp::Reverse(conversation.id));
    page.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(page)
}

/// A page of a visitor's own conversations.
pub async fn of_contact(
    db: &Db,
    contact: ContactId,
    below: Option<i64>,
    limit: u64,
) -> Result<Vec<(Conversation, String)>> {
    let own = Condition::all().add(conversation::Column::ContactId.eq(contact.0));
    newest(db, own, below, limit).await
}

/// The same of another's, as far as an agent sees them.
pub async fn seen_of_contact(
    db: &Db,
    sight: &Sight,
    contact: ContactId,
    below: Option<i64>,
    limit: u64,
) -> Result<Vec<(Conversation, String)>> {
    let theirs = Condition::all()
        .add(conversation::Column::ContactId.eq(contact.0))
        .add_option(sight::seen(sight));
    newest(db, theirs, below, limit).await
}

async fn newest(
    db: &Db,
    which: Condition,
    below: Option<i64>,
    limit: u64,
) -> Result<Vec<(Conversation, String)>> {
    let rows = conversation::Entity::find()
        .filter(which)
        .apply_if(below, |query, id| query.filter(conversation::Column::Id.lt(id)))
        .order_by_desc(conversation::Column::Id)
        .limit(limit)
        .all(db.read())
        .await?;
    named(db, rows).await
}

async fn named(db: &Db, rows: Vec<conversation::Model>) -> Result<Vec<(Conversation, String)>> {
    let names =
        contact::names(db.read(), rows.iter().map(|row| ContactId(row.contact_id)).collect())
            .await?;
    let named = |head: Conversation| {
        let name = names.get(&head.contact).cloned().unwrap_or_default();
        (head, name)
    };
    Ok(rows.into_iter().map(read).map(named).collect())
}

/// What an agent sees of what changed since a moment of the database's clock, the newest if it is more than the limit: for a
/// reader who was away.
pub async fn touched_since(
    db: &Db,
    sight: &Sight,
    since: Timestamp,
    limit: u64,
) -> Result<Vec<Summary>> {
    let mut rows = conversation::Entity::find()
        .filter(conversation::Column::TouchedAt.gte(db::second(since)))
        .apply_if(sight::seen(sight), QueryFilter::filter)
        .order_by_desc(conversation::Column::TouchedAt)
        .limit(limit)
        .all(db.read())
        .await?;
    // Many are touched within a second.
    rows.sort_by_key(|row| (row.last_at, row.id));
    summaries(db, rows).await
}

/// Conversations changed since a moment of the database's clock, and how often each was changed.
pub async fn touches_since(db: &Db, since: Timestamp) -> Result<Vec<(ConversationId, i64)>> {
    let mut touched: Vec<(i64, i64)> = conversation::Entity::find()
        .select_only()
        .columns([conversation::Column::Id, conversation::Column::Touches])
        .filter(conversation::Column::TouchedAt.gte(db::second(since)))
        .into_tuple()
        .all(db.read())
        .await?;
    touched.sort_unstable();
    Ok(touched.into_iter().map(|(id, touches)| (ConversationId(id), touches)).collect())
}

/// The rows of these conversations.
pub async fn summaries_of(db: &Db, ids: &[ConversationId]) -> Result<Vec<Summary>> {
    let wanted = conversation::Column::Id.is_in(ids.iter().map(|id| id.0));
    let rows = conversation::Entity::find().filter(wanted).all(db.read()).await?;
    summaries(db, rows).await
}

async fn summaries(db: &Db, rows: Vec<conversation::Model>) -> Result<Vec<Summary>> {
    let names =
        contact::names(db.read(), rows.iter().map(|row| ContactId(row.contact_id)).collect())
            .await?;
    let zones: HashMap<_, _> =
        site::all(db).await?.into_iter().map(|site| (site.id, site.zone)).collect();
    let summary = |row| {
        let conversation = read(row);
        let name = names.get(&conversation.contact).cloned().unwrap_or_default();
        let zone = zones.get(&conversation.site).cloned().unwrap_or_default();
        conversation.summary(name, zone)
    };
    Ok(rows.into_iter().map(summary).collect())
}

/// How many conversations an agent sees in each list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub mine: i64,
    pub queue: i64,
    /// Those of the queue to which she is called while she is on call: no team's, and her teams'.
    pub called: i64,
    pub all: i64,
    /// Unread messages in my conversations.
    pub unread: i64,
}

/// How many conversations each agent has at work, of those who have any.
pub async fn held(db: &Db) -> Result<HashMap<AgentId, i64>> {
    let rows = conversation::Entity::find()
        .select_only()
        .column(conversation::Column::AssigneeId)
        .column_as(conversation::Column::Id.count(), "conversations")
        .filter(Tab::All.condition())
        .group_by(conversation::Column::AssigneeId)
        .into_tuple::<(Option<i64>, i64)>()
        .all(db.read())
        .await?;
    let of_agent = |(agent, number): (Option<i64>, i64)| Some((AgentId(agent?), number));
    Ok(rows.into_iter().filter_map(of_agent).collect())
}

#[derive(FromQueryResult)]
struct CountRow {
    state: String,
    assignee_id: Option<i64>,
    team_id: Option<i64>,
    conversations: i64,
}

/// What all that are not closed are counted by stands in one index; what is unread changes with each message and stands in the
/// rows, so that only hers are read for it.
pub async fn counts(db: &Db, sight: &Sight) -> Result<Counts> {
    let by = [
        conversation::Column::State,
        conversation::Column::AssigneeId,
        conversation::Column::TeamId,
    ];
    let all = conversation::Entity::find()
        .select_only()
        .columns(by)
        .column_as(conversation::Column::Id.count(), "conversations")
        .filter(Tab::All.condition().add_option(sight::seen(sight)));
    let rows = by
        .into_iter()
        .fold(all, QuerySelect::group_by)
        .into_model::<CountRow>()
        .all(db.read())
        .await?;
    let mut counts = Counts::default();
    for row in rows {
        counts.all += row.conversations;
        if row.state == state_word(State::Queued) {
            counts.queue += row.conversations;
            if sight.is_called_to(row.team_id.map(TeamId)) {
                counts.called += row.conversations;
            }
        } else if row.assignee_id == Some(sight.agent().0) {
            counts.mine += row.conversations;
        }
    }
    if counts.mine > 0 {
        counts.unread = unread_of(db, sight.agent()).await?;
    }
    Ok(counts)
}

/// Unread messages in all that an agent has at work.
async fn unread_of(db: &Db, agent: AgentId) -> Result<i64> {
    let sum = Expr::cust(match db.read().get_database_backend() {
        sea_orm::DbBackend::Sqlite => "SUM(unread)",
        sea_orm::DbBackend::MySql => "CAST(SUM(unread) AS SIGNED)",
        _ => "CAST(SUM(unread) AS BIGINT)",
    });
    let sum: Option<Option<i64>> = conversation::Entity::find()
        .select_only()
        .column_as(sum, "unread")
        .filter(Tab::Mine(agent).condition())
        .into_tuple()
        .one(db.read())
        .await?;
    Ok(sum.flatten().unwrap_or_default())
}

/// Whether there is any conversation at all.
pub async fn is_any(db: &Db) -> Result<bool> {
    // By a bound that all are above, a look into the index by every engine's account.
    let id: Option<i64> = conversation::Entity::find()
        .filter(conversation::Column::Id.gt(0))
        .select_only()
        .column(conversation::Column::Id)
        .limit(1)
        .into_tuple()
        .one(db.read())
        .await?;
    Ok(id.is_some())
}
