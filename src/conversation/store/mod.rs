//! Rows and the questions asked of them.
mod conversations;
mod entries;
mod lists;
mod positions;
mod words;

use crate::db;
pub use conversations::{Start, find_for, find_open, find_started, lock, open, update};
pub use entries::{History, Range, before, find_by_nonce, history, insert};
pub use lists::{Counts, Tab, counts, list, of_contact, page, touched_since};
pub use positions::{Positions, advance, mark, positions, unread_after};

/// The tables of this feature.
pub fn tables() -> Vec<db::Table> {
    vec![
        db::table::<conversations::conversation::Entity>(),
        db::table::<entries::entry::Entity>(),
        db::table::<positions::read_position::Entity>(),
    ]
}
