//! What those who manage do with teams.
use super::{
    model::{Team, TeamName, changes},
    store,
};
use crate::{
    agent::{self, Agent},
    app::App,
    audit::{self, Deed, Doer},
    error::{Error, Invalid, Result},
    ids::{AgentId, TeamId},
};

/// The most teams of an installation.
const TEAMS: usize = 200;

/// Makes a team of agents who work here.
pub async fn add(app: &App, by: &Doer, name: &TeamName, members: &[AgentId]) -> Result<Team> {
    if store::all(&app.db).await?.len() >= TEAMS {
        return Err(Invalid { field: "name", reason: "invalid-team-count" }.into());
    }
    let colleagues = colleagues(app, members).await?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let id = store::insert(&tx, name, now).await?.ok_or(TAKEN)?;
    store::join(&tx, id, members).await?;
    let deed = Deed::new("team-added", name.as_str()).with(names(&colleagues, members));
    audit::record(&tx, by, deed, now).await?;
    tx.commit().await?;
    Ok(Team { id, name: name.as_str().to_owned() })
}

/// Gives a team another name, or other members.
pub async fn change(
    app: &App,
    by: &Doer,
    id: TeamId,
    name: &TeamName,
    members: &[AgentId],
) -> Result<()> {
    let colleagues = colleagues(app, members).await?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    let team = store::lock(&tx, id).await?;
    if team.name != name.as_str() {
        if !store::rename(&tx, id, name).await? {
            return Err(TAKEN.into());
        }
        let deed = Deed::new("team-renamed", name.as_str()).with(team.name);
        audit::record(&tx, by, deed, now).await?;
    }
    let asked: Vec<_> = colleagues.iter().map(|agent| agent.id).collect();
    let (joining, leaving) = changes(&store::members(&tx, id).await?, members, &asked);
    store::join(&tx, id, &joining).await?;
    store::leave(&tx, id, &leaving).await?;
    let joined = Deed::new("team-joined", name.as_str()).with(names(&colleagues, &joining));
    let left = Deed::new("team-left", name.as_str()).with(names(&colleagues, &leaving));
    for (deed, who) in [(joined, joining), (left, leaving)] {
        if !who.is_empty() {
            audit::record(&tx, by, deed, now).await?;
        }
    }
    tx.commit().await?;
    Ok(())
}

/// Takes a team away; its members stay what they are.
pub async fn remove(app: &App, by: &Doer, id: TeamId) -> Result<()> {
    let tx = app.db.begin().await?;
    let team = store::lock(&tx, id).await?;
    store::remove(&tx, id).await?;
    audit::record(&tx, by, Deed::new("team-removed", team.name), app.clock.now()).await?;
    tx.commit().await?;
    Ok(())
}

const TAKEN: Invalid = Invalid { field: "name", reason: "conflict-team-name" };

/// Everybody who works here; not found if one of `wanted` does not.
async fn colleagues(app: &App, wanted: &[AgentId]) -> Result<Vec<Agent>> {
    let all = agent::all(&app.db).await?;
    let known = |id: &AgentId| all.iter().any(|agent| agent.id == *id);
    if wanted.iter().all(known) { Ok(all) } else { Err(Error::NotFound) }
}

fn names(colleagues: &[Agent], of: &[AgentId]) -> String {
    let names = colleagues.iter().filter(|agent| of.contains(&agent.id));
    names.map(|agent| agent.name.as_str()).collect::<Vec<_>>().join(" · ")
}
