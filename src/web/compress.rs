//! Pages and their fragments, compressed for whoever takes it: without a proxy in front they go over the line as they are. What
//! never ends is not among them, as a stream is written when something happens; nor is what programs are answered. Nothing secret
//! stands in a page beside what somebody else chose, so that its length tells nothing.
use super::assets::takes_gzip;
use flate2::{Compression, write::GzEncoder};
use poem::{
    Endpoint, IntoResponse, Request, Response,
    http::{HeaderValue, header},
};
use std::{io::Write, sync::Arc};

/// What is smaller goes as it is, in bytes: it would be three packets less at most.
const WORTH_IT: usize = 4_096;

/// An answer whose body is there as a whole when it is answered.
#[derive(Clone, Copy, Debug)]
pub struct Whole;

pub async fn pages<E: Endpoint>(endpoint: Arc<E>, request: Request) -> poem::Result<Response> {
    let is_taken = takes_gzip(request.header(header::ACCEPT_ENCODING));
    let mut response = endpoint.call(request).await?.into_response();
    if response.extensions().get::<Whole>().is_none() {
        return Ok(response);
    }
    response.headers_mut().append(header::VARY, HeaderValue::from_static("Accept-Encoding"));
    if !is_taken {
        return Ok(response);
    }
    let whole = response.take_body().into_bytes().await?;
    if whole.len() < WORTH_IT {
        response.set_body(whole);
        return Ok(response);
    }
    let mut small = GzEncoder::new(Vec::with_capacity(whole.len() / 3), Compression::fast());
    small.write_all(&whole).map_err(poem::error::InternalServerError)?;
    response.set_body(small.finish().map_err(poem::error::InternalServerError)?);
    response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    Ok(response)
}
