//! Where the chat is embedded. Doors: `team` (whose agents answer).
mod actions;
mod changed;
mod look;
mod model;
mod secret;
mod store;

pub use actions::{
    NewSite, add, add_by, change, drop_older_secret, ensure_demo, hear_signed_only, make_secret,
    show_secrets,
};
pub use look::{Color, Edge, Look, Saying, Texts, Theme, offset};
pub use model::{Origin, Site, SiteName, own_path};
pub use secret::Secret;
pub use store::{
    addressed, all, find, find_by_key, secrets, signed_only_within, tables, zone_within,
};
