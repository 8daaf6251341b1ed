//! Conversations made up by the thousand, to see how kefu does with them. Each is told by the same rules as a real one.
use crate::{
    agent::{self, Agent, AgentName, Email, NewAgent, Password, Role},
    app::App,
    audit::Doer,
    conversation::{self, Append, Conversation, Log},
    error::{Error, Result},
    event::{Author, Content, Entry, Happening, Priority, Side, State},
    ids::{AgentId, ContactId, ConversationId, Nonce, PublicId, SiteId, TagId, TeamId},
    search,
    site::{self, NewSite, SiteName},
    tag::{self, TagName},
    team::{self, TeamName},
};
use futures_util::{StreamExt, stream};
use jiff::{SignedDuration, Timestamp};
use rand::{RngExt, SeedableRng, rngs::StdRng, seq::IteratorRandom};

/// What is committed together, and how much of that at once where a database takes it.
const TOGETHER: u64 = 2_500;
const AT_ONCE: usize = 2;
/// The oldest conversation began so long ago.
const PAST: SignedDuration = SignedDuration::from_hours(365 * 24);

/// A line each; `{}` is a number.
const QUESTIONS: &str = include_str!("questions.txt");
const ANSWERS: &str = include_str!("answers.txt");
/// What is asked once in so many times.
const RARE: &str = include_str!("rare.txt");
const RARELY: f64 = 1.0 / 20_000.0;

/// Tags, and which part of the conversations carries each; teams and sites, and which part is not theirs.
const TAGS: &str = include_str!("tags.txt");
const TAGGED: [f64; 4] = [0.3, 0.05, 0.005, 0.0001];
const TEAMS: &str = include_str!("teams.txt");
const NO_TEAM: f64 = 0.4;
const OTHER_SITE: &str = include_str!("site.txt");
const AT_DEMO: f64 = 0.9;

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
    /// Whether the messages can be found at once; otherwise the server will see to that.
    pub searchable: bool,
}

/// Fills an empty database. The first of the agents, `agent1@seed.example`, is the owner; all have the same password.
pub async fn sow(app: &App, wanted: &Wanted, password: &str) -> Result<()> {
    let agents = found(app, wanted, password).await?;
    let mut teller = Teller {
        wanted: *wanted,
        chance: StdRng::seed_from_u64(wanted.seed),
        sites: site::all(&app.db).await?.into_iter().map(|site| site.id).collect(),
        teams: team::all(&app.db).await?.into_iter().map(|team| team.id).collect(),
        tags: tag::all(&app.db).await?.into_iter().map(|tag| (tag.id, share(&tag.name))).collect(),
        agents,
        now: app.clock.now(),
    };
    // One writes at a time on SQLite.
    let at_once = if app.db.is_embedded() { 1 } else { AT_ONCE };
    let firsts = (1..=wanted.conversations).step_by(TOGETHER as usize);
    let planting = firsts.map(|first| {
        let last = (first + TOGETHER - 1).min(wanted.conversations);
        let logs = (first..=last).map(|number| teller.tell(number)).collect::<Result<Vec<_>>>();
        let (app, wanted) = (app.clone(), *wanted);
        tokio::spawn(async move { plant(&app, &wanted, &logs?).await })
    });
    let mut planted = stream::iter(planting).buffered(at_once);
    while let Some(task) = planted.next().await {
        task.map_err(Error::internal)??;
    }
    conversation::all_planted(app).await?;
    if wanted.searchable {
        search::all_planted(app).await?;
    }
    app.db.analyze().await
}

async fn plant(app: &App, wanted: &Wanted, logs: &[Log]) -> Result<()> {
    conversation::plant(app, logs).await?;
    if wanted.searchable {
        search::plant(app, logs).await?;
    }
    let last = logs.last().map_or(0, |log| log.head.id.0);
    tracing::info!(conversations = last, of = wanted.conversations, "sown");
    Ok(())
}

/// Everything but conversations.
async fn found(app: &App, wanted: &Wanted, password: &str) -> Result<Vec<Agent>> {
    site::ensure_demo(app).await?;
    let other = NewSite { name: SiteName::parse(OTHER_SITE)?, key: None, origins: Vec::new() };
    site::add(app, other).await?;
    let mut agents = Vec::new();
    for number in 1..=wanted.agents.max(1) {
        agents.push(hire(app, number, password).await?);
    }
    let by = Doer::command_line();
    for name in TAGS.lines() {
        tag::add(app, &by, &TagName::parse(name)?).await?;
    }
    for (at, name) in TEAMS.lines().enumerate() {
        let members: Vec<_> =
            agents.iter().skip(at).step_by(TEAMS.lines().count()).map(|one| one.id).collect();
        team::add(app, &by, &TeamName::parse(name)?, &members).await?;
    }
    Ok(agents)
}

fn share(tag: &str) -> f64 {
    TAGS.lines().zip(TAGGED).find(|(name, _)| *name == tag).map_or(0.0, |(_, share)| share)
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
    sites: Vec<SiteId>,
    teams: Vec<TeamId>,
    /// Which part of the conversations carries each.
    tags: Vec<(TagId, f64)>,
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
        let of = if self.chance.random_bool(RARELY) { RARE } else { of };
        let words = of.lines().choose(&mut self.chance).unwrap_or_default();
        let number = self.chance.random_range(1..100_000u32);
        Content::text(words.replace("{}", &number.to_string()))
    }

    fn head(&mut self, id: i64, at: Timestamp) -> Conversation {
        let site = usize::from(!self.chance.random_bool(AT_DEMO)).min(self.sites.len() - 1);
        let team = match self.chance.random_bool(NO_TEAM) {
            true => None,
            false => self.teams.iter().copied().choose(&mut self.chance),
        };
        let tags = self.tags.iter().filter(|(_, share)| self.chance.random_bool(*share));
        let tags = tags.map(|(id, _)| *id).collect();
        let priority = match self.chance.random_range(0..100) {
            0 => Priority::Urgent,
            1..6 => Priority::High,
            6..16 => Priority::Low,
            _ => Priority::Normal,
        };
        Conversation {
            id: ConversationId(id),
            public_id: PublicId::new(),
            site: self.sites[site],
            contact: ContactId(id),
            state: State::Queued,
            assignee: None,
            last_seq: 0,
            unread: 0,
            waiting_since: None,
            priority,
            snoozed_until: None,
            tags,
            team,
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
