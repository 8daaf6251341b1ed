//! Backups. A backup is an SQLite file with our tables, whichever engine it was taken from, so that it can be looked into
//! with any tool, verified, and put back into another engine. Written while the server runs, from one moment's view.
use super::{Db, Tx, hex, migrating, open};
use anyhow::{Context, bail, ensure};
use futures_util::TryStreamExt;
use migration::{Migrator, MigratorTrait};
use sea_orm::{
    ConnectOptions, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbBackend, DbErr,
    IsolationLevel, QueryResult, Statement, StreamTrait, TransactionOptions, TransactionTrait,
    Value,
    sea_query::{Alias, Expr, ExprTrait, Query, SimpleExpr},
};
use std::{collections::BTreeMap, path::Path};

/// What is not worth keeping: who is signed in, who serves, what only running nodes tell one another.
const PASSING: [&str; 4] = ["session", "node", "lease", "revocation"];
/// What the search knows is made again from what it knows it of; names of its tables begin so.
const MADE_AGAIN: &str = "search_";
/// Rows of one INSERT; every engine takes the parameters of so many.
const ROWS: usize = 200;

/// How many rows of each table.
pub type Rows = BTreeMap<String, u64>;

/// A table as a backup has it.
struct Table {
    name: String,
    columns: Vec<(String, Kind)>,
}

#[derive(Clone, Copy)]
enum Kind {
    Number,
    Text,
    Bytes,
}

/// Writes all there is into a new file.
pub async fn back_up(url: &str, file: &Path) -> anyhow::Result<Rows> {
    ensure!(!file.exists(), "{} is there already; give another name", file.display());
    let unfinished = file.with_extension("unfinished");
    private(&unfinished)?;
    let rows = if url.starts_with("sqlite:") {
        let source = open(alone(url)).await?;
        current(&source).await?;
        // Into the empty file, which nobody else may read.
        let into = Statement::from_sql_and_values(
            DbBackend::Sqlite,
            "VACUUM INTO ?",
            [unfinished.display().to_string().into()],
        );
        source.execute_raw(into).await.context("cannot copy the database")?;
        source.close().await?;
        let copy = open(sqlite(&unfinished)).await?;
        // What passes is overwritten, not only forgotten.
        copy.execute_unprepared("PRAGMA secure_delete = ON").await?;
        for table in PASSING {
            copy.execute_unprepared(&format!("DELETE FROM {table}")).await?;
        }
        let rows = count(&copy).await?;
        copy.close().await?;
        rows
    } else {
        let source = open(alone(url)).await?;
        current(&source).await?;
        let target = open(sqlite(&unfinished)).await?;
        Migrator::up(&target, None).await?;
        let tables = tables(&target).await?;
        let view = source.begin_with_options(one_view(&source)).await?;
        let filling = target.begin().await?;
        let rows = copy(&view, &filling, &tables).await?;
        filling.commit().await?;
        view.rollback().await?;
        target.close().await?;
        source.close().await?;
        rows
    };
    std::fs::File::open(&unfinished)?.sync_all()?;
    std::fs::rename(&unfinished, file)
        .with_context(|| format!("cannot name the backup {}", file.display()))?;
    Ok(rows)
}

/// Fills an empty database, and gives it a new epoch: whoever comes with an old cursor loads the page again.
pub async fn restore(db: &Db, file: &Path) -> anyhow::Result<Rows> {
    verify(file).await?;
    // An older backup is brought up to date first, as a copy.
    let current = file.with_extension("restoring");
    private(&current)?;
    std::fs::copy(file, &current)?;
    let outcome = fill(db, &current).await;
    let _ = std::fs::remove_file(&current);
    outcome
}

async fn fill(db: &Db, file: &Path) -> anyhow::Result<Rows> {
    must_be_empty(db).await?;
    let source = open(sqlite(file)).await?;
    migrating::up(&source).await.context("the backup is of a newer kefu; update this one")?;
    let tables = tables(&source).await?;
    let view = source.begin().await?;
    let filling = db.begin().await?;
    for table in tables.iter().rev() {
        let all = Query::delete().from_table(Alias::new(&table.name)).to_owned();
        filling.execute(&all).await?;
    }
    let rows = copy(&view, &filling.direct, &tables).await?;
    let epoch = Query::update()
        .table(Alias::new("installation"))
        .value(Alias::new("value"), hex(&crate::ids::random::<4>()))
        .cond_where(Expr::col(Alias::new("name")).eq("epoch"))
        .to_owned();
    filling.execute(&epoch).await?;
    for table in tables.iter().filter(|table| table.is_numbered()) {
        number_on(&filling, &table.name).await?;
    }
    filling.commit().await?;
    view.rollback().await?;
    source.close().await?;
    Ok(rows)
}

