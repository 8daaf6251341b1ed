//! Words for people: languages, sentences, dates, names, addresses, links, pinyin, sheets, terms of a search. Pure.
mod dates;
mod device;
mod email;
mod emoji;
mod lang;
mod names;
mod pieces;
pub mod pinyin;
mod sheet;
mod sizes;
mod terms;

pub use dates::{
    DEFAULT_ZONE, clock_seconds, clock_time, day, day_line, day_of_any_year, known_zone, lately,
    soon, stamp, zone,
};
pub use device::device;
pub use email::email;
pub use emoji::is_few_emoji;
pub use lang::{Lang, Words};
pub use names::{letter, tint};
pub use pieces::{Piece, pieces};
pub use sheet::{as_typed, sheet};
pub use sizes::size;
pub use terms::{Question, Snippet, Term, phone_words, terms};
