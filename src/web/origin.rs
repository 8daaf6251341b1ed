//! Where a request comes from: which page sent it, and which address.
use crate::{
    app::App,
    error::{Error, Result},
};
use ipnet::IpNet;
use poem::{Addr, Endpoint, IntoResponse, Request, Response, http::Method};
use std::{
    net::{IpAddr, Ipv6Addr},
    sync::Arc,
};
use url::Url;

/// Where no cookie counts, only a token that its holder shows: nothing can be done there in somebody else's name.
const WITHOUT_COOKIES: &str = "/api/v1/";

/// Refuses what another site's page makes a browser send. A request with `Authorization` was not made by a browser's
/// cookie; every other one that may change something must say that our own page sent it, and silence is a refusal.
pub async fn own_pages_only<E: Endpoint>(
    endpoint: Arc<E>,
    request: Request,
) -> poem::Result<Response> {
    let harmless = matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS)
        || request.uri().path().starts_with(WITHOUT_COOKIES);
    let ours = || is_from_own_page(&request) || is_from_own_text_page(&request);
    if !harmless && request.header("authorization").is_none() && !ours() {
        return Err(Error::Forbidden("forbidden-origin").into());
    }
    Ok(endpoint.call(request).await?.into_response())
}

/// Streams are read by GET, which no form check sees. What a browser opens for another site's page is refused.
pub fn own_page_reads(request: &Request) -> Result<()> {
    match request.header("sec-fetch-site") {
        Some("same-origin" | "none") | None => Ok(()),
        Some(_) => Err(Error::Forbidden("forbidden-origin")),
    }
}

/// A socket carries cookies wherever it is opened, and no other rule keeps its words from whoever opened it: our own page
/// must have, and silence is a refusal.
pub fn own_page_connects(request: &Request) -> Result<()> {
    if is_from_own_page(request) { Ok(()) } else { Err(Error::Forbidden("forbidden-origin")) }
}

fn is_from_own_page(request: &Request) -> bool {
    if let Some(site) = request.header("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    request.header("origin").is_some_and(|origin| is_own(request, origin))
}

/// Browsers that show only text say no more than `Referer`. Another site's page can hide it but not forge it, so ours is
/// proof where it stands, and none is a refusal. It counts only where nothing else is said: whoever sends the other two
/// is judged by them.
fn is_from_own_text_page(request: &Request) -> bool {
    let silent = ["sec-fetch-site", "origin"].iter().all(|name| request.header(name).is_none());
    let page = request.header("referer").and_then(|page| Url::parse(page).ok());
    page.is_some_and(|page| silent && is_own(request, &page.origin().ascii_serialization()))
}

/// The page of ours from which a request came, as a path to lead back to. Whatever a browser would take for an address
/// elsewhere is none.
pub fn own_page_before(request: &Request) -> Option<String> {
    let page = Url::parse(request.header("referer")?).ok()?;
    let path = &page[url::Position::BeforePath..url::Position::AfterQuery];
    let ours = is_own(request, &page.origin().ascii_serialization()) && !path.starts_with("//");
    ours.then(|| path.to_owned())
}

fn is_own(request: &Request, origin: &str) -> bool {
    let public = request.data::<App>().is_some_and(|app| origin == app.config.public_url());
    let host = request.header("host").unwrap_or_default();
    public || origin == format!("{}://{host}", request.scheme())
}

/// The address rate limits and logs count by: the peer, or, when the peer is a trusted proxy, the rightmost hop of
/// `X-Forwarded-For` that is none. IPv6 is counted by its /64, the smallest block a customer gets.
pub fn client_address(request: &Request, trusted: &[IpNet]) -> IpAddr {
    let peer = match &request.remote_addr().0 {
        Addr::SocketAddr(address) => address.ip().to_canonical(),
        _ => IpAddr::V6(Ipv6Addr::LOCALHOST),
    };
    let hops = request.headers().get_all("x-forwarded-for");
    let hops = hops.iter().filter_map(|value| value.to_str().ok()).collect::<Vec<_>>().join(",");
    by_block(rightmost_untrusted(peer, &hops, trusted))
}

fn rightmost_untrusted(peer: IpAddr, hops: &str, trusted: &[IpNet]) -> IpAddr {
    let is_proxy = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let mut known = peer;
    for hop in hops.rsplit(',') {
        if !is_proxy(&known) {
            break;
        }
        // Garbage was written by whoever stands before the proxy we know: that proxy is the last thing we know.
        let Ok(address) = hop.trim().parse::<IpAddr>() else { break };
        known = address.to_canonical();
    }
    known
}

fn by_block(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(peer: &str, hops: &str) -> String {
        let trusted = ["10.0.0.0/8".parse().unwrap()];
        rightmost_untrusted(peer.parse().unwrap(), hops, &trusted).to_string()
    }

    #[test]
    fn a_forwarded_header_is_believed_only_from_a_trusted_proxy() {
        assert_eq!(seen("203.0.113.9", "6.6.6.6"), "203.0.113.9");
        assert_eq!(seen("10.0.0.1", "6.6.6.6, 198.51.100.7"), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", "6.6.6.6, 198.51.100.7, 10.0.0.2"), "198.51.100.7");
        assert_eq!(seen("10.0.0.1", ""), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", "6.6.6.6, unknown"), "10.0.0.1");
    }

    #[test]
    fn ipv6_is_counted_by_the_block_of_a_customer() {
        let block = |text: &str| by_block(text.parse().unwrap()).to_string();
        assert_eq!(block("2001:db8:1:2:3:4:5:6"), block("2001:db8:1:2:ffff::1"));
        assert_ne!(block("2001:db8:1:2::1"), block("2001:db8:1:3::1"));
        assert_eq!(block("192.0.2.1"), "192.0.2.1");
    }
}
