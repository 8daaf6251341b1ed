//! One way to read a conversation, five ways to carry it: what every transport must show alike.
use super::{
    PATIENCE, Visitor,
    page::{Event, Stream, parse},
};
use futures_util::{SinkExt, StreamExt};
use poem::http::{Method, StatusCode};
use std::{collections::VecDeque, net::SocketAddr};
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Message, client::IntoClientRequest},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport {
    /// Server-sent events.
    Events,
    /// The same blocks over a WebSocket.
    Socket,
    /// The same blocks as answers that wait for the first news.
    Poll,
    /// Entries as JSON, the answer waiting for the first.
    Messages,
    /// A document that never ends.
    Page,
}

pub const TRANSPORTS: [Transport; 5] =
    [Transport::Events, Transport::Socket, Transport::Poll, Transport::Messages, Transport::Page];

/// What a reader sees.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sight {
    Entry(i64),
    Synced,
    /// Load the page again.
    Reset,
    /// Access was lost.
    Bye,
    /// The line was cut or ended: come back with the cursor.
    End,
}

/// A visitor's line to her conversation.
pub struct Line {
    transport: Transport,
    visitor: Visitor,
    server: SocketAddr,
    cursor: String,
    source: Source,
    /// What was heard and not looked at yet, each entry with the cursor after it.
    waiting: VecDeque<(Sight, String)>,
}

enum Source {
    Events(Stream),
    Socket(Box<WebSocketStream<MaybeTlsStream<TcpStream>>>),
    /// Answers one after another; the document up to where it was read.
    Answers,
    Page(Stream, usize),
}

impl Line {
    pub async fn open(
        transport: Transport,
        visitor: &Visitor,
        server: SocketAddr,
        cursor: &str,
    ) -> Self {
        let after = format!("after={cursor}");
        let source = match transport {
            Transport::Events => Source::Events(
                visitor.person.listen(&visitor.path(&format!("/events?{after}"))).await,
            ),
            Transport::Page => Source::Page(
                visitor.person.listen(&visitor.path(&format!("/live?{after}"))).await,
                0,
            ),
            Transport::Poll | Transport::Messages => Source::Answers,
            Transport::Socket => {
                let path = visitor.path(&format!("/ws?{after}"));
                Source::Socket(Box::new(socket(visitor, server, &path).await.expect("a socket")))
            }
        };
        let (visitor, cursor) = (visitor.clone(), cursor.to_owned());
        Self { transport, visitor, server, cursor, source, waiting: VecDeque::new() }
    }

    /// The line is cut without a word, and another is opened where it was.
    pub async fn reopen(self) -> Self {
        Self::open(self.transport, &self.visitor, self.server, &self.cursor.clone()).await
    }

    pub async fn next(&mut self) -> Sight {
        loop {
            if let Some((sight, cursor)) = self.waiting.pop_front() {
                self.cursor = cursor;
                return sight;
            }
            tokio::time::timeout(PATIENCE, self.more())
                .await
                .unwrap_or_else(|_| panic!("nothing over {:?} in time", self.transport));
        }
    }

    /// The next entry; what else there is to see is passed over.
    pub async fn entry(&mut self) -> i64 {
        loop {
            match self.next().await {
                Sight::Entry(seq) => return seq,
                Sight::Synced => {}
                end => panic!("{end:?} instead of an entry over {:?}", self.transport),
            }
        }
    }

    async fn more(&mut self) {
        match &mut self.source {
            Source::Events(stream) => match stream.next().await {
                Some(event) => self.see(&event),
                None => self.happened(Sight::End),
            },
            Source::Socket(socket) => match socket.next().await {
                Some(Ok(Message::Text(block))) => {
                    for block in block.split("\n\n").map(str::to_owned).collect::<Vec<_>>() {
                        self.see(&parse(&block));
                    }
                }
                Some(Ok(Message::Ping(_))) => socket.flush().await.unwrap(),
                Some(Ok(_)) => {}
                None | Some(Err(_)) => self.happened(Sight::End),
            },
            Source::Page(stream, read) => {
                let document = stream.document_after(*read).await;
                let Some(document) = document else {
                    self.happened(Sight::End);
                    return;
                };
                let whole = document.rfind("</li>").map_or(0, |at| at + 5);
                let new = document[..whole].to_owned();
                *read += whole;
                for id in new.split("id=\"m-").skip(1) {
                    let seq = id.split('"').next().unwrap();
                    self.entry_seen(seq.parse().unwrap());
                }
                if document.contains("http-equiv=\"refresh\" content=\"0\"") {
                    self.happened(Sight::Bye);
                } else if document.contains("http-equiv=\"refresh\"") {
                    self.happened(Sight::Reset);
                }
            }
            Source::Answers => self.ask().await,
        }
    }

