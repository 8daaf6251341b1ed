//! What programs are shown: the same shapes over REST and over the socket, described by the same types in `openapi.json`
//! and `asyncapi.json`. Fields are added, never changed or taken away. Moments are RFC 3339 in UTC.
use crate::{
    conversation::{self, History, Shown},
    event::{self, Changed, Content, Happening, Priority, Side, State, Summary},
    ids::{ConversationId, PublicId},
};
use jiff::Timestamp;
use poem_openapi::{
    Enum, Object,
    registry::{MetaSchema, MetaSchemaRef},
    types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type},
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, fmt};

/// What a conversation is called: its number for agents, its public id (22 characters) for visitors.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum ConversationName {
    Number(i64),
    PublicId(String),
}

impl ConversationName {
    pub fn for_agents(id: ConversationId) -> Self {
        Self::Number(id.0)
    }
    pub fn for_visitors(id: &PublicId) -> Self {
        Self::PublicId(id.to_string())
    }
    pub fn of(conversation: &conversation::Conversation, audience: Side) -> Self {
        match audience {
            Side::Visitor => Self::for_visitors(&conversation.public_id),
            Side::Agent => Self::for_agents(conversation.id),
        }
    }
}

impl fmt::Display for ConversationName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => number.fmt(f),
            Self::PublicId(id) => id.fmt(f),
        }
    }
}

/// By hand, since the derived description calls it an object.
impl Type for ConversationName {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "integer or string".into()
    }
    fn schema_ref() -> MetaSchemaRef {
        let inline = |schema| MetaSchemaRef::Inline(Box::new(schema));
        let one_of = vec![
            inline(MetaSchema::new_with_format("integer", "int64")),
            inline(MetaSchema::new("string")),
        ];
        let description = Some("A number for agents, a public id for visitors.");
        inline(MetaSchema { one_of, description, ..MetaSchema::ANY })
    }
    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }
    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ToJSON for ConversationName {
    fn to_json(&self) -> Option<serde_json::Value> {
        serde_json::to_value(self).ok()
    }
}

impl ParseFromJSON for ConversationName {
    fn parse_from_json(value: Option<serde_json::Value>) -> ParseResult<Self> {
        serde_json::from_value(value.unwrap_or_default()).map_err(ParseError::custom)
    }
}

/// The side of a conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub enum SideName {
    Visitor,
    Agent,
}

impl From<Side> for SideName {
    fn from(side: Side) -> Self {
        match side {
            Side::Visitor => Self::Visitor,
            Side::Agent => Self::Agent,
        }
    }
}

/// Who wrote an entry.
#[derive(Clone, Debug, Serialize, JsonSchema, Object)]
pub struct Author {
    pub kind: SideName,
    /// The name shown at that time; empty for a visitor who gave none.
    pub name: String,
    /// The number of the agent or contact; for agents only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub id: Option<i64>,
}

impl Author {
    pub fn new(author: &event::Author, audience: Side) -> Self {
        let id = match author {
            event::Author::Visitor { id, .. } => id.0,
            event::Author::Agent { id, .. } => id.0,
        };
        let id = (audience == Side::Agent).then_some(id);
        Self { kind: author.side().into(), name: author.name().to_owned(), id }
    }
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub enum EntryKind {
    Text,
    /// For agents only.
    Note,
    Event,
}

/// What happened, in an entry of kind `event`.
#[derive(Clone, Copy, Debug, Serialize, JsonSchema, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub enum EventName {
    Claimed,
    /// By an agent, or by the visitor.
    Closed,
    Reopened,
    /// Back in the queue: its agent gave it back, or was gone for too long.
    Requeued,
    /// `value` is the name of the agent or the team.
    Transferred,
    /// For agents only, as what follows. `value` is the agent's name.
    Invited,
    /// `value` is the moment.
    Snoozed,
    Woken,
    /// `value` is `low`, `normal`, `high` or `urgent`.
    Prioritized,
    /// `value` are the tags, each after a `+` or a `-`, separated by commas.
    Tagged,
}

impl EventName {
    /// With what there is to say about it.
    fn of(what: &Happening) -> (Self, Option<String>) {
        match what {
            Happening::Claimed => (Self::Claimed, None),
            Happening::Closed => (Self::Closed, None),
            Happening::Reopened => (Self::Reopened, None),
            Happening::Requeued => (Self::Requeued, None),
            Happening::Transferred { to } => (Self::Transferred, Some(to.name.clone())),
            Happening::TransferredToTeam { name, .. } => (Self::Transferred, Some(name.clone())),
            Happening::Invited { agent } => (Self::Invited, Some(agent.name.clone())),
            Happening::Snoozed { until } => (Self::Snoozed, Some(moment(*until))),
            Happening::Woken => (Self::Woken, None),
            Happening::Prioritized { priority } => {
                (Self::Prioritized, Some(priority.word().to_owned()))
            }
            Happening::Tagged { added, removed } => {
                let added = added.iter().map(|tag| format!("+{tag}"));
                let removed = removed.iter().map(|tag| format!("-{tag}"));
                (Self::Tagged, Some(added.chain(removed).collect::<Vec<_>>().join(",")))
            }
        }
    }
}

