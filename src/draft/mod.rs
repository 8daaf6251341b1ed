//! What an agent has begun to write in a conversation, kept until it is sent: on another device it goes on where it was. Doors:
//! `agent` (who writes), `conversation` (where).
mod actions;
mod model;
mod store;
pub mod web;

pub use actions::{begun_by, forget, forget_old, keep, of};
pub use model::{Draft, DraftBody, DraftKind};
pub use store::tables;
