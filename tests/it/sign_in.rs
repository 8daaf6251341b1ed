//! The door: who gets in, and how access ends.
use crate::support::{Agent, Stream, in_time, installation, limited_installation};
use jiff::SignedDuration;
use kefu::{
    agent::{self, AgentName, Email, NewAgent, Role, Scope, TokenName},
    audit::Doer,
    contact::VisitorToken,
    event::{Access, Event},
    ids::{self, AgentId},
};
use poem::http::StatusCode;
use std::time::{Duration, Instant};

const PASSWORD: &str = "correct horse battery staple";

#[tokio::test]
async fn the_right_password_opens_and_a_wrong_one_says_no_more_than_an_unknown_account() {
    let site = installation().await;
    site.employ("ana", Role::Owner).await;
    let person = site.stranger();
    let wrong = [("email", "ana@shop.example"), ("password", "not the right one at all")];
    let unknown = [("email", "nobody@shop.example"), ("password", "not the right one at all")];
    let wrong = person.post("/login", &wrong).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    let unknown = person.post("/login", &unknown).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(wrong.body.replace("ana@", "nobody@"), unknown.body);
    assert!(person.cookies().is_empty());
    Agent::sign_in(person.clone(), "ana").await;
    person.get("/desk/c").await.must(StatusCode::OK);
}

#[tokio::test]
async fn the_session_is_new_at_sign_in_and_hidden_from_scripts() {
    let site = installation().await;
    site.employ("ana", Role::Owner).await;
    let person = site.stranger();
    let fields = [("email", "Ana@Shop.Example "), ("password", PASSWORD)];
    let first = person.post("/login", &fields).await;
    let cookie = first.header("set-cookie").to_owned();
    assert!(
        cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax") && cookie.contains("Path=/"),
        "{cookie}"
    );
    let known_before = person.cookies()["kefu"].clone();
    person.post("/login", &fields).await;
    assert_ne!(person.cookies()["kefu"], known_before);
    let planted = site.stranger();
    planted.get("/login").await;
    assert!(planted.cookies().is_empty(), "looking at the door makes no session");
}

#[tokio::test]
async fn whoever_is_not_signed_in_is_led_to_the_door_and_back() {
    let site = installation().await;
    let ana = site.ana().await;
    let person = site.stranger();
    assert_eq!(
        person.get("/desk/c?tab=queue").await.goes_to(),
        "/login?next=%2Fdesk%2Fc%3Ftab%3Dqueue"
    );
    person.get("/desk/events").await.must(StatusCode::UNAUTHORIZED);
    person.post("/desk/c/1/claim", &[("nonce", "n")]).await.must(StatusCode::UNAUTHORIZED);
    let typed = [("nonce", "n"), ("body", "typed for long")];
    person
        .post("/desk/c/1/messages", &typed)
        .await
        .must(StatusCode::UNAUTHORIZED)
        .says("typed for long</textarea>");
    for (next, place) in [
        ("/desk/c?tab=all", "/desk/c?tab=all"),
        ("https://evil.example", "/desk"),
        ("//evil.example", "/desk"),
        ("/desk\\evil", "/desk"),
    ] {
        let fields = [("email", "ana@shop.example"), ("password", PASSWORD), ("next", next)];
        assert_eq!(site.stranger().post("/login", &fields).await.goes_to(), place);
    }
    drop(ana);
}

