//! Rows of saved views.
use super::model::{Asks, SavedView, ViewName};
use crate::{
    db::{self, Db},
    error::{Error, Result},
    ids::AgentId,
};
use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, Condition, QueryOrder, entity::prelude::*};

pub mod saved_view {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "saved_view")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub agent_id: Option<i64>,
        pub name: String,
        pub asks: String,
        pub created_at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Everybody's views, and then an agent's own.
pub async fn for_agent(db: &Db, agent: AgentId) -> Result<Vec<SavedView>> {
    let rows = seen_by(agent).order_by_asc(saved_view::Column::Id).all(db.read()).await?;
    let (shared, own): (Vec<_>, Vec<_>) = rows.into_iter().map(read).partition(|view| view.shared);
    Ok(shared.into_iter().chain(own).collect())
}

/// A view that an agent sees.
pub async fn find_for(db: &impl ConnectionTrait, agent: AgentId, id: i64) -> Result<SavedView> {
    let row = seen_by(agent).filter(saved_view::Column::Id.eq(id)).one(db).await?;
    row.map(read).ok_or(Error::NotFound)
}

pub async fn insert(
    db: &impl ConnectionTrait,
    owner: Option<AgentId>,
    name: &ViewName,
    asks: &Asks,
    at: Timestamp,
) -> Result<()> {
    let row = saved_view::ActiveModel {
        agent_id: Set(owner.map(|agent| agent.0)),
        name: Set(name.as_str().to_owned()),
        asks: Set(asks.as_str().to_owned()),
        created_at: Set(db::micros(at)),
        ..Default::default()
    };
    saved_view::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

pub async fn put(db: &impl ConnectionTrait, id: i64, name: &ViewName, asks: &str) -> Result<()> {
    let row = saved_view::ActiveModel {
        id: Set(id),
        name: Set(name.as_str().to_owned()),
        asks: Set(asks.to_owned()),
        ..Default::default()
    };
    saved_view::Entity::update_many()
        .set(row)
        .filter(saved_view::Column::Id.eq(id))
        .exec(db)
        .await?;
    Ok(())
}

pub async fn remove(db: &impl ConnectionTrait, id: i64) -> Result<()> {
    saved_view::Entity::delete_by_id(id).exec(db).await?;
    Ok(())
}

fn seen_by(agent: AgentId) -> sea_orm::Select<saved_view::Entity> {
    let own = Condition::any()
        .add(saved_view::Column::AgentId.is_null())
        .add(saved_view::Column::AgentId.eq(agent.0));
    saved_view::Entity::find().filter(own)
}

fn read(row: saved_view::Model) -> SavedView {
    SavedView { id: row.id, name: row.name, asks: row.asks, shared: row.agent_id.is_none() }
}

/// The tables of this feature.
pub fn tables() -> Vec<db::Table> {
    vec![db::table::<saved_view::Entity>()]
}
