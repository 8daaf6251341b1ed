//! Personal access tokens of agents, for programs. Only their hashes are kept.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = table(manager, "agent_token")
            .col(id())
            .col(number("agent_id"))
            .col(word("name", 60))
            .col(word("scope", 8))
            .col(hash("hash"))
            .col(number("created_at"))
            .col(maybe_number("expires_at"))
            .col(maybe_number("used_at"))
            .foreign_key(&mut reference("agent_token", "agent_id", "agent"))
            .to_owned();
        manager.create_table(table).await?;
        let unique = Index::create()
            .name("uq_agent_token_hash")
            .table("agent_token")
            .col("hash")
            .unique()
            .to_owned();
        manager.create_index(unique).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "agent_token").await
    }
}
