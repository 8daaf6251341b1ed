//! What happened, told to whoever listens. Best effort: the log is the truth, and a reader who missed something reads it.
mod hub;
mod presence;

use crate::event::{Event, Present, Topic};
use bytes::Bytes;
pub use hub::Listener;
pub use presence::Here;
use std::sync::{Arc, OnceLock};

/// Kinds of sheets that news is drawn on, and languages they are drawn in.
const SHEETS: usize = 10;

/// An event on its way to its readers, with what was already drawn of it: once per audience and language, not per reader.
#[derive(Debug)]
pub struct News {
    pub event: Event,
    drawn: [OnceLock<Bytes>; SHEETS],
}

/// What is drawn: one sheet for each audience, as a fragment for people and as a frame for programs, and one for the row
/// in the desk's list.
#[derive(Clone, Copy, Debug)]
pub enum Sheet {
    Visitor,
    Desk,
    Row,
    VisitorFrame,
    AgentFrame,
}

impl News {
    fn new(event: Event) -> Self {
        Self { event, drawn: Default::default() }
    }

    /// The bytes of a sheet in a language (0 or 1); drawn by the first reader who asks.
    pub fn drawn(&self, sheet: Sheet, language: usize, draw: impl FnOnce() -> Bytes) -> Bytes {
        self.drawn[sheet as usize * 2 + language % 2].get_or_init(draw).clone()
    }
}

#[derive(Clone, Debug, Default)]
pub struct Bus {
    hub: hub::Hub,
    presence: presence::Presence,
}

impl Bus {
    /// Never fails and never waits: whoever cannot keep up is told so and goes back to the log.
    pub fn publish(&self, event: Event) {
        self.hub.deliver(&Arc::new(News::new(event)));
    }

    pub fn subscribe(&self, topic: Topic) -> Listener {
        self.hub.subscribe(topic)
    }

    /// Counts somebody as here until the guard is dropped and some seconds have passed.
    pub fn enter(&self, who: Present) -> Here {
        self.presence.enter(self, who)
    }

    /// Whether somebody is here, as far as this node knows.
    pub fn is_here(&self, who: Present) -> bool {
        self.presence.is_here(who)
    }
}
