//! A whole installation, the people in it, and what they see.
mod cast;
pub mod checker;
pub mod clock;
pub mod cluster;
pub mod container;
pub mod crowd;
pub mod daemon;
pub mod database;
pub mod disk;
pub mod front;
pub mod idle;
pub mod line;
pub mod nats;
pub mod network;
mod page;
pub mod program;
pub mod proxy;
pub mod s3;
mod site;
mod template;

/// A figure given by hand, as in `KEFU_CUTS=10000 cargo test …`.
pub fn by_hand<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

pub use cast::{Agent, Person, Visitor};
pub use page::{Answer, Event, Stream};
pub use site::{Installation, Node, installation, installation_with_bucket, limited_installation};
pub use template::own_database;
