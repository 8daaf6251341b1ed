//! What happened, told to whoever listens, on this node and on the others. Best effort: the log is the truth, and a reader
//! who missed something reads it.
mod bridge;
mod hub;
mod nats;
mod presence;
mod sightings;

use crate::{
    event::{Circle, Event, Hearing, Present, SiteStep, Topic},
    ids::{AgentId, ConversationId, NodeId, SiteId},
};
use bridge::{Bridge, Word};
pub use bridge::{Broker, Noticed};
use bytes::Bytes;
pub use hub::Listener;
pub use presence::{Here, Viewer};
pub use sightings::{Seen, Sighting};
use std::{
    collections::BTreeSet,
    ops::Deref,
    path::PathBuf,
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};
use tokio::sync::{Notify, OnceCell, mpsc::UnboundedReceiver};

/// Kinds of sheets that news is drawn on, and languages they are drawn in.
const SHEETS: usize = 10;

/// An event on its way to its readers, with what was already drawn of it: once per audience and language, not per reader.
#[derive(Debug)]
pub struct News {
    pub event: Event,
    drawn: [OnceLock<Drawn>; SHEETS],
    circle: OnceCell<Option<Circle>>,
}

/// What was drawn once and is read by many, with what a transport made of it: its bytes are the same for all readers.
#[derive(Clone, Debug, Default)]
pub struct Drawn(Arc<Paper>);

#[derive(Debug, Default)]
struct Paper {
    drawn: Bytes,
    block: OnceLock<Bytes>,
}

impl Drawn {
    /// The block of an event stream in which this is sent; written for the first reader, the same for all.
    pub fn block(&self, write: impl FnOnce(&[u8]) -> Bytes) -> Bytes {
        self.0.block.get_or_init(|| write(&self.0.drawn)).clone()
    }
}

impl Deref for Drawn {
    type Target = Bytes;

    fn deref(&self) -> &Bytes {
        &self.0.drawn
    }
}

impl<T: Into<Bytes>> From<T> for Drawn {
    fn from(drawn: T) -> Self {
        Self(Arc::new(Paper { drawn: drawn.into(), block: OnceLock::new() }))
    }
}

/// What is drawn: one sheet for each audience, as a fragment for people and as a frame for programs, and one for the row
/// in the desk's list.
#[derive(Clone, Copy, Debug)]
pub enum Sheet {
    Visitor,
    Desk,
    Row,
    VisitorFrame,
    AgentFrame,
}

impl News {
    fn new(event: Event) -> Self {
        Self { event, drawn: Default::default(), circle: OnceCell::new() }
    }

    /// For whom the conversation is that it is about, where it does not say so: asked by the first reader who has to know.
    pub async fn circle(&self, ask: impl Future<Output = Option<Circle>>) -> Option<&Circle> {
        self.circle.get_or_init(|| ask).await.as_ref()
    }

    /// A sheet in a language (0 or 1); drawn by the first reader who asks.
    pub fn drawn(&self, sheet: Sheet, language: usize, draw: impl FnOnce() -> Drawn) -> Drawn {
        self.drawn[sheet as usize * 2 + language % 2].get_or_init(draw).clone()
    }
}

/// Where the servers of the bus are, and how they know us.
#[derive(Clone, Debug)]
pub struct Servers {
    /// One or several, separated by commas: `nats://…` or `tls://…`, each with `user:password@` or `token@` where wanted.
    pub urls: String,
    pub credentials: Option<PathBuf>,
    /// Certificates of authorities to trust beside the system's.
    pub authorities: Option<PathBuf>,
}

#[derive(Clone, Debug, Default)]
pub struct Bus {
    here: Node,
    bridge: Option<Bridge>,
}

/// What this node tells its own readers.
#[derive(Clone, Debug, Default)]
struct Node {
    id: NodeId,
    hub: hub::Hub,
    presence: presence::Presence,
    sightings: sightings::Sightings,
    /// How many other nodes live.
    others: Arc<AtomicUsize>,
    /// Called where news may have been missed.
    missed: Arc<Notify>,
}

impl Bus {
    /// A bus that several nodes over one database share; `deployment` is the word that database is known by. Does not wait
    /// until a server answers.
    pub async fn joined(servers: &Servers, deployment: &str) -> anyhow::Result<Self> {
        let here = Node::default();
        let (client, noticed) = nats::connect(servers, &here.id).await?;
        let bridge = bridge::span(Arc::new(client), noticed, deployment, here.clone());
        Ok(Self { here, bridge: Some(bridge) })
    }

    /// The same over any broker, and what its client notices.
    pub fn over(
        broker: Arc<dyn Broker>,
        noticed: UnboundedReceiver<Noticed>,
        deployment: &str,
    ) -> Self {
        let here = Node::default();
        let bridge = bridge::span(broker, noticed, deployment, here.clone());
        Self { here, bridge: Some(bridge) }
    }

