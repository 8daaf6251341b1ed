//! Tags, which conversations carry them, and the colleagues who were asked to help. A conversation's row repeats the numbers
//! of its tags, so that lists need not ask.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let tag = table(manager, "tag")
            .col(id())
            .col(word("name", 30))
            .col(number("created_at"))
            .to_owned();
        manager.create_table(tag).await?;
        let unique =
            Index::create().name("uq_tag_name").table("tag").col("name").unique().to_owned();
        manager.create_index(unique).await?;

        let carried = table(manager, "conversation_tag")
            .col(number("conversation_id"))
            .col(number("tag_id"))
            .primary_key(Index::create().col("conversation_id").col("tag_id"))
            .foreign_key(&mut reference("conversation_tag", "conversation_id", "conversation"))
            .to_owned();
        manager.create_table(carried).await?;
        let by_tag = Index::create()
            .name("ix_conversation_tag_tag")
            .table("conversation_tag")
            .col("tag_id")
            .col("conversation_id")
            .to_owned();
        manager.create_index(by_tag).await?;

        let guest = table(manager, "conversation_guest")
            .col(number("conversation_id"))
            .col(number("agent_id"))
            .primary_key(Index::create().col("conversation_id").col("agent_id"))
            .foreign_key(&mut reference("conversation_guest", "conversation_id", "conversation"))
            .to_owned();
        manager.create_table(guest).await?;
        let by_agent = Index::create()
            .name("ix_conversation_guest_agent")
            .table("conversation_guest")
            .col("agent_id")
            .col("conversation_id")
            .to_owned();
        manager.create_index(by_agent).await?;

        let mut tags = word("tags", 400).default("").to_owned();
        let table = Table::alter().table("conversation").add_column(&mut tags).to_owned();
        manager.alter_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::alter().table("conversation").drop_column("tags").to_owned();
        manager.alter_table(table).await?;
        for name in ["conversation_guest", "conversation_tag", "tag"] {
            drop(manager, name).await?;
        }
        Ok(())
    }
}
