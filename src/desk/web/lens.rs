//! Narrowing the lists: what an address asks for, and the form that asks. Everything is in the address, so that a list can be
//! kept, sent to a colleague and gone back to.
use super::verbs::pairs;
use crate::{
    agent::{self, CurrentAgent, DeskFrame, SignedIn},
    app::App,
    conversation::{Filter, Lens, Place, Tab},
    error::Result,
    event::Priority,
    ids::AgentId,
    saved_view::KeepForm,
    site, tag, team,
    text::Lang,
    web::page::html,
};
use askama::Template;
use poem::{Request, Response, handler, web::Data};

/// What the address says an agent looks at, with `before` the place of a list from which it goes on; what it says wrongly is
/// passed over.
pub fn lens(request: &Request, me: AgentId) -> Lens {
    parsed(request.uri().query().unwrap_or_default(), me)
}

/// What somebody says that an address asks for, as we write it ourselves.
pub fn asked_again(asked: &str, me: AgentId) -> String {
    asks(&parsed(asked, me))
}

fn parsed(asked: &str, me: AgentId) -> Lens {
    let fields = pairs(asked);
    let asked = |name| {
        let field = fields.iter().find(|(field, _)| field == name);
        field.map(|(_, value)| value.as_str())
    };
    let number = |name| asked(name).and_then(|text| text.parse().ok());
    let tab = tab(asked("tab"), me);
    // What is mine no colleague has, and nobody what waits.
    let is_somebodys = !matches!(tab, Tab::Mine(_) | Tab::Queue);
    let filter = Filter {
        site: number("site").map(crate::ids::SiteId),
        agent: number("agent").filter(|_| is_somebodys).map(AgentId),
        tag: number("tag").map(crate::ids::TagId),
        team: number("team").map(crate::ids::TeamId),
        priority: asked("priority").and_then(Priority::parse),
        unread: asked("unread").is_some(),
    };
    let after = asked("before").and_then(|place| Place::parse(place, tab));
    Lens { tab, filter, after }
}

fn tab(word: Option<&str>, me: AgentId) -> Tab {
    match word {
        Some("queue") => Tab::Queue,
        Some("all") => Tab::All,
        Some("snoozed") => Tab::Snoozed,
        Some("closed") => Tab::Closed,
        _ => Tab::Mine(me),
    }
}

pub fn word(tab: Tab) -> &'static str {
    match tab {
        Tab::Mine(_) => "mine",
        Tab::Queue => "queue",
        Tab::All => "all",
        Tab::Snoozed => "snoozed",
        Tab::Closed => "closed",
    }
}

/// The same as an address asks for it, from the beginning of the list: `tab=queue&site=3`.
pub fn asks(lens: &Lens) -> String {
    format!("tab={}{}", word(lens.tab), narrowed(&lens.filter))
}

/// The part of it that does not name the list; empty, or beginning with `&`.
pub fn narrowed(filter: &Filter) -> String {
    let Filter { site, agent, tag, team, priority, unread } = filter;
    [
        site.map(|site| format!("&site={site}")),
        agent.map(|agent| format!("&agent={agent}")),
        tag.map(|tag| format!("&tag={tag}")),
        team.map(|team| format!("&team={team}")),
        priority.map(|priority| format!("&priority={}", priority.word())),
        unread.then(|| "&unread=1".to_owned()),
    ]
    .into_iter()
    .flatten()
    .collect()
}

/// Something to choose among.
pub struct Choice {
    pub value: String,
    pub name: String,
    pub chosen: bool,
}

#[derive(Template)]
#[template(path = "desk/filter.html")]
struct FilterPage {
    lang: Lang,
    frame: DeskFrame,
    form: FilterForm,
}

#[derive(Template)]
#[template(path = "desk/_filter.html")]
struct FilterFragment {
    form: FilterForm,
}

/// The form that narrows a list, and the views that were kept.
struct FilterForm {
    lang: Lang,
    tab: &'static str,
    asks: String,
    keep: KeepForm,
    sites: Vec<Choice>,
    agents: Vec<Choice>,
    tags: Vec<Choice>,
    teams: Vec<Choice>,
    priorities: Vec<Choice>,
    unread: bool,
}

/// The form, as a page or for the list that stands there already.
#[handler]
pub async fn filter_form(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    request: &Request,
) -> Result<Response> {
    let form = form(&app, &me, &lens(request, me.agent.id)).await?;
    if request.header("hx-request").is_some() {
        return html(&FilterFragment { form });
    }
    html(&FilterPage { lang: me.lang, frame: DeskFrame::new(&me, "conversations", 0), form })
}

async fn form(app: &App, me: &CurrentAgent, lens: &Lens) -> Result<FilterForm> {
    let Lens { tab, filter, .. } = lens;
    let choice = |value: String, name: String, chosen| Choice { value, name, chosen };
    let sites = site::all(&app.db).await?.into_iter();
    let agents = agent::all(&app.db).await?.into_iter();
    let tags = tag::all(&app.db).await?.into_iter();
    let teams = team::all(&app.db).await?.into_iter();
    Ok(FilterForm {
        lang: me.lang,
        tab: word(*tab),
        asks: asks(lens),
        keep: KeepForm::new(app, me, asks(lens)).await?,
        sites: sites
            .map(|one| choice(one.id.to_string(), one.name, filter.site == Some(one.id)))
            .collect(),
        agents: agents
            .map(|one| choice(one.id.to_string(), one.name, filter.agent == Some(one.id)))
            .collect(),
        tags: tags
            .map(|one| choice(one.id.to_string(), one.name, filter.tag == Some(one.id)))
            .collect(),
        teams: teams
            .map(|one| choice(one.id.to_string(), one.name, filter.team == Some(one.id)))
            .collect(),
        priorities: Priority::ALL
            .into_iter()
            .map(|one| {
                let name = me.lang.t(one.key());
                choice(one.word().to_owned(), name, filter.priority == Some(one))
            })
            .collect(),
        unread: filter.unread,
    })
}
