//! What agents' programs do with contacts over REST: what the panel beside a conversation does, under the same rules.
use crate::support::{
    Agent, Answer, Installation, installation, limited_installation,
    program::{Program, value},
};
use futures_util::future::join_all;
use kefu::{
    agent::{Role, Scope},
    audit,
};
use poem::http::StatusCode;
use serde_json::{Value, json};

/// Vera is contact 1, who speaks in conversation 1; walt is contact 2. ana owns the shop, ben works there.
struct Shop {
    site: Installation,
    at_desk: Agent,
    ana: Program,
    ben: Program,
    vera: Program,
    cid: String,
}

async fn shop() -> Shop {
    shop_of(installation().await).await
}

async fn shop_of(site: Installation) -> Shop {
    let at_desk = site.ana().await;
    site.employ("ben", Role::Agent).await;
    let (ana, ben) = (
        site.agent_program("ana", Scope::Write).await,
        site.agent_program("ben", Scope::Write).await,
    );
    let vera = site.visitor_program().await;
    let cid = vera.start("My kettle whistles").await;
    site.visitor_program().await.start("A toaster").await;
    Shop { site, at_desk, ana, ben, vera, cid }
}

async fn does(program: &Program, verb: &str, fields: Value) -> Answer {
    program.post(&format!("/contacts/1/{verb}"), &fields).await
}

/// Refused for what stands in a field.
async fn refused_for(program: &Program, verb: &str, fields: Value, field: &str) {
    let answer = does(program, verb, fields.clone()).await;
    let answer = value(&answer.must(StatusCode::UNPROCESSABLE_ENTITY));
    assert_eq!(answer["error"]["field"], field, "{verb} {fields}: {answer}");
}

async fn contact(program: &Program, id: i64) -> Value {
    value(&program.get(&format!("/contacts/{id}")).await.must(StatusCode::OK))
}

async fn notes(program: &Program, asks: &str) -> Value {
    value(&program.get(&format!("/contacts/1/notes{asks}")).await.must(StatusCode::OK))
}

impl Shop {
    async fn deeds(&self) -> Vec<String> {
        let records = audit::page(&self.site.app.db, None, 50).await.unwrap();
        let ours = records.iter().filter(|record| record.action.starts_with("contact-"));
        ours.map(|record| {
            format!("{} {} {}: {}", record.name, record.action, record.subject, record.detail)
        })
        .collect()
    }

    async fn side(&self) -> Answer {
        self.at_desk.person.get("/desk/c/1/side").await.must(StatusCode::OK)
    }
}

