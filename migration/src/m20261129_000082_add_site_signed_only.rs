//! Whether only those are heard on a site whom its own server signed: 0 or 1.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = number("signed_only").default(0).to_owned();
        let table = Table::alter().table("site").add_column(column).to_owned();
        manager.alter_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::alter().table("site").drop_column("signed_only").to_owned();
        manager.alter_table(table).await
    }
}
