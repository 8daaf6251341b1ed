//! The stored person behind a visitor, and the token that proves it. Uses no other feature.
mod model;
mod store;
mod web;

pub use model::{TokenHash, VisitorToken};
pub use store::{
    TokenState, create, forget, lock, name_of, name_within, names, plant, tables, token_lives,
    token_state,
};
pub use web::{CurrentVisitor, MaybeVisitor, remember};
