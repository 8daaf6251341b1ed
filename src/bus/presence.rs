//! Who is here: counted by open streams on this node, and as other nodes tell of theirs. A stream that ends is usually
//! taken up again at once, so nobody is gone before some seconds have passed.
use super::Bus;
use crate::{
    event::Present,
    ids::{AgentId, ConversationId, NodeId},
};
use std::{
    collections::{BTreeSet, HashMap, HashSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

/// Longer than a reader waits before it takes up its stream again, or asks for news again where it can only ask.
const GRACE: Duration = Duration::from_secs(8);

#[derive(Clone, Debug, Default)]
pub struct Presence {
    people: Arc<Mutex<People>>,
}

#[derive(Debug, Default)]
struct People {
    here: HashMap<Present, Streams>,
    elsewhere: HashMap<Present, BTreeSet<NodeId>>,
    /// Who of them has which conversation open: rows ask, and there are many.
    viewers: HashMap<ConversationId, BTreeSet<AgentId>>,
    /// What viewers are called, so that nobody has to ask the database.
    names: HashMap<AgentId, Arc<str>>,
}

/// An agent who has a conversation open, and what she is called.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Viewer {
    pub agent: AgentId,
    pub name: Arc<str>,
}

#[derive(Debug, Default)]
struct Streams {
    open: usize,
    /// How often the last one ended: tells a pause that is still going on from one that is over.
    pauses: usize,
}

impl People {
    fn know(&self, who: Present) -> bool {
        self.here.contains_key(&who) || self.elsewhere.contains_key(&who)
    }

    /// Whoever is not on this node any more; true if that leaves nobody.
    fn gone_from(&mut self, node: &NodeId, who: Present) -> bool {
        let Some(nodes) = self.elsewhere.get_mut(&who) else { return false };
        nodes.remove(node);
        if nodes.is_empty() {
            self.elsewhere.remove(&who);
        }
        self.index(who);
        !self.know(who)
    }

    /// After somebody came or left.
    fn index(&mut self, who: Present) {
        let Present::Viewer { agent, conversation } = who else { return };
        if self.know(who) {
            self.viewers.entry(conversation).or_default().insert(agent);
        } else if let Some(viewers) = self.viewers.get_mut(&conversation) {
            viewers.remove(&agent);
            if viewers.is_empty() {
                self.viewers.remove(&conversation);
            }
        }
    }
}

impl Presence {
    pub fn enter(&self, bus: &Bus, who: Present) -> Here {
        let (arrived, changed) = {
            let mut people = self.people();
            let (arrived, changed) = (!people.here.contains_key(&who), !people.know(who));
            people.here.entry(who).or_default().open += 1;
            people.index(who);
            (arrived, changed)
        };
        if arrived {
            bus.tell_presence(who, true, changed);
        }
        Here { who, bus: bus.clone(), pauses: true }
    }

    pub fn is_here(&self, who: Present) -> bool {
        self.people().know(who)
    }

    /// Everybody on this node.
    pub fn everybody(&self) -> Vec<Present> {
        self.people().here.keys().copied().collect()
    }

    /// Agents who have the desk open on this node, at this moment.
    pub fn agents(&self) -> Vec<AgentId> {
        let people = self.people();
        let open = people.here.iter().filter(|(_, streams)| streams.open > 0);
        let agent = |who: &Present| match who {
            Present::Agent(id) => Some(*id),
            Present::Agents | Present::Visitor(_) | Present::Receiving | Present::Viewer { .. } => {
                None
            }
        };
        open.filter_map(|(who, _)| agent(who)).collect()
    }

    /// Takes note of what an agent is called.
    pub fn call(&self, agent: AgentId, name: &str) {
        self.people().names.insert(agent, name.into());
    }

    pub fn name_of(&self, agent: AgentId) -> Option<Arc<str>> {
        self.people().names.get(&agent).cloned()
    }

    /// Agents who have a conversation open, on any node.
    pub fn viewers(&self, conversation: ConversationId) -> Vec<Viewer> {
        let people = self.people();
        let viewers = people.viewers.get(&conversation).into_iter().flatten();
        let named = |agent: &AgentId| {
            let name = people.names.get(agent)?.clone();
            Some(Viewer { agent: *agent, name })
        };
        viewers.filter_map(named).collect()
    }

    /// What another node says of somebody; the change, if it is one.
    pub fn told(&self, node: &NodeId, who: Present, here: bool) -> Option<(Present, bool)> {
        let mut people = self.people();
        if here {
            let changed = !people.know(who);
            people.elsewhere.entry(who).or_default().insert(node.clone());
            people.index(who);
            changed.then_some((who, true))
        } else {
            people.gone_from(node, who).then_some((who, false))
        }
    }

    /// Another node tells of everybody there; the changes.
    pub fn told_all(&self, node: &NodeId, there: &HashSet<Present>) -> Vec<(Present, bool)> {
        let gone = self.forget_where(|other, who| other == node && !there.contains(&who));
        let come = there.iter().filter_map(|who| self.told(node, *who, true));
        gone.into_iter().chain(come).collect()
    }

    /// Forgets who was on nodes that are no more.
    pub fn keep_nodes(&self, living: &BTreeSet<NodeId>) -> Vec<(Present, bool)> {
        self.forget_where(|node, _| !living.contains(node))
    }

    fn forget_where(&self, gone: impl Fn(&NodeId, Present) -> bool) -> Vec<(Present, bool)> {
        let mut people = self.people();
        let there: Vec<_> = (people.elsewhere.iter())
            .flat_map(|(who, nodes)| nodes.iter().map(|node| (*who, node.clone())))
            .filter(|(who, node)| gone(node, *who))
            .collect();
        there
            .into_iter()
            .filter(|(who, node)| people.gone_from(node, *who))
            .map(|(who, _)| (who, false))
            .collect()
    }

    /// One stream less; the number of this pause if it was the last.
    fn leave(&self, who: Present) -> Option<usize> {
        let mut people = self.people();
        let streams = people.here.get_mut(&who)?;
        streams.open -= 1;
        streams.pauses += 1;
        (streams.open == 0).then_some(streams.pauses)
    }

    /// If the pause went on until now, whoever it is of is gone from this node; whether that leaves nobody.
    fn forget(&self, who: Present, pause: usize) -> Option<bool> {
        let mut people = self.people();
        people.here.get(&who).filter(|now| now.open == 0 && now.pauses == pause)?;
        people.here.remove(&who);
        people.index(who);
        Some(!people.know(who))
    }

    /// Nothing here panics while it holds the lock, so a poisoned one is still whole.
    fn people(&self) -> MutexGuard<'_, People> {
        self.people.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Somebody is here for as long as this is held.
#[derive(Debug)]
pub struct Here {
    who: Present,
    bus: Bus,
    /// Whether its end may be a pause.
    pauses: bool,
}

impl Here {
    /// Gone at once: it is known that this is no pause.
    pub fn leave(mut self) {
        self.pauses = false;
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        let (who, bus) = (self.who, self.bus.clone());
        let Some(pause) = bus.here.presence.leave(who) else { return };
        let forget = move || {
            if let Some(changed) = bus.here.presence.forget(who, pause) {
                bus.tell_presence(who, false, changed);
            }
        };
        if !self.pauses {
            return forget();
        }
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                tokio::time::sleep(GRACE).await;
                forget();
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        event::{Event, Topic},
        ids::ConversationId,
    };

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

    #[test]
    fn somebody_on_two_nodes_is_gone_when_both_say_so_or_die() {
        let (presence, [a, b]) = (Presence::default(), [NodeId::new(), NodeId::new()]);
        let who = Present::Agents;
        assert_eq!(presence.told(&a, who, true), Some((who, true)));
        assert_eq!(presence.told(&b, who, true), None);
        assert_eq!(presence.told(&a, who, false), None);
        assert!(presence.is_here(who));
        assert_eq!(presence.keep_nodes(&[a.clone()].into()), [(who, false)]);
        assert!(!presence.is_here(who));
        assert_eq!(presence.told(&b, who, false), None, "it was known already");
        assert_eq!(presence.told(&a, who, true), Some((who, true)));
        let visitor = Present::Visitor(ConversationId(7));
        let changes = presence.told_all(&a, &[visitor].into());
        assert_eq!(changes, [(who, false), (visitor, true)]);
        assert_eq!(presence.told_all(&a, &[visitor].into()), []);
    }

    #[tokio::test(start_paused = true)]
    async fn who_opens_another_conversation_leaves_the_first_at_once() {
        let (bus, [one, other]) = (Bus::default(), [ConversationId(1), ConversationId(2)]);
        let names = |id| bus.viewers(id).iter().map(|one| one.name.to_string()).collect::<Vec<_>>();
        let ana = bus.view(AgentId(1), "ana", one);
        let ben = bus.view(AgentId(2), "ben", one);
        assert_eq!(names(one), ["ana", "ben"]);
        let twice = bus.view(AgentId(2), "ben", one);
        ben.leave();
        assert_eq!(names(one).len(), 2, "ben has it open in another tab");
        twice.leave();
        assert_eq!(names(one), ["ana"]);
        let cut_off = bus.view(AgentId(2), "ben", other);
        drop(cut_off);
        tokio::time::sleep(GRACE / 2).await;
        assert_eq!(names(other), ["ben"]);
        tokio::time::sleep(GRACE).await;
        assert!(names(other).is_empty(), "whoever is cut off is gone after a pause");
        ana.leave();
        assert!(bus.here.presence.people().viewers.is_empty(), "nobody is looked for in vain");
    }

    #[test]
    fn a_viewer_is_gone_with_her_node() {
        let (presence, [a, b]) = (Presence::default(), [NodeId::new(), NodeId::new()]);
        let (agent, conversation) = (AgentId(7), ConversationId(1));
        let who = Present::Viewer { agent, conversation };
        presence.call(agent, "ana");
        assert_eq!(presence.told(&a, who, true), Some((who, true)));
        let ana = Viewer { agent, name: "ana".into() };
        assert_eq!(presence.viewers(conversation), [ana]);
        assert_eq!(presence.keep_nodes(&[b].into()), [(who, false)]);
        assert!(presence.viewers(conversation).is_empty());
    }
}
