//! Views of the lists that agents keep: their own, or, where `agent_id` is null, everybody's.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = table(manager, "saved_view")
            .col(id())
            .col(maybe_number("agent_id"))
            .col(word("name", 40))
            .col(word("asks", 200))
            .col(number("created_at"))
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "saved_view").await
    }
}
