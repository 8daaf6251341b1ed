//! What was changed here, and by whom.
use crate::{
    attachment::png,
    authorization::PAGES,
    support::{Agent, Answer, Installation, installation, limited_installation},
};
use jiff::SignedDuration;
use kefu::{
    agent::Role,
    audit::{self, Deed, Doer},
    ids::Nonce,
    setup,
    site::{self, NewSite, SiteName},
};
use poem::http::{Method, StatusCode};
use std::collections::BTreeSet;

const AUDIT: &str = "/desk/settings/audit";
const PASSWORD: &str = "correct horse battery staple";

/// Who did what, to whom, the newest first.
async fn deeds(site: &Installation) -> Vec<(String, String, String)> {
    let deeds = audit::page(&site.app.db, None, 100).await.unwrap();
    deeds.into_iter().map(|deed| (deed.name, deed.action, deed.subject)).collect()
}

fn said(name: &str, action: &str, subject: &str) -> (String, String, String) {
    (name.into(), action.into(), subject.into())
}

#[tokio::test]
async fn whatever_an_agent_does_with_her_account_is_remembered() {
    let site = installation().await;
    site.employ("ana", Role::Owner).await;
    let ana = Agent::sign_in(site.stranger(), "ana").await;
    let wrong = [("email", "ana@shop.example"), ("password", "not the right one at all")];
    site.stranger().post("/login", &wrong).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    let _phone = Agent::sign_in(site.stranger(), "ana").await;
    let page = ana.person.get("/desk/me").await;
    let session = page.field("session");
    ana.person.post("/desk/me/sessions/end", &[("session", &session)]).await.goes_to();
    let fields = [("name", "till"), ("scope", "read"), ("lifetime", "30")];
    ana.person.post("/desk/me/tokens", &fields).await.must(StatusCode::OK);
    ana.person.post("/desk/me/tokens/end", &[("token", "1")]).await.goes_to();
    let fields = [("current", PASSWORD), ("password", "another long password of mine")];
    ana.person.post("/desk/me/password", &fields).await.goes_to();
    assert_eq!(
        deeds(&site).await,
        [
            said("ana", "password-changed", "ana"),
            said("ana", "token-revoked", "till"),
            said("ana", "token-made", "till"),
            said("ana", "session-ended", ""),
            said("ana", "signed-in", "ana"),
            said("", "sign-in-refused", "ana@shop.example"),
            said("ana", "signed-in", "ana"),
            said("command line", "agent-added", "ana"),
        ]
    );
    ana.person
        .get(AUDIT)
        .await
        .must(StatusCode::OK)
        .says("\u{2068}ana\u{2069} revoked the token \u{2068}till\u{2069}.")
        .says("The command line made an account for \u{2068}ana\u{2069}.")
        .says("ana@shop.example · Owner")
        .says("Read only")
        .says_not("correct horse");
}

