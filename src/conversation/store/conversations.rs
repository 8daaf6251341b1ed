//! Rows of conversations: the heads of the logs.
use super::{
    entries::{self, entry},
    sight::must_see,
    words::{priority, priority_number, side, side_word, state, state_word},
};
use crate::{
    contact::{self, TokenHash},
    conversation::model::{Answer, Assignee, Conversation, Seat},
    db::{self, Db},
    error::{Error, Result},
    event::{Entry, Priority, Side, State, Summary},
    ids::{AgentId, ContactId, ConversationId, Nonce, PublicId, SiteId, TeamId},
    site,
};
use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set,
    Condition, DbBackend, FromQueryResult, IdenStatic, IntoActiveModel, Iterable, QueryOrder,
    QueryResult, QuerySelect, Select,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, LockBehavior, LockType, OnConflict},
};
use std::time::Instant;

pub mod conversation {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, Default, PartialEq, Eq, DeriveEntityModel, serde::Serialize)]
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
        /// In whole seconds.
        pub touched_at: i64,
        pub touches: i64,
        /// 0 low, 1 normal, 2 high, 3 urgent.
        pub priority: i64,
        pub snoozed_until: Option<i64>,
        /// Numbers of tags, separated by spaces.
        pub tags: String,
        pub team_id: Option<i64>,
        /// Numbers of agents, separated by spaces.
        pub guests: String,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub async fn find_for(db: &impl ConnectionTrait, seat: &Seat) -> Result<Conversation> {
    let mut found = of_seat(seat).one(db).await?;
    if found.is_none()
        && let Some(seat) = now(db, seat).await?
    {
        found = of_seat(&seat).one(db).await?;
    }
    let found = found.map(read).ok_or(Error::NotFound)?;
    must_sit(db, seat, &found).await?;
    Ok(found)
}

/// A visitor is looked for with the conversation, what an agent sees is asked afterwards.
async fn must_sit(db: &impl ConnectionTrait, seat: &Seat, found: &Conversation) -> Result<()> {
    match seat {
        Seat::Visitor { .. } => Ok(()),
        Seat::Agent { id, .. } => must_see(db, *id, found).await,
    }
}

/// Where a visitor sits whose contact became another's since the seat was taken.
async fn now(db: &impl ConnectionTrait, seat: &Seat) -> Result<Option<Seat>> {
    let Seat::Visitor { contact, conversation } = seat else { return Ok(None) };
    let became = contact::became(db, *contact).await?;
    Ok(became.map(|contact| Seat::Visitor { contact, conversation: conversation.clone() }))
}

/// The same, held until the transaction ends: whoever holds it takes the next number.
pub async fn lock(db: &impl ConnectionTrait, seat: &Seat) -> Result<Held> {
    let mut found = held(db, of_seat(seat), None).await?;
    if found.is_empty()
        && let Some(seat) = now(db, seat).await?
    {
        found = held(db, of_seat(&seat), None).await?;
    }
    let held = found.pop().ok_or(Error::NotFound)?;
    // Once it is held, so that who sees it does not change any more.
    must_sit(db, seat, &held.conversation).await?;
    Ok(held)
}

/// The same once more, for whoever held it in this transaction, and may just have handed it over.
pub async fn lock_again(db: &impl ConnectionTrait, id: ConversationId) -> Result<Held> {
    let one = conversation::Entity::find().filter(conversation::Column::Id.eq(id.0));
    held(db, one, None).await?.pop().ok_or(Error::NotFound)
}

/// The same of many at once. Who is held by another transaction is not waited for, and not found.
pub async fn lock_free(db: &impl ConnectionTrait, seats: &[&Seat]) -> Result<Vec<Held>> {
    let (mut public, mut numbers) = (Vec::new(), Vec::new());
    for seat in seats {
        match seat {
            Seat::Visitor { conversation, .. } => public.push(conversation.as_str()),
            Seat::Agent { conversation, .. } => numbers.push(conversation.0),
        }
    }
    let mut rows = held_in(db, conversation::Column::PublicId, public).await?;
    // Both may sit in one.
    for held in held_in(db, conversation::Column::Id, numbers).await? {
        if rows.iter().all(|other| other.row.id != held.row.id) {
            rows.push(held);
        }
    }
    Ok(rows)
}

