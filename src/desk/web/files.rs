//! Files of a conversation at the desk: brought before the answer or note that they go with, or with it, and looked at.
use super::{acts::at_work, number};
use crate::{
    agent::CurrentAgent,
    app::App,
    attachment::{
        self, Owner,
        web::{WithFiles, told},
    },
    conversation::{self, Seat},
    error::Result,
    event::Side,
    ids::ConversationId,
    web::{
        limits::{Limits, brings_files},
        page::see_other,
    },
};
use poem::{
    Body, Request, Response, handler,
    web::{Data, Path},
};
use serde::de::DeserializeOwned;
use std::sync::Arc;

#[handler]
pub async fn bring(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Path(id): Path<String>,
    request: &Request,
    body: Body,
) -> Result<Response> {
    let work = at_work(&me, number(&id)?)?;
    see(&app, &me, work.conversation).await?;
    let (who, owner) = (me.counted_as(), owner(&me, work.conversation));
    let files = attachment::web::bring(&app, owner, request, body, || limits.upload(&who)).await?;
    Ok(told(&files))
}

/// What a form says, and the files that go with it. Who says again what was stored is answered also where she sees the conversation
/// no more: that is asked where files come, and of what is new by its writer.
pub(super) async fn filled<T: DeserializeOwned>(
    app: &App,
    limits: &Limits,
    me: &CurrentAgent,
    conversation: ConversationId,
    request: &Request,
    body: Body,
) -> Result<WithFiles<T>> {
    if !brings_files(request) {
        return WithFiles::named(body).await;
    }
    let mut refusal = see(app, me, conversation).await.err();
    let (who, owner) = (me.counted_as(), owner(me, conversation));
    let may = || refusal.take().map_or_else(|| limits.upload(&who), Err);
    WithFiles::brought(app, owner, request, body, may).await
}

/// Leads whoever may see the conversation to the bytes.
#[handler]
pub async fn look(
    app: Data<&App>,
    me: CurrentAgent,
    Path((id, file)): Path<(String, String)>,
) -> Result<Response> {
    let id = number(&id)?;
    see(&app, &me, id).await?;
    let file = attachment::find_for(&app, owner(&me, id), &file).await?;
    Ok(see_other(attachment::address(&app, &file)))
}

/// What is not hers to see is not there.
async fn see(app: &App, me: &CurrentAgent, conversation: ConversationId) -> Result<()> {
    let seat = Seat::Agent { id: me.agent.id, conversation };
    conversation::find_for(app.db.read(), &seat).await.map(|_| ())
}

pub fn owner(me: &CurrentAgent, conversation: ConversationId) -> Owner {
    Owner { conversation, side: Side::Agent, id: me.agent.id.0 }
}
