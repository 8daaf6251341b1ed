//! With what a customer's own server signs who its visitors are: at most two of a site, while one replaces the other.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let secret = table(manager, "site_secret")
            .col(id())
            .col(number("site_id"))
            .col(word("secret", 64))
            .col(number("made_at"))
            .foreign_key(&mut reference("site_secret", "site_id", "site"))
            .to_owned();
        manager.create_table(secret).await?;
        let index = Index::create()
            .name("ix_site_secret_site")
            .table("site_secret")
            .col("site_id")
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "site_secret").await
    }
}
