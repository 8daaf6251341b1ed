//! What is written once and said often. Doors: `agent` (whose a reply is), `team` (for whom), `contact` and `conversation` (who is
//! named in it).
mod actions;
mod model;
mod sheet;
mod store;
pub mod web;

pub use actions::{colleague, filled, visible};
pub use model::{CannedReply, Names, Scope};
pub use store::tables;
