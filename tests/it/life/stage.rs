//! The same deeds on a real installation, by its pages.
use super::{
    model::{ANA, PEOPLE, Refusal, Role, TAGS, TEAMS, Talk, Until, roles},
    moments::{Outcome, Seen},
    script::{Act, Deed, Send, TALKS},
};
use crate::support::{Agent, Answer, Installation, Person, Visitor, installation};
use futures_util::future::join_all;
use jiff::SignedDuration;
use kefu::{
    agent::{self, AccountState},
    contact::VisitorToken,
    conversation::{self, Conversation, Range, Seat, Tab},
    event::{Entry, Priority, Summary},
    ids::{AgentId, ConversationId, Nonce, TagId},
};
use poem::http::StatusCode;
use std::collections::BTreeSet;

/// What a refusal says.
const REFUSALS: [(u16, &str, Refusal); 10] = [
    (401, "You are signed out", Refusal::SignedOut),
    (403, "Your account may only read", Refusal::ReadOnly),
    (404, "There is no such page, or it is not yours", Refusal::NotFound),
    (422, "Choose somebody who works here", Refusal::NoColleague),
    (422, "cannot take conversations any more", Refusal::NoColleague),
    (409, "The conversation is closed", Refusal::Closed),
    (409, "The conversation is not closed", Refusal::NotClosed),
    (409, "That colleague has the conversation already", Refusal::HasIt),
    (409, "The conversation waits for that team already", Refusal::TeamHasIt),
    (409, "The conversation is not put off any more", Refusal::NotSnoozed),
];
pub const TAG_NAMES: [&str; TAGS] = ["late", "refund"];
/// By their place.
pub const PRIORITIES: [Priority; 4] =
    [Priority::Low, Priority::Normal, Priority::High, Priority::Urgent];
/// The house's clock goes after by so much, so that what was put off is due by the database's.
pub const LATE: SignedDuration = SignedDuration::from_hours(1);

pub struct Stage {
    site: Installation,
    agents: Vec<Agent>,
    tags: Vec<TagId>,
}

/// A script's own visitors, and everybody's browser.
#[derive(Clone)]
pub struct Cast {
    pub app: kefu::app::App,
    pub agents: Vec<Agent>,
    visitors: Vec<Visitor>,
    pub ids: Vec<i64>,
    pub tags: Vec<TagId>,
    /// A second from which moments are counted.
    pub base: i64,
}

pub fn number(who: usize) -> AgentId {
    AgentId(who as i64 + 1)
}

pub fn person(agent: AgentId) -> usize {
    agent.0 as usize - 1
}

fn word(role: Role) -> &'static str {
    match role {
        Role::Manages => "admin",
        Role::Acts => "agent",
        Role::Reads => "read-only",
    }
}

impl Stage {
    pub async fn open() -> Self {
        let site = installation().await;
        if site.app.db.is_embedded() {
            // What is tried is the rules: no power is cut here.
            site.change("PRAGMA synchronous = OFF").await;
        }
        let mut agents = vec![site.ana().await];
        for (name, role) in PEOPLE.into_iter().zip(roles()).skip(ANA + 1) {
            agents.push(site.agent(name, agent::Role::parse(word(role)).unwrap()).await);
        }
        let ana = &agents[ANA].person;
        for (name, members) in TEAMS {
            let members: Vec<_> = members.iter().map(|who| number(*who).to_string()).collect();
            let mut fields = vec![("name", name)];
            fields.extend(members.iter().map(|member| ("member", member.as_str())));
            ana.post("/desk/settings/teams", &fields).await.goes_to();
        }
        for name in TAG_NAMES {
            ana.post("/desk/settings/tags", &[("name", name)]).await.goes_to();
        }
        site.visitor("for the form").await;
        let form = ana.get(&format!("/desk/c/{}/tags", agents[ANA].newest("queue").await)).await;
        // By name, as they are listed.
        let tags = form.all("name=\"tag\" value=\"");
        let tags = tags.iter().map(|id| id.parse().unwrap()).collect();
        site.app.clock.turn(-LATE);
        Self { site, agents, tags }
    }