async fn held_in<T: Clone + Into<Value>>(
    db: &impl ConnectionTrait,
    column: conversation::Column,
    mut values: Vec<T>,
) -> Result<Vec<Held>> {
    let Some(last) = values.last().cloned() else { return Ok(Vec::new()) };
    // Few lengths are few statements to prepare.
    values.resize(values.len().next_power_of_two(), last);
    let found = conversation::Entity::find().filter(column.is_in(values));
    held(db, found, Some(LockBehavior::SkipLocked)).await
}

/// Holds what a question finds, and asks what is told with its news in the same breath.
async fn held(
    db: &impl ConnectionTrait,
    mut found: Select<conversation::Entity>,
    behavior: Option<LockBehavior>,
) -> Result<Vec<Held>> {
    use conversation::{Column, Entity};
    let own = |column| Expr::col((Entity, column));
    let last = Condition::all()
        .add(entry::Column::ConversationId.into_expr().eq(own(Column::Id)))
        .add(entry::Column::Seq.into_expr().eq(own(Column::LastSeq)));
    let question = QuerySelect::query(&mut found);
    question
        .columns(entry::Column::iter().map(|column| (entry::Entity, column)))
        .left_join(entry::Entity, last)
        .expr_as(contact::name_within(own(Column::ContactId)), "name")
        .expr_as(contact::blocked_within(own(Column::ContactId)), "blocked")
        .expr_as(site::zone_within(own(Column::SiteId)), "zone")
        .expr_as(site::signed_only_within(own(Column::SiteId)), "signed_only")
        .expr_as(contact::identified_within(own(Column::ContactId), own(Column::SiteId)), "signed");
    // MariaDB locks the last entry as well, which nobody wants who does not hold its conversation.
    let locked = match db.get_database_backend() {
        DbBackend::Postgres => vec![Entity],
        _ => Vec::new(),
    };
    match behavior {
        Some(behavior) => {
            question.lock_with_tables_behavior(LockType::Update, locked, behavior);
        }
        None => {
            question.lock_with_tables(LockType::Update, locked);
        }
    }
    let mut all = found.into_model::<Held>().all(db).await?;
    // PostgreSQL gives what another transaction has just written of what is locked, and of nothing else.
    let behind = |held: &&mut Held| {
        held.last.as_ref().map_or(0, |entry| entry.seq) != held.conversation.last_seq
    };
    let places = all
        .iter_mut()
        .filter(behind)
        .map(|held| (held.conversation.id, held.conversation.last_seq));
    let mut newer = entries::at(db, places).await?;
    for held in all.iter_mut().filter(behind) {
        held.last = newer.remove(&held.conversation.id);
    }
    Ok(all)
}

/// A conversation in a transaction that holds it.
#[derive(Clone, Debug)]
pub struct Held {
    pub conversation: Conversation,
    /// Its newest entry.
    pub last: Option<Entry>,
    /// Its visitor's name, as far as it is known.
    pub name: String,
    /// Whether its visitor is not heard any more.
    pub blocked: bool,
    /// Whether its site hears only whom it signed, and did not sign its visitor.
    pub unsigned: bool,
    /// Its site's time zone.
    pub zone: String,
    /// When these four were asked.
    pub asked: Instant,
    row: conversation::Model,
}

impl FromQueryResult for Held {
    fn from_query_result(found: &QueryResult, prefix: &str) -> Result<Self, DbErr> {
        let row = conversation::Model::from_query_result(found, prefix)?;
        let last = match found.try_get::<Option<i64>>(prefix, entry::Column::Seq.as_str())? {
            Some(_) => {
                let entry = entries::read(entry::Model::from_query_result(found, prefix)?);
                Some(entry.map_err(|error| DbErr::Type(error.to_string()))?)
            }
            None => None,
        };
        let (name, zone) = (found.try_get(prefix, "name")?, found.try_get(prefix, "zone")?);
        let blocked = found.try_get::<Option<i64>>(prefix, "blocked")?.is_some();
        let unsigned = found.try_get::<Option<i64>>(prefix, "signed_only")?.unwrap_or(0) != 0
            && found.try_get::<Option<i64>>(prefix, "signed")?.is_none();
        let asked = Instant::now();
        Ok(Self {
            conversation: read(row.clone()),
            last,
            name,
            blocked,
            unsigned,
            zone,
            asked,
            row,
        })
    }
}

impl Held {
    pub fn summary(&self) -> Summary {
        self.conversation.summary(self.name.clone(), self.zone.clone())
    }

