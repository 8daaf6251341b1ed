//! Everything that can happen, in the past tense. Also the wire format between nodes: variants are added, never changed.
use crate::ids::{AgentId, ContactId, ConversationId, Nonce, SiteId, TagId, TeamId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// The two sides of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Side {
    Visitor,
    Agent,
}

/// Who wrote an entry. An agent's entry keeps the name shown at that time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Author {
    Visitor { id: ContactId, name: String },
    Agent { id: AgentId, name: String },
}

impl Author {
    pub fn side(&self) -> Side {
        match self {
            Self::Visitor { .. } => Side::Visitor,
            Self::Agent { .. } => Side::Agent,
        }
    }
    /// Empty for a visitor who gave none; drawn as "visitor" in the reader's language.
    pub fn name(&self) -> &str {
        match self {
            Self::Visitor { name, .. } | Self::Agent { name, .. } => name,
        }
    }
    pub fn same_person(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Visitor { id: a, .. }, Self::Visitor { id: b, .. }) => a == b,
            (Self::Agent { id: a, .. }, Self::Agent { id: b, .. }) => a == b,
            (Self::Visitor { .. }, Self::Agent { .. })
            | (Self::Agent { .. }, Self::Visitor { .. }) => false,
        }
    }
}

/// What an entry says. An event is a code with parameters, never a sentence: it is drawn in the reader's language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Content {
    Text {
        /// Empty where files say it all, and once it was taken back.
        body: String,
        #[serde(default, skip_serializing_if = "With::is_empty")]
        with: With,
    },
    /// For agents only.
    Note {
        body: String,
        #[serde(default, skip_serializing_if = "With::is_empty")]
        with: With,
    },
    Event {
        what: Happening,
    },
    /// Another text for an earlier entry of the same author; `private` where that is a note, with whom it calls that it did not
    /// call before.
    Edit {
        of: i64,
        body: String,
        private: bool,
        #[serde(default, skip_serializing_if = "With::is_empty")]
        with: With,
    },
    /// An earlier entry is taken back.
    Recall {
        of: i64,
        private: bool,
    },
}

/// What comes with a message.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct With {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub attachments: Vec<Attachment>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quote: Option<Quote>,
    /// The colleagues whom a note calls.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub mentions: Vec<Mention>,
    /// Those of them who could not see the conversation before, by name.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub let_in: Vec<String>,
    /// An order or a product; the message says the same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub card: Option<Card>,
}

impl With {
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// An order or a product, as the page told it on which the chat stands. What it does not say is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Card {
    /// 1–120 characters.
    pub title: String,
    /// At most 40 characters, with the currency.
    pub price: String,
    /// At most 200 characters.
    pub detail: String,
    /// What the shop calls it, at most 64 characters.
    pub id: String,
    /// `http` or `https`, at most 2,000 bytes each.
    pub url: String,
    pub image: String,
}

/// A file that came with a message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attachment {
    /// 128 random bits as 22 base64url characters.
    pub id: String,
    /// As its sender called it.
    pub name: String,
    /// By its content: `image/png`.
    pub media_type: String,
    /// In bytes.
    pub size: i64,
    /// Of an image, in pixels.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub width: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub height: Option<i64>,
}

/// What an entry answers: the beginning of an earlier one, empty once that was taken back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quote {
    pub seq: i64,
    pub author: Author,
    /// At most 200 characters.
    pub excerpt: String,
}

/// An agent called by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mention {
    pub agent: AgentId,
    pub name: String,
}

/// What became of an entry after it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Changed {
    Edited,
    Recalled,
}

/// Events of a conversation's life. Whoever acts is the entry's author: an agent, or the visitor who ends it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Happening {
    Claimed,
    Closed,
    Reopened,
    /// Its agent gave it back to the queue, or was gone for too long.
    Requeued,
    /// Given to a colleague, who has it now.
    Transferred {
        to: Mention,
    },
    /// Given to a team, of whom nobody has it yet.
    TransferredToTeam {
        team: TeamId,
        name: String,
    },
    /// Asked to help. Who has the conversation keeps it.
    Invited {
        agent: Mention,
    },
    /// Put off until a moment, or until the visitor writes.
    Snoozed {
        until: Timestamp,
    },
    /// The moment has come, or somebody thought better of it.
    Woken,
    Prioritized {
        priority: Priority,
    },
    /// Tags were put on or taken off, by name.
    Tagged {
        added: Vec<String>,
        removed: Vec<String>,
    },
}

