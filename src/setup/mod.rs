//! The owner's first minute: an account, then the snippet, the link and the QR code of a site. Doors: `agent`, `site`.
pub mod web;

pub use web::setup_url;
