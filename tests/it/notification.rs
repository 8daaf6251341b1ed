//! What an agent is told of, by her stream; and what she wants to be told.
use crate::support::{Agent, Event, Stream, installation};
use kefu::{agent::Role, conversation};
use poem::http::StatusCode;
use serde_json::Value;

async fn told(desk: &mut Stream) -> Value {
    serde_json::from_str(&desk.named("notify").await.data).unwrap()
}

async fn listening(agent: &Agent) -> Stream {
    let mut desk = agent.listen("mine").await;
    desk.named("synced").await;
    desk
}

#[tokio::test]
async fn everybody_is_told_who_came_and_one_who_wrote_to_her() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let (mut anas, mut bens) = (listening(&ana).await, listening(&ben).await);
    let vera = site.visitor("Is this \u{1f375} thing\n\non?").await;
    for desk in [&mut anas, &mut bens] {
        let news = told(desk).await;
        assert_eq!(news["kind"], "queue");
        assert_eq!(news["title"], "Visitor #1");
        assert_eq!(news["body"], "Is this \u{1f375} thing on?");
        assert_eq!((&news["conversation"], &news["seq"]), (&1.into(), &1.into()));
    }
    // Who waits already is not told of again.
    vera.say("Hello?").await.must(StatusCode::OK);
    ana.act(1, "claim").await.must(StatusCode::OK);
    vera.say(&"好".repeat(500)).await.must(StatusCode::OK);
    let news = told(&mut anas).await;
    assert_eq!((&news["kind"], &news["seq"]), (&"mine".into(), &4.into()));
    assert_eq!(news["body"].as_str().unwrap().chars().count(), 100);
    // Nor is anybody of what she said herself, and a colleague of neither.
    ana.reply(1, "Good day").await.must(StatusCode::OK);
    ana.write(1, "note", "hm").await.must(StatusCode::OK);
    ana.act(1, "close").await.must(StatusCode::OK);
    vera.say("One more thing").await.must(StatusCode::OK);
    assert_eq!(told(&mut anas).await["body"], "One more thing");
    site.walt().await;
    assert_eq!(told(&mut bens).await["body"], "I am somebody else");
}

#[tokio::test]
async fn whoever_is_handed_a_conversation_or_invited_is_told_once() {
    let site = installation().await;
    let (ana, ben, vera) = (site.ana().await, site.ben().await, site.vera().await);
    let (mut anas, mut bens) = (listening(&ana).await, listening(&ben).await);
    ana.act(1, "claim").await.must(StatusCode::OK);
    ana.act_with(1, "invite", &[("agent", "2")]).await.must(StatusCode::OK);
    let news = told(&mut bens).await;
    assert_eq!((&news["kind"], &news["conversation"]), (&"mention".into(), &1.into()));
    let with_name = [("to", "2"), ("note", "@ben, she wants her money")];
    ana.act_with(1, "transfer", &with_name).await.must(StatusCode::OK);
    let news = told(&mut bens).await;
    assert_eq!((&news["kind"], &news["title"]), (&"mine".into(), &"Visitor #1".into()));
    // The note that came with it says nothing on top; the next one does.
    ana.write(1, "note", "@ben, all of it").await.must(StatusCode::OK);
    let news = told(&mut bens).await;
    assert_eq!((&news["kind"], &news["body"]), (&"mention".into(), &"@ben, all of it".into()));
    ben.act_with(1, "transfer", &[("to", "1")]).await.must(StatusCode::OK);
    let news = told(&mut anas).await;
    assert_eq!((&news["kind"], &news["title"]), (&"mine".into(), &"Visitor #1".into()));
    let without = [("to", "2"), ("note", "She wants her money")];
    ana.act_with(1, "transfer", &without).await.must(StatusCode::OK);
    assert_eq!(told(&mut bens).await["kind"], "mine");
    vera.say("Thanks").await.must(StatusCode::OK);
    assert_eq!(told(&mut bens).await["body"], "Thanks");
    // She has it no more, so nothing came between.
    site.walt().await;
    assert_eq!(told(&mut anas).await["kind"], "queue");
}

