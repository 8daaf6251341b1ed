//! Keeping views, changing and forgetting them.
use super::{
    model::{Asks, SavedView, ViewName},
    store,
};
use crate::{
    app::App,
    audit::{self, Changes, Deed, Doer},
    error::{Invalid, Result},
    ids::AgentId,
};

/// The most views of an agent's own, and the most that everybody has.
const VIEWS: usize = 50;

/// Keeps a view, for its agent or for everybody. The audit log has what concerns others: an own view is nobody's business.
pub async fn keep(app: &App, by: &Doer, name: &ViewName, asks: &Asks, shared: bool) -> Result<()> {
    let views = store::for_agent(&app.db, by.agent).await?.into_iter();
    if views.filter(|view| view.shared == shared).count() >= VIEWS {
        let reason = if shared { "invalid-view-shared-count" } else { "invalid-view-count" };
        return Err(Invalid { field: "name", reason }.into());
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

/// Calls a view something else, and lets it ask for something else where that is said.
pub async fn change(
    app: &App,
    by: &Doer,
    view: &SavedView,
    name: &ViewName,
    asks: Option<&Asks>,
) -> Result<()> {
    let asks = asks.map_or(view.asks.as_str(), Asks::as_str);
    let changes =
        Changes::default().value("name", &view.name, name.as_str()).value("asks", &view.asks, asks);
    let tx = app.db.begin().await?;
    store::put(&tx, view.id, name, asks).await?;
    if view.shared && !changes.is_empty() {
        let deed = Deed::new("view-changed", view.name.as_str()).with(changes.to_string());
        audit::record(&tx, by, deed, app.clock.now()).await?;
    }
    Ok(tx.commit().await?)
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
