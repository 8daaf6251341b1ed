//! What only one node does: bringing back what was put off, giving back what those have who work here no more, forgetting
//! what has expired and what is older than the installation keeps.
use crate::{
    agent::{self, AccountState},
    app::{App, in_time},
    attachment, audit, contact, conversation, draft,
    error::Result,
    web::session_store::SessionRows,
};
use jiff::SignedDuration;
use std::time::Duration;
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often a node asks whether it is its turn; a new node takes over after [`TERM`] at the latest.
const EVERY: Duration = Duration::from_secs(20);
const TERM: Duration = Duration::from_secs(60);
/// How often what is stored is counted, for the planner of questions.
const COUNTED: Duration = Duration::from_secs(3600);
/// Every node has noticed a loss of access long before.
const REVOCATIONS: SignedDuration = SignedDuration::from_hours(24);
/// Which pages a visitor looked at helps whoever answers now, and nobody later.
const PAGES: SignedDuration = SignedDuration::from_hours(24);
/// Whom a site signed and who never spoke: as long as a visitor's token lives.
const UNSEEN: SignedDuration = SignedDuration::from_hours(180 * 24);
/// A month of retention.
const MONTH: SignedDuration = SignedDuration::from_hours(24 * 365 / 12);
/// How long is known what was changed here, and by whom: in months.
const AUDIT: i32 = 12;

pub async fn tidy(app: App) {
    let mut turns = interval(EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut counted: Option<Instant> = None;
    loop {
        turns.tick().await;
        if let Err(error) = in_time(take_turn(&app)).await {
            tracing::warn!(%error, "cannot tidy up");
        }
        // Servers do it by themselves.
        if app.db.is_embedded() && counted.is_none_or(|at| at.elapsed() > COUNTED) {
            counted = Some(Instant::now());
            if let Err(error) = app.db.analyze().await {
                tracing::warn!(%error, "cannot count what is stored");
            }
        }
    }
}

async fn take_turn(app: &App) -> Result<()> {
    if app.db.hold("tidying", app.bus.node(), TERM).await? {
        conversation::wake_due(app).await?;
        give_back_of_gone(app).await?;
        forget(app).await?;
    }
    Ok(())
}

/// What those have who work here no more.
async fn give_back_of_gone(app: &App) -> Result<()> {
    let all = agent::accounts(&app.db).await?.into_iter();
    let gone = all.filter(|one| one.state == AccountState::Disabled).map(|one| one.agent.id);
    conversation::give_back_of(app, &gone.collect::<Vec<_>>()).await?;
    Ok(())
}

async fn forget(app: &App) -> Result<()> {
    let now = app.db.now().await?;
    let expired = SessionRows::new(app).forget_expired(now).await?
        + agent::forget_expired(&app.db, now).await?
        + agent::forget_revocations(&app.db, now - REVOCATIONS).await?
        + audit::forget_before(&app.db, now - MONTH * AUDIT).await?
        + contact::forget_pages(&app.db, now - PAGES).await?
        + conversation::forget_silent_since(app, now - UNSEEN).await?
        + attachment::forget_unsent(app).await?
        + draft::forget_old(app, now).await?
        + app.db.forget_dead_nodes().await?;
    let mut conversations = 0;
    if app.config.retention_months > 0 {
        let kept = MONTH * i32::try_from(app.config.retention_months).unwrap_or(i32::MAX);
        conversations = conversation::forget_closed_before(app, now - kept).await?;
    }
    // What was left when a store did not answer is removed the next time.
    let files = attachment::remove_gone(app).await?;
    if expired + conversations + files > 0 {
        tracing::info!(expired, conversations, files, "tidied up");
    }
    Ok(())
}
