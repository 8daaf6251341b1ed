//! Each tag of a conversation says when that was closed, so that closed ones with a tag are found in the order in which they are listed.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

const FOLLOW: &str = "UPDATE conversation_tag SET closed_at = \
    (SELECT closed_at FROM conversation WHERE id = conversation_tag.conversation_id)";

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut closed_at = maybe_number("closed_at");
        let table = Table::alter().table("conversation_tag").add_column(&mut closed_at).to_owned();
        manager.alter_table(table).await?;
        manager.get_connection().execute_unprepared(FOLLOW).await?;
        let closed = Index::create()
            .name("ix_conversation_tag_closed")
            .table("conversation_tag")
            .col("tag_id")
            .col("closed_at")
            .to_owned();
        manager.create_index(closed).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let closed =
            Index::drop().name("ix_conversation_tag_closed").table("conversation_tag").to_owned();
        manager.drop_index(closed).await?;
        let table = Table::alter().table("conversation_tag").drop_column("closed_at").to_owned();
        manager.alter_table(table).await
    }
}
