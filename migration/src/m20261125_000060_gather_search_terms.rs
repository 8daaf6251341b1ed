//! PostgreSQL puts new terms into a list first, and a few hundred things at once from there into the index: a twelfth of the work of
//! one after the other. Every question looks through that list too, so it is kept short.
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

async fn set(manager: &SchemaManager<'_>, how: &str) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Postgres {
        let alter = format!("ALTER INDEX ix_search_row_terms {how}");
        manager.get_connection().execute_unprepared(&alter).await?;
    }
    Ok(())
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // In KiB.
        set(manager, "SET (fastupdate = on, gin_pending_list_limit = 128)").await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        set(manager, "RESET (gin_pending_list_limit)").await?;
        set(manager, "SET (fastupdate = off)").await
    }
}
