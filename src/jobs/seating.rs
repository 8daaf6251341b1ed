//! Seats: an agent who is gone without having said so keeps her conversations for a while, and then they go back to the
//! queue. Each node says who has the desk open there; one looks who does nowhere.
use crate::{
    agent::{self, Availability},
    app::{App, in_time},
    conversation,
    error::Result,
};
use jiff::SignedDuration;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How long the node that looks may be silent before another one does.
const TERM: Duration = Duration::from_secs(20);

pub async fn keep_seats(app: App) {
    let Some(seat) = app.config.seat() else { return };
    let mut beat = interval((seat / 12).clamp(Duration::from_millis(200), Duration::from_secs(5)));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    // Since when it is written without a gap who is here. Whoever could not come back because nothing was served, or could
    // not be noted because the database was away, is not gone.
    let mut steady: Option<Instant> = None;
    loop {
        beat.tick().await;
        let known = steady.is_some_and(|since| since.elapsed() >= seat);
        match look(&app, seat, known).await {
            Ok(()) => {
                steady.get_or_insert_with(Instant::now);
            }
            Err(error) => {
                if steady.take().is_some() {
                    tracing::warn!(%error, "cannot look who is at the desk");
                }
            }
        }
    }
}

async fn look(app: &App, seat: Duration, known: bool) -> Result<()> {
    // Before it is written who is here: whoever is was seen later, however long the writing takes.
    let now = in_time(app.db.now()).await?;
    in_time(agent::see(app, &app.bus.agents_here())).await?;
    if !known || !in_time(app.db.hold("seating", app.bus.node(), TERM)).await? {
        return Ok(());
    }
    let since = now - SignedDuration::try_from(seat).unwrap_or(SignedDuration::MAX);
    for (gone, seen_at) in in_time(agent::unseen_since(app, since)).await? {
        // Whoever chose to leave was asked then.
        if gone.availability != Availability::Offline {
            let conversations = conversation::give_back(app, gone.id, &gone.name).await?;
            tracing::info!(agent = gone.id.0, conversations, "a seat was lost");
        }
        agent::leave_seat(app, gone.id, seen_at).await?;
    }
    Ok(())
}
