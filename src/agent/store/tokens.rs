//! Rows of personal access tokens.
use super::{enabled, read};
use crate::{
    agent::model::{Agent, Scope, Token, TokenName},
    db::{self, Db},
    error::Result,
    ids::{self, AgentId},
};
use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set,
    QueryOrder,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};

/// A use is noted at most this often, in microseconds.
const NOTED_EVERY: i64 = 300 * 1_000_000;

pub mod agent_token {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "agent_token")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub agent_id: i64,
        pub name: String,
        pub scope: String,
        #[sea_orm(unique)]
        pub hash: Vec<u8>,
        pub created_at: i64,
        pub expires_at: Option<i64>,
        pub used_at: Option<i64>,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub async fn insert_token(
    db: &impl ConnectionTrait,
    agent: AgentId,
    name: &TokenName,
    scope: Scope,
    hash: Vec<u8>,
    at: Timestamp,
    expires_at: Option<Timestamp>,
) -> Result<()> {
    let row = agent_token::ActiveModel {
        agent_id: Set(agent.0),
        name: Set(name.as_str().to_owned()),
        scope: Set(scope.word().into()),
        hash: Set(hash),
        created_at: Set(db::micros(at)),
        expires_at: Set(expires_at.map(db::micros)),
        used_at: Set(None),
        ..Default::default()
    };
    agent_token::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// The tokens of an agent, the newest first, those that ended included.
pub async fn tokens_of(db: &Db, agent: AgentId) -> Result<Vec<Token>> {
    let rows = agent_token::Entity::find()
        .filter(agent_token::Column::AgentId.eq(agent.0))
        .order_by_desc(agent_token::Column::Id)
        .all(db.read())
        .await?;
    let token = |row: agent_token::Model| Token {
        id: row.id,
        name: row.name,
        scope: Scope::parse(&row.scope).unwrap_or(Scope::Read),
        expires_at: row.expires_at.map(db::timestamp),
        used_at: row.used_at.map(db::timestamp),
    };
    Ok(rows.into_iter().map(token).collect())
}

/// Whose token it is, and what it may, unless it ended or the agent is disabled.
pub async fn find_by_token(db: &Db, hash: &[u8], now: Timestamp) -> Result<Option<(Agent, Scope)>> {
    let row = agent_token::Entity::find()
        .filter(agent_token::Column::Hash.eq(hash.to_vec()))
        .one(db.read())
        .await?;
    let Some(row) = row else { return Ok(None) };
    if row.expires_at.is_some_and(|at| at <= db::micros(now)) {
        // For good, unless only our own clock says so: it stays in the list, but a clock that is put back opens nothing.
        agent_token::Entity::update_many()
            .col_expr(agent_token::Column::Hash, Expr::value(ids::random::<32>().to_vec()))
            .filter(agent_token::Column::Id.eq(row.id))
            .filter(agent_token::Column::ExpiresAt.into_expr().lte(db::now(db.write())))
            .exec(db.write())
            .await?;
        return Ok(None);
    }
    let agent = enabled().filter(super::agent::Column::Id.eq(row.agent_id)).one(db.read()).await?;
    let scope = Scope::parse(&row.scope).unwrap_or(Scope::Read);
    if row.used_at.is_none_or(|at| at < db::micros(now) - NOTED_EVERY) {
        let noted = agent_token::Entity::update_many()
            .col_expr(agent_token::Column::UsedAt, Expr::value(db::micros(now)))
            .filter(agent_token::Column::Id.eq(row.id))
            .exec(db.write())
            .await;
        // Where nothing can be written, one can still read.
        if let Err(error) = noted {
            tracing::warn!(%error, "cannot note that a token is used");
        }
    }
    Ok(agent.map(|agent| (read(agent), scope)))
}

/// Takes a token of an agent away; its hash and name, if the agent had it.
pub async fn remove_token(
    db: &impl ConnectionTrait,
    agent: AgentId,
    id: i64,
) -> Result<Option<(Vec<u8>, String)>> {
    let own = agent_token::Entity::find_by_id(id)
        .filter(agent_token::Column::AgentId.eq(agent.0))
        .one(db)
        .await?;
    if own.is_some() {
        agent_token::Entity::delete_by_id(id).exec(db).await?;
    }
    Ok(own.map(|row| (row.hash, row.name)))
}

/// Takes every token of an agent away.
pub async fn remove_tokens(db: &impl ConnectionTrait, agent: AgentId) -> Result<()> {
    agent_token::Entity::delete_many()
        .filter(agent_token::Column::AgentId.eq(agent.0))
        .exec(db)
        .await?;
    Ok(())
}
