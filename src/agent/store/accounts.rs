//! Accounts as those who manage see and change them: disabled ones too.
use super::{agent, invitation, read};
use crate::{
    agent::model::{Account, AccountState, AgentName, Capacity, Role},
    db::{self, Db},
    error::Result,
    ids::AgentId,
    web::session_store,
};
use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set, Condition, QueryOrder, QuerySelect, entity::prelude::*, sea_query::Expr,
};
use std::collections::HashMap;

/// Everybody who works or worked here, by number.
pub async fn accounts(db: &Db) -> Result<Vec<Account>> {
    let rows = agent::Entity::find().order_by_asc(agent::Column::Id).all(db.read()).await?;
    Ok(rows.into_iter().map(account).collect())
}

/// Some accounts and those of all owners, held until the transaction ends, always in the same order.
pub async fn hold(db: &impl ConnectionTrait, some: [AgentId; 2]) -> Result<Vec<Account>> {
    let wanted = Condition::any()
        .add(agent::Column::Id.is_in(some.map(|id| id.0)))
        .add(agent::Column::Role.eq(Role::Owner.word()));
    let rows = agent::Entity::find()
        .filter(wanted)
        .order_by_asc(agent::Column::Id)
        .lock_exclusive()
        .all(db)
        .await?;
    Ok(rows.into_iter().map(account).collect())
}

/// When each was here last, as far as sessions that are kept tell.
pub async fn last_seen(db: &Db) -> Result<HashMap<AgentId, Timestamp>> {
    let id = Expr::col((agent::Entity, agent::Column::Id));
    let rows: Vec<(i64, Option<i64>)> = agent::Entity::find()
        .select_only()
        .column(agent::Column::Id)
        .expr_as(session_store::seen_within(id), "seen")
        .into_tuple()
        .all(db.read())
        .await?;
    let seen = |(id, at): (i64, Option<i64>)| Some((AgentId(id), db::timestamp(at?)));
    Ok(rows.into_iter().filter_map(seen).collect())
}

/// Until when the link of each is good.
pub async fn links(db: &Db, now: Timestamp) -> Result<HashMap<AgentId, Timestamp>> {
    let rows = invitation::Entity::find()
        .filter(invitation::Column::ExpiresAt.gt(db::micros(now)))
        .order_by_asc(invitation::Column::ExpiresAt)
        .all(db.read())
        .await?;
    Ok(rows.into_iter().map(|row| (AgentId(row.agent_id), db::timestamp(row.expires_at))).collect())
}

pub async fn set_account(
    db: &impl ConnectionTrait,
    id: AgentId,
    name: &AgentName,
    role: Role,
    capacity: Capacity,
) -> Result<()> {
    let row = agent::ActiveModel {
        name: Set(name.as_str().to_owned()),
        role: Set(role.word().into()),
        capacity: Set(capacity.own()),
        ..Default::default()
    };
    agent::Entity::update_many().set(row).filter(agent::Column::Id.eq(id.0)).exec(db).await?;
    Ok(())
}

/// `None` enables.
pub async fn set_disabled(
    db: &impl ConnectionTrait,
    id: AgentId,
    at: Option<Timestamp>,
) -> Result<()> {
    agent::Entity::update_many()
        .col_expr(agent::Column::DisabledAt, Expr::value(at.map(db::micros)))
        .filter(agent::Column::Id.eq(id.0))
        .exec(db)
        .await?;
    Ok(())
}

fn account(row: agent::Model) -> Account {
    let state = match (row.disabled_at, &row.password) {
        (Some(_), _) => AccountState::Disabled,
        (None, None) => AccountState::Invited,
        (None, Some(_)) => AccountState::Active,
    };
    Account { agent: read(row), state }
}
