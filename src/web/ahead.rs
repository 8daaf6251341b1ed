//! A form that brings files is read piece by piece by whoever answers it. What a person typed stands before the files: it is read
//! ahead, so that the page that says what went wrong has it.
use super::limits::{BODY, BODY_DEADLINE, FILES};
use bytes::{Bytes, BytesMut};
use futures_util::{StreamExt, stream};
use multer::Multipart;
use poem::{Body, Request};
use std::convert::Infallible;
use tokio::time::{Instant, timeout_at};
use url::form_urlencoded::Serializer;

/// The fields before the first file, as `application/x-www-form-urlencoded`; none where it is no such form. The body is put back.
pub async fn typed(request: &mut Request) -> Bytes {
    // Nobody types where files come alone.
    if request.uri().path().ends_with(FILES) {
        return Bytes::new();
    }
    let content_type = request.content_type().unwrap_or_default();
    let Ok(boundary) = multer::parse_boundary(content_type) else { return Bytes::new() };
    fields(begin(request).await, &boundary).await
}

/// As much as may stand before files.
async fn begin(request: &mut Request) -> Bytes {
    let mut rest = request.take_body().into_bytes_stream().boxed();
    let (mut begun, mut broken) = (BytesMut::new(), None);
    let deadline = Instant::now() + BODY_DEADLINE;
    while begun.len() < BODY {
        match timeout_at(deadline, rest.next()).await {
            Ok(Some(Ok(piece))) => begun.extend_from_slice(&piece),
            Ok(Some(Err(error))) => {
                broken = Some(Err(error));
                break;
            }
            Ok(None) | Err(_) => break,
        }
    }
    let begun = begun.freeze();
    let whole = stream::iter([Ok(begun.clone())].into_iter().chain(broken)).chain(rest);
    request.set_body(Body::from_bytes_stream(whole));
    begun
}

async fn fields(begun: Bytes, boundary: &str) -> Bytes {
    let mut form = Multipart::new(stream::iter([Ok::<_, Infallible>(begun)]), boundary);
    let mut fields = Vec::new();
    while let Ok(Some(field)) = form.next_field().await {
        let Some(name) = field.name().map(str::to_owned) else { continue };
        if field.file_name().is_some() {
            break;
        }
        let Ok(text) = field.text().await else { break };
        fields.push((name, text));
    }
    Serializer::new(String::new()).extend_pairs(fields).finish().into()
}
