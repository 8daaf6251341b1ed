//! REST v1, a file for each noun. Lists page by an opaque cursor; whatever makes something takes a `nonce`, so that a repeat is
//! the same act.
mod canned_replies;
mod contacts;
mod conversations;
mod entries;
mod files;
mod handling;
mod notes;
mod people;
mod search;
mod sessions;

use super::{
    acts::Desk,
    caller::Caller,
    problem::Answer,
    shape::{ConversationName, Entry},
    text::Text,
};
use crate::{
    app::App,
    conversation::Sent,
    error::Invalid,
    event::{Happening, Side},
    ids,
    web::limits::Limits,
};
use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi, Tags, payload::Json};
use std::sync::Arc;

/// What can be asked for.
pub fn operations() -> impl OpenApi {
    (
        sessions::Rest,
        conversations::Rest,
        handling::Rest,
        entries::Rest,
        files::Rest,
        people::Rest,
        canned_replies::Rest,
        contacts::Rest,
        notes::Rest,
        search::Rest,
    )
}

/// The most entries or conversations in one answer, and how many come if nothing else is asked for.
const MOST: u64 = 500;
const USUAL: u64 = 50;

#[derive(Tags)]
enum Tag {
    /// A visitor's way in, and who a token speaks for.
    Session,
    /// Conversations and the acts in them.
    Conversations,
    /// The log of a conversation.
    Entries,
    /// Sites, agents, tags, contacts: for agents.
    People,
}

#[derive(Object)]
struct Act {
    /// 1–64 of `A-Z a-z 0-9 - _`: the same again is the same act.
    nonce: Text,
}

/// What was committed.
#[derive(Object)]
struct Committed {
    conversation: ConversationName,
    entry: Entry,
    /// Whether this nonce had done it before.
    duplicate: bool,
}

#[derive(ApiResponse)]
enum Written {
    /// It is committed.
    #[oai(status = 201)]
    Now(Json<Committed>),
    /// The same nonce had done it before; this is what it did.
    #[oai(status = 200)]
    Before(Json<Committed>),
}

impl Written {
    fn new(sent: &Sent, audience: Side) -> Self {
        let committed = Json(Committed::new(sent, audience));
        if sent.duplicate { Self::Before(committed) } else { Self::Now(committed) }
    }
}

impl Committed {
    /// Of what changed an earlier entry, that entry is told, as it is now.
    fn new(sent: &Sent, audience: Side) -> Self {
        let before = match audience {
            Side::Visitor => sent.appended.before_visitor.as_ref(),
            Side::Agent => sent.appended.before_desk.as_ref(),
        };
        let (entry, before) = match sent.appended.redrawn.first() {
            Some(redrawn) => (&redrawn.entry, redrawn.before(audience)),
            None => (&sent.appended.entry, before),
        };
        Self {
            conversation: ConversationName::of(&sent.conversation, audience),
            entry: Entry::new(entry, before, audience),
            duplicate: sent.duplicate,
        }
    }
}

#[derive(ApiResponse)]
enum Done {
    /// Done; there is nothing to say.
    #[oai(status = 204)]
    Done,
}

type Limit<'a> = Data<&'a Arc<Limits>>;

/// Where an agent's program acts; visitors find no such operation.
fn at_desk<'a>(app: &'a App, limits: &'a Limits, caller: &'a Caller) -> Answer<Desk<'a>> {
    caller.agent()?;
    Ok(Desk { app, limits, caller })
}

async fn happen(desk: Desk<'_>, conversation: i64, act: &Act, what: Happening) -> Answer<Written> {
    let sent = desk.happen(&conversation.to_string(), &act.nonce, what).await?;
    Ok(Written::new(&sent, Side::Agent))
}

/// Pages go by numbers, downwards; what the cursor holds is nobody's business.
fn next_cursor(numbers: &[i64]) -> String {
    ids::encode(&numbers.iter().flat_map(|number| number.to_be_bytes()).collect::<Vec<_>>())
}

/// The numbers of a cursor, which has so many.
fn page_cursor<const COUNT: usize>(text: &str) -> Result<[i64; COUNT], Invalid> {
    let bytes = ids::decode(text).unwrap_or_default();
    let (numbers, rest) = bytes.as_chunks::<8>();
    let numbers: Result<&[[u8; 8]; COUNT], _> = numbers.try_into();
    match numbers {
        Ok(numbers) if rest.is_empty() => Ok(numbers.map(i64::from_be_bytes)),
        _ => Err(Invalid { field: "cursor", reason: "invalid-cursor" }),
    }
}
