//! By what people are found.
use super::contact;
use crate::{
    contact::model::Phones,
    db::{self, Db},
    error::Result,
    ids::ContactId,
    index::{self, Doc, Kind, Place},
    text::{self, pinyin},
};
use sea_orm::{QueryOrder, QuerySelect, entity::prelude::*};
use std::collections::HashMap;

/// By what a contact is found, one thing a line: what else is known of them and may be searched is added here. Of a masked phone
/// nothing is: whoever guesses it would learn whether that is it.
fn words(row: &contact::Model, phones: Phones) -> String {
    let phone = match phones {
        Phones::Whole => text::phone_words(&row.phone),
        Phones::Masked => String::new(),
    };
    [row.name.as_str(), &phone, &row.email].join("\n")
}

/// Whether a change of this is noticed by who searches.
pub(super) fn is_word(column: contact::Column) -> bool {
    matches!(column, contact::Column::Name | contact::Column::Phone | contact::Column::Email)
}

/// Lets people be found by what is known of them now; in the transaction that changed it.
pub async fn index_again(db: &impl ConnectionTrait, ids: &[ContactId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    let these = contact::Column::Id.is_in(ids.iter().map(|id| id.0));
    let rows = contact::Entity::find().filter(these).all(db).await?;
    put_again(db, &rows).await
}

/// The same of so many people after one of them, so that all can be found who could not; the last of them, if there are more.
pub async fn index_after(tx: &db::Tx, after: ContactId, limit: u64) -> Result<Option<ContactId>> {
    let rows = contact::Entity::find()
        .filter(contact::Column::Id.gt(after.0))
        .order_by_asc(contact::Column::Id)
        .limit(limit)
        // Nobody is called otherwise meanwhile.
        .lock_exclusive()
        .all(tx)
        .await?;
    let kept: Vec<_> = rows.iter().filter(|row| row.merged_into.is_none()).cloned().collect();
    if !kept.is_empty() {
        put_again(tx, &kept).await?;
    }
    Ok(rows.last().filter(|_| rows.len() as u64 == limit).map(|row| ContactId(row.id)))
}

async fn put_again(db: &impl ConnectionTrait, rows: &[contact::Model]) -> Result<()> {
    let docs: Vec<_> = rows.iter().map(doc).collect();
    index::remove(db, &docs.iter().map(|doc| doc.place).collect::<Vec<_>>()).await?;
    index::put(db, &docs).await
}

fn doc(row: &contact::Model) -> Doc {
    let mut terms = text::terms(&words(row, Phones::Whole));
    terms.extend(pinyin::terms(&row.name));
    Doc {
        place: Place { kind: Kind::Contact, owner: row.id, seq: 0 },
        at: db::timestamp(row.created_at),
        terms,
    }
}

/// What somebody may know of whom they found.
#[derive(Clone, Debug)]
pub struct Known {
    /// By what they are found.
    pub words: String,
    pub name: String,
    /// Empty where it is masked: nobody is found by it then.
    pub phone: String,
    pub email: String,
}

/// These people as whoever asks may know them.
pub async fn found_by(
    db: &Db,
    ids: &[ContactId],
    phones: Phones,
) -> Result<HashMap<ContactId, Known>> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let these = contact::Column::Id.is_in(ids.iter().map(|id| id.0));
    let rows = contact::Entity::find().filter(these).all(db.read()).await?;
    let known = |row: contact::Model| Known {
        words: words(&row, phones),
        name: row.name,
        phone: if phones == Phones::Whole { row.phone } else { String::new() },
        email: row.email,
    };
    Ok(rows.into_iter().map(|row| (ContactId(row.id), known(row))).collect())
}
