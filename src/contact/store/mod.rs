//! Rows of contacts and of visitors' tokens.
mod attributes;
mod finding;
mod identities;
mod merging;
mod notes;
mod pages;

pub use attributes::{
    attributes, change_attribute, insert_attribute, remove_attribute, set_value, values,
};
pub use finding::{Known, found_by, index_after, index_again};
pub use identities::{
    add_identity, add_token, are_two, identified, identified_within, identities, other_tokens,
    seen_as, token_within, unseen_since,
};
pub use merging::merge;
pub use notes::{
    add_note, add_tag, note, noted, notes, remove_note, remove_tag, tags, tags_given_since,
};
pub use pages::{forget_old_pages, forget_pages, pages, viewed};

use super::{
    model::{Arrival, Block, BlockReason, Contact, ContactEmail, ContactName, Phone, SeenPage},
    token::TokenHash,
};
use crate::{
    app::App,
    db::{self, Db},
    error::{Error, Result},
    ids::{self, ContactId},
    index::{self, Kind},
    text::Lang,
};
use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set,
    Condition, QueryOrder, QuerySelect,
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
        pub phone: String,
        pub email: String,
        pub device: String,
        pub blocked_at: Option<i64>,
        pub blocked_by: String,
        pub blocked_reason: String,
        /// Whose contact it became; nothing else is known of it then.
        pub merged_into: Option<i64>,
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

/// Whoever leaves for good: the token opens no doors any more.
pub async fn end_token(db: &impl ConnectionTrait, hash: &TokenHash, at: Timestamp) -> Result<()> {
    visitor_token::Entity::update_many()
        .col_expr(visitor_token::Column::RevokedAt, Expr::value(db::micros(at)))
        .filter(visitor_token::Column::Hash.eq(hash.0.clone()))
        .filter(visitor_token::Column::RevokedAt.is_null())
        .exec(db)
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
    let id = ContactId(contact::Entity::insert(contact).exec(db).await?.last_insert_id);
    Ok(add_token(db, token, id, at).await?.then_some(id))
}

