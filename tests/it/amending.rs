//! Own messages are changed and taken back for two minutes; whoever follows sees it, whoever comes later sees what became of them.
use crate::support::{Agent, installation, program::value};
use kefu::{
    agent::{Role, Scope},
    ids::Nonce,
};
use poem::http::StatusCode;
use serde_json::json;

async fn amends(
    agent: &Agent,
    id: i64,
    seq: i64,
    verb: &str,
    body: &str,
) -> crate::support::Answer {
    let nonce = Nonce::new();
    let fields = [("nonce", nonce.as_str()), ("body", body)];
    agent.person.hx_post(&format!("/desk/c/{id}/m/{seq}/{verb}"), &fields).await
}

#[tokio::test]
async fn an_edit_is_seen_where_the_message_stands_live_and_later_and_the_old_text_nowhere() {
    let site = installation().await;
    let (ana, vera) = (site.ana().await, site.vera().await);
    let id = ana.newest("queue").await;
    ana.reply(id, "It costs 10 yuan").await.must(StatusCode::OK);
    let mut live = vera.listen("2").await;
    live.until(|event| event.name == "synced").await;
    amends(&ana, id, 2, "edit", "It costs 12 yuan")
        .await
        .must(StatusCode::OK)
        .says("12 yuan")
        .says("edited");

    let told = live.until(|event| event.data.contains("12 yuan")).await;
    assert!(told.data.contains("hx-target=\"#m-2\"") && told.id.ends_with(":3"), "{told:?}");
    vera.page().await.says("12 yuan").says("edited").says_not("10 yuan").says_not("id=\"m-3\"");
    // Whoever was away since the message is told of what became of it.
    let mut back = vera.listen("2").await;
    let told = back.until(|event| event.data.contains("12 yuan")).await;
    assert!(told.data.contains("hx-target=\"#m-2\""), "{told:?}");
    // And whoever comes later is shown it in its place, once.
    let mut late = vera.listen("0").await;
    let told = late.until(|event| event.data.contains("id=\"m-2\"")).await;
    assert!(told.data.contains("12 yuan"), "{told:?}");
    // What follows stands under it as if nothing had happened.
    ana.reply(id, "each").await.must(StatusCode::OK);
    let page = vera.page().await;
    assert!(page.entry("m-4").contains("class=\"m g\""), "{}", page.entry("m-4"));
    ana.person.get("/desk/c?tab=all").await.says("each").says_not("10 yuan");
}

