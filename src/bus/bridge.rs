//! The bus between nodes: a broker carries news as the bytes of its meaning, once to each node that follows it. It need not
//! keep its word: what is lost is found in the log (`jobs`).
use super::{News, Node, Sighting, hub::Interest};
use crate::{
    event::{Event, Hearing, Present, SiteStep, Topic},
    ids::{AgentId, ConversationId, NodeId, SiteId},
};
use bytes::Bytes;
use futures_util::{StreamExt, future::BoxFuture, stream::BoxStream};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{
    collections::{HashMap, HashSet},
    fmt,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{sync::mpsc, time::timeout};
use tokio_util::task::AbortOnDropHandle;

/// News waiting to be sent. Whatever comes while it is full is not sent; other nodes find it in the log.
const WAITING: usize = 8_192;
/// How long one message may take to be handed over.
const HANDING: Duration = Duration::from_secs(1);

/// What carries words from node to node. It may lose them, repeat them, and bring them late.
pub trait Broker: fmt::Debug + Send + Sync {
    /// Whether it can be reached, as far as is known.
    fn is_here(&self) -> bool;
    /// Hands a message over to all who listen to the subject on other nodes; whether it was taken.
    fn publish(&self, subject: String, message: Bytes) -> BoxFuture<'_, bool>;
    /// The messages of a subject, whose last word may be `*`. `None` once the broker has ended.
    fn listen(&self, subject: String) -> BoxFuture<'_, Option<BoxStream<'static, Bytes>>>;
}

/// What a broker's client notices.
#[derive(Clone, Copy, Debug)]
pub enum Noticed {
    Connected,
    /// Something may not have come through.
    Missed,
}

/// What nodes say to one another.
#[derive(Clone, Debug)]
pub enum Word {
    News(Arc<News>),
    /// Somebody came to a node, or left it.
    Presence {
        who: Present,
        here: bool,
    },
    /// Everybody on a node: to one that asked, or to all.
    Everybody {
        to: Option<NodeId>,
    },
    WhoIsThere,
    /// A step of whoever puts the chat on a site's pages.
    Saw {
        site: SiteId,
        step: SiteStep,
        sighting: Sighting,
    },
}

#[derive(Serialize, Deserialize)]
struct Message<'a, E> {
    /// Which node says it.
    node: std::borrow::Cow<'a, NodeId>,
    #[serde(flatten)]
    said: Said<E>,
}

#[derive(Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
enum Said<E> {
    News {
        news: E,
    },
    Presence {
        who: Present,
        here: bool,
        /// What a viewer is called.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        name: Option<String>,
    },
    Everybody {
        agents: bool,
        visitors: Vec<ConversationId>,
        /// Not told by older nodes, as what follows.
        #[serde(default)]
        receiving: bool,
        #[serde(default)]
        each: Vec<AgentId>,
        /// Each with her name.
        #[serde(default)]
        viewers: Vec<(AgentId, String, ConversationId)>,
    },
    WhoIsThere,
    Saw {
        site: SiteId,
        step: SiteStep,
        at: Timestamp,
        origin: String,
    },
}

#[derive(Clone, Debug)]
pub struct Bridge {
    out: mpsc::Sender<Word>,
    broker: Arc<dyn Broker>,
    unsent: Arc<AtomicU64>,
}

