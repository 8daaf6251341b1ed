//! The page of the settings on which teams are made, named and filled.
use super::{
    actions,
    model::{Team, TeamName},
    store,
};
use crate::{
    agent::{self, CurrentAgent, CurrentManager, DeskFrame, SignedIn},
    app::App,
    error::{Error, Invalid, Result},
    ids::{AgentId, TeamId},
    text::Lang,
    web::page::{html, query, see_other},
};
use askama::Template;
use poem::{
    Request, Response, handler,
    http::StatusCode,
    web::{Data, Form, Path},
};

const PAGE: &str = "/desk/settings/teams";

#[derive(Template)]
#[template(path = "team/index.html")]
struct TeamsPage {
    lang: Lang,
    frame: DeskFrame,
    place: &'static str,
    teams: Vec<TeamCard>,
    /// The form of a team that is not made yet.
    new: TeamCard,
    saved: bool,
}

/// A team and its form.
struct TeamCard {
    /// 0 for one that is not made yet.
    id: i64,
    name: String,
    /// What its form holds: the name, or what was typed and refused.
    typed: String,
    people: Vec<Colleague>,
    problem: Option<String>,
}

/// Somebody who works here, as a checkbox.
struct Colleague {
    id: i64,
    name: String,
    member: bool,
    ticked: bool,
}

impl TeamCard {
    fn members(&self) -> impl Iterator<Item = &str> {
        self.people.iter().filter(|one| one.member).map(|one| one.name.as_str())
    }
}

/// A form that was refused, as it was sent.
struct Refused {
    /// 0 for a team that is not made yet.
    team: i64,
    form: TeamForm,
    invalid: Invalid,
}

#[handler]
pub async fn index(app: Data<&App>, SignedIn(me): SignedIn, request: &Request) -> Result<Response> {
    me.must_manage()?;
    html(&page(&app, &me, query(request, "saved").is_some(), None).await?)
}

async fn page(
    app: &App,
    me: &CurrentAgent,
    saved: bool,
    refused: Option<&Refused>,
) -> Result<TeamsPage> {
    let colleagues = agent::all(&app.db).await?;
    let memberships = store::memberships(&app.db).await?;
    let card = |team: Team| {
        let refused = refused.filter(|refused| refused.team == team.id.0);
        let people = colleagues.iter().map(|one| {
            let member = memberships.contains(&(team.id, one.id));
            let ticked = refused.map_or(member, |refused| refused.form.members.contains(&one.id));
            Colleague { id: one.id.0, name: one.name.clone(), member, ticked }
        });
        TeamCard {
            id: team.id.0,
            people: people.collect(),
            typed: refused.map_or(&team.name, |refused| &refused.form.name).clone(),
            name: team.name,
            problem: refused.map(|refused| me.lang.t(refused.invalid.reason)),
        }
    };
    Ok(TeamsPage {
        lang: me.lang,
        frame: DeskFrame::new(me, "settings", 0),
        place: "teams",
        new: card(Team { id: TeamId(0), name: String::new() }),
        teams: store::all(&app.db).await?.into_iter().map(card).collect(),
        saved,
    })
}

/// A name, and a `member` for each box that is ticked.
struct TeamForm {
    name: String,
    members: Vec<AgentId>,
}

impl TeamForm {
    fn read(fields: Vec<(String, String)>) -> Result<Self> {
        let mut form = Self { name: String::new(), members: Vec::new() };
        for (field, value) in fields {
            match field.as_str() {
                "name" => form.name = value,
                "member" => form.members.push(value.parse().map_err(|_| Error::NotFound)?),
                _ => {}
            }
        }
        form.members.sort_unstable();
        form.members.dedup();
        Ok(form)
    }
}

#[handler]
pub async fn add(
    app: Data<&App>,
    me: CurrentManager,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response> {
    let form = TeamForm::read(fields)?;
    let made = async {
        let name = TeamName::parse(&form.name)?;
        actions::add(&app, &me.doer(), &name, &form.members).await
    };
    let made = made.await.map(|_| ());
    answer(&app, &me, 0, form, made).await
}

#[handler]
pub async fn change(
    app: Data<&App>,
    me: CurrentManager,
    Path(team): Path<String>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response> {
    let (id, form) = (number(&team)?, TeamForm::read(fields)?);
    let changed = async {
        let name = TeamName::parse(&form.name)?;
        actions::change(&app, &me.doer(), id, &name, &form.members).await
    };
    let changed = changed.await;
    answer(&app, &me, id.0, form, changed).await
}

async fn answer(
    app: &App,
    me: &CurrentAgent,
    team: i64,
    form: TeamForm,
    outcome: Result<()>,
) -> Result<Response> {
    match outcome {
        Ok(()) => Ok(see_other(format!("{PAGE}?saved=1"))),
        Err(Error::Invalid(invalid)) => {
            let refused = Refused { team, form, invalid };
            let mut response = html(&page(app, me, false, Some(&refused)).await?)?;
            response.set_status(StatusCode::UNPROCESSABLE_ENTITY);
            Ok(response)
        }
        Err(error) => Err(error),
    }
}

#[handler]
pub async fn remove(
    app: Data<&App>,
    me: CurrentManager,
    Path(team): Path<String>,
) -> Result<Response> {
    actions::remove(&app, &me.doer(), number(&team)?).await?;
    Ok(see_other(format!("{PAGE}?saved=1")))
}

fn number(team: &str) -> Result<TeamId> {
    team.parse().map_err(|_| Error::NotFound)
}
