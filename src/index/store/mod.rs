//! Rows of what can be found, and how far everything was made so.
mod finding;
mod progress;
mod rows;

use crate::db;
pub use finding::find;
pub use progress::{
    EVERYBODY, Position, advance, position, progress_within, put_position, put_sounded, sounded,
};
pub use rows::{forget, put, remove};

/// The tables of this module. Its terms, which each engine keeps in its own way, are no column of `search_row` here.
pub fn tables() -> Vec<db::Table> {
    vec![
        db::table::<rows::search_row::Entity>(),
        db::table::<progress::search_progress::Entity>(),
        db::table::<progress::search_position::Entity>(),
    ]
}
