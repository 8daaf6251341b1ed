//! The house rules, checked by reading the source; why they are so: docs/architecture.md and STYLE.md.
#![expect(clippy::unwrap_used, reason = "a test that cannot read the source fails")]
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Bottom to top. A module uses only floors below its own, and of its own floor only what a door leads to.
const FLOORS: &[&[&str]] = &[
    // words
    &["error"],
    &["ids"],
    &["text"],
    &["event", "config"],
    // machines
    &["db", "bus", "clock", "metrics"],
    &["audit", "files", "index"],
    &["app"],
    &["web"],
    // features
    &[
        "agent",
        "attachment",
        "canned_reply",
        "contact",
        "conversation",
        "demo",
        "desk",
        "dossier",
        "draft",
        "health",
        "identity",
        "saved_view",
        "search",
        "setup",
        "site",
        "staff",
        "tag",
        "team",
        "widget",
    ],
    // roof
    &["api"],
    &["live"],
    &["jobs"],
    &["routes", "seed"],
    &["commands"],
];
const FEATURES: &[&str] = FLOORS[8];

/// Which feature may use which.
const DOORS: &[(&str, &[&str])] = &[
    ("conversation", &["agent", "attachment", "contact", "site", "team"]),
    (
        "desk",
        &[
            "agent",
            "attachment",
            "canned_reply",
            "contact",
            "conversation",
            "draft",
            "saved_view",
            "site",
            "tag",
            "team",
        ],
    ),
    ("saved_view", &["agent"]),
    ("attachment", &["agent"]),
    ("tag", &["agent"]),
    (
        "search",
        &["agent", "canned_reply", "contact", "conversation", "desk", "saved_view", "site", "tag"],
    ),
    ("dossier", &["agent", "contact", "conversation", "site"]),
    ("setup", &["agent", "site"]),
    ("demo", &["agent", "site"]),
    ("staff", &["agent", "contact", "team"]),
    ("team", &["agent"]),
    ("site", &["team"]),
    ("canned_reply", &["agent", "attachment", "contact", "conversation", "team"]),
    ("draft", &["agent", "conversation"]),
    ("widget", &["agent", "attachment", "site", "team"]),
    ("identity", &["agent", "contact", "conversation", "dossier", "site"]),
];

/// Each tool in its cupboard: the files that may say a word.
const CUPBOARDS: &[(&str, &[&str])] = &[
    ("sea_orm::", &["/store.rs", "/store/", "db/", "error.rs", "web/session_store.rs"]),
    ("migration::", &["db/"]),
    (
        "poem::",
        &[
            "/web.rs",
            "agent/web/",
            "attachment/web/",
            "canned_reply/web/",
            "conversation/web/",
            "desk/web/",
            "staff/web/",
            "dossier/web/",
            "search/web/",
            "widget/web/",
            "identity/web/",
            "web/",
            "api/",
            "live/",
            "routes.rs",
        ],
    ),
    ("askama::", &["/web.rs", "/web/", "/live.rs", "live/", "api/docs.rs"]),
    ("tower_sessions::", &["web/", "agent/web/"]),
    ("async_stream::", &["live/"]),
    ("poem_openapi::", &["api/"]),
    ("schemars::", &["api/", "live/"]),
    ("argon2::", &["agent/password.rs"]),
    ("hyper::", &["web/serve.rs"]),
    ("tokio_io_timeout::", &["web/serve.rs"]),
    ("hyper_util::", &["web/serve.rs"]),
    ("governor::", &["web/limits.rs"]),
    ("palette::", &["site/look.rs"]),
    ("qrcode::", &["web/qr.rs"]),
    ("flate2::", &["web/compress.rs", "widget/web/"]),
    ("csv::", &["text/sheet.rs", "canned_reply/sheet.rs"]),
    ("encoding_rs::", &["canned_reply/sheet.rs"]),
    ("clap::", &["config.rs", "commands.rs", "main.rs"]),
    ("fluent_templates::", &["text/"]),
    ("tracing_subscriber::", &["main.rs"]),
    ("prometheus_client::", &["metrics.rs"]),
    ("async_nats::", &["bus/nats.rs"]),
    ("rustix::", &["db/"]),
    ("object_store::", &["files/"]),
    ("rustls::", &["files/place.rs"]),
    ("image::", &["attachment/picture.rs", "attachment/turned.rs"]),
    ("gif::", &["attachment/picture.rs"]),
    ("png::", &["attachment/picture.rs"]),
    ("multer::", &["web/ahead.rs", "attachment/web/"]),
    ("infer::", &["attachment/added.rs"]),
    ("rawzip::", &["attachment/archive.rs"]),
    // Nothing that people type can be called: nobody here calls an address but those who are told it when they start.
    ("reqwest::", &[]),
    ("TcpStream::connect", &[]),
    ("TcpSocket", &[]),
    ("UdpSocket", &[]),
    ("lookup_host", &[]),
    ("ToSocketAddrs", &[]),
    ("to_socket_addrs", &[]),
    ("process::Command", &[]),
    (".publish(", &["/actions.rs", "agent/actions/", "/writer.rs", "bus/bridge.rs"]),
    (
        ".begin()",
        &["/actions.rs", "agent/actions/", "/amending.rs", "/handling.rs", "/writer.rs", "db/"],
    ),
    ("println!", &["commands.rs"]),
];

