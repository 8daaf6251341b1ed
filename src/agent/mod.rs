//! Who works here: accounts, sign-in, an agent's own settings. Uses no other feature.
mod actions;
mod model;
mod password;
mod store;
pub mod web;

pub use actions::{NewAgent, add, invite};
pub use model::{Agent, AgentName, Email, Password, Role, Theme};
pub use store::{has_owner, tables};
pub use web::{CurrentAgent, DeskFrame, SignedIn, sign_in_as};
