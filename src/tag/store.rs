//! Rows of tags.
use super::model::{Tag, TagName};
use crate::{
    db::{self, Db},
    error::{Error, Result},
    ids::TagId,
};
use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, QueryOrder, entity::prelude::*};

pub mod tag {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "tag")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        #[sea_orm(unique)]
        pub name: String,
        pub created_at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// All of them by name. There are few.
pub async fn all(db: &Db) -> Result<Vec<Tag>> {
    let rows = tag::Entity::find().order_by_asc(tag::Column::Name).all(db.read()).await?;
    Ok(rows.into_iter().map(|row| Tag { id: TagId(row.id), name: row.name }).collect())
}

pub async fn count(db: &impl ConnectionTrait) -> Result<u64> {
    Ok(tag::Entity::find().count(db).await?)
}

pub async fn find(db: &impl ConnectionTrait, id: TagId) -> Result<Tag> {
    let row = tag::Entity::find_by_id(id.0).one(db).await?.ok_or(Error::NotFound)?;
    Ok(Tag { id, name: row.name })
}

/// False if there is one of this name.
pub async fn insert(db: &impl ConnectionTrait, name: &TagName, at: Timestamp) -> Result<bool> {
    let row = tag::ActiveModel {
        name: Set(name.as_str().to_owned()),
        created_at: Set(db::micros(at)),
        ..Default::default()
    };
    match tag::Entity::insert(row).exec_without_returning(db).await {
        Err(error) if db::is_taken(&error) => Ok(false),
        outcome => Ok(outcome.map(|_| true)?),
    }
}

/// False if there is another of this name.
pub async fn rename(db: &impl ConnectionTrait, id: TagId, name: &TagName) -> Result<bool> {
    let row = tag::ActiveModel {
        id: Set(id.0),
        name: Set(name.as_str().to_owned()),
        ..Default::default()
    };
    match tag::Entity::update(row).exec(db).await {
        Err(error) if db::is_taken(&error) => Ok(false),
        outcome => Ok(outcome.map(|_| true)?),
    }
}

/// Conversations that carry it keep the number, which means nothing any more.
pub async fn remove(db: &impl ConnectionTrait, id: TagId) -> Result<()> {
    tag::Entity::delete_by_id(id.0).exec(db).await?;
    Ok(())
}

/// The tables of this feature.
pub fn tables() -> Vec<db::Table> {
    vec![db::table::<tag::Entity>()]
}