impl Bridge {
    /// Never waits.
    pub fn say(&self, word: Word) {
        if self.out.try_send(word).is_err() {
            self.unsent.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// How much was not sent, and how much waits to be.
    pub fn unsent(&self) -> (u64, usize) {
        (self.unsent.load(Ordering::Relaxed), WAITING - self.out.capacity())
    }

    pub fn hearing(&self) -> Hearing {
        if self.broker.is_here() { Hearing::Bus } else { Hearing::BusAway }
    }
}

/// Subjects of one installation.
#[derive(Clone, Debug)]
struct Subjects {
    deployment: String,
}

impl Subjects {
    fn conversation(&self, id: ConversationId) -> String {
        format!("kefu.{}.c.{id}", self.deployment)
    }
    fn every_conversation(&self) -> String {
        format!("kefu.{}.c.*", self.deployment)
    }
    fn access(&self) -> String {
        format!("kefu.{}.access", self.deployment)
    }
    fn presence(&self) -> String {
        format!("kefu.{}.presence", self.deployment)
    }
    /// What is for one node only.
    fn node(&self, id: &NodeId) -> String {
        format!("kefu.{}.n.{}", self.deployment, id.as_str())
    }

    /// Where an event goes: each to one subject, so that it crosses once. `None` for what nodes find out by themselves.
    fn of(&self, event: &Event) -> Option<String> {
        match event {
            Event::EntryAppended(appended) => Some(self.conversation(appended.summary.id)),
            Event::ReadMoved(moved) => Some(self.conversation(moved.summary.id)),
            Event::RowChanged(summary) => Some(self.conversation(summary.id)),
            Event::Typed { conversation, .. } => Some(self.conversation(*conversation)),
            Event::AccessLost { .. } => Some(self.access()),
            Event::ContactChanged { .. }
            | Event::StandingChanged { .. }
            | Event::DraftChanged { .. }
            | Event::PageTurned { .. } => Some(self.presence()),
            Event::PresenceChanged { .. } | Event::HeadSeen { .. } | Event::RowSeen(_) => None,
        }
    }
}

/// Carries news to and from a broker from now on.
pub fn span(
    broker: Arc<dyn Broker>,
    noticed: mpsc::UnboundedReceiver<Noticed>,
    deployment: &str,
    here: Node,
) -> Bridge {
    let subjects = Subjects { deployment: deployment.to_owned() };
    let (out, waiting) = mpsc::channel(WAITING);
    let (report, interest) = mpsc::unbounded_channel();
    here.hub.report(report);
    let bridge = Bridge { out, broker: broker.clone(), unsent: Arc::default() };
    let mouth = Mouth { broker: broker.clone(), subjects: subjects.clone(), here: here.clone() };
    tokio::spawn(mouth.speak(waiting, bridge.unsent.clone()));
    let ear = Ear { broker, subjects, here: here.clone(), out: bridge.out.clone() };
    tokio::spawn(ear.follow_interest(interest));
    tokio::spawn(watch(noticed, here, bridge.out.clone()));
    bridge
}

/// The one task that publishes: a server that takes nothing stops it and nobody else.
struct Mouth {
    broker: Arc<dyn Broker>,
    subjects: Subjects,
    here: Node,
}

impl Mouth {
    async fn speak(self, mut waiting: mpsc::Receiver<Word>, unsent: Arc<AtomicU64>) {
        while let Some(word) = waiting.recv().await {
            let Some((subject, said)) = self.write(&word) else { continue };
            // What is said while nobody hears would come late and all at once: whoever missed it reads the log.
            let sent = self.broker.is_here()
                && timeout(HANDING, self.broker.publish(subject, said.into())).await == Ok(true);
            if !sent {
                unsent.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn write(&self, word: &Word) -> Option<(String, Vec<u8>)> {
        let (subject, said) = match word {
            Word::News(news) => (self.subjects.of(&news.event)?, Said::News { news: &news.event }),
            Word::Presence { who, here } => {
                let name = match who {
                    Present::Viewer { agent, .. } => Some(self.name_of(*agent)),
                    _ => None,
                };
                (self.subjects.presence(), Said::Presence { who: *who, here: *here, name })
            }
            Word::Everybody { to } => {
                let everybody = self.here.presence.everybody();
                let (mut visitors, mut each, mut viewers) = (Vec::new(), Vec::new(), Vec::new());
                for who in &everybody {
                    match who {
                        Present::Visitor(id) => visitors.push(*id),
                        Present::Agent(id) => each.push(*id),
                        Present::Viewer { agent, conversation } => {
                            viewers.push((*agent, self.name_of(*agent), *conversation));
                        }
                        Present::Agents | Present::Receiving => {}
                    }
                }
                let said = Said::Everybody {
                    agents: everybody.contains(&Present::Agents),
                    visitors,
                    receiving: everybody.contains(&Present::Receiving),
                    each,
                    viewers,
                };
                let subject = to.as_ref().map(|node| self.subjects.node(node));
                (subject.unwrap_or_else(|| self.subjects.presence()), said)
            }
            Word::WhoIsThere => (self.subjects.presence(), Said::WhoIsThere),
            Word::Saw { site, step, sighting: Sighting { at, origin } } => {
                let said = Said::Saw { site: *site, step: *step, at: *at, origin: origin.clone() };
                (self.subjects.presence(), said)
            }
        };
        let message = Message { node: std::borrow::Cow::Borrowed(&self.here.id), said };
        serde_json::to_vec(&message)
            .inspect_err(|error| tracing::error!(%error, "cannot write news"))
            .ok()
            .map(|bytes| (subject, bytes))
    }

    fn name_of(&self, agent: AgentId) -> String {
        self.here.presence.name_of(agent).unwrap_or_default().to_string()
    }
}

/// Listens to what readers of this node follow.
#[derive(Clone)]
struct Ear {
    broker: Arc<dyn Broker>,
    subjects: Subjects,
    here: Node,
    out: mpsc::Sender<Word>,
}

impl Ear {
    async fn follow_interest(self, mut interest: mpsc::UnboundedReceiver<Interest>) {
        let _always = [
            self.listen(self.subjects.access()).await,
            self.listen(self.subjects.presence()).await,
            self.listen(self.subjects.node(&self.here.id)).await,
        ];
        let mut conversations: HashMap<ConversationId, Option<AbortOnDropHandle<()>>> =
            HashMap::new();
        // The desk hears of every conversation, so that one subscription brings them all.
        let mut desk = None;
        while let Some(interest) = interest.recv().await {
            match interest {
                Interest::Wanted(Topic::Conversation(id)) => {
                    let own = match desk {
                        Some(_) => None,
                        None => self.listen(self.subjects.conversation(id)).await,
                    };
                    conversations.insert(id, own);
                }
                Interest::Unwanted(Topic::Conversation(id)) => {
                    conversations.remove(&id);
                }
                Interest::Wanted(Topic::Desk) => {
                    desk = self.listen(self.subjects.every_conversation()).await;
                    conversations.values_mut().for_each(|own| *own = None);
                }
                Interest::Unwanted(Topic::Desk) => {
                    for (id, own) in &mut conversations {
                        *own = self.listen(self.subjects.conversation(*id)).await;
                    }
                    desk = None;
                }
                // Every node hears these.
                Interest::Wanted(Topic::Access | Topic::Presence | Topic::Agent(_))
                | Interest::Unwanted(Topic::Access | Topic::Presence | Topic::Agent(_)) => {}
            }
        }
    }

    /// Until the handle is dropped. `None` once the broker has ended.
    async fn listen(&self, subject: String) -> Option<AbortOnDropHandle<()>> {
        let mut messages = self.broker.listen(subject).await?;
        let ear = self.clone();
        let listening = tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                ear.hear(&message);
            }
        });
        Some(AbortOnDropHandle::new(listening))
    }

    fn hear(&self, bytes: &[u8]) {
        let message: Message<'_, Event> = match serde_json::from_slice(bytes) {
            Ok(message) => message,
            // A newer node may say what this one does not know yet.
            Err(error) => {
                tracing::debug!(%error, "unknown news");
                return;
            }
        };
        let node = message.node.as_ref();
        match message.said {
            Said::News { news } => self.here.hub.deliver(&Arc::new(News::new(news))),
            Said::Presence { who, here, name } => {
                if let (Present::Viewer { agent, .. }, Some(name)) = (who, name) {
                    self.here.presence.call(agent, &name);
                }
                self.here.changed(self.here.presence.told(node, who, here));
            }
            Said::Everybody { agents, visitors, receiving, each, viewers } => {
                let mut there: HashSet<_> = visitors.into_iter().map(Present::Visitor).collect();
                there.extend(each.into_iter().map(Present::Agent));
                for (agent, name, conversation) in viewers {
                    self.here.presence.call(agent, &name);
                    there.insert(Present::Viewer { agent, conversation });
                }
                there.extend(agents.then_some(Present::Agents));
                there.extend(receiving.then_some(Present::Receiving));
                self.here.changed(self.here.presence.told_all(node, &there));
            }
            Said::Saw { site, step, at, origin } => {
                self.here.sightings.heard(site, step, Sighting { at, origin });
            }
            Said::WhoIsThere => {
                let _ = self.out.try_send(Word::Everybody { to: Some(node.clone()) });
            }
        }
    }
}

/// Says when news may have been missed, and asks who is where once the broker is back.
async fn watch(mut noticed: mpsc::UnboundedReceiver<Noticed>, here: Node, out: mpsc::Sender<Word>) {
    while let Some(noticed) = noticed.recv().await {
        if let Noticed::Connected = noticed {
            let _ = out.try_send(Word::Everybody { to: None });
            let _ = out.try_send(Word::WhoIsThere);
        }
        here.missed.notify_one();
    }
}
