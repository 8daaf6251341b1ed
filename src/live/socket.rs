//! The socket of programs, `/api/v1/ws`: many conversations over one line, in frames of JSON.
use super::{
    desk::concerns_her,
    follow::{self, Holder, Piece, Watch, watched},
    frames::Frames,
    seat::AtDesk,
};
use crate::{
    api::{
        Caller, Desk, Message,
        frame::{
            After, Asked, ClientFrame, Limits as Told, Malformed, MessageKind, PROTOCOL, Reason,
            ServerFrame, You,
        },
        is_of_a_site,
        shape::{Conversation, ConversationName},
    },
    app::App,
    bus::{Here, Listener},
    conversation::{self, Body, Sent, Sight},
    error::{Error, Invalid, Result},
    event::{Access, Event, Present, Side, Topic},
    ids::Cursor,
    text::Lang,
    web::{
        errors::words,
        limits::{Limits, StreamPlace},
        origin::own_page_connects,
        page::Viewer,
        ws::{self, Close, HEARTBEAT, Heard, LONGEST, Socket},
    },
};
use futures_util::{
    Stream, StreamExt,
    stream::{AbortHandle, BoxStream, SelectAll, abortable},
};
use poem::{
    Request, Response, handler,
    web::{Data, websocket::WebSocket},
};
use std::{collections::HashMap, net::IpAddr, sync::Arc, time::Duration};
use tokio::sync::broadcast::error::RecvError;

/// Conversations one socket may follow.
const SUBSCRIPTIONS: usize = 200;
/// How often a socket looks whether it should go on; nothing is sent then.
const BEAT: Duration = Duration::from_secs(60);

#[handler]
pub async fn api_socket(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    viewer: Viewer,
    request: &Request,
    socket: WebSocket,
) -> Result<Response> {
    may_connect(&app, request).await?;
    let caller = Caller::by(&app, &token(request).ok_or(Error::Unauthenticated)?).await?;
    let place = limits.stream(caller.line())?;
    let holder = match &caller {
        Caller::Visitor { token, .. } => Holder::Visitor { token: token.hash().name() },
        Caller::Agent { agent, .. } => Holder::AgentToken { id: agent.id, token: caller.line() },
    };
    let watch = Watch::new(&app, holder, BEAT);
    // Boxed, as the line is: an idle socket keeps no room for what moves from one place to another.
    let interruptions = watched(futures_util::stream::pending(), watch).boxed();
    let line = Box::new(Line {
        app: app.clone(),
        limits: limits.clone(),
        caller,
        lang: viewer.lang,
        address: viewer.address,
        followed: HashMap::new(),
        follows_desk: false,
        _place: place,
    });
    let socket = socket.protocols([PROTOCOL]);
    Ok(ws::accept(&app, socket, move |socket| line.serve(socket, interruptions)))
}

/// A browser says which page opens a socket: one of ours, or of a site. A program says nothing, and shows its token.
async fn may_connect(app: &App, request: &Request) -> Result<()> {
    let Some(origin) = request.header("origin") else { return Ok(()) };
    if own_page_connects(request).is_ok() || is_of_a_site(app, origin).await? {
        return Ok(());
    }
    Err(Error::Forbidden("forbidden-origin"))
}

/// In `Authorization`, or as the second subprotocol, since browsers let a page set nothing else.
fn token(request: &Request) -> Option<String> {
    let bearer = request.header("authorization").and_then(|text| text.strip_prefix("Bearer "));
    let offered = request.header("sec-websocket-protocol").unwrap_or_default();
    let offered = offered.split(',').find_map(|word| word.trim().strip_prefix("token."));
    bearer.or(offered).map(str::to_owned)
}

/// What is followed brings: frames to send, perhaps the end of following.
enum Brought {
    Frames(Vec<String>),
    /// The cursor cannot be continued from.
    Reset {
        reference: Option<String>,
        name: ConversationName,
    },
    /// The agent may not see it any more.
    Gone(ConversationName),
    /// Come back: too much was lost to go on.
    Broken,
}

/// Everything a line follows.
type Followed = SelectAll<BoxStream<'static, Brought>>;

struct Line {
    app: App,
    limits: Arc<Limits>,
    caller: Caller,
    lang: Lang,
    address: IpAddr,
    followed: HashMap<ConversationName, AbortHandle>,
    /// Whether the lists are followed: asking again changes nothing.
    follows_desk: bool,
    _place: StreamPlace,
}

