//! A visitor's conversation, with and without scripts, and everything that can be wrong with what she sends.
use crate::support::{Person, Visitor, insist, installation, limited_installation};
use jiff::SignedDuration;
use kefu::ids::Nonce;
use poem::http::{Method, StatusCode};

#[tokio::test]
async fn nobody_is_remembered_before_the_first_message() {
    let site = installation().await;
    let vera = site.stranger();
    let page = vera.get("/w/demo?lang=en").await.must(StatusCode::OK);
    assert_eq!(page.header("set-cookie"), "");
    assert_eq!(site.ana().await.person.get("/desk/c?tab=all").await.all("id=\"c-").len(), 0);

    let vera = Visitor::arrive(vera, "Hello").await;
    assert!(vera.person.cookies().contains_key("kefu-v"));
    vera.page().await.says("Hello");
}

#[tokio::test]
async fn two_people_talk_and_each_sees_the_other_live() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    let mut hers = vera.listen("1").await;
    assert_eq!(hers.headers.get("content-type").unwrap(), "text/event-stream");
    assert_eq!(hers.headers.get("cache-control").unwrap(), "no-cache, no-transform");
    assert!(hers.headers.get("content-encoding").is_none());
    hers.named("synced").await;
    let mut desk = ana.listen("all").await;
    desk.named("synced").await;

    ana.reply(id, "Yes, how can I help?").await.must(StatusCode::OK);
    let answer = hers.entry().await;
    assert!(
        answer.data.contains("Yes, how can I help?") && answer.data.contains("ana"),
        "{}",
        answer.data
    );
    assert!(answer.id.ends_with(":2"), "{}", answer.id);

    vera.say("My order has not arrived").await.must(StatusCode::OK);
    let row = desk.until(|event| event.data.contains("My order has not arrived")).await;
    assert!(row.data.contains(&format!("id=\"c-{id}\"")));
    let hint = desk.until(|event| event.name == "hint" && event.data.contains("\"seq\":3")).await;
    assert_eq!(hint.data, format!("{{\"conversation\":{id},\"seq\":3}}"));
    ana.person
        .get(&format!("/desk/c/{id}/messages?after=2"))
        .await
        .says("My order has not arrived");
}

#[tokio::test]
async fn a_visitor_ends_a_conversation_and_takes_it_up_again() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    let walt = site.walt().await;
    let mut hers = vera.listen("1").await;
    let asked = vera.person.get(&vera.path("?end")).await.must(StatusCode::OK);
    asked.says("End this conversation?");
    vera.page().await.says("?end\"").says_not("End this conversation?");
    // Not hers, not a nonce, not said: nothing ends.
    let nonce = Nonce::new();
    let end = [("nonce", nonce.as_str())];
    walt.person.post(&vera.path("/end"), &end).await.must(StatusCode::NOT_FOUND);
    for hostile in [&[("nonce", "<b>")][..], &[("nonce", "")], &[("seq", "1")]] {
        vera.person.post(&vera.path("/end"), hostile).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    vera.page().await.says_not("You ended the conversation");

    for _ in 0..2 {
        assert_eq!(vera.person.post(&vera.path("/end"), &end).await.goes_to(), vera.path(""));
    }
    let told = hers.entry().await;
    assert!(told.data.contains("You ended the conversation"), "{}", told.data);
    let page = vera.page().await;
    page.says("You ended the conversation").says("Start a new conversation").says_not("?end\"");
    vera.person.get(&vera.path("?end")).await.says_not("End this conversation?");
    assert_eq!(ana.newest("closed").await, id);
    ana.person.get(&format!("/desk/c/{id}")).await.says("Visitor closed the conversation");
    // Another form of hers, from a tab that does not know yet.
    let late = vera.person.post(&vera.path("/end"), &[("nonce", Nonce::new().as_str())]).await;
    assert_eq!(late.goes_to(), vera.path(""));

    vera.say("One more thing").await.must(StatusCode::OK);
    ana.person.get("/desk/c?tab=queue").await.says("One more thing");
    vera.page().await.says("One more thing").says("?end\"");
}

