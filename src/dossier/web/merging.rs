//! Two contacts become one: choose the other, look at both, confirm.
use super::{Editor, fields, name, number, open, phone};
use crate::{
    agent::{CurrentAgent, DeskFrame, SignedIn},
    app::App,
    contact::{self, Contact},
    conversation,
    dossier::actions,
    error::{Error, Result},
    ids::{ContactId, ConversationId},
    text::Lang,
    web::page::{html, query, see_other},
};
use askama::Template;
use poem::{
    Request, Response, handler,
    web::{Data, Form, Path},
};
use serde::Deserialize;

/// Contacts that a search shows.
const FOUND: usize = 20;

#[derive(Template)]
#[template(path = "contact/merge.html")]
struct MergePage {
    lang: Lang,
    frame: DeskFrame,
    id: ConversationId,
    name: String,
    words: String,
    found: Vec<Found>,
    both: Option<Both>,
}

struct Found {
    id: ContactId,
    name: String,
    about: String,
}

/// Both side by side.
struct Both {
    id: ContactId,
    name: String,
    rows: Vec<BothRow>,
}

struct BothRow {
    label: String,
    own: String,
    other: String,
    /// What becomes of it.
    kept: String,
    /// Whether something is lost.
    lost: bool,
}

#[handler]
pub async fn merge_page(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    request: &Request,
    Path(id): Path<String>,
) -> Result<Response> {
    me.must_act()?;
    let id = number(&id)?;
    let head = open(&app, &me, id).await?;
    let own = contact::find(app.db.read(), head.contact).await?;
    let words: String = query(request, "q").unwrap_or_default().chars().take(100).collect();
    let found = contact::search(&app.db, &words, own.id, FOUND).await?;
    let found = conversation::only_known(app.db.read(), &me.agent, found).await?;
    let with = query(request, "with").and_then(|id| id.parse().ok());
    let both = match with {
        Some(with) => Some(both(&app, &me, &own, with).await?),
        None => None,
    };
    html(&MergePage {
        lang: me.lang,
        frame: DeskFrame::new(&me, "conversations", 0),
        id,
        name: name(&own, id, me.lang),
        words,
        found: found.iter().map(|contact| found_row(&me, contact)).collect(),
        both,
    })
}

fn found_row(me: &CurrentAgent, contact: &Contact) -> Found {
    let known = [phone(me, &contact.phone), contact.email.clone()];
    let known: Vec<_> = known.into_iter().filter(|known| !known.is_empty()).collect();
    Found { id: contact.id, name: called(contact, me.lang), about: known.join(" · ") }
}

fn called(contact: &Contact, lang: Lang) -> String {
    let number = lang.with("contact-number", "number", contact.id);
    if contact.name.is_empty() { number } else { format!("{} · {number}", contact.name) }
}

async fn both(app: &App, me: &CurrentAgent, own: &Contact, with: ContactId) -> Result<Both> {
    let other = conversation::known(app.db.read(), &me.agent, with).await?;
    if other.id == own.id {
        return Err(Error::Conflict("conflict-merged"));
    }
    let ours = fields(app, me, own).await?;
    let theirs = fields(app, me, &other).await?;
    let row = |(ours, theirs): (super::Field, super::Field)| {
        let kept = if ours.shown.is_empty() { &theirs.shown } else { &ours.shown };
        BothRow {
            label: ours.label,
            lost: !theirs.shown.is_empty() && *kept != theirs.shown,
            kept: kept.clone(),
            own: ours.shown,
            other: theirs.shown,
        }
    };
    let known = |(ours, theirs): &(super::Field, super::Field)| {
        !ours.shown.is_empty() || !theirs.shown.is_empty()
    };
    let rows = ours.into_iter().zip(theirs).filter(known).map(row).collect();
    Ok(Both { id: other.id, name: called(&other, me.lang), rows })
}

#[derive(Deserialize)]
struct MergeForm {
    with: i64,
}

#[handler]
pub async fn merge(
    Editor { app, me, id, contact: own, .. }: Editor<'_>,
    Form(form): Form<MergeForm>,
) -> Result<Response> {
    let with = ContactId(form.with);
    let other = conversation::known(app.db.read(), &me.agent, with).await?.id;
    actions::merge(app, &me.doer(), other, own).await?;
    Ok(see_other(format!("/desk/c/{id}")))
}