    /// Everybody as at first, nothing open but what new visitors ask.
    pub async fn begin(&mut self) -> Cast {
        self.site.change("UPDATE agent SET availability = 'online', seen_at = 1").await;
        for account in agent::accounts(&self.site.app.db).await.unwrap() {
            let who = person(account.agent.id);
            let role = word(roles()[who]);
            if account.state == AccountState::Disabled {
                self.enable(who).await;
            }
            if who != ANA && account.agent.role.word() != role {
                promote(&self.agents[ANA], who, role).await.must(StatusCode::SEE_OTHER);
            }
        }
        let sight = conversation::sight_of(self.site.app.db.read(), number(ANA)).await.unwrap();
        for tab in [Tab::All, Tab::Snoozed] {
            for row in list(&self.site.app, &sight, tab).await {
                let nonce = Nonce::new();
                let path = format!("/desk/c/{}/close", row.id);
                let fields = [("nonce", nonce.as_str())];
                post(&self.agents[ANA].person, &path, &fields).await.must(StatusCode::SEE_OTHER);
            }
        }
        let (mut visitors, mut ids) = (Vec::new(), Vec::new());
        for _ in 0..TALKS {
            visitors.push(self.arrive().await);
            let queue = list(&self.site.app, &sight, Tab::Queue).await;
            ids.push(queue.iter().map(|row| row.id.0).max().unwrap());
        }
        let base = self.site.app.clock.now().as_second();
        let (app, agents, tags) = (self.site.app.clone(), self.agents.clone(), self.tags.clone());
        Cast { app, agents, visitors, ids, tags, base }
    }

    /// Somebody new, in a conversation; as from the first page, which gives her both words.
    async fn arrive(&self) -> Visitor {
        let person = self.site.stranger();
        let (visitor, nonce) = (VisitorToken::issue(&self.site.app.key), Nonce::new());
        let fields =
            [("visitor", visitor.as_str()), ("nonce", nonce.as_str()), ("body", "Good day")];
        let place = post(&person, "/w/demo/start", &fields).await.goes_to();
        let cid = place.strip_prefix("/c/").unwrap().to_owned();
        Visitor { person, cid }
    }

    /// Lets somebody in again, who signs in.
    pub async fn enable(&mut self, who: usize) -> Agent {
        let path = format!("/desk/settings/agents/{}/enable", number(who));
        post(&self.agents[ANA].person, &path, &[]).await.goes_to();
        self.agents[who] = Agent::sign_in(self.site.stranger(), PEOPLE[who]).await;
        self.agents[who].clone()
    }
}

/// As whoever is told to try again does, under the same nonce: a busy machine is nobody's fault.
async fn post(person: &Person, path: &str, fields: &[(&str, &str)]) -> Answer {
    let mut answer = person.post(path, fields).await;
    for _ in 0..20 {
        if answer.status != StatusCode::SERVICE_UNAVAILABLE {
            break;
        }
        answer = person.post(path, fields).await;
    }
    answer
}

/// The rows of a list: of this script's conversations all, which are the newest in each.
pub async fn list(app: &kefu::app::App, sight: &conversation::Sight, tab: Tab) -> Vec<Summary> {
    conversation::list(&app.db, sight, &tab.into(), 10).await.unwrap()
}

async fn promote(ana: &Agent, who: usize, role: &str) -> Answer {
    let path = format!("/desk/settings/agents/{}", number(who));
    post(&ana.person, &path, &[("name", PEOPLE[who]), ("role", role)]).await
}

impl Cast {
    pub fn comes_back(&mut self, who: usize, agent: Agent) {
        self.agents[who] = agent;
    }

    /// All of them at the same time, and what became of it.
    pub async fn play(&self, sends: &[Send], before: &[Talk]) -> Result<Seen, String> {
        let sending = sends.iter().map(|send| {
            let (cast, send) = (self.clone(), send.clone());
            tokio::spawn(async move { cast.send(&send).await })
        });
        let answers = join_all(sending).await.into_iter();
        let answers = answers.map(|answer| answer.map_err(|error| error.to_string())?);
        let answers = answers.collect::<Result<_, String>>()?;
        let (mut added, mut talks) = (Vec::new(), Vec::new());
        for (id, before) in self.ids.iter().zip(before) {
            let id = ConversationId(*id);
            let (head, entries) = self.log(id, before.last_seq).await;
            let numbers: Vec<_> = entries.iter().map(|entry| entry.seq).collect();
            if !numbers.iter().copied().eq(before.last_seq as i64 + 1..=head.last_seq) {
                return Err(format!(
                    "after {} up to {}: {numbers:?}",
                    before.last_seq, head.last_seq
                ));
            }
            added.push(entries.iter().map(|entry| self.line(entry)).collect());
            talks.push(self.talk(&head)?);
        }
        Ok(Seen { answers, added, talks, staff: self.staff().await })
    }

    async fn log(&self, id: ConversationId, after: usize) -> (Conversation, Vec<Entry>) {
        let (db, seat) = (self.app.db.read(), Seat::Agent { id: number(ANA), conversation: id });
        let head = conversation::find_for(db, &seat).await.unwrap();
        let range = Range::After(after as i64, 200);
        (head, conversation::history(db, id, range).await.unwrap().entries)
    }

