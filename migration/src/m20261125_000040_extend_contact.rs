//! How a contact can be reached, with what it came, whether it is blocked, and whose contact it became.
use crate::kit::*;
use sea_orm_migration::prelude::*;

#[derive(DeriveMigrationName)]
pub struct Migration;

fn columns() -> [ColumnDef; 7] {
    [
        word("phone", 32).default("").to_owned(),
        word("email", 254).default("").to_owned(),
        word("device", 300).default("").to_owned(),
        maybe_number("blocked_at"),
        word("blocked_by", 60).default("").to_owned(),
        word("blocked_reason", 200).default("").to_owned(),
        maybe_number("merged_into"),
    ]
}

const INDEXES: [(&str, &str); 5] = [
    ("ix_contact_name", "name"),
    ("ix_contact_phone", "phone"),
    ("ix_contact_email", "email"),
    ("ix_contact_blocked", "blocked_at"),
    ("ix_contact_merged", "merged_into"),
];

#[async_trait::async_trait]
impl MigrationTrait for Migration {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        // SQLite adds one column at a time.
        for column in columns() {
            let table = Table::alter().table("contact").add_column(column).to_owned();
            manager.alter_table(table).await?;
        }
        for (name, column) in INDEXES {
            let index = Index::create().name(name).table("contact").col(column).to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for (name, _) in INDEXES {
            manager.drop_index(Index::drop().name(name).table("contact").to_owned()).await?;
        }
        for column in columns() {
            let name = column.get_column_name();
            let table = Table::alter().table("contact").drop_column(name).to_owned();
            manager.alter_table(table).await?;
        }
        Ok(())
    }
}
