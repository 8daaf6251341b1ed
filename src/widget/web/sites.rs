//! The pages of the settings on which sites are made, named, coloured and put on somebody's pages.
use crate::{
    agent::{CurrentAgent, CurrentManager, DeskFrame, SignedIn},
    app::App,
    error::{Error, Invalid, Result},
    ids::TeamId,
    site::{
        self, Color, Edge, LONGEST, Look, NewSite, Origin, Site, SiteName, Texts, Theme, offset,
    },
    team::{self, Team},
    text::{self, Lang},
    web::page::{html, query, refused, see_other},
};
use askama::Template;
use poem::{
    Request, Response, handler,
    web::{Data, Form, Path},
};
use serde::Deserialize;

/// What can be chosen: the word in the form, and the key of what it is called.
const THEMES: &[(&str, &str)] =
    &[("auto", "theme-auto"), ("light", "theme-light"), ("dark", "theme-dark")];
const SIDES: &[(&str, &str)] = &[("right", "site-right"), ("left", "site-left")];

#[derive(Template)]
#[template(path = "widget/index.html")]
struct SitesPage {
    lang: Lang,
    frame: DeskFrame,
    place: &'static str,
    sites: Vec<Site>,
    /// What was typed and refused.
    name: String,
    problem: Option<String>,
}

#[handler]
pub async fn index(app: Data<&App>, SignedIn(me): SignedIn) -> Result<Response> {
    me.must_manage()?;
    html(&sites_page(&app, &me, String::new(), None).await?)
}

async fn sites_page(
    app: &App,
    me: &CurrentAgent,
    name: String,
    problem: Option<String>,
) -> Result<SitesPage> {
    Ok(SitesPage {
        lang: me.lang,
        frame: DeskFrame::new(me, "settings", 0),
        place: "sites",
        sites: site::all(&app.db).await?,
        name,
        problem,
    })
}

#[derive(Deserialize)]
struct NameForm {
    name: String,
}

#[handler]
pub async fn add(
    app: Data<&App>,
    me: CurrentManager,
    Form(form): Form<NameForm>,
) -> Result<Response> {
    let made = async {
        let name = SiteName::parse(&form.name)?;
        site::add_by(&app, &me.doer(), NewSite { name, key: None, origins: Vec::new() }).await
    };
    match made.await {
        Ok(site) => Ok(see_other(format!("/desk/settings/sites/{}", site.key))),
        Err(Error::Invalid(invalid)) => {
            let problem = Some(me.lang.t(invalid.reason));
            refused(&sites_page(&app, &me, form.name, problem).await?)
        }
        Err(error) => Err(error),
    }
}

#[derive(Template)]
#[template(path = "widget/edit.html")]
struct SitePage {
    lang: Lang,
    frame: DeskFrame,
    place: &'static str,
    site: Site,
    form: SiteForm,
    teams: Vec<Team>,
    /// What the button's text has to its ground, such as `7.4`, and whether the colour was made darker or lighter for it.
    contrast: String,
    mended: Option<Color>,
    snippet: String,
    link: String,
    saved: bool,
    problem: Option<(&'static str, String)>,
}

impl SitePage {
    fn problem_of(&self, field: &str) -> Option<&str> {
        self.problem.as_ref().filter(|(of, _)| *of == field).map(|(_, words)| words.as_str())
    }
}

/// A site as its form shows and sends it: one thing a field, two for what is said in two languages.
#[derive(Clone, Default, Deserialize)]
#[serde(default)]
struct SiteForm {
    name: String,
    language: String,
    zone: String,
    /// One a line.
    origins: String,
    color: String,
    side: String,
    theme: String,
    launcher: String,
    /// A number, or nothing for everybody.
    team: String,
    offset_x: String,
    offset_y: String,
    label_zh: String,
    label_en: String,
    greeting_zh: String,
    greeting_en: String,
    welcome_zh: String,
    welcome_en: String,
}

impl SiteForm {
    fn of(site: &Site) -> Self {
        let Look { color, side, offset_x, offset_y, launcher, theme, texts: [zh, en], logo: _ } =
            site.look.clone();
        Self {
            name: site.name.clone(),
            language: site.lang.code().into(),
            zone: site.zone.clone(),
            origins: site.origins.join("\n"),
            color: color.to_string(),
            side: if side == Edge::Left { "left" } else { "right" }.into(),
            theme: match theme {
                Theme::Auto => "auto",
                Theme::Light => "light",
                Theme::Dark => "dark",
            }
            .into(),
            launcher: if launcher { "on" } else { "" }.into(),
            team: site.team.map_or_else(String::new, |team| team.to_string()),
            offset_x: offset_x.to_string(),
            offset_y: offset_y.to_string(),
            label_zh: zh.label,
            label_en: en.label,
            greeting_zh: zh.greeting,
            greeting_en: en.greeting,
            welcome_zh: zh.welcome,
            welcome_en: en.welcome,
        }
    }

