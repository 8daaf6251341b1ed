//! Rows of notes about contacts, and of their tags.
use crate::{
    contact::model::{ContactTag, Note, NoteBody},
    db::{self, Db},
    error::{Error, Result},
    ids::{AgentId, ContactId, Nonce},
};
use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, QueryOrder, QuerySelect, entity::prelude::*, sea_query::Expr};
use std::collections::{BTreeSet, HashSet};

pub mod contact_note {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "contact_note")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub contact_id: i64,
        pub agent_id: i64,
        pub agent_name: String,
        #[sea_orm(column_type = "Text")]
        pub body: String,
        pub at: i64,
        /// Which note of its author's it is; notes of before there were any have none.
        pub nonce: Option<String>,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod contact_tag {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "contact_tag")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub contact_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub word: String,
        pub at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The newest first below a number, at most `limit`.
pub async fn notes(
    db: &Db,
    contact: ContactId,
    below: Option<i64>,
    limit: u64,
) -> Result<Vec<Note>> {
    let rows = contact_note::Entity::find()
        .filter(contact_note::Column::ContactId.eq(contact.0))
        .filter(contact_note::Column::Id.lt(below.unwrap_or(i64::MAX)))
        .order_by_desc(contact_note::Column::Id)
        .limit(limit)
        .all(db.read())
        .await?;
    Ok(rows.into_iter().map(read).collect())
}

pub async fn note(db: &impl ConnectionTrait, contact: ContactId, id: i64) -> Result<Note> {
    let own = contact_note::Column::ContactId.eq(contact.0);
    let row = contact_note::Entity::find_by_id(id).filter(own).one(db).await?;
    row.map(read).ok_or(Error::NotFound)
}

/// What an agent noted under a nonce.
pub async fn noted(
    db: &impl ConnectionTrait,
    contact: ContactId,
    by: AgentId,
    nonce: &Nonce,
) -> Result<Option<Note>> {
    let row = contact_note::Entity::find()
        .filter(contact_note::Column::ContactId.eq(contact.0))
        .filter(contact_note::Column::AgentId.eq(by.0))
        .filter(contact_note::Column::Nonce.eq(nonce.as_str()))
        .one(db)
        .await?;
    Ok(row.map(read))
}

pub async fn add_note(
    db: &impl ConnectionTrait,
    contact: ContactId,
    by: (AgentId, &str),
    nonce: &Nonce,
    body: &NoteBody,
    at: Timestamp,
) -> Result<Note> {
    let row = contact_note::ActiveModel {
        contact_id: Set(contact.0),
        agent_id: Set(by.0.0),
        agent_name: Set(by.1.into()),
        body: Set(body.as_str().into()),
        at: Set(db::micros(at)),
        nonce: Set(Some(nonce.as_str().into())),
        ..Default::default()
    };
    let id = contact_note::Entity::insert(row).exec(db).await?.last_insert_id;
    let (body, by, agent) = (body.as_str().to_owned(), by.1.to_owned(), by.0);
    Ok(Note { id, agent, by, body, at: db::timestamp(db::micros(at)) })
}

pub async fn remove_note(db: &impl ConnectionTrait, id: i64) -> Result<()> {
    contact_note::Entity::delete_by_id(id).exec(db).await?;
    Ok(())
}

/// In the order in which they were given.
pub async fn tags(db: &impl ConnectionTrait, contact: ContactId) -> Result<Vec<String>> {
    let mut rows = contact_tag::Entity::find()
        .filter(contact_tag::Column::ContactId.eq(contact.0))
        .all(db)
        .await?;
    rows.sort_by_key(|row| row.at);
    Ok(rows.into_iter().map(|row| row.word).collect())
}

/// Words that were given to anybody since a moment, each once, at most `limit`.
pub async fn tags_given_since(db: &Db, since: Timestamp, limit: u64) -> Result<BTreeSet<String>> {
    let words: Vec<String> = contact_tag::Entity::find()
        .select_only()
        .column(contact_tag::Column::Word)
        .filter(contact_tag::Column::At.gte(db::micros(since)))
        .order_by_desc(contact_tag::Column::At)
        .limit(limit)
        .into_tuple()
        .all(db.read())
        .await?;
    Ok(words.into_iter().collect())
}

