//! Agents who take conversations together.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let team = table(manager, "team")
            .col(id())
            .col(word("name", 60).unique_key())
            .col(number("created_at"))
            .to_owned();
        manager.create_table(team).await?;
        let member = table(manager, "team_member")
            .col(number("team_id"))
            .col(number("agent_id"))
            .primary_key(Index::create().name("pk_team_member").col("team_id").col("agent_id"))
            .foreign_key(&mut reference("team_member", "team_id", "team"))
            .foreign_key(&mut reference("team_member", "agent_id", "agent"))
            .to_owned();
        manager.create_table(member).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "team_member").await?;
        drop(manager, "team").await
    }
}
