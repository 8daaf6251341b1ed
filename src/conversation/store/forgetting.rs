//! The end of rows.
use super::{
    conversations::conversation, entries::entry, marks::remove_marks, positions::read_position,
};
use crate::{
    attachment, contact, db,
    error::Result,
    ids::{ContactId, ConversationId},
    index::{self, Kind},
};
use jiff::Timestamp;
use sea_orm::{
    QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, Query},
};
use std::collections::BTreeSet;

/// Removes conversations that were closed before a moment, the oldest first; whose they were, one for each.
pub async fn remove_closed_before(
    tx: &db::Tx,
    before: Timestamp,
    limit: u64,
) -> Result<Vec<ContactId>> {
    let closed: Vec<(i64, i64)> = conversation::Entity::find()
        .select_only()
        .columns([conversation::Column::Id, conversation::Column::ContactId])
        .filter(conversation::Column::ClosedAt.lt(db::micros(before)))
        .order_by_asc(conversation::Column::ClosedAt)
        .limit(limit)
        .lock_exclusive()
        .into_tuple()
        .all(tx)
        .await?;
    if closed.is_empty() {
        return Ok(Vec::new());
    }
    let ids = || closed.iter().map(|(id, _)| *id);
    let entries = entry::Column::ConversationId.is_in(ids());
    entry::Entity::delete_many().filter(entries).exec(tx).await?;
    let positions = read_position::Column::ConversationId.is_in(ids());
    read_position::Entity::delete_many().filter(positions).exec(tx).await?;
    remove_marks(tx, &ids().collect::<Vec<_>>()).await?;
    let these: Vec<_> = ids().map(ConversationId).collect();
    attachment::forget_of(tx, &these).await?;
    index::forget(tx, Kind::Entry, &ids().collect::<Vec<_>>()).await?;
    let these = conversation::Column::Id.is_in(ids());
    conversation::Entity::delete_many().filter(these).exec(tx).await?;
    Ok(closed.into_iter().map(|(_, contact)| ContactId(contact)).collect())
}

/// Those of these visitors who have no conversation.
pub async fn without_conversations(tx: &db::Tx, of: Vec<ContactId>) -> Result<Vec<ContactId>> {
    let theirs = conversation::Column::ContactId.is_in(of.iter().map(|id| id.0));
    let busy: Vec<i64> = conversation::Entity::find()
        .select_only()
        .column(conversation::Column::ContactId)
        .filter(theirs)
        .into_tuple()
        .all(tx)
        .await?;
    let mut idle: BTreeSet<_> = of.into_iter().collect();
    for id in busy {
        idle.remove(&ContactId(id));
    }
    Ok(idle.into_iter().collect())
}

/// Those whom a site knew under an id, who were not here since a moment and have no conversation.
pub async fn silent_since(tx: &db::Tx, before: Timestamp, limit: u64) -> Result<Vec<ContactId>> {
    let kept = |contact: Expr| {
        let mut kept = Query::select();
        kept.expr(conversation::Column::Id.into_expr().min()).from(conversation::Entity);
        kept.and_where(conversation::Column::ContactId.into_expr().eq(contact)).take().into()
    };
    contact::unseen_since(tx, before, kept, limit).await
}
