//! Very many lines on which nothing happens, and what becomes of them when the server leaves.
use super::{
    cluster::{ask, post},
    crowd::{Talk, api_socket, begin, start},
};
use futures_util::{StreamExt, future::join_all};
use kefu::ids::Nonce;
use serde_json::json;
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpSocket, TcpStream},
    task::JoinHandle,
    time::sleep,
};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

/// Many idle streams, some sockets, and posts that are under way when the server leaves.
pub struct Streams {
    streams: Vec<JoinHandle<Option<Instant>>>,
    sockets: Vec<JoinHandle<bool>>,
    posts: Vec<JoinHandle<bool>>,
}

pub struct Farewell {
    /// Streams that were told to come back before they ended.
    pub streams_with_a_word: usize,
    pub sockets_with_1012: usize,
    /// Most ends within one second.
    pub fullest_second: usize,
    pub posts: usize,
    pub answered: usize,
}

/// Streams that one visitor may have open.
const EACH: usize = 5;

impl Streams {
    pub async fn open(server: SocketAddr, streams: usize, sockets: usize) -> Self {
        let talks = futures_util::stream::iter(0..(streams + sockets).div_ceil(EACH))
            .map(|_| start(server))
            .buffer_unordered(8)
            .collect::<Vec<_>>()
            .await;
        let mut places = talks.iter().flat_map(|talk| std::iter::repeat_n(talk, EACH));
        let mut all = Self { streams: Vec::new(), sockets: Vec::new(), posts: Vec::new() };
        for talk in places.by_ref().take(streams) {
            let path = format!("/c/{}/events?after=0", talk.cid);
            let mut lines = begin(server, &path, &talk.token).await.expect("a stream");
            while lines.next_line().await.unwrap().expect("a stream") != "event: synced" {}
            all.streams.push(tokio::spawn(async move {
                let mut told = None;
                while let Ok(Some(line)) = lines.next_line().await {
                    if line == "event: end" {
                        told = Some(Instant::now());
                    }
                }
                told
            }));
        }
        for talk in places.take(sockets) {
            let request = api_socket(server, &talk.token);
            let (mut socket, _) = tokio_tungstenite::connect_async(request).await.unwrap();
            all.sockets.push(tokio::spawn(async move {
                while let Some(Ok(message)) = socket.next().await {
                    if let Message::Close(Some(why)) = message {
                        return u16::from(why.code) == 1012;
                    }
                }
                false
            }));
        }
        for talk in talks.into_iter().take(20) {
            all.posts.push(slow_post(server, talk).await);
        }
        all
    }

    /// Waits until everything has ended.
    pub async fn farewell(self) -> Farewell {
        let ends: Vec<_> = done(self.streams).await.into_iter().flatten().collect();
        let within_a_second = |from: &Instant| {
            ends.iter().filter(|end| *end >= from && **end < *from + Duration::from_secs(1)).count()
        };
        let (sockets, posts) = (done(self.sockets).await, done(self.posts).await);
        Farewell {
            streams_with_a_word: ends.len(),
            sockets_with_1012: sockets.iter().filter(|clean| **clean).count(),
            fullest_second: ends.iter().map(within_a_second).max().unwrap_or(0),
            posts: posts.len(),
            answered: posts.iter().filter(|answered| **answered).count(),
        }
    }
}

async fn done<T>(tasks: Vec<JoinHandle<T>>) -> Vec<T> {
    join_all(tasks).await.into_iter().map(|outcome| outcome.unwrap()).collect()
}

/// Begins a message that takes two seconds to arrive; whether it was acknowledged.
async fn slow_post(server: SocketAddr, talk: Talk) -> JoinHandle<bool> {
    let body = json!({ "nonce": Nonce::new(), "body": "under way" }).to_string();
    let head = format!(
        "POST /api/v1/conversations/{}/entries HTTP/1.0\r\nhost: {server}\r\nauthorization: Bearer {}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        talk.cid,
        talk.token,
        body.len()
    );
    let mut stream = TcpStream::connect(server).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::spawn(async move {
        for piece in body.as_bytes().chunks(body.len().div_ceil(20)) {
            sleep(Duration::from_millis(100)).await;
            if stream.write_all(piece).await.is_err() {
                return false;
            }
        }
        let mut answer = String::new();
        let _ = stream.read_to_string(&mut answer).await;
        answer.starts_with("HTTP/1.0 201")
    })
}

