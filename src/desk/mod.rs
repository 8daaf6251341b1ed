//! The agents' workspace: the lists and an open conversation. Doors: `agent` (who works), `conversation` (what is worked
//! on), `site` (where it came from).
mod live;
pub mod web;

pub use live::{counters, row_changed, row_news};
pub use web::tab;
