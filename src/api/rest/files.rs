//! Files of a conversation.
use super::{Limit, Tag};
use crate::{
    api::{acts::Desk, caller::Token, problem::Answer, shape::Attachment},
    app::App,
    attachment::web::receive_one,
};
use poem::{Body, web::Data};
use poem_openapi::{
    ApiResponse, Object, OpenApi,
    param::{Path, Query},
    payload::{Binary, Json},
};

#[derive(ApiResponse)]
enum Brought {
    /// Kept until it is sent, for a day.
    #[oai(status = 201)]
    Created(Json<Attachment>),
}

#[derive(Object)]
struct FileLink {
    url: String,
}

#[derive(Clone, Copy, Debug)]
pub struct Rest;

#[OpenApi]
impl Rest {
    /// Brings a file, to be sent within a day with a message that names it among its `attachments`: png, jpg, gif, webp, pdf or
    /// text, or of a kind that an owner or an admin added, at most 20 MB, told by its content. What is not taken is refused as
    /// `invalid`, and the message names all that is. Pictures are drawn anew. 10 a minute.
    #[oai(
        path = "/conversations/:conversation/files",
        method = "post",
        tag = "Tag::Entries",
        operation_id = "bring_file"
    )]
    async fn bring(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        /// A number for agents, a public id for visitors.
        conversation: Path<String>,
        /// What it is called; of an added kind it must not end as another.
        name: Query<Option<String>>,
        bytes: Binary<Body>,
    ) -> Answer<Brought> {
        let desk = Desk { app: &app, limits: &limits, caller: &caller };
        let (name, bytes) = (name.0.unwrap_or_default(), bytes.0);
        let received = async || receive_one(&app, name, bytes).await;
        let file = desk.bring(&conversation, received).await?;
        Ok(Brought::Created(Json(file.told().into())))
    }

    /// Where the bytes of a file are. The link needs no token, and ends within half an hour.
    #[oai(
        path = "/conversations/:conversation/files/:file",
        method = "get",
        tag = "Tag::Entries",
        operation_id = "get_file"
    )]
    async fn file(
        &self,
        app: Data<&App>,
        limits: Limit<'_>,
        Token(caller): Token,
        /// A number for agents, a public id for visitors.
        conversation: Path<String>,
        /// The `id` of an attachment.
        file: Path<String>,
    ) -> Answer<Json<FileLink>> {
        let desk = Desk { app: &app, limits: &limits, caller: &caller };
        let path = desk.link(&conversation, &file).await?;
        Ok(Json(FileLink { url: app.config.public_url() + &path }))
    }
}
