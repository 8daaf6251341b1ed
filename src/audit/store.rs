//! Rows of the audit log.
use super::model::{Deed, Doer, Record};
use crate::{
    db::{self, Db},
    error::Result,
    ids::AgentId,
};
use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, QueryOrder, QuerySelect, entity::prelude::*};

pub mod audit_entry {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "audit_entry")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub at: i64,
        pub agent_id: i64,
        pub agent_name: String,
        pub action: String,
        pub subject: String,
        #[sea_orm(column_type = "Text")]
        pub detail: String,
        pub address: String,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Remembers a deed. `db` is the transaction that does it, so that neither is without the other.
pub async fn record(db: &impl ConnectionTrait, by: &Doer, deed: Deed, at: Timestamp) -> Result<()> {
    let row = audit_entry::ActiveModel {
        at: Set(db::micros(at)),
        agent_id: Set(by.agent.0),
        agent_name: Set(by.name.clone()),
        action: Set(deed.action.into()),
        subject: Set(deed.subject.chars().take(200).map(plain).collect()),
        detail: Set(deed.detail),
        address: Set(by.address.to_string()),
        ..Default::default()
    };
    audit_entry::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// A refused sign-in has whatever was typed, and PostgreSQL takes no NUL.
fn plain(c: char) -> char {
    if c.is_control() { char::REPLACEMENT_CHARACTER } else { c }
}

/// The newest deeds below a number, at most `limit`.
pub async fn page(db: &Db, below: Option<i64>, limit: u64) -> Result<Vec<Record>> {
    let rows = audit_entry::Entity::find()
        .filter(audit_entry::Column::Id.lt(below.unwrap_or(i64::MAX)))
        .order_by_desc(audit_entry::Column::Id)
        .limit(limit)
        .all(db.read())
        .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// Forgets what was done before a moment; how much.
pub async fn forget_before(db: &Db, before: Timestamp) -> Result<u64> {
    let old = audit_entry::Column::At.lt(db::micros(before));
    Ok(audit_entry::Entity::delete_many().filter(old).exec(db.write()).await?.rows_affected)
}

fn read(row: audit_entry::Model) -> Record {
    Record {
        id: row.id,
        at: db::timestamp(row.at),
        agent: AgentId(row.agent_id),
        name: row.agent_name,
        action: row.action,
        subject: row.subject,
        detail: row.detail,
        address: row.address,
    }
}

/// The tables of this module.
pub fn tables() -> Vec<db::Table> {
    vec![db::table::<audit_entry::Entity>()]
}
