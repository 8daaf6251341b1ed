//! Sessions as rows. Only the hash of an id is stored: who reads the database cannot sign in with it.
use crate::{
    app::App,
    clock::Clock,
    db::{self, Db},
    error::Result,
};
use sea_orm::{
    ActiveValue::Set,
    Condition, QueryOrder,
    entity::prelude::*,
    sea_query::{
        Expr, ExprTrait, Query,
        extension::mysql::{IndexHintScope, MySqlSelectStatementExt},
    },
};
use sha2::{Digest, Sha256};
use std::time::Duration;
use tower_sessions::{
    SessionStore,
    cookie::time::OffsetDateTime,
    session::{Id, Record},
    session_store::{Error, Result as StoreResult},
};

/// A session ends after so long without a request …
pub const IDLE: Duration = Duration::from_secs(12 * 3600);
/// … and at the latest after this.
pub const LONGEST: Duration = Duration::from_secs(7 * 24 * 3600);
/// The keys of a session's data that become columns.
pub const OWNER: &str = "owner";
pub const USER_AGENT: &str = "user_agent";

pub mod session {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "session")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: Vec<u8>,
        pub owner_id: Option<i64>,
        #[sea_orm(column_type = "Text")]
        pub record: String,
        pub user_agent: String,
        pub created_at: i64,
        pub seen_at: i64,
        pub expires_at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

#[derive(Clone, Debug)]
pub struct SessionRows {
    db: Db,
    clock: Clock,
}

impl SessionRows {
    pub fn new(app: &App) -> Self {
        Self { db: app.db.clone(), clock: app.clock.clone() }
    }
}

/// SHA-256 of a session's id.
pub fn hash(id: Id) -> Vec<u8> {
    Sha256::digest(id.0.to_le_bytes()).to_vec()
}

#[async_trait::async_trait]
impl SessionStore for SessionRows {
    async fn create(&self, record: &mut Record) -> StoreResult<()> {
        loop {
            match self.insert(record).await {
                Err(taken) if db::is_taken(&taken) => record.id = Id::default(),
                outcome => return outcome.map_err(backend),
            }
        }
    }

    /// Updates only: a session that was revoked meanwhile stays gone.
    async fn save(&self, record: &Record) -> StoreResult<()> {
        let row = session::ActiveModel {
            owner_id: Set(number(record, OWNER)),
            record: Set(encode(record)?),
            expires_at: Set(expiry(record)),
            ..Default::default()
        };
        let here = session::Column::Hash.eq(hash(record.id));
        session::Entity::update_many()
            .set(row)
            .filter(here)
            .exec(self.db.write())
            .await
            .map_err(backend)?;
        Ok(())
    }

    async fn load(&self, id: &Id) -> StoreResult<Option<Record>> {
        let row = session::Entity::find_by_id(hash(*id)).one(self.db.read()).await;
        let Some(row) = row.map_err(backend)? else { return Ok(None) };
        let now = db::micros(self.clock.now());
        if row.expires_at <= now || row.created_at <= now - as_micros(LONGEST) {
            // For good, unless only our own clock says so: a clock that is put back brings no session back to life.
            let ended = async { self.forget_expired(self.db.now().await?).await };
            ended.await.map_err(|error| Error::Backend(error.to_string()))?;
            return Ok(None);
        }
        let data =
            serde_json::from_str(&row.record).map_err(|error| Error::Decode(error.to_string()))?;
        let expiry_date =
            OffsetDateTime::from_unix_timestamp_nanos(i128::from(row.expires_at) * 1000)
                .map_err(|error| Error::Decode(error.to_string()))?;
        Ok(Some(Record { id: *id, data, expiry_date }))
    }

    async fn delete(&self, id: &Id) -> StoreResult<()> {
        session::Entity::delete_by_id(hash(*id)).exec(self.db.write()).await.map_err(backend)?;
        Ok(())
    }
}

impl SessionRows {
    async fn insert(&self, record: &Record) -> Result<(), DbErr> {
        let now = db::micros(self.clock.now());
        let row = session::ActiveModel {
            hash: Set(hash(record.id)),
            owner_id: Set(number(record, OWNER)),
            record: Set(encode(record).map_err(|error| DbErr::Custom(error.to_string()))?),
            user_agent: Set(record
                .data
                .get(USER_AGENT)
                .and_then(|v| v.as_str())
                .unwrap_or_default()
                .into()),
            created_at: Set(now),
            seen_at: Set(now),
            expires_at: Set(expiry(record)),
        };
        session::Entity::insert(row).exec_without_returning(self.db.write()).await?;
        Ok(())
    }

