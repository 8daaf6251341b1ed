//! Forms of views; they stand where lists are narrowed (`desk/web/lens.rs`).
use super::{
    actions,
    model::{Asks, SavedView, ViewName},
    store,
};
use crate::{
    agent::{CurrentAgent, DeskFrame},
    app::App,
    error::{Error, Result},
    text::Lang,
    web::{
        limits::Limits,
        page::{refused, see_other},
    },
};
use askama::Template;
use poem::{
    Response, handler,
    web::{Data, Form, Path},
};
use serde::Deserialize;
use std::sync::Arc;

/// The views that an agent sees, and the form that keeps what she looks at as one more.
#[derive(Clone, Debug)]
pub struct KeepForm {
    pub lang: Lang,
    pub views: Vec<SavedView>,
    pub may_manage: bool,
    /// What the address of the list asks for.
    pub asks: String,
    /// What was typed, when it could not be kept.
    pub name: String,
    pub shared: bool,
    pub problem: Option<String>,
}

impl KeepForm {
    pub async fn new(app: &App, me: &CurrentAgent, asks: String) -> Result<Self> {
        Ok(Self {
            lang: me.lang,
            views: store::for_agent(&app.db, me.agent.id).await?,
            may_manage: me.agent.role.may_manage(),
            asks,
            name: String::new(),
            shared: false,
            problem: None,
        })
    }
}

#[derive(Template)]
#[template(path = "saved_view/keep.html")]
struct KeepPage {
    lang: Lang,
    frame: DeskFrame,
    keep: KeepForm,
}

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
    let asks = Asks::parse(&form.asks)?;
    let kept = match ViewName::parse(&form.name) {
        Ok(name) => actions::keep(&app, &me.doer(), &name, &asks, shared).await,
        Err(invalid) => Err(invalid.into()),
    };
    match kept {
        Err(Error::Invalid(invalid)) => {
            let empty = KeepForm::new(&app, &me, asks.as_str().to_owned()).await?;
            let problem = Some(me.lang.t(invalid.reason));
            let keep = KeepForm { name: form.name, shared, problem, ..empty };
            refused(&KeepPage {
                lang: me.lang,
                frame: DeskFrame::new(&me, "conversations", 0),
                keep,
            })
        }
        outcome => outcome.map(|()| see_other(format!("/desk/c?{}", asks.as_str()))),
    }
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
