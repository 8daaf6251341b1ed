//! How a site's chat is put on somebody's pages, and what was seen of it since: nothing of that is stored.
use crate::{
    agent::{CurrentAgent, CurrentManager, DeskFrame, SignedIn},
    app::App,
    bus::{Seen, Sighting},
    error::Result,
    event::SiteStep,
    ids,
    site::{self, Origin, Site},
    text::{self, Lang},
    web::{
        page::{draw, fragment, html, query, refused, see_other},
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
/// Whoever goes this way has pages of their own, which bring the script; other ways are a link.
fn has_pages(way: &str) -> bool {
    matches!(way, "html" | "wordpress")
}
/// What the line may say, and the key of what it means. The same as in `docs/widget.md`.
const ATTRIBUTES: &[(&str, &str)] = &[
    ("data-lang", "developers-lang"),
    ("data-position", "developers-position"),
    ("data-offset-x, data-offset-y", "developers-offset"),
    ("data-theme", "developers-theme"),
    ("data-z-index", "developers-z-index"),
    ("data-launcher", "developers-launcher"),
    ("data-open", "developers-open"),
    ("data-page", "developers-page"),
];
/// What a page's script may call, and what a page may mark.
const CALLS: &[(&str, &str)] = &[
    ("kefu('open')", "developers-do"),
    ("kefu('prefill', 'About order 8871')", "developers-prefill"),
    ("kefu('card', { title: 'Blue cup', price: '¥128' })", "developers-card"),
    ("kefu('on', 'unread', n => { … })", "developers-on"),
    ("kefu('identify', token)", "developers-identify"),
    ("kefu('shutdown')", "developers-shutdown"),
    ("<a data-kefu-open>", "developers-element"),
];
/// A page that is left open asks for so many seconds, and then only when somebody wishes it.
const WATCHED: i64 = 600;
/// So many seconds without news, and it is told what may be in the way.
const QUIET: i64 = 60;

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
    /// What was typed as an address and refused, and why.
    origin: String,
    problem: Option<String>,
}

/// `GET /desk/settings/sites/{key}/install?how=&since=`
#[handler]
pub async fn install(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    request: &Request,
    Path(key): Path<String>,
) -> Result<Response> {
    me.must_manage()?;
    let site = site::addressed(app.db.read(), &key).await?;
    let asked = Asked { until: i64::MAX, ..Asked::of(request) };
    html(&install_page(&app, &me, site, asked)?)
}

fn install_page(app: &App, me: &CurrentAgent, site: Site, asked: Asked) -> Result<InstallPage> {
    let base = app.config.public_url();
    let link = format!("{base}/w/{}", site.key);
    Ok(InstallPage {
        lang: me.lang,
        frame: DeskFrame::new(me, "settings", 0),
        place: "sites",
        way: asked.way,
        snippet: site.snippet(&base),
        host: base.split('/').nth(2).unwrap_or_default().to_owned(),
        qr: Qr::of(&link)?,
        watch: Watch::of(app, me.lang, &site, asked),
        link,
        site,
        origin: String::new(),
        problem: None,
    })
}

/// How the check was asked for.
struct Asked {
    way: &'static str,
    /// Until when it asks for itself.
    until: i64,
    /// What was seen before does not count; `None` on a page that nobody asked to check again.
    since: Option<i64>,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let number = |name| query(request, name).and_then(|number| number.parse().ok());
        Self {
            way: way(&query(request, "how").unwrap_or_default()),
            until: number("until").unwrap_or_default(),
            since: number("since"),
        }
    }
}

fn way(how: &str) -> &'static str {
    WAYS.iter().find(|(word, _)| *word == how).map_or(WAYS[0].0, |(word, _)| word)
}

/// What was seen so far. It asks for itself again and again, until all is done or nobody looks any more.
struct Watch {
    lang: Lang,
    key: String,
    way: &'static str,
    steps: Vec<Step>,
    /// A page whose origin may not show the chat.
    refused: Option<String>,
    /// One that may since it wanted to, and has not been opened again.
    allowed: Option<String>,
    /// Whether pages want the chat, and none may show it.
    no_origin: bool,
    /// Whether pages would be safer than this server, which browsers do not allow.
    mixed: bool,
    done: bool,
    /// What may be in the way, the likeliest first.
    hints: Vec<Hint>,
    /// Whether there was no news for a while, or somebody asked again.
    quiet: bool,
    asks: bool,
    until: i64,
    since: Option<i64>,
    /// From when on a check counts that somebody begins now.
    again: i64,
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
    /// The last time; before the check where the step waits.
    seen: Option<StepSeen>,
}

