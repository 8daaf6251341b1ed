//! The visitor's pages and forms: parse, act, show.
mod files;
mod first;
mod pages;
mod way;

pub use files::{bring, look};
pub use first::{forget, start, welcome};
pub use pages::view;

use super::{
    actions, card,
    live::{self, Canvas, EntryLine},
    model::{Body, Conversation, Seat},
    store::{self, History, Range},
    writer::Sent,
};
use crate::{
    app::App,
    attachment::{
        self, Attachment,
        web::{WithFiles, unsent},
    },
    contact::CurrentVisitor,
    error::{Error, Invalid, Result},
    event::{Card, Present, Side},
    ids::{FileId, Nonce, PublicId},
    site::{self, Saying, Site},
    text::{self, Lang},
    web::{
        headers::{framed, framed_without_scripts},
        limits::Limits,
        page::{Viewer, fragment, html, query, see_other},
    },
};
use askama::Template;
use poem::{
    Request, Response, handler,
    http::StatusCode,
    web::{Data, Form, Path},
};
use serde::Deserialize;
use std::sync::Arc;

/// Entries on a page; older ones are a link away.
const PAGE: u64 = 50;
/// The most entries in one answer to a reader who was away.
const MISSED: u64 = 500;

// ── the conversation ──

#[derive(Template)]
#[template(path = "conversation/show.html")]
struct ConversationPage<'a> {
    lang: Lang,
    other: Lang,
    site: &'a Site,
    conversation: &'a Conversation,
    online: bool,
    lines: Vec<EntryLine>,
    /// The entry that our side's read mark stands under, 0 for none.
    read: i64,
    /// Set where older entries exist.
    older: Option<i64>,
    /// Whether the newest entry is on this page, so that news belongs below it.
    newest: bool,
    epoch: &'a str,
    composer: Composer<'a>,
    /// Whether it is known to stand in a frame on a customer's page; others find out by themselves.
    embedded: bool,
    /// Set where the visitor is asked whether the conversation is to end.
    ending: Option<Nonce>,
}

/// The form that sends a message, in the page or in a frame of its own.
struct Composer<'a> {
    lang: Lang,
    cid: &'a PublicId,
    nonce: Nonce,
    seen: i64,
    /// `compose` where the form stands in a frame and comes back to it.
    back: &'a str,
    /// What stands in the empty box.
    placeholder: String,
    body: String,
    /// What goes with it, and what may be chosen for it.
    files: Vec<Attachment>,
    accept: String,
    problem: Option<String>,
}

impl<'a> Composer<'a> {
    async fn fresh(
        app: &App,
        lang: Lang,
        Opened { site, conversation, .. }: &'a Opened,
        back: &'a str,
    ) -> Result<Self> {
        let (nonce, body) = (Nonce::new(), String::new());
        Ok(Self {
            lang,
            cid: &conversation.public_id,
            nonce,
            seen: conversation.last_seq,
            back,
            placeholder: site.look.say(Saying::Placeholder, lang),
            body,
            files: Vec::new(),
            accept: attachment::accepted(app).await?,
            problem: None,
        })
    }
}

/// A conversation, looked up through the visitor whose it is.
struct Opened {
    site: Site,
    conversation: Conversation,
    canvas: Canvas,
}

async fn open(app: &App, visitor: &CurrentVisitor, cid: &str, lang: Lang) -> Result<Opened> {
    let public_id = PublicId::parse(cid).ok_or(Error::NotFound)?;
    let seat = Seat::Visitor { contact: visitor.contact, conversation: public_id };
    let conversation = store::find_for(app.db.read(), &seat).await?;
    let site = site::find(app.db.read(), conversation.site).await?;
    let canvas = Canvas {
        audience: Side::Visitor,
        lang,
        zone: text::zone(&site.zone),
        conversation: conversation.id,
        files: format!("/c/{cid}/files/"),
        visitor: String::new(),
        acts: false,
        standing: site.look.standing(lang),
    };
    Ok(Opened { site, conversation, canvas })
}

#[handler]
pub async fn show(
    app: Data<&App>,
    viewer: Viewer,
    visitor: CurrentVisitor,
    request: &Request,
    Path(cid): Path<String>,
) -> Result<Response> {
    if query(request, "lang").is_some() {
        viewer.remember_language(request, app.config.is_https());
    }
    let opened = open(&app, &visitor, &cid, viewer.lang).await?;
    let before = query(request, "before").and_then(|seq| seq.parse().ok());
    let range = before.map_or(Range::Latest(PAGE), |seq| Range::Before(seq, PAGE));
    let files = unsent(&app, files::owner(&visitor, &opened), request).await?;
    let composer = Composer { files, ..Composer::fresh(&app, viewer.lang, &opened, "").await? };
    let ending = query(request, "end").map(|_| Nonce::new());
    let around = Around { embedded: is_embedded(request), ending };
    conversation_page(&app, viewer.lang, &opened, range, composer, around).await
}

