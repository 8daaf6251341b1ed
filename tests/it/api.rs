//! kefu for programs: REST v1 and the socket.
use crate::support::{
    in_time, insist, installation, limited_installation,
    program::{Line, value},
};
use futures_util::{SinkExt, future::join_all};
use kefu::agent::{Role, Scope};
use poem::http::{Method, StatusCode};
use serde_json::json;
use std::time::{Duration, Instant};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};

#[tokio::test]
async fn a_visitor_and_an_agent_talk_over_rest() {
    let site = installation().await;
    site.employ("ana", Role::Owner).await;
    let (vera, ana) = (site.visitor_program().await, site.agent_program("ana", Scope::Write).await);
    assert_eq!(value(&vera.get("/conversations").await)["conversations"], json!([]));
    let cid = vera.start("Where is my parcel?").await;

    let queue = value(&ana.get("/conversations?list=queue").await);
    let row = &queue["conversations"][0];
    assert_eq!(
        (&row["state"], &row["unread"], &row["last_seq"]),
        (&json!("queued"), &json!(1), &json!(1))
    );
    let id = row["conversation"].as_i64().unwrap();
    let path = format!("/conversations/{id}");
    ana.post(&format!("{path}/claim"), &json!({ "nonce": "c" })).await.must(StatusCode::CREATED);
    ana.post(&format!("{path}/entries"), &json!({ "nonce": "n", "body": "psst", "kind": "note" }))
        .await;
    let answer = json!({ "nonce": "a", "body": "On its way." });
    ana.post(&format!("{path}/entries"), &answer).await.must(StatusCode::CREATED);
    let again = ana.post(&format!("{path}/entries"), &answer).await.must(StatusCode::OK);
    assert_eq!(value(&again)["entry"]["seq"], 4);

    let seen = value(&vera.get(&format!("/conversations/{cid}/entries?after=0")).await);
    let told: Vec<_> = seen["entries"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| {
            (
                entry["seq"].as_i64().unwrap(),
                entry["prev"].as_i64().unwrap(),
                entry["kind"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(told, [(1, 0, "text"), (2, 1, "event"), (4, 2, "text")]);
    assert_eq!(seen["entries"][2]["author"], json!({ "kind": "agent", "name": "ana" }));
    vera.post(&format!("/conversations/{cid}/read"), &json!({ "seq": 4 }))
        .await
        .must(StatusCode::NO_CONTENT);
    vera.post(&format!("/conversations/{cid}/typing"), &json!({}))
        .await
        .must(StatusCode::NO_CONTENT);
    ana.post(&format!("{path}/close"), &json!({ "nonce": "x" })).await.must(StatusCode::CREATED);
    let closed = value(&vera.get(&format!("/conversations/{cid}")).await);
    assert_eq!((&closed["state"], &closed["contact"]), (&json!("closed"), &json!(null)));
    ana.post(&format!("{path}/reopen"), &json!({ "nonce": "y" })).await.must(StatusCode::CREATED);
}

#[tokio::test]
async fn lists_page_to_their_end_and_each_conversation_comes_once() {
    let site = installation().await;
    site.employ("ana", Role::Owner).await;
    let ana = site.agent_program("ana", Scope::Read).await;
    for n in 0..7 {
        site.visitor_program().await.start(&format!("{n}")).await;
    }
    let (mut seen, mut next) = (Vec::new(), String::new());
    loop {
        let page = value(&ana.get(&format!("/conversations?limit=3{next}")).await);
        seen.extend(
            page["conversations"]
                .as_array()
                .unwrap()
                .iter()
                .map(|one| one["conversation"].as_i64().unwrap()),
        );
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(seen.len(), 7);
    assert!(seen.is_sorted_by(|a, b| a > b), "{seen:?}");
    ana.get("/conversations?cursor=garbage").await.must(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn what_is_not_theirs_is_not_there_and_what_they_may_not_is_refused() {
    let site = installation().await;
    site.employ("ana", Role::Owner).await;
    site.employ("rob", Role::ReadOnly).await;
    let (vera, walt) = (site.visitor_program().await, site.visitor_program().await);
    let cid = vera.start("mine").await;
    walt.start("another's").await;
    let path = format!("/conversations/{cid}");
    vera.get(&path).await.must(StatusCode::OK);
    walt.get(&path).await.must(StatusCode::NOT_FOUND);
    walt.get(&format!("{path}/entries")).await.must(StatusCode::NOT_FOUND);
    let message = json!({ "nonce": "n", "body": "forged" });
    walt.post(&format!("{path}/entries"), &message).await.must(StatusCode::NOT_FOUND);
    // The number of a conversation is for agents.
    vera.get("/conversations/1").await.must(StatusCode::NOT_FOUND);
    for people in ["/sites", "/agents", "/contacts/1"] {
        vera.get(people).await.must(StatusCode::NOT_FOUND);
    }
    let ana = site.agent_program("ana", Scope::Write).await;
    for people in ["/sites", "/agents", "/contacts/1"] {
        ana.get(people).await.must(StatusCode::OK);
    }
    ana.get(&path).await.must(StatusCode::NOT_FOUND);
    let note = json!({ "nonce": "n", "body": "x", "kind": "note" });
    vera.post(&format!("{path}/entries"), &note).await.must(StatusCode::FORBIDDEN);
    for reader in [
        site.agent_program("ana", Scope::Read).await,
        site.agent_program("rob", Scope::Write).await,
    ] {
        reader.get("/conversations/1/entries").await.must(StatusCode::OK);
        reader.post("/conversations/1/entries", &message).await.must(StatusCode::FORBIDDEN);
        reader
            .post("/conversations/1/claim", &json!({ "nonce": "n" }))
            .await
            .must(StatusCode::FORBIDDEN);
    }
    ana.post("/conversations", &json!({ "site": "demo", "nonce": "n", "body": "x" }))
        .await
        .must(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_token_opens_nothing_before_it_is_made_or_after_it_is_ended() {
    let site = installation().await;
    let ana = site.ana().await;
    let vera = site.visitor_program().await;
    vera.get("/me").await.must(StatusCode::OK);
    vera.start("hello").await;
    let key = "the key of another installation is long too";
    let elsewhere =
        kefu::contact::VisitorToken::issue(&kefu::config::SecretKey::parse(key).unwrap());
    for none in [
        "",
        "kfa_",
        "kfa_AAAA",
        "kfv_x.y",
        "garbage",
        elsewhere.as_str(),
        &format!("kfa_{}", &vera.token[4..]),
    ] {
        let refused = site.holder(none).get("/me").await.must(StatusCode::UNAUTHORIZED);
        assert_eq!(value(&refused)["error"]["code"], "unauthenticated", "{none}");
    }
    site.stranger().get("/api/v1/me").await.must(StatusCode::UNAUTHORIZED);

    let fields = [("name", "my <b>bot</b>"), ("scope", "write"), ("lifetime", "30")];
    let page = ana.person.post("/desk/me/tokens", &fields).await.must(StatusCode::OK);
    page.says("my &#60;b&#62;bot");
    let token = page.body.split("<code>").nth(1).unwrap().split('<').next().unwrap().to_owned();
    let bot = site.holder(&token);
    assert_eq!(value(&bot.get("/me").await)["name"], "ana");
    ana.person.get("/desk/me").await.says("my &#60;b&#62;bot").says_not(&token);

    let server = site.listening().await;
    let mut line = bot.connect(server).await.unwrap();
    line.until("hello").await;
    let ben = site.ben().await;
    let id = page.field("token");
    ben.person.post("/desk/me/tokens/end", &[("token", &id)]).await.must(StatusCode::NOT_FOUND);
    bot.get("/me").await.must(StatusCode::OK);
    ana.person.post("/desk/me/tokens/end", &[("token", &id)]).await.goes_to();
    let ended = Instant::now();
    bot.get("/me").await.must(StatusCode::UNAUTHORIZED);
    assert_eq!(line.until("bye").await["reason"], "unauthenticated");
    assert_eq!(line.closed().await, Some(4401));
    assert!(ended.elapsed() < Duration::from_secs(2));
    site.forget_visitors().await;
    vera.get("/me").await.must(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_form_for_a_token_says_what_is_wrong_and_keeps_what_was_typed() {
    let site = installation().await;
    let ana = site.ana().await;
    let long = "x".repeat(61);
    let fields = [("name", long.as_str()), ("scope", "read"), ("lifetime", "30")];
    let page =
        ana.person.post("/desk/me/tokens", &fields).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    page.says(&long).says("1 to 60 characters");
    for (scope, lifetime) in
        [("owner", "30"), ("read", "0"), ("read", "-1"), ("read", "99999999999")]
    {
        let fields = [("name", "x"), ("scope", scope), ("lifetime", lifetime)];
        ana.person.post("/desk/me/tokens", &fields).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn errors_have_one_shape_and_say_what_to_do() {
    let site = installation().await;
    let vera = site.visitor_program().await;
    let cid = vera.start("hello").await;
    let path = format!("/conversations/{cid}/entries");
    let refusals = [
        (
            vera.post(&path, &json!({ "nonce": "n", "body": " " })).await,
            422,
            "invalid",
            json!("body"),
        ),
        (
            vera.post(&path, &json!({ "nonce": "", "body": "x" })).await,
            422,
            "invalid",
            json!("nonce"),
        ),
        (vera.post(&path, &json!({ "nonce": 1 })).await, 422, "invalid", json!(null)),
        (vera.get(&format!("{path}?after=other:1")).await, 409, "conflict", json!(null)),
        (vera.get("/conversations/nothing").await, 404, "not_found", json!(null)),
        (vera.get("/nothing").await, 404, "not_found", json!(null)),
        (
            vera.post(&path, &json!({ "nonce": "n", "body": "x".repeat(70_000) })).await,
            413,
            "too_large",
            json!(null),
        ),
    ];
    for (answer, status, code, field) in refusals {
        assert_eq!(answer.status.as_u16(), status, "{}", answer.body);
        let error = &value(&answer)["error"];
        assert_eq!((&error["code"], &error["field"]), (&json!(code), &field), "{error}");
        assert!(error["message"].as_str().unwrap().len() > 10 && !error["request_id"].is_null());
    }
    vera.post(&path, &json!({ "nonce": "once", "body": "one" })).await.must(StatusCode::CREATED);
    let other = vera.post(&path, &json!({ "nonce": "once", "body": "two" })).await;
    assert_eq!(value(&other.must(StatusCode::CONFLICT))["error"]["code"], "nonce_reused");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_on_a_stale_view_is_refused_with_what_is_new() {
    let site = installation().await;
    site.employ("ana", Role::Owner).await;
    site.employ("ben", Role::Agent).await;
    site.visitor_program().await.start("hello").await;
    let (ana, ben) = (
        site.agent_program("ana", Scope::Write).await,
        site.agent_program("ben", Scope::Write).await,
    );
    let first = json!({ "nonce": "n", "body": "first", "seen": 1 });
    ana.post("/conversations/1/entries", &first).await.must(StatusCode::CREATED);
    let second = json!({ "nonce": "n", "body": "second", "seen": 1 });
    let refused =
        value(&ben.post("/conversations/1/entries", &second).await.must(StatusCode::CONFLICT));
    let mut line = ben.connect(site.listening().await).await.unwrap();
    let frame =
        json!({ "type": "send", "conversation": 1, "nonce": "n", "body": "second", "seen": 1 });
    for told in [&refused["error"], &line.request(frame).await] {
        assert_eq!(told["code"], "stale");
        assert_eq!(
            (&told["entries"][0]["seq"], &told["entries"][0]["body"]),
            (&json!(2), &json!("first"))
        );
    }
    let aware = json!({ "nonce": "n", "body": "second", "seen": 2 });
    ben.post("/conversations/1/entries", &aware).await.must(StatusCode::CREATED);
}

#[tokio::test]
async fn programs_are_held_to_the_same_rates_as_people() {
    let site = limited_installation().await;
    let vera = site.visitor_program().await;
    let cid = vera.start("hello").await;
    let mut said = 0;
    let refused = loop {
        let message = json!({ "nonce": format!("n{said}"), "body": "again" });
        let answer = vera.post(&format!("/conversations/{cid}/entries"), &message).await;
        if answer.status != StatusCode::CREATED {
            break answer;
        }
        said += 1;
    };
    assert_eq!((said, refused.status), (20, StatusCode::TOO_MANY_REQUESTS));
    assert!(value(&refused)["error"]["retry_after_ms"].as_u64().unwrap() > 0);
    assert_ne!(refused.header("retry-after"), "");
}

#[tokio::test]
async fn only_pages_of_a_site_may_read_answers_in_a_browser_and_none_may_use_cookies() {
    use kefu::{
        ids::SiteKey,
        site::{self, NewSite, Origin, SiteName},
    };
    let here = installation().await;
    let shop = "https://shop.example";
    let new = NewSite {
        name: SiteName::parse("Shop").unwrap(),
        key: Some(SiteKey::parse("shop").unwrap()),
        origins: vec![Origin::parse(shop).unwrap()],
    };
    site::add(&here.app, new).await.unwrap();
    let person = here.stranger();
    for path in ["/api/v1/me", "/api/v1/openapi.json", "/api/v1/nothing"] {
        let told = person.ask(Method::GET, path, &[("origin", shop)], "").await;
        assert_eq!(told.header("access-control-allow-origin"), shop, "{path}");
        assert_eq!(told.header("access-control-allow-credentials"), "");
    }
    let asked = person.ask(Method::OPTIONS, "/api/v1/conversations", &[("origin", shop)], "").await;
    assert!(
        asked
            .must(StatusCode::NO_CONTENT)
            .header("access-control-allow-headers")
            .contains("authorization")
    );
    for evil in [
        "https://evil.example",
        "null",
        "https://shop.example.evil",
        "http://shop.example",
        "https://a.shop.example",
        "https://shop.example:444",
    ] {
        for (method, path) in [(Method::GET, "/api/v1/me"), (Method::OPTIONS, "/api/v1/me")] {
            let told = person.ask(method, path, &[("origin", evil)], "").await;
            assert_eq!(told.header("access-control-allow-origin"), "", "{evil}");
        }
    }
    let told = person.ask(Method::GET, "/demo", &[("origin", shop)], "").await;
    assert_eq!(told.header("access-control-allow-origin"), "");
    // A signed-in agent's cookie is no token.
    let ana = here.ana().await;
    ana.person.get("/api/v1/me").await.must(StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn descriptions_and_documentation_name_every_operation_and_frame() {
    let site = installation().await;
    let person = site.stranger();
    let openapi = value(&person.get("/api/v1/openapi.json").await);
    let asyncapi = value(&person.get("/api/v1/asyncapi.json").await);
    let page = person.get("/api/docs").await.must(StatusCode::OK);
    let mut operations = 0;
    for (path, methods) in openapi["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            page.says(&format!("id=\"{}\"", operation["operationId"].as_str().unwrap())).says(path);
            operations += 1;
        }
    }
    assert_eq!(operations, 41);
    for name in asyncapi["channels"]["socket"]["messages"].as_object().unwrap().keys() {
        page.says(&format!("<code>{}</code>", name.split_once('_').unwrap().1));
    }
    page.says_not("<script");
}

// ── the socket ──

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_and_an_agent_talk_over_the_socket() {
    let site = installation().await;
    site.employ("ana", Role::Owner).await;
    let server = site.listening().await;
    let mut vera = site.visitor_program().await.connect(server).await.unwrap();
    let mut ana = site.agent_program("ana", Scope::Write).await.connect(server).await.unwrap();
    let hello = vera.until("hello").await;
    assert_eq!(
        (&hello["v"], &hello["you"]["side"], &hello["heartbeat_s"]),
        (&json!(1), &json!("visitor"), &json!(25))
    );
    assert_eq!(ana.request(json!({ "type": "subscribe_desk" })).await["type"], "ok");

    let start = json!({ "type": "start", "site": "demo", "nonce": "s", "body": "你好" });
    let started = vera.request(start.clone()).await;
    assert_eq!((&started["type"], &started["seq"]), (&json!("ok"), &json!(1)));
    assert_eq!(vera.request(start).await["duplicate"], true);
    let cid = started["conversation"].clone();
    let row = ana.until("desk").await;
    assert_eq!((&row["state"], &row["preview"]), (&json!("queued"), &json!("你好")));
    let id = row["conversation"].clone();

    assert_eq!(
        vera.request(json!({ "type": "subscribe", "conversation": cid, "after": 0 })).await["seq"],
        1
    );
    ana.say(json!({ "type": "subscribe", "conversation": id, "after": 0, "ref": "s" })).await;
    let entry = ana.until("entry").await;
    assert_eq!(
        (&entry["seq"], &entry["prev"], &entry["body"]),
        (&json!(1), &json!(0), &json!("你好"))
    );
    assert_eq!(ana.until("live").await["ref"], "s");
    assert_eq!(ana.until("presence").await["here"], true);

    ana.say(json!({ "type": "typing", "conversation": id })).await;
    let typing = vera.until("typing").await;
    assert_eq!((&typing["typing"], &typing["by"]["name"]), (&json!(true), &json!("ana")));
    ana.request(json!({ "type": "claim", "conversation": id, "nonce": "c" })).await;
    ana.request(json!({ "type": "send", "conversation": id, "nonce": "n", "body": "secret", "kind": "note" })).await;
    let sent = ana
        .request(json!({ "type": "send", "conversation": id, "nonce": "a", "body": "您好" }))
        .await;
    assert_eq!((&sent["seq"], &sent["duplicate"]), (&json!(4), &json!(false)));
    let claimed = vera.until("entry").await;
    assert_eq!((&claimed["seq"], &claimed["event"]), (&json!(2), &json!("claimed")));
    let answer = vera.until("entry").await;
    assert_eq!(
        (&answer["seq"], &answer["prev"], &answer["body"]),
        (&json!(4), &json!(2), &json!("您好"))
    );
    vera.request(json!({ "type": "read", "conversation": cid, "seq": 4 })).await;
    assert_eq!(ana.until("read").await["seq"], 4);
    ana.request(json!({ "type": "unsubscribe", "conversation": id })).await;
    ana.request(json!({ "type": "close", "conversation": id, "nonce": "z" })).await;
    assert_eq!(vera.until("entry").await["event"], "closed");
    assert_eq!(ana.request(json!({ "type": "ping" })).await["type"], "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_of_a_program_that_was_cut_goes_on_where_it_was() {
    let site = installation().await;
    let ana = site.ana().await;
    let server = site.listening().await;
    let program = site.visitor_program().await;
    let cid = program.start("1").await;
    let id = ana.newest("queue").await;
    let mut cursor = json!(0);
    let mut seen = Vec::new();
    for round in 0..20 {
        let mut line = program.connect(server).await.unwrap();
        line.say(json!({ "type": "subscribe", "conversation": cid, "after": cursor })).await;
        ana.write(id, "note", "hidden").await;
        ana.reply(id, &round.to_string()).await;
        let until = 1 + 2 * (round + 1);
        while seen.last() != Some(&until) {
            let entry = line.until("entry").await;
            assert_eq!(entry["prev"], json!(seen.last().unwrap_or(&0)));
            seen.push(entry["seq"].as_i64().unwrap());
            cursor = json!(format!("{}:{}", entry["epoch"].as_str().unwrap(), entry["seq"]));
        }
    }
    assert_eq!(seen, (0..=20).map(|n| 1 + 2 * n).collect::<Vec<_>>());
    let mut line = program.connect(server).await.unwrap();
    for after in [json!("other:1"), json!(9_999)] {
        let refused =
            line.request(json!({ "type": "subscribe", "conversation": cid, "after": after })).await;
        assert_eq!((&refused["type"], &refused["code"]), (&json!("error"), &json!("conflict")));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_that_make_no_sense_are_named_and_the_line_goes_on() {
    let site = installation().await;
    site.employ("ana", Role::Owner).await;
    let server = site.listening().await;
    let (program, walt) = (site.visitor_program().await, site.visitor_program().await);
    let cid = program.start("mine").await;
    walt.start("another's").await;
    let mut line = walt.connect(server).await.unwrap();
    line.until("hello").await;
    let deep = format!(
        "{{\"type\":\"ping\",\"ref\":\"d\",\"x\":{}{}}}",
        "[".repeat(10_000),
        "]".repeat(10_000)
    );
    let nonsense = [
        ("", "invalid"),
        ("not json", "invalid"),
        ("[]", "invalid"),
        ("{\"event\":\"base\"}", "invalid"),
        ("{\"type\":\"base\"}", "unknown_type"),
        ("{\"type\":\"send\"}", "invalid"),
        (&deep, "invalid"),
        (&json!({ "type": "subscribe", "conversation": cid, "after": 0 }).to_string(), "not_found"),
        (&json!({ "type": "subscribe", "conversation": 1, "after": 0 }).to_string(), "not_found"),
        (
            &json!({ "type": "send", "conversation": cid, "nonce": "n", "body": "forged" })
                .to_string(),
            "not_found",
        ),
        (&json!({ "type": "read", "conversation": cid, "seq": 1 }).to_string(), "not_found"),
        (&json!({ "type": "claim", "conversation": cid, "nonce": "n" }).to_string(), "forbidden"),
        (&json!({ "type": "subscribe_desk" }).to_string(), "not_found"),
    ];
    for (text, code) in nonsense {
        line.say_text(text).await;
        let answer = line.hear().await.unwrap();
        assert_eq!(
            (&answer["type"], &answer["code"]),
            (&json!("error"), &json!(code)),
            "{}",
            &text[..text.len().min(80)]
        );
    }
    assert_eq!(line.request(json!({ "type": "ping" })).await["type"], "pong");
    let entries = value(&program.get(&format!("/conversations/{cid}/entries")).await);
    assert_eq!(entries["entries"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_breaks_the_rules_of_the_line_is_shown_out_and_nobody_else_notices() {
    let site = limited_installation().await;
    let server = site.listening().await;
    let bystander = site.visitor_program().await;
    let cid = bystander.start("hello").await;
    let mut calm = bystander.connect(server).await.unwrap();
    calm.request(json!({ "type": "subscribe", "conversation": cid, "after": 1 })).await;

    let rude = site.visitor_program().await;
    let line = async || -> Line { rude.connect(server).await.unwrap() };
    let mut long = line().await;
    let _ = long.socket.send(Message::text("x".repeat(64 * 1024 + 1))).await;
    assert_eq!(long.closed().await, Some(1009));
    let mut binary = line().await;
    binary.socket.send(Message::binary(vec![0; 10])).await.unwrap();
    assert_eq!(binary.closed().await, Some(1003));
    for flood in [Message::Ping(Bytes::new()), Message::text("{}"), Message::text("")] {
        let mut fast = line().await;
        for _ in 0..1_000 {
            // Nobody listens any more at some point.
            if fast.socket.send(flood.clone()).await.is_err() {
                break;
            }
        }
        assert!(matches!(fast.closed().await, Some(1008) | None), "{flood:?}");
        // Where the farewell was lost with what we still sent, the line is cut all the same.
        assert!(fast.socket.send(Message::text("{}")).await.is_err());
    }
    in_time(Duration::from_secs(1), "a ping", async || {
        let began = Instant::now();
        assert_eq!(calm.request(json!({ "type": "ping" })).await["type"], "pong");
        began.elapsed()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_stops_reading_is_let_go_and_its_neighbours_hear_everything() {
    let site = installation().await;
    site.employ("ana", Role::Owner).await;
    let server = site.listening().await;
    let vera = site.visitor_program().await;
    let cid = vera.start("hello").await;
    let ana = site.agent_program("ana", Scope::Write).await;
    let mut stuck = ana.connect(server).await.unwrap();
    stuck.say(json!({ "type": "subscribe", "conversation": 1, "after": 0 })).await;
    let mut calm = vera.connect(server).await.unwrap();
    calm.request(json!({ "type": "subscribe", "conversation": cid, "after": 1 })).await;

    // More than the buffers of both ends hold, while one of two readers reads.
    let said = 700;
    let body = "\u{5b57}".repeat(5_000);
    let writing = tokio::spawn(async move {
        for n in 0..said {
            let new = json!({ "nonce": format!("n{n}"), "body": body });
            let sent = ana.post("/conversations/1/entries", &new).await;
            sent.must(StatusCode::CREATED);
        }
    });
    for seq in 2..=said + 1 {
        assert_eq!(calm.until("entry").await["seq"], json!(seq));
    }
    writing.await.unwrap();
    // It has 30 s to read what it was sent.
    let began = Instant::now();
    while site.app.streams.count() > 2 {
        assert!(
            began.elapsed() < Duration::from_secs(40),
            "{} lines are open",
            site.app.streams.count()
        );
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(calm.request(json!({ "type": "ping" })).await["type"], "pong");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_opens_only_for_a_token_and_only_from_pages_that_may() {
    let site = installation().await;
    let server = site.listening().await;
    let vera = site.visitor_program().await;
    let refused = async |headers: &[(&str, &str)], path: &str| match site
        .stranger()
        .connect(server, path, headers)
        .await
    {
        Err(Error::Http(response)) => response.status().as_u16(),
        other => panic!("{path}: {:?}", other.map(|_| "connected")),
    };
    assert_eq!(refused(&[], "/api/v1/ws").await, 401);
    assert_eq!(refused(&[("authorization", "Bearer kfv_x.y")], "/api/v1/ws").await, 401);
    // As a browser offers it.
    let offered = format!("kefu.v1, token.{}", vera.token);
    let own = format!("http://{server}");
    let headers = [("sec-websocket-protocol", offered.as_str()), ("origin", own.as_str())];
    let socket = site.stranger().connect(server, "/api/v1/ws", &headers).await.unwrap();
    assert_eq!(Line { socket }.until("hello").await["you"]["side"], "visitor");
    for evil in
        ["https://evil.example", "null", "http://127.0.0.1:1", &format!("{own}.evil.example")]
    {
        let headers = [("sec-websocket-protocol", offered.as_str()), ("origin", evil)];
        assert_eq!(refused(&headers, "/api/v1/ws").await, 403, "{evil}");
    }
    // The pages' own sockets carry cookies: silence about the origin is a refusal there.
    let (walt, ana) = (site.walt().await, site.ana().await);
    for (person, path) in
        [(&walt.person, walt.path("/ws?after=0")), (&ana.person, "/desk/ws".into())]
    {
        person.connect(server, &path, &[("origin", own.as_str())]).await.unwrap();
        for headers in [
            &[][..],
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("sec-fetch-site", "cross-site"), ("origin", own.as_str())],
        ] {
            let refused = person.connect(server, &path, headers).await;
            assert!(
                matches!(refused, Err(Error::Http(response)) if response.status() == 403),
                "{path} {headers:?}"
            );
        }
    }
    for (person, path) in [
        (&walt.person, walt.path("/events")),
        (&walt.person, walt.path("/live")),
        (&ana.person, "/desk/events".into()),
    ] {
        for site in ["cross-site", "same-site"] {
            person
                .ask(Method::GET, &path, &[("sec-fetch-site", site)], "")
                .await
                .must(StatusCode::FORBIDDEN);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_that_come_all_at_once_do_not_wait_for_one_another() {
    let site = installation().await;
    let server = site.listening().await;
    let mut programs = Vec::new();
    for _ in 0..40 {
        let program = site.visitor_program().await;
        let cid = program.start("hello").await;
        programs.push((program, cid));
    }
    let asking = || {
        join_all(programs.iter().cycle().take(200).map(|(program, cid)| async move {
            let path = format!("/conversations/{cid}/entries");
            insist(|| program.get(&path)).await.must(StatusCode::OK);
        }))
    };
    // Each line asks the database for two things at the same time, and there are fewer connections to it than lines.
    let coming = || {
        join_all(programs.iter().map(|(program, cid)| async move {
            let mut line = program.connect(server).await.unwrap();
            let subscribe =
                json!({ "type": "subscribe", "ref": "s", "conversation": cid, "after": 0 });
            line.say(subscribe).await;
            line.until("live").await;
        }))
    };
    // And others keep these busy. Whoever waits for a second connection in vain gives up after four seconds.
    in_time(Duration::from_secs(3), "forty lines beside two hundred questions", async || {
        let began = Instant::now();
        asking().await;
        let alone = began.elapsed();
        let began = Instant::now();
        tokio::join!(coming(), asking());
        began.elapsed().saturating_sub(alone)
    })
    .await;
}
