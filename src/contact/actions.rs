//! What agents note about contacts, and what a company wants to know of them.
use super::{
    model::{
        ATTRIBUTES, Attribute, AttributeKey, AttributeKind, AttributeLabel, Change, ContactTag,
        Note, NoteBody, SeenPage, TAGS,
    },
    store,
};
use crate::{
    app::App,
    audit::{self, Changes, Deed, Doer},
    db::Connection,
    error::{Error, Invalid, Result},
    event::Event,
    ids::{ContactId, Nonce},
};
use jiff::SignedDuration;

/// Changes what is known of a contact, inside a transaction that holds it.
pub async fn change(db: &impl Connection, id: ContactId, change: &Change) -> Result<()> {
    match change {
        Change::Name(name) => store::set_name(db, id, name).await,
        Change::Phone(phone) => store::set_phone(db, id, phone).await,
        Change::Email(email) => store::set_email(db, id, email).await,
        Change::Attribute(attribute, value) => store::set_value(db, id, *attribute, value).await,
    }
}

/// Tells whoever has a conversation of the contact open that what stands beside it is another, once that is stored.
pub fn tell(app: &App, contact: ContactId) {
    app.bus.publish(Event::ContactChanged { contact });
}

/// A contact looked at pages, at least one.
pub async fn look_at(app: &App, contact: ContactId, pages: Vec<SeenPage>) -> Result<()> {
    store::viewed(app.db.write(), contact, pages).await?;
    store::forget_old_pages(app.db.write(), contact).await?;
    tell(app, contact);
    Ok(())
}

/// Notes something about a contact; the same nonce again finds the note it made, and whether it had.
pub async fn add_note(
    app: &App,
    by: &Doer,
    contact: ContactId,
    nonce: &Nonce,
    body: &NoteBody,
) -> Result<(Note, bool)> {
    let tx = app.db.begin().await?;
    let (contact, at) = (store::lock(&tx, contact).await?, app.clock.now());
    if let Some(made) = store::noted(&tx, contact.id, by.agent, nonce).await? {
        return if made.body == body.as_str() { Ok((made, true)) } else { Err(Error::NonceReused) };
    }
    let author = (by.agent, by.name.as_str());
    let note = store::add_note(&tx, contact.id, author, nonce, body, at).await?;
    audit::record(&tx, by, Deed::new("contact-noted", contact.called()), at).await?;
    tx.commit().await?;
    tell(app, contact.id);
    Ok((note, false))
}

/// Takes a note away, which `may` says whether the agent may: its author may, and whoever manages.
pub async fn remove_note(
    app: &App,
    by: &Doer,
    contact: ContactId,
    id: i64,
    may: impl Fn(&Note) -> bool,
) -> Result<()> {
    let tx = app.db.begin().await?;
    let contact = store::lock(&tx, contact).await?;
    let note = store::note(&tx, contact.id, id).await?;
    if !may(&note) {
        return Err(Error::Forbidden("forbidden-note"));
    }
    store::remove_note(&tx, id).await?;
    // Whose it was; what it said is gone.
    let deed = Deed::new("contact-note-removed", contact.called()).with(note.by);
    audit::record(&tx, by, deed, app.clock.now()).await?;
    tx.commit().await?;
    tell(app, contact.id);
    Ok(())
}

