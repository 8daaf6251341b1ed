//! Bringing the schema up to date: one node does it, the others wait for it.
use super::{Db, open};
use anyhow::{Context, bail};
use migration::{Migrator, MigratorTrait};
use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbBackend, Statement};
use std::{collections::BTreeSet, time::Duration};

/// A migration of a large table takes its time.
const PATIENCE: Duration = Duration::from_secs(3_600);
/// What the lock is called at a PostgreSQL server; its locks have numbers, and this one reads "kefu".
const NUMBER: i64 = 0x6b65_6675;

impl Db {
    /// Applies what is not applied yet. A database that a newer kefu has migrated further is left as it is: new schemas
    /// serve old nodes until all are replaced.
    pub async fn migrate(&self, url: &str) -> anyhow::Result<()> {
        if self.is_embedded() {
            return up(&self.write).await;
        }
        // One connection, which holds the lock as long as it lives; and no statement of it is cut short.
        let mut options = ConnectOptions::new(url);
        options.max_connections(1).acquire_timeout(super::ACQUIRE).sqlx_logging(false);
        let alone = open(options).await?;
        lock(&alone).await.context("cannot lock the database in order to migrate it")?;
        let outcome = up(&alone).await;
        alone.close().await?;
        outcome
    }

    /// Names of the migrations and whether each is applied.
    pub async fn migrations(&self) -> anyhow::Result<Vec<(String, bool)>> {
        let applied = applied(&self.read).await?;
        let all = Migrator::migrations().into_iter().map(|migration| migration.name().to_owned());
        Ok(all.map(|name| (name.clone(), applied.contains(&name))).collect())
    }
}

async fn up(db: &DatabaseConnection) -> anyhow::Result<()> {
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

async fn applied(db: &DatabaseConnection) -> anyhow::Result<BTreeSet<String>> {
    if !migration::SchemaManager::new(db).has_table("seaql_migrations").await? {
        return Ok(BTreeSet::new());
    }
    let all =
        Statement::from_string(db.get_database_backend(), "SELECT version FROM seaql_migrations");
    let rows = db.query_all_raw(all).await?;
    Ok(rows.iter().map(|row| row.try_get("", "version")).collect::<Result<_, _>>()?)
}

async fn lock(db: &DatabaseConnection) -> anyhow::Result<()> {
    let sql = match db.get_database_backend() {
        DbBackend::Postgres => format!("SELECT 1 AS held FROM pg_advisory_lock({NUMBER})"),
        // Names are those of the whole server and short.
        _ => format!(
            "SELECT CAST(GET_LOCK(CONCAT('kefu.', MD5(DATABASE())), {}) AS SIGNED) AS held",
            PATIENCE.as_secs()
        ),
    };
    let asked = Statement::from_string(db.get_database_backend(), sql);
    let row = db.query_one_raw(asked).await?.context("no answer")?;
    let held: Option<i64> = match db.get_database_backend() {
        DbBackend::Postgres => Some(1),
        _ => row.try_get("", "held")?,
    };
    if held != Some(1) {
        bail!("another node has been migrating it for an hour");
    }
    Ok(())
}
