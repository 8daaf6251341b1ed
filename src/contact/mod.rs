//! The stored person behind a visitor: what is known of them, and the token that proves it. Uses no other feature.
mod actions;
mod model;
mod store;
mod token;
mod web;

pub use actions::{
    NewAttribute, add_attribute, add_note, add_tag, attribute_of, change, change_attribute,
    remove_attribute, remove_note, remove_tag,
};
pub use model::{
    ATTRIBUTES, Arrival, Attribute, AttributeKey, AttributeKind, AttributeLabel, AttributeValue,
    Block, BlockReason, Change, Contact, ContactEmail, ContactName, ContactTag, Note, NoteBody,
    PageUrl, PageView, Phone, TAGS, choices, masked,
};
pub use store::{
    TokenState, all_planted, arrived, attributes, became, block, blocked, blocked_within, create,
    end_token, find, forget, forget_pages, found_by, index_again, lock, merge, name_of,
    name_within, names, notes, pages, plant, search, tables, tags, tags_given_since, token_lives,
    token_state, unblock, values, viewed,
};
pub use token::{TokenHash, VisitorToken};
pub use web::{CurrentVisitor, MaybeVisitor, dismiss, remember};
