//! Rows of conversations, entries and read positions, and the questions asked of them.
use super::model::{Answer, Append, Assignee, Conversation, Seat};
use crate::{
    contact::{self, TokenHash},
    db::{self, Db},
    error::{Error, Result},
    event::{Author, Content, Entry, Happening, Side, State, Summary},
    ids::{AgentId, ContactId, ConversationId, Nonce, PublicId, SiteId},
    site,
};
use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set,
    Condition, FromQueryResult, QueryOrder, QuerySelect, QueryTrait, Select,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};
use std::collections::HashMap;

pub mod conversation {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "conversation")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        #[sea_orm(unique)]
        pub public_id: String,
        pub site_id: i64,
        pub contact_id: i64,
        pub start_token: Vec<u8>,
        pub start_nonce: String,
        pub state: String,
        pub assignee_id: Option<i64>,
        pub assignee_name: String,
        pub last_seq: i64,
        pub unread: i64,
        pub waiting_since: Option<i64>,
        pub answer_seq: Option<i64>,
        pub answer_by: Option<i64>,
        pub answer_name: String,
        pub preview: String,
        pub preview_by: String,
        pub last_at: i64,
        pub created_at: i64,
        pub answered_at: Option<i64>,
        pub closed_at: Option<i64>,
        pub touched_at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod entry {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "entry")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub conversation_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub seq: i64,
        pub kind: String,
        pub audience: String,
        pub author_kind: String,
        pub author_id: i64,
        pub author_name: String,
        pub nonce: String,
        #[sea_orm(column_type = "Text")]
        pub body: String,
        pub at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod read_position {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "read_position")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub conversation_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub reader_kind: String,
        #[sea_orm(primary_key, auto_increment = false)]
        pub reader_id: i64,
        pub seq: i64,
        pub at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

// ── conversations ──

pub async fn find_for(db: &impl ConnectionTrait, seat: &Seat) -> Result<Conversation> {
    of_seat(seat).one(db).await?.map(read).ok_or(Error::NotFound)
}

/// The same, held until the transaction ends: whoever holds it takes the next number.
pub async fn lock(db: &impl ConnectionTrait, seat: &Seat) -> Result<Conversation> {
    of_seat(seat).lock_exclusive().one(db).await?.map(read).ok_or(Error::NotFound)
}

fn of_seat(seat: &Seat) -> Select<conversation::Entity> {
    let all = conversation::Entity::find();
    match seat {
        Seat::Visitor { contact, conversation } => all
            .filter(conversation::Column::PublicId.eq(conversation.as_str()))
            .filter(conversation::Column::ContactId.eq(contact.0)),
        // Until teams exist every agent sees every conversation.
        Seat::Agent { id: _, conversation } => {
            all.filter(conversation::Column::Id.eq(conversation.0))
        }
    }
}

/// The conversation that a first message has already opened.
pub async fn find_started(
    db: &impl ConnectionTrait,
    site: SiteId,
    token: &TokenHash,
    nonce: &Nonce,
) -> Result<Option<Conversation>> {
    let row = conversation::Entity::find()
        .filter(conversation::Column::SiteId.eq(site.0))
        .filter(conversation::Column::StartToken.eq(token.0.clone()))
        .filter(conversation::Column::StartNonce.eq(nonce.as_str()))
        .one(db)
        .await?;
    Ok(row.map(read))
}

/// The conversation a visitor is in on a site, if one is not closed.
pub async fn find_open(
    db: &impl ConnectionTrait,
    site: SiteId,
    contact: ContactId,
) -> Result<Option<Conversation>> {
    let row = conversation::Entity::find()
        .filter(conversation::Column::ContactId.eq(contact.0))
        .filter(conversation::Column::SiteId.eq(site.0))
        .filter(conversation::Column::State.ne(state_word(State::Closed)))
        .order_by_desc(conversation::Column::Id)
        .one(db)
        .await?;
    Ok(row.map(read))
}

pub struct Start<'a> {
    pub site: SiteId,
    pub contact: ContactId,
    pub token: &'a TokenHash,
    pub nonce: &'a Nonce,
    pub at: Timestamp,
}

