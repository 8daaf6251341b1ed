//! Who may what (T31): every route of `src/routes.rs`, every operation of `openapi.json` and every frame of the socket, as
//! everybody. One without a row here fails.
use crate::support::{
    Agent, Answer, Installation, Person, Visitor, installation, program::Program,
};
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use kefu::agent::{Role, Scope};
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};
use tokio::sync::Mutex;
use tokio_tungstenite::tungstenite;

/// Nobody; walt, who is in another conversation; rob, who may only read; vera, whose conversation it is; mei, an agent; ana,
/// the owner. Further down are those who are answered as one of these is: an admin, and whoever was somebody once; and
/// whoever is in another team.
pub const EVERYBODY: [&str; 6] = ["nobody", "walt", "rob", "vera", "mei", "ana"];
const MEI: usize = 4;
const ANA: usize = 5;
/// What each of them is answered.
type Answers = [u16; EVERYBODY.len()];

/// What each is answered, in this order: those who may not come first, so that nothing was changed yet when they try.
/// 303 leads to the door, or on; 404 is the same for what is not theirs as for what does not exist.
pub const PAGES: &[(&str, &str, Answers)] = &[
    ("GET", "/", [200, 200, 200, 200, 200, 200]),
    ("GET", "/demo", [200, 200, 200, 200, 200, 200]),
    ("GET", "/a/*name", [404, 404, 404, 404, 404, 404]),
    ("GET", "/healthz", [200, 200, 200, 200, 200, 200]),
    ("GET", "/readyz", [200, 200, 200, 200, 200, 200]),
    // At an address of its own, and nowhere else.
    ("GET", "/metrics", [404, 404, 404, 404, 404, 404]),
    ("GET", "/w/:site", [200, 303, 200, 303, 200, 200]),
    ("GET", r"/w/:file<[^/]+\\.js>", [200, 200, 200, 200, 200, 200]),
    ("GET", "/w/:site/look.css", [200, 200, 200, 200, 200, 200]),
    // No picture was chosen.
    ("GET", "/w/:site/logo", [404, 404, 404, 404, 404, 404]),
    ("POST", "/w/:site/start", [422, 422, 422, 422, 422, 422]),
    // vera speaks, and says nothing new of herself.
    ("GET", "/w/:site/identify", [404, 200, 404, 200, 404, 404]),
    ("POST", "/w/:site/identify", [404, 200, 404, 200, 404, 404]),
    ("GET", "/c/:cid", [404, 404, 404, 200, 404, 404]),
    ("GET", "/c/:cid/messages", [404, 404, 404, 200, 404, 404]),
    ("POST", "/c/:cid/messages", [404, 404, 404, 303, 404, 404]),
    ("POST", "/c/:cid/end", [404, 404, 404, 303, 404, 404]),
    ("POST", "/c/:cid/read", [404, 404, 404, 204, 404, 404]),
    ("POST", "/c/:cid/typing", [404, 404, 404, 204, 404, 404]),
    ("POST", "/c/:cid/pages", [404, 404, 404, 204, 404, 404]),
    ("GET", "/c/:cid/compose", [404, 404, 404, 200, 404, 404]),
    // A form without a file; one that is nobody's.
    ("POST", "/c/:cid/files", [404, 404, 404, 422, 404, 404]),
    ("GET", "/c/:cid/files/:file", [404, 404, 404, 404, 404, 404]),
    ("GET", "/f/:id/:name", [404, 404, 404, 404, 404, 404]),
    ("GET", "/c/:cid/events", [404, 404, 404, 200, 404, 404]),
    // Whoever has a token at all is told that this is no socket; with one, what is not theirs is 404 (see below).
    ("GET", "/c/:cid/ws", [404, 422, 404, 422, 404, 404]),
    ("GET", "/c/:cid/live", [404, 404, 404, 200, 404, 404]),
    ("GET", "/setup", [303, 303, 303, 303, 303, 303]),
    ("POST", "/setup", [403, 403, 403, 403, 403, 403]),
    ("GET", "/setup/install", [303, 303, 200, 303, 200, 200]),
    ("GET", "/login", [200, 200, 303, 200, 303, 303]),
    ("POST", "/login", [422, 422, 422, 422, 422, 422]),
    ("POST", "/logout", [401, 401, 303, 401, 303, 303]),
    ("GET", "/invite", [404, 404, 404, 404, 404, 404]),
    ("POST", "/invite", [404, 404, 404, 404, 404, 404]),
    ("GET", "/desk", [303, 303, 303, 303, 303, 303]),
    ("GET", "/desk/events", [401, 401, 200, 401, 200, 200]),
    ("GET", "/desk/ws", [401, 401, 422, 401, 422, 422]),
    ("GET", "/desk/c", [303, 303, 200, 303, 200, 200]),
    ("GET", "/desk/c/:id", [303, 303, 200, 303, 200, 200]),
    ("GET", "/desk/c/:id/messages", [401, 401, 200, 401, 200, 200]),
    ("POST", "/desk/c/:id/messages", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/files", [401, 401, 403, 401, 422, 422]),
    ("GET", "/desk/c/:id/files/:file", [401, 401, 404, 401, 404, 404]),
    // A reader who may not act leaves no mark, and need not know.
    ("POST", "/desk/c/:id/seen", [401, 401, 204, 401, 204, 204]),
    ("POST", "/desk/c/:id/typing", [401, 401, 403, 401, 204, 204]),
    ("GET", "/desk/c/:id/:verb", [303, 303, 403, 303, 404, 404]),
    ("POST", "/desk/c/:id/:verb", [401, 401, 403, 401, 303, 303]),
    ("GET", "/desk/c/:id/m/:seq", [303, 303, 200, 303, 200, 200]),
    // It said nothing else before.
    ("GET", "/desk/c/:id/m/:seq/earlier", [303, 303, 403, 303, 403, 404]),
    // Not hers to change.
    ("POST", "/desk/c/:id/m/:seq/:verb", [401, 401, 403, 401, 403, 403]),
    // A form that names nothing.
    ("GET", "/desk/bulk", [303, 303, 403, 303, 200, 200]),
    ("POST", "/desk/bulk", [401, 401, 403, 401, 422, 422]),
    ("GET", "/desk/filter", [303, 303, 200, 303, 200, 200]),
    ("POST", "/desk/views", [401, 401, 422, 401, 422, 422]),
    ("POST", "/desk/views/:id/remove", [401, 401, 404, 401, 404, 404]),
    ("GET", "/desk/search", [303, 303, 200, 303, 200, 200]),
    ("GET", "/desk/palette", [401, 401, 200, 401, 200, 200]),
    ("GET", "/desk/me", [303, 303, 200, 303, 200, 200]),
    ("GET", "/desk/settings", [303, 303, 303, 303, 303, 303]),
    ("GET", "/desk/settings/tags", [303, 303, 403, 303, 403, 200]),
    ("POST", "/desk/settings/tags", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/settings/tags/:id/rename", [401, 401, 403, 401, 403, 404]),
    ("POST", "/desk/settings/tags/:id/remove", [401, 401, 403, 401, 403, 404]),
    ("POST", "/desk/me/state", [401, 401, 303, 401, 303, 303]),
    ("GET", "/desk/keys", [303, 303, 200, 303, 200, 200]),
    ("POST", "/desk/keys", [401, 401, 303, 401, 303, 303]),
    ("GET", "/desk/settings/notifications", [303, 303, 200, 303, 200, 200]),
    ("POST", "/desk/settings/notifications", [401, 401, 303, 401, 303, 303]),
    ("GET", "/desk/c/:id/side", [303, 303, 200, 303, 200, 200]),
    ("POST", "/desk/c/:id/side/fields", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/side/tags", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/side/tags/remove", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/side/notes", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/side/notes/remove", [401, 401, 403, 401, 404, 404]),
    ("GET", "/desk/c/:id/side/merge", [303, 303, 403, 303, 200, 200]),
    ("POST", "/desk/c/:id/side/merge", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/side/block", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/side/unblock", [401, 401, 403, 401, 303, 303]),
    ("GET", "/desk/contacts/:contact", [303, 303, 303, 303, 303, 303]),
    ("POST", "/desk/c/:id/draft", [401, 401, 403, 401, 204, 204]),
    ("GET", "/desk/canned", [303, 303, 200, 303, 200, 200]),
    ("GET", "/desk/callees", [401, 401, 403, 401, 200, 200]),
    ("GET", "/desk/emoji", [401, 401, 200, 401, 200, 200]),
    ("GET", "/desk/settings/attributes", [303, 303, 403, 303, 403, 200]),
    ("POST", "/desk/settings/attributes", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/settings/attributes/:attribute", [401, 401, 403, 401, 403, 404]),
    ("POST", "/desk/settings/attributes/:attribute/remove", [401, 401, 403, 401, 403, 404]),
    ("GET", "/desk/settings/blocked", [303, 303, 200, 303, 200, 200]),
    ("POST", "/desk/settings/blocked/lift", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/me/profile", [401, 401, 303, 401, 303, 303]),
    ("POST", "/desk/me/password", [401, 401, 422, 401, 422, 422]),
    ("POST", "/desk/me/sessions/end", [401, 401, 404, 401, 404, 404]),
    ("POST", "/desk/me/tokens", [401, 401, 200, 401, 200, 200]),
    ("POST", "/desk/me/tokens/end", [401, 401, 404, 401, 404, 404]),
    ("GET", "/desk/settings/agents", [303, 303, 403, 303, 403, 200]),
    ("POST", "/desk/settings/agents", [401, 401, 403, 401, 403, 200]),
    ("POST", "/desk/settings/agents/:agent", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/settings/agents/:agent/link", [401, 401, 403, 401, 403, 200]),
    ("POST", "/desk/settings/agents/:agent/disable", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/settings/agents/:agent/enable", [401, 401, 403, 401, 403, 303]),
    ("GET", "/desk/settings/file-kinds", [303, 303, 403, 303, 403, 200]),
    ("POST", "/desk/settings/file-kinds", [401, 401, 403, 401, 403, 303]),
    ("GET", "/desk/settings/audit", [303, 303, 403, 303, 403, 200]),
    ("GET", "/desk/settings/canned-replies", [303, 303, 200, 303, 200, 200]),
    ("POST", "/desk/settings/canned-replies", [401, 401, 403, 401, 303, 303]),
    ("GET", "/desk/settings/canned-replies/new", [303, 303, 403, 303, 200, 200]),
    ("GET", "/desk/settings/canned-replies/export", [303, 303, 200, 303, 200, 200]),
    ("GET", "/desk/settings/canned-replies/import", [303, 303, 403, 303, 200, 200]),
    ("POST", "/desk/settings/canned-replies/import", [401, 401, 403, 401, 200, 200]),
    // A form without a file.
    ("POST", "/desk/settings/canned-replies/import/files", [401, 401, 403, 401, 422, 422]),
    // The first one is ana's own, and not there for anybody else.
    ("GET", "/desk/settings/canned-replies/:reply", [303, 303, 404, 303, 404, 200]),
    ("POST", "/desk/settings/canned-replies/:reply", [401, 401, 404, 401, 404, 303]),
    ("POST", "/desk/settings/canned-replies/:reply/remove", [401, 401, 404, 401, 404, 303]),
    ("GET", "/desk/settings/sites", [303, 303, 403, 303, 403, 200]),
    ("POST", "/desk/settings/sites", [401, 401, 403, 401, 403, 303]),
    ("GET", "/desk/settings/sites/:site", [303, 303, 403, 303, 403, 200]),
    // A form without a time zone.
    ("POST", "/desk/settings/sites/:site", [401, 401, 403, 401, 403, 422]),
    // A form without a picture.
    ("POST", "/desk/settings/sites/:site/logo/files", [401, 401, 403, 401, 403, 422]),
    ("POST", "/desk/settings/sites/:site/logo/remove", [401, 401, 403, 401, 403, 303]),
    ("GET", "/desk/settings/sites/:site/install", [303, 303, 403, 303, 403, 200]),
    ("GET", "/desk/settings/sites/:site/watch", [401, 401, 403, 401, 403, 200]),
    // A form without an address.
    ("POST", "/desk/settings/sites/:site/origins", [401, 401, 403, 401, 403, 422]),
    ("GET", "/desk/settings/sites/:site/qr.svg", [401, 401, 403, 401, 403, 200]),
    ("GET", "/desk/settings/sites/:site/preview", [401, 401, 403, 401, 403, 200]),
    ("GET", "/desk/settings/sites/:site/identity", [303, 303, 403, 303, 403, 200]),
    // A form that does not say what to do.
    ("POST", "/desk/settings/sites/:site/identity", [401, 401, 403, 401, 403, 422]),
    ("GET", "/desk/settings/teams", [303, 303, 403, 303, 403, 200]),
    ("POST", "/desk/settings/teams", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/settings/teams/:team", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/settings/teams/:team/remove", [401, 401, 403, 401, 403, 303]),
    ("GET", "/api/docs", [200, 200, 200, 200, 200, 200]),
    ("GET", "/api/v1/ws", [422, 422, 422, 422, 422, 422]),
    ("GET", "/api/v1/openapi.json", [200, 200, 200, 200, 200, 200]),
    ("GET", "/api/v1/asyncapi.json", [200, 200, 200, 200, 200, 200]),
    // Last, for it ends the tokens.
    ("POST", "/w/:site/forget", [204, 204, 204, 204, 204, 204]),
];

/// The same for operations, each asked with a token of theirs.
pub const OPERATIONS: &[(&str, &str, Answers)] = &[
    ("POST", "/visitor/sessions", [200, 200, 200, 200, 200, 200]),
    ("GET", "/me", [401, 200, 200, 200, 200, 200]),
    ("GET", "/conversations", [401, 200, 200, 200, 200, 200]),
    ("POST", "/conversations", [401, 201, 403, 201, 403, 403]),
    ("GET", "/conversations/{conversation}", [401, 404, 200, 200, 200, 200]),
    ("GET", "/conversations/{conversation}/entries", [401, 404, 200, 200, 200, 200]),
    ("POST", "/conversations/{conversation}/entries", [401, 404, 403, 201, 201, 201]),
    // Not hers to change.
    ("POST", "/conversations/{conversation}/entries/{seq}/edit", [401, 422, 403, 422, 403, 403]),
    ("POST", "/conversations/{conversation}/entries/{seq}/recall", [401, 422, 403, 422, 403, 403]),
    ("GET", "/conversations/{conversation}/entries/{seq}/earlier", [401, 422, 403, 422, 403, 200]),
    // What comes is no file but a request of JSON, as all others here.
    ("POST", "/conversations/{conversation}/files", [401, 404, 403, 201, 201, 201]),
    ("GET", "/conversations/{conversation}/files/{file}", [401, 404, 404, 404, 404, 404]),
    ("POST", "/conversations/{conversation}/read", [401, 404, 403, 204, 204, 204]),
    ("POST", "/conversations/{conversation}/typing", [401, 404, 403, 204, 204, 204]),
    // A visitor's name of a conversation is not even a number.
    ("POST", "/conversations/{conversation}/claim", [401, 422, 403, 422, 201, 201]),
    ("POST", "/conversations/{conversation}/close", [401, 422, 403, 422, 201, 201]),
    ("POST", "/conversations/{conversation}/reopen", [401, 422, 403, 422, 409, 409]),
    ("POST", "/conversations/{conversation}/transfer", [401, 422, 403, 422, 201, 201]),
    ("POST", "/conversations/{conversation}/invite", [401, 422, 403, 422, 201, 201]),
    ("POST", "/conversations/{conversation}/snooze", [401, 422, 403, 422, 201, 201]),
    // Nobody put it off.
    ("POST", "/conversations/{conversation}/wake", [401, 422, 403, 422, 409, 409]),
    ("POST", "/conversations/{conversation}/priority", [401, 422, 403, 422, 201, 201]),
    ("POST", "/conversations/{conversation}/tags", [401, 422, 403, 422, 201, 201]),
    ("POST", "/conversations/{conversation}/unread", [401, 422, 403, 422, 204, 204]),
    ("GET", "/search", [401, 404, 200, 404, 200, 200]),
    ("GET", "/sites", [401, 404, 200, 404, 200, 200]),
    ("GET", "/agents", [401, 404, 200, 404, 200, 200]),
    ("GET", "/teams", [401, 404, 200, 404, 200, 200]),
    ("GET", "/tags", [401, 404, 200, 404, 200, 200]),
    ("GET", "/canned-replies", [401, 404, 200, 404, 200, 200]),
    ("GET", "/contacts", [401, 404, 200, 404, 200, 200]),
    ("GET", "/contacts/{contact}", [401, 404, 200, 404, 200, 200]),
    ("POST", "/contacts/{contact}", [401, 404, 403, 404, 200, 200]),
    ("POST", "/contacts/{contact}/tags", [401, 404, 403, 404, 200, 200]),
    ("GET", "/contacts/{contact}/notes", [401, 404, 200, 404, 200, 200]),
    ("POST", "/contacts/{contact}/notes", [401, 404, 403, 404, 201, 201]),
    // Nobody noted anything.
    ("POST", "/contacts/{contact}/notes/{note}/remove", [401, 404, 403, 404, 404, 404]),
    ("POST", "/contacts/{contact}/block", [401, 404, 403, 404, 200, 200]),
    ("POST", "/contacts/{contact}/unblock", [401, 404, 403, 404, 200, 200]),
    ("POST", "/contacts/{contact}/merge", [401, 404, 403, 404, 200, 200]),
    ("GET", "/attributes", [401, 404, 200, 404, 200, 200]),
];

/// And for frames: `-` is not answered at all, which typing never is unless it is refused.
const FRAMES: &[(&str, [&str; EVERYBODY.len() - 1])] = &[
    // walt, rob, vera, mei, ana; nobody gets a socket.
    ("start", ["ok", "forbidden", "ok", "forbidden", "forbidden"]),
    ("send", ["not_found", "forbidden", "ok", "ok", "ok"]),
    ("subscribe", ["not_found", "live", "live", "live", "live"]),
    ("unsubscribe", ["ok", "ok", "ok", "ok", "ok"]),
    ("subscribe_desk", ["not_found", "ok", "not_found", "ok", "ok"]),
    ("read", ["not_found", "forbidden", "ok", "ok", "ok"]),
    ("typing", ["not_found", "forbidden", "-", "-", "-"]),
    ("claim", ["forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("close", ["forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("reopen", ["forbidden", "forbidden", "forbidden", "conflict", "conflict"]),
    ("transfer", ["forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("invite", ["forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("snooze", ["forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("wake", ["forbidden", "forbidden", "forbidden", "conflict", "conflict"]),
    ("priority", ["forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("tags", ["forbidden", "forbidden", "forbidden", "ok", "ok"]),
    ("unread", ["forbidden", "forbidden", "forbidden", "ok", "ok"]),
    // Not hers to change.
    ("edit", ["forbidden", "forbidden", "forbidden", "forbidden", "forbidden"]),
    ("recall", ["forbidden", "forbidden", "forbidden", "forbidden", "forbidden"]),
    ("ping", ["pong", "pong", "pong", "pong", "pong"]),
];

#[test]
fn every_route_and_operation_and_frame_has_a_row() {
    let routes = routes();
    let rows: BTreeSet<_> =
        PAGES.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
    assert_eq!(routes, rows);
    let openapi = kefu::api::openapi_json();
    let operations: BTreeSet<_> = openapi["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            methods
                .as_object()
                .unwrap()
                .keys()
                .map(move |method| (method.to_uppercase(), path.clone()))
        })
        .collect();
    let rows: BTreeSet<_> = OPERATIONS
        .iter()
        .map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned()))
        .collect();
    assert_eq!(operations, rows);
    let asyncapi = kefu::api::frame::asyncapi();
    let frames: BTreeSet<_> = asyncapi["channels"]["socket"]["messages"]
        .as_object()
        .unwrap()
        .keys()
        .filter_map(|name| name.strip_prefix("client_").map(str::to_owned))
        .collect();
    assert_eq!(frames, FRAMES.iter().map(|(name, _)| (*name).to_owned()).collect());
}

/// What `src/routes.rs` leads to, read from its text: the one page on which every address stands.
fn routes() -> BTreeSet<(String, String)> {
    let (page, api) = (include_str!("../../src/routes.rs"), include_str!("../../src/api/mod.rs"));
    let mut found = BTreeSet::new();
    for (text, prefix) in [(page, ""), (api, "/api/v1")] {
        for rest in text.split(".at(\"").skip(1) {
            let (path, rest) = rest.split_once('"').unwrap();
            let handlers = rest.split(".at(").next().unwrap().split(".nest(").next().unwrap();
            let methods = [("get(", "GET"), ("post(", "POST")];
            for (_, method) in methods.into_iter().filter(|(word, _)| handlers.contains(word)) {
                found.insert((method.to_owned(), format!("{prefix}{path}")));
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

pub struct People {
    pub site: Installation,
    walt: Visitor,
    pub vera: Visitor,
    rob: Agent,
    mei: Agent,
    pub ana: Agent,
    pub id: i64,
    contact: i64,
    programs: Mutex<BTreeMap<String, Program>>,
}

fn in_an_hour() -> String {
    (Timestamp::now() + SignedDuration::from_hours(1)).to_string()
}

async fn people() -> People {
    people_of(installation().await).await
}

pub async fn people_of(site: Installation) -> People {
    let (ana, rob) = (site.ana().await, site.agent("rob", Role::ReadOnly).await);
    let mei = site.agent("mei", Role::Agent).await;
    let walt = site.walt().await;
    let vera = site.vera().await;
    let id = ana.newest("queue").await;
    // The first team.
    ana.person.post("/desk/settings/teams", &[("name", "Returns")]).await.goes_to();
    // The first tag.
    ana.person.post("/desk/settings/tags", &[("name", "late")]).await.goes_to();
    // The first canned reply.
    let reply = [("title", "Hours"), ("short_code", "hours"), ("body", "9 to 6")];
    ana.person.post("/desk/settings/canned-replies", &reply).await.goes_to();
    // The second contact is vera's, as the second conversation is.
    People { site, walt, vera, rob, mei, ana, id, contact: 2, programs: Mutex::default() }
}

impl People {
    /// Always the same one.
    async fn program(&self, who: &str) -> Program {
        let mut programs = self.programs.lock().await;
        if !programs.contains_key(who) {
            let program = match who {
                "walt" => self.site.holder(&self.walt.person.cookies()["kefu-v"]),
                "vera" => self.site.holder(&self.vera.person.cookies()["kefu-v"]),
                "nobody" => self.site.holder("kfa_nobody"),
                agent => self.site.agent_program(agent, Scope::Write).await,
            };
            programs.insert(who.to_owned(), program);
        }
        programs[who].clone()
    }

    pub async fn visit(&self, who: &str, method: &str, path: &str) -> u16 {
        let (person, path) = (self.person(who), self.address(path));
        let body = "nonce=n&body=x&visitor=x&seq=1&name=x&language=en&theme=dark&session=AAAA&token=1&scope=read&lifetime=30\
            &email=a%40b.c&password=correct+horse+battery&current=x&role=agent&capacity=7&token=AAAA\
            &field=phone&value=138&note=999&reason=x&with=1&contact=1&key=x&kind=text&label_zh=x&label_en=x\
            &state=busy&single=off&volume=50&pages=[{%22ago%22:1,%22url%22:%22https://a.example%22}]";
        // A field may come once only where it is a number.
        let body = if path.ends_with("tokens/end") { "token=999" } else { body };
        let body = if path.ends_with("/setup") {
            "token=AAAA&name=x&email=a%40b.c&password=correct+horse+battery&language=en"
        } else {
            body
        };
        let body =
            if path == "/invite" { "token=AAAA&password=correct+horse+battery" } else { body };
        let body = if path.contains("/canned-replies") {
            "title=x&short_code=x&body=x&sheet=Title%2CShort+code%2CText%0Aa%2Cb%2Cc"
        } else {
            body
        };
        let headers = [("sec-fetch-site", "same-origin")];
        let body = if method == "POST" { body } else { "" };
        person.head_of(method.parse().unwrap(), &path, &headers, body).await.as_u16()
    }

    fn person(&self, who: &str) -> Person {
        match who {
            "nobody" => self.site.stranger(),
            "walt" => self.walt.person.clone(),
            "vera" => self.vera.person.clone(),
            "rob" => self.rob.person.clone(),
            "mei" => self.mei.person.clone(),
            _ => self.ana.person.clone(),
        }
    }

    /// A route with the names that are there.
    fn address(&self, path: &str) -> String {
        let path = path
            .replace(r":file<[^/]+\\.js>", "demo.js")
            .replace(":cid", &self.vera.cid)
            .replace(":id", &self.id.to_string())
            .replace(":contact", &self.contact.to_string())
            .replace(":attribute", "999")
            .replace(":file", "AAAAAAAAAAAAAAAAAAAAAA")
            .replace(":name", "x")
            .replace(":site", "demo")
            .replace("/m/:seq/:verb", "/m/1/recall")
            .replace(":seq", "1")
            .replace(":verb", "claim")
            .replace(":team", "1")
            // rob: nobody changes herself in all these ways.
            .replace(":agent", "2")
            .replace(":reply", "1")
            .replace("/desk/canned", &format!("/desk/canned?c={}", self.id))
            .replace("*name", "nothing");
        if path == "/desk/search" { "/desk/search?q=thing".to_owned() } else { path }
    }

    pub async fn ask(&self, who: &str, method: &str, path: &str) -> Answer {
        let program = self.program(who).await;
        let path = path
            .replace("{conversation}", self.conversation(who).to_string().trim_matches('"'))
            .replace("{contact}", &self.contact.to_string())
            .replace("{note}", "1")
            .replace("{seq}", "1")
            .replace("{file}", "AAAAAAAAAAAAAAAAAAAAAA");
        // What is looked for is no part of the path.
        let path = if path == "/search" { "/search?q=thing".to_owned() } else { path };
        let nonce = format!("n-{who}");
        let mut body = json!({ "site": "demo", "nonce": nonce, "body": "x", "seq": 1,
            "until": in_an_hour(), "priority": "high", "add": [1], "team": 1 });
        if path.ends_with("/invite") {
            body["agent"] = json!(1);
        }
        if path.starts_with("/contacts") {
            body = json!({ "nonce": nonce, "body": "x", "add": ["x"], "reason": "x", "with": 1 });
        }
        let method: Method = method.parse().unwrap();
        program.ask(method.clone(), &path, (method == Method::POST).then_some(&body)).await
    }

    /// As programs call vera's: agents by its number, visitors by its public id.
    fn conversation(&self, who: &str) -> Value {
        let agents = ["rob", "mei", "ana"].contains(&who);
        if agents { json!(self.id) } else { json!(self.vera.cid) }
    }

    /// A frame, and how it is answered: by a type, or the code of a refusal.
    async fn say(&self, server: SocketAddr, who: &str, name: &str) -> String {
        let mut line = self.program(who).await.connect(server).await.unwrap();
        line.until("hello").await;
        let mut frame = json!({ "type": name, "ref": "r", "site": "demo", "conversation": self.conversation(who),
            "nonce": format!("n-{who}"), "body": "x", "seq": 1, "after": 0,
            "until": in_an_hour(), "priority": "high", "add": [1] });
        let to = if name == "invite" { "agent" } else { "team" };
        frame[to] = json!(1);
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

/// A few rows at a time, which know nothing of each other.
async fn each<T>(rows: &[T], ask: impl AsyncFn(&T)) {
    stream::iter(rows).for_each_concurrent(4, |row| ask(row)).await;
}

/// Whoever only looks changes nothing, nor does whoever is refused: all of that may be asked of the same people.
fn changes(method: &str, answers: &[u16]) -> bool {
    method != "GET" && answers.iter().any(|status| *status < 400)
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_let_in_whom_they_should() {
    let readers = people().await;
    each(PAGES, async |(method, path, expected)| {
        let mut writers = None;
        if changes(method, expected) {
            writers = Some(people().await);
        }
        for (who, status) in EVERYBODY.into_iter().zip(expected) {
            // What mei did is still to be done where ana does it.
            if who == "ana" && changes(method, &[expected[MEI]]) {
                writers = Some(people().await);
            }
            let people = writers.as_ref().unwrap_or(&readers);
            assert_eq!(people.visit(who, method, path).await, *status, "{who}: {method} {path}");
        }
    })
    .await;
}

/// Which pages may stand in a frame, and what every answer tells the browser (T36).
#[tokio::test]
async fn every_answer_says_what_a_browser_must_not_do_with_it() {
    let people = people().await;
    let mut pages = 0;
    for (_, path, answers) in PAGES.iter().filter(|(method, ..)| *method == "GET") {
        for (who, status) in EVERYBODY.into_iter().zip(answers) {
            let address = people.address(path);
            let headers = people.person(who).head(&address, &[]).await;
            let says = |name: &str| headers.get(name).map_or("", |value| value.to_str().unwrap());
            let (what, policy) = (format!("{who} at {address}"), says("content-security-policy"));
            assert_eq!(says("x-content-type-options"), "nosniff", "{what}");
            assert_eq!(says("referrer-policy"), "same-origin", "{what}");
            assert!(policy.starts_with("default-src 'none'"), "{what}: {policy}");
            assert!(!policy.contains("unsafe") && !policy.contains('*'), "{what}: {policy}");
            let resource = if path.ends_with(".js>") { "cross-origin" } else { "same-origin" };
            assert_eq!(says("cross-origin-resource-policy"), resource, "{what}");
            // A fragment is no page.
            if !says("content-type").starts_with("text/html") || path.ends_with("/messages") {
                continue;
            }
            pages += 1;
            assert_eq!(says("cross-origin-opener-policy"), "same-origin", "{what}");
            assert!(says("permissions-policy").contains("camera=()"), "{what}");
            // The chat alone may stand in a frame, what goes wrong in it anywhere, and how it would look.
            let chat = path.starts_with("/w/") || path.starts_with("/c/");
            let ancestors = match status {
                200 if chat || path.ends_with("/preview") => "frame-ancestors 'self'",
                400.. if chat => "frame-ancestors 'self' http: https:",
                _ => "frame-ancestors 'none'",
            };
            assert!(policy.ends_with(ancestors), "{what}: {policy}");
        }
    }
    assert!(pages > 100, "{pages} pages were looked at");
}

#[tokio::test(flavor = "multi_thread")]
async fn operations_let_in_whom_they_should() {
    let readers = people().await;
    each(OPERATIONS, async |(method, path, expected)| {
        let mut writers = None;
        if changes(method, expected) {
            writers = Some(people().await);
        }
        for (who, status) in EVERYBODY.into_iter().zip(expected) {
            if who == "ana" && changes(method, &[expected[MEI]]) {
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

#[tokio::test(flavor = "multi_thread")]
async fn frames_let_in_whom_they_should() {
    each(FRAMES, async |(name, expected)| {
        let mut people = people().await;
        let mut server = people.site.listening().await;
        for (who, outcome) in EVERYBODY[1..].iter().zip(expected) {
            if *who == "ana" && expected[MEI - 1] == "ok" {
                people = self::people().await;
                server = people.site.listening().await;
            }
            assert_eq!(people.say(server, who, name).await, *outcome, "{who}: {name}");
        }
    })
    .await;
}

/// Only which of her colleagues she may not change is another question, of agent.rs.
#[tokio::test(flavor = "multi_thread")]
async fn an_admin_is_answered_as_the_owner_is() {
    let readers = people_with_another_owner().await;
    let server = readers.site.listening().await;
    each(PAGES, async |(method, path, expected)| {
        let mut writers = None;
        if changes(method, &[expected[ANA]]) {
            writers = Some(people_with_another_owner().await);
        }
        let people = writers.as_ref().unwrap_or(&readers);
        assert_eq!(people.visit("ana", method, path).await, expected[ANA], "{method} {path}");
    })
    .await;
    each(OPERATIONS, async |(method, path, expected)| {
        let mut writers = None;
        if changes(method, &[expected[ANA]]) {
            writers = Some(people_with_another_owner().await);
        }
        let people = writers.as_ref().unwrap_or(&readers);
        let answer = people.ask("ana", method, path).await;
        assert_eq!(answer.status.as_u16(), expected[ANA], "{method} {path} {}", answer.body);
    })
    .await;
    each(FRAMES, async |(name, expected)| {
        let expected = expected[ANA - 1];
        if expected == "ok" {
            let people = people_with_another_owner().await;
            let server = people.site.listening().await;
            assert_eq!(people.say(server, "ana", name).await, expected, "{name}");
        } else {
            assert_eq!(readers.say(server, "ana", name).await, expected, "{name}");
        }
    })
    .await;
}

/// Mei owns the place, and ana is an admin.
async fn people_with_another_owner() -> People {
    let people = people().await;
    people.site.change("UPDATE agent SET role = 'owner' WHERE name = 'mei'").await;
    people.site.change("UPDATE agent SET role = 'admin' WHERE name = 'ana'").await;
    people
}

/// Walt's token was taken away, vera's and all that ana holds have expired; mei was disabled, as was rob while he was just
/// signing in, so that his session is left.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_was_somebody_once_is_answered_as_nobody_is() {
    let people = people().await;
    let server = people.site.listening().await;
    for who in &EVERYBODY[1..] {
        people.program(who).await.get("/me").await.must(StatusCode::OK);
    }
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
        for (method, path, [nobody, ..]) in OPERATIONS {
            let answer = people.ask(who, method, path).await;
            assert_eq!(answer.status.as_u16(), *nobody, "{who}: {method} {path}");
            if *nobody == 401 {
                let refusal = people.ask("nobody", method, path).await;
                assert_eq!(words(&answer), words(&refusal), "{who}: {method} {path}");
            }
        }
        // Nor is there a socket in which a frame could be said.
        let opened = people.program(who).await.connect(server).await;
        assert_eq!(status(opened), 401, "{who}");
    }
    assert_eq!(status(people.program("nobody").await.connect(server).await), 401);
}

/// Vera's conversation is the Returns' and mei is in no team. How she is told of it by lists, streams and searches, and on
/// every way that a path alone does not name, is in visibility.rs.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_is_in_another_team_is_answered_as_of_what_never_was() {
    let mut people = people().await;
    people.site.change("UPDATE conversation SET team_id = 1 WHERE id = 2").await;
    let server = people.site.listening().await;
    let hers = people.told_to_mei(server).await;
    (people.id, people.contact) = (9_999, 9_999);
    assert_eq!(hers, people.told_to_mei(server).await);
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
    /// Each row that names vera's conversation or vera herself, and how mei is answered.
    async fn told_to_mei(&self, server: SocketAddr) -> Vec<(String, String)> {
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
            told.push(((*name).to_owned(), self.say(server, "mei", name).await));
        }
        told
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_of_pages_let_in_whom_they_should() {
    let people = people().await;
    let server = people.site.listening().await;
    let own = format!("http://{server}");
    let (visitors, desk) = (people.vera.path("/ws?after=0"), "/desk/ws");
    for (person, path, expected) in [
        (&people.site.stranger(), visitors.as_str(), 404),
        (&people.walt.person, &visitors, 404),
        (&people.ana.person, &visitors, 404),
        (&people.vera.person, &visitors, 101),
        (&people.vera.person, desk, 401),
        (&people.rob.person, desk, 101),
    ] {
        let opened = person.connect(server, path, &[("origin", own.as_str())]).await;
        assert_eq!(status(opened), expected, "{path}");
    }
}

/// How a request for a socket is answered.
fn status<T>(opened: Result<T, tungstenite::Error>) -> u16 {
    match opened {
        Ok(_) => 101,
        Err(tungstenite::Error::Http(response)) => response.status().as_u16(),
        Err(other) => panic!("{other}"),
    }
}

/// What a program is told that is refused; of what is done, nothing.
fn words(answer: &Answer) -> Value {
    let told: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    told["error"]["message"].clone()
}
