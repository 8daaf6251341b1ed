//! Finding what was said: messages and notes, people, conversations; and the command palette. Doors: `agent` (who asks),
//! `contact`, `conversation` (what is found), `canned_reply` (what may be said), `desk` and `saved_view` (how lists are
//! looked at), `site` (where it was said), `tag` (how it is marked).
mod actions;
mod finding;
mod listing;
mod model;
pub mod web;

pub use actions::{Turn, all_planted, index_again, plant, take_turn};
pub use finding::{Hit, Page, Person, conversation, messages, people};
pub use listing::{Listing, listing};
pub use model::{After, Asked, Days, Within};
