//! An installation over an empty database of its own.
use super::{Agent, PATIENCE, Person, Visitor, s3::S3, template::migrated_database};
use clap::Parser;
use kefu::{
    agent::{self, AgentName, Email, NewAgent, Password, Role},
    app::App,
    commands,
    config::{Config, Switch},
    contact::{TokenHash, VisitorToken},
    db::Way,
    error::Error,
    jobs, routes, site,
    text::Lang,
    web::serve,
};
use poem::{EndpointExt, Response};
use sea_orm::{ConnectionTrait, Statement};
use std::{net::SocketAddr, sync::Arc, time::Instant};
use tempfile::TempDir;
use tokio::net::TcpListener;

pub const PASSWORD: &str = "correct horse battery staple";

pub type Door = Arc<dyn poem::endpoint::DynEndpoint<Output = Response>>;

pub struct Installation {
    pub app: App,
    pub door: Door,
    /// Where its files are, unless they are in its folder.
    pub s3: Option<S3>,
    _folder: TempDir,
}

/// Rates are off, as people in tests type fast, and whoever needs a connection has time: other tests have the machine as well.
pub async fn installation() -> Installation {
    build(elsewhere().await, |_| ()).await
}

/// Its files in a bucket of its own.
pub async fn installation_with_bucket() -> Installation {
    build(Some(S3::start().await), |_| ()).await
}

/// Whose requests wait for a connection no longer than those of others by default.
pub async fn hasty_installation() -> Installation {
    build(elsewhere().await, |config| config.database_wait = 2).await
}

/// With its rates on, and no time for a bucket to fill: on a slow machine it does while a test empties it.
pub async fn limited_installation() -> Installation {
    let site = build(elsewhere().await, |config| config.rate_limits = Switch::On).await;
    site.app.clock.monotonic.stop();
    site
}

/// `KEFU_TEST_FILES=s3` has everybody's files in buckets.
async fn elsewhere() -> Option<S3> {
    match std::env::var("KEFU_TEST_FILES").as_deref() {
        Ok("s3") => Some(S3::start().await),
        _ => None,
    }
}

async fn build(s3: Option<S3>, set: impl FnOnce(&mut Config)) -> Installation {
    #[derive(Parser)]
    struct Settings {
        #[command(flatten)]
        config: Config,
    }
    let folder = tempfile::tempdir().unwrap();
    let mut config = Settings::parse_from(["kefu"]).config;
    config.data_dir = folder.path().to_owned();
    config.database_url = migrated_database(folder.path()).await;
    config.rate_limits = Switch::Off;
    config.database_wait = 4;
    config.files_url = s3.as_ref().map(S3::url);
    set(&mut config);
    let app = commands::open(config).await.unwrap();
    site::ensure_demo(&app).await.unwrap();
    let door = door(&app);
    Installation { app, door, s3, _folder: folder }
}

fn door(app: &App) -> Door {
    Arc::new(poem::endpoint::ToDynEndpoint(routes::site(app).map_to_response()))
}

/// One of several processes over one database.
pub struct Node {
    pub app: App,
    pub door: Door,
}

impl Node {
    pub fn stranger(&self) -> Person {
        Person::new(self.door.clone())
    }
}

impl Installation {
    /// The same with other settings, and with what happens by itself.
    pub fn at_work(self, set: impl FnOnce(&mut Config)) -> Self {
        let mut config = (*self.app.config).clone();
        set(&mut config);
        let app = self.app.with(|parts| parts.config = Arc::new(config));
        jobs::start(&app);
        Self { door: door(&app), app, ..self }
    }

    /// The same, its database on another way.
    pub fn over(self, way: Arc<dyn Way>) -> Self {
        let app = self.app.with(|parts| parts.db = parts.db.over(way));
        Self { door: door(&app), app, ..self }
    }

    /// Another process over the same database, and on the bus if there is one.
    pub async fn node(&self, nats_url: Option<&str>) -> Node {
        self.node_with(|config| config.nats_url = nats_url.map(str::to_owned)).await
    }

    pub async fn node_with(&self, set: impl FnOnce(&mut Config)) -> Node {
        let mut config = (*self.app.config).clone();
        set(&mut config);
        config.check().unwrap();
        let app = commands::open(config).await.unwrap();
        let bus = commands::join_bus(&app).await.unwrap();
        let app = app.with(|parts| parts.bus = bus);
        jobs::start(&app);
        Node { door: door(&app), app }
    }

    /// Another process over the same database, which hears no news from this one.
    pub fn deaf_node(&self) -> Door {
        door(&self.app.with(|parts| (parts.bus, parts.kept) = Default::default()))
    }

    /// The same with other settings.
    pub fn door_with(&self, set: impl FnOnce(&mut Config)) -> Door {
        let mut config = (*self.app.config).clone();
        set(&mut config);
        door(&self.app.with(|parts| parts.config = Arc::new(config)))
    }

    /// The same on a port of its own, for what needs a real connection.
    pub async fn listening(&self) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let app = self.app.clone();
        tokio::spawn(async move { serve::serve(&app, listener, routes::site(&app)).await });
        address
    }

    /// What a visitor's cookie proves.
    pub fn token_of(&self, visitor: &Visitor) -> TokenHash {
        let cookie = &visitor.person.cookies()["kefu-v"];
        VisitorToken::parse(cookie, &self.app.key).unwrap().hash()
    }

    /// Takes every visitor's access away, without a word.
    pub async fn forget_visitors(&self) {
        self.change("UPDATE visitor_token SET revoked_at = created_at").await;
    }

    /// Changes rows behind everybody's back.
    pub async fn change(&self, statement: &str) {
        self.app.db.write().execute_unprepared(statement).await.unwrap();
    }

    /// How many rows a table has.
    pub async fn count(&self, table: &str) -> i64 {
        let db = self.app.db.read();
        let count = format!("SELECT COUNT(*) AS n FROM {table}");
        let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), count)).await;
        row.unwrap().unwrap().try_get("", "n").unwrap()
    }

    pub fn stranger(&self) -> Person {
        Person::new(self.door.clone())
    }

    /// A visitor of the demo shop who has said something.
    pub async fn visitor(&self, first: &str) -> Visitor {
        Visitor::arrive(self.stranger(), first).await
    }

    pub async fn vera(&self) -> Visitor {
        self.visitor("Is this thing on?").await
    }

    pub async fn walt(&self) -> Visitor {
        self.visitor("I am somebody else").await
    }

    pub async fn ana(&self) -> Agent {
        self.agent("ana", Role::Owner).await
    }

    pub async fn ben(&self) -> Agent {
        self.agent("ben", Role::Agent).await
    }

    pub async fn agent(&self, name: &str, role: Role) -> Agent {
        self.employ(name, role).await;
        Agent::sign_in(self.stranger(), name).await
    }

    /// An account, without signing in.
    pub async fn employ(&self, name: &str, role: Role) {
        let email = Email::parse(&format!("{name}@shop.example")).unwrap();
        let password = Some(Password::parse(PASSWORD, &email).unwrap());
        let name = AgentName::parse(name).unwrap();
        let new = NewAgent { email, name, role, lang: Some(Lang::En), password };
        let began = Instant::now();
        loop {
            match agent::add(&self.app, new.clone()).await {
                // Two passwords at once are hashed in a process, and this one is many installations.
                Err(Error::RateLimited { .. }) if began.elapsed() < PATIENCE => {}
                outcome => break drop(outcome.unwrap()),
            }
        }
    }
}
