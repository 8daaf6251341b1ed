//! The page of the settings on which a site's secrets are made, shown and dropped, and on which is chosen who is heard.
use crate::{
    agent::{CurrentAgent, CurrentManager, DeskFrame, SignedIn},
    app::App,
    error::{Error, Invalid, Result},
    ids::SiteKey,
    site::{self, Secret, Site},
    text::{self, Lang},
    web::page::{html, query, see_other},
};
use askama::Template;
use poem::{
    Request, Response, handler,
    web::{Data, Form, Path},
};
use serde::Deserialize;

/// How a server signs: where `KEY` stands, the site's key belongs. The same texts are in `docs/widget.md`.
const SIGNERS: &[(&str, &str, &str)] = &[
    ("php", "PHP", include_str!("../../../examples/identity/sign.php")),
    ("node", "Node", include_str!("../../../examples/identity/sign.mjs")),
    ("python", "Python", include_str!("../../../examples/identity/sign.py")),
    ("java", "Java", include_str!("../../../examples/identity/KefuToken.java")),
    ("go", "Go", include_str!("../../../examples/identity/sign.go")),
];

#[derive(Template)]
#[template(path = "identity/settings.html")]
struct IdentityPage {
    lang: Lang,
    frame: DeskFrame,
    place: &'static str,
    site: Site,
    /// When each was made, the newest first.
    made: Vec<String>,
    /// The same ones as they are, once somebody wants to see them.
    secrets: Vec<Secret>,
    saved: bool,
    problem: Option<String>,
}

#[handler]
pub async fn show(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    request: &Request,
    Path(key): Path<String>,
) -> Result<Response> {
    me.must_manage()?;
    let site = site::addressed(app.db.read(), &key).await?;
    let saved = query(request, "saved").is_some();
    html(&IdentityPage { saved, ..page(&app, &me, site, Vec::new()).await? })
}

async fn page(
    app: &App,
    me: &CurrentAgent,
    site: Site,
    secrets: Vec<Secret>,
) -> Result<IdentityPage> {
    let zone = text::zone(&site.zone);
    let made = site::secrets(app.db.read(), site.id).await?.into_iter().map(|(_, at)| {
        format!("{} {}", text::day_line(at, &zone, me.lang), text::clock_time(at, &zone))
    });
    Ok(IdentityPage {
        lang: me.lang,
        frame: DeskFrame::new(me, "settings", 0),
        place: "sites",
        made: made.collect(),
        site,
        secrets,
        saved: false,
        problem: None,
    })
}

#[derive(Deserialize)]
struct ActForm {
    act: Act,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Act {
    Make,
    Show,
    DropOlder,
    HearSigned,
    HearAll,
}

#[handler]
pub async fn act(
    app: Data<&App>,
    me: CurrentManager,
    Path(key): Path<String>,
    form: poem::Result<Form<ActForm>>,
) -> Result<Response> {
    let Ok(Form(ActForm { act })) = form else {
        return Err(Invalid { field: "act", reason: "invalid-form" }.into());
    };
    let (by, key) = (me.doer(), SiteKey::parse(&key).map_err(|_| Error::NotFound)?);
    let done = match act {
        Act::Make => site::make_secret(&app, &by, &key).await,
        Act::DropOlder => site::drop_older_secret(&app, &by, &key).await,
        Act::HearSigned => site::hear_signed_only(&app, &by, &key, true).await,
        Act::HearAll => site::hear_signed_only(&app, &by, &key, false).await,
        Act::Show => {
            let secrets = site::show_secrets(&app, &by, &key).await?;
            let site = site::addressed(app.db.read(), key.as_str()).await?;
            return html(&page(&app, &me, site, secrets).await?);
        }
    };
    match done {
        Ok(()) => Ok(see_other(format!("/desk/settings/sites/{key}/identity?saved=1"))),
        Err(error @ Error::Conflict(why)) => {
            let site = site::addressed(app.db.read(), key.as_str()).await?;
            let problem = Some(me.lang.t(why));
            let mut response =
                html(&IdentityPage { problem, ..page(&app, &me, site, Vec::new()).await? })?;
            response.set_status(poem::error::ResponseError::status(&error));
            Ok(response)
        }
        Err(error) => Err(error),
    }
}
