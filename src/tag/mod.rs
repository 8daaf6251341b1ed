//! What conversations are about, in the words of those who work here. Doors: `agent` (who manages them).
mod actions;
mod model;
mod store;
pub mod web;

pub use actions::add;
pub use model::{Tag, TagName};
pub use store::{all, tables};