/// An empty log. `None` if a repeat of the same first message was faster.
pub async fn open(db: &impl ConnectionTrait, start: &Start<'_>) -> Result<Option<Conversation>> {
    let at = db::micros(start.at);
    let row = conversation::ActiveModel {
        public_id: Set(PublicId::new().to_string()),
        site_id: Set(start.site.0),
        contact_id: Set(start.contact.0),
        start_token: Set(start.token.0.clone()),
        start_nonce: Set(start.nonce.to_string()),
        state: Set(state_word(State::Queued).into()),
        assignee_id: Set(None),
        assignee_name: Set(String::new()),
        last_seq: Set(0),
        unread: Set(0),
        waiting_since: Set(None),
        answer_seq: Set(None),
        answer_by: Set(None),
        answer_name: Set(String::new()),
        preview: Set(String::new()),
        preview_by: Set(side_word(Side::Visitor).into()),
        last_at: Set(at),
        created_at: Set(at),
        answered_at: Set(None),
        closed_at: Set(None),
        touched_at: Set(at),
        ..Default::default()
    };
    match conversation::Entity::insert(row).exec(db).await {
        Err(error) if db::is_taken(&error) => Ok(None),
        Err(error) => Err(error.into()),
        Ok(made) => {
            let row = conversation::Entity::find_by_id(made.last_insert_id).one(db).await?;
            Ok(Some(row.map(read).ok_or(Error::NotFound)?))
        }
    }
}

/// Writes what an entry or a reader changed, and when by the database's clock.
pub async fn update(db: &impl ConnectionTrait, conversation: &Conversation) -> Result<()> {
    let now = conversation;
    let answer = now.answer.as_ref();
    let row = conversation::ActiveModel {
        state: Set(state_word(now.state).into()),
        assignee_id: Set(now.assignee.as_ref().map(|assignee| assignee.id.0)),
        assignee_name: Set(now
            .assignee
            .as_ref()
            .map_or_else(String::new, |assignee| assignee.name.clone())),
        last_seq: Set(now.last_seq),
        unread: Set(now.unread),
        waiting_since: Set(now.waiting_since.map(db::micros)),
        answer_seq: Set(answer.map(|answer| answer.seq)),
        answer_by: Set(answer.map(|answer| answer.by.0)),
        answer_name: Set(answer.map_or_else(String::new, |answer| answer.name.clone())),
        preview: Set(now.preview.clone()),
        preview_by: Set(side_word(now.preview_by).into()),
        last_at: Set(db::micros(now.last_at)),
        answered_at: Set(now.answered_at.map(db::micros)),
        closed_at: Set(now.closed_at.map(db::micros)),
        ..Default::default()
    };
    conversation::Entity::update_many()
        .set(row)
        .col_expr(conversation::Column::TouchedAt, db::now(db))
        .filter(conversation::Column::Id.eq(now.id.0))
        .exec(db)
        .await?;
    Ok(())
}

fn read(row: conversation::Model) -> Conversation {
    let answer = row.answer_seq.zip(row.answer_by);
    Conversation {
        id: ConversationId(row.id),
        public_id: PublicId::parse(&row.public_id).expect("public ids are made by us"),
        site: SiteId(row.site_id),
        contact: ContactId(row.contact_id),
        state: state(&row.state),
        assignee: row.assignee_id.map(|id| Assignee { id: AgentId(id), name: row.assignee_name }),
        last_seq: row.last_seq,
        unread: row.unread,
        waiting_since: row.waiting_since.map(db::timestamp),
        answer: answer.map(|(seq, by)| Answer { seq, by: AgentId(by), name: row.answer_name }),
        preview: row.preview,
        preview_by: side(&row.preview_by),
        last_at: db::timestamp(row.last_at),
        created_at: db::timestamp(row.created_at),
        answered_at: row.answered_at.map(db::timestamp),
        closed_at: row.closed_at.map(db::timestamp),
    }
}

// ── lists of the desk ──

/// The lists an agent looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tab {
    Mine(AgentId),
    Queue,
    All,
    Closed,
}

impl Tab {
    pub fn holds(self, summary: &Summary) -> bool {
        match self {
            Self::Mine(agent) => summary.state == State::Open && summary.assignee == Some(agent),
            Self::Queue => summary.state == State::Queued,
            Self::All => summary.state != State::Closed,
            Self::Closed => summary.state == State::Closed,
        }
    }

