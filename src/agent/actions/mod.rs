//! What agents do with their own accounts; what is done with those of others is in `managing`.
mod managing;

pub use managing::{Change, Colleague, change, disable, enable, hire, renew_link};

use super::{
    model::{
        Agent, AgentName, Availability, Capacity, Email, Password, Preferences, Role, Scope,
        Standing, Theme, TokenName,
    },
    password, store,
};
use crate::{
    app::App,
    audit::{self, Deed, Doer},
    db::Connection,
    error::{Error, Invalid, Result},
    event::{Access, Event, Present},
    ids::{self, AgentId},
    text::{self, Lang},
    web::session_store::{self, SessionRows},
};
use jiff::{SignedDuration, Timestamp};
use sha2::{Digest, Sha256};
use std::{collections::HashMap, net::IpAddr};

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

/// Makes an account from the command line, where nobody has to be asked.
pub async fn add(app: &App, new: NewAgent) -> Result<Agent> {
    let (agent, hash) = account(new).await?;
    let tx = app.db.begin().await?;
    let agent = insert(app, &tx, agent, hash).await?;
    let deed = Deed::new("agent-added", &agent.name).with(described(&agent));
    audit::record(&tx, &Doer::command_line(), deed, app.clock.now()).await?;
    tx.commit().await?;
    Ok(agent)
}

/// Makes the first account, for whoever came with the token of the terminal.
pub async fn make_owner(app: &App, new: NewAgent, address: IpAddr) -> Result<Agent> {
    let (agent, hash) = account(new).await?;
    let tx = app.db.begin().await?;
    let agent = insert(app, &tx, agent, hash).await?;
    let by = doer(&agent, address);
    let deed = Deed::new("owner-made", &agent.name).with(agent.email.as_str());
    audit::record(&tx, &by, deed, app.clock.now()).await?;
    tx.commit().await?;
    Ok(agent)
}

async fn account(new: NewAgent) -> Result<(Agent, Option<String>)> {
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
        capacity: Capacity::default(),
        availability: Availability::Online,
        preferences: Preferences::default(),
    };
    Ok((agent, hash))
}

async fn insert(
    app: &App,
    tx: &impl Connection,
    agent: Agent,
    hash: Option<String>,
) -> Result<Agent> {
    let id = store::insert(tx, &agent, hash, app.clock.now()).await?;
    Ok(Agent { id: id.ok_or(Error::Conflict("conflict-email"))?, ..agent })
}

/// What the audit log says of an account beside its name.
fn described(agent: &Agent) -> String {
    format!("{} · {}", agent.email, agent.role.word())
}

/// Whoever proved who they are just now.
fn doer(agent: &Agent, address: IpAddr) -> Doer {
    Doer { agent: agent.id, name: agent.name.clone(), address }
}

/// The account, if there is one with this password; the answer takes as long if there is none.
pub async fn sign_in(
    app: &App,
    email: &str,
    password: String,
    address: IpAddr,
    user_agent: &str,
) -> Result<Option<Agent>> {
    let found = match Email::parse(email) {
        Ok(email) => store::find_by_email(&app.db, &email).await?,
        Err(_) => None,
    };
    let stored = found.as_ref().and_then(|(_, stored)| stored.clone());
    let fits = password::fits(password, stored).await?;
    let Some((agent, _)) = found.filter(|_| fits) else { return Ok(None) };
    let deed = Deed::new("signed-in", &agent.name).with(text::device(user_agent));
    audit::record(app.db.write(), &doer(&agent, address), deed, app.clock.now()).await?;
    Ok(Some(agent))
}

/// Remembers that somebody was not let in, by what they typed: the same whether there is such an account or not.
pub async fn note_refusal(app: &App, email: &str, address: IpAddr) -> Result<()> {
    let deed = Deed::new("sign-in-refused", email);
    audit::record(app.db.write(), &Doer::nobody(address), deed, app.clock.now()).await
}

/// Makes a one-time link by which an agent chooses a password; returns the token in it.
pub async fn invite(app: &App, agent: AgentId) -> Result<String> {
    link(app, app.db.write(), agent).await
}

