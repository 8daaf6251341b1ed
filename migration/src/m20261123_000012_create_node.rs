//! Which processes serve this database, and who of them does what only one should do.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let node = table(manager, "node")
            .col(word("id", 16).primary_key())
            .col(word("version", 32))
            .col(word("bus", 16))
            .col(number("started_at"))
            .col(number("seen_at"))
            .to_owned();
        manager.create_table(node).await?;
        let lease = table(manager, "lease")
            .col(word("name", 32).primary_key())
            .col(word("holder", 16))
            .col(number("expires_at"))
            .to_owned();
        manager.create_table(lease).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "lease").await?;
        drop(manager, "node").await
    }
}
