//! What an agent says in a conversation, and that she reads or types. Every act is a plain form; htmx gets the part of the
//! page that changed.
use super::{
    bar, bar_partial,
    clash::{Unsent, clash},
    lens::lens,
    number, open, place,
};
use crate::{
    agent::CurrentAgent,
    app::App,
    attachment::web::{WithFiles, is_for_scripts},
    conversation::{self, AtWork, Beside, Body, colleagues, mentions},
    draft,
    error::{Error, Invalid, Result},
    ids::{ConversationId, Nonce},
    web::{
        errors::words,
        limits::Limits,
        page::{Viewer, fragment, see_other},
    },
};
use poem::{
    Request, Response, handler,
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
}

#[handler]
pub async fn write(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    viewer: Viewer,
    me: CurrentAgent,
    request: &Request,
    Path(id): Path<String>,
    WithFiles { form, files }: WithFiles<WriteForm>,
) -> Result<Response> {
    let work = at_work(&me, number(&id)?)?;
    let lens = lens(request, me.agent.id);
    if form.discard.is_some() {
        limits.act(&me.counted_as())?;
        draft::forget(&app, me.agent.id, work.conversation).await?;
        return Ok(see_other(place(&lens, work.conversation)));
    }
    let (body, nonce) = (Body::beside(&form.body, &files)?, Nonce::parse(&form.nonce)?);
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