#[tokio::test]
async fn the_sixth_try_in_a_minute_waits_even_with_the_right_password() {
    let site = limited_installation().await;
    site.employ("ana", Role::Owner).await;
    let person = site.stranger();
    for _ in 0..5 {
        let wrong = [("email", "ana@shop.example"), ("password", "guessing")];
        person.post("/login", &wrong).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    let right = [("email", "ana@shop.example"), ("password", PASSWORD)];
    person
        .post("/login", &right)
        .await
        .must(StatusCode::TOO_MANY_REQUESTS)
        .says("Too fast")
        .says("ana@shop.example");
}

/// Every stream × every way to lose access.
#[tokio::test]
async fn streams_end_within_two_seconds_of_losing_access() {
    let site = installation().await;
    let _vera = site.vera().await;
    let mut agents = 0;
    for way in ["sign-out", "ended from another device", "password changed"] {
        in_time(Duration::from_secs(2), way, async || {
            agents += 1;
            let name = format!("agent{agents}");
            let agent = site.agent(&name, Role::Agent).await;
            let other_device = Agent::sign_in(site.stranger(), &name).await;
            let mut stream = agent.listen("all").await;
            let mut others = other_device.listen("all").await;
            stream.named("synced").await;
            others.named("synced").await;
            let began = Instant::now();
            match way {
                "sign-out" => {
                    assert_eq!(agent.person.twin().post("/logout", &[]).await.goes_to(), "/login");
                }
                "ended from another device" => {
                    let me = other_device.person.get("/desk/me").await;
                    let fields = [("session", &*me.field("session"))];
                    other_device.person.post("/desk/me/sessions/end", &fields).await.goes_to();
                }
                _ => {
                    let fields =
                        [("current", PASSWORD), ("password", "another long password of mine")];
                    other_device.person.post("/desk/me/password", &fields).await.goes_to();
                    ends(&mut others).await;
                    other_device.person.get("/desk/c").await.must(StatusCode::OK);
                }
            }
            ends(&mut stream).await;
            let took = began.elapsed();
            agent.person.get("/desk/events").await.must(StatusCode::UNAUTHORIZED);
            agent.person.get("/desk/c").await.must(StatusCode::SEE_OTHER);
            took
        })
        .await;
    }
}

#[tokio::test]
async fn every_stream_ends_when_its_right_does() {
    let site = installation().await;
    let (vera, walt, ana) = (site.vera().await, site.walt().await, site.ana().await);
    let mut hers = vera.listen("1").await;
    let mut document = vera.person.listen(&vera.path("/live")).await;
    let mut his = walt.listen("1").await;
    let mut desk = ana.listen("all").await;
    hers.named("synced").await;
    his.named("synced").await;
    desk.named("synced").await;
    document.document_until("Is this thing on?").await;

    let key = vera.person.cookies()["kefu-v"].clone();
    let token = VisitorToken::parse(&key, &site.app.key).unwrap().hash().name();
    let said = |access| site.app.bus.publish(Event::AccessLost { access });
    // What is said may be old: the database knows better.
    said(Access::VisitorToken(token.clone()));
    vera.say("still here").await.must(StatusCode::OK);
    assert!(hers.entry().await.data.contains("still here"));

    site.change("UPDATE visitor_token SET revoked_at = created_at WHERE contact_id = 1").await;
    said(Access::VisitorToken(token));
    ends(&mut hers).await;
    document.document_until("http-equiv=\"refresh\" content=\"0\"").await;
    walt.say("mine goes on").await.must(StatusCode::OK);
    assert!(his.entry().await.data.contains("mine goes on"));
    site.change("UPDATE agent SET disabled_at = created_at").await;
    said(Access::Agent(AgentId(1)));
    ends(&mut desk).await;
}

async fn ends(stream: &mut Stream) {
    stream.named("bye").await;
    assert_eq!(stream.next().await, None);
}

#[tokio::test]
async fn a_session_ends_by_idleness_and_by_age() {
    let site = installation().await;
    let ana = site.ana().await;
    for _ in 0..14 {
        site.app.clock.turn(SignedDuration::from_hours(11));
        ana.person.get("/desk/me").await.must(StatusCode::OK);
    }
    site.app.clock.turn(SignedDuration::from_hours(15));
    ana.person.get("/desk/me").await.must(StatusCode::SEE_OTHER);

    let ana = Agent::sign_in(site.stranger(), "ana").await;
    site.app.clock.turn(SignedDuration::from_secs(12 * 3600 + 1));
    ana.person.get("/desk/me").await.must(StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn what_has_ended_stays_ended_when_the_clock_is_put_back() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let all = agent::all(&site.app.db).await.unwrap();
    let name = TokenName::parse("tests").unwrap();
    let month = Some(SignedDuration::from_hours(30 * 24));
    let by = Doer { agent: all[0].id, ..Doer::command_line() };
    let token = agent::make_token(&site.app, &by, &name, Scope::Read, month).await.unwrap();
    let program = site.holder(&token);
    let welcome = [StatusCode::OK; 3];
    let ended = [StatusCode::SEE_OTHER, StatusCode::UNAUTHORIZED, StatusCode::NOT_FOUND];
    let are = async |answers: [StatusCode; 3]| {
        ana.person.get("/desk/me").await.must(answers[0]);
        program.get("/me").await.must(answers[1]);
        vera.person.get(&vera.path("")).await.must(answers[2]);
    };
    are(welcome).await;
    // Only this node's clock is wrong: it ends nothing.
    let half_a_year = SignedDuration::from_hours(181 * 24);
    site.app.clock.turn(half_a_year);
    are(ended).await;
    site.app.clock.turn(-half_a_year);
    are(welcome).await;
    let hour = SignedDuration::from_hours(1);
    let past = (site.app.db.now().await.unwrap() - hour).as_microsecond();
    for table in ["session", "agent_token", "visitor_token"] {
        site.change(&format!("UPDATE {table} SET expires_at = {past}")).await;
    }
    are(ended).await;
    site.app.clock.turn(-hour * 2);
    are(ended).await;
}

#[tokio::test]
async fn a_session_begun_while_the_clock_was_ahead_lives_no_longer() {
    let site = installation().await;
    let day = SignedDuration::from_hours(24);
    site.app.clock.turn(day);
    let ana = site.ana().await;
    site.app.clock.turn(-day);
    ana.person.get("/desk/me").await.must(StatusCode::OK);
    site.app.clock.turn(SignedDuration::from_hours(13));
    ana.person.get("/desk/me").await.must(StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn nobody_ends_another_agents_session() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let _second = Agent::sign_in(site.stranger(), "ana").await;
    let session = ana.person.get("/desk/me").await.field("session");
    ben.person
        .post("/desk/me/sessions/end", &[("session", &session)])
        .await
        .must(StatusCode::NOT_FOUND);
    ana.person
        .post("/desk/me/sessions/end", &[("session", &session)])
        .await
        .must(StatusCode::SEE_OTHER);
    ana.person
        .post("/desk/me/sessions/end", &[("session", "garbage!")])
        .await
        .must(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn own_settings_are_kept_and_bad_ones_come_back() {
    let site = installation().await;
    let ana = site.ana().await;
    let fields = [("name", "林小雨"), ("language", "zh-CN"), ("theme", "dark")];
    assert_eq!(ana.person.post("/desk/me/profile", &fields).await.goes_to(), "/desk/me?saved=1");
    let me = ana.person.get("/desk/me?saved=1").await;
    me.says("value=\"林小雨\"")
        .says("<html lang=\"zh-CN\">")
        .says("已保存")
        .says_not("prefers-color-scheme");
    let empty = [("name", " "), ("language", "en"), ("theme", "light")];
    ana.person
        .post("/desk/me/profile", &empty)
        .await
        .must(StatusCode::UNPROCESSABLE_ENTITY)
        .says("姓名需要");
    let strange = [("name", "x"), ("language", "en"), ("theme", "pink")];
    ana.person.post("/desk/me/profile", &strange).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    let wrong = [("current", "not mine at all, no"), ("password", "another long password of mine")];
    ana.person
        .post("/desk/me/password", &wrong)
        .await
        .must(StatusCode::UNPROCESSABLE_ENTITY)
        .says("当前密码不正确");
    let weak = [("current", PASSWORD), ("password", "short")];
    ana.person
        .post("/desk/me/password", &weak)
        .await
        .must(StatusCode::UNPROCESSABLE_ENTITY)
        .says("至少需要 15 个字符");
}

#[tokio::test]
async fn what_sends_an_answer_is_each_agents_own_and_is_said_where_she_writes() {
    let site = installation().await;
    let (ana, ben, _vera) = (site.ana().await, site.ben().await, site.vera().await);
    let profile = |key| [("name", "ana"), ("language", "en"), ("theme", "auto"), ("send_key", key)];
    let save = async |key| ana.person.post("/desk/me/profile", &profile(key)).await;
    ana.person.get("/desk/me").await.says("<option value=\"enter\" selected>");
    let page = ana.person.get("/desk/c/1").await;
    page.says("data-send=\"enter\"").says("Enter sends, Shift+Enter starts a new line");
    ana.person
        .get("/desk/keys")
        .await
        .says("<kbd>Enter</kbd> </span></td><td>Send what you write</td>");

    assert_eq!(save("ctrl_enter").await.goes_to(), "/desk/me?saved=1");
    for strange in ["", "Enter", "ctrl_enter ", "pink"] {
        save(strange).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    // Whatever else she likes leaves it as it is, and so does a page of before.
    let before = [("name", "ana"), ("language", "en"), ("theme", "dark")];
    ana.person.post("/desk/me/profile", &before).await.must(StatusCode::SEE_OTHER);
    ana.person.post("/desk/keys", &[("single", "off")]).await.must(StatusCode::SEE_OTHER);
    let told = [("mine_volume", "5")];
    let told = ana.person.post("/desk/settings/notifications", &told).await;
    told.must(StatusCode::SEE_OTHER);
    ana.person.get("/desk/me").await.says("<option value=\"ctrl_enter\" selected>");
    let page = ana.person.get("/desk/c/1").await;
    page.says("data-send=\"ctrl_enter\"").says("Ctrl+Enter sends, Enter starts a new line");
    page.says("<kbd>Ctrl Enter</kbd>").says("data-keys=\"off\"");
    let keys = ana.person.get("/desk/keys").await;
    keys.says("<kbd>⌘</kbd> + <kbd>Enter</kbd> </span></td><td>Send what you write</td>");
    keys.says("<kbd>Enter</kbd> </span></td><td>Start a new line</td>");
    ben.person.get("/desk/c/1").await.says("data-send=\"enter\"").says("<kbd>Enter</kbd>");
}

#[tokio::test]
async fn an_invitation_is_used_once_and_only_while_it_is_fresh() {
    let site = installation().await;
    site.employ("ana", Role::Owner).await;
    let invited = |name: &'static str| {
        let app = site.app.clone();
        async move {
            let email = Email::parse(&format!("{name}@shop.example")).unwrap();
            let name = AgentName::parse(name).unwrap();
            let new = NewAgent { email, name, role: Role::Agent, lang: None, password: None };
            let agent = agent::add(&app, new).await.unwrap();
            agent::invite(&app, agent.id).await.unwrap()
        }
    };
    let token = invited("ben").await;
    let person = site.stranger();
    person
        .get(&format!("/invite?token={token}"))
        .await
        .must(StatusCode::OK)
        .says("ben@shop.example");
    let weak = [("token", token.as_str()), ("password", "short")];
    person.post("/invite", &weak).await.must(StatusCode::UNPROCESSABLE_ENTITY).says("at least 15");
    let fields = [("token", token.as_str()), ("password", PASSWORD)];
    assert_eq!(person.post("/invite", &fields).await.goes_to(), "/desk");
    person.get("/desk/c").await.must(StatusCode::OK);
    site.stranger().post("/invite", &fields).await.must(StatusCode::NOT_FOUND);

    let late = invited("eve").await;
    site.app.clock.turn(SignedDuration::from_secs(72 * 3600 + 1));
    site.stranger().get(&format!("/invite?token={late}")).await.must(StatusCode::NOT_FOUND);
    for forged in ["", " ", &late.to_uppercase(), &format!("{late} "), &ids::encode(&[0; 32])] {
        let forged: String = url::form_urlencoded::byte_serialize(forged.as_bytes()).collect();
        site.stranger().get(&format!("/invite?token={forged}")).await.must(StatusCode::NOT_FOUND);
    }
}
