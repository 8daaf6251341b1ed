//! The contact beside a conversation: what agents know and change of the person they speak with.
use crate::support::{
    Agent, Answer, Installation, Visitor, installation,
    program::{Program, value},
};
use futures_util::future::join_all;
use jiff::SignedDuration;
use kefu::{
    agent::{Role, Scope},
    audit, contact,
    ids::Nonce,
};
use poem::http::{Method, StatusCode};
use serde_json::json;

/// Strings that would be something else than text where they are not written as text.
const HOSTILE: [&str; 8] = [
    "<img src=x onerror=alert(1)>",
    "\" autofocus onfocus=alert(1) x=\"",
    "</textarea><script>alert(1)</script>",
    "<div hx-get=\"/logout\" hx-trigger=\"load\">",
    "{{7*7}}",
    "'; DROP TABLE contact; --",
    "\u{202e}txt.exe",
    "&lt;b&gt;",
];

impl Agent {
    async fn side(&self, id: i64) -> Answer {
        self.person.get(&format!("/desk/c/{id}/side")).await.must(StatusCode::OK)
    }

    async fn edit(&self, id: i64, what: &str, fields: &[(&str, &str)]) -> Answer {
        let nonce = Nonce::new();
        let fields = [&[("nonce", nonce.as_str())], fields].concat();
        self.person.hx_post(&format!("/desk/c/{id}/side/{what}"), &fields).await
    }

    async fn set(&self, id: i64, field: &str, value: &str) -> Answer {
        self.edit(id, "fields", &[("field", field), ("value", value)]).await
    }

    async fn merge(&self, id: i64, with: i64) -> Answer {
        let with = with.to_string();
        self.person.post(&format!("/desk/c/{id}/side/merge"), &[("with", &with)]).await
    }
}

