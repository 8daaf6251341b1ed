//! The pages of the first minute.
use crate::{
    agent::{self, AgentName, Email, MaybeAgent, NewAgent, Password, Role, has_owner, sign_in_as},
    app::App,
    error::{Error, Invalid, Result},
    ids,
    site::{self, Site},
    text::Lang,
    web::{
        limits::Limits,
        page::{Viewer, html, query, see_other},
        qr::Qr,
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

const PURPOSE: &str = "setup";

/// Where the owner's account is made. The token is the installation's signature under the word "setup": the same on every
/// node and after a restart, unknown to whoever lacks the key, and worth nothing once there is an owner.
pub fn setup_url(app: &App) -> String {
    let token = ids::encode(&app.key.sign(PURPOSE, app.epoch.as_bytes()));
    format!("{}/setup?token={token}", app.config.public_url())
}

fn is_genuine(app: &App, token: &str) -> bool {
    ids::decode(token).is_some_and(|token| app.key.verify(PURPOSE, app.epoch.as_bytes(), &token))
}

#[derive(Template)]
#[template(path = "setup/owner.html")]
struct OwnerPage {
    lang: Lang,
    other: Lang,
    token: String,
    name: String,
    email: String,
    problem: Option<(&'static str, String)>,
}

impl OwnerPage {
    fn problem_of(&self, field: &str) -> Option<&str> {
        self.problem.as_ref().filter(|(of, _)| *of == field).map(|(_, words)| words.as_str())
    }
}

#[handler]
pub async fn owner_form(app: Data<&App>, viewer: Viewer, request: &Request) -> Result<Response> {
    let token = query(request, "token").unwrap_or_default();
    if has_owner(&app.db).await? {
        return Ok(see_other("/setup/install"));
    }
    if !is_genuine(&app, &token) {
        return Err(Error::Forbidden("forbidden-setup"));
    }
    html(&OwnerPage {
        lang: viewer.lang,
        other: viewer.lang.other(),
        token,
        name: String::new(),
        email: String::new(),
        problem: None,
    })
}

#[derive(Deserialize)]
struct OwnerForm {
    token: String,
    language: String,
    name: String,
    email: String,
    password: String,
}

#[handler]
pub async fn make_owner(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    viewer: Viewer,
    session: CurrentSession,
    request: &Request,
    Form(form): Form<OwnerForm>,
) -> Result<Response> {
    limits.sign_in(viewer.address, PURPOSE)?;
    if !is_genuine(&app, &form.token) {
        return Err(Error::Forbidden("forbidden-setup"));
    }
    if has_owner(&app.db).await? {
        return Ok(see_other("/login"));
    }
    let lang = Lang::from_tag(&form.language).unwrap_or(viewer.lang);
    match parse(&form, lang) {
        Ok(new) => {
            let owner = agent::make_owner(&app, new, viewer.address).await?;
            sign_in_as(request, &session.0, &owner).await?;
            Ok(see_other("/setup/install"))
        }
        Err(invalid) => {
            let problem = Some((invalid.field, lang.t(invalid.reason)));
            let OwnerForm { token, name, email, .. } = form;
            let mut response =
                html(&OwnerPage { lang, other: lang.other(), token, name, email, problem })?;
            response.set_status(StatusCode::UNPROCESSABLE_ENTITY);
            Ok(response)
        }
    }
}

fn parse(form: &OwnerForm, lang: Lang) -> Result<NewAgent, Invalid> {
    let email = Email::parse(&form.email)?;
    Ok(NewAgent {
        name: AgentName::parse(&form.name)?,
        password: Some(Password::parse(&form.password, &email)?),
        email,
        role: Role::Owner,
        lang: Some(lang),
    })
}

#[derive(Template)]
#[template(path = "setup/install.html")]
struct InstallPage {
    lang: Lang,
    theme: &'static str,
    /// Whether whoever looks may say which pages show the chat.
    manages: bool,
    sites: Vec<SiteLinks>,
}

struct SiteLinks {
    key: String,
    name: String,
    /// Whether any page may show the chat yet.
    any_origin: bool,
    link: String,
    snippet: String,
    /// Each module of the QR code as a 1×1 square of an SVG path, and the code's width in modules.
    qr: String,
    qr_width: usize,
}

#[handler]
pub async fn install(app: Data<&App>, MaybeAgent(me): MaybeAgent) -> Result<Response> {
    // Seen once, after which the desk is where one comes back to.
    let Some(me) = me else { return Ok(see_other("/login?next=%2Fdesk")) };
    let sites = site::all(&app.db).await?;
    let sites = sites.iter().map(|site| links(&app, site)).collect::<Result<_>>()?;
    html(&InstallPage {
        lang: me.lang,
        theme: me.agent.theme.word(),
        manages: me.must_manage().is_ok(),
        sites,
    })
}

fn links(app: &App, site: &Site) -> Result<SiteLinks> {
    let link = format!("{}/w/{}", app.config.public_url(), site.key);
    let snippet = site.snippet(&app.config.public_url());
    let Qr { path: qr, width: qr_width } = Qr::of(&link)?;
    let (key, name) = (site.key.to_string(), site.name.clone());
    Ok(SiteLinks { key, name, any_origin: !site.origins.is_empty(), link, snippet, qr, qr_width })
}
