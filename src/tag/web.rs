//! The page of tags, for owners and admins.
use super::{
    actions,
    model::{Tag, TagName},
    store,
};
use crate::{
    agent::{CurrentAgent, CurrentManager, DeskFrame, SignedIn},
    app::App,
    error::{Error, Result},
    ids::TagId,
    text::Lang,
    web::page::{html, refused, see_other},
};
use askama::Template;
use poem::{
    Response, handler,
    web::{Data, Form, Path},
};
use serde::Deserialize;

const PLACE: &str = "/desk/settings/tags";

#[derive(Template)]
#[template(path = "tag/index.html")]
struct TagsPage {
    lang: Lang,
    frame: DeskFrame,
    place: &'static str,
    tags: Vec<Tag>,
    problem: Option<String>,
    /// What was typed, when it could not be added.
    name: String,
}

#[handler]
pub async fn list(app: Data<&App>, SignedIn(me): SignedIn) -> Result<Response> {
    page(&app, &me, None, String::new()).await
}

async fn page(
    app: &App,
    me: &CurrentAgent,
    problem: Option<String>,
    name: String,
) -> Result<Response> {
    me.must_manage()?;
    let frame = DeskFrame::new(me, "settings", 0);
    let tags = store::all(&app.db).await?;
    let page = TagsPage { lang: me.lang, frame, place: "tags", tags, problem, name };
    if page.problem.is_some() { refused(&page) } else { html(&page) }
}

#[derive(Deserialize)]
struct NameForm {
    #[serde(default)]
    name: String,
}

#[handler]
pub async fn add(
    app: Data<&App>,
    me: CurrentManager,
    Form(form): Form<NameForm>,
) -> Result<Response> {
    let added = match TagName::parse(&form.name) {
        Ok(name) => actions::add(&app, &me.doer(), &name).await,
        Err(invalid) => Err(invalid.into()),
    };
    match added {
        Err(Error::Invalid(invalid)) => {
            page(&app, &me, Some(me.lang.t(invalid.reason)), form.name).await
        }
        outcome => outcome.map(|()| see_other(PLACE)),
    }
}

#[handler]
pub async fn rename(
    app: Data<&App>,
    me: CurrentManager,
    Path(id): Path<String>,
    Form(form): Form<NameForm>,
) -> Result<Response> {
    actions::rename(&app, &me.doer(), number(&id)?, &TagName::parse(&form.name)?).await?;
    Ok(see_other(PLACE))
}

#[handler]
pub async fn remove(
    app: Data<&App>,
    me: CurrentManager,
    Path(id): Path<String>,
) -> Result<Response> {
    actions::remove(&app, &me.doer(), number(&id)?).await?;
    Ok(see_other(PLACE))
}

fn number(text: &str) -> Result<TagId> {
    text.parse().map_err(|_| Error::NotFound)
}