    fn condition(self) -> Condition {
        let is = |wanted: State| conversation::Column::State.eq(state_word(wanted));
        match self {
            Self::Mine(agent) => Condition::all()
                .add(is(State::Open))
                .add(conversation::Column::AssigneeId.eq(agent.0)),
            Self::Queue => Condition::all().add(is(State::Queued)),
            Self::All => Condition::any().add(is(State::Queued)).add(is(State::Open)),
            Self::Closed => Condition::all().add(is(State::Closed)),
        }
    }
}

/// The rows of a list: whoever waits longest first, then the newest; at most `limit`.
pub async fn list(db: &Db, tab: Tab, limit: u64) -> Result<Vec<Summary>> {
    let waits_not = Expr::col(conversation::Column::WaitingSince).is_null();
    let rows = conversation::Entity::find()
        .filter(tab.condition())
        .order_by_asc(waits_not)
        .order_by_asc(conversation::Column::WaitingSince)
        .order_by_desc(conversation::Column::LastAt)
        .limit(limit)
        .all(db.read())
        .await?;
    summaries(db, rows).await
}

/// What changed since a moment of the database's clock: for a reader who was away.
pub async fn touched_since(db: &Db, since: Timestamp, limit: u64) -> Result<Vec<Summary>> {
    let rows = conversation::Entity::find()
        .filter(conversation::Column::TouchedAt.gte(db::micros(since)))
        .order_by_asc(conversation::Column::TouchedAt)
        .limit(limit)
        .all(db.read())
        .await?;
    summaries(db, rows).await
}

async fn summaries(db: &Db, rows: Vec<conversation::Model>) -> Result<Vec<Summary>> {
    let names =
        contact::names(db, rows.iter().map(|row| ContactId(row.contact_id)).collect()).await?;
    let zones: HashMap<_, _> =
        site::all(db).await?.into_iter().map(|site| (site.id, site.zone)).collect();
    let summary = |row| {
        let conversation = read(row);
        let name = names.get(&conversation.contact).cloned().unwrap_or_default();
        let zone = zones.get(&conversation.site).cloned().unwrap_or_default();
        conversation.summary(name, zone)
    };
    Ok(rows.into_iter().map(summary).collect())
}

/// How many conversations are in each list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    pub mine: i64,
    pub queue: i64,
    pub all: i64,
    /// Unread messages in my conversations.
    pub unread: i64,
}

#[derive(FromQueryResult)]
struct CountRow {
    state: String,
    assignee_id: Option<i64>,
    conversations: i64,
    unread: i64,
}

pub async fn counts(db: &Db, agent: AgentId) -> Result<Counts> {
    let unread = Expr::cust(match db.read().get_database_backend() {
        sea_orm::DbBackend::Sqlite => "SUM(unread)",
        sea_orm::DbBackend::MySql => "CAST(SUM(unread) AS SIGNED)",
        _ => "CAST(SUM(unread) AS BIGINT)",
    });
    let rows = conversation::Entity::find()
        .select_only()
        .column(conversation::Column::State)
        .column(conversation::Column::AssigneeId)
        .column_as(conversation::Column::Id.count(), "conversations")
        .column_as(unread, "unread")
        .filter(conversation::Column::State.ne(state_word(State::Closed)))
        .group_by(conversation::Column::State)
        .group_by(conversation::Column::AssigneeId)
        .into_model::<CountRow>()
        .all(db.read())
        .await?;
    Ok(rows.iter().fold(Counts::default(), |mut counts, row| {
        counts.all += row.conversations;
        if row.state == state_word(State::Queued) {
            counts.queue += row.conversations;
        } else if row.assignee_id == Some(agent.0) {
            counts.mine += row.conversations;
            counts.unread += row.unread;
        }
        counts
    }))
}

// ── entries ──

