//! The conversations in which an agent has begun to write something are found by the agent.
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let by_agent = Index::create()
            .name("ix_draft_agent")
            .table("draft")
            .col("agent_id")
            .col("conversation_id")
            .to_owned();
        manager.create_index(by_agent).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let by_agent = Index::drop().name("ix_draft_agent").table("draft").to_owned();
        manager.drop_index(by_agent).await
    }
}
