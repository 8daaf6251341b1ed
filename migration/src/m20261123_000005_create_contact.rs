//! The stored person behind a visitor, and the tokens that prove it.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let contact = table(manager, "contact")
            .col(id())
            .col(word("name", 100))
            .col(word("language", 16))
            .col(number("created_at"))
            .to_owned();
        manager.create_table(contact).await?;
        let token = table(manager, "visitor_token")
            .col(hash("hash").primary_key())
            .col(number("contact_id"))
            .col(number("created_at"))
            .col(number("expires_at"))
            .col(maybe_number("revoked_at"))
            .foreign_key(&mut reference("visitor_token", "contact_id", "contact"))
            .to_owned();
        manager.create_table(token).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "visitor_token").await?;
        drop(manager, "contact").await
    }
}
