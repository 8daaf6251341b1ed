//! A conversation as fragments of a page.
use super::follow::Draw;
use crate::{
    bus::{Drawn, News},
    conversation::{self, Canvas, Positions},
    error::Result,
    event::{Entry, Redrawn, Side},
    ids::ConversationId,
};

impl Draw for Canvas {
    fn audience(&self) -> Side {
        self.audience
    }
    fn conversation(&self) -> ConversationId {
        self.conversation
    }
    fn entry(&self, entry: &Entry, before: Option<&Entry>) -> Result<Drawn> {
        conversation::upsert(self, entry, before).map(Drawn::from)
    }
    fn redrawn(&self, redrawn: &Redrawn) -> Result<Drawn> {
        conversation::redraw(self, redrawn).map(Drawn::from)
    }
    fn news(&self, news: &News) -> Drawn {
        conversation::drawn(news, self)
    }
    fn positions(&self, positions: &Positions) -> Result<Drawn> {
        conversation::read_marks(self, positions).map(Drawn::from)
    }
    fn presence(&self, here: bool) -> Drawn {
        or_nothing(conversation::presence(self, here))
    }
    fn quiet(&self) -> Drawn {
        or_nothing(conversation::typing(self, None))
    }
}

fn or_nothing(drawn: Result<String>) -> Drawn {
    drawn.map(Drawn::from).unwrap_or_else(|error| {
        tracing::error!(%error, "cannot draw what passes");
        Drawn::default()
    })
}
