//! Rows of attachments.
use super::{
    added::Kinds,
    model::{Attachment, Kind, Owner, State},
};
use crate::{
    db::{self, Db, installation},
    error::{Error, Result},
    event::Side,
    ids::{ConversationId, FileId},
};
use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set,
    QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, OnConflict, SimpleExpr},
};

/// The row of the installation that says which kinds were added.
const KINDS: &str = "file-kinds";

pub mod attachment {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "attachment")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        #[sea_orm(unique)]
        pub public_id: String,
        pub conversation_id: i64,
        pub author_kind: String,
        pub author_id: i64,
        pub name: String,
        pub media_type: String,
        pub size: i64,
        pub width: i64,
        pub height: i64,
        pub sha256: Vec<u8>,
        pub state: String,
        pub at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

use attachment::{Column, Entity};

/// A row of what is on its way.
pub async fn insert(db: &Db, coming: &Attachment, sha256: &[u8; 32], at: Timestamp) -> Result<()> {
    let row = attachment::ActiveModel {
        public_id: Set(coming.id.to_string()),
        conversation_id: Set(coming.owner.conversation.0),
        author_kind: Set(side_word(coming.owner.side).into()),
        author_id: Set(coming.owner.id),
        name: Set(coming.name.clone()),
        media_type: Set(coming.kind.media_type().into()),
        size: Set(coming.size),
        width: Set(coming.width),
        height: Set(coming.height),
        sha256: Set(sha256.to_vec()),
        state: Set(coming.state.word().into()),
        at: Set(db::micros(at)),
        ..Default::default()
    };
    Entity::insert(row).exec_without_returning(db.write()).await?;
    Ok(())
}

/// Bytes of all that somebody has left since a moment.
pub async fn left_since(db: &Db, owner: Owner, since: Timestamp) -> Result<i64> {
    let sum: Option<Option<i64>> = Entity::find()
        .select_only()
        // A sum of whole numbers is none on every engine.
        .column_as(Column::Size.sum().cast_as(whole(db)), "sum")
        .filter(is_by(owner))
        .filter(Column::At.gt(db::micros(since)))
        .into_tuple()
        .one(db.write())
        .await?;
    Ok(sum.flatten().unwrap_or(0))
}

fn whole(db: &Db) -> &'static str {
    match db.write().get_database_backend() {
        sea_orm::DbBackend::MySql => "SIGNED",
        _ => "BIGINT",
    }
}

/// What came is there for its owner; false if it was forgotten meanwhile.
pub async fn arrive(db: &Db, id: &FileId) -> Result<bool> {
    let coming = Column::PublicId.eq(id.as_str()).and(Column::State.eq(State::Coming.word()));
    Ok(turn(db.write(), coming, State::Unsent).await? == 1)
}

/// What could not be kept is gone, and was of no size.
pub async fn lose(db: &Db, id: &FileId) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(State::Gone.word()))
        .col_expr(Column::Size, Expr::value(0))
        .filter(Column::PublicId.eq(id.as_str()))
        .exec(db.write())
        .await?;
    Ok(())
}

/// What was refused is nowhere.
pub async fn remove(db: &Db, id: &FileId) -> Result<()> {
    Entity::delete_many().filter(Column::PublicId.eq(id.as_str())).exec(db.write()).await?;
    Ok(())
}

pub async fn find(db: &impl ConnectionTrait, id: &FileId) -> Result<Attachment> {
    let row = Entity::find().filter(Column::PublicId.eq(id.as_str())).one(db).await?;
    row.map(read).ok_or(Error::NotFound)
}

