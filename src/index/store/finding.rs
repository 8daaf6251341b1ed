//! Asking, the newest first.
//!
//! FTS5 walks from the newest on. PostgreSQL and MySQL first gather all there is: little of what is rare, but a common word is
//! in half of what was ever said. So they look at the newest rows one by one; only for what is not found often enough in those,
//! and so is rare, they ask their index. PostgreSQL knows which words are common, and takes its index for the newest rows as
//! well where none is; but only if it plans when it knows the words, and not once for all of them.
//!
//! All of them find terms by how they begin, but FTS5 gathers what holds any of those first, however common: so it is told which they are.
use crate::{
    db::Db,
    error::Result,
    index::model::{Asked, Found, Kind},
    text::Term,
};
use sea_orm::{ConnectionTrait, DbBackend, FromQueryResult, Statement, Value};
use std::ops::Range;

/// Terms that begin alike, of which FTS5 is told each; of more it gathers.
const TOLD: usize = 64;

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
    terms: &[Term],
    within: Range<i64>,
    limit: u64,
    span: u32,
) -> Result<Vec<Found>> {
    if terms.is_empty() || within.is_empty() || limit == 0 {
        return Ok(Vec::new());
    }
    let asked = Asked::new(kind, terms);
    match db.read().get_database_backend() {
        DbBackend::Sqlite => {
            let Some(words) = told(db.read(), &asked).await? else { return Ok(Vec::new()) };
            rows(db.read(), SQLITE, vec![words.into()], within, limit).await
        }
        DbBackend::Postgres => {
            let tx = db.planned_anew().await?;
            let found = newest_first(&tx, &asked, within, limit, span).await?;
            tx.commit().await?;
            Ok(found)
        }
        _ => newest_first(db.read(), &asked, within, limit, span).await,
    }
}

async fn newest_first(
    db: &impl ConnectionTrait,
    asked: &Asked,
    within: Range<i64>,
    limit: u64,
    span: u32,
) -> Result<Vec<Found>> {
    let engine = db.get_database_backend();
    let edge = edge(db, &within, span).await?;
    let newest = edge.unwrap_or(within.start)..within.end;
    let (sql, values) = one_by_one(engine, asked);
    let mut found = rows(db, &sql, values, newest, limit).await?;
    let missing = limit.saturating_sub(found.len() as u64);
    if let Some(edge) = edge.filter(|_| missing > 0) {
        let (sql, values) = by_index(engine, asked);
        found.extend(rows(db, sql, values, within.start..edge, missing).await?);
    }
    Ok(found)
}

const SQLITE: &str = "SELECT r.id, r.owner_id, r.seq FROM search_words \
    CROSS JOIN search_row r ON r.id = search_words.rowid \
    WHERE search_words MATCH ? AND search_words.rowid >= ? AND search_words.rowid < ? \
    ORDER BY search_words.rowid DESC LIMIT ?";

/// From each term to the next, by a look into the index: terms are of letters and digits, 0 is the first of them, and { comes after the last.
const SQLITE_TERMS: &str = "WITH RECURSIVE word (term) AS ( \
    SELECT (SELECT term FROM search_words_sorted WHERE term >= ? LIMIT 1) UNION ALL \
    SELECT (SELECT term FROM search_words_sorted WHERE term >= word.term || '0' LIMIT 1) FROM word WHERE word.term < ?) \
    SELECT term FROM word WHERE term < ? LIMIT ?";

/// What FTS5 is asked for; `None` where nothing begins as it should.
async fn told(db: &impl ConnectionTrait, asked: &Asked) -> Result<Option<String>> {
    let mut words = asked.whole.clone();
    for part in &asked.begun {
        let end = format!("{part}{{");
        let values = [
            part.as_str().into(),
            end.as_str().into(),
            end.as_str().into(),
            (TOLD as i64 + 1).into(),
        ];
        let query = Statement::from_sql_and_values(DbBackend::Sqlite, SQLITE_TERMS, values);
        let found = db.query_all_raw(query).await?;
        let each =
            found.iter().map(|row| row.try_get("", "term")).collect::<Result<Vec<String>, _>>()?;
        words.push(match each.len() {
            0 => return Ok(None),
            1..=TOLD => format!("({})", each.join(" OR ")),
            _ => format!("{part}*"),
        });
    }
    Ok(Some(words.join(" AND ")))
}

fn one_by_one(engine: DbBackend, asked: &Asked) -> (String, Vec<Value>) {
    let (is_there, values, within) = match engine {
        DbBackend::Postgres => postgres_one_by_one(asked),
        _ => {
            let values = asked.written(|term| format!("% {term} %"), |part| format!("% {part}%"));
            let is_there = vec!["terms LIKE ?"; values.len()].join(" AND ");
            let values = values.into_iter().map(Value::from).collect();
            (is_there, values, "id >= ? AND id < ? ORDER BY id DESC LIMIT ?")
        }
    };
    (format!("SELECT id, owner_id, seq FROM search_row WHERE {is_there} AND {within}"), values)
}

/// Beside whole words, what only begins so is no question for the index, which would gather all of it for a few rows: `strip` hides it.
fn postgres_one_by_one(asked: &Asked) -> (String, Vec<Value>, &'static str) {
    let Asked { whole, begun } = asked;
    if whole.is_empty() || begun.is_empty() {
        let within = "id >= $2 AND id < $3 ORDER BY id DESC LIMIT $4";
        return ("terms @@ CAST($1 AS tsquery)".into(), vec![tsquery(asked).into()], within);
    }
    let is_there = "terms @@ CAST($1 AS tsquery) AND strip(terms) @@ CAST($2 AS tsquery)";
    let alone = |whole: &[String], begun: &[String]| {
        tsquery(&Asked { whole: whole.to_vec(), begun: begun.to_vec() }).into()
    };
    let values = vec![alone(whole, &[]), alone(&[], begun)];
    (is_there.into(), values, "id >= $3 AND id < $4 ORDER BY id DESC LIMIT $5")
}

fn tsquery(asked: &Asked) -> String {
    asked.written(str::to_owned, |part| format!("{part}:*")).join(" & ")
}

/// Gathered first and ordered afterwards, so that no planner walks through everything in order instead; and by the terms alone:
/// PostgreSQL, which plans before it knows the range, takes it for a short one and would gather all that is in it as well.
fn by_index(engine: DbBackend, asked: &Asked) -> (&'static str, Vec<Value>) {
    match engine {
        DbBackend::Postgres => (
            "WITH found AS MATERIALIZED (SELECT id, owner_id, seq FROM search_row \
                WHERE terms @@ CAST($1 AS tsquery) AND id + 0 >= $2 AND id + 0 < $3) \
             SELECT id, owner_id, seq FROM found ORDER BY id DESC LIMIT $4",
            vec![tsquery(asked).into()],
        ),
        _ => (
            "SELECT id, owner_id, seq FROM search_row \
             WHERE MATCH (terms) AGAINST (? IN BOOLEAN MODE) AND id >= ? AND id < ? \
             ORDER BY id DESC LIMIT ?",
            vec![
                asked
                    .written(|term| format!("+{term}"), |part| format!("+{part}*"))
                    .join(" ")
                    .into(),
            ],
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