    /// Its row, changed once more: what is stored once this is written, and what the next change begins with.
    pub(super) fn touched(&mut self) -> conversation::Model {
        self.conversation.touches += 1;
        self.row = changed(&self.row, &self.conversation);
        self.row.clone()
    }

    /// Whether more changes than what is said.
    pub(super) fn is_handled(&self) -> bool {
        let now = changed(&self.row, &self.conversation);
        HANDLED.into_iter().any(|column| now.get(column) != self.row.get(column))
    }

    /// Whether it is closed or opened again by what happens to it, or listed otherwise among those that are closed.
    pub(super) fn turns(&self) -> bool {
        let listed = |row: &conversation::Model| {
            row.closed_at.map(|at| (at, row.assignee_id, row.team_id, row.priority))
        };
        listed(&self.row) != listed(&changed(&self.row, &self.conversation))
    }

    /// Whether whoever sits there looks at this conversation, and is known to see it without asking for teams.
    pub fn is_of(&self, seat: &Seat) -> bool {
        let Conversation { id, public_id, contact, .. } = &self.conversation;
        match seat {
            Seat::Visitor { contact: visitor, conversation } => {
                conversation == public_id && visitor == contact
            }
            Seat::Agent { id: agent, conversation } => {
                conversation == id && self.conversation.is_open_to(*agent)
            }
        }
    }
}

