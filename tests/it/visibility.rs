//! Who sees which conversation once there are teams: on every way in, in every list, in every stream.
use crate::support::{
    Agent, Installation, Node, Visitor, in_time, insist, installation, program::value,
};
use futures_util::future::join_all;
use kefu::{
    agent::{self, Role, Scope},
    conversation,
    event::{Content, Happening, Side},
    ids::{AgentId, ConversationId, Nonce},
};
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};
use std::time::{Duration, Instant};

/// Vera's conversation is the Returns' (team 1), of whom mia is one; kit has it and gus was asked to help, who are in the
/// Orders (team 2), as is ben, who is nothing to it. rob only reads, and is in no team.
struct Shop {
    site: Installation,
    vera: Visitor,
    id: i64,
    ana: Agent,
    ida: Agent,
    mia: Agent,
    kit: Agent,
    gus: Agent,
    ben: Agent,
    rob: Agent,
}

const NAMES: [&str; 7] = ["ana", "ida", "mia", "kit", "gus", "ben", "rob"];
const ENTITLED: [&str; 5] = ["mia", "ana", "ida", "kit", "gus"];
const OUTSIDERS: [&str; 2] = ["ben", "rob"];
const TEAMS: &str = "/desk/settings/teams";

async fn number(site: &Installation, name: &str) -> AgentId {
    let all = agent::all(&site.app.db).await.unwrap();
    all.iter().find(|agent| agent.name == name).unwrap().id
}

async fn shop() -> Shop {
    let site = installation().await;
    let ana = site.ana().await;
    let ida = site.agent("ida", Role::Admin).await;
    let mia = site.agent("mia", Role::Agent).await;
    let kit = site.agent("kit", Role::Agent).await;
    let gus = site.agent("gus", Role::Agent).await;
    let ben = site.ben().await;
    let rob = site.agent("rob", Role::ReadOnly).await;
    let member = async |name| number(&site, name).await.to_string();
    let returns = [("name", "Returns".to_owned()), ("member", member("mia").await)];
    let mut orders = vec![("name", "Orders".to_owned())];
    for name in ["kit", "gus", "ben"] {
        orders.push(("member", member(name).await));
    }
    for fields in [&returns[..], &orders[..]] {
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        ana.person.post(TEAMS, &fields).await.goes_to();
    }
    let vera = site.visitor("my kettle whistles").await;
    let id = ana.newest("queue").await;
    let shop = Shop { site, vera, id, ana, ida, mia, kit, gus, ben, rob };
    shop.act("ana", "transfer", &[("to", "team-1")]).await;
    shop.act("ana", "invite", &[("agent", &shop.number("gus").await)]).await;
    shop.act("ana", "transfer", &[("to", &shop.number("kit").await)]).await;
    shop
}

impl Shop {
    fn agent(&self, name: &str) -> &Agent {
        let all = [&self.ana, &self.ida, &self.mia, &self.kit, &self.gus, &self.ben, &self.rob];
        all[NAMES.iter().position(|one| *one == name).unwrap()]
    }

    async fn number(&self, name: &str) -> String {
        number(&self.site, name).await.to_string()
    }

    /// An act that succeeds.
    async fn act(&self, who: &str, verb: &str, fields: &[(&str, &str)]) {
        let answer = self.try_act(who, verb, fields).await;
        assert_eq!(answer, StatusCode::SEE_OTHER, "{who}: {verb}");
    }

    async fn try_act(&self, who: &str, verb: &str, fields: &[(&str, &str)]) -> StatusCode {
        let nonce = Nonce::new();
        let fields = [fields, &[("nonce", nonce.as_str())]].concat();
        let path = format!("/desk/c/{}/{verb}", self.id);
        self.agent(who).person.post(&path, &fields).await.status
    }

    async fn ask(&self, who: &str, method: &str, path: &str, body: &str) -> u16 {
        let headers = [("sec-fetch-site", "same-origin")];
        let person = &self.agent(who).person;
        person.head_of(method.parse().unwrap(), path, &headers, body).await.0.as_u16()
    }
}

