//! What can be found by the terms it holds: messages, notes, people. Its number tells when it was said, so what is newest is found
//! first. Each engine keeps the terms in its own way; no key leads to what is found, which may be gone before this is.
use crate::kit::*;
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const SQLITE: &[&str] = &[
    "CREATE TABLE search_row (id integer NOT NULL PRIMARY KEY, kind varchar(8) NOT NULL, owner_id bigint NOT NULL, seq bigint NOT NULL)",
    "CREATE VIRTUAL TABLE search_words USING fts5(terms, content='', contentless_delete=1, detail=none, tokenize='ascii')",
];
// Nothing waits in a list that every question would have to look through.
const POSTGRES: &[&str] = &[
    "CREATE TABLE search_row (id bigint NOT NULL PRIMARY KEY, kind varchar(8) NOT NULL, owner_id bigint NOT NULL, seq bigint NOT NULL, terms tsvector NOT NULL)",
    "CREATE INDEX ix_search_row_terms ON search_row USING gin (terms) WITH (fastupdate = off)",
];
const MYSQL: &[&str] = &[
    "CREATE TABLE search_row (id bigint NOT NULL PRIMARY KEY, kind varchar(8) NOT NULL, owner_id bigint NOT NULL, seq bigint NOT NULL, terms mediumtext CHARACTER SET ascii COLLATE ascii_bin NOT NULL, FULLTEXT INDEX ix_search_row_terms (terms)) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = match manager.get_database_backend() {
            DbBackend::Sqlite => SQLITE,
            DbBackend::MySql => MYSQL,
            _ => POSTGRES,
        };
        for statement in statements {
            manager.get_connection().execute_unprepared(statement).await?;
        }
        let place = Index::create()
            .name("uq_search_row_place")
            .table("search_row")
            .col("owner_id")
            .col("seq")
            .col("kind")
            .unique()
            .to_owned();
        manager.create_index(place).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if manager.get_database_backend() == DbBackend::Sqlite {
            manager.get_connection().execute_unprepared("DROP TABLE search_words").await?;
        }
        drop(manager, "search_row").await
    }
}