/// Takes tags `off` and puts others `on`, those before them that are in both: all of it or nothing.
pub async fn change_tags(
    app: &App,
    by: &Doer,
    contact: ContactId,
    on: &[ContactTag],
    off: &[ContactTag],
) -> Result<()> {
    let tx = app.db.begin().await?;
    let contact = store::lock(&tx, contact).await?;
    let before = store::tags(&tx, contact.id).await?;
    for word in off.iter().filter(|word| !on.contains(word)) {
        store::remove_tag(&tx, contact.id, word).await?;
    }
    let kept = store::tags(&tx, contact.id).await?.len();
    let at = app.clock.now();
    for (place, word) in (0..).zip(on) {
        // They stand in the order in which they were given.
        store::add_tag(&tx, contact.id, word, at + SignedDuration::from_micros(place)).await?;
    }
    let after = store::tags(&tx, contact.id).await?;
    if after.len() > kept.max(TAGS) {
        return Err(Invalid { field: "value", reason: "invalid-contact-tags" }.into());
    }
    let changes = [
        ("contact-tagged", without(&after, &before)),
        ("contact-untagged", without(&before, &after)),
    ];
    for (action, words) in changes.into_iter().filter(|(_, words)| !words.is_empty()) {
        audit::record(&tx, by, Deed::new(action, contact.called()).with(words), at).await?;
    }
    tx.commit().await?;
    tell(app, contact.id);
    Ok(())
}

/// Those of some tags that are not among others, as one line.
fn without(tags: &[String], others: &[String]) -> String {
    let left: Vec<_> =
        tags.iter().filter(|tag| !others.contains(tag)).map(String::as_str).collect();
    left.join(" · ")
}

/// The attribute with this number.
pub async fn attribute_of(db: &impl Connection, id: i64) -> Result<Attribute> {
    let all = store::attributes(db).await?;
    all.into_iter().find(|attribute| attribute.id == id).ok_or(Error::NotFound)
}

/// An attribute as it shall be.
#[derive(Clone, Debug)]
pub struct NewAttribute {
    /// In the order of the languages.
    pub labels: [AttributeLabel; 2],
    pub choices: Vec<String>,
    pub place: i64,
}

impl NewAttribute {
    fn named(self, id: i64, key: String, kind: AttributeKind) -> Attribute {
        let labels = self.labels.map(|label| label.as_str().to_owned());
        Attribute { id, key, labels, kind, choices: self.choices, place: self.place }
    }
}

pub async fn add_attribute(
    app: &App,
    by: &Doer,
    key: &AttributeKey,
    kind: AttributeKind,
    new: NewAttribute,
) -> Result<()> {
    let new = new.named(0, key.as_str().to_owned(), kind);
    let tx = app.db.begin().await?;
    if store::attributes(&tx).await?.len() >= ATTRIBUTES {
        return Err(Invalid { field: "key", reason: "invalid-attribute-count" }.into());
    }
    if !store::insert_attribute(&tx, &new).await? {
        return Err(Invalid { field: "key", reason: "invalid-attribute-taken" }.into());
    }
    let deed = Deed::new("attribute-added", new.key).with(new.kind.word());
    audit::record(&tx, by, deed, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// Changes all but the key and the kind, under which values are stored.
pub async fn change_attribute(app: &App, by: &Doer, id: i64, now: NewAttribute) -> Result<()> {
    let tx = app.db.begin().await?;
    let before = attribute_of(&tx, id).await?;
    let now = now.named(id, before.key.clone(), before.kind);
    let changes = changes(&before, &now);
    if changes.is_empty() {
        return Ok(());
    }
    if !store::change_attribute(&tx, &now).await? {
        return Err(Error::NotFound);
    }
    let deed = Deed::new("attribute-changed", now.key).with(changes.to_string());
    audit::record(&tx, by, deed, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

fn changes(before: &Attribute, after: &Attribute) -> Changes {
    let Attribute { id: _, key: _, labels: [zh, en], kind: _, choices, place } = before;
    Changes::default()
        .value("label_zh", zh, &after.labels[0])
        .value("label_en", en, &after.labels[1])
        .list("choices", choices, &after.choices)
        .value("place", place, after.place)
}

/// Removes an attribute, and with it what is known of everybody under it.
pub async fn remove_attribute(app: &App, by: &Doer, id: i64) -> Result<()> {
    let tx = app.db.begin().await?;
    let attribute = attribute_of(&tx, id).await?;
    store::remove_attribute(&tx, id).await?;
    audit::record(&tx, by, Deed::new("attribute-removed", attribute.key), app.clock.now()).await?;
    Ok(tx.commit().await?)
}
