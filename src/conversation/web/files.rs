//! Files of a visitor's conversation: brought before the message that they go with, or with it, and looked at.
use super::{Opened, open};
use crate::{
    app::App,
    attachment::{
        self, Owner,
        web::{WithFiles, told},
    },
    contact::CurrentVisitor,
    conversation::actions,
    error::Result,
    event::Side,
    web::{
        limits::{Limits, brings_files},
        page::{Viewer, see_other},
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
    viewer: Viewer,
    visitor: CurrentVisitor,
    Path(cid): Path<String>,
    request: &Request,
    body: Body,
) -> Result<Response> {
    let opened = open(&app, &visitor, &cid, viewer.lang).await?;
    let may = may(&app, &limits, &visitor, &opened).await;
    let owner = owner(&visitor, &opened);
    attachment::web::bring(&app, owner, request, body, may).await.map(|files| told(&files))
}

/// What a form says, and the files that go with it.
pub(super) async fn filled<T: DeserializeOwned>(
    app: &App,
    limits: &Limits,
    visitor: &CurrentVisitor,
    opened: &Opened,
    request: &Request,
    body: Body,
) -> Result<WithFiles<T>> {
    if !brings_files(request) {
        return WithFiles::named(body).await;
    }
    let may = may(app, limits, visitor, opened).await;
    WithFiles::brought(app, owner(visitor, opened), request, body, may).await
}

/// Asked before, and told where the body is read to its end: a browser that is not done sending hears no answer.
async fn may(
    app: &App,
    limits: &Limits,
    visitor: &CurrentVisitor,
    opened: &Opened,
) -> impl FnMut() -> Result<()> {
    let mut refusal = actions::must_be_heard(app, &opened.conversation).await.err();
    let who = visitor.token.name();
    move || refusal.take().map_or_else(|| limits.upload(&who), Err)
}

/// Leads whoever is in the conversation to the bytes.
#[handler]
pub async fn look(
    app: Data<&App>,
    viewer: Viewer,
    visitor: CurrentVisitor,
    Path((cid, file)): Path<(String, String)>,
) -> Result<Response> {
    let opened = open(&app, &visitor, &cid, viewer.lang).await?;
    let file = attachment::find_for(&app, owner(&visitor, &opened), &file).await?;
    Ok(see_other(attachment::address(&app, &file)))
}

pub fn owner(visitor: &CurrentVisitor, opened: &Opened) -> Owner {
    Owner { conversation: opened.conversation.id, side: Side::Visitor, id: visitor.contact.0 }
}
