//! What becomes of a draft.
use super::{
    model::{Draft, DraftBody, DraftKind},
    store,
};
use crate::{
    app::App,
    conversation::{self, Seat},
    error::Result,
    event::Event,
    ids::{AgentId, ConversationId},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::BTreeSet;

/// How long a draft is kept with which nobody goes on.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// The most conversations that a page is told of: nobody has begun more than that, unless to try it.
const TOLD: u64 = 1_000;

/// Keeps what an agent has typed so far; nothing, if everything was taken away again. Her other tabs are told when there is a draft
/// and was none, or the other way round, and not with every word.
pub async fn keep(
    app: &App,
    agent: AgentId,
    conversation: ConversationId,
    kind: DraftKind,
    body: Option<DraftBody>,
) -> Result<()> {
    let seat = Seat::Agent { id: agent, conversation };
    conversation::find_for(app.db.read(), &seat).await?;
    let Some(body) = body else { return forget(app, agent, conversation).await };
    let is_new = of(app, agent, conversation).await?.is_none();
    let draft = Draft { kind, body };
    store::put(app.db.write(), agent, conversation, &draft, app.clock.now()).await?;
    if is_new {
        app.bus.publish(Event::DraftChanged { agent, conversation, begun: true });
    }
    Ok(())
}

/// What an agent has begun to write in a conversation.
pub async fn of(app: &App, agent: AgentId, conversation: ConversationId) -> Result<Option<Draft>> {
    store::find_for(app.db.read(), agent, conversation).await
}

/// In which conversations an agent has begun to write something.
pub async fn begun_by(app: &App, agent: AgentId) -> Result<BTreeSet<ConversationId>> {
    store::begun_by(app.db.read(), agent, TOLD).await
}

/// It was sent, or taken away again.
pub async fn forget(app: &App, agent: AgentId, conversation: ConversationId) -> Result<()> {
    if store::remove(app.db.write(), agent, conversation).await? {
        app.bus.publish(Event::DraftChanged { agent, conversation, begun: false });
    }
    Ok(())
}

/// Forgets drafts with which nobody has gone on for 30 days; how many.
pub async fn forget_old(app: &App, now: Timestamp) -> Result<u64> {
    store::remove_before(&app.db, now - KEPT).await
}
