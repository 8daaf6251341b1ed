//! kefu, floor by floor. A module uses only floors below its own; `tests/house.rs` holds it to that.

// 1. Words: what things are called. Use nothing.
pub mod config; // settings, and the installation's key
pub mod error; // the one error type
pub mod event; // everything that can happen; the log's entries
pub mod ids; // numbers, public ids, nonces
pub mod text; // languages, sentences, dates, links

// 2. Machines: use words; name no feature.
pub mod app; // what every handler may hold
pub mod audit; // what was changed here, and by whom
pub mod bus; // what happened, told to whoever listens
pub mod clock; // what time it is
pub mod db; // SQLite, PostgreSQL, MySQL
pub mod files; // bytes by key, on the disk
pub mod index; // what can be found by the terms it holds
pub mod metrics; // what a node counts of itself
pub mod web; // the HTTP kit: accept loop, sessions, origin, limits, errors, assets

// 3. Features, one noun each. Another feature only through a door.
pub mod agent; // who works here: accounts, sign-in, own settings
pub mod attachment; // files that come with messages
pub mod canned_reply; // what is written once and said often
pub mod contact; // the stored person behind a visitor, and the token that proves it
pub mod conversation; // the log: entries, their writer, the visitor's page
pub mod demo; // a shop to try the chat in, and the front page
pub mod desk; // the agents' workspace
pub mod dossier; // what is known of the contact beside a conversation
pub mod draft; // what an agent has begun to write
pub mod health; // alive? ready?
pub mod identity; // who a visitor is, as the page around the chat says
pub mod saved_view; // lists that agents come back to
pub mod search; // finding what was said, and the command palette
pub mod setup; // the owner's first minute
pub mod site; // where the chat is embedded
pub mod staff; // everybody who works here, for those who manage
pub mod tag; // what conversations are about
pub mod team; // agents who take conversations together
pub mod widget; // the chat on any website

// 4. Roof: brings it together.
pub mod api; // kefu for programs: shapes, tokens, REST
pub mod commands; // the verbs of the binary
pub mod jobs; // what happens by itself: healing, tidying up
pub mod live; // one way to follow a log, several ways to send it
pub mod routes; // every address on one page
pub mod seed; // conversations made up by the thousand
