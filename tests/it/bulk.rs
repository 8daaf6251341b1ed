//! Several conversations at once.
use crate::support::{Agent, Answer, Installation, installation};
use futures_util::future::join;
use kefu::{agent::Role, ids::Nonce};
use poem::http::StatusCode;

const NOBODYS: i64 = 987_654;

/// Does one thing with these, under a nonce.
async fn does_as(
    agent: &Agent,
    nonce: &str,
    ids: &[i64],
    what: &str,
    fields: &[(&str, &str)],
) -> Answer {
    let ids: Vec<_> = ids.iter().map(ToString::to_string).collect();
    let mut all = vec![("nonce", nonce), ("do", what)];
    all.extend(ids.iter().map(|id| ("id", id.as_str())));
    all.extend(fields);
    agent.person.post("/desk/bulk?tab=all", &all).await
}

async fn does(agent: &Agent, ids: &[i64], what: &str, fields: &[(&str, &str)]) -> Answer {
    does_as(agent, Nonce::new().as_str(), ids, what, fields).await
}

/// What stands in a list, in order of number.
async fn listed(agent: &Agent, asks: &str) -> Vec<i64> {
    let page = agent.person.get(&format!("/desk/c?{asks}")).await.must(StatusCode::OK);
    let mut ids: Vec<i64> = page.all("id=\"c-").iter().map(|id| id.parse().unwrap()).collect();
    ids.sort_unstable();
    ids
}

async fn number_of(site: &Installation, name: &str) -> String {
    let all = kefu::agent::all(&site.app.db).await.unwrap();
    all.into_iter().find(|agent| agent.name == name).unwrap().id.to_string()
}

/// Two that wait, the older first.
async fn two(site: &Installation, agent: &Agent) -> [i64; 2] {
    site.vera().await;
    let first = agent.newest("queue").await;
    site.walt().await;
    [first, agent.newest("queue").await]
}

/// Tags by these names, as a form names them.
async fn tags(agent: &Agent, names: &[&str]) -> Vec<String> {
    for name in names {
        agent.person.post("/desk/settings/tags", &[("name", name)]).await.goes_to();
    }
    agent.person.get("/desk/bulk?tab=all").await.all("name=\"tag\" value=\"")
}

#[tokio::test]
async fn rows_are_chosen_on_a_page_and_assigned_tagged_and_closed() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let both = two(&site, &ana).await;
    let tag = &tags(&ana, &["refund"]).await[0];
    ana.person.get("/desk/c?tab=all").await.says("/desk/c?tab=all&amp;select=1");
    let page = ana.person.get("/desk/bulk?tab=all").await.must(StatusCode::OK);
    assert_eq!(page.all("name=\"id\" value=\"").len(), 2);
    page.says("Is this thing on?").says("I am somebody else");

    let (me, to) = (number_of(&site, "ana").await, number_of(&site, "ben").await);
    does(&ana, &both, "assign", &[("to", &me)]).await.must(StatusCode::OK).says("Done: 2 of 2.");
    assert_eq!(listed(&ana, "tab=mine").await, both);
    does(&ana, &both, "assign", &[("to", &to)]).await.must(StatusCode::OK).says("Done: 2 of 2.");
    assert_eq!(listed(&ben, "tab=mine").await, both);
    does(&ben, &both, "tag", &[("tag", tag)]).await.must(StatusCode::OK).says("Done: 2 of 2.");
    assert_eq!(listed(&ben, &format!("tab=mine&tag={tag}")).await, both);
    does(&ben, &both, "close", &[]).await.must(StatusCode::OK).says("Done: 2 of 2.");
    assert_eq!(listed(&ben, &format!("tab=closed&tag={tag}")).await, both);
}

#[tokio::test]
async fn one_that_is_refused_keeps_no_other_and_is_named_with_the_reason() {
    let site = installation().await;
    let ana = site.ana().await;
    let [first, second] = two(&site, &ana).await;
    let me = number_of(&site, "ana").await;
    does(&ana, &[first, second], "assign", &[("to", &me)]).await.must(StatusCode::OK);
    does(&ana, &[first], "close", &[]).await.must(StatusCode::OK).says("Done: 1 of 1.");

    let answer = does(&ana, &[NOBODYS, first, second], "close", &[]).await.must(StatusCode::OK);
    answer.says("Done: 1 of 3.").says(&format!("Visitor #{NOBODYS}"));
    answer.says(&format!("href=\"/desk/c/{first}?tab=all\""));
    answer.says_not(&format!("href=\"/desk/c/{second}?"));
    assert_eq!(listed(&ana, "tab=closed").await, [first, second]);
}

