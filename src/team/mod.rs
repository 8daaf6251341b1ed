//! Agents who take conversations together. Doors: `agent`.
mod actions;
mod model;
mod store;
pub mod web;

pub use actions::{add, remove};
pub use model::{Team, TeamName};
pub use store::{all, members, memberships, of_agent, tables};
