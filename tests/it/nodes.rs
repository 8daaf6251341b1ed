//! Several nodes over one database, with NATS between them, away, or not there at all.
use crate::support::{
    Agent, Event, Node, PATIENCE, Stream, Visitor, in_time, installation, nats::Nats,
};
use futures_util::future::join_all;
use kefu::{
    agent::Role,
    conversation::{self, Range},
    event::{Content, Hearing},
    ids::{self, ConversationId, NodeId},
};
use nkeys::KeyPair;
use poem::http::{Method, StatusCode};
use serde_json::json;
use std::{
    process::Command,
    time::{Duration, Instant},
};
use tokio::time::timeout;

/// Vera talks at one node, Ana works at another.
struct Apart {
    site: crate::support::Installation,
    hers: Node,
    anas: Node,
    vera: Visitor,
    ana: Agent,
    id: i64,
}

async fn apart(nats_url: Option<&str>) -> Apart {
    let site = installation().await;
    let (hers, anas) = (site.node(nats_url).await, site.node(nats_url).await);
    site.employ("ana", Role::Owner).await;
    let ana = Agent::sign_in(anas.stranger(), "ana").await;
    let vera = Visitor::arrive(hers.stranger(), "Is this thing on?").await;
    let id = ana.newest("queue").await;
    if nats_url.is_some() {
        for node in [&hers, &anas] {
            hears(node).await;
        }
    }
    Apart { site, hers, anas, vera, ana, id }
}

async fn hears(node: &Node) {
    until(|| async { node.app.bus.hearing() == Hearing::Bus }).await;
}

