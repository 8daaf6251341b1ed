//! Online, busy, offline: what colleagues and visitors see of an agent, and what becomes of the conversations of one who goes.
use crate::support::{Agent, Answer, Installation, Stream, Visitor, installation};
use kefu::{conversation, ids::AgentId, jobs};
use poem::http::StatusCode;
use serde_json::Value;
use std::time::{Duration, Instant};

/// Ana and Ben, and a conversation that Ana has taken and answered.
async fn ana_at_work(site: &Installation) -> (Agent, Agent, i64) {
    let (ana, ben) = (site.ana().await, site.ben().await);
    let id = ana.newest("queue").await;
    ana.act(id, "claim").await.must(StatusCode::OK);
    ana.reply(id, "Good day").await.must(StatusCode::OK);
    (ana, ben, id)
}

async fn choose(agent: &Agent, fields: &[(&str, &str)]) -> Answer {
    agent.person.post("/desk/me/state", fields).await
}

/// Her stream, once it is one.
async fn at_desk(agent: &Agent) -> Stream {
    let mut desk = agent.listen("all").await;
    desk.named("synced").await;
    desk
}

/// How often a conversation went back to the queue.
async fn requeued(agent: &Agent, id: i64) -> usize {
    let page = agent.person.get(&format!("/desk/c/{id}")).await;
    page.body.matches("We are finding another agent for you").count()
}

#[tokio::test]
async fn an_agent_who_is_gone_loses_her_seat_and_whoever_waits_longest_is_taken_first() {
    let site = installation().await.at_work(|config| config.seat_seconds = 3);
    let vera = site.vera().await;
    let (ana, ben, id) = ana_at_work(&site).await;
    let (mut seen, mut desk) = (vera.listen("3").await, ben.listen("queue").await);
    seen.named("synced").await;
    desk.named("synced").await;
    let open = at_desk(&ana).await;
    let _walt = site.walt().await;
    drop(open);

    let told = desk
        .until(|event| event.name == "notify" && event.data.contains(&format!("n\":{id},")))
        .await;
    let told: Value = serde_json::from_str(&told.data).unwrap();
    assert_eq!((&told["kind"], &told["title"]), (&"queue".into(), &"Visitor #1".into()));
    let entry = seen.entry().await;
    assert!(entry.data.contains("We are finding another agent for you"), "{}", entry.data);
    let queue = ben.person.get("/desk/c?tab=queue").await;
    let place = |id: i64| queue.body.find(&format!("id=\"c-{id}\"")).unwrap();
    assert!(place(id) < place(id + 1), "who was being served came before those who wait");
    ben.act(id, "claim").await.must(StatusCode::OK);
    ben.reply(id, "I go on").await.must(StatusCode::OK);
    assert_eq!(requeued(&ben, id).await, 1);
}

#[tokio::test]
async fn who_asked_again_before_her_agent_was_lost_stands_before_whoever_came_meanwhile() {
    let site = installation().await;
    let vera = site.vera().await;
    let (_ana, ben, id) = ana_at_work(&site).await;
    let _walt = site.walt().await;
    vera.say("Are you still there?").await.must(StatusCode::OK);
    assert_eq!(conversation::give_back(&site.app, AgentId(1), "ana").await.unwrap(), 1);
    let queue = ben.person.get("/desk/c?tab=queue").await.all("id=\"c-");
    assert_eq!(queue, [id.to_string(), (id + 1).to_string()]);
}

#[tokio::test]
async fn whoever_said_that_she_leaves_keeps_what_she_wanted_to_keep() {
    let site = installation().await.at_work(|config| config.seat_seconds = 3);
    let _vera = site.vera().await;
    let (ana, ben, id) = ana_at_work(&site).await;
    let _walt = site.walt().await;
    let other = ben.newest("queue").await;
    ben.act(other, "claim").await.must(StatusCode::OK);
    let open = (at_desk(&ana).await, at_desk(&ben).await);
    let asked = choose(&ana, &[("state", "offline")]).await.must(StatusCode::OK);
    asked.says("You still have open conversations: 1").says("value=\"keep\"");
    choose(&ana, &[("state", "offline"), ("held", "keep")]).await.goes_to();
    let eve = site.agent("eve", kefu::agent::Role::Agent).await;
    let mut desk = at_desk(&eve).await;
    drop(open);
    // Ben said nothing: his is the clock.
    desk.until(|event| event.name == "notify" && event.data.contains(&format!("n\":{other},")))
        .await;
    assert_eq!(ana.newest("mine").await, id);
    assert_eq!(requeued(&ana, id).await, 0);
}