impl Happening {
    /// Whether it is the agents' business only.
    pub fn is_private(&self) -> bool {
        match self {
            Self::Claimed
            | Self::Closed
            | Self::Reopened
            | Self::Requeued
            | Self::Transferred { .. }
            | Self::TransferredToTeam { .. } => false,
            Self::Invited { .. }
            | Self::Snoozed { .. }
            | Self::Woken
            | Self::Prioritized { .. }
            | Self::Tagged { .. } => true,
        }
    }
}

/// How much a conversation matters among those that wait.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    Low,
    #[default]
    Normal,
    High,
    Urgent,
}

impl Priority {
    pub const ALL: [Self; 4] = [Self::Urgent, Self::High, Self::Normal, Self::Low];

    pub fn word(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Urgent => "urgent",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|priority| priority.word() == word)
    }

    /// The key of what people call it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Low => "priority-low",
            Self::Normal => "priority-normal",
            Self::High => "priority-high",
            Self::Urgent => "priority-urgent",
        }
    }
}

/// One line of the log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// 1, 2, 3 … without gaps in one conversation.
    pub seq: i64,
    pub author: Author,
    /// As it is now.
    pub content: Content,
    pub at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed: Option<Changed>,
}

impl Entry {
    pub fn is_for(&self, audience: Side) -> bool {
        audience == Side::Agent || !self.content.is_private()
    }

    /// What somebody said in it; empty where nobody did.
    pub fn words(&self) -> &str {
        match &self.content {
            Content::Text { body, .. } | Content::Note { body, .. } => body,
            Content::Event { .. } | Content::Edit { .. } | Content::Recall { .. } => "",
        }
    }

    /// The number of the entry that this one changed, which is drawn anew instead of it.
    pub fn amends(&self) -> Option<i64> {
        match self.content {
            Content::Edit { of, .. } | Content::Recall { of, .. } => Some(of),
            Content::Text { .. } | Content::Note { .. } | Content::Event { .. } => None,
        }
    }
}

impl Content {
    /// Whether it is for agents only.
    pub fn is_private(&self) -> bool {
        match self {
            Self::Text { .. } => false,
            Self::Note { .. } => true,
            Self::Event { what } => what.is_private(),
            Self::Edit { private, .. } | Self::Recall { private, .. } => *private,
        }
    }

    /// Whether a repeat of the send that made this may say so: what its sender chose is the same. A form that brings its files
    /// itself brings them anew when it is repeated.
    pub fn is_again(&self, other: &Self) -> bool {
        let alike = |file: &Attachment| Attachment { id: String::new(), ..file.clone() };
        let chosen = |with: &With| {
            let files: Vec<_> = with.attachments.iter().map(alike).collect();
            (files, with.quote.as_ref().map(|quote| quote.seq), with.card.clone())
        };
        match (self, other) {
            (Self::Text { body, with }, Self::Text { body: again, with: along })
            | (Self::Note { body, with }, Self::Note { body: again, with: along }) => {
                body == again && chosen(with) == chosen(along)
            }
            // Whom it calls besides depends on what was there before.
            (Self::Edit { of, body, .. }, Self::Edit { of: target, body: again, .. }) => {
                (of, body) == (target, again)
            }
            _ => self == other,
        }
    }

    /// Whether it may come with rows beside the log's own: files, guests, what some do not see any more.
    pub fn needs_rows(&self) -> bool {
        match self {
            Self::Text { with, .. } => !with.attachments.is_empty(),
            Self::Note { with, .. } | Self::Edit { with, .. } => {
                !with.attachments.is_empty() || !with.mentions.is_empty()
            }
            Self::Event { what } => matches!(
                what,
                Happening::Transferred { .. }
                    | Happening::TransferredToTeam { .. }
                    | Happening::Invited { .. }
                    | Happening::Reopened
                    | Happening::Requeued
            ),
            Self::Recall { .. } => false,
        }
    }

    /// The files that came with it.
    pub fn attachments(&self) -> &[Attachment] {
        match self {
            Self::Text { with, .. } | Self::Note { with, .. } => &with.attachments,
            Self::Event { .. } | Self::Edit { .. } | Self::Recall { .. } => &[],
        }
    }

    /// What a page told of an order or a product.
    pub fn card(&self) -> Option<&Card> {
        match self {
            Self::Text { with, .. } | Self::Note { with, .. } => with.card.as_ref(),
            Self::Event { .. } | Self::Edit { .. } | Self::Recall { .. } => None,
        }
    }

    /// A message without anything else.
    pub fn text(body: impl Into<String>) -> Self {
        Self::Text { body: body.into(), with: With::default() }
    }
}

/// An earlier entry that another one changed, as it is now, with what it is drawn after.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redrawn {
    pub entry: Entry,
    pub before_visitor: Option<Entry>,
    pub before_desk: Option<Entry>,
}

