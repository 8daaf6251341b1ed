//! What is written once and said often. Doors: `agent` (whose a reply is), `attachment` (how files
//! come in), `team` (for whom), `contact` and `conversation` (who is
//! named in it).
mod actions;
mod model;
mod sheet;
mod store;
pub mod web;

pub use actions::{colleague, filled, names, offered, visible};
pub use model::{CannedReply, Scope, Wording};
pub use store::tables;
