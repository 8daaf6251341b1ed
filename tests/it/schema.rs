//! Migrations go up, down and up again, and the entities in the code are the tables in the database.
use crate::support::installation;
use migration::{Migrator, MigratorTrait};
use poem::http::StatusCode;
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};
use std::collections::BTreeMap;

#[tokio::test]
async fn migrations_go_up_down_and_up_again() {
    let site = installation().await;
    // Of its own: kefu's give a statement no time to wait for other tests, that make and drop tables as well.
    let db = &Database::connect(site.app.config.database_url()).await.unwrap();
    Migrator::down(db, None).await.unwrap();
    assert_eq!(tables(db).await.into_keys().filter(|table| table != "seaql_migrations").count(), 0);
    Migrator::up(db, None).await.unwrap();
    assert!(site.app.db.migrations().await.unwrap().iter().all(|(_, applied)| *applied));
    Migrator::down(db, Some(1)).await.unwrap();
    site.stranger().get("/readyz").await.must(StatusCode::SERVICE_UNAVAILABLE);
}

#[tokio::test]
async fn entities_and_tables_agree() {
    let site = installation().await;
    let mut tables = tables(&site.app.db.write().direct).await;
    tables.remove("seaql_migrations");
    // The terms, and on SQLite the tables in which it keeps them, are each engine's own.
    tables.retain(|table, _| !table.starts_with("search_words"));
    tables.get_mut("search_row").unwrap().retain(|column| column != "terms");
    let known = [
        kefu::db::tables(),
        kefu::audit::tables(),
        kefu::index::tables(),
        kefu::web::session_store::tables(),
        kefu::site::tables(),
        kefu::agent::tables(),
        kefu::team::tables(),
        kefu::canned_reply::tables(),
        kefu::draft::tables(),
        kefu::contact::tables(),
        kefu::conversation::tables(),
        kefu::tag::tables(),
        kefu::saved_view::tables(),
        kefu::attachment::tables(),
    ];
    assert_eq!(tables, known.into_iter().flatten().collect::<BTreeMap<_, _>>());
}

async fn tables(db: &impl ConnectionTrait) -> BTreeMap<String, Vec<String>> {
    let sql = match db.get_database_backend() {
        DbBackend::Sqlite => {
            "SELECT m.name AS t, c.name AS c FROM sqlite_master m JOIN pragma_table_info(m.name) c WHERE m.type = 'table'"
        }
        DbBackend::MySql => {
            "SELECT table_name AS t, column_name AS c FROM information_schema.columns WHERE table_schema = DATABASE()"
        }
        _ => {
            "SELECT table_name::text AS t, column_name::text AS c FROM information_schema.columns WHERE table_schema = 'public'"
        }
    };
    let rows =
        db.query_all_raw(Statement::from_string(db.get_database_backend(), sql)).await.unwrap();
    let mut tables = BTreeMap::<String, Vec<String>>::new();
    for row in rows {
        tables
            .entry(row.try_get("", "t").unwrap())
            .or_default()
            .push(row.try_get("", "c").unwrap());
    }
    tables.values_mut().for_each(|columns| columns.sort());
    tables.into_iter().filter(|(table, _)| table != "sqlite_sequence").collect()
}
