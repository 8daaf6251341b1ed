//! Who may say what over the socket.
use super::{
    CALLERS, each, meis,
    people::{People, in_an_hour, people},
};
use serde_json::json;

/// How each frame is answered: by a type, or the code of a refusal. `-` is not answered at all,
/// which typing never is unless it is refused.
pub const FRAMES: &[(&str, [&str; CALLERS.len() - 1])] = &[
    // walt, rob, vera, reader, mei, ana; nobody gets a socket.
    ("start", ["ok", "forbidden", "ok", "forbidden", "forbidden", "forbidden"]),
    ("send", ["not_found", "forbidden", "ok", "forbidden", "ok", "ok"]),
    ("subscribe", ["not_found", "live", "live", "live", "live", "live"]),
    ("unsubscribe", ["ok", "ok", "ok", "ok", "ok", "ok"]),
    ("subscribe_desk", ["not_found", "ok", "not_found", "ok", "ok", "ok"]),
    ("read", ["not_found", "forbidden", "ok", "forbidden", "ok", "ok"]),
    ("typing", ["not_found", "forbidden", "-", "forbidden", "-", "-"]),
    ("claim", ["forbidden", "forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("close", ["forbidden", "forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("reopen", ["forbidden", "forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("transfer", ["forbidden", "forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("invite", ["forbidden", "forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("snooze", ["forbidden", "forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("wake", ["forbidden", "forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("priority", ["forbidden", "forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("tags", ["forbidden", "forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("unread", ["forbidden", "forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("edit", ["forbidden", "forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("recall", ["forbidden", "forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("ping", ["pong", "pong", "pong", "pong", "pong", "pong"]),
];

impl People {
    /// A frame, and how it is answered.
    pub async fn say(&self, who: &str, name: &str) -> String {
        self.get_ready(name).await;
        let mut line = self.program(who).await.connect(self.server().await).await.unwrap();
        line.until("hello").await;
        let nonce = self.thing(who, "nonce").await;
        let mut frame = json!({ "type": name, "ref": "r", "site": "demo", "conversation": self.conversation(who),
            "nonce": nonce, "body": "x", "seq": 1, "after": 0,
            "until": in_an_hour().to_string(), "priority": "high", "add": [1] });
        match name {
            "invite" => frame["agent"] = self.colleague(who).await,
            "edit" | "recall" => {
                let seq: i64 = self.thing(who, "said").await.parse().unwrap();
                frame["seq"] = json!(seq);
            }
            _ => frame["team"] = json!(1),
        }
        line.say(frame).await;
        line.say(json!({ "type": "ping", "ref": "after" })).await;
        loop {
            let told = line.hear().await.unwrap();
            if told["ref"] == "r" {
                let said = if told["type"] == "error" { &told["code"] } else { &told["type"] };
                return said.as_str().unwrap().to_owned();
            }
            // What is followed may come after the next answer.
            if told["ref"] == "after" && name != "subscribe" {
                return "-".to_owned();
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_let_in_whom_they_should() {
    each(FRAMES, async |(name, expected)| {
        let mut people = self::people().await;
        for (who, outcome) in CALLERS[1..].iter().zip(expected) {
            if *who == "ana" && meis(expected) == "ok" {
                people = self::people().await;
            }
            assert_eq!(people.say(who, name).await, *outcome, "{who}: {name}");
        }
    })
    .await;
}

#[test]
fn a_token_that_only_reads_is_told_what_happens_and_refused_what_would_be_done() {
    let listens = ["subscribe", "unsubscribe", "subscribe_desk", "ping"];
    for (name, [.., reader, _, ana]) in FRAMES {
        assert_eq!(*reader, if listens.contains(name) { *ana } else { "forbidden" }, "{name}");
    }
}
