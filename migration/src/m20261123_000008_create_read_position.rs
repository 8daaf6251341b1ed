//! How far each reader has read; only grows.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = table(manager, "read_position")
            .col(number("conversation_id"))
            .col(word("reader_kind", 8))
            .col(number("reader_id"))
            .col(number("seq"))
            .col(number("at"))
            .primary_key(
                Index::create()
                    .name("pk_read_position")
                    .col("conversation_id")
                    .col("reader_kind")
                    .col("reader_id"),
            )
            .foreign_key(&mut reference("read_position", "conversation_id", "conversation"))
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "read_position").await
    }
}
