//! The door: signing in and out.
use super::{CurrentAgent, MaybeAgent};
use crate::{
    agent::{
        actions, has_owner,
        model::{Agent, Availability},
    },
    app::App,
    error::{Error, Invalid, Result},
    text::Lang,
    web::{
        limits::Limits,
        page::{Viewer, html, query, see_other},
        session::{CurrentSession, unavailable},
        session_store::{OWNER, USER_AGENT},
    },
};
use askama::Template;
use poem::{
    Request, Response, handler,
    web::{Data, Form},
};
use serde::Deserialize;
use std::sync::Arc;
use tower_sessions::Session;

/// The answer to whoever must sign in first: the door, which leads back to what was asked for.
pub fn to_the_door(request: &Request) -> Response {
    let path = request.uri().path_and_query().map_or("/desk", |path| path.as_str());
    let next: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
    see_other(format!("/login?next={next}"))
}

#[derive(Template)]
#[template(path = "agent/login.html")]
struct LoginPage {
    lang: Lang,
    next: String,
    email: String,
    problem: Option<String>,
}

#[handler]
pub async fn login(
    app: Data<&App>,
    viewer: Viewer,
    MaybeAgent(me): MaybeAgent,
    request: &Request,
) -> Result<Response> {
    let next = own_path(query(request, "next"));
    if me.is_some() {
        return Ok(see_other(next));
    }
    if !has_owner(&app.db).await? {
        return Ok(see_other("/"));
    }
    html(&LoginPage { lang: viewer.lang, next, email: String::new(), problem: None })
}

#[derive(Deserialize)]
struct LoginForm {
    email: String,
    password: String,
    #[serde(default)]
    next: Option<String>,
}

#[handler]
pub async fn sign_in(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    viewer: Viewer,
    session: CurrentSession,
    request: &Request,
    Form(form): Form<LoginForm>,
) -> Result<Response> {
    let next = own_path(form.next);
    let allowed = limits.sign_in(viewer.address, &form.email.trim().to_lowercase());
    let (address, user_agent) = (viewer.address, user_agent(request));
    let found = match &allowed {
        Ok(()) => actions::sign_in(&app, &form.email, form.password, address, &user_agent).await?,
        Err(_) => None,
    };
    if let Some(agent) = found {
        sign_in_as(request, &session.0, &agent).await?;
        // Whoever signed out said with it that she is not there.
        if agent.availability == Availability::Offline {
            actions::choose(&app, agent.id, Availability::Online).await?;
        }
        return Ok(see_other(next));
    }
    let refusal = match allowed {
        Ok(()) => {
            if limits.may_note_refusal(address) {
                actions::note_refusal(&app, &form.email, address).await?;
            }
            Error::Invalid(Invalid { field: "password", reason: "invalid-sign-in" })
        }
        Err(limit) => limit,
    };
    let problem = crate::web::errors::words(&refusal).say(viewer.lang);
    let page = LoginPage { lang: viewer.lang, next, email: form.email, problem: Some(problem) };
    let mut response = html(&page)?;
    response.set_status(poem::error::ResponseError::status(&refusal));
    Ok(response)
}

/// Begins an agent's session under a new id, so that nobody can have known it before.
pub async fn sign_in_as(request: &Request, session: &Session, agent: &Agent) -> Result<()> {
    let user_agent = user_agent(request);
    session.clear().await;
    session.cycle_id().await.map_err(unavailable)?;
    session.insert(USER_AGENT, user_agent).await.map_err(unavailable)?;
    session.insert(OWNER, agent.id.0).await.map_err(unavailable)?;
    Ok(())
}

/// What the browser calls itself, as much of it as is kept.
fn user_agent(request: &Request) -> String {
    request.header("user-agent").unwrap_or_default().chars().take(255).collect()
}

/// Ends the session that asks, and with it says that its agent is not there.
pub async fn leave(app: &App, me: &CurrentAgent, session: &Session) -> Result<Response> {
    actions::choose(app, me.agent.id, Availability::Offline).await?;
    actions::sign_out(app, &me.doer(), &me.session).await?;
    session.flush().await.map_err(unavailable)?;
    Ok(see_other("/login"))
}

/// A path of ours to go on to; anything that could lead elsewhere becomes the desk.
fn own_path(asked: Option<String>) -> String {
    asked
        .filter(|path| path.starts_with("/desk") && !path.contains(['\\', '\r', '\n']))
        .unwrap_or_else(|| "/desk".into())
}
