//! The log's writer: the only way an entry comes to be. Lock, check, number, insert, commit; only then the answer and the
//! news. It takes what it needs as plain data, so that later it may put several waiting appends into one transaction.
use super::{
    model::{Append, Conversation, Seat},
    store,
};
use crate::{
    app::{App, to_the_end},
    contact,
    db::Tx,
    error::{Error, Result},
    event::{Appended, Entry, Event, Side},
    site,
};
use jiff::Timestamp;
use std::time::Instant;

/// What became of an append: the entry it made, or the one that its nonce had made before.
#[derive(Clone, Debug)]
pub struct Sent {
    pub appended: Appended,
    pub conversation: Conversation,
    pub duplicate: bool,
}

pub async fn append(app: &App, seat: Seat, append: Append) -> Result<Sent> {
    let (app, began) = (app.clone(), Instant::now());
    to_the_end(async move {
        let tx = app.db.begin().await?;
        let held = store::lock(&tx, &seat).await?;
        let sent = write(&tx, held, &append, app.clock.now()).await?;
        tx.commit().await?;
        app.metrics.appended(began.elapsed());
        tell(&app, &sent);
        Ok(sent)
    })
    .await
}

/// Inside a transaction that holds the conversation. Tell the news once it has committed.
pub async fn write(tx: &Tx, held: Conversation, append: &Append, at: Timestamp) -> Result<Sent> {
    if let Some(entry) = store::find_by_nonce(tx, held.id, append).await? {
        if entry.content != append.content {
            return Err(Error::NonceReused);
        }
        return Ok(Sent {
            appended: with_neighbours(tx, &held, entry).await?,
            conversation: held,
            duplicate: true,
        });
    }
    let mut conversation = held.accept(append, at)?;
    let entry = Entry {
        seq: conversation.last_seq,
        author: append.author.clone(),
        content: append.content.clone(),
        at,
    };
    store::insert(tx, conversation.id, &entry, &append.nonce).await?;
    store::update(tx, &mut conversation).await?;
    let appended = with_neighbours(tx, &conversation, entry).await?;
    Ok(Sent { appended, conversation, duplicate: false })
}

pub fn tell(app: &App, sent: &Sent) {
    if sent.duplicate {
        app.metrics.duplicates.inc();
    } else {
        app.metrics.acknowledged.inc();
        app.bus.publish(Event::EntryAppended(Box::new(sent.appended.clone())));
    }
}

async fn with_neighbours(tx: &Tx, conversation: &Conversation, entry: Entry) -> Result<Appended> {
    let before_desk = store::before(tx, conversation.id, entry.seq, Side::Agent).await?;
    let before_visitor = match &before_desk {
        Some(before) if !before.is_for(Side::Visitor) => {
            store::before(tx, conversation.id, entry.seq, Side::Visitor).await?
        }
        both => both.clone(),
    };
    let name = contact::name_of(tx, conversation.contact).await?;
    let zone = site::find(tx, conversation.site).await?.zone;
    Ok(Appended { entry, before_visitor, before_desk, summary: conversation.summary(name, zone) })
}
