//! Room for the long names that offices gave their documents. SQLite has it for any.
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

async fn resize(manager: &SchemaManager<'_>, longest: u32) -> Result<(), DbErr> {
    if manager.get_database_backend() == DbBackend::Sqlite {
        return Ok(());
    }
    let column = ColumnDef::new("media_type").string_len(longest).not_null().to_owned();
    let table = Table::alter().table("attachment").modify_column(column).to_owned();
    manager.alter_table(table).await
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        resize(manager, 100).await
    }

    /// What does not fit was of no kind that was known before.
    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        const UNKNOWN: &str = "UPDATE attachment SET media_type = 'application/octet-stream' WHERE LENGTH(media_type) > 32";
        manager.get_connection().execute_unprepared(UNKNOWN).await?;
        resize(manager, 32).await
    }
}
