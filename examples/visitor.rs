//! A visitor over kefu's socket: says something, prints what is said, answers "got: …", leaves at "bye".
//!     cargo run --example visitor -- http://127.0.0.1:3000 demo "Hello"
//!
//! What is on its way is kept until the server has it and repeated under its nonce, and reading goes on after the last
//! entry held: however often the line is cut, everything is sent and seen once.
#![expect(clippy::print_stdout, reason = "it prints what is said")]
use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::{net::TcpStream, time::sleep};
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream, connect_async,
    tungstenite::{ClientRequestBuilder, Message},
};

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

#[derive(Default)]
struct Visitor {
    host: String,
    token: String,
    site: String,
    first: String,
    start: String,
    conversation: Value,
    /// The seq of the last entry we hold, and where to go on reading.
    held: i64,
    cursor: String,
    /// What the server has not confirmed, in order, each with its nonce.
    outbox: Vec<(String, String)>,
    left: bool,
}

#[tokio::main]
async fn main() -> Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [base, site, first] =
        words.try_into().ok().context("usage: visitor URL SITE \"first message\"")?;
    let host = base.strip_prefix("http://").context("the URL begins with http://")?.to_owned();
    let (token, start, cursor) = (session(&host, &site).await?, nonce(), "0".into());
    let mut visitor = Visitor { host, token, site, first, start, cursor, ..Visitor::default() };
    while !visitor.left {
        match visitor.talk().await {
            Err(error) if error.to_string().starts_with("refused") => return Err(error),
            // Cut: come back, not all at once.
            _ => sleep(Duration::from_millis(100 + rand::random::<u64>() % 900)).await,
        }
    }
    Ok(())
}

/// Makes a visitor's token.
async fn session(host: &str, site: &str) -> Result<String> {
    let body = json!({ "site": site }).to_string();
    let request = format!(
        "POST /api/v1/visitor/sessions HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    let mut stream = TcpStream::connect(host).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await?;
    let session: Value = serde_json::from_str(answer.rsplit("\r\n").next().unwrap_or_default())?;
    Ok(session["token"].as_str().context("no token")?.to_owned())
}

impl Visitor {
    /// Until the line is cut or the visitor leaves.
    async fn talk(&mut self) -> Result<()> {
        let request = ClientRequestBuilder::new(format!("ws://{}/api/v1/ws", self.host).parse()?)
            .with_header("Authorization", format!("Bearer {}", self.token))
            .with_sub_protocol("kefu.v1");
        let (mut socket, _) = connect_async(request).await?;
        // The same nonce again finds the conversation that it started.
        tell(&mut socket, json!({ "type": "start", "ref": "start", "site": self.site, "nonce": self.start, "body": self.first })).await?;
        while !self.left {
            let Some(message) = socket.next().await else { return Ok(()) };
            if let Message::Text(text) = message? {
                self.hear(&mut socket, &serde_json::from_str(&text)?).await?;
            }
        }
        Ok(socket.close(None).await?)
    }

    async fn hear(&mut self, socket: &mut Socket, frame: &Value) -> Result<()> {
        match frame["type"].as_str() {
            Some("ok") if frame["ref"] == "start" => {
                self.conversation = frame["conversation"].clone();
                self.follow(socket).await?;
                for (nonce, body) in self.outbox.clone() {
                    self.send_again(socket, &nonce, &body).await?;
                }
            }
            Some("ok") => self.outbox.retain(|(nonce, _)| frame["ref"] != *nonce),
            Some("entry") => self.see(socket, frame).await?,
            Some("error") => {
                // What is in the outbox is said again on the next line.
                let Some(wait) = frame["retry_after_ms"].as_u64() else {
                    bail!("refused: {} {}", frame["code"], frame["message"])
                };
                sleep(Duration::from_millis(wait)).await;
                bail!("come back");
            }
            _ => {}
        }
        Ok(())
    }

    async fn see(&mut self, socket: &mut Socket, entry: &Value) -> Result<()> {
        let number = |name: &str| entry[name].as_i64().unwrap_or_default();
        match (number("seq"), number("prev")) {
            (seq, _) if seq <= self.held => return Ok(()),
            // Something is missing: ask again.
            (_, prev) if prev > self.held => return self.follow(socket).await,
            (seq, _) => self.held = seq,
        }
        self.cursor = format!("{}:{}", entry["epoch"].as_str().unwrap_or_default(), self.held);
        let body = entry["body"].as_str().unwrap_or_default();
        println!("{} {}", self.held, entry["event"].as_str().unwrap_or(body));
        if entry["author"]["kind"] == "agent" && entry["kind"] == "text" {
            self.left = body == "bye";
            if !self.left {
                let (nonce, body) = (nonce(), format!("got: {body}"));
                self.outbox.push((nonce.clone(), body.clone()));
                self.send_again(socket, &nonce, &body).await?;
            }
        }
        Ok(())
    }

    async fn follow(&self, socket: &mut Socket) -> Result<()> {
        let (conversation, after) = (&self.conversation, &self.cursor);
        tell(socket, json!({ "type": "subscribe", "conversation": conversation, "after": after }))
            .await
    }

    async fn send_again(&self, socket: &mut Socket, nonce: &str, body: &str) -> Result<()> {
        tell(socket, json!({ "type": "send", "ref": nonce, "conversation": self.conversation, "nonce": nonce, "body": body })).await
    }
}

async fn tell(socket: &mut Socket, frame: Value) -> Result<()> {
    Ok(socket.send(Message::text(frame.to_string())).await?)
}

fn nonce() -> String {
    format!("{:032x}", rand::random::<u128>())
}
