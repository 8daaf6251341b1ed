//! What agents' programs do with conversations, over REST and over the socket: whatever agents do at the desk, under the same rules.
use crate::support::{
    Agent, Answer, Installation, installation, limited_installation,
    program::{Program, value},
};
use jiff::{SignedDuration, Timestamp};
use kefu::{
    agent::{Role, Scope},
    ids::Nonce,
};
use poem::http::StatusCode;
use serde_json::{Value, json};

/// Vera's conversation is the first. ana is agent 1, ben is agent 2; rob, agent 3, may only read.
struct Shop {
    site: Installation,
    at_desk: Agent,
    ana: Program,
    ben: Program,
    vera: Program,
    cid: String,
}

const ANA: i64 = 1;
const BEN: i64 = 2;
const ROB: i64 = 3;

async fn shop() -> Shop {
    shop_of(installation().await).await
}

async fn shop_of(site: Installation) -> Shop {
    let at_desk = site.ana().await;
    site.employ("ben", Role::Agent).await;
    site.employ("rob", Role::ReadOnly).await;
    let (ana, ben) = (
        site.agent_program("ana", Scope::Write).await,
        site.agent_program("ben", Scope::Write).await,
    );
    let vera = site.visitor_program().await;
    let cid = vera.start("My kettle whistles").await;
    Shop { site, at_desk, ana, ben, vera, cid }
}

impl Shop {
    /// Tags of these names, which are numbered from 1 on.
    async fn tags(&self, names: &[&str]) {
        for name in names {
            self.at_desk.person.post("/desk/settings/tags", &[("name", name)]).await.goes_to();
        }
    }

    async fn now(&self) -> Value {
        value(&self.ana.get("/conversations/1").await.must(StatusCode::OK))
    }

    /// What a reader finds in the log.
    async fn log(&self, reader: &Program, name: &str) -> Vec<Value> {
        let log = reader.get(&format!("/conversations/{name}/entries")).await;
        value(&log.must(StatusCode::OK))["entries"].as_array().unwrap().clone()
    }

    async fn last(&self) -> Value {
        self.log(&self.ana, "1").await.pop().unwrap()
    }
}

/// A verb with these fields, and a nonce of its own unless there is one.
async fn does(program: &Program, verb: &str, mut fields: Value) -> Answer {
    if fields["nonce"].is_null() {
        fields["nonce"] = json!(Nonce::new());
    }
    program.post(&format!("/conversations/1/{verb}"), &fields).await
}

/// Refused for what stands in a field.
async fn refused_for(program: &Program, verb: &str, fields: Value, field: &str) {
    let answer = does(program, verb, fields.clone()).await;
    let answer = value(&answer.must(StatusCode::UNPROCESSABLE_ENTITY));
    assert_eq!(answer["error"]["field"], field, "{verb} {fields}: {answer}");
}

fn in_hours(hours: i64) -> String {
    (Timestamp::now() + SignedDuration::from_hours(hours)).to_string()
}

