//! What is done with the accounts of others: each act a plain form.
use super::{Link, PAGE, Told, Typed, page, refusal};
use crate::{
    agent::{
        self, Agent, AgentName, Capacity, Change, Colleague, CurrentAgent, CurrentManager, Email,
        Role,
    },
    app::App,
    error::{Error, Invalid, Result},
    ids::AgentId,
    web::page::{html, see_other},
};
use poem::{
    Response, handler,
    web::{Data, Form, Path},
};
use serde::Deserialize;

const INVITATION: AgentId = AgentId(0);

#[derive(Deserialize)]
struct InvitationForm {
    name: String,
    email: String,
    role: String,
}

#[handler]
pub async fn hire(
    app: Data<&App>,
    me: CurrentManager,
    Form(form): Form<InvitationForm>,
) -> Result<Response> {
    let made = async {
        let new = Colleague {
            name: AgentName::parse(&form.name)?,
            email: Email::parse(&form.email)?,
            role: role(&form.role)?,
        };
        agent::hire(&app, &me.doer(), new).await
    };
    let typed = || Typed {
        name: form.name.clone(),
        email: form.email.clone(),
        role: Role::parse(&form.role),
        ..Typed::default()
    };
    match made.await {
        Ok(made) => show_link(&app, &me, made, false).await,
        Err(error) => refusal(&app, &me, INVITATION, typed(), error).await,
    }
}

#[handler]
pub async fn renew_link(
    app: Data<&App>,
    me: CurrentManager,
    Path(of): Path<String>,
) -> Result<Response> {
    let of = number(&of)?;
    match agent::renew_link(&app, &me.doer(), of).await {
        Ok(made) => show_link(&app, &me, made, true).await,
        Err(error) => refusal(&app, &me, of, Typed::default(), error).await,
    }
}

async fn show_link(
    app: &App,
    me: &CurrentAgent,
    (agent, token): (Agent, String),
    again: bool,
) -> Result<Response> {
    let address = format!("{}/invite?token={token}", app.config.public_url());
    let link = Some(Link { name: agent.name, email: agent.email.to_string(), address, again });
    html(&page(app, me, Told { link, ..Told::default() }).await?)
}

#[derive(Deserialize)]
struct AccountForm {
    name: String,
    role: String,
    #[serde(default)]
    capacity: String,
}

#[handler]
pub async fn change(
    app: Data<&App>,
    me: CurrentManager,
    Path(of): Path<String>,
    Form(form): Form<AccountForm>,
) -> Result<Response> {
    let of = number(&of)?;
    let changed = async {
        let change = Change {
            name: AgentName::parse(&form.name)?,
            role: role(&form.role)?,
            capacity: Capacity::parse(&form.capacity)?,
        };
        agent::change(&app, &me.doer(), of, &change).await
    };
    let outcome = changed.await;
    let role = Role::parse(&form.role);
    let typed = Typed { name: form.name, role, capacity: form.capacity, ..Typed::default() };
    done(&app, &me, of, typed, outcome).await
}

#[handler]
pub async fn disable(
    app: Data<&App>,
    me: CurrentManager,
    Path(of): Path<String>,
) -> Result<Response> {
    let of = number(&of)?;
    let outcome = agent::disable(&app, &me.doer(), of).await;
    done(&app, &me, of, Typed::default(), outcome).await
}

#[handler]
pub async fn enable(
    app: Data<&App>,
    me: CurrentManager,
    Path(of): Path<String>,
) -> Result<Response> {
    let of = number(&of)?;
    let outcome = agent::enable(&app, &me.doer(), of).await;
    done(&app, &me, of, Typed::default(), outcome).await
}

async fn done(
    app: &App,
    me: &CurrentAgent,
    of: AgentId,
    typed: Typed,
    outcome: Result<()>,
) -> Result<Response> {
    match outcome {
        Ok(()) => Ok(see_other(format!("{PAGE}?saved=1"))),
        Err(error) => refusal(app, me, of, typed, error).await,
    }
}

fn role(word: &str) -> Result<Role, Invalid> {
    Role::parse(word).ok_or(Invalid { field: "role", reason: "invalid-form" })
}

fn number(of: &str) -> Result<AgentId> {
    of.parse().map_err(|_| Error::NotFound)
}
