//! Whole logs at once: to try kefu with many.
use super::{
    conversations::{changed, conversation},
    entries::{entry, row},
    marks::insert_tags,
};
use crate::{
    conversation::model::Conversation,
    db::{self, copying::number_on},
    error::Result,
    event::Entry,
    ids::{self, Nonce},
};
use sea_orm::{IntoActiveModel, entity::prelude::*};

/// Rows that go into one statement: every engine takes so many parameters (SQLite 32,766).
const CONVERSATIONS: usize = 1_000;
const ENTRIES: usize = 2_900;

/// A conversation as its entries left it.
#[derive(Clone, Debug)]
pub struct Log {
    pub head: Conversation,
    pub entries: Vec<Entry>,
}

/// Writes logs under the numbers that they have. Their visitors, agents and site are there.
pub async fn plant(tx: &db::Tx, logs: &[Log]) -> Result<()> {
    for logs in logs.chunks(CONVERSATIONS) {
        let rows = logs.iter().map(|log| head(&log.head).into_active_model().reset_all());
        conversation::Entity::insert_many(rows).exec_without_returning(tx).await?;
        insert_tags(tx, logs.iter().map(|log| &log.head)).await?;
    }
    let mut rows = Vec::with_capacity(ENTRIES);
    for log in logs {
        for entry in &log.entries {
            rows.push(row(log.head.id, entry, &Nonce::new())?.into_active_model().reset_all());
            if rows.len() == ENTRIES {
                entry::Entity::insert_many(std::mem::take(&mut rows))
                    .exec_without_returning(tx)
                    .await?;
            }
        }
    }
    if !rows.is_empty() {
        entry::Entity::insert_many(rows).exec_without_returning(tx).await?;
    }
    Ok(())
}

/// Once all were planted, others get the numbers after theirs.
pub async fn all_planted(tx: &db::Tx) -> Result<()> {
    Ok(number_on(tx, "conversation").await?)
}

fn head(of: &Conversation) -> conversation::Model {
    let made = conversation::Model {
        id: of.id.0,
        public_id: of.public_id.to_string(),
        site_id: of.site.0,
        contact_id: of.contact.0,
        start_token: ids::random::<32>().to_vec(),
        start_nonce: Nonce::new().to_string(),
        created_at: db::micros(of.created_at),
        touched_at: db::second(of.last_at),
        ..Default::default()
    };
    changed(&made, of)
}