#[tokio::test]
async fn page_and_stream_draw_alike() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    let mut stream = vera.listen("1").await;
    let answer = vera.say("<b>bold</b> & https://a.example/?x=1&y=2").await.must(StatusCode::OK);
    ana.reply(id, "first").await;
    ana.write(id, "note", "between agents").await;
    ana.reply(id, "second, in one group with the first").await;
    ana.act(id, "close").await;

    let mut drawn = Vec::new();
    for _ in 0..4 {
        drawn.push(stream.entry().await);
    }
    let page = vera.page().await;
    for event in &drawn {
        let seq = event.id.split(':').nth(1).unwrap();
        let entry = page.entry(&format!("m-{seq}"));
        assert!(event.data.contains(entry), "page:\n{entry}\nstream:\n{}", event.data);
    }
    assert!(answer.body.contains(page.entry("m-2")), "the post draws alike too");
    assert!(
        page.entry("m-5").contains("class=\"m g\""),
        "a note between two answers is no gap to a visitor"
    );
    page.says_not("between agents").says_not("<b>bold</b>");
    page.says("href=\"https://a.example/?x=1&#38;y=2\" target=\"_blank\" rel=\"noopener noreferrer nofollow ugc\"");

    let pane = ana.person.get(&format!("/desk/c/{id}")).await;
    let history = ana.person.get(&format!("/desk/c/{id}/messages?after=0")).await;
    for seq in 1..=6 {
        let entry = pane.entry(&format!("m-{id}-{seq}"));
        assert!(history.body.contains(entry), "page:\n{entry}\nhistory:\n{}", history.body);
    }
}

#[tokio::test]
async fn a_returning_visitor_sees_what_she_missed_once() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    let mut stream = vera.listen("1").await;
    ana.reply(id, "one").await;
    let one = stream.entry().await;
    drop(stream);
    ana.reply(id, "two").await;
    ana.write(id, "note", "between us").await;
    ana.reply(id, "three").await;

    let path = vera.path("/events?after=1");
    let mut stream = vera.person.listen_after(&path, Some(&one.id)).await;
    let missed = stream.all_until("synced").await;
    let missed: Vec<_> = missed.iter().filter(|event| !event.id.is_empty()).collect();
    assert_eq!(missed.len(), 2, "{missed:?}");
    assert!(missed[0].data.contains("two") && missed[1].data.contains("three"));
    ana.reply(id, "four").await;
    assert!(stream.entry().await.data.contains("four"));
}

#[tokio::test]
async fn news_that_was_lost_on_its_way_is_read_from_the_log() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    let elsewhere = crate::support::Agent { person: ana.person.at(site.deaf_node()) };
    let mut stream = vera.listen("1").await;
    stream.named("synced").await;

    elsewhere.reply(id, "said on a node we do not hear").await.must(StatusCode::OK);
    ana.reply(id, "said here").await.must(StatusCode::OK);
    assert!(stream.entry().await.data.contains("said on a node we do not hear"));
    assert!(stream.entry().await.data.contains("said here"));
}

#[tokio::test]
async fn a_reader_who_falls_far_behind_goes_back_to_the_log() {
    let site = installation().await;
    let vera = site.vera().await;
    let mut stream = vera.listen("1").await;
    stream.named("synced").await;
    // More than a listener's backlog, while nobody reads the stream.
    for n in 0..300 {
        vera.say(&format!("message {n}")).await.must(StatusCode::OK);
    }
    for n in 0..300 {
        let event = stream.entry().await;
        assert!(event.data.contains(&format!("message {n}<")), "{n}: {}", event.data);
    }
}

#[tokio::test]
async fn a_cursor_that_cannot_be_continued_reloads_the_page_and_replays_nothing() {
    let site = installation().await;
    let vera = site.vera().await;
    vera.say("two").await;
    let epoch = site.app.epoch.to_string();
    for after in
        ["99", &format!("{epoch}:99"), "other:1", "garbage", "-1", "", "9999999999999999999999"]
    {
        let mut stream = vera.listen(after).await;
        let first = stream.next().await.unwrap();
        assert_eq!((first.name.as_str(), first.id.as_str()), ("reset", ""), "after={after}");
        assert_eq!(stream.next().await, None, "after={after}");
    }
    let mut stream = vera.person.listen_after(&vera.path("/events?after=0"), Some("other:1")).await;
    assert_eq!(stream.next().await.unwrap().name, "reset", "the header wins");
    let mut stream = vera.listen(&format!("{epoch}:1")).await;
    assert!(stream.entry().await.data.contains("two"));
}

