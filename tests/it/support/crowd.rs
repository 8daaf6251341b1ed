//! People who write and read over real connections to whichever server answers, for as long as it takes: a send is repeated
//! until it is acknowledged, a reader comes back with its cursor. What they were told is a [`History`].
use super::{
    checker::{History, Send},
    cluster::{ask, post},
};
use futures_util::{SinkExt, StreamExt, future::join_all};
use kefu::ids::Nonce;
use rand::{RngExt, seq::IndexedRandom};
use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    net::TcpStream,
    task::JoinHandle,
    time::{sleep, timeout},
};
use tokio_tungstenite::tungstenite::{ClientRequestBuilder, Message};
use tokio_util::sync::CancellationToken;

const WRITERS: usize = 8;
/// Streams that a visitor has open in browsers.
const TABS: usize = 5;
/// A line on which nothing was heard for so long is dead: the server beats every 15 s.
const SILENCE: Duration = Duration::from_secs(20);

/// A visitor's conversation.
#[derive(Clone, Debug)]
pub struct Talk {
    pub cid: String,
    pub token: String,
    first: String,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    Events,
    /// The same, but comes back when the server says, as a browser does.
    Browser,
    Socket,
    Waiting,
}

/// What is told while it goes on.
#[derive(Default)]
struct Told {
    clock: AtomicU64,
    sends: Mutex<Vec<(String, Send)>>,
    pace: Mutex<Pace>,
    /// Which stream had seen all that it missed, and when.
    synced: Mutex<Vec<(usize, Instant)>>,
    /// Streams that were answered anything but a stream, which ends a browser's for good.
    refused: AtomicUsize,
}

#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// Attempts that brought no acknowledgement.
    pub unknown: usize,
    /// What each send took until it was acknowledged.
    took: Vec<Duration>,
    /// The longest that nobody was acknowledged anything.
    pub silence: Duration,
    last: Option<Instant>,
}

impl Pace {
    fn acknowledged(&mut self, took: Duration) {
        self.took.push(took);
        let before = self.last.replace(Instant::now());
        self.silence = self.silence.max(before.map_or(Duration::ZERO, |before| before.elapsed()));
    }

    /// What happened after an earlier look at it.
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            unknown: self.unknown - earlier.unknown,
            took: self.took[earlier.took.len()..].to_vec(),
            ..Self::default()
        }
    }

    /// The part of all attempts that brought no acknowledgement.
    pub fn failed(&self) -> f64 {
        self.unknown as f64 / (self.unknown + self.took.len()) as f64
    }

    /// What so large a part of the sends took no longer than.
    pub fn within(&self, part: f64) -> Duration {
        let mut took = self.took.clone();
        took.sort();
        let at = (took.len() as f64 * part) as usize;
        took.get(at.min(took.len().saturating_sub(1))).copied().unwrap_or_default()
    }
}

pub struct Crowd {
    pub talks: Vec<Talk>,
    told: Arc<Told>,
    stop: CancellationToken,
    writing: Vec<JoinHandle<()>>,
    reading: Vec<Reading>,
}

/// What one reader of a conversation has seen so far.
struct Reading {
    cid: String,
    seen: Arc<Mutex<Vec<i64>>>,
    task: JoinHandle<()>,
}

/// What a crowd saw and how it fared.
pub struct Report {
    pub history: History,
    pub pace: Pace,
}

impl Crowd {
    /// Begins to write and read at servers, with so long a pause at most between two sends of a writer.
    pub async fn gather(servers: &[SocketAddr], conversations: usize, pause: Duration) -> Self {
        let ways = [Way::Events, Way::Socket, Way::Waiting];
        Self::reading(servers, conversations, &ways, pause).await
    }

    /// The same with so many streams as browsers have them, and nothing else to read by.
    pub async fn in_browsers(server: SocketAddr, streams: usize, pause: Duration) -> Self {
        Self::reading(&[server], streams.div_ceil(TABS), &[Way::Browser; TABS], pause).await
    }

