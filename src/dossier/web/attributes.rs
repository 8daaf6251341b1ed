//! What the company wants to know of its contacts.
use crate::{
    agent::{CurrentAgent, CurrentManager, DeskFrame, SignedIn},
    app::App,
    contact::{
        self, Attribute, AttributeKey, AttributeKind, AttributeLabel, NewAttribute, choices,
    },
    error::{Error, Invalid, Result},
    text::Lang,
    web::page::{html, query, refused, see_other},
};
use askama::Template;
use poem::{
    Request, Response, handler,
    web::{Data, Form, Path},
};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "contact/attributes.html")]
struct AttributesPage {
    lang: Lang,
    frame: DeskFrame,
    place: &'static str,
    attributes: Vec<Attribute>,
    /// What the form of a new one holds.
    form: AttributeForm,
    /// Why the form of this attribute was refused; 0 is a new one.
    problem: Option<(i64, String)>,
    saved: bool,
}

impl AttributesPage {
    fn problem_of(&self, id: &i64) -> Option<&str> {
        self.problem.as_ref().filter(|(of, _)| of == id).map(|(_, words)| words.as_str())
    }
}

#[derive(Clone, Default, Deserialize)]
struct AttributeForm {
    #[serde(default)]
    key: String,
    #[serde(default)]
    kind: String,
    label_zh: String,
    label_en: String,
    #[serde(default)]
    choices: String,
    #[serde(default)]
    place: Option<i64>,
}

impl AttributeForm {
    fn parse(&self, kind: AttributeKind) -> Result<NewAttribute> {
        Ok(NewAttribute {
            labels: [
                AttributeLabel::parse(&self.label_zh)?,
                AttributeLabel::parse(&self.label_en)?,
            ],
            choices: match kind {
                AttributeKind::Choice => choices(&self.choices)?,
                AttributeKind::Text | AttributeKind::Number | AttributeKind::Date => Vec::new(),
            },
            place: self.place.unwrap_or(0).clamp(0, 999),
        })
    }
}

#[handler]
pub async fn list_attributes(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    request: &Request,
) -> Result<Response> {
    me.must_manage()?;
    let saved = query(request, "saved").is_some();
    attributes_page(&app, &me, AttributeForm::default(), None, saved).await
}

async fn attributes_page(
    app: &App,
    me: &CurrentAgent,
    mut form: AttributeForm,
    problem: Option<(i64, String)>,
    saved: bool,
) -> Result<Response> {
    let mut attributes = contact::attributes(app.db.read()).await?;
    // What was typed into the form of one that is there stands there again.
    if let Some((id, _)) = &problem
        && let Some(attribute) = attributes.iter_mut().find(|attribute| attribute.id == *id)
    {
        let typed = std::mem::take(&mut form);
        attribute.labels = [typed.label_zh, typed.label_en];
        attribute.choices = typed.choices.lines().map(str::to_owned).collect();
        attribute.place = typed.place.unwrap_or(attribute.place);
    }
    let frame = DeskFrame::new(me, "settings", 0);
    let page = AttributesPage {
        lang: me.lang,
        frame,
        place: "attributes",
        attributes,
        form,
        problem,
        saved,
    };
    if page.problem.is_some() { refused(&page) } else { html(&page) }
}

#[handler]
pub async fn add_attribute(
    app: Data<&App>,
    me: CurrentManager,
    Form(form): Form<AttributeForm>,
) -> Result<Response> {
    let done = async {
        let key = AttributeKey::parse(&form.key)?;
        let invalid = Invalid { field: "kind", reason: "invalid-form" };
        let kind = AttributeKind::parse(&form.kind).ok_or(invalid)?;
        contact::add_attribute(&app, &me.doer(), &key, kind, form.parse(kind)?).await
    };
    let done = done.await;
    told(&app, &me, 0, form, done).await
}

#[handler]
pub async fn change_attribute(
    app: Data<&App>,
    me: CurrentManager,
    Path(id): Path<String>,
    Form(form): Form<AttributeForm>,
) -> Result<Response> {
    let id = number(&id)?;
    let done = async {
        let kind = contact::attribute_of(app.db.read(), id).await?.kind;
        contact::change_attribute(&app, &me.doer(), id, form.parse(kind)?).await
    };
    let done = done.await;
    told(&app, &me, id, form, done).await
}

async fn told(
    app: &App,
    me: &CurrentAgent,
    id: i64,
    form: AttributeForm,
    done: Result<()>,
) -> Result<Response> {
    match done {
        Ok(()) => Ok(see_other("/desk/settings/attributes?saved=1")),
        Err(Error::Invalid(invalid)) => {
            let problem = Some((id, me.lang.t(invalid.reason)));
            attributes_page(app, me, form, problem, false).await
        }
        Err(error) => Err(error),
    }
}

#[handler]
pub async fn remove_attribute(
    app: Data<&App>,
    me: CurrentManager,
    Path(id): Path<String>,
) -> Result<Response> {
    contact::remove_attribute(&app, &me.doer(), number(&id)?).await?;
    Ok(see_other("/desk/settings/attributes?saved=1"))
}

/// Garbage names no attribute.
fn number(text: &str) -> Result<i64> {
    text.parse().map_err(|_| Error::NotFound)
}