/// Those of these that an owner brought and that are not gone.
pub async fn of_owner(
    db: &impl ConnectionTrait,
    owner: Owner,
    ids: &[FileId],
) -> Result<Vec<Attachment>> {
    let rows = Entity::find()
        .filter(is_one_of(ids))
        .filter(is_of(owner))
        .filter(Column::State.is_not_in([State::Coming.word(), State::Gone.word()]))
        .all(db)
        .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// Whether an owner has all of these and has sent none of them.
pub async fn are_unsent(db: &impl ConnectionTrait, owner: Owner, ids: &[FileId]) -> Result<bool> {
    let found = of_owner(db, owner, ids).await?;
    Ok(found.len() == ids.len() && found.iter().all(|file| file.state == State::Unsent))
}

/// They are part of a message now, or of a note. False if not all could be: then the transaction must not commit.
pub async fn send(
    db: &impl ConnectionTrait,
    owner: Owner,
    ids: &[FileId],
    noted: bool,
) -> Result<bool> {
    let state = if noted { State::Noted } else { State::Sent };
    let unsent = is_one_of(ids).and(is_of(owner)).and(Column::State.eq(State::Unsent.word()));
    Ok(turn(db, unsent, state).await? == ids.len() as u64)
}

/// Nobody sees what came with these conversations any more.
pub async fn forget_of(db: &impl ConnectionTrait, conversations: &[ConversationId]) -> Result<()> {
    let of = Column::ConversationId.is_in(conversations.iter().map(|id| id.0));
    turn(db, of, State::Gone).await?;
    Ok(())
}

/// Nor these.
pub async fn forget(db: &impl ConnectionTrait, ids: &[FileId]) -> Result<()> {
    if !ids.is_empty() {
        turn(db, is_one_of(ids), State::Gone).await?;
    }
    Ok(())
}

/// The same of what was left before a moment and never sent; how much.
pub async fn forget_left_before(db: &Db, before: Timestamp) -> Result<u64> {
    let words = [State::Coming.word(), State::Unsent.word()];
    let left = Column::State.is_in(words).and(Column::At.lt(db::micros(before)));
    turn(db.write(), left, State::Gone).await
}

/// Some that are gone and whose bytes may still be there.
pub async fn gone(db: &Db, limit: u64) -> Result<Vec<FileId>> {
    let rows = Entity::find()
        .filter(Column::State.eq(State::Gone.word()))
        .order_by_asc(Column::At)
        .limit(limit)
        .all(db.read())
        .await?;
    Ok(rows.into_iter().map(|row| read(row).id).collect())
}

async fn turn(db: &impl ConnectionTrait, which: SimpleExpr, into: State) -> Result<u64> {
    let turned = Entity::update_many()
        .col_expr(Column::State, Expr::value(into.word()))
        .filter(which)
        .exec(db)
        .await?;
    Ok(turned.rows_affected)
}

fn is_one_of(ids: &[FileId]) -> SimpleExpr {
    Column::PublicId.is_in(ids.iter().map(FileId::as_str))
}

fn is_by(owner: Owner) -> SimpleExpr {
    Column::AuthorKind.eq(side_word(owner.side)).and(Column::AuthorId.eq(owner.id))
}

fn is_of(owner: Owner) -> SimpleExpr {
    is_by(owner).and(Column::ConversationId.eq(owner.conversation.0))
}

fn side_word(side: Side) -> &'static str {
    match side {
        Side::Visitor => "visitor",
        Side::Agent => "agent",
    }
}

fn read(row: attachment::Model) -> Attachment {
    let side = if row.author_kind == "agent" { Side::Agent } else { Side::Visitor };
    Attachment {
        id: FileId::parse(&row.public_id).expect("public ids are made by us"),
        owner: Owner { conversation: ConversationId(row.conversation_id), side, id: row.author_id },
        name: row.name,
        kind: Kind::from_media_type(&row.media_type).unwrap_or(Kind::Text),
        size: row.size,
        width: row.width,
        height: row.height,
        state: State::ALL
            .into_iter()
            .find(|state| state.word() == row.state)
            .unwrap_or(State::Gone),
    }
}

/// The kinds that were added.
pub async fn kinds(db: &impl ConnectionTrait) -> Result<Kinds> {
    let row = installation::Entity::find_by_id(KINDS).one(db).await?;
    Ok(row.map_or_else(Kinds::default, |row| Kinds::read(&row.value)))
}

pub async fn set_kinds(db: &impl ConnectionTrait, kinds: &Kinds) -> Result<()> {
    let row = installation::ActiveModel { name: Set(KINDS.into()), value: Set(kinds.words()) };
    let there = OnConflict::column(installation::Column::Name)
        .update_column(installation::Column::Value)
        .to_owned();
    installation::Entity::insert(row).on_conflict(there).exec_without_returning(db).await?;
    Ok(())
}

/// The tables of this feature.
pub fn tables() -> Vec<db::Table> {
    vec![db::table::<Entity>()]
}