/// A document cannot be rewritten: what was changed stands at its end, and what stood for it before is hidden.
#[tokio::test]
async fn without_scripts_a_change_is_told_at_the_end_and_hides_what_stood_before() {
    let site = installation().await;
    let (ana, vera) = (site.ana().await, site.vera().await);
    let id = ana.newest("queue").await;
    ana.reply(id, "It costs 10 <b>yuan").await.must(StatusCode::OK);
    let mut document = vera.person.listen(&vera.path("/live")).await;
    let policy = document.headers["content-security-policy"].to_str().unwrap().to_owned();
    document.document_until("10 &#60;b&#62;yuan").await;
    amends(&ana, id, 2, "edit", "It costs 12 <b>yuan").await.must(StatusCode::OK);
    let whole = document.document_until("12 &#60;b&#62;yuan").await;
    let nonce = whole.split("<style nonce=\"").nth(1).unwrap().split('"').next().unwrap();
    assert!(policy.contains(&format!("style-src 'self' 'nonce-{nonce}'")), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let (_, told) = whole.split_once("<style").unwrap();
    for words in
        ["[data-seq=\"2\"]{display:none}", "ana changed a message of", "data-seq=\"2\" data-n="]
    {
        assert!(told.contains(words), "{words}: {told}");
    }
    amends(&ana, id, 2, "recall", "").await.must(StatusCode::OK);
    let whole = document.document_until("This message was taken back").await;
    let (_, told) = whole.rsplit_once("<style").unwrap();
    assert!(told.contains("ana took back a message of") && !told.contains("yuan"), "{told}");
    // Whoever opens it later is shown what is left, once.
    let mut late = vera.person.listen(&vera.path("/live")).await;
    let whole = late.document_until("This message was taken back").await;
    assert!(!whole.contains("yuan") && !whole.contains("<style"), "{whole}");
}

#[tokio::test]
async fn what_is_taken_back_is_gone_for_everybody_also_from_lists_and_quotes() {
    let site = installation().await;
    let (ana, ben, vera) = (site.ana().await, site.ben().await, site.vera().await);
    let id = ana.newest("queue").await;
    ana.reply(id, "The code is 4711").await.must(StatusCode::OK);
    let nonce = Nonce::new();
    let quoting =
        [("kind", "note"), ("nonce", nonce.as_str()), ("body", "Was that wise?"), ("quote", "2")];
    let path = format!("/desk/c/{id}/messages");
    ben.person
        .hx_post(&path, &quoting)
        .await
        .must(StatusCode::OK)
        .says("<cite>ana</cite>The code is 4711");
    let recalled = amends(&ana, id, 2, "recall", "").await.must(StatusCode::OK);
    recalled.says("was taken back").says_not("4711");
    vera.page().await.says("was taken back").says_not("4711");
    ben.person.get(&format!("/desk/c/{id}")).await.says("Was that wise?").says_not("4711");
    let list = ben.person.get("/desk/c?tab=all").await;
    list.says_not("4711").says("Agent: This message was taken back");
    // What was said last stays, whatever else said the same.
    for words in ["ok", "ok"] {
        ana.reply(id, words).await.must(StatusCode::OK);
    }
    ana.write(id, "note", "ok").await.must(StatusCode::OK);
    for seq in [5, 7] {
        amends(&ana, id, seq, "recall", "").await.must(StatusCode::OK);
        ben.person.get("/desk/c?tab=all").await.says("Agent: ok<");
    }
    // Once is enough.
    amends(&ana, id, 2, "recall", "").await.must(StatusCode::CONFLICT);
    amends(&ana, id, 2, "edit", "x").await.must(StatusCode::CONFLICT);
}

#[tokio::test]
async fn what_a_message_said_before_is_seen_by_those_who_manage_and_by_nobody_else() {
    let site = installation().await;
    let (ana, ben, vera) = (site.ana().await, site.ben().await, site.vera().await);
    let id = ana.newest("queue").await;
    let (menu, earlier) =
        (|seq| format!("/desk/c/{id}/m/{seq}"), |seq| format!("/desk/c/{id}/m/{seq}/earlier"));
    ben.reply(id, "It costs 10 <b>yuan").await.must(StatusCode::OK);
    ana.person.get(&menu(2)).await.must(StatusCode::OK).says_not("/m/2/earlier");
    ana.person.get(&earlier(2)).await.must(StatusCode::NOT_FOUND);
    amends(&ben, id, 2, "edit", "It costs 12 yuan").await.must(StatusCode::OK);
    ben.reply(id, "each").await.must(StatusCode::OK);
    amends(&ben, id, 4, "recall", "").await.must(StatusCode::OK);
    amends(&ben, id, 2, "recall", "").await.must(StatusCode::OK);

    ana.person.get(&menu(2)).await.must(StatusCode::OK).says("/m/2/earlier");
    let page = ana.person.get(&earlier(2)).await.must(StatusCode::OK);
    page.says("Until ben changed it on").says("Until ben took it back on").says_not("each");
    let (first, then) = (
        page.body.find("It costs 10 &#60;b&#62;yuan").unwrap(),
        page.body.find("It costs 12 yuan").unwrap(),
    );
    assert!(first < then, "the oldest first");
    ana.person.get(&earlier(4)).await.must(StatusCode::OK).says("each").says_not("yuan");
    // Whom it is none of the business of: not even who wrote it.
    ben.person.get(&menu(2)).await.must(StatusCode::OK).says_not("/m/2/earlier").says_not("yuan");
    ben.person.get(&earlier(2)).await.must(StatusCode::FORBIDDEN).says_not("yuan");
    vera.person.get(&earlier(2)).await.must(StatusCode::SEE_OTHER).says_not("yuan");
    for strange in ["0", "-1", "99", "x", "9223372036854775808", "3"] {
        let path = format!("/desk/c/{id}/m/{strange}/earlier");
        ana.person.get(&path).await.must(StatusCode::NOT_FOUND);
    }
    ana.person.get("/desk/c/999/m/2/earlier").await.must(StatusCode::NOT_FOUND);

    // Programs are told the same, and no others.
    let path = |seq: &str| format!("/conversations/{id}/entries/{seq}/earlier");
    let program = site.agent_program("ana", Scope::Read).await;
    let told = value(&program.get(&path("2")).await.must(StatusCode::OK));
    let told = told["earlier"].as_array().unwrap();
    let told: Vec<_> = (told.iter())
        .map(|one| json!([one["body"], one["became"], one["by"]["name"], one["until"].is_string()]))
        .collect();
    let expected = [
        json!(["It costs 10 <b>yuan", "edited", "ben", true]),
        json!(["It costs 12 yuan", "recalled", "ben", true]),
    ];
    assert_eq!(told, expected);
    let never = value(&program.get(&path("1")).await.must(StatusCode::OK));
    assert_eq!(never["earlier"], json!([]));
    for strange in ["0", "-1", "99", "3"] {
        program.get(&path(strange)).await.must(StatusCode::NOT_FOUND);
    }
    for strange in ["x", "9223372036854775808"] {
        program.get(&path(strange)).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    program.get("/conversations/999/entries/2/earlier").await.must(StatusCode::NOT_FOUND);
    let ben = site.agent_program("ben", Scope::Write).await;
    ben.get(&path("2")).await.must(StatusCode::FORBIDDEN).says_not("yuan");
    let vera = site.holder(&vera.person.cookies()["kefu-v"]);
    vera.get(&path("2")).await.must(StatusCode::NOT_FOUND).says_not("yuan");
}

#[tokio::test]
async fn nobody_changes_what_another_said_nor_what_is_older_than_two_minutes() {
    let site = installation().await;
    let (ana, ben, vera) = (site.ana().await, site.ben().await, site.vera().await);
    let id = ana.newest("queue").await;
    ana.reply(id, "mine").await.must(StatusCode::OK);
    ana.person.get(&format!("/desk/c/{id}/m/2")).await.says("Take back");
    ben.person.get(&format!("/desk/c/{id}/m/2")).await.says_not("Take back");
    amends(&ben, id, 2, "edit", "his").await.must(StatusCode::FORBIDDEN);
    amends(&ana, id, 1, "recall", "").await.must(StatusCode::FORBIDDEN);
    amends(&ana, id, 9, "recall", "").await.must(StatusCode::NOT_FOUND);
    amends(&ana, id, 2, "edit", "").await.must(StatusCode::UNPROCESSABLE_ENTITY);
    amends(&ana, id, 2, "edit", "mine").await.must(StatusCode::CONFLICT);
    site.change("UPDATE entry SET at = at - 121000000 WHERE seq = 2").await;
    amends(&ana, id, 2, "edit", "late").await.must(StatusCode::CONFLICT).says("for two minutes");
    vera.page().await.says("mine");
    // The log has no hole where something was refused.
    ana.reply(id, "next").await.must(StatusCode::OK).says(&format!("m-{id}-3"));
}

#[tokio::test]
async fn the_same_edit_twice_is_one_and_a_repeat_of_the_first_send_still_finds_its_entry() {
    let site = installation().await;
    let (ana, _vera) = (site.ana().await, site.vera().await);
    let id = ana.newest("queue").await;
    let send = [("kind", "text"), ("nonce", "first"), ("body", "one")];
    ana.person.hx_post(&format!("/desk/c/{id}/messages"), &send).await.must(StatusCode::OK);
    let edit = [("nonce", "edit"), ("body", "two")];
    for _ in 0..2 {
        let path = format!("/desk/c/{id}/m/2/edit");
        ana.person.hx_post(&path, &edit).await.must(StatusCode::OK).says("two");
    }
    let again = ana.person.hx_post(&format!("/desk/c/{id}/messages"), &send).await;
    again.must(StatusCode::OK).says(&format!("m-{id}-2")).says("two");
    ana.reply(id, "three").await.must(StatusCode::OK).says(&format!("m-{id}-4"));
}

#[tokio::test]
async fn a_note_calls_colleagues_by_name() {
    let site = installation().await;
    let (ana, _ben, _vera) = (site.ana().await, site.ben().await, site.vera().await);
    let id = ana.newest("queue").await;
    let noted = ana.write(id, "note", "@ben please look, @nobody").await.must(StatusCode::OK);
    noted.says("<b class=\"at\">@ben</b> please look, @nobody");
    // In any case, and with the sign that a Chinese input method writes; a word that begins like a name is none.
    let noted = ana.write(id, "note", "＠BEN看一下，@benjamin").await.must(StatusCode::OK);
    noted.says("<b class=\"at\">＠BEN</b>看一下，@benjamin");
    // An address calls nobody.
    ana.write(id, "note", "x@ben.example").await.must(StatusCode::OK).says_not("class=\"at\"");
    // To visitors an at sign is an at sign.
    ana.reply(id, "ask @ben").await.must(StatusCode::OK).says("ask @ben").says_not("class=\"at\"");
}

#[tokio::test]
async fn whom_a_note_may_call_is_found_by_a_part_of_the_name_or_its_pinyin() {
    let site = installation().await;
    let (ana, _ben) = (site.ana().await, site.ben().await);
    site.employ("周航", Role::Agent).await;
    site.employ("rob", Role::ReadOnly).await;
    let found = async |query: &str| {
        let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
        let path = format!("/desk/callees?q={query}");
        ana.person.get(&path).await.must(StatusCode::OK)
    };
    // Not herself, and nobody who may not act.
    found("").await.says(">ben<").says(">周航<").says_not(">ana<").says_not(">rob<");
    for typed in ["zh", "ZHOUHANG", "航", " 周 "] {
        found(typed).await.says(">周航<").says_not(">ben<");
    }
    found("BE").await.says(">ben<").says_not(">周航<");
    for strange in ["nobody", "%", "\0", "<script>", &"x".repeat(5_000)] {
        found(strange)
            .await
            .says("role=\"listbox\"")
            .says_not("role=\"option\"")
            .says_not("<script");
    }
}

#[tokio::test]
async fn programs_are_told_of_changes_as_the_same_entry_once_more() {
    let site = installation().await;
    let (ana, vera) = (site.ana().await, site.vera().await);
    let id = ana.newest("queue").await;
    ana.reply(id, "10 yuan").await.must(StatusCode::OK);
    let program = site.holder(&vera.person.cookies()["kefu-v"]);
    let server = site.listening().await;
    let mut line = program.connect(server).await.unwrap();
    line.until("hello").await;
    line.say(json!({ "type": "subscribe", "conversation": vera.cid, "after": 2 })).await;
    line.until("live").await;
    amends(&ana, id, 2, "edit", "12 yuan").await.must(StatusCode::OK);
    let entry = line.until("entry").await;
    assert_eq!(
        (&entry["seq"], &entry["body"], &entry["edited"]),
        (&json!(2), &json!("12 yuan"), &json!(true))
    );
    amends(&ana, id, 2, "recall", "").await.must(StatusCode::OK);
    let entry = line.until("entry").await;
    assert_eq!(
        (&entry["seq"], &entry["body"], &entry["recalled"]),
        (&json!(2), &json!(""), &json!(true))
    );

    let reader = site.agent_program("ana", Scope::Read).await;
    let list =
        reader.get(&format!("/conversations/{id}/entries?after=2")).await.must(StatusCode::OK);
    let entries = &crate::support::program::value(&list)["entries"];
    assert_eq!(entries[0]["seq"], json!(2), "{entries}");
    assert_eq!(entries[0]["recalled"], json!(true), "{entries}");
}
