//! A whole installation, the people in it, and what they see.
mod cast;
pub mod line;
mod page;
pub mod program;
pub mod proxy;
mod site;

pub use cast::{Agent, Person, Visitor};
pub use page::{Answer, Stream};
pub use site::{Installation, installation, limited_installation};
