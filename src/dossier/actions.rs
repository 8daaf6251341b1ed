//! What agents change of contacts that the desk shows elsewhere too: each in one transaction with the rows of the lists.
use crate::{
    app::{App, to_the_end},
    audit::{self, Changes, Deed, Doer},
    contact::{self, BlockReason, Change, Contact},
    conversation,
    db::Tx,
    error::{Error, Result},
    ids::{ContactId, ConversationId},
};

/// Changes what is known of a contact. Another name is told to whoever looks at a list in which it stands.
pub async fn change(app: &App, by: &Doer, id: ContactId, changes: Vec<Change>) -> Result<()> {
    let (app, by) = (app.clone(), by.clone());
    to_the_end(async move {
        let tx = app.db.begin().await?;
        let contact = contact::lock(&tx, id).await?;
        let fields = fields(&tx, &contact, &changes).await?;
        for change in &changes {
            contact::change(&tx, contact.id, change).await?;
        }
        let renamed = changes
            .iter()
            .any(|change| matches!(change, Change::Name(name) if name.as_str() != contact.name));
        if !fields.is_empty() {
            let deed = Deed::new("contact-changed", contact.called()).with(fields.to_string());
            audit::record(&tx, &by, deed, app.clock.now()).await?;
        }
        let rows = if renamed { rows_of(&tx, &contact).await? } else { Vec::new() };
        tx.commit().await?;
        contact::tell(&app, contact.id);
        conversation::tell_rows(&app, &rows).await
    })
    .await
}

/// What will be known otherwise than before: `name`, `phone`, `email`, and attributes behind `attributes.`. What it was and what it
/// is stays out of the audit log, which outlives the contact.
async fn fields(tx: &Tx, contact: &Contact, changes: &[Change]) -> Result<Changes> {
    let known = contact::attributes(tx).await?;
    let values = contact::values(tx, contact.id).await?;
    let told = |told: Changes, change: &Change| match change {
        Change::Name(name) => told.unsaid("name", contact.name.as_str(), name.as_str()),
        Change::Phone(phone) => told.unsaid("phone", contact.phone.as_str(), phone.as_str()),
        Change::Email(email) => told.unsaid("email", contact.email.as_str(), email.as_str()),
        Change::Attribute(id, value) => {
            let before = values.get(id).map_or("", String::as_str);
            let key = known.iter().find(|one| one.id == *id).map_or("", |one| one.key.as_str());
            told.unsaid(&format!("attributes.{key}"), before, value.as_str())
        }
    };
    Ok(changes.iter().fold(Changes::default(), told))
}

/// From now on nothing that the contact sends is taken. Whoever is blocked stays so for the first reason.
pub async fn block(app: &App, by: &Doer, id: ContactId, reason: BlockReason) -> Result<()> {
    let (app, by) = (app.clone(), by.clone());
    to_the_end(async move {
        let (tx, at) = (app.db.begin().await?, app.clock.now());
        let contact = contact::lock(&tx, id).await?;
        if contact.block.is_some() {
            return Err(Error::Conflict("conflict-blocked"));
        }
        contact::block(&tx, contact.id, &by.name, &reason, at).await?;
        let deed = Deed::new("contact-blocked", contact.called()).with(reason.as_str());
        audit::record(&tx, &by, deed, at).await?;
        let rows = rows_of(&tx, &contact).await?;
        tx.commit().await?;
        contact::tell(&app, contact.id);
        conversation::tell_rows(&app, &rows).await
    })
    .await
}

/// The contact is heard again, for a reason if one is given. Whoever is not blocked stays so.
pub async fn unblock(
    app: &App,
    by: &Doer,
    id: ContactId,
    reason: Option<BlockReason>,
) -> Result<()> {
    let (app, by) = (app.clone(), by.clone());
    to_the_end(async move {
        let tx = app.db.begin().await?;
        let contact = contact::lock(&tx, id).await?;
        if contact.block.is_none() {
            return Ok(());
        }
        contact::unblock(&tx, contact.id).await?;
        let reason = reason.as_ref().map_or("", BlockReason::as_str);
        let deed = Deed::new("contact-unblocked", contact.called()).with(reason);
        audit::record(&tx, &by, deed, app.clock.now()).await?;
        let rows = rows_of(&tx, &contact).await?;
        tx.commit().await?;
        contact::tell(&app, contact.id);
        conversation::tell_rows(&app, &rows).await
    })
    .await
}

/// Makes two contacts one, for good: whatever is `from`'s becomes `to`'s. Two open conversations stay two.
pub async fn merge(app: &App, by: &Doer, from: ContactId, to: ContactId) -> Result<()> {
    let (app, by) = (app.clone(), by.clone());
    to_the_end(async move {
        let tx = app.db.begin().await?;
        // In the order of their numbers, so that two who merge the same do not wait for one another.
        let first = contact::lock(&tx, from.min(to)).await?;
        let second = contact::lock(&tx, from.max(to)).await?;
        let (gone, kept) = if from < to { (first, second) } else { (second, first) };
        if (gone.id, kept.id) != (from, to) || from == to {
            return Err(Error::Conflict("conflict-merged"));
        }
        if contact::are_two(&tx, &gone, &kept).await? {
            return Err(Error::Conflict("conflict-two-people"));
        }
        let rows = join(&tx, &gone, &kept).await?;
        let deed = Deed::new("contact-merged", kept.called()).with(gone.called());
        audit::record(&tx, &by, deed, app.clock.now()).await?;
        tx.commit().await?;
        for one in [gone.id, kept.id] {
            contact::tell(&app, one);
        }
        conversation::tell_rows(&app, &rows).await
    })
    .await
}

/// The same inside a transaction that holds both: the rows of the lists in which they stand, to be told once it has committed.
pub async fn join(tx: &Tx, gone: &Contact, kept: &Contact) -> Result<Vec<ConversationId>> {
    let mut rows = conversation::hand_over(tx, kept.id, kept.id).await?;
    rows.extend(conversation::hand_over(tx, gone.id, kept.id).await?);
    contact::merge(tx, gone, kept).await?;
    rows.sort_unstable_by(|a, b| b.cmp(a));
    Ok(rows)
}

/// The rows of the lists in which a contact stands, changed once more.
pub async fn rows_of(tx: &Tx, contact: &Contact) -> Result<Vec<ConversationId>> {
    conversation::hand_over(tx, contact.id, contact.id).await
}
