//! The frames of the socket: one JSON object each, named by `type`. `asyncapi.json` is made from these types.
use super::shape::{Author, Conversation, ConversationName, Entry, PriorityName, SideName};
use crate::error::Error;
use schemars::{JsonSchema, SchemaGenerator, generate::SchemaSettings};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

/// The one subprotocol so far.
pub const PROTOCOL: &str = "kefu.v1";
/// What a client calls a request, to know its answer: at most so many bytes.
const LONGEST_REF: usize = 64;

/// What a client says. Fields it does not know are ignored by the server; `ref` names the request in the answer.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ClientFrame {
    /// A visitor's first message to a site. Answered by `ok {conversation, seq}`.
    Start {
        site: String,
        /// 1–64 of `A-Z a-z 0-9 - _`: the same again is the same act. So everywhere.
        nonce: String,
        body: String,
    },
    /// A message; by agents also a note. Answered by `ok {seq, duplicate}` once it is committed.
    Send {
        conversation: ConversationName,
        nonce: String,
        /// Empty only where files come with it.
        body: String,
        /// Ids of files that were brought into the conversation by REST, at most 10.
        #[serde(default)]
        attachments: Vec<String>,
        #[serde(default)]
        kind: MessageKind,
        /// The last entry the writer had seen: refused as `stale` if another agent answered after it.
        #[serde(default)]
        seen: Option<i64>,
        /// The seq of the entry it answers, for agents only. Left out if it cannot be quoted.
        #[serde(default)]
        quote: Option<i64>,
    },
    /// The entries after a seq, or after `{epoch}:{seq}`; then `live`, then what is new.
    Subscribe {
        conversation: ConversationName,
        #[serde(default)]
        after: After,
    },
    /// No more news of a conversation. Answered by `ok`.
    Unsubscribe { conversation: ConversationName },
    /// Changes of the lists, as `desk` frames. For agents.
    SubscribeDesk,
    /// Everything up to `seq` was read. Answered by `ok`.
    Read { conversation: ConversationName, seq: i64 },
    /// Somebody is typing; every 3 s at most. Not answered.
    Typing { conversation: ConversationName },
    /// Answered by `pong`.
    Ping,
    /// What only agents say.
    #[serde(skip)]
    Verb(Verb),
}

/// What agents' programs do with a conversation: each as the operation of its name, and answered by `ok {seq, duplicate}` unless it
/// says otherwise.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Verb {
    /// Takes a conversation that nobody has. For agents. Answered by `ok {seq, duplicate}`.
    Claim { conversation: ConversationName, nonce: String },
    /// Closes a conversation, with tags that say how it ended if there are any: both or neither.
    Close {
        conversation: ConversationName,
        nonce: String,
        /// Numbers of tags, put on beside those that it carries: at most 200.
        #[serde(default)]
        tags: Vec<i64>,
    },
    /// Opens a closed conversation again.
    Reopen { conversation: ConversationName, nonce: String },
    /// Hands a conversation over to a colleague, who has it then, or to a team, of whom nobody has it yet.
    Transfer {
        conversation: ConversationName,
        nonce: String,
        /// The number of a colleague: either this or `team`.
        #[serde(default)]
        agent: Option<i64>,
        #[serde(default)]
        team: Option<i64>,
        /// For agents only: at most 5,000 characters.
        #[serde(default)]
        note: Option<String>,
    },
    /// Asks a colleague to help, who sees the conversation from then on.
    Invite { conversation: ConversationName, nonce: String, agent: i64 },
    /// Puts a conversation off until a moment (RFC 3339, at most 90 days from now), or until its visitor writes.
    Snooze { conversation: ConversationName, nonce: String, until: String },
    /// Brings a conversation back that was put off.
    Wake { conversation: ConversationName, nonce: String },
    /// Says how much a conversation matters.
    Priority { conversation: ConversationName, nonce: String, priority: PriorityName },
    /// Takes tags off and puts others on. Answered without `seq` if it carries just these already: nothing was written.
    Tags {
        conversation: ConversationName,
        nonce: String,
        /// Numbers of tags, at most 200. One that is in both is put on.
        #[serde(default)]
        add: Vec<i64>,
        #[serde(default)]
        remove: Vec<i64>,
    },
    /// Makes a conversation count as unread again for whoever sees it. Answered by `ok`: it is no entry, and twice is once.
    Unread { conversation: ConversationName },
    /// Changes a message or a note of the agent's own, for two minutes. The `seq` of the answer is that of the change; whoever
    /// follows gets the entry once more.
    Edit { conversation: ConversationName, nonce: String, seq: i64, body: String },
    /// Takes one back, for two minutes: its text and its files are gone for everybody.
    Recall { conversation: ConversationName, nonce: String, seq: i64 },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum MessageKind {
    #[default]
    Text,
    /// For agents only.
    Note,
}

/// Where a reader goes on: a seq, or `{epoch}:{seq}`.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum After {
    Seq(i64),
    Cursor(String),
}

impl Default for After {
    fn default() -> Self {
        Self::Seq(0)
    }
}

