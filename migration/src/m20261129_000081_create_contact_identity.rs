//! Who a site's own server says a contact is, and what it said of them last (JSON).
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let identity = table(manager, "contact_identity")
            .col(number("site_id"))
            .col(word("subject", 128))
            .col(number("contact_id"))
            .col(number("since"))
            .col(number("seen_at"))
            .col(text("told"))
            .primary_key(Index::create().name("pk_contact_identity").col("site_id").col("subject"))
            .foreign_key(&mut reference("contact_identity", "site_id", "site"))
            .foreign_key(&mut reference("contact_identity", "contact_id", "contact"))
            .to_owned();
        manager.create_table(identity).await?;
        for column in ["contact_id", "seen_at"] {
            let index = Index::create()
                .name(format!("ix_contact_identity_{column}"))
                .table("contact_identity")
                .col(column)
                .to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "contact_identity").await
    }
}