/// A file that came with a message.
#[derive(Clone, Debug, Serialize, JsonSchema, Object)]
pub struct Attachment {
    /// 22 characters.
    pub id: String,
    pub name: String,
    /// By its content, such as `image/png`.
    pub media_type: String,
    /// In bytes.
    pub size: i64,
    /// Of a picture, in pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub width: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub height: Option<i64>,
}

impl From<event::Attachment> for Attachment {
    fn from(file: event::Attachment) -> Self {
        let event::Attachment { id, name, media_type, size, width, height } = file;
        Self { id, name, media_type, size, width, height }
    }
}

/// An order or a product, as the page told it on which the chat stands: written by whoever writes there. Empty where nothing was said.
#[derive(Clone, Debug, Serialize, JsonSchema, Object)]
pub struct Card {
    /// 1–120 characters.
    pub title: String,
    /// At most 40 characters.
    pub price: String,
    /// At most 200 characters.
    pub detail: String,
    /// What the shop calls it, at most 64 characters.
    pub id: String,
    /// `http` or `https`, at most 2,000 bytes.
    pub url: String,
    /// The same, of a picture, which kefu never asked for.
    pub image: String,
}

impl From<event::Card> for Card {
    fn from(card: event::Card) -> Self {
        let event::Card { title, price, detail, id, url, image } = card;
        Self { title, price, detail, id, url, image }
    }
}

/// What an entry answers.
#[derive(Clone, Debug, Serialize, JsonSchema, Object)]
pub struct Quote {
    pub seq: i64,
    pub author: Author,
    /// At most 200 characters; empty once it was taken back.
    pub excerpt: String,
}

/// One line of the log.
#[derive(Clone, Debug, Serialize, JsonSchema, Object)]
pub struct Entry {
    /// 1, 2, 3 … in one conversation. Numbers are missing where an entry is not for you or only changed an earlier one, which
    /// then comes once more: put it in the place of the one you hold.
    pub seq: i64,
    /// The seq of the entry before it that you may see, 0 if it is the first. Whoever does not hold that one asks again.
    pub prev: i64,
    pub kind: EntryKind,
    pub author: Author,
    /// The text as it is now; empty for an event, and for what was taken back.
    pub body: String,
    /// What happened, if it is an event.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub event: Option<EventName>,
    /// What there is to say about it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub value: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub quote: Option<Quote>,
    pub attachments: Vec<Attachment>,
    /// An order or a product that a visitor sent; `body` says the same in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[oai(skip_serializing_if_is_none)]
    pub card: Option<Card>,
    /// Whether its author changed the text.
    pub edited: bool,
    /// Whether its author took it back.
    pub recalled: bool,
    pub at: String,
}

impl Entry {
    pub fn new(entry: &event::Entry, before: Option<&event::Entry>, audience: Side) -> Self {
        let (kind, body, quote, (event, value)) = match &entry.content {
            Content::Text { body, with } => {
                (EntryKind::Text, body.clone(), with.quote.clone(), (None, None))
            }
            Content::Note { body, with } => {
                (EntryKind::Note, body.clone(), with.quote.clone(), (None, None))
            }
            Content::Event { what } => {
                let (name, value) = EventName::of(what);
                (EntryKind::Event, String::new(), None, (Some(name), value))
            }
            // Never shown itself; what it changed is.
            Content::Edit { .. } | Content::Recall { .. } => {
                (EntryKind::Text, String::new(), None, (None, None))
            }
        };
        let quote = quote.map(|quote| Quote {
            seq: quote.seq,
            author: Author::new(&quote.author, audience),
            excerpt: quote.excerpt,
        });
        Self {
            seq: entry.seq,
            prev: before.map_or(0, |before| before.seq),
            kind,
            author: Author::new(&entry.author, audience),
            body,
            event,
            value,
            quote,
            attachments: entry
                .content
                .attachments()
                .iter()
                .cloned()
                .map(Attachment::from)
                .collect(),
            card: entry.content.card().cloned().map(Card::from),
            edited: entry.changed == Some(Changed::Edited),
            recalled: entry.changed == Some(Changed::Recalled),
            at: moment(entry.at),
        }
    }

    /// What a reader is shown of an entry.
    pub fn shown(shown: Shown<'_>, audience: Side) -> Self {
        match shown {
            Shown::Entry(entry, before) => Self::new(entry, before, audience),
            Shown::Redrawn(_, redrawn) => {
                Self::new(&redrawn.entry, redrawn.before(audience), audience)
            }
        }
    }
}

