//! How the engines find what is asked of them: whatever grows with the years is found by an index, never by looking through it.
use crate::{
    authorization::{EVERYBODY, OPERATIONS, PAGES, people_of},
    support::{
        installation,
        line::{Line, Sight, TRANSPORTS},
    },
};
use futures_util::{FutureExt, future::BoxFuture};
use jiff::SignedDuration;
use kefu::{
    agent, audit, contact,
    conversation::{self, Filter, Lens, Place, Tab},
    db::{PLAN_BY_INDEX, Turn, Way},
    draft,
    event::Priority,
    ids::{AgentId, ContactId, ConversationId, SiteId, TagId, TeamId},
    index::{self, Kind},
    search, seed,
    text::Term,
};
use sea_orm::{ConnectionTrait, Database, DatabaseConnection, DbBackend, DbErr, Statement};
use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex},
};

/// Tables that grow with the years. Of the others a few rows are looked through at no cost.
const GROWING: &[&str] = &[
    "attachment",
    "audit_entry",
    "contact",
    "contact_attribute",
    "contact_identity",
    "contact_note",
    "contact_tag",
    "conversation",
    "conversation_guest",
    "conversation_tag",
    "draft",
    "entry",
    "page_view",
    "read_position",
    "search_progress",
    "search_row",
    "session",
    "visitor_token",
];

/// Whatever is asked, each question once, with what it was asked about first.
#[derive(Debug, Default)]
struct Ear(Mutex<BTreeMap<String, Statement>>);