#[tokio::test]
async fn a_gap_too_long_to_replay_is_a_reset() {
    let site = installation().await;
    let vera = site.vera().await;
    for n in 0..501 {
        vera.say(&format!("{n}")).await;
    }
    assert_eq!(vera.listen("1").await.next().await.unwrap().name, "reset");
    let missed = vera.listen("2").await.all_until("synced").await;
    assert_eq!(missed.iter().filter(|event| !event.id.is_empty()).count(), 500);
}

#[tokio::test]
async fn a_first_message_repeated_after_a_lost_answer_finds_the_same_conversation() {
    let site = installation().await;
    let vera = site.stranger();
    let page = vera.get("/w/demo").await;
    let (visitor, nonce) = (page.field("visitor"), page.field("nonce"));
    let fields = [("visitor", visitor.as_str()), ("nonce", nonce.as_str()), ("body", "Hello")];
    let first = vera.post("/w/demo/start", &fields).await.goes_to();
    vera.forget_cookies();
    let again = vera.post("/w/demo/start", &fields).await.goes_to();
    assert_eq!(first, again);
    assert_eq!(vera.get(&again).await.all("id=\"m-").len(), 1);

    let changed = [fields[0], fields[1], ("body", "Something else")];
    vera.post("/w/demo/start", &changed).await.must(StatusCode::CONFLICT).says("Something else");
}

#[tokio::test]
async fn whoever_is_in_a_conversation_is_led_back_to_it() {
    let site = installation().await;
    let person = site.stranger();
    let old_tab = person.get("/w/demo").await;
    let vera = Visitor::arrive(person, "Hello").await;
    assert_eq!(vera.person.get("/w/demo").await.goes_to(), vera.path(""));
    let (visitor, nonce) = (old_tab.field("visitor"), old_tab.field("nonce"));
    let fields =
        [("visitor", visitor.as_str()), ("nonce", nonce.as_str()), ("body", "from an old tab")];
    assert_eq!(vera.person.post("/w/demo/start", &fields).await.goes_to(), vera.path(""));
    vera.page().await.says("from an old tab");
}

#[tokio::test]
async fn the_same_nonce_in_32_parallel_posts_makes_one_entry() {
    let site = installation().await;
    let vera = site.vera().await;
    let nonce = Nonce::new();
    let posts = (0..32).map(|_| insist(|| vera.say_as(nonce.as_str(), "once")));
    let answers = futures_util::future::join_all(posts).await;
    let drawn: Vec<_> = answers
        .iter()
        .map(|answer| answer.clone().must(StatusCode::OK).entry("m-2").to_owned())
        .collect();
    assert!(
        drawn.iter().all(|entry| entry == &drawn[0]),
        "every repeat gets the answer of the first"
    );
    assert_eq!(vera.page().await.all("id=\"m-").len(), 2);
}

#[tokio::test]
async fn a_used_nonce_with_other_words_is_refused_and_the_words_come_back() {
    let site = installation().await;
    let vera = site.vera().await;
    vera.say_as("n1", "first").await.must(StatusCode::OK);
    vera.say_as("n1", "second").await.must(StatusCode::CONFLICT);
    let answer =
        vera.person.post(&vera.path("/messages"), &[("nonce", "n1"), ("body", "second")]).await;
    let answer = answer.must(StatusCode::CONFLICT);
    answer.says("\nsecond</textarea>");
    assert_ne!(answer.field("nonce"), "n1", "sent again it is another message");
}

