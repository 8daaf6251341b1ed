//! Entries, and what becomes of their conversations.
use super::{
    conversations::{self, Held, changing, conversation},
    entries::{self, entry},
    marks,
};
use crate::{
    db::{self, Connection, Db},
    error::{Error, Result},
    event::Entry,
    ids::Nonce,
};
use sea_orm::{DbBackend, IdenStatic, Iterable, Statement, entity::prelude::*};
use serde::Serialize;
use std::sync::LazyLock;

/// A conversation that went on, and the entry by which it did.
pub type Step<'a> = (&'a mut Held, &'a Entry, &'a Nonce);

/// Writes steps of conversations that are held. Whether it is done: nothing is where a nonce has made an entry before.
pub async fn write(db: &impl Connection, steps: Vec<Step<'_>>) -> Result<bool> {
    if steps.is_empty() {
        return Ok(true);
    }
    let turned: Vec<_> =
        steps.iter().filter(|step| turns(step)).map(|(held, ..)| held.conversation.id.0).collect();
    let are_handled = steps.iter().any(|(held, ..)| held.is_handled());
    let rows: Vec<_> = steps.into_iter().map(rows).collect::<Result<_>>()?;
    let (heads, entries): (Vec<_>, Vec<_>) =
        rows.into_iter().map(|Rows { conversation, entry }| (conversation, entry)).unzip();
    if !entries::insert(db, entries).await? {
        return Ok(false);
    }
    conversations::update_all(db, heads, are_handled).await?;
    marks::follow(db, &turned).await?;
    Ok(true)
}

/// Whether it turns up elsewhere among those that are closed, and carries tags, which follow.
fn turns((held, ..): &Step<'_>) -> bool {
    held.turns() && !held.conversation.tags.is_empty()
}

/// Whether [`write_unheld`] can be used.
pub fn writes_unheld(db: &Db) -> bool {
    db.write().get_database_backend() == DbBackend::Postgres
}

/// Writes steps of conversations that nobody holds, in one statement. Whether it is done: nothing is where one of them is held
/// by another transaction or is not as it is known here, where a nonce has made an entry before, or where tags must follow.
pub async fn write_unheld(db: &impl Connection, steps: Vec<Step<'_>>) -> Result<bool> {
    if steps.iter().any(turns) {
        return Ok(false);
    }
    let rows: Vec<_> = steps.into_iter().map(rows).collect::<Result<_>>()?;
    let rows = serde_json::to_string(&rows).map_err(Error::internal)?;
    let statement =
        Statement::from_sql_and_values(DbBackend::Postgres, WRITE_UNHELD.as_str(), [rows.into()]);
    match db.execute_raw(statement).await {
        Err(error) if db::is_taken(&error) || db::is_missing(&error) => Ok(false),
        outcome => Ok(outcome.map(|_| true)?),
    }
}

#[derive(Serialize)]
struct Rows {
    #[serde(flatten)]
    conversation: conversation::Model,
    #[serde(flatten)]
    entry: entry::Model,
}

fn rows((held, entry, nonce): Step<'_>) -> Result<Rows> {
    let conversation = held.touched();
    Ok(Rows { entry: entries::row(held.conversation.id, entry, nonce)?, conversation })
}

/// All rows are one parameter, so that one plan serves any number of them. A step whose conversation is not free as it is
/// known has no `free_id`; its entry would have no `conversation_id`, which the table refuses, and with it the whole statement.
static WRITE_UNHELD: LazyLock<String> = LazyLock::new(|| {
    let own = [conversation::Column::Id].into_iter().chain(changing());
    let typed: Vec<_> = own.map(typed).chain(entry::Column::iter().map(typed)).collect();
    let changing: Vec<_> = changing().map(|column| column.as_str()).collect();
    // The first is `conversation_id`.
    let entry: Vec<_> = entry::Column::iter().map(|column| column.as_str()).collect();
    format!(
        r#"
        WITH step AS (
            SELECT * FROM json_to_recordset($1::text::json) AS given ({typed})
            LEFT JOIN LATERAL (
                SELECT id AS free_id FROM conversation
                WHERE conversation.id = given.id AND conversation.touches = given.touches - 1
                FOR UPDATE SKIP LOCKED
            ) AS free ON TRUE
        ),
        changed AS (
            UPDATE conversation SET ({changing}, touched_at) = ROW ({new}, {second})
            FROM step WHERE conversation.id = step.free_id
        )
        INSERT INTO entry ({entry}) SELECT free_id, {values} FROM step
        "#,
        typed = typed.join(", "),
        changing = changing.join(", "),
        new = changing.iter().map(|column| format!("step.{column}")).collect::<Vec<_>>().join(", "),
        second = db::second_on(DbBackend::Postgres),
        entry = entry.join(", "),
        values = entry[1..].join(", "),
    )
});

/// A column as PostgreSQL declares it.
fn typed(column: impl ColumnTrait) -> String {
    let kind = match column.def().get_column_type() {
        sea_orm::ColumnType::BigInteger => "bigint",
        _ => "text",
    };
    format!("{} {kind}", column.as_str())
}
