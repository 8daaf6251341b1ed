//! Conversations: which there are, how they begin and end.
use super::{Act, Limit, MOST, Tag, USUAL, Written, at_desk, happen, next_cursor, page_cursor};
use crate::{
    agent::Agent,
    api::{
        acts::Desk,
        caller::{Caller, Token},
        problem::Answer,
        shape::{Conversation, PriorityName},
        text::Text,
    },
    app::App,
    contact,
    conversation::{self, Filter, Lens, Tab},
    error::Invalid,
    event::{Happening, Priority, Side},
    ids::{AgentId, ContactId, ConversationId, SiteId, TagId, TeamId},
    web::page::Viewer,
};
use jiff::Timestamp;
use poem::web::Data;
use poem_openapi::{
    Enum, Object, OpenApi,
    param::{Path, Query},
    payload::Json,
};

#[derive(Enum)]
#[oai(rename_all = "snake_case")]
enum List {
    Mine,
    Queue,
    /// All that are not closed.
    All,
    /// Put off until later.
    Snoozed,
    Closed,
}

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct Conversations {
    conversations: Vec<Conversation>,
    /// Where the next page begins; none after the last one.
    next: Option<String>,
}

#[derive(Object)]
struct NewConversation {
    /// The key of the site.
    site: Text,
    /// 1–64 of `A-Z a-z 0-9 - _`: the same again opens the same conversation.
    nonce: Text,
    /// The first message: 1–5,000 characters.
    body: Text,
}

#[derive(Object)]
struct Closing {
    /// 1–64 of `A-Z a-z 0-9 - _`: the same again is the same act.
    nonce: Text,
    /// Numbers of tags, put on beside those that it carries.
    #[oai(validator(max_items = 200))]
    tags: Option<Vec<i64>>,
}

#[derive(Clone, Copy, Debug)]
pub struct Rest;

#[OpenApi]
impl Rest {
    /// Lists conversations: a visitor's own; for an agent those of a list, narrowed as at the desk.
    ///
    /// The newest first; closed ones that are narrowed, whichever was closed last first.
    #[oai(
        path = "/conversations",
        method = "get",
        tag = "Tag::Conversations",
        operation_id = "list_conversations"
    )]
    #[expect(clippy::too_many_arguments, reason = "they are the parameters of the operation")]
    async fn list(
        &self,
        app: Data<&App>,
        Token(caller): Token,
        /// For agents, as what follows; all that are not closed if left out.
        list: Query<Option<List>>,
        site: Query<Option<i64>>,
        /// Those that this agent has.
        agent: Query<Option<i64>>,
        team: Query<Option<i64>>,
        /// Those that carry this tag.
        tag: Query<Option<i64>>,
        priority: Query<Option<PriorityName>>,
        /// Those in which whoever has it has not read everything.
        unread: Query<Option<bool>>,
        /// `next` of the page before.
        cursor: Query<Option<String>>,
        /// How many, 50 if left out.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u64>>,
    ) -> Answer<Json<Conversations>> {
        let limit = limit.0.unwrap_or(USUAL).min(MOST);
        let (side, cursor) = (caller.side(), cursor.0.as_deref());
        let (found, order) = match &caller {
            Caller::Visitor { contact, .. } => {
                (own(&app, *contact, cursor, limit + 1).await?, Order::Number)
            }
            Caller::Agent { agent: me, .. } => {
                let filter = Filter {
                    site: site.0.map(SiteId),
                    agent: agent.0.map(AgentId),
                    tag: tag.0.map(TagId),
                    team: team.0.map(TeamId),
                    priority: priority.0.map(Priority::from),
                    unread: unread.0.unwrap_or_default(),
                };
                let lens = Lens { filter, ..Lens::from(tab(list.0, me.id)) };
                (seen(&app, me, &lens, cursor, limit + 1).await?, Order::of(&lens))
            }
        };
        let shown = usize::try_from(limit).unwrap_or(usize::MAX).min(found.len());
        let next = (found.len() > shown).then(|| order.next(&found[shown - 1].0));
        let conversations =
            found[..shown].iter().map(|(head, name)| Conversation::new(head, name, side)).collect();
        Ok(Json(Conversations { conversations, next }))
    }

    /// Starts a conversation with a visitor's first message.
    ///
    /// A visitor who is in an open conversation of the site goes on there.
    #[oai(
        path = "/conversations",
        method = "post",
        tag = "Tag::Conversations",
        operation_id = "start_conversation"
    )]
    async fn start(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        viewer: Viewer,
        Token(caller): Token,
        new: Json<NewConversation>,
    ) -> Answer<Written> {
        let desk = Desk { app: &app, limits: &limits, caller: &caller };
        let sent =
            desk.start(&new.site, &new.nonce, &new.body, viewer.address, viewer.lang).await?;
        Ok(Written::new(&sent, Side::Visitor))
    }

    /// A conversation as it is now.
    #[oai(
        path = "/conversations/:conversation",
        method = "get",
        tag = "Tag::Conversations",
        operation_id = "get_conversation"
    )]
    async fn get(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        /// A number for agents, a public id for visitors.
        conversation: Path<String>,
    ) -> Answer<Json<Conversation>> {
        let desk = Desk { app: &app, limits: &limits, caller: &caller };
        let seat = desk.seat(&conversation)?;
        let head = conversation::find_for(app.db.read(), &seat).await?;
        let name = contact::name_of(app.db.read(), head.contact).await?;
        Ok(Json(Conversation::new(&head, &name, caller.side())))
    }

    /// Takes a conversation that nobody has.
    #[oai(
        path = "/conversations/:conversation/claim",
        method = "post",
        tag = "Tag::Conversations",
        operation_id = "claim_conversation"
    )]
    async fn claim(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        conversation: Path<i64>,
        act: Json<Act>,
    ) -> Answer<Written> {
        happen(at_desk(&app, &limits, &caller)?, conversation.0, &act, Happening::Claimed).await
    }

    /// Closes a conversation, with tags that say how it ended if there are any: both or neither.
    #[oai(
        path = "/conversations/:conversation/close",
        method = "post",
        tag = "Tag::Conversations",
        operation_id = "close_conversation"
    )]
    async fn close(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        conversation: Path<i64>,
        closing: Json<Closing>,
    ) -> Answer<Written> {
        let desk = at_desk(&app, &limits, &caller)?;
        let tags = closing.tags.as_deref().unwrap_or_default();
        let sent = desk.close(&conversation.0.to_string(), &closing.nonce, tags).await?;
        Ok(Written::new(&sent, Side::Agent))
    }

    /// Opens a closed conversation again.
    #[oai(
        path = "/conversations/:conversation/reopen",
        method = "post",
        tag = "Tag::Conversations",
        operation_id = "reopen_conversation"
    )]
    async fn reopen(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        conversation: Path<i64>,
        act: Json<Act>,
    ) -> Answer<Written> {
        happen(at_desk(&app, &limits, &caller)?, conversation.0, &act, Happening::Reopened).await
    }
}

