//! What agents do with a conversation beside answering it.
use super::{Act, Committed, Done, Limit, Tag, Written, at_desk, happen};
use crate::{
    api::{caller::Token, handling::To, problem::Answer, shape::PriorityName, text::Text},
    app::App,
    conversation::Sent,
    event::{Happening, Side},
};
use poem::web::Data;
use poem_openapi::{ApiResponse, Object, OpenApi, param::Path, payload::Json};

/// Either `agent` or `team`.
#[derive(Object)]
struct Handing {
    /// 1–64 of `A-Z a-z 0-9 - _`: the same again is the same act.
    nonce: Text,
    /// The number of a colleague.
    agent: Option<i64>,
    team: Option<i64>,
    /// For agents only: at most 5,000 characters.
    note: Option<Text>,
}

#[derive(Object)]
struct Invitation {
    /// 1–64 of `A-Z a-z 0-9 - _`: the same again is the same act.
    nonce: Text,
    /// The number of a colleague.
    agent: i64,
}

#[derive(Object)]
struct Snoozing {
    /// 1–64 of `A-Z a-z 0-9 - _`: the same again is the same act.
    nonce: Text,
    /// RFC 3339, at most 90 days from now.
    until: Text,
}

#[derive(Object)]
struct Weighing {
    /// 1–64 of `A-Z a-z 0-9 - _`: the same again is the same act.
    nonce: Text,
    priority: PriorityName,
}

/// A tag that is in both is put on.
#[derive(Object)]
struct Tagging {
    /// 1–64 of `A-Z a-z 0-9 - _`: the same again is the same act.
    nonce: Text,
    /// Numbers of tags, as `/tags` lists them.
    #[oai(validator(max_items = 200))]
    add: Option<Vec<i64>>,
    #[oai(validator(max_items = 200))]
    remove: Option<Vec<i64>>,
}

#[derive(ApiResponse)]
enum Tagged {
    /// It is committed.
    #[oai(status = 201)]
    Now(Json<Committed>),
    /// The same nonce had done it before; this is what it did.
    #[oai(status = 200)]
    Before(Json<Committed>),
    /// The conversation carries just these already; nothing was written.
    #[oai(status = 204)]
    Unchanged,
}

impl Tagged {
    fn new(sent: Option<&Sent>) -> Self {
        let Some(sent) = sent else { return Self::Unchanged };
        let committed = Json(Committed::new(sent, Side::Agent));
        if sent.duplicate { Self::Before(committed) } else { Self::Now(committed) }
    }
}

#[derive(Clone, Copy, Debug)]
pub struct Rest;

#[OpenApi]
impl Rest {
    /// Hands a conversation over to a colleague, who has it then, or to a team, of whom nobody has it yet.
    ///
    /// With a note for them, which visitors never see. Whoever handed it over may not see it any more.
    #[oai(
        path = "/conversations/:conversation/transfer",
        method = "post",
        tag = "Tag::Conversations",
        operation_id = "transfer_conversation"
    )]
    async fn transfer(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        conversation: Path<i64>,
        handing: Json<Handing>,
    ) -> Answer<Written> {
        let desk = at_desk(&app, &limits, &caller)?;
        let name = conversation.0.to_string();
        let to = To { agent: handing.agent, team: handing.team };
        let sent = desk.transfer(&name, &handing.nonce, to, handing.note.as_deref()).await?;
        Ok(Written::new(&sent, Side::Agent))
    }

    /// Asks a colleague to help, who sees the conversation from then on. Whoever has it keeps it, and the visitor is not told.
    #[oai(
        path = "/conversations/:conversation/invite",
        method = "post",
        tag = "Tag::Conversations",
        operation_id = "invite_colleague"
    )]
    async fn invite(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        conversation: Path<i64>,
        invitation: Json<Invitation>,
    ) -> Answer<Written> {
        let desk = at_desk(&app, &limits, &caller)?;
        let name = conversation.0.to_string();
        let sent = desk.invite(&name, &invitation.nonce, invitation.agent).await?;
        Ok(Written::new(&sent, Side::Agent))
    }

    /// Puts a conversation off until a moment, or until its visitor writes. Whoever does so has it, if nobody had.
    #[oai(
        path = "/conversations/:conversation/snooze",
        method = "post",
        tag = "Tag::Conversations",
        operation_id = "snooze_conversation"
    )]
    async fn snooze(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        conversation: Path<i64>,
        snoozing: Json<Snoozing>,
    ) -> Answer<Written> {
        let desk = at_desk(&app, &limits, &caller)?;
        let name = conversation.0.to_string();
        let sent = desk.snooze(&name, &snoozing.nonce, &snoozing.until).await?;
        Ok(Written::new(&sent, Side::Agent))
    }

    /// Brings a conversation back that was put off.
    #[oai(
        path = "/conversations/:conversation/wake",
        method = "post",
        tag = "Tag::Conversations",
        operation_id = "wake_conversation"
    )]
    async fn wake(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        conversation: Path<i64>,
        act: Json<Act>,
    ) -> Answer<Written> {
        happen(at_desk(&app, &limits, &caller)?, conversation.0, &act, Happening::Woken).await
    }

    /// Says how much a conversation matters.
    #[oai(
        path = "/conversations/:conversation/priority",
        method = "post",
        tag = "Tag::Conversations",
        operation_id = "prioritize_conversation"
    )]
    async fn prioritize(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        conversation: Path<i64>,
        weighing: Json<Weighing>,
    ) -> Answer<Written> {
        let desk = at_desk(&app, &limits, &caller)?;
        let name = conversation.0.to_string();
        let sent = desk.prioritize(&name, &weighing.nonce, weighing.priority.into()).await?;
        Ok(Written::new(&sent, Side::Agent))
    }

    /// Takes tags off a conversation and puts others on.
    #[oai(
        path = "/conversations/:conversation/tags",
        method = "post",
        tag = "Tag::Conversations",
        operation_id = "tag_conversation"
    )]
    async fn tag(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        conversation: Path<i64>,
        tagging: Json<Tagging>,
    ) -> Answer<Tagged> {
        let desk = at_desk(&app, &limits, &caller)?;
        let name = conversation.0.to_string();
        let Tagging { nonce, add, remove } = tagging.0;
        let (add, remove) = (add.unwrap_or_default(), remove.unwrap_or_default());
        let sent = desk.change_tags(&name, &nonce, &add, &remove).await?;
        Ok(Tagged::new(sent.as_ref()))
    }

    /// Makes a conversation count as unread again for whoever sees it.
    ///
    /// How far anybody has read stays as it is, and the visitor is not told. Twice is once, so it takes no nonce.
    #[oai(
        path = "/conversations/:conversation/unread",
        method = "post",
        tag = "Tag::Conversations",
        operation_id = "mark_unread"
    )]
    async fn unread(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        conversation: Path<i64>,
    ) -> Answer<Done> {
        let desk = at_desk(&app, &limits, &caller)?;
        desk.mark_unread(&conversation.0.to_string()).await?;
        Ok(Done::Done)
    }
}
