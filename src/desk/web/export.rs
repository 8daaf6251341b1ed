//! Conversations as a sheet.
use super::name;
use crate::{
    agent::CurrentAgent,
    app::App,
    audit::{self, Deed},
    contact, conversation,
    error::Result,
    ids::ConversationId,
    site, tag, team,
    text::{self, stamp},
};
use poem::{Response, http::header};
use std::collections::HashMap;

/// The columns, by the keys of their names.
const COLUMNS: [&str; 12] = [
    "export-number",
    "contact-name",
    "filter-site",
    "export-state",
    "priority",
    "filter-agent",
    "export-team",
    "tags",
    "export-began",
    "export-answered",
    "export-closed",
    "export-last",
];

/// Those of these conversations that the agent sees, in this order; times are those of each site. Who took what along is remembered.
pub async fn export(app: &App, me: &CurrentAgent, ids: &[ConversationId]) -> Result<Response> {
    let mut found = conversation::seen_by(&app.db, me.agent.id, ids.iter().copied()).await?;
    let found: Vec<_> = ids.iter().filter_map(|id| found.remove(id)).collect();
    let contacts = found.iter().map(|one| one.contact).collect();
    let mut names = contact::names(app.db.read(), contacts).await?;
    let sites = site::all(&app.db).await?.into_iter();
    let sites: HashMap<_, _> = sites.map(|site| (site.id, site)).collect();
    let teams = team::all(&app.db).await?.into_iter();
    let teams: HashMap<_, _> = teams.map(|team| (team.id, team.name)).collect();
    let tags = tag::all(&app.db).await?.into_iter();
    let tags: HashMap<_, _> = tags.map(|tag| (tag.id, tag.name)).collect();
    let lines = found.iter().map(|one| {
        let site = sites.get(&one.site);
        let zone = text::zone(site.map_or(text::DEFAULT_ZONE, |site| &site.zone));
        let at = |moment| stamp(moment, &zone);
        let called = names.remove(&one.contact).unwrap_or_default();
        let tagged = one.tags.iter().filter_map(|id| tags.get(id)).cloned();
        [
            one.id.to_string(),
            name(&one.summary(called, String::new()), me.lang),
            site.map(|site| site.name.to_string()).unwrap_or_default(),
            me.lang.t(one.state.key()),
            me.lang.t(one.priority.key()),
            one.assignee.as_ref().map(|agent| agent.name.clone()).unwrap_or_default(),
            one.team.and_then(|id| teams.get(&id)).cloned().unwrap_or_default(),
            tagged.collect::<Vec<_>>().join(" · "),
            at(one.created_at),
            one.answered_at.map(at).unwrap_or_default(),
            one.closed_at.map(at).unwrap_or_default(),
            conversation::last_said(&one.preview, me.lang),
        ]
    });
    let sheet = text::sheet(std::iter::once(COLUMNS.map(|key| me.lang.t(key))).chain(lines));
    let deed = Deed::new("conversations-exported", found.len().to_string());
    audit::record(app.db.write(), &me.doer(), deed, app.clock.now()).await?;
    Ok(Response::builder()
        .content_type("text/csv; charset=utf-8")
        .header(header::CONTENT_DISPOSITION, "attachment; filename=\"conversations.csv\"")
        .body(sheet))
}
