//! The stored person behind a visitor: what is known of them, and the token that proves it. Uses no other feature.
mod actions;
mod model;
mod store;
mod token;
mod web;

pub use actions::{
    NewAttribute, add_attribute, add_note, attribute_of, change, change_attribute, change_tags,
    look_at, remove_attribute, remove_note, tell,
};
pub use model::{
    ATTRIBUTES, Arrival, Attribute, AttributeKey, AttributeKind, AttributeLabel, AttributeValue,
    Block, BlockReason, Change, Contact, ContactEmail, ContactName, ContactTag, Identity, Note,
    NoteBody, PageUrl, PageView, Phone, Phones, SeenPage, Subject, TAGS, Told, choices, masked,
};
pub use store::{
    Known, TokenState, add_identity, add_token, all_planted, are_two, arrived, attributes, became,
    block, blocked, blocked_within, create, end_token, find, forget, forget_pages, found_by,
    identified, identified_within, identities, index_after, index_again, lock, merge, name_of,
    name_within, names, newest, notes, other_tokens, pages, plant, search, seen_as, tables, tags,
    tags_given_since, token_lives, token_state, token_within, unblock, unseen_since, values,
};
pub use token::{TokenHash, VisitorToken};
pub use web::{CurrentVisitor, MaybeVisitor, Visit, dismiss, remember};
