//! What managers do with tags.
use super::{model::TagName, store};
use crate::{
    app::App,
    audit::{self, Deed, Doer},
    error::{Error, Invalid, Result},
    ids::TagId,
};

/// The most tags of an installation: a conversation's row has room for the numbers of as many as people look through.
const TAGS: u64 = 200;

pub async fn add(app: &App, by: &Doer, name: &TagName) -> Result<()> {
    let (tx, at) = (app.db.begin().await?, app.clock.now());
    if store::count(&tx).await? >= TAGS {
        return Err(Invalid { field: "name", reason: "invalid-tag-count" }.into());
    }
    if !store::insert(&tx, name, at).await? {
        return Err(Invalid { field: "name", reason: "invalid-tag-taken" }.into());
    }
    audit::record(&tx, by, Deed::new("tag-added", name.as_str()), at).await?;
    Ok(tx.commit().await?)
}

pub async fn rename(app: &App, by: &Doer, id: TagId, name: &TagName) -> Result<()> {
    let tx = app.db.begin().await?;
    let before = store::find(&tx, id).await?;
    if !store::rename(&tx, id, name).await? {
        return Err(Error::Conflict("invalid-tag-taken"));
    }
    let deed = Deed::new("tag-renamed", before.name).with(name.as_str());
    audit::record(&tx, by, deed, app.clock.now()).await?;
    Ok(tx.commit().await?)
}

pub async fn remove(app: &App, by: &Doer, id: TagId) -> Result<()> {
    let tx = app.db.begin().await?;
    let gone = store::find(&tx, id).await?;
    store::remove(&tx, id).await?;
    audit::record(&tx, by, Deed::new("tag-removed", gone.name), app.clock.now()).await?;
    Ok(tx.commit().await?)
}