/// An error unless nobody works here and nobody has spoken.
pub async fn must_be_empty(db: &Db) -> anyhow::Result<()> {
    for table in ["agent", "conversation"] {
        let rows = number(&db.write.direct, &format!("SELECT COUNT(*) FROM {table}")).await?;
        ensure!(
            rows == 0,
            "the database is not empty; give an empty one with --database-url or --data-dir"
        );
    }
    Ok(())
}

/// Lets a table whose rows were given their numbers go on after the highest. PostgreSQL does not see to that by itself.
pub async fn number_on(tx: &Tx, table: &str) -> Result<(), DbErr> {
    if tx.get_database_backend() == DbBackend::Postgres {
        tx.execute_unprepared(&format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), COALESCE((SELECT MAX(id) FROM \"{table}\"), 0) + 1, false)")).await?;
    }
    Ok(())
}

/// Whether a backup is whole: the file, the references between rows, and every log from 1 to its end without a gap.
pub async fn verify(file: &Path) -> anyhow::Result<Rows> {
    ensure!(file.exists(), "there is no {}", file.display());
    let db = open(sqlite(file).to_owned()).await?;
    let asked = Statement::from_string(DbBackend::Sqlite, "PRAGMA integrity_check");
    let said: String = db.query_one_raw(asked).await?.context("no answer")?.try_get_by_index(0)?;
    ensure!(said == "ok", "{} is damaged: {said}", file.display());
    let broken = Statement::from_string(DbBackend::Sqlite, "PRAGMA foreign_key_check");
    ensure!(
        db.query_all_raw(broken).await?.is_empty(),
        "{}: rows refer to rows that are not there",
        file.display()
    );
    let gaps = number(
        &db,
        "SELECT COUNT(*) FROM conversation c WHERE c.last_seq <> (SELECT COUNT(*) FROM entry e WHERE e.conversation_id = c.id) OR c.last_seq <> (SELECT COALESCE(MAX(e.seq), 0) FROM entry e WHERE e.conversation_id = c.id)",
    )
    .await?;
    ensure!(gaps == 0, "{}: {gaps} conversations have gaps", file.display());
    let rows = count(&db).await?;
    db.close().await?;
    Ok(rows)
}

/// The files that a backup tells of: what each is called, its size in bytes and its SHA-256.
pub async fn files(file: &Path) -> anyhow::Result<Vec<(String, i64, Vec<u8>)>> {
    let db = open(sqlite(file)).await?;
    let mut files = Vec::new();
    // A backup of before there were files tells of none.
    if tables(&db).await?.iter().any(|table| table.name == "attachment") {
        let asked = "SELECT public_id, size, sha256 FROM attachment WHERE state IN ('unsent', 'sent', 'noted') ORDER BY id";
        for row in db.query_all_raw(Statement::from_string(DbBackend::Sqlite, asked)).await? {
            files.push((
                row.try_get_by_index(0)?,
                row.try_get_by_index(1)?,
                row.try_get_by_index(2)?,
            ));
        }
    }
    db.close().await?;
    Ok(files)
}

/// Lets a backup forget files that were removed while it was taken.
pub async fn without_files(file: &Path, names: &[String]) -> anyhow::Result<()> {
    let db = open(sqlite(file)).await?;
    let gone = Query::update()
        .table(Alias::new("attachment"))
        .value(Alias::new("state"), "gone")
        .cond_where(Expr::col(Alias::new("public_id")).is_in(names))
        .to_owned();
    db.execute(&gone).await?;
    db.close().await?;
    Ok(())
}

async fn copy(
    from: &DatabaseTransaction,
    to: &DatabaseTransaction,
    tables: &[Table],
) -> anyhow::Result<Rows> {
    let mut rows = Rows::new();
    for table in tables {
        let names = || table.columns.iter().map(|(name, _)| Alias::new(name));
        let all = Query::select().columns(names()).from(Alias::new(&table.name)).to_owned();
        let mut found = from.stream(&all).await?;
        let mut some = Vec::new();
        let mut copied = 0;
        loop {
            let row = found.try_next().await?;
            let ended = row.is_none();
            if let Some(row) = row {
                some.push(table.values(&row)?);
                copied += 1;
            }
            if some.len() == ROWS || (ended && !some.is_empty()) {
                let mut insert = Query::insert();
                insert.into_table(Alias::new(&table.name)).columns(names());
                for values in some.drain(..) {
                    insert.values(values)?;
                }
                to.execute(&insert).await.with_context(|| format!("cannot fill {}", table.name))?;
            }
            if ended {
                break;
            }
        }
        rows.insert(table.name.clone(), copied);
    }
    Ok(rows)
}

