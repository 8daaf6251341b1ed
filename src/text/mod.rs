//! Words for people: languages, sentences, dates, names, addresses, links, pinyin, terms of a search. Pure.
mod dates;
mod device;
mod email;
mod lang;
mod names;
mod pieces;
pub mod pinyin;
mod sizes;
mod terms;

pub use dates::{DEFAULT_ZONE, clock_seconds, clock_time, day, day_line, known_zone, stamp, zone};
pub use device::device;
pub use email::email;
pub use lang::{Lang, Words};
pub use names::{letter, tint};
pub use pieces::{Piece, pieces};
pub use sizes::size;
pub use terms::{Question, Snippet, terms};
