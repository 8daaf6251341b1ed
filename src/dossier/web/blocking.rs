//! Who is not heard any more.
use super::{Blocking, Editor, Moment, Outcome};
use crate::{
    agent::{CurrentAgent, DeskFrame, SignedIn},
    app::App,
    contact::{self, BlockReason, Contact},
    conversation,
    dossier::actions,
    error::Result,
    ids::ContactId,
    text::{self, Lang},
    web::{
        limits::Limits,
        page::{draw, html, query, see_other},
    },
};
use askama::Template;
use jiff::Timestamp;
use poem::{
    Request, Response, handler,
    web::{Data, Form},
};
use serde::Deserialize;
use std::sync::Arc;

/// Contacts on a page of those who are blocked.
const PAGE: u64 = 50;

#[derive(Deserialize)]
struct BlockForm {
    #[serde(default)]
    reason: String,
}

#[handler]
pub async fn block_contact(editor: Editor<'_>, Form(form): Form<BlockForm>) -> Result<Response> {
    let Editor { app, me, contact, .. } = &editor;
    let done = async {
        let reason = BlockReason::parse(&form.reason)?;
        actions::block(app, &me.doer(), *contact, reason).await
    };
    let outcome = Outcome::of(done.await, "block", &form.reason, me.lang)?;
    editor.answer(outcome, |side| draw(&Blocking { side })).await
}

#[handler]
pub async fn unblock_contact(editor: Editor<'_>, Form(form): Form<BlockForm>) -> Result<Response> {
    let Editor { app, me, contact, .. } = &editor;
    let done = async {
        let reason = BlockReason::if_any(&form.reason)?;
        actions::unblock(app, &me.doer(), *contact, reason).await
    };
    let outcome = Outcome::of(done.await, "unblock", &form.reason, me.lang)?;
    editor.answer(outcome, |side| draw(&Blocking { side })).await
}

#[derive(Template)]
#[template(path = "contact/blocked.html")]
struct BlockedPage {
    lang: Lang,
    frame: DeskFrame,
    place: &'static str,
    rows: Vec<BlockedRow>,
    may_act: bool,
    /// Where those who were blocked before go on, in microseconds.
    older: Option<i64>,
}

struct BlockedRow {
    id: ContactId,
    name: String,
    by: String,
    reason: String,
    time: Moment,
}

#[handler]
pub async fn list_blocked(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    request: &Request,
) -> Result<Response> {
    let before = query(request, "before")
        .and_then(|micros| Timestamp::from_microsecond(micros.parse().ok()?).ok());
    let below = before.map(|at| (at, ContactId(0)));
    let found = contact::blocked(&app.db, below, PAGE).await?;
    let full = found.len() as u64 == PAGE;
    let last = found.last().and_then(|contact| contact.block.as_ref());
    let older = last.filter(|_| full).map(|block| block.at.as_microsecond());
    let found = conversation::only_known(app.db.read(), &me.agent, found).await?;
    let zone = text::zone(text::DEFAULT_ZONE);
    let row = |contact: Contact| {
        let block = contact.block?;
        let name = match contact.name {
            name if name.is_empty() => me.lang.with("contact-number", "number", contact.id),
            name => name,
        };
        let (iso, shown) = (format!("{:.3}", block.at), text::stamp(block.at, &zone));
        let time = Moment { iso, shown };
        Some(BlockedRow { id: contact.id, name, by: block.by, reason: block.reason, time })
    };
    html(&BlockedPage {
        lang: me.lang,
        frame: DeskFrame::new(&me, "settings", 0),
        place: "blocked",
        rows: found.into_iter().filter_map(row).collect(),
        may_act: me.agent.role.may_act(),
        older,
    })
}

#[derive(Deserialize)]
struct LiftForm {
    contact: i64,
    #[serde(default)]
    reason: String,
}

/// Unblocks from the list.
#[handler]
pub async fn lift(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Form(form): Form<LiftForm>,
) -> Result<Response> {
    me.must_act()?;
    limits.act(&me.counted_as())?;
    let contact = ContactId(form.contact);
    let contact = conversation::known(app.db.read(), &me.agent, contact).await?;
    let reason = BlockReason::if_any(&form.reason)?;
    actions::unblock(&app, &me.doer(), contact.id, reason).await?;
    Ok(see_other("/desk/settings/blocked"))
}
