//! A stretch of a list: so many rows, and from where it goes on.
use super::{Row, lens::asks};
use crate::{
    agent::CurrentAgent,
    app::App,
    config::Waits,
    conversation::{self, Lens, Place, Sight},
    draft,
    error::Result,
    event::Summary,
    ids::ConversationId,
    text::Lang,
    web::page::html,
};
use askama::Template;
use poem::Response;
use std::collections::BTreeSet;

/// Rows of a list on a page.
pub const ROWS: u64 = 200;

pub struct Stretch {
    pub rows: Vec<Row>,
    /// Where whoever looks has begun to write something, on whatever page of the list that stands.
    pub begun: BTreeSet<ConversationId>,
    pub more: Option<More>,
    pub waits: Waits,
}

/// That there is more of it.
pub struct More {
    pub place: Place,
    /// Of the last row: whatever the stream brings and comes after what is not here yet stands below the link.
    pub key: String,
}

#[derive(Template)]
#[template(path = "desk/_stretch.html")]
struct StretchFragment {
    lang: Lang,
    asks: String,
    stretch: Stretch,
    /// No row of it is open.
    current: i64,
}

impl Stretch {
    pub async fn of(app: &App, me: &CurrentAgent, sight: &Sight, lens: &Lens) -> Result<Self> {
        let mut found = conversation::list(&app.db, sight, lens, ROWS + 1).await?;
        let goes_on = found.len() as u64 > ROWS;
        if goes_on {
            found.pop();
        }
        let begun = draft::begun_by(app, me.agent.id).await?;
        let beside = format!("?{}", asks(lens));
        let row = |summary: &Summary| Row {
            asks: beside.clone(),
            draft: begun.contains(&summary.id),
            ..Row::seen_by(app, me.agent.id, summary, me.lang)
        };
        let rows: Vec<Row> = found.iter().map(row).collect();
        let last = found.last().zip(rows.last()).filter(|_| goes_on);
        let more = last.map(|(summary, row)| More {
            place: Place::of(lens.tab, summary),
            key: row.key.clone(),
        });
        Ok(Self { rows, begun, more, waits: app.config.waiting_seconds })
    }
}

/// What is put below the rows that stand there.
pub async fn further(app: &App, me: &CurrentAgent, lens: &Lens) -> Result<Response> {
    let sight = conversation::sight(app.db.read(), &me.agent).await?;
    let stretch = Stretch::of(app, me, &sight, lens).await?;
    html(&StretchFragment { lang: me.lang, asks: asks(lens), stretch, current: 0 })
}