#[tokio::test]
async fn the_same_form_twice_does_nothing_twice() {
    let site = installation().await;
    let (ana, _ben) = (site.ana().await, site.ben().await);
    let both = two(&site, &ana).await;
    let (tag, to) = (&tags(&ana, &["refund"]).await[0], number_of(&site, "ben").await);
    for _ in 0..2 {
        let fields = [("to", to.as_str())];
        let answer = does_as(&ana, "assigned", &both, "assign", &fields).await;
        answer.must(StatusCode::OK).says("Done: 2 of 2.");
        let fields = [("tag", tag.as_str())];
        let answer = does_as(&ana, "closed", &both, "close", &fields).await;
        answer.must(StatusCode::OK).says("Done: 2 of 2.");
    }
    for id in both {
        let page = ana.person.get(&format!("/desk/c/{id}")).await;
        assert_eq!(page.body.matches("handed the conversation over").count(), 1);
        assert_eq!(page.body.matches("ana tagged it").count(), 1);
    }
}

#[tokio::test]
async fn whoever_assigns_to_herself_takes_what_nobody_has_and_takes_the_rest_over() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let both = two(&site, &ana).await;
    ben.act(both[1], "claim").await.must(StatusCode::OK);
    let page = ana.person.get("/desk/bulk?tab=all").await;
    page.says("<optgroup label=\"Agents\"><option value=\"1\">ana (you)</option>");
    for _ in 0..2 {
        let answer = does_as(&ana, "mine", &both, "assign", &[("to", "1")]).await;
        answer.must(StatusCode::OK).says("Done: 2 of 2.");
    }
    assert_eq!(listed(&ana, "tab=mine").await, both);
    for (id, sentence) in both.iter().zip(["joined the", "took the"]) {
        let page = ana.person.get(&format!("/desk/c/{id}")).await;
        let said = format!("ana {sentence} conversation");
        assert_eq!(page.body.matches(&said).count(), 1, "{said}");
        page.says_not("handed");
    }
    // What is hers already is no more hers.
    let again = does(&ana, &both, "assign", &[("to", "1")]).await.must(StatusCode::OK);
    again.says("Done: 0 of 2.").says("has the conversation already");
}

#[tokio::test]
async fn two_who_tag_at_once_do_not_undo_each_other() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let both = two(&site, &ana).await;
    let tags = tags(&ana, &["refund", "late"]).await;
    let (hers, his) = ([("tag", tags[0].as_str())], [("tag", tags[1].as_str())]);
    let (one, other) = join(does(&ana, &both, "tag", &hers), does(&ben, &both, "tag", &his)).await;
    one.must(StatusCode::OK).says("Done: 2 of 2.");
    other.must(StatusCode::OK).says("Done: 2 of 2.");
    for tag in tags {
        assert_eq!(listed(&ana, &format!("tab=queue&tag={tag}")).await, both);
    }
}

#[tokio::test]
async fn those_that_are_chosen_and_seen_go_into_a_sheet_in_which_nothing_is_a_formula() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let [first, second] = two(&site, &ana).await;
    let tag = &tags(&ana, &["refund"]).await[0];
    does(&ana, &[first], "tag", &[("tag", tag)]).await.must(StatusCode::OK);
    let named = [("field", "name"), ("value", "=cmd|'/c calc'!A1")];
    ana.person.post(&format!("/desk/c/{first}/side/fields"), &named).await.goes_to();

    let sheet = does(&ana, &[second, first, NOBODYS], "export", &[]).await.must(StatusCode::OK);
    assert_eq!(sheet.headers["content-disposition"], "attachment; filename=\"conversations.csv\"");
    assert_eq!(sheet.headers["content-type"], "text/csv; charset=utf-8");
    let lines: Vec<_> = sheet.body.strip_prefix('\u{feff}').unwrap().lines().collect();
    assert_eq!(lines.len(), 3, "{}", sheet.body);
    assert!(lines[0].starts_with("Number,Name,Site,State,"), "{}", lines[0]);
    assert!(lines[1].starts_with(&format!("{second},")), "{}", lines[1]);
    assert!(lines[2].starts_with(&format!("{first},'=cmd|'/c calc'!A1,")), "{}", lines[2]);
    assert!(lines[2].contains(",refund,"), "{}", lines[2]);
    let audit = ana.person.get("/desk/settings/audit").await.must(StatusCode::OK);
    audit.says("exported");

    // What is a team's is in the sheet of its members alone.
    let mia = site.agent("mia", Role::Agent).await;
    let member = number_of(&site, "mia").await;
    let team = [("name", "Returns"), ("member", member.as_str())];
    ana.person.post("/desk/settings/teams", &team).await.goes_to();
    does(&ana, &[first], "assign", &[("to", "team-1")]).await.must(StatusCode::OK);
    for (agent, expected) in [(&mia, 3), (&ben, 2)] {
        let sheet = does(agent, &[first, second], "export", &[]).await.must(StatusCode::OK);
        assert_eq!(sheet.body.lines().count(), expected, "{}", sheet.body);
    }
}

