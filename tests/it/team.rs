//! Teams: who makes them, who is in them, and who sees that.
use crate::support::{Installation, installation, program::value};
use kefu::{
    agent::{self, Role, Scope},
    audit,
    ids::{AgentId, TeamId},
    team,
};
use poem::http::StatusCode;
use serde_json::json;

const TEAMS: &str = "/desk/settings/teams";
const SAVED: &str = "/desk/settings/teams?saved=1";

async fn number(site: &Installation, name: &str) -> String {
    let all = agent::all(&site.app.db).await.unwrap();
    all.iter().find(|agent| agent.name == name).unwrap().id.to_string()
}

#[tokio::test]
async fn ana_makes_a_team_renames_it_changes_who_is_in_it_and_removes_it() {
    let site = installation().await;
    let (ana, _ben) = (site.ana().await, site.ben().await);
    let (a, b) = (number(&site, "ana").await, number(&site, "ben").await);
    ana.person.get(TEAMS).await.must(StatusCode::OK).says("no teams yet");
    let fields = [("name", " 售后组 "), ("member", a.as_str()), ("member", b.as_str())];
    assert_eq!(ana.person.post(TEAMS, &fields).await.goes_to(), SAVED);
    let page = ana.person.get(SAVED).await;
    page.says("售后组").says("Saved").says(&format!("value=\"{b}\" checked"));

    let fields = [("name", "Returns"), ("member", b.as_str()), ("member", b.as_str())];
    assert_eq!(ana.person.post(&format!("{TEAMS}/1"), &fields).await.goes_to(), SAVED);
    let page = ana.person.get(TEAMS).await;
    page.says("Returns").says_not("售后组").says_not(&format!("value=\"{a}\" checked"));
    assert_eq!(team::members(site.app.db.read(), TeamId(1)).await.unwrap(), [AgentId(2)]);
    let hers = team::of_agent(site.app.db.read(), AgentId(2)).await.unwrap();
    assert_eq!(hers, team::all(&site.app.db).await.unwrap());
    assert_eq!(team::of_agent(site.app.db.read(), AgentId(1)).await.unwrap(), []);

    page.says("Its members and its conversations stay");
    assert_eq!(ana.person.post(&format!("{TEAMS}/1/remove"), &[]).await.goes_to(), SAVED);
    ana.person.get(TEAMS).await.says("no teams yet");
    assert_eq!(team::members(site.app.db.read(), TeamId(1)).await.unwrap(), []);
    let gone = ana.person.post(&format!("{TEAMS}/1/remove"), &[]).await;
    gone.must(StatusCode::NOT_FOUND);
    ana.person.post(&format!("{TEAMS}/1"), &fields).await.must(StatusCode::NOT_FOUND);

    let deeds = audit::page(&site.app.db, None, 10).await.unwrap();
    let deeds: Vec<_> = deeds
        .iter()
        .map(|deed| (deed.action.as_str(), deed.subject.as_str(), deed.detail.as_str()))
        .filter(|(action, ..)| action.starts_with("team-"))
        .collect();
    assert_eq!(
        deeds,
        [
            ("team-removed", "Returns", ""),
            ("team-left", "Returns", "ana"),
            ("team-renamed", "Returns", "售后组"),
            ("team-added", "售后组", "ana · ben"),
        ]
    );
}

#[tokio::test]
async fn a_name_is_taken_once_and_what_was_typed_comes_back() {
    let site = installation().await;
    let ana = site.ana().await;
    ana.person.post(TEAMS, &[("name", "Returns")]).await.goes_to();
    ana.person.post(TEAMS, &[("name", "Orders")]).await.goes_to();
    let fields = [("name", "Returns"), ("member", "1")];
    for path in [TEAMS, "/desk/settings/teams/2"] {
        ana.person
            .post(path, &fields)
            .await
            .must(StatusCode::UNPROCESSABLE_ENTITY)
            .says("already a team of that name")
            .says("value=\"1\" checked");
    }
    // Its own name is no other team's.
    ana.person.post("/desk/settings/teams/2", &[("name", "Orders")]).await.goes_to();
    for bad in ["", " ", "a\nb", "a\0b", &"x".repeat(61)] {
        ana.person
            .post(TEAMS, &[("name", bad)])
            .await
            .must(StatusCode::UNPROCESSABLE_ENTITY)
            .says("1–60 characters");
    }
    for nobody in ["99", "x", "-1", "9223372036854775808"] {
        let fields = [("name", "Strange"), ("member", nobody)];
        ana.person.post(TEAMS, &fields).await.must(StatusCode::NOT_FOUND);
    }
    for nowhere in ["99", "x", "%20"] {
        let path = format!("{TEAMS}/{nowhere}");
        ana.person.post(&path, &[("name", "x")]).await.must(StatusCode::NOT_FOUND);
    }
    assert_eq!(team::all(&site.app.db).await.unwrap().len(), 2);
}

#[tokio::test]
async fn whoever_only_answers_changes_no_team_and_may_know_them() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let b = number(&site, "ben").await;
    let ida = site.agent("ida", Role::Admin).await;
    ana.person.post(TEAMS, &[("name", "Returns")]).await.goes_to();
    ida.person.post(TEAMS, &[("name", "Orders"), ("member", b.as_str())]).await.goes_to();
    ben.person.get(TEAMS).await.must(StatusCode::FORBIDDEN).says("Only an owner or an admin");
    for path in [TEAMS, "/desk/settings/teams/1", "/desk/settings/teams/1/remove"] {
        ben.person.post(path, &[("name", "Mine")]).await.must(StatusCode::FORBIDDEN);
    }
    let program = site.agent_program("ben", Scope::Read).await;
    let teams = value(&program.get("/teams").await.must(StatusCode::OK));
    let expected = [
        json!({ "id": 1, "name": "Returns", "members": [] }),
        json!({ "id": 2, "name": "Orders", "members": [2] }),
    ];
    assert_eq!(teams["teams"], json!(expected));
}

/// Who was disabled is in no list, and back in the same teams afterwards.
#[tokio::test]
async fn a_disabled_member_stays_through_changes_of_the_others() {
    let site = installation().await;
    let (ana, _ben) = (site.ana().await, site.ben().await);
    ana.person.post(TEAMS, &[("name", "Returns"), ("member", "2")]).await.goes_to();
    site.change("UPDATE agent SET disabled_at = created_at WHERE id = 2").await;
    ana.person.get(TEAMS).await.says_not("ben");
    let fields = [("name", "Returns"), ("member", "1")];
    ana.person.post(&format!("{TEAMS}/1"), &fields).await.goes_to();
    let members = team::members(site.app.db.read(), TeamId(1)).await.unwrap();
    assert_eq!(members, [AgentId(1), AgentId(2)]);
}

#[tokio::test]
async fn hostile_names_of_teams_are_shown_and_do_nothing() {
    let site = installation().await;
    let ana = site.ana().await;
    let emoji = "😀".repeat(60);
    for name in ["<img src=x onerror=alert(1)>", "\u{202e}spuorg\"'", &emoji] {
        ana.person.post(TEAMS, &[("name", name), ("member", "1")]).await.goes_to();
    }
    ana.person
        .get(TEAMS)
        .await
        .says("<bdi hx-ignore>&#60;img src=x onerror=alert(1)&#62;</bdi>")
        .says("<bdi hx-ignore>\u{202e}spuorg&#34;&#39;</bdi>")
        .says(&format!("<bdi hx-ignore>{emoji}</bdi>"))
        .says_not("<img");
}
