//! Conversations made up by the thousand, to see how kefu does with them. Each is told by the same rules as a real one.
use crate::{
    agent::{self, Agent, AgentName, Email, NewAgent, Password, Role},
    app::App,
    conversation::{self, Append, Conversation, Log},
    error::Result,
    event::{Author, Content, Entry, Happening, Priority, Side, State},
    ids::{AgentId, ContactId, ConversationId, Nonce, PublicId, SiteId},
    site,
};
use jiff::{SignedDuration, Timestamp};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IteratorRandom};

/// What is committed together.
const TOGETHER: u64 = 5_000;
/// The oldest conversation began so long ago.
const PAST: SignedDuration = SignedDuration::from_hours(365 * 24);

/// A line each; `{}` is a number.
const QUESTIONS: &str = include_str!("questions.txt");
const ANSWERS: &str = include_str!("answers.txt");

/// How much is made up.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    pub conversations: u64,
    /// Of each conversation, on average; at least 3.
    pub entries: u64,
    pub agents: u64,
    /// The newest conversations: so many that each agent has open, and a fifth as many that wait. The others are closed.
    pub open: u64,
    /// The same seed makes up the same words.
    pub seed: u64,
}

/// Fills an empty database. The first of the agents, `agent1@seed.example`, is the owner; all have the same password.
pub async fn sow(app: &App, wanted: &Wanted, password: &str) -> Result<()> {
    site::ensure_demo(app).await?;
    let sites = site::all(&app.db).await?;
    let mut agents = Vec::new();
    for number in 1..=wanted.agents.max(1) {
        agents.push(hire(app, number, password).await?);
    }
    let mut teller = Teller {
        wanted: *wanted,
        chance: StdRng::seed_from_u64(wanted.seed),
        site: sites.first().map_or(SiteId(1), |site| site.id),
        agents,
        now: app.clock.now(),
    };
    let mut next = 1;
    while next <= wanted.conversations {
        let last = (next + TOGETHER - 1).min(wanted.conversations);
        let logs = (next..=last).map(|number| teller.tell(number)).collect::<Result<Vec<_>>>()?;
        conversation::plant(app, &logs).await?;
        tracing::info!(conversations = last, of = wanted.conversations, "sown");
        next = last + 1;
    }
    app.db.analyze().await
}

async fn hire(app: &App, number: u64, password: &str) -> Result<Agent> {
    let email = Email::parse(&format!("agent{number}@seed.example"))?;
    let password = Some(Password::parse(password, &email)?);
    let name = AgentName::parse(&format!("Agent {number}"))?;
    let role = if number == 1 { Role::Owner } else { Role::Agent };
    agent::add(app, NewAgent { email, name, role, lang: None, password }).await
}

struct Teller {
    wanted: Wanted,
    chance: StdRng,
    site: SiteId,
    agents: Vec<Agent>,
    now: Timestamp,
}

impl Teller {
    /// The conversation of this number; the highest is the newest.
    fn tell(&mut self, number: u64) -> Result<Log> {
        let Wanted { conversations, entries, open, .. } = self.wanted;
        let open = open * self.agents.len() as u64;
        let after = conversations - number;
        let state = match after {
            after if after < open / 5 => State::Queued,
            after if after < open / 5 + open => State::Open,
            _ => State::Closed,
        };
        let length = match state {
            State::Queued => self.chance.random_range(1..=3),
            State::Open | State::Closed => self.chance.random_range(3..=entries.max(3) * 2 - 3),
        };
        let id = i64::try_from(number).unwrap_or(i64::MAX);
        let agent = self.agents[usize::try_from(after).unwrap_or(0) % self.agents.len()].clone();
        let ended = self.now - PAST.mul_f64(after as f64 / conversations as f64);
        let pause = SignedDuration::from_secs(self.chance.random_range(10..180));
        let mut log =
            Log { head: self.head(id, ended - pause.mul_f64(length as f64)), entries: vec![] };
        for seq in 1..=length {
            let at = ended - pause.mul_f64((length - seq) as f64);
            let visitor = || Author::Visitor { id: ContactId(id), name: String::new() };
            let agent = || Author::Agent { id: AgentId(agent.id.0), name: agent.name.clone() };
            let (author, content) = match state {
                State::Closed if seq == length => {
                    (agent(), Content::Event { what: Happening::Closed })
                }
                State::Open | State::Closed if seq == 2 => (agent(), self.words(ANSWERS)),
                State::Open | State::Closed if seq > 2 && self.chance.random_bool(0.5) => {
                    (agent(), self.words(ANSWERS))
                }
                _ => (visitor(), self.words(QUESTIONS)),
            };
            let append = Append { author, nonce: Nonce::new(), content, seen: None };
            log.head = log.head.accept(&append, at)?;
            let Append { author, content, .. } = append;
            log.entries.push(Entry { seq: log.head.last_seq, author, content, at, changed: None });
        }
        Ok(log)
    }

    fn words(&mut self, of: &str) -> Content {
        let words = of.lines().choose(&mut self.chance).unwrap_or_default();
        let number = self.chance.random_range(1..100_000u32);
        Content::text(words.replace("{}", &number.to_string()))
    }

    fn head(&self, id: i64, at: Timestamp) -> Conversation {
        Conversation {
            id: ConversationId(id),
            public_id: PublicId::new(),
            site: self.site,
            contact: ContactId(id),
            state: State::Queued,
            assignee: None,
            last_seq: 0,
            unread: 0,
            waiting_since: None,
            priority: Priority::default(),
            snoozed_until: None,
            tags: Vec::new(),
            team: None,
            guests: Vec::new(),
            answer: None,
            preview: String::new(),
            preview_by: Side::Visitor,
            last_at: at,
            created_at: at,
            answered_at: None,
            closed_at: None,
            touches: 0,
        }
    }
}
