//! What a company wants to know of its contacts, and what is known. `choices` are lines.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let attribute = table(manager, "attribute")
            .col(id())
            .col(word("key", 40).unique_key())
            .col(word("label_zh", 60))
            .col(word("label_en", 60))
            .col(word("kind", 8))
            .col(text("choices"))
            .col(number("place"))
            .to_owned();
        manager.create_table(attribute).await?;
        let value = table(manager, "contact_attribute")
            .col(number("contact_id"))
            .col(number("attribute_id"))
            .col(word("value", 500))
            .primary_key(
                Index::create().name("pk_contact_attribute").col("contact_id").col("attribute_id"),
            )
            .foreign_key(&mut reference("contact_attribute", "contact_id", "contact"))
            .foreign_key(&mut reference("contact_attribute", "attribute_id", "attribute"))
            .to_owned();
        manager.create_table(value).await?;
        let index = Index::create()
            .name("ix_contact_attribute_attribute")
            .table("contact_attribute")
            .col("attribute_id")
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "contact_attribute").await?;
        drop(manager, "attribute").await
    }
}