#[test]
fn every_module_has_a_floor() {
    let homeless: BTreeSet<_> = sources()
        .into_iter()
        .map(|source| source.module)
        .filter(|module| floor(module).is_none())
        .collect();
    assert_eq!(homeless, BTreeSet::new(), "give them a floor in FLOORS");
}

#[test]
fn nobody_looks_upstairs_and_features_meet_only_at_their_doors() {
    hold(sources().iter().flat_map(|source| {
        let here = source.module.clone();
        source.lines().flat_map(move |(at, line)| {
            let here = here.clone();
            modules_named(&line)
                .into_iter()
                .filter(move |used| !may_use(&here, used))
                .map(move |used| format!("{at}: may not use {used}"))
        })
    }));
}

#[test]
fn doors_lead_in_no_circle_and_each_is_used() {
    let leads = |from: &'static str| {
        DOORS
            .iter()
            .filter(move |(room, _)| *room == from)
            .flat_map(|(_, rooms)| rooms.iter().copied())
    };
    for &start in FEATURES {
        let (mut seen, mut next) = (BTreeSet::new(), vec![start]);
        while let Some(room) = next.pop() {
            for further in leads(room) {
                assert_ne!(further, start, "{start} leads back to itself");
                if seen.insert(further) {
                    next.push(further);
                }
            }
        }
    }
    let used: BTreeSet<(String, String)> = sources()
        .iter()
        .flat_map(|source| {
            let here = source.module.clone();
            source
                .lines()
                .flat_map(|(_, line)| modules_named(&line))
                .map(move |used| (here.clone(), used))
                .collect::<Vec<_>>()
        })
        .collect();
    for (room, rooms) in DOORS {
        for other in *rooms {
            assert!(
                used.contains(&((*room).into(), (*other).into())),
                "nobody uses the door {room} → {other}"
            );
        }
    }
}

#[test]
fn each_tool_stays_in_its_cupboard() {
    hold(sources().iter().flat_map(|source| {
        source.lines().flat_map(|(at, line)| {
            let path = at.rsplit_once(':').unwrap().0.to_owned();
            CUPBOARDS
                .iter()
                .filter(|(word, homes)| {
                    line.contains(word) && !homes.iter().any(|home| is_home(&path, home))
                })
                .map(|(word, homes)| format!("{at}: says {word}, which belongs in {homes:?}"))
                .collect::<Vec<_>>()
        })
    }));
}

#[test]
fn rules_know_only_words() {
    let words: Vec<&str> = FLOORS[..4].concat();
    hold(sources().iter().filter(|source| source.path.ends_with("/model.rs")).flat_map(|source| {
        let words = words.clone();
        source.lines().flat_map(move |(at, line)| {
            let strange = modules_named(&line)
                .into_iter()
                .filter(|used| !words.contains(&used.as_str()))
                .collect::<Vec<_>>();
            strange.into_iter().map(move |used| {
                format!("{at}: a model uses {used}; time and ids come in as arguments")
            })
        })
    }));
}

