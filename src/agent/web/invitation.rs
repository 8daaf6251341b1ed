//! A one-time link by which an agent chooses a password.
use super::sign_in_as;
use crate::{
    agent::{actions, model::Password},
    app::App,
    error::{Error, Result},
    text::Lang,
    web::{
        limits::Limits,
        page::{Viewer, html, query, see_other},
        session::CurrentSession,
    },
};
use askama::Template;
use poem::{
    Request, Response, handler,
    http::StatusCode,
    web::{Data, Form},
};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "agent/invitation.html")]
struct InvitationPage {
    lang: Lang,
    email: String,
    name: String,
    token: String,
    problem: Option<String>,
}

#[handler]
pub async fn show_invitation(
    app: Data<&App>,
    viewer: Viewer,
    request: &Request,
) -> Result<Response> {
    let token = query(request, "token").ok_or(Error::NotFound)?;
    let agent = actions::invited(&app, &token).await?;
    let (email, name) = (agent.email.to_string(), agent.name);
    html(&InvitationPage { lang: viewer.lang, email, name, token, problem: None })
}

#[derive(Deserialize)]
struct InvitationForm {
    token: String,
    password: String,
}

#[handler]
pub async fn accept_invitation(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    viewer: Viewer,
    session: CurrentSession,
    request: &Request,
    Form(form): Form<InvitationForm>,
) -> Result<Response> {
    limits.sign_in(viewer.address, &form.token)?;
    let agent = actions::invited(&app, &form.token).await?;
    match Password::parse(&form.password, &agent.email) {
        Ok(password) => {
            let address = viewer.address;
            let agent = actions::accept_invitation(&app, &form.token, password, address).await?;
            sign_in_as(request, &session.0, &agent).await?;
            Ok(see_other("/desk"))
        }
        Err(invalid) => {
            let problem = Some(viewer.lang.t(invalid.reason));
            let (email, name) = (agent.email.to_string(), agent.name);
            let page =
                InvitationPage { lang: viewer.lang, email, name, token: form.token, problem };
            let mut response = html(&page)?;
            response.set_status(StatusCode::UNPROCESSABLE_ENTITY);
            Ok(response)
        }
    }
}
