//! Free words by which agents mark a contact.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tag = table(manager, "contact_tag")
            .col(number("contact_id"))
            .col(word("word", 30))
            .col(number("at"))
            .primary_key(Index::create().name("pk_contact_tag").col("contact_id").col("word"))
            .foreign_key(&mut reference("contact_tag", "contact_id", "contact"))
            .to_owned();
        manager.create_table(tag).await?;
        let index =
            Index::create().name("ix_contact_tag_at").table("contact_tag").col("at").to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "contact_tag").await
    }
}
