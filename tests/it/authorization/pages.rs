//! Who may see and do what on pages.
use super::{
    EVERYBODY, changes, each, meis,
    people::{People, people},
};
use std::sync::Mutex;
use tokio_tungstenite::tungstenite;

/// What each of them is answered.
type Answers = [u16; EVERYBODY.len()];

/// Whoever is no agent is led to the door, and from there back to what was asked for.
pub const DOOR: u16 = 0;

/// What each is answered, in this order: those who may not come first, so that nothing was changed yet when they try.
/// 303 leads on; 404 is the same for what is not theirs as for what does not exist.
pub const PAGES: &[(&str, &str, Answers)] = &[
    ("GET", "/", [200, 200, 200, 200, 200, 200]),
    ("GET", "/demo", [200, 200, 200, 200, 200, 200]),
    ("GET", "/a/*name", [200, 200, 200, 200, 200, 200]),
    ("GET", "/healthz", [200, 200, 200, 200, 200, 200]),
    ("GET", "/readyz", [200, 200, 200, 200, 200, 200]),
    // At an address of its own, and nowhere else.
    ("GET", "/metrics", [404, 404, 404, 404, 404, 404]),
    ("GET", "/w/:site", [200, 303, 200, 303, 200, 200]),
    ("GET", r"/w/:file<[^/]+\\.js>", [200, 200, 200, 200, 200, 200]),
    ("GET", "/w/:site/look.css", [200, 200, 200, 200, 200, 200]),
    ("GET", "/w/:site/logo", [200, 200, 200, 200, 200, 200]),
    ("POST", "/w/:site/start", [303, 303, 303, 303, 303, 303]),
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
    ("POST", "/c/:cid/files", [404, 404, 404, 200, 404, 404]),
    ("GET", "/c/:cid/files/:file", [404, 404, 404, 303, 404, 404]),
    // Whoever was given the link.
    ("GET", "/f/:id/:name", [200, 200, 200, 200, 200, 200]),
    ("GET", "/c/:cid/events", [404, 404, 404, 200, 404, 404]),
    ("GET", "/c/:cid/ws", [404, 404, 404, 101, 404, 404]),
    ("GET", "/c/:cid/live", [404, 404, 404, 200, 404, 404]),
    ("GET", "/setup", [303, 303, 303, 303, 303, 303]),
    // There is an owner: before, whoever has the token that the log says (setup.rs).
    ("POST", "/setup", [403, 403, 403, 403, 403, 403]),
    ("GET", "/setup/install", [DOOR, DOOR, 200, DOOR, 200, 200]),
    ("GET", "/login", [200, 200, 303, 200, 303, 303]),
    // Whoever was given the link.
    ("GET", "/invite", [200, 200, 200, 200, 200, 200]),
    ("GET", "/desk", [303, 303, 303, 303, 303, 303]),
    ("GET", "/desk/events", [401, 401, 200, 401, 200, 200]),
    ("GET", "/desk/ws", [401, 401, 101, 401, 101, 101]),
    ("GET", "/desk/c", [DOOR, DOOR, 200, DOOR, 200, 200]),
    ("GET", "/desk/c/:id", [DOOR, DOOR, 200, DOOR, 200, 200]),
    ("GET", "/desk/c/:id/messages", [401, 401, 200, 401, 200, 200]),
    ("POST", "/desk/c/:id/messages", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/files", [401, 401, 403, 401, 200, 200]),
    ("GET", "/desk/c/:id/files/:file", [401, 401, 303, 401, 303, 303]),
    // A reader who may not act leaves no mark, and need not know.
    ("POST", "/desk/c/:id/seen", [401, 401, 204, 401, 204, 204]),
    ("POST", "/desk/c/:id/typing", [401, 401, 403, 401, 204, 204]),
    ("GET", "/desk/c/:id/transfer", [DOOR, DOOR, 403, DOOR, 200, 200]),
    ("GET", "/desk/c/:id/invite", [DOOR, DOOR, 403, DOOR, 200, 200]),
    ("GET", "/desk/c/:id/snooze", [DOOR, DOOR, 403, DOOR, 200, 200]),
    ("GET", "/desk/c/:id/priority", [DOOR, DOOR, 403, DOOR, 200, 200]),
    ("GET", "/desk/c/:id/tags", [DOOR, DOOR, 403, DOOR, 200, 200]),
    ("GET", "/desk/c/:id/close", [DOOR, DOOR, 403, DOOR, 200, 200]),
    ("POST", "/desk/c/:id/claim", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/close", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/reopen", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/transfer", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/invite", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/snooze", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/wake", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/priority", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/tags", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/unread", [401, 401, 403, 401, 303, 303]),
    ("GET", "/desk/c/:id/m/:seq", [DOOR, DOOR, 200, DOOR, 200, 200]),
    ("GET", "/desk/c/:id/m/:seq/earlier", [DOOR, DOOR, 403, DOOR, 403, 200]),
    // What she said herself; of others see amending.rs.
    ("POST", "/desk/c/:id/m/:seq/edit", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/m/:seq/recall", [401, 401, 403, 401, 303, 303]),
    ("GET", "/desk/bulk", [DOOR, DOOR, 403, DOOR, 200, 200]),
    ("POST", "/desk/bulk", [401, 401, 403, 401, 200, 200]),
    ("GET", "/desk/filter", [DOOR, DOOR, 200, DOOR, 200, 200]),
    ("POST", "/desk/views", [401, 401, 303, 401, 303, 303]),
    ("POST", "/desk/views/:id", [401, 401, 303, 401, 303, 303]),
    ("POST", "/desk/views/:id/remove", [401, 401, 303, 401, 303, 303]),
    ("GET", "/desk/search", [DOOR, DOOR, 200, DOOR, 200, 200]),
    ("GET", "/desk/palette", [401, 401, 200, 401, 200, 200]),
    ("GET", "/desk/me", [DOOR, DOOR, 200, DOOR, 200, 200]),
    ("GET", "/desk/settings", [DOOR, DOOR, 303, DOOR, 303, 303]),
    ("GET", "/desk/settings/tags", [DOOR, DOOR, 403, DOOR, 403, 200]),
    ("POST", "/desk/settings/tags", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/settings/tags/:id/rename", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/settings/tags/:id/remove", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/me/state", [401, 401, 303, 401, 303, 303]),
    ("GET", "/desk/keys", [DOOR, DOOR, 200, DOOR, 200, 200]),
    ("POST", "/desk/keys", [401, 401, 303, 401, 303, 303]),
    ("GET", "/desk/settings/notifications", [DOOR, DOOR, 200, DOOR, 200, 200]),
    ("POST", "/desk/settings/notifications", [401, 401, 303, 401, 303, 303]),
    ("GET", "/desk/c/:id/side", [DOOR, DOOR, 200, DOOR, 200, 200]),
    ("POST", "/desk/c/:id/side/fields", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/side/tags", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/side/tags/remove", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/side/notes", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/side/notes/remove", [401, 401, 403, 401, 303, 303]),
    ("GET", "/desk/c/:id/side/merge", [DOOR, DOOR, 403, DOOR, 200, 200]),
    ("POST", "/desk/c/:id/side/merge", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/side/block", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/c/:id/side/unblock", [401, 401, 403, 401, 303, 303]),
    ("GET", "/desk/contacts/:contact", [DOOR, DOOR, 303, DOOR, 303, 303]),
    ("POST", "/desk/c/:id/draft", [401, 401, 403, 401, 204, 204]),
    ("GET", "/desk/canned", [DOOR, DOOR, 200, DOOR, 200, 200]),
    ("GET", "/desk/callees", [401, 401, 403, 401, 200, 200]),
    ("GET", "/desk/emoji", [401, 401, 200, 401, 200, 200]),
    ("GET", "/desk/settings/attributes", [DOOR, DOOR, 403, DOOR, 403, 200]),
    ("POST", "/desk/settings/attributes", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/settings/attributes/:attribute", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/settings/attributes/:attribute/remove", [401, 401, 403, 401, 403, 303]),
    ("GET", "/desk/settings/blocked", [DOOR, DOOR, 200, DOOR, 200, 200]),
    ("POST", "/desk/settings/blocked/lift", [401, 401, 403, 401, 303, 303]),
    ("POST", "/desk/me/profile", [401, 401, 303, 401, 303, 303]),
    ("POST", "/desk/me/sessions/end", [401, 401, 303, 401, 303, 303]),
    ("POST", "/desk/me/tokens", [401, 401, 200, 401, 200, 200]),
    ("POST", "/desk/me/tokens/end", [401, 401, 303, 401, 303, 303]),
    ("GET", "/desk/settings/agents", [DOOR, DOOR, 403, DOOR, 403, 200]),
    ("POST", "/desk/settings/agents", [401, 401, 403, 401, 403, 200]),
    ("POST", "/desk/settings/agents/:agent", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/settings/agents/:agent/link", [401, 401, 403, 401, 403, 200]),
    ("POST", "/desk/settings/agents/:agent/disable", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/settings/agents/:agent/enable", [401, 401, 403, 401, 403, 303]),
    ("GET", "/desk/settings/file-kinds", [DOOR, DOOR, 403, DOOR, 403, 200]),
    ("POST", "/desk/settings/file-kinds", [401, 401, 403, 401, 403, 303]),
    ("GET", "/desk/settings/audit", [DOOR, DOOR, 403, DOOR, 403, 200]),
    ("GET", "/desk/settings/canned-replies", [DOOR, DOOR, 200, DOOR, 200, 200]),
    ("POST", "/desk/settings/canned-replies", [401, 401, 403, 401, 303, 303]),
    ("GET", "/desk/settings/canned-replies/new", [DOOR, DOOR, 403, DOOR, 200, 200]),
    ("GET", "/desk/settings/canned-replies/export", [DOOR, DOOR, 200, DOOR, 200, 200]),
    ("GET", "/desk/settings/canned-replies/import", [DOOR, DOOR, 403, DOOR, 200, 200]),
    ("POST", "/desk/settings/canned-replies/import", [401, 401, 403, 401, 200, 200]),
    ("POST", "/desk/settings/canned-replies/import/files", [401, 401, 403, 401, 200, 200]),
    // The first one is ana's own, and not there for anybody else.
    ("GET", "/desk/settings/canned-replies/:reply", [DOOR, DOOR, 404, DOOR, 404, 200]),
    ("POST", "/desk/settings/canned-replies/:reply", [401, 401, 404, 401, 404, 303]),
    ("POST", "/desk/settings/canned-replies/:reply/remove", [401, 401, 404, 401, 404, 303]),
    ("GET", "/desk/settings/sites", [DOOR, DOOR, 403, DOOR, 403, 200]),
    ("POST", "/desk/settings/sites", [401, 401, 403, 401, 403, 303]),
    ("GET", "/desk/settings/sites/:site", [DOOR, DOOR, 403, DOOR, 403, 200]),
    ("POST", "/desk/settings/sites/:site", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/settings/sites/:site/logo/files", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/settings/sites/:site/logo/remove", [401, 401, 403, 401, 403, 303]),
    ("GET", "/desk/settings/sites/:site/install", [DOOR, DOOR, 403, DOOR, 403, 200]),
    ("GET", "/desk/settings/sites/:site/watch", [401, 401, 403, 401, 403, 200]),
    ("POST", "/desk/settings/sites/:site/origins", [401, 401, 403, 401, 403, 303]),
    ("GET", "/desk/settings/sites/:site/qr.svg", [401, 401, 403, 401, 403, 200]),
    ("GET", "/desk/settings/sites/:site/preview", [401, 401, 403, 401, 403, 200]),
    ("GET", "/desk/settings/sites/:site/identity", [DOOR, DOOR, 403, DOOR, 403, 200]),
    ("POST", "/desk/settings/sites/:site/identity", [401, 401, 403, 401, 403, 303]),
    ("GET", "/desk/settings/teams", [DOOR, DOOR, 403, DOOR, 403, 200]),
    ("POST", "/desk/settings/teams", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/settings/teams/:team", [401, 401, 403, 401, 403, 303]),
    ("POST", "/desk/settings/teams/:team/remove", [401, 401, 403, 401, 403, 303]),
    ("GET", "/api/docs", [200, 200, 200, 200, 200, 200]),
    // With a token of theirs.
    ("GET", "/api/v1/ws", [401, 101, 101, 101, 101, 101]),
    ("GET", "/api/v1/openapi.json", [200, 200, 200, 200, 200, 200]),
    ("GET", "/api/v1/asyncapi.json", [200, 200, 200, 200, 200, 200]),
    // Last, for they end sessions and tokens. Whoever knows the password of an account, and whoever was given the link.
    ("POST", "/login", [303, 303, 303, 303, 303, 303]),
    ("POST", "/invite", [303, 303, 303, 303, 303, 303]),
    ("POST", "/desk/me/password", [401, 401, 303, 401, 303, 303]),
    ("POST", "/logout", [401, 401, 303, 401, 303, 303]),
    ("POST", "/w/:site/forget", [204, 204, 204, 204, 204, 204]),
];

impl People {
    pub async fn visit(&self, who: &str, method: &str, path: &str) -> u16 {
        self.get_ready(path).await;
        let address = self.address(who, path).await;
        if path.ends_with("/ws") {
            return self.open(who, &address).await;
        }
        let form = if method == "POST" { self.form(who, path).await } else { String::new() };
        let (status, headers) = self.send(&self.person(who), method, &address, &form).await;
        let leads_to = headers.get("location").map_or("", |place| place.to_str().unwrap());
        if leads_to.starts_with("/login?next=") { DOOR } else { status.as_u16() }
    }

    /// A socket needs a real connection; one of programs is asked for with a token.
    async fn open(&self, who: &str, address: &str) -> u16 {
        let server = self.server().await;
        if address == "/api/v1/ws" {
            return status(self.program(who).await.connect(server).await);
        }
        let own = format!("http://{server}");
        let headers = [("origin", own.as_str())];
        status(self.person(who).connect(server, address, &headers).await)
    }

    /// A route with the names of what is there.
    pub async fn address(&self, who: &str, path: &str) -> String {
        // What is good by its link names that in no part of the route.
        let path = if path == "/invite" { "/invite?token={invitation}" } else { path };
        let named = path
            .replace(r":file<[^/]+\\.js>", "demo.js")
            .replace("/a/*name", "{asset}")
            .replace("/f/:id/:name", "{link}")
            .replace("/views/:id", "/views/{view}")
            .replace("/tags/:id", "/tags/{tag}")
            .replace(":cid/ws", ":cid/ws?after=0")
            .replace(":cid", "{cid}")
            .replace(":id", "{id}")
            .replace(":contact", "{contact}")
            .replace(":attribute", "{attribute}")
            .replace(":file", "{file}")
            .replace(":site", "demo")
            .replace(":seq/earlier", "{amended}/earlier")
            .replace(":seq", "{said}")
            .replace(":team", "{team}")
            .replace(":agent", "{newcomer}")
            .replace(":reply", "{reply}")
            .replace("/desk/canned", "/desk/canned?c={id}")
            .replace("/desk/search", "/desk/search?q=thing");
        self.filled(who, &named).await
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

#[tokio::test(flavor = "multi_thread")]
async fn pages_let_in_whom_they_should() {
    let (readers, wrong) = (people().await, Mutex::new(Vec::new()));
    each(PAGES, async |(method, path, expected)| {
        let mut writers = None;
        if changes(method, expected) {
            writers = Some(people().await);
        }
        for (who, status) in EVERYBODY.into_iter().zip(expected) {
            // What mei did is still to be done where ana does it.
            if who == "ana" && changes(method, &[meis(expected)]) {
                writers = Some(people().await);
            }
            let people = writers.as_ref().unwrap_or(&readers);
            let answered = people.visit(who, method, path).await;
            if answered != *status {
                let told = format!("{who}: {method} {path} {answered}, not {status}");
                wrong.lock().unwrap().push(told);
            }
        }
    })
    .await;
    let wrong = wrong.into_inner().unwrap();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// Which pages may stand in a frame, and what every answer tells the browser (T36).
#[tokio::test]
async fn every_answer_says_what_a_browser_must_not_do_with_it() {
    let people = people().await;
    let mut pages = 0;
    for (_, path, answers) in PAGES.iter().filter(|(method, ..)| *method == "GET") {
        people.get_ready(path).await;
        for (who, status) in EVERYBODY.into_iter().zip(answers) {
            let address = people.address(who, path).await;
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
                // A socket that is asked for as a page is refused.
                101 | 400.. if chat => "frame-ancestors 'self' http: https:",
                _ => "frame-ancestors 'none'",
            };
            assert!(policy.ends_with(ancestors), "{what}: {policy}");
        }
    }
    assert!(pages > 100, "{pages} pages were looked at");
}
