//! The files that pages ask for, out of the binary: named by their content, compressed when it was built.
use bytes::Bytes;
use poem::{
    Body, Request, Response,
    http::{StatusCode, header},
};

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// One file of the build (`build.rs`), as it is and compressed.
#[derive(Debug)]
pub struct Asset {
    pub path: &'static str,
    pub content_type: &'static str,
    pub raw: &'static [u8],
    pub br: &'static [u8],
    pub gz: &'static [u8],
}

/// `GET /a/{name}.{hash}.{extension}`: kept for ever, since another content has another name.
#[poem::handler]
pub fn asset(request: &Request) -> Response {
    // The name alone: what stands before it is the router's, and not there under every mount.
    let name = request.uri().path().rsplit('/').next();
    let Some(file) = ALL.iter().find(|file| file.path.strip_prefix("/a/") == name) else {
        return StatusCode::NOT_FOUND.into();
    };
    let response = Response::builder()
        .content_type(file.content_type)
        .header(header::VARY, "Accept-Encoding")
        .header(header::CACHE_CONTROL, "public, max-age=31536000, immutable")
        // Short, as it is sent with each: what is no page needs nothing.
        .header(header::CONTENT_SECURITY_POLICY, "default-src 'none'")
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    let (response, bytes) = match choose(request.header(header::ACCEPT_ENCODING)) {
        Encoding::Brotli => (response.header(header::CONTENT_ENCODING, "br"), file.br),
        Encoding::Gzip => (response.header(header::CONTENT_ENCODING, "gzip"), file.gz),
        Encoding::Identity => (response, file.raw),
    };
    response.body(Body::from_bytes(Bytes::from_static(bytes)))
}

/// The text of a file of ours, by the address pages know it under.
pub fn text(path: &str) -> &'static str {
    let file = ALL.iter().find(|file| file.path == path);
    file.and_then(|file| std::str::from_utf8(file.raw).ok()).unwrap_or_default()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    Brotli,
    Gzip,
    Identity,
}

/// The smallest encoding among those the reader likes best; uncompressed if it likes none.
pub fn choose(accept_encoding: Option<&str>) -> Encoding {
    let accepted = accept_encoding.unwrap_or_default();
    let identity = quality(accepted, "identity").unwrap_or(0.0);
    let other = quality(accepted, "*").unwrap_or(0.0);
    let br = quality(accepted, "br").unwrap_or(other);
    let gzip = quality(accepted, "gzip").unwrap_or(other);
    if br > 0.0 && br >= gzip.max(identity) {
        Encoding::Brotli
    } else if gzip > 0.0 && gzip >= identity {
        Encoding::Gzip
    } else {
        Encoding::Identity
    }
}

/// Whether the reader takes what is compressed while it is asked for.
pub fn takes_gzip(accept_encoding: Option<&str>) -> bool {
    let accepted = accept_encoding.unwrap_or_default();
    quality(accepted, "gzip").or_else(|| quality(accepted, "*")).is_some_and(|liked| liked > 0.0)
}

/// How much a coding is liked, from 0 (never) to 1; `None` where the header is silent about it.
fn quality(accepted: &str, coding: &str) -> Option<f32> {
    accepted.split(',').find_map(|choice| {
        let mut parts = choice.split(';').map(str::trim);
        parts.next().filter(|name| name.eq_ignore_ascii_case(coding))?;
        let weight =
            parts.find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")));
        Some(weight.map_or(1.0, |weight| weight.parse().unwrap_or(0.0)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_gets_brotli_and_an_old_one_gzip() {
        assert_eq!(choose(Some("gzip, deflate, br, zstd")), Encoding::Brotli);
        assert_eq!(choose(Some("gzip, deflate")), Encoding::Gzip);
        assert_eq!(choose(Some("GZIP;q=0.8 , Br;Q=0.8")), Encoding::Brotli);
    }

    #[test]
    fn whoever_asks_for_nothing_known_gets_it_uncompressed() {
        for silent in
            [None, Some(""), Some("zstd"), Some("identity"), Some(";;,q=1"), Some("br;q=none")]
        {
            assert_eq!(choose(silent), Encoding::Identity, "{silent:?}");
        }
    }

    #[test]
    fn what_is_refused_is_not_sent() {
        assert_eq!(choose(Some("br;q=0, gzip")), Encoding::Gzip);
        assert_eq!(choose(Some("br; q=0.000, gzip; q=0")), Encoding::Identity);
        assert_eq!(choose(Some("*;q=0")), Encoding::Identity);
    }

    #[test]
    fn a_star_stands_for_what_is_not_named() {
        assert_eq!(choose(Some("*")), Encoding::Brotli);
        assert_eq!(choose(Some("br;q=0, *")), Encoding::Gzip);
        assert_eq!(choose(Some("gzip, *;q=0")), Encoding::Gzip);
    }

    #[test]
    fn the_readers_own_order_counts() {
        assert_eq!(choose(Some("br;q=0.2, gzip;q=0.9")), Encoding::Gzip);
        assert_eq!(choose(Some("identity, gzip;q=0.5")), Encoding::Identity);
    }

    #[test]
    fn every_name_tells_its_content() {
        let mut paths: Vec<_> = ALL.iter().map(|file| file.path).collect();
        paths.sort_unstable();
        paths.dedup();
        assert_eq!(paths.len(), ALL.len());
        assert!(ALL.iter().any(|file| file.path == ICONS_SVG && file.raw.starts_with(b"<svg")));
    }
}
