//! How far everybody has read.
use super::{
    entries::{self, entry, of},
    words::side_word,
};
use crate::{
    conversation::model::{Conversation, Seat},
    db,
    error::Result,
    event::{Author, Changed, Content, Entry, Mention, Side},
    ids::{AgentId, ConversationId},
};
use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, QueryOrder, QuerySelect, Select, entity::prelude::*};
use std::collections::HashMap;

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

/// Moves a reader forward, never back; how far it has read now, and whether it had not read as far before.
pub async fn advance(
    db: &impl ConnectionTrait,
    id: ConversationId,
    seat: &Seat,
    seq: i64,
    at: Timestamp,
) -> Result<(i64, bool)> {
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
        Some(known) if known.seq >= seq => return Ok((known.seq, false)),
        Some(_) => {
            read_position::Entity::update(row).exec(db).await?;
        }
        None => {
            read_position::Entity::insert(row).exec_without_returning(db).await?;
        }
    }
    Ok((seq, true))
}

/// How many messages the visitor wrote after a number.
pub async fn unread_after(db: &impl ConnectionTrait, id: ConversationId, seq: i64) -> Result<i64> {
    Ok(i64::try_from(said_after(id, seq).count(db).await?).unwrap_or(i64::MAX))
}

fn said_after(id: ConversationId, seq: i64) -> Select<entry::Entity> {
    of(id)
        .filter(entry::Column::Seq.gt(seq))
        .filter(entry::Column::Kind.eq("text"))
        .filter(entry::Column::AuthorKind.eq(side_word(Side::Visitor)))
}

/// The visitor's messages that are new to somebody: the number of the first, and how many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unread {
    pub first: i64,
    pub count: i64,
}

/// What is new to an agent: what came after she last read, or if she never did, after any agent did; else what counts as
/// unread although she read it, because it was marked so.
pub async fn unread_by(
    db: &impl ConnectionTrait,
    conversation: &Conversation,
    agent: AgentId,
    positions: &Positions,
) -> Result<Option<Unread>> {
    let id = conversation.id;
    let key = (id.0, side_word(Side::Agent).to_owned(), agent.0);
    let hers = read_position::Entity::find_by_id(key).one(db).await?;
    let read = hers.map_or(positions.agents.seq, |row| row.seq);
    let next = said_after(id, read).order_by_asc(entry::Column::Seq).one(db).await?;
    if let Some(next) = next {
        let count = unread_after(db, id, read).await?;
        return Ok(Some(Unread { first: next.seq, count }));
    }
    let Ok(marked @ 1..) = u64::try_from(conversation.unread) else { return Ok(None) };
    if !conversation.is_assigned_to(agent) {
        return Ok(None);
    }
    let said = said_after(id, 0).order_by_desc(entry::Column::Seq).offset(marked - 1);
    let first = said.one(db).await?;
    Ok(first.map(|first| Unread { first: first.seq, count: conversation.unread }))
}

/// Of a note that calls colleagues: its number, and who of them has read it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    pub note: i64,
    names: Vec<String>,
}

impl Seen {
    pub fn names(&self) -> String {
        self.names.join(" · ")
    }
}

/// Nobody asks any more who has read what stands further up.
const LATELY: i64 = 50;

/// The newest note that calls colleagues, if it is among the last entries and any of them has read it.
pub async fn seen(
    db: &impl ConnectionTrait,
    id: ConversationId,
    last_seq: i64,
) -> Result<Option<Seen>> {
    let newest = of(id)
        .filter(entry::Column::Seq.gt(last_seq - LATELY))
        .filter(entry::Column::Kind.eq("note"))
        .filter(entry::Column::Extra.contains("\"mentions\""))
        .order_by_desc(entry::Column::Seq)
        .one(db)
        .await?;
    let Some(note) = newest.map(entries::read).transpose()? else { return Ok(None) };
    let (Content::Note { with, .. }, Author::Agent { id: author, .. }) =
        (&note.content, &note.author)
    else {
        return Ok(None);
    };
    if note.changed == Some(Changed::Recalled) {
        return Ok(None);
    }
    let called = with.mentions.iter().filter(|one| one.agent != *author);
    let read: HashMap<_, _> = read_position::Entity::find()
        .filter(read_position::Column::ConversationId.eq(id.0))
        .filter(read_position::Column::ReaderKind.eq(side_word(Side::Agent)))
        .filter(read_position::Column::ReaderId.is_in(called.clone().map(|one| one.agent.0)))
        .filter(read_position::Column::Seq.gte(note.seq))
        .all(db)
        .await?
        .into_iter()
        .map(|row| (AgentId(row.reader_id), row.seq))
        .collect();
    let since =
        if note.changed.is_some() { called_since(db, id, &note).await? } else { HashMap::new() };
    let has_read = |one: &&Mention| {
        let since = since.get(&one.agent).copied().unwrap_or(note.seq);
        read.get(&one.agent).is_some_and(|seq| *seq >= since)
    };
    let names: Vec<_> = called.filter(has_read).map(|one| one.name.clone()).collect();
    Ok((!names.is_empty()).then_some(Seen { note: note.seq, names }))
}

/// Whom a note calls only since it was changed, and the number of that change: whoever has read less has not read that.
async fn called_since(
    db: &impl ConnectionTrait,
    id: ConversationId,
    note: &Entry,
) -> Result<HashMap<AgentId, i64>> {
    let edits = of(id)
        .filter(entry::Column::Seq.gt(note.seq))
        .filter(entry::Column::Kind.eq("edit"))
        .filter(entry::Column::Extra.contains("\"mentions\""))
        .order_by_asc(entry::Column::Seq)
        .all(db)
        .await?;
    let mut since = HashMap::new();
    for edit in edits {
        let seq = edit.seq;
        if let Content::Edit { of, with, .. } = entries::read(edit)?.content
            && of == note.seq
        {
            since.extend(with.mentions.into_iter().map(|one| (one.agent, seq)));
        }
    }
    Ok(since)
}