/// What a member is answered, in the order in which she may ask.
const WAYS: &[(&str, &str, u16)] = &[
    ("GET", "/desk/c/:id", 200),
    ("GET", "/desk/c/:id?tab=all&quote=1", 200),
    ("GET", "/desk/c/:id/messages?after=0", 200),
    ("GET", "/desk/c/:id/messages?before=2", 200),
    ("POST", "/desk/c/:id/messages", 303),
    ("GET", "/desk/c/:id/files/:file", 303),
    ("POST", "/desk/c/:id/files", 422),
    ("POST", "/desk/c/:id/typing", 204),
    ("POST", "/desk/c/:id/draft", 204),
    ("GET", "/desk/c/:id/transfer", 200),
    ("GET", "/desk/c/:id/invite", 200),
    ("GET", "/desk/c/:id/tags", 200),
    ("GET", "/desk/c/:id/snooze", 200),
    ("GET", "/desk/c/:id/m/1", 200),
    // Not hers to change; an outsider is not told so.
    ("POST", "/desk/c/:id/m/1/recall", 403),
    ("GET", "/desk/c/:id/side", 200),
    ("GET", "/desk/c/:id/side/merge", 200),
    ("POST", "/desk/c/:id/side/fields", 303),
    ("POST", "/desk/c/:id/side/tags", 303),
    ("POST", "/desk/c/:id/side/notes", 303),
    ("POST", "/desk/c/:id/side/block", 303),
    ("POST", "/desk/c/:id/side/unblock", 303),
    ("GET", "/desk/contacts/:contact", 303),
    ("POST", "/desk/c/:id/priority", 303),
    ("POST", "/desk/c/:id/tags", 303),
    ("POST", "/desk/c/:id/snooze", 303),
    ("POST", "/desk/c/:id/wake", 303),
    // Kit has it: whoever knows of it hears so.
    ("POST", "/desk/c/:id/claim", 409),
    ("POST", "/desk/c/:id/close", 303),
    ("POST", "/desk/c/:id/reopen", 303),
    ("POST", "/desk/c/:id/invite", 303),
    ("POST", "/desk/c/:id/transfer", 303),
];

/// For an outsider each of them answers as of a conversation that never was; for whoever is entitled it does not.
#[tokio::test(flavor = "multi_thread")]
async fn no_page_and_no_form_lets_in_whoever_is_nothing_to_a_conversation() {
    let shop = shop().await;
    let file = shop.site.a_file_in(&shop.kit, shop.id).await;
    let gus = shop.number("gus").await;
    let tomorrow = (shop.site.app.clock.now().as_second() + 86_400).to_string();
    for (number, (method, path, expected)) in WAYS.iter().enumerate() {
        let path = |id: i64, contact: i64| {
            path.replace(":id", &id.to_string())
                .replace(":contact", &contact.to_string())
                .replace(":file", &file)
        };
        // Notes are last words of nobody's: whoever had it has it still.
        let body = |who: &str| {
            format!(
                "nonce=n{number}{who}&kind=note&body=x&field=phone&value=138&name=x&note=x&reason=x&priority=high\
                 &until={tomorrow}&agent={gus}&to={gus}"
            )
        };
        let body = |who: &str| if *method == "POST" { body(who) } else { String::new() };
        for who in OUTSIDERS {
            let never = shop.ask(who, method, &path(9_999, 9_999), &body(who)).await;
            let asked = shop.ask(who, method, &path(shop.id, 1), &body(who)).await;
            assert_eq!(asked, never, "{who}: {method} {}", path(shop.id, 1));
            assert!(matches!(never, 403 | 404), "{who}: {method} {} {never}", path(9_999, 1));
        }
        for who in ENTITLED {
            // What is done is done once.
            if who == "mia" || *method == "GET" {
                let asked = shop.ask(who, method, &path(shop.id, 1), &body(who)).await;
                assert_eq!(asked, *expected, "{who}: {method} {}", path(shop.id, 1));
            }
        }
    }
}

