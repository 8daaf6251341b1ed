//! How far each log can be searched, and how far all of them were looked through.
use crate::{
    db::{self, Db},
    error::Result,
    ids::{ContactId, ConversationId},
};
use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, OnConflict, Query},
};

pub mod search_progress {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "search_progress")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub conversation_id: i64,
        pub seq: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod search_position {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "search_position")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub epoch: String,
        pub conversation_id: i64,
        pub touched_at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// How far all logs were looked through for what cannot be searched yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Every conversation up to this one.
    pub conversation: ConversationId,
    /// And those that changed until then, by the database's clock.
    pub touched_at: Timestamp,
}

/// `None` in a database of which nothing was looked through.
pub async fn position(db: &Db, epoch: &str) -> Result<Option<Position>> {
    let row = search_position::Entity::find_by_id(epoch).one(db.read()).await?;
    Ok(row.map(|row| Position {
        conversation: ConversationId(row.conversation_id),
        touched_at: db::timestamp(row.touched_at),
    }))
}

/// Up to which contact people can be found by how their names sound, which was not always kept; `None` before the first. Kept as a
/// position of another name.
pub async fn sounded(db: &Db, epoch: &str) -> Result<Option<ContactId>> {
    Ok(position(db, &names(epoch)).await?.map(|position| ContactId(position.conversation.0)))
}

/// Notes up to which contact they can; everybody where there are no more.
pub async fn put_sounded(db: &Db, epoch: &str, contact: Option<ContactId>) -> Result<()> {
    let conversation = ConversationId(contact.unwrap_or(EVERYBODY).0);
    let position = Position { conversation, touched_at: Timestamp::UNIX_EPOCH };
    put_position(db, &names(epoch), position).await
}

fn names(epoch: &str) -> String {
    format!("names-{epoch}")
}

/// After the last contact.
pub const EVERYBODY: ContactId = ContactId(i64::MAX);

pub async fn put_position(db: &Db, epoch: &str, position: Position) -> Result<()> {
    let row = search_position::ActiveModel {
        epoch: Set(epoch.to_owned()),
        conversation_id: Set(position.conversation.0),
        touched_at: Set(db::micros(position.touched_at)),
    };
    let moved = OnConflict::column(search_position::Column::Epoch)
        .update_columns([
            search_position::Column::ConversationId,
            search_position::Column::TouchedAt,
        ])
        .to_owned();
    let put = search_position::Entity::insert(row).on_conflict(moved);
    put.exec_without_returning(db.write()).await?;
    Ok(())
}

/// How far a log can be searched, inside a question that knows the conversation's number.
pub fn progress_within(id: Expr) -> Expr {
    let mut seq = Query::select();
    seq.column(search_progress::Column::Seq).from(search_progress::Entity);
    seq.and_where(search_progress::Column::ConversationId.into_expr().eq(id)).take().into()
}

/// Notes how far logs can be searched now.
pub async fn advance(
    db: &impl ConnectionTrait,
    logs: impl Iterator<Item = (ConversationId, i64)>,
) -> Result<()> {
    let rows = logs.map(|(conversation, seq)| search_progress::ActiveModel {
        conversation_id: Set(conversation.0),
        seq: Set(seq),
    });
    let further = OnConflict::column(search_progress::Column::ConversationId)
        .update_column(search_progress::Column::Seq)
        .to_owned();
    let put = search_progress::Entity::insert_many(rows).on_conflict(further);
    put.exec_without_returning(db).await?;
    Ok(())
}
