//! REST v1. Lists page by an opaque cursor; whatever makes something takes a `nonce`, so that a repeat is the same act.
use super::{
    acts::{Desk, Known, Message},
    caller::{Caller, Token},
    problem::Answer,
    shape::{Attachment, Conversation, ConversationName, Entries, Entry, moment},
    text::Text,
};
use crate::{
    agent,
    app::App,
    attachment::web::receive_one,
    canned_reply,
    contact::{self, VisitorToken},
    conversation::{self, Range, Sent, Tab},
    error::{Error, Invalid},
    event::{Happening, Side},
    ids::{self, ContactId, Cursor},
    site, team,
    web::{limits::Limits, page::Viewer},
};
use jiff::SignedDuration;
use poem::{Body, web::Data};
use poem_openapi::{
    ApiResponse, Enum, Object, OpenApi, Tags,
    param::{Path, Query},
    payload::{Binary, Json},
};
use std::{sync::Arc, time::Duration};

/// A visitor's token lives so long after its last use.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(180 * 24);
/// The most entries or conversations in one answer, and how many come if nothing else is asked for.
const MOST: u64 = 500;
const USUAL: u64 = 50;

#[derive(Tags)]
pub(super) enum Tag {
    /// A visitor's way in, and who a token speaks for.
    Session,
    /// Conversations and the acts in them.
    Conversations,
    /// The log of a conversation.
    Entries,
    /// Sites, agents, contacts: for agents.
    People,
}

#[derive(Object)]
struct NewSession {
    /// The key of the site.
    site: Text,
}

#[derive(Object)]
struct Session {
    /// Show it as `Authorization: Bearer …`. Keep it: it is the only way back into the visitor's conversations.
    token: String,
    /// A name for this visitor.
    visitor: String,
    expires_at: String,
}

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct Me {
    side: super::shape::SideName,
    /// An agent's number.
    id: Option<i64>,
    name: Option<String>,
    role: Option<String>,
    /// What the token may: `read`, or `write` as well.
    scope: Option<String>,
}

#[derive(Enum)]
#[oai(rename_all = "snake_case")]
enum List {
    Mine,
    Queue,
    /// All that are not closed.
    All,
    Closed,
}

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct Conversations {
    /// The newest first.
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
struct NewEntry {
    /// 1–64 of `A-Z a-z 0-9 - _`: the same again is the same message.
    nonce: Text,
    /// 1–5,000 characters, or none where files come with it.
    body: Text,
    /// Ids of files that the caller brought into this conversation and has not sent, at most 10.
    attachments: Option<Vec<Text>>,
    kind: Option<NewEntryKind>,
    /// The last entry the writer had seen. If another agent answered after it, this answer is refused as `stale`.
    seen: Option<i64>,
}

#[derive(ApiResponse)]
enum Brought {
    /// Kept until it is sent, for a day.
    #[oai(status = 201)]
    Created(Json<Attachment>),
}

#[derive(Object)]
struct FileLink {
    url: String,
}

#[derive(Enum)]
#[oai(rename_all = "snake_case")]
enum NewEntryKind {
    Text,
    /// For agents only.
    Note,
}

#[derive(Object)]
struct Act {
    /// 1–64 of `A-Z a-z 0-9 - _`: the same again is the same act.
    nonce: Text,
}

#[derive(Object)]
struct Reading {
    /// The last entry that was read.
    #[oai(validator(minimum(value = "0")))]
    seq: i64,
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
        let before = match audience {
            Side::Visitor => sent.appended.before_visitor.as_ref(),
            Side::Agent => sent.appended.before_desk.as_ref(),
        };
        let committed = Json(Committed {
            conversation: ConversationName::of(&sent.conversation, audience),
            entry: Entry::new(&sent.appended.entry, before, audience),
            duplicate: sent.duplicate,
        });
        if sent.duplicate { Self::Before(committed) } else { Self::Now(committed) }
    }
}

#[derive(ApiResponse)]
enum Done {
    /// Done; there is nothing to say.
    #[oai(status = 204)]
    Done,
}

#[derive(Object)]
struct Sites {
    sites: Vec<Site>,
}

#[derive(Object)]
struct Site {
    id: i64,
    key: String,
    name: String,
    origins: Vec<String>,
}

#[derive(Object)]
struct Agents {
    agents: Vec<Agent>,
}

