//! What was changed here, and by whom.
use crate::support::{Installation, installation};
use jiff::SignedDuration;
use kefu::{
    agent::Role,
    audit::{self, Deed, Doer},
    setup,
    site::{self, NewSite, SiteName},
};
use poem::http::StatusCode;

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
    let ana = crate::support::Agent::sign_in(site.stranger(), "ana").await;
    let wrong = [("email", "ana@shop.example"), ("password", "not the right one at all")];
    site.stranger().post("/login", &wrong).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    let _phone = crate::support::Agent::sign_in(site.stranger(), "ana").await;
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
