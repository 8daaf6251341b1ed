//! How much a conversation matters (0 low, 1 normal, 2 high, 3 urgent), and until when it is put off.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for mut column in [number("priority").default(1).to_owned(), maybe_number("snoozed_until")]
        {
            let table = Table::alter().table("conversation").add_column(&mut column).to_owned();
            manager.alter_table(table).await?;
        }
        let due = Index::create()
            .name("ix_conversation_snoozed")
            .table("conversation")
            .col("snoozed_until")
            .to_owned();
        manager.create_index(due).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let due = Index::drop().name("ix_conversation_snoozed").table("conversation").to_owned();
        manager.drop_index(due).await?;
        for column in ["snoozed_until", "priority"] {
            let table = Table::alter().table("conversation").drop_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        Ok(())
    }
}
