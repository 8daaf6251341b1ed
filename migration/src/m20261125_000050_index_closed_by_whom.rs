//! Closed conversations of one agent, site or priority are found in the order in which they are listed.
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const INDEXES: [(&str, &str); 3] = [
    ("ix_conversation_closed_agent", "assignee_id"),
    ("ix_conversation_closed_site", "site_id"),
    ("ix_conversation_closed_priority", "priority"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, column) in INDEXES {
            let index = Index::create()
                .name(name)
                .table("conversation")
                .col(column)
                .col("closed_at")
                .to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, column) in INDEXES {
            // MySQL has let go of the index that it had made for a foreign key once this one did the same.
            let own = format!("fk_conversation_{column}");
            if manager.get_database_backend() == DbBackend::MySql
                && column != "priority"
                && !manager.has_index("conversation", &own).await?
            {
                let plain = Index::create().name(own).table("conversation").col(column).to_owned();
                manager.create_index(plain).await?;
            }
            let index = Index::drop().name(name).table("conversation").to_owned();
            manager.drop_index(index).await?;
        }
        Ok(())
    }
}