#[tokio::test]
async fn nobody_loses_a_seat_by_working_without_scripts() {
    let site = installation().await.at_work(|config| config.seat_seconds = 3);
    let _vera = site.vera().await;
    let (ana, ben, id) = ana_at_work(&site).await;
    let _walt = site.walt().await;
    let other = ben.newest("queue").await;
    let open = at_desk(&ben).await;
    ben.act(other, "claim").await.must(StatusCode::OK);
    let mut desk = at_desk(&ana).await;
    drop(open);
    desk.until(|event| event.name == "notify").await;
    drop(desk);
    // She had a stream only now, and it is not gone for so long yet; before, she never had one.
    assert_eq!(ana.newest("mine").await, id);
}

#[tokio::test]
async fn what_is_given_back_is_in_the_queue_at_once_and_leaving_with_nothing_asks_nothing() {
    let site = installation().await;
    let _vera = site.vera().await;
    let (ana, ben, id) = ana_at_work(&site).await;
    let place = choose(&ana, &[("state", "offline"), ("held", "queue")]).await.goes_to();
    assert_eq!(place, "/desk");
    assert_eq!(ben.newest("queue").await, id);
    choose(&ana, &[("state", "offline")]).await.goes_to();
    ana.person.get("/desk/c").await.says("data-p=\"offline\"");
    choose(&ana, &[("state", "away")]).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    for elsewhere in ["https://evil.example/", "//evil.example", "/login", "/desk/me/state"] {
        let fields = [("state", "online"), ("back", elsewhere)];
        assert_eq!(choose(&ana, &fields).await.goes_to(), "/desk");
    }
    let fields = [("state", "online"), ("back", "/desk/c/1?tab=all")];
    assert_eq!(choose(&ana, &fields).await.goes_to(), "/desk/c/1?tab=all");
}

#[tokio::test]
async fn signing_out_asks_too_and_signing_in_is_being_there_again() {
    let site = installation().await;
    let _vera = site.vera().await;
    let (ana, ben, id) = ana_at_work(&site).await;
    ana.person.post("/logout", &[]).await.must(StatusCode::OK).says("action=\"/logout\"");
    ana.person.get("/desk/c").await.must(StatusCode::OK);
    assert_eq!(ana.person.post("/logout", &[("held", "queue")]).await.goes_to(), "/login");
    assert_eq!(ben.newest("queue").await, id);
    ben.act(id, "claim").await.must(StatusCode::OK);
    assert_eq!(ben.person.post("/logout", &[("held", "keep")]).await.goes_to(), "/login");
    let ben = Agent::sign_in(site.stranger(), "ben").await;
    assert_eq!(ben.newest("mine").await, id);
    ben.person.get("/desk/c").await.says("data-p=\"online\"><span");
}

#[tokio::test]
async fn a_busy_agent_is_there_for_those_who_talk_and_not_for_who_is_new() {
    let site = installation().await;
    let (online, away) = (">Online<", "We are away");
    let vera = site.vera().await;
    let (ana, _ben, _) = ana_at_work(&site).await;
    choose(&ana, &[("state", "busy")]).await.goes_to();
    site.stranger().get("/w/demo").await.says(away);
    let mut desk = ana.listen("mine").await;
    desk.named("synced").await;
    site.stranger().get("/w/demo").await.says(away);
    vera.page().await.says(online);
    choose(&ana, &[("state", "online")]).await.goes_to();
    desk.until(|event| event.data.contains("data-p=\"online\"")).await;
    site.stranger().get("/w/demo").await.says(online);
}