#[test]
fn nobody_climbs_out_or_keeps_a_global_that_changes() {
    hold(sources().iter().flat_map(|source| {
        source.lines().filter_map(|(at, line)| {
            let climbs = line.contains("super::super");
            let global = line.contains("static mut")
                || (line.trim_start().starts_with("static ")
                    && (line.contains("Mutex<")
                        || line.contains("RwLock<")
                        || line.contains("Atomic")));
            (climbs || global).then(|| format!("{at}: {}", line.trim()))
        })
    }));
}

#[test]
fn texts_for_people_are_in_the_catalogue() {
    let han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    hold(sources().iter().flat_map(|source| {
        source
            .lines()
            .filter(move |(_, line)| line.contains(han))
            .map(|(at, _)| format!("{at}: Chinese outside assets/locales"))
    }));
}

#[test]
fn templates_bring_no_script_no_style_and_no_unescaped_text() {
    const BANNED: &[&str] = &[
        "|safe",
        "| safe",
        " style=",
        "javascript:",
        "hx-on",
        "hx-vals='js",
        "http://",
        "https://",
        "super()",
    ];
    let mut broken = Vec::new();
    for (path, text) in files("templates", "html") {
        for (number, line) in text.lines().enumerate() {
            let at = format!("{path}:{}", number + 1);
            broken.extend(
                BANNED
                    .iter()
                    .filter(|word| line.contains(**word))
                    .map(|word| format!("{at}: {word}")),
            );
            if line.contains("<script") && !line.contains("<script src=") {
                broken.push(format!("{at}: an inline script"));
            }
            if line.contains("<style") && !line.contains("<style nonce=\"{{") {
                broken.push(format!("{at}: a style that no policy lets pass"));
            }
            if line.split(['<', '{']).any(|tag| {
                tag.split_whitespace()
                    .skip(1)
                    .any(|word| word.starts_with("on") && word.contains("=\""))
            }) {
                broken.push(format!("{at}: an inline handler"));
            }
            if line.chars().any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c)) {
                broken.push(format!("{at}: Chinese outside assets/locales"));
            }
        }
    }
    hold(broken);
}

#[test]
fn every_migration_can_be_taken_back() {
    for (path, text) in
        files("migration/src", "rs").into_iter().filter(|(path, _)| path.contains("/m2"))
    {
        assert!(text.contains("fn up(") && text.contains("fn down("), "{path}");
    }
}

#[test]
fn vendored_files_are_what_they_were() {
    let known = fs::read_to_string("assets/vendor/VENDORED.md").unwrap();
    for (path, _) in files("assets/vendor", "js") {
        let output = std::process::Command::new("sha256sum").arg(&path).output().unwrap();
        let sum = String::from_utf8(output.stdout).unwrap();
        assert!(
            known.contains(sum.split_whitespace().next().unwrap()),
            "{path} is not the file that VENDORED.md names"
        );
    }
}

#[test]
fn the_checkers_catch_what_they_are_for() {
    assert_eq!(
        modules_named("use crate::{app::App, desk::{self, x}, site};"),
        ["app", "desk", "site"]
    );
    assert_eq!(modules_named("let x = crate::web::errors::words(&e);"), ["web"]);
    assert!(
        !may_use("web", "desk")
            && !may_use("site", "desk")
            && !may_use("desk", "live")
            && !may_use("ids", "db")
    );
    assert!(may_use("desk", "conversation") && may_use("live", "desk") && may_use("desk", "desk"));
    assert!(
        is_home("src/site/store.rs", "/store.rs")
            && is_home("src/web/sse.rs", "web/")
            && !is_home("src/site/web.rs", "web/")
    );
    let source = Source {
        path: "src/x.rs".into(),
        module: "x".into(),
        text: "a // use crate::desk\n#[cfg(test)]\nmod tests {\n b }\n".into(),
    };
    assert_eq!(source.lines().map(|(_, line)| line).collect::<Vec<_>>(), ["a "]);
}