/// Readers who look for a moment, go and come back, all the time.
pub struct PassersBy {
    leave: CancellationToken,
    passing: Vec<JoinHandle<usize>>,
}

impl PassersBy {
    /// One in each conversation.
    pub fn begin(server: SocketAddr, talks: &[Talk]) -> Self {
        let leave = CancellationToken::new();
        let pass = |talk: &Talk| tokio::spawn(pass(server, talk.clone(), leave.clone()));
        Self { passing: talks.iter().map(pass).collect(), leave }
    }

    /// How often one of them came.
    pub async fn go_home(self) -> usize {
        self.leave.cancel();
        done(self.passing).await.into_iter().sum()
    }
}

async fn pass(server: SocketAddr, talk: Talk, leave: CancellationToken) -> usize {
    let (mut came, mut cursor) = (0, "0".to_owned());
    while !leave.is_cancelled() {
        let path = format!("/c/{}/events?after={cursor}", talk.cid);
        let mut lines = begin(server, &path, &talk.token).await.expect("a stream");
        loop {
            let line = lines.next_line().await.unwrap().expect("a stream");
            if let Some(id) = line.strip_prefix("id: ") {
                cursor = id.to_owned();
            } else if line == "event: synced" {
                break;
            }
        }
        came += 1;
        sleep(Duration::from_secs_f64(rand::random_range(0.0..0.5))).await;
    }
    came
}

/// Conversations with long messages, and readers who take nothing of them.
pub struct Flood {
    server: SocketAddr,
    talks: Vec<Talk>,
    _stuck: Vec<TcpStream>,
}

/// Readers of one conversation: a visitor has only so many streams.
const READERS: usize = 8;

impl Flood {
    pub async fn begin(server: SocketAddr, readers: usize) -> Self {
        let (mut talks, mut stuck) = (Vec::new(), Vec::new());
        for reader in 0..readers {
            if reader % READERS == 0 {
                talks.push(start(server).await);
            }
            let talk = talks.last().expect("made above");
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_recv_buffer_size(4 * 1024).unwrap();
            let mut stream = socket.connect(server).await.unwrap();
            let request = format!(
                "GET /c/{}/events?after=0 HTTP/1.0\r\nhost: {server}\r\ncookie: kefu-v={}\r\n\r\n",
                talk.cid, talk.token
            );
            stream.write_all(request.as_bytes()).await.unwrap();
            stuck.push(stream);
        }
        Self { server, talks, _stuck: stuck }
    }

    /// Writes so many messages in each conversation, as long as they may be; what 99 % took no longer than.
    pub async fn fill(&self, messages: usize) -> Duration {
        // Five times as long once it is HTML.
        let body = "&".repeat(5_000);
        let mut took = Vec::new();
        for talk in self.talks.iter().cycle().take(messages * self.talks.len()) {
            let message = json!({ "nonce": Nonce::new(), "body": body });
            let path = format!("/api/v1/conversations/{}/entries", talk.cid);
            let began = Instant::now();
            let answer = post(self.server, &path, &talk.token, &message).await;
            assert_eq!(answer.expect("an answer").0, 201);
            took.push(began.elapsed());
        }
        took.sort();
        took[took.len() * 99 / 100]
    }

    /// How many entries a reader finds who comes back.
    pub async fn entries_found(&self) -> usize {
        let talk = &self.talks[0];
        let request = format!(
            "GET /api/v1/conversations/{}/entries?after=0&limit=500 HTTP/1.0\r\nhost: {}\r\nauthorization: Bearer {}\r\n\r\n",
            talk.cid, self.server, talk.token
        );
        let (status, body) = ask(self.server, &request, Duration::from_secs(10)).await.unwrap();
        assert_eq!(status, 200);
        let found: serde_json::Value = serde_json::from_str(&body).unwrap();
        found["entries"].as_array().unwrap().len()
    }
}