#[derive(Object)]
struct Agent {
    id: i64,
    name: String,
    role: String,
}

#[derive(Object)]
struct Teams {
    teams: Vec<Team>,
}

#[derive(Object)]
struct Team {
    id: i64,
    name: String,
    /// The numbers of the agents in it.
    members: Vec<i64>,
}

#[derive(Object)]
struct CannedReplies {
    canned_replies: Vec<CannedReply>,
}

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct CannedReply {
    id: i64,
    scope: CannedScope,
    /// The number of the team it is for.
    team: Option<i64>,
    short_code: String,
    title: String,
    /// With variables such as `{visitor}` as they are.
    body: String,
    updated_at: String,
}

#[derive(Enum)]
#[oai(rename_all = "snake_case")]
enum CannedScope {
    /// The caller's own.
    Own,
    Team,
    All,
}

impl From<canned_reply::CannedReply> for CannedReply {
    fn from(reply: canned_reply::CannedReply) -> Self {
        let (scope, team) = match reply.scope {
            canned_reply::Scope::Own(_) => (CannedScope::Own, None),
            canned_reply::Scope::Team(team) => (CannedScope::Team, Some(team.0)),
            canned_reply::Scope::All => (CannedScope::All, None),
        };
        Self {
            id: reply.id.0,
            scope,
            team,
            short_code: reply.wording.short_code.as_str().into(),
            title: reply.wording.title.as_str().into(),
            body: reply.wording.body.as_str().into(),
            updated_at: moment(reply.updated_at),
        }
    }
}

#[derive(Object)]
struct Contact {
    id: i64,
    /// Empty while nobody knows it; so are the phone and the e-mail.
    name: String,
    /// Masked, as in `138****8871`, for a role that may only read.
    phone: String,
    email: String,
    /// The language of the first message: `zh-CN` or `en`.
    language: String,
    /// Under the keys of `/desk/settings/attributes`; what is not known is left out.
    attributes: Vec<AttributeValue>,
    tags: Vec<String>,
    /// Whether what the contact sends is refused.
    blocked: bool,
}

#[derive(Object)]
struct AttributeValue {
    key: Text,
    value: Text,
}

/// What is left out stays as it is; an empty text takes away what was known.
#[derive(Object)]
struct ContactChange {
    /// At most 60 characters.
    name: Option<Text>,
    /// Digits, spaces, `-` and a `+` in front: at most 32 characters.
    phone: Option<Text>,
    /// At most 254 characters.
    email: Option<Text>,
    /// Those given are changed: at most 500 characters each.
    attributes: Option<Vec<AttributeValue>>,
}

type Limit<'a> = Data<&'a Arc<Limits>>;

#[derive(Clone, Copy, Debug)]
pub struct Rest;

