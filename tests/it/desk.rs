//! Agents at the desk: lists, claims, answers, notes, and two agents at once.
use crate::support::{Agent, Event, installation};
use jiff::SignedDuration;
use kefu::{agent::Role, db, ids::Nonce, seed};
use poem::http::{Method, StatusCode};

#[tokio::test]
async fn a_conversation_is_taken_answered_closed_and_reopened() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    ana.act(id, "claim").await.must(StatusCode::OK).says("ana joined the conversation");
    assert_eq!(ana.newest("mine").await, id);
    ana.reply(id, "Good day").await.must(StatusCode::OK);
    ana.act(id, "close").await.must(StatusCode::OK).says("Reopen");
    assert_eq!(ana.newest("closed").await, id);
    ana.reply(id, "too late").await.must(StatusCode::CONFLICT).says("Reopen it to reply");
    ana.act(id, "close").await.must(StatusCode::CONFLICT);
    ana.act(id, "reopen").await.must(StatusCode::OK);
    ana.act(id, "close").await.must(StatusCode::OK);

    vera.page().await.says("ana closed the conversation");
    let desk = ana.listen("mine").await;
    vera.say("One more thing").await.must(StatusCode::OK);
    drop(desk);
    assert_eq!(ana.newest("mine").await, id, "a visitor who writes again is with the same agent");
}

#[tokio::test]
async fn the_lists_say_how_long_somebody_waits_before_any_script_does() {
    let site = installation().await;
    let (ana, vera) = (site.ana().await, site.vera().await);
    let list = async || ana.person.get("/desk/c?tab=queue").await;
    list().await.says("<span class=\"wait\" data-since=\"").says(">waiting 0:");
    site.app.clock.turn(SignedDuration::from_secs(61));
    list().await.says("<span class=\"wait soon\" data-since=\"").says(">waiting 1:");
    ana.person.get("/desk/c?tab=queue&select=1").await.says("wait soon").says(">waiting 1:");
    site.app.clock.turn(SignedDuration::from_secs(120));
    list().await.says("<span class=\"wait late\" data-since=\"").says(">waiting 3:");
    // Whoever writes again waits as long as ever.
    let mut desk = ana.listen("queue").await;
    desk.named("synced").await;
    vera.say("Hello?").await.must(StatusCode::OK);
    let row = desk.until(|event| event.data.contains("id=\"c-1\"")).await.data;
    assert!(row.contains("wait late") && row.contains(">waiting 3:"), "{row}");
    ana.reply(1, "Good day").await.must(StatusCode::OK);
    ana.person.get("/desk/c?tab=mine").await.says("id=\"c-1\"").says_not("data-since");
}

#[tokio::test]
async fn every_act_works_as_a_plain_form() {
    let site = installation().await;
    let (_vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    let post = |verb: &'static str, fields: Vec<(&'static str, &'static str)>| {
        let person = ana.person.clone();
        async move { person.post(&format!("/desk/c/{id}/{verb}?tab=all"), &fields).await.goes_to() }
    };
    let back = format!("/desk/c/{id}?tab=all");
    assert_eq!(post("claim", vec![("nonce", "a")]).await, back);
    assert_eq!(
        post("messages", vec![("nonce", "b"), ("body", "hi"), ("kind", "text"), ("seen_seq", "2")])
            .await,
        back
    );
    assert_eq!(
        post("messages", vec![("nonce", "c"), ("body", "hm"), ("kind", "note")]).await,
        back
    );
    assert_eq!(post("close", vec![("nonce", "d")]).await, back);
    assert_eq!(post("reopen", vec![("nonce", "e")]).await, back);
    let page = ana.person.get(&back).await;
    page.says("hi").says("Private note").says("data-seq=\"6\"");
}

#[tokio::test]
async fn of_twenty_who_claim_at_once_one_wins_and_the_others_learn_who() {
    let site = installation().await;
    let _vera = site.vera().await;
    let ana = site.ana().await;
    let id = ana.newest("queue").await;
    let mut agents = vec![ana];
    for n in 0..4 {
        agents.push(site.agent(&format!("agent{n}"), Role::Agent).await);
    }
    let claims = (0..20).map(|n| agents[n % agents.len()].act(id, "claim"));
    let answers = futures_util::future::join_all(claims).await;
    let won = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    assert_eq!(won, 1);
    for answer in answers.iter().filter(|answer| answer.status != StatusCode::OK) {
        answer.clone().must(StatusCode::CONFLICT).says("Taken by ");
    }
}