/// Their names, to tell one that is unknown from one that is malformed.
const KNOWN: [&str; 8] =
    ["start", "send", "subscribe", "unsubscribe", "subscribe_desk", "read", "typing", "ping"];
const VERBS: [&str; 12] = [
    "claim", "close", "reopen", "transfer", "invite", "snooze", "wake", "priority", "tags",
    "unread", "edit", "recall",
];

/// A frame that was read, with the name its answer must carry.
#[derive(Debug)]
pub struct Asked {
    pub reference: Option<String>,
    pub frame: Result<ClientFrame, Malformed>,
}

/// Why a frame could not be read.
#[derive(Debug)]
pub enum Malformed {
    UnknownType,
    /// What is wrong, for whoever writes the program.
    Invalid(String),
}

impl Malformed {
    fn new(error: serde_json::Error) -> Self {
        Self::Invalid(error.to_string())
    }
}

impl Asked {
    pub fn read(text: &str) -> Self {
        let unreadable =
            |what: String| Self { reference: None, frame: Err(Malformed::Invalid(what)) };
        let value: Value = match serde_json::from_str(text) {
            Ok(value) => value,
            Err(error) => return unreadable(format!("not JSON: {error}")),
        };
        let reference = match value.get("ref") {
            None | Some(Value::Null) => None,
            Some(Value::String(name)) if name.len() <= LONGEST_REF => Some(name.clone()),
            Some(_) => return unreadable("ref must be a string of at most 64 bytes".into()),
        };
        let frame = match value.get("type").and_then(Value::as_str) {
            None => Err(Malformed::Invalid("type must be a string".into())),
            Some(name) if VERBS.contains(&name) => {
                serde_json::from_value(value).map(ClientFrame::Verb).map_err(Malformed::new)
            }
            Some(name) if KNOWN.contains(&name) => {
                serde_json::from_value(value).map_err(Malformed::new)
            }
            Some(_) => Err(Malformed::UnknownType),
        };
        Self { reference, frame }
    }
}

/// What the server says. Fields are added, never changed: ignore what you do not know.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum ServerFrame {
    /// The first frame.
    Hello {
        /// The version of these frames.
        v: u8,
        you: You,
        /// How often the server pings; a peer that is silent for 60 s is dropped.
        heartbeat_s: u64,
        limits: Limits,
    },
    /// The request of this `ref` is done; what it wrote is committed.
    Ok {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
        #[serde(skip_serializing_if = "Option::is_none")]
        conversation: Option<ConversationName>,
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<i64>,
        /// Whether the nonce had done it before.
        #[serde(skip_serializing_if = "Option::is_none")]
        duplicate: Option<bool>,
    },
    /// The request of this `ref` was refused, and nothing was changed; after `unavailable` that is not known: send it again
    /// under the same nonce.
    Error {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
        /// As over REST, and `unknown_type`.
        code: &'static str,
        message: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        field: Option<&'static str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
        /// With `stale`: the entries after the one that was seen.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schemars(with = "Option<Vec<Entry>>")]
        entries: Option<Value>,
    },
    /// An entry of a conversation. Each comes once and in order; whoever does not hold `prev` subscribes again after what
    /// it holds.
    Entry {
        conversation: ConversationName,
        epoch: String,
        #[serde(flatten)]
        entry: Entry,
    },
    /// All entries up to `seq` have come; what follows is new.
    Live {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
        conversation: ConversationName,
        seq: i64,
    },
    /// Somebody of the other side is typing, or is no more.
    Typing {
        conversation: ConversationName,
        #[serde(skip_serializing_if = "Option::is_none")]
        by: Option<Author>,
        typing: bool,
    },
    /// How far a side has read.
    Read { conversation: ConversationName, side: SideName, seq: i64 },
    /// Whether the other side is here.
    Presence { conversation: ConversationName, side: SideName, here: bool },
    /// A conversation of the lists changed, and is now so.
    Desk {
        #[serde(flatten)]
        conversation: Conversation,
    },
    /// The agent may not see a conversation any more: it is followed no longer, and belongs in no list.
    Gone { conversation: ConversationName },
    /// The socket will be closed. Come back after `retry_after_ms`, if given, and subscribe after what you hold.
    Bye {
        reason: Reason,
        #[serde(skip_serializing_if = "Option::is_none")]
        retry_after_ms: Option<u64>,
    },
    /// The answer to `ping`.
    Pong {
        #[serde(rename = "ref", skip_serializing_if = "Option::is_none")]
        reference: Option<String>,
    },
}

/// Who the token speaks for.
#[derive(Debug, Serialize, JsonSchema)]
pub struct You {
    pub side: SideName,
    /// An agent's number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

#[derive(Debug, Serialize, JsonSchema)]
pub struct Limits {
    /// Bytes of a frame.
    pub frame_bytes: usize,
    /// Characters of a message.
    pub body_characters: usize,
    /// Conversations one socket may follow.
    pub subscriptions: usize,
}

#[derive(Clone, Copy, Debug, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// The token was revoked or has ended.
    Unauthenticated,
    /// The server is leaving, or the socket has lived long enough.
    Restart,
}

