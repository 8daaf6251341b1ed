//! Bringing the schema up to date: one node does it, the others wait for it.
use super::{Db, in_time, open};
use anyhow::{Context, bail};
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use std::{collections::BTreeSet, time::Duration};
use tokio::time::{Instant, sleep};

/// A migration of a large table takes its time.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// What the lock is called at a PostgreSQL server; its locks have numbers, and this one reads "kefu".
const NUMBER: i64 = 0x6b65_6675;

impl Db {
    /// Applies what is not applied yet. A database that a newer kefu has migrated further is left as it is: new schemas
    /// serve old nodes until all are replaced.
    pub async fn migrate(&self, url: &str) -> anyhow::Result<()> {
        if self.is_embedded() || is_current(&self.write.direct).await? {
            return up(&self.write.direct).await;
        }
        // One connection, which holds the lock as long as it lives; and no statement of it is cut short.
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).acquire_timeout(Duration::from_secs(2)).sqlx_logging(false);
        options.map_sqlx_postgres_opts(|options| options.options(super::NOTICE_THE_DEAD));
        let alone = open(options).await?;
        lock(&alone).await.context("cannot lock the database in order to migrate it")?;
        let outcome = up(&alone).await;
        alone.close().await?;
        outcome
    }

    /// Names of the migrations and whether each is applied.
    pub async fn migrations(&self) -> anyhow::Result<Vec<(String, bool)>> {
        let applied = applied(&self.read.direct).await?;
        let all = Migrator::migrations().into_iter().map(|migration| migration.name().to_owned());
        Ok(all.map(|name| (name.clone(), applied.contains(&name))).collect())
    }
}

pub(super) async fn up(db: &DatabaseConnection) -> anyhow::Result<()> {
    let applied = applied(db).await?;
    let known: BTreeSet<_> =
        Migrator::migrations().iter().map(|migration| migration.name().to_owned()).collect();
    let newer: Vec<_> = applied.difference(&known).collect();
    if known.is_subset(&applied) {
        if !newer.is_empty() {
            tracing::warn!(
                ?newer,
                "the database was migrated by a newer kefu; update this one soon"
            );
        }
        return Ok(());
    }
    if !newer.is_empty() {
        bail!("the database was migrated by another kefu, which knows {newer:?}; use that one");
    }
    Migrator::up(db, None).await.context("cannot migrate the database")
}

/// Whether everything is applied that this kefu knows.
async fn is_current(db: &DatabaseConnection) -> anyhow::Result<bool> {
    let applied = applied(db).await?;
    Ok(Migrator::migrations().iter().all(|migration| applied.contains(migration.name())))
}

pub(super) async fn applied(db: &DatabaseConnection) -> anyhow::Result<BTreeSet<String>> {
    let known = async { migration::SchemaManager::new(db).has_table("seaql_migrations").await };
    if !in_time(known).await? {
        return Ok(BTreeSet::new());
    }
    let all =
        Statement::from_string(db.get_database_backend(), "SELECT version FROM seaql_migrations");
    let rows = in_time(db.query_all_raw(all)).await?;
    Ok(rows.iter().map(|row| row.try_get("", "version")).collect::<Result<_, _>>()?)
}

/// Waits until no other node migrates.
async fn lock(db: &DatabaseConnection) -> anyhow::Result<()> {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => {
            format!("SELECT CASE WHEN pg_try_advisory_lock({NUMBER}) THEN 1 ELSE 0 END AS held")
        }
        // Names are those of the whole server and short.
        _ => "SELECT CAST(GET_LOCK(CONCAT('kefu.', MD5(DATABASE())), 0) AS SIGNED) AS held".into(),
    };
    let began = Instant::now();
    for attempt in 0.. {
        let asked = Statement::from_string(db.get_database_backend(), sql.clone());
        let row = in_time(db.query_one_raw(asked)).await?.context("no answer")?;
        let held = match db.get_database_backend() {
            DbBackend::Postgres => row.try_get::<i32>("", "held")? == 1,
            _ => row.try_get::<Option<i64>>("", "held")? == Some(1),
        };
        if held {
            break;
        }
        if attempt == 0 {
            tracing::info!("another node migrates the database; waiting for it");
        }
        if began.elapsed() > PATIENCE {
            bail!("another node has been migrating it for an hour");
        }
        sleep(Duration::from_millis(500)).await;
    }
    Ok(())
}
