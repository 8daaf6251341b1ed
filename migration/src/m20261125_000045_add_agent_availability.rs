//! What an agent wants to be for the others, and when she was last known to have the desk open.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in
            [word("availability", 8).default("online").to_owned(), maybe_number("seen_at")]
        {
            let table = Table::alter().table("agent").add_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["availability", "seen_at"] {
            let table = Table::alter().table("agent").drop_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        Ok(())
    }
}
