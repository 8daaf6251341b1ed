//! Servers that carry messages from one to others, each by its own protocol.
use crate::{
    http::{Connection, get, post},
    xmpp,
};
use anyhow::{Context, Result, bail};
use bytes::{Bytes, BytesMut};
use clap::ValueEnum;
use futures_util::{SinkExt, StreamExt};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async_with_config,
    tungstenite::{
        ClientRequestBuilder, Message, client::IntoClientRequest, protocol::WebSocketConfig,
    },
};

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Peer {
    /// kefu, its visitor's page: server-sent events, posts of the API.
    Kefu,
    /// kefu, its API's WebSocket.
    KefuSocket,
    /// nginx with nchan: `/sub/{room}`, `/pub/{room}`. Keeps messages in memory.
    Nchan,
    /// A WebSocket server that sends what it gets to whoever is in the room: `/{room}`. Keeps nothing.
    Ws,
    /// socket.io with one INSERT a message before its acknowledgement.
    SocketIo,
    /// ejabberd that archives: a room is somebody who writes and somebody who reads, each with an account and an archive.
    Ejabberd,
    /// A NATS server: a subject for each room. Keeps nothing.
    Nats,
}

/// Where somebody writes and others read.
#[derive(Clone, Debug)]
pub struct Room {
    id: String,
    /// Who may; empty where nobody asks.
    token: String,
}

impl Room {
    /// Accounts, where a room needs them.
    fn reader(&self) -> String {
        format!("reader-{}", self.id)
    }

    fn writer(&self) -> String {
        format!("writer-{}", self.id)
    }
}

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

impl Peer {
    pub async fn make_room(self, server: SocketAddr) -> Result<Room> {
        if !matches!(self, Self::Kefu | Self::KefuSocket) {
            let room = Room { id: fresh(), token: String::new() };
            if self == Self::Ejabberd {
                xmpp::register(server, &room.reader()).await?;
                xmpp::register(server, &room.writer()).await?;
            }
            return Ok(room);
        }
        let mut line = Connection::open(server).await?;
        let site = json!({ "site": "demo" });
        let session = tell(&mut line, "/api/v1/visitor/sessions", "", &site).await?;
        let token = session["token"].as_str().context("a token")?.to_owned();
        let first = json!({ "site": "demo", "nonce": fresh(), "body": "first" });
        let started = tell(&mut line, "/api/v1/conversations", &token, &first).await?;
        let id = started["conversation"].as_str().context("a conversation")?.to_owned();
        Ok(Room { id, token })
    }

    pub async fn read(self, server: SocketAddr, room: &Room) -> Result<Reader> {
        let Room { id, token } = room;
        Ok(match self {
            Self::Kefu => {
                let mut line = Connection::open(server).await?;
                let events = get(&format!("/c/{id}/events?after=1"))
                    .header("accept", "text/event-stream")
                    .header("cookie", format!("kefu-v={token}"));
                let mut events = Events::new(line.begin(events, "").await?, line);
                while !events.next().await?.contains("event: synced") {}
                Reader::Events(events)
            }
            Self::Nchan => {
                let mut line = Connection::open(server).await?;
                let events = get(&format!("/sub/{id}")).header("accept", "text/event-stream");
                Reader::Events(Events::new(line.begin(events, "").await?, line))
            }
            Self::KefuSocket => {
                let mut socket = kefu_socket(server, token).await?;
                let subscribe =
                    json!({ "type": "subscribe", "ref": "s", "conversation": id, "after": 1 });
                socket.send(Message::text(subscribe.to_string())).await?;
                while !next(&mut socket).await?.contains("\"live\"") {}
                Reader::Socket(socket)
            }
            Self::Ws => Reader::Socket(connect(format!("ws://{server}/{id}")).await?),
            Self::SocketIo => {
                let mut socket = socket_io(server).await?;
                socket.send(Message::text(format!("42{}", json!(["join", id])))).await?;
                while !next(&mut socket).await?.contains("joined") {}
                Reader::SocketIo(socket)
            }
            Self::Ejabberd => {
                let mut line = xmpp::Line::sign_in(server, &room.reader()).await?;
                line.listen().await?;
                Reader::Xmpp(Box::new(line))
            }
            Self::Nats => {
                let client = async_nats::connect(server.to_string()).await?;
                let subscriber = client.subscribe(id.clone()).await?;
                client.flush().await?;
                Reader::Nats(Box::new(subscriber))
            }
        })
    }

