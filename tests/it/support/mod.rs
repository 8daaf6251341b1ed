//! A whole installation, the people in it, and what they see.
mod cast;
mod page;
mod site;

pub use cast::{Agent, Person, Visitor};
pub use page::{Answer, Stream};
pub use site::{installation, limited_installation};
