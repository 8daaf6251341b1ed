//! How a site's chat is put on somebody's pages, and what was seen of it since: nothing of that is stored.
use crate::{
    agent::{CurrentAgent, CurrentManager, DeskFrame, SignedIn},
    app::App,
    bus::Seen,
    error::Result,
    event::SiteStep,
    ids,
    site::{self, Origin, Site},
    text::{self, Lang},
    web::{
        page::{draw, fragment, html, query, see_other},
        qr::Qr,
    },
};
use askama::Template;
use poem::{
    Request, Response, handler,
    http::{StatusCode, header},
    web::{Data, Form, Path},
};
use serde::Deserialize;
use sha2::{Digest, Sha256};

/// The ways of putting it somewhere: the word in the address, and the key of what it is called.
const WAYS: &[(&str, &str)] = &[
    ("html", "way-html"),
    ("wordpress", "way-wordpress"),
    ("wechat", "way-wechat"),
    ("qr", "way-qr"),
    ("uni-app", "way-uni-app"),
    ("link", "way-link"),
];
/// A page that is left open asks for so many seconds, and then only when somebody wishes it.
const WATCHED: i64 = 600;

#[derive(Template)]
#[template(path = "widget/install.html")]
struct InstallPage {
    lang: Lang,
    frame: DeskFrame,
    place: &'static str,
    site: Site,
    way: &'static str,
    link: String,
    snippet: String,
    /// The host of this server alone, as lists of allowed domains want it.
    host: String,
    qr: Qr,
    watch: Watch,
}

/// `GET /desk/settings/sites/{key}/install?how=`
#[handler]
pub async fn install(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    request: &Request,
    Path(key): Path<String>,
) -> Result<Response> {
    me.must_manage()?;
    let site = site::addressed(app.db.read(), &key).await?;
    let (base, how) = (app.config.public_url(), query(request, "how").unwrap_or_default());
    let link = format!("{base}/w/{}", site.key);
    let now = app.clock.now().as_second();
    html(&InstallPage {
        lang: me.lang,
        frame: DeskFrame::new(&me, "settings", 0),
        place: "sites",
        way: WAYS.iter().find(|(word, _)| *word == how).map_or(WAYS[0].0, |(word, _)| word),
        snippet: site.snippet(&base),
        host: base.split('/').nth(2).unwrap_or_default().to_owned(),
        qr: Qr::of(&link)?,
        watch: Watch::of(&app, me.lang, &site, now + WATCHED),
        link,
        site,
    })
}

/// What was seen so far. It asks for itself again and again, until all is done or nobody looks any more.
struct Watch {
    lang: Lang,
    key: String,
    base: String,
    steps: [Step; SiteStep::COUNT],
    /// A page whose origin may not show the chat.
    refused: Option<String>,
    /// Whether any page may.
    any_origin: bool,
    /// Whether pages would be safer than this server, which browsers do not allow.
    mixed: bool,
    done: bool,
    asks: bool,
    until: i64,
    /// Another one where it would be drawn otherwise.
    version: String,
}

#[derive(Template)]
#[template(path = "widget/_watch.html")]
struct WatchFragment {
    watch: Watch,
}

struct Step {
    title: &'static str,
    /// `done`, `bad` or `wait`.
    word: &'static str,
    seen: Option<StepSeen>,
}

struct StepSeen {
    iso: String,
    time: String,
    origin: String,
}