#[tokio::test]
async fn whoever_put_something_off_is_told_that_it_is_back_unless_she_called_it_back() {
    let site = installation().await;
    let (ana, ben, _vera) = (site.ana().await, site.ben().await, site.vera().await);
    let (mut anas, mut bens) = (listening(&ana).await, listening(&ben).await);
    ana.reply(1, "Good day").await.must(StatusCode::OK);
    ana.put_off(1).await;
    ana.act(1, "wake").await.must(StatusCode::OK);
    ana.person.get("/desk/c?tab=mine").await.says("class=\"row\"");
    ana.put_off(1).await;
    site.change("UPDATE conversation SET snoozed_until = 1").await;
    assert_eq!(conversation::wake_due(&site.app).await.unwrap(), 1);
    let news = told(&mut anas).await;
    assert_eq!((&news["kind"], &news["seq"]), (&"mine".into(), &6.into()));
    ana.person.get("/desk/c?tab=mine").await.says("class=\"row u\"");
    let read = [("seq", "6")];
    ana.person.hx_post("/desk/c/1/seen", &read).await.must(StatusCode::NO_CONTENT);
    ana.person.get("/desk/c?tab=mine").await.says("class=\"row\"");
    // And when a colleague thought better of it.
    ana.put_off(1).await;
    ben.act(1, "wake").await.must(StatusCode::OK);
    let news = told(&mut anas).await;
    assert_eq!((&news["kind"], &news["seq"]), (&"mine".into(), &8.into()));
    site.walt().await;
    assert_eq!(told(&mut bens).await["kind"], "queue");
}

#[tokio::test]
async fn what_came_while_a_stream_was_taken_up_again_is_told_then() {
    let site = installation().await;
    let (ana, vera) = (site.ana().await, site.vera().await);
    ana.act(1, "claim").await.must(StatusCode::OK);
    let after = ana.person.get("/desk/c").await.all("after=")[0].clone();
    vera.say("while you were away").await.must(StatusCode::OK);
    let mut desk = ana.person.listen(&format!("/desk/events?tab=mine&after={after}")).await;
    let news = desk.all_until("synced").await;
    let told: Vec<_> = news.iter().filter(|event| event.name == "notify").collect();
    assert_eq!(told.len(), 1, "{news:?}");
    assert!(told[0].data.contains("while you were away"));
}

#[tokio::test]
async fn who_only_looks_is_told_of_nothing_and_text_stays_text() {
    let site = installation().await;
    let (ana, rob) = (site.ana().await, site.agent("rob", Role::ReadOnly).await);
    let (mut anas, mut robs) = (listening(&ana).await, listening(&rob).await);
    site.visitor("\"}\r\nevent: bye\rdata: x\u{2028}<script>alert(1)</script>").await;
    let news = told(&mut anas).await;
    assert!(news["body"].as_str().unwrap().contains("<script>"), "{news}");
    // The row is what rob hears of; no notice comes before the counters that follow it.
    let next = robs.until(|event| event.name == "notify" || event.data.contains("#n-queue")).await;
    assert_eq!(next.name, "");
    // Nor is she called while somebody waits, though she sees that they do.
    assert!(next.data.contains("#n-queue\" hx-swap=\"innerHTML\">1<"), "{}", next.data);
    assert_eq!(called_by(&next).as_deref(), Some("0"));
}

/// How many of the queue call her, if an event says so: she hears of them again and again.
fn called_by(event: &Event) -> Option<String> {
    let rest = event.data.split("#nav-queue\" hx-swap=\"innerHTML\">").nth(1)?;
    rest.split('<').next().map(str::to_owned)
}

/// The same of the next counters.
async fn called(desk: &mut Stream) -> String {
    called_by(&desk.until(|event| called_by(event).is_some()).await).unwrap()
}

#[tokio::test]
async fn whoever_is_busy_or_gone_is_not_called_to_the_queue_and_hears_of_her_own() {
    let site = installation().await;
    let (ana, ben, vera) = (site.ana().await, site.ben().await, site.vera().await);
    ana.act(1, "claim").await.must(StatusCode::OK);
    let choose = async |state: &str| {
        let fields = [("state", state), ("held", "keep")];
        ana.person.post("/desk/me/state", &fields).await.goes_to();
    };
    site.walt().await;
    let mut desk = ana.listen("mine").await;
    assert_eq!(called(&mut desk).await, "1");
    for state in ["busy", "offline"] {
        choose(state).await;
        assert_eq!(called(&mut desk).await, "0", "{state}: at once");
        site.visitor("Is anybody there?").await;
        vera.say("Hello?").await.must(StatusCode::OK);
        let news = told(&mut desk).await;
        assert_eq!((&news["kind"], &news["conversation"]), (&"mine".into(), &1.into()), "{state}");
        ben.write(1, "note", "@ana, she waits").await.must(StatusCode::OK);
        assert_eq!(told(&mut desk).await["kind"], "mention", "{state}");
        // Nor of what came while she did not listen.
        let after = ana.person.get("/desk/c").await.all("after=")[0].clone();
        site.visitor("Nobody?").await;
        let mut again = ana.person.listen(&format!("/desk/events?tab=queue&after={after}")).await;
        let news = again.all_until("synced").await;
        assert!(news.iter().any(|event| event.data.contains("Nobody?")), "{news:?}");
        assert!(news.iter().all(|event| event.name != "notify"), "{news:?}");
        choose("online").await;
        let waiting = ana.person.get("/desk/c?tab=queue").await.all("id=\"c-").len();
        assert_eq!(called_otherwise(&mut desk, "0").await, waiting.to_string(), "{state}");
        site.visitor("Somebody!").await;
        let news = told(&mut desk).await;
        assert_eq!((&news["kind"], &news["body"]), (&"queue".into(), &"Somebody!".into()));
        assert_ne!(called(&mut desk).await, "0", "{state}");
    }
}