async fn link(app: &App, db: &impl Connection, agent: AgentId) -> Result<String> {
    let token = ids::random::<32>();
    store::insert_invitation(db, hash_of(&token), agent, app.clock.now() + INVITATION).await?;
    Ok(ids::encode(&token))
}

/// Whom the link invites; not found once it was used or is too old.
pub async fn invited(app: &App, token: &str) -> Result<Agent> {
    let token = ids::decode(token).ok_or(Error::NotFound)?;
    store::invited(app.db.read(), &hash_of(&token), app.clock.now()).await?.ok_or(Error::NotFound)
}

/// Chooses a password by a link, and ends every session, whose holder may be whoever knew the old one.
pub async fn accept_invitation(
    app: &App,
    token: &str,
    password: Password,
    address: IpAddr,
) -> Result<Agent> {
    let hash = password::hash(password).await?;
    let agent = invited(app, token).await?;
    let at = app.db.now().await?;
    let tx = app.db.begin().await?;
    if !store::remove_invitations(&tx, agent.id).await? {
        return Err(Error::NotFound);
    }
    store::set_password(&tx, agent.id, hash).await?;
    session_store::revoke_all(&tx, agent.id.0).await?;
    let access = Access::Agent(agent.id);
    store::insert_revocation(&tx, &access, at).await?;
    let deed = Deed::new("password-chosen", &agent.name);
    audit::record(&tx, &doer(&agent, address), deed, app.clock.now()).await?;
    tx.commit().await?;
    app.bus.publish(Event::AccessLost { access });
    Ok(agent)
}

pub async fn set_profile(
    app: &App,
    by: &Doer,
    name: &AgentName,
    lang: Option<Lang>,
    theme: Theme,
    preferences: &Preferences,
) -> Result<()> {
    let tx = app.db.begin().await?;
    store::set_profile(&tx, by.agent, name.as_str(), lang, theme, preferences).await?;
    if by.name != name.as_str() {
        let deed = Deed::new("agent-renamed", name.as_str()).with(&by.name);
        audit::record(&tx, by, deed, app.clock.now()).await?;
    }
    Ok(tx.commit().await?)
}

/// How an agent likes the desk.
pub async fn set_preferences(app: &App, id: AgentId, preferences: &Preferences) -> Result<()> {
    store::set_preferences(&app.db, id, preferences).await
}

/// What an agent wants to be for colleagues and visitors.
pub async fn choose(app: &App, id: AgentId, availability: Availability) -> Result<()> {
    store::set_availability(&app.db, id, availability).await?;
    app.bus.publish(Event::StandingChanged { agent: id });
    Ok(())
}

/// What colleagues see beside an agent's name.
pub async fn standing(app: &App, id: AgentId) -> Result<Standing> {
    let Some((availability, seated)) = store::seat_of(app.db.read(), id).await? else {
        return Ok(Standing::Offline);
    };
    Ok(availability.standing(app.bus.is_here(Present::Agent(id)), seated))
}

/// Whether an agent is at the desk, or was a moment ago and keeps her seat. Where nobody loses a seat, whoever did not say that
/// she leaves has hers.
pub async fn is_there(app: &App, db: &impl Connection, id: AgentId) -> Result<bool> {
    let Some((availability, seated)) = store::seat_of(db, id).await? else { return Ok(false) };
    let seated = seated || app.config.seat().is_none();
    let standing = availability.standing(app.bus.is_here(Present::Agent(id)), seated);
    Ok(standing != Standing::Offline)
}

/// The same beside everybody's.
pub async fn standings(app: &App) -> Result<HashMap<AgentId, Standing>> {
    let seats = store::seats(&app.db).await?.into_iter();
    let standing = |(id, availability, seated): (AgentId, Availability, bool)| {
        (id, availability.standing(app.bus.is_here(Present::Agent(id)), seated))
    };
    Ok(seats.map(standing).collect())
}