struct StepSeen {
    iso: String,
    time: String,
    origin: String,
}

/// A sentence, and what belongs into a configuration.
struct Hint {
    text: String,
    code: Option<String>,
}

impl Watch {
    fn of(app: &App, lang: Lang, site: &Site, asked: Asked) -> Self {
        let (base, now) = (app.config.public_url(), app.clock.now().as_second());
        let seen = Known { seen: app.bus.seen_of(site.id), site, base: &base };
        let counts =
            |sighting: &&Sighting| asked.since.is_none_or(|since| sighting.at.as_second() >= since);
        let until = asked.until.min(now.saturating_add(WATCHED));
        let pages = has_pages(asked.way);
        let wanted = Some(seen.wanted()).filter(|_| pages).flatten().filter(counts);
        let refused = wanted.filter(|wanted| !seen.may_show(&wanted.origin));
        let opening = if pages { seen.opening() } else { seen.of(SiteStep::LinkOpened) };
        // It wanted the chat, was refused, and has not come back since it may.
        let barred = opening.filter(|_| pages && seen.was_refused());
        let titles: &[_] = if pages { &PAGE_STEPS } else { &LINK_STEPS };
        let mut steps: Vec<_> = titles
            .iter()
            .map(|(step, title)| {
                let opens = matches!(step, SiteStep::Opened | SiteStep::LinkOpened);
                let sighting = if opens { opening } else { seen.of(*step) };
                let word = match sighting.filter(counts) {
                    None => "wait",
                    Some(sighting) if opens && pages && !seen.may_show(&sighting.origin) => "bad",
                    Some(_) if opens && barred.is_some() => "wait",
                    Some(_) => "done",
                };
                Step {
                    title,
                    word,
                    seen: sighting.map(|sighting| StepSeen::new(sighting, site, lang)),
                }
            })
            .collect();
        // A browser that has the script already does not ask for it again.
        if let [loaded, opened, ..] = &mut steps[..]
            && pages
            && opened.word == "done"
        {
            loaded.word = "done";
        }
        let done = steps.iter().all(|step| step.word == "done");
        let asks = !done && now < until;
        let newest = titles.iter().filter_map(|(step, _)| seen.of(*step)).filter(counts);
        let newest = newest.map(|sighting| sighting.at.as_second()).max().unwrap_or(i64::MIN);
        let began = until.saturating_sub(WATCHED).max(newest);
        let quiet = !done && (!asks || asked.since.is_some() || now.saturating_sub(began) >= QUIET);
        let steps_done = steps.iter().take_while(|step| step.word == "done").count();
        let mut drawn = Self {
            lang,
            key: site.key.to_string(),
            way: asked.way,
            hints: hints(lang, site, &base, pages, steps_done),
            steps,
            refused: refused.map(|refused| refused.origin.clone()),
            allowed: barred
                .filter(|barred| counts(barred) && seen.may_show(&barred.origin))
                .map(|barred| barred.origin.clone()),
            no_origin: pages && site.origins.is_empty(),
            mixed: pages
                && base.starts_with("http:")
                && site.origins.iter().any(|origin| origin.starts_with("https:")),
            done,
            quiet,
            asks,
            until,
            since: asked.since,
            again: if done { now } else { asked.since.unwrap_or_default() },
            version: String::new(),
        };
        let state = format!("{:?}{:?}{asks}{quiet}", seen.seen, site.origins);
        drawn.version = ids::encode(&Sha256::digest(state)[..6]);
        drawn
    }

    /// The same way, and what it counts from.
    fn asked(&self) -> String {
        let since = self.since.map_or_else(String::new, |since| format!("&since={since}"));
        format!("how={}{since}", self.way)
    }
}

const PAGE_STEPS: [(SiteStep, &str); 3] = [
    (SiteStep::Loaded, "step-loaded"),
    (SiteStep::Opened, "step-opened"),
    (SiteStep::Said, "step-said"),
];
const LINK_STEPS: [(SiteStep, &str); 2] =
    [(SiteStep::LinkOpened, "step-link-opened"), (SiteStep::LinkSaid, "step-said")];