#[tokio::test]
async fn what_cannot_be_sent_says_why_and_comes_back_in_the_form() {
    let site = installation().await;
    let vera = site.vera().await;
    let long = "好".repeat(5_001);
    let cases = [
        ("", "Please write something"),
        (" \r\n ", "Please write something"),
        (long.as_str(), "over 5,000 characters"),
        ("a\u{0}b", "control characters"),
        ("a\u{1b}[2Jb", "control characters"),
    ];
    for (body, words) in cases {
        let fields = [("nonce", "n"), ("body", body)];
        let plain = vera.person.post(&vera.path("/messages"), &fields).await;
        plain
            .must(StatusCode::UNPROCESSABLE_ENTITY)
            .says(words)
            .says(&format!("\n{body}</textarea>"));
        let htmx = vera
            .person
            .hx_post(&vera.path("/messages"), &fields)
            .await
            .must(StatusCode::UNPROCESSABLE_ENTITY);
        htmx.says(words).says("hx-target=\"#problem\"");
        let number = htmx.header("x-request-id").to_owned();
        htmx.says(&format!("If you ask for help, mention the code {number}."));
    }
    let stranger = site.stranger();
    let page = stranger.get("/w/demo").await;
    let (visitor, nonce) = (page.field("visitor"), page.field("nonce"));
    let fields =
        [("visitor", visitor.as_str()), ("nonce", nonce.as_str()), ("body", long.as_str())];
    let answer =
        stranger.post("/w/demo/start", &fields).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    answer.says("over 5,000 characters").says(&long);
    assert_eq!(answer.field("nonce"), nonce);
    assert!(stranger.cookies().is_empty());
    assert_eq!(vera.page().await.all("id=\"m-").len(), 1, "nothing was stored");
}

#[tokio::test]
async fn a_few_emoji_alone_are_shown_large_to_both_sides_and_stay_in_their_box_in_notes() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    vera.say("👍🏽 🎉").await.must(StatusCode::OK).says("class=\"m me g big\"");
    for words in ["123", "👍👍👍👍", "👍 thanks"] {
        vera.say(words).await.must(StatusCode::OK).says_not("big\"");
    }
    ana.reply(1, "👨‍👩‍👧‍👦").await.must(StatusCode::OK).says("class=\"m me big\"");
    ana.write(1, "note", "👍").await.must(StatusCode::OK).says_not("big\"");
    for page in [vera.page().await, ana.person.get("/desk/c/1").await] {
        assert_eq!(page.body.matches(" big\" id=\"m-").count(), 2, "{}", page.body);
    }
}

#[tokio::test]
async fn bytes_that_are_no_text_are_refused_not_replaced() {
    let site = installation().await;
    let vera = site.vera().await;
    let own_page = [("sec-fetch-site", "same-origin"), ("accept", "application/json")];
    let answer = vera
        .person
        .ask(Method::POST, &vera.path("/messages"), &own_page, "nonce=n&body=%ff%fe")
        .await;
    let answer = answer.must(StatusCode::UNPROCESSABLE_ENTITY);
    let error: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(
        (&error["error"]["code"], &error["error"]["field"]),
        (&"invalid".into(), &"body".into())
    );
    assert_eq!(error["error"]["request_id"], answer.header("x-request-id"));
}

#[tokio::test]
async fn walt_finds_nothing_of_veras() {
    let site = installation().await;
    let (vera, walt) = (site.vera().await, site.walt().await);
    let nobody = site.stranger();
    for rest in ["", "/messages?after=0", "/events?after=0", "/compose", "/live"] {
        if !rest.starts_with("/events") && !rest.starts_with("/live") {
            vera.person.get(&vera.path(rest)).await.must(StatusCode::OK);
        }
        let foreign = walt.person.get(&vera.path(rest)).await.must(StatusCode::NOT_FOUND);
        let absent = walt
            .person
            .get(&format!("/c/{}{rest}", "A".repeat(22)))
            .await
            .must(StatusCode::NOT_FOUND);
        assert_eq!(
            without_id(&foreign.body, &foreign),
            without_id(&absent.body, &absent),
            "foreign is as absent"
        );
        nobody.get(&vera.path(rest)).await.must(StatusCode::NOT_FOUND);
    }
    for (rest, fields) in
        [("/messages", vec![("nonce", "n"), ("body", "x")]), ("/read", vec![("seq", "1")])]
    {
        walt.person.post(&vera.path(rest), &fields).await.must(StatusCode::NOT_FOUND);
        nobody.post(&vera.path(rest), &fields).await.must(StatusCode::NOT_FOUND);
    }
    for garbage in ["x", "..%2f..%2fetc", "%00", "' OR 1=1 --", &"A".repeat(5_000)] {
        let path: String = url::form_urlencoded::byte_serialize(garbage.as_bytes()).collect();
        walt.person.get(&format!("/c/{path}")).await.must(StatusCode::NOT_FOUND);
    }
    assert_eq!(vera.page().await.all("id=\"m-").len(), 1);
}

