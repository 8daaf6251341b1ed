//! The log itself. Its key is (conversation, seq), so a page of history is one range.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = table(manager, "entry")
            .col(number("conversation_id"))
            .col(number("seq"))
            .col(word("kind", 8))
            .col(word("audience", 8))
            .col(word("author_kind", 8))
            .col(number("author_id"))
            .col(word("author_name", 100))
            .col(word("nonce", 64))
            .col(text("body"))
            .col(number("at"))
            .primary_key(Index::create().name("pk_entry").col("conversation_id").col("seq"))
            .foreign_key(&mut reference("entry", "conversation_id", "conversation"))
            .to_owned();
        manager.create_table(table).await?;
        let nonce = Index::create()
            .name("uq_entry_nonce")
            .table("entry")
            .col("conversation_id")
            .col("author_kind")
            .col("author_id")
            .col("nonce")
            .unique()
            .to_owned();
        manager.create_index(nonce).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "entry").await
    }
}
