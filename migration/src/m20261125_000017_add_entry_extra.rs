//! What comes with a message beside its text, and what became of it, as JSON: files, a quote, who is called, whether it was
//! changed. Mostly nothing, hence null.
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut extra = ColumnDef::new("extra").text().null().to_owned();
        manager.alter_table(Table::alter().table("entry").add_column(&mut extra).to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.alter_table(Table::alter().table("entry").drop_column("extra").to_owned()).await
    }
}