fn without_id(body: &str, answer: &crate::support::Answer) -> String {
    body.replace(answer.header("x-request-id"), "")
}

#[tokio::test]
async fn an_unknown_site_is_not_found_and_a_forged_token_starts_nothing() {
    let site = installation().await;
    let stranger = site.stranger();
    for key in ["nowhere", "DEMO", "demo%20", "%27", &"a".repeat(33)] {
        stranger.get(&format!("/w/{key}")).await.must(StatusCode::NOT_FOUND);
    }
    for token in ["", "kfv_x.y", "kfv_AAAAAAAAAAAAAAAAAAAAAA.AAAAAAAAAAAAAAAAAAAAAA"] {
        let fields = [("visitor", token), ("nonce", "n"), ("body", "hello")];
        let answer =
            stranger.post("/w/demo/start", &fields).await.must(StatusCode::UNPROCESSABLE_ENTITY);
        answer.says("hello</textarea>");
    }
    assert!(stranger.cookies().is_empty());
}

#[tokio::test]
async fn without_scripts_the_document_grows_and_the_composer_comes_back_to_itself() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    let mut document = vera.person.listen(&vera.path("/live")).await;
    assert!(
        document
            .headers
            .get("content-security-policy")
            .unwrap()
            .to_str()
            .unwrap()
            .contains("script-src 'none'")
    );
    document.document_until("Is this thing on?").await;

    let compose = vera.person.get(&vera.path("/compose")).await.must(StatusCode::OK);
    let nonce = compose.field("nonce");
    let fields = [
        ("nonce", nonce.as_str()),
        ("back", "compose"),
        ("body", "Hello without scripts"),
        ("seen_seq", "1"),
    ];
    assert_eq!(
        vera.person.post(&vera.path("/messages"), &fields).await.goes_to(),
        vera.path("/compose")
    );
    document.document_until("Hello without scripts").await;
    ana.reply(id, "An answer without scripts").await;
    let whole = document.document_until("An answer without scripts").await;
    assert_eq!(whole.matches("Hello without scripts").count(), 1);

    let refused = [("nonce", "x y"), ("back", "compose"), ("body", "kept")];
    let refused = vera
        .person
        .post(&vera.path("/messages"), &refused)
        .await
        .must(StatusCode::UNPROCESSABLE_ENTITY);
    refused.says("kept</textarea>").says("value=\"compose\"");
}