/// One that is there already stays as it is.
pub async fn add_tag(
    db: &impl ConnectionTrait,
    contact: ContactId,
    word: &ContactTag,
    at: Timestamp,
) -> Result<()> {
    let row = contact_tag::Model {
        contact_id: contact.0,
        word: word.as_str().into(),
        at: db::micros(at),
    };
    insert_tag(db, row).await
}

/// Looks first: PostgreSQL gives a transaction up in which an insert fails.
async fn insert_tag(db: &impl ConnectionTrait, row: contact_tag::Model) -> Result<()> {
    let key = (row.contact_id, row.word.clone());
    if contact_tag::Entity::find_by_id(key).one(db).await?.is_none() {
        let row = contact_tag::ActiveModel::from(row);
        contact_tag::Entity::insert(row).exec_without_returning(db).await?;
    }
    Ok(())
}

pub async fn remove_tag(
    db: &impl ConnectionTrait,
    contact: ContactId,
    word: &ContactTag,
) -> Result<()> {
    let key = (contact.0, word.as_str().to_owned());
    contact_tag::Entity::delete_by_id(key).exec(db).await?;
    Ok(())
}

/// Both contacts' notes and tags are one's.
pub(super) async fn move_to(
    db: &impl ConnectionTrait,
    from: ContactId,
    to: ContactId,
) -> Result<()> {
    forget_clashes(db, from, to).await?;
    contact_note::Entity::update_many()
        .col_expr(contact_note::Column::ContactId, Expr::value(to.0))
        .filter(contact_note::Column::ContactId.eq(from.0))
        .exec(db)
        .await?;
    let own = || contact_tag::Column::ContactId.eq(from.0);
    for row in contact_tag::Entity::find().filter(own()).all(db).await? {
        insert_tag(db, contact_tag::Model { contact_id: to.0, ..row }).await?;
    }
    contact_tag::Entity::delete_many().filter(own()).exec(db).await?;
    Ok(())
}

/// Where an agent noted something about both under the same nonce, only one of them can keep it.
async fn forget_clashes(db: &impl ConnectionTrait, from: ContactId, to: ContactId) -> Result<()> {
    let noted = async |about: ContactId| {
        contact_note::Entity::find()
            .select_only()
            .columns([
                contact_note::Column::Id,
                contact_note::Column::AgentId,
                contact_note::Column::Nonce,
            ])
            .filter(contact_note::Column::ContactId.eq(about.0))
            .filter(contact_note::Column::Nonce.is_not_null())
            .into_tuple::<(i64, i64, String)>()
            .all(db)
            .await
    };
    let there: HashSet<_> =
        noted(to).await?.into_iter().map(|(_, agent, nonce)| (agent, nonce)).collect();
    for (id, agent, nonce) in noted(from).await? {
        if there.contains(&(agent, nonce)) {
            contact_note::Entity::update_many()
                .col_expr(contact_note::Column::Nonce, Expr::value(None::<String>))
                .filter(contact_note::Column::Id.eq(id))
                .exec(db)
                .await?;
        }
    }
    Ok(())
}

pub(super) async fn forget(
    db: &impl ConnectionTrait,
    contacts: impl Iterator<Item = i64> + Clone,
) -> Result<()> {
    let noted = contact_note::Column::ContactId.is_in(contacts.clone());
    contact_note::Entity::delete_many().filter(noted).exec(db).await?;
    let tagged = contact_tag::Column::ContactId.is_in(contacts);
    contact_tag::Entity::delete_many().filter(tagged).exec(db).await?;
    Ok(())
}

fn read(row: contact_note::Model) -> Note {
    Note {
        id: row.id,
        agent: AgentId(row.agent_id),
        by: row.agent_name,
        body: row.body,
        at: db::timestamp(row.at),
    }
}

pub(super) fn tables() -> Vec<db::Table> {
    vec![db::table::<contact_note::Entity>(), db::table::<contact_tag::Entity>()]
}
