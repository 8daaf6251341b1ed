//! What becomes of a draft.
use super::{
    model::{Draft, DraftBody, DraftKind},
    store,
};
use crate::{
    app::App,
    conversation::{self, Seat},
    error::Result,
    ids::{AgentId, ConversationId},
};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashSet;

/// How long a draft is kept with which nobody goes on.
const KEPT: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Keeps what an agent has typed so far; nothing, if everything was taken away again.
pub async fn keep(
    app: &App,
    agent: AgentId,
    conversation: ConversationId,
    kind: DraftKind,
    body: Option<DraftBody>,
) -> Result<()> {
    let seat = Seat::Agent { id: agent, conversation };
    conversation::find_for(app.db.read(), &seat).await?;
    match body {
        Some(body) => {
            let draft = Draft { kind, body };
            store::put(app.db.write(), agent, conversation, &draft, app.clock.now()).await
        }
        None => store::remove(app.db.write(), agent, conversation).await,
    }
}

/// What an agent has begun to write in a conversation.
pub async fn of(app: &App, agent: AgentId, conversation: ConversationId) -> Result<Option<Draft>> {
    store::find_for(app.db.read(), agent, conversation).await
}

/// In which of these conversations, all of which she sees, an agent has begun to write something.
pub async fn begun_in(
    app: &App,
    agent: AgentId,
    conversations: impl Iterator<Item = ConversationId>,
) -> Result<HashSet<ConversationId>> {
    store::begun_in(app.db.read(), agent, conversations).await
}

/// It was sent.
pub async fn forget(app: &App, agent: AgentId, conversation: ConversationId) -> Result<()> {
    store::remove(app.db.write(), agent, conversation).await
}

/// Forgets drafts with which nobody has gone on for 30 days; how many.
pub async fn forget_old(app: &App, now: Timestamp) -> Result<u64> {
    store::remove_before(&app.db, now - KEPT).await
}
