//! Places, and the numbers under which they are kept.
use crate::text::Term;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What kind of thing is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// An entry of a log.
    Entry,
    /// A person.
    Contact,
}

impl Kind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Entry => "entry",
            Self::Contact => "contact",
        }
    }

    /// The term as things of this kind are found by it: kinds share an index, and do not stand in one another's way.
    pub(super) fn term(self, term: &str) -> String {
        match self {
            Self::Entry => term.to_owned(),
            Self::Contact => format!("p{term}"),
        }
    }
}

/// What is asked for of things of a kind.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub whole: Vec<String>,
    /// Terms that begin so.
    pub begun: Vec<String>,
}

impl Asked {
    pub fn new(kind: Kind, terms: &[Term]) -> Self {
        let mut asked = Self { whole: Vec::new(), begun: Vec::new() };
        for term in terms {
            match term {
                Term::Whole(term) => asked.whole.push(kind.term(term)),
                Term::Beginning(part) => asked.begun.push(kind.term(part)),
            }
        }
        asked
    }

    /// Both as an engine writes them, between words of its own.
    pub fn written(
        &self,
        whole: impl Fn(&str) -> String,
        begun: impl Fn(&str) -> String,
    ) -> Vec<String> {
        let whole = self.whole.iter().map(|term| whole(term));
        whole.chain(self.begun.iter().map(|part| begun(part))).collect()
    }
}

/// Where something is: an entry's conversation and number, a person's number and 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    pub kind: Kind,
    pub owner: i64,
    pub seq: i64,
}

/// Something that is to be found.
#[derive(Clone, Debug)]
pub struct Doc {
    pub place: Place,
    pub at: Timestamp,
    pub terms: BTreeSet<String>,
}

/// Something that was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    /// Greater for what is newer; where a page ends, the next begins below it.
    pub id: i64,
    pub owner: i64,
    pub seq: i64,
}

/// So many things of one microsecond have numbers of their own.
pub(super) const EACH: i64 = 1_024;

/// The lowest number of what was said at a moment or after it.
pub fn moment(at: Timestamp) -> i64 {
    at.as_microsecond().clamp(0, i64::MAX / EACH - 1) * EACH
}

/// The number that something would like to have: what was said at one moment is spread over it.
pub(super) fn wanted(doc: &Doc) -> i64 {
    let Place { owner, seq, .. } = doc.place;
    moment(doc.at) + owner.wrapping_mul(31).wrapping_add(seq).rem_euclid(EACH)
}
