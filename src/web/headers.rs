//! What every answer tells the browser it must not do.
use crate::app::App;
use poem::{
    Endpoint, IntoResponse, Request, Response,
    http::{HeaderName, HeaderValue, header},
};
use std::sync::Arc;

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; \
    media-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; object-src 'none'";

/// What is no page need not be told what only pages could do: each answer is as small as can be.
fn is_document(path: &str) -> bool {
    !path.starts_with("/a/") && !path.ends_with(".js")
}

/// Adds what the handler did not set itself. Pages that may stand in a frame set their own policy, see [`framed`].
pub async fn protect<E: Endpoint>(endpoint: Arc<E>, request: Request) -> poem::Result<Response> {
    let document = is_document(request.uri().path());
    let secure = document && request.data::<App>().is_some_and(|app| app.config.has_its_name());
    let mut response = endpoint.call(request).await?.into_response();
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: HeaderValue| {
        headers.entry(name).or_insert(value);
    };
    default(header::CONTENT_SECURITY_POLICY, value(&format!("{POLICY}; frame-ancestors 'none'")));
    default(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    default(header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    default(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    if document {
        default(
            HeaderName::from_static("permissions-policy"),
            HeaderValue::from_static(
                "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
            ),
        );
        default(
            HeaderName::from_static("cross-origin-opener-policy"),
            HeaderValue::from_static("same-origin"),
        );
    }
    if secure {
        let a_year = HeaderValue::from_static("max-age=31536000");
        default(header::STRICT_TRANSPORT_SECURITY, a_year);
    }
    default(
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    );
    Ok(response)
}

/// Lets our own pages, and those of `origins`, show this page in a frame.
pub fn framed(response: &mut Response, origins: &[String]) {
    let ancestors = origins.iter().map(|origin| format!(" {origin}")).collect::<String>();
    set_policy(response, &format!("{POLICY}; frame-ancestors 'self'{ancestors}"));
}

/// For an error that has no page of its own to be framed as: where the chat stands may not be known, and what is shown is only
/// what whoever asked has sent.
pub fn framed_anywhere(response: &mut Response) {
    set_policy(response, &format!("{POLICY}; frame-ancestors 'self' http: https:"));
}

/// For a page that has no script at all.
pub fn framed_without_scripts(response: &mut Response, origins: &[String]) {
    frame_without_scripts(
        response,
        origins,
        &POLICY.replace("script-src 'self'", "script-src 'none'"),
    );
}

/// The same for one whose rules of style come with it, under this nonce.
pub fn framed_with_own_style(response: &mut Response, origins: &[String], nonce: &str) {
    let policy = POLICY.replace("script-src 'self'", "script-src 'none'");
    let styles = format!("style-src 'self' 'nonce-{nonce}'");
    frame_without_scripts(response, origins, &policy.replace("style-src 'self'", &styles));
}

fn frame_without_scripts(response: &mut Response, origins: &[String], policy: &str) {
    let ancestors = origins.iter().map(|origin| format!(" {origin}")).collect::<String>();
    set_policy(response, &format!("{policy}; frame-ancestors 'self'{ancestors}"));
}

fn set_policy(response: &mut Response, policy: &str) {
    response.headers_mut().insert(header::CONTENT_SECURITY_POLICY, value(policy));
}

fn value(policy: &str) -> HeaderValue {
    // Origins are checked when a site is stored; should one slip through, nothing is allowed.
    HeaderValue::from_str(policy)
        .unwrap_or(HeaderValue::from_static("default-src 'none'; frame-ancestors 'none'"))
}
