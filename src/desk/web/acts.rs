//! What an agent says in a conversation, and that she reads or types. Every act is a plain form; htmx gets the part of the
//! page that changed.
use super::{
    asks, bar, bar_partial,
    clash::{Unsent, clash},
    files,
    lens::lens,
    number, open, place,
};
use crate::{
    agent::CurrentAgent,
    app::App,
    attachment::web::{WithFiles, is_for_scripts},
    conversation::{self, AtWork, Beside, Body as Words, Lens, colleagues, mentions},
    draft::{self, DraftBody, DraftKind},
    error::{Error, Invalid, Result},
    ids::{ConversationId, FileId, Nonce},
    web::{
        errors::words,
        limits::Limits,
        page::{Viewer, fragment, see_other},
    },
};
use poem::{
    Body, Request, Response, handler,
    http::StatusCode,
    web::{Data, Form, Path},
};
use serde::{Deserialize, Deserializer, de::Error as _};
use std::sync::Arc;

#[derive(Deserialize)]
struct WriteForm {
    nonce: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    seen_seq: Option<i64>,
    /// The number of the entry it answers.
    #[serde(default, deserialize_with = "none_if_empty")]
    quote: Option<i64>,
    /// Set by the button that sends although somebody else answered meanwhile.
    #[serde(default)]
    anyway: Option<String>,
    /// Set by the button that gives it up.
    #[serde(default)]
    discard: Option<String>,
    /// Set by the buttons that put it aside without scripts, and where they lead.
    #[serde(default)]
    aside: Option<Aside>,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Aside {
    /// Where it was written, from where any link may be followed.
    Here,
    /// To the canned replies, and back with one.
    Canned,
}

#[handler]
pub async fn write(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    viewer: Viewer,
    me: CurrentAgent,
    request: &Request,
    Path(id): Path<String>,
    body: Body,
) -> Result<Response> {
    let work = at_work(&me, number(&id)?)?;
    let WithFiles { form, files, refused } =
        files::filled::<WriteForm>(&app, &limits, &me, work.conversation, request, body).await?;
    if let Some(error) = refused {
        return Err(error);
    }
    let lens = lens(request, me.agent.id);
    if form.discard.is_some() {
        limits.act(&me.counted_as())?;
        draft::forget(&app, me.agent.id, work.conversation).await?;
        return Ok(see_other(place(&lens, work.conversation)));
    }
    if let Some(to) = form.aside {
        limits.act(&me.counted_as())?;
        return put_aside(&app, &me, &lens, work.conversation, &form, &files, to).await;
    }
    let (body, nonce) = (Words::beside(&form.body, &files)?, Nonce::parse(&form.nonce)?);
    limits.message(&me.counted_as())?;
    let seen = form.seen_seq.filter(|_| form.anyway.is_none());
    let quote = form.quote;
    let sent = match form.kind.as_str() {
        "" | "text" => {
            let beside = Beside { quote, files: files.clone(), ..Beside::default() };
            let sent = conversation::reply(&app, work.clone(), nonce, body, beside, seen).await;
            match (sent, seen) {
                (Err(stale @ Error::Stale { .. }), Some(seen)) if !is_for_scripts(request) => {
                    let unsent = Unsent {
                        conversation: work.conversation,
                        nonce: &form.nonce,
                        body: &form.body,
                        quote,
                        files: &files,
                        seen,
                        why: words(&stale).say(me.lang),
                    };
                    return clash(&app, &me, request, &unsent).await;
                }
                (sent, _) => sent?,
            }
        }
        "note" => {
            let mentions = mentions(body.as_str(), &colleagues(&app).await?);
            conversation::note(&app, work.clone(), nonce, body, Beside { quote, mentions, files })
                .await?
        }
        _ => return Err(Invalid { field: "kind", reason: "invalid-form" }.into()),
    };
    draft::forget(&app, me.agent.id, work.conversation).await?;
    if let Some(seen) = form.seen_seq {
        conversation::read_as_agent(&app, &work, seen).await?;
    }
    if !viewer.htmx {
        return Ok(see_other(place(&lens, work.conversation)));
    }
    let (found, canvas) = open(&app, &me, work.conversation).await?;
    let entry = conversation::sent(&canvas, &sent.appended)?;
    let bar = bar_partial(&bar(&app, &me, &lens, &found).await?)?;
    Ok(fragment(entry + &bar))
}

/// Keeps what was written as a draft; what goes with it stands in the address meanwhile.
async fn put_aside(
    app: &App,
    me: &CurrentAgent,
    lens: &Lens,
    id: ConversationId,
    form: &WriteForm,
    files: &[FileId],
    to: Aside,
) -> Result<Response> {
    let kind = if form.kind.is_empty() { DraftKind::Text } else { DraftKind::parse(&form.kind)? };
    draft::keep(app, me.agent.id, id, kind, DraftBody::parse(&form.body)?).await?;
    let beside = beside(form.quote, files);
    Ok(see_other(match to {
        Aside::Here => place(lens, id) + &beside,
        Aside::Canned => format!("/desk/canned?c={id}&{}{beside}", asks(lens)),
    }))
}

/// What goes with an answer that is being written, as an address names it.
pub(super) fn beside(quote: Option<i64>, files: &[FileId]) -> String {
    let quote = quote.map(|seq| format!("&quote={seq}"));
    quote.into_iter().chain(files.iter().map(|file| format!("&file={file}"))).collect()
}

#[derive(Deserialize)]
struct SeenForm {
    seq: i64,
}

#[handler]
pub async fn mark_seen(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Path(id): Path<String>,
    Form(form): Form<SeenForm>,
) -> Result<StatusCode> {
    // A reader who may not act leaves no mark either.
    if let Ok(work) = at_work(&me, number(&id)?) {
        limits.act(&me.counted_as())?;
        conversation::read_as_agent(&app, &work, form.seq).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

#[handler]
pub async fn typing(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Path(id): Path<String>,
) -> Result<StatusCode> {
    let work = at_work(&me, number(&id)?)?;
    if limits.may_type(&me.counted_as()) {
        conversation::type_as_agent(&app, &work).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// A hidden field that holds nothing is as good as none.
fn none_if_empty<'de, D: Deserializer<'de>>(from: D) -> Result<Option<i64>, D::Error> {
    let text = Option::<String>::deserialize(from)?.unwrap_or_default();
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(D::Error::custom) }
}

pub(super) fn at_work(me: &CurrentAgent, conversation: ConversationId) -> Result<AtWork> {
    me.must_act()?;
    Ok(AtWork { agent: me.agent.id, name: me.agent.name.clone(), conversation })
}