pub async fn insert(
    db: &impl ConnectionTrait,
    id: ConversationId,
    entry: &Entry,
    nonce: &Nonce,
) -> Result<()> {
    let (kind, audience, body) = match &entry.content {
        Content::Text { body } => ("text", "both", body.clone()),
        Content::Note { body } => ("note", "agents", body.clone()),
        Content::Event { what } => {
            ("event", "both", serde_json::to_string(what).map_err(Error::internal)?)
        }
    };
    let (author_kind, author_id) = key(&entry.author);
    let row = entry::ActiveModel {
        conversation_id: Set(id.0),
        seq: Set(entry.seq),
        kind: Set(kind.into()),
        audience: Set(audience.into()),
        author_kind: Set(author_kind.into()),
        author_id: Set(author_id),
        author_name: Set(entry.author.name().to_owned()),
        nonce: Set(nonce.to_string()),
        body: Set(body),
        at: Set(db::micros(entry.at)),
    };
    entry::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// What an author's nonce has already made.
pub async fn find_by_nonce(
    db: &impl ConnectionTrait,
    id: ConversationId,
    append: &Append,
) -> Result<Option<Entry>> {
    let (author_kind, author_id) = key(&append.author);
    let row = of(id)
        .filter(entry::Column::AuthorKind.eq(author_kind))
        .filter(entry::Column::AuthorId.eq(author_id))
        .filter(entry::Column::Nonce.eq(append.nonce.as_str()))
        .one(db)
        .await?;
    row.map(read_entry).transpose()
}

/// A stretch of a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// The last entries.
    Latest(u64),
    /// The first entries after a number.
    After(i64, u64),
    /// The last entries before a number.
    Before(i64, u64),
}

/// A stretch of a log in order, with what its first entries follow, so that it can be drawn as if the whole were there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct History {
    pub entries: Vec<Entry>,
    pub before_visitor: Option<Entry>,
    pub before_desk: Option<Entry>,
}

impl History {
    /// The entries an audience may see, each with the one before it.
    pub fn seen_by(&self, audience: Side) -> impl Iterator<Item = (&Entry, Option<&Entry>)> {
        let mut before = match audience {
            Side::Visitor => self.before_visitor.as_ref(),
            Side::Agent => self.before_desk.as_ref(),
        };
        let visible = self.entries.iter().filter(move |entry| entry.is_for(audience));
        visible.map(move |entry| (entry, before.replace(entry)))
    }

    pub fn first_seq(&self) -> i64 {
        self.entries.first().map_or(1, |entry| entry.seq)
    }
}

pub async fn history(
    db: &impl ConnectionTrait,
    id: ConversationId,
    range: Range,
) -> Result<History> {
    let (query, backwards) = match range {
        Range::Latest(limit) => (of(id).order_by_desc(entry::Column::Seq).limit(limit), true),
        Range::After(seq, limit) => (
            of(id).filter(entry::Column::Seq.gt(seq)).order_by_asc(entry::Column::Seq).limit(limit),
            false,
        ),
        Range::Before(seq, limit) => (
            of(id)
                .filter(entry::Column::Seq.lt(seq))
                .order_by_desc(entry::Column::Seq)
                .limit(limit),
            true,
        ),
    };
    let mut entries: Vec<Entry> =
        query.all(db).await?.into_iter().map(read_entry).collect::<Result<_>>()?;
    if backwards {
        entries.reverse();
    }
    let Some(first) = entries.first().map(|entry| entry.seq) else {
        return Ok(History { entries, before_visitor: None, before_desk: None });
    };
    let before_visitor = before(db, id, first, Side::Visitor).await?;
    let before_desk = before(db, id, first, Side::Agent).await?;
    Ok(History { entries, before_visitor, before_desk })
}

/// The entry before a number that an audience may see.
pub async fn before(
    db: &impl ConnectionTrait,
    id: ConversationId,
    seq: i64,
    audience: Side,
) -> Result<Option<Entry>> {
    if seq <= 1 {
        return Ok(None);
    }
    let row = of(id)
        .filter(entry::Column::Seq.lt(seq))
        .apply_if((audience == Side::Visitor).then_some(()), |query, ()| {
            query.filter(entry::Column::Audience.eq("both"))
        })
        .order_by_desc(entry::Column::Seq)
        .one(db)
        .await?;
    row.map(read_entry).transpose()
}

fn of(id: ConversationId) -> Select<entry::Entity> {
    entry::Entity::find().filter(entry::Column::ConversationId.eq(id.0))
}

fn read_entry(row: entry::Model) -> Result<Entry> {
    let content = match row.kind.as_str() {
        "text" => Content::Text { body: row.body },
        "note" => Content::Note { body: row.body },
        _ => Content::Event {
            what: serde_json::from_str::<Happening>(&row.body).map_err(Error::internal)?,
        },
    };
    let author = match side(&row.author_kind) {
        Side::Visitor => Author::Visitor { id: ContactId(row.author_id), name: row.author_name },
        Side::Agent => Author::Agent { id: AgentId(row.author_id), name: row.author_name },
    };
    Ok(Entry { seq: row.seq, author, content, at: db::timestamp(row.at) })
}