/// By what was typed, and not by what it led to: who reads the log learns no more of accounts than who tried.
#[tokio::test]
async fn whoever_is_not_let_in_is_remembered_the_same_with_an_account_and_without() {
    let site = installation().await;
    site.employ("ana", Role::Owner).await;
    let person = site.stranger();
    for email in ["ana@shop.example", "nobody@shop.example", "Ana@Shop.Example "] {
        let wrong = [("email", email), ("password", "not the right one at all")];
        person.post("/login", &wrong).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let right = "email=ana@shop.example&password=correct+horse+battery+staple";
    let phone = "Mozilla/5.0 (iPhone) MicroMessenger/8.0";
    let headers = [("sec-fetch-site", "same-origin"), ("user-agent", phone)];
    person.ask(Method::POST, "/login", &headers, right).await.goes_to();
    let all = audit::page(&site.app.db, None, 4).await.unwrap();
    let refused = |subject: &str| said("", "sign-in-refused", subject);
    assert_eq!(
        deeds(&site).await[..4],
        [
            said("ana", "signed-in", "ana"),
            refused("Ana@Shop.Example "),
            refused("nobody@shop.example"),
            refused("ana@shop.example"),
        ]
    );
    assert_eq!(all[0].detail, "WeChat · iPhone");
    for tried in &all[1..] {
        assert_eq!((tried.agent.0, tried.detail.as_str()), (0, ""));
        assert_eq!(tried.address, all[0].address);
    }
    let log = person.get(AUDIT).await.must(StatusCode::OK);
    log.says("tried to sign in as \u{2068}nobody@shop.example\u{2069} and was refused")
        .says_not("not the right one")
        .says_not("correct horse");
    let from = format!("<td class=\"from\">{}</td>", all[0].address);
    assert_eq!(log.body.matches(&from).count(), 4, "{}", log.body);
    person.post("/logout", &[]).await.goes_to();
    assert_eq!(deeds(&site).await[0], said("ana", "signed-out", "ana"));
}

#[tokio::test]
async fn whoever_guesses_a_thousand_passwords_fills_no_database() {
    let site = installation().await;
    site.employ("ana", Role::Owner).await;
    site.app.clock.monotonic.stop();
    let person = site.stranger();
    for guess in 0..40 {
        let (email, password) = (format!("{guess}@shop.example"), guess.to_string());
        let wrong = [("email", email.as_str()), ("password", password.as_str())];
        person.post("/login", &wrong).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let refused =
        deeds(&site).await.into_iter().filter(|(_, action, _)| action == "sign-in-refused");
    assert_eq!(refused.count(), 20);
    // Who has the password comes in, and that is remembered.
    Agent::sign_in(person, "ana").await;
    assert_eq!(deeds(&site).await[0], said("ana", "signed-in", "ana"));
}

#[tokio::test]
async fn a_try_that_has_to_wait_is_not_remembered_once_more() {
    let site = limited_installation().await;
    site.employ("ana", Role::Owner).await;
    let wrong = [("email", "ana@shop.example"), ("password", "guessing")];
    for status in [StatusCode::UNPROCESSABLE_ENTITY, StatusCode::TOO_MANY_REQUESTS] {
        for _ in 0..5 {
            site.stranger().post("/login", &wrong).await.must(status);
        }
    }
    assert_eq!(site.count("audit_entry WHERE action = 'sign-in-refused'").await, 5);
}

#[tokio::test]
async fn whatever_is_typed_as_an_address_is_shown_as_text_and_turns_nothing_round() {
    let site = installation().await;
    let ana = site.ana().await;
    let (long, wide) = ("x".repeat(10_000), "长".repeat(5_000));
    let turned = "\u{202e}\u{2069}\u{202d}moc.elpmaxe@ana\u{2067}\u{2066}";
    let hostile = [
        "<script>alert(1)</script>",
        &long,
        &wide,
        turned,
        "a\0b\r\nc\u{1b}[31m",
        "",
        "'; DROP TABLE agent; --",
    ];
    for email in hostile {
        let wrong = [("email", email), ("password", "x")];
        let page = site.stranger().post("/login", &wrong).await;
        page.must(StatusCode::UNPROCESSABLE_ENTITY).says_not("<script>alert");
    }
    let log = ana.person.get(AUDIT).await.must(StatusCode::OK);
    let tried = |subject: &str| format!("as \u{2068}{subject}\u{2069} and was refused");
    log.says(&tried("&#60;script&#62;alert(1)&#60;/script&#62;"))
        .says(&tried(&"x".repeat(200)))
        .says(&tried(&"长".repeat(200)))
        .says(&tried("moc.elpmaxe@ana"))
        .says(&tried("a\u{fffd}b\u{fffd}\u{fffd}c\u{fffd}[31m"))
        .says(&tried(""))
        .says(&tried("&#39;; DROP TABLE agent; --"))
        .says_not("<script>alert");
    let marks = |mark: char| log.body.matches(mark).count();
    assert_eq!(marks('\u{2068}'), marks('\u{2069}'));
    for mark in ['\u{202d}', '\u{202e}', '\u{2066}', '\u{2067}', '\0'] {
        assert_eq!(marks(mark), 0, "{mark:?}");
    }
    assert!(log.body.len() < 20_000, "{} bytes", log.body.len());
}

#[tokio::test]
async fn whoever_renames_herself_is_remembered_by_both_names() {
    let site = installation().await;
    let ana = site.ana().await;
    let fields = [("name", "周航"), ("language", "en"), ("theme", "auto")];
    for _ in 0..2 {
        ana.person.post("/desk/me/profile", &fields).await.goes_to();
    }
    assert_eq!(deeds(&site).await[0], said("ana", "agent-renamed", "周航"));
    assert_eq!(audit::page(&site.app.db, None, 1).await.unwrap()[0].detail, "ana");
}

#[tokio::test]
async fn whatever_is_done_with_the_accounts_of_others_is_remembered() {
    let site = installation().await;
    let (ana, _ben) = (site.ana().await, site.ben().await);
    let path = |rest: &str| format!("/desk/settings/agents{rest}");
    let fields = [("name", "周航"), ("role", "admin"), ("capacity", "9")];
    ana.person.post(&path("/2"), &fields).await.goes_to();
    // The same again changes nothing.
    ana.person.post(&path("/2"), &fields).await.goes_to();
    ana.person.post(&path("/2/link"), &[]).await.must(StatusCode::OK);
    for verb in ["disable", "disable", "enable", "enable"] {
        ana.person.post(&path(&format!("/2/{verb}")), &[]).await.goes_to();
    }
    let fields = [("name", "eve"), ("email", "eve@shop.example"), ("role", "read-only")];
    let page = ana.person.post(&path(""), &fields).await.must(StatusCode::OK);
    let token = page.all("/invite?token=").remove(0);
    let fields = [("token", token.as_str()), ("password", PASSWORD)];
    site.stranger().post("/invite", &fields).await.goes_to();
    assert_eq!(
        deeds(&site).await[..8],
        [
            said("eve", "password-chosen", "eve"),
            said("ana", "agent-invited", "eve"),
            said("ana", "agent-enabled", "周航"),
            said("ana", "agent-disabled", "周航"),
            said("ana", "agent-link-made", "周航"),
            said("ana", "agent-role-changed", "周航"),
            said("ana", "agent-capacity-changed", "周航"),
            said("ana", "agent-renamed", "周航"),
        ]
    );
    ana.person.get(AUDIT).await.says("Agent → Admin").says("5 → 9").says_not(&token);
}

/// Which fields, and not what stood in them: the log outlives whom it is about. Nothing is remembered that changed nothing.
#[tokio::test]
async fn whatever_is_done_with_contacts_is_remembered_without_what_is_personal() {
    let site = installation().await;
    let (ana, _vera) = (site.ana().await, site.vera().await);
    let level = [("key", "level"), ("kind", "text"), ("label_zh", "等级"), ("label_en", "Level")];
    ana.person.post("/desk/settings/attributes", &level).await.goes_to();
    let does = async |what: &str, fields: &[(&str, &str)]| {
        ana.person.post(&format!("/desk/c/1/side/{what}"), fields).await.goes_to();
    };
    for _ in 0..2 {
        for (field, value) in [
            ("name", "Vera"),
            ("phone", "13800138000"),
            ("email", "v@home.example"),
            ("a1", "gold"),
        ] {
            does("fields", &[("field", field), ("value", value)]).await;
        }
        does("tags", &[("value", "vip")]).await;
    }
    does("tags/remove", &[("value", "vip")]).await;
    does("tags/remove", &[("value", "vip")]).await;
    for _ in 0..2 {
        // The same note, sent once more.
        does("notes", &[("nonce", "note"), ("body", "likes tea")]).await;
    }
    does("notes/remove", &[("note", "1")]).await;
    let all = audit::page(&site.app.db, None, 100).await.unwrap();
    let ours = all.into_iter().filter(|deed| deed.action.starts_with("contact-"));
    let ours: Vec<_> =
        ours.map(|deed| format!("{} {}: {}", deed.action, deed.subject, deed.detail)).collect();
    assert_eq!(
        ours,
        [
            "contact-note-removed Vera #1: ana",
            "contact-noted Vera #1: ",
            "contact-untagged Vera #1: vip",
            "contact-tagged Vera #1: vip",
            "contact-changed Vera #1: attributes.level",
            "contact-changed Vera #1: email",
            "contact-changed Vera #1: phone",
            "contact-changed #1: name",
        ]
    );
    let log = ana.person.get(AUDIT).await.must(StatusCode::OK);
    log.says("changed the details of \u{2068}Vera #1\u{2069}")
        .says("<bdi>Phone</bdi>")
        .says("<bdi>Level</bdi>");
    for personal in ["13800138000", "v@home.example", "gold", "likes tea"] {
        log.says_not(personal);
    }
}

#[tokio::test]
async fn the_first_owner_and_what_is_done_at_the_terminal_are_remembered() {
    let site = installation().await;
    let url = setup::setup_url(&site.app);
    let path = url.strip_prefix("http://127.0.0.1:3000").unwrap();
    let owner = site.stranger();
    let token = owner.get(path).await.field("token");
    let fields = [
        ("token", token.as_str()),
        ("language", "en"),
        ("name", "Lin"),
        ("email", "lin@shop.example"),
        ("password", PASSWORD),
    ];
    owner.post("/setup", &fields).await.goes_to();
    let name = SiteName::parse("Tea").unwrap();
    site::add(&site.app, NewSite { name, key: None, origins: Vec::new() }).await.unwrap();
    assert_eq!(
        deeds(&site).await,
        [said("command line", "site-added", "Tea"), said("Lin", "owner-made", "Lin")]
    );
    owner.get(AUDIT).await.must(StatusCode::OK).says("The command line made the site");
}

#[tokio::test]
async fn the_log_is_read_in_pages_of_fifty_by_those_who_manage() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    for number in 1..=107 {
        let deed = Deed::new("team-added", format!("team {number:03}"));
        audit::record(site.app.db.write(), &Doer::command_line(), deed, site.app.clock.now())
            .await
            .unwrap();
    }
    let (mut path, mut seen) = (AUDIT.to_owned(), Vec::new());
    loop {
        let page = ana.person.get(&path).await.must(StatusCode::OK);
        let lines = page.body.matches("<tr><td>").count();
        assert!(lines <= 50, "{lines}");
        seen.extend(page.body.split("\u{2068}team ").skip(1).map(|rest| rest[..3].to_owned()));
        let Some(before) = page.all("/desk/settings/audit?before=").pop() else {
            page.says("Newest");
            break;
        };
        path = format!("{AUDIT}?before={before}");
    }
    let all: Vec<_> = (1..=107).rev().map(|number| format!("{number:03}")).collect();
    assert_eq!(seen, all);
    ana.person.get(&format!("{AUDIT}?before=1")).await.must(StatusCode::OK);
    for garbage in ["x", "9223372036854775808", ""] {
        let path = format!("{AUDIT}?before={garbage}");
        ana.person.get(&path).await.must(StatusCode::NOT_FOUND);
    }
    ben.person.get(AUDIT).await.must(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_was_done_more_than_a_year_ago_is_forgotten() {
    let site = installation().await;
    let now = site.app.db.now().await.unwrap();
    let day = SignedDuration::from_hours(24);
    for (subject, age) in [("old", 400), ("older", 366), ("young", 364)] {
        let deed = Deed::new("team-added", subject);
        let at = now - day * age;
        audit::record(site.app.db.write(), &Doer::command_line(), deed, at).await.unwrap();
    }
    assert_eq!(audit::forget_before(&site.app.db, now - day * 365).await.unwrap(), 2);
    assert_eq!(deeds(&site).await, [said("command line", "team-added", "young")]);
}

/// While nodes of two releases run, one may have done what the other knows no sentence for.
#[tokio::test]
async fn a_deed_of_a_newer_release_is_shown_by_its_name() {
    let site = installation().await;
    let ana = site.ana().await;
    site.change("UPDATE audit_entry SET action = 'moon-landed'").await;
    ana.person.get(AUDIT).await.must(StatusCode::OK).says("moon-landed");
}

const SHOP: &str = "language=zh-CN&zone=Asia/Shanghai&color=%230F5F66&side=right&theme=auto&launcher=on&offset_x=20&offset_y=20&name=";

impl Agent {
    /// Sends a form as a line.
    async fn fills(&self, path: &str, form: &str) -> Answer {
        self.person.ask(Method::POST, path, &[("sec-fetch-site", "same-origin")], form).await
    }
}

#[tokio::test]
async fn whatever_is_changed_is_remembered_with_what_it_was_and_long_texts_by_their_name() {
    let site = installation().await;
    let ana = site.ana().await;
    let detail = async || audit::page(&site.app.db, None, 1).await.unwrap().remove(0).detail;
    let shop = "/desk/settings/sites/demo";
    ana.fills("/desk/settings/teams", "name=Returns&member=1").await.goes_to();
    ana.fills(shop, &format!("{SHOP}Tea")).await.goes_to();
    let changed = SHOP.replace("zh-CN", "en").replace("auto", "dark").replace("&launcher=on", "");
    let more = "Cups&team=1&origins=https://shop.example&title_en=Ask+us&welcome_zh=secret+welcome";
    for _ in 0..2 {
        // The same again changes nothing.
        ana.fills(shop, &format!("{changed}{more}")).await.goes_to();
    }
    assert_eq!(
        detail().await,
        "demo\nname: Tea → Cups\nlanguage: zh-CN → en\norigins: + https://shop.example\nteam: – → Returns\n\
            theme: auto → dark\nlauncher: on → off\nwelcome_zh\ntitle_en"
    );
    assert_eq!(deeds(&site).await[1].1, "site-changed");
    assert_eq!(deeds(&site).await[2].1, "team-added");
    let log = ana.person.get(AUDIT).await.must(StatusCode::OK);
    let iso =
        |before: &str, after: &str| format!("\u{2068}{before}\u{2069} → \u{2068}{after}\u{2069}");
    log.says(&format!("<bdi>demo · Site name: {}", iso("Tea", "Cups")))
        .says(&format!("Language: {}", iso("中文", "English")))
        .says("Addresses that may show the chat: + https://shop.example")
        .says(&format!("Team: {}", iso("–", "Returns")))
        .says(&format!("Light or dark: {}", iso("Same as the device", "Dark")))
        .says(&format!("Show a button on the page: {}", iso("On", "Off")))
        .says(" · Welcome (中文) · Title of the chat (English)</bdi>")
        .says_not("secret welcome");

    let level = "/desk/settings/attributes";
    let fields = "label_zh=等级&label_en=Level&place=1&choices=gold%0Atin";
    ana.fills(level, &format!("key=level&kind=choice&{fields}")).await.goes_to();
    let changed = "label_zh=等级&label_en=Rank&place=2&choices=gold%0Airon";
    ana.fills(&format!("{level}/1"), changed).await.goes_to();
    assert_eq!(detail().await, "label_en: Level → Rank\nchoices: + iron · − tin\nplace: 1 → 2");
    ana.person.get(AUDIT).await.says(&format!(
        "<bdi>Name in English: {} · Choices: + iron · − tin · Place: {}</bdi>",
        iso("Level", "Rank"),
        iso("1", "2")
    ));

    let replies = "/desk/settings/canned-replies";
    let own = "scope=own&short_code=hi&title=Secret+own&body=secret";
    ana.fills(replies, own).await.goes_to();
    let reply = format!("{replies}/1");
    ana.fills(&reply, "scope=team:1&short_code=hi&title=Hello&body=secret+body").await.goes_to();
    assert_eq!(detail().await, "hi\nscope: own → team Returns");
    ana.fills(&reply, "scope=all&short_code=hey&title=Hey&body=Other+body").await.goes_to();
    assert_eq!(
        detail().await,
        "hey\nscope: team Returns → all\ntitle: Hello → Hey\ncode: hi → hey\nbody"
    );
    let log = ana.person.get(AUDIT).await;
    log.says(&format!("hey · For: {} · Title: ", iso("Returns", "Everybody")))
        .says(&format!("hi · For: {}", iso("Only me", "Returns")))
        .says_not("Secret own")
        .says_not("secret");
    // What became hers again is hers alone.
    ana.fills(&reply, "scope=own&short_code=x&title=Own+again&body=Mine").await.goes_to();
    assert_eq!(detail().await, "hey\nscope: all → own");
    ana.person.get(AUDIT).await.says_not("Own again");
}

/// What a form must leave in the log.
enum Told {
    /// The first done first.
    Deeds(&'static [&'static str]),
    /// Nothing, and why.
    Nothing(&'static str),
}
use Told::{Deeds, Nothing};

const IN_THE_CONVERSATION: Told = Nothing("a conversation has a log of its own");
const HER_OWN: Told = Nothing("how she likes her desk is nobody else's business");
const UNSENT: Told = Nothing("nobody sees it until it is sent");

/// Every form of those who work here, in the order in which the owner sends them: the route, the address, the form, and what the
/// log must say of it. `{…}` is filled in on the way; an address that ends in `/files` gets a file.
const FORMS: &[(&str, &str, &str, Told)] = &[
    (
        "/setup",
        "/setup",
        "token={setup}&language=en&name=lin&email=lin@shop.example&password={password}",
        Deeds(&["owner-made"]),
    ),
    ("/login", "/login", "email=lin@shop.example&password={password}", Deeds(&["signed-in"])),
    ("/desk/me/profile", "/desk/me/profile", "name=lin&language=en&theme=dark", HER_OWN),
    (
        "/desk/me/profile",
        "/desk/me/profile",
        "name=Lin+Xi&language=en&theme=dark",
        Deeds(&["agent-renamed"]),
    ),
    ("/desk/me/state", "/desk/me/state", "state=busy", HER_OWN),
    ("/desk/keys", "/desk/keys", "single=off", HER_OWN),
    ("/desk/settings/notifications", "/desk/settings/notifications", "queue=on", HER_OWN),
    (
        "/desk/me/sessions/end",
        "/desk/me/sessions/end",
        "session={session}",
        Deeds(&["session-ended"]),
    ),
    (
        "/desk/me/tokens",
        "/desk/me/tokens",
        "name=till&scope=read&lifetime=30",
        Deeds(&["token-made"]),
    ),
    ("/desk/me/tokens/end", "/desk/me/tokens/end", "token=1", Deeds(&["token-revoked"])),
    (
        "/desk/me/password",
        "/desk/me/password",
        "current={password}&password=another+long+password+of+mine",
        Deeds(&["password-changed"]),
    ),
    ("/desk/views", "/desk/views", "name=Mine&asks=tab%3Dqueue", HER_OWN),
    ("/desk/views", "/desk/views", "name=All&asks=tab%3Dqueue&shared=on", Deeds(&["view-shared"])),
    ("/desk/views/:id", "/desk/views/1", "name=My&asks=tab%3Dall&again=1", HER_OWN),
    ("/desk/views/:id", "/desk/views/2", "name=Every&asks=tab%3Dall", Deeds(&["view-changed"])),
    ("/desk/views/:id/remove", "/desk/views/1/remove", "", HER_OWN),
    ("/desk/views/:id/remove", "/desk/views/2/remove", "", Deeds(&["view-removed"])),
    // Who works here.
    (
        "/desk/settings/agents",
        "/desk/settings/agents",
        "name=mei&email=mei@shop.example&role=agent",
        Deeds(&["agent-invited"]),
    ),
    ("/invite", "/invite", "token={invitation}&password={password}", Deeds(&["password-chosen"])),
    (
        "/desk/settings/agents/:agent",
        "/desk/settings/agents/2",
        "name=Mei&role=admin&capacity=9",
        Deeds(&["agent-renamed", "agent-capacity-changed", "agent-role-changed"]),
    ),
    (
        "/desk/settings/agents/:agent/link",
        "/desk/settings/agents/2/link",
        "",
        Deeds(&["agent-link-made"]),
    ),
    (
        "/desk/settings/agents/:agent/disable",
        "/desk/settings/agents/2/disable",
        "",
        Deeds(&["agent-disabled"]),
    ),
    (
        "/desk/settings/agents/:agent/enable",
        "/desk/settings/agents/2/enable",
        "",
        Deeds(&["agent-enabled"]),
    ),
    ("/desk/settings/teams", "/desk/settings/teams", "name=Back&member=1", Deeds(&["team-added"])),
    (
        "/desk/settings/teams/:team",
        "/desk/settings/teams/1",
        "name=Returns&member=2",
        Deeds(&["team-renamed", "team-joined", "team-left"]),
    ),
    (
        "/desk/settings/teams/:team/remove",
        "/desk/settings/teams/1/remove",
        "",
        Deeds(&["team-removed"]),
    ),
    // What they work with.
    ("/desk/settings/tags", "/desk/settings/tags", "name=late", Deeds(&["tag-added"])),
    (
        "/desk/settings/tags/:id/rename",
        "/desk/settings/tags/1/rename",
        "name=lost",
        Deeds(&["tag-renamed"]),
    ),
    ("/desk/settings/tags/:id/remove", "/desk/settings/tags/1/remove", "", Deeds(&["tag-removed"])),
    (
        "/desk/settings/attributes",
        "/desk/settings/attributes",
        "key=level&kind=text&label_zh=L&label_en=Level&place=1",
        Deeds(&["attribute-added"]),
    ),
    (
        "/desk/settings/attributes/:attribute",
        "/desk/settings/attributes/1",
        "label_zh=L&label_en=Rank&place=1",
        Deeds(&["attribute-changed"]),
    ),
    (
        "/desk/settings/attributes/:attribute/remove",
        "/desk/settings/attributes/1/remove",
        "",
        Deeds(&["attribute-removed"]),
    ),
    (
        "/desk/settings/canned-replies",
        "/desk/settings/canned-replies",
        "scope=own&short_code=mine&title=Mine&body=Hi",
        HER_OWN,
    ),
    (
        "/desk/settings/canned-replies",
        "/desk/settings/canned-replies",
        "scope=all&short_code=hi&title=Hello&body=Hi",
        Deeds(&["canned-reply-added"]),
    ),
    (
        "/desk/settings/canned-replies/:reply",
        "/desk/settings/canned-replies/2",
        "scope=all&short_code=hi&title=Hello&body=Hello",
        Deeds(&["canned-reply-changed"]),
    ),
    (
        "/desk/settings/canned-replies/:reply/remove",
        "/desk/settings/canned-replies/2/remove",
        "",
        Deeds(&["canned-reply-removed"]),
    ),
    (
        "/desk/settings/canned-replies/import",
        "/desk/settings/canned-replies/import",
        "sheet=Short+code%2CTitle%2CText%2CFor%0Aa%2CA%2CAh%2CEverybody",
        Deeds(&["canned-replies-imported"]),
    ),
    (
        "/desk/settings/canned-replies/import/files",
        "/desk/settings/canned-replies/import/files",
        "Short code,Title,Text,For\nb,B,Bee,Everybody\n",
        Deeds(&["canned-replies-imported"]),
    ),
    (
        "/desk/settings/file-kinds",
        "/desk/settings/file-kinds",
        "take=zip",
        Deeds(&["file-kinds-added"]),
    ),
    (
        "/desk/settings/file-kinds",
        "/desk/settings/file-kinds",
        "take=docx",
        Deeds(&["file-kinds-added", "file-kinds-removed"]),
    ),
    ("/desk/settings/sites", "/desk/settings/sites", "name=Tea", Deeds(&["site-added"])),
    (
        "/desk/settings/sites/:site",
        "/desk/settings/sites/demo",
        "{shop}Cups",
        Deeds(&["site-changed"]),
    ),
    (
        "/desk/settings/sites/:site/origins",
        "/desk/settings/sites/demo/origins",
        "origin=shop.example&how=html",
        Deeds(&["site-changed"]),
    ),
    (
        "/desk/settings/sites/:site/logo/files",
        "/desk/settings/sites/demo/logo/files",
        "",
        Deeds(&["site-changed"]),
    ),
    (
        "/desk/settings/sites/:site/logo/remove",
        "/desk/settings/sites/demo/logo/remove",
        "",
        Deeds(&["site-changed"]),
    ),
    (IDENTITY, "/desk/settings/sites/demo/identity", "act=make", Deeds(&["site-secret-made"])),
    (IDENTITY, "/desk/settings/sites/demo/identity", "act=show", Deeds(&["site-secret-shown"])),
    (IDENTITY, "/desk/settings/sites/demo/identity", "act=make", Deeds(&["site-secret-made"])),
    (
        IDENTITY,
        "/desk/settings/sites/demo/identity",
        "act=drop_older",
        Deeds(&["site-secret-dropped"]),
    ),
    (
        IDENTITY,
        "/desk/settings/sites/demo/identity",
        "act=hear_signed",
        Deeds(&["site-signed-only"]),
    ),
    (IDENTITY, "/desk/settings/sites/demo/identity", "act=hear_all", Deeds(&["site-hears-all"])),
    // A conversation, and whose it is.
    ("/desk/c/:id/claim", "/desk/c/1/claim", "nonce={nonce}", IN_THE_CONVERSATION),
    (
        "/desk/c/:id/messages",
        "/desk/c/1/messages",
        "nonce={nonce}&kind=text&body=Hello",
        IN_THE_CONVERSATION,
    ),
    (
        "/desk/c/:id/m/:seq/edit",
        "/desk/c/1/m/3/edit",
        "nonce={nonce}&body=Hallo",
        IN_THE_CONVERSATION,
    ),
    ("/desk/c/:id/m/:seq/recall", "/desk/c/1/m/3/recall", "nonce={nonce}", IN_THE_CONVERSATION),
    (
        "/desk/c/:id/priority",
        "/desk/c/1/priority",
        "nonce={nonce}&priority=high",
        IN_THE_CONVERSATION,
    ),
    ("/desk/c/:id/tags", "/desk/c/1/tags", "nonce={nonce}", IN_THE_CONVERSATION),
    ("/desk/c/:id/unread", "/desk/c/1/unread", "nonce={nonce}", IN_THE_CONVERSATION),
    ("/desk/c/:id/invite", "/desk/c/1/invite", "nonce={nonce}&agent=2", IN_THE_CONVERSATION),
    ("/desk/c/:id/snooze", "/desk/c/1/snooze", "nonce={nonce}&until={soon}", IN_THE_CONVERSATION),
    ("/desk/c/:id/wake", "/desk/c/1/wake", "nonce={nonce}", IN_THE_CONVERSATION),
    ("/desk/c/:id/transfer", "/desk/c/1/transfer", "nonce={nonce}&to=2", IN_THE_CONVERSATION),
    ("/desk/c/:id/close", "/desk/c/1/close", "nonce={nonce}", IN_THE_CONVERSATION),
    ("/desk/c/:id/reopen", "/desk/c/1/reopen", "nonce={nonce}", IN_THE_CONVERSATION),
    ("/desk/c/:id/files", "/desk/c/1/files", "", UNSENT),
    ("/desk/c/:id/draft", "/desk/c/1/draft", "body=Hel", UNSENT),
    ("/desk/c/:id/seen", "/desk/c/1/seen", "seq=1", IN_THE_CONVERSATION),
    ("/desk/c/:id/typing", "/desk/c/1/typing", "", Nothing("nothing is stored of it")),
    ("/desk/bulk", "/desk/bulk", "id=1&do=export", Deeds(&["conversations-exported"])),
    ("/desk/bulk", "/desk/bulk", "id=1&do=close&nonce={nonce}", IN_THE_CONVERSATION),
    (
        "/desk/c/:id/side/fields",
        "/desk/c/1/side/fields",
        "field=name&value=Walt",
        Deeds(&["contact-changed"]),
    ),
    ("/desk/c/:id/side/tags", "/desk/c/1/side/tags", "value=vip", Deeds(&["contact-tagged"])),
    (
        "/desk/c/:id/side/tags/remove",
        "/desk/c/1/side/tags/remove",
        "value=vip",
        Deeds(&["contact-untagged"]),
    ),
    (
        "/desk/c/:id/side/notes",
        "/desk/c/1/side/notes",
        "nonce={nonce}&body=Tea",
        Deeds(&["contact-noted"]),
    ),
    (
        "/desk/c/:id/side/notes/remove",
        "/desk/c/1/side/notes/remove",
        "note=1",
        Deeds(&["contact-note-removed"]),
    ),
    ("/desk/c/:id/side/block", "/desk/c/1/side/block", "reason=Rude", Deeds(&["contact-blocked"])),
    (
        "/desk/c/:id/side/unblock",
        "/desk/c/1/side/unblock",
        "reason=Sorry",
        Deeds(&["contact-unblocked"]),
    ),
    ("/desk/c/:id/side/block", "/desk/c/1/side/block", "reason=Rude", Deeds(&["contact-blocked"])),
    (
        "/desk/settings/blocked/lift",
        "/desk/settings/blocked/lift",
        "contact=1&reason=Sorry",
        Deeds(&["contact-unblocked"]),
    ),
    ("/desk/c/:id/side/merge", "/desk/c/1/side/merge", "with=2", Deeds(&["contact-merged"])),
    ("/logout", "/logout", "", Deeds(&["signed-out"])),
];
const IDENTITY: &str = "/desk/settings/sites/:site/identity";

/// The forms of visitors, who are not in this log.
const OF_VISITORS: [&str; 2] = ["/w/", "/c/"];

#[test]
fn every_form_of_those_who_work_here_has_a_row() {
    let is_ours = |path: &str| !OF_VISITORS.iter().any(|start| path.starts_with(start));
    let posts = PAGES.iter().filter(|(method, path, _)| *method == "POST" && is_ours(path));
    let posts: BTreeSet<_> = posts.map(|(_, path, _)| *path).collect();
    let rows: BTreeSet<_> = FORMS.iter().map(|(route, ..)| *route).collect();
    assert_eq!(rows, posts);
    for (route, address, ..) in FORMS {
        let parts = |path: &str| path.split('/').map(str::to_owned).collect::<Vec<_>>();
        let (named, asked) = (parts(route), parts(address));
        assert_eq!(named.len(), asked.len(), "{address}");
        let fits = |(name, part): (&String, &String)| name == part || name.starts_with(':');
        assert!(named.iter().zip(&asked).all(fits), "{address} is not at {route}");
    }
}

#[tokio::test]
async fn every_form_says_in_the_log_what_it_changed() {
    let site = installation().await;
    let lin = Agent { person: site.stranger() };
    // The first conversation and its contact, and the second.
    let _visitors = (site.walt().await, site.vera().await);
    let mut answer = None;
    for (_, address, form, told) in FORMS {
        let form = filled(&site, &lin, form, answer.as_ref()).await;
        let before = audit::page(&site.app.db, None, 1).await.unwrap();
        let newest = before.first().map_or(0, |deed| deed.id);
        let sent = match *address {
            // Another's browser.
            "/invite" => Agent { person: site.stranger() }.fills(address, &form).await,
            files if files.ends_with("/files") => {
                let sheet = files.contains("import");
                let file = if sheet { ("a.csv", form.into_bytes()) } else { ("a.png", png()) };
                lin.person.bring(files, &[(file.0, &file.1)], "text/html").await
            }
            _ => lin.fills(address, &form).await,
        };
        assert!(sent.status.as_u16() < 400, "{address}: {} {}", sent.status, sent.body);
        let all = audit::page(&site.app.db, None, 10).await.unwrap();
        let since = all.into_iter().filter(|deed| deed.id > newest).rev();
        let since: Vec<_> = since.map(|deed| deed.action).collect();
        match told {
            Deeds(deeds) => assert_eq!(since, *deeds, "{address}"),
            Nothing(why) => assert_eq!(since, [""; 0], "{address}: {why}"),
        }
        answer = Some(sent);
    }
}

/// A form with what was learnt on the way.
async fn filled(site: &Installation, lin: &Agent, form: &str, before: Option<&Answer>) -> String {
    let mut form = form
        .replace("{password}", "correct+horse+battery+staple")
        .replace("{nonce}", Nonce::new().as_str())
        .replace("{soon}", &(site.app.clock.now().as_second() + 3_600).to_string())
        .replace("{shop}", SHOP);
    if form.contains("{setup}") {
        let url = setup::setup_url(&site.app);
        form = form.replace("{setup}", url.split_once("token=").unwrap().1);
    }
    if form.contains("{invitation}") {
        let token = before.unwrap().all("/invite?token=").remove(0);
        form = form.replace("{invitation}", &token);
    }
    if form.contains("{session}") {
        let _phone = Agent::sign_in(site.stranger(), "lin").await;
        form = form.replace("{session}", &lin.person.get("/desk/me").await.field("session"));
    }
    form
}