#[tokio::test]
async fn colleagues_see_where_an_agent_is() {
    let site = installation().await;
    let _vera = site.vera().await;
    let (ana, ben, id) = ana_at_work(&site).await;
    let mut desk = at_desk(&ben).await;
    let bar = |state: &'static str| format!("id=\"agent-1\" data-p=\"{state}\"");
    ben.person.get(&format!("/desk/c/{id}")).await.says(&bar("offline"));
    let open = at_desk(&ana).await;
    desk.until(|event| event.data.contains(&bar("online"))).await;
    choose(&ana, &[("state", "busy")]).await.goes_to();
    desk.until(|event| event.data.contains(&bar("busy"))).await;
    ben.person.get(&format!("/desk/c/{id}")).await.says(&bar("busy"));
    drop(open);
    desk.until(|event| event.data.contains(&bar("reconnecting"))).await;
    choose(&ana, &[("state", "offline"), ("held", "keep")]).await.goes_to();
    desk.until(|event| event.data.contains(&bar("offline"))).await;
}

#[tokio::test]
async fn after_a_start_everybody_has_the_time_to_come_back() {
    let site = installation().await;
    let _vera = site.vera().await;
    let (ana, ben, id) = ana_at_work(&site).await;
    let _walt = site.walt().await;
    let other = ben.newest("queue").await;
    ben.act(other, "claim").await.must(StatusCode::OK);
    // Nothing was served since long ago.
    site.change("UPDATE agent SET seen_at = 1").await;
    let (began, seat) = (Instant::now(), Duration::from_secs(4));
    let site = site.at_work(|config| config.seat_seconds = 4);
    let mut desk = ana.listen("all").await;
    desk.until(|event| event.name == "notify" && event.data.contains(&format!("n\":{other},")))
        .await;
    assert!(began.elapsed() >= seat, "{:?}", began.elapsed());
    assert_eq!(ana.newest("mine").await, id, "who came back keeps her seat");
    drop(site);
}

#[tokio::test]
async fn several_nodes_give_back_once() {
    let site = installation().await.at_work(|config| config.seat_seconds = 1);
    for _ in 0..2 {
        jobs::start(&site.app.with(|parts| (parts.bus, parts.kept) = Default::default()));
    }
    let _vera = site.vera().await;
    let (ana, ben, id) = ana_at_work(&site).await;
    let mut desk = ben.listen("queue").await;
    desk.named("synced").await;
    drop(at_desk(&ana).await);
    desk.until(|event| event.data.contains(&format!("id=\"c-{id}\""))).await;
    ben.act(id, "claim").await.must(StatusCode::OK);
    assert_eq!(requeued(&ben, id).await, 1);
}

#[tokio::test]
async fn with_zero_seconds_nobody_ever_loses_a_seat() {
    let site = installation().await;
    let _vera = site.vera().await;
    let (ana, _ben, id) = ana_at_work(&site).await;
    site.change("UPDATE agent SET seen_at = 1").await;
    let site = site.at_work(|config| config.seat_seconds = 0);
    assert_eq!(site.app.config.seat(), None);
    assert_eq!(ana.newest("mine").await, id);
}

#[tokio::test]
async fn an_agent_sees_how_much_she_has_and_when_it_is_enough() {
    let site = installation().await;
    let ana = site.ana().await;
    for n in 1..=5 {
        site.visitor(&format!("question {n}")).await;
        let id = ana.newest("queue").await;
        let page = ana.person.get("/desk/c").await;
        page.says("<span class=\"chip\" id=\"me-held\" title=")
            .says(&format!("</span>{}/5</span>", n - 1));
        ana.act(id, "claim").await.must(StatusCode::OK);
    }
    ana.person
        .get("/desk/c")
        .await
        .says("<span class=\"chip warn\" id=\"me-held\" title=")
        .says("5/5");
    let mut desk = ana.listen("mine").await;
    desk.until(|event| event.data.contains("chip warn\" id=\"me-held")).await;
    site.visitor("one more").await;
    let id = ana.newest("queue").await;
    ana.act(id, "claim").await.must(StatusCode::OK);
}

