//! Lets a visitor in by the cookie that the first message left.
use super::{
    store::{self, TokenState},
    token::{TokenHash, VisitorToken},
};
use crate::{
    app::App,
    error::{Error, Result},
    ids::ContactId,
    web::session::{cookie, cookie_name},
};
use poem::{FromRequest, Request, RequestBody, web::Data};
use std::time::Duration;

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

fn token(app: &App, request: &Request) -> Option<VisitorToken> {
    let name = cookie_name("kefu-v", app.config.is_https());
    let cookie = request.cookie().get(&name)?;
    VisitorToken::parse(cookie.value_str(), &app.key)
}

/// Makes the token of the start form the visitor's cookie.
pub fn remember(app: &App, request: &Request, token: &VisitorToken) {
    let secure = app.config.is_https();
    let mut cookie = cookie(&cookie_name("kefu-v", secure), token.as_str().to_owned(), secure);
    cookie.set_max_age(LIFE);
    request.cookie().add(cookie);
}
