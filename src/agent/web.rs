//! The door and an agent's own settings.
use super::{
    actions,
    model::{Agent, AgentName, Password, Theme},
};
use crate::{
    app::App,
    error::{Error, Invalid, Result},
    ids::{self, AgentId},
    text::{self, Lang},
    web::{
        limits::Limits,
        page::{Viewer, html, query, see_other},
        session::{CurrentSession, unavailable},
        session_store::{self, OWNER, SessionRows, USER_AGENT},
    },
};
use askama::Template;
use poem::{
    FromRequest, Request, RequestBody, Response, handler,
    http::StatusCode,
    web::{Data, Form},
};
use serde::Deserialize;
use std::sync::Arc;
use tower_sessions::Session;

// ── who is asking ──

/// A signed-in agent.
#[derive(Clone, Debug)]
pub struct CurrentAgent {
    pub agent: Agent,
    /// The agent's own choice, else what the browser wishes.
    pub lang: Lang,
    /// The hash of the session's id: what a revocation names.
    pub session: Vec<u8>,
}

impl<'a> FromRequest<'a> for CurrentAgent {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let app = <Data<&App>>::from_request(request, body).await?;
        let CurrentSession(session) = CurrentSession::from_request(request, body).await?;
        Ok(current(&app, request, &session).await?)
    }
}

async fn current(app: &App, request: &Request, session: &Session) -> Result<CurrentAgent> {
    let owner: Option<i64> = session.get(OWNER).await.map_err(unavailable)?;
    let (Some(owner), Some(id)) = (owner, session.id()) else { return Err(Error::Unauthenticated) };
    let agent =
        super::store::find(app.db.read(), AgentId(owner)).await?.ok_or(Error::Unauthenticated)?;
    let hash = session_store::hash(id);
    SessionRows::new(app).touch(&hash).await?;
    Ok(CurrentAgent { lang: agent.lang.unwrap_or(Viewer::of(request).lang), agent, session: hash })
}

/// For pages: whoever is not signed in is shown the door, and led back afterwards.
#[derive(Clone, Debug)]
pub enum SignedIn {
    Agent(Box<CurrentAgent>),
    Nobody(String),
}

impl<'a> FromRequest<'a> for SignedIn {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        match CurrentAgent::from_request(request, body).await {
            Ok(agent) => Ok(Self::Agent(Box::new(agent))),
            Err(error) if matches!(error.downcast_ref(), Some(Error::Unauthenticated)) => {
                let path = request.uri().path_and_query().map_or("/desk", |path| path.as_str());
                let next: String = url::form_urlencoded::byte_serialize(path.as_bytes()).collect();
                Ok(Self::Nobody(format!("/login?next={next}")))
            }
            Err(error) => Err(error),
        }
    }
}

/// What stands round every page of the desk.
#[derive(Clone, Debug)]
pub struct DeskFrame {
    pub lang: Lang,
    pub theme: &'static str,
    pub letter: String,
    pub tint: i64,
    pub name: String,
    /// Which place of the rail we are at.
    pub here: &'static str,
    /// Unread messages in my conversations.
    pub unread: i64,
}

impl DeskFrame {
    pub fn new(me: &CurrentAgent, here: &'static str, unread: i64) -> Self {
        Self {
            lang: me.lang,
            theme: me.agent.theme.word(),
            letter: text::letter(&me.agent.name),
            tint: text::tint(me.agent.id.0),
            name: me.agent.name.clone(),
            here,
            unread,
        }
    }
}