#[OpenApi]
impl Rest {
    /// Makes a visitor's token.
    ///
    /// Nothing is stored until the visitor speaks.
    #[oai(
        path = "/visitor/sessions",
        method = "post",
        tag = "Tag::Session",
        operation_id = "make_session"
    )]
    async fn make_session(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        viewer: Viewer,
        new: Json<NewSession>,
    ) -> Answer<Json<Session>> {
        limits.act(&format!("address {}", viewer.address))?;
        let key = ids::SiteKey::parse(&new.site).map_err(|_| Error::NotFound)?;
        site::find_by_key(app.db.read(), &key).await?;
        let token = VisitorToken::issue(&app.key);
        Ok(Json(Session {
            visitor: token.hash().name(),
            token: token.as_str().to_owned(),
            expires_at: moment(app.clock.now() + TOKEN_LIFE),
        }))
    }

    /// Who the token speaks for.
    #[oai(path = "/me", method = "get", tag = "Tag::Session", operation_id = "me")]
    async fn me(&self, Token(caller): Token) -> Answer<Json<Me>> {
        let side = caller.side().into();
        Ok(Json(match caller {
            Caller::Visitor { .. } => Me { side, id: None, name: None, role: None, scope: None },
            Caller::Agent { agent, scope, .. } => Me {
                side,
                id: Some(agent.id.0),
                role: Some(agent.role.word().into()),
                name: Some(agent.name),
                scope: Some(scope.word().into()),
            },
        }))
    }

    /// Lists conversations: a visitor's own; for an agent those of a list.
    #[oai(
        path = "/conversations",
        method = "get",
        tag = "Tag::Conversations",
        operation_id = "list_conversations"
    )]
    async fn list(
        &self,
        app: Data<&App>,
        Token(caller): Token,
        /// For agents; all that are not closed if left out.
        list: Query<Option<List>>,
        /// `next` of the page before.
        cursor: Query<Option<String>>,
        /// How many, 50 if left out.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u64>>,
    ) -> Answer<Json<Conversations>> {
        let before = cursor.0.as_deref().map(page_cursor).transpose()?;
        let limit = limit.0.unwrap_or(USUAL).min(MOST);
        let side = caller.side();
        let found = match &caller {
            Caller::Visitor { contact: None, .. } => Vec::new(),
            Caller::Visitor { contact: Some(contact), .. } => {
                conversation::of_contact(&app.db, *contact, before, limit + 1).await?
            }
            Caller::Agent { agent, .. } => {
                let tab = match list.0 {
                    Some(List::Mine) => Tab::Mine(agent.id),
                    Some(List::Queue) => Tab::Queue,
                    Some(List::All) | None => Tab::All,
                    Some(List::Closed) => Tab::Closed,
                };
                let sight = conversation::sight(app.db.read(), agent).await?;
                conversation::page(&app.db, &sight, tab, before, limit + 1).await?
            }
        };
        let shown = usize::try_from(limit).unwrap_or(usize::MAX).min(found.len());
        let next = (found.len() > shown).then(|| next_cursor(found[shown - 1].0.id.0));
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

    /// Entries after or before one; the newest if neither is given.
    #[oai(
        path = "/conversations/:conversation/entries",
        method = "get",
        tag = "Tag::Entries",
        operation_id = "list_entries"
    )]
    #[expect(clippy::too_many_arguments, reason = "they are the parameters of the operation")]
    async fn entries(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        /// A number for agents, a public id for visitors.
        conversation: Path<String>,
        /// A seq, or `{epoch}:{seq}`, which is refused after a backup was restored.
        after: Query<Option<String>>,
        #[oai(validator(minimum(value = "0")))] before: Query<Option<i64>>,
        /// How many, 50 if left out.
        #[oai(validator(minimum(value = "1"), maximum(value = "500")))]
        limit: Query<Option<u64>>,
        /// With `after`: how many seconds to wait for an entry if there is none yet.
        #[oai(validator(minimum(value = "0"), maximum(value = "30")))]
        wait: Query<Option<u64>>,
    ) -> Answer<Json<Entries>> {
        let desk = Desk { app: &app, limits: &limits, caller: &caller };
        let seat = desk.seat(&conversation)?;
        let head = conversation::find_for(app.db.read(), &seat).await?;
        let limit = limit.0.unwrap_or(USUAL).min(MOST);
        let range = match (after.0, before.0) {
            (Some(after), _) => {
                let invalid = Invalid { field: "after", reason: "invalid-cursor" };
                let cursor = Cursor::parse(&after).ok_or(invalid)?;
                let seq = cursor.resume(&app.epoch, head.last_seq);
                Range::After(seq.ok_or(Error::Conflict("conflict-cursor"))?, limit)
            }
            (None, Some(seq)) => Range::Before(seq, limit),
            (None, None) => Range::Latest(limit),
        };
        let patience = match range {
            Range::After(..) => wait.0.unwrap_or(0),
            Range::Before(..) | Range::Around(..) | Range::Latest(_) => 0,
        };
        let history = match patience {
            0 => conversation::history(app.db.read(), head.id, range).await?,
            seconds => {
                let _place = limits.stream(caller.line())?;
                let patience = Duration::from_secs(seconds);
                let (id, side) = (head.id, caller.side());
                let history = conversation::wait_for_news(&app, id, side, range, patience).await?;
                // Access may have been lost meanwhile.
                caller.still(&app).await?;
                conversation::find_for(app.db.read(), &seat).await?;
                history
            }
        };
        Ok(Json(Entries::new(&app.epoch, &history, head.last_seq, caller.side())))
    }

    /// Sends a message, or as an agent a note.
    #[oai(
        path = "/conversations/:conversation/entries",
        method = "post",
        tag = "Tag::Entries",
        operation_id = "send_entry"
    )]
    async fn send(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        /// A number for agents, a public id for visitors.
        conversation: Path<String>,
        new: Json<NewEntry>,
    ) -> Answer<Written> {
        let desk = Desk { app: &app, limits: &limits, caller: &caller };
        let new = new.0;
        let note = matches!(new.kind, Some(NewEntryKind::Note));
        let attachments = new.attachments.unwrap_or_default();
        let message = Message {
            nonce: new.nonce.into(),
            body: new.body.into(),
            attachments: attachments.into_iter().map(String::from).collect(),
            note,
            seen: new.seen,
        };
        let sent = desk.send(&conversation, &message).await?;
        Ok(Written::new(&sent, caller.side()))
    }

    /// Brings a file, to be sent within a day with a message that names it among its `attachments`: png, jpg, gif, webp, pdf or
    /// text, at most 20 MB, told by its content. Pictures are drawn anew. 10 a minute.
    #[oai(
        path = "/conversations/:conversation/files",
        method = "post",
        tag = "Tag::Entries",
        operation_id = "bring_file"
    )]
    async fn bring(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        /// A number for agents, a public id for visitors.
        conversation: Path<String>,
        /// What it is called.
        name: Query<Option<String>>,
        bytes: Binary<Body>,
    ) -> Answer<Brought> {
        let desk = Desk { app: &app, limits: &limits, caller: &caller };
        let (name, bytes) = (name.0.unwrap_or_default(), bytes.0);
        let received = async || receive_one(&app, name, bytes).await;
        let file = desk.bring(&conversation, received).await?;
        Ok(Brought::Created(Json(file.told().into())))
    }

    /// Where the bytes of a file are. The link needs no token, and ends within half an hour.
    #[oai(
        path = "/conversations/:conversation/files/:file",
        method = "get",
        tag = "Tag::Entries",
        operation_id = "get_file"
    )]
    async fn file(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        /// A number for agents, a public id for visitors.
        conversation: Path<String>,
        /// The `id` of an attachment.
        file: Path<String>,
    ) -> Answer<Json<FileLink>> {
        let desk = Desk { app: &app, limits: &limits, caller: &caller };
        let path = desk.link(&conversation, &file).await?;
        Ok(Json(FileLink { url: app.config.public_url() + &path }))
    }

    /// Says that the caller has read up to an entry.
    #[oai(
        path = "/conversations/:conversation/read",
        method = "post",
        tag = "Tag::Entries",
        operation_id = "mark_read"
    )]
    async fn read(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        /// A number for agents, a public id for visitors.
        conversation: Path<String>,
        reading: Json<Reading>,
    ) -> Answer<Done> {
        let desk = Desk { app: &app, limits: &limits, caller: &caller };
        desk.read(&conversation, reading.seq).await?;
        Ok(Done::Done)
    }

    /// Says that the caller is typing: every 3 s at most, forgotten after 6 s.
    #[oai(
        path = "/conversations/:conversation/typing",
        method = "post",
        tag = "Tag::Entries",
        operation_id = "typing"
    )]
    async fn typing(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        /// A number for agents, a public id for visitors.
        conversation: Path<String>,
    ) -> Answer<Done> {
        Desk { app: &app, limits: &limits, caller: &caller }.typing(&conversation).await?;
        Ok(Done::Done)
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
        happen(&app, &limits, &caller, conversation.0, &act, Happening::Claimed).await
    }

    /// Closes a conversation.
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
        act: Json<Act>,
    ) -> Answer<Written> {
        happen(&app, &limits, &caller, conversation.0, &act, Happening::Closed).await
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
        happen(&app, &limits, &caller, conversation.0, &act, Happening::Reopened).await
    }

    /// The sites of this installation.
    #[oai(path = "/sites", method = "get", tag = "Tag::People", operation_id = "list_sites")]
    async fn sites(&self, app: Data<&App>, Token(caller): Token) -> Answer<Json<Sites>> {
        caller.agent()?;
        let site = |site: site::Site| Site {
            id: site.id.0,
            key: site.key.to_string(),
            name: site.name,
            origins: site.origins,
        };
        Ok(Json(Sites { sites: site::all(&app.db).await?.into_iter().map(site).collect() }))
    }

    /// Who works here.
    #[oai(path = "/agents", method = "get", tag = "Tag::People", operation_id = "list_agents")]
    async fn agents(&self, app: Data<&App>, Token(caller): Token) -> Answer<Json<Agents>> {
        caller.agent()?;
        let agent = |agent: agent::Agent| Agent {
            id: agent.id.0,
            name: agent.name,
            role: agent.role.word().into(),
        };
        Ok(Json(Agents { agents: agent::all(&app.db).await?.into_iter().map(agent).collect() }))
    }

    /// The teams of this installation, and who is in them.
    #[oai(path = "/teams", method = "get", tag = "Tag::People", operation_id = "list_teams")]
    async fn teams(&self, app: Data<&App>, Token(caller): Token) -> Answer<Json<Teams>> {
        caller.agent()?;
        let memberships = team::memberships(&app.db).await?;
        let team = |team: team::Team| Team {
            id: team.id.0,
            name: team.name,
            members: memberships
                .iter()
                .filter(|(of, _)| *of == team.id)
                .map(|(_, agent)| agent.0)
                .collect(),
        };
        Ok(Json(Teams { teams: team::all(&app.db).await?.into_iter().map(team).collect() }))
    }

    /// The canned replies that the caller may say: own ones, those of teams, those of all.
    #[oai(
        path = "/canned-replies",
        method = "get",
        tag = "Tag::People",
        operation_id = "list_canned_replies"
    )]
    async fn canned_replies(
        &self,
        app: Data<&App>,
        Token(caller): Token,
    ) -> Answer<Json<CannedReplies>> {
        let replies = canned_reply::visible(&app, caller.agent()?).await?;
        Ok(Json(CannedReplies { canned_replies: replies.into_iter().map(Into::into).collect() }))
    }

    /// The stored person behind a visitor.
    #[oai(
        path = "/contacts/:contact",
        method = "get",
        tag = "Tag::People",
        operation_id = "get_contact"
    )]
    async fn contact(
        &self,
        app: Data<&App>,
        Token(caller): Token,
        /// One that was merged is found as whom it became.
        contact: Path<i64>,
    ) -> Answer<Json<Contact>> {
        Ok(Json(contact_shape(&app, &caller, contact.0).await?))
    }

    /// Changes what is known of a contact.
    #[oai(
        path = "/contacts/:contact",
        method = "post",
        tag = "Tag::People",
        operation_id = "change_contact"
    )]
    async fn change_contact(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        contact: Path<i64>,
        change: Json<ContactChange>,
    ) -> Answer<Json<Contact>> {
        let ContactChange { name, phone, email, attributes } = change.0;
        let attributes = attributes.unwrap_or_default().into_iter();
        let known = Known {
            name: name.map(String::from),
            phone: phone.map(String::from),
            email: email.map(String::from),
            attributes: attributes.map(|one| (one.key.into(), one.value.into())).collect(),
        };
        let desk = Desk { app: &app, limits: &limits, caller: &caller };
        desk.change_contact(contact.0, &known).await?;
        Ok(Json(contact_shape(&app, &caller, contact.0).await?))
    }
}

