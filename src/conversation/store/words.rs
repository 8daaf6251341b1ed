//! How sides, states, priorities and authors are written in columns.
use crate::event::{Author, Priority, Side, State};

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

pub(super) fn priority_number(priority: Priority) -> i64 {
    match priority {
        Priority::Low => 0,
        Priority::Normal => 1,
        Priority::High => 2,
        Priority::Urgent => 3,
    }
}

pub(super) fn priority(number: i64) -> Priority {
    match number {
        ..=0 => Priority::Low,
        1 => Priority::Normal,
        2 => Priority::High,
        3.. => Priority::Urgent,
    }
}
