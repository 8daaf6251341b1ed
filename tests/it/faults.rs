//! Answers that get lost, and a database that has no time.
use crate::support::{PATIENCE, by_hand, hasty_installation, installation, proxy};
use futures_util::future::join_all;
use jiff::SignedDuration;
use kefu::{
    agent::Scope,
    conversation::{self, Range},
    event::Content,
    ids::{ConversationId, Nonce},
};
use poem::http::StatusCode;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbBackend, TransactionTrait};
use serde_json::json;
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    time::timeout,
};

/// A post of one connection; `None` if no answer came.
async fn post(server: SocketAddr, path: &str, cookie: &str, body: &str) -> Option<String> {
    let request = format!(
        "POST {path} HTTP/1.1\r\nHost: {server}\r\nConnection: close\r\nSec-Fetch-Site: same-origin\r\nHX-Request: true\r\n\
         Cookie: {cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(server).await.ok()?;
    stream.write_all(request.as_bytes()).await.ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.ok()?;
    // Where it is asked for to come again it may be sent again under its nonce.
    let refused = answer.starts_with("HTTP/1.1 503");
    (!answer.is_empty() && !refused).then_some(answer)
}

/// T06.
#[tokio::test(flavor = "multi_thread")]
async fn three_in_ten_answers_are_lost_and_every_message_stands_there_once() {
    // By hand: KEFU_SENDS=10000 cargo test --test it three_in_ten -- --nocapture
    let sends: usize = by_hand("KEFU_SENDS").unwrap_or(400);
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ConversationId(ana.newest("queue").await);
    let line = proxy::swallowing(site.listening().await, 0.3).await;
    let cookie = format!("kefu-v={}", vera.person.cookies()["kefu-v"]);
    let writer = |writer: usize| {
        let (path, cookie) = (vera.path("/messages"), cookie.clone());
        async move {
            let mut lost = 0;
            for n in 0..sends / 8 {
                let body = format!("nonce={}&body=message+{writer}.{n}", Nonce::new());
                while post(line, &path, &cookie, &body).await.is_none() {
                    lost += 1;
                }
            }
            lost
        }
    };
    let lost: usize = join_all((0..8).map(|n| tokio::spawn(writer(n))))
        .await
        .into_iter()
        .map(|n| n.unwrap())
        .sum();
    let history =
        conversation::history(site.app.db.read(), id, Range::After(1, 1_000_000)).await.unwrap();
    let bodies: BTreeSet<_> = history
        .entries
        .iter()
        .map(|entry| match &entry.content {
            Content::Text { body, .. } => body.clone(),
            other => panic!("{other:?}"),
        })
        .collect();
    println!(
        "{} sends, {lost} answers lost, {} stored, {} different",
        sends / 8 * 8,
        history.entries.len(),
        bodies.len()
    );
    assert!(lost > sends / 10, "the line was not bad enough to show anything");
    assert_eq!((history.entries.len(), bodies.len()), (sends / 8 * 8, sends / 8 * 8));
    let nonce = Nonce::new();
    vera.say_as(nonce.as_str(), "one").await.must(StatusCode::OK);
    vera.say_as(nonce.as_str(), "two").await.must(StatusCode::CONFLICT);
}

/// T20.
#[tokio::test(flavor = "multi_thread")]
async fn a_database_without_a_free_connection_is_told_soon_and_streams_live_on() {
    let site = hasty_installation().await;
    let vera = site.vera().await;
    let mut stream = vera.listen("1").await;
    stream.named("synced").await;
    let nonce = Nonce::new();

    let mut held = hold_all(&site.app.db.write().direct).await;
    assert!(!held.is_empty());
    // The same pool, where there is one for both.
    held.extend(hold_all(&site.app.db.read().direct).await);
    let began = Instant::now();
    let refused = vera.say_as(nonce.as_str(), "are you there?").await;
    let (took, status) = (began.elapsed(), refused.status);
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    // Two seconds, and what this machine takes: less than the five after which anything is given up.
    assert!(took < Duration::from_millis(4_500), "{took:?}");
    assert_ne!(refused.header("retry-after"), "");
    let began = Instant::now();
    site.stranger().get("/readyz").await.must(StatusCode::SERVICE_UNAVAILABLE);
    assert!(began.elapsed() < Duration::from_millis(4_500));
    let began = Instant::now();
    site.stranger().get("/healthz").await.must(StatusCode::OK);
    assert!(began.elapsed() < Duration::from_millis(1_900), "it waits for no connection");

    drop(held);
    let began = Instant::now();
    while vera.say_as(nonce.as_str(), "are you there?").await.status != StatusCode::OK {
        assert!(began.elapsed() < PATIENCE);
    }
    assert!(
        stream.entry().await.data.contains("are you there?"),
        "the stream was there all the time"
    );
}

/// Takes connections of a pool until it says itself that there is none left.
async fn hold_all(pool: &DatabaseConnection) -> Vec<sea_orm::DatabaseTransaction> {
    let mut held = Vec::new();
    while let Ok(Ok(one)) = timeout(Duration::from_secs(3), pool.begin()).await {
        held.push(one);
    }
    held
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_takes_nothing_more_is_told_and_nothing_is_acknowledged() {
    let site = installation().await;
    let db = site.app.db.write();
    if db.get_database_backend() != DbBackend::Sqlite {
        println!(
            "a server that takes nothing would stop the tests beside this one: shown on SQLite alone"
        );
        return;
    }
    let (vera, ana) = (site.vera().await, site.ana().await);
    let reader = site.agent_program("ana", Scope::Read).await;
    let program = site.visitor_program().await;
    let cid = program.start("hello").await;
    let mut line = program.connect(site.listening().await).await.unwrap();
    let entries = format!("/conversations/{cid}/entries");
    let read_only = ["PRAGMA query_only = ON", "PRAGMA query_only = OFF"];
    let full = ["PRAGMA max_page_count = 1", "PRAGMA max_page_count = 1073741823"];
    for [refuse, take] in [read_only, full] {
        // Said to a connection, which may not be used again after it refused something.
        let refusing = async || db.execute_unprepared(refuse).await.unwrap();
        // A full database still has room on its last page, so it takes some words to notice.
        let long = "x".repeat(5_000);
        let mut tries = 0..20;
        let page = loop {
            refusing().await;
            let page = vera.say(&long).await;
            if page.status != StatusCode::OK || tries.next().is_none() {
                break page;
            }
        };
        assert_eq!(page.status, StatusCode::SERVICE_UNAVAILABLE, "{refuse} {}", page.body);
        let new = json!({ "nonce": Nonce::new(), "body": long });
        refusing().await;
        program.post(&entries, &new).await.must(StatusCode::SERVICE_UNAVAILABLE);
        refusing().await;
        let frame =
            json!({ "type": "send", "conversation": cid, "nonce": new["nonce"], "body": long });
        let refused = line.request(frame.clone()).await;
        assert_eq!(
            (&refused["code"], &refused["retry_after_ms"]),
            (&json!("unavailable"), &json!(2000))
        );
        // Reading goes on, also where it would be noted that somebody was here.
        site.app.clock.turn(SignedDuration::from_mins(6));
        vera.page().await;
        program.get(&entries).await.must(StatusCode::OK);
        ana.person.get("/desk/c").await.must(StatusCode::OK);
        reader.get("/me").await.must(StatusCode::OK);
        db.execute_unprepared(take).await.unwrap();
        assert_eq!(line.request(frame).await["type"], "ok");
        program.post(&entries, &new).await.must(StatusCode::OK);
        // What breaks a rule is taken back; what is acknowledged after it is there for whoever looks.
        let other = json!({ "nonce": new["nonce"], "body": "something else" });
        program.post(&entries, &other).await.must(StatusCode::CONFLICT);
        let last = format!("last words after {refuse}");
        let last = json!({ "nonce": Nonce::new(), "body": last });
        program.post(&entries, &last).await.must(StatusCode::CREATED);
        program.get(&entries).await.says(last["body"].as_str().unwrap());
    }
}
