//! Everybody who works here: who is invited, changed, disabled, and by whom.
use crate::support::{Agent, Installation, Stream, installation, program::value};
use kefu::{
    agent::{self, Role, Scope, TokenName},
    audit::Doer,
    ids::AgentId,
};
use poem::http::StatusCode;
use std::time::{Duration, Instant};

const AGENTS: &str = "/desk/settings/agents";
const SAVED: &str = "/desk/settings/agents?saved=1";
const PASSWORD: &str = "correct horse battery staple";

async fn number(site: &Installation, name: &str) -> i64 {
    let all = agent::accounts(&site.app.db).await.unwrap();
    all.iter().find(|one| one.agent.name == name).unwrap().agent.id.0
}

async fn role(site: &Installation, name: &str) -> Role {
    let all = agent::accounts(&site.app.db).await.unwrap();
    all.iter().find(|one| one.agent.name == name).unwrap().agent.role
}

async fn act(site: &Installation, who: &Agent, of: &str, verb: &str) -> crate::support::Answer {
    let of = number(site, of).await;
    who.person.post(&format!("{AGENTS}/{of}/{verb}"), &[]).await
}

async fn make(site: &Installation, who: &Agent, of: &str, role: &str) -> crate::support::Answer {
    let fields = [("name", of), ("role", role), ("capacity", "")];
    let of = number(site, of).await;
    who.person.post(&format!("{AGENTS}/{of}"), &fields).await
}