// ── the door ──

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
    signed_in: SignedIn,
    request: &Request,
) -> Result<Response> {
    let next = own_path(query(request, "next"));
    if let SignedIn::Agent(_) = signed_in {
        return Ok(see_other(next));
    }
    if !super::store::has_owner(&app.db).await? {
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
    let found = match &allowed {
        Ok(()) => actions::sign_in(&app, &form.email, form.password).await?,
        Err(_) => None,
    };
    if let Some(agent) = found {
        sign_in_as(request, &session.0, &agent).await?;
        return Ok(see_other(next));
    }
    let refusal = match allowed {
        Ok(()) => Error::Invalid(Invalid { field: "password", reason: "invalid-sign-in" }),
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
    let user_agent: String =
        request.header("user-agent").unwrap_or_default().chars().take(255).collect();
    session.clear().await;
    session.cycle_id().await.map_err(unavailable)?;
    session.insert(USER_AGENT, user_agent).await.map_err(unavailable)?;
    session.insert(OWNER, agent.id.0).await.map_err(unavailable)?;
    Ok(())
}

#[handler]
pub async fn sign_out(
    app: Data<&App>,
    me: CurrentAgent,
    session: CurrentSession,
) -> Result<Response> {
    actions::end_session(&app, me.agent.id, &me.session).await?;
    session.0.flush().await.map_err(unavailable)?;
    Ok(see_other("/login"))
}

/// A path of ours to go on to; anything that could lead elsewhere becomes the desk.
fn own_path(asked: Option<String>) -> String {
    asked
        .filter(|path| path.starts_with("/desk") && !path.contains(['\\', '\r', '\n']))
        .unwrap_or_else(|| "/desk".into())
}

// ── an invitation ──

#[derive(Template)]
#[template(path = "agent/invitation.html")]
struct InvitationPage {
    lang: Lang,
    email: String,
    name: String,
    token: String,
    problem: Option<String>,
}

#[handler]
pub async fn invitation(app: Data<&App>, viewer: Viewer, request: &Request) -> Result<Response> {
    let token = query(request, "token").ok_or(Error::NotFound)?;
    let agent = actions::invited(&app, &token).await?;
    let (email, name) = (agent.email.to_string(), agent.name);
    html(&InvitationPage { lang: viewer.lang, email, name, token, problem: None })
}

#[derive(Deserialize)]
struct InvitationForm {
    token: String,
    password: String,
}

#[handler]
pub async fn accept_invitation(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    viewer: Viewer,
    session: CurrentSession,
    request: &Request,
    Form(form): Form<InvitationForm>,
) -> Result<Response> {
    limits.sign_in(viewer.address, &form.token)?;
    let agent = actions::invited(&app, &form.token).await?;
    match Password::parse(&form.password, &agent.email) {
        Ok(password) => {
            let agent = actions::accept_invitation(&app, &form.token, password).await?;
            sign_in_as(request, &session.0, &agent).await?;
            Ok(see_other("/desk"))
        }
        Err(invalid) => {
            let problem = Some(viewer.lang.t(invalid.reason));
            let (email, name) = (agent.email.to_string(), agent.name);
            let page =
                InvitationPage { lang: viewer.lang, email, name, token: form.token, problem };
            let mut response = html(&page)?;
            response.set_status(StatusCode::UNPROCESSABLE_ENTITY);
            Ok(response)
        }
    }
}

// ── own settings ──

#[derive(Template)]
#[template(path = "agent/me.html")]
struct MePage {
    lang: Lang,
    frame: DeskFrame,
    me: Agent,
    sessions: Vec<SessionRow>,
    saved: bool,
    problem: Option<(&'static str, String)>,
}

struct SessionRow {
    key: String,
    device: String,
    since: String,
    seen: String,
    seen_iso: String,
    this: bool,
}

impl MePage {
    fn problem_of(&self, field: &str) -> Option<&str> {
        self.problem.as_ref().filter(|(of, _)| *of == field).map(|(_, words)| words.as_str())
    }
}

#[handler]
pub async fn settings(app: Data<&App>, signed_in: SignedIn, request: &Request) -> Result<Response> {
    match signed_in {
        SignedIn::Nobody(door) => Ok(see_other(door)),
        SignedIn::Agent(me) => me_page(&app, &me, query(request, "saved").is_some(), None).await,
    }
}

async fn me_page(
    app: &App,
    me: &CurrentAgent,
    saved: bool,
    invalid: Option<Invalid>,
) -> Result<Response> {
    let sessions = SessionRows::new(app).of_owner(me.agent.id.0).await?;
    let zone = text::zone(text::DEFAULT_ZONE);
    let moment = |micros: i64| {
        let at = crate::db::timestamp(micros);
        (
            format!("{} {}", text::day_line(at, &zone, me.lang), text::clock_time(at, &zone)),
            format!("{at:.3}"),
        )
    };
    let row = |session: session_store::session::Model| SessionRow {
        this: session.hash == me.session,
        key: ids::encode(&session.hash),
        device: text::device(&session.user_agent),
        since: moment(session.created_at).0,
        seen: moment(session.seen_at).0,
        seen_iso: moment(session.seen_at).1,
    };
    let page = MePage {
        lang: me.lang,
        frame: DeskFrame::new(me, "me", 0),
        me: me.agent.clone(),
        sessions: sessions.into_iter().map(row).collect(),
        saved,
        problem: invalid.map(|invalid| (invalid.field, me.lang.t(invalid.reason))),
    };
    let mut response = html(&page)?;
    if invalid.is_some() {
        response.set_status(StatusCode::UNPROCESSABLE_ENTITY);
    }
    Ok(response)
}

#[derive(Deserialize)]
struct ProfileForm {
    name: String,
    language: String,
    theme: String,
}

#[handler]
pub async fn set_profile(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Form(form): Form<ProfileForm>,
) -> Result<Response> {
    limits.act(&format!("agent {}", me.agent.id))?;
    let name = match AgentName::parse(&form.name) {
        Ok(name) => name,
        Err(invalid) => return me_page(&app, &me, false, Some(invalid)).await,
    };
    let theme =
        Theme::parse(&form.theme).ok_or(Invalid { field: "theme", reason: "invalid-form" })?;
    actions::set_profile(&app, me.agent.id, &name, Lang::from_tag(&form.language), theme).await?;
    Ok(see_other("/desk/me?saved=1"))
}

#[derive(Deserialize)]
struct PasswordForm {
    current: String,
    password: String,
}

#[handler]
pub async fn change_password(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    viewer: Viewer,
    me: CurrentAgent,
    session: CurrentSession,
    request: &Request,
    Form(form): Form<PasswordForm>,
) -> Result<Response> {
    limits.sign_in(viewer.address, me.agent.email.as_str())?;
    let new = match Password::parse(&form.password, &me.agent.email) {
        Ok(new) => new,
        Err(invalid) => return me_page(&app, &me, false, Some(invalid)).await,
    };
    match actions::change_password(&app, me.agent.id, form.current, new).await {
        Ok(()) => {
            sign_in_as(request, &session.0, &me.agent).await?;
            Ok(see_other("/desk/me?saved=1"))
        }
        Err(Error::Invalid(invalid)) => me_page(&app, &me, false, Some(invalid)).await,
        Err(error) => Err(error),
    }
}

#[derive(Deserialize)]
struct EndForm {
    session: String,
}

#[handler]
pub async fn end_session(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Form(form): Form<EndForm>,
) -> Result<Response> {
    limits.act(&format!("agent {}", me.agent.id))?;
    let hash = ids::decode(&form.session).ok_or(Error::NotFound)?;
    actions::end_session(&app, me.agent.id, &hash).await?;
    Ok(see_other("/desk/me"))
}
