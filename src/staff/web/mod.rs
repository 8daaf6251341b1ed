//! The pages of the settings about people: accounts, and the log of what was changed.
mod acts;
mod detail;
mod log;

pub use acts::{change, disable, enable, hire, renew_link};
pub use log::audit_log;

use crate::{
    agent::{
        self, Account, AccountState, Capacity, CurrentAgent, DeskFrame, Role, SignedIn, Wish,
        may_change, may_invite,
    },
    app::App,
    error::{Error, Result},
    ids::{AgentId, TeamId},
    team::{self, Team},
    text::{self, Lang},
    web::page::{html, query},
};
use askama::Template;
use jiff::Timestamp;
use poem::{Request, Response, error::ResponseError, handler, web::Data};
use std::collections::HashMap;

const PAGE: &str = "/desk/settings/agents";

#[derive(Template)]
#[template(path = "staff/agents.html")]
struct AgentsPage {
    lang: Lang,
    frame: DeskFrame,
    place: &'static str,
    cards: Vec<Card>,
    /// What the form of an invitation held.
    new: Typed,
    roles: Vec<Role>,
    told: Told,
}

/// An account and its forms.
struct Card {
    id: AgentId,
    email: String,
    name: String,
    letter: String,
    tint: i64,
    role: Role,
    state: AccountState,
    teams: Vec<String>,
    seen: Option<Moment>,
    /// Until when a link is good that was not used yet.
    link_until: Option<Moment>,
    own: bool,
    /// Whether whoever looks may change it, and end or begin its access.
    may_edit: bool,
    may_end: bool,
    typed: Typed,
}

/// What a form holds: what is, or what was typed and refused.
#[derive(Clone, Default)]
struct Typed {
    email: String,
    name: String,
    role: Option<Role>,
    capacity: String,
    /// The field that was refused, and why.
    problem: Option<(&'static str, String)>,
}

impl Typed {
    fn problem_of(&self, field: &str) -> Option<&str> {
        self.problem.as_ref().filter(|(of, _)| *of == field).map(|(_, words)| words.as_str())
    }

    fn is(&self, role: &Role) -> bool {
        self.role.as_ref() == Some(role)
    }
}

struct Moment {
    text: String,
    iso: String,
}

impl Moment {
    fn new(at: Timestamp) -> Self {
        let text = text::stamp(at, &text::zone(text::DEFAULT_ZONE));
        Self { text, iso: format!("{at:.3}") }
    }
}

/// What the page says beside the accounts themselves.
#[derive(Default)]
struct Told {
    saved: bool,
    /// Why something was refused that no field can mend.
    problem: Option<String>,
    /// A link that was just made: shown this once.
    link: Option<Link>,
    /// The form that was refused: an account's, or with 0 that of an invitation.
    refused: Option<(AgentId, Typed)>,
}

struct Link {
    name: String,
    email: String,
    address: String,
    /// Whether older links may have ended with it.
    again: bool,
}

#[handler]
pub async fn index(app: Data<&App>, SignedIn(me): SignedIn, request: &Request) -> Result<Response> {
    me.must_manage()?;
    let saved = query(request, "saved").is_some();
    html(&page(&app, &me, Told { saved, ..Told::default() }).await?)
}

async fn page(app: &App, me: &CurrentAgent, mut told: Told) -> Result<AgentsPage> {
    let accounts = agent::accounts(&app.db).await?;
    let teams: HashMap<TeamId, Team> =
        team::all(&app.db).await?.into_iter().map(|team| (team.id, team)).collect();
    let memberships = team::memberships(&app.db).await?;
    let seen = agent::last_seen(&app.db).await?;
    let links = agent::links(&app.db, app.clock.now()).await?;
    let owners = accounts.iter().filter(|one| one.is_owner()).count();
    let refused = told.refused.take();
    let typed = |of: AgentId| {
        refused.as_ref().filter(|(refused, _)| *refused == of).map(|(_, typed)| typed.clone())
    };
    let card = |account: &Account| {
        let agent = &account.agent;
        let others = owners - usize::from(account.is_owner());
        let may = |wish| may_change(&me.agent, account, wish, others).is_ok();
        let disabled = account.state == AccountState::Disabled;
        Card {
            id: agent.id,
            email: agent.email.to_string(),
            name: agent.name.clone(),
            letter: text::letter(&agent.name),
            tint: text::tint(agent.id.0),
            role: agent.role,
            state: account.state,
            teams: memberships
                .iter()
                .filter(|(_, member)| *member == agent.id)
                .filter_map(|(team, _)| teams.get(team).map(|team| team.name.clone()))
                .collect(),
            seen: seen.get(&agent.id).copied().map(Moment::new),
            link_until: links.get(&agent.id).copied().map(Moment::new),
            own: agent.id == me.agent.id,
            may_edit: may(Wish::Edit),
            may_end: may(if disabled { Wish::Enable } else { Wish::Disable }),
            typed: typed(agent.id).unwrap_or_else(|| Typed {
                name: agent.name.clone(),
                role: Some(agent.role),
                capacity: agent.capacity.own().map(|own| own.to_string()).unwrap_or_default(),
                ..Typed::default()
            }),
        }
    };
    Ok(AgentsPage {
        lang: me.lang,
        frame: DeskFrame::new(me, "settings", 0),
        place: "agents",
        cards: accounts.iter().map(card).collect(),
        new: typed(AgentId(0))
            .unwrap_or_else(|| Typed { role: Some(Role::Agent), ..Typed::default() }),
        roles: Role::ALL
            .into_iter()
            .filter(|role| may_invite(me.agent.role, *role).is_ok())
            .collect(),
        told,
    })
}

/// The page once more, beside a form that was refused or with what no field can mend.
async fn refusal(
    app: &App,
    me: &CurrentAgent,
    of: AgentId,
    typed: Typed,
    error: Error,
) -> Result<Response> {
    let told = match &error {
        Error::Invalid(invalid) => {
            let problem = Some((invalid.field, me.lang.t(invalid.reason)));
            Told { refused: Some((of, Typed { problem, ..typed })), ..Told::default() }
        }
        Error::Forbidden(why) | Error::Conflict(why) => {
            Told { problem: Some(me.lang.t(why)), ..Told::default() }
        }
        _ => return Err(error),
    };
    let mut response = html(&page(app, me, told).await?)?;
    response.set_status(error.status());
    Ok(response)
}