#[tokio::test]
async fn somebody_is_invited_by_a_link_that_is_shown_once() {
    let site = installation().await;
    let ana = site.ana().await;
    let fields = [("name", "周航"), ("email", "Zhou@Shop.Example"), ("role", "admin")];
    let page = ana.person.post(AGENTS, &fields).await.must(StatusCode::OK);
    let link = page.says("works once, and for 72 hours").all("id=\"link\" value=\"").remove(0);
    let path = link.strip_prefix("http://127.0.0.1:3000").unwrap();
    page.says("zhou@shop.example").says("Invited").says("link until");
    ana.person.get(AGENTS).await.says_not("/invite?token=");

    let zhou = site.stranger();
    let token = zhou.get(path).await.must(StatusCode::OK).field("token");
    let fields = [("token", token.as_str()), ("password", PASSWORD)];
    assert_eq!(zhou.post("/invite", &fields).await.goes_to(), "/desk");
    zhou.get(AGENTS).await.must(StatusCode::OK).says("last seen").says_not("Invited</span>");
    zhou.post("/invite", &fields).await.must(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn an_invitation_that_does_not_fit_comes_back_as_it_was_typed() {
    let site = installation().await;
    let (ana, _ben) = (site.ana().await, site.ben().await);
    for (name, email, role, reason) in [
        ("", "x@shop.example", "agent", "A name has 1–60 characters"),
        ("x", "nobody", "agent", "valid e-mail"),
        ("x", "ben@shop.example", "agent", "already an account"),
    ] {
        let fields = [("name", name), ("email", email), ("role", role)];
        ana.person
            .post(AGENTS, &fields)
            .await
            .must(StatusCode::UNPROCESSABLE_ENTITY)
            .says(reason)
            .says(&format!("name=\"email\" value=\"{email}\""))
            .says_not("/invite?token=");
    }
    let fields = [("name", "x"), ("email", "x@shop.example"), ("role", "emperor")];
    ana.person.post(AGENTS, &fields).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(agent::accounts(&site.app.db).await.unwrap().len(), 2);
}

#[tokio::test]
async fn a_new_link_ends_the_old_ones_and_who_forgot_the_password_comes_in_by_it() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let path = |page: &crate::support::Answer| {
        let link = page.all("id=\"link\" value=\"").remove(0);
        link.strip_prefix("http://127.0.0.1:3000").unwrap().to_owned()
    };
    let first = path(&act(&site, &ana, "ben", "link").await.must(StatusCode::OK));
    let second = path(&act(&site, &ana, "ben", "link").await.must(StatusCode::OK));
    site.stranger().get(&first).await.must(StatusCode::NOT_FOUND);
    // Until it is used, nothing changes for him.
    ben.person.get("/desk/me").await.must(StatusCode::OK);
    let forgetful = site.stranger();
    let token = forgetful.get(&second).await.must(StatusCode::OK).field("token");
    let new = "another long password of mine";
    let fields = [("token", token.as_str()), ("password", new)];
    assert_eq!(forgetful.post("/invite", &fields).await.goes_to(), "/desk");
    forgetful.get("/desk/me").await.must(StatusCode::OK);
    // Whoever knew the old one is out.
    ben.person.get("/desk/me").await.must(StatusCode::SEE_OTHER);
    let old = [("email", "ben@shop.example"), ("password", PASSWORD)];
    site.stranger().post("/login", &old).await.must(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn name_role_and_capacity_are_changed_and_bad_ones_come_back() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let path = format!("{AGENTS}/{}", number(&site, "ben").await);
    let fields = [("name", "周航"), ("role", "admin"), ("capacity", "12")];
    assert_eq!(ana.person.post(&path, &fields).await.goes_to(), SAVED);
    ana.person.get(SAVED).await.says("周航").says("value=\"12\"").says("Saved");
    ben.person.get(AGENTS).await.must(StatusCode::OK);
    let all = agent::all(&site.app.db).await.unwrap();
    assert_eq!((all[0].capacity.number(), all[1].capacity.number()), (5, 12));
    for bad in ["0", "101", "many", "-3", "99999999999999999999"] {
        let fields = [("name", "ben"), ("role", "agent"), ("capacity", bad)];
        ana.person
            .post(&path, &fields)
            .await
            .must(StatusCode::UNPROCESSABLE_ENTITY)
            .says("1 to 100")
            .says(&format!("value=\"{bad}\""));
    }
    let fields = [("name", "周航"), ("role", "read-only"), ("capacity", " ")];
    ana.person.post(&path, &fields).await.goes_to();
    ben.person.get(AGENTS).await.must(StatusCode::FORBIDDEN);
    assert_eq!(agent::all(&site.app.db).await.unwrap()[1].capacity.own(), None);
    for nowhere in ["99", "x", "0", "-1"] {
        let path = format!("{AGENTS}/{nowhere}");
        ana.person.post(&path, &fields).await.must(StatusCode::NOT_FOUND);
        ana.person.post(&format!("{path}/disable"), &[]).await.must(StatusCode::NOT_FOUND);
        ana.person.post(&format!("{path}/link"), &[]).await.must(StatusCode::NOT_FOUND);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_disabled_loses_everything_within_two_seconds_and_comes_back_with_nothing() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let other_node = site.deaf_node();
    let _vera = site.vera().await;
    let id = number(&site, "ben").await;
    let program = site.agent_program("ben", Scope::Write).await;
    program.get("/me").await.must(StatusCode::OK);
    let link = act(&site, &ana, "ben", "link").await.all("id=\"link\" value=\"").remove(0);
    let link = link.strip_prefix("http://127.0.0.1:3000").unwrap().to_owned();
    site.stranger().get(&link).await.must(StatusCode::OK);
    let server = site.listening().await;
    let mut line = program.connect(server).await.unwrap();
    line.until("hello").await;
    let mut stream = ben.listen("all").await;
    stream.named("synced").await;
    let mut hers = ana.listen("all").await;
    hers.named("synced").await;

    assert_eq!(act(&site, &ana, "ben", "disable").await.goes_to(), SAVED);
    let began = Instant::now();
    ends(&mut stream).await;
    assert!(line.closed().await.is_some());
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
    ana.person.get(AGENTS).await.says("Disabled</span>");
    ben.person.get("/desk/c").await.must(StatusCode::SEE_OTHER);
    ben.person.at(other_node).get("/desk/c").await.must(StatusCode::SEE_OTHER);
    program.get("/me").await.must(StatusCode::UNAUTHORIZED);
    site.stranger().get(&link).await.must(StatusCode::NOT_FOUND);
    let right = [("email", "ben@shop.example"), ("password", PASSWORD)];
    site.stranger().post("/login", &right).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    act(&site, &ana, "ben", "link").await.must(StatusCode::CONFLICT).says("Enable it first");

    assert_eq!(act(&site, &ana, "ben", "enable").await.goes_to(), SAVED);
    // Only the password of before opens.
    ben.person.get("/desk/c").await.must(StatusCode::SEE_OTHER);
    program.get("/me").await.must(StatusCode::UNAUTHORIZED);
    site.stranger().get(&link).await.must(StatusCode::NOT_FOUND);
    let ben = Agent::sign_in(site.stranger(), "ben").await;
    ben.person.get("/desk/c").await.must(StatusCode::OK);
    assert_eq!(number(&site, "ben").await, id);
    // Nobody else noticed anything.
    ana.person.get("/desk/c").await.must(StatusCode::OK);
}

async fn ends(stream: &mut Stream) {
    stream.named("bye").await;
    assert_eq!(stream.next().await, None);
}

/// A socket holds the role with which it was opened.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_gets_another_role_has_it_on_open_sockets_too() {
    let site = installation().await;
    let (ana, _ben) = (site.ana().await, site.ben().await);
    let _vera = site.vera().await;
    let conversation = ana.newest("queue").await;
    let program = site.agent_program("ben", Scope::Write).await;
    let server = site.listening().await;
    let note = |nonce: &str| {
        serde_json::json!({ "type": "send", "conversation": conversation, "nonce": nonce,
            "body": "a note", "kind": "note" })
    };
    let mut line = program.connect(server).await.unwrap();
    line.until("hello").await;
    assert_eq!(line.request(note("n1")).await["type"], "ok");
    make(&site, &ana, "ben", "read-only").await.goes_to();
    assert!(line.closed().await.is_some());
    // He may come back, and only look.
    let mut line = program.connect(server).await.unwrap();
    line.until("hello").await;
    assert_eq!(line.request(note("n2")).await["code"], "forbidden");
    let me = value(&program.get("/me").await);
    assert_eq!(me["role"], "read-only");
}

#[tokio::test]
async fn only_an_owner_makes_changes_or_disables_an_owner() {
    let site = installation().await;
    let (ana, ida) = (site.ana().await, site.agent("ida", Role::Admin).await);
    let (_ben, _olga) = (site.ben().await, site.agent("olga", Role::Owner).await);
    let fields = [("name", "x"), ("email", "x@shop.example"), ("role", "owner")];
    ida.person.post(AGENTS, &fields).await.must(StatusCode::FORBIDDEN).says("Only an owner may");
    make(&site, &ida, "olga", "admin").await.must(StatusCode::FORBIDDEN);
    make(&site, &ida, "olga", "owner").await.must(StatusCode::FORBIDDEN);
    make(&site, &ida, "ben", "owner").await.must(StatusCode::FORBIDDEN);
    for verb in ["disable", "enable", "link"] {
        act(&site, &ida, "olga", verb).await.must(StatusCode::FORBIDDEN).says_not("/invite?token=");
    }
    make(&site, &ida, "ben", "admin").await.goes_to();
    ida.person.get(AGENTS).await.says("Only an owner may").says_not("<option value=\"owner\"");

    ana.person.post(AGENTS, &fields).await.must(StatusCode::OK).says("/invite?token=");
    make(&site, &ana, "ben", "owner").await.goes_to();
    act(&site, &ana, "olga", "link").await.must(StatusCode::OK);
    make(&site, &ana, "olga", "agent").await.goes_to();
    act(&site, &ana, "ben", "disable").await.goes_to();
}

#[tokio::test]
async fn nobody_disables_herself_or_raises_her_own_role_and_the_last_owner_stays() {
    let site = installation().await;
    let (ana, ida) = (site.ana().await, site.agent("ida", Role::Admin).await);
    let ben = site.ben().await;
    act(&site, &ida, "ida", "disable").await.must(StatusCode::FORBIDDEN).says("their own account");
    act(&site, &ida, "ida", "link").await.must(StatusCode::FORBIDDEN);
    make(&site, &ida, "ida", "owner").await.must(StatusCode::FORBIDDEN).says("their own role");
    make(&site, &ana, "ana", "admin").await.must(StatusCode::CONFLICT).says("the last owner");
    // Somebody who was only invited does not count.
    let fields = [("name", "eve"), ("email", "eve@shop.example"), ("role", "owner")];
    ana.person.post(AGENTS, &fields).await.must(StatusCode::OK);
    make(&site, &ana, "ana", "admin").await.must(StatusCode::CONFLICT).says("the last owner");
    make(&site, &ana, "ben", "owner").await.goes_to();
    make(&site, &ana, "ana", "admin").await.goes_to();
    make(&site, &ben, "ben", "read-only").await.must(StatusCode::CONFLICT);
    assert_eq!(role(&site, "ana").await, Role::Admin);
    for nobody in [&ana, &ida] {
        make(&site, nobody, "ben", "agent").await.must(StatusCode::FORBIDDEN);
    }
}

#[tokio::test]
async fn whoever_only_answers_changes_nobody() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    ana.person.get(AGENTS).await.must(StatusCode::OK);
    ben.person.get(AGENTS).await.must(StatusCode::FORBIDDEN).says("Only an owner or an admin");
    let fields = [("name", "x"), ("email", "x@shop.example"), ("role", "agent")];
    ben.person.post(AGENTS, &fields).await.must(StatusCode::FORBIDDEN);
    make(&site, &ben, "ben", "admin").await.must(StatusCode::FORBIDDEN);
    for verb in ["disable", "enable", "link"] {
        act(&site, &ben, "ana", verb).await.must(StatusCode::FORBIDDEN);
    }
    make(&site, &ana, "ben", "read-only").await.goes_to();
    ben.person.get(AGENTS).await.must(StatusCode::FORBIDDEN);
    assert_eq!(agent::accounts(&site.app.db).await.unwrap().len(), 2);
}

/// However often they try: there is one owner left, and the other came too late.
#[tokio::test(flavor = "multi_thread")]
async fn two_owners_who_take_each_others_role_away_at_once_leave_one() {
    let site = installation().await;
    let (ana, olga) = (site.ana().await, site.agent("olga", Role::Owner).await);
    for (verb, round) in ["demote", "disable", "demote", "disable"].into_iter().zip(0..) {
        let (hers, theirs) = if verb == "demote" {
            tokio::join!(make(&site, &ana, "olga", "admin"), make(&site, &olga, "ana", "admin"))
        } else {
            tokio::join!(act(&site, &ana, "olga", "disable"), act(&site, &olga, "ana", "disable"))
        };
        let done = [&hers, &theirs].into_iter().filter(|one| one.status == StatusCode::SEE_OTHER);
        assert_eq!(done.count(), 1, "{round}: {} {}", hers.status, theirs.status);
        let owners = agent::accounts(&site.app.db).await.unwrap();
        let owners: Vec<_> = owners.iter().filter(|one| one.is_owner()).collect();
        assert_eq!(owners.len(), 1, "{round}");
        site.change("UPDATE agent SET role = 'owner', disabled_at = NULL").await;
        for who in [&ana, &olga] {
            let name = if std::ptr::eq(who, &ana) { "ana" } else { "olga" };
            Agent::sign_in(who.person.clone(), name).await;
        }
    }
}

/// Everybody gives up the last place at once.
#[tokio::test(flavor = "multi_thread")]
async fn of_many_owners_who_leave_at_once_one_stays() {
    let site = installation().await;
    let mut owners = Vec::new();
    for name in ["o1", "o2", "o3", "o4", "o5", "o6"] {
        owners.push((name, site.agent(name, Role::Owner).await));
    }
    let leaving = owners.iter().map(|(name, who)| make(&site, who, name, "agent"));
    let answers = futures_util::future::join_all(leaving).await;
    let stayed: Vec<_> = answers.iter().filter(|one| one.status == StatusCode::CONFLICT).collect();
    assert_eq!(stayed.len(), 1, "{:?}", answers.iter().map(|one| one.status).collect::<Vec<_>>());
    let left = agent::accounts(&site.app.db).await.unwrap();
    assert_eq!(left.iter().filter(|one| one.is_owner()).count(), 1);
}

#[tokio::test]
async fn hostile_names_of_people_are_shown_and_do_nothing() {
    let site = installation().await;
    let ana = site.ana().await;
    let emoji = "😀".repeat(60);
    let names = ["<img src=x onerror=alert(1)>", "\u{202e}nimda\"'", &emoji];
    for (name, place) in names.into_iter().zip(0..) {
        let email = format!("h{place}@shop.example");
        let fields = [("name", name), ("email", email.as_str()), ("role", "agent")];
        ana.person.post(AGENTS, &fields).await.must(StatusCode::OK).says_not("<img");
    }
    ana.person.post("/desk/settings/teams", &[("name", names[0]), ("member", "2")]).await;
    let by = Doer { agent: AgentId(1), name: names[0].into(), ..Doer::command_line() };
    let token = TokenName::parse(names[1]).unwrap();
    agent::make_token(&site.app, &by, &token, Scope::Read, None).await.unwrap();
    for page in [AGENTS, "/desk/settings/teams", "/desk/settings/audit"] {
        let page = ana.person.get(page).await.must(StatusCode::OK);
        page.says("&#60;img src=x onerror=alert(1)&#62;").says(&emoji).says_not("<img");
        // What turns the writing round ends where the name does.
        for (at, _) in page.body.match_indices('\u{202e}') {
            let before = &page.body[..at];
            let inside = before.ends_with("<bdi hx-ignore>")
                || before.ends_with('\u{2068}')
                || before.ends_with("value=\"");
            assert!(inside, "{}", &page.body[at.saturating_sub(80)..at]);
        }
    }
    let fields = [("name", "\" autofocus onfocus=\"x"), ("email", "<i>"), ("role", "\"><b>")];
    ana.person
        .post(AGENTS, &fields)
        .await
        .must(StatusCode::UNPROCESSABLE_ENTITY)
        .says_not("<i>")
        .says_not("<b>\"")
        .says("value=\"&#60;i&#62;\"");
}
