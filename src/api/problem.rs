//! What programs are told when something is refused: described here, written by `web/errors.rs`.
use super::shape::Entry;
use crate::error::Error;
use poem::error::ResponseError;
use poem_openapi::{
    ApiResponse, Object,
    payload::{Json, Payload},
    registry::{MetaMediaType, MetaResponse, MetaResponses, Registry},
    types::Type,
};

pub type Answer<T> = Result<T, Problem>;

/// A refusal.
#[derive(Debug)]
pub struct Problem(Error);

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        Self(error)
    }
}

impl From<crate::error::Invalid> for Problem {
    fn from(invalid: crate::error::Invalid) -> Self {
        Self(invalid.into())
    }
}

impl From<Problem> for poem::Error {
    fn from(Problem(error): Problem) -> Self {
        error.into()
    }
}

/// The shape of every refusal.
#[derive(Object)]
pub struct Refusal {
    error: RefusalReason,
}

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct RefusalReason {
    /// `invalid`, `unauthenticated`, `forbidden`, `not_found`, `nonce_reused`, `stale`, `conflict`, `too_large`,
    /// `rate_limited`, `unavailable` or `internal`.
    code: String,
    /// What can be done about it, in the language of `Accept-Language`.
    message: String,
    /// What was wrong, if it is one field.
    field: Option<String>,
    retry_after_ms: Option<u64>,
    /// With `stale`: the entries after the one that was seen.
    entries: Option<Vec<Entry>>,
    /// What to tell whoever runs the server.
    request_id: String,
}

impl ApiResponse for Problem {
    fn meta() -> MetaResponses {
        const CAUSES: [(u16, &str); 8] = [
            (401, "No token, or one that is none or has ended."),
            (403, "What the caller may not do."),
            (404, "What does not exist, or not for the caller."),
            (409, "A nonce used for something else, or a conversation in another state."),
            (413, "More than 64 KiB."),
            (422, "Something that does not fit, named by `field`."),
            (429, "Too fast: `Retry-After` says how long to wait."),
            (503, "Nothing was changed, or it cannot be known: send again under the same nonce."),
        ];
        let response = |(status, description)| MetaResponse {
            description,
            status: Some(status),
            status_range: None,
            content: vec![MetaMediaType {
                content_type: Json::<Refusal>::CONTENT_TYPE,
                schema: Refusal::schema_ref(),
            }],
            headers: Vec::new(),
        };
        MetaResponses { responses: CAUSES.into_iter().map(response).collect() }
    }

    fn register(registry: &mut Registry) {
        Refusal::register(registry);
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}", self.0.status(), self.0)
    }
}
