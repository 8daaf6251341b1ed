//! How an agent likes the desk, as JSON: what she is told of and how, and whether single keys do something.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::alter().table("agent").add_column(maybe_text("preferences")).to_owned();
        manager.alter_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::alter().table("agent").drop_column("preferences").to_owned();
        manager.alter_table(table).await
    }
}
