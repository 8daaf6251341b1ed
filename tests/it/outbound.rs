//! kefu opens no connection to an address that somebody else named (T35): not to show it, not to check it, not to fetch a
//! picture.
use crate::support::installation;
use kefu::{agent::Scope, ids::Nonce, search};
use poem::http::{Method, StatusCode};
use serde_json::json;
use std::net::{Ipv4Addr, TcpListener, TcpStream};

const SCHEMES: [&str; 9] = ["http", "https", "HTTP", "ftp", "gopher", "file", "ldap", "dict", "ws"];

/// Ways to write the address of this machine.
const HOSTS: [&str; 10] = [
    "127.0.0.1",
    "127.1",
    "2130706433",
    "0x7f000001",
    "0177.0.0.1",
    "0.0.0.0",
    "localhost",
    "[::ffff:127.0.0.1]",
    "user:secret@127.0.0.1",
    "１２７.0.0.1",
];

#[tokio::test]
async fn nobody_makes_the_server_call_an_address() {
    let ear = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap();
    let port = ear.local_addr().unwrap().port();
    let urls: Vec<_> = SCHEMES
        .iter()
        .flat_map(|scheme| HOSTS.map(|host| format!("{scheme}://{host}:{port}/picture.png?x=1")))
        .collect();
    assert_eq!(urls.len(), 90);

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
        let message = json!({ "nonce": Nonce::new(), "body": url });
        let answer = program.post(&format!("/conversations/{id}/entries"), &message).await;
        said += usize::from(answer.status.is_success());
        let reply = [("scope", "all"), ("short_code", ""), ("title", url), ("body", url)];
        ana.person.post("/desk/settings/canned-replies", &reply).await;
        ana.person.hx_post(&format!("/desk/c/{id}/side/name"), &[("name", url)]).await;

        // In what an owner may set.
        let origins = [("name", "Shop"), ("language", "en"), ("zone", "UTC"), ("origins", url)];
        ana.person.post("/desk/settings/sites/demo", &origins).await;
        ana.person.get(&format!("/desk/search?q={url}")).await.must(StatusCode::OK);
    }
    assert!(said == 90 && stored >= 20, "{said} messages and {stored} cards are stored");
    ana.person.get(&format!("/desk/c/{id}")).await.must(StatusCode::OK);
    ana.person.get("/desk/settings/sites/demo/install").await.must(StatusCode::OK);
    while search::take_turn(&site.app).await.unwrap().behind > 0 {}

    // Whoever called stands in the line before us.
    let ours = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    let (_, first) = ear.accept().unwrap();
    assert_eq!(first, ours.local_addr().unwrap(), "somebody called");
}