#[tokio::test]
async fn nobody_changes_more_at_once_than_singly() {
    let site = installation().await;
    let ana = site.ana().await;
    let (mia, ben) = (site.agent("mia", Role::Agent).await, site.ben().await);
    let rob = site.agent("rob", Role::ReadOnly).await;
    let [first, second] = two(&site, &ana).await;
    let member = number_of(&site, "mia").await;
    let team = [("name", "Returns"), ("member", member.as_str())];
    ana.person.post("/desk/settings/teams", &team).await.goes_to();
    let handed = does(&ana, &[first], "assign", &[("to", "team-1")]).await;
    handed.must(StatusCode::OK).says("Done: 1 of 1.");
    let tag = &tags(&ana, &["refund"]).await[0];

    // What is the team's is not there for others, and told apart from nothing by no word.
    let tagging = [("tag", tag.as_str())];
    let page = ben.person.get("/desk/bulk?tab=all").await.must(StatusCode::OK);
    assert_eq!(page.all("name=\"id\" value=\""), [second.to_string()]);
    let answer = does(&ben, &[first, NOBODYS, second], "tag", &tagging).await;
    let answer = answer.must(StatusCode::OK);
    answer.says("Done: 1 of 3.").says(&format!("Visitor #{first}<")).says_not("on?");
    let why = |id: i64| {
        let rest = answer.body.split(&format!("Visitor #{id}<")).nth(1).unwrap();
        rest.split("</li>").next().unwrap().to_owned()
    };
    assert_eq!(why(first), why(NOBODYS));
    assert_eq!(listed(&ana, &format!("tab=all&tag={tag}")).await, [second]);
    does(&mia, &[first], "tag", &tagging).await.must(StatusCode::OK).says("Done: 1 of 1.");

    rob.person.get("/desk/bulk").await.must(StatusCode::FORBIDDEN);
    rob.person.get("/desk/c?tab=all").await.says_not("select=1");
    rob.person.get("/desk/c?tab=all&select=1").await.must(StatusCode::FORBIDDEN);
    for what in ["close", "export"] {
        does(&rob, &[second], what, &[]).await.must(StatusCode::FORBIDDEN);
    }
    assert_eq!(listed(&ana, "tab=closed").await, Vec::<i64>::new());
}

