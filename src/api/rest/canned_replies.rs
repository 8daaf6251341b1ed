//! What agents say again and again.
use super::Tag;
use crate::{
    api::{caller::Token, problem::Answer, shape::moment},
    app::App,
    canned_reply,
};
use poem::web::Data;
use poem_openapi::{Enum, Object, OpenApi, payload::Json};

#[derive(Object)]
struct CannedReplies {
    canned_replies: Vec<CannedReply>,
}

#[derive(Object)]
#[oai(skip_serializing_if_is_none)]
struct CannedReply {
    id: i64,
    scope: CannedScope,
    /// The number of the team it is for.
    team: Option<i64>,
    short_code: String,
    title: String,
    /// With variables such as `{visitor}` as they are.
    body: String,
    updated_at: String,
}

#[derive(Enum)]
#[oai(rename_all = "snake_case")]
enum CannedScope {
    /// The caller's own.
    Own,
    Team,
    All,
}

impl From<canned_reply::CannedReply> for CannedReply {
    fn from(reply: canned_reply::CannedReply) -> Self {
        let (scope, team) = match reply.scope {
            canned_reply::Scope::Own(_) => (CannedScope::Own, None),
            canned_reply::Scope::Team(team) => (CannedScope::Team, Some(team.0)),
            canned_reply::Scope::All => (CannedScope::All, None),
        };
        Self {
            id: reply.id.0,
            scope,
            team,
            short_code: reply.wording.short_code.as_str().into(),
            title: reply.wording.title.as_str().into(),
            body: reply.wording.body.as_str().into(),
            updated_at: moment(reply.updated_at),
        }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Rest;

#[OpenApi]
impl Rest {
    /// The canned replies that the caller may say: own ones, those of teams, those of all.
    #[oai(
        path = "/canned-replies",
        method = "get",
        tag = "Tag::People",
        operation_id = "list_canned_replies"
    )]
    async fn canned_replies(
        &self,
        app: Data<&App>,
        Token(caller): Token,
    ) -> Answer<Json<CannedReplies>> {
        let replies = canned_reply::visible(&app, caller.agent()?).await?;
        Ok(Json(CannedReplies { canned_replies: replies.into_iter().map(Into::into).collect() }))
    }
}
