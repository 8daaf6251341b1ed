//! Who may what (T31): every route of `src/routes.rs`, every verb of the desk, every operation of `openapi.json` and every frame
//! of the socket, as everybody. One without a row here fails, and so does a row in which nobody is let in.
mod forms;
mod frames;
mod operations;
mod pages;
mod people;

pub use operations::OPERATIONS;
pub use pages::PAGES;
pub use people::people_of;

use forms::FORMS;
use frames::FRAMES;
use futures_util::{StreamExt, stream};
use jiff::SignedDuration;
use operations::words;
use people::{People, people, people_with_another_owner};
use poem::http::StatusCode;
use serde_json::json;
use std::collections::BTreeSet;

/// Nobody; walt, who is in another conversation; rob, who may only read; vera, whose conversation it is; mei, an agent; ana,
/// the owner. Further down are those who are answered as one of these is: an admin, and whoever was somebody once; and
/// whoever is in another team.
pub const EVERYBODY: [&str; 6] = ["nobody", "walt", "rob", "vera", "mei", "ana"];
/// The programs of each of them; and the reader, a program of ana's that may only read.
const CALLERS: [&str; 7] = ["nobody", "walt", "rob", "vera", "reader", "mei", "ana"];

/// What mei is answered in a row, and what ana is.
fn meis<T: Copy>(answers: &[T]) -> T {
    answers[answers.len() - 2]
}

fn anas<T: Copy>(answers: &[T]) -> T {
    answers[answers.len() - 1]
}

/// A few rows at a time, which know nothing of each other.
async fn each<T>(rows: &[T], ask: impl AsyncFn(&T)) {
    stream::iter(rows).for_each_concurrent(2, |row| ask(row)).await;
}

/// Whoever only looks changes nothing, nor does whoever is refused: all of that may be asked of the same people.
fn changes(method: &str, answers: &[u16]) -> bool {
    method != "GET" && answers.iter().any(|status| *status < 400)
}

#[test]
fn every_route_and_verb_and_operation_and_frame_has_a_row() {
    let (routes, rows) = (routes(), names(PAGES.iter().map(|(method, path, _)| (*method, *path))));
    assert_eq!(routes, rows);
    let forms = names(FORMS.iter().map(|(path, _)| ("POST", *path)));
    let posts = routes.into_iter().filter(|(method, _)| method == "POST");
    assert_eq!(posts.collect::<BTreeSet<_>>(), forms);
    let openapi = kefu::api::openapi_json();
    let mut operations = BTreeSet::new();
    for (path, methods) in openapi["paths"].as_object().unwrap() {
        for method in methods.as_object().unwrap().keys() {
            operations.insert((method.to_uppercase(), path.clone()));
        }
    }
    assert_eq!(operations, names(OPERATIONS.iter().map(|(method, path, _)| (*method, *path))));
    let asyncapi = kefu::api::frame::asyncapi();
    let frames: BTreeSet<_> = asyncapi["channels"]["socket"]["messages"]
        .as_object()
        .unwrap()
        .keys()
        .filter_map(|name| name.strip_prefix("client_").map(str::to_owned))
        .collect();
    assert_eq!(frames, FRAMES.iter().map(|(name, _)| (*name).to_owned()).collect());
}

fn names<'a>(rows: impl Iterator<Item = (&'a str, &'a str)>) -> BTreeSet<(String, String)> {
    rows.map(|(method, path)| (method.to_owned(), path.to_owned())).collect()
}

/// Rows in which nobody is let in, and who is where: measures have an address of their own (process.rs), and an owner is made while
/// there is none (setup.rs).
const NOBODY_IS_LET_IN: [&str; 2] = ["GET /metrics", "POST /setup"];

#[test]
fn somebody_is_let_in_by_every_row_but_those_that_are_known() {
    let is_let_in = |status: &u16| matches!(status, 101 | 200..=204 | 303);
    let pages = PAGES.iter().map(|(method, path, answers)| (method, path, &answers[..]));
    let operations = OPERATIONS.iter().map(|(method, path, answers)| (method, path, &answers[..]));
    let without = (pages.chain(operations))
        .filter(|(.., answers)| !answers.iter().any(is_let_in))
        .map(|(method, path, _)| format!("{method} {path}"));
    assert_eq!(without.collect::<Vec<_>>(), NOBODY_IS_LET_IN);
    for (name, outcomes) in FRAMES {
        let done = outcomes.iter().any(|told| ["ok", "live", "pong", "-"].contains(told));
        assert!(done, "nobody may say {name}");
    }
}

