//! Who may ask and do what by REST.
use super::{
    CALLERS, changes, each, meis,
    people::{People, in_an_hour, people},
};
use crate::support::Answer;
use poem::http::Method;
use serde_json::{Value, json};

/// What each of them is answered, asked with a token of theirs: those who may not come first.
pub const OPERATIONS: &[(&str, &str, [u16; CALLERS.len()])] = &[
    ("POST", "/visitor/sessions", [200, 200, 200, 200, 200, 200, 200]),
    ("GET", "/me", [401, 200, 200, 200, 200, 200, 200]),
    ("GET", "/conversations", [401, 200, 200, 200, 200, 200, 200]),
    ("POST", "/conversations", [401, 201, 403, 201, 403, 403, 403]),
    ("GET", "/conversations/{conversation}", [401, 404, 200, 200, 200, 200, 200]),
    ("GET", "/conversations/{conversation}/entries", [401, 404, 200, 200, 200, 200, 200]),
    ("POST", "/conversations/{conversation}/entries", [401, 404, 403, 201, 403, 201, 201]),
    (
        "POST",
        "/conversations/{conversation}/entries/{seq}/edit",
        [401, 404, 403, 404, 403, 201, 201],
    ),
    (
        "POST",
        "/conversations/{conversation}/entries/{seq}/recall",
        [401, 404, 403, 404, 403, 201, 201],
    ),
    (
        "GET",
        "/conversations/{conversation}/entries/{seq}/earlier",
        [401, 404, 403, 404, 200, 403, 200],
    ),
    // What comes is no file but a request of JSON, as all others here.
    ("POST", "/conversations/{conversation}/files", [401, 404, 403, 201, 403, 201, 201]),
    ("GET", "/conversations/{conversation}/files/{file}", [401, 404, 200, 200, 200, 200, 200]),
    ("POST", "/conversations/{conversation}/read", [401, 404, 403, 204, 403, 204, 204]),
    ("POST", "/conversations/{conversation}/typing", [401, 404, 403, 204, 403, 204, 204]),
    ("POST", "/conversations/{conversation}/claim", [401, 404, 403, 404, 403, 201, 201]),
    ("POST", "/conversations/{conversation}/close", [401, 404, 403, 404, 403, 201, 201]),
    ("POST", "/conversations/{conversation}/reopen", [401, 404, 403, 404, 403, 201, 201]),
    ("POST", "/conversations/{conversation}/transfer", [401, 404, 403, 404, 403, 201, 201]),
    ("POST", "/conversations/{conversation}/invite", [401, 404, 403, 404, 403, 201, 201]),
    ("POST", "/conversations/{conversation}/snooze", [401, 404, 403, 404, 403, 201, 201]),
    ("POST", "/conversations/{conversation}/wake", [401, 404, 403, 404, 403, 201, 201]),
    ("POST", "/conversations/{conversation}/priority", [401, 404, 403, 404, 403, 201, 201]),
    ("POST", "/conversations/{conversation}/tags", [401, 404, 403, 404, 403, 201, 201]),
    ("POST", "/conversations/{conversation}/unread", [401, 404, 403, 404, 403, 204, 204]),
    ("GET", "/search", [401, 404, 200, 404, 200, 200, 200]),
    ("GET", "/sites", [401, 404, 200, 404, 200, 200, 200]),
    ("GET", "/agents", [401, 404, 200, 404, 200, 200, 200]),
    ("GET", "/teams", [401, 404, 200, 404, 200, 200, 200]),
    ("GET", "/tags", [401, 404, 200, 404, 200, 200, 200]),
    ("GET", "/canned-replies", [401, 404, 200, 404, 200, 200, 200]),
    ("GET", "/contacts", [401, 404, 200, 404, 200, 200, 200]),
    ("GET", "/contacts/{contact}", [401, 404, 200, 404, 200, 200, 200]),
    ("POST", "/contacts/{contact}", [401, 404, 403, 404, 403, 200, 200]),
    ("POST", "/contacts/{contact}/tags", [401, 404, 403, 404, 403, 200, 200]),
    ("GET", "/contacts/{contact}/notes", [401, 404, 200, 404, 200, 200, 200]),
    ("POST", "/contacts/{contact}/notes", [401, 404, 403, 404, 403, 201, 201]),
    ("POST", "/contacts/{contact}/notes/{note}/remove", [401, 404, 403, 404, 403, 204, 204]),
    ("POST", "/contacts/{contact}/block", [401, 404, 403, 404, 403, 200, 200]),
    ("POST", "/contacts/{contact}/unblock", [401, 404, 403, 404, 403, 200, 200]),
    ("POST", "/contacts/{contact}/merge", [401, 404, 403, 404, 403, 200, 200]),
    ("GET", "/attributes", [401, 404, 200, 404, 200, 200, 200]),
];

