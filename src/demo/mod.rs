//! The front page, and a shop to try the chat in. Doors: `agent` (is there an owner yet?), `site`.
pub mod web;
