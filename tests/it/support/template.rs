//! Migrated databases: one is migrated, the others are copies of it, as migrating takes longer than most tests.
use super::PATIENCE;
use kefu::{db::Db, ids};
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use std::path::Path;
use tokio::sync::OnceCell;

enum Template {
    /// Of SQLite: the file, whole.
    File(Vec<u8>),
    /// Of PostgreSQL: the name of a database that nobody is connected to.
    Named(String),
    /// Of MySQL: what makes the tables, and has it that they were migrated.
    Script(String),
}

static TEMPLATE: OnceCell<Template> = OnceCell::const_new();

/// A migrated database on the server that is being tested; none means SQLite, whose file is in the folder.
pub async fn migrated_database(folder: &Path) -> Option<String> {
    match TEMPLATE.get_or_init(template).await {
        Template::File(file) => {
            std::fs::write(folder.join("kefu.db"), file).unwrap();
            None
        }
        Template::Named(name) => fresh(&format!("TEMPLATE {name}")).await,
        Template::Script(script) => {
            let url = own_database().await?;
            let db = Database::connect(&url).await.unwrap();
            db.execute_unprepared(script).await.unwrap();
            db.close().await.unwrap();
            Some(url)
        }
    }
}

/// An empty database on the server that is being tested; none means SQLite.
pub async fn own_database() -> Option<String> {
    fresh("").await
}

async fn fresh(from: &str) -> Option<String> {
    let server = std::env::var("KEFU_TEST_DATABASE_URL").ok()?;
    let name = format!("kefu_{}", ids::random::<8>().map(|byte| format!("{byte:02x}")).concat());
    let admin = Database::connect(&server).await.unwrap();
    admin.execute_unprepared(&format!("CREATE DATABASE {name} {from}")).await.unwrap();
    admin.close().await.unwrap();
    let (base, _) = server.rsplit_once('/').unwrap();
    Some(format!("{base}/{name}"))
}

async fn template() -> Template {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kefu.db");
    let url = own_database().await.unwrap_or_else(|| format!("sqlite://{}", file.display()));
    let db = Db::connect(&url, PATIENCE).await.unwrap();
    db.migrate(&url).await.unwrap();
    let direct = db.write().direct.clone();
    let name = url.rsplit_once('/').unwrap().1;
    match direct.get_database_backend() {
        DbBackend::MySql => Template::Script(script(&direct, name).await),
        DbBackend::Postgres => {
            direct.close().await.unwrap();
            Template::Named(name.to_owned())
        }
        _ => {
            let whole = folder.path().join("whole.db");
            let copy = format!("VACUUM INTO '{}'", whole.display());
            direct.execute_unprepared(&copy).await.unwrap();
            Template::File(std::fs::read(whole).unwrap())
        }
    }
}

async fn script(db: &impl ConnectionTrait, name: &str) -> String {
    let ask = async |sql: String, column: usize| -> Vec<String> {
        let rows = db.query_all_raw(Statement::from_string(DbBackend::MySql, sql)).await.unwrap();
        rows.iter().map(|row| row.try_get_by(column).unwrap()).collect()
    };
    let mut script = String::from("SET foreign_key_checks = 0;");
    for table in ask("SHOW TABLES".into(), 0).await {
        script += &ask(format!("SHOW CREATE TABLE `{table}`"), 1).await.concat();
        script += ";";
    }
    script + &format!("INSERT INTO seaql_migrations SELECT * FROM {name}.seaql_migrations")
}
