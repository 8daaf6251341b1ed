//! What agents see, asked of the database.
use super::{conversations::conversation, marks::conversation_guest, words::state_word};
use crate::{
    agent::{self, Agent},
    contact::{self, Contact},
    conversation::{model::Conversation, sight::Sight},
    error::{Error, Result},
    event::{Circle, State},
    ids::{AgentId, ContactId, ConversationId},
    team,
};
use sea_orm::{
    Condition, Order, QueryFilter, QueryOrder, QuerySelect, QueryTrait, Select,
    entity::prelude::*,
    sea_query::{Query, SelectStatement, UnionType},
};

/// What an agent sees now.
pub async fn sight(db: &impl ConnectionTrait, agent: &Agent) -> Result<Sight> {
    of(db, agent.id, agent.role.may_manage()).await
}

async fn of(db: &impl ConnectionTrait, agent: AgentId, all: bool) -> Result<Sight> {
    let team::Teams { own, gone, any } = team::seen_from(db, agent).await?;
    Ok(Sight::new(agent, all, own, gone, any))
}

/// The same of whoever has this number.
pub async fn sight_of(db: &impl ConnectionTrait, agent: AgentId) -> Result<Sight> {
    let all = agent::role_of(db, agent).await?.is_some_and(agent::Role::may_manage);
    of(db, agent, all).await
}

/// Not hers to see is not found. Where the row itself says that she may, nothing else is asked.
pub(super) async fn must_see(
    db: &impl ConnectionTrait,
    agent: AgentId,
    head: &Conversation,
) -> Result<()> {
    if head.is_open_to(agent) || sight_of(db, agent).await?.sees_head(head) {
        return Ok(());
    }
    Err(Error::NotFound)
}

/// For whom a conversation is; `None` if there is none.
pub async fn circle(db: &impl ConnectionTrait, id: ConversationId) -> Result<Option<Circle>> {
    let row = conversation::Entity::find_by_id(id.0).one(db).await?;
    Ok(row.map(|row| super::conversations::read(row).circle()))
}

/// A contact whom an agent may know; any other is not found.
pub async fn known(db: &impl ConnectionTrait, agent: &Agent, id: ContactId) -> Result<Contact> {
    let contact = contact::find(db, id).await?;
    only_known(db, agent, vec![contact]).await?.pop().ok_or(Error::NotFound)
}

/// Those of these contacts whom an agent may know: of whom she sees a conversation. Who never spoke is nobody's secret.
pub async fn only_known(
    db: &impl ConnectionTrait,
    agent: &Agent,
    contacts: Vec<Contact>,
) -> Result<Vec<Contact>> {
    let Some(seen) = seen(&sight(db, agent).await?) else { return Ok(contacts) };
    let mut known = Vec::with_capacity(contacts.len());
    for contact in contacts {
        let id = contact.id;
        if has_any(db, id, seen.clone()).await? || !has_any(db, id, Condition::all()).await? {
            known.push(contact);
        }
    }
    Ok(known)
}

async fn has_any(db: &impl ConnectionTrait, contact: ContactId, which: Condition) -> Result<bool> {
    let one: Option<i64> = conversation::Entity::find()
        .select_only()
        .column(conversation::Column::Id)
        .filter(conversation::Column::ContactId.eq(contact.0))
        .filter(which)
        .limit(1)
        .into_tuple()
        .one(db)
        .await?;
    Ok(one.is_some())
}

/// What of a few rows she sees; `None` where she sees all. For what is looked through anyway: of what grows with the years
/// [`newest_of`] finds the newest.
pub(super) fn seen(sight: &Sight) -> Option<Condition> {
    use conversation::Column::{AssigneeId, Id, TeamId};
    let of_team = TeamId.is_in(sight.of_teams().map(|team| team.0));
    sight.narrows().then(|| {
        Condition::any()
            .add(TeamId.is_null())
            .add(of_team)
            .add(AssigneeId.eq(sight.agent().0))
            .add(Id.in_subquery(guest_in(sight.agent())))
    })
}

fn guest_in(agent: AgentId) -> SelectStatement {
    let mut guest = Query::select();
    guest.column(conversation_guest::Column::ConversationId).from(conversation_guest::Entity);
    guest.and_where(conversation_guest::Column::AgentId.eq(agent.0)).take()
}

/// The numbers of the closed conversations that she sees and that are first in the descending order of a column, at most `limit`.
/// Each reason to see one is a range of an index that is in this order: one that her teams have few of is found as fast among a million others.
pub(super) async fn newest_of(
    db: &impl ConnectionTrait,
    sight: &Sight,
    by: conversation::Column,
    which: Condition,
    limit: u64,
) -> Result<Vec<i64>> {
    use conversation::Column::{AssigneeId, Id, TeamId};
    let closed = || {
        conversation::Entity::find()
            .select_only()
            .column(Id)
            .column_as(by, "place")
            .filter(which.clone())
    };
    // Those of one moment by their numbers, so that a page ends where the next one begins.
    let first = |branch: Select<conversation::Entity>| {
        branch.order_by_desc(by).order_by_desc(Id).limit(limit).into_query()
    };
    let mut branches = vec![
        first(closed().filter(TeamId.is_null())),
        first(closed().filter(AssigneeId.eq(sight.agent().0))),
        first(closed().filter(Id.in_subquery(guest_in(sight.agent())))),
    ];
    branches.extend(sight.of_teams().map(|team| first(closed().filter(TeamId.eq(team.0)))));
    // SQLite knows no brackets within a union.
    let mut branches = branches.into_iter().map(|branch| {
        Query::select().column("id").column("place").from_subquery(branch, "branch").take()
    });
    let Some(mut all) = branches.next() else { return Ok(Vec::new()) };
    for branch in branches {
        all.union(UnionType::Distinct, branch);
    }
    all.order_by("place", Order::Desc).order_by("id", Order::Desc).limit(limit);
    let rows = db.query_all(&all).await?;
    Ok(rows.iter().map(|row| row.try_get("", "id")).collect::<Result<_, _>>()?)
}

/// What is closed, for lists by number.
pub(super) fn closed() -> Condition {
    Condition::all().add(conversation::Column::State.eq(state_word(State::Closed)))
}
