//! What agents see by their teams: the lists of each are ranges of an index in order, and a team that was removed is remembered,
//! since what it had is everybody's from then on.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const INDEXES: [(&str, &str); 2] =
    [("ix_conversation_team", "team_id"), ("ix_conversation_agent", "assignee_id")];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut removed = maybe_number("removed_at");
        let table = Table::alter().table("team").add_column(&mut removed).to_owned();
        manager.alter_table(table).await?;
        for (name, column) in INDEXES {
            let index = Index::create()
                .name(name)
                .table("conversation")
                .col(column)
                .col("state")
                .col("id")
                .to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, _) in INDEXES {
            manager.drop_index(Index::drop().name(name).table("conversation").to_owned()).await?;
        }
        // Nobody knew of them before.
        let gone = "DELETE FROM team WHERE removed_at IS NOT NULL";
        manager.get_connection().execute_unprepared(gone).await?;
        let table = Table::alter().table("team").drop_column("removed_at").to_owned();
        manager.alter_table(table).await
    }
}
