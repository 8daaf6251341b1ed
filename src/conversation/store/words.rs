//! How sides, states and authors are written in columns.
use crate::event::{Author, Side, State};

pub(super) fn key(author: &Author) -> (&'static str, i64) {
    match author {
        Author::Visitor { id, .. } => (side_word(Side::Visitor), id.0),
        Author::Agent { id, .. } => (side_word(Side::Agent), id.0),
    }
}

pub(super) fn side_word(side: Side) -> &'static str {
    match side {
        Side::Visitor => "visitor",
        Side::Agent => "agent",
    }
}

pub(super) fn side(word: &str) -> Side {
    if word == "visitor" { Side::Visitor } else { Side::Agent }
}

pub(super) fn state_word(state: State) -> &'static str {
    match state {
        State::Queued => "queued",
        State::Open => "open",
        State::Closed => "closed",
    }
}

pub(super) fn state(word: &str) -> State {
    match word {
        "open" => State::Open,
        "closed" => State::Closed,
        _ => State::Queued,
    }
}
