//! Forms of views; they are listed where lists are narrowed (`desk/web/lens.rs`).
use super::{
    actions,
    model::{Asks, ViewName},
};
use crate::{
    agent::CurrentAgent,
    app::App,
    error::{Error, Result},
    web::{limits::Limits, page::see_other},
};
use poem::{
    Response, handler,
    web::{Data, Form, Path},
};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Deserialize)]
struct ViewForm {
    name: String,
    /// What the address of the list asks for.
    asks: String,
    #[serde(default)]
    shared: Option<String>,
}

#[handler]
pub async fn keep(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Form(form): Form<ViewForm>,
) -> Result<Response> {
    let shared = form.shared.is_some();
    if shared {
        me.must_manage()?;
    }
    limits.act(&me.counted_as())?;
    let (name, asks) = (ViewName::parse(&form.name)?, Asks::parse(&form.asks)?);
    actions::keep(&app, &me.doer(), &name, &asks, shared).await?;
    Ok(see_other(format!("/desk/c?{}", asks.as_str())))
}

#[handler]
pub async fn forget(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Path(id): Path<String>,
) -> Result<Response> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let view = actions::find(&app, me.agent.id, id).await?;
    if view.shared {
        me.must_manage()?;
    }
    limits.act(&me.counted_as())?;
    actions::forget(&app, &me.doer(), &view).await?;
    Ok(see_other(format!("/desk/c?{}", view.asks)))
}
