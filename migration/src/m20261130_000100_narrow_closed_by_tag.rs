//! Each tag of a conversation says of one that is closed by what lists are narrowed besides, so that indexes alone know which are shown.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const COPIED: [&str; 4] = ["site_id", "assignee_id", "team_id", "priority"];
const BEFORE: (&str, &[&str]) = ("ix_conversation_tag_closed", &["tag_id", "closed_at"]);
/// Of all, and of what one agent has closed, which is less than what most tags are on.
const AFTER: [(&str, &[&str]); 2] = [
    (
        "ix_conversation_tag_listed",
        &[
            "tag_id",
            "closed_at",
            "conversation_id",
            "assignee_id",
            "site_id",
            "team_id",
            "priority",
        ],
    ),
    (
        "ix_conversation_tag_of_agent",
        &[
            "tag_id",
            "assignee_id",
            "closed_at",
            "conversation_id",
            "site_id",
            "team_id",
            "priority",
        ],
    ),
];

async fn create(
    manager: &SchemaManager<'_>,
    (name, columns): (&str, &[&'static str]),
) -> Result<(), DbErr> {
    let mut index = Index::create().name(name).table("conversation_tag").to_owned();
    for column in columns {
        index.col(*column);
    }
    manager.create_index(index).await
}

async fn drop(manager: &SchemaManager<'_>, (name, _): (&str, &[&str])) -> Result<(), DbErr> {
    manager.drop_index(Index::drop().name(name).table("conversation_tag").to_owned()).await
}

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for name in COPIED {
            let mut column = maybe_number(name);
            let table = Table::alter().table("conversation_tag").add_column(&mut column).to_owned();
            manager.alter_table(table).await?;
        }
        let copied = COPIED.map(|name| {
            let of = "conversation WHERE id = conversation_tag.conversation_id";
            format!("{name} = (SELECT {name} FROM {of})")
        });
        let follow = format!("UPDATE conversation_tag SET {}", copied.join(", "));
        manager.get_connection().execute_unprepared(&follow).await?;
        for index in AFTER {
            create(manager, index).await?;
        }
        drop(manager, BEFORE).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        create(manager, BEFORE).await?;
        for index in AFTER {
            drop(manager, index).await?;
        }
        for name in COPIED {
            let table = Table::alter().table("conversation_tag").drop_column(name).to_owned();
            manager.alter_table(table).await?;
        }
        Ok(())
    }
}
