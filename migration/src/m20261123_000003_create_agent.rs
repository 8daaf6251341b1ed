//! Who works at the desk, and the one-time links by which they choose a password.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let agent = table(manager, "agent")
            .col(id())
            .col(word("email", 254).unique_key())
            .col(word("name", 100))
            .col(word("role", 16))
            .col(maybe_word("password", 255))
            .col(maybe_word("language", 16))
            .col(word("theme", 8))
            .col(number("created_at"))
            .col(maybe_number("disabled_at"))
            .to_owned();
        manager.create_table(agent).await?;
        let invitation = table(manager, "invitation")
            .col(hash("hash").primary_key())
            .col(number("agent_id"))
            .col(number("expires_at"))
            .foreign_key(&mut reference("invitation", "agent_id", "agent"))
            .to_owned();
        manager.create_table(invitation).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "invitation").await?;
        drop(manager, "agent").await
    }
}
