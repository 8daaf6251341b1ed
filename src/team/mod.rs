//! Agents who take conversations together. Doors: `agent`.
mod actions;
mod model;
mod store;
pub mod web;

pub use actions::{add, remove};
pub use model::{Team, TeamName};
pub use store::{Teams, all, members, memberships, of_agent, seen_from, tables, those_there_are};
