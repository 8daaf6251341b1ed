//! Rows that say who a site's own server says a contact is.
use super::visitor_token;
use crate::{
    contact::{
        model::{Contact, Identity, Subject, Told},
        store::{LIFE, TokenState},
        token::TokenHash,
    },
    db,
    error::{Error, Result},
    ids::{ContactId, SiteId},
};
use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set,
    QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, Query},
};

pub mod contact_identity {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "contact_identity")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub site_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub subject: String,
        pub contact_id: i64,
        pub since: i64,
        pub seen_at: i64,
        /// What the site said of them last, as JSON.
        #[sea_orm(column_type = "Text")]
        pub told: String,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}
use contact_identity::{Column, Entity};

/// Whom a site knows under an id, and what it said of them last.
pub async fn identified(
    db: &impl ConnectionTrait,
    site: SiteId,
    subject: &Subject,
) -> Result<Option<(ContactId, Told)>> {
    let row = Entity::find_by_id((site.0, subject.as_str().to_owned())).one(db).await?;
    Ok(row.map(|row| {
        let told = serde_json::from_str(&row.told).unwrap_or_default();
        (ContactId(row.contact_id), told)
    }))
}

/// Who a contact is, as sites say; the first one first.
pub async fn identities(db: &impl ConnectionTrait, contact: ContactId) -> Result<Vec<Identity>> {
    let rows = Entity::find()
        .filter(Column::ContactId.eq(contact.0))
        .order_by_asc(Column::Since)
        .all(db)
        .await?;
    let read = |row: contact_identity::Model| Identity {
        site: SiteId(row.site_id),
        subject: row.subject,
        since: db::timestamp(row.since),
    };
    Ok(rows.into_iter().map(read).collect())
}

/// Whether a site says who a contact is, inside a question that knows both numbers: null if it does not.
pub fn identified_within(contact: Expr, site: Expr) -> Expr {
    let mut since = Query::select();
    since.expr(Column::Since.into_expr().max()).from(Entity);
    since.and_where(Column::ContactId.into_expr().eq(contact));
    since.and_where(Column::SiteId.into_expr().eq(site)).take().into()
}

/// From now on a site knows a contact under an id. False if it knows somebody under it.
pub async fn add_identity(
    db: &impl ConnectionTrait,
    contact: ContactId,
    site: SiteId,
    subject: &Subject,
    at: Timestamp,
) -> Result<bool> {
    let row = contact_identity::ActiveModel {
        site_id: Set(site.0),
        subject: Set(subject.as_str().to_owned()),
        contact_id: Set(contact.0),
        since: Set(db::micros(at)),
        seen_at: Set(db::micros(at)),
        told: Set("{}".into()),
    };
    match Entity::insert(row).exec_without_returning(db).await {
        Err(error) if db::is_taken(&error) => Ok(false),
        outcome => outcome.map(|_| true).map_err(Error::from),
    }
}

/// Somebody was here under an id, of whom a site said this.
pub async fn seen_as(
    db: &impl ConnectionTrait,
    site: SiteId,
    subject: &Subject,
    told: &Told,
    at: Timestamp,
) -> Result<()> {
    let told = serde_json::to_string(told).map_err(Error::internal)?;
    Entity::update_many()
        .col_expr(Column::SeenAt, Expr::value(db::micros(at)))
        .col_expr(Column::Told, Expr::value(told))
        .filter(Column::SiteId.eq(site.0))
        .filter(Column::Subject.eq(subject.as_str()))
        .exec(db)
        .await?;
    Ok(())
}

/// Those who were not seen under an id since a moment, and of whom nothing else is there, at most `limit`: `kept` says of a contact's
/// number what is, and is null if nothing is.
pub async fn unseen_since(
    db: &impl ConnectionTrait,
    before: Timestamp,
    kept: impl FnOnce(Expr) -> Expr,
    limit: u64,
) -> Result<Vec<ContactId>> {
    let ids: Vec<i64> = Entity::find()
        .select_only()
        .column(Column::ContactId)
        .filter(Column::SeenAt.lt(db::micros(before)))
        .filter(kept(Column::ContactId.into_expr()).is_null())
        .order_by_asc(Column::SeenAt)
        .limit(limit)
        .into_tuple()
        .all(db)
        .await?;
    Ok(ids.into_iter().map(ContactId).collect())
}

/// Whether a site knows both, under two ids: then they are two people.
pub async fn are_two(db: &impl ConnectionTrait, one: &Contact, other: &Contact) -> Result<bool> {
    let others = identities(db, other.id).await?;
    let own = identities(db, one.id).await?;
    Ok(own.iter().any(|own| others.iter().any(|other| other.site == own.site)))
}

/// Another token proves a contact. False if it proves somebody already, or did.
pub async fn add_token(
    db: &impl ConnectionTrait,
    token: &TokenHash,
    contact: ContactId,
    at: Timestamp,
) -> Result<bool> {
    let row = visitor_token::ActiveModel {
        hash: Set(token.0.clone()),
        contact_id: Set(contact.0),
        created_at: Set(db::micros(at)),
        expires_at: Set(db::micros(at) + LIFE),
        revoked_at: Set(None),
    };
    match visitor_token::Entity::insert(row).exec_without_returning(db).await {
        Err(error) if db::is_taken(&error) => Ok(false),
        outcome => outcome.map(|_| true).map_err(Error::from),
    }
}

/// The other tokens that prove a contact.
pub async fn other_tokens(
    db: &impl ConnectionTrait,
    contact: ContactId,
    but: &TokenHash,
) -> Result<Vec<TokenHash>> {
    let hashes: Vec<Vec<u8>> = visitor_token::Entity::find()
        .select_only()
        .column(visitor_token::Column::Hash)
        .filter(visitor_token::Column::ContactId.eq(contact.0))
        .filter(visitor_token::Column::Hash.ne(but.0.clone()))
        .filter(visitor_token::Column::RevokedAt.is_null())
        .into_tuple()
        .all(db)
        .await?;
    Ok(hashes.into_iter().map(TokenHash).collect())
}

/// What is known of a token in the midst of a transaction, which leaves it as it is.
pub async fn token_within(
    db: &impl ConnectionTrait,
    token: &TokenHash,
    at: Timestamp,
) -> Result<TokenState> {
    let row = visitor_token::Entity::find_by_id(token.0.clone()).one(db).await?;
    Ok(match row {
        None => TokenState::Fresh,
        Some(row) if row.revoked_at.is_none() && row.expires_at > db::micros(at) => {
            TokenState::Known(ContactId(row.contact_id))
        }
        Some(_) => TokenState::Ended,
    })
}

pub(super) async fn move_to(
    db: &impl ConnectionTrait,
    from: ContactId,
    to: ContactId,
) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::ContactId, Expr::value(to.0))
        .filter(Column::ContactId.eq(from.0))
        .exec(db)
        .await?;
    Ok(())
}

pub(super) async fn forget(
    db: &impl ConnectionTrait,
    contacts: impl IntoIterator<Item = i64>,
) -> Result<()> {
    Entity::delete_many().filter(Column::ContactId.is_in(contacts)).exec(db).await?;
    Ok(())
}

pub(super) fn tables() -> Vec<db::Table> {
    vec![db::table::<Entity>()]
}
