//! What agents do with their accounts.
use super::{
    model::{Agent, AgentName, Email, Password, Role, Scope, Theme, TokenName},
    password, store,
};
use crate::{
    app::App,
    error::{Error, Invalid, Result},
    event::{Access, Event},
    ids::{self, AgentId},
    text::Lang,
    web::session_store::SessionRows,
};
use jiff::SignedDuration;
use sha2::{Digest, Sha256};

/// How long an invitation can be used.
const INVITATION: SignedDuration = SignedDuration::from_hours(72);

#[derive(Clone, Debug)]
pub struct NewAgent {
    pub email: Email,
    pub name: AgentName,
    pub role: Role,
    pub lang: Option<Lang>,
    pub password: Option<Password>,
}

pub async fn add(app: &App, new: NewAgent) -> Result<Agent> {
    let hash = match new.password {
        Some(password) => Some(password::hash(password).await?),
        None => None,
    };
    let agent = Agent {
        id: AgentId(0),
        email: new.email,
        name: new.name.as_str().to_owned(),
        role: new.role,
        lang: new.lang,
        theme: Theme::Auto,
    };
    let id = store::insert(app.db.write(), &agent, hash, app.clock.now()).await?;
    let id = id.ok_or(Error::Conflict("conflict-email"))?;
    Ok(Agent { id, ..agent })
}

/// The account, if there is one with this password; the answer takes as long if there is none.
pub async fn sign_in(app: &App, email: &str, password: String) -> Result<Option<Agent>> {
    let found = match Email::parse(email) {
        Ok(email) => store::find_by_email(&app.db, &email).await?,
        Err(_) => None,
    };
    let stored = found.as_ref().and_then(|(_, stored)| stored.clone());
    let fits = password::fits(password, stored).await?;
    Ok(found.filter(|_| fits).map(|(agent, _)| agent))
}

/// Makes a one-time link by which an agent chooses a password; returns the token in it.
pub async fn invite(app: &App, agent: AgentId) -> Result<String> {
    let token = ids::random::<32>();
    store::insert_invitation(&app.db, hash_of(&token), agent, app.clock.now() + INVITATION).await?;
    Ok(ids::encode(&token))
}

/// Whom the link invites; not found once it was used or is too old.
pub async fn invited(app: &App, token: &str) -> Result<Agent> {
    let token = ids::decode(token).ok_or(Error::NotFound)?;
    store::invited(app.db.read(), &hash_of(&token), app.clock.now()).await?.ok_or(Error::NotFound)
}

pub async fn accept_invitation(app: &App, token: &str, password: Password) -> Result<Agent> {
    let hash = password::hash(password).await?;
    let agent = invited(app, token).await?;
    let tx = app.db.begin().await?;
    if !store::remove_invitations(&tx, agent.id).await? {
        return Err(Error::NotFound);
    }
    store::set_password(&tx, agent.id, hash).await?;
    tx.commit().await?;
    Ok(agent)
}

pub async fn set_profile(
    app: &App,
    id: AgentId,
    name: &AgentName,
    lang: Option<Lang>,
    theme: Theme,
) -> Result<()> {
    store::set_profile(&app.db, id, name.as_str(), lang, theme).await
}

/// Changes the password and ends every session, whose holder may be whoever knew the old one; the caller begins a new one.
pub async fn change_password(app: &App, id: AgentId, current: String, new: Password) -> Result<()> {
    let stored = store::password_of(&app.db, id).await?;
    if !password::fits(current, stored).await? {
        return Err(Invalid { field: "current", reason: "invalid-password-current" }.into());
    }
    let hash = password::hash(new).await?;
    store::set_password(app.db.write(), id, hash).await?;
    for session in SessionRows::new(app).of_owner(id.0).await? {
        end_session(app, id, &session.hash).await?;
    }
    Ok(())
}

/// Ends one of an agent's sessions, here or on another device, and the streams it holds open.
pub async fn end_session(app: &App, id: AgentId, hash: &[u8]) -> Result<()> {
    if !SessionRows::new(app).revoke(id.0, hash).await? {
        return Err(Error::NotFound);
    }
    let access = Access::Session(ids::encode(hash));
    store::insert_revocation(app.db.write(), &access, app.db.now().await?).await?;
    app.bus.publish(Event::AccessLost { access });
    Ok(())
}

/// The most tokens an agent may have.
const TOKENS: usize = 50;
/// What a personal access token begins with.
const TOKEN_PREFIX: &str = "kfa_";

/// Makes a personal access token for programs that act in the agent's name; it is shown this once.
pub async fn make_token(
    app: &App,
    agent: AgentId,
    name: &TokenName,
    scope: Scope,
    lifetime: Option<SignedDuration>,
) -> Result<String> {
    if store::tokens_of(&app.db, agent).await?.len() >= TOKENS {
        return Err(Invalid { field: "token-name", reason: "invalid-token-count" }.into());
    }
    let (random, at) = (ids::random::<32>(), app.clock.now());
    let expires_at = lifetime.map(|lifetime| at + lifetime);
    store::insert_token(&app.db, agent, name, scope, hash_of(&random), at, expires_at).await?;
    Ok(format!("{TOKEN_PREFIX}{}", ids::encode(&random)))
}

/// Whoever shows this token, with its hash; `None` if it never was one or is one no more.
pub async fn find_by_token(app: &App, token: &str) -> Result<Option<(Agent, Scope, Vec<u8>)>> {
    let random = token.strip_prefix(TOKEN_PREFIX).and_then(ids::decode);
    let Some(hash) = random.map(|random| hash_of(&random)) else { return Ok(None) };
    let found = store::find_by_token(&app.db, &hash, app.clock.now()).await?;
    Ok(found.map(|(agent, scope)| (agent, scope, hash)))
}

/// Ends a token of an agent, and what it holds open.
pub async fn end_token(app: &App, agent: AgentId, id: i64) -> Result<()> {
    let hash = store::remove_token(app.db.write(), agent, id).await?.ok_or(Error::NotFound)?;
    let access = Access::AgentToken(ids::encode(&hash));
    store::insert_revocation(app.db.write(), &access, app.db.now().await?).await?;
    app.bus.publish(Event::AccessLost { access });
    Ok(())
}

/// Whether an agent's session, by its hash, still opens doors.
pub async fn session_lives(app: &App, agent: AgentId, session: &[u8]) -> Result<bool> {
    let sessions = SessionRows::new(app).of_owner(agent.0).await?;
    let lives = sessions.iter().any(|row| row.hash == session);
    Ok(lives && store::find(app.db.read(), agent).await?.is_some())
}

/// Whether a token, by its hash, still opens doors.
pub async fn token_lives(app: &App, token: &[u8]) -> Result<bool> {
    Ok(store::find_by_token(&app.db, token, app.clock.now()).await?.is_some())
}

fn hash_of(token: &[u8]) -> Vec<u8> {
    Sha256::digest(token).to_vec()
}
