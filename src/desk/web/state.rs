//! What an agent wants to be for the others. Whoever goes while she has conversations says what becomes of them.
use crate::{
    agent::{self, Availability, CurrentAgent, DeskFrame},
    app::App,
    conversation::{self, counts},
    error::{Invalid, Result},
    text::Lang,
    web::{
        limits::Limits,
        page::{html, see_other},
        session::CurrentSession,
    },
};
use askama::Template;
use poem::{
    Request, Response, handler,
    web::{Data, Form},
};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "desk/leaving.html")]
struct LeavingPage {
    lang: Lang,
    frame: DeskFrame,
    /// Where the answer goes.
    action: &'static str,
    conversations: i64,
    back: String,
}

/// What becomes of the conversations of an agent who goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Held {
    Keep,
    Queue,
}

#[derive(Deserialize)]
struct StateForm {
    state: String,
    #[serde(default)]
    held: Option<Held>,
    #[serde(default)]
    back: Option<String>,
}

#[handler]
pub async fn choose(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    request: &Request,
    Form(form): Form<StateForm>,
) -> Result<Response> {
    let invalid = Invalid { field: "state", reason: "invalid-form" };
    let availability = Availability::parse(&form.state).ok_or(invalid)?;
    limits.act(&me.counted_as())?;
    let back = own_path(form.back.or_else(|| whence(request)));
    if availability == Availability::Offline
        && let Some(page) = part(&app, &me, form.held, "/desk/me/state", &back).await?
    {
        return Ok(page);
    }
    agent::choose(&app, me.agent.id, availability).await?;
    Ok(see_other(back))
}

#[derive(Default, Deserialize)]
struct SignOutForm {
    #[serde(default)]
    held: Option<Held>,
}

#[handler]
pub async fn sign_out(
    app: Data<&App>,
    me: CurrentAgent,
    session: CurrentSession,
    request: &Request,
    form: poem::Result<Form<SignOutForm>>,
) -> Result<Response> {
    // Whoever wants to leave is not kept by a form that is none.
    let held = form.map_or(None, |Form(form)| form.held);
    let back = own_path(whence(request));
    match part(&app, &me, held, "/logout", &back).await? {
        Some(page) => Ok(page),
        None => agent::web::leave(&app, &me, &session.0).await,
    }
}

/// Parts with conversations as it was said; the question, if it was not.
async fn part(
    app: &App,
    me: &CurrentAgent,
    held: Option<Held>,
    action: &'static str,
    back: &str,
) -> Result<Option<Response>> {
    match held {
        Some(Held::Keep) => Ok(None),
        Some(Held::Queue) => {
            conversation::give_back(app, me.agent.id, &me.agent.name).await?;
            Ok(None)
        }
        None => match counts(&app.db, &conversation::sight(app.db.read(), &me.agent).await?).await?
        {
            counts if counts.mine == 0 => Ok(None),
            counts => Ok(Some(html(&LeavingPage {
                lang: me.lang,
                frame: DeskFrame::new(me, "leaving", counts.unread),
                action,
                conversations: counts.mine,
                back: back.to_owned(),
            })?)),
        },
    }
}

/// The page of the desk that sent the form.
fn whence(request: &Request) -> Option<String> {
    let url = url::Url::parse(request.header("referer")?).ok()?;
    Some(url[url::Position::BeforePath..url::Position::AfterQuery].to_owned())
}

/// A page to go back to; not the one that only answers forms.
fn own_path(asked: Option<String>) -> String {
    let page = |path: &String| {
        path.starts_with("/desk/")
            && !path.starts_with("/desk/me/")
            && !path.contains(['\\', '\r', '\n'])
    };
    asked.filter(page).unwrap_or_else(|| "/desk".into())
}
