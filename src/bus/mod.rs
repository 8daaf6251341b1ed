//! What happened, told to whoever listens. Best effort: the log is the truth, and a reader who missed something reads it.
mod hub;

use crate::event::{Event, Topic};
use bytes::Bytes;
pub use hub::Listener;
use std::sync::{Arc, OnceLock};

/// Kinds of sheets that news is drawn on, and languages they are drawn in.
const SHEETS: usize = 6;

/// An event on its way to its readers, with what was already drawn of it: once per audience and language, not per reader.
#[derive(Debug)]
pub struct News {
    pub event: Event,
    drawn: [OnceLock<Bytes>; SHEETS],
}

/// What is drawn: one sheet for each audience, one for the row in the desk's list.
#[derive(Clone, Copy, Debug)]
pub enum Sheet {
    Visitor,
    Desk,
    Row,
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
}

impl Bus {
    /// Never fails and never waits: whoever cannot keep up is told so and goes back to the log.
    pub fn publish(&self, event: Event) {
        self.hub.deliver(&Arc::new(News::new(event)));
    }

    pub fn subscribe(&self, topic: Topic) -> Listener {
        self.hub.subscribe(topic)
    }

    /// How many listen to a topic on this node.
    pub fn listeners(&self, topic: &Topic) -> usize {
        self.hub.listeners(topic)
    }
}