async fn contact_shape(app: &App, caller: &Caller, id: i64) -> Answer<Contact> {
    let agent = caller.agent()?;
    let db = app.db.read();
    let found = conversation::known(db, agent, ContactId(id)).await?;
    let mut values = contact::values(db, found.id).await?;
    let value = |one: contact::Attribute| {
        let value = values.remove(&one.id)?;
        Some(AttributeValue { key: one.key.into(), value: value.into() })
    };
    let attributes = contact::attributes(db).await?.into_iter().filter_map(value).collect();
    let phone = match agent.role.may_act() {
        true => found.phone,
        false => contact::masked(&found.phone),
    };
    Ok(Contact {
        id: found.id.0,
        name: found.name,
        phone,
        email: found.email,
        language: found.lang.code().into(),
        attributes,
        tags: contact::tags(db, found.id).await?,
        blocked: found.block.is_some(),
    })
}

async fn happen(
    app: &App,
    limits: &Limits,
    caller: &Caller,
    conversation: i64,
    act: &Act,
    what: Happening,
) -> Answer<Written> {
    caller.agent()?;
    let sent =
        Desk { app, limits, caller }.happen(&conversation.to_string(), &act.nonce, what).await?;
    Ok(Written::new(&sent, Side::Agent))
}

/// Pages go by number, downwards; what the cursor holds is nobody's business.
pub(super) fn next_cursor(id: i64) -> String {
    ids::encode(&id.to_be_bytes())
}

pub(super) fn page_cursor(text: &str) -> Result<i64, Invalid> {
    let bytes = ids::decode(text).and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
    bytes.map(i64::from_be_bytes).ok_or(Invalid { field: "cursor", reason: "invalid-cursor" })
}
