//! Cards of orders and products: told by a page, sent by its visitor, seen by both sides and by programs.
use crate::support::{Person, Visitor, installation, program::value};
use kefu::{agent::Scope, ids::Nonce, search};
use poem::http::StatusCode;
use serde_json::json;

const CARD: &str = r#"{"title":"青花瓷杯 <b>","price":"¥128","detail":"蓝色","id":"8871","url":"https://shop.example/o/8871?a=1&b=2","image":"https://cdn.example/p.jpg"}"#;

async fn sends(person: &Person, path: &str, nonce: &Nonce, card: &str) -> crate::support::Answer {
    person.hx_post(path, &[("nonce", nonce.as_str()), ("card", card)]).await
}

#[tokio::test]
async fn a_card_is_sent_and_both_sides_programs_and_the_search_have_it() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    let nonce = Nonce::new();
    let sent = sends(&vera.person, &vera.path("/messages"), &nonce, CARD).await;
    let line = sent.must(StatusCode::OK).entry("m-2").to_owned();
    for part in ["青花瓷杯 &#60;b&#62;", "¥128", "蓝色", "8871", "noopener noreferrer nofollow ugc"]
    {
        assert!(line.contains(part), "{part} is not in {line}");
    }
    assert!(line.contains("href=\"https://shop.example/o/8871?a=1&#38;b=2\""), "{line}");
    // Pictures of other hosts are loaded by nobody: their host would learn who reads.
    assert!(!line.contains("<img") && !line.contains("cdn.example"), "{line}");
    // The same once more is the same.
    sends(&vera.person, &vera.path("/messages"), &nonce, CARD).await.must(StatusCode::OK);
    vera.page().await.says(&line).says_not("id=\"m-3\"");

    ana.person.get(&format!("/desk/c/{id}")).await.says("class=\"goods\"").says("¥128");
    ana.person.get("/desk/c?tab=all").await.says("青花瓷杯 &#60;b&#62; · ¥128");
    let program = site.agent_program("ana", Scope::Read).await;
    let entries = value(&program.get(&format!("/conversations/{id}/entries")).await);
    let entry = &entries["entries"][1];
    assert_eq!(
        entry["card"],
        json!({ "title": "青花瓷杯 <b>", "price": "¥128", "detail": "蓝色", "id": "8871",
            "url": "https://shop.example/o/8871?a=1&b=2", "image": "https://cdn.example/p.jpg" })
    );
    assert_eq!(
        entry["body"],
        "青花瓷杯 <b> · ¥128\n蓝色\n8871\nhttps://shop.example/o/8871?a=1&b=2"
    );
    assert_eq!(entries["entries"][0].get("card"), None);
    // What is said about it says which it is.
    let reply = [
        ("title", "Parcel"),
        ("short_code", "parcel"),
        ("body", "订单 {订单号} ({order})"),
        ("scope", "own"),
    ];
    ana.person.post("/desk/settings/canned-replies", &reply).await.goes_to();
    let offered = ana.person.get(&format!("/desk/canned?c={id}&q=parcel")).await;
    offered.says("订单 8871 (8871)");
    while search::take_turn(&site.app).await.unwrap().behind > 0 {}
    let found = value(&program.get("/search?q=8871").await.must(StatusCode::OK));
    assert_eq!(found["messages"][0]["seq"], 2, "{found}");
}

#[tokio::test]
async fn a_conversation_may_begin_with_a_card() {
    let site = installation().await;
    let person = site.stranger();
    let page = person.get("/w/demo").await;
    let (visitor, nonce) = (page.field("visitor"), page.field("nonce"));
    let first =
        [("visitor", visitor.as_str()), ("nonce", nonce.as_str()), ("body", ""), ("card", CARD)];
    let place = person.post("/w/demo/start", &first).await.goes_to();
    person.get(&place).await.says("class=\"goods\"").says("¥128");

    let other = site.stranger();
    let page = other.get("/w/demo").await;
    let (visitor, nonce) = (page.field("visitor"), page.field("nonce"));
    let bad = [
        ("visitor", visitor.as_str()),
        ("nonce", nonce.as_str()),
        ("body", "kept"),
        ("card", "{}"),
    ];
    let refused =
        other.post("/w/demo/start?lang=en", &bad).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    refused.says("A card has a title").says("kept");
}

#[tokio::test]
async fn a_hostile_card_is_refused_and_nothing_is_stored() {
    let site = installation().await;
    let vera: Visitor = site.vera().await;
    let path = vera.path("/messages");
    let harmless =
        r#"{"title":"\" onmouseover=alert(1) x=\"","price":"</span><script>alert(1)</script>"}"#;
    let sent = sends(&vera.person, &path, &Nonce::new(), harmless).await.must(StatusCode::OK);
    sent.says_not("<script>").says_not("\" onmouseover");
    let big = format!(r#"{{"title":"x","detail":"{}"}}"#, "字".repeat(201));
    let huge = format!(r#"{{"title":"x","more":"{}"}}"#, "x".repeat(20_000));
    for hostile in [
        r#"{"title":"x","url":"javascript:alert(1)"}"#,
        r#"{"title":"x","url":"data:text/html,<script>"}"#,
        r#"{"title":"x","url":"https://user:pass@bank.example/"}"#,
        r#"{"title":"x","image":"file:///etc/passwd"}"#,
        r#"{"title":"  "}"#,
        "not json",
        "[[[[",
        &big,
        &huge,
    ] {
        let refused = sends(&vera.person, &path, &Nonce::new(), hostile).await;
        refused.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    vera.page().await.says("m-2").says_not("id=\"m-3\"");
    // Nobody else's conversation.
    let walt = site.walt().await;
    let foreign = sends(&walt.person, &path, &Nonce::new(), CARD).await;
    foreign.must(StatusCode::NOT_FOUND);
}
