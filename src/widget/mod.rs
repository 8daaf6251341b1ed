//! The chat on any website: the script that a customer's page loads. Doors: `agent`, `attachment`, `site`, `team`.
mod script;
mod theme;
pub mod web;