/// Her seat may never have been kept, she may have chosen to leave, and what she had closed may come back.
#[tokio::test]
async fn who_works_here_no_more_keeps_nothing() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let mut had = Vec::new();
    for words in ["taken", "put off", "closed"] {
        let visitor = site.visitor(words).await;
        let id = ana.newest("queue").await;
        ben.act(id, "claim").await.must(StatusCode::OK);
        had.push((id, visitor));
    }
    ben.put_off(had[1].0).await;
    ben.act(had[2].0, "close").await.must(StatusCode::OK);
    let gone = [AgentId(2)];
    let disable = ana.person.post("/desk/settings/agents/2/disable", &[]).await;
    disable.must(StatusCode::SEE_OTHER);
    assert_eq!(conversation::give_back_of(&site.app, &gone).await.unwrap(), 2);
    assert_eq!(conversation::give_back_of(&site.app, &gone).await.unwrap(), 0);
    let queue = ana.person.get("/desk/c?tab=queue").await.all("id=\"c-");
    assert_eq!(queue, [had[0].0.to_string(), had[1].0.to_string()]);
    had[2].1.say("one more thing").await.must(StatusCode::OK);
    assert_eq!(ana.person.get("/desk/c?tab=queue").await.all("id=\"c-").len(), 3);
    assert_eq!(conversation::give_back_of(&site.app, &gone).await.unwrap(), 0);
}

/// Ben, of Returns as Mia is, has answered Vera and closed what she asked.
async fn closed_by_ben(site: &Installation) -> (Agent, Agent, Visitor, i64) {
    let (ana, ben) = (site.ana().await, site.ben().await);
    let mia = site.agent("mia", kefu::agent::Role::Agent).await;
    let members = [("name", "Returns"), ("member", "2"), ("member", "3")];
    ana.person.post("/desk/settings/teams", &members).await.goes_to();
    let (vera, id) = (site.vera().await, 1);
    ana.act_with(id, "transfer", &[("to", "team-1")]).await.must(StatusCode::OK);
    ben.act(id, "claim").await.must(StatusCode::OK);
    ben.reply(id, "Good day").await.must(StatusCode::OK);
    ben.act(id, "close").await.must(StatusCode::OK);
    (ben, mia, vera, id)
}

#[tokio::test]
async fn a_visitor_who_comes_back_is_with_whoever_had_it_while_that_one_is_there() {
    let site = installation().await;
    let (ben, _mia, vera, id) = closed_by_ben(&site).await;
    let open = at_desk(&ben).await;
    for state in ["online", "busy"] {
        choose(&ben, &[("state", state)]).await.goes_to();
        vera.say("One more thing").await.must(StatusCode::OK);
        assert_eq!(ben.newest("mine").await, id, "{state}");
        ben.act(id, "close").await.must(StatusCode::OK);
    }
    // Another process, which cannot hear that he is here, knows that his seat is kept.
    let elsewhere = Visitor { person: vera.person.at(site.deaf_node()), ..vera.clone() };
    elsewhere.say("And another").await.must(StatusCode::OK);
    assert_eq!(ben.newest("mine").await, id);
    ben.act(id, "close").await.must(StatusCode::OK);
    drop(open);
    vera.say("And a last one").await.must(StatusCode::OK);
    assert_eq!(ben.newest("mine").await, id, "he was there a moment ago");
}

#[tokio::test]
async fn a_visitor_who_comes_back_while_nobody_is_there_comes_into_the_queue_of_the_team() {
    let site = installation().await;
    let (ben, mia, vera, id) = closed_by_ben(&site).await;
    let eve = site.agent("eve", kefu::agent::Role::Agent).await;
    let mut desk = at_desk(&mia).await;
    // He left; the next time, he has lost his seat. What colleagues note meanwhile changes nothing.
    for seat in ["availability = 'offline'", "availability = 'online', seen_at = NULL"] {
        site.change(&format!("UPDATE agent SET {seat} WHERE id = 2")).await;
        ben.write(id, "note", "She may come back").await.must(StatusCode::OK);
        vera.say("One more thing").await.must(StatusCode::OK);
        assert_eq!(mia.newest("queue").await, id, "{seat}");
        let told: Value = serde_json::from_str(&desk.named("notify").await.data).unwrap();
        assert_eq!((&told["kind"], &told["body"]), (&"queue".into(), &"One more thing".into()));
        ben.person.get("/desk/c?tab=mine").await.says_not("id=\"c-");
        eve.person.get("/desk/c?tab=queue").await.says_not("id=\"c-");
        // Who waits there is told of once, and the next one has it.
        vera.say("Hello?").await.must(StatusCode::OK);
        ben.act(id, "claim").await.must(StatusCode::OK);
        ben.act(id, "close").await.must(StatusCode::OK);
    }
}

