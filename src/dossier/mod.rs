//! The contact beside a conversation: what agents know, note and change of the person they speak with. Doors: `agent` (who
//! works), `contact` (who is known), `conversation` (where the contact speaks), `site` (in whose time zone).
mod actions;
pub mod web;

pub use actions::{block, change, join, merge, rows_of, unblock};
