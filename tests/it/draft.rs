//! Drafts: what is begun here goes on there, until it is sent.
use crate::support::installation;
use jiff::SignedDuration;
use kefu::{agent::Role, draft, ids::Nonce};
use poem::http::StatusCode;
use std::time::Duration;
use tokio::time::timeout;

#[tokio::test]
async fn what_ana_begins_at_one_desk_goes_on_at_another_and_ends_when_it_is_sent() {
    let site = installation().await;
    let (_vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    let (pane, path) = ("/desk/c/1", "/desk/c/1/draft");
    let begun = [("kind", "note"), ("body", "she called\r\nbefore <b> ")];
    ana.person.post(path, &begun).await.must(StatusCode::NO_CONTENT);
    let elsewhere = crate::support::Agent::sign_in(site.stranger(), "ana").await;
    let page = elsewhere.person.get(pane).await;
    page.says("\nshe called\nbefore &#60;b&#62; </textarea>");
    page.says("value=\"note\" checked").says_not("value=\"text\" checked");
    ben.person.get(pane).await.says_not("she called").says("value=\"text\" checked");

    // A later one stands in its place, an empty one for none.
    ana.person.post(path, &[("kind", "text"), ("body", "Hello")]).await;
    elsewhere.person.get(pane).await.says("Hello</textarea>").says_not("she called");
    ana.person.post(path, &[("kind", "text"), ("body", " \n")]).await;
    elsewhere.person.get(pane).await.says("\n</textarea>");

    ana.person.post(path, &[("kind", "text"), ("body", "Good day")]).await;
    ana.reply(1, "Good day").await.must(StatusCode::OK);
    elsewhere.person.get(pane).await.says("Good day").says("\n</textarea>");
}

#[tokio::test]
async fn a_row_says_where_whoever_looks_has_begun_to_write() {
    let site = installation().await;
    let (_vera, _walt) = (site.vera().await, site.walt().await);
    let (ana, ben) = (site.ana().await, site.ben().await);
    let draft = |body: &'static str| {
        let fields = [("kind", "note"), ("body", body)];
        let person = ana.person.clone();
        async move { person.post("/desk/c/1/draft", &fields).await.must(StatusCode::NO_CONTENT) }
    };
    draft("she <b> called").await;
    for asks in ["tab=queue", "tab=all&site=1"] {
        let list = ana.person.get(&format!("/desk/c?{asks}")).await.must(StatusCode::OK);
        let row = |id: i64| {
            let row = list.body.split(&format!("id=\"c-{id}\"")).nth(1).unwrap();
            row.split("</a>").next().unwrap().to_owned()
        };
        assert!(row(1).contains("<span class=\"draft\">[Draft]</span>"), "{}", row(1));
        assert!(!row(2).contains("[Draft]"), "{}", row(2));
        list.says_not("she &#60;b&#62; called");
    }
    ben.person.get("/desk/c?tab=queue").await.says_not("class=\"draft\"");
    draft(" ").await;
    ana.person.get("/desk/c?tab=queue").await.says_not("class=\"draft\"");
    draft("again").await;
    ana.reply(1, "again").await.must(StatusCode::OK);
    ana.person.get("/desk/c?tab=all").await.says_not("class=\"draft\"");
}

#[tokio::test]
async fn what_is_begun_in_one_tab_is_known_in_the_others_at_once_and_to_nobody_else() {
    let site = installation().await;
    let (_vera, _walt) = (site.vera().await, site.walt().await);
    let (ana, ben) = (site.ana().await, site.ben().await);
    let (mut anas, mut bens) = (ana.listen("queue").await, ben.listen("queue").await);
    anas.named("synced").await;
    bens.named("synced").await;
    let keep = async |agent: &crate::support::Agent, id: i64, body: &str| {
        let answer = agent.person.post(&format!("/desk/c/{id}/draft"), &[("body", body)]).await;
        answer.must(StatusCode::NO_CONTENT);
    };
    let (begun, ended) = ("<i id=\"draft-1\"></i>", "hx-target=\"#draft-1\" hx-swap=\"delete\"");
    let next = async |stream: &mut crate::support::Stream| {
        stream.until(|event| event.data.contains("draft-")).await.data
    };

    keep(&ana, 1, "Good").await;
    assert!(next(&mut anas).await.contains(begun));
    // More of it is no news.
    keep(&ana, 1, "Good day").await;
    keep(&ana, 1, " ").await;
    let gone = next(&mut anas).await;
    assert!(gone.contains(ended) && !gone.contains(begun), "{gone}");

    // Of a stream that begins with it, and until it is sent.
    keep(&ana, 1, "Good day").await;
    keep(&ana, 2, "Good evening").await;
    let mut late = ana.listen("queue").await;
    let known = next(&mut late).await;
    assert!(known.contains(begun) && known.contains("draft-2"), "{known}");
    late.named("synced").await;
    ana.reply(1, "Good day").await.must(StatusCode::OK);
    let gone = next(&mut late).await;
    assert!(gone.contains(ended) && !gone.contains(begun), "{gone}");
    ana.person.get("/desk/c?tab=all").await.says("draft-2").says_not("draft-1");

    // Of all this Ben heard nothing.
    keep(&ben, 2, "And I").await;
    assert!(next(&mut bens).await.contains("draft-2"));
}

