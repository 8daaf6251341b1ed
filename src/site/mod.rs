//! Where the chat is embedded. Uses no other feature.
mod actions;
mod look;
mod model;
mod store;

pub use actions::{NewSite, add, add_by, change, ensure_demo};
pub use look::{Color, Edge, LONGEST, Look, Texts, Theme, offset};
pub use model::{Origin, Site, SiteName};
pub use store::{all, find, find_by_key, tables, zone_within};