/// The same of the next counters that say anything else than this.
async fn called_otherwise(desk: &mut Stream, but: &str) -> String {
    let other = |event: &Event| called_by(event).is_some_and(|called| called != but);
    called_by(&desk.until(other).await).unwrap()
}

const PLACE: &str = "/desk/settings/notifications";

#[tokio::test]
async fn everybody_says_how_to_be_told() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    ana.person.get("/desk/settings").await.goes_to();
    let page = ana.person.get(PLACE).await.must(StatusCode::OK);
    page.says("name=\"queue\" checked").says("value=\"60\"").says("name=\"desktop\" checked");
    let fields = [
        ("mine", "on"),
        ("sound", "on"),
        ("mine_volume", "35"),
        ("mine_tone", "chime"),
        ("from", "22:00"),
        ("to", "08:30"),
    ];
    assert_eq!(ana.person.post(PLACE, &fields).await.goes_to(), format!("{PLACE}?saved=1"));
    let page = ana.person.get(PLACE).await;
    page.says("name=\"mine\" checked").says_not("name=\"queue\" checked").says("value=\"35\"");
    page.says("&#34;mine&#34;:{&#34;tone&#34;:&#34;chime&#34;,&#34;volume&#34;:35}");
    // What is not sent stays as it was.
    page.says("&#34;mention&#34;:{&#34;tone&#34;:&#34;chime&#34;,&#34;volume&#34;:60}");
    page.says("&#34;queue&#34;:{&#34;tone&#34;:&#34;rise&#34;,&#34;volume&#34;:60}");
    page.says("value=\"22:00\"").says("value=\"08:30\"").says_not("name=\"desktop\" checked");
    page.says("&#34;quiet&#34;:{&#34;from&#34;:1320,&#34;to&#34;:510}");
    ben.person.get(PLACE).await.says("name=\"queue\" checked");

    let half = [("sound", "on"), ("queue_volume", "15"), ("from", "22:00\"><script>"), ("to", "")];
    let refused = ana.person.post(PLACE, &half).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    refused.says("both a beginning and an end").says("22:00&#34;&#62;").says_not("<script>");
    refused.says("value=\"15\"");
    for volume in ["101", "-1", "loud", ""] {
        let fields = [("mention_volume", volume)];
        ana.person.post(PLACE, &fields).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    for tone in ["", "Rise", "gong", "rise\"><script>"] {
        let fields = [("queue_tone", tone)];
        ana.person.post(PLACE, &fields).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    ana.person.get(PLACE).await.says("value=\"08:30\"").says("value=\"35\"");
}

#[tokio::test]
async fn single_keys_are_turned_off_and_on() {
    let site = installation().await;
    let ana = site.ana().await;
    ana.person.get("/desk/c").await.says("data-keys=\"on\"");
    ana.person
        .get("/desk/keys")
        .await
        .says("Take the conversation")
        .says("<kbd>G</kbd> then <kbd>M</kbd>");
    assert_eq!(ana.person.post("/desk/keys", &[("single", "off")]).await.goes_to(), "/desk/keys");
    ana.person.get("/desk/c").await.says("data-keys=\"off\"");
    // One choice leaves the others as they were.
    ana.person.get(PLACE).await.says("name=\"queue\" checked");
    let fragment = ana.person.hx_post("/desk/keys", &[("single", "on")]).await;
    fragment.must(StatusCode::OK).says("data-single=\"on\"").says_not("<html");
    ana.person.get("/desk/c").await.says("data-keys=\"on\"");
}
