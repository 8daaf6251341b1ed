//! The picture at the head of a site's chat, in the place of the first letter of its name.
use super::sites::again;
use crate::{
    agent::CurrentManager,
    app::App,
    attachment::{self, web::receive},
    error::{Error, Result},
    ids::FileId,
    site,
    web::{errors, limits::Limits, page::see_other},
};
use poem::{
    Body, Request, Response, handler,
    http::header,
    web::{Data, Path},
};
use std::sync::Arc;

/// The most pixels of a side: twice what the chat shows, and 37 KB of colours at most.
const SIDE: u32 = 96;

/// `GET /w/{key}/logo?v=…`: kept for ever, since another picture has another address.
#[handler]
pub async fn logo(app: Data<&App>, Path(key): Path<String>) -> Result<Response> {
    let kept = site::addressed(app.db.read(), &key).await?.look.logo;
    let kept = FileId::parse(&kept).ok_or(Error::NotFound)?;
    let picture = app.files.get(kept.as_str(), None).await?;
    Ok(Response::builder()
        .content_type("image/png")
        .header(header::CONTENT_LENGTH, picture.size)
        .header(header::CACHE_CONTROL, "public, max-age=31536000, immutable")
        .header(header::CONTENT_SECURITY_POLICY, "default-src 'none'; sandbox")
        .body(Body::from_bytes_stream(picture.bytes)))
}

/// `POST /desk/settings/sites/{key}/logo/files`: a form with one picture.
#[handler]
pub async fn bring_logo(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentManager,
    request: &Request,
    Path(key): Path<String>,
    body: Body,
) -> Result<Response> {
    let mut site = site::addressed(app.db.read(), &key).await?;
    let kept = async {
        let mut files = receive(&app, request, body, || limits.upload(&me.counted_as())).await?;
        attachment::keep_small(&app, files.remove(0), SIDE).await
    };
    match kept.await {
        Ok(kept) => {
            let before = std::mem::replace(&mut site.look.logo, kept.as_str().to_owned());
            site::change(&app, &me.doer(), &site).await?;
            forget(&app, &before).await;
            Ok(see_other(format!("/desk/settings/sites/{key}?saved=1")))
        }
        Err(error @ (Error::Invalid(_) | Error::FileTooLarge { .. })) => {
            again(&app, &me, site, ("logo", errors::words(&error).say(me.lang))).await
        }
        Err(error) => Err(error),
    }
}

/// `POST /desk/settings/sites/{key}/logo/remove`
#[handler]
pub async fn remove_logo(
    app: Data<&App>,
    me: CurrentManager,
    Path(key): Path<String>,
) -> Result<Response> {
    let mut site = site::addressed(app.db.read(), &key).await?;
    let before = std::mem::take(&mut site.look.logo);
    if !before.is_empty() {
        site::change(&app, &me.doer(), &site).await?;
        forget(&app, &before).await;
    }
    Ok(see_other(format!("/desk/settings/sites/{key}?saved=1")))
}

/// A small picture that stays behind harms nobody, so nothing fails by it.
async fn forget(app: &App, before: &str) {
    if let Some(before) = FileId::parse(before)
        && let Err(error) = app.files.delete(before.as_str()).await
    {
        tracing::warn!(%error, "a logo that was replaced is still kept");
    }
}
