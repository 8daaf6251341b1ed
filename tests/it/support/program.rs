//! Programs that speak our API: REST in-process, the socket over a real connection.
use super::{Answer, Installation, PATIENCE, Person};
use futures_util::{SinkExt, StreamExt};
use kefu::{
    agent::{self, Scope, TokenName},
    audit::Doer,
    ids::{AgentId, Nonce},
};
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};
use std::net::SocketAddr;
use tokio::net::TcpStream;
use tokio_tungstenite::{
    MaybeTlsStream, WebSocketStream,
    tungstenite::{Error, Message, protocol::CloseFrame},
};

/// A program that holds a token.
#[derive(Clone)]
pub struct Program {
    person: Person,
    pub token: String,
}

impl Installation {
    /// A program of a visitor who has not spoken.
    pub async fn visitor_program(&self) -> Program {
        let person = self.stranger();
        let json = [("content-type", "application/json")];
        let body = json!({ "site": "demo" }).to_string();
        let answer = person.ask(Method::POST, "/api/v1/visitor/sessions", &json, &body).await;
        let session = value(&answer.must(StatusCode::OK));
        Program { person, token: session["token"].as_str().unwrap().to_owned() }
    }

    /// A program of the agent with this name, who works here.
    pub async fn agent_program(&self, name: &str, scope: Scope) -> Program {
        let agents = agent::all(&self.app.db).await.unwrap();
        let id: AgentId = agents.iter().find(|agent| agent.name == name).unwrap().id;
        let by = Doer { agent: id, ..Doer::command_line() };
        let what_for = TokenName::parse("tests").unwrap();
        let token = agent::make_token(&self.app, &by, &what_for, scope, None).await.unwrap();
        self.holder(&token)
    }

    pub fn holder(&self, token: &str) -> Program {
        Program { person: self.stranger(), token: token.to_owned() }
    }
}

impl Program {
    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: &Value) -> Answer {
        self.ask(Method::POST, path, Some(body)).await
    }

    pub async fn ask(&self, method: Method, path: &str, body: Option<&Value>) -> Answer {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("content-type", "application/json")];
        let body = body.map_or_else(String::new, Value::to_string);
        self.person.ask(method, &format!("/api/v1{path}"), &headers, &body).await
    }

    /// Starts a conversation; what it is called.
    pub async fn start(&self, body: &str) -> String {
        let new = json!({ "site": "demo", "nonce": Nonce::new(), "body": body });
        let answer = self.post("/conversations", &new).await.must(StatusCode::CREATED);
        value(&answer)["conversation"].as_str().unwrap().to_owned()
    }

    pub async fn connect(&self, server: SocketAddr) -> Result<Line, Error> {
        let bearer = format!("Bearer {}", self.token);
        let headers = [("authorization", bearer.as_str()), ("sec-websocket-protocol", "kefu.v1")];
        Ok(Line { socket: self.person.connect(server, "/api/v1/ws", &headers).await? })
    }
}

pub fn value(answer: &Answer) -> Value {
    serde_json::from_str(&answer.body).unwrap_or_else(|_| panic!("no JSON: {}", answer.body))
}

/// An open socket.
pub struct Line {
    pub socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
}

impl Line {
    pub async fn say(&mut self, frame: Value) {
        self.say_text(&frame.to_string()).await;
    }

    pub async fn say_text(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The next frame, or the reason of the end.
    pub async fn hear(&mut self) -> Result<Value, Option<CloseFrame>> {
        let hearing = async {
            loop {
                match self.socket.next().await {
                    Some(Ok(Message::Text(text))) => {
                        return Ok(serde_json::from_str(&text).unwrap());
                    }
                    Some(Ok(Message::Close(why))) => return Err(why),
                    Some(Ok(_)) => {}
                    Some(Err(_)) | None => return Err(None),
                }
            }
        };
        tokio::time::timeout(PATIENCE, hearing).await.expect("a frame in time")
    }

    /// The next frame of a type; others are passed over.
    pub async fn until(&mut self, wanted: &str) -> Value {
        loop {
            let frame = self.hear().await.unwrap_or_else(|why| panic!("{why:?}, not {wanted}"));
            if frame["type"] == wanted {
                return frame;
            }
        }
    }

    /// Says something and waits for its answer.
    pub async fn request(&mut self, mut frame: Value) -> Value {
        let reference = Nonce::new().to_string();
        frame["ref"] = json!(reference);
        self.say(frame).await;
        loop {
            let answer = self.hear().await.unwrap();
            if answer["ref"] == json!(reference) {
                return answer;
            }
        }
    }

    /// The code the server closed with, once it has.
    pub async fn closed(&mut self) -> Option<u16> {
        loop {
            match self.hear().await {
                Ok(_) => {}
                Err(why) => return why.map(|frame| frame.code.into()),
            }
        }
    }
}
