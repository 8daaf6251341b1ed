//! A database server that several nodes reach over their lines: SQLite, one transaction at a time, by the clock
//! of the simulation. What a real server does when a line breaks happens here too: a transaction whose line is cut is
//! rolled back, a statement or commit whose answer is lost was carried out.
use super::line::Line;
use futures_util::{
    FutureExt,
    future::{BoxFuture, ready},
};
use kefu::db::{Db, Link, Turn, Way};
use rusqlite::{
    Connection,
    functions::FunctionFlags,
    types::{ToSqlOutput, ValueRef},
};
use sea_orm::{
    DatabaseConnection, DatabaseConnectionType, DbBackend, DbErr, ExecResult, MockDatabase,
    MockDatabaseConnection, MockDatabaseTrait, MockExecResult, QueryResult, RuntimeErr, Statement,
    Transaction, Value,
};
use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, MutexGuard},
};

#[derive(Debug)]
pub struct Server {
    writer: Arc<Mutex<Connection>>,
    reader: Arc<Mutex<Connection>>,
    /// Held by whoever changes something.
    turn: Arc<tokio::sync::Mutex<()>>,
    file: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        remove(&self.file);
    }
}

fn remove(database: &Path) {
    for end in ["", "-wal", "-shm"] {
        let _ = std::fs::remove_file(format!("{}{end}", database.display()));
    }
}

/// A folder that is not on a disk, if there is one.
fn memory() -> PathBuf {
    let shared = PathBuf::from("/dev/shm");
    if shared.is_dir() { shared } else { std::env::temp_dir() }
}

impl Server {
    /// Begins with a copy of a file.
    pub fn with_the_rows_of(template: &[u8]) -> Self {
        let file = memory().join(format!("kefu-simulation-{}.db", std::process::id()));
        // The log of a killed process that had our pid is not ours.
        remove(&file);
        std::fs::write(&file, template).unwrap();
        let open = || {
            let db = Connection::open(&file).unwrap();
            db.execute_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = OFF").unwrap();
            let clock = FunctionFlags::SQLITE_UTF8;
            db.create_scalar_function("julianday", 1, clock, |_| Ok(julian_day())).unwrap();
            Arc::new(Mutex::new(db))
        };
        Self { writer: open(), reader: open(), turn: Arc::default(), file }
    }

    /// What a node at the other end of a line holds.
    pub fn reach(&self, line: &Arc<Line>) -> Db {
        let link = |session: &Arc<Mutex<Connection>>, turn| -> Link<DatabaseConnection> {
            let session = MockDatabaseConnection::new(Session(session.clone()));
            let direct = DatabaseConnectionType::MockDatabaseConnection(Arc::new(session)).into();
            Link::new(direct, Some(Arc::new(Road { line: line.clone(), turn })))
        };
        Db::shared(link(&self.writer, Some(self.turn.clone())), link(&self.reader, None))
    }

    /// What is committed.
    pub fn committed(&self) -> MutexGuard<'_, Connection> {
        self.reader.lock().unwrap()
    }
}

/// The simulation begins in 1970.
fn julian_day() -> f64 {
    let elapsed = turmoil::sim_elapsed().unwrap_or_default();
    2_440_587.5 + elapsed.as_secs_f64() / 86_400.0
}

/// The way of a node's statements.
#[derive(Debug)]
struct Road {
    line: Arc<Line>,
    /// None for questions, which wait for nobody.
    turn: Option<Arc<tokio::sync::Mutex<()>>>,
}

impl Way for Road {
    fn carry(&self) -> BoxFuture<'_, Result<(), DbErr>> {
        let lost = || DbErr::Conn(RuntimeErr::Internal("the line is cut".into()));
        self.line.carry().map(move |arrived| arrived.then_some(()).ok_or_else(lost)).boxed()
    }

    fn turn(&self) -> BoxFuture<'_, Turn> {
        match &self.turn {
            Some(turn) => turn.clone().lock_owned().map(|turn| Arc::new(turn) as Turn).boxed(),
            None => ready(Arc::new(()) as Turn).boxed(),
        }
    }
}

/// A connection as SeaORM's tests have it: answers at once.
#[derive(Debug)]
struct Session(Arc<Mutex<Connection>>);

impl Session {
    fn db(&self) -> MutexGuard<'_, Connection> {
        self.0.lock().unwrap()
    }
}

