//! WebSockets: what Poem's own let through is limited here: the size and the pace of messages, the origin, how long a
//! peer may be silent or not read. A socket ends with a close frame, also when the process leaves.
use crate::{app::App, config::Switch};
use futures_util::{FutureExt, SinkExt, StreamExt};
use poem::{
    IntoResponse, Response,
    web::websocket::{Message, WebSocket, WebSocketConfig, WebSocketStream},
};
use std::{
    io,
    sync::{Mutex, PoisonError},
    time::Duration,
};
use tokio::time::{Instant, Interval, interval_at, timeout};

/// The longest message a peer may send, in bytes.
pub const LONGEST: usize = 64 * 1024;
/// How often we ask whether the peer is still there.
pub const HEARTBEAT: Duration = Duration::from_secs(25);
/// A peer that says nothing for so long, not even that it is there, is gone.
const SILENT: Duration = Duration::from_secs(60);
/// How long a peer may take to read what it is sent.
const UNREAD: Duration = Duration::from_secs(30);
/// How long a peer may take to say goodbye.
const FAREWELL: Duration = Duration::from_secs(2);
/// Messages a peer may send at once, and how many it may add every second, pings included.
const BURST: f64 = 100.0;
const PACE: f64 = 20.0;

/// Why a socket is closed: RFC 6455 §7.4.1, and from 4000 on ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Close {
    /// Nothing more will come.
    Normal = 1000,
    /// Only text is understood here.
    NotText = 1003,
    TooFast = 1008,
    TooLong = 1009,
    /// Come back and go on where you were.
    Restart = 1012,
    /// Access was lost, or never given in time.
    Unauthenticated = 4401,
}

/// What a peer did.
#[derive(Debug, PartialEq, Eq)]
pub enum Heard {
    Text(String),
    /// It broke a rule.
    Broke(Close),
    Gone,
}

/// Takes a socket over, on a task of its own.
pub fn accept<F>(
    app: &App,
    socket: WebSocket,
    serve: impl FnOnce(Socket) -> F + Send + 'static,
) -> Response
where
    F: Future<Output = ()> + Send + 'static,
{
    // A message is held whole, so small buffers do: most are shorter.
    let config = WebSocketConfig::default()
        .read_buffer_size(512)
        .write_buffer_size(0)
        .max_write_buffer_size(512 * 1024)
        .max_message_size(Some(LONGEST))
        .max_frame_size(Some(LONGEST));
    let open = app.streams.open();
    let app = app.clone();
    // Poem wants to share what it calls once; a lock that is only ever opened makes that true.
    let serve = Mutex::new(serve);
    let upgraded = socket.config(config).on_upgrade(move |stream| {
        let serve = serve.into_inner().unwrap_or_else(PoisonError::into_inner);
        // Poem's task keeps room for what led here, and ends.
        tokio::spawn(serve(Socket::new(stream, app)).map(move |()| drop(open)));
        std::future::ready(())
    });
    upgraded.into_response()
}

/// An open socket. It counts what it hears and answers and sends pings by itself.
pub struct Socket {
    // Boxed, since it is moved about, and each place it is moved to stays with the task.
    stream: Box<WebSocketStream>,
    heartbeat: Interval,
    heard_at: Instant,
    allowance: f64,
    app: App,
}

impl std::fmt::Debug for Socket {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Socket").field("heard_at", &self.heard_at).finish_non_exhaustive()
    }
}

impl Socket {
    fn new(stream: WebSocketStream, app: App) -> Self {
        let now = Instant::now();
        let heartbeat = interval_at(now + HEARTBEAT, HEARTBEAT);
        Self { stream: Box::new(stream), heartbeat, heard_at: now, allowance: BURST, app }
    }

    /// Sends text; an error means that the peer is gone or does not read.
    pub async fn send(&mut self, text: String) -> io::Result<()> {
        self.write(Message::Text(text)).await
    }

    /// What the peer does next. May be dropped and called again.
    pub async fn heard(&mut self) -> Heard {
        loop {
            tokio::select! {
                message = self.stream.next() => {
                    let Some(message) = message else { return Heard::Gone };
                    if self.is_too_fast() {
                        return Heard::Broke(Close::TooFast);
                    }
                    match message {
                        Ok(Message::Text(text)) => return Heard::Text(text),
                        Ok(Message::Binary(_)) => return Heard::Broke(Close::NotText),
                        // Answered by the stream itself.
                        Ok(Message::Ping(_) | Message::Pong(_)) => {}
                        // Read on until our own goodbye has left, else the peer calls it unclean.
                        Ok(Message::Close(_)) => {
                            self.drain().await;
                            return Heard::Gone;
                        }
                        Err(error) if error.to_string().contains("too long") => {
                            return Heard::Broke(Close::TooLong);
                        }
                        Err(_) => return Heard::Gone,
                    }
                }
                _ = self.heartbeat.tick() => {
                    if self.heard_at.elapsed() > SILENT || self.write(Message::Ping(Vec::new())).await.is_err() {
                        return Heard::Gone;
                    }
                }
            }
        }
    }

    pub async fn close(mut self, why: Close) {
        let goodbye = Message::Close(Some(((why as u16).into(), String::new())));
        if self.write(goodbye).await.is_ok() {
            self.drain().await;
        }
    }

    async fn write(&mut self, message: Message) -> io::Result<()> {
        timeout(UNREAD, self.stream.send(message)).await.map_err(|late| {
            self.app.metrics.slow_closes.inc();
            io::Error::other(late)
        })?
    }

    async fn drain(&mut self) {
        let rest = async { while let Some(Ok(_)) = self.stream.next().await {} };
        let _ = timeout(FAREWELL, rest).await;
    }

    fn is_too_fast(&mut self) -> bool {
        let quiet = self.heard_at.elapsed().as_secs_f64();
        self.heard_at = Instant::now();
        self.allowance = (self.allowance + quiet * PACE).min(BURST) - 1.0;
        self.allowance < 0.0 && self.app.config.rate_limits == Switch::On
    }
}
