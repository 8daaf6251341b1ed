//! What agents changed of the installation itself, for whoever has to answer for it. `agent_id` is 0 for the command line.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = table(manager, "audit_entry")
            .col(id())
            .col(number("at"))
            .col(number("agent_id"))
            .col(word("agent_name", 60))
            .col(word("action", 40))
            .col(word("subject", 200))
            .col(text("detail"))
            .col(word("address", 45))
            .to_owned();
        manager.create_table(table).await?;
        let by_time =
            Index::create().name("ix_audit_entry_at").table("audit_entry").col("at").to_owned();
        manager.create_index(by_time).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "audit_entry").await
    }
}
