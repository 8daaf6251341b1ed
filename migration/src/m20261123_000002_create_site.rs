//! Where the chat is embedded.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = table(manager, "site")
            .col(id())
            .col(word("key", 32).unique_key())
            .col(word("name", 200))
            .col(word("language", 16))
            .col(word("zone", 64))
            .col(text("origins"))
            .col(number("created_at"))
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "site").await
    }
}