#[tokio::test]
async fn older_entries_are_a_page_away_and_a_fragment_for_scripts() {
    let site = installation().await;
    let vera = site.vera().await;
    for n in 2..=120 {
        vera.say(&format!("message {n}.")).await;
    }
    let page = vera.page().await;
    page.says("message 120.").says("message 71.").says_not("message 70.");
    let older = vera.person.get(&vera.path("?before=71")).await.must(StatusCode::OK);
    older.says("message 70.").says("message 21.").says_not("message 20.").says_not("message 71.");
    vera.person
        .get(&vera.path("/messages?before=21"))
        .await
        .says("message 20.")
        .says("Is this thing on?");
    vera.person.get(&vera.path("/messages?after=120")).await.must(StatusCode::NO_CONTENT);
    vera.person.get(&vera.path("/messages?after=x")).await.must(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn an_agent_who_reads_leaves_a_mark_that_moves() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    let mut stream = vera.listen("1").await;
    stream.named("synced").await;
    ana.person
        .post(&format!("/desk/c/{id}/seen"), &[("seq", "1")])
        .await
        .must(StatusCode::NO_CONTENT);
    let mark = stream.until(|event| event.data.contains("id=\"read\"")).await;
    assert!(mark.id.is_empty() && mark.data.contains("data-seq=\"1\""), "{mark:?}");
    vera.page().await.says("<li class=\"read\" id=\"read\" data-seq=\"1\">");

    vera.say("more").await;
    ana.person
        .post(&format!("/desk/c/{id}/seen"), &[("seq", "999")])
        .await
        .must(StatusCode::NO_CONTENT);
    let mark = stream.until(|event| event.data.contains("id=\"read\"")).await;
    assert!(mark.data.contains("data-seq=\"2\""), "not further than there is to read: {mark:?}");
    ana.person
        .post(&format!("/desk/c/{id}/seen"), &[("seq", "1")])
        .await
        .must(StatusCode::NO_CONTENT);
    vera.page().await.says("id=\"read\" data-seq=\"2\"");
}

#[tokio::test]
async fn whoever_floods_is_told_how_long_to_wait_and_keeps_the_text() {
    let site = limited_installation().await;
    let (vera, walt) = (site.vera().await, site.walt().await);
    for n in 0..20 {
        vera.say(&format!("{n}")).await.must(StatusCode::OK);
    }
    let answer = vera
        .person
        .post(&vera.path("/messages"), &[("nonce", "n"), ("body", "one too many")])
        .await;
    answer.must(StatusCode::TOO_MANY_REQUESTS).says("one too many</textarea>").says("Too fast");
    let answer = vera.say("one too many").await.must(StatusCode::TOO_MANY_REQUESTS);
    assert!(answer.header("retry-after").parse::<u64>().unwrap() >= 1);
    let mut reads = 0;
    let path = vera.path("/read");
    while vera.person.post(&path, &[("seq", "1")]).await.status == StatusCode::NO_CONTENT {
        reads += 1;
        assert!(reads < 2_000, "nobody counts");
    }
    assert_eq!(reads, 240);
    let end = vera.person.post(&vera.path("/end"), &[("nonce", "end")]).await;
    end.must(StatusCode::TOO_MANY_REQUESTS);
    walt.say("I am not slowed").await.must(StatusCode::OK);
}

#[tokio::test]
async fn an_eleventh_stream_of_one_visitor_is_refused_and_a_closed_one_makes_room() {
    let site = installation().await;
    let (vera, walt) = (site.vera().await, site.walt().await);
    let mut open = Vec::new();
    for _ in 0..10 {
        open.push(vera.listen("1").await);
    }
    vera.person.get(&vera.path("/events?after=1")).await.must(StatusCode::TOO_MANY_REQUESTS);
    walt.listen("1").await;
    open.pop();
    vera.listen("1").await;
}

#[tokio::test]
async fn a_database_that_is_away_keeps_the_text_and_says_try_again() {
    let site = installation().await;
    let vera = site.vera().await;
    vera.say("before").await.must(StatusCode::OK);
    site.app.db.write().direct.close_by_ref().await.unwrap();
    site.app.db.read().direct.close_by_ref().await.unwrap();
    let answer =
        vera.person.post(&vera.path("/messages"), &[("nonce", "n"), ("body", "not lost")]).await;
    let answer = answer.must(StatusCode::SERVICE_UNAVAILABLE);
    answer.says("not lost</textarea>").says("value=\"n\"");
    assert_eq!(answer.header("retry-after"), "2");
    vera.say("not lost").await.must(StatusCode::SERVICE_UNAVAILABLE);
    site.stranger()
        .get("/readyz")
        .await
        .must(StatusCode::SERVICE_UNAVAILABLE)
        .says("\"database\":false");
    site.stranger().get("/healthz").await.must(StatusCode::OK);
}

#[tokio::test]
async fn a_visitor_who_comes_back_after_half_a_year_is_a_stranger() {
    let site = installation().await;
    let vera = site.vera().await;
    site.app.clock.turn(SignedDuration::from_hours(179 * 24));
    vera.say("just in time").await.must(StatusCode::OK);
    site.app.clock.turn(SignedDuration::from_hours(179 * 24));
    vera.page().await.says("just in time");
    site.app.clock.turn(SignedDuration::from_hours(181 * 24));
    vera.person.get(&vera.path("")).await.must(StatusCode::NOT_FOUND);
    vera.say("too late").await.must(StatusCode::NOT_FOUND);
    vera.person.get("/w/demo").await.must(StatusCode::OK);
}

#[tokio::test]
async fn both_languages_are_whole() {
    let site = installation().await;
    let stranger: Person = site.stranger();
    let chinese = stranger.get("/w/demo?lang=zh-CN").await;
    chinese.says("<html lang=\"zh-CN\">").says("您好");
    let english = stranger.get("/w/demo?lang=en").await;
    english.says("<html lang=\"en\">").says("Hello, how can we help?");
    let vera = site.vera().await;
    vera.person.get(&vera.path("?lang=zh-CN")).await.says("输入消息");
    vera.page().await.says("输入消息");
}