impl ServerFrame {
    pub fn write(&self) -> String {
        serde_json::to_string(self).unwrap_or_else(|error| {
            tracing::error!(%error, "a frame could not be written");
            String::from(r#"{"type":"error","code":"internal","message":""}"#)
        })
    }

    pub fn refusal(reference: Option<String>, error: &Error, message: String) -> Self {
        let retry = match error {
            Error::RateLimited { retry_after } => Some(*retry_after),
            Error::Unavailable(_) => Some(Duration::from_secs(2)),
            _ => None,
        };
        let retry_after_ms =
            retry.map(|retry| u64::try_from(retry.as_millis()).unwrap_or(u64::MAX));
        let entries = match error {
            Error::Stale { newer, .. } => newer.clone(),
            _ => None,
        };
        Self::Error {
            reference,
            code: error.code(),
            message,
            field: error.field(),
            retry_after_ms,
            entries,
        }
    }
}

/// The socket, described for programs and people.
pub fn asyncapi() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = SchemaGenerator::new(settings);
    let mut said = variants(generator.root_schema_for::<ClientFrame>().to_value(), true);
    said.extend(variants(generator.root_schema_for::<Verb>().to_value(), true));
    let heard = variants(generator.root_schema_for::<ServerFrame>().to_value(), false);
    let schemas: serde_json::Map<_, _> = generator.take_definitions(true);
    let message = |(name, schema): &(String, Value)| {
        let summary = schema["description"].as_str().unwrap_or_default();
        (name.clone(), json!({ "name": name, "summary": summary, "payload": schema }))
    };
    let prefixed = |prefix: &str, frames: &[(String, Value)]| {
        let named = frames.iter().map(message);
        named.map(|(name, frame)| (format!("{prefix}_{name}"), frame)).collect::<Vec<_>>()
    };
    let (said, heard) = (prefixed("client", &said), prefixed("server", &heard));
    let references = |frames: &[(String, Value)]| {
        let reference = |(name, _): &(String, Value)| json!({ "$ref": format!("#/channels/socket/messages/{name}") });
        frames.iter().map(reference).collect::<Vec<_>>()
    };
    let (receive, send) = (references(&said), references(&heard));
    let messages: serde_json::Map<_, _> = said.into_iter().chain(heard).collect();
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "kefu",
            "version": "1",
            "description": "One text frame is one JSON object of at most 64 KiB. Subprotocol `kefu.v1`; the token in \
                `Authorization: Bearer …`, or for browsers as a second subprotocol `token.<token>`.",
        },
        "channels": { "socket": { "address": "/api/v1/ws", "messages": messages } },
        "operations": {
            "receive": { "action": "receive", "channel": { "$ref": "#/channels/socket" }, "messages": receive },
            "send": { "action": "send", "channel": { "$ref": "#/channels/socket" }, "messages": send },
        },
        "components": { "schemas": schemas },
    })
}

/// Each frame with its name; what clients say may carry a `ref`.
fn variants(mut schema: Value, may_refer: bool) -> Vec<(String, Value)> {
    let Some(Value::Array(frames)) = schema.get_mut("oneOf").map(Value::take) else {
        return Vec::new();
    };
    let named = |mut frame: Value| {
        let name = frame["properties"]["type"]["const"].as_str()?.to_owned();
        if may_refer {
            frame["properties"]["ref"] = json!({ "type": "string", "maxLength": LONGEST_REF });
        }
        Some((name, frame))
    };
    frames.into_iter().filter_map(named).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_frame_is_described_and_every_known_name_is_a_frame() {
        let described = asyncapi();
        let messages = described["channels"]["socket"]["messages"].as_object().unwrap();
        let said: BTreeSet<_> =
            messages.keys().filter_map(|name| name.strip_prefix("client_")).collect();
        assert_eq!(said, KNOWN.into_iter().chain(VERBS).collect());
        assert_eq!(messages.keys().filter(|name| name.starts_with("server_")).count(), 12);
        let text = described.to_string();
        for reference in text.split("\"#/components/schemas/").skip(1) {
            let name = reference.split('"').next().unwrap();
            assert!(!described["components"]["schemas"][name].is_null(), "{name}");
        }
    }

    #[test]
    fn garbage_is_told_from_what_is_not_known_yet() {
        let invalid = |text: &str| matches!(Asked::read(text).frame, Err(Malformed::Invalid(_)));
        for text in [
            "",
            "x",
            "[]",
            "{}",
            "null",
            "{\"type\":1}",
            "{\"type\":\"send\"}",
            "{\"type\":\"ping\",\"ref\":1}",
        ] {
            assert!(invalid(text), "{text}");
        }
        let deep =
            format!("{{\"type\":\"ping\",\"x\":{}{}}}", "[".repeat(10_000), "]".repeat(10_000));
        assert!(invalid(&deep));
        let unknown = Asked::read(r#"{"type":"base","ref":"7"}"#);
        assert!(matches!(unknown.frame, Err(Malformed::UnknownType)));
        assert_eq!(unknown.reference.as_deref(), Some("7"));
        assert!(matches!(Asked::read(r#"{"type":"ping","new":{}}"#).frame, Ok(ClientFrame::Ping)));
    }
}
