//! How far each log can be searched, and how far all of them were looked through for what cannot be searched yet. A database
//! that was restored has another epoch, and begins anew.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let progress = table(manager, "search_progress")
            .col(ColumnDef::new("conversation_id").big_integer().not_null().primary_key())
            .col(number("seq"))
            .to_owned();
        manager.create_table(progress).await?;
        let position = table(manager, "search_position")
            .col(word("epoch", 16).primary_key())
            .col(number("conversation_id"))
            .col(number("touched_at"))
            .to_owned();
        manager.create_table(position).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "search_position").await?;
        drop(manager, "search_progress").await
    }
}