impl StepSeen {
    fn new(sighting: &Sighting, site: &Site, lang: Lang) -> Self {
        let zone = text::zone(&site.zone);
        Self {
            iso: format!("{:.0}", sighting.at),
            time: format!(
                "{} {}",
                text::day_line(sighting.at, &zone, lang),
                text::clock_seconds(sighting.at, &zone)
            ),
            origin: sighting.origin.clone(),
        }
    }
}

/// What was seen of a site, and which pages may show it.
struct Known<'a> {
    seen: Seen,
    site: &'a Site,
    base: &'a str,
}

impl Known<'_> {
    fn of(&self, step: SiteStep) -> Option<&Sighting> {
        self.seen.of(step)
    }

    fn newest<const STEPS: usize>(&self, steps: [SiteStep; STEPS]) -> Option<&Sighting> {
        steps.into_iter().filter_map(|step| self.of(step)).max_by_key(|sighting| sighting.at)
    }

    /// When a page last wanted to show the chat, whether it might or not.
    fn opening(&self) -> Option<&Sighting> {
        self.newest([SiteStep::Opened, SiteStep::Refused])
    }

    fn was_refused(&self) -> bool {
        self.of(SiteStep::Refused).is_some_and(|refused| self.opening() == Some(refused))
    }

    /// When a page last brought the script or wanted the chat.
    fn wanted(&self) -> Option<&Sighting> {
        self.newest([SiteStep::Loaded, SiteStep::Opened, SiteStep::Refused])
    }

    fn may_show(&self, origin: &String) -> bool {
        origin.is_empty() || self.site.origins.contains(origin) || self.base == *origin
    }
}

/// What may be in the way of whoever came so many steps far, the likeliest first.
fn hints(lang: Lang, site: &Site, base: &str, pages: bool, steps: usize) -> Vec<Hint> {
    let hint = |key: &str| Hint { text: lang.t(key), code: None };
    let policy = |key: &str, code: String| Hint { code: Some(code), ..hint(key) };
    let (script, frame) = (format!("script-src {base};"), format!("frame-src {base};"));
    let insecure = base.starts_with("http:") && !is_near(base);
    let secure = insecure.then(|| hint("hint-insecure"));
    match (pages, steps) {
        (true, 0 | 3) => [hint("hint-cache"), policy("hint-policy", format!("{script}\n{frame}"))]
            .into_iter()
            .chain(secure)
            .chain([hint("hint-blocker")])
            .collect(),
        (true, 1) => vec![hint("hint-open"), policy("hint-frame-policy", frame)],
        (false, 0) => {
            let reach = Hint { text: lang.with("hint-reach", "address", base), code: None };
            [reach].into_iter().chain(secure).collect()
        }
        _ if site.signed_only => vec![hint("hint-signed-only")],
        _ => vec![hint("hint-say")],
    }
}

/// Whether an address is only good on this machine, where browsers trust it without a certificate.
fn is_near(base: &str) -> bool {
    let host = url::Url::parse(base).ok().and_then(|url| url.host().map(|host| host.to_owned()));
    match host {
        Some(url::Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

/// `GET /desk/settings/sites/{key}/watch?how=&until=&since=&seen=`: 204 where nothing changed.
#[handler]
pub async fn watch(
    app: Data<&App>,
    me: CurrentAgent,
    request: &Request,
    Path(key): Path<String>,
) -> Result<Response> {
    me.must_manage()?;
    let site = site::addressed(app.db.read(), &key).await?;
    let watch = Watch::of(&app, me.lang, &site, Asked::of(request));
    if query(request, "seen").as_deref() == Some(&watch.version) {
        return Ok(StatusCode::NO_CONTENT.into());
    }
    Ok(fragment(draw(&WatchFragment { watch })?))
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct OriginForm {
    origin: String,
    /// The way from which it is said, to which it leads back.
    how: String,
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
    let way = way(&form.how);
    match Origin::typed(&form.origin).and_then(|origin| site.allow(origin)) {
        Ok(new) => {
            if new {
                site::change(&app, &me.doer(), &site).await?;
            }
            Ok(see_other(format!("/desk/settings/sites/{key}/install?how={way}")))
        }
        Err(invalid) => {
            let problem = Some(me.lang.t(invalid.reason));
            let page = install_page(&app, &me, site, Asked { way, until: i64::MAX, since: None })?;
            refused(&InstallPage { origin: form.origin, problem, ..page })
        }
    }
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
