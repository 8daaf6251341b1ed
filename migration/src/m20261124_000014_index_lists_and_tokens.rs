//! What would be looked through once there is much of it: pages of conversations in one state, and the tokens of a contact.
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

const INDEXES: [(&str, &str, &[&str]); 2] = [
    ("ix_conversation_state", "conversation", &["state", "id"]),
    ("ix_visitor_token_contact", "visitor_token", &["contact_id"]),
];

/// MySQL has made an index for each reference.
fn missing(
    manager: &SchemaManager<'_>,
) -> impl Iterator<Item = (&'static str, &'static str, &'static [&'static str])> {
    let all = if manager.get_database_backend() == DbBackend::MySql { 1 } else { 2 };
    INDEXES.into_iter().take(all)
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table, columns) in missing(manager) {
            let mut index = Index::create().name(name).table(table).to_owned();
            for column in columns {
                index.col(*column);
            }
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, table, _) in missing(manager) {
            manager.drop_index(Index::drop().name(name).table(table).to_owned()).await?;
        }
        Ok(())
    }
}
