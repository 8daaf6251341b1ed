//! What an agent has begun to write in a conversation, with which it goes.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut of_conversation = reference("draft", "conversation_id", "conversation");
        let table = table(manager, "draft")
            .col(number("conversation_id"))
            .col(number("agent_id"))
            .col(word("kind", 8))
            .col(text("body"))
            .col(number("at"))
            .primary_key(Index::create().name("pk_draft").col("conversation_id").col("agent_id"))
            .foreign_key(of_conversation.on_delete(ForeignKeyAction::Cascade))
            .to_owned();
        manager.create_table(table).await?;
        let by_time = Index::create().name("ix_draft_at").table("draft").col("at").to_owned();
        manager.create_index(by_time).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "draft").await
    }
}
