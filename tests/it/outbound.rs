//! kefu opens no connection to an address that somebody else named (T35): not to show it, not to check it, not to fetch a
//! picture.
use crate::support::installation;
use kefu::{agent::Scope, ids::Nonce, search};
use poem::http::{Method, StatusCode};
use serde_json::json;
use std::{
    collections::BTreeSet,
    net::{Ipv4Addr, Ipv6Addr, TcpListener, TcpStream},
};

const SCHEMES: [&str; 9] = ["http", "https", "HTTP", "ftp", "gopher", "file", "ldap", "dict", "ws"];

/// Places that this machine could reach and others could not, in each way to write them; `EAR` is where somebody listens.
const PLACES: [&str; 30] = [
    "127.0.0.1:EAR",
    "127.1:EAR",
    "2130706433:EAR",
    "0x7f000001:EAR",
    "0177.0.0.1:EAR",
    "0:EAR",
    "0.0.0.0:EAR",
    "localhost:EAR",
    "localhost.:EAR",
    "127.0.0.1:22",
    "127.0.0.1",
    "[::1]:EAR",
    "[::]:EAR",
    "[::ffff:127.0.0.1]:EAR",
    "[::ffff:7f00:1]:EAR",
    "[64:ff9b::127.0.0.1]:EAR",
    "[fd00::1]:EAR",
    "[fe80::1]:EAR",
    "10.0.0.1:EAR",
    "172.16.0.1:EAR",
    "192.168.0.1:EAR",
    "100.64.0.1:EAR",
    "169.254.169.254",
    "metadata.google.internal",
    "user:secret@127.0.0.1:EAR",
    "shop.example@127.0.0.1:EAR",
    "１２７.0.0.1:EAR",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ:EAR",
    "127。0。0。1:EAR",
    "xn--kda.example:EAR",
];

/// Each place by three schemes, each scheme for ten places.
fn addresses(ear: u16) -> Vec<String> {
    let schemes = SCHEMES.into_iter().cycle();
    let places = PLACES.into_iter().flat_map(|place| [place; 3]);
    let place = |place: &str| place.replace("EAR", &ear.to_string());
    schemes
        .zip(places)
        .map(|(scheme, at)| format!("{scheme}://{}/picture.png?x=1", place(at)))
        .collect()
}

/// In both families, where the machine has both.
fn ear() -> TcpListener {
    let both = TcpListener::bind((Ipv6Addr::UNSPECIFIED, 0));
    both.or_else(|_| TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0))).unwrap()
}

/// `nemesis::calls` runs it once more, and looks at the process's connections instead of an ear.
#[tokio::test]
async fn nobody_makes_the_server_call_an_address() {
    let ear = ear();
    let port = ear.local_addr().unwrap().port();
    let urls = addresses(port);
    assert_eq!(urls.iter().collect::<BTreeSet<_>>().len(), 90);

    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    let program = site.agent_program("ana", Scope::Write).await;
    let visitor = site.visitor_program().await;
    let (mut said, mut stored) = (0, 0);
    for url in &urls {
        // As a page, by whose word a browser has come, and as every header that proxies and browsers send.
        let headers = [
            ("referer", url.as_str()),
            ("origin", url),
            ("x-forwarded-host", url),
            ("x-forwarded-for", url),
            ("forwarded", url),
            ("x-original-url", url),
        ];
        site.stranger().ask(Method::GET, "/w/demo", &headers, "").await.must(StatusCode::OK);
        site.stranger().ask(Method::GET, "/w/demo.js", &headers, "").await.must(StatusCode::OK);
        let start = site.stranger();
        let page = start.get("/w/demo").await;
        let (token, nonce) = (page.field("visitor"), page.field("nonce"));
        let first = [("visitor", token.as_str()), ("nonce", &nonce), ("body", url), ("page", url)];
        start.post("/w/demo/start", &first).await.goes_to();

        // In messages, notes, cards, replies and what is known of a person.
        vera.say(url).await.must(StatusCode::OK);
        ana.reply(id, &format!("<img src=\"{url}\">")).await;
        ana.write(id, "note", &format!("![]({url})")).await.must(StatusCode::OK);
        let card = json!({ "title": url, "url": url, "image": url }).to_string();
        let nonce = Nonce::new();
        let card = [("nonce", nonce.as_str()), ("card", card.as_str())];
        let sent = vera.person.hx_post(&vera.path("/messages"), &card).await;
        stored += usize::from(sent.status == StatusCode::OK);
        visitor.start(url).await;
        // As pages that led to a question, and as what a site's server knows of its customer.
        let pages = json!([{ "ago": 0, "url": url, "title": url, "referrer": url }]).to_string();
        vera.person.post(&vera.path("/pages"), &[("pages", &pages)]).await;
        let person =
            json!({ "name": url, "email": url, "avatar": url, "attributes": { "home": url } })
                .to_string();
        vera.person.post("/w/demo/identify", &[("said", &person)]).await;
        let message = json!({ "nonce": Nonce::new(), "body": url });
        let answer = program.post(&format!("/conversations/{id}/entries"), &message).await;
        said += usize::from(answer.status.is_success());
        let reply = [("scope", "all"), ("short_code", ""), ("title", url), ("body", url)];
        ana.person.post("/desk/settings/canned-replies", &reply).await;
        let name = [("field", "name"), ("value", url)];
        ana.person.hx_post(&format!("/desk/c/{id}/side/fields"), &name).await;
        let nonce = Nonce::new();
        let note = [("nonce", nonce.as_str()), ("body", url)];
        ana.person.hx_post(&format!("/desk/c/{id}/side/notes"), &note).await.must(StatusCode::OK);

        // In what an owner may set.
        let look = [
            ("name", "Shop"),
            ("language", "en"),
            ("zone", "UTC"),
            ("origins", url),
            ("greeting_en", url),
        ];
        ana.person.post("/desk/settings/sites/demo", &look).await;
        ana.person.post("/desk/settings/sites/demo/origins", &[("origin", url)]).await;
        ana.person.get(&format!("/desk/search?q={url}")).await.must(StatusCode::OK);
    }
    assert!(said == 90 && stored >= 20, "{said} messages and {stored} cards are stored");
    ana.person.get(&format!("/desk/c/{id}")).await.must(StatusCode::OK);
    ana.person.get("/desk/settings/sites/demo/install").await.must(StatusCode::OK);
    while search::take_turn(&site.app).await.unwrap().behind > 0 {}

    // Whoever called stands in the line before us.
    let ours = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let (_, first) = ear.accept().unwrap();
    assert_eq!(first.port(), ours.local_addr().unwrap().port(), "somebody called");
}