    fn onto(&self, site: Site, teams: &[Team]) -> Result<Site, Invalid> {
        let mut changed = Site {
            name: SiteName::parse(&self.name)?.as_str().to_owned(),
            lang: Lang::from_tag(&self.language).unwrap_or(site.lang),
            zone: text::known_zone(&self.zone)
                .ok_or(Invalid { field: "zone", reason: "invalid-zone" })?,
            origins: Vec::new(),
            team: self.chosen(teams)?,
            look: Look {
                color: Color::parse(&self.color)?,
                side: if self.side == "left" { Edge::Left } else { Edge::Right },
                offset_x: offset(&self.offset_x)?,
                offset_y: offset(&self.offset_y)?,
                launcher: !self.launcher.is_empty(),
                theme: match self.theme.as_str() {
                    "light" => Theme::Light,
                    "dark" => Theme::Dark,
                    _ => Theme::Auto,
                },
                logo: site.look.logo,
                texts: [
                    Texts::parse(&self.label_zh, &self.greeting_zh, &self.welcome_zh)?,
                    Texts::parse(&self.label_en, &self.greeting_en, &self.welcome_en)?,
                ],
            },
            ..site
        };
        for origin in self.origins.split_whitespace() {
            changed.allow(Origin::parse(origin)?)?;
        }
        Ok(changed)
    }

    /// The team that was chosen, among those there are.
    fn chosen(&self, teams: &[Team]) -> Result<Option<TeamId>, Invalid> {
        if self.team.is_empty() {
            return Ok(None);
        }
        let chosen = teams.iter().find(|team| team.id.to_string() == self.team);
        let missing = Invalid { field: "team", reason: "invalid-team" };
        chosen.map(|team| Some(team.id)).ok_or(missing)
    }

    /// What is said in one language, as `(field, what it is called, what it holds, its longest)`.
    fn said(&self) -> [(&'static str, &'static str, Lang, &str, usize); 6] {
        [
            ("label_zh", "site-label", Lang::ZhCn, &self.label_zh, LONGEST[0]),
            ("label_en", "site-label", Lang::En, &self.label_en, LONGEST[0]),
            ("greeting_zh", "site-greeting", Lang::ZhCn, &self.greeting_zh, LONGEST[1]),
            ("greeting_en", "site-greeting", Lang::En, &self.greeting_en, LONGEST[1]),
            ("welcome_zh", "site-welcome", Lang::ZhCn, &self.welcome_zh, LONGEST[2]),
            ("welcome_en", "site-welcome", Lang::En, &self.welcome_en, LONGEST[2]),
        ]
    }
}

#[handler]
pub async fn edit(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    request: &Request,
    Path(key): Path<String>,
) -> Result<Response> {
    me.must_manage()?;
    let site = site::addressed(app.db.read(), &key).await?;
    let form = SiteForm::of(&site);
    let teams = team::all(&app.db).await?;
    html(&site_page(&app, &me, (site, teams), form, query(request, "saved").is_some(), None))
}

fn site_page(
    app: &App,
    me: &CurrentAgent,
    (site, teams): (Site, Vec<Team>),
    form: SiteForm,
    saved: bool,
    problem: Option<(&'static str, String)>,
) -> SitePage {
    let (base, ground) = (app.config.public_url(), site.look.color.ground());
    SitePage {
        lang: me.lang,
        frame: DeskFrame::new(me, "settings", 0),
        place: "sites",
        contrast: format!("{:.1}", ground.contrast(ground.ink())),
        mended: (ground != site.look.color).then_some(ground),
        snippet: site.snippet(&base),
        link: format!("{base}/w/{}", site.key),
        site,
        form,
        teams,
        saved,
        problem,
    }
}

/// The page as it is, with what could not be done.
pub async fn again(
    app: &App,
    me: &CurrentAgent,
    site: Site,
    problem: (&'static str, String),
) -> Result<Response> {
    let (teams, form) = (team::all(&app.db).await?, SiteForm::of(&site));
    refused(&site_page(app, me, (site, teams), form, false, Some(problem)))
}

#[handler]
pub async fn change(
    app: Data<&App>,
    me: CurrentManager,
    Path(key): Path<String>,
    Form(form): Form<SiteForm>,
) -> Result<Response> {
    let site = site::addressed(app.db.read(), &key).await?;
    let teams = team::all(&app.db).await?;
    match form.onto(site.clone(), &teams) {
        Ok(changed) => {
            site::change(&app, &me.doer(), &changed).await?;
            Ok(see_other(format!("/desk/settings/sites/{key}?saved=1")))
        }
        Err(invalid) => {
            let problem = Some((invalid.field, me.lang.t(invalid.reason)));
            refused(&site_page(&app, &me, (site, teams), form, false, problem))
        }
    }
}
