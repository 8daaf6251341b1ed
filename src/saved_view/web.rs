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
    /// The view that could not be changed.
    pub unchanged: Option<Unchanged>,
}

/// What a view was to be called, and why it is not.
#[derive(Clone, Debug)]
pub struct Unchanged {
    view: i64,
    pub name: String,
    pub problem: String,
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
            unchanged: None,
        })
    }

    /// What this one was to be, if it is the one that could not be changed.
    pub fn unchanged(&self, view: &SavedView) -> Option<&Unchanged> {
        self.unchanged.as_ref().filter(|unchanged| unchanged.view == view.id)
    }

    pub fn may_change(&self, view: &SavedView) -> bool {
        !view.shared || self.may_manage
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
            refuse(&me, KeepForm { name: form.name, shared, problem, ..empty })
        }
        outcome => outcome.map(|()| see_other(format!("/desk/c?{}", asks.as_str()))),
    }
}

fn refuse(me: &CurrentAgent, form: KeepForm) -> Result<Response> {
    let frame = DeskFrame::new(me, "conversations", 0);
    refused(&KeepPage { lang: me.lang, frame, keep: form })
}

#[derive(Deserialize)]
struct ChangeForm {
    name: String,
    /// What the address of the list asks for.
    asks: String,
    /// Whether the view shows that from now on.
    #[serde(default)]
    again: Option<String>,
}

#[handler]
pub async fn change(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Path(id): Path<String>,
    Form(form): Form<ChangeForm>,
) -> Result<Response> {
    let view = hers(&app, &me, &id).await?;
    limits.act(&me.counted_as())?;
    let asks = Asks::parse(&form.asks)?;
    let name = match ViewName::parse(&form.name) {
        Ok(name) => name,
        Err(invalid) => {
            let problem = me.lang.t(invalid.reason);
            let unchanged = Some(Unchanged { view: view.id, name: form.name, problem });
            let empty = KeepForm::new(&app, &me, asks.as_str().to_owned()).await?;
            return refuse(&me, KeepForm { unchanged, ..empty });
        }
    };
    let again = form.again.is_some().then_some(&asks);
    actions::change(&app, &me.doer(), &view, &name, again).await?;
    Ok(see_other(format!("/desk/c?{}", asks.as_str())))
}

/// A view that she sees and may change.
async fn hers(app: &App, me: &CurrentAgent, id: &str) -> Result<SavedView> {
    let id = id.parse().map_err(|_| Error::NotFound)?;
    let view = actions::find(app, me.agent.id, id).await?;
    if view.shared {
        me.must_manage()?;
    }
    Ok(view)
}

#[handler]
pub async fn forget(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Path(id): Path<String>,
) -> Result<Response> {
    let view = hers(&app, &me, &id).await?;
    limits.act(&me.counted_as())?;
    actions::forget(&app, &me.doer(), &view).await?;
    Ok(see_other(format!("/desk/c?{}", view.asks)))
}