impl MockDatabaseTrait for Session {
    fn query(&mut self, _: usize, statement: Statement) -> Result<Vec<QueryResult>, DbErr> {
        let rows = rows(&self.db(), &statement).map_err(refused)?;
        MockDatabase::new(DbBackend::Sqlite).append_query_results([rows]).query(0, statement)
    }

    fn execute(&mut self, _: usize, statement: Statement) -> Result<ExecResult, DbErr> {
        let done = change(&self.db(), &statement).map_err(refused)?;
        MockDatabase::new(DbBackend::Sqlite).append_exec_results([done]).execute(0, statement)
    }

    fn begin(&mut self) {
        self.db().execute_batch("BEGIN IMMEDIATE").unwrap();
    }

    fn commit(&mut self) {
        self.db().execute_batch("COMMIT").unwrap();
    }

    fn rollback(&mut self) {
        self.db().execute_batch("ROLLBACK").unwrap();
    }

    fn drain_transaction_log(&mut self) -> Vec<Transaction> {
        Vec::new()
    }

    fn get_database_backend(&self) -> DbBackend {
        DbBackend::Sqlite
    }

    fn ping(&self) -> Result<(), DbErr> {
        Ok(())
    }
}

fn refused(error: rusqlite::Error) -> DbErr {
    DbErr::Query(RuntimeErr::Internal(error.to_string()))
}

fn change(db: &Connection, statement: &Statement) -> rusqlite::Result<MockExecResult> {
    let given = rusqlite::params_from_iter(values(statement));
    let rows_affected = db.prepare_cached(&statement.sql)?.execute(given)? as u64;
    Ok(MockExecResult { last_insert_id: db.last_insert_rowid().cast_unsigned(), rows_affected })
}

fn rows(db: &Connection, statement: &Statement) -> rusqlite::Result<Vec<BTreeMap<String, Value>>> {
    let mut prepared = db.prepare_cached(&statement.sql)?;
    let columns: Vec<_> = (prepared.columns().into_iter())
        .map(|column| (column.name().to_owned(), kind(column.decl_type())))
        .collect();
    let mut found = prepared.query(rusqlite::params_from_iter(values(statement)))?;
    let mut rows = Vec::new();
    while let Some(row) = found.next()? {
        let value = |at: usize| {
            let (name, kind) = &columns[at];
            Ok((name.clone(), read(row.get_ref(at)?, *kind)))
        };
        rows.push((0..columns.len()).map(value).collect::<rusqlite::Result<_>>()?);
    }
    Ok(rows)
}

fn values(statement: &Statement) -> impl Iterator<Item = ToSqlOutput<'_>> {
    let given = statement.values.iter().flat_map(|values| &values.0);
    given.map(|value| {
        ToSqlOutput::Borrowed(match value {
            Value::Int(Some(number)) => ValueRef::Integer((*number).into()),
            Value::BigInt(Some(number)) => ValueRef::Integer(*number),
            Value::BigUnsigned(Some(number)) => ValueRef::Integer(number.cast_signed()),
            Value::String(Some(text)) => ValueRef::Text(text.as_bytes()),
            Value::Bytes(Some(bytes)) => ValueRef::Blob(bytes),
            Value::BigInt(None) | Value::String(None) | Value::Bytes(None) => ValueRef::Null,
            other => panic!("kefu stores no {other:?}"),
        })
    })
}

/// What a column holds: kefu stores texts, bytes and 64-bit integers.
#[derive(Clone, Copy)]
enum Kind {
    Text,
    Bytes,
    Integer,
}

fn kind(declared: Option<&str>) -> Kind {
    let declared = declared.unwrap_or("bigint").to_ascii_lowercase();
    if declared.contains("char") || declared.contains("text") {
        Kind::Text
    } else if declared.contains("blob") || declared.contains("binary") {
        Kind::Bytes
    } else {
        Kind::Integer
    }
}

fn read(value: ValueRef<'_>, kind: Kind) -> Value {
    match (value, kind) {
        (ValueRef::Null, Kind::Text) => Value::String(None),
        (ValueRef::Null, Kind::Bytes) => Value::Bytes(None),
        (ValueRef::Null, Kind::Integer) => Value::BigInt(None),
        (ValueRef::Integer(number), _) => Value::BigInt(Some(number)),
        (ValueRef::Text(text), _) => {
            Value::String(Some(String::from_utf8_lossy(text).into_owned()))
        }
        (ValueRef::Blob(bytes), _) => Value::Bytes(Some(bytes.to_vec())),
        (ValueRef::Real(_), _) => panic!("kefu stores no fractions"),
    }
}
