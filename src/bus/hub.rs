//! Topics and their listeners on this node.
use super::News;
use crate::event::Topic;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};
use tokio::sync::broadcast;

pub type Listener = broadcast::Receiver<Arc<News>>;

/// News kept for a slow listener before it is sent back to the log.
const BACKLOG: usize = 256;

#[derive(Clone, Debug, Default)]
pub struct Hub {
    topics: Arc<Mutex<HashMap<Topic, broadcast::Sender<Arc<News>>>>>,
}

impl Hub {
    pub fn subscribe(&self, topic: Topic) -> Listener {
        let mut topics = self.topics();
        if topics.len() % 1024 == 1023 {
            topics.retain(|_, sender| sender.receiver_count() > 0);
        }
        topics.entry(topic).or_insert_with(|| broadcast::channel(BACKLOG).0).subscribe()
    }

    pub fn deliver(&self, news: &Arc<News>) {
        let mut topics = self.topics();
        for topic in news.event.topics() {
            if let Some(sender) = topics.get(&topic)
                && sender.send(news.clone()).is_err()
            {
                topics.remove(&topic);
            }
        }
    }

    pub fn listeners(&self, topic: &Topic) -> usize {
        self.topics().get(topic).map_or(0, broadcast::Sender::receiver_count)
    }

    /// Nothing here panics while it holds the lock, so a poisoned one is still whole.
    fn topics(&self) -> MutexGuard<'_, HashMap<Topic, broadcast::Sender<Arc<News>>>> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
