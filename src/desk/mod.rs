//! The agents' workspace: the lists and an open conversation. Doors: `agent` (who works), `conversation` (what is worked
//! on), `saved_view` (how it is looked at), `site` (where it came from), `tag` (what it is about), `team` (who should answer),
//! `attachment`, `canned_reply` and `draft` (what stands in the composer).
mod live;
pub mod web;

pub use live::{
    Around, around, begun, counters, cursor, dots, draft_changed, lost, name, row_changed,
    row_news, standing, viewers,
};
pub use web::{ROWS, asked_again, lens};
