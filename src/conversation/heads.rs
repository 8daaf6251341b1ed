//! The heads of conversations as this node wrote them last. Where the database changes a row only if nobody else has since
//! then, whoever knows the head need not ask for it: what would take a transaction of five statements takes one statement.
use super::{model::Seat, store::Held};
use crate::ids::{ConversationId, PublicId};
use hashlink::LruCache;
use std::{
    sync::{Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// How many are remembered: a kilobyte or two each.
const REMEMBERED: usize = 2_048;

/// For so long: a head brings its visitor's name and its site's time zone, and nobody tells us when these are changed.
const FRESH: Duration = Duration::from_secs(60);

#[derive(Debug)]
pub struct Heads(Mutex<Remembered>);

#[derive(Debug)]
struct Remembered {
    heads: LruCache<ConversationId, Held>,
    /// How visitors call them.
    ids: LruCache<PublicId, ConversationId>,
}

impl Default for Heads {
    fn default() -> Self {
        let (heads, ids) = (LruCache::new(REMEMBERED), LruCache::new(REMEMBERED));
        Self(Mutex::new(Remembered { heads, ids }))
    }
}

impl Heads {
    /// Nothing panics while it is locked.
    fn remembered(&self) -> MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Forgotten at once, so that only one goes on from it: what it comes to is known after the commit.
    pub fn take(&self, seat: &Seat) -> Option<Held> {
        let mut remembered = self.remembered();
        let id = match seat {
            Seat::Visitor { conversation, .. } => *remembered.ids.get(conversation)?,
            Seat::Agent { conversation, .. } => *conversation,
        };
        let held = remembered.heads.remove(&id)?;
        (held.asked.elapsed() < FRESH && held.is_of(seat)).then_some(held)
    }

    /// As it was committed.
    pub fn keep(&self, held: Held) {
        let mut remembered = self.remembered();
        let id = held.conversation.id;
        remembered.ids.insert(held.conversation.public_id.clone(), id);
        remembered.heads.insert(id, held);
    }
}
