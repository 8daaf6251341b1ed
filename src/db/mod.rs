//! The database, whichever of the three it is, under our own names.
pub mod copying;
mod leases;
mod link;
mod migrating;
mod nodes;

use crate::error::Result;
use anyhow::{Context, bail};
use jiff::Timestamp;
pub use link::{Link, Turn, Tx, Way};
pub use nodes::Neighbour;
use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbBackend,
    EntityTrait, IdenStatic, Iterable, QueryFilter, RuntimeErr, SqliteTransactionMode, Statement,
    TransactionOptions,
    sea_query::{Expr, SimpleExpr},
    sqlx::{self, Executor, error::ErrorKind},
};
use std::{sync::Arc, time::Duration};

/// A transaction, or the database itself.
pub use sea_orm::ConnectionTrait as Connection;

/// One writer and a pool of readers on SQLite, whose writers exclude one another anyway; one pool elsewhere.
#[derive(Clone, Debug)]
pub struct Db {
    write: Link<DatabaseConnection>,
    read: Link<DatabaseConnection>,
    embedded: bool,
}

impl Db {
    /// Connects and asserts what our promises rest on. Does not migrate. Whoever needs a connection waits so long for one.
    pub async fn connect(url: &str, wait: Duration) -> anyhow::Result<Self> {
        if url.starts_with("sqlite:") {
            let url =
                if url.contains("mode=") { url.to_owned() } else { format!("{url}?mode=rwc") };
            let write = open(sqlite(&url, 1, wait)).await?;
            assert_durable(&write).await?;
            let read = open(sqlite(&url, 4, wait)).await?;
            let (write, read) = (Link::new(write, None), Link::new(read, None));
            return Ok(Self { write, read, embedded: true });
        }
        let pool = Link::new(open(server(url, wait)).await?, None);
        Ok(Self::shared(pool.clone(), pool))
    }

    /// A database that several nodes may share, however it is reached: connections for what changes it and for questions.
    pub fn shared(write: Link<DatabaseConnection>, read: Link<DatabaseConnection>) -> Self {
        Self { write, read, embedded: false }
    }

    /// The same database on another way.
    pub fn over(&self, way: Arc<dyn Way>) -> Self {
        let link = |to: &Link<DatabaseConnection>| Link::new(to.direct.clone(), Some(way.clone()));
        Self { write: link(&self.write), read: link(&self.read), embedded: self.embedded }
    }

    /// For questions. On SQLite these never wait for a writer.
    pub fn read(&self) -> &Link<DatabaseConnection> {
        &self.read
    }

    /// For single statements that change something.
    pub fn write(&self) -> &Link<DatabaseConnection> {
        &self.write
    }

    /// Connections of both pools that are in use, and that are free.
    pub fn connections(&self) -> (usize, usize) {
        let count = |(busy, idle): (usize, usize), db: &DatabaseConnection| {
            let (size, free) = match db.get_database_backend() {
                DbBackend::Postgres => sizes(db.get_postgres_connection_pool()),
                DbBackend::MySql => sizes(db.get_mysql_connection_pool()),
                _ => sizes(db.get_sqlite_connection_pool()),
            };
            (busy + size.saturating_sub(free), idle + free)
        };
        let pools = if self.is_embedded() {
            vec![&self.write.direct, &self.read.direct]
        } else {
            vec![&self.write.direct]
        };
        pools.into_iter().fold((0, 0), count)
    }

    /// Which part of the disk is free where SQLite keeps its file; `None` where a server keeps its own.
    pub fn free_room(&self) -> Option<f64> {
        #[cfg(unix)]
        if self.is_embedded() {
            let options = self.write.direct.get_sqlite_connection_pool().connect_options();
            let disk = rustix::fs::statvfs(options.get_filename()).ok()?;
            return Some(disk.f_bavail as f64 / disk.f_blocks as f64);
        }
        None
    }

