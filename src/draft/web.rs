//! The form that a composer sends by itself whenever its writer pauses.
use super::{
    actions,
    model::{DraftBody, DraftKind},
};
use crate::{
    agent::CurrentAgent,
    app::App,
    error::{Error, Result},
    ids::ConversationId,
    web::limits::Limits,
};
use poem::{
    handler,
    http::StatusCode,
    web::{Data, Form, Path},
};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
struct DraftForm {
    #[serde(default)]
    kind: Option<String>,
    #[serde(default)]
    body: String,
}

#[handler]
pub async fn keep(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Path(id): Path<String>,
    Form(form): Form<DraftForm>,
) -> Result<StatusCode> {
    me.must_act()?;
    let id: ConversationId = id.parse().map_err(|_| Error::NotFound)?;
    let kind = form.kind.as_deref().map(DraftKind::parse).transpose()?.unwrap_or_default();
    let body = DraftBody::parse(&form.body)?;
    limits.act(&me.counted_as())?;
    actions::keep(&app, me.agent.id, id, kind, body).await?;
    Ok(StatusCode::NO_CONTENT)
}
