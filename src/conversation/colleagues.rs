//! Who can be called, asked for help or given a conversation.
use super::handling::Recipient;
use crate::{
    agent,
    app::App,
    error::{Invalid, Result},
    event::Mention,
    ids::{AgentId, TeamId},
    team,
};

const NOBODY: &str = "invalid-colleague";

/// All who work here and may act.
pub async fn colleagues(app: &App) -> Result<Vec<Mention>> {
    let all = agent::all(&app.db).await?;
    let acting = all.into_iter().filter(|one| one.role.may_act());
    Ok(acting.map(|one| Mention { agent: one.id, name: one.name }).collect())
}

/// One of them; `field` is where the number stands.
pub async fn colleague(app: &App, id: Option<AgentId>, field: &'static str) -> Result<Mention> {
    let found = colleagues(app).await?.into_iter().find(|one| Some(one.agent) == id);
    Ok(found.ok_or(Invalid { field, reason: NOBODY })?)
}

/// A team that is given a conversation.
pub async fn team_to(app: &App, id: Option<TeamId>, field: &'static str) -> Result<Recipient> {
    let found = team::all(&app.db).await?.into_iter().find(|team| Some(team.id) == id);
    let found = found.ok_or(Invalid { field, reason: NOBODY })?;
    Ok(Recipient::Team { id: found.id, name: found.name })
}