/// What `src/routes.rs` leads to, read from its text: the one page on which every address stands.
fn routes() -> BTreeSet<(String, String)> {
    let page = include_str!("../../../src/routes.rs");
    let api = include_str!("../../../src/api/mod.rs");
    let mut found = BTreeSet::new();
    for (text, prefix) in [(page, ""), (api, "/api/v1")] {
        for rest in text.split(".at(\"").skip(1) {
            let (path, rest) = rest.split_once('"').unwrap();
            let handlers = rest.split(".at(").next().unwrap().split(".nest(").next().unwrap();
            let methods = [("get(", "GET"), ("post(", "POST")];
            for (_, method) in methods.into_iter().filter(|(word, _)| handlers.contains(word)) {
                for path in with_verbs(method, path) {
                    found.insert((method.to_owned(), format!("{prefix}{path}")));
                }
            }
            assert!(
                !handlers.contains("put(")
                    && !handlers.contains("delete(")
                    && !handlers.contains("patch(")
            );
        }
        let nested = text.matches(".nest(").count();
        assert_eq!(nested, 1, "an address that is nested elsewhere is not seen here");
    }
    found
}

/// A route once for each verb that its handler knows.
fn with_verbs(method: &str, path: &str) -> Vec<String> {
    let (text, function) = match (method, path) {
        (_, path) if !path.contains(":verb") => return vec![path.to_owned()],
        ("GET", "/desk/c/:id/:verb") => {
            (include_str!("../../../src/desk/web/panels.rs"), "async fn drawn_part(")
        }
        ("POST", "/desk/c/:id/:verb") => {
            (include_str!("../../../src/desk/web/verbs.rs"), "async fn done(")
        }
        ("POST", "/desk/c/:id/m/:seq/:verb") => {
            (include_str!("../../../src/desk/web/menu.rs"), "async fn amend(")
        }
        other => panic!("which verbs are known to {other:?}?"),
    };
    let function = text.split(function).nth(1).unwrap().split("\n}\n").next().unwrap();
    // The arms of its match: `"transfer" | "invite" => …`.
    let arms = function.lines().map(|line| line.trim_start().trim_start_matches("| "));
    let arms = arms.filter(|line| line.starts_with('"'));
    let words = arms.flat_map(|arm| arm.split("=>").next().unwrap().split('"').skip(1).step_by(2));
    let paths: Vec<_> = words.map(|verb| path.replace(":verb", verb)).collect();
    assert!(!paths.is_empty(), "{method} {path} knows no verb");
    paths
}

/// Only which of her colleagues she may not change is another question, of agent.rs.
#[tokio::test(flavor = "multi_thread")]
async fn an_admin_is_answered_as_the_owner_is() {
    let readers = people_with_another_owner().await;
    each(PAGES, async |(method, path, expected)| {
        let mut writers = None;
        if changes(method, &[anas(expected)]) {
            writers = Some(people_with_another_owner().await);
        }
        let people = writers.as_ref().unwrap_or(&readers);
        assert_eq!(people.visit("ana", method, path).await, anas(expected), "{method} {path}");
    })
    .await;
    each(OPERATIONS, async |(method, path, expected)| {
        let mut writers = None;
        if changes(method, &[anas(expected)]) {
            writers = Some(people_with_another_owner().await);
        }
        let people = writers.as_ref().unwrap_or(&readers);
        let answer = people.ask("ana", method, path).await;
        assert_eq!(answer.status.as_u16(), anas(expected), "{method} {path} {}", answer.body);
    })
    .await;
    each(FRAMES, async |(name, expected)| {
        let expected = anas(expected);
        if expected == "ok" {
            let people = people_with_another_owner().await;
            assert_eq!(people.say("ana", name).await, expected, "{name}");
        } else {
            assert_eq!(readers.say("ana", name).await, expected, "{name}");
        }
    })
    .await;
}

