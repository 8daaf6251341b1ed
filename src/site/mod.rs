//! Where the chat is embedded. Uses no other feature.
mod actions;
mod model;
mod store;

pub use actions::{NewSite, add, ensure_demo};
pub use model::{Origin, Site, SiteName};
pub use store::{all, find, find_by_key, tables, zone_within};