    /// A transaction that will write. It sees what was committed before each of its statements; on SQLite it
    /// excludes other writers from its start: a deferred one could fail with `SQLITE_BUSY_SNAPSHOT` at its first write.
    pub async fn begin(&self) -> Result<Tx> {
        let options = TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..Default::default()
        };
        Ok(self.write.begin(options).await?)
    }

    /// For questions whose best way depends on what is asked: PostgreSQL plans those of this transaction when it knows that, and
    /// not once for all, and as if pages cost about the same in any order, which they do in memory and on flash.
    pub async fn planned_anew(&self) -> Result<Tx> {
        let tx = self.read.begin(TransactionOptions::default()).await?;
        if tx.get_database_backend() == DbBackend::Postgres {
            let plans =
                "SET LOCAL plan_cache_mode = force_custom_plan; SET LOCAL random_page_cost = 1.1";
            tx.execute_unprepared(plans).await?;
        }
        Ok(tx)
    }

    /// Whether the database answers, for `/readyz`.
    pub async fn ping(&self) -> Result<()> {
        let _ = self.now().await?;
        Ok(())
    }

    /// Lets the engine count what is stored, so that it plans well. Servers do by themselves after a while; SQLite, which does
    /// not, looks at a part of what changed much. Takes as long as it takes.
    pub async fn analyze(&self) -> Result<()> {
        match self.write.get_database_backend() {
            DbBackend::Sqlite => {
                self.write.execute_unprepared("PRAGMA optimize = 0x10002").await?;
            }
            DbBackend::Postgres => {
                let tx = self.begin().await?;
                tx.execute_unprepared("SET LOCAL statement_timeout = 0").await?;
                tx.execute_unprepared("ANALYZE").await?;
                tx.commit().await?;
            }
            _ => {
                let tables = "contact, conversation, entry, read_position, visitor_token";
                // The comment is read by MariaDB alone.
                let sql = format!(
                    "/*M! SET STATEMENT max_statement_time = 0 FOR */ ANALYZE TABLE {tables}"
                );
                self.write.execute_unprepared(&sql).await?;
            }
        }
        Ok(())
    }

    /// The word that cursors of this database begin with, made with the database.
    pub async fn epoch(&self) -> anyhow::Result<String> {
        use installation::{ActiveModel, Column, Entity};
        let fresh =
            ActiveModel { name: Set("epoch".into()), value: Set(hex(&crate::ids::random::<4>())) };
        in_time(async {
            match Entity::insert(fresh).exec_without_returning(&self.write).await {
                Err(error) if !is_taken(&error) => Err(error),
                _ => Ok(()),
            }
        })
        .await?;
        let epoch = Entity::find().filter(Column::Name.eq("epoch")).one(&self.write);
        let row = in_time(epoch).await?;
        Ok(row.context("the database lost its epoch")?.value)
    }

    /// The database's own clock, which all nodes share.
    pub async fn now(&self) -> Result<Timestamp> {
        let engine = self.read.get_database_backend();
        let statement = Statement::from_string(engine, format!("SELECT {} AS now", now_on(engine)));
        let row = self.read.query_one_raw(statement).await?;
        let micros: i64 =
            row.context("a SELECT without a row").and_then(|row| Ok(row.try_get("", "now")?))?;
        Ok(timestamp(micros))
    }
}

pub mod installation {
    //! What is true of the whole installation.
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "installation")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        #[sea_orm(column_type = "Text")]
        pub value: String,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A table as the code knows it: its name, and its columns in alphabetical order. For the test that compares it with the
/// database, whose truth the migrations are.
pub type Table = (String, Vec<String>);

pub fn table<E: EntityTrait>() -> Table {
    let mut columns: Vec<_> = E::Column::iter().map(|column| column.as_str().to_owned()).collect();
    columns.sort();
    (E::default().table_name().to_owned(), columns)
}

pub fn tables() -> Vec<Table> {
    let mut all = vec![table::<installation::Entity>()];
    all.extend(nodes::tables());
    all.extend(leases::tables());
    all
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The database's clock inside a statement, in the unit of our columns.
pub fn now(db: &impl Connection) -> SimpleExpr {
    Expr::cust(now_on(db.get_database_backend()))
}

/// The same as an engine writes it. SQLite's clock has milliseconds.
pub fn now_on(engine: DbBackend) -> &'static str {
    match engine {
        DbBackend::Postgres => "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)",
        DbBackend::MySql => "CAST(UNIX_TIMESTAMP(SYSDATE(6)) * 1000000 AS SIGNED)",
        _ => "CAST(ROUND((julianday('now') - 2440587.5) * 86400000.0) AS INTEGER) * 1000",
    }
}

/// The second in which the database's clock is, in the same unit: for what is written again and again, so that it rarely changes.
pub fn second_on(engine: DbBackend) -> &'static str {
    match engine {
        DbBackend::Postgres => {
            "CAST(FLOOR(EXTRACT(EPOCH FROM clock_timestamp())) AS BIGINT) * 1000000"
        }
        DbBackend::MySql => "CAST(FLOOR(UNIX_TIMESTAMP(SYSDATE(6))) AS SIGNED) * 1000000",
        _ => "unixepoch('now') * 1000000",
    }
}

/// The same of a moment.
pub fn second(at: Timestamp) -> i64 {
    at.as_second() * 1_000_000
}

/// Moments are stored as microseconds since 1970 UTC in a 64-bit integer: the one form that all three engines keep,
/// compare and move without loss.
pub fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

pub fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::UNIX_EPOCH)
}

/// Whether a failed insert only says that its unique key is taken.
pub fn is_taken(error: &sea_orm::DbErr) -> bool {
    matches!(error.sql_err(), Some(sea_orm::SqlErr::UniqueConstraintViolation(_)))
}

/// Whether a failed statement only says that a column got no value and must have one.
pub fn is_missing(error: &sea_orm::DbErr) -> bool {
    let (sea_orm::DbErr::Exec(RuntimeErr::SqlxError(error))
    | sea_orm::DbErr::Query(RuntimeErr::SqlxError(error))) = error
    else {
        return false;
    };
    error.as_database_error().is_some_and(|error| error.kind() == ErrorKind::NotNullViolation)
}

