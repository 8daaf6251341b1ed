//! Rows of contacts and of visitors' tokens.
use super::model::TokenHash;
use crate::{
    app::App,
    db::{self, Db},
    error::{Error, Result},
    ids::{self, ContactId},
    text::Lang,
};
use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set,
    QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, Query},
};
use std::collections::HashMap;

/// A visitor's token lives so long after its last use, in microseconds: 180 days.
const LIFE: i64 = 180 * DAY;
const DAY: i64 = 24 * 3600 * 1_000_000;

pub mod contact {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "contact")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub name: String,
        pub language: String,
        pub created_at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod visitor_token {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "visitor_token")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: Vec<u8>,
        pub contact_id: i64,
        pub created_at: i64,
        pub expires_at: i64,
        pub revoked_at: Option<i64>,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// What is known of a token that proves itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenState {
    /// Its holder has not spoken.
    Fresh,
    Known(ContactId),
    /// Revoked, or not used for too long.
    Ended,
}

pub async fn token_state(app: &App, hash: &TokenHash) -> Result<TokenState> {
    let row = visitor_token::Entity::find_by_id(hash.0.clone()).one(app.db.read()).await?;
    let now = db::micros(app.clock.now());
    let Some(row) = row else { return Ok(TokenState::Fresh) };
    if row.revoked_at.is_none() && row.expires_at > now {
        if row.expires_at < now + LIFE - DAY {
            extend(&app.db, &row.hash, now).await?;
        }
        return Ok(TokenState::Known(ContactId(row.contact_id)));
    }
    if row.revoked_at.is_none() {
        // For good, unless only our own clock says so: a clock that is put back brings no token back to life.
        visitor_token::Entity::update_many()
            .col_expr(visitor_token::Column::RevokedAt, Expr::value(now))
            .filter(visitor_token::Column::Hash.eq(row.hash))
            .filter(visitor_token::Column::ExpiresAt.into_expr().lte(db::now(app.db.write())))
            .exec(app.db.write())
            .await?;
    }
    Ok(TokenState::Ended)
}

/// A token that is used lives on; written at most once a day.
async fn extend(db: &Db, hash: &[u8], now: i64) -> Result<()> {
    visitor_token::Entity::update_many()
        .col_expr(visitor_token::Column::ExpiresAt, Expr::value(now + LIFE))
        .filter(visitor_token::Column::Hash.eq(hash))
        .exec(db.write())
        .await?;
    Ok(())
}

/// Whether a token still opens doors; one that nobody has spoken with yet does.
pub async fn token_lives(app: &App, hash: &TokenHash) -> Result<bool> {
    Ok(token_state(app, hash).await? != TokenState::Ended)
}

/// A person who spoke for the first time. `None` if the token is taken: somebody else's repeat of this was faster.
pub async fn create(
    db: &impl ConnectionTrait,
    token: &TokenHash,
    lang: Lang,
    at: Timestamp,
) -> Result<Option<ContactId>> {
    let contact = contact::ActiveModel {
        name: Set(String::new()),
        language: Set(lang.code().into()),
        created_at: Set(db::micros(at)),
        ..Default::default()
    };
    let id = contact::Entity::insert(contact).exec(db).await?.last_insert_id;
    let token = visitor_token::ActiveModel {
        hash: Set(token.0.clone()),
        contact_id: Set(id),
        created_at: Set(db::micros(at)),
        expires_at: Set(db::micros(at) + LIFE),
        revoked_at: Set(None),
    };
    match visitor_token::Entity::insert(token).exec_without_returning(db).await {
        Err(error) if db::is_taken(&error) => Ok(None),
        outcome => outcome.map(|_| Some(ContactId(id))).map_err(Error::from),
    }
}

/// People without names under given numbers, of whose tokens nobody knows more than the hash: to try kefu with many.
pub async fn plant(tx: &db::Tx, ids: &[ContactId], at: Timestamp) -> Result<()> {
    let contacts = ids.iter().map(|id| contact::ActiveModel {
        id: Set(id.0),
        name: Set(String::new()),
        language: Set(if id.0 % 3 == 0 { Lang::En } else { Lang::ZhCn }.code().into()),
        created_at: Set(db::micros(at)),
    });
    contact::Entity::insert_many(contacts).exec_without_returning(tx).await?;
    let tokens = ids.iter().map(|id| visitor_token::ActiveModel {
        hash: Set(ids::random::<32>().to_vec()),
        contact_id: Set(id.0),
        created_at: Set(db::micros(at)),
        expires_at: Set(db::micros(at) + LIFE),
        revoked_at: Set(None),
    });
    visitor_token::Entity::insert_many(tokens).exec_without_returning(tx).await?;
    Ok(db::copying::number_on(tx, "contact").await?)
}

/// Holds a contact until the transaction ends, so that two first messages do not open two conversations.
pub async fn lock(db: &impl ConnectionTrait, id: ContactId) -> Result<()> {
    let row = contact::Entity::find_by_id(id.0).lock_exclusive().one(db).await?;
    row.map(|_| ()).ok_or(Error::NotFound)
}

/// Empty if the person gave no name.
pub async fn name_of(db: &impl ConnectionTrait, id: ContactId) -> Result<String> {
    let row = contact::Entity::find_by_id(id.0).one(db).await?;
    row.map(|row| row.name).ok_or(Error::NotFound)
}

/// The same inside another question, which knows the person's number.
pub fn name_within(id: Expr) -> Expr {
    let mut name = Query::select();
    name.column(contact::Column::Name).from(contact::Entity);
    name.and_where(contact::Column::Id.into_expr().eq(id)).take().into()
}

pub async fn names(
    db: &impl ConnectionTrait,
    mut ids: Vec<ContactId>,
) -> Result<HashMap<ContactId, String>> {
    let Some(last) = ids.last().copied() else { return Ok(HashMap::new()) };
    // Few lengths are few statements to prepare.
    ids.resize(ids.len().next_power_of_two(), last);
    let ids = ids.iter().map(|id| id.0);
    let rows = contact::Entity::find().filter(contact::Column::Id.is_in(ids)).all(db).await?;
    Ok(rows.into_iter().map(|row| (ContactId(row.id), row.name)).collect())
}

/// Forgets people, and the tokens that proved them.
pub async fn forget(db: &impl ConnectionTrait, ids: &[ContactId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids = || ids.iter().map(|id| id.0);
    let tokens = visitor_token::Column::ContactId.is_in(ids());
    visitor_token::Entity::delete_many().filter(tokens).exec(db).await?;
    contact::Entity::delete_many().filter(contact::Column::Id.is_in(ids())).exec(db).await?;
    Ok(())
}

/// The tables of this feature.
pub fn tables() -> Vec<db::Table> {
    vec![db::table::<contact::Entity>(), db::table::<visitor_token::Entity>()]
}
