//! Who is asking, and what stands round every page of the desk. The pages: the door, an invitation, own settings, what
//! one is told of, what the keys do.
mod door;
mod invitation;
mod keyboard;
mod me;
mod told;

use super::model::{Agent, Availability, SingleKeys};
use crate::{
    app::App,
    audit::Doer,
    error::{Error, Result},
    ids::AgentId,
    text::{self, Lang},
    web::{
        limits::Limits,
        page::{Viewer, see_other},
        session::{CurrentSession, unavailable},
        session_store::{self, OWNER, SessionRows},
    },
};
pub use door::{leave, login, sign_in, sign_in_as, to_the_door};
pub use invitation::{accept_invitation, show_invitation};
pub use keyboard::{keys, set_keys};
pub use me::{change_password, end_session, end_token, make_token, set_profile, settings};
use poem::{FromRequest, Request, RequestBody, Response, handler, web::Data};
use std::{net::IpAddr, ops::Deref, sync::Arc};
pub use told::{notices, set_notices};
use tower_sessions::Session;

/// A signed-in agent.
#[derive(Clone, Debug)]
pub struct CurrentAgent {
    pub agent: Agent,
    /// The agent's own choice, else what the browser wishes.
    pub lang: Lang,
    /// The hash of the session's id: what a revocation names.
    pub session: Vec<u8>,
    /// Where the request came from.
    pub address: IpAddr,
}

impl CurrentAgent {
    /// Whose deed the audit log shall name.
    pub fn doer(&self) -> Doer {
        Doer { agent: self.agent.id, name: self.agent.name.clone(), address: self.address }
    }

    /// Refuses whoever may not change how the installation works.
    pub fn must_manage(&self) -> Result<()> {
        if self.agent.role.may_manage() {
            Ok(())
        } else {
            Err(Error::Forbidden("forbidden-manage"))
        }
    }

    /// Refuses whoever may only look.
    pub fn must_act(&self) -> Result<()> {
        if self.agent.role.may_act() {
            Ok(())
        } else {
            Err(Error::Forbidden("forbidden-read-only"))
        }
    }

    /// By whom an agent's acts are counted.
    pub fn counted_as(&self) -> String {
        format!("agent {}", self.agent.id)
    }
}

impl<'a> FromRequest<'a> for CurrentAgent {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let MaybeAgent(me) = MaybeAgent::from_request(request, body).await?;
        Ok(me.ok_or(Error::Unauthenticated)?)
    }
}

/// For pages: whoever is not signed in is shown the door instead, and led back afterwards.
#[derive(Clone, Debug)]
pub struct SignedIn(pub CurrentAgent);

impl<'a> FromRequest<'a> for SignedIn {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let MaybeAgent(me) = MaybeAgent::from_request(request, body).await?;
        Ok(Self(me.ok_or_else(|| poem::Error::from_response(to_the_door(request)))?))
    }
}

/// Whoever asks: perhaps an agent.
#[derive(Clone, Debug)]
pub struct MaybeAgent(pub Option<CurrentAgent>);

impl<'a> FromRequest<'a> for MaybeAgent {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let app = <Data<&App>>::from_request(request, body).await?;
        let CurrentSession(session) = CurrentSession::from_request(request, body).await?;
        Ok(Self(current(&app, request, &session).await?))
    }
}

/// An owner or admin who changes something, which is counted.
#[derive(Clone, Debug)]
pub struct CurrentManager(CurrentAgent);

impl Deref for CurrentManager {
    type Target = CurrentAgent;

    fn deref(&self) -> &CurrentAgent {
        &self.0
    }
}

impl<'a> FromRequest<'a> for CurrentManager {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let me = CurrentAgent::from_request(request, body).await?;
        me.must_manage()?;
        <Data<&Arc<Limits>>>::from_request(request, body).await?.act(&me.counted_as())?;
        Ok(Self(me))
    }
}

async fn current(app: &App, request: &Request, session: &Session) -> Result<Option<CurrentAgent>> {
    let owner: Option<i64> = session.get(OWNER).await.map_err(unavailable)?;
    let (Some(owner), Some(id)) = (owner, session.id()) else { return Ok(None) };
    let found = super::store::find(app.db.read(), AgentId(owner)).await?;
    let Some(agent) = found else { return Ok(None) };
    let hash = session_store::hash(id);
    // Where nothing can be written, one can still read.
    if let Err(error) = SessionRows::new(app).touch(&hash).await {
        tracing::warn!(%error, "cannot note that a session is used");
    }
    let Viewer { lang, address, .. } = Viewer::of(request);
    Ok(Some(CurrentAgent { lang: agent.lang.unwrap_or(lang), agent, session: hash, address }))
}

/// What stands round every page of the desk.
#[derive(Clone, Debug)]
pub struct DeskFrame {
    pub lang: Lang,
    pub theme: &'static str,
    pub letter: String,
    pub tint: i64,
    pub name: String,
    pub id: AgentId,
    pub availability: Availability,
    /// What she is told of and how, as JSON for `assets/js/told.js`.
    pub told: String,
    pub single_keys: bool,
    /// Which place of the rail we are at.
    pub here: &'static str,
    /// Unread messages in my conversations.
    pub unread: i64,
    /// Whether this agent may change how the installation works.
    pub may_manage: bool,
}

/// A page of the settings, as their menu lists it.
#[derive(Clone, Copy, Debug)]
pub struct SettingsPage {
    /// The last part of its address, `/desk/settings/{path}`.
    pub path: &'static str,
    /// The key of its name.
    pub title: &'static str,
    /// Whether it is for owners and admins only.
    pub managing: bool,
}

/// In the order of the menu.
pub const SETTINGS: &[SettingsPage] = &[
    SettingsPage { path: "notifications", title: "notifications", managing: false },
    SettingsPage { path: "sites", title: "sites", managing: true },
    SettingsPage { path: "agents", title: "agents", managing: true },
    SettingsPage { path: "teams", title: "teams", managing: true },
    SettingsPage { path: "tags", title: "tags", managing: true },
    SettingsPage { path: "canned-replies", title: "canned-replies", managing: false },
    SettingsPage { path: "attributes", title: "attributes-title", managing: true },
    SettingsPage { path: "file-kinds", title: "file-kinds", managing: true },
    SettingsPage { path: "blocked", title: "blocked-title", managing: false },
    SettingsPage { path: "audit", title: "audit", managing: true },
];

impl DeskFrame {
    pub fn new(me: &CurrentAgent, here: &'static str, unread: i64) -> Self {
        Self {
            lang: me.lang,
            theme: me.agent.theme.word(),
            letter: text::letter(&me.agent.name),
            tint: text::tint(me.agent.id.0),
            name: me.agent.name.clone(),
            id: me.agent.id,
            availability: me.agent.availability,
            told: serde_json::to_string(&me.agent.preferences).unwrap_or_default(),
            single_keys: me.agent.preferences.single_keys == SingleKeys::On,
            here,
            unread,
            may_manage: me.agent.role.may_manage(),
        }
    }

    /// The settings that this agent may open.
    pub fn settings(&self) -> impl Iterator<Item = &'static SettingsPage> {
        let may_manage = self.may_manage;
        SETTINGS.iter().filter(move |page| may_manage || !page.managing)
    }
}

/// The settings begin with the first page that the agent may open, and are her own if there is none.
#[handler]
pub fn settings_front(SignedIn(me): SignedIn) -> Result<Response> {
    let frame = DeskFrame::new(&me, "settings", 0);
    let first = frame.settings().next();
    Ok(see_other(first.map_or("/desk/me".into(), |page| format!("/desk/settings/{}", page.path))))
}