/// A stretch of a log.
#[derive(Clone, Debug, Serialize, JsonSchema, Object)]
pub struct Entries {
    /// A word of the database; where it changed, a backup was restored, and numbers of before mean nothing.
    pub epoch: String,
    pub entries: Vec<Entry>,
    /// The number of the newest entry of the log, which you may not be allowed to see.
    pub last_seq: i64,
}

impl Entries {
    pub fn new(epoch: &str, history: &History, last_seq: i64, audience: Side) -> Self {
        let entries =
            history.shown_to(audience).map(|shown| Entry::shown(shown, audience)).collect();
        let last_seq = history.entries.last().map_or(last_seq, |entry| entry.seq.max(last_seq));
        Self { epoch: epoch.to_owned(), entries, last_seq }
    }
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub enum StateName {
    /// Nobody has it yet.
    Queued,
    Open,
    Closed,
}

impl From<State> for StateName {
    fn from(state: State) -> Self {
        match state {
            State::Queued => Self::Queued,
            State::Open => Self::Open,
            State::Closed => Self::Closed,
        }
    }
}

/// How much a conversation matters among those that wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Enum)]
#[serde(rename_all = "snake_case")]
#[oai(rename_all = "snake_case")]
pub enum PriorityName {
    Low,
    Normal,
    High,
    Urgent,
}

impl From<Priority> for PriorityName {
    fn from(priority: Priority) -> Self {
        match priority {
            Priority::Low => Self::Low,
            Priority::Normal => Self::Normal,
            Priority::High => Self::High,
            Priority::Urgent => Self::Urgent,
        }
    }
}

impl From<PriorityName> for Priority {
    fn from(name: PriorityName) -> Self {
        match name {
            PriorityName::Low => Self::Low,
            PriorityName::Normal => Self::Normal,
            PriorityName::High => Self::High,
            PriorityName::Urgent => Self::Urgent,
        }
    }
}

/// A conversation as it is now. What is not for visitors is left out for them.
#[derive(Clone, Debug, Serialize, JsonSchema, Object)]
#[oai(skip_serializing_if_is_none)]
pub struct Conversation {
    pub conversation: ConversationName,
    pub state: StateName,
    /// The number of the newest entry of the log.
    pub last_seq: i64,
    /// The name of the agent who has it; empty while nobody has.
    pub assignee_name: String,
    /// When the last message was sent.
    pub last_at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub site: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub contact: Option<i64>,
    /// The visitor's name; empty if unknown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The number of the agent who has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assignee: Option<i64>,
    /// Messages of the visitor that whoever has it has not read, or that an agent marked as unread; at least
    /// one where it came back that was put off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unread: Option<i64>,
    /// Since when the visitor waits for an answer.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub waiting_since: Option<String>,
    /// The beginning of the last message; empty where it was taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preview_by: Option<SideName>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub priority: Option<PriorityName>,
    /// Until when it is put off.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub snoozed_until: Option<String>,
    /// Numbers of its tags. One that `/tags` does not list was removed, and means nothing any more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tags: Option<Vec<i64>>,
    /// The number of the team whose agents should answer; left out where anybody may.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub team: Option<i64>,
    /// The numbers of the agents who were asked to help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub guests: Option<Vec<i64>>,
}

impl Conversation {
    pub fn new(head: &conversation::Conversation, name: &str, audience: Side) -> Self {
        let summary = head.summary(name.to_owned(), String::new());
        let for_agents = Self::for_agents(&summary);
        match audience {
            Side::Agent => for_agents,
            Side::Visitor => Self {
                conversation: ConversationName::for_visitors(&head.public_id),
                site: None,
                contact: None,
                name: None,
                assignee: None,
                unread: None,
                waiting_since: None,
                preview: None,
                preview_by: None,
                priority: None,
                snoozed_until: None,
                tags: None,
                team: None,
                guests: None,
                ..for_agents
            },
        }
    }

    pub fn for_agents(summary: &Summary) -> Self {
        Self {
            conversation: ConversationName::for_agents(summary.id),
            state: summary.state.into(),
            last_seq: summary.last_seq,
            assignee_name: summary.assignee_name.clone(),
            last_at: moment(summary.last_at),
            site: Some(summary.site.0),
            contact: Some(summary.contact.0),
            name: Some(summary.name.clone()),
            assignee: summary.assignee.map(|id| id.0),
            unread: Some(summary.unread),
            waiting_since: summary.waiting_since.map(moment),
            preview: Some(summary.preview.clone()),
            preview_by: Some(summary.preview_by.into()),
            priority: Some(summary.priority.into()),
            snoozed_until: summary.snoozed_until.map(moment),
            tags: Some(summary.tags.iter().map(|tag| tag.0).collect()),
            team: summary.team.map(|team| team.0),
            guests: Some(summary.guests.iter().map(|guest| guest.0).collect()),
        }
    }
}

/// How a moment is written.
pub fn moment(at: Timestamp) -> String {
    format!("{at:.3}")
}