#[tokio::test]
async fn a_program_hands_over_with_a_note_that_the_visitor_never_sees() {
    let shop = shop().await;
    does(&shop.ana, "claim", json!({})).await.must(StatusCode::CREATED);
    let note = "She waits since <b>Monday</b>";
    let handing = json!({ "nonce": "h", "agent": BEN, "note": note });
    let handed =
        value(&does(&shop.ana, "transfer", handing.clone()).await.must(StatusCode::CREATED));
    let entry = &handed["entry"];
    assert_eq!((&entry["event"], &entry["value"]), (&json!("transferred"), &json!("ben")));
    assert_eq!(shop.now().await["assignee"], BEN);
    assert_eq!(shop.last().await["body"], note);
    let seen = shop.log(&shop.vera, &shop.cid).await;
    assert_eq!(seen.last().unwrap()["event"], "transferred");
    assert!(!json!(seen).to_string().contains("Monday"), "{seen:?}");

    // The same again is the same, the note with it.
    let again = value(&does(&shop.ana, "transfer", handing).await.must(StatusCode::OK));
    assert_eq!((&again["duplicate"], &again["entry"]["seq"]), (&json!(true), &entry["seq"]));
    assert_eq!(shop.log(&shop.ana, "1").await.len(), 4);
    let other = json!({ "nonce": "h", "agent": ANA });
    let other = value(&does(&shop.ana, "transfer", other).await.must(StatusCode::CONFLICT));
    assert_eq!(other["error"]["code"], "nonce_reused");
    does(&shop.ana, "transfer", json!({ "agent": BEN })).await.must(StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_conversation_is_handed_over_to_one_who_is_there() {
    let shop = shop().await;
    let team = [("name", "Returns"), ("member", "2")];
    shop.at_desk.person.post("/desk/settings/teams", &team).await.goes_to();
    for (fields, field) in [
        (json!({ "agent": 999 }), "agent"),
        (json!({ "agent": -1 }), "agent"),
        (json!({ "agent": ROB }), "agent"),
        (json!({}), "agent"),
        (json!({ "agent": BEN, "team": 1 }), "agent"),
        (json!({ "team": 999 }), "team"),
        (json!({ "agent": BEN, "note": "x".repeat(5_001) }), "note"),
        (json!({ "agent": BEN, "note": "a\u{0}b" }), "note"),
        (json!({ "agent": BEN, "nonce": "a b" }), "nonce"),
    ] {
        refused_for(&shop.ana, "transfer", fields, field).await;
    }
    for fields in [json!({ "agent": "2" }), json!({ "agent": 1e300 }), json!({ "team": [1] })] {
        does(&shop.ana, "transfer", fields).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(shop.log(&shop.ana, "1").await.len(), 1);
    let handed = does(&shop.ana, "transfer", json!({ "team": 1, "note": " \n" })).await;
    assert_eq!(value(&handed.must(StatusCode::CREATED))["entry"]["value"], "Returns");
    let now = shop.now().await;
    assert_eq!((&now["team"], &now["state"]), (&json!(1), &json!("queued")));
    assert_eq!(shop.last().await["event"], "transferred", "white space is no note");
    does(&shop.ana, "transfer", json!({ "team": 1 })).await.must(StatusCode::CONFLICT);
}

#[tokio::test]
async fn a_program_asks_for_help_puts_off_and_weighs_and_the_visitor_need_not_know() {
    let shop = shop().await;
    does(&shop.ana, "invite", json!({ "agent": BEN })).await.must(StatusCode::CREATED);
    assert_eq!(shop.now().await["guests"], json!([BEN]));
    refused_for(&shop.ana, "invite", json!({ "agent": ROB }), "agent").await;
    does(&shop.ana, "invite", json!({})).await.must(StatusCode::UNPROCESSABLE_ENTITY);

    let until = in_hours(1);
    let snoozing = json!({ "nonce": "s", "until": until });
    does(&shop.ana, "snooze", snoozing.clone()).await.must(StatusCode::CREATED);
    does(&shop.ana, "snooze", snoozing).await.must(StatusCode::OK);
    let now = shop.now().await;
    assert_eq!(now["assignee"], ANA, "whoever puts it off has it");
    assert_eq!(now["snoozed_until"].as_str().unwrap()[..19], until[..19]);
    let mine = value(&shop.ana.get("/conversations?list=mine").await);
    assert_eq!(mine["conversations"], json!([]));
    does(&shop.ana, "wake", json!({})).await.must(StatusCode::CREATED);
    assert_eq!(shop.now().await["snoozed_until"], Value::Null);
    does(&shop.ana, "wake", json!({})).await.must(StatusCode::CONFLICT);
    for until in ["", "tomorrow", "1", "2020-01-01T00:00:00Z", &in_hours(91 * 24)] {
        refused_for(&shop.ana, "snooze", json!({ "until": until }), "until").await;
    }

    does(&shop.ana, "priority", json!({ "priority": "urgent" })).await.must(StatusCode::CREATED);
    assert_eq!(shop.now().await["priority"], "urgent");
    for priority in [json!("much"), json!(1), json!(null)] {
        let answer = does(&shop.ana, "priority", json!({ "priority": priority })).await;
        answer.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(shop.log(&shop.vera, &shop.cid).await.len(), 1);
    let hers = value(&shop.vera.get(&format!("/conversations/{}", shop.cid)).await);
    for field in ["priority", "snoozed_until", "tags", "team", "guests"] {
        assert_eq!(hers[field], Value::Null, "{field}");
    }
}

#[tokio::test]
async fn tags_are_put_on_and_taken_off_and_what_changes_nothing_is_not_told() {
    let shop = shop().await;
    shop.tags(&["refund", "<i>late</i>"]).await;
    let listed = value(&shop.ben.get("/tags").await.must(StatusCode::OK));
    assert_eq!(listed["tags"][0], json!({ "id": 2, "name": "<i>late</i>" }));
    let both = json!({ "nonce": "t", "add": [1, 2, 1] });
    let tagged = value(&does(&shop.ben, "tags", both.clone()).await.must(StatusCode::CREATED));
    assert_eq!(tagged["entry"]["value"], "+<i>late</i>,+refund");
    assert_eq!(shop.now().await["tags"], json!([2, 1]));
    does(&shop.ben, "tags", json!({ "add": [1] })).await.must(StatusCode::NO_CONTENT);
    does(&shop.ben, "tags", json!({})).await.must(StatusCode::NO_CONTENT);

    let swap = json!({ "add": [1], "remove": [1, 2] });
    let swapped = value(&does(&shop.ben, "tags", swap).await.must(StatusCode::CREATED));
    assert_eq!(swapped["entry"]["value"], "-<i>late</i>");
    // A late repeat finds what it did, and does it no more.
    let again = value(&does(&shop.ben, "tags", both).await.must(StatusCode::OK));
    assert_eq!((&again["duplicate"], &again["entry"]), (&json!(true), &tagged["entry"]));
    assert_eq!(shop.now().await["tags"], json!([1]));
    assert_eq!(shop.log(&shop.ana, "1").await.len(), 3);

    for (fields, field) in [
        (json!({ "add": [1, 999] }), "add"),
        (json!({ "remove": [-1] }), "remove"),
        (json!({ "add": [i64::MAX] }), "add"),
        (json!({ "nonce": "", "add": [2] }), "nonce"),
    ] {
        refused_for(&shop.ben, "tags", fields, field).await;
    }
    for add in [json!("2"), json!(["2"]), json!([1e300]), json!(vec![2; 201]), json!([[2]])] {
        let answer = does(&shop.ben, "tags", json!({ "add": add })).await;
        answer.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(shop.now().await["tags"], json!([1]));
}

#[tokio::test]
async fn closing_puts_tags_on_or_changes_nothing() {
    let shop = shop().await;
    shop.tags(&["refund", "late"]).await;
    does(&shop.ana, "tags", json!({ "add": [1] })).await.must(StatusCode::CREATED);
    refused_for(&shop.ana, "close", json!({ "tags": [2, 999] }), "tags").await;
    assert_eq!(shop.now().await["state"], "queued");
    let closing = json!({ "nonce": "c", "tags": [2] });
    let closed = value(&does(&shop.ana, "close", closing.clone()).await.must(StatusCode::CREATED));
    assert_eq!(closed["entry"]["event"], "closed");
    let now = shop.now().await;
    assert_eq!((&now["state"], &now["tags"]), (&json!("closed"), &json!([1, 2])));
    assert_eq!(shop.log(&shop.ana, "1").await[2]["value"], "+late");

    does(&shop.ana, "tags", json!({ "remove": [1, 2] })).await.must(StatusCode::CREATED);
    let again = value(&does(&shop.ana, "close", closing).await.must(StatusCode::OK));
    assert_eq!(again["entry"]["seq"], closed["entry"]["seq"]);
    does(&shop.ana, "close", json!({ "tags": [1] })).await.must(StatusCode::CONFLICT);
    assert_eq!(shop.now().await["tags"], json!([]), "what was refused changed nothing");
    // What it carries already is no reason not to close it.
    does(&shop.ana, "reopen", json!({})).await.must(StatusCode::CREATED);
    does(&shop.ana, "tags", json!({ "add": [1] })).await.must(StatusCode::CREATED);
    does(&shop.ana, "close", json!({ "tags": [1] })).await.must(StatusCode::CREATED);
    assert_eq!(shop.now().await["state"], "closed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_marks_as_unread_what_was_read_and_the_visitor_need_not_know() {
    let shop = shop().await;
    does(&shop.ana, "claim", json!({})).await.must(StatusCode::CREATED);
    let path = format!("/conversations/{}/entries", shop.cid);
    for words in ["one", "two"] {
        let message = json!({ "nonce": words, "body": words });
        shop.vera.post(&path, &message).await.must(StatusCode::CREATED);
    }
    let server = shop.site.listening().await;
    let (mut ana, mut ben) =
        (shop.ana.connect(server).await.unwrap(), shop.ben.connect(server).await.unwrap());
    ben.request(json!({ "type": "subscribe_desk" })).await;
    let reads = async || {
        does(&shop.ana, "read", json!({ "seq": 4 })).await.must(StatusCode::NO_CONTENT);
        assert_eq!(shop.now().await["unread"], 0);
    };
    reads().await;
    let log = shop.log(&shop.ana, "1").await;
    for _ in 0..2 {
        does(&shop.ben, "unread", json!({})).await.must(StatusCode::NO_CONTENT);
        assert_eq!(shop.now().await["unread"], 3);
    }
    while ben.until("desk").await["unread"] != 3 {}
    reads().await;
    let frame = json!({ "type": "unread", "conversation": 1 });
    for _ in 0..2 {
        let told = ana.request(frame.clone()).await;
        assert_eq!((&told["type"], &told["seq"]), (&json!("ok"), &Value::Null), "{told}");
        assert_eq!(shop.now().await["unread"], 3);
    }
    assert_eq!(listed(&shop.ben, "unread=true", 5).await, [1]);
    assert_eq!(shop.log(&shop.ana, "1").await, log, "it is no entry");
    assert_eq!(shop.log(&shop.vera, &shop.cid).await.len(), 4);

    let readers = [
        shop.site.agent_program("rob", Scope::Write).await,
        shop.site.agent_program("ben", Scope::Read).await,
    ];
    reads().await;
    for reader in &readers {
        does(reader, "unread", json!({})).await.must(StatusCode::FORBIDDEN);
        let mut line = reader.connect(server).await.unwrap();
        assert_eq!(line.request(frame.clone()).await["code"], "forbidden");
    }
    does(&shop.vera, "unread", json!({})).await.must(StatusCode::NOT_FOUND);
    let mut vera = shop.vera.connect(server).await.unwrap();
    let hers = json!({ "type": "unread", "conversation": shop.cid });
    assert_eq!(vera.request(hers).await["code"], "forbidden");
    for (id, code) in [(json!(99), "not_found"), (json!(-1), "not_found"), (json!([1]), "invalid")]
    {
        let frame = json!({ "type": "unread", "conversation": id });
        assert_eq!(ana.request(frame).await["code"], code, "{id}");
    }
    for (id, status) in [
        ("99", StatusCode::NOT_FOUND),
        ("9223372036854775808", StatusCode::UNPROCESSABLE_ENTITY),
        ("x", StatusCode::UNPROCESSABLE_ENTITY),
    ] {
        shop.ana.post(&format!("/conversations/{id}/unread"), &json!({})).await.must(status);
    }
    assert_eq!(shop.now().await["unread"], 0, "what was refused changed nothing");
    does(&shop.ana, "close", json!({})).await.must(StatusCode::CREATED);
    does(&shop.ana, "unread", json!({})).await.must(StatusCode::CONFLICT);
    assert_eq!(ana.request(frame).await["code"], "conflict");
}

#[tokio::test]
async fn own_messages_are_changed_and_taken_back_and_told_as_they_are_now() {
    let shop = shop().await;
    let send = json!({ "nonce": "m", "body": "It costs 10 yuan" });
    does(&shop.ana, "entries", send.clone()).await.must(StatusCode::CREATED);
    let edit = json!({ "nonce": "e", "body": "It costs 12 <b>yuan" });
    let edited = does(&shop.ana, "entries/2/edit", edit.clone()).await.must(StatusCode::CREATED);
    let entry = value(&edited)["entry"].clone();
    assert_eq!(
        (&entry["seq"], &entry["prev"], &entry["body"], &entry["edited"]),
        (&json!(2), &json!(1), &json!("It costs 12 <b>yuan"), &json!(true))
    );
    let again = value(&does(&shop.ana, "entries/2/edit", edit).await.must(StatusCode::OK));
    assert_eq!((&again["duplicate"], &again["entry"]), (&json!(true), &entry));
    let seen = shop.log(&shop.vera, &shop.cid).await;
    // In its place, and once more where it was changed.
    let told: Vec<_> = seen.iter().map(|one| one["seq"].as_i64().unwrap()).collect();
    assert_eq!(told, [1, 2, 2]);
    assert!(seen[1..].iter().all(|one| one["body"] == "It costs 12 <b>yuan"), "{seen:?}");

    let quoting = json!({ "body": "Was that wise?", "kind": "note", "quote": 2 });
    does(&shop.ben, "entries", quoting).await.must(StatusCode::CREATED);
    let recall = json!({ "nonce": "r" });
    let recalled =
        value(&does(&shop.ana, "entries/2/recall", recall.clone()).await.must(StatusCode::CREATED));
    let entry = &recalled["entry"];
    assert_eq!((&entry["recalled"], &entry["body"]), (&json!(true), &json!("")));
    does(&shop.ana, "entries/2/recall", recall).await.must(StatusCode::OK);
    for (reader, name) in [(&shop.vera, shop.cid.as_str()), (&shop.ana, "1")] {
        let log = json!(shop.log(reader, name).await).to_string();
        assert!(!log.contains("yuan"), "{log}");
    }
    // The first send, repeated, finds what became of it.
    let again = value(&does(&shop.ana, "entries", send).await.must(StatusCode::OK));
    assert_eq!(again["entry"]["recalled"], true);
    does(&shop.ana, "entries/2/recall", json!({})).await.must(StatusCode::CONFLICT);
    does(&shop.ana, "entries/2/edit", json!({ "body": "x" })).await.must(StatusCode::CONFLICT);
}

#[tokio::test]
async fn nobody_changes_what_another_said_nor_what_is_older_than_two_minutes() {
    let shop = shop().await;
    does(&shop.ana, "entries", json!({ "body": "mine" })).await.must(StatusCode::CREATED);
    does(&shop.ana, "claim", json!({})).await.must(StatusCode::CONFLICT);
    does(&shop.ana, "priority", json!({ "priority": "low" })).await.must(StatusCode::CREATED);
    let readers = [
        shop.site.agent_program("rob", Scope::Write).await,
        shop.site.agent_program("ana", Scope::Read).await,
    ];
    for (verb, fields) in [("edit", json!({ "body": "his" })), ("recall", json!({}))] {
        let path = |seq: &str| format!("entries/{seq}/{verb}");
        for reader in readers.iter().chain([&shop.ben]) {
            does(reader, &path("2"), fields.clone()).await.must(StatusCode::FORBIDDEN);
        }
        does(&shop.vera, &path("1"), fields.clone()).await.must(StatusCode::NOT_FOUND);
        does(&shop.ana, &path("1"), fields.clone()).await.must(StatusCode::FORBIDDEN);
        // What only happened, and what is not there.
        for seq in ["3", "9", "0", "-1", "9223372036854775807"] {
            does(&shop.ana, &path(seq), fields.clone()).await.must(StatusCode::NOT_FOUND);
        }
        for seq in ["x", "9223372036854775808", "1.5"] {
            let answer = does(&shop.ana, &path(seq), fields.clone()).await;
            answer.must(StatusCode::UNPROCESSABLE_ENTITY);
        }
    }
    for body in ["", " \n", "a\u{0}b", &"x".repeat(5_001)] {
        refused_for(&shop.ana, "entries/2/edit", json!({ "body": body }), "body").await;
    }
    does(&shop.ana, "entries/2/edit", json!({ "body": "mine" })).await.must(StatusCode::CONFLICT);
    shop.site.change("UPDATE entry SET at = at - 121000000 WHERE seq = 2").await;
    for verb in ["entries/2/edit", "entries/2/recall"] {
        does(&shop.ana, verb, json!({ "body": "late" })).await.must(StatusCode::CONFLICT);
    }
    // The log has no hole where something was refused.
    let sent = value(&does(&shop.ana, "entries", json!({ "body": "next" })).await);
    assert_eq!(sent["entry"]["seq"], 4);
}

#[tokio::test]
async fn messages_are_quoted_and_no_visitor_is_shown_a_note() {
    let shop = shop().await;
    let answer = json!({ "nonce": "q", "body": "Let it", "quote": 1 });
    let sent = value(&does(&shop.ana, "entries", answer.clone()).await.must(StatusCode::CREATED));
    let quote = &sent["entry"]["quote"];
    assert_eq!(
        (&quote["seq"], &quote["excerpt"], &quote["author"]["kind"]),
        (&json!(1), &json!("My kettle whistles"), &json!("visitor"))
    );
    does(&shop.ana, "entries", answer).await.must(StatusCode::OK);
    let other = json!({ "nonce": "q", "body": "Let it" });
    does(&shop.ana, "entries", other).await.must(StatusCode::CONFLICT);
    let seen = shop.log(&shop.vera, &shop.cid).await;
    assert_eq!(seen[1]["quote"]["excerpt"], "My kettle whistles");

    let note = json!({ "body": "A whisper", "kind": "note" });
    does(&shop.ana, "entries", note).await.must(StatusCode::CREATED);
    let aside = json!({ "body": "Quite", "kind": "note", "quote": 3 });
    let aside = value(&does(&shop.ana, "entries", aside).await.must(StatusCode::CREATED));
    assert_eq!(aside["entry"]["quote"]["excerpt"], "A whisper");
    for quote in [3, 99, 0, -1, i64::MIN] {
        let sent = does(&shop.ana, "entries", json!({ "body": "x", "quote": quote })).await;
        let sent = value(&sent.must(StatusCode::CREATED));
        assert_eq!(sent["entry"]["quote"], Value::Null, "{quote}");
    }
    for quote in [json!("1"), json!(1.5), json!([1])] {
        let sent = does(&shop.ana, "entries", json!({ "body": "x", "quote": quote })).await;
        sent.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let path = format!("/conversations/{}/entries", shop.cid);
    let hers = json!({ "nonce": "n", "body": "x", "quote": 1 });
    shop.vera.post(&path, &hers).await.must(StatusCode::FORBIDDEN);
    let log = json!(shop.log(&shop.vera, &shop.cid).await).to_string();
    assert!(!log.contains("whisper"), "{log}");
}

/// As at the desk: whom a note calls may see the conversation from then on.
#[tokio::test]
async fn a_note_of_a_program_calls_colleagues_by_name() {
    let shop = shop().await;
    let team = [("name", "Returns"), ("member", "1")];
    shop.at_desk.person.post("/desk/settings/teams", &team).await.goes_to();
    does(&shop.ana, "transfer", json!({ "team": 1 })).await.must(StatusCode::CREATED);
    shop.ben.get("/conversations/1").await.must(StatusCode::NOT_FOUND);
    let note = json!({ "body": "@ben please look, @nobody", "kind": "note" });
    does(&shop.ana, "entries", note).await.must(StatusCode::CREATED);
    shop.ben.get("/conversations/1").await.must(StatusCode::OK);
}

/// The numbers of a list, page by page.
async fn listed(program: &Program, asks: &str, limit: usize) -> Vec<i64> {
    let (mut all, mut next) = (Vec::new(), String::new());
    loop {
        let path = format!("/conversations?{asks}&limit={limit}{next}");
        let page = value(&program.get(&path).await.must(StatusCode::OK));
        let rows = page["conversations"].as_array().unwrap();
        assert!(rows.len() <= limit);
        all.extend(rows.iter().map(|row| row["conversation"].as_i64().unwrap()));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => return all,
        }
    }
}

#[tokio::test]
async fn lists_are_narrowed_as_at_the_desk() {
    let shop = shop().await;
    shop.tags(&["refund"]).await;
    shop.at_desk.person.post("/desk/settings/teams", &[("name", "Returns")]).await.goes_to();
    let walt = shop.site.visitor_program().await;
    walt.start("A toaster").await;
    let third = shop.site.visitor_program().await;
    third.start("A lamp").await;
    let acts = [
        ("/conversations/1/tags", json!({ "add": [1] })),
        ("/conversations/1/claim", json!({})),
        ("/conversations/2/priority", json!({ "priority": "urgent" })),
        ("/conversations/2/transfer", json!({ "team": 1 })),
        ("/conversations/3/snooze", json!({ "until": in_hours(1) })),
        ("/conversations/3/read", json!({ "seq": 2 })),
    ];
    for (path, mut fields) in acts {
        fields["nonce"] = json!(Nonce::new());
        let answer = shop.ana.post(path, &fields).await;
        assert!(answer.status.is_success(), "{path}: {}", answer.body);
    }
    for (asks, expected) in [
        ("list=all", &[3, 2, 1][..]),
        ("list=mine", &[1]),
        ("list=queue", &[2]),
        ("list=snoozed", &[3]),
        ("list=all&tag=1", &[1]),
        ("list=mine&tag=1", &[1]),
        ("list=queue&tag=1", &[]),
        ("list=all&agent=1", &[3, 1]),
        ("list=all&agent=2", &[]),
        ("list=all&team=1", &[2]),
        ("priority=urgent", &[2]),
        ("priority=normal&agent=1", &[3, 1]),
        ("unread=true", &[2, 1]),
        ("unread=false", &[3, 2, 1]),
        ("site=1", &[3, 2, 1]),
        ("site=999", &[]),
        ("tag=-1", &[]),
        ("list=closed&tag=1", &[]),
        ("list=snoozed&agent=1&priority=normal&site=1", &[3]),
    ] {
        assert_eq!(listed(&shop.ana, asks, 2).await, expected, "{asks}");
    }
    for bad in [
        "list=none",
        "priority=much",
        "priority=",
        "unread=maybe",
        "site=x",
        "tag=9223372036854775808",
        "team=1%20OR%201=1",
        "agent=%00",
    ] {
        let answer = shop.ana.get(&format!("/conversations?{bad}")).await;
        answer.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    // A visitor's own are her own, whatever else is asked for.
    let own = value(&shop.vera.get("/conversations?list=closed&tag=999").await);
    assert_eq!(own["conversations"][0]["conversation"], json!(shop.cid));
}

/// Some were closed in the same moment, and not in the order in which they began.
#[tokio::test]
async fn narrowed_lists_of_closed_ones_go_on_to_their_end_and_each_comes_once() {
    let shop = shop().await;
    shop.tags(&["refund"]).await;
    // The Returns are ben's: he sees theirs and what is nobody's, and not the Orders'.
    for team in [&[("name", "Returns"), ("member", "2")][..], &[("name", "Orders")]] {
        shop.at_desk.person.post("/desk/settings/teams", team).await.goes_to();
    }
    for n in 2..=9 {
        shop.site.visitor_program().await.start(&n.to_string()).await;
    }
    for n in 1..=9 {
        let tags = if n == 9 { json!([]) } else { json!([1]) };
        let closing = json!({ "nonce": "c", "tags": tags });
        let path = format!("/conversations/{n}/close");
        shop.ana.post(&path, &closing).await.must(StatusCode::CREATED);
    }
    for sql in [
        "UPDATE conversation SET closed_at = 1000000 * (CASE WHEN id <= 4 THEN 7 ELSE id - 5 END), assignee_id = 1",
        "UPDATE conversation SET team_id = CASE WHEN id <= 3 THEN 1 WHEN id <= 6 THEN 2 ELSE NULL END",
        "UPDATE conversation_tag SET closed_at = (SELECT closed_at FROM conversation WHERE id = conversation_id), \
            assignee_id = 1, team_id = (SELECT team_id FROM conversation WHERE id = conversation_id)",
    ] {
        shop.site.change(sql).await;
    }
    for limit in [1, 2, 3, 50] {
        for (who, asks, expected) in [
            (&shop.ana, "tag=1", &[4, 3, 2, 1, 8, 7, 6, 5][..]),
            (&shop.ana, "agent=1", &[4, 3, 2, 1, 9, 8, 7, 6, 5]),
            (&shop.ana, "tag=1&agent=1", &[4, 3, 2, 1, 8, 7, 6, 5]),
            (&shop.ana, "site=1", &[4, 3, 2, 1, 9, 8, 7, 6, 5]),
            (&shop.ana, "team=2", &[4, 6, 5]),
            (&shop.ana, "unread=true", &[]),
            (&shop.ana, "", &[9, 8, 7, 6, 5, 4, 3, 2, 1]),
            (&shop.ben, "tag=1", &[3, 2, 1, 8, 7]),
            (&shop.ben, "agent=1", &[3, 2, 1, 9, 8, 7]),
            (&shop.ben, "team=2", &[]),
            (&shop.ben, "priority=normal", &[3, 2, 1, 9, 8, 7]),
            (&shop.ben, "", &[9, 8, 7, 3, 2, 1]),
        ] {
            let asks = format!("list=closed&{asks}");
            assert_eq!(listed(who, &asks, limit).await, expected, "{asks} by {limit}");
        }
    }
    // A cursor goes on in its own list.
    let page = value(&shop.ana.get("/conversations?list=closed&tag=1&limit=1").await);
    let cursor = page["next"].as_str().unwrap();
    for path in [
        format!("/conversations?list=closed&cursor={cursor}"),
        format!("/conversations?cursor={cursor}"),
        "/conversations?list=closed&tag=1&cursor=AAAAAAAAAAA".into(),
        "/conversations?list=closed&tag=1&cursor=f____________________w".into(),
        format!("/conversations?list=closed&tag=1&cursor={cursor}AAAA"),
        "/conversations?list=closed&tag=1&cursor=".into(),
    ] {
        let refused = shop.ana.get(&path).await.must(StatusCode::UNPROCESSABLE_ENTITY);
        assert_eq!(value(&refused)["error"]["field"], "cursor", "{path}");
    }
}

#[tokio::test]
async fn what_was_said_is_found_by_tag() {
    let shop = shop().await;
    shop.tags(&["refund", "late"]).await;
    let walt = shop.site.visitor_program().await;
    walt.start("My kettle sings").await;
    does(&shop.ana, "tags", json!({ "add": [1] })).await.must(StatusCode::CREATED);
    while kefu::search::take_turn(&shop.site.app).await.unwrap().behind > 0 {}
    let found = async |asks: &str| {
        let found = value(&shop.ben.get(&format!("/search?q=kettle{asks}")).await);
        let messages = found["messages"].as_array().unwrap().iter();
        messages.map(|one| one["conversation"].as_i64().unwrap()).collect::<Vec<_>>()
    };
    assert_eq!(found("").await, [2, 1]);
    assert_eq!(found("&tag=1").await, [1]);
    assert_eq!(found("&tag=2").await, Vec::<i64>::new());
    assert_eq!(found("&tag=-1").await, Vec::<i64>::new());
    // What narrows it holds for whoever is called by name or number as well.
    for asks in ["", "&tag=1"] {
        let found = value(&shop.ben.get(&format!("/search?q=1{asks}")).await);
        assert_eq!(found["conversations"][0]["conversation"], 1);
    }
    shop.ben.get("/search?q=1&tag=2").await.must(StatusCode::UNPROCESSABLE_ENTITY);
    for bad in ["tag=x", "tag=9223372036854775808"] {
        let answer = shop.ben.get(&format!("/search?q=kettle&{bad}")).await;
        answer.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn what_agents_do_is_for_agents_who_may() {
    let shop = shop().await;
    shop.tags(&["refund"]).await;
    let verbs = [
        ("tags", json!({ "add": [1] })),
        ("priority", json!({ "priority": "high" })),
        ("invite", json!({ "agent": ANA })),
        ("snooze", json!({ "until": in_hours(1) })),
        ("wake", json!({})),
        ("transfer", json!({ "agent": ANA })),
        ("close", json!({ "tags": [1] })),
    ];
    let readers = [
        shop.site.agent_program("rob", Scope::Write).await,
        shop.site.agent_program("ben", Scope::Read).await,
    ];
    for (verb, fields) in verbs {
        for reader in &readers {
            does(reader, verb, fields.clone()).await.must(StatusCode::FORBIDDEN);
        }
        does(&shop.vera, verb, fields.clone()).await.must(StatusCode::NOT_FOUND);
        let nobody = shop.site.holder("kfa_nobody");
        does(&nobody, verb, fields.clone()).await.must(StatusCode::UNAUTHORIZED);
        does(&shop.ben, verb, fields).await.must(StatusCode::CREATED);
    }
}

#[tokio::test]
async fn what_programs_do_is_counted_with_what_their_agents_do() {
    let shop = shop_of(limited_installation().await).await;
    let mut done = 0;
    let refused = loop {
        let answer = does(&shop.ben, "priority", json!({ "priority": "low" })).await;
        if answer.status != StatusCode::CREATED {
            break answer;
        }
        done += 1;
        assert!(done < 1_000);
    };
    assert_eq!((done, refused.status), (240, StatusCode::TOO_MANY_REQUESTS));
    let other = does(&shop.ben, "tags", json!({})).await;
    other.must(StatusCode::TOO_MANY_REQUESTS);
}

// ── the socket ──

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_knows_the_same_verbs_and_each_is_done_once() {
    let shop = shop().await;
    shop.tags(&["refund"]).await;
    let server = shop.site.listening().await;
    let (mut ana, mut vera) =
        (shop.ana.connect(server).await.unwrap(), shop.vera.connect(server).await.unwrap());
    vera.say(json!({ "type": "subscribe", "conversation": shop.cid, "after": 1 })).await;
    vera.until("live").await;
    let until = in_hours(1);
    for (seq, verb, fields) in [
        (2, "priority", json!({ "priority": "high" })),
        (3, "tags", json!({ "add": [1], "remove": [] })),
        (4, "invite", json!({ "agent": BEN })),
        (5, "snooze", json!({ "until": until })),
        (6, "wake", json!({})),
        (7, "send", json!({ "body": "Let it", "quote": 1 })),
        (8, "edit", json!({ "seq": 7, "body": "Do let it" })),
        (9, "recall", json!({ "seq": 7 })),
        (10, "transfer", json!({ "agent": BEN, "note": "A whisper" })),
        (12, "close", json!({ "tags": [1] })),
    ] {
        let mut frame = fields;
        frame["type"] = json!(verb);
        frame["conversation"] = json!(1);
        frame["nonce"] = json!(format!("n{seq}"));
        for duplicate in [false, true] {
            let told = ana.request(frame.clone()).await;
            assert_eq!(
                (&told["type"], &told["seq"], &told["duplicate"]),
                (&json!("ok"), &json!(seq), &json!(duplicate)),
                "{verb}: {told}"
            );
        }
    }
    let now = shop.now().await;
    assert_eq!((&now["state"], &now["assignee"]), (&json!("closed"), &json!(BEN)));
    assert_eq!((&now["priority"], &now["tags"]), (&json!("high"), &json!([1])));

    let sent = vera.until("entry").await;
    assert_eq!((&sent["seq"], &sent["quote"]["seq"]), (&json!(7), &json!(1)));
    let edited = vera.until("entry").await;
    assert_eq!((&edited["seq"], &edited["body"]), (&json!(7), &json!("Do let it")));
    let recalled = vera.until("entry").await;
    assert_eq!((&recalled["seq"], &recalled["recalled"]), (&json!(7), &json!(true)));
    assert_eq!(vera.until("entry").await["event"], "transferred");
    assert_eq!(vera.until("entry").await["event"], "closed");

    let nothing = json!({ "type": "tags", "conversation": 1, "nonce": "again", "add": [1] });
    let told = ana.request(nothing).await;
    assert_eq!((&told["type"], &told["seq"]), (&json!("ok"), &Value::Null));
}

#[tokio::test(flavor = "multi_thread")]
async fn verbs_that_make_no_sense_are_named_and_change_nothing() {
    let shop = shop().await;
    let server = shop.site.listening().await;
    let mut ana = shop.ana.connect(server).await.unwrap();
    let mut reader =
        shop.site.agent_program("ben", Scope::Read).await.connect(server).await.unwrap();
    for (verb, fields, code, field) in [
        ("transfer", json!({}), "invalid", json!("agent")),
        ("transfer", json!({ "agent": BEN, "team": 1 }), "invalid", json!("agent")),
        ("transfer", json!({ "team": 999 }), "invalid", json!("team")),
        ("transfer", json!({ "agent": "2" }), "invalid", Value::Null),
        ("transfer", json!({ "agent": BEN, "note": "a\u{0}b" }), "invalid", json!("note")),
        ("invite", json!({}), "invalid", Value::Null),
        ("invite", json!({ "agent": ROB }), "invalid", json!("agent")),
        ("snooze", json!({ "until": "tomorrow" }), "invalid", json!("until")),
        ("snooze", json!({ "until": 1 }), "invalid", Value::Null),
        ("wake", json!({}), "conflict", Value::Null),
        ("wake", json!({ "nonce": "a b" }), "invalid", json!("nonce")),
        ("wake", json!({ "nonce": null }), "invalid", Value::Null),
        ("priority", json!({ "priority": "much" }), "invalid", Value::Null),
        ("tags", json!({ "add": [999] }), "invalid", json!("add")),
        ("tags", json!({ "remove": vec![1; 201] }), "invalid", json!("remove")),
        ("tags", json!({ "add": 1 }), "invalid", Value::Null),
        ("close", json!({ "tags": [-1] }), "invalid", json!("tags")),
        ("edit", json!({ "seq": 1, "body": "his" }), "forbidden", Value::Null),
        ("edit", json!({ "seq": 1, "body": "" }), "invalid", json!("body")),
        ("recall", json!({ "seq": 99 }), "not_found", Value::Null),
        ("recall", json!({ "seq": i64::MIN }), "not_found", Value::Null),
        ("priority", json!({ "conversation": 99, "priority": "low" }), "not_found", Value::Null),
        ("tags", json!({ "conversation": shop.cid, "add": [] }), "not_found", Value::Null),
    ] {
        let mut frame = json!({ "type": verb, "conversation": 1, "nonce": "n" });
        for (name, value) in fields.as_object().unwrap() {
            frame[name] = value.clone();
        }
        let told = ana.request(frame.clone()).await;
        assert_eq!(
            (&told["type"], &told["code"]),
            (&json!("error"), &json!(code)),
            "{frame}: {told}"
        );
        assert_eq!(told["field"], field, "{frame}: {told}");
        let kept = reader.request(frame).await;
        assert_eq!(kept["type"], "error", "{kept}");
    }
    assert_eq!(ana.request(json!({ "type": "ping" })).await["type"], "pong");
    assert_eq!(shop.log(&shop.ana, "1").await.len(), 1);
}
