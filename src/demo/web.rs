//! Where to go, and a believable shop.
use crate::{
    agent::has_owner,
    app::App,
    error::Result,
    ids::SiteKey,
    site,
    text::Lang,
    web::page::{Viewer, html},
};
use askama::Template;
use poem::{Response, handler, web::Data};

#[derive(Template)]
#[template(path = "demo/front.html")]
struct FrontPage {
    lang: Lang,
    other: Lang,
    has_owner: bool,
    sites: Vec<site::Site>,
}

#[handler]
pub async fn front(app: Data<&App>, viewer: Viewer) -> Result<Response> {
    let (has_owner, sites) = (has_owner(&app.db).await?, site::all(&app.db).await?);
    html(&FrontPage { lang: viewer.lang, other: viewer.lang.other(), has_owner, sites })
}

#[derive(Template)]
#[template(path = "demo/shop.html")]
struct ShopPage {
    lang: Lang,
    other: Lang,
}

#[handler]
pub async fn shop(app: Data<&App>, viewer: Viewer) -> Result<Response> {
    site::find_by_key(app.db.read(), &SiteKey::parse("demo")?).await?;
    html(&ShopPage { lang: viewer.lang, other: viewer.lang.other() })
}
