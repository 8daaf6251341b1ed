//! A visitor's way in, and who a token speaks for.
use super::{Limit, Tag};
use crate::{
    api::{
        caller::{Caller, Token},
        problem::Answer,
        shape::{SideName, moment},
        text::Text,
    },
    app::App,
    contact::VisitorToken,
    site,
    web::page::Viewer,
};
use jiff::SignedDuration;
use poem::web::Data;
use poem_openapi::{Object, OpenApi, payload::Json};

/// A visitor's token lives so long after its last use.
const TOKEN_LIFE: SignedDuration = SignedDuration::from_hours(180 * 24);

#[derive(Object)]
struct NewSession {
    /// The key of the site.
    site: Text,
}

#[derive(Object)]
struct Session {
    /// Show it as `Authorization: Bearer …`. Keep it: it is the only way back into the visitor's conversations.
    token: String,
    /// A name for this visitor.
    visitor: String,
    expires_at: String,
}

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct Me {
    side: SideName,
    /// An agent's number.
    id: Option<i64>,
    name: Option<String>,
    role: Option<String>,
    /// What the token may: `read`, or `write` as well.
    scope: Option<String>,
}

#[derive(Clone, Copy, Debug)]
pub struct Rest;

#[OpenApi]
impl Rest {
    /// Makes a visitor's token.
    ///
    /// Nothing is stored until the visitor speaks.
    #[oai(
        path = "/visitor/sessions",
        method = "post",
        tag = "Tag::Session",
        operation_id = "make_session"
    )]
    async fn make_session(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        viewer: Viewer,
        new: Json<NewSession>,
    ) -> Answer<Json<Session>> {
        limits.act(&format!("address {}", viewer.address))?;
        site::addressed(app.db.read(), &new.site).await?;
        let token = VisitorToken::issue(&app.key);
        Ok(Json(Session {
            visitor: token.hash().name(),
            token: token.as_str().to_owned(),
            expires_at: moment(app.clock.now() + TOKEN_LIFE),
        }))
    }

    /// Who the token speaks for.
    #[oai(path = "/me", method = "get", tag = "Tag::Session", operation_id = "me")]
    async fn me(&self, Token(caller): Token) -> Answer<Json<Me>> {
        let side = caller.side().into();
        Ok(Json(match caller {
            Caller::Visitor { .. } => Me { side, id: None, name: None, role: None, scope: None },
            Caller::Agent { agent, scope, .. } => Me {
                side,
                id: Some(agent.id.0),
                role: Some(agent.role.word().into()),
                name: Some(agent.name),
                scope: Some(scope.word().into()),
            },
        }))
    }
}
