//! Closed conversations that are narrowed by several things at once are found in an index alone, in the order in which they are
//! listed: it knows the rest of what they are narrowed by as well.
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

/// What closed ones are narrowed by: the index that knew when they were closed and nothing else, and the one that knows the rest.
const INDEXES: [(&str, &str, &str); 4] = [
    ("assignee_id", "ix_conversation_closed_agent", "ix_conversation_closed_of_agent"),
    ("site_id", "ix_conversation_closed_site", "ix_conversation_closed_of_site"),
    ("team_id", "ix_conversation_closed_team", "ix_conversation_closed_of_team"),
    ("priority", "ix_conversation_closed_priority", "ix_conversation_closed_of_priority"),
];

async fn replace(
    manager: &SchemaManager<'_>,
    old: &str,
    new: &str,
    columns: impl Iterator<Item = &'static str>,
) -> Result<(), DbErr> {
    let mut index = Index::create().name(new).table("conversation").to_owned();
    for column in columns {
        index.col(column);
    }
    // MySQL lets go of an index that a foreign key needs once there is another.
    manager.create_index(index).await?;
    manager.drop_index(Index::drop().name(old).table("conversation").to_owned()).await
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (column, old, new) in INDEXES {
            let others = INDEXES.iter().map(|(other, ..)| *other).filter(|other| *other != column);
            let columns = [column, "closed_at", "id"].into_iter().chain(others);
            replace(manager, old, new, columns).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (column, old, new) in INDEXES {
            replace(manager, new, old, [column, "closed_at"].into_iter()).await?;
        }
        Ok(())
    }
}
