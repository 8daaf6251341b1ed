//! By which a note about a contact is the same note when it is sent again. Notes of before have none.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let column = maybe_word("nonce", 64);
        let table = Table::alter().table("contact_note").add_column(column).to_owned();
        manager.alter_table(table).await?;
        let index = Index::create()
            .name("uq_contact_note_nonce")
            .table("contact_note")
            .col("contact_id")
            .col("agent_id")
            .col("nonce")
            .unique()
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let index = Index::drop().name("uq_contact_note_nonce").table("contact_note").to_owned();
        manager.drop_index(index).await?;
        let table = Table::alter().table("contact_note").drop_column("nonce").to_owned();
        manager.alter_table(table).await
    }
}
