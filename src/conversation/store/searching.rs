//! What the search asks: which logs have grown since they could be searched, and what was found in them.
use super::{
    conversations::{self, conversation},
    entries::{self, entry},
    sight::sight_of,
};
use crate::{
    conversation::model::Conversation,
    db::{self, Db},
    error::Result,
    event::Entry,
    ids::{AgentId, ContactId, ConversationId},
    index,
};
use jiff::Timestamp;
use sea_orm::{
    Condition, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, Func},
};
use std::collections::HashMap;

/// More than anybody asks for at once.
const MANY: u64 = 100_000;

/// How far a log goes, and how far it can be searched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Searched {
    pub conversation: ConversationId,
    pub contact: ContactId,
    pub last_seq: i64,
    /// 0 before it was looked at.
    pub searched: i64,
}

type SearchedRow = (i64, i64, i64, Option<i64>);

/// Logs that cannot be searched to their end, of those that changed since a moment of the database's clock.
pub async fn unsearched_since(db: &Db, since: Timestamp, limit: u64) -> Result<Vec<Searched>> {
    let searched = Func::coalesce([searched(), 0.into()]);
    let rows = with_progress()
        .filter(conversation::Column::TouchedAt.gte(db::second(since)))
        .filter(conversation::Column::LastSeq.into_expr().gt(searched))
        .order_by_asc(conversation::Column::TouchedAt)
        .limit(limit);
    let rows: Vec<SearchedRow> = rows.into_tuple().all(db.read()).await?;
    Ok(rows.into_iter().map(read).collect())
}

/// All logs from the one after a number on, in their order.
pub async fn searched_after(db: &Db, id: ConversationId, limit: u64) -> Result<Vec<Searched>> {
    let rows = with_progress()
        .filter(conversation::Column::Id.gt(id.0))
        .order_by_asc(conversation::Column::Id)
        .limit(limit);
    let rows: Vec<SearchedRow> = rows.into_tuple().all(db.read()).await?;
    Ok(rows.into_iter().map(read).collect())
}

fn with_progress() -> Select<conversation::Entity> {
    use conversation::Column::{ContactId, Id, LastSeq};
    let rows = conversation::Entity::find().select_only().columns([Id, ContactId, LastSeq]);
    rows.expr_as(searched(), "searched")
}

fn searched() -> Expr {
    index::progress_within(Expr::col((conversation::Entity, conversation::Column::Id)))
}

fn read((id, contact, last_seq, searched): SearchedRow) -> Searched {
    Searched {
        conversation: ConversationId(id),
        contact: ContactId(contact),
        last_seq,
        searched: searched.unwrap_or(0),
    }
}

/// The number of the newest conversation after one; that one's if there is none.
pub async fn newest(db: &Db, after: ConversationId) -> Result<ConversationId> {
    let newest: Option<i64> = conversation::Entity::find()
        .select_only()
        .column(conversation::Column::Id)
        .filter(conversation::Column::Id.gt(after.0))
        .order_by_desc(conversation::Column::Id)
        .limit(1)
        .into_tuple()
        .one(db.read())
        .await?;
    Ok(newest.map_or(after, ConversationId))
}

/// The entries of logs after a number of each, by conversation and number, at most `limit`.
pub async fn entries_after(
    db: &Db,
    logs: impl Iterator<Item = (ConversationId, i64)>,
    limit: u64,
) -> Result<Vec<(ConversationId, Entry)>> {
    let each = logs
        .map(|(id, seq)| entry::Column::ConversationId.eq(id.0).and(entry::Column::Seq.gt(seq)));
    some(db, each.fold(Condition::any(), Condition::add), limit).await
}

/// Entries by their places, as they are now; those that are gone are left out.
pub async fn entries_at(
    db: &Db,
    places: impl Iterator<Item = (ConversationId, i64)>,
) -> Result<HashMap<(ConversationId, i64), Entry>> {
    let each = places
        .map(|(id, seq)| entry::Column::ConversationId.eq(id.0).and(entry::Column::Seq.eq(seq)));
    let found = some(db, each.fold(Condition::any(), Condition::add), MANY).await?;
    Ok(found.into_iter().map(|(id, entry)| ((id, entry.seq), entry)).collect())
}

async fn some(db: &Db, which: Condition, limit: u64) -> Result<Vec<(ConversationId, Entry)>> {
    if which.is_empty() {
        return Ok(Vec::new());
    }
    let rows = entry::Entity::find()
        .filter(which)
        .order_by_asc(entry::Column::ConversationId)
        .order_by_asc(entry::Column::Seq)
        .limit(limit)
        .all(db.read())
        .await?;
    rows.into_iter()
        .map(|row| Ok((ConversationId(row.conversation_id), entries::read(row)?)))
        .collect()
}

/// Those of these conversations that an agent may see.
pub async fn seen_by(
    db: &Db,
    agent: AgentId,
    ids: impl Iterator<Item = ConversationId>,
) -> Result<HashMap<ConversationId, Conversation>> {
    let ids: std::collections::BTreeSet<_> = ids.map(|id| id.0).collect();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let these = conversation::Entity::find().filter(conversation::Column::Id.is_in(ids));
    let rows = these.all(db.read()).await?;
    let mut heads: Vec<_> = rows.into_iter().map(conversations::read).collect();
    if !heads.iter().all(|head| head.is_open_to(agent)) {
        let sight = sight_of(db.read(), agent).await?;
        heads.retain(|head| sight.sees_head(head));
    }
    Ok(heads.into_iter().map(|head| (head.id, head)).collect())
}
