//! Files of messages: what is known of them; their bytes are elsewhere. They outlive their conversation by a moment, until
//! their bytes are gone too, so nothing refers to it.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = table(manager, "attachment")
            .col(id())
            .col(word("public_id", 22))
            .col(number("conversation_id"))
            .col(word("author_kind", 8))
            .col(number("author_id"))
            .col(word("name", 120))
            .col(word("media_type", 32))
            .col(number("size"))
            .col(number("width"))
            .col(number("height"))
            .col(hash("sha256"))
            .col(word("state", 8))
            .col(number("at"))
            .to_owned();
        manager.create_table(table).await?;
        let index = |name| Index::create().name(name).table("attachment").to_owned();
        manager
            .create_index(index("uq_attachment_public_id").col("public_id").unique().to_owned())
            .await?;
        manager
            .create_index(index("ix_attachment_conversation").col("conversation_id").to_owned())
            .await?;
        let quota =
            index("ix_attachment_author").col("author_kind").col("author_id").col("at").to_owned();
        manager.create_index(quota).await?;
        manager.create_index(index("ix_attachment_state").col("state").col("at").to_owned()).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "attachment").await
    }
}
