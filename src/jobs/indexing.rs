//! What only one node does: letting what was said be found. It asks the database for what is new rather than the bus: whoever
//! listens to the desk is sent everything that happens at every other node, and one question a second costs less.
use crate::{
    app::{App, in_time},
    error::Result,
    search,
};
use std::time::Duration;
use tokio::time::{Instant, sleep};

/// What is said can be found so long afterwards.
const EVERY: Duration = Duration::from_secs(1);
/// A node that does this goes on doing it; another takes over after [`TERM`] at the latest.
const TERM: Duration = Duration::from_secs(60);
const RENEWED: Duration = Duration::from_secs(20);
/// While there is more to do, so many times as long belongs to whoever else wants to write.
const OTHERS: u32 = 3;

pub async fn index(app: App) {
    let mut held: Option<Instant> = None;
    let mut failing = false;
    loop {
        let began = Instant::now();
        match in_time(take_turn(&app, &mut held)).await {
            Ok(behind) => {
                failing = false;
                sleep(if behind { (began.elapsed() * OTHERS).min(EVERY) } else { EVERY }).await;
            }
            Err(error) => {
                if !failing {
                    tracing::warn!(%error, "cannot let what was said be found");
                }
                failing = true;
                sleep(EVERY).await;
            }
        }
    }
}

/// Whether there is more to do.
async fn take_turn(app: &App, held: &mut Option<Instant>) -> Result<bool> {
    if held.is_none_or(|at| at.elapsed() >= RENEWED) {
        *held = None;
        if !app.db.hold("indexing", app.bus.node(), TERM).await? {
            return Ok(false);
        }
        *held = Some(Instant::now());
    }
    let turn = search::take_turn(app).await?;
    app.metrics.searchable.inc_by(turn.entries);
    app.metrics.unsearchable.set(i64::try_from(turn.behind).unwrap_or(i64::MAX));
    Ok(turn.behind > 0)
}
