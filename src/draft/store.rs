//! Rows of drafts.
use super::model::{Draft, DraftBody, DraftKind};
use crate::{
    db::{self, Db},
    error::Result,
    ids::{AgentId, ConversationId},
};
use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set, QueryOrder, QuerySelect, entity::prelude::*, sea_query::OnConflict,
};
use std::collections::BTreeSet;

pub mod draft {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "draft")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub conversation_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub agent_id: i64,
        pub kind: String,
        #[sea_orm(column_type = "Text")]
        pub body: String,
        pub at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub async fn find_for(
    db: &impl ConnectionTrait,
    agent: AgentId,
    conversation: ConversationId,
) -> Result<Option<Draft>> {
    let row = draft::Entity::find_by_id((conversation.0, agent.0)).one(db).await?;
    Ok(row.map(|row| Draft {
        kind: DraftKind::parse(&row.kind).unwrap_or_default(),
        body: DraftBody::stored(row.body),
    }))
}

/// In which conversations an agent has begun to write something: the newest of them, at most so many.
pub async fn begun_by(
    db: &impl ConnectionTrait,
    agent: AgentId,
    most: u64,
) -> Result<BTreeSet<ConversationId>> {
    let begun: Vec<i64> = draft::Entity::find()
        .select_only()
        .column(draft::Column::ConversationId)
        .filter(draft::Column::AgentId.eq(agent.0))
        .order_by_desc(draft::Column::ConversationId)
        .limit(most)
        .into_tuple()
        .all(db)
        .await?;
    Ok(begun.into_iter().map(ConversationId).collect())
}

/// Writes a draft, over what was there.
pub async fn put(
    db: &impl ConnectionTrait,
    agent: AgentId,
    conversation: ConversationId,
    draft: &Draft,
    at: Timestamp,
) -> Result<()> {
    use draft::Column;
    let row = draft::ActiveModel {
        conversation_id: Set(conversation.0),
        agent_id: Set(agent.0),
        kind: Set(draft.kind.word().into()),
        body: Set(draft.body.as_str().into()),
        at: Set(db::micros(at)),
    };
    let over = OnConflict::columns([Column::ConversationId, Column::AgentId])
        .update_columns([Column::Kind, Column::Body, Column::At])
        .to_owned();
    draft::Entity::insert(row).on_conflict(over).exec_without_returning(db).await?;
    Ok(())
}

/// Removes a draft; whether there was one.
pub async fn remove(
    db: &impl ConnectionTrait,
    agent: AgentId,
    conversation: ConversationId,
) -> Result<bool> {
    let removed = draft::Entity::delete_by_id((conversation.0, agent.0)).exec(db).await?;
    Ok(removed.rows_affected > 0)
}

/// Removes what nobody has gone on with since a moment; how much.
pub async fn remove_before(db: &Db, before: Timestamp) -> Result<u64> {
    let old = draft::Column::At.lt(db::micros(before));
    Ok(draft::Entity::delete_many().filter(old).exec(db.write()).await?.rows_affected)
}

/// The tables of this feature.
pub fn tables() -> Vec<db::Table> {
    vec![db::table::<draft::Entity>()]
}
