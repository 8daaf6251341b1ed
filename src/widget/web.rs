//! What a customer's page asks for.
use super::script;
use crate::{
    app::App,
    error::{Error, Result},
    ids::{self, SiteKey},
    site,
    web::assets::{Encoding, choose},
};
use poem::{
    Request, Response, handler,
    http::{HeaderValue, StatusCode, header},
    web::{Data, Path},
};
use sha2::{Digest, Sha256};

/// `GET /w/{key}.js`: looked at again after five minutes, and until then nobody asks. No cookie, no row, nothing of the page.
#[handler]
pub async fn loader(app: Data<&App>, request: &Request, Path(file): Path<String>) -> Result<Response> {
    let key = file.strip_suffix(".js").ok_or(Error::NotFound)?;
    let key = SiteKey::parse(key).map_err(|_| Error::NotFound)?;
    let site = site::find_by_key(app.db.read(), &key).await?;
    let (plain, compressed) = script::of(&site)?;
    let tag = format!("\"{}\"", ids::encode(&Sha256::digest(&plain)[..12]));
    let response = Response::builder()
        .content_type("text/javascript; charset=utf-8")
        .header(header::VARY, "Accept-Encoding")
        .header(header::CACHE_CONTROL, "public, max-age=300, stale-while-revalidate=86400")
        .header(header::ETAG, &tag)
        .header(header::CONTENT_SECURITY_POLICY, "default-src 'none'")
        .header("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    if request.header(header::IF_NONE_MATCH).is_some_and(|known| known.contains(&tag)) {
        return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    Ok(match choose(request.header(header::ACCEPT_ENCODING)) {
        Encoding::Brotli => response.header(header::CONTENT_ENCODING, "br").body(compressed),
        Encoding::Gzip | Encoding::Identity => response.body(plain),
    })
}