    async fn reading(
        servers: &[SocketAddr],
        conversations: usize,
        ways: &[Way],
        pause: Duration,
    ) -> Self {
        let told = Arc::<Told>::default();
        let talks: Vec<_> = futures_util::stream::iter(0..conversations)
            .map(|_| start(servers[0]))
            .buffer_unordered(8)
            .collect()
            .await;
        let stop = CancellationToken::new();
        let servers: Arc<[SocketAddr]> = servers.into();
        let mut reading = Vec::new();
        for talk in &talks {
            for way in ways {
                let seen = Arc::<Mutex<Vec<i64>>>::default();
                let reader = Reader {
                    number: reading.len(),
                    way: *way,
                    talk: talk.clone(),
                    servers: servers.clone(),
                    told: told.clone(),
                    seen: seen.clone(),
                    retry: AtomicU64::new(3_000),
                };
                let task = tokio::spawn(reader.read());
                reading.push(Reading { cid: talk.cid.clone(), seen, task });
            }
        }
        let writing = (0..WRITERS)
            .map(|_| {
                let (talks, told, servers, stop) =
                    (talks.clone(), told.clone(), servers.clone(), stop.clone());
                tokio::spawn(write(talks, told, servers, stop, pause))
            })
            .collect();
        Self { talks, told, stop, writing, reading }
    }

    /// What was acknowledged so far: its nonce, and in which conversation.
    pub fn sends(&self) -> Vec<(String, Talk)> {
        let sends = self.told.sends.lock().unwrap();
        let talk = |cid: &str| self.talks.iter().find(|talk| talk.cid == cid).unwrap().clone();
        sends.iter().map(|(cid, send)| (send.nonce.clone(), talk(cid))).collect()
    }

    pub fn pace(&self) -> Pace {
        self.told.pace.lock().unwrap().clone()
    }

    /// So many sends were acknowledged so far.
    fn acknowledged(&self) -> usize {
        self.told.sends.lock().unwrap().len()
    }

