//! What can be found by the terms it holds, on any engine: FTS5, `tsvector`, `FULLTEXT`. Knows neither words nor what they are
//! of: terms are made by `text::terms`, and whoever asks looks at what is found once more.
mod model;
mod store;

pub use model::{Doc, Found, Kind, Place, moment};
pub use store::{
    EVERYBODY, Position, advance, find, forget, position, progress_within, put, put_position,
    put_sounded, remove, sounded, tables,
};