impl Watch {
    fn of(app: &App, lang: Lang, site: &Site, until: i64) -> Self {
        let (base, seen, now) =
            (app.config.public_url(), app.bus.seen_of(site.id), app.clock.now());
        let until = until.min(now.as_second() + WATCHED);
        let refused = refused(&seen, site, &base);
        let zone = text::zone(&site.zone);
        let titles = [
            (SiteStep::Loaded, "step-loaded"),
            (SiteStep::Opened, "step-opened"),
            (SiteStep::Said, "step-said"),
        ];
        let steps = titles.map(|(step, title)| {
            let sighting = seen.of(step);
            let bad = step == SiteStep::Opened
                && refused.as_deref().is_some_and(|origin| {
                    sighting.is_some_and(|sighting| sighting.origin == origin)
                });
            Step {
                title,
                word: if bad { "bad" } else { sighting.map_or("wait", |_| "done") },
                seen: sighting.map(|sighting| StepSeen {
                    iso: format!("{:.0}", sighting.at),
                    time: text::clock_seconds(sighting.at, &zone),
                    origin: sighting.origin.clone(),
                }),
            }
        });
        let done = steps.iter().all(|step| step.word == "done");
        let asks = !done && now.as_second() < until;
        let version = Sha256::digest(format!("{seen:?}{:?}{asks}", site.origins));
        Self {
            lang,
            key: site.key.to_string(),
            steps,
            any_origin: !site.origins.is_empty(),
            mixed: base.starts_with("http:")
                && site.origins.iter().any(|origin| origin.starts_with("https:")),
            base,
            refused,
            done,
            asks,
            until,
            version: ids::encode(&version[..6]),
        }
    }

    fn is_loaded(&self) -> bool {
        self.steps[SiteStep::Loaded as usize].seen.is_some()
    }
}

/// The origin of the page that was last seen to want the chat, if it may not show it.
fn refused(seen: &Seen, site: &Site, base: &str) -> Option<String> {
    let own = Origin::of_page(base);
    let last = [SiteStep::Opened, SiteStep::Loaded]
        .into_iter()
        .filter_map(|step| seen.of(step))
        .max_by_key(|sighting| sighting.at)?;
    let allowed = last.origin.is_empty()
        || site.origins.contains(&last.origin)
        || own.is_some_and(|own| own.as_str() == last.origin);
    (!allowed).then(|| last.origin.clone())
}

/// `GET /desk/settings/sites/{key}/watch?until=&seen=`: 204 where nothing changed.
#[handler]
pub async fn watch(
    app: Data<&App>,
    me: CurrentAgent,
    request: &Request,
    Path(key): Path<String>,
) -> Result<Response> {
    me.must_manage()?;
    let site = site::addressed(app.db.read(), &key).await?;
    let until = query(request, "until").and_then(|until| until.parse().ok()).unwrap_or_default();
    let watch = Watch::of(&app, me.lang, &site, until);
    if query(request, "seen").as_deref() == Some(&watch.version) {
        return Ok(StatusCode::NO_CONTENT.into());
    }
    Ok(fragment(draw(&WatchFragment { watch })?))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OriginForm {
    origin: String,
}

/// `POST /desk/settings/sites/{key}/origins`: pages of one more origin may show the chat.
#[handler]
pub async fn allow(
    app: Data<&App>,
    me: CurrentManager,
    Path(key): Path<String>,
    Form(form): Form<OriginForm>,
) -> Result<Response> {
    let mut site = site::addressed(app.db.read(), &key).await?;
    if site.allow(Origin::parse(&form.origin)?)? {
        site::change(&app, &me.doer(), &site).await?;
    }
    Ok(see_other(format!("/desk/settings/sites/{key}/install")))
}

/// `GET /desk/settings/sites/{key}/qr.svg`: to be kept and printed.
#[handler]
pub async fn qr(app: Data<&App>, me: CurrentAgent, Path(key): Path<String>) -> Result<Response> {
    me.must_manage()?;
    let site = site::addressed(app.db.read(), &key).await?;
    let link = format!("{}/w/{}", app.config.public_url(), site.key);
    let file = format!("attachment; filename=\"kefu-{}.svg\"", site.key);
    Ok(Response::builder()
        .content_type("image/svg+xml")
        .header(header::CONTENT_DISPOSITION, file)
        .body(Qr::of(&link)?.svg()))
}
