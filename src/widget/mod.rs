//! The chat on any website: the script that a customer's page loads. Doors: `site`.
mod script;
pub mod web;
