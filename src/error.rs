//! The one error type. Knows no framework and no HTML; `web/errors.rs` turns it into words for people and programs.
use std::time::Duration;

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A rule the caller broke: which field, and the key of the sentence that says what to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid {
    pub field: &'static str,
    pub reason: &'static str,
}

#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("not found")]
    NotFound,
    /// There is such an address, but nothing to be done there in this way.
    #[error("no such method")]
    NoSuchMethod,
    #[error("not signed in")]
    Unauthenticated,
    /// The key of the sentence that says why.
    #[error("refused: {0}")]
    Forbidden(&'static str),
    #[error("{}: {}", .0.field, .0.reason)]
    Invalid(Invalid),
    /// A program's request that cannot be read: what is wrong with it.
    #[error("malformed: {what}")]
    Malformed { what: String },
    #[error("the nonce was used for something else")]
    NonceReused,
    /// Somebody else answered after what the sender had seen.
    #[error("{by} answered meanwhile")]
    Stale {
        by: String,
        /// What a program that asked is told of the newer entries.
        newer: Option<serde_json::Value>,
    },
    /// Somebody else took the conversation first.
    #[error("taken by {by}")]
    Taken { by: String },
    /// The key of the sentence that says what stands in the way.
    #[error("conflict: {0}")]
    Conflict(&'static str),
    #[error("too large")]
    TooLarge,
    #[error("a file over {megabytes} MB")]
    FileTooLarge { megabytes: u64 },
    /// A file of a kind that is not taken here, or whose name says that it is another: the key of the sentence, and the kinds in it.
    #[error("refused: {reason} ({kinds})")]
    FileKind { reason: &'static str, kinds: String },
    #[error("too fast, {} ms to wait", .retry_after.as_millis())]
    RateLimited { retry_after: Duration },
    /// Nothing was changed, or it cannot be known: safe to send again under the same nonce.
    #[error("unavailable: {0}")]
    Unavailable(anyhow::Error),
    /// Where files are kept nobody answers, or refuses.
    #[error("files are away: {0}")]
    FilesAway(anyhow::Error),
    #[error("internal: {0}")]
    Internal(#[from] anyhow::Error),
}

impl Error {
    /// The name programs know it by. Never changed once released.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NotFound | Self::NoSuchMethod => "not_found",
            Self::Unauthenticated => "unauthenticated",
            Self::Forbidden(_) => "forbidden",
            Self::Invalid(_) | Self::Malformed { .. } | Self::FileKind { .. } => "invalid",
            Self::NonceReused => "nonce_reused",
            Self::Stale { .. } => "stale",
            Self::Taken { .. } | Self::Conflict(_) => "conflict",
            Self::TooLarge | Self::FileTooLarge { .. } => "too_large",
            Self::RateLimited { .. } => "rate_limited",
            Self::Unavailable(_) | Self::FilesAway(_) => "unavailable",
            Self::Internal(_) => "internal",
        }
    }

    /// What was wrong, where it is one field.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid(invalid) => Some(invalid.field),
            Self::FileKind { .. } => Some("file"),
            _ => None,
        }
    }

    pub fn internal(cause: impl Into<anyhow::Error>) -> Self {
        Self::Internal(cause.into())
    }
}

impl From<Invalid> for Error {
    fn from(invalid: Invalid) -> Self {
        Self::Invalid(invalid)
    }
}

impl From<sea_orm::DbErr> for Error {
    /// A database that cannot be reached, is busy or full will be back: the sender keeps the text and tries again.
    fn from(error: sea_orm::DbErr) -> Self {
        use sea_orm::{DbErr, RuntimeErr};
        match &error {
            DbErr::RecordNotFound(_) => Self::NotFound,
            DbErr::ConnectionAcquire(_) | DbErr::Conn(_) => Self::Unavailable(error.into()),
            DbErr::Exec(RuntimeErr::SqlxError(cause))
            | DbErr::Query(RuntimeErr::SqlxError(cause))
                if is_passing(&cause.to_string()) =>
            {
                Self::Unavailable(error.into())
            }
            _ => Self::Internal(error.into()),
        }
    }
}

/// Whether a database's complaint is about its state and not about our question. By its words, since the drivers share
/// no code for it: SQLite's result codes 5, 8, 10, 13, 14; PostgreSQL's class 57; a broken line.
fn is_passing(cause: &str) -> bool {
    const SIGNS: [&str; 26] = [
        "database is locked",
        "readonly database",
        "disk I/O error",
        "database or disk is full",
        "unable to open database file",
        "pool timed out",
        "pool has been closed",
        "communicating with database",
        "terminating connection",
        "shutting down",
        "starting up",
        "gone away",
        "Deadlock found",
        "deadlock detected",
        "read-only transaction",
        "READ ONLY transaction",
        "--read-only option",
        "No space left on device",
        "Disk full",
        "' is full",
        // Longer than a statement or a transaction may take.
        "due to statement timeout",
        "due to lock timeout",
        "idle-in-transaction timeout",
        "Lock wait timeout exceeded",
        "max_statement_time exceeded",
        "Idle transaction timeout",
    ];
    SIGNS.iter().any(|sign| cause.contains(sign))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_that_takes_nothing_more_will_be_back_and_a_wrong_question_will_not() {
        for cause in [
            "cannot execute INSERT in a read-only transaction",
            "Cannot execute statement in a READ ONLY transaction",
            "The MariaDB server is running with the --read-only option so it cannot execute this statement",
            "could not extend file \"base/1/2\": No space left on device",
            "The table 'entry' is full",
            "attempt to write a readonly database",
            "canceling statement due to statement timeout",
            "Lock wait timeout exceeded; try restarting transaction",
        ] {
            assert!(is_passing(cause), "{cause}");
        }
        for cause in ["no such column: x", "duplicate key value violates unique constraint"] {
            assert!(!is_passing(cause), "{cause}");
        }
    }
}