impl People {
    pub async fn ask(&self, who: &str, method: &str, path: &str) -> Answer {
        self.get_ready(path).await;
        let name = if wants_a_number(method, path) {
            self.id.to_string()
        } else {
            self.conversation(who).to_string().trim_matches('"').to_owned()
        };
        let named = path
            .replace("{conversation}", &name)
            .replace("{seq}/earlier", "{amended}/earlier")
            .replace("{seq}", "{said}");
        let address = self.filled(who, &named).await;
        // What is looked for is no part of the path.
        let address = if path == "/search" { "/search?q=thing" } else { &address };
        let nonce = self.thing(who, "nonce").await;
        let mut body = json!({ "site": "demo", "nonce": nonce, "body": "x", "seq": 1,
            "until": in_an_hour().to_string(), "priority": "high", "add": [1], "team": 1 });
        if path.ends_with("/invite") {
            body["agent"] = self.colleague(who).await;
        }
        if path.starts_with("/contacts") {
            body = json!({ "nonce": nonce, "body": "x", "add": ["x"], "reason": "x", "with": 1 });
        }
        let method: Method = method.parse().unwrap();
        let body = (method == Method::POST).then_some(&body);
        self.program(who).await.ask(method.clone(), address, body).await
    }

    /// As programs call vera's: agents by its number, visitors by its public id.
    pub fn conversation(&self, who: &str) -> Value {
        let visitors = ["nobody", "walt", "vera"].contains(&who);
        if visitors { json!(self.vera.cid) } else { json!(self.id) }
    }

    pub async fn colleague(&self, who: &str) -> Value {
        let number: i64 = self.thing(who, "colleague").await.parse().unwrap();
        json!(number)
    }
}

/// What only agents may do names a conversation as they call it, whoever tries.
fn wants_a_number(method: &str, path: &str) -> bool {
    let operation = &kefu::api::openapi_json()["paths"][path][method.to_lowercase()];
    let mut parameters = operation["parameters"].as_array().into_iter().flatten();
    parameters.any(|one| one["name"] == "conversation" && one["schema"]["type"] == "integer")
}

/// What a program is told that is refused; of what is done, nothing.
pub fn words(answer: &Answer) -> Value {
    let told: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    told["error"]["message"].clone()
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_let_in_whom_they_should() {
    let readers = people().await;
    each(OPERATIONS, async |(method, path, expected)| {
        let mut writers = None;
        if changes(method, expected) {
            writers = Some(people().await);
        }
        for (who, status) in CALLERS.into_iter().zip(expected) {
            if who == "ana" && changes(method, &[meis(expected)]) {
                writers = Some(people().await);
            }
            let people = writers.as_ref().unwrap_or(&readers);
            let answer = people.ask(who, method, path).await;
            assert_eq!(answer.status.as_u16(), *status, "{who}: {method} {path} {}", answer.body);
            if *status == 404 {
                // Word for word what is said of what never was.
                let never =
                    people.program(who).await.get("/conversations/AAAAAAAAAAAAAAAAAAAAAA").await;
                assert_eq!(words(&answer), words(&never), "{who}: {method} {path}");
            }
        }
    })
    .await;
}

#[test]
fn a_token_that_only_reads_is_answered_what_is_asked_and_refused_what_would_be_done() {
    for (method, path, [.., reader, _, ana]) in OPERATIONS {
        // Where a visitor begins nobody is known yet.
        let read = *method == "GET" || *path == "/visitor/sessions";
        assert_eq!(*reader, if read { *ana } else { 403 }, "{method} {path}");
    }
}
