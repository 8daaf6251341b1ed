//! Everybody who works here and what they changed, for owners and admins. Doors: `agent`, `team`.
pub mod web;
