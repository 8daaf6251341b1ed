//! Sessions of signed-in agents, by the hash of their id.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = table(manager, "session")
            .col(hash("hash").primary_key())
            .col(maybe_number("owner_id"))
            .col(text("record"))
            .col(word("user_agent", 255))
            .col(number("created_at"))
            .col(number("seen_at"))
            .col(number("expires_at"))
            .to_owned();
        manager.create_table(table).await?;
        let by_owner =
            Index::create().name("ix_session_owner").table("session").col("owner_id").to_owned();
        manager.create_index(by_owner).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "session").await
    }
}
