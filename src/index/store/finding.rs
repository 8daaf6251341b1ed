//! Asking, the newest first.
//!
//! FTS5 walks from the newest on. PostgreSQL and MySQL first gather all there is: little of what is rare, but a common word is
//! in half of what was ever said. So they look at the newest rows one by one; only for what is not found often enough in those,
//! and so is rare, they ask their index. PostgreSQL knows which words are common, and takes its index for the newest rows as
//! well where none is; but only if it plans when it knows the words, and not once for all of them.
use crate::{
    db::Db,
    error::Result,
    index::model::{Found, Kind},
};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};
use std::ops::Range;

#[derive(FromQueryResult)]
struct Row {
    id: i64,
    owner_id: i64,
    seq: i64,
}

/// Things of a kind that hold all of these terms and whose numbers are in a range, the newest first, at most `limit`. So many of
/// the newest as the span says are looked at one by one, where an engine does that: what is found does not depend on it.
pub async fn find(
    db: &Db,
    kind: Kind,
    terms: &[String],
    within: Range<i64>,
    limit: u64,
    span: u32,
) -> Result<Vec<Found>> {
    if terms.is_empty() || within.is_empty() || limit == 0 {
        return Ok(Vec::new());
    }
    let terms: Vec<_> = terms.iter().map(|term| kind.term(term)).collect();
    match db.read().get_database_backend() {
        DbBackend::Sqlite => {
            let values = vec![terms.join(" AND ").into()];
            rows(db.read(), SQLITE, values, within, limit).await
        }
        DbBackend::Postgres => {
            let tx = db.planned_anew().await?;
            let found = newest_first(&tx, &terms, within, limit, span).await?;
            tx.commit().await?;
            Ok(found)
        }
        _ => newest_first(db.read(), &terms, within, limit, span).await,
    }
}

async fn newest_first(
    db: &impl ConnectionTrait,
    terms: &[String],
    within: Range<i64>,
    limit: u64,
    span: u32,
) -> Result<Vec<Found>> {
    let engine = db.get_database_backend();
    let edge = edge(db, &within, span).await?;
    let newest = edge.unwrap_or(within.start)..within.end;
    let (sql, values) = one_by_one(engine, terms);
    let mut found = rows(db, &sql, values, newest, limit).await?;
    let missing = limit.saturating_sub(found.len() as u64);
    if let Some(edge) = edge.filter(|_| missing > 0) {
        let (sql, values) = by_index(engine, terms);
        found.extend(rows(db, sql, values, within.start..edge, missing).await?);
    }
    Ok(found)
}

const SQLITE: &str = "SELECT r.id, r.owner_id, r.seq FROM search_words \
    CROSS JOIN search_row r ON r.id = search_words.rowid \
    WHERE search_words MATCH ? AND search_words.rowid >= ? AND search_words.rowid < ? \
    ORDER BY search_words.rowid DESC LIMIT ?";

fn one_by_one(engine: DbBackend, terms: &[String]) -> (String, Vec<Value>) {
    let is_there = match engine {
        DbBackend::Postgres => "terms @@ CAST($1 AS tsquery)".to_owned(),
        _ => vec!["terms LIKE ?"; terms.len()].join(" AND "),
    };
    let values = match engine {
        DbBackend::Postgres => vec![terms.join(" & ").into()],
        _ => terms.iter().map(|term| format!("% {term} %").into()).collect(),
    };
    let within = match engine {
        DbBackend::Postgres => "id >= $2 AND id < $3 ORDER BY id DESC LIMIT $4",
        _ => "id >= ? AND id < ? ORDER BY id DESC LIMIT ?",
    };
    (format!("SELECT id, owner_id, seq FROM search_row WHERE {is_there} AND {within}"), values)
}

/// Gathered first and ordered afterwards, so that no planner walks through everything in order instead; and by the terms alone:
/// PostgreSQL, which plans before it knows the range, takes it for a short one and would gather all that is in it as well.
fn by_index(engine: DbBackend, terms: &[String]) -> (&'static str, Vec<Value>) {
    match engine {
        DbBackend::Postgres => (
            "WITH found AS MATERIALIZED (SELECT id, owner_id, seq FROM search_row \
                WHERE terms @@ CAST($1 AS tsquery) AND id + 0 >= $2 AND id + 0 < $3) \
             SELECT id, owner_id, seq FROM found ORDER BY id DESC LIMIT $4",
            vec![terms.join(" & ").into()],
        ),
        _ => (
            "SELECT id, owner_id, seq FROM search_row \
             WHERE MATCH (terms) AGAINST (? IN BOOLEAN MODE) AND id >= ? AND id < ? \
             ORDER BY id DESC LIMIT ?",
            vec![terms.iter().map(|term| format!("+{term} ")).collect::<String>().into()],
        ),
    }
}

/// The number of the last row that is looked at; `None` if that is all of them.
async fn edge(db: &impl ConnectionTrait, within: &Range<i64>, span: u32) -> Result<Option<i64>> {
    let engine = db.get_database_backend();
    let sql = match engine {
        DbBackend::Postgres => {
            "SELECT id FROM search_row WHERE id >= $1 AND id < $2 ORDER BY id DESC LIMIT 1 OFFSET $3"
        }
        _ => "SELECT id FROM search_row WHERE id >= ? AND id < ? ORDER BY id DESC LIMIT 1 OFFSET ?",
    };
    let values = [within.start.into(), within.end.into(), i64::from(span).into()];
    let row = db.query_one_raw(Statement::from_sql_and_values(engine, sql, values)).await?;
    Ok(row.map(|row| row.try_get("", "id")).transpose()?)
}

async fn rows(
    db: &impl ConnectionTrait,
    sql: &str,
    mut values: Vec<Value>,
    within: Range<i64>,
    limit: u64,
) -> Result<Vec<Found>> {
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    values.extend([within.start.into(), within.end.into(), limit.into()]);
    let asked = Statement::from_sql_and_values(db.get_database_backend(), sql, values);
    let rows = Row::find_by_statement(asked).all(db).await?;
    Ok(rows
        .into_iter()
        .map(|row| Found { id: row.id, owner: row.owner_id, seq: row.seq })
        .collect())
}
