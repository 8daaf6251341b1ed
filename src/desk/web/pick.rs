//! Rows of a list are chosen where they stand: each is a check box, in a form that leads to what is done with several at once.
//! Meanwhile the list stands still, so that nothing moves away from under the hand that chooses.
use super::{
    lens::asks,
    stretch::Stretch,
    verbs::{Fields, pairs},
};
use crate::{
    agent::{CurrentAgent, DeskFrame},
    app::App,
    conversation::{self, Lens},
    error::Result,
    text::Lang,
    web::page::html,
};
use askama::Template;
use poem::{Request, Response};
use std::collections::BTreeSet;

#[derive(Template)]
#[template(path = "desk/pick.html")]
struct PickPage {
    lang: Lang,
    frame: DeskFrame,
    asks: String,
    /// The same as fields of a form.
    fields: Vec<(String, String)>,
    stretch: Stretch,
    chosen: BTreeSet<i64>,
    /// Those that were chosen and do not stand on this page.
    elsewhere: Vec<i64>,
    /// The row with which keys begin, 0 for none.
    first: i64,
}

/// Whether an address asks to choose.
pub fn is_asked(request: &Request) -> bool {
    Fields::of_address(request).one("select").is_some()
}

pub async fn pick(
    app: &App,
    me: &CurrentAgent,
    request: &Request,
    lens: &Lens,
) -> Result<Response> {
    me.must_act()?;
    let named = Fields::of_address(request);
    let chosen: BTreeSet<i64> = named.all("id").iter().filter_map(|id| id.parse().ok()).collect();
    let sight = conversation::sight(app.db.read(), &me.agent).await?;
    let stretch = Stretch::of(app, me, &sight, lens).await?;
    let here: BTreeSet<i64> = stretch.rows.iter().map(|row| row.id).collect();
    let first = stretch.rows.iter().find(|row| chosen.contains(&row.id));
    let first = first.or(stretch.rows.first()).map_or(0, |row| row.id);
    html(&PickPage {
        lang: me.lang,
        frame: DeskFrame::new(me, "conversations", 0),
        asks: asks(lens),
        fields: pairs(&asks(lens)),
        elsewhere: chosen.difference(&here).copied().collect(),
        stretch,
        chosen,
        first,
    })
}
