//! Who has the desk open, what everybody wants to be for the others, and how they like the desk.
use super::{agent, enabled, read};
use crate::{
    agent::model::{Agent, Availability, Preferences},
    db::{self, Db},
    error::{Error, Result},
    ids::AgentId,
};
use jiff::Timestamp;
use sea_orm::{entity::prelude::*, sea_query::Expr};

pub async fn set_availability(db: &Db, id: AgentId, availability: Availability) -> Result<()> {
    agent::Entity::update_many()
        .col_expr(agent::Column::Availability, Expr::value(availability.word()))
        .filter(agent::Column::Id.eq(id.0))
        .exec(db.write())
        .await?;
    Ok(())
}

pub async fn set_preferences(db: &Db, id: AgentId, preferences: &Preferences) -> Result<()> {
    agent::Entity::update_many()
        .col_expr(agent::Column::Preferences, Expr::value(written(preferences)?))
        .filter(agent::Column::Id.eq(id.0))
        .exec(db.write())
        .await?;
    Ok(())
}

pub(super) fn written(preferences: &Preferences) -> Result<String> {
    serde_json::to_string(preferences).map_err(Error::internal)
}

pub(super) fn preferences(stored: Option<&str>) -> Preferences {
    stored.and_then(|text| serde_json::from_str(text).ok()).unwrap_or_default()
}

/// These have the desk open, at a moment of the database's clock.
pub async fn see(db: &Db, ids: &[AgentId], at: Timestamp) -> Result<()> {
    agent::Entity::update_many()
        .col_expr(agent::Column::SeenAt, Expr::value(db::micros(at)))
        .filter(agent::Column::Id.is_in(ids.iter().map(|id| id.0)))
        .exec(db.write())
        .await?;
    Ok(())
}

/// What an agent who works here wants to be, and whether her seat is kept.
pub async fn seat_of(
    db: &impl ConnectionTrait,
    id: AgentId,
) -> Result<Option<(Availability, bool)>> {
    let row = enabled().filter(agent::Column::Id.eq(id.0)).one(db).await?;
    Ok(row.map(|row| (read(row.clone()).availability, row.seen_at.is_some())))
}

/// The same of everybody who works here.
pub async fn seats(db: &Db) -> Result<Vec<(AgentId, Availability, bool)>> {
    let rows = enabled().all(db.read()).await?;
    let seat = |row: agent::Model| {
        let seated = row.seen_at.is_some();
        let agent = read(row);
        (agent.id, agent.availability, seated)
    };
    Ok(rows.into_iter().map(seat).collect())
}

/// Whose seat is kept although they were not seen since a moment, and when they were.
pub async fn unseen_since(db: &Db, since: Timestamp) -> Result<Vec<(Agent, Timestamp)>> {
    let rows = agent::Entity::find()
        .filter(agent::Column::SeenAt.lt(db::micros(since)))
        .all(db.read())
        .await?;
    let seen = |row: agent::Model| Some((db::timestamp(row.seen_at?), row));
    Ok(rows.into_iter().filter_map(seen).map(|(at, row)| (read(row), at)).collect())
}

/// The seat is kept no longer, unless its agent has been seen again since.
pub async fn leave_seat(db: &Db, id: AgentId, seen_at: Option<Timestamp>) -> Result<()> {
    let mut left = agent::Entity::update_many()
        .col_expr(agent::Column::SeenAt, Expr::value(None::<i64>))
        .filter(agent::Column::Id.eq(id.0));
    if let Some(at) = seen_at {
        left = left.filter(agent::Column::SeenAt.eq(db::micros(at)));
    }
    left.exec(db.write()).await?;
    Ok(())
}