#[tokio::test]
async fn tags_are_put_on_and_taken_off_together_or_not_at_all() {
    let shop = shop().await;
    let both = json!({ "add": ["vip", "<i>late</i>", "vip"] });
    let tagged = value(&does(&shop.ben, "tags", both.clone()).await.must(StatusCode::OK));
    assert_eq!(tagged["tags"], json!(["vip", "<i>late</i>"]));
    let again = value(&does(&shop.ben, "tags", both).await.must(StatusCode::OK));
    assert_eq!(again["tags"], tagged["tags"]);
    shop.side().await.says("vip").says("&#60;i&#62;late").says_not("<i>late");
    let swap = json!({ "add": [" tea ", "vip"], "remove": ["vip", "<i>late</i>", "never"] });
    let swapped = value(&does(&shop.ben, "tags", swap).await.must(StatusCode::OK));
    assert_eq!(swapped["tags"], json!(["vip", "tea"]));

    let many: Vec<_> = (0..18).map(|n| format!("tag {n}")).collect();
    does(&shop.ben, "tags", json!({ "add": many })).await.must(StatusCode::OK);
    refused_for(&shop.ben, "tags", json!({ "add": ["one more"], "remove": ["none"] }), "add").await;
    let one = json!({ "add": ["one more", "another"], "remove": ["tea"] });
    refused_for(&shop.ben, "tags", one, "add").await;
    let kept = contact(&shop.ben, 1).await;
    assert_eq!(kept["tags"].as_array().unwrap().len(), 20, "what was refused took nothing off");
    let one = json!({ "add": ["one more"], "remove": ["tea"] });
    does(&shop.ben, "tags", one).await.must(StatusCode::OK);

    for (fields, field) in [
        (json!({ "add": [""] }), "add"),
        (json!({ "add": ["vip", " \t"] }), "add"),
        (json!({ "add": ["a\nb"] }), "add"),
        (json!({ "add": ["a\u{0}b"] }), "add"),
        (json!({ "remove": ["x".repeat(31)] }), "remove"),
    ] {
        refused_for(&shop.ben, "tags", fields, field).await;
    }
    for add in [json!("vip"), json!([1]), json!([null]), json!(vec!["vip"; 21])] {
        let answer = does(&shop.ben, "tags", json!({ "add": add })).await;
        answer.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(contact(&shop.ana, 1).await["tags"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn a_note_is_made_once_and_taken_away_by_its_author_or_whoever_manages() {
    let shop = shop().await;
    let hostile = "<script>alert(1)</script>\r\nlikes tea";
    let note = json!({ "nonce": "n", "body": hostile });
    let made = value(&does(&shop.ben, "notes", note.clone()).await.must(StatusCode::CREATED));
    let told = &made["note"];
    assert_eq!(told["body"], "<script>alert(1)</script>\nlikes tea");
    assert_eq!(told["author"], json!({ "kind": "agent", "name": "ben", "id": 2 }));
    let again = value(&does(&shop.ben, "notes", note).await.must(StatusCode::OK));
    assert_eq!((&again["duplicate"], &again["note"]), (&json!(true), told));
    let other = json!({ "nonce": "n", "body": "likes coffee" });
    let other = value(&does(&shop.ben, "notes", other.clone()).await.must(StatusCode::CONFLICT));
    assert_eq!(other["error"]["code"], "nonce_reused");
    // Another's nonce is another one, and so is the same of another contact.
    let same = json!({ "nonce": "n", "body": "pays late" });
    does(&shop.ana, "notes", same.clone()).await.must(StatusCode::CREATED);
    shop.ben.post("/contacts/2/notes", &same).await.must(StatusCode::CREATED);
    shop.side().await.says("&#60;script&#62;alert").says("pays late");
    let listed = notes(&shop.ana, "").await;
    let bodies: Vec<_> = listed["notes"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(bodies, [2, 1]);
    assert_eq!(listed["next"], Value::Null);

    does(&shop.ben, "notes/2/remove", json!({})).await.must(StatusCode::FORBIDDEN);
    // Of another contact there is no such note.
    does(&shop.ben, "notes/3/remove", json!({})).await.must(StatusCode::NOT_FOUND);
    does(&shop.ana, "notes/1/remove", json!({})).await.must(StatusCode::NO_CONTENT);
    does(&shop.ana, "notes/1/remove", json!({})).await.must(StatusCode::NOT_FOUND);
    for note in ["0", "-1", "9223372036854775807"] {
        let path = format!("notes/{note}/remove");
        does(&shop.ana, &path, json!({})).await.must(StatusCode::NOT_FOUND);
    }
    does(&shop.ana, "notes/x/remove", json!({})).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(notes(&shop.ana, "").await["notes"].as_array().unwrap().len(), 1);

    for (fields, field) in [
        (json!({ "nonce": "x", "body": " \n" }), "body"),
        (json!({ "nonce": "x", "body": "x".repeat(2_001) }), "body"),
        (json!({ "nonce": "x", "body": "a\u{0}b" }), "body"),
        (json!({ "nonce": "a b", "body": "x" }), "nonce"),
        (json!({ "nonce": "", "body": "x" }), "nonce"),
    ] {
        refused_for(&shop.ben, "notes", fields, field).await;
    }
    for fields in [json!({ "body": "x" }), json!({ "nonce": "x", "body": 1 }), json!([])] {
        does(&shop.ben, "notes", fields).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn notes_that_are_repeated_at_once_are_one_and_pages_of_them_go_on_to_their_end() {
    let shop = shop().await;
    let same = json!({ "nonce": "same", "body": "once" });
    let outcomes = join_all((0..8).map(|_| does(&shop.ben, "notes", same.clone()))).await;
    let made = outcomes.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
    let found = outcomes.iter().filter(|answer| answer.status == StatusCode::OK).count();
    assert_eq!((made, found), (1, 7));
    for n in 2..=7 {
        let note = json!({ "nonce": format!("n{n}"), "body": n.to_string() });
        does(&shop.ben, "notes", note).await.must(StatusCode::CREATED);
    }
    for limit in [1, 2, 3, 7, 500] {
        let (mut all, mut next) = (Vec::new(), String::new());
        loop {
            let page = notes(&shop.ana, &format!("?limit={limit}{next}")).await;
            all.extend(page["notes"].as_array().unwrap().iter().map(|one| one["id"].clone()));
            match page["next"].as_str() {
                Some(cursor) => next = format!("&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(all, [7, 6, 5, 4, 3, 2, 1], "by {limit}");
    }
    for asks in ["cursor=", "cursor=garbage", "cursor=AAAA", "limit=0", "limit=501", "limit=x"] {
        let refused = shop.ana.get(&format!("/contacts/1/notes?{asks}")).await;
        refused.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
}

/// Whom a list has, by number, page for page to its end.
async fn walk(program: &Program, asks: &str) -> Vec<i64> {
    let (mut all, mut next) = (Vec::new(), String::new());
    loop {
        let page = program.get(&format!("/contacts?{asks}{next}")).await.must(StatusCode::OK);
        let page = value(&page);
        all.extend(page["contacts"].as_array().unwrap().iter().map(|one| one["id"].clone()));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    all.iter().map(|id| id.as_i64().unwrap()).collect()
}

#[tokio::test]
async fn contacts_and_those_who_are_blocked_are_listed_to_their_end_and_each_comes_once() {
    let shop = shop().await;
    for _ in 3..=9 {
        shop.site.visitor_program().await.start("x").await;
    }
    // Who became another is there as that.
    does(&shop.ana, "merge", json!({ "with": 5 })).await.must(StatusCode::OK);
    let known = json!({ "name": "<b>Walt", "phone": "13812348871", "email": "w@shop.example" });
    shop.ana.post("/contacts/2", &known).await.must(StatusCode::OK);
    for id in [4, 8, 2] {
        let reason = json!({ "reason": "spam" });
        let path = format!("/contacts/{id}/block");
        shop.ana.post(&path, &reason).await.must(StatusCode::OK);
    }
    for limit in [1, 2, 3, 8, 100] {
        let all = walk(&shop.ben, &format!("limit={limit}")).await;
        assert_eq!(all, [9, 8, 7, 6, 4, 3, 2, 1], "by {limit}");
        let blocked = walk(&shop.ben, &format!("limit={limit}&blocked=true")).await;
        assert_eq!(blocked, [2, 8, 4], "by {limit}");
    }
    assert_eq!(walk(&shop.ben, "blocked=false").await.len(), 8);
    let first = value(&shop.ben.get("/contacts?blocked=true&limit=1").await);
    let walt = &first["contacts"][0];
    for (key, known) in known.as_object().unwrap() {
        assert_eq!(&walt[key], known);
    }
    assert_eq!((&walt["blocked"], &walt["block"]["reason"]), (&json!(true), &json!("spam")));
    shop.site.employ("rob", Role::ReadOnly).await;
    let rob = shop.site.agent_program("rob", Scope::Write).await;
    let masked = rob.get("/contacts").await.must(StatusCode::OK);
    masked.says("138****8871").says_not("13812348871");

    // A page of one list goes on in no other.
    let cursor = first["next"].as_str().unwrap();
    let cursor = format!("cursor={cursor}");
    for asks in [&*cursor, "cursor=", "cursor=garbage", "blocked=true&cursor=AAAA"] {
        let refused = shop.ben.get(&format!("/contacts?{asks}")).await;
        refused.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    for asks in ["limit=0", "limit=101", "limit=x", "blocked=perhaps"] {
        let refused = shop.ben.get(&format!("/contacts?{asks}")).await;
        refused.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    shop.vera.get("/contacts").await.must(StatusCode::NOT_FOUND);

    // Those of one moment are told apart by number.
    shop.site.change("UPDATE contact SET blocked_at = 5 WHERE blocked_at IS NOT NULL").await;
    for limit in [1, 2, 3] {
        let blocked = walk(&shop.ben, &format!("limit={limit}&blocked=true")).await;
        assert_eq!(blocked, [8, 4, 2], "by {limit}");
    }
}

#[tokio::test]
async fn the_lists_of_contacts_have_those_alone_of_whom_she_sees_a_conversation() {
    let shop = shop().await;
    for id in [1, 2] {
        let path = format!("/contacts/{id}/block");
        shop.ana.post(&path, &json!({ "reason": "spam" })).await.must(StatusCode::OK);
    }
    let lists = ["limit=1", "limit=1&blocked=true"];
    for asks in lists {
        assert_eq!(walk(&shop.ben, asks).await, [2, 1], "{asks}");
    }
    shop.at_desk.person.post("/desk/settings/teams", &[("name", "Returns")]).await.goes_to();
    let to = json!({ "nonce": "t", "team": 1 });
    shop.ana.post("/conversations/2/transfer", &to).await.must(StatusCode::CREATED);
    for asks in lists {
        assert_eq!(walk(&shop.ben, asks).await, [1], "{asks}");
        assert_eq!(walk(&shop.ana, asks).await, [2, 1], "{asks}");
    }
}

/// The form of the desk is sent once more where its answer was lost.
#[tokio::test]
async fn a_note_of_the_desk_is_made_once_too() {
    let shop = shop().await;
    let desk = &shop.at_desk.person;
    let page = shop.side().await;
    let nonce = page.body.split("id=\"side-notes\"").nth(1).unwrap();
    let nonce = nonce.split("name=\"nonce\" value=\"").nth(1).unwrap().split('"').next().unwrap();
    let fields = [("nonce", nonce), ("body", "likes tea")];
    for _ in 0..2 {
        desk.hx_post("/desk/c/1/side/notes", &fields).await.must(StatusCode::OK).says_not(nonce);
    }
    assert_eq!(shop.side().await.body.matches("likes tea").count(), 1);
    // Other words under it come back, to be sent once more under another one.
    let fields = [("nonce", nonce), ("body", "likes coffee")];
    let refused = desk.hx_post("/desk/c/1/side/notes", &fields).await;
    let refused = refused.must(StatusCode::UNPROCESSABLE_ENTITY);
    refused.says("likes coffee").says("already used for another message").says_not(nonce);
    for nonce in ["", "a b", "' OR 1=1"] {
        let fields = [("nonce", nonce), ("body", "kept")];
        let refused = desk.hx_post("/desk/c/1/side/notes", &fields).await;
        refused.must(StatusCode::UNPROCESSABLE_ENTITY).says("kept");
    }
    assert_eq!(notes(&shop.ana, "").await["notes"].as_array().unwrap().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_by_a_program_is_not_heard_until_a_program_says_so() {
    let shop = shop().await;
    let mut line = shop.ben.connect(shop.site.listening().await).await.unwrap();
    assert_eq!(line.request(json!({ "type": "subscribe_desk" })).await["type"], "ok");
    let entries = format!("/conversations/{}/entries", shop.cid);
    let says =
        async |nonce: &str| shop.vera.post(&entries, &json!({ "nonce": nonce, "body": "x" })).await;
    says("a").await.must(StatusCode::CREATED);
    line.until("desk").await;

    let reason = json!({ "reason": "<b>spam</b>" });
    let blocked = value(&does(&shop.ben, "block", reason.clone()).await.must(StatusCode::OK));
    assert_eq!(blocked["blocked"], true);
    let block = &blocked["block"];
    assert_eq!((&block["by"], &block["reason"]), (&json!("ben"), &json!("<b>spam</b>")));
    // Whoever follows the lists is told, as at the desk.
    assert_eq!(line.until("desk").await["conversation"], 1);
    let refused = value(&says("b").await.must(StatusCode::FORBIDDEN));
    assert!(!refused.to_string().contains("spam"), "{refused}");
    let listed = shop.at_desk.person.get("/desk/settings/blocked").await;
    listed.says("&#60;b&#62;spam").says("ben");
    let again = json!({ "reason": "again" });
    let again = value(&does(&shop.ana, "block", again).await.must(StatusCode::CONFLICT));
    assert_eq!(again["error"]["code"], "conflict");

    for reason in ["a\u{0}b", "a\nb", &"x".repeat(201)] {
        refused_for(&shop.ana, "unblock", json!({ "reason": reason }), "reason").await;
    }
    let why = json!({ "reason": "a mistake" });
    for _ in 0..2 {
        let heard = value(&does(&shop.ana, "unblock", why.clone()).await.must(StatusCode::OK));
        assert_eq!((&heard["blocked"], &heard["block"]), (&json!(false), &Value::Null));
    }
    says("c").await.must(StatusCode::CREATED);
    let told = ["ana contact-unblocked #1: a mistake", "ben contact-blocked #1: <b>spam</b>"];
    assert_eq!(shop.deeds().await, told);

    for reason in ["", " \n", "a\u{0}b", "a\nb", &"x".repeat(201)] {
        refused_for(&shop.ben, "block", json!({ "reason": reason }), "reason").await;
    }
    for fields in [json!({}), json!({ "reason": 1 }), json!({ "reason": null })] {
        does(&shop.ben, "block", fields).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(contact(&shop.ana, 1).await["blocked"], false);
}

#[tokio::test]
async fn two_contacts_become_one_by_a_program() {
    let shop = shop().await;
    let walt = json!({ "name": "Walt", "phone": "13812348871" });
    shop.ana.post("/contacts/2", &walt).await.must(StatusCode::OK);
    shop.ana.post("/contacts/1", &json!({ "name": "Vera" })).await.must(StatusCode::OK);
    // Under the same nonce, which was each one's own.
    for (id, body) in [(1, "likes tea"), (2, "likes coffee")] {
        let note = json!({ "nonce": "n", "body": body });
        let made = shop.ben.post(&format!("/contacts/{id}/notes"), &note).await;
        made.must(StatusCode::CREATED);
    }
    let merged = value(&does(&shop.ben, "merge", json!({ "with": 2 })).await.must(StatusCode::OK));
    assert_eq!(
        (&merged["id"], &merged["name"], &merged["phone"]),
        (&json!(1), &json!("Vera"), &json!("13812348871"))
    );
    assert_eq!(contact(&shop.ben, 2).await["id"], 1);
    assert_eq!(notes(&shop.ben, "").await["notes"].as_array().unwrap().len(), 2);
    let again = json!({ "nonce": "n", "body": "likes tea" });
    does(&shop.ben, "notes", again).await.must(StatusCode::OK);
    let both = value(&shop.vera.get("/conversations").await);
    assert_eq!(both["conversations"].as_array().unwrap().len(), 2);
    let told = [
        "ben contact-merged Vera #1: Walt #2",
        "ben contact-noted Walt #2: ",
        "ben contact-noted Vera #1: ",
        "ana contact-changed #1: name",
        "ana contact-changed #2: name\nphone",
    ];
    assert_eq!(shop.deeds().await, told);

    for with in [2, 1] {
        does(&shop.ben, "merge", json!({ "with": with })).await.must(StatusCode::CONFLICT);
    }
    for with in [
        json!(0),
        json!(-1),
        json!(99),
        json!(i64::MAX),
        json!("2"),
        json!(1.5),
        json!(1e300),
        json!(null),
        json!([2]),
    ] {
        let answer = does(&shop.ben, "merge", json!({ "with": with })).await;
        answer.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(shop.deeds().await.len(), told.len());
}

#[tokio::test]
async fn what_agents_do_with_contacts_is_for_agents_who_may() {
    let shop = shop().await;
    shop.site.employ("rob", Role::ReadOnly).await;
    let phone = json!({ "phone": "13812348871" });
    shop.ana.post("/contacts/1", &phone).await.must(StatusCode::OK);
    let note = json!({ "nonce": "n", "body": "x" });
    let verbs = [
        ("tags", json!({ "add": ["vip"] }), StatusCode::OK),
        ("notes", note.clone(), StatusCode::CREATED),
        ("notes/1/remove", json!({}), StatusCode::NO_CONTENT),
        ("block", json!({ "reason": "spam" }), StatusCode::OK),
        ("unblock", json!({}), StatusCode::OK),
        ("merge", json!({ "with": 2 }), StatusCode::OK),
    ];
    let readers = [
        shop.site.agent_program("rob", Scope::Write).await,
        shop.site.agent_program("ben", Scope::Read).await,
    ];
    let nobody = shop.site.holder("kfa_nobody");
    let before = contact(&shop.ana, 1).await;
    for (verb, fields, _) in &verbs {
        for reader in &readers {
            let refused = does(reader, verb, fields.clone()).await;
            refused.must(StatusCode::FORBIDDEN).says_not("13812348871");
        }
        does(&shop.vera, verb, fields.clone()).await.must(StatusCode::NOT_FOUND);
        does(&nobody, verb, fields.clone()).await.must(StatusCode::UNAUTHORIZED);
    }
    shop.vera.get("/contacts/1/notes").await.must(StatusCode::NOT_FOUND);
    assert_eq!(contact(&shop.ana, 1).await, before);
    let [rob, reader] = &readers;
    assert_eq!(contact(rob, 1).await["phone"], "138****8871");
    assert_eq!(contact(reader, 1).await["phone"], "13812348871");
    assert_eq!(notes(rob, "").await["notes"], json!([]));

    // What is a team's is for those who see it, and so is whoever speaks there.
    shop.at_desk.person.post("/desk/settings/teams", &[("name", "Returns")]).await.goes_to();
    for id in [1, 2] {
        let to = json!({ "nonce": "t", "team": 1 });
        let path = format!("/conversations/{id}/transfer");
        shop.ana.post(&path, &to).await.must(StatusCode::CREATED);
    }
    for (verb, fields, _) in &verbs {
        does(&shop.ben, verb, fields.clone()).await.must(StatusCode::NOT_FOUND);
    }
    shop.ben.get("/contacts/1/notes").await.must(StatusCode::NOT_FOUND);
    for (id, seen) in [(1, false), (2, true)] {
        // Of two she must know both.
        if seen {
            let asked = json!({ "nonce": "i", "agent": 2 });
            let path = format!("/conversations/{id}/invite");
            shop.ana.post(&path, &asked).await.must(StatusCode::CREATED);
        }
        does(&shop.ben, "merge", json!({ "with": 2 })).await.must(StatusCode::NOT_FOUND);
        let other = shop.ben.post("/contacts/2/merge", &json!({ "with": 1 })).await;
        let refused = if seen { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::NOT_FOUND };
        other.must(refused);
    }
    assert_eq!(contact(&shop.ana, 1).await, before);
    for (verb, fields, status) in verbs {
        does(&shop.ana, verb, fields).await.must(status);
    }
}

#[tokio::test]
async fn what_programs_do_with_contacts_is_counted_with_what_their_agents_do() {
    let shop = shop_of(limited_installation().await).await;
    let until_refused = async |verb: &str, fields: &dyn Fn(usize) -> Value| {
        for done in 0..1_000 {
            let answer = does(&shop.ben, verb, fields(done)).await;
            if answer.status == StatusCode::TOO_MANY_REQUESTS {
                return done;
            }
            assert!(answer.status.is_success(), "{}", answer.body);
        }
        panic!("nobody counts {verb}")
    };
    let noted = until_refused("notes", &|n| json!({ "nonce": format!("n{n}"), "body": "x" })).await;
    assert_eq!(noted, 20);
    let tagged = until_refused("tags", &|_| json!({ "add": ["vip"] })).await;
    assert_eq!(tagged, 240);
    for (verb, fields) in [
        ("block", json!({ "reason": "x" })),
        ("unblock", json!({})),
        ("merge", json!({ "with": 2 })),
        ("notes/1/remove", json!({})),
    ] {
        does(&shop.ben, verb, fields).await.must(StatusCode::TOO_MANY_REQUESTS);
    }
    does(&shop.ana, "unblock", json!({})).await.must(StatusCode::OK);
}

#[tokio::test]
async fn a_program_learns_what_the_company_wants_to_know_and_who_a_contact_is() {
    let shop = shop().await;
    let level = [
        ("key", "level"),
        ("kind", "choice"),
        ("label_zh", "等级"),
        ("label_en", "Level"),
        ("choices", "gold\nsilver"),
        ("place", "2"),
    ];
    let born = [("key", "born"), ("kind", "date"), ("label_zh", "生日"), ("label_en", "Born")];
    for fields in [&level[..], &born] {
        shop.at_desk.person.post("/desk/settings/attributes", fields).await.goes_to();
    }
    let listed = value(&shop.ben.get("/attributes").await.must(StatusCode::OK));
    assert_eq!(
        listed["attributes"],
        json!([
            { "key": "born", "label": { "zh-CN": "生日", "en": "Born" }, "kind": "date", "choices": [] },
            { "key": "level", "label": { "zh-CN": "等级", "en": "Level" }, "kind": "choice",
                "choices": ["gold", "silver"] },
        ])
    );
    let set = json!({ "attributes": [{ "key": "level", "value": "gold" }] });
    let known = value(&shop.ben.post("/contacts/1", &set).await.must(StatusCode::OK));
    assert_eq!(known["attributes"], set["attributes"]);
    let clear = json!({ "attributes": [{ "key": "level", "value": "" }] });
    let known = value(&shop.ben.post("/contacts/1", &clear).await.must(StatusCode::OK));
    assert_eq!(known["attributes"], json!([]));
    shop.vera.get("/attributes").await.must(StatusCode::NOT_FOUND);
    assert_eq!(contact(&shop.ben, 1).await["identities"], json!([]));
}
