//! How answers are shaped, and what is known of whoever reads them.
use super::{
    compress::Whole,
    origin::client_address,
    session::{remember, remember_in_frames},
};
use crate::{app::App, error::Error, text::Lang};
use askama::Template;
use bytes::Bytes;
use poem::{
    FromRequest, IntoResponse, Request, RequestBody, Response, Result,
    http::{StatusCode, header},
    web::Html,
};
use std::net::{IpAddr, Ipv4Addr};

const LANGUAGE: &str = "kefu-lang";
/// The same in a frame on another site's page.
const LANGUAGE_IN_FRAMES: &str = "kefu-lang-p";

/// Whoever reads the answer, as far as the request alone tells.
#[derive(Clone, Copy, Debug)]
pub struct Viewer {
    /// `?lang=`, else what was remembered, else what the browser wishes, else the default.
    pub lang: Lang,
    /// Whether htmx asks, which wants a fragment.
    pub htmx: bool,
    pub address: IpAddr,
}

impl Viewer {
    pub fn of(request: &Request) -> Self {
        let asked = query(request, "lang").and_then(|tag| Lang::from_tag(&tag));
        let wished = || request.header("accept-language").and_then(Lang::negotiate);
        let app = request.data::<App>();
        Self {
            lang: asked
                .or_else(|| remembered_language(request))
                .or_else(wished)
                .unwrap_or_default(),
            htmx: request.header("hx-request").is_some(),
            address: app.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |app| {
                client_address(request, &app.config.trusted_proxies)
            }),
        }
    }

    /// Only after somebody spoke or asked for it: before that, no cookie.
    pub fn remember_language(self, request: &Request, secure: bool) {
        remember(request.cookie(), LANGUAGE, self.lang.code(), secure);
        if secure {
            remember_in_frames(request.cookie(), LANGUAGE_IN_FRAMES, self.lang.code());
        }
    }
}

pub fn remembered_language(request: &Request) -> Option<Lang> {
    let cookie = |name| request.cookie().get(name);
    let cookie = cookie(LANGUAGE).or_else(|| cookie(LANGUAGE_IN_FRAMES))?;
    Lang::from_tag(cookie.value_str())
}

impl<'a> FromRequest<'a> for Viewer {
    async fn from_request(request: &'a Request, _: &mut RequestBody) -> Result<Self> {
        Ok(Self::of(request))
    }
}

/// A parameter of the address.
pub fn query(request: &Request, name: &str) -> Option<String> {
    let pairs = url::form_urlencoded::parse(request.uri().query()?.as_bytes());
    pairs.into_iter().find_map(|(key, value)| (key == name).then(|| value.into_owned()))
}

/// A template's text.
pub fn draw(template: &impl Template) -> Result<String, Error> {
    template.render().map_err(Error::internal)
}

/// An answer that is one drawn template.
pub fn html(template: &impl Template) -> Result<Response, Error> {
    Ok(whole(Html(draw(template)?).into_response()))
}

/// A page with a form on it that was refused, saying why.
pub fn refused(template: &impl Template) -> Result<Response, Error> {
    let mut response = html(template)?;
    response.set_status(StatusCode::UNPROCESSABLE_ENTITY);
    Ok(response)
}

/// A fragment, already drawn.
pub fn fragment(drawn: impl Into<Bytes>) -> Response {
    whole(Response::builder().content_type("text/html; charset=utf-8").body(drawn.into()))
}

fn whole(mut response: Response) -> Response {
    response.extensions_mut().insert(Whole);
    response
}

/// Go and look there: the answer to a plain form.
pub fn see_other(path: impl AsRef<str>) -> Response {
    Response::builder()
        .status(StatusCode::SEE_OTHER)
        .header(header::LOCATION, path.as_ref())
        .finish()
}