// ── reading ──

struct Source {
    path: String,
    /// The first name below `src`.
    module: String,
    text: String,
}

impl Source {
    /// Where and what each line of code is: without comments and tests.
    fn lines(&self) -> impl Iterator<Item = (String, String)> {
        let code = self.text.split("#[cfg(test)]\nmod tests").next().unwrap();
        let mut statement = String::new();
        let mut joined = Vec::new();
        // A `use` over several lines is read as one.
        for (number, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap();
            if statement.is_empty()
                && !(line.trim_start().starts_with("use ")
                    || line.trim_start().starts_with("pub use "))
            {
                joined.push((number + 1, line.to_owned()));
                continue;
            }
            statement.push_str(line);
            if line.contains(';') {
                joined.push((number + 1, std::mem::take(&mut statement)));
            }
        }
        let path = self.path.clone();
        joined
            .into_iter()
            .filter(|(_, line)| !line.is_empty())
            .map(move |(number, line)| (format!("{path}:{number}"), line))
    }
}

fn sources() -> Vec<Source> {
    let source = |(path, text): (String, String)| {
        let module = path
            .strip_prefix("src/")
            .unwrap()
            .split('/')
            .next()
            .unwrap()
            .trim_end_matches(".rs")
            .to_owned();
        Source { path, module, text }
    };
    files("src", "rs")
        .into_iter()
        .map(source)
        .filter(|source| !["lib", "main"].contains(&source.module.as_str()))
        .collect()
}

fn files(folder: &str, extension: &str) -> BTreeMap<String, String> {
    fn walk(folder: &Path, extension: &str, found: &mut BTreeMap<String, String>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, extension, found);
            } else if path.extension().is_some_and(|end| end == extension) {
                found.insert(
                    path.to_str().unwrap().replace('\\', "/"),
                    fs::read_to_string(&path).unwrap(),
                );
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(Path::new(folder), extension, &mut found);
    assert!(!found.is_empty(), "no {extension} in {folder}");
    found
}

fn floor(module: &str) -> Option<usize> {
    FLOORS.iter().position(|floor| floor.contains(&module))
}

fn may_use(here: &str, used: &str) -> bool {
    let (Some(ours), Some(theirs)) = (floor(here), floor(used)) else { return true };
    let door = || DOORS.iter().any(|(room, rooms)| *room == here && rooms.contains(&used));
    here == used
        || if FEATURES.contains(&here) && FEATURES.contains(&used) { door() } else { theirs < ours }
}

/// A home is a file, or a folder if it ends in a slash; a leading slash means "wherever it stands".
fn is_home(path: &str, home: &str) -> bool {
    let below = path.strip_prefix("src/").unwrap_or(path);
    match (home.starts_with('/'), home.ends_with('/')) {
        (true, true) => path.contains(home),
        (true, false) => path.ends_with(home),
        (false, true) => below.starts_with(home),
        (false, false) => below == home,
    }
}

/// The modules a line names: `crate::a::b`, and every head in `use crate::{a::b, c}`.
fn modules_named(line: &str) -> Vec<String> {
    let word = |text: &str| {
        text.trim().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>()
    };
    let mut names = Vec::new();
    for rest in line.split("crate::").skip(1) {
        let Some(group) = rest.strip_prefix('{') else {
            names.push(word(rest));
            continue;
        };
        let (mut depth, mut head) = (0, String::new());
        for c in group.chars() {
            match c {
                '{' => depth += 1,
                '}' if depth == 0 => break,
                '}' => depth -= 1,
                ',' if depth == 0 => names.push(word(&std::mem::take(&mut head))),
                c if depth == 0 => head.push(c),
                _ => {}
            }
        }
        names.push(word(&head));
    }
    names.retain(|name| !name.is_empty());
    names
}

#[track_caller]
fn hold(broken: impl IntoIterator<Item = String>) {
    let broken: Vec<_> = broken.into_iter().collect();
    assert!(broken.is_empty(), "\n{}", broken.join("\n"));
}