/// What a database is asked while a node starts: one that is gone may take any time not to answer.
async fn in_time<T>(
    asked: impl Future<Output = std::result::Result<T, sea_orm::DbErr>>,
) -> anyhow::Result<T> {
    const LONGEST: Duration = Duration::from_secs(10);
    let answer = tokio::time::timeout(LONGEST, asked).await;
    Ok(answer.with_context(|| format!("the database does not answer within {LONGEST:?}"))??)
}

fn sizes<D: sea_orm::sqlx::Database>(pool: &sea_orm::sqlx::Pool<D>) -> (usize, usize) {
    (usize::try_from(pool.size()).unwrap_or(usize::MAX), pool.num_idle())
}

async fn open(options: ConnectOptions) -> anyhow::Result<DatabaseConnection> {
    let engine = options.get_url().split(':').next().unwrap_or_default().to_owned();
    in_time(Database::connect(options))
        .await
        .with_context(|| format!("cannot open the {engine} database"))
}

/// PostgreSQL asks whether a silent client still lives, and lets go of what it held if not: within a minute, not two hours.
const NOTICE_THE_DEAD: [(&str, &str); 3] = [
    ("tcp_keepalives_idle", "30"),
    ("tcp_keepalives_interval", "10"),
    ("tcp_keepalives_count", "3"),
];

/// How PostgreSQL plans. Whatever grows is found by an index (tests/it/plans.rs); but a plan made while a table was small looks
/// through it, and a connection keeps such a plan until the engine counts again: a minute in which everything takes ten times
/// as long. And no question of ours is worth being compiled, or
/// asked by several processes at once.
pub const PLAN_BY_INDEX: [(&str, &str); 5] = [
    ("enable_seqscan", "off"),
    ("enable_hashjoin", "off"),
    ("enable_mergejoin", "off"),
    ("jit", "off"),
    ("max_parallel_workers_per_gather", "0"),
];

/// A pool at a database server, whose transactions see what was committed before each of their statements. A statement that
/// takes longer than 5 s is stopped, and so is a transaction in which nothing happens for so long: it may be that of a node that
/// stands still, and holds what others wait for.
fn server(url: &str, wait: Duration) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(10)
        .acquire_timeout(wait)
        .connect_timeout(wait)
        .sqlx_logging(false)
        .map_sqlx_postgres_opts(|options| {
            options.options(NOTICE_THE_DEAD).options(PLAN_BY_INDEX).options([
                ("statement_timeout", "5s"),
                ("lock_timeout", "5s"),
                ("idle_in_transaction_session_timeout", "5s"),
                ("default_transaction_isolation", "read committed"),
            ])
        })
        .map_sqlx_mysql_pool_opts(|pool| {
            pool.after_connect(|connection, _| {
                // The comment is read by MariaDB alone; MySQL knows these limits by no name or another.
                const LIMITS: &str = "SET SESSION innodb_lock_wait_timeout = 5 /*M! , max_statement_time = 5, idle_transaction_timeout = 5 */";
                const ISOLATION: &str = "SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED";
                Box::pin(async move {
                    connection.execute(LIMITS).await?;
                    connection.execute(ISOLATION).await.map(|_| ())
                })
            })
        });
    options
}

fn sqlite(url: &str, connections: u32, wait: Duration) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(connections).acquire_timeout(wait).sqlx_logging(false);
    // Whoever writes keeps its pages and what it might have to take back in memory, 16 MB at most, instead of reading and
    // writing them again; 16 MB of the log go into the file at once, as most of its pages are written again and again.
    let writing =
        [("cache_size", "-16384"), ("temp_store", "MEMORY"), ("wal_autocheckpoint", "4096")];
    options.map_sqlx_sqlite_opts(move |options| {
        let options = options
            .pragma("journal_mode", "WAL")
            .pragma("synchronous", "FULL")
            .pragma("foreign_keys", "ON")
            .busy_timeout(Duration::from_secs(5));
        let pragmas = writing.into_iter().filter(|_| connections == 1);
        pragmas.fold(options, |options, (name, value)| options.pragma(name, value))
    });
    // SQLite takes a transaction back by itself when the disk fails it or is full. The driver then goes on counting one that
    // is not there, and what it takes for the next would never be committed: such a connection is not used again.
    options.map_sqlx_sqlite_pool_opts(|pool| {
        pool.before_acquire(|connection, _| {
            let is_clean = !sqlx::Connection::is_in_transaction(connection);
            Box::pin(async move { Ok(is_clean) })
        })
    });
    options
}

/// An acknowledged entry survives a power cut only under these two.
async fn assert_durable(db: &DatabaseConnection) -> anyhow::Result<()> {
    let ask = |pragma: &str| Statement::from_string(DbBackend::Sqlite, format!("PRAGMA {pragma}"));
    let journal: String =
        db.query_one_raw(ask("journal_mode")).await?.context("no row")?.try_get_by_index(0)?;
    let synchronous: i32 =
        db.query_one_raw(ask("synchronous")).await?.context("no row")?.try_get_by_index(0)?;
    if journal != "wal" || synchronous != 2 {
        bail!(
            "SQLite refused WAL with synchronous=FULL (journal_mode={journal}, synchronous={synchronous}); is the data folder on a network file system?"
        );
    }
    Ok(())
}
