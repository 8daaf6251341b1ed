//! An agent's own settings: name, language, theme, password, devices.
use super::{CurrentAgent, DeskFrame, SignedIn, sign_in_as};
use crate::{
    agent::{
        actions,
        model::{Agent, AgentName, Password, Scope, SendKey, Theme, Token, TokenName},
        store,
    },
    app::App,
    error::{Error, Invalid, Result},
    ids,
    text::{self, Lang},
    web::{
        limits::Limits,
        page::{Viewer, html, query, see_other},
        session::CurrentSession,
        session_store::{self, SessionRows},
    },
};
use askama::Template;
use jiff::SignedDuration;
use poem::{
    Request, Response, handler,
    http::StatusCode,
    web::{Data, Form},
};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "agent/me.html")]
struct MePage {
    lang: Lang,
    frame: DeskFrame,
    me: Agent,
    sessions: Vec<SessionRow>,
    tokens: Vec<TokenRow>,
    told: Told,
}

/// What the page says beside the settings themselves.
#[derive(Default)]
struct Told {
    saved: bool,
    problem: Option<(&'static str, String)>,
    /// A token that was just made: shown this once.
    token: Option<String>,
    /// What the form of a refused token held.
    token_name: String,
}

impl Told {
    fn problem(invalid: Invalid, lang: Lang) -> Self {
        Self { problem: Some((invalid.field, lang.t(invalid.reason))), ..Self::default() }
    }
}

struct TokenRow {
    id: i64,
    name: String,
    write: bool,
    /// The day it ends, and whether that is over.
    ends: Option<String>,
    ended: bool,
    used: Option<String>,
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
        self.told.problem.as_ref().filter(|(of, _)| *of == field).map(|(_, words)| words.as_str())
    }
}

#[handler]
pub async fn settings(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    request: &Request,
) -> Result<Response> {
    let saved = query(request, "saved").is_some();
    me_page(&app, &me, Told { saved, ..Told::default() }).await
}

async fn me_page(app: &App, me: &CurrentAgent, told: Told) -> Result<Response> {
    let sessions = SessionRows::new(app).of_owner(me.agent.id.0).await?;
    let (zone, now) = (text::zone(text::DEFAULT_ZONE), app.clock.now());
    let day = |at| text::day_of_any_year(at, now, &zone, me.lang);
    let moment = |micros: i64| {
        let at = crate::db::timestamp(micros);
        (format!("{} {}", day(at), text::clock_time(at, &zone)), format!("{at:.3}"))
    };
    let row = |session: session_store::session::Model| SessionRow {
        this: session.hash == me.session,
        key: ids::encode(&session.hash),
        device: text::device(&session.user_agent),
        since: moment(session.created_at).0,
        seen: moment(session.seen_at).0,
        seen_iso: moment(session.seen_at).1,
    };
    let token = |token: Token| TokenRow {
        id: token.id,
        name: token.name,
        write: token.scope == Scope::Write,
        ended: token.expires_at.is_some_and(|at| at <= now),
        ends: token.expires_at.map(day),
        used: token.used_at.map(day),
    };
    let tokens = store::tokens_of(&app.db, me.agent.id).await?;
    let refused = told.problem.is_some();
    let page = MePage {
        lang: me.lang,
        frame: DeskFrame::new(me, "me", 0),
        me: me.agent.clone(),
        sessions: sessions.into_iter().map(row).collect(),
        tokens: tokens.into_iter().map(token).collect(),
        told,
    };
    let mut response = html(&page)?;
    if refused {
        response.set_status(StatusCode::UNPROCESSABLE_ENTITY);
    }
    Ok(response)
}

#[derive(Deserialize)]
struct ProfileForm {
    name: String,
    language: String,
    theme: String,
    /// A page of before does not ask for it, and then it stays.
    #[serde(default)]
    send_key: Option<String>,
}

#[handler]
pub async fn set_profile(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Form(form): Form<ProfileForm>,
) -> Result<Response> {
    limits.act(&me.counted_as())?;
    let name = match AgentName::parse(&form.name) {
        Ok(name) => name,
        Err(invalid) => return me_page(&app, &me, Told::problem(invalid, me.lang)).await,
    };
    let theme =
        Theme::parse(&form.theme).ok_or(Invalid { field: "theme", reason: "invalid-form" })?;
    let mut likes = me.agent.preferences.clone();
    if let Some(word) = form.send_key {
        let invalid = Invalid { field: "send_key", reason: "invalid-form" };
        likes.send_key = SendKey::parse(&word).ok_or(invalid)?;
    }
    let lang = Lang::from_tag(&form.language);
    actions::set_profile(&app, &me.doer(), &name, lang, theme, &likes).await?;
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
        Err(invalid) => return me_page(&app, &me, Told::problem(invalid, me.lang)).await,
    };
    match actions::change_password(&app, &me.doer(), form.current, new).await {
        Ok(()) => {
            sign_in_as(request, &session.0, &me.agent).await?;
            Ok(see_other("/desk/me?saved=1"))
        }
        Err(Error::Invalid(invalid)) => me_page(&app, &me, Told::problem(invalid, me.lang)).await,
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
    limits.act(&me.counted_as())?;
    let hash = ids::decode(&form.session).ok_or(Error::NotFound)?;
    actions::end_session(&app, &me.doer(), &hash).await?;
    Ok(see_other("/desk/me"))
}

#[derive(Deserialize)]
struct TokenForm {
    name: String,
    scope: String,
    /// Days until it ends, or `never`.
    lifetime: String,
}

#[handler]
pub async fn make_token(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Form(form): Form<TokenForm>,
) -> Result<Response> {
    limits.act(&me.counted_as())?;
    let made = async {
        let name = TokenName::parse(&form.name)?;
        let scope =
            Scope::parse(&form.scope).ok_or(Invalid { field: "scope", reason: "invalid-form" })?;
        let lifetime = match form.lifetime.as_str() {
            "never" => None,
            days => Some(lifetime(days)?),
        };
        actions::make_token(&app, &me.doer(), &name, scope, lifetime).await
    };
    match made.await {
        Ok(token) => me_page(&app, &me, Told { token: Some(token), ..Told::default() }).await,
        Err(Error::Invalid(invalid)) => {
            let told = Told { token_name: form.name, ..Told::problem(invalid, me.lang) };
            me_page(&app, &me, told).await
        }
        Err(error) => Err(error),
    }
}

fn lifetime(days: &str) -> Result<SignedDuration> {
    match days.parse() {
        Ok(days @ 1..=366) => Ok(SignedDuration::from_hours(24 * days)),
        _ => Err(Invalid { field: "lifetime", reason: "invalid-form" }.into()),
    }
}

#[derive(Deserialize)]
struct EndTokenForm {
    token: i64,
}

#[handler]
pub async fn end_token(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Form(form): Form<EndTokenForm>,
) -> Result<Response> {
    limits.act(&me.counted_as())?;
    actions::end_token(&app, &me.doer(), form.token).await?;
    Ok(see_other("/desk/me"))
}