    pub async fn write(self, server: SocketAddr, room: &Room) -> Result<Writer> {
        let room = room.clone();
        Ok(match self {
            Self::Kefu => Writer::Kefu(Connection::open(server).await?, room),
            Self::KefuSocket => {
                let mut socket = kefu_socket(server, &room.token).await?;
                while !next(&mut socket).await?.contains("\"hello\"") {}
                Writer::KefuSocket(socket, room)
            }
            Self::Nchan => Writer::Nchan(Connection::open(server).await?, room),
            Self::Ws => Writer::Ws(connect(format!("ws://{server}/{}", room.id)).await?),
            Self::SocketIo => Writer::SocketIo(socket_io(server).await?, room, 0),
            Self::Ejabberd => {
                let mut line = xmpp::Line::sign_in(server, &room.writer()).await?;
                line.count().await?;
                Writer::Xmpp(Box::new(line), room)
            }
            Self::Nats => Writer::Nats(async_nats::connect(server.to_string()).await?, room),
        })
    }
}

/// Somebody who reads.
#[derive(Debug)]
pub enum Reader {
    Events(Events),
    Socket(Socket),
    SocketIo(Socket),
    Xmpp(Box<xmpp::Line>),
    Nats(Box<async_nats::Subscriber>),
}

impl Reader {
    /// What comes next, as it is written on the line.
    pub async fn next(&mut self) -> Result<String> {
        match self {
            Self::Events(events) => events.next().await,
            Self::Socket(socket) => next(socket).await,
            Self::SocketIo(socket) => loop {
                let text = next(socket).await?;
                if text == "2" {
                    socket.send(Message::text("3")).await?;
                } else {
                    return Ok(text);
                }
            },
            Self::Xmpp(line) => line.next().await,
            Self::Nats(subscriber) => {
                let message = subscriber.next().await.context("the subscription has ended")?;
                Ok(String::from_utf8_lossy(&message.payload).into_owned())
            }
        }
    }
}

/// Somebody who writes.
#[derive(Debug)]
pub enum Writer {
    Kefu(Connection, Room),
    KefuSocket(Socket, Room),
    Nchan(Connection, Room),
    Ws(Socket),
    SocketIo(Socket, Room, u64),
    Xmpp(Box<xmpp::Line>, Room),
    Nats(async_nats::Client, Room),
}

impl Writer {
    /// Writes in another room from now on, where one line may.
    pub fn enter(&mut self, another: &Room) {
        match self {
            Self::Kefu(_, room)
            | Self::Nchan(_, room)
            | Self::SocketIo(_, room, _)
            | Self::Xmpp(_, room)
            | Self::Nats(_, room) => *room = another.clone(),
            Self::KefuSocket(..) | Self::Ws(_) => {}
        }
    }

