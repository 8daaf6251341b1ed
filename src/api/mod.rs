//! kefu for programs: REST v1 and what the socket (`live/socket.rs`) shares with it. Programs act through the same actions,
//! owners and limits as people.
mod acts;
mod caller;
mod contacts;
mod docs;
pub mod frame;
mod handling;
mod problem;
mod rest;
pub mod shape;
mod text;

pub use acts::{Desk, Message};
pub use caller::Caller;
pub use docs::documentation;

use crate::{app::App, error::Result, site};
use poem::{
    Endpoint, IntoResponse, Request, Response, Route, get, handler,
    http::{HeaderValue, Method, StatusCode, header},
    web::Json,
};
use poem_openapi::{OpenApi, OpenApiService};
use std::sync::{Arc, LazyLock};

fn service() -> OpenApiService<impl OpenApi, ()> {
    OpenApiService::new(rest::operations(), "kefu", "1")
        .description(
            "Customer-service chat. Moments are RFC 3339 in UTC; ignore fields you do not know.",
        )
        .server("/api/v1")
}

/// Everything under `/api/v1` but the socket.
pub fn routes() -> Route {
    Route::new()
        .at("/openapi.json", get(openapi))
        .at("/asyncapi.json", get(asyncapi))
        .nest("/", service())
}

/// The description of REST v1, made once.
pub fn openapi_json() -> &'static serde_json::Value {
    static DESCRIPTION: LazyLock<serde_json::Value> =
        LazyLock::new(|| serde_json::from_str(&service().spec()).unwrap_or_default());
    &DESCRIPTION
}

#[handler]
fn openapi() -> Json<&'static serde_json::Value> {
    Json(openapi_json())
}

#[handler]
fn asyncapi() -> Json<serde_json::Value> {
    Json(frame::asyncapi())
}

/// Pages of the sites' own origins may call from a browser. No cookie counts here, so none is asked for. Stands outside of
/// the layer that words errors, since a browser reads those only if it is allowed to as well.
pub async fn for_sites<E: Endpoint>(endpoint: Arc<E>, request: Request) -> poem::Result<Response> {
    if !request.uri().path().starts_with("/api/v1/") {
        return Ok(endpoint.call(request).await?.into_response());
    }
    let path = request.uri().path().to_owned();
    let origin = request.header("origin").map(str::to_owned);
    let allowed = match (&origin, request.data::<App>()) {
        // Without a database nobody is allowed; the answer will say that it is away.
        (Some(origin), Some(app)) => is_of_a_site(app, origin).await.unwrap_or(false),
        _ => false,
    };
    let mut response = if request.method() == Method::OPTIONS && allowed {
        Response::builder()
            .status(StatusCode::NO_CONTENT)
            .header(header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST")
            .header(header::ACCESS_CONTROL_ALLOW_HEADERS, "authorization, content-type")
            .header(header::ACCESS_CONTROL_MAX_AGE, "7200")
            .finish()
    } else {
        endpoint.call(request).await?.into_response()
    };
    if response.status() == StatusCode::METHOD_NOT_ALLOWED
        && let Ok(methods) = HeaderValue::from_str(&methods_of(&path))
    {
        response.headers_mut().insert(header::ALLOW, methods);
    }
    let headers = response.headers_mut();
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin.filter(|_| allowed)
        && let Ok(origin) = HeaderValue::from_str(&origin)
    {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    }
    Ok(response)
}

/// What can be done at an address, as the description says.
fn methods_of(path: &str) -> String {
    let is = |described: &str| {
        let (mut asked, mut known) = (path.split('/').skip(3), described.split('/').skip(1));
        loop {
            match (asked.next(), known.next()) {
                (None, None) => return true,
                (Some(_), Some(name)) if name.starts_with('{') => {}
                (Some(word), Some(name)) if word == name => {}
                _ => return false,
            }
        }
    };
    let described = openapi_json();
    let paths = described["paths"].as_object().into_iter().flatten();
    let methods = paths.filter(|(path, _)| is(path)).filter_map(|(_, methods)| methods.as_object());
    let names: Vec<_> =
        methods.flat_map(|methods| methods.keys()).map(|name| name.to_uppercase()).collect();
    if names.is_empty() { "GET".into() } else { names.join(", ") }
}

/// Whether pages of an origin may speak with this installation: those of a site.
pub async fn is_of_a_site(app: &App, origin: &str) -> Result<bool> {
    Ok(site::all(&app.db).await?.iter().any(|site| site.origins.iter().any(|own| own == origin)))
}
