//! What people do with sites.
use super::{
    changed,
    look::Look,
    model::{Origin, Site, SiteName},
    secret::Secret,
    store,
};
use crate::{
    app::App,
    audit::{self, Deed, Doer},
    db::Connection,
    error::{Error, Invalid, Result},
    ids::{self, SiteId, SiteKey},
    team,
    text::{self, Lang},
};

/// The most sites of an installation.
const SITES: u64 = 200;
/// The most secrets of a site: one that signs, and one that is replaced.
const SECRETS: usize = 2;

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
    let teams = team::all(&app.db).await?;
    let tx = app.db.begin().await?;
    let before = store::lock(&tx, &site.key).await?;
    let changes = changed::changes(&before, site, &teams);
    if changes.is_empty() {
        return Ok(());
    }
    if !store::change(&tx, site).await? {
        return Err(Error::NotFound);
    }
    let deed = Deed::new("site-changed", &site.name).with(format!("{}\n{changes}", site.key));
    audit::record(&tx, by, deed, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// Makes a secret with which the site's server signs from now on. What the one before signed still counts, until that is dropped.
pub async fn make_secret(app: &App, by: &Doer, key: &SiteKey) -> Result<()> {
    let (tx, at) = (app.db.begin().await?, app.clock.now());
    let site = store::lock(&tx, key).await?;
    if store::secrets(&tx, site.id).await?.len() >= SECRETS {
        return Err(Error::Conflict("conflict-two-secrets"));
    }
    store::add_secret(&tx, site.id, &Secret::new(), at).await?;
    audit::record(&tx, by, deed("site-secret-made", &site), at).await?;
    Ok(tx.commit().await?)
}

/// Drops the older of two secrets: what it signed counts no more.
pub async fn drop_older_secret(app: &App, by: &Doer, key: &SiteKey) -> Result<()> {
    let tx = app.db.begin().await?;
    let site = store::lock(&tx, key).await?;
    let secrets = store::secrets(&tx, site.id).await?;
    let [_, (older, _)] = secrets.as_slice() else {
        return Err(Error::Conflict("conflict-one-secret"));
    };
    store::remove_secret(&tx, site.id, older).await?;
    audit::record(&tx, by, deed("site-secret-dropped", &site), app.clock.now()).await?;
    Ok(tx.commit().await?)
}

/// The secrets of a site, the newest first, for somebody who wants to see them: that is remembered.
pub async fn show_secrets(app: &App, by: &Doer, key: &SiteKey) -> Result<Vec<Secret>> {
    let tx = app.db.begin().await?;
    let site = store::lock(&tx, key).await?;
    let secrets = store::secrets(&tx, site.id).await?;
    audit::record(&tx, by, deed("site-secret-shown", &site), app.clock.now()).await?;
    tx.commit().await?;
    Ok(secrets.into_iter().map(|(secret, _)| secret).collect())
}

/// Chooses whether only those are heard whom the site's server signed. Refused where nobody could sign.
pub async fn hear_signed_only(app: &App, by: &Doer, key: &SiteKey, on: bool) -> Result<()> {
    let tx = app.db.begin().await?;
    let site = store::lock(&tx, key).await?;
    if on && store::secrets(&tx, site.id).await?.is_empty() {
        return Err(Error::Conflict("conflict-no-secret"));
    }
    if on != site.signed_only {
        store::set_signed_only(&tx, site.id, on).await?;
        let action = if on { "site-signed-only" } else { "site-hears-all" };
        audit::record(&tx, by, deed(action, &site), app.clock.now()).await?;
    }
    Ok(tx.commit().await?)
}

fn deed(action: &'static str, site: &Site) -> Deed {
    Deed::new(action, &site.name).with(site.key.as_str())
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
        signed_only: false,
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
