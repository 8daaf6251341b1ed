//! Lets a visitor in by the cookie that the first message left, or by the token where a browser gives a frame no cookies.
use super::{
    store::{self, TokenState},
    token::{TokenHash, VisitorToken},
};
use crate::{
    app::App,
    error::{Error, Result},
    ids::ContactId,
    web::{
        limits::Limits,
        page::Viewer,
        session::{cookie, cookie_name, in_frames},
    },
};
use poem::{
    FromRequest, Request, RequestBody,
    web::{Data, Form, Path, cookie::Cookie},
};
use serde::de::DeserializeOwned;
use std::{sync::Arc, time::Duration};

/// The visitor's cookie on our own pages, and in frames of the same site.
const COOKIE: &str = "kefu-v";
/// The same in a frame on another site's page.
const PARTITIONED: &str = "kefu-p";
const LIFE: Duration = Duration::from_secs(180 * 24 * 3600);

/// A visitor who has spoken before.
#[derive(Clone, Debug)]
pub struct CurrentVisitor {
    pub contact: ContactId,
    pub token: TokenHash,
}

/// Whoever opens the chat: perhaps a visitor who has spoken before.
#[derive(Clone, Debug)]
pub struct MaybeVisitor(pub Option<CurrentVisitor>);

impl<'a> FromRequest<'a> for MaybeVisitor {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let app = <Data<&App>>::from_request(request, body).await?;
        Ok(Self(current(&app, request).await?))
    }
}

/// What the chat of a site sends for whoever has it open, before anybody has to be known.
#[derive(Debug)]
pub struct Visit<'a, F> {
    pub app: &'a App,
    pub limits: &'a Limits,
    pub request: &'a Request,
    pub viewer: Viewer,
    /// Who it is, once she has spoken.
    pub visitor: Option<CurrentVisitor>,
    /// By which the address names the site.
    pub key: String,
    pub form: F,
}

impl<'a, F: DeserializeOwned> FromRequest<'a> for Visit<'a, F> {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let Data(app) = <Data<&App>>::from_request(request, body).await?;
        let Data(limits) = <Data<&Arc<Limits>>>::from_request(request, body).await?;
        let viewer = Viewer::of(request);
        let MaybeVisitor(visitor) = MaybeVisitor::from_request(request, body).await?;
        let Path(key) = Path::from_request(request, body).await?;
        let Form(form) = Form::from_request(request, body).await?;
        Ok(Self { app, limits, request, viewer, visitor, key, form })
    }
}

impl<'a> FromRequest<'a> for CurrentVisitor {
    /// Nobody's conversation is nobody's to know about: without a token there is nothing here.
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let app = <Data<&App>>::from_request(request, body).await?;
        Ok(current(&app, request).await?.ok_or(Error::NotFound)?)
    }
}

async fn current(app: &App, request: &Request) -> Result<Option<CurrentVisitor>> {
    let Some(token) = token(app, request) else { return Ok(None) };
    Ok(match store::token_state(app, &token.hash()).await? {
        TokenState::Known(contact) => Some(CurrentVisitor { contact, token: token.hash() }),
        TokenState::Fresh | TokenState::Ended => None,
    })
}

/// Whoever shows a token is meant by it, whatever cookies came along.
fn token(app: &App, request: &Request) -> Option<VisitorToken> {
    if let Some(shown) = request.header("authorization") {
        return VisitorToken::parse(shown.strip_prefix("Bearer ")?, &app.key);
    }
    let parse = |name| {
        let cookie = request.cookie().get(&cookie_name(name, app.config.is_https()))?;
        VisitorToken::parse(cookie.value_str(), &app.key)
    };
    parse(COOKIE).or_else(|| parse(PARTITIONED))
}

/// Makes the token of the start form the visitor's cookie; `embedded` in a frame on a customer's page.
pub fn remember(app: &App, request: &Request, token: &VisitorToken, embedded: bool) {
    for mut cookie in cookies(app, token.as_str(), embedded) {
        cookie.set_max_age(LIFE);
        request.cookie().add(cookie);
    }
}

/// Takes the cookies away.
pub fn dismiss(app: &App, request: &Request) {
    for mut cookie in cookies(app, "", true) {
        cookie.make_removal();
        cookie.set_path("/");
        request.cookie().add(cookie);
    }
}

fn cookies(app: &App, value: &str, embedded: bool) -> impl Iterator<Item = Cookie> {
    let secure = app.config.is_https();
    let own = cookie(&cookie_name(COOKIE, secure), value.to_owned(), secure);
    let partitioned = (secure && embedded)
        .then(|| in_frames(cookie(&cookie_name(PARTITIONED, secure), value.to_owned(), secure)));
    [Some(own), partitioned].into_iter().flatten()
}