impl Installation {
    /// A file that an agent sent with a note; what it is called.
    async fn a_file_in(&self, agent: &Agent, id: i64) -> String {
        let path = format!("/desk/c/{id}/files");
        let text: &[u8] = b"a plain text, and no secret";
        let brought = agent.person.bring(&path, &[("a.txt", text)], "application/json").await;
        let brought: Value = serde_json::from_str(&brought.must(StatusCode::OK).body).unwrap();
        let found = brought.to_string();
        let file = found.split("\"id\":\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        let nonce = Nonce::new();
        let fields =
            [("kind", "note"), ("nonce", nonce.as_str()), ("body", "see"), ("file_id", &file)];
        let path = format!("/desk/c/{id}/messages");
        agent.person.hx_post(&path, &fields).await.must(StatusCode::OK);
        file
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn no_program_is_told_of_what_its_agent_does_not_see() {
    let shop = shop().await;
    let server = shop.site.listening().await;
    let id = shop.id;
    for who in NAMES {
        let entitled = ENTITLED.contains(&who);
        let program = shop.site.agent_program(who, Scope::Write).await;
        let status = async |method: Method, path: &str, body: Option<Value>| {
            program.ask(method, path, body.as_ref()).await.status.as_u16()
        };
        let expected = |entitled_is: u16| if entitled { entitled_is } else { 404 };
        for path in [
            format!("/conversations/{id}"),
            format!("/conversations/{id}/entries"),
            "/contacts/1".into(),
        ] {
            assert_eq!(status(Method::GET, &path, None).await, expected(200), "{who}: {path}");
        }
        let may_act = who != "rob";
        for (path, entitled_is) in [("read", 204), ("typing", 204), ("unread", 204), ("claim", 409)]
        {
            let body = json!({ "nonce": format!("{path}{who}"), "seq": 1 });
            let path = format!("/conversations/{id}/{path}");
            let expected = if may_act { expected(entitled_is) } else { 403 };
            assert_eq!(status(Method::POST, &path, Some(body)).await, expected, "{who}: {path}");
        }
        // Whoever sees it may do all of it; what would move it is only tried by those who do not.
        let till = (jiff::Timestamp::now() + jiff::SignedDuration::from_hours(1)).to_string();
        let verbs = [
            ("priority", json!({ "priority": "high" })),
            ("tags", json!({})),
            ("transfer", json!({ "team": 2 })),
            ("invite", json!({ "agent": 1 })),
            ("snooze", json!({ "until": till })),
            ("wake", json!({})),
            ("close", json!({ "tags": [] })),
        ];
        for (at, (verb, mut body)) in verbs.into_iter().enumerate() {
            if entitled && at > 1 {
                break;
            }
            body["nonce"] = json!(format!("{verb}{who}"));
            let path = format!("/conversations/{id}/{verb}");
            let done = if may_act { expected(if verb == "tags" { 204 } else { 201 }) } else { 403 };
            assert_eq!(status(Method::POST, &path, Some(body)).await, done, "{who}: {verb}");
        }
        let note = json!({ "nonce": format!("note{who}"), "body": "x", "kind": "note" });
        let path = format!("/conversations/{id}/entries");
        let sent = if may_act { expected(201) } else { 403 };
        assert_eq!(status(Method::POST, &path, Some(note)).await, sent, "{who}");
        let name = Some(json!({ "name": "Vera" }));
        let changed = if may_act { expected(200) } else { 403 };
        assert_eq!(status(Method::POST, "/contacts/1", name).await, changed, "{who}");

        for list in ["all", "queue", "closed"] {
            let page = value(&program.get(&format!("/conversations?list={list}")).await);
            let there = page.to_string().contains("kettle");
            assert_eq!(there, entitled && list == "all", "{who}: {list} {page}");
        }
        let mut line = program.connect(server).await.unwrap();
        let subscribe = json!({ "type": "subscribe", "conversation": id, "after": 0 });
        let told = line.request(subscribe).await;
        assert_eq!(told["code"] == "not_found", !entitled, "{who}: {told}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_counters_search_and_palette_show_what_is_hers() {
    let shop = shop().await;
    let open = shop.site.visitor("a kettle of nobody's").await;
    while kefu::search::take_turn(&shop.site.app).await.unwrap().behind > 0 {}
    for who in NAMES {
        let (entitled, person) = (ENTITLED.contains(&who), &shop.agent(who).person);
        let list = person.get("/desk/c?tab=all").await.must(StatusCode::OK);
        list.says("of nobody&#39;s").says(&format!("id=\"n-all\">{}<", 1 + i64::from(entitled)));
        let places = [
            "/desk/c?tab=all",
            "/desk/c?tab=all&team=1",
            "/desk/search?q=kettle",
            "/desk/palette?q=kettle",
        ];
        for place in places {
            let page = person.get(place).await.must(StatusCode::OK);
            assert_eq!(page.body.contains("whistles"), entitled, "{who}: {place}");
        }
        let called = person.get(&format!("/desk/search?q={}", shop.id)).await;
        assert_eq!(called.body.contains("whistles"), entitled, "{who}");
        let found = shop.site.agent_program(who, Scope::Read).await.get("/search?q=kettle").await;
        assert_eq!(found.body.contains("whistles"), entitled, "{who}");
    }
    shop.act("kit", "close", &[]).await;
    for who in NAMES {
        let entitled = ENTITLED.contains(&who);
        let closed = shop.agent(who).person.get("/desk/c?tab=closed").await;
        assert_eq!(closed.body.contains("whistles"), entitled, "{who}");
        let program = shop.site.agent_program(who, Scope::Read).await;
        let page = program.get("/conversations?list=closed").await;
        assert_eq!(page.body.contains("whistles"), entitled, "{who}");
    }
    drop(open);
}

/// What the contact said elsewhere is as it is there.
#[tokio::test]
async fn beside_a_conversation_stand_only_those_of_its_contact_that_she_sees() {
    let shop = shop().await;
    shop.act("ana", "close", &[]).await;
    // A day later it would be a new one; here it is another visitor who turns out to be the same person.
    let walt = shop.site.visitor("a toaster, openly").await;
    let other = shop.ana.newest("queue").await;
    let merge = format!("/desk/c/{other}/side/merge");
    shop.ben.person.post(&merge, &[("with", "1")]).await.must(StatusCode::NOT_FOUND);
    shop.ana.person.post(&merge, &[("with", "1")]).await.goes_to();
    let side = format!("/desk/c/{other}/side");
    shop.mia.person.get(&side).await.must(StatusCode::OK).says("whistles");
    shop.ben.person.get(&side).await.must(StatusCode::OK).says_not("whistles");
    drop(walt);
}

/// The others' conversation lives while ben listens; then something happens that he may see, and nothing came before it.
#[tokio::test(flavor = "multi_thread")]
async fn the_stream_of_an_outsider_is_silent() {
    let shop = shop().await;
    let server = shop.site.listening().await;
    let mut lines = Vec::new();
    for who in ["ben", "mia"] {
        let mut line =
            shop.site.agent_program(who, Scope::Read).await.connect(server).await.unwrap();
        line.request(json!({ "type": "subscribe_desk" })).await;
        lines.push(line);
    }
    let open = |who: &str| format!("/desk/events?tab=all&page={who}&open={}", shop.id);
    let mut bens = shop.ben.person.listen(&open("bens")).await;
    let mut mias = shop.mia.person.listen(&open("mias")).await;
    let before = bens.all_until("synced").await;
    mias.named("synced").await;

    let mut page = shop.vera.listen("0").await;
    page.named("synced").await;
    let mut kits = shop.kit.person.listen(&open("kits")).await;
    kits.named("synced").await;
    shop.vera.say("and now it sings").await.must(StatusCode::OK);
    shop.vera.person.post(&shop.vera.path("/typing"), &[]).await.must(StatusCode::NO_CONTENT);
    shop.kit.reply(shop.id, "let it").await.must(StatusCode::OK);
    shop.kit.write(shop.id, "note", "a whisper").await.must(StatusCode::OK);
    shop.act("kit", "priority", &[("priority", "urgent")]).await;
    shop.act("kit", "transfer", &[("to", "team-1")]).await;
    shop.act("mia", "claim", &[]).await;
    shop.vera.person.post(&shop.vera.path("/read"), &[("seq", "1")]).await;
    let mark = shop.site.visitor("the marker").await;

    let quiet = |text: &str| {
        let words = [
            "sings",
            "whistles",
            "whisper",
            "c-1\"",
            "\"conversation\":1}",
            "typing-1",
            "let it",
            "viewers-1\"",
            "viewing-1\"",
            "at-1\"",
            "is looking",
        ];
        for word in words {
            assert!(!text.contains(word), "{word}: {text}");
        }
    };
    quiet(&format!("{before:?}").replace('\\', ""));
    // What ben's address names is not his to look at, so nobody is told that he does.
    let views = |event: &crate::support::Event| event.data.contains("#viewing-1\"");
    assert!(mias.until(views).await.data.contains("kit is looking too"));
    shop.mia.person.get("/desk/c/1").await.says("kit is looking too").says_not("ben is looking");
    // Mia hears of each.
    let heard = mias.until(|event| event.data.contains("sings")).await;
    assert!(heard.data.contains("c-1"));
    mias.until(|event| event.name == "hint" && event.data.contains("\"conversation\":1")).await;
    mias.until(|event| event.data.contains("typing-1")).await;
    mias.until(|event| event.data.contains("the marker")).await;
    // Who does not see it any more does not look at it, either.
    let told = mias.until_beside(&mut kits, views).await.data;
    assert!(!told.contains("kit is looking"), "{told}");
    loop {
        let event = bens.next().await.unwrap();
        quiet(&format!("{event:?}").replace('\\', ""));
        if event.data.contains("the marker") {
            break;
        }
        assert_ne!(event.name, "notify", "{event:?}");
        assert!(!event.data.contains("n-all"), "nothing was counted: {event:?}");
    }
    let [bens, mias] = &mut lines[..] else { panic!() };
    assert_eq!(mias.until("desk").await["conversation"], shop.id);
    let first = bens.until("desk").await;
    assert!(first["preview"] == "the marker", "{first}");
    drop(mark);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_called_and_nobody_else() {
    let shop = shop().await;
    let (mut mias, mut idas) = (shop.mia.listen("all").await, shop.ida.listen("all").await);
    let mut kits = shop.kit.listen("all").await;
    for desk in [&mut mias, &mut idas, &mut kits] {
        desk.named("synced").await;
    }
    shop.act("kit", "transfer", &[("to", "team-1")]).await;
    let told: Value = serde_json::from_str(&mias.named("notify").await.data).unwrap();
    assert_eq!((&told["kind"], &told["conversation"]), (&json!("queue"), &json!(shop.id)));
    // Kit does not see it any more: her row goes, and what stands open closes.
    let gone = kits.until(|event| event.data.contains("#c-1")).await;
    assert!(gone.data.contains("data-cid='1'") && gone.data.contains("belongs to another team"));
    // Who manages sees it and is not called.
    let row = idas.until(|event| event.name == "notify" || event.data.contains("id=\"c-1\"")).await;
    assert_eq!(row.name, "");
    shop.act("mia", "claim", &[]).await;
    let mark = shop.site.visitor("the marker").await;
    let told = idas.named("notify").await;
    assert!(told.data.contains("the marker"), "{told:?}");
    // Whoever handed it over is led to her list, with and without scripts.
    shop.act("mia", "transfer", &[("to", "team-2")]).await;
    let nonce = Nonce::new();
    let back = [("to", "team-1"), ("nonce", nonce.as_str())];
    let answer = shop.ben.person.hx_post("/desk/c/1/transfer", &back).await.must(StatusCode::OK);
    answer.says("class=\"conv none\"").says("can no longer see");
    // Nor is it done twice where the answer was lost; but nothing else is done.
    shop.ben.person.hx_post("/desk/c/1/transfer", &back).await.must(StatusCode::OK);
    let other = [("to", "team-2"), ("nonce", "another")];
    let refused = shop.ben.person.hx_post("/desk/c/1/transfer", &other).await;
    refused.must(StatusCode::NOT_FOUND);
    let log = shop.mia.person.get("/desk/c/1").await.must(StatusCode::OK);
    assert_eq!(log.body.matches("handed the conversation over to Returns").count(), 3);
    drop(mark);
}

/// Whoever did not hear the answer says it again, and may see the conversation no more by then.
#[tokio::test]
async fn an_answer_that_is_said_again_is_the_one_that_was_sent_wherever_its_conversation_is_by_then()
 {
    let shop = shop().await;
    shop.act("mia", "transfer", &[("to", "team-2")]).await;
    let nonce = Nonce::new();
    let said = [("nonce", nonce.as_str()), ("kind", "text"), ("body", "On its way")];
    let messages = "/desk/c/1/messages";
    shop.ben.person.post(messages, &said).await.goes_to();
    shop.act("ana", "transfer", &[("to", "team-1")]).await;
    shop.ben.person.get("/desk/c/1").await.must(StatusCode::NOT_FOUND);
    shop.ben.person.post(messages, &said).await.goes_to();
    shop.ben.person.fill(messages, &said, &[("", b"")]).await.goes_to();
    assert_eq!(shop.vera.page().await.body.matches("On its way").count(), 1);
    // Nothing else is said there, nor brought.
    let next = Nonce::new();
    let other = [("nonce", next.as_str()), ("kind", "text"), ("body", "Something else")];
    shop.ben.person.post(messages, &other).await.must(StatusCode::NOT_FOUND);
    let file: [(&str, &[u8]); 1] = [("a.txt", b"a")];
    shop.ben.person.fill(messages, &other, &file).await.must(StatusCode::NOT_FOUND);
    assert_eq!(shop.site.count("attachment").await, 0);
}

/// Ben is called in a note: he sees the conversation from then on, the note says so, and its row comes live.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_called_in_a_note_is_let_in_and_stays_in() {
    let shop = shop().await;
    let mut bens = shop.ben.listen("all").await;
    bens.named("synced").await;
    shop.ben.person.get("/desk/c/1").await.must(StatusCode::NOT_FOUND);
    let note = shop.mia.write(shop.id, "note", "@ben and @kit, look at this").await;
    note.must(StatusCode::OK).says("Can see the conversation from now on: ben<");
    bens.until(|event| event.data.contains("id=\"c-1\"")).await;
    let told = bens.named("notify").await;
    assert!(told.data.contains("\"kind\":\"mention\""), "{told:?}");
    shop.ben.person.get("/desk/c/1").await.must(StatusCode::OK).says("look at this");
    shop.act("mia", "transfer", &[("to", "team-1")]).await;
    shop.ben.person.get("/desk/c/1").await.must(StatusCode::OK);
    // Kit only had it.
    shop.kit.person.get("/desk/c/1").await.must(StatusCode::NOT_FOUND);
    // The visitor hears nothing of it.
    shop.vera.page().await.says_not("from now on");
}

/// The same where his name comes into the note afterwards; whom it called before is not called twice.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_called_by_an_edit_is_let_in_and_told_once() {
    let shop = shop().await;
    let mut bens = shop.ben.listen("all").await;
    bens.named("synced").await;
    let last = async || {
        let page = shop.mia.person.get("/desk/c/1").await;
        page.all("data-seq=\"").iter().filter_map(|seq| seq.parse::<i64>().ok()).max().unwrap()
    };
    let edit = async |seq: i64, body: &str| {
        let nonce = Nonce::new();
        let fields = [("nonce", nonce.as_str()), ("body", body)];
        shop.mia.person.hx_post(&format!("/desk/c/1/m/{seq}/edit"), &fields).await
    };
    shop.mia.write(shop.id, "note", "Look at this").await.must(StatusCode::OK);
    let note = last().await;
    shop.ben.person.get("/desk/c/1").await.must(StatusCode::NOT_FOUND);
    let edited = edit(note, "@ben, look at this").await.must(StatusCode::OK);
    edited.says("<b class=\"at\">@ben</b>").says("Can see the conversation from now on: ben<");
    let told = bens.named("notify").await;
    assert!(told.data.contains("\"kind\":\"mention\""), "{told:?}");
    assert!(told.data.contains("look at this"), "{told:?}");
    shop.ben.person.get("/desk/c/1").await.must(StatusCode::OK).says("look at this");
    // Called already, he hears of the next note and not of another edit.
    edit(note, "@ben, look at that").await.must(StatusCode::OK).says("look at that");
    shop.mia.write(shop.id, "note", "@ben, and this").await.must(StatusCode::OK);
    let told = bens.named("notify").await;
    assert!(told.data.contains("and this"), "{told:?}");
    // An answer to the visitor calls nobody.
    shop.mia.reply(shop.id, "One moment").await.must(StatusCode::OK);
    edit(last().await, "One moment, @ben").await.must(StatusCode::OK).says_not("class=\"at\"");
    // Who is not called any more keeps what he was let into; the note shows his name as a word.
    edit(note, "Look, everybody").await.must(StatusCode::OK).says_not("class=\"at\"");
    shop.ben.person.get("/desk/c/1").await.must(StatusCode::OK).says("Look, everybody");
}

#[tokio::test(flavor = "multi_thread")]
async fn teams_come_and_go_and_every_page_begins_again() {
    let shop = shop().await;
    let mut bens = shop.ben.listen("all").await;
    bens.named("synced").await;
    let (mia, ben) = (shop.number("mia").await, shop.number("ben").await);
    let fields = [("name", "Returns"), ("member", mia.as_str()), ("member", ben.as_str())];
    shop.ana.person.post(&format!("{TEAMS}/1"), &fields).await.goes_to();
    bens.named("reset").await;
    let list = shop.ben.person.get("/desk/c?tab=all").await;
    list.says("whistles");
    // The cursor of a page that was drawn before leads nowhere once she sees otherwise.
    let after = list.all("&amp;after=")[0].clone();
    shop.ana.person.post(&format!("{TEAMS}/1"), &fields[..2]).await.goes_to();
    let path = format!("/desk/events?tab=all&after={after}");
    let events = shop.ben.person.listen(&path).await.next().await.unwrap();
    assert_eq!(events.name, "reset");
    shop.ben.person.get("/desk/c/1").await.must(StatusCode::NOT_FOUND);
    // What a team had that is no more is everybody's.
    shop.ana.person.post(&format!("{TEAMS}/1/remove"), &[]).await.goes_to();
    shop.ben.person.get("/desk/c/1").await.must(StatusCode::OK);
    shop.rob.person.get("/desk/c?tab=all").await.says("whistles");
    // Its name is free again, and the new team is another one.
    shop.ana.person.post(TEAMS, &[("name", "Returns")]).await.goes_to();
    shop.ben.person.get("/desk/c/1").await.must(StatusCode::OK);
}

/// Whoever was away while a conversation was handed over is told when she is back.
#[tokio::test]
async fn a_row_that_was_lost_while_she_was_away_goes_when_she_is_back() {
    let shop = shop().await;
    // It was handed to the team long ago.
    shop.site.change("DELETE FROM revocation").await;
    let page = shop.kit.person.get("/desk/c?tab=all").await;
    page.says("whistles");
    let after = page.all("&amp;after=")[0].clone();
    shop.act("kit", "transfer", &[("to", "team-1")]).await;
    let path = format!("/desk/events?tab=all&after={after}");
    let missed = shop.kit.person.listen(&path).await.all_until("synced").await;
    let gone = "#c-1\" hx-swap=\"delete";
    assert!(missed.iter().any(|event| event.data.contains(gone)), "{missed:?}");
    assert!(missed.iter().all(|event| !event.data.contains("whistles")), "{missed:?}");
    // Ben never saw it, and is not told.
    let page = shop.ben.person.get("/desk/c?tab=all").await;
    let path = format!("/desk/events?tab=all&after={}", page.all("&amp;after=")[0]);
    let missed = shop.ben.person.listen(&path).await.all_until("synced").await;
    assert!(missed.iter().all(|event| !event.data.contains("c-1\"")), "{missed:?}");
}

/// Twenty notes and a transfer at once: what came after the transfer is refused, and nothing else.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_sends_while_a_conversation_is_handed_over_is_heard_before_or_not_at_all() {
    let shop = shop().await;
    let send = async |n: usize| {
        let words = format!("racing {n}");
        shop.kit.reply(shop.id, &words).await.status
    };
    // Whoever is told to come back under load says the same again.
    let hand_over = async {
        let fields = [("to", "team-1"), ("nonce", "over")];
        insist(|| shop.mia.person.post("/desk/c/1/transfer", &fields)).await.status
    };
    let (sent, handed) = tokio::join!(join_all((0..20).map(send)), hand_over);
    assert_eq!(handed, StatusCode::SEE_OTHER);
    let range = conversation::Range::After(0, 500);
    let log = conversation::history(shop.site.app.db.read(), ConversationId(shop.id), range);
    let entries = log.await.unwrap().entries;
    let transferred = |entry: &kefu::event::Entry| {
        matches!(entry.content, Content::Event { what: Happening::TransferredToTeam { .. } })
    };
    let at = entries.iter().rposition(transferred).unwrap();
    let said = |entries: &[kefu::event::Entry]| {
        entries.iter().filter(|entry| entry.words().starts_with("racing")).count()
    };
    let taken = sent.iter().filter(|status| status.is_success()).count();
    // An answer may be committed and its pane be no more hers to see.
    assert!(taken <= said(&entries[..at]), "{sent:?}");
    assert_eq!(said(&entries[at..]), 0);
    let known = [StatusCode::OK, StatusCode::NOT_FOUND, StatusCode::SERVICE_UNAVAILABLE];
    assert!(sent.iter().all(|status| known.contains(status)), "{sent:?}");
    assert_eq!(shop.kit.reply(shop.id, "racing on").await.status, StatusCode::NOT_FOUND);
    shop.mia.reply(shop.id, "mine").await.must(StatusCode::OK);
}

/// A node without a bus hears of it by looking.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn access_that_is_lost_ends_at_every_node_within_two_seconds() {
    let nats = crate::support::nats::Nats::start().await;
    for url in [Some(nats.url()), None] {
        let what = format!("bus {}: a row gone, a stream told to begin anew", url.is_some());
        in_time(Duration::from_secs(2), &what, async || {
            let shop = shop().await;
            let (here, there) =
                (shop.site.node(url.as_deref()).await, shop.site.node(url.as_deref()).await);
            let at =
                |agent: &Agent, node: &Node| Agent { person: agent.person.at(node.door.clone()) };
            if url.is_some() {
                for node in [&here, &there] {
                    while node.app.bus.hearing() != kefu::event::Hearing::Bus {
                        tokio::time::sleep(Duration::from_millis(5)).await;
                    }
                }
            }
            let (kit_there, mia_there) = (at(&shop.kit, &there), at(&shop.mia, &there));
            let (mut kits, mut mias) =
                (kit_there.listen("all").await, mia_there.listen("all").await);
            kits.named("synced").await;
            mias.named("synced").await;
            // Mia hands it over at one node; at the other kit's row goes and the Orders' comes.
            let nonce = Nonce::new();
            let fields = [("to", "team-1"), ("nonce", nonce.as_str())];
            let path = format!("/desk/c/{}/transfer", shop.id);
            at(&shop.mia, &here).person.post(&path, &fields).await.goes_to();
            let began = Instant::now();
            kits.until(|event| event.data.contains("#c-1\" hx-swap=\"delete")).await;
            let row = began.elapsed();
            kit_there.person.get("/desk/c/1").await.must(StatusCode::NOT_FOUND);
            // Mia leaves the team.
            let team = format!("{TEAMS}/1");
            at(&shop.ana, &here).person.post(&team, &[("name", "Returns")]).await.goes_to();
            let began = Instant::now();
            mias.named("reset").await;
            let stream = began.elapsed();
            mia_there.person.get("/desk/c/1").await.must(StatusCode::NOT_FOUND);
            row.max(stream)
        })
        .await;
    }
}

/// A conversation that a program follows, and its desk.
#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_told_that_a_conversation_is_gone_and_nothing_after() {
    let shop = shop().await;
    let server = shop.site.listening().await;
    let mut line =
        shop.site.agent_program("kit", Scope::Write).await.connect(server).await.unwrap();
    line.request(json!({ "type": "subscribe_desk" })).await;
    let live =
        line.request(json!({ "type": "subscribe", "conversation": shop.id, "after": 0 })).await;
    assert_eq!(live["type"], "live");
    shop.act("mia", "transfer", &[("to", "team-1")]).await;
    for _ in 0..2 {
        assert_eq!(line.until("gone").await["conversation"], shop.id);
    }
    shop.mia.reply(shop.id, "behind closed doors").await.must(StatusCode::OK);
    let mark = shop.site.visitor("the marker").await;
    loop {
        let frame = line.hear().await.unwrap();
        assert!(!frame.to_string().contains("behind closed doors"), "{frame}");
        if frame["preview"] == "the marker" {
            break;
        }
    }
    let send = json!({ "type": "send", "conversation": shop.id, "nonce": "late", "body": "x" });
    assert_eq!(line.request(send).await["code"], "not_found");
    // Whoever waits for news over REST is not given any that came too late for her.
    let seen = conversation::history(
        shop.site.app.db.read(),
        ConversationId(shop.id),
        conversation::Range::Latest(1),
    );
    assert!(seen.await.unwrap().shown_to(Side::Agent).next().is_some());
    drop(mark);
}

#[tokio::test]
async fn without_teams_everybody_sees_everything() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let vera = site.vera().await;
    let page = ben.person.get("/desk/c?tab=all").await;
    page.says("Is this thing on?");
    // A cursor as ever: epoch and moment.
    assert_eq!(page.all("&amp;after=")[0].matches(':').count(), 1);
    ana.act(1, "claim").await.must(StatusCode::OK);
    ben.reply(1, "all see it").await.must(StatusCode::OK);
    let fields = [("name", "Returns"), ("member", "1")];
    ana.person.post(TEAMS, &fields).await.goes_to();
    ben.person.get("/desk/c/1").await.must(StatusCode::OK).says("all see it");
    drop(vera);
}