fn of_seat(seat: &Seat) -> Select<conversation::Entity> {
    let all = conversation::Entity::find();
    match seat {
        Seat::Visitor { contact, conversation } => all
            .filter(conversation::Column::PublicId.eq(conversation.as_str()))
            .filter(conversation::Column::ContactId.eq(contact.0)),
        Seat::Agent { conversation, .. } => all.filter(conversation::Column::Id.eq(conversation.0)),
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
    pub team: Option<TeamId>,
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
        touched_at: Set(db::second(start.at)),
        touches: Set(0),
        priority: Set(priority_number(Priority::default())),
        snoozed_until: Set(None),
        tags: Set(String::new()),
        team_id: Set(start.team.map(|team| team.0)),
        guests: Set(String::new()),
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

/// Writes what a reader changed in a conversation that is held.
pub async fn update(db: &impl ConnectionTrait, held: &mut Held) -> Result<()> {
    let is_handled = held.is_handled();
    update_all(db, vec![held.touched()], is_handled).await
}

/// Writes rows of conversations that are held as they are now, and when by the database's clock. `are_handled` says whether one
/// of them is in another state, another's, or the like: SQLite writes each index anew that holds a column which is named here.
pub(super) async fn update_all(
    db: &impl ConnectionTrait,
    rows: Vec<conversation::Model>,
    are_handled: bool,
) -> Result<()> {
    let rows = rows.into_iter().map(|row| row.into_active_model().reset_all());
    // The rows are there: an insert that always meets them is the one way to change several that all engines have.
    let mut there = match db.get_database_backend() {
        DbBackend::Postgres => OnConflict::column(conversation::Column::Id),
        _ => OnConflict::new(),
    };
    let second = Expr::cust(db::second_on(db.get_database_backend()));
    there.update_columns(SAID).value(conversation::Column::TouchedAt, second);
    if are_handled {
        there.update_columns(HANDLED);
    }
    conversation::Entity::insert_many(rows).on_conflict(there).exec_without_returning(db).await?;
    Ok(())
}

/// What an entry or a reader may change; the rest of a conversation stays as it was made. This changes with whatever is said.
const SAID: [conversation::Column; 11] = {
    use conversation::Column::*;
    [
        LastSeq,
        Unread,
        WaitingSince,
        AnswerSeq,
        AnswerBy,
        AnswerName,
        Preview,
        PreviewBy,
        LastAt,
        AnsweredAt,
        Touches,
    ]
};

/// This changes with what is done, and indexes hold most of it.
const HANDLED: [conversation::Column; 9] = {
    use conversation::Column::*;
    [State, AssigneeId, AssigneeName, ClosedAt, Priority, SnoozedUntil, Tags, TeamId, Guests]
};

pub(super) fn changing() -> impl Iterator<Item = conversation::Column> {
    SAID.into_iter().chain(HANDLED)
}

pub(super) fn changed(row: &conversation::Model, now: &Conversation) -> conversation::Model {
    let (assignee, answer) = (now.assignee.as_ref(), now.answer.as_ref());
    conversation::Model {
        state: state_word(now.state).into(),
        assignee_id: assignee.map(|assignee| assignee.id.0),
        assignee_name: assignee.map_or_else(String::new, |assignee| assignee.name.clone()),
        last_seq: now.last_seq,
        unread: now.unread,
        waiting_since: now.waiting_since.map(db::micros),
        answer_seq: answer.map(|answer| answer.seq),
        answer_by: answer.map(|answer| answer.by.0),
        answer_name: answer.map_or_else(String::new, |answer| answer.name.clone()),
        preview: now.preview.clone(),
        preview_by: side_word(now.preview_by).into(),
        last_at: db::micros(now.last_at),
        answered_at: now.answered_at.map(db::micros),
        closed_at: now.closed_at.map(db::micros),
        touches: now.touches,
        priority: priority_number(now.priority),
        snoozed_until: now.snoozed_until.map(db::micros),
        tags: numbers(&now.tags),
        team_id: now.team.map(|team| team.0),
        guests: numbers(&now.guests),
        ..row.clone()
    }
}

fn numbers(of: &[impl ToString]) -> String {
    of.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

/// What was put off until a moment at most, the earliest first.
pub async fn due(db: &Db, at: Timestamp, limit: u64) -> Result<Vec<Conversation>> {
    let rows = conversation::Entity::find()
        .filter(conversation::Column::SnoozedUntil.lte(db::micros(at)))
        .order_by_asc(conversation::Column::SnoozedUntil)
        .limit(limit)
        .all(db.read())
        .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// What these agents have that is not closed, put off or not.
pub async fn held_by(db: &Db, agents: &[AgentId], limit: u64) -> Result<Vec<Conversation>> {
    let rows = conversation::Entity::find()
        .filter(conversation::Column::AssigneeId.is_in(agents.iter().map(|agent| agent.0)))
        .filter(conversation::Column::State.eq(state_word(State::Open)))
        .limit(limit)
        .all(db.read())
        .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// Holds the conversations of a contact, counts a change of each and makes them another's, who may be the same; the newest first.
pub async fn hand_over(
    db: &impl ConnectionTrait,
    from: ContactId,
    to: ContactId,
) -> Result<Vec<ConversationId>> {
    use conversation::Column;
    let theirs = || Column::ContactId.eq(from.0);
    let mut ids: Vec<i64> = conversation::Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(theirs())
        .order_by_asc(Column::Id)
        .lock_exclusive()
        .into_tuple()
        .all(db)
        .await?;
    let second = Expr::cust(db::second_on(db.get_database_backend()));
    conversation::Entity::update_many()
        .col_expr(Column::ContactId, Expr::value(to.0))
        .col_expr(Column::Touches, Column::Touches.into_expr().add(1))
        .col_expr(Column::TouchedAt, second)
        .filter(theirs())
        .exec(db)
        .await?;
    if from != to {
        // A repeat of what was sent before finds it.
        for ids in ids.chunks(5_000) {
            entries::hand_over(db, ids, to).await?;
        }
    }
    ids.reverse();
    Ok(ids.into_iter().map(ConversationId).collect())
}

/// How far the logs of conversations go.
pub async fn heads(db: &Db, ids: &[ConversationId]) -> Result<Vec<(ConversationId, i64)>> {
    let mut heads = Vec::with_capacity(ids.len());
    // Every engine takes so many parameters.
    for ids in ids.chunks(5_000) {
        let found: Vec<(i64, i64)> = conversation::Entity::find()
            .select_only()
            .columns([conversation::Column::Id, conversation::Column::LastSeq])
            .filter(conversation::Column::Id.is_in(ids.iter().map(|id| id.0)))
            .into_tuple()
            .all(db.read())
            .await?;
        heads.extend(found.into_iter().map(|(id, last_seq)| (ConversationId(id), last_seq)));
    }
    Ok(heads)
}

pub(super) fn read(row: conversation::Model) -> Conversation {
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
        touches: row.touches,
        priority: priority(row.priority),
        snoozed_until: row.snoozed_until.map(db::timestamp),
        tags: row.tags.split(' ').filter_map(|id| id.parse().ok()).collect(),
        team: row.team_id.map(TeamId),
        guests: row.guests.split(' ').filter_map(|id| id.parse().ok()).collect(),
    }
}
