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
}

/// Names no site: who runs several need not tell the visitors of one about the others.
#[handler]
pub async fn front(app: Data<&App>, viewer: Viewer) -> Result<Response> {
    let has_owner = has_owner(&app.db).await?;
    html(&FrontPage { lang: viewer.lang, other: viewer.lang.other(), has_owner })
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