impl Line {
    async fn serve(
        mut self: Box<Self>,
        mut socket: Socket,
        mut interruptions: BoxStream<'static, Piece>,
    ) {
        let mut news = Followed::new();
        if socket.send(self.hello().write()).await.is_err() {
            return;
        }
        let why = loop {
            let frames = tokio::select! {
                interruption = interruptions.next() => match interruption {
                    Some(Piece::Beat) => continue,
                    Some(Piece::Bye) => {
                        let _ = socket.send(bye(Reason::Unauthenticated, None)).await;
                        break Close::Unauthenticated;
                    }
                    _ => {
                        let _ = socket.send(self.restart()).await;
                        break Close::Restart;
                    }
                },
                Some(brought) = news.next(), if !news.is_empty() => match brought {
                    Brought::Frames(frames) => frames,
                    Brought::Reset { reference, name } => {
                        self.followed.remove(&name);
                        vec![self.refusal(reference, &Error::Conflict("conflict-cursor"))]
                    }
                    Brought::Gone(conversation) => {
                        self.followed.remove(&conversation);
                        vec![ServerFrame::Gone { conversation }.write()]
                    }
                    Brought::Broken => {
                        let _ = socket.send(self.restart()).await;
                        break Close::Restart;
                    }
                },
                heard = socket.heard() => match heard {
                    Heard::Text(text) => {
                        Box::pin(self.answer(&mut news, &text)).await.into_iter().collect()
                    }
                    Heard::Broke(rule) => break rule,
                    Heard::Gone => return,
                },
            };
            for frame in frames {
                if socket.send(frame).await.is_err() {
                    return;
                }
            }
        };
        drop(self);
        socket.close(why).await;
    }

    fn hello(&self) -> ServerFrame {
        let (id, name) = match &self.caller {
            Caller::Visitor { .. } => (None, None),
            Caller::Agent { agent, .. } => (Some(agent.id.0), Some(agent.name.clone())),
        };
        ServerFrame::Hello {
            v: 1,
            you: You { side: self.caller.side().into(), id, name },
            heartbeat_s: HEARTBEAT.as_secs(),
            limits: Told {
                frame_bytes: LONGEST,
                body_characters: Body::LONGEST,
                subscriptions: SUBSCRIPTIONS,
            },
        }
    }

    fn restart(&self) -> String {
        bye(Reason::Restart, Some(follow::retry(self.app.streams.count())))
    }

    async fn answer(&mut self, news: &mut Followed, text: &str) -> Option<String> {
        let Asked { reference, frame } = Asked::read(text);
        let outcome = match frame {
            Ok(frame) => self.act(news, reference.clone(), frame).await,
            Err(Malformed::UnknownType) => {
                let message = self.lang.t("error-unknown-type");
                let frame = ServerFrame::Error {
                    reference,
                    code: "unknown_type",
                    message,
                    field: None,
                    retry_after_ms: None,
                    entries: None,
                };
                return Some(frame.write());
            }
            Err(Malformed::Invalid(what)) => Err(Error::Malformed { what }),
        };
        match outcome {
            Ok(answer) => answer.map(|frame| frame.write()),
            Err(error) => Some(self.refusal(reference, &error)),
        }
    }

    /// Does what is asked; nothing where there is nothing to answer, or what is followed will.
    async fn act(
        &mut self,
        news: &mut Followed,
        reference: Option<String>,
        frame: ClientFrame,
    ) -> Result<Option<ServerFrame>> {
        let done = |reference, sent: &Sent, side| ServerFrame::Ok {
            reference,
            conversation: Some(ConversationName::of(&sent.conversation, side)),
            seq: Some(sent.appended.entry.seq),
            duplicate: Some(sent.duplicate),
        };
        let plain = |reference| ServerFrame::Ok {
            reference,
            conversation: None,
            seq: None,
            duplicate: None,
        };
        // A token may have expired since the line was opened, which nobody is told of.
        if !matches!(frame, ClientFrame::Ping | ClientFrame::Unsubscribe { .. }) {
            self.caller.still(&self.app).await?;
        }
        let side = self.caller.side();
        Ok(match frame {
            ClientFrame::Start { site, nonce, body } => {
                let sent = self.desk().start(&site, &nonce, &body, self.address, self.lang).await?;
                // Who spoke is known from now on.
                if let Caller::Visitor { contact, .. } = &mut self.caller {
                    *contact = Some(sent.conversation.contact);
                }
                Some(done(reference, &sent, side))
            }
            ClientFrame::Send { conversation, nonce, body, attachments, kind, seen, quote } => {
                let note = kind == MessageKind::Note;
                let message = Message { nonce, body, attachments, note, seen, quote };
                let sent = self.desk().send(&conversation.to_string(), &message).await?;
                Some(done(reference, &sent, side))
            }
            ClientFrame::Subscribe { conversation, after } => {
                self.subscribe(news, reference, conversation, after).await?;
                None
            }
            ClientFrame::Unsubscribe { conversation } => {
                if let Some(following) = self.followed.remove(&conversation) {
                    following.abort();
                }
                Some(plain(reference))
            }
            ClientFrame::SubscribeDesk => {
                let agent = self.caller.agent()?;
                if !self.follows_desk {
                    let at_desk = AtDesk::new(&self.app, agent);
                    // Listen before it is asked what she sees.
                    let heard = self.app.bus.subscribe(Topic::Desk);
                    let sight = conversation::sight(self.app.db.read(), agent).await?;
                    news.push(desk(self.app.clone(), at_desk, sight, heard).boxed());
                    self.follows_desk = true;
                }
                Some(plain(reference))
            }
            ClientFrame::Read { conversation, seq } => {
                self.desk().read(&conversation.to_string(), seq).await?;
                Some(plain(reference))
            }
            ClientFrame::Typing { conversation } => {
                self.desk().typing(&conversation.to_string()).await?;
                None
            }
            ClientFrame::Ping => Some(ServerFrame::Pong { reference }),
            ClientFrame::Verb(verb) => Some(match self.desk().act(verb).await? {
                Some(sent) => done(reference, &sent, side),
                None => plain(reference),
            }),
        })
    }

