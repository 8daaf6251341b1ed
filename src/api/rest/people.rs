//! Sites, who works there, and what conversations are tagged with.
use super::Tag;
use crate::{
    agent,
    api::{caller::Token, problem::Answer},
    app::App,
    site, tag, team,
};
use poem::web::Data;
use poem_openapi::{Object, OpenApi, payload::Json};

#[derive(Object)]
struct Sites {
    sites: Vec<Site>,
}

#[derive(Object)]
struct Site {
    id: i64,
    key: String,
    name: String,
    origins: Vec<String>,
}

#[derive(Object)]
struct Agents {
    agents: Vec<Agent>,
}

#[derive(Object)]
struct Agent {
    id: i64,
    name: String,
    role: String,
}

#[derive(Object)]
struct Teams {
    teams: Vec<Team>,
}

#[derive(Object)]
struct Team {
    id: i64,
    name: String,
    /// The numbers of the agents in it.
    members: Vec<i64>,
}

#[derive(Object)]
struct TagList {
    /// By name.
    tags: Vec<TagName>,
}

#[derive(Object)]
struct TagName {
    id: i64,
    name: String,
}

#[derive(Clone, Copy, Debug)]
pub struct Rest;

#[OpenApi]
impl Rest {
    /// The sites of this installation.
    #[oai(path = "/sites", method = "get", tag = "Tag::People", operation_id = "list_sites")]
    async fn sites(&self, app: Data<&App>, Token(caller): Token) -> Answer<Json<Sites>> {
        caller.agent()?;
        let site = |site: site::Site| Site {
            id: site.id.0,
            key: site.key.to_string(),
            name: site.name,
            origins: site.origins,
        };
        Ok(Json(Sites { sites: site::all(&app.db).await?.into_iter().map(site).collect() }))
    }

    /// Who works here.
    #[oai(path = "/agents", method = "get", tag = "Tag::People", operation_id = "list_agents")]
    async fn agents(&self, app: Data<&App>, Token(caller): Token) -> Answer<Json<Agents>> {
        caller.agent()?;
        let agent = |agent: agent::Agent| Agent {
            id: agent.id.0,
            name: agent.name,
            role: agent.role.word().into(),
        };
        Ok(Json(Agents { agents: agent::all(&app.db).await?.into_iter().map(agent).collect() }))
    }

    /// The teams of this installation, and who is in them.
    #[oai(path = "/teams", method = "get", tag = "Tag::People", operation_id = "list_teams")]
    async fn teams(&self, app: Data<&App>, Token(caller): Token) -> Answer<Json<Teams>> {
        caller.agent()?;
        let memberships = team::memberships(&app.db).await?;
        let team = |team: team::Team| Team {
            id: team.id.0,
            name: team.name,
            members: memberships
                .iter()
                .filter(|(of, _)| *of == team.id)
                .map(|(_, agent)| agent.0)
                .collect(),
        };
        Ok(Json(Teams { teams: team::all(&app.db).await?.into_iter().map(team).collect() }))
    }

    /// What conversations are tagged with. Managers make tags at `/desk/settings/tags`.
    #[oai(path = "/tags", method = "get", tag = "Tag::People", operation_id = "list_tags")]
    async fn tags(&self, app: Data<&App>, Token(caller): Token) -> Answer<Json<TagList>> {
        caller.agent()?;
        let tag = |tag: tag::Tag| TagName { id: tag.id.0, name: tag.name };
        Ok(Json(TagList { tags: tag::all(&app.db).await?.into_iter().map(tag).collect() }))
    }
}