/// Walt's token was taken away, vera's and all that ana holds have expired; mei was disabled, as was rob while he was just
/// signing in, so that his session is left.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_somebody_once_is_answered_as_nobody_is() {
    let people = people().await;
    let server = people.server().await;
    for who in &CALLERS[1..] {
        people.program(who).await.get("/me").await.must(StatusCode::OK);
    }
    people.make_all().await;
    let mut open = Vec::new();
    for who in ["walt", "vera", "rob", "ana"] {
        open.push((who, people.program(who).await.connect(server).await.unwrap()));
    }
    people.ana.person.post("/desk/settings/agents/3/disable", &[]).await.goes_to();
    let past =
        (people.site.app.db.now().await.unwrap() - SignedDuration::from_hours(1)).as_microsecond();
    for change in [
        "UPDATE agent SET disabled_at = created_at WHERE name = 'rob'".to_owned(),
        "UPDATE visitor_token SET revoked_at = created_at WHERE contact_id = 1".to_owned(),
        format!("UPDATE visitor_token SET expires_at = {past} WHERE contact_id = 2"),
        format!("UPDATE session SET expires_at = {past} WHERE owner_id = 1"),
        format!("UPDATE agent_token SET expires_at = {past} WHERE agent_id = 1"),
    ] {
        people.site.change(&change).await;
    }
    // Nobody is told of what happens in the database, and yet nothing more is taken in a line that was open then.
    for (who, mut line) in open {
        line.until("hello").await;
        line.say(json!({ "type": "typing", "ref": "r", "conversation": people.conversation(who) }))
            .await;
        let told = line.until("error").await;
        assert_eq!(
            (&told["ref"], &told["code"]),
            (&json!("r"), &json!("unauthenticated")),
            "{who}"
        );
    }
    for who in &EVERYBODY[1..] {
        for (method, path, [nobody, ..]) in PAGES {
            assert_eq!(people.visit(who, method, path).await, *nobody, "{who}: {method} {path}");
        }
    }
    for who in &CALLERS[1..] {
        for (method, path, [nobody, ..]) in OPERATIONS {
            let answer = people.ask(who, method, path).await;
            assert_eq!(answer.status.as_u16(), *nobody, "{who}: {method} {path}");
            if *nobody == 401 {
                let refusal = people.ask("nobody", method, path).await;
                assert_eq!(words(&answer), words(&refusal), "{who}: {method} {path}");
            }
        }
    }
}

/// Vera's conversation is the Returns' and mei is in no team. How she is told of it by lists, streams and searches, and on
/// every way that a path alone does not name, is in visibility.rs.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_in_another_team_is_answered_as_of_what_never_was() {
    let mut people = people().await;
    people.make_all().await;
    people.site.change("UPDATE conversation SET team_id = 1 WHERE id = 2").await;
    let hers = people.told_to_mei().await;
    (people.id, people.contact) = (9_999, 9_999);
    assert_eq!(hers, people.told_to_mei().await);
    let is_absent = |told: &str| told.starts_with("404") || told == "not_found";
    let others = hers.iter().filter(|(_, told)| !is_absent(told)).map(|(row, _)| row.as_str());
    // Not for her whatever it is; and what names no conversation, or only stops listening.
    let known = [
        "GET /desk/c/:id/m/:seq/earlier",
        "GET /conversations/{conversation}/entries/{seq}/earlier",
        "start",
        "unsubscribe",
        "subscribe_desk",
        "ping",
    ];
    assert_eq!(others.collect::<Vec<_>>(), known);
}

impl People {
    /// Whatever pages show, and what addresses and forms name, while everybody can still make it.
    pub async fn make_all(&self) {
        for (method, path, _) in PAGES {
            if *method == "GET" {
                self.get_ready(path).await;
            }
            for who in EVERYBODY {
                self.address(who, path).await;
                if *method == "POST" {
                    self.form(who, path).await;
                }
            }
        }
    }

    /// Each row that names vera's conversation or vera herself, and how mei is answered.
    async fn told_to_mei(&self) -> Vec<(String, String)> {
        let names = ["/c/:id", ":contact", "/desk/canned", "{conversation}", "{contact}"];
        let names_it = |path: &str| names.iter().any(|name| path.contains(name));
        let mut told = Vec::new();
        for (method, path, _) in PAGES.iter().filter(|(_, path, _)| names_it(path)) {
            let status = self.visit("mei", method, path).await;
            told.push((format!("{method} {path}"), status.to_string()));
        }
        for (method, path, _) in OPERATIONS.iter().filter(|(_, path, _)| names_it(path)) {
            let answer = self.ask("mei", method, path).await;
            let said = format!("{} {}", answer.status.as_u16(), words(&answer));
            told.push((format!("{method} {path}"), said));
        }
        for (name, _) in FRAMES {
            told.push(((*name).to_owned(), self.say("mei", name).await));
        }
        told
    }
}
