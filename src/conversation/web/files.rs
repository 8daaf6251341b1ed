//! Files of a visitor's conversation: brought before the message that they go with, and looked at.
use super::{Around, Composer, Opened, PAGE, compose_page, conversation_page, open};
use crate::{
    app::App,
    attachment::{
        self, Owner,
        web::{is_for_scripts, names, told},
    },
    contact::CurrentVisitor,
    conversation::{actions, store::Range},
    error::{Error, Result},
    event::Side,
    web::{
        limits::Limits,
        page::{Viewer, query, see_other},
    },
};
use poem::{
    Body, Request, Response, handler,
    web::{Data, Path},
};
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
    let (who, owner) = (visitor.token.name(), owner(&visitor, &opened));
    // Asked before, and told where the body is read to its end: a browser that is not done sending hears no answer.
    let mut refusal = actions::must_be_heard(&app, &opened.conversation).await.err();
    let may = || refusal.take().map_or_else(|| limits.upload(&who), Err);
    match attachment::web::bring(&app, owner, request, body, may).await {
        Ok(files) if is_for_scripts(request) => Ok(told(&files)),
        Ok(files) => {
            let page = if is_from_frame(request) { "/compose" } else { "" };
            Ok(see_other(format!("/c/{cid}{page}?{}", &names(&files)[1..])))
        }
        Err(error) if is_for_scripts(request) => Err(error),
        Err(error) => bring_again(&app, viewer, &opened, request, error).await,
    }
}

/// What went wrong stands where the file was chosen.
async fn bring_again(
    app: &App,
    viewer: Viewer,
    opened: &Opened,
    request: &Request,
    error: Error,
) -> Result<Response> {
    if matches!(error, Error::Unavailable(_) | Error::Internal(_)) {
        return Err(error);
    }
    let (lang, in_frame) = (viewer.lang, is_from_frame(request));
    let back = if in_frame { "compose" } else { "" };
    let problem = Some(crate::web::errors::words(&error).say(lang));
    let composer = Composer { problem, ..Composer::fresh(app, lang, opened, back).await? };
    let mut response = if in_frame {
        compose_page(lang, opened, composer)?
    } else {
        conversation_page(app, lang, opened, Range::Latest(PAGE), composer, Around::default())
            .await?
    };
    response.set_status(poem::error::ResponseError::status(&error));
    Ok(response)
}

fn is_from_frame(request: &Request) -> bool {
    query(request, "back").is_some_and(|back| back == "compose")
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
