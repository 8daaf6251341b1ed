//! What agents noted about a contact.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let note = table(manager, "contact_note")
            .col(id())
            .col(number("contact_id"))
            .col(number("agent_id"))
            .col(word("agent_name", 60))
            .col(text("body"))
            .col(number("at"))
            .foreign_key(&mut reference("contact_note", "contact_id", "contact"))
            .to_owned();
        manager.create_table(note).await?;
        let index = Index::create()
            .name("ix_contact_note_contact")
            .table("contact_note")
            .col("contact_id")
            .col("id")
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "contact_note").await
    }
}
