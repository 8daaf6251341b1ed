//! Who a visitor is, as the page around the chat says: signed by its server, or only said. Doors: `agent` (who makes secrets), `contact`
//! (who is known), `conversation` and `dossier` (what becomes one with the contact), `site` (whose secret it is).
mod actions;
mod claims;
pub mod web;

pub use actions::{Introduction, introduce, proven};
pub use claims::{Proof, Said};
