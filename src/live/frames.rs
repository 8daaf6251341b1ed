//! A conversation as frames for programs. What belongs together is several frames, a line each: JSON holds no line break.
use super::follow::Draw;
use crate::{
    api::{
        frame::ServerFrame,
        shape::{Author, ConversationName, Entry as EntryShape},
    },
    bus::{Drawn, News, Sheet},
    conversation::{Positions, Seat},
    error::Result,
    event::{Entry, Event, Present, Redrawn, Side},
    ids::ConversationId,
};
use std::sync::Arc;

#[derive(Clone, Debug)]
pub struct Frames {
    pub audience: Side,
    pub id: ConversationId,
    pub name: ConversationName,
    pub epoch: Arc<str>,
}

impl Frames {
    pub fn new(seat: &Seat, id: ConversationId, epoch: Arc<str>) -> Self {
        match seat {
            Seat::Visitor { conversation, .. } => {
                let name = ConversationName::for_visitors(conversation);
                Self { audience: Side::Visitor, id, name, epoch }
            }
            Seat::Agent { .. } => {
                Self { audience: Side::Agent, id, name: ConversationName::for_agents(id), epoch }
            }
        }
    }

    fn other(&self) -> Side {
        match self.audience {
            Side::Visitor => Side::Agent,
            Side::Agent => Side::Visitor,
        }
    }

    fn entry_frame(&self, entry: &Entry, before: Option<&Entry>) -> ServerFrame {
        ServerFrame::Entry {
            conversation: self.name.clone(),
            epoch: self.epoch.to_string(),
            entry: EntryShape::new(entry, before, self.audience),
        }
    }

    fn read_frame(&self, side: Side, seq: i64) -> ServerFrame {
        ServerFrame::Read { conversation: self.name.clone(), side: side.into(), seq }
    }

    fn presence_frame(&self, here: bool) -> ServerFrame {
        ServerFrame::Presence { conversation: self.name.clone(), side: self.other().into(), here }
    }

    /// The same entry once more: whoever holds it puts this in its place.
    fn redrawn_frame(&self, redrawn: &Redrawn) -> ServerFrame {
        self.entry_frame(&redrawn.entry, redrawn.before(self.audience))
    }

    /// What news is to this audience.
    fn news_frames(&self, event: &Event) -> Vec<ServerFrame> {
        match event {
            Event::EntryAppended(appended) if !appended.entry.is_for(self.audience) => Vec::new(),
            Event::EntryAppended(appended) if appended.entry.amends().is_some() => appended
                .redrawn
                .iter()
                .filter(|redrawn| redrawn.entry.is_for(self.audience))
                .map(|redrawn| self.redrawn_frame(redrawn))
                .collect(),
            Event::EntryAppended(appended) => {
                let before = match self.audience {
                    Side::Visitor => &appended.before_visitor,
                    Side::Agent => &appended.before_desk,
                };
                vec![self.entry_frame(&appended.entry, before.as_ref())]
            }
            Event::ReadMoved(moved) => vec![self.read_frame(moved.reader, moved.seq)],
            Event::Typed { by, .. } if by.side() == self.other() => vec![ServerFrame::Typing {
                conversation: self.name.clone(),
                by: Some(Author::new(by, self.audience)),
                typing: true,
            }],
            Event::PresenceChanged { who, here }
                if (*who == Present::Agents) == (self.audience == Side::Visitor) =>
            {
                vec![self.presence_frame(*here)]
            }
            Event::Typed { .. }
            | Event::PresenceChanged { .. }
            | Event::AccessLost { .. }
            | Event::HeadSeen { .. }
            | Event::RowSeen(_)
            | Event::RowChanged(_)
            | Event::ContactChanged { .. }
            | Event::StandingChanged { .. }
            | Event::DraftChanged { .. }
            | Event::PageTurned { .. } => Vec::new(),
        }
    }
}

impl Draw for Frames {
    fn audience(&self) -> Side {
        self.audience
    }
    fn conversation(&self) -> ConversationId {
        self.id
    }
    fn entry(&self, entry: &Entry, before: Option<&Entry>) -> Result<Drawn> {
        Ok(self.entry_frame(entry, before).write().into())
    }
    fn redrawn(&self, redrawn: &Redrawn) -> Result<Drawn> {
        Ok(self.redrawn_frame(redrawn).write().into())
    }
    fn news(&self, news: &News) -> Drawn {
        let draw = || {
            let frames = self.news_frames(&news.event);
            frames.iter().map(ServerFrame::write).collect::<Vec<_>>().join("\n")
        };
        // That agents came or went is one piece of news for all conversations, each of which has a name of its own.
        if matches!(news.event, Event::PresenceChanged { .. }) {
            return draw().into();
        }
        let sheet = match self.audience {
            Side::Visitor => Sheet::VisitorFrame,
            Side::Agent => Sheet::AgentFrame,
        };
        news.drawn(sheet, 0, || draw().into())
    }
    fn positions(&self, positions: &Positions) -> Result<Drawn> {
        let visitor = self.read_frame(Side::Visitor, positions.visitor.seq).write();
        let agents = self.read_frame(Side::Agent, positions.agents.seq).write();
        Ok(format!("{visitor}\n{agents}\n").into())
    }
    fn presence(&self, here: bool) -> Drawn {
        self.presence_frame(here).write().into()
    }
    fn quiet(&self) -> Drawn {
        let conversation = self.name.clone();
        ServerFrame::Typing { conversation, by: None, typing: false }.write().into()
    }
}
