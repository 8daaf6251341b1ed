//! The first page: nobody is known and nothing is stored until the first message.
use super::{in_frame, receives, told, way};
use crate::{
    app::App,
    bus::Sighting,
    contact::{self, Arrival, MaybeVisitor, PageUrl, Visit, VisitorToken},
    conversation::{
        actions::{self, FirstMessage},
        model::{BLOCKED, Body, UNSIGNED},
        store,
    },
    error::{Error, Invalid, Result},
    event::SiteStep,
    ids::Nonce,
    site::{self, Origin, Site},
    text::Lang,
    web::{
        errors::words,
        limits::Limits,
        page::{Viewer, html, query, remembered_language, see_other},
    },
};
use askama::Template;
use poem::{
    Request, Response, handler,
    http::{StatusCode, header},
    web::{Data, Path},
};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "conversation/start.html")]
struct StartPage<'a> {
    lang: Lang,
    other: Lang,
    site: &'a Site,
    online: bool,
    visitor: String,
    /// Whether a cookie or a token says already who it is, so that the one of the form is of no use.
    known: bool,
    /// Whether nobody is heard here who is not signed, as this visitor is not.
    unsigned: bool,
    nonce: Nonce,
    /// Whether it stands in a frame on a customer's page.
    embedded: bool,
    /// The page on which the chat was opened; empty if the browser does not say.
    page: String,
    /// What was typed, when it could not be sent.
    body: String,
    problem: Option<String>,
}

#[handler]
pub async fn welcome(
    app: Data<&App>,
    viewer: Viewer,
    visitor: MaybeVisitor,
    request: &Request,
    Path(key): Path<String>,
) -> Result<Response> {
    let site = site::addressed(app.db.read(), &key).await?;
    see(&app, &site, request);
    let known = visitor.0.map(|visitor| visitor.contact);
    if let Some(contact) = known
        && let Some(open) = store::find_open(app.db.read(), site.id, contact).await?
    {
        // Who has chosen a language here keeps it, whatever the customer's page is written in.
        let asked = query(request, "lang").filter(|_| remembered_language(request).is_none());
        let lang = asked.map_or_else(String::new, |_| format!("?lang={}", viewer.lang));
        return Ok(see_other(format!("/c/{}{lang}", open.public_id)));
    }
    let page = StartPage {
        lang: viewer.lang,
        other: viewer.lang.other(),
        site: &site,
        online: receives(&app),
        visitor: VisitorToken::issue(&app.key).as_str().to_owned(),
        known: known.is_some(),
        unsigned: match known {
            Some(contact) => actions::is_unsigned(app.db.read(), &site, contact).await?,
            None => site.signed_only,
        },
        nonce: Nonce::new(),
        embedded: query(request, "mode").as_deref() == Some("embed"),
        page: page_before(request).map_or_else(String::new, |page| page.as_str().to_owned()),
        body: String::new(),
        problem: None,
    };
    in_frame(html(&page)?, &site)
}

/// Takes note of where the chat was opened.
fn see(app: &App, site: &Site, request: &Request) {
    let framed = query(request, "mode").as_deref() == Some("embed")
        || request.header("sec-fetch-dest") == Some("iframe");
    let page = request.header("referer").filter(|_| framed);
    let origin = page.and_then(Origin::of_page);
    let origin = origin.map_or_else(String::new, |origin| origin.as_str().to_owned());
    let own = page.and_then(|page| {
        site::own_path(page, &app.config.public_url(), request.header(header::HOST))
    });
    let step = match own.as_deref() {
        _ if !framed => SiteStep::LinkOpened,
        // Nobody's installation.
        Some("/demo") => return,
        // From one page of the chat to the next.
        Some(_) if page_before(request).is_none() => return,
        None if !origin.is_empty() && !site.origins.contains(&origin) => SiteStep::Refused,
        _ => SiteStep::Opened,
    };
    app.bus.saw(site.id, step, Sighting { at: app.clock.now(), origin });
}

