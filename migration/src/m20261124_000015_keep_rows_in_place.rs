//! What changes with each message leaves the indexes, so that PostgreSQL writes a row anew beside the old one and touches none
//! of them (heap-only tuples): no list is ordered by `last_at` alone, and `touched_at` is in whole seconds from now on.
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const BEFORE: &[&str] = &["state", "assignee_id", "last_at"];
const AFTER: &[&str] = &["state", "assignee_id"];

async fn replace(
    manager: &SchemaManager<'_>,
    (old, new): (&str, &str),
    columns: &[&'static str],
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
        replace(manager, ("ix_conversation_list", "ix_conversation_assigned"), AFTER).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        replace(manager, ("ix_conversation_assigned", "ix_conversation_list"), BEFORE).await
    }
}
