//! Files that come with messages: checked by what is in them, kept until their conversation is forgotten, shown by links
//! that end. Whose a file is, it is told. Doors: `agent` (who says which kinds are taken).
mod actions;
mod added;
mod archive;
mod beside;
mod link;
mod model;
mod picture;
mod range;
mod store;
mod turned;
pub mod web;

pub use actions::{
    Received, accepted, chosen, find_for, forget_unsent, keep_small, remove_gone, upload,
};
pub use link::address;
pub use model::{Attachment, FileName, Kind, MOST, Owner, State};
pub use store::{are_unsent, forget, forget_of, send, tables};
