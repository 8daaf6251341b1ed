//! Who is here: counted by open streams. A stream that ends is usually taken up again at once, so nobody is gone before
//! some seconds have passed.
use super::Bus;
use crate::event::{Event, Present};
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Longer than a reader waits before it takes up its stream again, or asks for news again where it can only ask.
const GRACE: Duration = Duration::from_secs(8);

#[derive(Clone, Debug, Default)]
pub struct Presence {
    people: Arc<Mutex<HashMap<Present, Streams>>>,
}

#[derive(Debug, Default)]
struct Streams {
    open: usize,
    /// How often the last one ended: tells a pause that is still going on from one that is over.
    pauses: usize,
}

impl Presence {
    pub fn enter(&self, bus: &Bus, who: Present) -> Here {
        let arrived = {
            let mut people = self.people();
            let arrived = !people.contains_key(&who);
            people.entry(who).or_default().open += 1;
            arrived
        };
        if arrived {
            bus.publish(Event::PresenceChanged { who, here: true });
        }
        Here { who, bus: bus.clone() }
    }

    pub fn is_here(&self, who: Present) -> bool {
        self.people().contains_key(&who)
    }

    /// One stream less; the number of this pause if it was the last.
    fn leave(&self, who: Present) -> Option<usize> {
        let mut people = self.people();
        let streams = people.get_mut(&who)?;
        streams.open -= 1;
        streams.pauses += 1;
        (streams.open == 0).then_some(streams.pauses)
    }

    /// Whether the pause went on until now, so that whoever it is of is gone.
    fn forget(&self, who: Present, pause: usize) -> bool {
        let mut people = self.people();
        let gone = people.get(&who).is_some_and(|now| now.open == 0 && now.pauses == pause);
        if gone {
            people.remove(&who);
        }
        gone
    }

    /// Nothing here panics while it holds the lock, so a poisoned one is still whole.
    fn people(&self) -> MutexGuard<'_, HashMap<Present, Streams>> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody is here for as long as this is held.
#[derive(Debug)]
pub struct Here {
    who: Present,
    bus: Bus,
}

impl Drop for Here {
    fn drop(&mut self) {
        let (who, bus) = (self.who, self.bus.clone());
        let (Some(pause), Ok(runtime)) =
            (bus.presence.leave(who), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        runtime.spawn(async move {
            tokio::time::sleep(GRACE).await;
            if bus.presence.forget(who, pause) {
                bus.publish(Event::PresenceChanged { who, here: false });
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Topic;

    #[tokio::test(start_paused = true)]
    async fn who_comes_back_in_time_was_never_gone() {
        let bus = Bus::default();
        let mut news = bus.subscribe(Topic::Presence);
        let mut told = async || match &news.recv().await.unwrap().event {
            Event::PresenceChanged { here, .. } => *here,
            other => panic!("{other:?}"),
        };
        let first = bus.enter(Present::Agents);
        assert!(told().await);
        let second = bus.enter(Present::Agents);
        drop(first);
        drop(second);
        tokio::time::sleep(GRACE / 2).await;
        let back = bus.enter(Present::Agents);
        tokio::time::sleep(GRACE * 2).await;
        assert!(bus.is_here(Present::Agents));
        let before = tokio::time::Instant::now();
        drop(back);
        assert!(!told().await, "the next news is that they left");
        assert_eq!(before.elapsed(), GRACE);
        assert!(!bus.is_here(Present::Agents));
    }
}
