//! What of a site is another than before, for the audit log.
use super::{
    look::{Look, Saying},
    model::Site,
};
use crate::{audit::Changes, ids::TeamId, team::Team, text::Lang};

/// Everything that can be changed at once; who is heard has deeds of its own. Fields are called as in the form.
pub fn changes(before: &Site, after: &Site, teams: &[Team]) -> Changes {
    let Site { id: _, key: _, name, lang, zone, origins, look, team, signed_only: _ } = before;
    let named = |team: Option<TeamId>| {
        let known = teams.iter().find(|one| Some(one.id) == team);
        known.map(|team| team.name.clone()).unwrap_or_default()
    };
    let changes = Changes::default()
        .value("name", name, &after.name)
        .value("language", lang, after.lang)
        .value("zone", zone, &after.zone)
        .list("origins", origins, &after.origins)
        .value("team", named(*team), named(after.team));
    looks(changes, look, &after.look)
}

fn looks(changes: Changes, before: &Look, after: &Look) -> Changes {
    let Look { color, side, offset_x, offset_y, launcher, theme, logo, texts } = before;
    let switch = |on: bool| if on { "on" } else { "off" };
    let mut changes = changes
        .value("color", color, after.color)
        .value("theme", theme.word(), after.theme.word())
        .value("side", side.word(), after.side.word())
        .value("offset_x", offset_x, after.offset_x)
        .value("offset_y", offset_y, after.offset_y)
        .value("launcher", switch(*launcher), switch(after.launcher))
        .unsaid("logo", logo, &after.logo);
    for (lang, (before, after)) in Lang::ALL.into_iter().zip(texts.iter().zip(&after.texts)) {
        for saying in Saying::ALL {
            changes = changes.unsaid(saying.field(lang), before.of(saying), after.of(saying));
        }
    }
    changes
}
