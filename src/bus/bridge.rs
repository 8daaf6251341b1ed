//! The bus between nodes: NATS, which carries news as the bytes of its meaning, once to each node that follows it. It
//! keeps nothing: what is lost is found in the log (`jobs`).
use super::{News, Node, Servers, hub::Interest};
use crate::{
    event::{Event, Hearing, Present, Topic},
    ids::{ConversationId, NodeId},
};
use anyhow::{Context, bail};
use async_nats::{Client, ConnectOptions, ServerAddr, connection::State};
use futures_util::StreamExt;
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
/// How long one message may take to be handed to the client.
const HANDING: Duration = Duration::from_secs(1);
/// A server that answers no ping for three times as long is away.
const PING: Duration = Duration::from_millis(700);
const CONNECTING: Duration = Duration::from_secs(2);
/// Between two attempts to connect, plus up to as much again, so that nodes do not come all at once.
const RETRY: Duration = Duration::from_millis(500);

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
    News { news: E },
    Presence { who: Present, here: bool },
    Everybody { agents: bool, visitors: Vec<ConversationId> },
    WhoIsThere,
}

#[derive(Clone)]
pub struct Bridge {
    out: mpsc::Sender<Word>,
    client: Client,
    unsent: Arc<AtomicU64>,
}

impl fmt::Debug for Bridge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bridge").field("hearing", &self.hearing()).finish_non_exhaustive()
    }
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
        match self.client.connection_state() {
            State::Connected => Hearing::Bus,
            State::Pending | State::Disconnected => Hearing::BusAway,
        }
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
            Event::Typed { conversation, .. } => Some(self.conversation(*conversation)),
            Event::AccessLost { .. } => Some(self.access()),
            Event::PresenceChanged { .. } | Event::HeadSeen { .. } | Event::RowSeen(_) => None,
        }
    }
}

pub async fn join(servers: &Servers, deployment: &str, here: Node) -> anyhow::Result<Bridge> {
    let subjects = Subjects { deployment: deployment.to_owned() };
    let (events, happened) = mpsc::unbounded_channel();
    let client = options(servers, &here.id)
        .await?
        .event_callback(move |event| {
            let _ = events.send(event);
            std::future::ready(())
        })
        .connect(addresses(&servers.urls)?)
        .await
        .context("cannot join the bus")?;
    let (out, waiting) = mpsc::channel(WAITING);
    let (report, interest) = mpsc::unbounded_channel();
    here.hub.report(report);
    let bridge = Bridge { out, client: client.clone(), unsent: Arc::default() };
    let mouth = Mouth { client: client.clone(), subjects: subjects.clone(), here: here.clone() };
    tokio::spawn(mouth.speak(waiting, bridge.unsent.clone()));
    let ear = Ear { client, subjects, here: here.clone(), out: bridge.out.clone() };
    tokio::spawn(ear.follow_interest(interest));
    tokio::spawn(watch(happened, here, bridge.out.clone()));
    Ok(bridge)
}

async fn options(servers: &Servers, node: &NodeId) -> anyhow::Result<ConnectOptions> {
    let mut options = ConnectOptions::new()
        .name(format!("kefu {}", node.as_str()))
        .no_echo()
        .retry_on_initial_connect()
        .ping_interval(PING)
        .connection_timeout(CONNECTING)
        .reconnect_delay_callback(|_| RETRY + RETRY.mul_f64(rand::random()));
    if let Some(file) = &servers.credentials {
        options = options
            .credentials_file(file)
            .await
            .with_context(|| format!("cannot use the NATS credentials {}", file.display()))?;
    }
    if let Some(file) = &servers.authorities {
        options = options.add_root_certificates(file.clone());
    }
    let known = addresses(&servers.urls)?.into_iter().find(ServerAddr::has_user_pass);
    let unescaped =
        |text: &str| percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned();
    Ok(match known.as_ref().map(|address| (address.username(), address.password())) {
        Some((Some(user), Some(password))) => {
            options.user_and_password(unescaped(user), unescaped(password))
        }
        Some((Some(token), None)) => options.token(unescaped(token)),
        _ => options,
    })
}

/// The servers in a setting.
pub fn addresses(urls: &str) -> anyhow::Result<Vec<ServerAddr>> {
    let mut addresses = Vec::new();
    for url in urls.split(',').map(str::trim).filter(|url| !url.is_empty()) {
        let address: ServerAddr =
            url.parse().context("--nats-url must look like nats://host:4222")?;
        if !matches!(address.scheme(), "nats" | "tls") || address.host().is_empty() {
            bail!("--nats-url must look like nats://host:4222 or tls://host:4222");
        }
        addresses.push(address);
    }
    if addresses.is_empty() {
        bail!("--nats-url names no server");
    }
    Ok(addresses)
}