/// What was done to contacts and what is asked of them.
async fn deeds(site: &Installation) -> Vec<String> {
    let records = audit::page(&site.app.db, None, 50).await.unwrap();
    let ours = |record: &audit::Record| {
        ["contact-", "attribute-"].iter().any(|noun| record.action.starts_with(noun))
    };
    records
        .into_iter()
        .filter(ours)
        .map(|record| format!("{} {}", record.action, record.subject))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_an_agent_learns_stands_everywhere_at_once() {
    let site = installation().await;
    let (vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    let mut desk = ben.listen("queue").await;
    desk.named("synced").await;
    ana.side(1).await.says("Visitor #1").says("Not known");
    let section = ana.set(1, "name", "陈女士").await.must(StatusCode::OK);
    section.says("id=\"side-identity\"").says("陈女士").says_not("<html");
    desk.until(|event| event.data.contains("陈女士") && event.data.contains("id=\"c-1\"")).await;
    for path in ["/desk/c?tab=queue", "/desk/c/1", "/desk/c/1/messages?after=1"] {
        ben.person.get(path).await.must(StatusCode::OK).says("陈女士");
    }
    // In the log, too, but not before the visitor's eyes.
    ben.person.get("/desk/c/1").await.says("class=\"w\">陈女士</span>");
    vera.page().await.says_not("陈女士");
    vera.say("again").await.must(StatusCode::OK);
    let heard = desk.until(|event| event.data.contains("again")).await;
    assert!(heard.data.contains("陈女士"), "{}", heard.data);
    // A plain form leads back to the page, and an empty name takes it away.
    let fields = [("field", "name"), ("value", " ")];
    assert_eq!(ana.person.post("/desk/c/1/side/fields", &fields).await.goes_to(), "/desk/c/1/side");
    ana.side(1).await.says("Visitor #1").says_not("陈女士");
}

#[tokio::test]
async fn what_does_not_fit_is_shown_where_it_was_typed() {
    let site = installation().await;
    let (_vera, ana) = (site.vera().await, site.ana().await);
    let long = "x".repeat(61);
    for (field, good, bad, words) in [
        ("name", "Vera", long.as_str(), "at most 60"),
        ("phone", "+86 138-1234-8871", "call me", "digits, spaces"),
        ("email", "vera@shop.example", "vera@", "valid e-mail"),
    ] {
        ana.set(1, field, good).await.must(StatusCode::OK).says(good);
        let fields = [("field", field), ("value", bad)];
        for refused in
            [ana.set(1, field, bad).await, ana.person.post("/desk/c/1/side/fields", &fields).await]
        {
            let refused = refused.must(StatusCode::UNPROCESSABLE_ENTITY);
            refused.says(words).says(&format!("value=\"{bad}\""));
        }
        ana.side(1).await.says(good).says_not(&format!("\"{bad}\""));
    }
    for field in ["", "blocked_at", "a", "a1", "a-1", "a99999999999999999999"] {
        ana.set(1, field, "x").await.must(StatusCode::NOT_FOUND);
    }
    for id in ["0", "2", "x"] {
        ana.person.get(&format!("/desk/c/{id}/side")).await.must(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn who_may_only_read_sees_a_masked_phone_and_no_forms() {
    let site = installation().await;
    let (_vera, ben) = (site.vera().await, site.ben().await);
    let rob = site.agent("rob", Role::ReadOnly).await;
    ben.set(1, "phone", "13812348871").await.must(StatusCode::OK).says("13812348871");
    rob.side(1).await.says("138****8871").says_not("13812348871");
    ben.person.get("/desk/c/1").await.says("class=\"menu-of\"");
    rob.person.get("/desk/c/1").await.says("class=\"m\"").says_not("class=\"menu-of\"");
    rob.side(1).await.says_not("action=\"/desk/c/1/side").says_not("action=\"/desk/contacts");
    rob.set(1, "phone", "1").await.must(StatusCode::FORBIDDEN);
    let program = site.agent_program("rob", Scope::Write).await;
    assert_eq!(value(&program.get("/contacts/1").await)["phone"], "138****8871");
}

#[tokio::test]
async fn who_sees_a_masked_phone_cannot_find_out_by_searching_what_is_under_the_mask() {
    let site = installation().await;
    let (_vera, ben) = (site.vera().await, site.ben().await);
    let rob = site.agent("rob", Role::ReadOnly).await;
    ben.set(1, "phone", "13812348871").await.must(StatusCode::OK);
    ben.set(1, "email", "vera@example.com").await.must(StatusCode::OK);
    // However it was written, it is found in one, and by its end.
    for written in ["138 1234 8871", "+86 138-1234-8871"] {
        ben.set(1, "phone", written).await.must(StatusCode::OK);
        for part in ["8871", "1234"] {
            ben.person.get(&format!("/desk/search?q={part}")).await.says("/desk/c/1?tab=all");
        }
    }
    ben.set(1, "phone", "138 1234 8871").await.must(StatusCode::OK);
    ben.person.get("/desk/search?q=13812348871").await.says("/desk/c/1?tab=all");
    ben.set(1, "phone", "13812348871").await.must(StatusCode::OK);
    let (bens, robs) = (
        site.agent_program("ben", Scope::Read).await,
        site.agent_program("rob", Scope::Read).await,
    );
    // An address is masked for nobody.
    for (guess, found) in [("13812348871", false), ("8871", false), ("vera@example.com", true)] {
        let found_by = async |agent: &Agent, program: &Program| {
            let [page, palette] =
                ["search", "palette"].map(|page| format!("/desk/{page}?q={guess}"));
            let [page, palette] = [agent.person.get(&page).await, agent.person.get(&palette).await];
            [
                page.body.contains("href=\"/desk/c/1?tab=all\""),
                palette.body.contains("data-go=\"/desk/c/1?tab=all\""),
                value(&program.get(&format!("/search?q={guess}")).await)["contacts"][0]["id"] == 1,
            ]
        };
        assert_eq!(found_by(&ben, &bens).await, [true; 3], "{guess}");
        assert_eq!(found_by(&rob, &robs).await, [found; 3], "{guess}");
    }
}

#[tokio::test]
async fn people_found_by_phone_or_address_are_shown_which_and_under_a_mask_nothing_is() {
    let site = installation().await;
    let (_vera, ben) = (site.vera().await, site.ben().await);
    let search_for = async |agent: &Agent, question: &str| {
        let question: String = url::form_urlencoded::byte_serialize(question.as_bytes()).collect();
        agent.person.get(&format!("/desk/search?q={question}")).await.must(StatusCode::OK)
    };
    let rob = site.agent("rob", Role::ReadOnly).await;
    for (field, value) in
        [("name", "Vera <8871>"), ("phone", "+86 138-1234 9902"), ("email", "vera@shop.example")]
    {
        ben.set(1, field, value).await.must(StatusCode::OK);
    }
    for (question, marked) in [
        ("9902", "+86 138-1234 <mark>9902</mark>"),
        ("138-1234", "+86 <mark>138-1234</mark> 9902"),
        ("8613812349902", "+<mark>86 138-1234 9902</mark>"),
        ("vera 9902", "<mark>Vera</mark> &#60;8871&#62;"),
        ("vera 9902", "+86 138-1234 <mark>9902</mark>"),
        ("VERA@shop.example", "<mark>vera@shop.example</mark>"),
        ("shop.example", "vera@<mark>shop.example</mark>"),
        ("9902 @ shop", "vera@<mark>shop</mark>.example"),
    ] {
        search_for(&ben, question).await.says(marked);
    }
    // By a name nothing else is said of her.
    search_for(&ben, "8871").await.says("&#60;<mark>8871</mark>&#62;").says_not("138-1234");
    // Who sees the phone masked finds her by all the rest, and is shown no digit of it, whatever they ask.
    search_for(&rob, "shop.example").await.says("vera@<mark>shop.example</mark>");
    for question in ["vera", "8871", "shop.example", "vera@shop.example", "9902", "138", "86"] {
        let page = search_for(&rob, question).await;
        let found = page.body.split("class=\"finds\"").nth(1).unwrap_or_default();
        for digits in ["9902", "1234", "138", "****"] {
            assert!(!found.contains(digits), "{question}: {found}");
        }
    }
    search_for(&rob, "vera 9902").await.says("Nothing matches");
}

#[tokio::test]
async fn what_is_kept_for_years_says_of_which_it_is() {
    let site = installation().await;
    let (_vera, ana) = (site.vera().await, site.ana().await);
    ana.edit(1, "notes", &[("body", "likes tea")]).await.must(StatusCode::OK);
    ana.edit(1, "block", &[("reason", "spam")]).await.must(StatusCode::OK);
    ana.side(1).await.says_not(" 2021");
    // 2021-03-04 05:06 in Shanghai.
    let at = 1_614_805_560_000_000_i64;
    site.change(&format!("UPDATE contact_note SET at = {at}")).await;
    site.change(&format!("UPDATE contact SET blocked_at = {at}")).await;
    let side = ana.side(1).await;
    assert_eq!(side.body.matches("4 March 2021 05:06").count(), 2, "{}", side.body);
    ana.person.get("/desk/settings/blocked").await.says(">2021-03-04 05:06</time>");
}

#[tokio::test]
async fn tags_are_free_words_each_once_and_at_most_twenty() {
    let site = installation().await;
    let (_vera, _walt, ana) = (site.vera().await, site.walt().await, site.ana().await);
    for n in 0..20 {
        ana.edit(1, "tags", &[("value", &format!("tag {n}"))]).await.must(StatusCode::OK);
    }
    ana.edit(1, "tags", &[("value", "tag 3")]).await.must(StatusCode::OK);
    let refused = ana.edit(1, "tags", &[("value", "one more")]).await;
    refused.must(StatusCode::UNPROCESSABLE_ENTITY).says("at most 20").says("value=\"one more\"");
    let long = "x".repeat(31);
    for bad in ["", " ", "a\nb", long.as_str()] {
        let refused = ana.edit(2, "tags", &[("value", bad)]).await;
        refused.must(StatusCode::UNPROCESSABLE_ENTITY).says("1–30");
    }
    // What others were marked with is suggested, what is there is not.
    ana.side(2).await.says("<option value=\"tag 3\">");
    ana.side(1).await.says_not("<option value=\"tag 3\">");
    ana.edit(1, "tags/remove", &[("value", "tag 3")]).await.must(StatusCode::OK).says_not("tag 3<");
    ana.edit(1, "tags", &[("value", "one more")]).await.must(StatusCode::OK).says("one more");
}

#[tokio::test]
async fn a_note_is_removed_by_its_author_or_by_whoever_manages() {
    let site = installation().await;
    let (_vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    let cem = site.agent("cem", Role::Agent).await;
    for body in ["first\nof two lines", "second", "third"] {
        ben.edit(1, "notes", &[("body", body)]).await.must(StatusCode::OK).says(body);
    }
    let page = cem.side(1).await;
    page.says_not("name=\"note\"");
    assert!(page.body.find("third").unwrap() < page.body.find("second").unwrap());
    cem.edit(1, "notes/remove", &[("note", "1")]).await.must(StatusCode::FORBIDDEN);
    ben.edit(1, "notes/remove", &[("note", "1")]).await.must(StatusCode::OK).says_not("first");
    ana.edit(1, "notes/remove", &[("note", "2")]).await.must(StatusCode::OK).says_not("second");
    // Through the conversation of another contact there is no such note.
    let _walt = site.walt().await;
    ana.edit(2, "notes/remove", &[("note", "3")]).await.must(StatusCode::NOT_FOUND);
    let refused = ana.edit(1, "notes", &[("body", " ")]).await;
    refused.must(StatusCode::UNPROCESSABLE_ENTITY).says("1–2,000");
}

/// Somebody who opens the chat on a page, with a browser.
async fn come_from(site: &Installation, page: &str, device: &str) -> String {
    let person = site.stranger();
    let start = person.ask(Method::GET, "/w/demo", &[("referer", page)], "").await;
    let shown = start.all("name=\"page\" value=\"").first().cloned().unwrap_or_default();
    let body = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("visitor", &start.field("visitor"))
        .append_pair("nonce", &start.field("nonce"))
        .append_pair("body", "hello")
        .append_pair("page", &shown)
        .finish();
    let headers = [("sec-fetch-site", "same-origin"), ("user-agent", device)];
    person.ask(Method::POST, "/w/demo/start", &headers, &body).await.goes_to();
    shown
}

#[tokio::test]
async fn where_a_visitor_came_from_is_known_for_a_day() {
    let site = installation().await;
    let ana = site.ana().await;
    let page = "https://shop.example/tea?cup=%22big%22";
    let edge = "Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0";
    assert_eq!(come_from(&site, page, edge).await, page);
    ana.side(1).await.says("Edge · Windows").says("English").says("shop.example/tea");
    for none in ["javascript:alert(1)", "http://127.0.0.1:3000/w/demo?lang=en", "", "garbage"] {
        assert_eq!(come_from(&site, none, "").await, "");
    }
    ana.side(2).await.says_not("Pages visited").says_not("Device");
    let now = site.app.db.now().await.unwrap();
    let day = SignedDuration::from_hours(24);
    assert_eq!(contact::forget_pages(&site.app.db, now - day).await.unwrap(), 0);
    assert_eq!(contact::forget_pages(&site.app.db, now + day).await.unwrap(), 1);
    ana.side(1).await.says_not("shop.example/tea");
}

#[tokio::test]
async fn past_conversations_are_links_and_go_on() {
    let site = installation().await;
    let ana = site.ana().await;
    let vera = site.vera().await;
    for n in 2..=13 {
        ana.act(n - 1, "close").await.must(StatusCode::OK);
        let page = vera.person.get("/w/demo").await;
        let (token, nonce) = (page.field("visitor"), Nonce::new());
        let fields = [("visitor", token.as_str()), ("nonce", nonce.as_str()), ("body", "again")];
        vera.person.post("/w/demo/start", &fields).await.goes_to();
    }
    let page = ana.side(13).await;
    page.says("href=\"/desk/c/12?tab=all\"")
        .says("href=\"/desk/c/4?tab=all\"")
        .says_not("href=\"/desk/c/3?tab=all\"");
    page.says("side?before=4");
    let older =
        ana.person.ask(Method::GET, "/desk/c/13/side?before=4", &[("hx-request", "true")], "");
    let older = older.await.must(StatusCode::OK);
    older
        .says("href=\"/desk/c/3?tab=all\"")
        .says("href=\"/desk/c/1?tab=all\"")
        .says_not("Older")
        .says_not("<html");
    assert_eq!(ana.person.get("/desk/contacts/1").await.goes_to(), "/desk/c/13?tab=all");
    ana.person.get("/desk/contacts/2").await.must(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn what_becomes_of_a_contact_is_told_to_whoever_has_them_open() {
    let site = installation().await;
    let (vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    let id = ana.newest("queue").await;
    let walt = site.walt().await;
    let other = ana.newest("queue").await;
    let open = async |page: &str, id: i64| {
        let mut stream =
            ben.person.listen(&format!("/desk/events?tab=all&page={page}&open={id}")).await;
        stream.named("synced").await;
        stream
    };
    let (mut hers, mut his) = (open("hers", id).await, open("his", other).await);
    let told = json!({ "conversation": id }).to_string();

    ana.set(id, "name", "Vera").await.must(StatusCode::OK);
    assert_eq!(hers.named("contact").await.data, told);
    ana.set(id, "email", "vera@shop.example").await.must(StatusCode::OK);
    assert_eq!(hers.named("contact").await.data, told);
    for (what, value) in [("tags", "VIP"), ("tags/remove", "VIP")] {
        ana.edit(id, what, &[("value", value)]).await.must(StatusCode::OK);
        assert_eq!(hers.named("contact").await.data, told, "{what}");
    }
    ana.edit(id, "notes", &[("body", "Likes tea")]).await.must(StatusCode::OK);
    assert_eq!(hers.named("contact").await.data, told);
    let note = ana.side(id).await.field("note");
    ana.edit(id, "notes/remove", &[("note", &note)]).await.must(StatusCode::OK);
    assert_eq!(hers.named("contact").await.data, told);
    for what in ["block", "unblock"] {
        ana.edit(id, what, &[("reason", "spam")]).await.must(StatusCode::OK);
        assert_eq!(hers.named("contact").await.data, told, "{what}");
    }
    let pages = json!([{ "ago": 0, "url": "https://shop.example/tea", "title": "Tea" }]);
    let seen = vera.person.post(&vera.path("/pages"), &[("pages", &pages.to_string())]).await;
    seen.must(StatusCode::NO_CONTENT);
    assert_eq!(hers.named("contact").await.data, told);
    ana.side(id).await.says("shop.example/tea");

    // Nothing of that was of the other one; what is of both comes to both.
    walt.say("And I?").await.must(StatusCode::OK);
    let passed = his.until(|event| event.data.contains("And I?") || event.name == "contact").await;
    assert_ne!(passed.name, "contact");
    ana.merge(id, 2).await.must(StatusCode::SEE_OTHER);
    assert_eq!(hers.named("contact").await.data, told);
    assert_eq!(his.named("contact").await.data, json!({ "conversation": other }).to_string());
    // Now they are one.
    ana.set(id, "name", "Vera & Walt").await.must(StatusCode::OK);
    hers.named("contact").await;
    his.named("contact").await;
}

#[tokio::test]
async fn a_company_says_what_it_wants_to_know() {
    let site = installation().await;
    let (_vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    let path = "/desk/settings/attributes";
    let level = [
        ("key", "level"),
        ("kind", "choice"),
        ("label_zh", "等级"),
        ("label_en", "Level"),
        ("choices", "gold\r\nsilver\r\n"),
        ("place", "2"),
    ];
    ben.person.post(path, &level).await.must(StatusCode::FORBIDDEN);
    ana.person.post(path, &level).await.goes_to();
    let born = [
        ("key", "born"),
        ("kind", "date"),
        ("label_zh", "生日"),
        ("label_en", "Birthday"),
        ("place", "1"),
    ];
    ana.person.post(path, &born).await.goes_to();
    for (key, kind, label, words) in [
        ("level", "text", "x", "already"),
        ("Level!", "text", "x", "A key has"),
        ("x", "choice", "x", "1–50 choices"),
        ("x", "text", " ", "1–60"),
    ] {
        let fields = [("key", key), ("kind", kind), ("label_zh", "标签"), ("label_en", label)];
        let refused = ana.person.post(path, &fields).await.must(StatusCode::UNPROCESSABLE_ENTITY);
        refused.says(words).says("value=\"标签\"");
    }
    let page = ben.side(1).await;
    assert!(page.body.find("Birthday").unwrap() < page.body.find("Level").unwrap());
    ben.set(1, "a1", "gold").await.must(StatusCode::OK).says("<option selected>gold");
    ben.set(1, "a1", "bronze").await.must(StatusCode::UNPROCESSABLE_ENTITY).says("one of the list");
    ben.set(1, "a2", "2001-02-29").await.must(StatusCode::UNPROCESSABLE_ENTITY);
    ben.set(1, "a2", "2001-02-28").await.must(StatusCode::OK).says("2001-02-28");
    let change =
        [("label_zh", "会员等级"), ("label_en", "Rank"), ("choices", "gold"), ("place", "0")];
    ana.person.post(&format!("{path}/1"), &change).await.goes_to();
    ben.side(1).await.says("Rank").says_not("silver").says("gold");
    // Whoever removes one with all that is known by it is asked first.
    let remove =
        format!("</summary>\n<form method=\"post\" action=\"{path}/1/remove\"><p>Its values");
    ana.person
        .get(path)
        .await
        .says(&format!("<details class=\"sure\"><summary class=\"btn btn-d\">Remove{remove}"));
    ana.person.post(&format!("{path}/1/remove"), &[]).await.goes_to();
    ben.side(1).await.says_not("Rank").says("2001-02-28");
    ana.person.post(&format!("{path}/1/remove"), &[]).await.must(StatusCode::NOT_FOUND);
    let log = ana.person.get("/desk/settings/audit").await;
    log.says("details of \u{2068}Customer #1\u{2069}")
        .says("<bdi>Birthday</bdi>")
        .says("<bdi>level</bdi>");
    log.says("<bdi>Choice</bdi>");
    let told = deeds(&site).await;
    assert_eq!(
        told,
        [
            "attribute-removed level",
            "attribute-changed level",
            "contact-changed #1",
            "contact-changed #1",
            "attribute-added born",
            "attribute-added level"
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn two_contacts_become_one_and_both_browsers_go_on() {
    let site = installation().await;
    let ana = site.ana().await;
    let (vera, walt) = (site.vera().await, site.walt().await);
    ana.set(1, "name", "Vera").await.must(StatusCode::OK);
    ana.set(2, "name", "Walt").await.must(StatusCode::OK);
    ana.set(2, "phone", "13812348871").await.must(StatusCode::OK);
    ana.edit(2, "notes", &[("body", "likes tea")]).await.must(StatusCode::OK);
    for (id, tag) in [(1, "vip"), (2, "vip"), (2, "late")] {
        ana.edit(id, "tags", &[("value", tag)]).await.must(StatusCode::OK);
    }
    walt.say_as("once", "said before").await.must(StatusCode::OK);
    let mut stream = walt.listen("0").await;
    stream.named("synced").await;
    let server = site.listening().await;
    let program = site.holder(&walt.person.cookies()["kefu-v"]);
    let mut line = program.connect(server).await.unwrap();
    line.until("hello").await;

    // Found by name, number and phone.
    for words in ["Walt", "wal", "2", "%232", "13812348871", "8871"] {
        let found = ana.person.get(&format!("/desk/c/1/side/merge?q={words}")).await;
        found.must(StatusCode::OK).says("merge?with=2").says_not("merge?with=1");
    }
    ana.person.get("/desk/c/1/side/merge?q=nobody").await.says("Nobody matches");
    let page = ana.person.get("/desk/c/1/side/merge?with=2").await.must(StatusCode::OK);
    page.says("cannot be undone").says("<del>Walt</del>").says("13812348871");
    assert_eq!(ana.merge(1, 2).await.goes_to(), "/desk/c/1");

    let side = ana.side(2).await;
    side.says("Vera")
        .says("13812348871")
        .says("likes tea")
        .says("late")
        .says("href=\"/desk/c/1?tab=all\"");
    assert_eq!(side.body.matches("name=\"value\" value=\"vip\"").count(), 1);
    ana.person.get("/desk/c?tab=all").await.says_not("Walt");
    // Who had the page open hears and is heard, and a repeat is still the same send.
    ana.reply(2, "to Walt").await.must(StatusCode::OK);
    stream.until(|event| event.data.contains("to Walt")).await;
    walt.say_as("once", "said before").await.must(StatusCode::OK);
    walt.say("after").await.must(StatusCode::OK);
    let frame =
        json!({ "type": "send", "conversation": walt.cid, "nonce": "l", "body": "by socket" });
    assert_eq!(line.request(frame).await["type"], "ok");
    let page = walt.page().await;
    assert_eq!(page.all("id=\"m-").len(), 5, "{}", page.body);
    vera.say("me too").await.must(StatusCode::OK);
    // Two open conversations stay two.
    assert_eq!(vera.person.get(&walt.path("")).await.status, StatusCode::OK);
    assert_eq!(ana.merge(1, 2).await.status, StatusCode::CONFLICT);
    assert_eq!(ana.merge(1, 1).await.status, StatusCode::CONFLICT);
    assert_eq!(deeds(&site).await[0], "contact-merged Vera #1");
    site.employ("cem", Role::Agent).await;
    let program = site.agent_program("cem", Scope::Read).await;
    assert_eq!(value(&program.get("/contacts/2").await)["id"], 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_arrive_during_a_merge_are_kept_each_once() {
    let site = installation().await;
    let ana = site.ana().await;
    let (_vera, walt) = (site.vera().await, site.walt().await);
    let says = (0..24).map(|n| {
        let walt: Visitor = walt.clone();
        async move {
            let body = format!("message {n}");
            let nonce = format!("n{n}");
            walt.say_as(&nonce, &body).await.must(StatusCode::OK);
            // The answer was lost: the same send again.
            walt.say_as(&nonce, &body).await.must(StatusCode::OK);
        }
    });
    let merge = async { assert_eq!(ana.merge(1, 2).await.goes_to(), "/desk/c/1") };
    futures_util::join!(join_all(says), merge);
    let page = walt.page().await;
    assert_eq!(page.all("id=\"m-").len(), 25);
    for n in 0..24 {
        assert_eq!(page.body.matches(&format!(">message {n}<")).count(), 1, "{n}");
    }
    // Both conversations have one owner, and nobody else has any.
    let head = ana.side(2).await;
    head.says("href=\"/desk/c/1?tab=all\"");
}

#[tokio::test(flavor = "multi_thread")]
async fn merges_of_the_same_people_both_ways_leave_one() {
    let site = installation().await;
    let ana = site.ana().await;
    let (vera, walt) = (site.vera().await, site.walt().await);
    let merges = (0..8).map(|n| {
        let ana = ana.clone();
        async move { if n % 2 == 0 { ana.merge(1, 2).await } else { ana.merge(2, 1).await } }
    });
    let outcomes = join_all(merges).await;
    let done = outcomes.iter().filter(|answer| answer.status == StatusCode::SEE_OTHER).count();
    assert_eq!(done, 1, "{outcomes:?}");
    for visitor in [&vera, &walt] {
        visitor.say("still here").await.must(StatusCode::OK);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_is_blocked_is_refused_everywhere_and_heard_again_afterwards() {
    let site = installation().await;
    let (vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    let program = site.holder(&vera.person.cookies()["kefu-v"]);
    let mut line = program.connect(site.listening().await).await.unwrap();
    line.until("hello").await;
    let mut desk = ben.listen("all").await;
    desk.named("synced").await;
    vera.say_as("once", "before").await.must(StatusCode::OK);
    desk.until(|event| event.data.contains("before")).await;
    desk.named("hint").await;

    let refused = ben.edit(1, "block", &[("reason", " ")]).await;
    refused.must(StatusCode::UNPROCESSABLE_ENTITY).says("1–200");
    ben.edit(1, "block", &[("reason", "<b>spam</b>")])
        .await
        .must(StatusCode::OK)
        .says("&#60;b&#62;spam");
    desk.named("hint").await;
    ana.person.get("/desk/c/1").await.says("chip bad");
    ana.edit(1, "block", &[("reason", "again")]).await.must(StatusCode::CONFLICT);

    let words = "could not be sent";
    vera.say("hello?").await.must(StatusCode::FORBIDDEN).says(words);
    let plain = [("nonce", "plain"), ("body", "what I typed")];
    let page = vera.person.post(&vera.path("/messages"), &plain).await.must(StatusCode::FORBIDDEN);
    page.says(words).says("what I typed");
    // What was acknowledged before stays so.
    vera.say_as("once", "before").await.must(StatusCode::OK);
    let message = json!({ "nonce": "api", "body": "x" });
    let path = format!("/conversations/{}/entries", vera.cid);
    program.post(&path, &message).await.must(StatusCode::FORBIDDEN);
    let frame = json!({ "type": "send", "conversation": vera.cid, "nonce": "ws", "body": "x" });
    assert_eq!(line.request(frame).await["code"], "forbidden");
    ana.act(1, "close").await.must(StatusCode::OK);
    let page = vera.person.get("/w/demo").await;
    let fields = [
        ("visitor", page.field("visitor")),
        ("nonce", "start".into()),
        ("body", "typed again".into()),
    ];
    let fields: Vec<_> =
        fields.iter().map(|(name, value): &(&str, String)| (*name, value.as_str())).collect();
    let page = vera.person.post("/w/demo/start", &fields).await.must(StatusCode::FORBIDDEN);
    page.says(words).says("typed again");
    let new = json!({ "site": "demo", "nonce": "s", "body": "x" });
    program.post("/conversations", &new).await.must(StatusCode::FORBIDDEN);
    let frame = json!({ "type": "start", "site": "demo", "nonce": "t", "body": "x" });
    assert_eq!(line.request(frame).await["code"], "forbidden");

    let rob = site.agent("rob", Role::ReadOnly).await;
    let list = rob.person.get("/desk/settings/blocked").await.must(StatusCode::OK);
    list.says("&#60;b&#62;spam").says("ben").says_not("name=\"contact\"");
    rob.person
        .post("/desk/settings/blocked/lift", &[("contact", "1")])
        .await
        .must(StatusCode::FORBIDDEN);
    let long = "x".repeat(201);
    for reason in ["a\0b", &long] {
        let fields = [("contact", "1"), ("reason", reason)];
        let refused = ana.person.post("/desk/settings/blocked/lift", &fields).await;
        refused.must(StatusCode::UNPROCESSABLE_ENTITY).says("1–200");
        let refused = ana.edit(1, "unblock", &[("reason", reason)]).await;
        refused.must(StatusCode::UNPROCESSABLE_ENTITY).says("1–200").says("chip bad");
    }
    let fields = [("contact", "1"), ("reason", "<i>a mistake")];
    ana.person.post("/desk/settings/blocked/lift", &fields).await.goes_to();
    ana.person.get("/desk/settings/blocked").await.says("Nobody is blocked");
    ana.person.get("/desk/c/1").await.says_not("chip bad");
    vera.say("thank you").await.must(StatusCode::OK);
    assert_eq!(deeds(&site).await, ["contact-unblocked #1", "contact-blocked #1"]);
    let log = ana.person.get("/desk/settings/audit").await.must(StatusCode::OK);
    log.says("&#60;i&#62;a mistake").says_not("<i>a mistake").says("&#60;b&#62;spam");
    // Nor need there be a reason, beside the conversation either.
    ben.edit(1, "block", &[("reason", "again")]).await.must(StatusCode::OK);
    ana.edit(1, "unblock", &[("reason", " ")]).await.must(StatusCode::OK).says_not("chip bad");
}

#[tokio::test]
async fn programs_read_and_change_what_is_known() {
    let site = installation().await;
    let (_vera, ana) = (site.vera().await, site.ana().await);
    let fields =
        [("key", "level"), ("kind", "number"), ("label_zh", "等级"), ("label_en", "Level")];
    ana.person.post("/desk/settings/attributes", &fields).await.goes_to();
    let program = site.agent_program("ana", Scope::Write).await;
    let change = json!({ "name": "Vera", "email": "Vera@Shop.Example", "attributes": [{ "key": "level", "value": "7" }] });
    let known = value(&program.post("/contacts/1", &change).await.must(StatusCode::OK));
    assert_eq!(
        known,
        json!({ "id": 1, "name": "Vera", "phone": "", "email": "vera@shop.example", "language": "en",
            "attributes": [{ "key": "level", "value": "7" }], "tags": [], "identities": [], "blocked": false })
    );
    for (change, field) in [
        (json!({ "phone": "x" }), "phone"),
        (json!({ "name": "x".repeat(61) }), "name"),
        (json!({ "attributes": [{ "key": "level", "value": "x" }] }), "attributes"),
        (json!({ "attributes": [{ "key": "none", "value": "x" }] }), "attributes"),
    ] {
        let refused = program.post("/contacts/1", &change).await;
        let refused = value(&refused.must(StatusCode::UNPROCESSABLE_ENTITY));
        assert_eq!(refused["error"]["field"], field);
    }
    // Nothing of what is refused is done, and what is left out stays.
    let change = json!({ "name": "", "phone": "x" });
    program.post("/contacts/1", &change).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    program.post("/contacts/1", &json!({})).await.must(StatusCode::OK);
    assert_eq!(value(&program.get("/contacts/1").await)["name"], "Vera");
    program.get("/contacts/99").await.must(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn hostile_words_stay_words_in_every_field_and_view() {
    let site = installation().await;
    let ana = site.ana().await;
    let (_vera, _walt) = (site.vera().await, site.walt().await);
    for (n, text) in HOSTILE.iter().enumerate() {
        let short: String = text.chars().take(30).collect();
        let key = format!("key{n}");
        let fields = [
            ("key", key.as_str()),
            ("kind", "choice"),
            ("label_zh", text),
            ("label_en", text),
            ("choices", text),
        ];
        ana.person.post("/desk/settings/attributes", &fields).await.goes_to();
        ana.set(1, "name", text).await.must(StatusCode::OK);
        ana.set(1, "email", text).await.must(StatusCode::UNPROCESSABLE_ENTITY);
        ana.set(1, &format!("a{}", n + 1), text).await.must(StatusCode::OK);
        ana.edit(1, "tags", &[("value", &short)]).await.must(StatusCode::OK);
        ana.edit(1, "notes", &[("body", text)]).await.must(StatusCode::OK);
        let query: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        ana.edit(1, "block", &[("reason", text)]).await.must(StatusCode::OK);
        for path in [
            "/desk/c/1/side".to_owned(),
            "/desk/c/1".into(),
            "/desk/c?tab=queue".into(),
            "/desk/settings/attributes".into(),
            "/desk/settings/blocked".into(),
            format!("/desk/c/2/side/merge?q={query}"),
            "/desk/c/2/side/merge?with=1".into(),
        ] {
            let page = ana.person.get(&path).await.must(StatusCode::OK);
            for mark in
                ["<img src=x", "<script>alert", "\" autofocus onfocus", "<div hx-get=\"/logout"]
            {
                page.says_not(mark);
            }
        }
        ana.edit(1, "unblock", &[]).await.must(StatusCode::OK);
    }
    ana.side(1).await.says("&#60;img src=x").says("{{7*7}}");
}