/// What a conversation's page is besides the conversation.
#[derive(Default)]
struct Around {
    embedded: bool,
    ending: Option<Nonce>,
}

/// Whether a browser says so, or a token: only the script of such a frame asks for pages by one.
fn is_embedded(request: &Request) -> bool {
    request.header("sec-fetch-dest") == Some("iframe") || request.header("authorization").is_some()
}

async fn conversation_page(
    app: &App,
    lang: Lang,
    opened: &Opened,
    range: Range,
    composer: Composer<'_>,
    around: Around,
) -> Result<Response> {
    let Opened { site, conversation, canvas } = opened;
    let history = store::history(app.db.read(), conversation.id, range).await?;
    let positions = store::positions(app.db.read(), conversation.id).await?;
    let page = ConversationPage {
        lang,
        other: lang.other(),
        site,
        conversation,
        online: is_online(app),
        lines: live::lines(&history, canvas),
        read: positions.agents.at_entry,
        newest: !matches!(range, Range::Before(..)),
        older: (history.first_seq() > 1).then(|| history.first_seq()),
        epoch: &app.epoch,
        composer,
        embedded: around.embedded,
        ending: around.ending.filter(|_| conversation.closed_at.is_none()),
    };
    in_frame(html(&page)?, site)
}

#[derive(Deserialize)]
struct MessageForm {
    nonce: String,
    #[serde(default)]
    body: String,
    /// A card as JSON, instead of words.
    #[serde(default)]
    card: String,
    #[serde(default)]
    back: String,
    #[serde(default)]
    seen_seq: Option<i64>,
}

#[handler]
pub async fn say(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    viewer: Viewer,
    visitor: CurrentVisitor,
    request: &Request,
    Path(cid): Path<String>,
    body: poem::Body,
) -> Result<Response> {
    let opened = open(&app, &visitor, &cid, viewer.lang).await?;
    let WithFiles { form, files, refused } =
        files::filled(&app, &limits, &visitor, &opened, request, body).await?;
    let outcome = match refused {
        Some(error) => Err(error),
        None => try_say(&app, &limits, &visitor, &opened, &form, &files).await,
    };
    if let Ok(sent) = &outcome {
        way::note(&app, request, sent, "");
    }
    match outcome {
        Ok(sent) if viewer.htmx => Ok(fragment(live::sent(&opened.canvas, &sent.appended)?)),
        Ok(_) => Ok(see_other(back(&cid, &form))),
        Err(error) if viewer.htmx => Err(error),
        // The frame is small: what went wrong stands above the text there, in the page likewise.
        Err(error) => {
            let owner = files::owner(&visitor, &opened);
            let files = attachment::chosen(&app, owner, &files).await.unwrap_or_default();
            say_again(&app, viewer, &opened, &form, files, error).await
        }
    }
}

async fn try_say(
    app: &App,
    limits: &Limits,
    visitor: &CurrentVisitor,
    opened: &Opened,
    form: &MessageForm,
    files: &[FileId],
) -> Result<Sent> {
    let (body, card) = match form.card.as_str() {
        "" => (Body::beside(&form.body, files)?, None),
        json => told(json)?,
    };
    let nonce = Nonce::parse(&form.nonce)?;
    limits.message(&visitor.token.name())?;
    let cid = opened.conversation.public_id.clone();
    let sent = actions::say(app, visitor.contact, cid.clone(), nonce, body, files, card).await?;
    if let Some(seen) = form.seen_seq {
        actions::read_as_visitor(app, visitor.contact, cid, seen).await?;
    }
    Ok(sent)
}

/// A card that a page told, and what it says in words.
fn told(json: &str) -> Result<(Body, Option<Card>), Invalid> {
    let card = card::parse(json)?;
    Ok((card::words(&card)?, Some(card)))
}

async fn say_again(
    app: &App,
    viewer: Viewer,
    opened: &Opened,
    form: &MessageForm,
    files: Vec<Attachment>,
    error: Error,
) -> Result<Response> {
    // A database that is away cannot give us the page; the error page keeps the text.
    if matches!(error, Error::Unavailable(_) | Error::Internal(_)) {
        return Err(error);
    }
    let lang = viewer.lang;
    let nonce = match error {
        Error::NonceReused => Nonce::new(),
        _ => Nonce::parse(&form.nonce).unwrap_or_default(),
    };
    let back = if form.back == "compose" { "compose" } else { "" };
    let composer = Composer {
        nonce,
        body: form.body.clone(),
        files,
        problem: Some(crate::web::errors::words(&error).say(lang)),
        ..Composer::fresh(app, lang, opened, back).await?
    };
    let mut response = if back == "compose" {
        compose_page(lang, opened, composer)?
    } else {
        conversation_page(app, lang, opened, Range::Latest(PAGE), composer, Around::default())
            .await?
    };
    response.set_status(poem::error::ResponseError::status(&error));
    Ok(response)
}