#[tokio::test]
async fn what_is_refused_is_still_a_draft() {
    let site = installation().await;
    let (_vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    ben.person.post("/desk/c/1/draft", &[("kind", "text"), ("body", "me too")]).await;
    ana.reply(1, "I have it").await.must(StatusCode::OK);
    let nonce = Nonce::new();
    let unaware = [("nonce", nonce.as_str()), ("body", "me too"), ("seen_seq", "1")];
    let clash = ben.person.hx_post("/desk/c/1/messages", &unaware).await;
    clash.must(StatusCode::CONFLICT);
    ben.person.get("/desk/c/1").await.says("me too</textarea>");
}

#[tokio::test]
async fn a_draft_is_somebodys_who_may_write_where_there_is_a_conversation() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let rob = site.agent("rob", Role::ReadOnly).await;
    let begun = [("kind", "text"), ("body", "x")];
    ana.person.post("/desk/c/1/draft", &begun).await.must(StatusCode::NO_CONTENT);
    rob.person.post("/desk/c/1/draft", &begun).await.must(StatusCode::FORBIDDEN);
    vera.person.post("/desk/c/1/draft", &begun).await.must(StatusCode::UNAUTHORIZED);
    for nowhere in ["/desk/c/99/draft", "/desk/c/x/draft"] {
        ana.person.post(nowhere, &begun).await.must(StatusCode::NOT_FOUND);
    }
    let long = "字".repeat(5_001);
    for bad in ["a\u{0}b", &long] {
        let answer = ana.person.post("/desk/c/1/draft", &[("kind", "text"), ("body", bad)]).await;
        answer.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let event = ana.person.post("/desk/c/1/draft", &[("kind", "event"), ("body", "x")]).await;
    event.must(StatusCode::UNPROCESSABLE_ENTITY);
    ana.person.get("/desk/c/1").await.says("\nx</textarea>");
}

#[tokio::test]
async fn what_a_page_sends_as_it_goes_is_kept_and_said() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    for n in 0..8 {
        let words = format!("At once {n}");
        ana.person.post_and_go("/desk/c/1/draft", &[("kind", "text"), ("body", &words)]);
        let nonce = Nonce::new();
        let said = [("nonce", nonce.as_str()), ("body", &words)];
        vera.person.post_and_go(&vera.path("/messages"), &said);
        // Without scripts each form may bring files.
        let (nonce, shown) = (Nonce::new(), format!("Shown {n}"));
        let said = [("nonce", nonce.as_str()), ("body", &shown)];
        vera.person.fill_and_go(&vera.path("/messages"), &said, &[("", b"")]);
        let (nonce, name) = (Nonce::new(), format!("{n}.txt"));
        let said = [("nonce", nonce.as_str())];
        vera.person.fill_and_go(&vera.path("/messages"), &said, &[(&name, b"seen")]);
        let there = async || {
            let page = vera.page().await.body;
            ana.person.get("/desk/c/1").await.body.contains(&format!("{words}</textarea>"))
                && [&words, &shown, &name].into_iter().all(|said| page.contains(said.as_str()))
        };
        timeout(Duration::from_secs(20), async { while !there().await {} }).await.expect("kept");
    }
}

#[tokio::test]
async fn a_draft_of_a_month_ago_is_forgotten_and_one_goes_with_its_conversation() {
    let site = installation().await;
    let (_vera, _walt, ana) = (site.vera().await, site.walt().await, site.ana().await);
    for id in [1, 2] {
        let path = format!("/desk/c/{id}/draft");
        ana.person.post(&path, &[("kind", "text"), ("body", "begun")]).await;
    }
    let (now, day) = (site.app.db.now().await.unwrap(), SignedDuration::from_hours(24));
    assert_eq!(draft::forget_old(&site.app, now + day * 29).await.unwrap(), 0);
    site.change("UPDATE draft SET at = 0 WHERE conversation_id = 1").await;
    assert_eq!(draft::forget_old(&site.app, now).await.unwrap(), 1);
    ana.person.get("/desk/c/1").await.says_not("begun");
    ana.person.get("/desk/c/2").await.says("begun</textarea>");

    ana.act(2, "close").await.must(StatusCode::OK);
    kefu::conversation::forget_closed_before(&site.app, now + day).await.unwrap();
    assert_eq!(draft::forget_old(&site.app, now + day * 365).await.unwrap(), 0);
}