#[tokio::test]
async fn a_note_is_for_agents_only() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    let mut stream = vera.listen("1").await;
    stream.named("synced").await;
    ana.write(id, "note", "she called before").await.must(StatusCode::OK).says("she called before");
    ana.reply(id, "visible").await.must(StatusCode::OK);
    let next = stream.entry().await;
    assert!(next.data.contains("visible") && next.id.ends_with(":3"), "{next:?}");
    for path in ["", "/messages?after=0", "/messages?before=9"] {
        vera.person.get(&vera.path(path)).await.says_not("she called before");
    }
    ana.person.get(&format!("/desk/c/{id}")).await.says("she called before");
}

#[tokio::test]
async fn an_answer_given_meanwhile_stops_the_second_one_until_its_writer_has_seen_it() {
    let site = installation().await;
    let (_vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    let id = ana.newest("queue").await;
    ana.reply(id, "I have it").await.must(StatusCode::OK);
    let path = format!("/desk/c/{id}/messages");
    let unaware = [("nonce", "n"), ("body", "me too"), ("kind", "text"), ("seen_seq", "1")];
    let clash = ben.person.hx_post(&path, &unaware).await.must(StatusCode::CONFLICT);
    clash.says("ana just replied").says("name=\"anyway\"").says("data-discard");
    clash.says(&format!("id=\"m-{id}-2\"")).says("<b>ana</b> I have it</li>");
    // As a plain form a page shows it all, and the conversation has the answer as a draft.
    let place = format!("/desk/c/{id}?tab=mine");
    let plain = ben.person.post(&path, &unaware).await.must(StatusCode::CONFLICT);
    plain.says("ana just replied").says("I have it").says("me too</textarea>");
    plain.says(&format!("href=\"{place}\""));
    assert_eq!((plain.field("seen_seq"), plain.field("nonce")), ("2".into(), "n".into()));
    ben.person.get(&place).await.says("me too</textarea>");
    let given_up = [&unaware[..], &[("discard", "1")]].concat();
    assert_eq!(ben.person.post(&path, &given_up).await.goes_to(), place);
    ben.person.get(&place).await.says_not("me too");

    let anyway = [&unaware[..], &[("anyway", "1")]].concat();
    ben.person.hx_post(&path, &anyway).await.must(StatusCode::OK);
    assert_eq!(ben.newest("all").await, id);
    ana.person.get(&format!("/desk/c/{id}")).await.says("me too");
}

/// Whatever stands in the answer and in what is new stands there as it was written.
#[tokio::test]
async fn what_is_hostile_in_answers_that_meet_is_shown_and_does_nothing() {
    let site = installation().await;
    let (_vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    let id = ana.newest("queue").await;
    ana.reply(id, "</textarea><img src=x onerror=a()>").await.must(StatusCode::OK);
    let path = format!("/desk/c/{id}/messages");
    let unaware = [("nonce", "n"), ("body", "</textarea><b>me"), ("seen_seq", "1"), ("quote", "1")];
    let clash = ben.person.hx_post(&path, &unaware).await.must(StatusCode::CONFLICT);
    clash.says("&#60;img").says_not("<img");
    let plain = ben.person.post(&path, &unaware).await.must(StatusCode::CONFLICT);
    plain.says("&#60;img").says_not("<img").says_not("<b>me").says("&#38;quote=1\"");
}

#[tokio::test]
async fn what_is_new_to_an_agent_is_marked_until_she_has_read_it() {
    let site = installation().await;
    let (vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    let id = ana.newest("queue").await;
    let place = format!("/desk/c/{id}");
    let reads = async |agent: &Agent, seq: &str| {
        let seen = format!("{place}/seen");
        agent.person.post(&seen, &[("seq", seq)]).await.must(StatusCode::NO_CONTENT);
    };
    // Nobody has read anything yet.
    let line = |first: i64| format!("<li class=\"unread\" data-seq=\"{first}\">");
    ana.person.get(&place).await.says(&(line(1) + "1 new message</li>"));
    ana.act(id, "claim").await.must(StatusCode::OK);
    reads(&ana, "2").await;
    for words in ["one", "two"] {
        vera.say(words).await.must(StatusCode::OK);
    }
    let open = ana.person.get(&place).await;
    open.says(&(line(3) + "2 new messages</li>"));
    let above = open.body.find("class=\"unread\"").unwrap();
    assert!(open.body.find(&format!("id=\"m-{id}-2\"")).unwrap() < above);
    assert!(above < open.body.find(&format!("id=\"m-{id}-3\"")).unwrap());
    // Who was never there finds what nobody has read, as a part of a page too.
    let headers = [("hx-request", "true"), ("hx-request-type", "partial")];
    ben.person.ask(Method::GET, &place, &headers, "").await.says(&line(3));
    reads(&ana, "4").await;
    ana.person.get(&place).await.says_not("class=\"unread\"");
    ben.person.get(&place).await.says_not("class=\"unread\"");
    // What was marked as unread is new once more, to whoever has it.
    ana.act(id, "unread").await.must(StatusCode::OK);
    ana.person.get(&place).await.says(&line(1));
    ben.person.get(&place).await.says_not("class=\"unread\"");
    reads(&ana, "4").await;

    // More than a page shows of it: all that stands there is new, and the line knows where it begins.
    for n in 5..=60 {
        vera.say(&format!("message {n}.")).await.must(StatusCode::OK);
    }
    let open = ana.person.get(&place).await;
    open.says(&(line(5) + "56 new messages</li>")).says_not("message 10.");
    assert!(open.body.find("class=\"unread\"").unwrap() < open.body.find("message 11.").unwrap());
    ana.person.get(&format!("{place}?before=5")).await.says_not("class=\"unread\"");
}

#[tokio::test]
async fn an_agent_is_told_which_colleagues_type_beside_the_visitor_and_not_that_she_does() {
    let site = installation().await;
    let (vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    let id = ana.newest("queue").await;
    let (mut anas, mut bens) = (ana.listen("all").await, ben.listen("all").await);
    anas.named("synced").await;
    bens.named("synced").await;
    let of_typing = format!("#typing-{id}");
    let typing = |event: &Event| event.data.contains(&of_typing);
    let types = format!("/desk/c/{id}/typing");
    ben.person.post(&types, &[]).await.must(StatusCode::NO_CONTENT);
    let told = anas.until(typing).await.data;
    assert!(told.contains("ben is typing"), "{told}");
    vera.person.post(&vera.path("/typing"), &[]).await.must(StatusCode::NO_CONTENT);
    let told = anas.until(typing).await.data;
    assert!(told.contains("ben is typing") && told.contains("Visitor is typing"), "{told}");
    let told = bens.until(typing).await.data;
    assert!(told.contains("Visitor is typing") && !told.contains("ben is typing"), "{told}");
    ben.reply(id, "Good day").await.must(StatusCode::OK);
    let told = anas.until(typing).await.data;
    assert!(told.contains("Visitor is typing") && !told.contains("ben is typing"), "{told}");
    // Forgotten after a while.
    let told = anas.until(typing).await.data;
    assert!(!told.contains("is typing"), "{told}");
}

#[tokio::test]
async fn colleagues_see_who_has_a_conversation_open_and_visitors_do_not() {
    let site = installation().await;
    let (vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    let id = ana.newest("queue").await;
    let walt = site.walt().await;
    let other = ana.newest("queue").await;
    let mut page = vera.listen("0").await;
    page.named("synced").await;
    let open = |who: &str| format!("/desk/events?tab=all&page={who}&open={id}");
    let views = |id: i64| move |event: &Event| event.data.contains(&format!("#viewing-{id}\""));
    let mut anas = ana.person.listen(&open("anas")).await;
    anas.named("synced").await;

    // By a stream that begins, and whoever comes later is told at once.
    let mut bens = ben.person.listen(&open("bens")).await;
    let told = bens.until(views(id)).await.data;
    assert!(told.contains("ana is looking too") && !told.contains("ben"), "{told}");
    bens.named("synced").await;
    let told = anas.until(views(id)).await.data;
    assert!(told.contains("ben is looking too"), "{told}");
    assert!(told.contains("Open at the desk of ben") && !told.contains("ana"), "{told}");
    // On pages, which need no script.
    let pane = ana.person.get(&format!("/desk/c/{id}?tab=all")).await;
    pane.says("ben is looking too").says("Open at the desk of ben").says_not("ana is looking");
    ana.person.get(&format!("/desk/c/{other}?tab=all")).await.says_not("is looking too");
    // In a row that is drawn anew for everybody.
    vera.say("Hello?").await.must(StatusCode::OK);
    let of_row = |event: &Event| event.data.contains("Hello?");
    let (for_ana, for_ben) = (anas.until(of_row).await.data, bens.until(of_row).await.data);
    assert!(for_ana.contains("desk of ben") && !for_ana.contains("desk of ana"), "{for_ana}");
    assert!(for_ben.contains("desk of ana") && !for_ben.contains("desk of ben"), "{for_ben}");

    // By a request of the page for another one, which says what page it is; one of somebody else's page changes nothing.
    let turns = async |who: &Agent, page: &str, path: &str| {
        let headers = [("hx-request", "true"), ("hx-request-type", "partial"), ("kefu-page", page)];
        who.person.ask(Method::GET, path, &headers, "").await.must(StatusCode::OK);
    };
    turns(&ana, "bens", &format!("/desk/c/{other}?tab=all")).await;
    turns(&ben, &"x".repeat(65), &format!("/desk/c/{other}?tab=all")).await;
    turns(&ben, "<bens>", &format!("/desk/c/{other}?tab=all")).await;
    turns(&ben, "bens", &format!("/desk/c/{other}?tab=all")).await;
    let told = anas.until_beside(&mut bens, views(id)).await.data;
    assert!(!told.contains("ben"), "he left the first before he came to the other: {told}");
    let told = anas.until_beside(&mut bens, views(other)).await.data;
    assert!(told.contains("ben is looking too"), "{told}");
    // What is marked as unread is left.
    ben.act(other, "claim").await.must(StatusCode::OK);
    let headers =
        [("hx-request", "true"), ("sec-fetch-site", "same-origin"), ("kefu-page", "bens")];
    let unread = format!("/desk/c/{other}/unread");
    ben.person.ask(Method::POST, &unread, &headers, "by=hand").await.must(StatusCode::OK);
    let told = anas.until_beside(&mut bens, views(other)).await.data;
    assert!(!told.contains("is looking"), "{told}");

    // The visitor's line carried nothing of it.
    ana.reply(id, "Yes, it is on").await.must(StatusCode::OK);
    loop {
        let event = page.next().await.unwrap();
        assert!(!event.data.contains("looking") && !event.data.contains("viewing"), "{event:?}");
        if event.data.contains("Yes, it is on") {
            break;
        }
    }
    drop(walt);
}

#[tokio::test]
async fn who_is_cut_off_counts_as_looking_for_some_seconds_and_who_comes_back_is_told_how_it_is() {
    let site = installation().await;
    let (_vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    let id = ana.newest("queue").await;
    let path = format!("/desk/events?tab=all&page=anas&open={id}");
    let bens = format!("/desk/events?tab=all&page=bens&open={id}");
    let of = |event: &Event| event.data.contains(&format!("#viewing-{id}\""));
    let mut held = ben.person.listen(&bens).await;
    held.named("synced").await;
    let mut anas = ana.person.listen(&path).await;
    assert!(anas.until(of).await.data.contains("ben is looking too"));
    drop(held);
    ana.person.get(&format!("/desk/c/{id}")).await.says("ben is looking too");
    let told = anas.until(of).await.data;
    assert!(!told.contains("is looking"), "{told}");
    // Whatever the page shows of him is taken away when it comes back.
    let mut again = ana.person.listen(&path).await;
    let told = again.until(of).await.data;
    let nobody = format!("hx-target=\"#viewers-{id}\" hx-swap=\"innerHTML\"></hx-partial>");
    assert!(told.contains(&nobody) && !told.contains("is looking"), "{told}");
    // An address can name what does not exist, and garbage.
    for open in ["999999", "x", "-1", ""] {
        let path = format!("/desk/events?tab=all&page=bens&open={open}");
        ben.person.listen(&path).await.named("synced").await;
    }
    ana.person.get(&format!("/desk/c/{id}")).await.says_not("is looking");
}

#[tokio::test]
async fn a_row_says_whether_its_visitor_is_here() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    let _walt = site.walt().await;
    let other = ana.newest("queue").await;
    let mut desk = ana.person.listen("/desk/events?tab=all&page=anas").await;
    desk.named("synced").await;
    let place = |id| format!("id=\"at-{id}\">");
    let is_here = |id| place(id) + "<i></i><span class=\"sr\">Online</span>";
    let nobody = |id| place(id) + "</span>";
    ana.person.get("/desk/c?tab=all").await.says(&nobody(id)).says(&nobody(other));
    let mut page = vera.listen("0").await;
    page.named("synced").await;
    let of = |event: &Event| event.data.contains(&format!("\"#at-{id}\""));
    let told = desk.until(of).await.data;
    assert!(told.contains("<i></i><span class=\"sr\">Online</span></hx-partial>"), "{told}");
    ana.person.get("/desk/c?tab=all").await.says(&is_here(id)).says(&nobody(other));
    vera.say("Still there").await.must(StatusCode::OK);
    let told = desk.until(|event| event.data.contains("Still there")).await.data;
    assert!(told.contains(&is_here(id)), "a row drawn anew says it: {told}");
    // A page that was away is told of every row, in as many words as there are states.
    let mut again = ana.person.listen("/desk/events?tab=all&page=anas").await;
    let told = again.until(of).await.data;
    let away = format!("\"#at-{other}\" hx-swap=\"innerHTML\"></hx-partial>");
    assert!(told.contains(&away), "{told}");
    drop(page);
    let told = desk.until(of).await.data;
    assert!(!told.contains("Online"), "{told}");
}

#[tokio::test]
async fn under_a_note_stands_who_of_those_it_calls_has_read_it() {
    let site = installation().await;
    let (vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    let cid = site.agent("cid", Role::Agent).await;
    let id = ana.newest("queue").await;
    ana.write(id, "note", "@ben what do you think?").await.must(StatusCode::OK);
    let place = format!("/desk/c/{id}?tab=all");
    let reads = async |who: &Agent, seq: &str| {
        let path = format!("/desk/c/{id}/seen");
        who.person.post(&path, &[("seq", seq)]).await.must(StatusCode::NO_CONTENT);
    };
    reads(&ben, "1").await;
    reads(&cid, "2").await;
    reads(&ana, "2").await;
    ana.person.get(&place).await.says_not("Read by");
    let mut desk = ana.listen("all").await;
    desk.named("synced").await;
    reads(&ben, "2").await;
    // Whoever has it open is told that there is something to fetch, as of everything else.
    let hint = format!("{{\"conversation\":{id},\"seq\":null}}");
    desk.until(|event| event.name == "hint" && event.data == hint).await;
    let mark = format!("id=\"seen-{id}\" data-seq=\"2\" hx-ignore>Read by ben</li>");
    ana.person.get(&format!("/desk/c/{id}/messages?after=2")).await.says(&mark);
    ana.person.get(&place).await.says(&mark);
    vera.page().await.says_not("Read by");
    // Whom a change calls has not read that with what stood there before.
    let change = [("nonce", "e"), ("body", "@ben @cid what do you think?")];
    ana.person.hx_post(&format!("/desk/c/{id}/m/2/edit"), &change).await.must(StatusCode::OK);
    ana.person.get(&place).await.says(&mark);
    reads(&cid, "2").await;
    ana.person.get(&place).await.says(&mark);
    reads(&cid, "3").await;
    ana.person.get(&place).await.says("data-seq=\"2\" hx-ignore>Read by ben · cid</li>");
    // A newer one is another question.
    cid.write(id, "note", "@ana @ben decided").await.must(StatusCode::OK);
    ana.person.get(&place).await.says_not("Read by");
    let fetched = ana.person.get(&format!("/desk/c/{id}/messages?after=3")).await;
    fetched.says(&format!("\"#seen-{id}\" hx-swap=\"delete\"")).says_not("Read by");
    reads(&ben, "4").await;
    reads(&ana, "4").await;
    ben.person.get(&place).await.says("data-seq=\"4\" hx-ignore>Read by ana · ben</li>");
}

#[tokio::test]
async fn a_pane_is_told_how_far_it_reaches_although_an_edit_stands_nowhere() {
    let site = installation().await;
    let (_vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    ana.reply(id, "Good dya").await.must(StatusCode::OK);
    let edit = [("nonce", "e"), ("body", "Good day")];
    ana.person.hx_post(&format!("/desk/c/{id}/m/2/edit"), &edit).await.must(StatusCode::OK);
    let news = ana.person.get(&format!("/desk/c/{id}/messages?after=2")).await;
    assert_eq!(news.header("kefu-held"), "3");
    news.says_not(&format!("m-{id}-3"));
    ana.person.get(&format!("/desk/c/{id}")).await.says(" data-held=\"3\"");
}

#[tokio::test]
async fn whoever_waits_longest_stands_first_and_counters_follow() {
    let site = installation().await;
    let ana = site.ana().await;
    let first = site.visitor("I was first").await;
    let second = site.visitor("I was second").await;
    let mut desk = ana.listen("queue").await;
    desk.named("synced").await;
    first.say("still here").await;
    let queue = ana.person.get("/desk/c?tab=queue").await;
    queue.says("<b id=\"n-queue\">2</b>");
    let (a, b) = (queue.body.find("still here").unwrap(), queue.body.find("I was second").unwrap());
    assert!(a < b, "the longest wait first");
    queue.says("<span class=\"badge\">2");

    let id = ana.newest("queue").await;
    ana.act(id, "claim").await;
    let gone =
        desk.until(|event| event.data.contains(&format!("#c-{id}\" hx-swap=\"delete\""))).await;
    assert!(
        !gone.data.contains("hx-upsert"),
        "a row that left the list is only removed: {}",
        gone.data
    );
    desk.until(|event| event.data.contains("#n-queue\" hx-swap=\"innerHTML\">1<")).await;
    second.say("?").await;
    ana.person
        .get("/desk/c?tab=mine")
        .await
        .says("<b id=\"n-mine\">1</b>")
        .says("id=\"nav-unread\">2<");
    ana.person
        .post(&format!("/desk/c/{id}/seen"), &[("seq", "2")])
        .await
        .must(StatusCode::NO_CONTENT);
    ana.person.get("/desk/c?tab=mine").await.says("id=\"nav-unread\">1<");
}

#[tokio::test]
async fn an_agent_who_was_away_is_sent_every_row_that_changed() {
    let site = installation().await;
    let ana = site.ana().await;
    let vera = site.vera().await;
    let page = ana.person.get("/desk/c?tab=all").await;
    let after = page.all("after=")[0].clone();
    vera.say("while you were away").await;
    let mut desk = ana.person.listen(&format!("/desk/events?tab=all&after={after}")).await;
    let missed = desk.all_until("synced").await;
    assert!(missed.iter().any(|event| event.data.contains("while you were away")), "{missed:?}");
    assert!(missed.iter().any(|event| event.name == "hint"));
}

#[tokio::test]
async fn a_page_loaded_while_hundreds_of_conversations_are_busy_is_not_loaded_again() {
    let site = installation().await;
    let (conversations, open) = (400, 100);
    let wanted =
        seed::Wanted { conversations, entries: 3, agents: 1, open, seed: 1, searchable: false };
    seed::sow(&site.app, &wanted, "correct horse battery staple").await.unwrap();
    let ana = site.ana().await;
    let now = site.app.db.now().await.unwrap();
    let touched = |ago| {
        let then = now - SignedDuration::from_secs(ago);
        format!("UPDATE conversation SET touched_at = {}", db::second(then))
    };
    let after = format!("{}:{}", site.app.epoch, now.as_microsecond());
    let long_ago = now - SignedDuration::from_mins(2);
    let long_after = format!("{}:{}", site.app.epoch, long_ago.as_microsecond());
    // Just before the cursor: the newest of them are sent again. Just after it: all. After one of two minutes ago: too many.
    for (ago, cursor, rows, last) in
        [(5, &after, 300, "synced"), (0, &after, 400, "synced"), (60, &long_after, 0, "reset")]
    {
        site.change(&touched(ago)).await;
        let mut desk = ana.person.listen_after("/desk/events?tab=all", Some(cursor)).await;
        let mut told = vec![desk.until(|event| !event.name.is_empty()).await];
        while !["synced", "reset"].contains(&told[told.len() - 1].name.as_str()) {
            told.push(desk.until(|event| !event.name.is_empty()).await);
        }
        assert_eq!(told.pop().unwrap().name, last);
        let hints = told.iter().filter(|event| event.name == "hint").count();
        assert_eq!(hints, rows, "touched {ago} s ago");
    }
}

#[tokio::test]
async fn a_reader_reads_and_does_nothing_else() {
    let site = installation().await;
    let _vera = site.vera().await;
    let eve = site.agent("eve", Role::ReadOnly).await;
    let id = eve.newest("queue").await;
    eve.person.get(&format!("/desk/c/{id}")).await.must(StatusCode::OK).says_not("name=\"body\"");
    eve.reply(id, "x").await.must(StatusCode::FORBIDDEN);
    eve.write(id, "note", "x").await.must(StatusCode::FORBIDDEN);
    for verb in ["claim", "close", "reopen"] {
        eve.act(id, verb).await.must(StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn what_does_not_exist_is_not_found_and_what_makes_no_sense_is_refused() {
    let site = installation().await;
    let (_vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    for other in ["0", "-1", "999999", "x", "9223372036854775808", "1%20OR%201=1"] {
        ana.person.get(&format!("/desk/c/{other}")).await.must(StatusCode::NOT_FOUND);
        let fields = [("nonce", "n"), ("body", "x")];
        ana.person
            .post(&format!("/desk/c/{other}/messages"), &fields)
            .await
            .must(StatusCode::NOT_FOUND);
    }
    ana.write(id, "event", "x").await.must(StatusCode::UNPROCESSABLE_ENTITY);
    let nonce = Nonce::new();
    ana.person
        .post(&format!("/desk/c/{id}/claim"), &[("nonce", "a b")])
        .await
        .must(StatusCode::UNPROCESSABLE_ENTITY);
    ana.person
        .post(&format!("/desk/c/{id}/claim"), &[])
        .await
        .must(StatusCode::UNPROCESSABLE_ENTITY);
    ana.person
        .post(&format!("/desk/c/{id}/delete"), &[("nonce", nonce.as_str())])
        .await
        .must(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn a_desk_that_comes_back_after_the_clock_was_put_back_loads_the_page_again() {
    let site = installation().await;
    let ana = site.ana().await;
    let now = site.app.db.now().await.unwrap();
    for (seen, told) in [(now, "synced"), (now + SignedDuration::from_hours(1), "reset")] {
        let cursor = format!("{}:{}", site.app.epoch, seen.as_microsecond());
        let mut desk = ana.person.listen_after("/desk/events?tab=all", Some(&cursor)).await;
        let first = desk.until(|event| !event.name.is_empty()).await;
        assert_eq!(first.name, told);
    }
}

#[tokio::test]
async fn an_empty_list_says_why_it_is_empty() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    // The demo shop is for those who set up, until somebody came.
    ana.person.get("/desk/c?tab=all").await.says("no conversations yet").says("href=\"/demo\"");
    ben.person.get("/desk/c?tab=all").await.says("no conversations yet").says_not("/demo");
    let filtered = ana.person.get("/desk/c?tab=all&unread=1").await;
    filtered.says("No conversation matches the filter").says_not("/demo");
    filtered.says_not("no conversations yet");
    assert!(filtered.all("href=\"").contains(&"/desk/c?tab=all".to_owned()));
    site.vera().await;
    ana.person.get("/desk/c?tab=mine").await.says("You have no conversations").says_not("/demo");
}