impl Redrawn {
    pub fn before(&self, audience: Side) -> Option<&Entry> {
        match audience {
            Side::Visitor => self.before_visitor.as_ref(),
            Side::Agent => self.before_desk.as_ref(),
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    Queued,
    Open,
    Closed,
}

impl State {
    /// The key of its word in the catalogue.
    pub fn key(self) -> &'static str {
        match self {
            Self::Queued => "state-queued",
            Self::Open => "state-open",
            Self::Closed => "state-closed",
        }
    }
}

/// What a row of the desk's list shows of a conversation: the same for every agent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Summary {
    pub id: ConversationId,
    pub site: SiteId,
    pub contact: ContactId,
    /// The visitor's name, empty if unknown.
    pub name: String,
    pub state: State,
    pub assignee: Option<AgentId>,
    /// The name the assignee had when taking it; empty without one.
    pub assignee_name: String,
    /// The number of the newest entry.
    pub last_seq: i64,
    /// Messages of the visitor that whoever has the conversation has not read, or that somebody marked as unread; at least one
    /// where it came back that was put off.
    pub unread: i64,
    /// Since when the visitor waits for an answer.
    pub waiting_since: Option<Timestamp>,
    #[serde(default)]
    pub priority: Priority,
    /// Put off until then.
    #[serde(default)]
    pub snoozed_until: Option<Timestamp>,
    #[serde(default)]
    pub closed_at: Option<Timestamp>,
    #[serde(default)]
    pub tags: Vec<TagId>,
    #[serde(default)]
    pub team: Option<TeamId>,
    /// The colleagues who were asked to help.
    #[serde(default)]
    pub guests: Vec<AgentId>,
    pub preview: String,
    pub preview_by: Side,
    pub last_at: Timestamp,
    /// IANA name of the site's time zone.
    pub zone: String,
    /// How often the row was changed: tells older news of it from newer.
    pub touches: i64,
}

/// An entry that was committed, with what is needed to draw it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appended {
    pub entry: Entry,
    /// The entry before it that visitors may see.
    pub before_visitor: Option<Entry>,
    /// The entry before it on the desk.
    pub before_desk: Option<Entry>,
    /// What it changed: its target, and what quotes that.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redrawn: Vec<Redrawn>,
    pub summary: Summary,
}

/// How far a side has read. `mark` is the last message of the *other* side at or before `seq`, 0 if none: where the mark stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReadMoved {
    pub reader: Side,
    pub seq: i64,
    pub mark: i64,
    pub summary: Summary,
}

/// Somebody whose being here the other side is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "conversation", rename_all = "snake_case")]
pub enum Present {
    /// Any agent, with the desk open.
    Agents,
    /// The visitor of a conversation, with its page open.
    Visitor(ConversationId),
    /// One agent, with the desk open.
    Agent(AgentId),
    /// Any agent who has the desk open and receives new visitors.
    Receiving,
    /// One agent, with a conversation open at the desk.
    Viewer { agent: AgentId, conversation: ConversationId },
}

/// What stopped to open doors.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", content = "key", rename_all = "snake_case")]
pub enum Access {
    /// An agent's session, by the hash of its id.
    Session(String),
    /// Everything an agent holds.
    Agent(AgentId),
    /// A visitor's token, by its hash.
    VisitorToken(String),
    /// An agent's personal access token, by its hash.
    AgentToken(String),
    /// What some saw of a conversation, unless they see it for another reason.
    Conversation { id: ConversationId, by: Vec<Seer> },
}

/// Who saw a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Seer {
    Everybody,
    Team(TeamId),
    Agent(AgentId),
}

/// For whom a conversation is: what decides which agents see it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circle {
    /// `None` where everybody may see it.
    pub team: Option<TeamId>,
    pub assignee: Option<AgentId>,
    pub guests: Vec<AgentId>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    EntryAppended(Box<Appended>),
    ReadMoved(Box<ReadMoved>),
    AccessLost {
        access: Access,
    },
    /// Somebody is writing. Passes: it says nothing about what comes of it.
    Typed {
        conversation: ConversationId,
        by: Author,
    },
    /// Somebody came, or has been gone for a while.
    PresenceChanged {
        who: Present,
        here: bool,
    },
    /// The log is found to have grown to `last_seq`, and nobody here was told. Each node finds out by itself.
    HeadSeen {
        conversation: ConversationId,
        last_seq: i64,
    },
    /// The same of a row of the desk's lists.
    RowSeen(Box<Summary>),
    /// A row of the desk's lists changed without an entry: its visitor is called otherwise or blocked, or it counts as unread again.
    RowChanged(Box<Summary>),
    /// What stands beside a contact's conversations at the desk is another: what is known and noted of them, where they were.
    ContactChanged {
        contact: ContactId,
    },
    /// What colleagues see beside an agent's name may be another: it was chosen, or the seat was lost.
    StandingChanged {
        agent: AgentId,
    },
    /// An agent has begun to write something in a conversation, or nothing is left of it.
    DraftChanged {
        agent: AgentId,
        conversation: ConversationId,
        begun: bool,
    },
    /// A page of an agent's desk shows another conversation than it did, or none. Passes, as what comes of it does.
    PageTurned {
        agent: AgentId,
        page: Nonce,
        to: Option<ConversationId>,
    },
}

