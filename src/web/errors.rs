//! The outermost layer: takes each request in, logs it once, and turns `Error` into words for whoever asked.
use super::{
    ahead, headers,
    limits::{UPLOAD, brings_files, in_parts, read_body},
    origin::own_page_before,
    page::{Viewer, draw, query},
};
use crate::{
    app::App,
    error::Error,
    ids,
    text::{Lang, Words},
};
use askama::Template;
use bytes::Bytes;
use futures_util::FutureExt;
use poem::{
    Endpoint, IntoResponse, Request, Response,
    error::ResponseError,
    http::{HeaderValue, Method, StatusCode, header},
    web::Html,
};
use std::{
    panic::AssertUnwindSafe,
    sync::Arc,
    time::{Duration, Instant},
};
use tracing::Instrument;

impl ResponseError for Error {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::NoSuchMethod => StatusCode::METHOD_NOT_ALLOWED,
            Self::Unauthenticated => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::Invalid(_) | Self::Malformed { .. } | Self::FileKind { .. } => {
                StatusCode::UNPROCESSABLE_ENTITY
            }
            Self::NonceReused | Self::Stale { .. } | Self::Taken { .. } | Self::Conflict(_) => {
                StatusCode::CONFLICT
            }
            Self::TooLarge | Self::FileTooLarge { .. } => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RateLimited { .. } => StatusCode::TOO_MANY_REQUESTS,
            Self::Unavailable(_) | Self::FilesAway(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// What the reader can do about it.
pub fn words(error: &Error) -> Words {
    match error {
        Error::NotFound | Error::NoSuchMethod => Words::new("error-not-found"),
        Error::Unauthenticated => Words::new("error-unauthenticated"),
        Error::Forbidden(why) | Error::Conflict(why) => Words::new(why),
        Error::Invalid(invalid) => Words::new(invalid.reason),
        Error::Malformed { what } => Words::new("error-malformed").put("what", what),
        Error::NonceReused => Words::new("error-nonce-reused"),
        Error::Stale { by, .. } => Words::new("error-stale").put("name", by),
        Error::Taken { by } => Words::new("error-taken").put("name", by),
        Error::TooLarge => Words::new("error-too-large"),
        Error::FileTooLarge { megabytes } => {
            Words::new("error-file-too-large").put("megabytes", *megabytes)
        }
        Error::FileKind { reason, kinds } => Words::new(reason).put("kinds", kinds),
        Error::RateLimited { retry_after } => {
            Words::new("error-rate-limited").put("seconds", retry_after.as_secs() + 1)
        }
        Error::Unavailable(_) => Words::new("error-unavailable"),
        Error::FilesAway(_) => Words::new("error-files-away"),
        Error::Internal(_) => Words::new("error-internal"),
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    lang: Lang,
    status: u16,
    message: String,
    request_id: &'a str,
    sign_in: bool,
    again: Option<Again>,
    ways: Vec<Way>,
}

/// A link that leads on from a page that could not be shown, and the key of its words.
struct Way {
    to: String,
    words: &'static str,
}

#[derive(Template)]
#[template(path = "_error.html")]
struct ErrorFragment<'a> {
    lang: Lang,
    message: String,
    request_id: &'a str,
    sign_in: bool,
}

/// What a person typed, ready to be sent again from the page that says what went wrong.
struct Again {
    action: String,
    /// The name of each field, the key of its label, and what stood in it.
    typed: Vec<(String, &'static str, String)>,
    hidden: Vec<(String, String)>,
}

/// What an error is answered with depends on this much of the request.
struct Asked {
    viewer: Viewer,
    json: bool,
    path: String,
    /// The page of ours from which it came, if that is another one.
    before: Option<String>,
    body: Bytes,
}

pub async fn answer<E: Endpoint + 'static>(
    endpoint: Arc<E>,
    mut request: Request,
) -> poem::Result<Response> {
    let request_id = ids::encode(&ids::random::<9>());
    let method = request.method().clone();
    let mut asked = Asked {
        viewer: Viewer::of(&request),
        json: is_for_programs(&request),
        path: request.uri().path().to_owned(),
        before: own_page_before(&request).filter(|page| {
            !method.is_safe() || page.split('?').next() != Some(request.uri().path())
        }),
        body: Bytes::new(),
    };
    let app = request.data::<App>().cloned();
    let span = tracing::info_span!("request", id = %request_id, %method, path = %asked.path);
    let began = Instant::now();

    // Whoever asks for the head alone is answered like everybody; hyper leaves the body out.
    if method == Method::HEAD {
        request.set_method(Method::GET);
    }
    let outcome = async {
        // Files go to the disk as they come.
        let with_files = brings_files(&request);
        if with_files {
            asked.body = ahead::typed(&mut request).await;
        } else if !method.is_safe() {
            asked.body = read_body(&mut request).await?;
        }
        let (limit, cut_is_known) = (patience(&request), !with_files || in_parts(&request));
        let answering =
            AssertUnwindSafe(async move { endpoint.call(request).await }).catch_unwind();
        let answering = tokio::time::timeout(limit, answering);
        let answered = if method.is_safe() || !cut_is_known {
            answering.await
        } else {
            // What arrived whole is done even if its sender hangs up, as browsers do once the page that sent it is gone. A file
            // alone, of which half looks like a smaller one, is not.
            tokio::spawn(answering.in_current_span()).await.map_err(Error::internal)?
        };
        match answered {
            Ok(Ok(outcome)) => outcome.map(IntoResponse::into_response),
            // What was begun may still be done: a repeat with the same nonce will find it.
            Err(_) => Err(Error::Unavailable(anyhow::anyhow!("no answer within {limit:?}")).into()),
            Ok(Err(_)) => Err(Error::internal(anyhow::anyhow!("a handler panicked")).into()),
        }
    }
    .instrument(span.clone())
    .await;

    let _entered = span.entered();
    let mut response = match outcome {
        // A refusal that is an answer already.
        Err(door) if door.is_from_response() => door.into_response(),
        outcome => {
            outcome.unwrap_or_else(|error| explain(ours(error, asked.json), &asked, &request_id))
        }
    };
    if let Ok(id) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert("x-request-id", id);
    }
    if let Some(app) = app {
        app.metrics.answered(method.as_str(), response.status().as_u16(), began.elapsed());
    }
    tracing::info!(
        status = response.status().as_u16(),
        ms = began.elapsed().as_millis(),
        "answered"
    );
    Ok(response)
}

/// How long an answer may take, or a stream to begin, after the request has arrived whole: a database that hangs would
/// keep everybody waiting.
const ANSWER: Duration = Duration::from_secs(5);
/// The longest that anybody may ask to wait for news.
pub const LONGEST_WAIT: Duration = Duration::from_secs(30);

fn patience(request: &Request) -> Duration {
    let bringing = if brings_files(request) { UPLOAD } else { Duration::ZERO };
    ANSWER + bringing + asked_wait(request).unwrap_or_default()
}

/// `?wait=` seconds, at most [`LONGEST_WAIT`].
pub fn asked_wait(request: &Request) -> Option<Duration> {
    let seconds = query(request, "wait")?.parse().unwrap_or(0);
    Some(Duration::from_secs(seconds).min(LONGEST_WAIT))
}

fn is_for_programs(request: &Request) -> bool {
    request.uri().path().starts_with("/api/v1")
        || request.header("accept").is_some_and(|accept| accept.contains("application/json"))
}

/// Poem's own refusals, in our words.
fn ours(error: poem::Error, json: bool) -> Error {
    let status = error.status();
    error.downcast::<Error>().unwrap_or_else(|error| match status {
        StatusCode::UNAUTHORIZED => Error::Unauthenticated,
        StatusCode::METHOD_NOT_ALLOWED if json => Error::NoSuchMethod,
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => Error::NotFound,
        StatusCode::PAYLOAD_TOO_LARGE => Error::TooLarge,
        status if status.is_client_error() && json => Error::Malformed { what: error.to_string() },
        status if status.is_client_error() => {
            Error::Invalid(crate::error::Invalid { field: "form", reason: "invalid-form" })
        }
        _ => Error::internal(anyhow::anyhow!("{error}")),
    })
}

fn explain(error: Error, asked: &Asked, request_id: &str) -> Response {
    match &error {
        Error::Internal(cause) => tracing::error!(cause = format!("{cause:#}"), "internal error"),
        Error::Unavailable(cause) => tracing::warn!(cause = format!("{cause:#}"), "unavailable"),
        Error::FilesAway(cause) => tracing::warn!(cause = format!("{cause:#}"), "files are away"),
        refusal => tracing::debug!(%refusal, "refused"),
    }
    let lang = asked.viewer.lang;
    let message = words(&error).say(lang);
    let sign_in = matches!(error, Error::Unauthenticated);
    let mut response = if asked.json {
        json(&error, message, request_id)
    } else if asked.viewer.htmx {
        shown(draw(&ErrorFragment { lang, message, request_id, sign_in }))
    } else {
        let again = Again::of(&error, asked);
        shown(draw(&ErrorPage {
            lang,
            status: error.status().as_u16(),
            message,
            request_id,
            sign_in,
            again,
            ways: ways(&error, asked),
        }))
    };
    // A frame that the browser leaves empty would take what was typed with it.
    if asked.path.starts_with("/c/") || asked.path.starts_with("/w/") {
        headers::framed_anywhere(&mut response);
    }
    response.set_status(error.status());
    if let Error::RateLimited { retry_after } = error {
        response
            .headers_mut()
            .insert(header::RETRY_AFTER, HeaderValue::from(retry_after.as_secs() + 1));
    }
    if let Error::Unavailable(_) | Error::FilesAway(_) = error {
        response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}

fn shown(html: Result<String, Error>) -> Response {
    Html(html.unwrap_or_else(|error| error.code().to_owned())).into_response()
}

fn json(error: &Error, message: String, request_id: &str) -> Response {
    let mut told =
        serde_json::json!({ "code": error.code(), "message": message, "request_id": request_id });
    if let Some(field) = error.field() {
        told["field"] = field.into();
    }
    if let Error::Stale { newer: Some(newer), .. } = error {
        told["entries"] = newer.clone();
    }
    if let Error::RateLimited { retry_after } = error {
        told["retry_after_ms"] = u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX).into();
    }
    let body = serde_json::json!({ "error": told }).to_string();
    Response::builder().content_type("application/json").body(body)
}

/// The page one came from; and the conversation, the desk or the front page, whichever is nearest.
fn ways(error: &Error, asked: &Asked) -> Vec<Way> {
    let parts: Vec<&str> = asked.path.split('/').skip(1).collect();
    let found = !matches!(error, Error::NotFound);
    let home = match parts[..] {
        _ if matches!(error, Error::Unauthenticated) => return Vec::new(),
        ["desk", "c", id, _, ..] if found => {
            Way { to: format!("/desk/c/{id}"), words: "error-to-conversation" }
        }
        ["c", id, _, ..] if found => Way { to: format!("/c/{id}"), words: "error-to-conversation" },
        ["desk" | "setup", ..] => Way { to: "/desk".into(), words: "error-to-desk" },
        _ => Way { to: "/".into(), words: "error-to-front" },
    };
    let before = asked.before.clone().filter(|page| page.split('?').next() != Some(&home.to));
    let before = before.map(|to| Way { to, words: "error-to-page" });
    before.into_iter().chain([home]).collect()
}

/// What people write, by the names of fields, and the keys of their labels.
const TYPED: [(&str, &str); 3] =
    [("body", "composer-label"), ("note", "transfer-note"), ("reason", "contact-block-reason")];

impl Again {
    /// Nothing comes back that another site may have sent in our reader's name, nor a form in which nothing was written, nor
    /// a secret.
    fn of(error: &Error, asked: &Asked) -> Option<Self> {
        if matches!(error, Error::Forbidden(_) | Error::NotFound) {
            return None;
        }
        let mut again = Self { action: asked.path.clone(), typed: Vec::new(), hidden: Vec::new() };
        for (name, value) in url::form_urlencoded::parse(&asked.body).into_owned() {
            if let Some(&(_, label)) = TYPED.iter().find(|(typed, _)| *typed == name) {
                again.typed.push((name, label, value));
                continue;
            }
            match name.as_str() {
                // The words were changed under a used nonce: this is another message.
                "nonce" if matches!(error, Error::NonceReused) => {
                    again.hidden.push((name, ids::Nonce::new().to_string()));
                }
                "anyway" | "password" | "secret" | "token" => {}
                _ => again.hidden.push((name, value)),
            }
        }
        (!again.typed.is_empty()).then_some(again)
    }
}
