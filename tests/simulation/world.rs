//! Three nodes over one database and one broker.
use super::{
    broker::{self, Exchange},
    checker::{History, Violation, check},
    database::Server,
    line::{Line, State},
    people,
    template::{Talk, Template},
    troubles::Troubles,
};
use futures_util::{Stream, StreamExt};
use kefu::{
    agent::CurrentAgent,
    app::{App, Kept, Parts, Streams},
    bus::{Bus, Noticed},
    clock::Clock,
    conversation::{self, Body, Canvas, Seat, Tab},
    event::Side,
    ids::{Cursor, Nonce},
    jobs,
    live::{DeskCursor, Piece, follow_conversation, follow_desk},
    metrics::Metrics,
    text::{self, Lang},
};
use rand::RngExt;
use std::{
    collections::{BTreeMap, BTreeSet},
    rc::Rc,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::sync::{mpsc, oneshot};

pub const NODES: usize = 3;
/// How finely the nodes' clocks are kept together.
const TICK: Duration = Duration::from_millis(5);
/// Nobody needs that long.
const NEVER: Duration = Duration::from_secs(600);

/// What is asked of a node. Whoever asks one that dies hears no answer.
pub enum Request {
    Say { talk: Talk, nonce: Nonce, body: Body, answer: oneshot::Sender<i64> },
    Follow { talk: Talk, seen: i64, pieces: mpsc::UnboundedSender<Piece> },
    FollowDesk { cursor: Option<String>, pieces: mpsc::UnboundedSender<Piece> },
}

#[derive(Default)]
struct Node {
    door: Mutex<Option<mpsc::UnboundedSender<Request>>>,
    notice: Mutex<Option<mpsc::UnboundedSender<Noticed>>>,
    to_database: Arc<Line>,
    to_broker: Arc<Line>,
}

pub struct World {
    pub template: Template,
    nodes: [Node; NODES],
    database: Server,
    exchange: Arc<Exchange>,
    /// Whether nodes look for what they were not told.
    healing: bool,
    moments: AtomicU64,
    pub history: Mutex<History>,
    pub found: Mutex<BTreeSet<Violation>>,
}

/// Plays one history, which it prints, and tells what was wrong with it. All chance is the thread's.
pub fn play(template: Template, healing: bool) -> (History, BTreeSet<Violation>) {
    let world = Rc::new(World {
        database: Server::with_the_rows_of(&template.rows),
        template,
        nodes: Default::default(),
        exchange: Arc::default(),
        healing,
        moments: AtomicU64::new(1),
        history: Mutex::default(),
        found: Mutex::default(),
    });
    let mut sim = turmoil::Builder::new()
        .rng_seed(rand::random())
        .enable_random_order()
        .tick_duration(TICK)
        .simulation_duration(NEVER)
        .build();
    for number in 0..NODES {
        let world = world.clone();
        sim.host(host(number), move || world.clone().node(number));
    }
    sim.client("crowd", people::crowd(world.clone()));
    let mut troubles = Troubles::default();
    while !sim.step().expect("an end") {
        troubles.go_on(&mut sim, &world);
    }
    drop(sim);
    let World { history, found, .. } = Rc::into_inner(world).expect("every node has ended");
    let (history, found) = (history.into_inner().unwrap(), found.into_inner().unwrap());
    let found = &found | &check(&history);
    (history, found)
}

pub fn host(node: usize) -> String {
    format!("node-{node}")
}

#[expect(clippy::print_stdout, reason = "the history is what a test prints")]
pub fn note(at: Duration, what: impl std::fmt::Display) {
    println!("{at:?} {what}");
}

impl World {
    pub fn note(&self, what: impl std::fmt::Display) {
        note(turmoil::sim_elapsed().unwrap_or_default(), what);
    }

    /// From its start to its crash.
    async fn node(self: Rc<Self>, number: usize) -> turmoil::Result {
        let place = &self.nodes[number];
        let (notice, noticed) = mpsc::unbounded_channel();
        *place.notice.lock().unwrap() = Some(notice);
        let broker =
            broker::Client { exchange: self.exchange.clone(), line: place.to_broker.clone() };
        let template = &self.template;
        let app = App::from(Parts {
            config: template.config.clone(),
            key: template.key.clone(),
            db: self.database.reach(&place.to_database),
            bus: Bus::over(Arc::new(broker), noticed, &template.epoch),
            files: template.files.clone(),
            clock: Clock::default(),
            streams: Streams::default(),
            metrics: Metrics::default(),
            kept: Kept::default(),
            epoch: template.epoch.clone(),
        });
        if self.healing {
            jobs::start(&app);
        }
        let agent = template.agent.clone();
        let (session, address) = (Vec::new(), std::net::Ipv4Addr::LOCALHOST.into());
        let me = CurrentAgent { agent, lang: Lang::En, session, address };
        let (door, mut requests) = mpsc::unbounded_channel();
        *place.door.lock().unwrap() = Some(door);
        while let Some(request) = requests.recv().await {
            tokio::spawn(serve(app.clone(), me.clone(), request));
        }
        Ok(())
    }

    /// Asks some node; false if it is dead.
    pub fn ask(&self, request: Request) -> bool {
        let node = rand::rng().random_range(0..NODES);
        let door = self.nodes[node].door.lock().unwrap();
        door.as_ref().is_some_and(|door| door.send(request).is_ok())
    }

    /// A moment of its own for each that asks, later than all before.
    pub fn moment(&self) -> u64 {
        self.moments.fetch_add(1, Ordering::Relaxed)
    }

    pub fn set_database(&self, node: usize, state: State) {
        self.nodes[node].to_database.set(state);
    }

    /// A client notices when its line is cut, and when it is back.
    pub fn set_broker(&self, node: usize, state: State) {
        let place = &self.nodes[node];
        let noticed = match (place.to_broker.state(), state) {
            (_, State::Cut) => Some(Noticed::Missed),
            (State::Cut, State::Fine) => Some(Noticed::Connected),
            _ => None,
        };
        place.to_broker.set(state);
        if let (Some(notice), Some(noticed)) = (&*place.notice.lock().unwrap(), noticed) {
            let _ = notice.send(noticed);
        }
    }

    /// Number and nonce of every entry of every conversation.
    pub fn stored(&self) -> BTreeMap<i64, Vec<(i64, String)>> {
        let db = self.database.committed();
        let mut asked = db
            .prepare("SELECT conversation_id, seq, nonce FROM entry ORDER BY conversation_id, seq")
            .unwrap();
        let rows =
            asked.query_map([], |row| Ok((row.get(0)?, (row.get(1)?, row.get(2)?)))).unwrap();
        let mut stored = BTreeMap::<i64, Vec<_>>::new();
        for row in rows {
            let (conversation, entry) = row.unwrap();
            stored.entry(conversation).or_default().push(entry);
        }
        stored
    }
}

async fn serve(app: App, me: CurrentAgent, request: Request) {
    match request {
        Request::Say { talk, nonce, body, answer } => {
            // Whoever hears nothing asks again.
            let said =
                conversation::say(&app, talk.contact, talk.public_id, nonce, body, &[], None).await;
            if let Ok(sent) = said {
                let _ = answer.send(sent.appended.entry.seq);
            }
        }
        Request::Follow { talk, seen, pieces } => {
            let seat = Seat::Visitor { contact: talk.contact, conversation: talk.public_id };
            let (lang, zone) = (Lang::En, text::zone("UTC"));
            let (conversation, files) = (talk.id, String::new());
            let audience = Side::Visitor;
            let (visitor, acts, standing) = (String::new(), false, Default::default());
            let canvas =
                Canvas { audience, lang, zone, conversation, files, visitor, acts, standing };
            let cursor = Cursor::parse(&format!("{}:{seen}", app.epoch));
            send(follow_conversation(app, seat, canvas, cursor), pieces).await;
        }
        Request::FollowDesk { cursor, pieces } => {
            let after = cursor.and_then(|text| DeskCursor::parse(&text, &app.epoch));
            send(follow_desk(app, me, Tab::All.into(), None, after), pieces).await;
        }
    }
}

async fn send(stream: impl Stream<Item = Piece>, to: mpsc::UnboundedSender<Piece>) {
    tokio::pin!(stream);
    loop {
        let piece = tokio::select! {
            piece = stream.next() => piece,
            () = to.closed() => return,
        };
        let Some(piece) = piece else { return };
        if to.send(piece).is_err() {
            return;
        }
    }
}
