//! Pages that a visitor looked at; forgotten after a day.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let view = table(manager, "page_view")
            .col(id())
            .col(number("contact_id"))
            .col(word("url", 2_000))
            .col(word("title", 200))
            .col(number("at"))
            .foreign_key(&mut reference("page_view", "contact_id", "contact"))
            .to_owned();
        manager.create_table(view).await?;
        let indexes: [(&str, &[&'static str]); 2] =
            [("ix_page_view_contact", &["contact_id", "id"]), ("ix_page_view_at", &["at"])];
        for (name, columns) in indexes {
            let mut index = Index::create().name(name).table("page_view").to_owned();
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "page_view").await
    }
}
