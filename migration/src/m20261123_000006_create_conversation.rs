//! The head of each log: who, where, in what state, and the last seq taken.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = table(manager, "conversation")
            .col(id())
            .col(word("public_id", 22).unique_key())
            .col(number("site_id"))
            .col(number("contact_id"))
            .col(hash("start_token"))
            .col(word("start_nonce", 64))
            .col(word("state", 8))
            .col(maybe_number("assignee_id"))
            .col(word("assignee_name", 100))
            .col(number("last_seq"))
            .col(number("unread"))
            .col(maybe_number("waiting_since"))
            .col(maybe_number("answer_seq"))
            .col(maybe_number("answer_by"))
            .col(word("answer_name", 100))
            .col(word("preview", 200))
            .col(word("preview_by", 8))
            .col(number("last_at"))
            .col(number("created_at"))
            .col(maybe_number("answered_at"))
            .col(maybe_number("closed_at"))
            .col(number("touched_at"))
            .foreign_key(&mut reference("conversation", "site_id", "site"))
            .foreign_key(&mut reference("conversation", "contact_id", "contact"))
            .foreign_key(&mut reference("conversation", "assignee_id", "agent"))
            .to_owned();
        manager.create_table(table).await?;
        let index = |name: &str, columns: &[&'static str]| {
            let mut index = Index::create().name(name).table("conversation").to_owned();
            for column in columns {
                index.col(*column);
            }
            index
        };
        let start = ["site_id", "start_token", "start_nonce"];
        manager.create_index(index("uq_conversation_start", &start).unique().to_owned()).await?;
        manager.create_index(index("ix_conversation_contact", &["contact_id", "state"])).await?;
        manager
            .create_index(index("ix_conversation_list", &["state", "assignee_id", "last_at"]))
            .await?;
        manager.create_index(index("ix_conversation_touched", &["touched_at"])).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop(manager, "conversation").await
    }
}
