//! What every simulation begins with: an installation with a few conversations.
use clap::Parser;
use kefu::{
    agent::{self, Agent, AgentName, Email, NewAgent, Role},
    commands,
    config::{Config, SecretKey},
    contact::{Arrival, TokenHash},
    conversation::{self, Body, FirstMessage},
    files::Files,
    ids::{self, ContactId, ConversationId, Nonce, PublicId, SiteKey},
    site,
    text::Lang,
};
use sea_orm::ConnectionTrait;
use std::sync::Arc;

const CONVERSATIONS: usize = 3;

/// A visitor's conversation.
#[derive(Clone, Debug)]
pub struct Talk {
    pub id: ConversationId,
    pub public_id: PublicId,
    pub contact: ContactId,
    /// Under which its first message was sent.
    pub first: Nonce,
}

pub struct Template {
    pub config: Arc<Config>,
    pub key: SecretKey,
    pub epoch: Arc<str>,
    pub files: Files,
    pub talks: Vec<Talk>,
    pub agent: Agent,
    /// The file of its database.
    pub rows: Vec<u8>,
}

impl Template {
    pub async fn make() -> Self {
        #[derive(Parser)]
        struct Settings {
            #[command(flatten)]
            config: Config,
        }
        let folder = tempfile::tempdir().unwrap();
        let mut config = Settings::parse_from(["kefu"]).config;
        config.data_dir = folder.path().to_owned();
        let app = commands::open(config).await.unwrap();
        site::ensure_demo(&app).await.unwrap();
        let demo = SiteKey::parse("demo").unwrap();
        let site = site::find_by_key(app.db.read(), &demo).await.unwrap();
        let agent = agent::add(&app, ana()).await.unwrap();
        let mut talks = Vec::new();
        for _ in 0..CONVERSATIONS {
            let first = Nonce::new();
            let message = FirstMessage {
                visitor: None,
                token: TokenHash(ids::random::<32>().to_vec()),
                lang: Lang::En,
                nonce: first.clone(),
                body: Body::parse("first").unwrap(),
                card: None,
                arrival: Arrival::default(),
            };
            let held = conversation::start(&app, &site, message).await.unwrap().conversation;
            let (id, public_id, contact) = (held.id, held.public_id, held.contact);
            talks.push(Talk { id, public_id, contact, first });
        }
        let copy = folder.path().join("copy.db");
        let vacuum = format!("VACUUM INTO '{}'", copy.display());
        app.db.write().execute_unprepared(&vacuum).await.unwrap();
        let rows = std::fs::read(copy).unwrap();
        let (config, key, epoch) = (app.config.clone(), app.key.clone(), app.epoch.clone());
        let files = app.files.clone();
        Self { config, key, epoch, files, talks, agent, rows }
    }
}

fn ana() -> NewAgent {
    let email = Email::parse("ana@shop.example").unwrap();
    let name = AgentName::parse("ana").unwrap();
    NewAgent { email, name, role: Role::Owner, lang: None, password: None }
}