/// How far somebody came who puts the chat on their pages, or a link to it somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SiteStep {
    /// A page asked for the script.
    Loaded,
    /// Somebody opened the chat in a page that may show it.
    Opened,
    /// A visitor's message was stored that was written there.
    Said,
    /// A page that may not show the chat wanted it.
    Refused,
    /// Somebody opened the chat by its link, in a page of its own.
    LinkOpened,
    /// A visitor's message was stored that was written there.
    LinkSaid,
}

impl SiteStep {
    pub const COUNT: usize = 6;
}

/// How a node hears of what others do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Hearing {
    /// Only by asking the database.
    #[default]
    None,
    /// At once, over the bus.
    Bus,
    /// There is a bus, but it is away.
    BusAway,
}

impl Hearing {
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bus => "connected",
            Self::BusAway => "away",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Topic {
    Conversation(ConversationId),
    /// Lists and counters of every agent.
    Desk,
    /// What is for one agent alone, in each of her tabs.
    Agent(AgentId),
    /// Who lost access.
    Access,
    /// Whether agents are here, for every visitor.
    Presence,
}

impl Event {
    /// The row of the desk's lists as it is now, if this changed it.
    pub fn row(&self) -> Option<&Summary> {
        match self {
            Self::EntryAppended(appended) => Some(&appended.summary),
            Self::ReadMoved(moved) => Some(&moved.summary),
            Self::RowSeen(summary) | Self::RowChanged(summary) => Some(summary),
            Self::AccessLost { .. }
            | Self::Typed { .. }
            | Self::PresenceChanged { .. }
            | Self::ContactChanged { .. }
            | Self::StandingChanged { .. }
            | Self::DraftChanged { .. }
            | Self::PageTurned { .. }
            | Self::HeadSeen { .. } => None,
        }
    }

    /// How far a conversation's log is known to go by this.
    pub fn reaches(&self) -> Option<(ConversationId, i64)> {
        match self {
            Self::EntryAppended(appended) => Some((appended.summary.id, appended.entry.seq)),
            Self::HeadSeen { conversation, last_seq } => Some((*conversation, *last_seq)),
            Self::ReadMoved(_)
            | Self::AccessLost { .. }
            | Self::Typed { .. }
            | Self::PresenceChanged { .. }
            | Self::ContactChanged { .. }
            | Self::StandingChanged { .. }
            | Self::DraftChanged { .. }
            | Self::PageTurned { .. }
            | Self::RowSeen(_)
            | Self::RowChanged(_) => None,
        }
    }

    pub fn topics(&self) -> Vec<Topic> {
        match self {
            Self::EntryAppended(appended) => {
                vec![Topic::Conversation(appended.summary.id), Topic::Desk]
            }
            Self::ReadMoved(moved) => vec![Topic::Conversation(moved.summary.id), Topic::Desk],
            Self::AccessLost { access: Access::Conversation { id, .. } } => {
                vec![Topic::Conversation(*id), Topic::Desk]
            }
            Self::AccessLost { .. } => vec![Topic::Access],
            Self::Typed { conversation, .. } => {
                vec![Topic::Conversation(*conversation), Topic::Desk]
            }
            Self::HeadSeen { conversation, .. } => vec![Topic::Conversation(*conversation)],
            Self::RowSeen(_)
            | Self::RowChanged(_)
            | Self::ContactChanged { .. }
            | Self::StandingChanged { .. }
            | Self::PresenceChanged { who: Present::Agent(_) | Present::Viewer { .. }, .. } => {
                vec![Topic::Desk]
            }
            Self::DraftChanged { agent, .. } | Self::PageTurned { agent, .. } => {
                vec![Topic::Agent(*agent)]
            }
            // Asked when a page is drawn; nobody waits for it.
            Self::PresenceChanged { who: Present::Receiving, .. } => Vec::new(),
            Self::PresenceChanged { who: Present::Agents, .. } => vec![Topic::Presence],
            Self::PresenceChanged { who: Present::Visitor(id), .. } => {
                vec![Topic::Conversation(*id), Topic::Desk]
            }
        }
    }
}
