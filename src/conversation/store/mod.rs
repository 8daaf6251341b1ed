//! Rows and the questions asked of them.
mod conversations;
mod entries;
mod forgetting;
mod lists;
mod marks;
mod places;
mod planting;
mod positions;
mod searching;
mod sight;
mod words;
mod writing;

use crate::db;
pub use conversations::{
    Held, Start, due, find_for, find_open, find_started, hand_over, heads, held_by, lock,
    lock_again, lock_free, open, update,
};
pub use entries::{
    Earlier, History, Range, Shown, amend, before, earlier, find as find_entry, history,
    is_last_said, last_card, made_by, put, redraw,
};
pub use forgetting::{remove_closed_before, silent_since, without_conversations};
pub use lists::{
    Counts, Filter, Lens, Tab, closed_page, counts, held, is_any, list, of_contact, page,
    seen_of_contact, summaries_of, touched_since, touches_since,
};
pub use marks::{add_guests, set_tags};
pub use places::Place;
pub use planting::{Log, all_planted, plant};
pub use positions::{
    Positions, Seen, Unread, advance, mark, positions, seen, unread_after, unread_by,
};
pub use searching::{
    Searched, entries_after, entries_at, newest, searched_after, seen_by, unsearched_since,
};
pub use sight::{circle, known, only_known, sight, sight_of};
pub use writing::{Step, write, write_unheld, writes_unheld};

/// The tables of this feature.
pub fn tables() -> Vec<db::Table> {
    vec![
        db::table::<conversations::conversation::Entity>(),
        db::table::<entries::entry::Entity>(),
        db::table::<positions::read_position::Entity>(),
        db::table::<marks::conversation_tag::Entity>(),
        db::table::<marks::conversation_guest::Entity>(),
    ]
}