#[tokio::test]
async fn where_nobody_loses_a_seat_a_visitor_comes_back_to_whoever_did_not_leave() {
    let site = installation().await.at_work(|config| config.seat_seconds = 0);
    let vera = site.vera().await;
    let (ana, _ben, id) = ana_at_work(&site).await;
    ana.act(id, "close").await.must(StatusCode::OK);
    vera.say("One more thing").await.must(StatusCode::OK);
    assert_eq!(ana.newest("mine").await, id);
    ana.act(id, "close").await.must(StatusCode::OK);
    choose(&ana, &[("state", "offline")]).await.goes_to();
    vera.say("And another").await.must(StatusCode::OK);
    assert_eq!(ana.newest("queue").await, id);
}

/// Its moment comes.
async fn due(site: &Installation) {
    site.change("UPDATE conversation SET snoozed_until = 1 WHERE snoozed_until IS NOT NULL").await;
    assert_eq!(conversation::wake_due(&site.app).await.unwrap(), 1);
}

#[tokio::test]
async fn what_was_put_off_comes_back_to_whoever_has_it_while_she_is_there() {
    let site = installation().await;
    let vera = site.vera().await;
    let (ana, _ben, id) = ana_at_work(&site).await;
    let mut open = Some(at_desk(&ana).await);
    for state in ["online", "busy", "gone for a moment"] {
        match state {
            "gone for a moment" => drop(open.take()),
            _ => _ = choose(&ana, &[("state", state)]).await.goes_to(),
        }
        ana.put_off(id).await;
        vera.say("I found it").await.must(StatusCode::OK);
        assert_eq!(ana.newest("mine").await, id, "{state}");
        ana.put_off(id).await;
        due(&site).await;
        assert_eq!(ana.newest("mine").await, id, "{state}");
    }
    assert_eq!(requeued(&ana, id).await, 0);
}

#[tokio::test]
async fn what_was_put_off_by_whoever_is_gone_comes_into_the_queue_when_it_comes_back() {
    let site = installation().await;
    let vera = site.vera().await;
    let (ana, ben, id) = ana_at_work(&site).await;
    let mut desk = at_desk(&ben).await;
    // She left; the next time, she has lost her seat.
    for seat in ["availability = 'offline'", "availability = 'online', seen_at = NULL"] {
        ana.put_off(id).await;
        site.change(&format!("UPDATE agent SET {seat} WHERE id = 1")).await;
        // Until then it is hers.
        assert_eq!(conversation::give_back(&site.app, AgentId(1), "ana").await.unwrap(), 0);
        assert_eq!(ben.newest("snoozed").await, id, "{seat}");
        ben.write(id, "note", "She is gone").await.must(StatusCode::OK);
        assert_eq!(ben.newest("snoozed").await, id, "{seat}");
        vera.say("I found it").await.must(StatusCode::OK);
        let queue = ben.person.get("/desk/c?tab=queue").await;
        queue.says(&format!("id=\"c-{id}\""));
        let told: Value = serde_json::from_str(&desk.named("notify").await.data).unwrap();
        assert_eq!((&told["kind"], &told["body"]), (&"queue".into(), &"I found it".into()));
        ana.act(id, "claim").await.must(StatusCode::OK);
        ana.reply(id, "Good").await.must(StatusCode::OK);

        ana.put_off(id).await;
        site.walt().await;
        let told: Value = serde_json::from_str(&desk.named("notify").await.data).unwrap();
        assert_eq!(told["body"], "I am somebody else");
        due(&site).await;
        // Who was being served came before those who wait.
        let queue = ben.person.get("/desk/c?tab=queue").await.all("id=\"c-");
        assert_eq!(queue.first(), Some(&id.to_string()), "{seat}");
        let told: Value = serde_json::from_str(&desk.named("notify").await.data).unwrap();
        assert_eq!((&told["kind"], &told["conversation"]), (&"queue".into(), &id.into()));
        ben.person.get("/desk/c?tab=snoozed").await.says_not("id=\"c-");
        ana.act(id, "claim").await.must(StatusCode::OK);
    }
    assert_eq!(requeued(&ben, id).await, 2);
}
