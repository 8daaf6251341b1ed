//! The pages of the customer's that a visitor looked at, as the script there tells of them.
use crate::{
    app::App,
    contact::{self, CurrentVisitor, PageUrl, SeenPage},
    conversation::{actions, model::Seat, store},
    error::{Error, Invalid, Result},
    ids::PublicId,
    web::limits::Limits,
};
use jiff::{SignedDuration, Timestamp};
use poem::{
    handler,
    http::StatusCode,
    web::{Data, Form, Path},
};
use serde::Deserialize;
use std::sync::Arc;

/// The most at once: a browser keeps no more, see `assets/js/loader.js`.
const PAGES: usize = 20;
/// Milliseconds of a day: what is older is not told, since it would be forgotten at once.
const DAY: f64 = 86_400_000.0;

#[derive(Deserialize)]
struct PagesForm {
    /// As JSON.
    #[serde(default)]
    pages: String,
}

#[derive(Deserialize)]
struct Told {
    /// Milliseconds since it was looked at, by the clock of whoever tells: only the time between counts.
    ago: f64,
    url: String,
    #[serde(default)]
    title: String,
    #[serde(default)]
    referrer: String,
}

#[handler]
pub async fn view(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    visitor: CurrentVisitor,
    Path(cid): Path<String>,
    Form(form): Form<PagesForm>,
) -> Result<StatusCode> {
    let conversation = PublicId::parse(&cid).ok_or(Error::NotFound)?;
    let seat = Seat::Visitor { contact: visitor.contact, conversation };
    let conversation = store::find_for(app.db.read(), &seat).await?;
    limits.act(&visitor.token.name())?;
    actions::must_be_heard(&app, &conversation).await?;
    let pages = read(&form.pages, app.clock.now())?;
    contact::look_at(&app, visitor.contact, pages).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What can be shown of what was told, which is refused where that is nothing.
fn read(json: &str, now: Timestamp) -> Result<Vec<SeenPage>, Invalid> {
    let invalid = Invalid { field: "pages", reason: "invalid-page" };
    let told: Vec<Told> = serde_json::from_str(json).map_err(|_| invalid)?;
    if told.len() > PAGES {
        return Err(invalid);
    }
    let page = |told: Told| {
        let ago = SignedDuration::from_millis(told.ago.max(0.0) as i64);
        Some(SeenPage {
            url: PageUrl::parse(&told.url).ok()?,
            title: told.title,
            referrer: PageUrl::parse(&told.referrer).ok(),
            at: now - ago,
        })
    };
    let told = told.into_iter().filter(|told| told.ago < DAY);
    let pages: Vec<_> = told.filter_map(page).collect();
    if pages.is_empty() { Err(invalid) } else { Ok(pages) }
}
