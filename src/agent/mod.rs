//! Who works here: accounts, sign-in, an agent's own settings. Uses no other feature.
mod actions;
mod model;
mod password;
mod store;
pub mod web;

pub use actions::{
    Change, Colleague, NewAgent, add, change, choose, disable, enable, end_token, find_by_token,
    hire, invite, is_there, leave_seat, make_owner, make_token, renew_link, see, session_lives,
    set_preferences, standing, standings, token_lives, unseen_since,
};
pub use model::{
    Account, AccountState, Agent, AgentName, Availability, Capacity, Email, Notice, Password,
    Preferences, Role, Scope, SendKey, Signal, SingleKeys, Standing, Theme, TokenName, Tone, Wish,
    may_change, may_invite,
};
pub use store::{
    accounts, all, forget_expired, forget_revocations, has_owner, insert_revocation, last_seen,
    links, note_lost_access, revocations_since, role_of, tables,
};
pub use web::{
    CurrentAgent, CurrentManager, DeskFrame, MaybeAgent, SettingsPage, SignedIn, sign_in_as,
    to_the_door,
};