/// The one task that publishes: a server that takes nothing stops it and nobody else.
struct Mouth {
    client: Client,
    subjects: Subjects,
    here: Node,
}

impl Mouth {
    async fn speak(self, mut waiting: mpsc::Receiver<Word>, unsent: Arc<AtomicU64>) {
        while let Some(word) = waiting.recv().await {
            let Some((subject, said)) = self.write(&word) else { continue };
            // What is said while nobody hears would come late and all at once: whoever missed it reads the log.
            let sent = self.client.connection_state() == State::Connected
                && matches!(
                    timeout(HANDING, self.client.publish(subject, said.into())).await,
                    Ok(Ok(()))
                );
            if !sent {
                unsent.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn write(&self, word: &Word) -> Option<(String, Vec<u8>)> {
        let (subject, said) = match word {
            Word::News(news) => (self.subjects.of(&news.event)?, Said::News { news: &news.event }),
            Word::Presence { who, here } => {
                (self.subjects.presence(), Said::Presence { who: *who, here: *here })
            }
            Word::Everybody { to } => {
                let everybody = self.here.presence.everybody();
                let visitors = everybody.iter().filter_map(|who| match who {
                    Present::Visitor(id) => Some(*id),
                    Present::Agents => None,
                });
                let said = Said::Everybody {
                    agents: everybody.contains(&Present::Agents),
                    visitors: visitors.collect(),
                };
                let subject = to.as_ref().map(|node| self.subjects.node(node));
                (subject.unwrap_or_else(|| self.subjects.presence()), said)
            }
            Word::WhoIsThere => (self.subjects.presence(), Said::WhoIsThere),
        };
        let message = Message { node: std::borrow::Cow::Borrowed(&self.here.id), said };
        serde_json::to_vec(&message)
            .inspect_err(|error| tracing::error!(%error, "cannot write news"))
            .ok()
            .map(|bytes| (subject, bytes))
    }
}

/// Listens to what readers of this node follow.
#[derive(Clone)]
struct Ear {
    client: Client,
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
                Interest::Wanted(Topic::Access | Topic::Presence)
                | Interest::Unwanted(Topic::Access | Topic::Presence) => {}
            }
        }
    }

    /// Until the handle is dropped. `None` once the client has ended.
    async fn listen(&self, subject: String) -> Option<AbortOnDropHandle<()>> {
        let mut messages = self
            .client
            .subscribe(subject)
            .await
            .inspect_err(|error| tracing::error!(%error, "cannot listen to the bus"))
            .ok()?;
        let ear = self.clone();
        let listening = tokio::spawn(async move {
            while let Some(message) = messages.next().await {
                ear.hear(&message.payload);
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
            Said::Presence { who, here } => {
                self.here.changed(self.here.presence.told(node, who, here));
            }
            Said::Everybody { agents, visitors } => {
                let mut there: HashSet<_> = visitors.into_iter().map(Present::Visitor).collect();
                there.extend(agents.then_some(Present::Agents));
                self.here.changed(self.here.presence.told_all(node, &there));
            }
            Said::WhoIsThere => {
                let _ = self.out.try_send(Word::Everybody { to: Some(node.clone()) });
            }
        }
    }
}

/// Says when news may have been missed, and asks who is where once the bus is back.
async fn watch(
    mut happened: mpsc::UnboundedReceiver<async_nats::Event>,
    here: Node,
    out: mpsc::Sender<Word>,
) {
    while let Some(event) = happened.recv().await {
        match event {
            async_nats::Event::Connected => {
                tracing::info!("the bus is here");
                let _ = out.try_send(Word::Everybody { to: None });
                let _ = out.try_send(Word::WhoIsThere);
            }
            async_nats::Event::Disconnected => {
                tracing::warn!("the bus is away; asking the database instead");
            }
            async_nats::Event::SlowConsumer(_) => {
                tracing::warn!("news came faster than it was taken");
            }
            async_nats::Event::ServerError(error) => tracing::warn!(%error, "the bus refuses"),
            async_nats::Event::ClientError(error) => tracing::warn!(%error, "the bus failed"),
            async_nats::Event::LameDuckMode
            | async_nats::Event::Draining
            | async_nats::Event::Closed => tracing::info!(%event, "the bus"),
        }
        here.missed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_told_apart_and_garbage_is_refused() {
        let several = addresses("nats://a.example, tls://user:secret@b.example:4333").unwrap();
        assert_eq!(several.len(), 2);
        assert_eq!((several[1].host(), several[1].port()), ("b.example", 4333));
        for bad in ["", " , ", "http://a.example", "nats://", "::"] {
            assert!(addresses(bad).is_err(), "{bad:?}");
        }
    }
}
