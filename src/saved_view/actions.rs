//! Keeping views, and forgetting them.
use super::{
    model::{Asks, SavedView, ViewName},
    store,
};
use crate::{
    app::App,
    audit::{self, Deed, Doer},
    error::{Invalid, Result},
    ids::AgentId,
};

/// The most views that an agent sees.
const VIEWS: usize = 50;

/// Keeps a view, for its agent or for everybody. The audit log has what concerns others: an own view is nobody's business.
pub async fn keep(app: &App, by: &Doer, name: &ViewName, asks: &Asks, shared: bool) -> Result<()> {
    if store::for_agent(&app.db, by.agent).await?.len() >= VIEWS {
        return Err(Invalid { field: "name", reason: "invalid-view-count" }.into());
    }
    let (tx, at) = (app.db.begin().await?, app.clock.now());
    store::insert(&tx, (!shared).then_some(by.agent), name, asks, at).await?;
    if shared {
        audit::record(&tx, by, Deed::new("view-shared", name.as_str()), at).await?;
    }
    Ok(tx.commit().await?)
}

/// A view as an agent sees it; not found if it is another's.
pub async fn find(app: &App, agent: AgentId, id: i64) -> Result<SavedView> {
    store::find_for(app.db.read(), agent, id).await
}

pub async fn forget(app: &App, by: &Doer, view: &SavedView) -> Result<()> {
    let tx = app.db.begin().await?;
    store::remove(&tx, view.id).await?;
    if view.shared {
        let deed = Deed::new("view-removed", view.name.as_str());
        audit::record(&tx, by, deed, app.clock.now()).await?;
    }
    Ok(tx.commit().await?)
}