fn back(cid: &str, form: &MessageForm) -> String {
    if form.back == "compose" { format!("/c/{cid}/compose") } else { format!("/c/{cid}") }
}

#[derive(Deserialize)]
struct EndForm {
    nonce: String,
}

#[handler]
pub async fn end(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    visitor: CurrentVisitor,
    Path(cid): Path<String>,
    Form(form): Form<EndForm>,
) -> Result<Response> {
    let conversation = PublicId::parse(&cid).ok_or(Error::NotFound)?;
    let nonce = Nonce::parse(&form.nonce)?;
    limits.act(&visitor.token.name())?;
    match actions::end(&app, visitor.contact, conversation, nonce).await {
        // Whoever ends what has ended finds it so.
        Ok(_) | Err(Error::Conflict(_)) => Ok(see_other(format!("/c/{cid}"))),
        Err(error) => Err(error),
    }
}

#[derive(Deserialize)]
struct ReadForm {
    seq: i64,
}

#[handler]
pub async fn read(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    visitor: CurrentVisitor,
    Path(cid): Path<String>,
    Form(form): Form<ReadForm>,
) -> Result<StatusCode> {
    let cid = PublicId::parse(&cid).ok_or(Error::NotFound)?;
    limits.act(&visitor.token.name())?;
    actions::read_as_visitor(&app, visitor.contact, cid, form.seq).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Somebody who types faster than the rate is not told: nothing depends on it.
#[handler]
pub async fn typing(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    visitor: CurrentVisitor,
    Path(cid): Path<String>,
) -> Result<StatusCode> {
    let cid = PublicId::parse(&cid).ok_or(Error::NotFound)?;
    if limits.may_type(&visitor.token.name()) {
        actions::type_as_visitor(&app, visitor.contact, cid).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

/// What `?after=` or `?before=` ask for.
pub fn asked_range(request: &Request) -> Result<Range> {
    let number = |name| match query(request, name) {
        None => Ok(None),
        Some(text) => {
            text.parse().map(Some).map_err(|_| Invalid { field: name, reason: "invalid-cursor" })
        }
    };
    Ok(match (number("after")?, number("before")?) {
        (Some(seq), _) => Range::After(seq, MISSED),
        (None, Some(seq)) => Range::Before(seq, PAGE),
        (None, None) => Range::Latest(PAGE),
    })
}

pub fn history_fragment(canvas: &Canvas, history: &History) -> Result<Response> {
    let news = live::news(canvas, history)?;
    Ok(if news.is_empty() { StatusCode::NO_CONTENT.into() } else { fragment(news) })
}

// ── without scripts ──

#[derive(Template)]
#[template(path = "conversation/compose.html")]
struct ComposePage<'a> {
    lang: Lang,
    site: &'a Site,
    composer: Composer<'a>,
}

#[handler]
pub async fn compose(
    app: Data<&App>,
    viewer: Viewer,
    visitor: CurrentVisitor,
    request: &Request,
    Path(cid): Path<String>,
) -> Result<Response> {
    let opened = open(&app, &visitor, &cid, viewer.lang).await?;
    let files = unsent(&app, files::owner(&visitor, &opened), request).await?;
    let fresh = Composer::fresh(&app, viewer.lang, &opened, "compose").await?;
    let composer = Composer { files, ..fresh };
    compose_page(viewer.lang, &opened, composer)
}

fn compose_page(lang: Lang, opened: &Opened, composer: Composer<'_>) -> Result<Response> {
    let mut response = html(&ComposePage { lang, site: &opened.site, composer })?;
    framed_without_scripts(&mut response, &opened.site.origins);
    Ok(response)
}

// ── small things ──

/// Whether an agent is here, of whoever talks already.
fn is_online(app: &App) -> bool {
    app.bus.is_here(Present::Agents)
}

/// Whether an agent receives whoever is new: one who is busy does not.
fn receives(app: &App) -> bool {
    app.bus.is_here(Present::Receiving)
}

fn in_frame(mut response: Response, site: &Site) -> Result<Response> {
    framed(&mut response, &site.origins);
    Ok(response)
}