    /// Waits until so many sends more were acknowledged, so that what is broken next is broken in the midst of it.
    pub async fn goes_on(&self, more: usize) {
        let wanted = self.acknowledged() + more;
        let (mut last, mut since) = (0, Instant::now());
        while last < wanted {
            let now = self.acknowledged();
            if now > last {
                (last, since) = (now, Instant::now());
            }
            assert!(since.elapsed() < Duration::from_secs(60), "nothing is acknowledged any more");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until so many attempts more brought no acknowledgement.
    pub async fn is_refused(&self, more: usize) {
        let (wanted, since) = (self.pace().unknown + more, Instant::now());
        while self.pace().unknown < wanted {
            assert!(since.elapsed() < Duration::from_secs(60), "everything is acknowledged");
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until so large a part of the streams came back since a moment; how long each took that did, the soonest first.
    pub async fn back(&self, part: f64, since: Instant) -> Vec<Duration> {
        let wanted = (self.reading.len() as f64 * part).ceil() as usize;
        loop {
            let mut first = BTreeMap::new();
            for (stream, at) in self.told.synced.lock().unwrap().iter() {
                if let Some(took) = at.checked_duration_since(since) {
                    first.entry(*stream).or_insert(took);
                }
            }
            if first.len() >= wanted {
                let mut took: Vec<_> = first.into_values().collect();
                took.sort();
                return took;
            }
            assert!(since.elapsed() < Duration::from_secs(300), "only {} came back", first.len());
            sleep(Duration::from_millis(20)).await;
        }
    }

    /// Streams that were answered anything but a stream: a browser gives such a one up for good.
    pub fn refused(&self) -> usize {
        self.told.refused.load(Ordering::SeqCst)
    }

    /// Stops writing, waits until every reader has seen what is stored, and tells what happened.
    pub async fn disperse(self, database_url: &str) -> Report {
        self.stop.cancel();
        join_all(self.writing).await.into_iter().for_each(|done| done.unwrap());
        let (stored, numbers) = stored(database_url).await;
        let id_of = |cid: &str| numbers[cid];
        let mut seen = Vec::new();
        for Reading { cid, seen: numbers, task } in self.reading {
            let id = id_of(&cid);
            let end = stored[&id].last().unwrap().0;
            let arrived = async {
                while numbers.lock().unwrap().last() != Some(&end) {
                    assert!(!task.is_finished(), "a reader gave up");
                    sleep(Duration::from_millis(20)).await;
                }
            };
            // One who does not arrive has lost something: the checker will say so.
            let _ = timeout(Duration::from_secs(120), arrived).await;
            task.abort();
            let numbers = numbers.lock().unwrap().clone();
            seen.push((id, numbers));
        }
        let mut sends: Vec<Send> = self
            .talks
            .iter()
            .map(|talk| Send {
                conversation: id_of(&talk.cid),
                nonce: talk.first.clone(),
                invoked: 0,
                acknowledged: Some((0, 1)),
            })
            .collect();
        let told = self.told.sends.lock().unwrap().clone();
        sends
            .extend(told.into_iter().map(|(cid, send)| Send { conversation: id_of(&cid), ..send }));
        Report {
            history: History { sends, stored, seen },
            pace: self.told.pace.lock().unwrap().clone(),
        }
    }
}

fn any<T>(of: &[T]) -> &T {
    of.choose(&mut rand::rng()).expect("there is one")
}

fn between(least: u64, most: u64) -> Duration {
    Duration::from_millis(rand::rng().random_range(least..most))
}

pub async fn start(server: SocketAddr) -> Talk {
    let site = json!({ "site": "demo" });
    let session = at_last(server, "/api/v1/visitor/sessions", "", &site).await;
    let token = session["token"].as_str().unwrap().to_owned();
    let first = Nonce::new().to_string();
    let new = json!({ "site": "demo", "nonce": first, "body": "first" });
    let started = at_last(server, "/api/v1/conversations", &token, &new).await;
    Talk { cid: started["conversation"].as_str().unwrap().to_owned(), token, first }
}

/// Repeats a request until it is answered.
async fn at_last(server: SocketAddr, path: &str, token: &str, body: &Value) -> Value {
    for _ in 0..100 {
        match post(server, path, token, body).await {
            Some((200 | 201, answer)) => return answer,
            _ => sleep(between(20, 200)).await,
        }
    }
    panic!("{path} is never answered");
}

async fn write(
    talks: Vec<Talk>,
    told: Arc<Told>,
    servers: Arc<[SocketAddr]>,
    stop: CancellationToken,
    pause: Duration,
) {
    while !stop.is_cancelled() {
        let talk = any(&talks);
        let nonce = Nonce::new().to_string();
        let message = json!({ "nonce": nonce, "body": format!("message {nonce}") });
        let path = format!("/api/v1/conversations/{}/entries", talk.cid);
        let (invoked, began) = (told.clock.fetch_add(1, Ordering::SeqCst) + 1, Instant::now());
        let seq = loop {
            let server = *any(&servers);
            let answer = post(server, &path, &talk.token, &message).await;
            // Lines may be down again just when it tries again.
            let patience = Duration::from_secs(300);
            assert!(began.elapsed() < patience, "nobody takes a message any more: {answer:?}");
            match answer {
                Some((200 | 201, answer)) => {
                    break answer["entry"]["seq"].as_i64().unwrap_or_else(|| panic!("{answer}"));
                }
                Some((429 | 500.., _)) | None => {
                    told.pace.lock().unwrap().unknown += 1;
                    sleep(between(20, 200)).await;
                }
                Some(refused) => panic!("refused: {refused:?}"),
            }
        };
        let at = told.clock.fetch_add(1, Ordering::SeqCst) + 1;
        let acknowledged = Some((at, seq));
        let send = Send { conversation: 0, nonce, invoked, acknowledged };
        told.sends.lock().unwrap().push((talk.cid.clone(), send));
        told.pace.lock().unwrap().acknowledged(began.elapsed());
        sleep(pause.mul_f64(rand::random())).await;
    }
}

struct Reader {
    number: usize,
    way: Way,
    talk: Talk,
    servers: Arc<[SocketAddr]>,
    told: Arc<Told>,
    seen: Arc<Mutex<Vec<i64>>>,
    /// When the server wants its streams back, in milliseconds; until it says so, what browsers think.
    retry: AtomicU64,
}

impl Reader {
    async fn read(self) {
        loop {
            let server = *any(&self.servers);
            // However it ends, the reader comes back with its cursor.
            let _ = match self.way {
                Way::Events | Way::Browser => self.events(server).await,
                Way::Socket => self.socket(server).await,
                Way::Waiting => self.waiting(server).await,
            };
            sleep(match self.way {
                Way::Browser => Duration::from_millis(self.retry.load(Ordering::SeqCst)),
                Way::Events | Way::Socket | Way::Waiting => between(30, 300),
            })
            .await;
        }
    }

    fn held(&self) -> i64 {
        self.seen.lock().unwrap().last().copied().unwrap_or(0)
    }

    fn see(&self, seq: i64) {
        self.seen.lock().unwrap().push(seq);
    }

    async fn events(&self, server: SocketAddr) -> Option<()> {
        let path = format!("/c/{}/events?after={}", self.talk.cid, self.held());
        let mut lines = begin(server, &path, &self.talk.token).await?;
        // A browser waits for an answer as long as it takes.
        let patience = if let Way::Browser = self.way { Duration::MAX } else { SILENCE };
        let status = timeout(patience, lines.next_line()).await.ok()?.ok()??;
        if !status.ends_with(" 200 OK") {
            self.told.refused.fetch_add(1, Ordering::SeqCst);
            return None;
        }
        // An event counts when it is whole: at its empty line.
        let (mut seq, mut name) = (None, String::new());
        loop {
            let line = timeout(SILENCE, lines.next_line()).await.ok()?.ok()??;
            if let Some(id) = line.strip_prefix("id: ") {
                seq = id.split(':').nth(1).and_then(|seq| seq.parse().ok());
            } else if let Some(event) = line.strip_prefix("event: ") {
                name = event.to_owned();
            } else if let Some(retry) = line.strip_prefix("retry: ") {
                self.retry.store(retry.parse().ok()?, Ordering::SeqCst);
            } else if line.is_empty() {
                if name == "reset" {
                    return self.waiting_once(server, 0).await;
                }
                if name == "synced" {
                    self.told.synced.lock().unwrap().push((self.number, Instant::now()));
                }
                seq.take().into_iter().for_each(|seq| self.see(seq));
                name.clear();
            }
        }
    }

    async fn socket(&self, server: SocketAddr) -> Option<()> {
        let connecting = tokio_tungstenite::connect_async(api_socket(server, &self.talk.token));
        let (mut socket, _) = timeout(SILENCE, connecting).await.ok()?.ok()?;
        let subscribe = json!({ "type": "subscribe", "ref": "s", "conversation": self.talk.cid, "after": self.held() });
        socket.send(Message::text(subscribe.to_string())).await.ok()?;
        loop {
            let message = timeout(SILENCE * 2, socket.next()).await.ok()??.ok()?;
            let Message::Text(text) = message else { continue };
            let frame: Value = serde_json::from_str(&text).ok()?;
            match frame["type"].as_str()? {
                "entry" => self.see(frame["seq"].as_i64()?),
                "error" | "bye" => return self.waiting_once(server, 0).await,
                _ => {}
            }
        }
    }

    async fn waiting(&self, server: SocketAddr) -> Option<()> {
        loop {
            self.waiting_once(server, 5).await?;
        }
    }

    async fn waiting_once(&self, server: SocketAddr, wait: u64) -> Option<()> {
        let request = format!(
            "GET /api/v1/conversations/{}/entries?after={}&limit=500&wait={wait} HTTP/1.0\r\nhost: {server}\r\nauthorization: Bearer {}\r\n\r\n",
            self.talk.cid,
            self.held(),
            self.talk.token
        );
        let (status, body) = ask(server, &request, SILENCE).await?;
        let answer: Value = serde_json::from_str(&body).ok().filter(|_| status == 200)?;
        for entry in answer["entries"].as_array()? {
            self.see(entry["seq"].as_i64()?);
        }
        Some(())
    }
}

/// Every nonce that a database holds.
pub async fn stored_nonces(database_url: &str) -> BTreeSet<String> {
    let (stored, _) = stored(database_url).await;
    stored.into_values().flatten().map(|(_, nonce)| nonce).collect()
}

/// Whether a reader who comes with a cursor of one server to another is told to load the page again.
pub async fn is_told_to_reload(new: SocketAddr, old: SocketAddr, talk: &Talk) -> bool {
    let path = |after: &str| format!("/c/{}/events?after={after}", talk.cid);
    let mut lines = begin(old, &path("0"), &talk.token).await.unwrap();
    let cursor = loop {
        let line = lines.next_line().await.unwrap().unwrap();
        if let Some(id) = line.strip_prefix("id: ") {
            break id.to_owned();
        }
    };
    let mut lines = begin(new, &path(&cursor), &talk.token).await.unwrap();
    while let Ok(Some(line)) = lines.next_line().await {
        if line == "event: reset" {
            return true;
        }
    }
    false
}

pub async fn can_speak(server: SocketAddr, talk: &Talk) -> bool {
    let message = json!({ "nonce": Nonce::new(), "body": "after all" });
    let path = format!("/api/v1/conversations/{}/entries", talk.cid);
    matches!(post(server, &path, &talk.token, &message).await, Some((201, _)))
}

type Stored = BTreeMap<i64, Vec<(i64, String)>>;

/// Every entry of every conversation, and the number of each public id.
async fn stored(database_url: &str) -> (Stored, BTreeMap<String, i64>) {
    let db = Database::connect(database_url).await.unwrap();
    let ask = |question: &str| Statement::from_string(db.get_database_backend(), question);
    let all = ask("SELECT conversation_id, seq, nonce FROM entry ORDER BY conversation_id, seq");
    let mut stored = Stored::new();
    for row in db.query_all_raw(all).await.unwrap() {
        let entry = (row.try_get("", "seq").unwrap(), row.try_get("", "nonce").unwrap());
        stored.entry(row.try_get("", "conversation_id").unwrap()).or_default().push(entry);
    }
    let mut numbers = BTreeMap::new();
    for row in db.query_all_raw(ask("SELECT id, public_id FROM conversation")).await.unwrap() {
        numbers.insert(row.try_get("", "public_id").unwrap(), row.try_get("", "id").unwrap());
    }
    db.close().await.unwrap();
    (stored, numbers)
}

/// The lines of a visitor's page as they come.
pub async fn begin(
    server: SocketAddr,
    path: &str,
    token: &str,
) -> Option<Lines<BufReader<TcpStream>>> {
    let mut stream = timeout(SILENCE, TcpStream::connect(server)).await.ok()?.ok()?;
    let request =
        format!("GET {path} HTTP/1.0\r\nhost: {server}\r\ncookie: kefu-v={token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.ok()?;
    Some(BufReader::new(stream).lines())
}

pub fn api_socket(server: SocketAddr, token: &str) -> ClientRequestBuilder {
    ClientRequestBuilder::new(format!("ws://{server}/api/v1/ws").parse().unwrap())
        .with_header("Authorization", format!("Bearer {token}"))
        .with_sub_protocol("kefu.v1")
}