impl Way for Ear {
    fn carry(&self) -> BoxFuture<'_, Result<(), DbErr>> {
        async { Ok(()) }.boxed()
    }

    fn turn(&self) -> BoxFuture<'_, Turn> {
        async { Arc::new(()) as Turn }.boxed()
    }

    fn hear(&self, statement: &Statement) {
        let mut heard = self.0.lock().unwrap();
        heard.entry(statement.sql.clone()).or_insert_with(|| statement.clone());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_grows_is_found_by_an_index() {
    let ear = Arc::new(Ear::default());
    let site = installation().await;
    let wanted = seed::Wanted {
        conversations: 3_000,
        entries: 4,
        agents: 3,
        open: 30,
        seed: 1,
        searchable: false,
    };
    seed::sow(&site.app, &wanted, "correct horse battery staple").await.unwrap();
    // An engine looks through what is small: a file and a session for each conversation.
    site.change(
        "INSERT INTO attachment (public_id, conversation_id, author_kind, author_id, name, media_type, size, width, height,
         sha256, state, at) SELECT public_id, id, 'visitor', contact_id, 'x', 'text/plain', 1, 0, 0, start_token, 'sent',
         created_at FROM conversation",
    )
    .await;
    site.change(
        "INSERT INTO session (hash, owner_id, record, user_agent, created_at, seen_at, expires_at)
         SELECT start_token, id, '', '', created_at, 0, 4000000000000000 FROM conversation",
    )
    .await;
    // Two teams, of which one has almost everything, and agent 3 is in the other.
    for sql in [
        "INSERT INTO team (name, created_at) VALUES ('many', 0), ('few', 0)",
        "INSERT INTO team_member (team_id, agent_id) VALUES (1, 2), (2, 3)",
        "UPDATE conversation SET team_id = CASE WHEN id % 100 = 0 THEN 2 ELSE 1 END",
        "INSERT INTO conversation_guest (conversation_id, agent_id) SELECT id, 2 FROM conversation WHERE id % 2 = 0",
        "INSERT INTO conversation_guest (conversation_id, agent_id) SELECT id, 3 FROM conversation WHERE id % 150 = 0",
        "INSERT INTO draft (conversation_id, agent_id, kind, body, at) SELECT id, 2, 'text', 'x', 4000000000000000 FROM conversation",
        "INSERT INTO contact_note (contact_id, agent_id, agent_name, body, at) SELECT id, 2, 'x', 'x', 0 FROM contact",
    ] {
        site.change(sql).await;
    }
    site.app.db.analyze().await.unwrap();
    while search::take_turn(&site.app).await.unwrap().behind > 0 {}
    let people = people_of(site.over(ear.clone())).await;
    people.make_all().await;

    for (method, path, _) in OPERATIONS {
        for who in EVERYBODY {
            people.ask(who, method, path).await;
        }
    }
    // Every address, as everybody; who leaves does so last.
    let ends = ["/login", "/invite", "/desk/me/password", "/logout", "/w/:site/forget"];
    let (leaving, staying): (Vec<_>, Vec<_>) =
        PAGES.iter().partition(|(_, path, _)| ends.contains(path));
    for (method, path, _) in staying {
        for who in EVERYBODY {
            people.visit(who, method, path).await;
        }
    }
    // Streams ask when somebody reads them.
    let server = people.site.listening().await;
    for transport in TRANSPORTS {
        let mut line = Line::open(transport, &people.vera, server, "0").await;
        while line.next().await != Sight::Entry(1) {}
    }
    for (method, path, _) in leaving {
        for who in EVERYBODY {
            people.visit(who, method, path).await;
        }
    }
    // What nodes ask by themselves, and where lists go on.
    let db = &people.site.app.db;
    let now = db.now().await.unwrap();
    let filters = [
        Filter::default(),
        Filter { site: Some(SiteId(1)), ..Filter::default() },
        Filter { agent: Some(AgentId(2)), ..Filter::default() },
        Filter { tag: Some(TagId(1)), ..Filter::default() },
        Filter { team: Some(TeamId(1)), ..Filter::default() },
        Filter { priority: Some(Priority::High), ..Filter::default() },
        Filter { unread: true, ..Filter::default() },
    ];
    // Whoever sees all, and whoever sees little of much.
    let whole = conversation::sight_of(db.read(), AgentId(1)).await.unwrap();
    let narrow = conversation::sight_of(db.read(), AgentId(3)).await.unwrap();
    assert!(!whole.narrows() && narrow.narrows());
    for sight in [&whole, &narrow] {
        for tab in [Tab::Mine(sight.agent()), Tab::Queue, Tab::All, Tab::Snoozed, Tab::Closed] {
            for filter in filters {
                let lens = Lens { tab, filter, after: None };
                let rows = conversation::list(db, sight, &lens, 5).await.unwrap();
                if let Some(last) = rows.last() {
                    let lens = Lens { after: Some(Place::of(tab, last)), ..lens };
                    conversation::list(db, sight, &lens, 50).await.unwrap();
                }
                // Closed ones that are narrowed have pages of their own.
                if tab == Tab::Closed && filter != Filter::default() {
                    continue;
                }
                conversation::page(db, sight, &lens, None, 50).await.unwrap();
                conversation::page(db, sight, &lens, Some(2_000), 50).await.unwrap();
            }
        }
        for filter in filters {
            for below in [None, Some((now, ConversationId(2_000)))] {
                conversation::closed_page(db, sight, &filter, below, 50).await.unwrap();
            }
        }
        conversation::counts(db, sight).await.unwrap();
        conversation::seen_of_contact(db, sight, ContactId(7), None, 10).await.unwrap();
        conversation::touched_since(db, sight, now, 50).await.unwrap();
    }
    // Filters without a word, alone and together.
    let days = search::Days { from: Some(now - SignedDuration::from_hours(2_400)), to: Some(now) };
    let within = search::Within { days, ..search::Within::default() };
    let listening = agent::all(db).await.unwrap();
    for agent in listening.into_iter().filter(|agent| agent.id != AgentId(2)) {
        for tag in [None, Some(TagId(1))] {
            for of in [None, Some(AgentId(2))] {
                for site in [None, Some(SiteId(1))] {
                    let within = search::Within { tag, agent: of, site, ..within };
                    let closed = search::After::Closed(now, ConversationId(2_000));
                    for after in
                        [None, Some(search::After::Open(ConversationId(2_000))), Some(closed)]
                    {
                        search::listing(&people.site.app, &agent, &within, after, 30)
                            .await
                            .unwrap();
                    }
                }
            }
        }
    }
    conversation::circle(db.read(), ConversationId(7)).await.unwrap();
    conversation::heads(db, &[ConversationId(1)]).await.unwrap();
    conversation::wake_due(&people.site.app).await.unwrap();
    conversation::touches_since(db, now).await.unwrap();
    // A few of those that were sown: the oldest is a year old.
    let old = now - SignedDuration::from_hours(363 * 24);
    assert!(conversation::forget_closed_before(&people.site.app, old).await.unwrap() > 5);
    for below in [None, Some(ContactId(2_000))] {
        contact::newest(db, below, 50).await.unwrap();
        contact::blocked(db, below.map(|id| (now, id)), 50).await.unwrap();
    }
    agent::revocations_since(db, now).await.unwrap();
    audit::page(db, Some(2), 50).await.unwrap();
    audit::forget_before(db, old).await.unwrap();
    draft::forget_old(&people.site.app, now).await.unwrap();
    assert!(draft::begun_by(&people.site.app, AgentId(2)).await.unwrap().len() > 100);
    search::take_turn(&people.site.app).await.unwrap();
    search::index_again(&people.site.app, ConversationId(2_000), 1).await.unwrap();
    // Of what is rare the index is asked, at once where that is cheap.
    let whole = |term: &str| Term::Whole(term.to_owned());
    let begun = |part: &str| Term::Beginning(part.to_owned());
    let rare = [whole("w00nowhere"), begun("w00now")];
    for rare in [&rare[..], &rare[..1], &rare[1..]] {
        index::find(db, Kind::Entry, rare, 0..i64::MAX, 50, 10).await.unwrap();
    }

    let heard = std::mem::take(&mut *ear.0.lock().unwrap());
    assert!(heard.len() > 60, "{}", heard.len());
    let engine = Engine::of(&people.site.app.config.database_url()).await;
    engine.count().await;
    let mut slow = Vec::new();
    for statement in heard.into_values() {
        let plan = engine.explain(&statement).await;
        if let Some(table) = GROWING.iter().find(|table| engine.looks_through(&plan, table)) {
            slow.push(format!("{table}: {}\n{}", statement.sql, plan.join("\n")));
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n\n"));
    // The test would see one.
    let sql = "SELECT * FROM conversation WHERE preview = 'x'";
    let plan = engine.explain(&Statement::from_string(engine.0.get_database_backend(), sql)).await;
    assert!(engine.looks_through(&plan, "conversation"), "{plan:?}");
}

/// A connection of its own.
struct Engine(DatabaseConnection);

impl Engine {
    async fn of(url: &str) -> Self {
        let mut options = sea_orm::ConnectOptions::new(url);
        options.max_connections(1).sqlx_logging(false);
        let engine = Self(Database::connect(options).await.unwrap());
        if engine.0.get_database_backend() == DbBackend::Postgres {
            // As kefu's own connections.
            for (setting, value) in PLAN_BY_INDEX {
                engine.0.execute_unprepared(&format!("SET {setting} = {value}")).await.unwrap();
            }
        }
        engine
    }

    /// MariaDB counts what kefu does not have counted in its own time, which may be before there is much.
    async fn count(&self) {
        if self.0.get_database_backend() == DbBackend::MySql {
            let sql = format!("ANALYZE TABLE {}", GROWING.join(", "));
            self.0.execute_unprepared(&sql).await.unwrap();
        }
    }

    /// A line for each step.
    async fn explain(&self, statement: &Statement) -> Vec<String> {
        let word = match self.0.get_database_backend() {
            DbBackend::Sqlite => "EXPLAIN QUERY PLAN",
            _ => "EXPLAIN",
        };
        let mut explain = statement.clone();
        explain.sql = format!("{word} {}", statement.sql);
        let rows = self.0.query_all_raw(explain).await;
        let rows = rows.unwrap_or_else(|error| panic!("{}: {error}", statement.sql));
        let step = |row: &sea_orm::QueryResult| match self.0.get_database_backend() {
            DbBackend::Sqlite => row.try_get("", "detail").unwrap(),
            DbBackend::Postgres => row.try_get("", "QUERY PLAN").unwrap(),
            // What is inserted is not looked for.
            _ if statement.sql.starts_with("INSERT") => String::new(),
            _ => {
                let word = |name| row.try_get::<Option<String>>("", name).unwrap();
                [word("table"), word("type"), word("key")].map(Option::unwrap_or_default).join(" ")
            }
        };
        rows.iter().map(step).collect()
    }

    /// Whether a plan reads a whole table, or a whole index of it.
    fn looks_through(&self, plan: &[String], table: &str) -> bool {
        let found = |step: &str, prefix: &str| {
            let rest = step.split(prefix).nth(1).unwrap_or_default();
            rest.split([' ', '"']).find(|word| !word.is_empty()) == Some(table)
        };
        match self.0.get_database_backend() {
            DbBackend::Sqlite => plan.iter().any(|step| found(step, "SCAN ")),
            DbBackend::Postgres => plan.iter().enumerate().any(|(at, step)| {
                let by_index = step.contains("Index") && found(step, " on ");
                let narrowed = (plan[at + 1..].iter())
                    .take_while(|step| !step.contains("->"))
                    .any(|step| step.contains("Index Cond"));
                found(step, "Seq Scan on ") || (by_index && !narrowed)
            }),
            _ => (plan.iter()).any(|step| {
                [format!("{table} ALL "), format!("{table} index ")]
                    .iter()
                    .any(|all| step.starts_with(all))
            }),
        }
    }
}
