//! How often a conversation's row was changed: tells older news of it from newer, from whichever node.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::alter()
            .table("conversation")
            .add_column(number("touches").default(0).to_owned())
            .to_owned();
        manager.alter_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::alter().table("conversation").drop_column("touches").to_owned();
        manager.alter_table(table).await
    }
}
