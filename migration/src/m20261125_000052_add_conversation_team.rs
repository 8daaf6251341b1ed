//! The team whose agents should answer a conversation; null where anybody may.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut team = maybe_number("team_id");
        let table = Table::alter().table("conversation").add_column(&mut team).to_owned();
        manager.alter_table(table).await?;
        let closed = Index::create()
            .name("ix_conversation_closed_team")
            .table("conversation")
            .col("team_id")
            .col("closed_at")
            .to_owned();
        manager.create_index(closed).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let closed =
            Index::drop().name("ix_conversation_closed_team").table("conversation").to_owned();
        manager.drop_index(closed).await?;
        let table = Table::alter().table("conversation").drop_column("team_id").to_owned();
        manager.alter_table(table).await
    }
}