#[tokio::test]
async fn a_form_that_asks_too_much_or_nothing_is_refused_whole_and_stays_as_it_was() {
    let site = installation().await;
    let ana = site.ana().await;
    let [first, _] = two(&site, &ana).await;
    let tag = &tags(&ana, &["<i>refund</i>"]).await[0];
    let most: Vec<i64> = (0..200).map(|n| NOBODYS + n).collect();
    let answer = does(&ana, &most, "close", &[]).await.must(StatusCode::OK);
    answer.says("Done: 0 of 200.");
    let more: Vec<i64> = std::iter::once(first).chain(most).collect();
    let refused = StatusCode::UNPROCESSABLE_ENTITY;
    let answer = does(&ana, &more, "tag", &[("tag", tag)]).await.must(refused);
    answer.says("Choose at most 200").says(&format!("value=\"{first}\" checked"));
    answer.says("&#60;i&#62;refund").says_not("<i>refund");

    does(&ana, &[], "close", &[]).await.must(refused).says("Choose at least one conversation");
    does(&ana, &[first], "tag", &[]).await.must(refused).says("Choose at least one tag");
    does(&ana, &[first], "tag", &[("tag", "999")]).await.must(refused);
    for to in ["", "999", "team-999", "team-", "x"] {
        let answer = does(&ana, &[first], "assign", &[("to", to)]).await;
        answer.must(refused).says("Choose somebody who works here");
    }
    for what in ["", "delete"] {
        does(&ana, &[first], what, &[]).await.must(refused);
    }
    does_as(&ana, "", &[first], "close", &[]).await.must(refused);
    for id in ["x", "1 OR 1=1", "99999999999999999999", "<b>"] {
        let answer = does(&ana, &[first], "close", &[("id", id)]).await.must(refused);
        answer.says_not("<b>\"");
    }
    // Numbers as large as they get are nobody's; a form that is larger is not read.
    let answer = does(&ana, &[i64::MAX, i64::MIN, -1, 0], "close", &[]).await;
    assert!(answer.status == StatusCode::OK || answer.status == refused, "{}", answer.body);
    let huge = "9".repeat(70_000);
    does(&ana, &[first], "close", &[("id", &huge)]).await.must(StatusCode::PAYLOAD_TOO_LARGE);
    assert_eq!(listed(&ana, "tab=closed").await, Vec::<i64>::new());
}

#[tokio::test]
async fn rows_are_chosen_in_the_list_and_stay_chosen_on_the_page_that_handles_them() {
    let site = installation().await;
    let ana = site.ana().await;
    let [first, second] = two(&site, &ana).await;
    let page = ana.person.get("/desk/c?tab=all&site=1&select=1").await.must(StatusCode::OK);
    assert_eq!(
        page.all("type=\"checkbox\" name=\"id\" value=\""),
        [first, second].map(|id| id.to_string())
    );
    page.says("action=\"/desk/bulk\"").says("Is this thing on?").says("0 chosen");
    page.says("name=\"tab\" value=\"all\"").says("name=\"site\" value=\"1\"");
    // Nothing takes a row away while it is chosen.
    page.says_not("id=\"rows\"").says_not("id=\"c-");
    let chosen = format!("/desk/c?tab=all&select=1&id={second}&id={second}&id=x&id={NOBODYS}");
    let page = ana.person.get(&chosen).await.must(StatusCode::OK);
    page.says("2 chosen").says(&format!("type=\"hidden\" name=\"id\" value=\"{NOBODYS}\""));
    page.says(&format!("value=\"{second}\" checked autofocus"));
    page.says_not(&format!("value=\"{first}\" checked"));

    // What was chosen stands first, in the list that was looked at or not.
    let bulk = |asks: String| {
        let person = ana.person.clone();
        async move { person.get(&format!("/desk/bulk?{asks}")).await.must(StatusCode::OK) }
    };
    let page = bulk(format!("tab=all&tag=1&select=1&id={second}&id={NOBODYS}")).await;
    assert_eq!(page.all("name=\"id\" value=\""), [second.to_string()]);
    page.says(&format!("value=\"{second}\" checked")).says_not(&NOBODYS.to_string());
    let page = bulk(format!("tab=all&id={second}")).await;
    assert_eq!(page.all("name=\"id\" value=\""), [second, first].map(|id| id.to_string()));
    page.says_not(&format!("value=\"{first}\" checked"));
    let many = (0..201).map(|n| format!("&id={}", NOBODYS + n)).collect::<String>();
    bulk(format!("tab=all{many}")).await.says("Choose at most 200");
    let hostile =
        bulk("tab=all&id=%22%3E%3Cb%3E&id=99999999999999999999&id=1%20OR%201=1".into()).await;
    hostile.says_not("<b>\"").says_not(" checked");

    // What she does not see is not shown, whoever names it.
    let (mia, ben) = (site.agent("mia", Role::Agent).await, site.ben().await);
    let member = number_of(&site, "mia").await;
    let team = [("name", "Returns"), ("member", member.as_str())];
    ana.person.post("/desk/settings/teams", &team).await.goes_to();
    does(&ana, &[first], "assign", &[("to", "team-1")]).await.must(StatusCode::OK);
    for (agent, sees) in [(&mia, true), (&ben, false)] {
        let page = agent.person.get(&format!("/desk/bulk?tab=closed&id={first}")).await;
        let page = page.must(StatusCode::OK);
        assert_eq!(page.body.contains("Is this thing on?"), sees, "{}", page.body);
    }
}
