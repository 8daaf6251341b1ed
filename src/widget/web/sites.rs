//! The pages of the settings on which sites are made, named, coloured and put on somebody's pages.
use crate::{
    agent::{CurrentAgent, CurrentManager, DeskFrame, SignedIn},
    app::App,
    error::{Error, Invalid, Result},
    ids::TeamId,
    site::{
        self, Color, Edge, Look, NewSite, Origin, Saying, Site, SiteName, Texts, Theme, offset,
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
use std::collections::BTreeMap;

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
    /// How well the button's text is read, in words.
    contrast: String,
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
pub struct SiteForm {
    pub name: String,
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
    /// What is said in each language, by [`Saying::field`].
    #[serde(flatten)]
    said: BTreeMap<String, String>,
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
            side: side.word().into(),
            theme: theme.word().into(),
            launcher: if launcher { "on" } else { "" }.into(),
            team: site.team.map_or_else(String::new, |team| team.to_string()),
            offset_x: offset_x.to_string(),
            offset_y: offset_y.to_string(),
            said: Lang::ALL
                .into_iter()
                .zip([zh, en])
                .flat_map(|(lang, texts)| {
                    Saying::ALL
                        .map(|saying| (saying.field(lang).to_owned(), texts.of(saying).to_owned()))
                })
                .collect(),
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
            look: self.look(&site.look.logo)?,
            ..site
        };
        for origin in self.origins.split_whitespace() {
            changed.allow(Origin::parse(origin)?)?;
        }
        Ok(changed)
    }

    /// Whether nobody filled it in.
    pub fn is_empty(&self) -> bool {
        self.name.is_empty() && self.color.is_empty()
    }

    /// How it looks, with a picture that comes by another form.
    pub fn look(&self, logo: &str) -> Result<Look, Invalid> {
        let typed = |field: &str| self.said.get(field).map_or("", String::as_str);
        Ok(Look {
            color: Color::parse(&self.color)?,
            side: if self.side == "left" { Edge::Left } else { Edge::Right },
            offset_x: offset("offset_x", &self.offset_x)?,
            offset_y: offset("offset_y", &self.offset_y)?,
            launcher: !self.launcher.is_empty(),
            theme: match self.theme.as_str() {
                "light" => Theme::Light,
                "dark" => Theme::Dark,
                _ => Theme::Auto,
            },
            logo: logo.to_owned(),
            texts: [Texts::parse(Lang::ZhCn, typed)?, Texts::parse(Lang::En, typed)?],
        })
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

    /// What is said, each in one language beside the other.
    fn sayings(&self) -> impl Iterator<Item = SaidField<'_>> {
        SAYINGS.iter().flat_map(move |&(saying, title)| {
            Lang::ALL.map(|lang| {
                let name = saying.field(lang);
                let text = self.said.get(name).map_or("", String::as_str);
                let usual = saying.usual().map(|usual| lang.t(usual)).unwrap_or_default();
                SaidField { name, title, lang, text, usual, longest: saying.longest() }
            })
        })
    }
}

/// One field of what is said.
struct SaidField<'a> {
    name: &'static str,
    title: &'static str,
    lang: Lang,
    text: &'a str,
    /// What kefu says where it is empty.
    usual: String,
    longest: usize,
}

/// What each sentence is called.
const SAYINGS: &[(Saying, &str)] = &[
    (Saying::Label, "site-label"),
    (Saying::Title, "site-title"),
    (Saying::Greeting, "site-greeting"),
    (Saying::Welcome, "site-welcome"),
    (Saying::Online, "site-online"),
    (Saying::Away, "site-away"),
    (Saying::Placeholder, "site-placeholder"),
    (Saying::Failed, "site-failed"),
];

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
    let base = app.config.public_url();
    SitePage {
        lang: me.lang,
        frame: DeskFrame::new(me, "settings", 0),
        place: "sites",
        contrast: contrast(me.lang, site.look.color),
        snippet: site.snippet(&base),
        link: format!("{base}/w/{}", site.key),
        site,
        form,
        teams,
        saved,
        problem,
    }
}

/// What a button's text has to its ground, and whether the colour was made darker or lighter for it.
pub fn contrast(lang: Lang, color: Color) -> String {
    let ground = color.ground();
    let mut words =
        lang.with("site-contrast", "ratio", format!("{:.1}", ground.contrast(ground.ink())));
    if ground != color {
        words = format!("{words} {}", lang.with("site-mended", "color", ground));
    }
    words
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
