//! What people do with sites.
use super::{
    look::Look,
    model::{Origin, Site, SiteName},
    store,
};
use crate::{
    app::App,
    audit::{self, Deed, Doer},
    db::Connection,
    error::{Error, Invalid, Result},
    ids::{self, SiteId, SiteKey},
    text::{self, Lang},
};

/// The most sites of an installation.
const SITES: u64 = 200;

#[derive(Clone, Debug)]
pub struct NewSite {
    pub name: SiteName,
    /// Made up if none is given.
    pub key: Option<SiteKey>,
    pub origins: Vec<Origin>,
}

/// Makes a site from the command line.
pub async fn add(app: &App, new: NewSite) -> Result<Site> {
    let tx = app.db.begin().await?;
    let site = insert(app, &tx, new).await?;
    let deed = Deed::new("site-added", &site.name).with(site.key.as_str());
    audit::record(&tx, &Doer::command_line(), deed, app.clock.now()).await?;
    tx.commit().await?;
    Ok(site)
}

/// Makes a site at the desk.
pub async fn add_by(app: &App, by: &Doer, new: NewSite) -> Result<Site> {
    let tx = app.db.begin().await?;
    if store::count(&tx).await? >= SITES {
        return Err(Invalid { field: "name", reason: "invalid-site-count" }.into());
    }
    let site = insert(app, &tx, new).await?;
    let deed = Deed::new("site-added", &site.name).with(site.key.as_str());
    audit::record(&tx, by, deed, app.clock.now()).await?;
    tx.commit().await?;
    Ok(site)
}

/// Makes a site another one but for its key, under which it is known outside.
pub async fn change(app: &App, by: &Doer, site: &Site) -> Result<()> {
    let tx = app.db.begin().await?;
    if !store::change(&tx, site).await? {
        return Err(Error::NotFound);
    }
    let deed = Deed::new("site-changed", &site.name).with(site.key.as_str());
    audit::record(&tx, by, deed, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

async fn insert(app: &App, db: &impl Connection, new: NewSite) -> Result<Site> {
    let key = match new.key {
        Some(key) => key,
        None => SiteKey::parse(&ids::encode(&ids::random::<6>()).replace('_', "-"))?,
    };
    let site = Site {
        id: SiteId(0),
        key: key.clone(),
        name: new.name.as_str().to_owned(),
        lang: Lang::ZhCn,
        zone: text::DEFAULT_ZONE.into(),
        origins: new.origins.iter().map(|origin| origin.as_str().to_owned()).collect(),
        look: Look::default(),
        team: None,
    };
    if !store::insert(db, &site, app.clock.now()).await? {
        return Err(Error::Conflict("conflict-site-key"));
    }
    store::find_by_key(db, &key).await
}

/// An empty database gets one site, so that there is a chat to try within the first minute.
pub async fn ensure_demo(app: &App) -> Result<()> {
    if store::all(&app.db).await?.is_empty() {
        let demo = NewSite {
            name: SiteName::parse(&Lang::ZhCn.t("demo-shop"))?,
            key: Some(SiteKey::parse("demo")?),
            origins: Vec::new(),
        };
        match insert(app, app.db.write(), demo).await {
            // Another node was first.
            Ok(_) | Err(Error::Conflict(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