#[derive(Deserialize)]
struct StartForm {
    visitor: String,
    nonce: String,
    #[serde(default)]
    body: String,
    /// A card as JSON, instead of words.
    #[serde(default)]
    card: String,
    #[serde(default)]
    page: String,
    /// Set in a frame.
    #[serde(default)]
    embed: String,
}

#[handler]
pub async fn start(visit: Visit<'_, StartForm>) -> Result<Response> {
    let Visit { app, request, viewer, visitor, form, .. } = &visit;
    let site = site::addressed(app.db.read(), &visit.key).await?;
    let fresh = VisitorToken::parse(&form.visitor, &app.key)
        .ok_or(Error::Invalid(Invalid { field: "visitor", reason: "invalid-visitor" }))?;
    let said = match form.card.as_str() {
        "" => Body::parse(&form.body).map(|body| (body, None)),
        json => told(json),
    };
    let (body, card) = match said {
        Ok(said) => said,
        Err(invalid) if !viewer.htmx => return start_again(&visit, &site, &invalid.into()),
        Err(invalid) => return Err(invalid.into()),
    };
    let nonce = Nonce::parse(&form.nonce)?;
    let (known, token) = match visitor {
        Some(visitor) => (Some(visitor.contact), visitor.token.clone()),
        None => (None, fresh.hash()),
    };
    visit.limits.start(viewer.address, known.map(|_| token.name()).as_deref())?;
    let device = request.header("user-agent").unwrap_or_default().to_owned();
    let arrival = Arrival { device, page: PageUrl::parse(&form.page).ok() };
    let first =
        FirstMessage { visitor: known, token, lang: viewer.lang, nonce, body, card, arrival };
    let sent = match actions::start(app, &site, first).await {
        Err(error @ Error::Forbidden(BLOCKED | UNSIGNED)) if !viewer.htmx => {
            return start_again(&visit, &site, &error);
        }
        outcome => outcome?,
    };
    way::note(app, request, &sent, &form.page);
    if known.is_none() {
        contact::remember(app, request, &fresh, !form.embed.is_empty());
    }
    viewer.remember_language(request, app.config.is_https());
    Ok(see_other(format!("/c/{}", sent.conversation.public_id)))
}

/// Whoever signs out of the customer's site signs out here: the conversation stays with the company, and nobody who uses
/// this browser next sees it.
#[handler]
pub async fn forget(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    visitor: MaybeVisitor,
    request: &Request,
) -> Result<StatusCode> {
    if let Some(visitor) = visitor.0 {
        limits.act(&visitor.token.name())?;
        actions::forget(&app, &visitor.token).await?;
    }
    contact::dismiss(&app, request);
    Ok(StatusCode::NO_CONTENT)
}

fn start_again(visit: &Visit<'_, StartForm>, site: &Site, error: &Error) -> Result<Response> {
    let Visit { app, viewer, visitor, form, .. } = visit;
    let page = StartPage {
        lang: viewer.lang,
        other: viewer.lang.other(),
        site,
        online: receives(app),
        visitor: form.visitor.clone(),
        known: visitor.is_some(),
        unsigned: false,
        nonce: Nonce::parse(&form.nonce).unwrap_or_default(),
        embedded: !form.embed.is_empty(),
        page: form.page.clone(),
        body: form.body.clone(),
        problem: Some(words(error).say(viewer.lang)),
    };
    let mut response = in_frame(html(&page)?, site)?;
    response.set_status(poem::error::ResponseError::status(error));
    Ok(response)
}

/// Where the visitor came from, unless that is the chat itself, in another language say.
fn page_before(request: &Request) -> Option<PageUrl> {
    let page = request.header("referer")?;
    let chat = page.split('/').nth(3).is_some_and(|first| first == "w" || first == "c");
    PageUrl::parse(page).ok().filter(|_| !chat)
}
