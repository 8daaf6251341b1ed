//! Whom a program speaks for: a visitor or an agent, by the token it shows.
use crate::{
    agent::{self, Agent, Scope},
    app::App,
    contact::{self, TokenState, VisitorToken},
    error::{Error, Result},
    event::Side,
    ids::{self, ContactId},
};
use poem::Request;
use poem_openapi::{SecurityScheme, auth};

#[derive(Clone, Debug)]
pub enum Caller {
    /// A visitor is nobody known before the first message.
    Visitor {
        token: VisitorToken,
        contact: Option<ContactId>,
    },
    Agent {
        agent: Agent,
        scope: Scope,
        token: Vec<u8>,
    },
}

impl Caller {
    /// Who shows this token.
    pub async fn by(app: &App, token: &str) -> Result<Self> {
        if let Some(token) = VisitorToken::parse(token, &app.key) {
            return match contact::token_state(app, &token.hash()).await? {
                TokenState::Fresh => Ok(Self::Visitor { token, contact: None }),
                TokenState::Known(contact) => Ok(Self::Visitor { token, contact: Some(contact) }),
                TokenState::Ended => Err(Error::Unauthenticated),
            };
        }
        let found = agent::find_by_token(app, token).await?;
        let (agent, scope, token) = found.ok_or(Error::Unauthenticated)?;
        Ok(Self::Agent { agent, scope, token })
    }

    /// Refused if the token has ended since it was shown.
    pub async fn still(&self, app: &App) -> Result<()> {
        let lives = match self {
            Self::Visitor { token, .. } => contact::token_lives(app, &token.hash()).await?,
            Self::Agent { token, .. } => agent::token_lives(app, token).await?,
        };
        if lives { Ok(()) } else { Err(Error::Unauthenticated) }
    }

    pub fn side(&self) -> Side {
        match self {
            Self::Visitor { .. } => Side::Visitor,
            Self::Agent { .. } => Side::Agent,
        }
    }

    /// By whom rates are counted: the same as on the pages.
    pub fn counted_as(&self) -> String {
        match self {
            Self::Visitor { token, .. } => token.hash().name(),
            Self::Agent { agent, .. } => format!("agent {}", agent.id),
        }
    }

    /// By whom open lines are counted.
    pub fn line(&self) -> String {
        match self {
            Self::Visitor { token, .. } => token.hash().name(),
            Self::Agent { token, .. } => ids::encode(token),
        }
    }

    /// What is for agents is nothing that a visitor could find.
    pub fn agent(&self) -> Result<&Agent> {
        match self {
            Self::Agent { agent, .. } => Ok(agent),
            Self::Visitor { .. } => Err(Error::NotFound),
        }
    }
}

/// A visitor's token (`kfv_…`) or an agent's personal access token (`kfa_…`).
#[derive(SecurityScheme)]
#[oai(rename = "token", ty = "bearer", checker = "check")]
pub struct Token(pub Caller);

async fn check(request: &Request, bearer: auth::Bearer) -> poem::Result<Caller> {
    let app = request.data::<App>().ok_or(Error::Unauthenticated)?;
    Ok(Caller::by(app, &bearer.token).await?)
}
