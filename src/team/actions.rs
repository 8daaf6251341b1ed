//! What those who manage do with teams.
use super::{
    model::{Team, TeamName, changes},
    store,
};
use crate::{
    agent::{self, Agent},
    app::App,
    audit::{self, Deed, Doer},
    db::Tx,
    error::{Error, Invalid, Result},
    event::{Access, Event},
    ids::{AgentId, TeamId},
};
use jiff::Timestamp;

/// The most teams of an installation.
const TEAMS: usize = 200;

/// Makes a team of agents who work here.
pub async fn add(app: &App, by: &Doer, name: &TeamName, members: &[AgentId]) -> Result<Team> {
    if store::all(&app.db).await?.len() >= TEAMS {
        return Err(Invalid { field: "name", reason: "invalid-team-count" }.into());
    }
    let colleagues = colleagues(app, members).await?;
    let at = app.db.now().await?;
    let tx = app.db.begin().await?;
    let now = app.clock.now();
    // With the first team there may be something that some do not see.
    let first = !store::seen_from(&tx, by.agent).await?.any;
    let id = store::insert(&tx, name, now).await?.ok_or(TAKEN)?;
    store::join(&tx, id, members).await?;
    let deed = Deed::new("team-added", name.as_str()).with(names(&colleagues, members));
    audit::record(&tx, by, deed, now).await?;
    let changed = if first { ids(&colleagues) } else { members.to_vec() };
    let changed = see_otherwise(&tx, changed, at).await?;
    tx.commit().await?;
    tell(app, changed);
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
    let at = app.db.now().await?;
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
    let asked = ids(&colleagues);
    let (joining, leaving) = changes(&store::members(&tx, id).await?, members, &asked);
    store::join(&tx, id, &joining).await?;
    store::leave(&tx, id, &leaving).await?;
    let changed = see_otherwise(&tx, [&joining[..], &leaving].concat(), at).await?;
    let joined = Deed::new("team-joined", name.as_str()).with(names(&colleagues, &joining));
    let left = Deed::new("team-left", name.as_str()).with(names(&colleagues, &leaving));
    for (deed, who) in [(joined, joining), (left, leaving)] {
        if !who.is_empty() {
            audit::record(&tx, by, deed, now).await?;
        }
    }
    tx.commit().await?;
    tell(app, changed);
    Ok(())
}

/// Takes a team away; its members stay what they are, and its conversations become everybody's.
pub async fn remove(app: &App, by: &Doer, id: TeamId) -> Result<()> {
    let everybody = ids(&agent::all(&app.db).await?);
    let at = app.db.now().await?;
    let tx = app.db.begin().await?;
    let team = store::lock(&tx, id).await?;
    store::remove(&tx, id, at).await?;
    audit::record(&tx, by, Deed::new("team-removed", team.name), app.clock.now()).await?;
    let changed = see_otherwise(&tx, everybody, at).await?;
    tx.commit().await?;
    tell(app, changed);
    Ok(())
}

/// Notes for every node whose streams and pages begin again, as they see other conversations now.
async fn see_otherwise(tx: &Tx, agents: Vec<AgentId>, at: Timestamp) -> Result<Vec<Access>> {
    let changed: Vec<_> = agents.into_iter().map(Access::Agent).collect();
    for access in &changed {
        agent::insert_revocation(tx, access, at).await?;
    }
    Ok(changed)
}

fn tell(app: &App, changed: Vec<Access>) {
    for access in changed {
        app.bus.publish(Event::AccessLost { access });
    }
}

fn ids(colleagues: &[Agent]) -> Vec<AgentId> {
    colleagues.iter().map(|agent| agent.id).collect()
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
