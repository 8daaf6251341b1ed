//! tower-sessions in Poem. Its own layer wants `http::Request`; Poem's layers carry `poem::Request`.
use super::session_store::{IDLE, LONGEST, SessionRows};
use crate::{app::App, error::Error};
use poem::{
    Endpoint, FromRequest, IntoResponse, Middleware, Request, RequestBody, Response,
    web::cookie::{Cookie, CookieJar, SameSite},
};
use std::sync::Arc;
use tower_sessions::{Expiry, Session, session::Id};

/// Puts a [`Session`] into every request. It asks the database only once somebody looks inside.
#[derive(Debug)]
pub struct Sessions {
    rows: Arc<SessionRows>,
    secure: bool,
}

impl Sessions {
    pub fn new(app: &App) -> Self {
        Self { rows: Arc::new(SessionRows::new(app)), secure: app.config.is_https() }
    }
}

impl<E: Endpoint> Middleware<E> for Sessions {
    type Output = WithSession<E>;
    fn transform(&self, inner: E) -> Self::Output {
        WithSession { inner, rows: self.rows.clone(), secure: self.secure }
    }
}

#[derive(Debug)]
pub struct WithSession<E> {
    inner: E,
    rows: Arc<SessionRows>,
    secure: bool,
}

impl<E: Endpoint> Endpoint for WithSession<E> {
    type Output = Response;

    async fn call(&self, mut request: Request) -> poem::Result<Response> {
        let cookies = request.cookie().clone();
        let name = cookie_name("kefu", self.secure);
        let id = cookies.get(&name).and_then(|cookie| cookie.value_str().parse::<Id>().ok());
        let idle = IDLE
            .try_into()
            .map_err(|_| Error::internal(anyhow::anyhow!("IDLE is out of range")))?;
        let session = Session::new(id, self.rows.clone(), Some(Expiry::OnInactivity(idle)));
        request.extensions_mut().insert(session.clone());

        let response = self.inner.call(request).await?.into_response();
        if session.is_modified() {
            if session.is_empty().await {
                cookies.add(removal(&name, self.secure));
            } else {
                session.save().await.map_err(unavailable)?;
                if let Some(id) = session.id() {
                    let mut cookie = cookie(&name, id.to_string(), self.secure);
                    cookie.set_max_age(LONGEST);
                    cookies.add(cookie);
                }
            }
        }
        Ok(response)
    }
}

/// What can go wrong with a session is the database.
pub fn unavailable(error: tower_sessions::session::Error) -> Error {
    Error::Unavailable(error.into())
}

/// The session of a request.
#[derive(Clone, Debug)]
pub struct CurrentSession(pub Session);

impl<'a> FromRequest<'a> for CurrentSession {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let session = request.extensions().get::<Session>().cloned();
        Ok(Self(session.ok_or(Error::Unauthenticated)?))
    }
}

/// Over https a cookie is bound to this host alone by its name.
pub fn cookie_name(name: &str, secure: bool) -> String {
    if secure { format!("__Host-{name}") } else { name.to_owned() }
}

/// A cookie that scripts cannot read and other sites' forms do not send.
pub fn cookie(name: &str, value: String, secure: bool) -> Cookie {
    let mut cookie = Cookie::new_with_str(name, value);
    cookie.set_http_only(true);
    cookie.set_secure(secure);
    cookie.set_same_site(SameSite::Lax);
    cookie.set_path("/");
    cookie
}

/// The same for a frame on another site's page, and for that site alone (CHIPS). Browsers keep it only over https.
pub fn in_frames(mut cookie: Cookie) -> Cookie {
    cookie.set_same_site(SameSite::None);
    cookie.set_partitioned(true);
    cookie
}

fn removal(name: &str, secure: bool) -> Cookie {
    let mut cookie = cookie(name, String::new(), secure);
    cookie.make_removal();
    cookie.set_path("/");
    cookie
}

/// For what a person chose and the page needs before anybody is known: language, time zone.
pub fn remember(cookies: &CookieJar, name: &str, value: &str, secure: bool) {
    cookies.add(lasting(name, value, secure));
}

/// The same in a frame on another site's page.
pub fn remember_in_frames(cookies: &CookieJar, name: &str, value: &str) {
    cookies.add(in_frames(lasting(name, value, true)));
}

fn lasting(name: &str, value: &str, secure: bool) -> Cookie {
    let mut cookie = cookie(name, value.to_owned(), secure);
    cookie.set_max_age(std::time::Duration::from_secs(180 * 24 * 3600));
    cookie
}
