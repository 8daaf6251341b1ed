//! Whether files can be kept where they should: what nobody noticed is told by `/readyz` before somebody brings one.
use crate::{app::App, files::Trouble};
use std::time::Duration;
use tokio::time::{MissedTickBehavior, interval};

const EVERY: Duration = Duration::from_secs(10);

pub async fn look(app: App) {
    let mut turns = interval(EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // The first turn is over at once, and it was looked at a moment ago.
    turns.tick().await;
    loop {
        turns.tick().await;
        let before = app.files.is_away();
        match app.files.look().await {
            Ok(()) if before => tracing::info!("files can be kept again"),
            Err(Trouble::Away(error) | Trouble::Refused(error)) if !before => {
                tracing::warn!(error = format!("{error:#}"), "files cannot be kept");
            }
            _ => {}
        }
    }
}
