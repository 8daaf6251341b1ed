//! A conversation as fragments of a page.
use super::follow::Draw;
use crate::{
    bus::News,
    conversation::{self, Canvas, Positions},
    error::Result,
    event::{Entry, Side},
    ids::ConversationId,
};
use bytes::Bytes;

impl Draw for Canvas {
    fn audience(&self) -> Side {
        self.audience
    }
    fn conversation(&self) -> ConversationId {
        self.conversation
    }
    fn entry(&self, entry: &Entry, before: Option<&Entry>) -> Result<Bytes> {
        conversation::upsert(self, entry, before).map(Bytes::from)
    }
    fn news(&self, news: &News) -> Bytes {
        conversation::drawn(news, self)
    }
    fn positions(&self, positions: &Positions) -> Result<Bytes> {
        conversation::read_marks(self, positions).map(Bytes::from)
    }
    fn presence(&self, here: bool) -> Bytes {
        or_nothing(conversation::presence(self, here))
    }
    fn quiet(&self) -> Bytes {
        or_nothing(conversation::typing(self, None))
    }
}

fn or_nothing(drawn: Result<String>) -> Bytes {
    drawn.map(Bytes::from).unwrap_or_else(|error| {
        tracing::error!(%error, "cannot draw what passes");
        Bytes::new()
    })
}