/// People without names under given numbers, of whose tokens nobody knows more than the hash: to try kefu with many.
pub async fn plant(tx: &db::Tx, ids: &[ContactId], at: Timestamp) -> Result<()> {
    let contacts = ids.iter().map(|id| contact::ActiveModel {
        id: Set(id.0),
        name: Set(String::new()),
        language: Set(if id.0 % 3 == 0 { Lang::En } else { Lang::ZhCn }.code().into()),
        created_at: Set(db::micros(at)),
        ..Default::default()
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
    Ok(())
}

/// Once all were planted, others get the numbers after theirs.
pub async fn all_planted(tx: &db::Tx) -> Result<()> {
    Ok(db::copying::number_on(tx, "contact").await?)
}

/// Holds a contact until the transaction ends, so that two first messages do not open two conversations. One that became
/// another's is held as that.
pub async fn lock(db: &impl ConnectionTrait, id: ContactId) -> Result<Contact> {
    let held = |id: i64| contact::Entity::find_by_id(id).lock_exclusive().one(db);
    let row = held(id.0).await?.ok_or(Error::NotFound)?;
    match row.merged_into {
        None => Ok(read(row)),
        Some(into) => held(into).await?.map(read).ok_or(Error::NotFound),
    }
}

/// Remembers with what somebody came who begins a conversation, and from where.
pub async fn arrived(
    db: &impl ConnectionTrait,
    id: ContactId,
    arrival: &Arrival,
    at: Timestamp,
) -> Result<()> {
    if !arrival.device.is_empty() {
        let device: String = arrival.device.chars().take(300).collect();
        set(db, id, [(contact::Column::Device, device.into())]).await?;
    }
    match arrival.page.clone() {
        Some(url) => {
            viewed(db, id, vec![SeenPage { url, title: String::new(), referrer: None, at }]).await
        }
        None => Ok(()),
    }
}

/// A contact; one that became another's is found as that.
pub async fn find(db: &impl ConnectionTrait, id: ContactId) -> Result<Contact> {
    let row = contact::Entity::find_by_id(id.0).one(db).await?.ok_or(Error::NotFound)?;
    match row.merged_into {
        None => Ok(read(row)),
        Some(into) => {
            let row = contact::Entity::find_by_id(into).one(db).await?;
            row.map(read).ok_or(Error::NotFound)
        }
    }
}

/// Whose contact this one became, if it did.
pub async fn became(db: &impl ConnectionTrait, id: ContactId) -> Result<Option<ContactId>> {
    let row = contact::Entity::find_by_id(id.0).one(db).await?;
    Ok(row.and_then(|row| row.merged_into).map(ContactId))
}

pub async fn set_name(db: &impl ConnectionTrait, id: ContactId, name: &ContactName) -> Result<()> {
    set(db, id, [(contact::Column::Name, name.as_str().into())]).await
}

pub async fn set_phone(db: &impl ConnectionTrait, id: ContactId, phone: &Phone) -> Result<()> {
    set(db, id, [(contact::Column::Phone, phone.as_str().into())]).await
}

pub async fn set_email(
    db: &impl ConnectionTrait,
    id: ContactId,
    email: &ContactEmail,
) -> Result<()> {
    set(db, id, [(contact::Column::Email, email.as_str().into())]).await
}

pub async fn block(
    db: &impl ConnectionTrait,
    id: ContactId,
    by: &str,
    reason: &BlockReason,
    at: Timestamp,
) -> Result<()> {
    let values = [
        (contact::Column::BlockedAt, db::micros(at).into()),
        (contact::Column::BlockedBy, by.into()),
        (contact::Column::BlockedReason, reason.as_str().into()),
    ];
    set(db, id, values).await
}

pub async fn unblock(db: &impl ConnectionTrait, id: ContactId) -> Result<()> {
    let values = [
        (contact::Column::BlockedAt, None::<i64>.into()),
        (contact::Column::BlockedBy, "".into()),
        (contact::Column::BlockedReason, "".into()),
    ];
    set(db, id, values).await
}

async fn set<const COLUMNS: usize>(
    db: &impl ConnectionTrait,
    id: ContactId,
    values: [(contact::Column, Value); COLUMNS],
) -> Result<()> {
    let mut update = contact::Entity::update_many().filter(contact::Column::Id.eq(id.0));
    let is_found_by = values.iter().any(|(column, _)| finding::is_word(*column));
    for (column, value) in values {
        update = update.col_expr(column, Expr::value(value));
    }
    update.exec(db).await?;
    if is_found_by { finding::index_again(db, &[id]).await } else { Ok(()) }
}

/// Who is there, the newest first below a number, at most `limit`. Who became another's is there as that.
pub async fn newest(db: &Db, below: Option<ContactId>, limit: u64) -> Result<Vec<Contact>> {
    let rows = contact::Entity::find()
        .filter(contact::Column::Id.lt(below.map_or(i64::MAX, |id| id.0)))
        .filter(contact::Column::MergedInto.is_null())
        .order_by_desc(contact::Column::Id)
        .limit(limit)
        .all(db.read())
        .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// Who is blocked, the last first, and of one moment the newest; below a place in this order, at most `limit`.
pub async fn blocked(
    db: &Db,
    below: Option<(Timestamp, ContactId)>,
    limit: u64,
) -> Result<Vec<Contact>> {
    use contact::Column::{BlockedAt, Id};
    let (at, id) = below.map_or((i64::MAX, i64::MAX), |(at, id)| (db::micros(at), id.0));
    let rows = contact::Entity::find()
        .filter(BlockedAt.lte(at))
        .filter(Condition::any().add(BlockedAt.lt(at)).add(Id.lt(id)))
        .order_by_desc(BlockedAt)
        .order_by_desc(Id)
        .limit(limit)
        .all(db.read())
        .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// Of so many that came last, those are looked through whose name is known in part only.
const LOOKED_THROUGH: i64 = 1_000;

/// Contacts that are called so or have this number, phone or e-mail, and of those who came lately whoever is called something
/// like it; at most `limit`, without `but`.
pub async fn search(db: &Db, words: &str, but: ContactId, limit: usize) -> Result<Vec<Contact>> {
    let words = words.trim();
    if words.is_empty() {
        return Ok(Vec::new());
    }
    let number = words.trim_start_matches('#').parse::<i64>().ok();
    let exactly = Condition::any()
        .add(contact::Column::Name.eq(words))
        .add(contact::Column::Phone.eq(words))
        .add(contact::Column::Email.eq(words.to_lowercase()))
        .add_option(number.map(|id| contact::Column::Id.eq(id)));
    let mut found =
        contact::Entity::find().filter(exactly).limit(limit as u64 + 1).all(db.read()).await?;
    let newest: Option<Option<i64>> = contact::Entity::find()
        .select_only()
        .column_as(contact::Column::Id.max(), "newest")
        .into_tuple()
        .one(db.read())
        .await?;
    let lately = contact::Column::Id.gt(newest.flatten().unwrap_or(0) - LOOKED_THROUGH);
    let words = words.to_lowercase();
    let digits: String = words.chars().filter(char::is_ascii_digit).collect();
    for row in contact::Entity::find().filter(lately).all(db.read()).await? {
        let phone: String = row.phone.chars().filter(char::is_ascii_digit).collect();
        let alike = row.name.to_lowercase().contains(&words)
            || row.email.contains(&words)
            || (digits.len() >= 4 && phone.contains(&digits));
        if alike && found.iter().all(|other| other.id != row.id) {
            found.push(row);
        }
    }
    found.retain(|row| row.merged_into.is_none() && row.id != but.0);
    found.truncate(limit);
    Ok(found.into_iter().map(read).collect())
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

/// Since when the person is blocked, inside another question.
pub fn blocked_within(id: Expr) -> Expr {
    let mut blocked = Query::select();
    blocked.column(contact::Column::BlockedAt).from(contact::Entity);
    blocked.and_where(contact::Column::Id.into_expr().eq(id)).take().into()
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

/// Forgets people, the tokens that proved them, and all that was known of them.
pub async fn forget(db: &impl ConnectionTrait, ids: &[ContactId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let ids = || ids.iter().map(|id| id.0);
    index::forget(db, Kind::Contact, &ids().collect::<Vec<_>>()).await?;
    attributes::forget(db, ids()).await?;
    identities::forget(db, ids()).await?;
    notes::forget(db, ids()).await?;
    pages::forget(db, ids()).await?;
    let became_theirs = contact::Column::MergedInto.is_in(ids());
    contact::Entity::delete_many().filter(became_theirs).exec(db).await?;
    let tokens = visitor_token::Column::ContactId.is_in(ids());
    visitor_token::Entity::delete_many().filter(tokens).exec(db).await?;
    contact::Entity::delete_many().filter(contact::Column::Id.is_in(ids())).exec(db).await?;
    Ok(())
}

fn read(row: contact::Model) -> Contact {
    let block = row.blocked_at.map(|at| Block {
        at: db::timestamp(at),
        by: row.blocked_by,
        reason: row.blocked_reason,
    });
    Contact {
        id: ContactId(row.id),
        name: row.name,
        phone: row.phone,
        email: row.email,
        lang: Lang::from_tag(&row.language).unwrap_or_default(),
        device: row.device,
        created_at: db::timestamp(row.created_at),
        block,
    }
}

/// The tables of this feature.
pub fn tables() -> Vec<db::Table> {
    let mut all = vec![db::table::<contact::Entity>(), db::table::<visitor_token::Entity>()];
    all.extend(attributes::tables());
    all.extend(identities::tables());
    all.extend(notes::tables());
    all.extend(pages::tables());
    all
}
