//! Columns as this schema writes them. Moments are microseconds since 1970 UTC; hashes are 32 bytes, compared as bytes.
use sea_orm_migration::{prelude::*, sea_orm::DbBackend};

/// A table whose texts are compared as bytes on MySQL too (elsewhere they always are).
pub fn table(manager: &SchemaManager<'_>, name: &'static str) -> TableCreateStatement {
    let mut table = Table::create().table(name).to_owned();
    if manager.get_database_backend() == DbBackend::MySql {
        table.character_set("utf8mb4").collate("utf8mb4_bin");
    }
    table
}

pub fn id() -> ColumnDef {
    ColumnDef::new("id").big_integer().not_null().auto_increment().primary_key().to_owned()
}

pub fn number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().not_null().to_owned()
}

pub fn maybe_number(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).big_integer().null().to_owned()
}

pub fn word(name: &'static str, longest: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(longest).not_null().to_owned()
}

pub fn maybe_word(name: &'static str, longest: u32) -> ColumnDef {
    ColumnDef::new(name).string_len(longest).null().to_owned()
}

pub fn text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().not_null().to_owned()
}

pub fn maybe_text(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).text().null().to_owned()
}

pub fn hash(name: &'static str) -> ColumnDef {
    ColumnDef::new(name).binary_len(32).not_null().to_owned()
}

/// `table.column` points at `target.id`; the key is named `fk_{table}_{column}`.
pub fn reference(
    table: &'static str,
    column: &'static str,
    target: &'static str,
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(format!("fk_{table}_{column}"))
        .from(table, column)
        .to(target, "id")
        .to_owned()
}

pub async fn drop(manager: &SchemaManager<'_>, name: &'static str) -> Result<(), DbErr> {
    manager.drop_table(Table::drop().table(name).to_owned()).await
}
