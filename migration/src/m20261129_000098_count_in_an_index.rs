//! How many conversations are whose is read off an index alone: it knows all that they are counted and seen by.
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const BEFORE: (&str, &[&str]) = ("ix_conversation_assigned", &["state", "assignee_id"]);
const AFTER: (&str, &[&str]) =
    ("ix_conversation_counted", &["state", "assignee_id", "team_id", "snoozed_until", "id"]);

async fn replace(
    manager: &SchemaManager<'_>,
    (old, _): (&str, &[&str]),
    (new, columns): (&str, &[&'static str]),
) -> Result<(), DbErr> {
    let mut index = Index::create().name(new).table("conversation").to_owned();
    for column in columns {
        index.col(*column);
    }
    manager.create_index(index).await?;
    manager.drop_index(Index::drop().name(old).table("conversation").to_owned()).await
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        replace(manager, BEFORE, AFTER).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        replace(manager, AFTER, BEFORE).await
    }
}