/// Conversations, each with its visitor's name.
type Named = Vec<(conversation::Conversation, String)>;

/// By what a list is in order, and so by what it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Order {
    Number,
    /// By when each was closed, and then by number.
    Closing,
}

impl Order {
    /// Among those that are closed, which are more every year, a few are found fast in this way.
    fn of(lens: &Lens) -> Self {
        let narrowed = lens.filter != Filter::default();
        if lens.tab == Tab::Closed && narrowed { Self::Closing } else { Self::Number }
    }

    /// Where the page after this conversation begins.
    fn next(self, last: &conversation::Conversation) -> String {
        match (self, last.closed_at) {
            (Self::Closing, Some(at)) => next_cursor(&[at.as_microsecond(), last.id.0]),
            _ => next_cursor(&[last.id.0]),
        }
    }
}

fn tab(list: Option<List>, me: AgentId) -> Tab {
    match list {
        Some(List::Mine) => Tab::Mine(me),
        Some(List::Queue) => Tab::Queue,
        Some(List::All) | None => Tab::All,
        Some(List::Snoozed) => Tab::Snoozed,
        Some(List::Closed) => Tab::Closed,
    }
}

async fn own(
    app: &App,
    contact: Option<ContactId>,
    cursor: Option<&str>,
    limit: u64,
) -> Answer<Named> {
    let below = cursor.map(page_cursor).transpose()?.map(|[id]| id);
    let Some(contact) = contact else { return Ok(Vec::new()) };
    Ok(conversation::of_contact(&app.db, contact, below, limit).await?)
}

/// What an agent sees of what she asks for.
async fn seen(
    app: &App,
    me: &Agent,
    lens: &Lens,
    cursor: Option<&str>,
    limit: u64,
) -> Answer<Named> {
    let sight = conversation::sight(app.db.read(), me).await?;
    Ok(match Order::of(lens) {
        Order::Number => {
            let below = cursor.map(page_cursor).transpose()?.map(|[id]| id);
            conversation::page(&app.db, &sight, lens, below, limit).await?
        }
        Order::Closing => {
            let invalid = |_| Invalid { field: "cursor", reason: "invalid-cursor" };
            let below = match cursor.map(page_cursor).transpose()? {
                Some([at, id]) => {
                    let at = Timestamp::from_microsecond(at).map_err(invalid)?;
                    Some((at, ConversationId(id)))
                }
                None => None,
            };
            conversation::closed_page(&app.db, &sight, &lens.filter, below, limit).await?
        }
    })
}