    fn desk(&self) -> Desk<'_> {
        Desk { app: &self.app, limits: &self.limits, caller: &self.caller }
    }

    /// Subscribing again begins again, after the new cursor.
    async fn subscribe(
        &mut self,
        news: &mut Followed,
        reference: Option<String>,
        name: ConversationName,
        after: After,
    ) -> Result<()> {
        let seat = self.desk().seat(&name.to_string())?;
        let head = conversation::find_for(self.app.db.read(), &seat).await?;
        let cursor = match after {
            After::Seq(seq) => Cursor::parse(&seq.to_string()),
            After::Cursor(text) => Cursor::parse(&text),
        };
        let cursor = cursor.ok_or(Invalid { field: "after", reason: "invalid-cursor" })?;
        if let Some(following) = self.followed.remove(&name) {
            following.abort();
        }
        if self.followed.len() >= SUBSCRIPTIONS {
            let full = Invalid { field: "conversation", reason: "invalid-subscriptions" };
            return Err(full.into());
        }
        let here = (self.caller.side() == Side::Visitor)
            .then(|| self.app.bus.enter(Present::Visitor(head.id)));
        let frames = Frames::new(&seat, head.id, self.app.epoch.clone());
        let pieces = follow::conversation(self.app.clone(), seat, frames, Some(cursor));
        let brought = subscription(pieces, reference, name.clone(), head.last_seq, here);
        let (brought, following) = abortable(brought);
        self.followed.insert(name, following);
        news.push(brought.boxed());
        Ok(())
    }

    fn refusal(&self, reference: Option<String>, error: &Error) -> String {
        if let Error::Internal(cause) | Error::Unavailable(cause) = error {
            tracing::warn!(cause = format!("{cause:#}"), code = error.code(), "refused a frame");
        }
        ServerFrame::refusal(reference, error, words(error).say(self.lang)).write()
    }
}

/// A conversation that is followed, as what it brings.
fn subscription(
    pieces: impl Stream<Item = Piece> + Send,
    reference: Option<String>,
    name: ConversationName,
    mut seq: i64,
    here: Option<Here>,
) -> impl Stream<Item = Brought> + Send {
    let mut reference = reference;
    pieces.map(move |piece| {
        let _as_long_as_it_is_followed = &here;
        match piece {
            Piece::Entry { seq: newer, drawn } | Piece::Redrawn { seq: newer, drawn } => {
                seq = seq.max(newer);
                Brought::Frames(lines(&drawn))
            }
            Piece::Passing(drawn) => Brought::Frames(lines(&drawn)),
            Piece::Synced(drawn) => {
                let (reference, conversation) = (reference.take(), name.clone());
                let live = ServerFrame::Live { reference, conversation, seq }.write();
                let mut frames = lines(&drawn);
                frames.insert(0, live);
                Brought::Frames(frames)
            }
            Piece::Reset => Brought::Reset { reference: reference.take(), name: name.clone() },
            Piece::Row { .. } | Piece::Contact(_) | Piece::Notice(_) | Piece::Beat => {
                Brought::Frames(Vec::new())
            }
            Piece::Bye => Brought::Gone(name.clone()),
            Piece::End => Brought::Broken,
        }
    })
}

/// Changes of the lists.
fn desk(
    app: App,
    mut at_desk: AtDesk,
    sight: Sight,
    mut news: Listener,
) -> impl Stream<Item = Brought> + Send {
    async_stream::stream! {
        loop {
            match news.recv().await {
                Ok(news) if !concerns_her(&app, &sight, &news).await => {}
                Ok(news) => {
                    if let Event::AccessLost { access: Access::Conversation { id, .. } } = &news.event {
                        let conversation = ConversationName::for_agents(*id);
                        yield Brought::Frames(vec![ServerFrame::Gone { conversation }.write()]);
                    }
                    if let Event::StandingChanged { agent } = &news.event
                        && *agent == at_desk.agent().id
                    {
                        at_desk.ask_again().await;
                    }
                    let Some(summary) = news.event.row() else { continue };
                    let conversation = Conversation::for_agents(summary);
                    yield Brought::Frames(vec![ServerFrame::Desk { conversation }.write()]);
                }
                // A program lists the conversations again once it is back.
                Err(RecvError::Lagged(_) | RecvError::Closed) => {
                    yield Brought::Broken;
                    return;
                }
            }
        }
    }
}

fn lines(drawn: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(drawn);
    text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect()
}

fn bye(reason: Reason, retry: Option<Duration>) -> String {
    let retry_after_ms = retry.map(|retry| u64::try_from(retry.as_millis()).unwrap_or(u64::MAX));
    ServerFrame::Bye { reason, retry_after_ms }.write()
}