/// These have the desk open now: their seats are kept.
pub async fn see(app: &App, ids: &[AgentId]) -> Result<()> {
    if ids.is_empty() {
        return Ok(());
    }
    store::see(&app.db, ids, app.db.now().await?).await
}

/// Who is gone since before a moment of the database's clock and had not left, and when each was last seen.
pub async fn unseen_since(app: &App, since: Timestamp) -> Result<Vec<(Agent, Timestamp)>> {
    store::unseen_since(&app.db, since).await
}

/// Whoever was last seen then is not waited for any longer.
pub async fn leave_seat(app: &App, id: AgentId, seen_at: Timestamp) -> Result<()> {
    store::leave_seat(&app.db, id, Some(seen_at)).await?;
    app.bus.publish(Event::StandingChanged { agent: id });
    Ok(())
}

/// Changes the password and ends every session, whose holder may be whoever knew the old one; the caller begins a new one.
pub async fn change_password(app: &App, by: &Doer, current: String, new: Password) -> Result<()> {
    let stored = store::password_of(&app.db, by.agent).await?;
    if !password::fits(current, stored).await? {
        return Err(Invalid { field: "current", reason: "invalid-password-current" }.into());
    }
    let hash = password::hash(new).await?;
    let tx = app.db.begin().await?;
    store::set_password(&tx, by.agent, hash).await?;
    audit::record(&tx, by, Deed::new("password-changed", &by.name), app.clock.now()).await?;
    tx.commit().await?;
    for session in SessionRows::new(app).of_owner(by.agent.0).await? {
        end(app, by, &session.hash, |_| None).await?;
    }
    Ok(())
}

/// Ends the session that an agent is in.
pub async fn sign_out(app: &App, by: &Doer, hash: &[u8]) -> Result<()> {
    end(app, by, hash, |device| Some(Deed::new("signed-out", &by.name).with(device))).await
}

/// Ends one of an agent's sessions on another device.
pub async fn end_session(app: &App, by: &Doer, hash: &[u8]) -> Result<()> {
    end(app, by, hash, |device| Some(Deed::new("session-ended", device))).await
}

/// Ends a session, and the streams it holds open.
async fn end(
    app: &App,
    by: &Doer,
    hash: &[u8],
    deed: impl FnOnce(String) -> Option<Deed>,
) -> Result<()> {
    let access = Access::Session(ids::encode(hash));
    let at = app.db.now().await?;
    let tx = app.db.begin().await?;
    let browser = session_store::revoke(&tx, by.agent.0, hash).await?.ok_or(Error::NotFound)?;
    store::insert_revocation(&tx, &access, at).await?;
    if let Some(deed) = deed(text::device(&browser)) {
        audit::record(&tx, by, deed, app.clock.now()).await?;
    }
    tx.commit().await?;
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
    by: &Doer,
    name: &TokenName,
    scope: Scope,
    lifetime: Option<SignedDuration>,
) -> Result<String> {
    if store::tokens_of(&app.db, by.agent).await?.len() >= TOKENS {
        return Err(Invalid { field: "token-name", reason: "invalid-token-count" }.into());
    }
    let (random, at) = (ids::random::<32>(), app.clock.now());
    let expires_at = lifetime.map(|lifetime| at + lifetime);
    let tx = app.db.begin().await?;
    store::insert_token(&tx, by.agent, name, scope, hash_of(&random), at, expires_at).await?;
    let deed = Deed::new("token-made", name.as_str()).with(scope.word());
    audit::record(&tx, by, deed, at).await?;
    tx.commit().await?;
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
pub async fn end_token(app: &App, by: &Doer, id: i64) -> Result<()> {
    let at = app.db.now().await?;
    let tx = app.db.begin().await?;
    let (hash, name) = store::remove_token(&tx, by.agent, id).await?.ok_or(Error::NotFound)?;
    let access = Access::AgentToken(ids::encode(&hash));
    store::insert_revocation(&tx, &access, at).await?;
    audit::record(&tx, by, Deed::new("token-revoked", name), app.clock.now()).await?;
    tx.commit().await?;
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