    async fn send(&self, send: &Send) -> Result<Outcome, String> {
        let outcome = match &send.deed {
            Deed::Agent { who, talk, act } => return self.act(*who, *talk, act, send.nonce).await,
            Deed::Visitor { talk } => {
                let (visitor, nonce) = (&self.visitors[*talk], nonce(send.nonce));
                let fields = [("nonce", nonce.as_str()), ("body", &said(send.nonce))];
                return read(&post(&visitor.person, &visitor.path("/messages"), &fields).await);
            }
            Deed::Release { who } => {
                let fields = [("state", "offline"), ("held", "queue")];
                return read(&post(&self.agents[*who].person, "/desk/me/state", &fields).await);
            }
            Deed::Disable { who } => {
                let path = format!("/desk/settings/agents/{}/disable", number(*who));
                return read(&post(&self.agents[ANA].person, &path, &[]).await);
            }
            Deed::Promote { who, to } => {
                return read(&promote(&self.agents[ANA], *who, word(*to)).await);
            }
            Deed::SeatLost { who } => {
                conversation::give_back(&self.app, number(*who), PEOPLE[*who]).await
            }
            Deed::WakeDue => conversation::wake_due(&self.app).await.map(|woken| woken as usize),
            Deed::Tidy => {
                let all = agent::accounts(&self.app.db).await.unwrap().into_iter();
                let gone = all.filter(|one| one.state == AccountState::Disabled);
                let gone: Vec<_> = gone.map(|one| one.agent.id).collect();
                conversation::give_back_of(&self.app, &gone).await.map(|given| given as usize)
            }
        };
        outcome.map(Outcome::Counted).map_err(|error| error.to_string())
    }

    async fn act(&self, who: usize, talk: usize, act: &Act, send: u64) -> Result<Outcome, String> {
        let with_note = |note: &bool| if *note { noted(send) } else { String::new() };
        let mut fields = vec![("nonce", nonce(send))];
        let tags = |tags: &BTreeSet<usize>| -> Vec<_> {
            tags.iter().map(|tag| ("tag", self.tags[*tag].to_string())).collect()
        };
        let verb = match act {
            Act::Claim => "claim",
            Act::Reopen => "reopen",
            Act::Wake => "wake",
            Act::Reply => {
                fields.extend([("kind", "text".to_owned()), ("body", said(send))]);
                "messages"
            }
            Act::Close { tags: wanted } => {
                if let Some(wanted) = wanted {
                    fields.push(("tagged", "1".to_owned()));
                    fields.extend(tags(wanted));
                }
                "close"
            }
            Act::Tag(wanted) => {
                fields.extend(tags(wanted));
                "tags"
            }
            Act::Transfer { to, note } => {
                fields.extend([("to", number(*to).to_string()), ("note", with_note(note))]);
                "transfer"
            }
            Act::ToTeam { team, note } => {
                fields.extend([("to", format!("team-{}", team + 1)), ("note", with_note(note))]);
                "transfer"
            }
            Act::Invite(guest) => {
                fields.push(("agent", number(*guest).to_string()));
                "invite"
            }
            Act::Snooze { due } => {
                let until = self.second_of(Until { due: *due, send });
                fields.push(("until", until.to_string()));
                "snooze"
            }
            Act::Prioritize(priority) => {
                fields.push(("priority", PRIORITIES[*priority].word().to_owned()));
                "priority"
            }
        };
        let fields: Vec<_> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
        let path = format!("/desk/c/{}/{verb}", self.ids[talk]);
        read(&post(&self.agents[who].person, &path, &fields).await)
    }

    /// Due ones are put off by the house's clock, and not any more by the database's.
    pub fn second_of(&self, until: Until) -> i64 {
        let from = if until.due { LATE.as_secs() / 2 } else { 3 * LATE.as_secs() };
        self.base + from + until.send as i64
    }
}

fn nonce(send: u64) -> String {
    format!("life-{send}")
}

fn said(send: u64) -> String {
    format!("said {send}")
}

fn noted(send: u64) -> String {
    format!("noted {send}")
}

/// A form leads on, or says why not.
fn read(answer: &Answer) -> Result<Outcome, String> {
    let (status, body) = (answer.status.as_u16(), &answer.body);
    if status == 303 {
        return Ok(Outcome::Done);
    }
    let taken = PEOPLE.iter().position(|name| body.contains(&format!("Taken by {name}.")));
    if let Some(by) = taken.filter(|_| status == 409) {
        return Ok(Outcome::Refused(Refusal::Taken(by)));
    }
    let known = REFUSALS.iter().find(|(code, words, _)| *code == status && body.contains(words));
    known
        .map(|(.., refusal)| Outcome::Refused(*refusal))
        .ok_or_else(|| format!("answered {status}: {body}"))
}
