//! Searching, for agents' programs: the same as at `/desk/search`.
use super::{Limit, Tag, next_cursor, page_cursor};
use crate::{
    api::{
        caller::Token,
        problem::Answer,
        shape::{Author, Conversation, moment},
    },
    app::App,
    error::{Error, Invalid},
    event::{Content, Side},
    ids::{AgentId, ConversationId, SiteId, TagId},
    search::{self, After, Asked, Days, Hit, Listing, Within},
    text::Question,
};
use jiff::Timestamp;
use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi, param::Query, payload::Json};

/// The most messages in one answer, and how many come if nothing else is asked for. People: so many.
const MOST: u64 = 100;
const USUAL: u64 = 30;
const PEOPLE: usize = 10;

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct Findings {
    /// The newest first.
    messages: Vec<FoundMessage>,
    /// Whoever has a conversation that is asked about; only with the first page.
    contacts: Vec<FoundContact>,
    /// The one that `q` calls by its number, if it is asked about; only with the first page. Without `q` all that are asked about.
    conversations: Vec<Conversation>,
    /// Where the next page of messages begins, or without `q` of conversations; none after the last one.
    next: Option<String>,
}

/// A message or a note in which everything stands that was asked for.
#[derive(Object)]
struct FoundMessage {
    /// The number of its conversation.
    conversation: i64,
    seq: i64,
    kind: FoundKind,
    author: Author,
    body: String,
    at: String,
}

#[derive(Enum)]
#[oai(rename_all = "snake_case")]
enum FoundKind {
    Text,
    /// For agents only.
    Note,
}

#[derive(Object)]
struct FoundContact {
    id: i64,
    name: String,
    /// The number of their last conversation that is asked about.
    conversation: i64,
}

impl From<Hit> for FoundMessage {
    fn from(hit: Hit) -> Self {
        let note = matches!(hit.entry.content, Content::Note { .. });
        Self {
            conversation: hit.conversation.id.0,
            seq: hit.entry.seq,
            kind: if note { FoundKind::Note } else { FoundKind::Text },
            author: Author::new(&hit.entry.author, Side::Agent),
            body: hit.entry.words().to_owned(),
            at: moment(hit.entry.at),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Rest;

#[OpenApi]
impl Rest {
    /// Finds messages, notes, contacts and conversations.
    ///
    /// All words must be there: whole ones in any case, Chinese as any part of it. One with a star behind it (`refund*`) is found
    /// by how it begins if it has at least three letters; numbers are always whole. What narrows it holds for all three: contacts and
    /// conversations are found where a conversation fits that went on at some time between `from` and `to`.
    ///
    /// Without `q`, what narrows it alone lists conversations: first those that are not closed and went on in that time, the newest
    /// first; then those that were closed in it, whichever was last first.
    #[oai(path = "/search", method = "get", tag = "Tag::Conversations", operation_id = "search")]
    #[expect(clippy::too_many_arguments, reason = "they are the parameters of the operation")]
    async fn search(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        /// 1–200 characters: at least one Chinese character, or two letters or digits. May be left out where something narrows it.
        q: Query<Option<String>>,
        /// What was said at this moment or later, RFC 3339.
        from: Query<Option<String>>,
        /// What was said before this moment.
        to: Query<Option<String>>,
        /// In conversations that this agent has.
        agent: Query<Option<i64>>,
        site: Query<Option<i64>>,
        /// In conversations that carry this tag now.
        tag: Query<Option<i64>>,
        /// `next` of the page before.
        cursor: Query<Option<String>>,
        /// How many messages, or without `q` conversations; 30 if left out.
        #[oai(validator(minimum(value = "1"), maximum(value = "100")))]
        limit: Query<Option<u64>>,
    ) -> Answer<Json<Findings>> {
        let me = caller.agent()?;
        limits.act(&caller.counted_as())?;
        let days = Days { from: instant("from", from.0)?, to: instant("to", to.0)? };
        let limit = usize::try_from(limit.0.unwrap_or(USUAL).min(MOST)).unwrap_or(1);
        let (agent, site) = (agent.0.map(AgentId), site.0.map(SiteId));
        let within = Within { days, agent, site, tag: tag.0.map(TagId) };
        let q = q.0.unwrap_or_default();
        if q.trim().is_empty() && within != Within::default() {
            let after = cursor.0.as_deref().map(place).transpose()?;
            let Listing { rows, next } = search::listing(&app, me, &within, after, limit).await?;
            let rows = rows.iter().map(|(head, name)| Conversation::new(head, name, Side::Agent));
            return Ok(Json(Findings {
                messages: Vec::new(),
                contacts: Vec::new(),
                conversations: rows.collect(),
                next: next.map(written),
            }));
        }
        let below = cursor.0.as_deref().map(page_cursor::<1>).transpose()?.map(|[below]| below);
        let is_first = below.is_none();
        let called = match is_first {
            true => search::conversation(&app, me.id, &q, &within).await?,
            false => None,
        };
        let conversations: Vec<_> =
            called.iter().map(|(head, name)| Conversation::new(head, name, Side::Agent)).collect();
        let question = match Question::parse(&q) {
            // A number may be of one digit.
            Err(_) if !conversations.is_empty() => {
                let (messages, contacts) = (Vec::new(), Vec::new());
                return Ok(Json(Findings { messages, contacts, conversations, next: None }));
            }
            question => question.map_err(Error::from)?,
        };
        let asked = Asked { question, within, below };
        let page = search::messages(&app, me.id, &asked, limit).await?;
        let people = match is_first {
            true => search::people(&app, me, &asked.question, &within, PEOPLE).await?,
            false => Vec::new(),
        };
        let contact = |person: search::Person| FoundContact {
            id: person.id.0,
            name: person.name,
            conversation: person.last.0,
        };
        Ok(Json(Findings {
            messages: page.hits.into_iter().map(FoundMessage::from).collect(),
            contacts: people.into_iter().map(contact).collect(),
            conversations,
            next: page.next.map(|next| next_cursor(&[next])),
        }))
    }
}

/// Where a list of conversations goes on, from its cursor.
fn place(cursor: &str) -> Result<After, Invalid> {
    if let Ok([id]) = page_cursor::<1>(cursor) {
        return Ok(After::Open(ConversationId(id)));
    }
    let [at, id] = page_cursor::<2>(cursor)?;
    let invalid = |_| Invalid { field: "cursor", reason: "invalid-cursor" };
    Ok(After::Closed(Timestamp::from_microsecond(at).map_err(invalid)?, ConversationId(id)))
}

fn written(after: After) -> String {
    match after {
        After::Open(id) => next_cursor(&[id.0]),
        After::Closed(at, id) => next_cursor(&[at.as_microsecond(), id.0]),
    }
}

fn instant(field: &'static str, text: Option<String>) -> Result<Option<Timestamp>, Invalid> {
    let invalid = |_| Invalid { field, reason: "invalid-moment" };
    text.map(|text| text.parse().map_err(invalid)).transpose()
}