    async fn ask(&mut self) {
        let json = self.transport == Transport::Messages;
        let path = if json { "/messages" } else { "/events" };
        let path = self.visitor.path(&format!("{path}?after={}&wait=5", self.cursor));
        let accept = [("accept", if json { "application/json" } else { "*/*" })];
        let answer = self.visitor.person.ask(Method::GET, &path, &accept, "").await;
        match answer.status {
            StatusCode::NOT_FOUND => self.happened(Sight::Bye),
            StatusCode::CONFLICT | StatusCode::UNPROCESSABLE_ENTITY => self.happened(Sight::Reset),
            StatusCode::NO_CONTENT => {}
            StatusCode::OK if json => {
                let told: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
                let mut before = None;
                for entry in told["entries"].as_array().unwrap() {
                    let seq = entry["seq"].as_i64().unwrap();
                    assert!(before.is_none_or(|before| entry["prev"] == before), "{told}");
                    before = Some(seq);
                    let cursor = format!("{}:{seq}", told["epoch"].as_str().unwrap());
                    self.waiting.push_back((Sight::Entry(seq), cursor));
                }
            }
            StatusCode::OK => {
                for block in answer.body.split("\n\n") {
                    self.see(&parse(block));
                }
            }
            other => panic!("{other} {}", answer.body),
        }
    }

    fn see(&mut self, event: &Event) {
        match event.name.as_str() {
            "" if !event.id.is_empty() => {
                let (_, seq) = event.id.split_once(':').unwrap();
                assert!(event.data.contains(&format!("id=\"m-{seq}\"")), "{event:?}");
                let entry = Sight::Entry(seq.parse().unwrap());
                self.waiting.push_back((entry, event.id.clone()));
            }
            "synced" => self.happened(Sight::Synced),
            "reset" => self.happened(Sight::Reset),
            "bye" => self.happened(Sight::Bye),
            _ => {}
        }
    }

    fn happened(&mut self, sight: Sight) {
        let cursor = self.waiting.back().map_or(&self.cursor, |(_, cursor)| cursor).clone();
        self.waiting.push_back((sight, cursor));
    }

    fn entry_seen(&mut self, seq: i64) {
        let epoch = self.cursor.split_once(':').map(|(epoch, _)| format!("{epoch}:"));
        let cursor = format!("{}{seq}", epoch.unwrap_or_default());
        self.waiting.push_back((Sight::Entry(seq), cursor));
    }
}

/// A WebSocket as a browser opens it for a page of ours.
pub async fn socket(
    visitor: &Visitor,
    server: SocketAddr,
    path: &str,
) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, tokio_tungstenite::tungstenite::Error> {
    let own = format!("http://{server}");
    visitor.person.connect(server, path, &[("origin", own.as_str())]).await
}

impl super::Person {
    /// Opens a WebSocket with this browser's cookies.
    pub async fn connect(
        &self,
        server: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<WebSocketStream<MaybeTlsStream<TcpStream>>, tokio_tungstenite::tungstenite::Error>
    {
        let mut request = format!("ws://{server}{path}").into_client_request()?;
        let jar: Vec<_> =
            self.cookies().iter().map(|(name, value)| format!("{name}={value}")).collect();
        if !jar.is_empty() {
            request.headers_mut().insert("cookie", jar.join("; ").parse().unwrap());
        }
        for (name, value) in headers {
            let name: http::HeaderName = name.parse().unwrap();
            request.headers_mut().insert(name, value.parse().unwrap());
        }
        Ok(tokio_tungstenite::connect_async(request).await?.0)
    }
}
