//! Who works here: accounts, sign-in, an agent's own settings. Uses no other feature.
mod actions;
mod model;
mod password;
mod store;
pub mod web;

pub use actions::{
    NewAgent, add, end_token, find_by_token, invite, make_token, session_lives, token_lives,
};
pub use model::{Agent, AgentName, Email, Password, Role, Scope, Theme, TokenName};
pub use store::{all, forget_expired, forget_revocations, has_owner, revocations_since, tables};
pub use web::{CurrentAgent, DeskFrame, SettingsPage, SignedIn, sign_in_as};