impl Table {
    fn values(&self, row: &QueryResult) -> anyhow::Result<Vec<SimpleExpr>> {
        let value = |(name, kind): &(String, Kind)| -> anyhow::Result<SimpleExpr> {
            let value: Value = match kind {
                Kind::Number => row.try_get::<Option<i64>>("", name)?.into(),
                Kind::Text => row.try_get::<Option<String>>("", name)?.into(),
                Kind::Bytes => row.try_get::<Option<Vec<u8>>>("", name)?.into(),
            };
            Ok(value.into())
        };
        self.columns.iter().map(value).collect()
    }

    fn is_numbered(&self) -> bool {
        self.columns.iter().any(|(name, kind)| name == "id" && matches!(kind, Kind::Number))
    }
}

/// The tables of a backup that hold what is worth keeping, each after those it refers to.
async fn tables(db: &DatabaseConnection) -> anyhow::Result<Vec<Table>> {
    let ask = |question: String| Statement::from_string(DbBackend::Sqlite, question);
    let named = ask("SELECT name FROM sqlite_master WHERE type = 'table'".into());
    let mut waiting: Vec<String> = Vec::new();
    for row in db.query_all_raw(named).await? {
        let name: String = row.try_get("", "name")?;
        let ours = !name.starts_with("sqlite_")
            && name != "seaql_migrations"
            && !name.starts_with(MADE_AGAIN);
        if ours && !PASSING.contains(&name.as_str()) {
            waiting.push(name);
        }
    }
    let mut ordered: Vec<Table> = Vec::new();
    while !waiting.is_empty() {
        let before = ordered.len();
        for name in std::mem::take(&mut waiting) {
            let mut ready = true;
            for row in db.query_all_raw(ask(format!("PRAGMA foreign_key_list({name})"))).await? {
                let target: String = row.try_get("", "table")?;
                ready &= target == name || ordered.iter().any(|table| table.name == target);
            }
            if !ready {
                waiting.push(name);
                continue;
            }
            let mut columns = Vec::new();
            for row in db.query_all_raw(ask(format!("PRAGMA table_info({name})"))).await? {
                let kind: String = row.try_get("", "type")?;
                let kind = match kind.to_ascii_lowercase() {
                    kind if kind.contains("int") => Kind::Number,
                    kind if kind.contains("blob") => Kind::Bytes,
                    _ => Kind::Text,
                };
                columns.push((row.try_get("", "name")?, kind));
            }
            ordered.push(Table { name, columns });
        }
        if ordered.len() == before {
            bail!("tables refer to one another in a circle: {waiting:?}");
        }
    }
    Ok(ordered)
}

async fn count(db: &DatabaseConnection) -> anyhow::Result<Rows> {
    let mut rows = Rows::new();
    for table in tables(db).await? {
        let counted = number(db, &format!("SELECT COUNT(*) FROM {}", table.name)).await?;
        rows.insert(table.name, u64::try_from(counted)?);
    }
    Ok(rows)
}

async fn number(db: &DatabaseConnection, question: &str) -> anyhow::Result<i64> {
    let asked = Statement::from_string(db.get_database_backend(), question);
    Ok(db.query_one_raw(asked).await?.context("no answer")?.try_get_by_index(0)?)
}

/// A backup is taken of the tables that this kefu knows.
async fn current(db: &DatabaseConnection) -> anyhow::Result<()> {
    let applied = migrating::applied(db).await?;
    let all = Migrator::migrations();
    ensure!(
        all.iter().all(|migration| applied.contains(migration.name()))
            && applied.len() == all.len(),
        "the database is not of this version of kefu; run `kefu migrate`, or the version that it is of"
    );
    Ok(())
}

/// A connection whose statements may take their time.
fn alone(url: &str) -> ConnectOptions {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    options
}

fn sqlite(file: &Path) -> ConnectOptions {
    alone(&format!("sqlite://{}?mode=rw", file.display()))
}

/// All questions are answered as of the first.
fn one_view(db: &DatabaseConnection) -> TransactionOptions {
    let server = db.get_database_backend() != DbBackend::Sqlite;
    TransactionOptions {
        isolation_level: server.then_some(IsolationLevel::RepeatableRead),
        ..Default::default()
    }
}

/// Makes an empty file that nobody else may read: a backup is everything people said.
fn private(file: &Path) -> anyhow::Result<()> {
    let mut options = std::fs::File::options();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).with_context(|| format!("cannot write {}", file.display()))?;
    Ok(())
}