/// Waits until something is so.
async fn until<F: Future<Output = bool>>(is: impl Fn() -> F) {
    let began = Instant::now();
    while !is().await {
        assert!(began.elapsed() < PATIENCE, "not within {PATIENCE:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// How long something said at one node takes to be seen in a stream at another.
async fn crossing(stream: &mut Stream, vera: &Visitor, text: &str) -> Duration {
    let began = Instant::now();
    vera.say(text).await;
    let seen = timeout(Duration::from_secs(20), stream.until(|event| event.data.contains(text)));
    seen.await.unwrap_or_else(|_| panic!("{text} never came"));
    began.elapsed()
}

/// Until a message crosses over the bus and not because it was looked for.
async fn crosses_at_once(stream: &mut Stream, vera: &Visitor) {
    for n in 0.. {
        if crossing(stream, vera, &format!("quick {n}")).await < Duration::from_millis(300) {
            return;
        }
        assert!(n < 20, "the bus carries nothing");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn people_at_different_nodes_talk_as_at_one() {
    let nats = Nats::start().await;
    let Apart { site, hers, anas, vera, ana, id } = apart(Some(&nats.url())).await;
    let mut desk = ana.listen("queue").await;
    desk.named("synced").await;
    crosses_at_once(&mut desk, &vera).await;

    let mut page = vera.listen("0").await;
    page.named("synced").await;
    ana.reply(id, "Yes, it is").await.must(StatusCode::OK);
    page.until(|event| event.data.contains("Yes, it is")).await;
    ana.person.post(&format!("/desk/c/{id}/typing"), &[]).await.must(StatusCode::NO_CONTENT);
    page.until(|event| event.data.contains("typing")).await;
    vera.person.post(&vera.path("/typing"), &[]).await.must(StatusCode::NO_CONTENT);
    desk.until(|event| event.data.contains("typing")).await;

    // Ben's stream is at one node, what he opens comes from the other.
    site.employ("ben", Role::Agent).await;
    let ben = Agent::sign_in(hers.stranger(), "ben").await;
    let other = Visitor::arrive(hers.stranger(), "Another matter").await;
    let second = ana.newest("queue").await;
    let of = |page: &str| format!("/desk/events?tab=all&page={page}&open={id}");
    let mut anas_page = ana.person.listen(&of("anas")).await;
    anas_page.named("synced").await;
    let mut bens_page = ben.person.listen(&of("bens")).await;
    bens_page.named("synced").await;
    let views = |id: i64| move |event: &Event| event.data.contains(&format!("#viewing-{id}\""));
    assert!(anas_page.until(views(id)).await.data.contains("ben is looking too"));
    let turns = [("hx-request-type", "partial"), ("kefu-page", "bens")];
    let path = format!("/desk/c/{second}?tab=all");
    let there = ben.person.at(anas.door.clone());
    there.ask(Method::GET, &path, &turns, "").await.must(StatusCode::OK);
    assert!(!anas_page.until_beside(&mut bens_page, views(id)).await.data.contains("ben"));
    let told = anas_page.until_beside(&mut bens_page, views(second)).await.data;
    assert!(told.contains("ben is looking too"), "{told}");
    drop(other);

    // A node that starts later asks who is where.
    let late = site.node(Some(&nats.url())).await;
    hears(&late).await;
    let (agents, visitor) =
        (kefu::event::Present::Agents, kefu::event::Present::Visitor(ConversationId(id)));
    until(|| async { late.app.bus.is_here(agents) && late.app.bus.is_here(visitor) }).await;
    assert!(hers.app.bus.is_here(agents));
    until(|| async {
        let viewers = late.app.bus.viewers(ConversationId(second));
        viewers.iter().any(|one| &*one.name == "ben")
    })
    .await;
    drop((bens_page, anas_page));
    drop(desk);
    page.until(|event| event.data.contains("presence")).await;
    until(|| async { !hers.app.bus.is_here(agents) && !late.app.bus.is_here(agents) }).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn what_one_node_serves_turns_green_the_install_panel_of_another() {
    let nats = Nats::start().await;
    let Apart { hers, ana, .. } = apart(Some(&nats.url())).await;
    let panel = "/desk/settings/sites/demo/watch?until=99999999999";
    ana.person.get(panel).await.says_not("https://shop.example");
    let shown = [("referer", "https://shop.example/tea")];
    hers.stranger().ask(Method::GET, "/w/demo.js", &shown, "").await.must(StatusCode::OK);
    until(|| async { ana.person.get(panel).await.body.contains("https://shop.example") }).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn losing_access_at_one_node_ends_streams_at_all_of_them_with_and_without_a_bus() {
    let nats = Nats::start().await;
    for url in [Some(nats.url()), None] {
        let what = format!("bus {}: a stream ended", url.is_some());
        in_time(Duration::from_secs(2), &what, async || {
            let Apart { site, hers, ana, .. } = apart(url.as_deref()).await;
            let elsewhere = Agent { person: ana.person.at(hers.door.clone()) };
            let mut stream = elsewhere.listen("queue").await;
            stream.named("synced").await;
            // The stream of somebody else is not meant.
            let ben = {
                site.employ("ben", Role::Agent).await;
                Agent::sign_in(hers.stranger(), "ben").await
            };
            let mut bens = ben.listen("queue").await;
            bens.named("synced").await;
            let began = Instant::now();
            assert_eq!(ana.person.post("/logout", &[]).await.goes_to(), "/login");
            stream.named("bye").await;
            let took = began.elapsed();
            Visitor::arrive(hers.stranger(), "still here").await;
            let next = bens.until(|event| event.name == "bye" || event.data.contains("still here"));
            assert_ne!(next.await.name, "bye");
            took
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn one_agent_wins_a_conversation_among_all_nodes() {
    let nats = Nats::start().await;
    let site = installation().await;
    let mut agents = Vec::new();
    for n in 0..6 {
        let node = site.node(Some(&nats.url())).await;
        let name = format!("agent-{n}");
        site.employ(&name, Role::Agent).await;
        agents.push((Agent::sign_in(node.stranger(), &name).await, node));
    }
    for _ in 0..5 {
        let visitor = site.visitor("who takes me?").await;
        let id = agents[0].0.newest("queue").await;
        let path = format!("/desk/c/{id}/claim");
        let claims = agents.iter().map(|(agent, _)| {
            let nonce = kefu::ids::Nonce::new();
            let (person, path) = (agent.person.clone(), path.clone());
            async move { person.hx_post(&path, &[("nonce", nonce.as_str())]).await.status }
        });
        let won = join_all(claims).await;
        let winners = won.iter().filter(|status| **status == StatusCode::OK).count();
        let refused = won.iter().filter(|status| **status == StatusCode::CONFLICT).count();
        assert_eq!((winners, refused), (1, agents.len() - 1), "{won:?}");
        drop(visitor);
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn what_a_node_knows_of_a_conversation_never_stands_against_what_another_wrote() {
    let Apart { site, hers, anas, vera, ana, id } = apart(None).await;
    let vera_there = Visitor { person: vera.person.at(anas.door.clone()), ..vera.clone() };
    let ana_here = Agent { person: ana.person.at(hers.door.clone()) };
    let mut said = vec!["Is this thing on?".to_owned()];
    for round in 0..10 {
        let words = |n| format!("{n} of round {round}");
        vera.say_as(&format!("{round}"), &words(1)).await.must(StatusCode::OK);
        vera.say(&words(2)).await.must(StatusCode::OK);
        ana.reply(id, &words(3)).await.must(StatusCode::OK);
        // Repeated at both; what it made stands there already.
        vera_there.say_as(&format!("{round}"), &words(1)).await.must(StatusCode::OK);
        vera.say_as(&format!("{round}"), &words(1)).await.must(StatusCode::OK);
        vera_there.say(&words(4)).await.must(StatusCode::OK);
        ana_here.reply(id, &words(5)).await.must(StatusCode::OK);
        said.extend((1..=5).map(words));
    }
    ana.act(id, "close").await.must(StatusCode::OK);
    ana_here.reply(id, "too late").await.must(StatusCode::CONFLICT);
    ana.act(id, "reopen").await.must(StatusCode::OK);
    ana_here.reply(id, "once more").await.must(StatusCode::OK);
    said.extend(["".into(), "".into(), "once more".into()]);

    let all = Range::After(0, 1_000);
    let log = conversation::history(site.app.db.read(), ConversationId(id), all).await.unwrap();
    let numbers: Vec<_> = log.entries.iter().map(|entry| entry.seq).collect();
    assert_eq!(numbers, (1..=said.len() as i64).collect::<Vec<_>>());
    let words = log.entries.iter().map(|entry| match &entry.content {
        Content::Text { body, .. } | Content::Note { body, .. } => body.clone(),
        _ => String::new(),
    });
    assert_eq!(words.collect::<Vec<_>>(), said);
}

/// T04, a slice.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn while_the_bus_is_away_everything_comes_a_little_later() {
    let mut nats = Nats::start().await;
    let Apart { hers, anas, vera, ana, id, .. } = apart(Some(&nats.url())).await;
    let mut desk = ana.listen("all").await;
    desk.named("synced").await;
    let mut page = vera.listen("0").await;
    page.named("synced").await;
    crosses_at_once(&mut desk, &vera).await;

    let slow = Duration::from_millis(3_000);
    nats.kill().await;
    let mut times = 0..;
    for _ in 0..3 {
        in_time(slow, "NATS killed: a row", async || {
            crossing(&mut desk, &vera, &format!("killed {:?}", times.next())).await
        })
        .await;
    }
    in_time(slow, "NATS killed: an answer", async || {
        let (began, words) = (Instant::now(), format!("answer {:?} without a bus", times.next()));
        ana.reply(id, &words).await.must(StatusCode::OK);
        page.until(|event| event.data.contains(&words)).await;
        began.elapsed()
    })
    .await;
    let ready = anas.stranger().get("/readyz").await;
    ready.must(StatusCode::OK).says("\"bus\":\"away\"").says("--nats-url");

    nats.start_again().await;
    hears(&hers).await;
    hears(&anas).await;
    crosses_at_once(&mut desk, &vera).await;
    anas.stranger().get("/readyz").await.must(StatusCode::OK).says("\"bus\":\"connected\"");

    nats.pause();
    for _ in 0..2 {
        in_time(Duration::from_millis(3_500), "NATS paused: a row", async || {
            crossing(&mut desk, &vera, &format!("paused {:?}", times.next())).await
        })
        .await;
    }
    nats.resume();
    hears(&hers).await;
    hears(&anas).await;
    crosses_at_once(&mut desk, &vera).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn a_node_starts_without_its_bus_and_nodes_without_any_hear_of_one_another() {
    let mut nats = Nats::start().await;
    nats.kill().await;
    for url in [Some(nats.url()), None] {
        let site = installation().await;
        let (hers, anas) = (site.node(url.as_deref()).await, site.node(url.as_deref()).await);
        site.employ("ana", Role::Owner).await;
        let ana = Agent::sign_in(anas.stranger(), "ana").await;
        let mut desk = ana.listen("queue").await;
        let vera = Visitor::arrive(hers.stranger(), "hello from afar").await;
        let came = desk.until(|event| event.data.contains("hello from afar"));
        timeout(PATIENCE, came).await.expect("a new row");
        let id = ana.newest("queue").await;
        let mut page = vera.listen("0").await;
        page.named("synced").await;
        ana.reply(id, "welcome").await.must(StatusCode::OK);
        let came = page.until(|event| event.data.contains("welcome"));
        timeout(PATIENCE, came).await.expect("an answer");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn only_who_is_known_to_the_bus_joins_it() {
    let users = "authorization { user: kefu, password: \"s3/cret\" }";
    let token = "authorization { token: t0ken }";
    let site = installation().await;
    for (configuration, good, bad) in [
        (users, "nats://kefu:s3%2Fcret@", "nats://kefu:wrong@"),
        (token, "nats://t0ken@", "nats://"),
    ] {
        let nats = Nats::with(configuration).await;
        let at = |scheme: &str| format!("{scheme}127.0.0.1:{}", nats.port);
        // The first server of two does not exist.
        let several = format!("nats://127.0.0.1:1,{}", at(good));
        hears(&site.node(Some(&several)).await).await;
        let stranger = site.node(Some(&at(bad))).await;
        let joins = hears(&stranger);
        assert!(timeout(Duration::from_secs(2), joins).await.is_err(), "{bad}");
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn over_tls_a_node_joins_only_a_bus_whose_authority_it_trusts() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (certificate, key) = (file("certificate.pem"), file("key.pem"));
    let made = Command::new("openssl")
        .args(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=bus"])
        .args(["-addext", "subjectAltName=IP:127.0.0.1"])
        .args(["-addext", "basicConstraints=critical,CA:FALSE"])
        .args(["-keyout", &key, "-out", &certificate])
        .output()
        .unwrap();
    assert!(made.status.success(), "{made:?}");
    let tls = format!("tls {{ cert_file: \"{certificate}\", key_file: \"{key}\" }}");
    let nats = Nats::with(&tls).await;
    let site = installation().await;
    let url = format!("tls://127.0.0.1:{}", nats.port);
    let trusting = site
        .node_with(|config| {
            config.nats_url = Some(url.clone());
            config.nats_ca = Some(certificate.into());
        })
        .await;
    hears(&trusting).await;
    let distrustful = site.node(Some(&url)).await;
    assert!(timeout(Duration::from_secs(2), hears(&distrustful)).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn a_credentials_file_opens_the_bus() {
    let [operator, account, user] =
        [KeyPair::new_operator(), KeyPair::new_account(), KeyPair::new_user()];
    let everything = json!({ "subs": -1, "data": -1, "payload": -1, "imports": -1, "exports": -1, "wildcards": true, "conn": -1, "leaf": -1 });
    let operator_token = token(&operator, &operator, json!({ "type": "operator", "version": 2 }));
    let of_account = json!({ "type": "account", "version": 2, "limits": everything });
    let account_token = token(&operator, &account, of_account);
    let of_user = json!({ "type": "user", "version": 2, "pub": {}, "sub": {}, "subs": -1, "data": -1, "payload": -1 });
    let user_token = token(&account, &user, of_user);
    let configuration = format!(
        "operator: \"{operator_token}\"\nresolver: MEMORY\nresolver_preload: {{ {}: \"{account_token}\" }}",
        account.public_key()
    );
    let nats = Nats::with(&configuration).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kefu.creds");
    let credentials = format!(
        "-----BEGIN NATS USER JWT-----\n{user_token}\n------END NATS USER JWT------\n\n-----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
        user.seed().unwrap()
    );
    std::fs::write(&file, credentials).unwrap();
    let site = installation().await;
    let known = site
        .node_with(|config| {
            config.nats_url = Some(nats.url());
            config.nats_credentials = Some(file);
        })
        .await;
    hears(&known).await;
    let unknown = site.node(Some(&nats.url())).await;
    assert!(timeout(Duration::from_secs(2), hears(&unknown)).await.is_err());
}

/// What one key says of another, as NATS wants it written.
fn token(by: &KeyPair, of: &KeyPair, nats: serde_json::Value) -> String {
    let part = |value: serde_json::Value| ids::encode(value.to_string().as_bytes());
    let claims = json!({ "jti": of.public_key(), "iat": 1_700_000_000, "iss": by.public_key(), "sub": of.public_key(), "name": "kefu", "nats": nats });
    let said = format!("{}.{}", part(json!({ "typ": "JWT", "alg": "ed25519-nkey" })), part(claims));
    let signature = by.sign(said.as_bytes()).unwrap();
    format!("{said}.{}", ids::encode(&signature))
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn what_one_node_should_do_is_done_by_one_and_passes_on_when_it_dies_or_leaves() {
    let site = installation().await;
    let nodes: Vec<_> = (0..6).map(|_| NodeId::new()).collect();
    let hour = Duration::from_secs(3600);
    let take = async |node: &NodeId| site.app.db.hold("something", node, hour).await.unwrap();
    let taken = join_all(nodes.iter().map(take)).await;
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 1, "{taken:?}");
    let holder = &nodes[taken.iter().position(|taken| *taken).unwrap()];
    let other = nodes.iter().find(|node| *node != holder).unwrap();
    assert!(take(holder).await, "it renews");
    assert!(!take(other).await);
    // The holder dies: nobody renews, and the hour passes.
    site.change("UPDATE lease SET expires_at = expires_at - 3600000000 WHERE name = 'something'")
        .await;
    assert!(take(other).await);
    assert!(!take(holder).await);
    // The other leaves, and says so.
    site.app.db.release(other).await.unwrap();
    assert!(take(holder).await);
}