    /// Until it is acknowledged, where the peer does that.
    pub async fn send(&mut self, text: &str) -> Result<()> {
        match self {
            Self::Kefu(line, room) => {
                let message = json!({ "nonce": fresh(), "body": text });
                let path = format!("/api/v1/conversations/{}/entries", room.id);
                tell(line, &path, &room.token, &message).await?;
            }
            Self::KefuSocket(socket, room) => {
                let nonce = fresh();
                let message = json!({ "type": "send", "ref": nonce, "conversation": room.id, "nonce": nonce, "body": text });
                socket.send(Message::text(message.to_string())).await?;
                let acknowledged = format!("\"ref\":\"{nonce}\"");
                while !next(socket).await?.contains(&acknowledged) {}
            }
            Self::Nchan(line, room) => {
                line.ask(post(&format!("/pub/{}", room.id)), text.to_owned()).await?;
            }
            Self::Ws(socket) => socket.send(Message::text(text)).await?,
            Self::Xmpp(line, room) => line.send(&xmpp::address(&room.reader()), text).await?,
            Self::Nats(client, room) => {
                client.publish(room.id.clone(), Bytes::from(text.to_owned())).await?;
            }
            Self::SocketIo(socket, room, sent) => {
                *sent += 1;
                let message = json!(["say", room.id, text]);
                socket.send(Message::text(format!("42{sent}{message}"))).await?;
                let acknowledged = format!("43{sent}[");
                loop {
                    let answer = next(socket).await?;
                    if answer.starts_with(&acknowledged) {
                        break;
                    }
                    if answer == "2" {
                        socket.send(Message::text("3")).await?;
                    }
                }
            }
        }
        Ok(())
    }
}

/// The blocks of an event stream.
#[derive(Debug)]
pub struct Events {
    body: Incoming,
    unread: BytesMut,
    _line: Connection,
}

impl Events {
    fn new(body: Incoming, line: Connection) -> Self {
        Self { body, unread: BytesMut::new(), _line: line }
    }

    async fn next(&mut self) -> Result<String> {
        loop {
            let end = self.unread.windows(2).position(|pair| pair == b"\n\n");
            if let Some(end) = end {
                let block = self.unread.split_to(end + 2);
                if self.unread.is_empty() {
                    // An idle reader keeps nothing.
                    self.unread = BytesMut::new();
                }
                return Ok(String::from_utf8_lossy(&block).into_owned());
            }
            let frame = self.body.frame().await.context("the stream has ended")??;
            if let Ok(data) = frame.into_data() {
                self.unread.extend_from_slice(&data);
            }
        }
    }
}

/// Posts JSON, and reads some.
async fn tell(line: &mut Connection, path: &str, token: &str, what: &Value) -> Result<Value> {
    let mut request = post(path).header("content-type", "application/json");
    if !token.is_empty() {
        request = request.header("authorization", format!("Bearer {token}"));
    }
    let answer = line.ask(request, Bytes::from(what.to_string())).await?;
    Ok(serde_json::from_slice(&answer)?)
}

/// With a buffer that suits small messages: a large one is cleared for each of them.
async fn connect(request: impl IntoClientRequest + Unpin) -> Result<Socket> {
    let config = WebSocketConfig::default().read_buffer_size(1024);
    Ok(connect_async_with_config(request, Some(config), true).await?.0)
}

async fn kefu_socket(server: SocketAddr, token: &str) -> Result<Socket> {
    let address = format!("ws://{server}/api/v1/ws").parse()?;
    let request = ClientRequestBuilder::new(address)
        .with_header("Authorization", format!("Bearer {token}"))
        .with_sub_protocol("kefu.v1");
    connect(request).await
}

/// Engine.io 4 on a WebSocket, and socket.io's default namespace on that.
async fn socket_io(server: SocketAddr) -> Result<Socket> {
    let address = format!("ws://{server}/socket.io/?EIO=4&transport=websocket");
    let mut socket = connect(address).await?;
    let opened = next(&mut socket).await?;
    if !opened.starts_with('0') {
        bail!("this is not engine.io: {opened}");
    }
    socket.send(Message::text("40")).await?;
    while !next(&mut socket).await?.starts_with("40") {}
    Ok(socket)
}

async fn next(socket: &mut Socket) -> Result<String> {
    loop {
        let message = socket.next().await.context("the socket has ended")??;
        if let Message::Text(text) = message {
            return Ok(text.to_string());
        }
    }
}

/// A name that nothing has yet.
fn fresh() -> String {
    format!("{:032x}", rand::random::<u128>())
}