// ── read positions ──

/// How far each side has read: any agent counts for the agents.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Positions {
    pub visitor: Mark,
    pub agents: Mark,
}

/// A position, and the last message of the other side at or before it (0 if none): where the mark stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Mark {
    pub seq: i64,
    pub at_entry: i64,
}

pub async fn positions(db: &impl ConnectionTrait, id: ConversationId) -> Result<Positions> {
    Ok(Positions {
        visitor: mark(db, id, Side::Visitor).await?,
        agents: mark(db, id, Side::Agent).await?,
    })
}

pub async fn mark(db: &impl ConnectionTrait, id: ConversationId, reader: Side) -> Result<Mark> {
    let furthest = read_position::Entity::find()
        .filter(read_position::Column::ConversationId.eq(id.0))
        .filter(read_position::Column::ReaderKind.eq(side_word(reader)))
        .order_by_desc(read_position::Column::Seq)
        .one(db)
        .await?;
    let Some(seq) = furthest.map(|row| row.seq) else { return Ok(Mark::default()) };
    let writer = match reader {
        Side::Visitor => Side::Agent,
        Side::Agent => Side::Visitor,
    };
    let entry = of(id)
        .filter(entry::Column::Seq.lte(seq))
        .filter(entry::Column::Kind.eq("text"))
        .filter(entry::Column::AuthorKind.eq(side_word(writer)))
        .order_by_desc(entry::Column::Seq)
        .one(db)
        .await?;
    Ok(Mark { seq, at_entry: entry.map_or(0, |row| row.seq) })
}

/// Moves a reader forward; false if it had read as far already.
pub async fn advance(
    db: &impl ConnectionTrait,
    id: ConversationId,
    seat: &Seat,
    seq: i64,
    at: Timestamp,
) -> Result<bool> {
    let (kind, reader) = match seat {
        Seat::Visitor { contact, .. } => (side_word(Side::Visitor), contact.0),
        Seat::Agent { id, .. } => (side_word(Side::Agent), id.0),
    };
    let known = read_position::Entity::find_by_id((id.0, kind.to_owned(), reader)).one(db).await?;
    let row = read_position::ActiveModel {
        conversation_id: Set(id.0),
        reader_kind: Set(kind.into()),
        reader_id: Set(reader),
        seq: Set(seq),
        at: Set(db::micros(at)),
    };
    match known {
        Some(known) if known.seq >= seq => return Ok(false),
        Some(_) => {
            read_position::Entity::update(row).exec(db).await?;
        }
        None => {
            read_position::Entity::insert(row).exec_without_returning(db).await?;
        }
    }
    Ok(true)
}

/// How many messages the visitor wrote after a number.
pub async fn unread_after(db: &impl ConnectionTrait, id: ConversationId, seq: i64) -> Result<i64> {
    let unread = of(id)
        .filter(entry::Column::Seq.gt(seq))
        .filter(entry::Column::Kind.eq("text"))
        .filter(entry::Column::AuthorKind.eq(side_word(Side::Visitor)))
        .count(db)
        .await?;
    Ok(i64::try_from(unread).unwrap_or(i64::MAX))
}

// ── words in columns ──

fn key(author: &Author) -> (&'static str, i64) {
    match author {
        Author::Visitor { id, .. } => (side_word(Side::Visitor), id.0),
        Author::Agent { id, .. } => (side_word(Side::Agent), id.0),
    }
}

fn side_word(side: Side) -> &'static str {
    match side {
        Side::Visitor => "visitor",
        Side::Agent => "agent",
    }
}

fn side(word: &str) -> Side {
    if word == "visitor" { Side::Visitor } else { Side::Agent }
}

fn state_word(state: State) -> &'static str {
    match state {
        State::Queued => "queued",
        State::Open => "open",
        State::Closed => "closed",
    }
}

fn state(word: &str) -> State {
    match word {
        "open" => State::Open,
        "closed" => State::Closed,
        _ => State::Queued,
    }
}

/// The tables of this feature.
pub fn tables() -> Vec<db::Table> {
    vec![
        db::table::<conversation::Entity>(),
        db::table::<entry::Entity>(),
        db::table::<read_position::Entity>(),
    ]
}
