//! Who is asking, and what stands round every page of the desk. The pages: the door, an invitation, own settings.
mod door;
mod invitation;
mod me;

use super::model::Agent;
use crate::{
    app::App,
    error::{Error, Result},
    ids::AgentId,
    text::{self, Lang},
    web::{
        page::Viewer,
        session::{CurrentSession, unavailable},
        session_store::{self, OWNER, SessionRows},
    },
};
pub use door::{login, sign_in, sign_in_as, sign_out};
pub use invitation::{accept_invitation, show_invitation};
pub use me::{change_password, end_session, end_token, make_token, set_profile, settings};
use poem::{FromRequest, Request, RequestBody, web::Data};
use tower_sessions::Session;

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
    // Where nothing can be written, one can still read.
    if let Err(error) = SessionRows::new(app).touch(&hash).await {
        tracing::warn!(%error, "cannot note that a session is used");
    }
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
