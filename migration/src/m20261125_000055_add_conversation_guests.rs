//! A conversation's row repeats the numbers of the colleagues who were asked to help, as it does those of its tags: who sees it
//! is told from the row alone.
use crate::kit::*;
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut guests = word("guests", 2_000).default("").to_owned();
        let table = Table::alter().table("conversation").add_column(&mut guests).to_owned();
        manager.alter_table(table).await?;
        let numbers = match manager.get_database_backend() {
            DbBackend::Postgres => "string_agg(CAST(agent_id AS TEXT), ' ' ORDER BY agent_id)",
            DbBackend::MySql => "GROUP_CONCAT(agent_id ORDER BY agent_id SEPARATOR ' ')",
            _ => "group_concat(agent_id, ' ')",
        };
        let known = format!(
            "UPDATE conversation SET guests = (SELECT {numbers} FROM conversation_guest WHERE conversation_id = conversation.id)
             WHERE id IN (SELECT conversation_id FROM conversation_guest)"
        );
        manager.get_connection().execute_unprepared(&known).await.map(|_| ())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::alter().table("conversation").drop_column("guests").to_owned();
        manager.alter_table(table).await
    }
}
