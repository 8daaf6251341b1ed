//! What is changed in place: fields, tags, notes.
use super::{Editor, Identity, Notes, Outcome, Tags};
use crate::{
    app::App,
    contact::{self, Change, ContactEmail, ContactName, ContactTag, Note, NoteBody, Phone},
    dossier::actions,
    error::{Error, Result},
    ids::Nonce,
    web::{limits::Limits, page::draw},
};
use poem::{
    Response, handler,
    web::{Data, Form},
};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
struct FieldForm {
    field: String,
    #[serde(default)]
    value: String,
}

#[handler]
pub async fn change_field(editor: Editor<'_>, Form(form): Form<FieldForm>) -> Result<Response> {
    let Editor { app, me, contact, .. } = &editor;
    let done = async {
        let change = parse(app, &form).await?;
        actions::change(app, &me.doer(), *contact, vec![change]).await
    };
    let outcome = Outcome::of(done.await, &form.field, &form.value, me.lang)?;
    editor.answer(outcome, |side| draw(&Identity { side })).await
}

async fn parse(app: &App, FieldForm { field, value }: &FieldForm) -> Result<Change> {
    Ok(match field.as_str() {
        "name" => Change::Name(ContactName::parse(value)?),
        "phone" => Change::Phone(Phone::parse(value)?),
        "email" => Change::Email(ContactEmail::parse(value)?),
        attribute => {
            let number = attribute.strip_prefix('a').and_then(|id| id.parse().ok());
            let id = number.ok_or(Error::NotFound)?;
            let attribute = contact::attribute_of(app.db.read(), id).await?;
            Change::Attribute(id, attribute.value(value)?)
        }
    })
}

#[derive(Deserialize)]
struct TagForm {
    value: String,
}

#[handler]
pub async fn add_tag(editor: Editor<'_>, Form(form): Form<TagForm>) -> Result<Response> {
    let Editor { app, me, contact, .. } = &editor;
    let done = async {
        let word = [ContactTag::parse(&form.value)?];
        contact::change_tags(app, &me.doer(), *contact, &word, &[]).await
    };
    let outcome = Outcome::of(done.await, "tag", &form.value, me.lang)?;
    editor.answer(outcome, |side| draw(&Tags { side })).await
}

#[handler]
pub async fn remove_tag(editor: Editor<'_>, Form(form): Form<TagForm>) -> Result<Response> {
    let Editor { app, me, contact, .. } = &editor;
    let word = [ContactTag::parse(&form.value)?];
    contact::change_tags(app, &me.doer(), *contact, &[], &word).await?;
    editor.answer(Outcome(None), |side| draw(&Tags { side })).await
}

#[derive(Deserialize)]
struct NoteForm {
    #[serde(default)]
    nonce: String,
    #[serde(default)]
    body: String,
}

#[handler]
pub async fn add_note(
    editor: Editor<'_>,
    limits: Data<&Arc<Limits>>,
    Form(form): Form<NoteForm>,
) -> Result<Response> {
    let Editor { app, me, contact, .. } = &editor;
    limits.message(&me.counted_as())?;
    let done = async {
        let (nonce, body) = (Nonce::parse(&form.nonce)?, NoteBody::parse(&form.body)?);
        contact::add_note(app, &me.doer(), *contact, &nonce, &body).await.map(|_| ())
    };
    let outcome = Outcome::of(done.await, "note", &form.body, me.lang)?;
    editor.answer(outcome, |side| draw(&Notes { side })).await
}

#[derive(Deserialize)]
struct RemoveNoteForm {
    note: i64,
}

#[handler]
pub async fn remove_note(editor: Editor<'_>, Form(form): Form<RemoveNoteForm>) -> Result<Response> {
    let Editor { app, me, contact, .. } = &editor;
    let may = |note: &Note| note.agent == me.agent.id || me.agent.role.may_manage();
    contact::remove_note(app, &me.doer(), *contact, form.note, may).await?;
    editor.answer(Outcome(None), |side| draw(&Notes { side })).await
}
