//! What an agent says in a conversation, and that she reads or types. Every act is a plain form; htmx gets the part of the
//! page that changed.
use super::{
    PAGE, Pane, asks, bar, bar_partial,
    clash::{Unsent, clash},
    composer::Composer,
    desk_page, files,
    lens::lens,
    number, open, pane, place, quote,
};
use crate::{
    agent::CurrentAgent,
    app::App,
    attachment::{
        self,
        web::{WithFiles, is_for_scripts},
    },
    conversation::{self, AtWork, Beside, Body as Words, Lens, Range, colleagues, mentions},
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
    Body, Request, Response,
    error::ResponseError,
    handler,
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
    let lens = lens(request, me.agent.id);
    let written = Written { lens, conversation: work.conversation, form: &form, files: &files };
    let outcome = match refused {
        Some(error) => Err(error),
        None => try_write(&app, &limits, &me, request, work, &written).await,
    };
    match outcome {
        Err(error) if !viewer.htmx && !is_for_scripts(request) => {
            write_again(&app, &me, &written, error).await
        }
        outcome => outcome,
    }
}

/// What was written, and where.
struct Written<'a> {
    lens: Lens,
    conversation: ConversationId,
    form: &'a WriteForm,
    files: &'a [FileId],
}

impl Written<'_> {
    fn kind(&self) -> Result<DraftKind, Invalid> {
        match self.form.kind.as_str() {
            "" => Ok(DraftKind::default()),
            word => DraftKind::parse(word),
        }
    }
}

async fn try_write(
    app: &App,
    limits: &Limits,
    me: &CurrentAgent,
    request: &Request,
    work: AtWork,
    written: &Written<'_>,
) -> Result<Response> {
    let Written { ref lens, conversation: id, form, files } = *written;
    if form.discard.is_some() {
        limits.act(&me.counted_as())?;
        draft::forget(app, me.agent.id, id).await?;
        return Ok(see_other(place(lens, id)));
    }
    if let Some(to) = form.aside {
        limits.act(&me.counted_as())?;
        return put_aside(app, me, written, to).await;
    }
    let (body, nonce) = (Words::beside(&form.body, files)?, Nonce::parse(&form.nonce)?);
    limits.message(&me.counted_as())?;
    let seen = form.seen_seq.filter(|_| form.anyway.is_none());
    let (quote, files) = (form.quote, files.to_vec());
    let sent = match written.kind()? {
        DraftKind::Text => {
            let beside = Beside { quote, files, ..Beside::default() };
            let sent = conversation::reply(app, work.clone(), nonce, body, beside, seen).await;
            match (sent, seen) {
                (Err(stale @ Error::Stale { .. }), Some(seen)) if !is_for_scripts(request) => {
                    let unsent = Unsent {
                        conversation: id,
                        nonce: &form.nonce,
                        body: &form.body,
                        quote,
                        files: written.files,
                        seen,
                        why: words(&stale).say(me.lang),
                    };
                    return clash(app, me, request, &unsent).await;
                }
                (sent, _) => sent?,
            }
        }
        DraftKind::Note => {
            let mentions = mentions(body.as_str(), &colleagues(app).await?);
            conversation::note(app, work.clone(), nonce, body, Beside { quote, mentions, files })
                .await?
        }
    };
    draft::forget(app, me.agent.id, id).await?;
    if let Some(seen) = form.seen_seq {
        conversation::read_as_agent(app, &work, seen).await?;
    }
    if !Viewer::of(request).htmx {
        return Ok(see_other(place(lens, id)));
    }
    let (found, canvas) = open(app, me, id).await?;
    let entry = conversation::sent(&canvas, &sent.appended)?;
    let bar = bar_partial(&bar(app, me, lens, &found).await?)?;
    Ok(fragment(entry + &bar))
}

/// Keeps what was written as a draft; what goes with it stands in the address meanwhile.
async fn put_aside(
    app: &App,
    me: &CurrentAgent,
    written: &Written<'_>,
    to: Aside,
) -> Result<Response> {
    let Written { ref lens, conversation: id, form, files } = *written;
    draft::keep(app, me.agent.id, id, written.kind()?, DraftBody::parse(&form.body)?).await?;
    let beside = beside(form.quote, files);
    Ok(see_other(match to {
        Aside::Here => place(lens, id) + &beside,
        Aside::Canned => format!("/desk/canned?c={id}&{}{beside}", asks(lens)),
    }))
}

/// What could not be sent stands in its conversation again, with its files and what it quotes, and why above it.
async fn write_again(
    app: &App,
    me: &CurrentAgent,
    written: &Written<'_>,
    error: Error,
) -> Result<Response> {
    // What is away, or not hers to see, cannot give the page; the error page keeps the words.
    if matches!(error, Error::NotFound | Error::Unavailable(_) | Error::Internal(_)) {
        return Err(error);
    }
    let Written { ref lens, conversation: id, form, files } = *written;
    let pane = pane(app, me, lens, id, Range::Latest(PAGE)).await?;
    let note = written.kind().is_ok_and(|kind| kind == DraftKind::Note);
    let pane = Pane {
        nonce: match error {
            Error::NonceReused => Nonce::new(),
            _ => Nonce::parse(&form.nonce).unwrap_or_default(),
        },
        composer: Composer { note, body: form.body.clone(), ..pane.composer },
        files: attachment::chosen(app, files::owner(me, id), files).await.unwrap_or_default(),
        quote: quote(app, me, id, &pane.bar.name, form.quote).await?,
        problem: Some(words(&error).say(me.lang)),
        ..pane
    };
    let mut page = desk_page(app, me, lens, Some(pane)).await?;
    page.set_status(error.status());
    Ok(page)
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
