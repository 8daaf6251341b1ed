//! Many people at once, by every door and on every line (T01).
use crate::support::{
    Agent, Installation, Visitor, by_hand,
    checker::{History, Send, check, the_checker_sees_what_is_planted},
    installation,
    line::{Line, Transport},
    program::Program,
};
use futures_util::future::join_all;
use kefu::{agent::Scope, ids::Nonce};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use sea_orm::{ConnectionTrait, Statement};
use serde_json::json;
use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};
use tokio::sync::mpsc;

const CONVERSATIONS: usize = 20;
const WRITERS: usize = 8;

/// By which door somebody sends.
#[derive(Clone)]
enum Door {
    Page(Visitor),
    Desk(Agent),
    Rest(Program),
}

impl Door {
    /// The number that the answer acknowledges.
    async fn send(&self, id: i64, nonce: &str) -> Option<i64> {
        let body = format!("message {nonce}");
        match self {
            Self::Page(vera) => number(&vera.say_as(nonce, &body).await.body, "id=\"m-"),
            Self::Desk(ana) => {
                let fields = [("kind", "text"), ("nonce", nonce), ("body", &body)];
                let answer = ana.person.hx_post(&format!("/desk/c/{id}/messages"), &fields).await;
                number(&answer.body, &format!("id=\"m-{id}-"))
            }
            Self::Rest(program) => {
                let new = json!({ "nonce": nonce, "body": body });
                number(
                    &program.post(&format!("/conversations/{id}/entries"), &new).await.body,
                    "\"seq\":",
                )
            }
        }
    }
}

fn number(answer: &str, mark: &str) -> Option<i64> {
    let digits = answer.split(mark).nth(1)?;
    digits.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

/// Eight writers, twenty conversations, and for each of them a reader of every kind.
async fn happen(site: &Installation, sends: usize, seed: u64) -> History {
    let server = site.listening().await;
    let ana = site.ana().await;
    let bot = site.agent_program("ana", Scope::Write).await;
    let mut talks = Vec::new();
    let mut history = History::default();
    for _ in 0..CONVERSATIONS {
        let page = site.stranger().get("/w/demo").await;
        let person = site.stranger();
        let first = [
            ("visitor", page.field("visitor")),
            ("nonce", page.field("nonce")),
            ("body", "first".into()),
        ];
        let fields: Vec<_> = first.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let place = person.post("/w/demo/start", &fields).await.goes_to();
        let vera = Visitor { person, cid: place.strip_prefix("/c/").unwrap().to_owned() };
        let id = ana.newest("all").await;
        let (nonce, acknowledged) = (first[1].1.clone(), Some((0, 1)));
        history.sends.push(Send { conversation: id, nonce, invoked: 0, acknowledged });
        talks.push((id, vera));
    }
    let readers = [Transport::Events, Transport::Socket, Transport::Poll, Transport::Messages];
    let mut reading = Vec::new();
    for (turn, (id, vera)) in talks.iter().enumerate() {
        let mut line = Line::open(readers[turn % readers.len()], vera, server, "0").await;
        let (tell, seen) = mpsc::unbounded_channel();
        tokio::spawn(async move { while tell.send(line.entry().await).is_ok() {} });
        reading.push((*id, seen));
    }
    let clock = Arc::new(AtomicU64::new(1));
    let all = Arc::new(Mutex::new(history.sends));
    let writing = (0..WRITERS).map(|writer| {
        let (talks, ana, bot) = (talks.clone(), ana.clone(), bot.clone());
        let (clock, all) = (clock.clone(), all.clone());
        tokio::spawn(async move {
            let mut dice = StdRng::seed_from_u64(seed ^ writer as u64);
            for _ in 0..sends / WRITERS {
                let (conversation, vera) = &talks[dice.random_range(0..talks.len())];
                let door = match dice.random_range(0..4) {
                    0 => Door::Desk(ana.clone()),
                    1 => Door::Rest(bot.clone()),
                    _ => Door::Page(vera.clone()),
                };
                let (conversation, nonce) = (*conversation, Nonce::new().to_string());
                let invoked = clock.fetch_add(1, Ordering::SeqCst);
                let seq = door.send(conversation, &nonce).await;
                let acknowledged = seq.map(|seq| (clock.fetch_add(1, Ordering::SeqCst), seq));
                all.lock().unwrap().push(Send { conversation, nonce, invoked, acknowledged });
            }
        })
    });
    join_all(writing).await.into_iter().for_each(|done| done.unwrap());
    let sends = all.lock().unwrap().clone();
    let stored = stored(site).await;
    let mut seen = Vec::new();
    for (id, mut told) in reading {
        let mut numbers = Vec::new();
        while numbers.len() < stored[&id].len() {
            numbers.push(told.recv().await.expect("the reader goes on until it has seen all"));
        }
        seen.push((id, numbers));
    }
    History { sends, stored, seen }
}

async fn stored(site: &Installation) -> BTreeMap<i64, Vec<(i64, String)>> {
    let db = site.app.db.read();
    let all = "SELECT conversation_id, seq, nonce FROM entry ORDER BY conversation_id, seq";
    let mut stored = BTreeMap::<i64, Vec<(i64, String)>>::new();
    let question = Statement::from_string(db.get_database_backend(), all);
    for row in db.query_all_raw(question).await.unwrap() {
        let id = row.try_get("", "conversation_id").unwrap();
        let entry = (row.try_get("", "seq").unwrap(), row.try_get("", "nonce").unwrap());
        stored.entry(id).or_default().push(entry);
    }
    stored
}

#[tokio::test(flavor = "multi_thread")]
async fn what_many_writers_were_told_and_readers_saw_could_have_happened_to_one_log() {
    let seed: u64 = by_hand("KEFU_SEED").unwrap_or_else(rand::random);
    // By hand: KEFU_SENDS=60000 cargo test --test it could_have_happened -- --nocapture
    let sends: usize = by_hand("KEFU_SENDS").unwrap_or(800);
    let site = installation().await;
    let history = happen(&site, sends, seed).await;
    let acknowledged = history.sends.iter().filter(|send| send.acknowledged.is_some()).count();
    let entries: usize = history.stored.values().map(Vec::len).sum();
    let found = check(&history);
    println!(
        "KEFU_SEED={seed}: {} sends, {acknowledged} acknowledged, {entries} stored; {} readers saw {}; violations: {found:?}",
        history.sends.len(),
        history.seen.len(),
        history.seen.iter().map(|(_, seen)| seen.len()).sum::<usize>(),
    );
    assert_eq!(acknowledged, history.sends.len(), "nothing was broken, so nothing may be unknown");
    assert_eq!(found, BTreeSet::new());
    the_checker_sees_what_is_planted(&history);
}