    /// Moves the idle limit, at most every five minutes; a session that is used stays open.
    pub async fn touch(&self, hash: &[u8]) -> Result<()> {
        let now = db::micros(self.clock.now());
        let stale = session::Entity::find_by_id(hash.to_vec())
            .filter(session::Column::SeenAt.lt(now - as_micros(Duration::from_secs(300))))
            .one(self.db.read())
            .await?;
        if stale.is_some() {
            session::Entity::update_many()
                .col_expr(session::Column::SeenAt, Expr::value(now))
                .col_expr(session::Column::ExpiresAt, Expr::value(now + as_micros(IDLE)))
                .filter(session::Column::Hash.eq(hash.to_vec()))
                .exec(self.db.write())
                .await?;
        }
        Ok(())
    }

    /// The live sessions of an owner, the last used first.
    pub async fn of_owner(&self, owner: i64) -> Result<Vec<session::Model>> {
        let now = db::micros(self.clock.now());
        let rows = session::Entity::find()
            .filter(session::Column::OwnerId.eq(owner))
            .filter(session::Column::ExpiresAt.gt(now))
            .filter(session::Column::CreatedAt.gt(now - as_micros(LONGEST)))
            .order_by_desc(session::Column::SeenAt)
            .all(self.db.read())
            .await?;
        Ok(rows)
    }

    /// Removes sessions that have expired; how many.
    pub async fn forget_expired(&self, now: jiff::Timestamp) -> Result<u64> {
        let now = db::micros(now);
        let expired = Condition::any()
            .add(session::Column::ExpiresAt.lte(now))
            .add(session::Column::CreatedAt.lte(now - as_micros(LONGEST)));
        let gone = session::Entity::delete_many().filter(expired).exec(self.db.write()).await?;
        Ok(gone.rows_affected)
    }
}

/// Ends one session of an owner, and says which browser had it; `None` if the owner has none such.
pub async fn revoke(db: &impl ConnectionTrait, owner: i64, hash: &[u8]) -> Result<Option<String>> {
    let own = session::Entity::find_by_id(hash.to_vec())
        .filter(session::Column::OwnerId.eq(owner))
        .one(db)
        .await?;
    let gone = session::Entity::delete_many()
        .filter(session::Column::OwnerId.eq(owner))
        .filter(session::Column::Hash.eq(hash.to_vec()))
        .exec(db)
        .await?;
    Ok(own.filter(|_| gone.rows_affected > 0).map(|row| row.user_agent))
}

/// Ends every session of an owner.
pub async fn revoke_all(db: &impl ConnectionTrait, owner: i64) -> Result<()> {
    session::Entity::delete_many().filter(session::Column::OwnerId.eq(owner)).exec(db).await?;
    Ok(())
}

/// When an owner was seen last, inside a question that knows the owner's number.
pub fn seen_within(owner: Expr) -> Expr {
    let mut seen = Query::select();
    seen.expr(session::Column::SeenAt.into_expr().max()).from(session::Entity);
    // MySQL would look through a few sessions once for each owner.
    seen.force_index("ix_session_owner", IndexHintScope::All);
    seen.and_where(session::Column::OwnerId.into_expr().eq(owner)).take().into()
}

fn number(record: &Record, key: &str) -> Option<i64> {
    record.data.get(key).and_then(serde_json::Value::as_i64)
}

fn encode(record: &Record) -> StoreResult<String> {
    serde_json::to_string(&record.data).map_err(|error| Error::Encode(error.to_string()))
}

fn expiry(record: &Record) -> i64 {
    i64::try_from(record.expiry_date.unix_timestamp_nanos() / 1000).unwrap_or(i64::MAX)
}

fn as_micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

fn backend(error: DbErr) -> Error {
    Error::Backend(error.to_string())
}

/// The tables of this feature.
pub fn tables() -> Vec<db::Table> {
    vec![db::table::<session::Entity>()]
}
