//! Vera asks, Walt is a stranger to her, Ana and Ben work here.
use super::{
    Installation, PATIENCE,
    page::{Answer, Stream},
    site::{Door, PASSWORD},
};
use futures_util::FutureExt;
use jiff::Timestamp;
use kefu::{
    conversation::{self, Range},
    event::Side,
    ids::{ConversationId, Nonce},
};
use poem::{
    Endpoint, Request,
    http::{HeaderMap, Method, StatusCode},
};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

/// As a plain form is sent.
fn typed(fields: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

/// Somebody with a browser: it keeps cookies and says that its own page sent a form.
#[derive(Clone)]
pub struct Person {
    door: Door,
    cookies: Arc<Mutex<BTreeMap<String, String>>>,
}

impl Person {
    pub fn new(door: Door) -> Self {
        Self { door, cookies: Arc::default() }
    }

    /// The same browser at another node.
    pub fn at(&self, door: Door) -> Self {
        Self { door, cookies: self.cookies.clone() }
    }

    /// A copy of the browser as it is now; what it learns later stays its own.
    pub fn twin(&self) -> Self {
        Self {
            door: self.door.clone(),
            cookies: Arc::new(Mutex::new(self.cookies.lock().unwrap().clone())),
        }
    }

    pub fn cookies(&self) -> BTreeMap<String, String> {
        self.cookies.lock().unwrap().clone()
    }

    pub fn forget_cookies(&self) {
        self.cookies.lock().unwrap().clear();
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.ask(Method::GET, path, &[], "").await
    }

    /// As a plain form of our page does.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.ask(Method::POST, path, &[("sec-fetch-site", "same-origin")], &typed(fields)).await
    }

    /// As htmx does.
    pub async fn hx_post(&self, path: &str, fields: &[(&str, &str)]) -> Answer {
        self.ask(
            Method::POST,
            path,
            &[("sec-fetch-site", "same-origin"), ("hx-request", "true")],
            &typed(fields),
        )
        .await
    }

    /// As a browser whose page is gone as soon as it has sent something: the connection is closed before there is an answer.
    pub fn post_and_go(&self, path: &str, fields: &[(&str, &str)]) {
        let headers = [("sec-fetch-site", "same-origin")];
        self.go(self.request(Method::POST, path, &headers, &typed(fields)));
    }

    /// The same of a form that may bring files.
    pub fn fill_and_go(&self, path: &str, fields: &[(&str, &str)], files: &[(&str, &[u8])]) {
        self.go(self.in_parts(path, form(fields, files), "text/html"));
    }

    fn go(&self, request: Request) {
        let answer = self.door.call(request).now_or_never();
        assert!(answer.is_none(), "nobody is answered before the database is");
    }

    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let response = self.door.call(self.request(method, path, headers, body)).await.unwrap();
        self.keep_cookies(&response);
        Answer::read(response).await
    }

    /// As a form with files does, each with the name its sender gives it; a script asks for JSON.
    pub async fn bring(&self, path: &str, files: &[(&str, &[u8])], accept: &str) -> Answer {
        self.bring_raw(path, form(&[], files), accept).await
    }

    /// A form that brings files itself, as a browser without scripts posts it.
    pub async fn fill(
        &self,
        path: &str,
        fields: &[(&str, &str)],
        files: &[(&str, &[u8])],
    ) -> Answer {
        self.bring_raw(path, form(fields, files), "text/html").await
    }

    pub async fn bring_raw(&self, path: &str, body: Vec<u8>, accept: &str) -> Answer {
        Answer::read(self.door.call(self.in_parts(path, body, accept)).await.unwrap()).await
    }

    fn in_parts(&self, path: &str, body: Vec<u8>, accept: &str) -> Request {
        let headers = [
            ("content-type", "multipart/form-data; boundary=border"),
            ("sec-fetch-site", "same-origin"),
            ("accept", accept),
        ];
        let mut request = self.request(Method::POST, path, &headers, "");
        request.set_body(body);
        request
    }

    /// What a browser shows or saves: how it is answered, and the bytes.
    pub async fn bytes(&self, path: &str) -> (StatusCode, HeaderMap, Vec<u8>) {
        self.bytes_as(path, &[]).await
    }

    /// The same as somebody who says more.
    pub async fn bytes_as(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (StatusCode, HeaderMap, Vec<u8>) {
        let response = self.door.call(self.request(Method::GET, path, headers, "")).await.unwrap();
        let (parts, body) = response.into_parts();
        (parts.status, parts.headers, body.into_vec().await.unwrap())
    }

    /// Only what stands above the answer, whose body may be no text.
    pub async fn head(&self, path: &str, headers: &[(&str, &str)]) -> HeaderMap {
        let response = self.door.call(self.request(Method::GET, path, headers, "")).await.unwrap();
        response.headers().clone()
    }

    /// Only how it is answered: the answer itself may never end.
    pub async fn head_of(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> (StatusCode, HeaderMap) {
        let request = self.request(method, path, headers, body);
        let (parts, _) = self.door.call(request).await.unwrap().into_parts();
        (parts.status, parts.headers)
    }

    /// Opens a stream and waits until it has something to say.
    pub async fn listen(&self, path: &str) -> Stream {
        self.listen_after(path, None).await
    }

    pub async fn listen_after(&self, path: &str, last_event_id: Option<&str>) -> Stream {
        let id: Vec<_> = last_event_id.map(|id| ("last-event-id", id)).into_iter().collect();
        let response = self.door.call(self.request(Method::GET, path, &id, "")).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        Stream::open(response)
    }

    fn request(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Request {
        let cookies = self.cookies.lock().unwrap();
        let jar: Vec<_> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let mut request =
            Request::builder().method(method).uri_str(path).header("host", "127.0.0.1:3000");
        if !jar.is_empty() {
            request = request.header("cookie", jar.join("; "));
        }
        if !headers.iter().any(|(name, _)| *name == "accept-language") {
            request = request.header("accept-language", "en");
        }
        if !body.is_empty() && !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/x-www-form-urlencoded");
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body.to_owned())
    }

    fn keep_cookies(&self, response: &poem::Response) {
        for cookie in response.headers().get_all("set-cookie") {
            let (pair, attributes) = cookie.to_str().unwrap().split_once(';').unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            if attributes.contains("Max-Age=0") {
                self.cookies.lock().unwrap().remove(name);
            } else {
                self.cookies.lock().unwrap().insert(name.into(), value.into());
            }
        }
    }
}

/// A visitor in a conversation.
#[derive(Clone)]
pub struct Visitor {
    pub person: Person,
    pub cid: String,
}

impl Visitor {
    /// Opens the demo shop's chat and sends a first message.
    pub async fn arrive(person: Person, first: &str) -> Self {
        let page = person.get("/w/demo").await;
        let fields = [
            ("visitor", page.field("visitor")),
            ("nonce", page.field("nonce")),
            ("body", first.into()),
        ];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let answer = person.post("/w/demo/start", &fields).await;
        let place = answer.goes_to();
        let cid = place.strip_prefix("/c/").unwrap().to_owned();
        Self { person, cid }
    }

    pub fn path(&self, rest: &str) -> String {
        format!("/c/{}{rest}", self.cid)
    }

    pub async fn say(&self, body: &str) -> Answer {
        self.say_as(Nonce::new().as_str(), body).await
    }

    pub async fn say_as(&self, nonce: &str, body: &str) -> Answer {
        self.person.hx_post(&self.path("/messages"), &[("nonce", nonce), ("body", body)]).await
    }

    pub async fn listen(&self, after: &str) -> Stream {
        self.person.listen(&self.path(&format!("/events?after={after}"))).await
    }

    pub async fn page(&self) -> Answer {
        let page = self.person.get(&self.path("")).await;
        assert_eq!(page.status, StatusCode::OK);
        page
    }
}

/// An agent at the desk.
#[derive(Clone)]
pub struct Agent {
    pub person: Person,
}

impl Agent {
    pub async fn sign_in(person: Person, name: &str) -> Self {
        let fields = [("email", format!("{name}@shop.example")), ("password", PASSWORD.into())];
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let began = Instant::now();
        let answer = loop {
            let answer = person.post("/login", &fields).await;
            // As in `Installation::employ`.
            let waits = answer.status == StatusCode::TOO_MANY_REQUESTS;
            if !waits || began.elapsed() > PATIENCE {
                break answer;
            }
        };
        assert_eq!(answer.goes_to(), "/desk");
        Self { person }
    }

    /// The newest conversation of a list.
    pub async fn newest(&self, tab: &str) -> i64 {
        let list = self.person.get(&format!("/desk/c?tab={tab}")).await;
        let ids = list.all("id=\"c-");
        ids.iter()
            .map(|id| id.parse().unwrap())
            .max()
            .unwrap_or_else(|| panic!("{tab} is empty: {}", list.body))
    }

    pub async fn write(&self, id: i64, kind: &str, body: &str) -> Answer {
        self.write_as(Nonce::new().as_str(), id, kind, body).await
    }

    pub async fn write_as(&self, nonce: &str, id: i64, kind: &str, body: &str) -> Answer {
        let fields = [("kind", kind), ("nonce", nonce), ("body", body)];
        self.person.hx_post(&format!("/desk/c/{id}/messages"), &fields).await
    }

    pub async fn reply(&self, id: i64, body: &str) -> Answer {
        self.write(id, "text", body).await
    }

    pub async fn act(&self, id: i64, verb: &str) -> Answer {
        self.act_with(id, verb, &[]).await
    }

    /// An act with the fields of its form, besides the nonce.
    pub async fn act_with(&self, id: i64, verb: &str, fields: &[(&str, &str)]) -> Answer {
        let nonce = Nonce::new();
        let mut all = vec![("nonce", nonce.as_str())];
        all.extend(fields);
        self.person.hx_post(&format!("/desk/c/{id}/{verb}"), &all).await
    }

    /// Puts a conversation off for an hour.
    pub async fn put_off(&self, id: i64) {
        let later = (Timestamp::now().as_second() + 3600).to_string();
        self.act_with(id, "snooze", &[("until", &later)]).await.must(StatusCode::OK);
    }

    pub async fn listen(&self, tab: &str) -> Stream {
        self.person.listen(&format!("/desk/events?tab={tab}")).await
    }

    /// Waits until the log holds an entry.
    pub async fn has_seen(&self, site: &Installation, id: ConversationId, seq: usize) {
        let range = Range::After(seq as i64 - 1, 1);
        let wait = Duration::from_secs(30);
        let found =
            conversation::wait_for_news(&site.app, id, Side::Agent, range, wait).await.unwrap();
        assert!(!found.entries.is_empty(), "no entry {seq} in time");
    }
}

/// The body of a form of files and what stands before them.
fn form(fields: &[(&str, &str)], files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut body = Vec::new();
    let mut part = |head: &str, value: &[u8]| {
        let head = format!("--border\r\nContent-Disposition: form-data; {head}\r\n\r\n");
        body.extend_from_slice(head.as_bytes());
        body.extend_from_slice(value);
        body.extend_from_slice(b"\r\n");
    };
    for (name, value) in fields {
        part(&format!("name=\"{name}\""), value.as_bytes());
    }
    for (name, bytes) in files {
        part(&format!("name=\"file\"; filename=\"{name}\"\r\nContent-Type: image/png"), bytes);
    }
    body.extend_from_slice(b"--border--\r\n");
    body
}
