//! Topics and their listeners on this node.
use super::News;
use crate::{event::Topic, ids::ConversationId};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError},
    time::Duration,
};
use tokio::{
    sync::{broadcast, mpsc::UnboundedSender},
    time::Instant,
};

pub type Listener = broadcast::Receiver<Arc<News>>;

/// News kept for a slow listener before it is sent back to the log: 40 bytes each, in every topic that is listened to.
/// A conversation and an agent have few listeners and little news; the desk hears of everything.
fn backlog(topic: &Topic) -> usize {
    match topic {
        Topic::Conversation(_) | Topic::Agent(_) | Topic::Presence => 16,
        Topic::Desk | Topic::Access => 512,
    }
}

/// What the desk was told of a row is remembered so long: older news of it may still be on its way from another node.
const ROWS_REMEMBERED: Duration = Duration::from_secs(120);

#[derive(Clone, Debug, Default)]
pub struct Hub {
    topics: Arc<Mutex<Topics>>,
    /// Who wants to know what is listened to.
    interest: Arc<OnceLock<UnboundedSender<Interest>>>,
}

/// A topic found its first listener, or was found without any.
#[derive(Clone, Debug)]
pub enum Interest {
    Wanted(Topic),
    Unwanted(Topic),
}

#[derive(Debug, Default)]
struct Topics {
    channels: HashMap<Topic, Channel>,
    /// So many topics are kept before those that nobody listens to any more are looked for.
    swept_at: usize,
    /// The newest state of rows that the desk was told, and when.
    rows: HashMap<ConversationId, (i64, Instant)>,
}

#[derive(Debug)]
struct Channel {
    sender: broadcast::Sender<Arc<News>>,
    /// The highest number of an entry that was told.
    told: i64,
    /// So often it is still to be asked if news was missed while the topic was new: twice, as listening takes its time.
    fresh: u8,
}

impl Hub {
    /// Tells from now on what is listened to.
    pub fn report(&self, to: UnboundedSender<Interest>) {
        let _ = self.interest.set(to);
    }

    pub fn subscribe(&self, topic: Topic) -> Listener {
        let mut topics = self.topics();
        if topics.channels.len() >= topics.swept_at {
            self.forget_the_quiet(&mut topics);
        }
        if let Some(channel) = topics.channels.get(&topic) {
            return channel.sender.subscribe();
        }
        let (sender, listener) = broadcast::channel(backlog(&topic));
        self.tell(Interest::Wanted(topic.clone()));
        topics.channels.insert(topic, Channel { sender, told: 0, fresh: 2 });
        listener
    }

    pub fn deliver(&self, news: &Arc<News>) {
        let mut topics = self.topics();
        if let Some((conversation, seq)) = news.event.reaches()
            && let Some(channel) = topics.channels.get_mut(&Topic::Conversation(conversation))
        {
            channel.told = channel.told.max(seq);
        }
        let outdated = news.event.row().is_some_and(|row| topics.outdated(row.id, row.touches));
        for topic in news.event.topics() {
            // A newer state of the row was told already.
            if outdated && topic == Topic::Desk {
                continue;
            }
            if let Some(channel) = topics.channels.get(&topic) {
                // Nobody may be listening any more; the next sweep will find out.
                let _ = channel.sender.send(news.clone());
            }
        }
    }

    pub fn followed(&self, fresh: bool) -> Vec<(ConversationId, i64)> {
        let mut topics = self.topics();
        self.forget_the_quiet(&mut topics);
        topics.rows.retain(|_, (_, at)| at.elapsed() < ROWS_REMEMBERED);
        let conversations = topics.channels.iter_mut().filter_map(|(topic, channel)| match topic {
            Topic::Conversation(id) if channel.fresh > 0 || !fresh => {
                channel.fresh = channel.fresh.saturating_sub(1);
                Some((*id, channel.told))
            }
            _ => None,
        });
        conversations.collect()
    }

    pub fn is_listened_to(&self, topic: &Topic) -> bool {
        let topics = self.topics();
        topics.channels.get(topic).is_some_and(|channel| channel.sender.receiver_count() > 0)
    }

    pub fn is_news_to_the_desk(&self, id: ConversationId, touches: i64) -> bool {
        self.topics().rows.get(&id).is_none_or(|(told, _)| *told < touches)
    }

    fn forget_the_quiet(&self, topics: &mut Topics) {
        topics.channels.retain(|topic, channel| {
            let heard = channel.sender.receiver_count() > 0;
            if !heard {
                self.tell(Interest::Unwanted(topic.clone()));
            }
            heard
        });
        topics.swept_at = (topics.channels.len() * 2).max(64);
    }

    fn tell(&self, interest: Interest) {
        if let Some(to) = self.interest.get() {
            // Whoever wanted to know has left.
            let _ = to.send(interest);
        }
    }

    /// Nothing here panics while it holds the lock, so a poisoned one is still whole.
    fn topics(&self) -> MutexGuard<'_, Topics> {
        self.topics.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Topics {
    /// Whether the desk was told a newer state of a row; if not, this one is remembered.
    fn outdated(&mut self, id: ConversationId, touches: i64) -> bool {
        if !self.channels.contains_key(&Topic::Desk) {
            return false;
        }
        let (told, at) = self.rows.entry(id).or_insert((touches, Instant::now()));
        let outdated = touches < *told;
        if !outdated {
            (*told, *at) = (touches, Instant::now());
        }
        outdated
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
        assert!(hub.topics().channels.len() <= 65, "{}", hub.topics().channels.len());
        hub.deliver(&Arc::new(News::new(Event::AccessLost { access: Access::Agent(AgentId(1)) })));
        assert!(hub.topics().channels.contains_key(&Topic::Desk));
        drop(kept);
    }
}
