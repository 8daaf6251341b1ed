//! Replies that are written once and used often. `owner_id` is the agent whose own one it is, or the team, or 0 for all; `team_id`
//! says the team once more, so that what a team has goes with it.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut of_team = reference("canned_reply", "team_id", "team");
        let table = table(manager, "canned_reply")
            .col(id())
            .col(word("scope", 8))
            .col(number("owner_id"))
            .col(maybe_number("team_id"))
            .col(word("short_code", 32))
            .col(word("title", 60))
            .col(text("body"))
            .col(number("created_at"))
            .col(number("updated_at"))
            .foreign_key(of_team.on_delete(ForeignKeyAction::Cascade))
            .to_owned();
        manager.create_table(table).await?;
        let one_code = Index::create()
            .name("uq_canned_reply_code")
            .table("canned_reply")
            .col("scope")
            .col("owner_id")
            .col("short_code")
            .unique()
            .to_owned();
        manager.create_index(one_code).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "canned_reply").await
    }
}
