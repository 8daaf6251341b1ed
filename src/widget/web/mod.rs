//! What a customer's page and the chat in it ask for, and the pages of the settings on which sites are made.
mod installing;
mod picture;
mod previewing;
mod sites;

use super::{script, theme};
use crate::{
    app::App,
    bus::Sighting,
    error::{Error, Result},
    event::SiteStep,
    ids,
    site::{self, Origin, Site},
    web::assets::{Encoding, choose},
};
use flate2::{Compression, write::GzEncoder};
pub use installing::{allow, install, qr, watch};
pub use picture::{bring_logo, logo, remove_logo};
use poem::{
    Request, Response, ResponseBuilder, handler,
    http::{HeaderValue, StatusCode, header},
    web::{Data, Path},
};
pub use previewing::preview;
use sha2::{Digest, Sha256};
pub use sites::{add, change, edit, index};
use std::io::Write;

/// `GET /w/{key}.js`: looked at again after five minutes, and until then nobody asks. No cookie, no row, nothing of the page.
#[handler]
pub async fn loader(
    app: Data<&App>,
    request: &Request,
    Path(file): Path<String>,
) -> Result<Response> {
    let site =
        site::addressed(app.db.read(), file.strip_suffix(".js").ok_or(Error::NotFound)?).await?;
    see(&app, &site, request);
    let base = Some(app.config.public_url()).filter(|_| app.config.has_its_name());
    let (plain, compressed) = script::of(&site, base.as_deref())?;
    let tag = format!("\"{}\"", ids::encode(&Sha256::digest(&plain)[..12]));
    let response = small("text/javascript; charset=utf-8")
        .header(header::CACHE_CONTROL, "public, max-age=300, stale-while-revalidate=86400")
        .header(header::ETAG, &tag)
        .header("cross-origin-resource-policy", HeaderValue::from_static("cross-origin"));
    if request.header(header::IF_NONE_MATCH).is_some_and(|known| known.contains(&tag)) {
        return Ok(response.status(StatusCode::NOT_MODIFIED).finish());
    }
    match choose(request.header(header::ACCEPT_ENCODING)) {
        Encoding::Brotli => Ok(response.header(header::CONTENT_ENCODING, "br").body(compressed)),
        Encoding::Gzip => zipped(response, &plain),
        Encoding::Identity => Ok(response.body(plain)),
    }
}

/// Takes note of where the line stands, unless that is the demo shop.
fn see(app: &App, site: &Site, request: &Request) {
    let page = request.header(header::REFERER).unwrap_or_default();
    let own = site::own_path(page, &app.config.public_url(), request.header(header::HOST));
    if own.as_deref() != Some("/demo") {
        let origin = Origin::of_page(page);
        let origin = origin.map_or_else(String::new, |origin| origin.as_str().to_owned());
        app.bus.saw(site.id, SiteStep::Loaded, Sighting { at: app.clock.now(), origin });
    }
}

/// `GET /w/{key}/look.css?v=…`: kept for ever, since another look has another address.
#[handler]
pub async fn look(app: Data<&App>, request: &Request, Path(key): Path<String>) -> Result<Response> {
    let css = theme::css(&site::addressed(app.db.read(), &key).await?.look);
    let response = small("text/css; charset=utf-8")
        .header(header::CACHE_CONTROL, "public, max-age=31536000, immutable");
    match choose(request.header(header::ACCEPT_ENCODING)) {
        // Everybody who reads Brotli reads gzip, and this is too short for a difference.
        Encoding::Brotli | Encoding::Gzip => zipped(response, &css),
        Encoding::Identity => Ok(response.body(css)),
    }
}

fn small(content_type: &str) -> ResponseBuilder {
    Response::builder()
        .content_type(content_type)
        .header(header::VARY, "Accept-Encoding")
        .header(header::CONTENT_SECURITY_POLICY, "default-src 'none'")
}

fn zipped(response: ResponseBuilder, text: &str) -> Result<Response> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(text.as_bytes()).map_err(Error::internal)?;
    let zipped = encoder.finish().map_err(Error::internal)?;
    Ok(response.header(header::CONTENT_ENCODING, "gzip").body(zipped))
}
