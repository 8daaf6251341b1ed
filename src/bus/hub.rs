//! Topics and their listeners on this node.
use super::News;
use crate::event::Topic;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::broadcast;

pub type Listener = broadcast::Receiver<Arc<News>>;

/// News kept for a slow listener before it is sent back to the log: 40 bytes each, in every topic that is listened to.
/// A conversation has few listeners and little news; the desk hears of everything.
fn backlog(topic: &Topic) -> usize {
    match topic {
        Topic::Conversation(_) | Topic::Presence => 32,
        Topic::Desk | Topic::Access => 512,
    }
}

#[derive(Clone, Debug, Default)]
pub struct Hub {
    topics: Arc<Mutex<Topics>>,
}

#[derive(Debug, Default)]
struct Topics {
    senders: HashMap<Topic, broadcast::Sender<Arc<News>>>,
    /// So many topics are kept before those that nobody listens to any more are looked for.
    swept_at: usize,
}

impl Hub {
    pub fn subscribe(&self, topic: Topic) -> Listener {
        let mut topics = self.topics();
        if topics.senders.len() >= topics.swept_at {
            topics.senders.retain(|_, sender| sender.receiver_count() > 0);
            topics.swept_at = (topics.senders.len() * 2).max(64);
        }
        let backlog = backlog(&topic);
        topics.senders.entry(topic).or_insert_with(|| broadcast::channel(backlog).0).subscribe()
    }

    pub fn deliver(&self, news: &Arc<News>) {
        let topics = self.topics();
        for topic in news.event.topics() {
            if let Some(sender) = topics.senders.get(&topic) {
                // Nobody may be listening any more; the next sweep will find out.
                let _ = sender.send(news.clone());
            }
        }
    }

    /// Nothing here panics while it holds the lock, so a poisoned one is still whole.
    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{Access, Event},
        ids::{AgentId, ConversationId},
    };

    #[test]
    fn topics_that_nobody_listens_to_are_forgotten() {
        let hub = Hub::default();
        let kept = hub.subscribe(Topic::Desk);
        for id in 0..10_000 {
            drop(hub.subscribe(Topic::Conversation(ConversationId(id))));
        }
        assert!(hub.topics().senders.len() <= 65, "{}", hub.topics().senders.len());
        hub.deliver(&Arc::new(News::new(Event::AccessLost { access: Access::Agent(AgentId(1)) })));
        assert!(hub.topics().senders.contains_key(&Topic::Desk));
        drop(kept);
    }
}