    pub fn node(&self) -> &NodeId {
        &self.here.id
    }

    /// Never fails and never waits: whoever cannot keep up is told so and goes back to the log.
    pub fn publish(&self, event: Event) {
        let news = Arc::new(News::new(event));
        if let Some(bridge) = &self.bridge {
            bridge.say(Word::News(news.clone()));
        }
        self.here.hub.deliver(&news);
    }

    /// Tells readers of this node what it found out by itself.
    pub fn remind(&self, event: Event) {
        self.here.hub.deliver(&Arc::new(News::new(event)));
    }

    pub fn subscribe(&self, topic: Topic) -> Listener {
        self.here.hub.subscribe(topic)
    }

    /// Counts somebody as here until the guard is dropped and some seconds have passed.
    pub fn enter(&self, who: Present) -> Here {
        self.here.presence.enter(self, who)
    }

    /// The same of an agent who has a conversation open; her name goes along.
    pub fn view(&self, agent: AgentId, name: &str, conversation: ConversationId) -> Here {
        self.here.presence.call(agent, name);
        self.enter(Present::Viewer { agent, conversation })
    }

    /// Agents who have a conversation open, on any node that this one hears of.
    pub fn viewers(&self, conversation: ConversationId) -> Vec<Viewer> {
        self.here.presence.viewers(conversation)
    }

    /// Whether somebody is here, on any node that this one hears of.
    pub fn is_here(&self, who: Present) -> bool {
        self.here.presence.is_here(who)
    }

    /// Agents who have the desk open on this node, without the seconds that others are still counted.
    pub fn agents_here(&self) -> Vec<AgentId> {
        self.here.presence.agents()
    }

    /// Somebody came to this node or left it.
    fn tell_presence(&self, who: Present, here: bool, changed: bool) {
        if let Some(bridge) = &self.bridge {
            bridge.say(Word::Presence { who, here });
        }
        if changed {
            self.remind(Event::PresenceChanged { who, here });
        }
    }

    /// Takes note of a step of whoever puts the chat on a site's pages: in memory, here and on the other nodes.
    pub fn saw(&self, site: SiteId, step: SiteStep, sighting: Sighting) {
        let tell = self.here.sightings.note(site, step, sighting.clone());
        if let Some(bridge) = self.bridge.as_ref().filter(|_| tell) {
            bridge.say(Word::Saw { site, step, sighting });
        }
    }

    /// What was last seen of a site's pages, on any node, since this one began.
    pub fn seen_of(&self, site: SiteId) -> Seen {
        self.here.sightings.of(site)
    }

    /// Takes note of which other nodes live: forgets who was on those that do not, and asks who is on new ones.
    pub fn meet(&self, living: &BTreeSet<NodeId>) {
        self.here.others.store(living.len(), Ordering::Relaxed);
        self.here.changed(self.here.presence.keep_nodes(living));
        if let Some(bridge) = &self.bridge {
            bridge.say(Word::WhoIsThere);
        }
    }

    /// How much news for other nodes was not sent, and how much waits to be.
    pub fn unsent(&self) -> (u64, usize) {
        self.bridge.as_ref().map_or((0, 0), Bridge::unsent)
    }

    /// How many nodes serve this database, as was last seen; this one included.
    pub fn nodes(&self) -> usize {
        self.here.others.load(Ordering::Relaxed) + 1
    }

    pub fn hearing(&self) -> Hearing {
        self.bridge.as_ref().map_or(Hearing::None, Bridge::hearing)
    }

    /// Waits until news may have been missed: the bus came, went, or could not keep up.
    pub async fn missed(&self) {
        self.here.missed.notified().await;
    }

    /// Conversations that somebody on this node follows, and how far each was told its log goes; `fresh` ones only if
    /// they were not asked for before. What nobody follows any more is forgotten.
    pub fn followed(&self, fresh: bool) -> Vec<(ConversationId, i64)> {
        self.here.hub.followed(fresh)
    }

    /// Whether anybody on this node follows the desk's lists.
    pub fn desk_is_followed(&self) -> bool {
        self.here.hub.is_listened_to(&Topic::Desk)
    }

    /// Whether the desk's readers may not have been told of this state of a row.
    pub fn is_news_to_the_desk(&self, id: ConversationId, touches: i64) -> bool {
        self.here.hub.is_news_to_the_desk(id, touches)
    }
}

impl Node {
    /// Tells who is here now and was not, or the other way round.
    fn changed(&self, changes: impl IntoIterator<Item = (Present, bool)>) {
        for (who, here) in changes {
            self.hub.deliver(&Arc::new(News::new(Event::PresenceChanged { who, here })));
        }
    }
}
