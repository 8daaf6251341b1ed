//! Who writes and reads, at whichever node answers.
use super::{
    checker::{Send, Violation},
    line::between,
    template::Talk,
    troubles,
    world::{Request, World},
};
use futures_util::future::join_all;
use kefu::{conversation::Body, ids::Nonce, live::Piece};
use rand::seq::IndexedRandom;
use std::{collections::BTreeMap, rc::Rc, sync::Mutex, time::Duration};
use tokio::{
    sync::{mpsc, oneshot},
    task::{JoinHandle, spawn_local},
    time::{sleep, timeout},
};

const WRITERS: usize = 4;
const SENDS: usize = 15;
const READERS_OF_EACH: usize = 3;
/// Once nothing is troubled any more everybody sees everything after so long: the calm look takes 15 s.
const HEALED: Duration = Duration::from_secs(20);

/// Writes and reads until everything was said, and a while later everybody has seen it; or not.
pub async fn crowd(world: Rc<World>) -> turmoil::Result {
    let talks = &world.template.talks;
    let readers: Vec<_> = (talks.iter())
        .flat_map(|talk| std::iter::repeat_n(talk, READERS_OF_EACH))
        .enumerate()
        .map(|(number, talk)| Reader::new(number, talk))
        .collect();
    let desk = Rc::<Desk>::default();
    let mut reading: Vec<_> =
        readers.iter().map(|reader| spawn_local(reader.clone().read(world.clone()))).collect();
    reading.push(spawn_local(desk.clone().read(world.clone())));
    let writing = (0..WRITERS).map(|number| spawn_local(write(world.clone(), number)));
    for written in join_all(writing).await {
        written?;
    }
    let so_far = turmoil::sim_elapsed().unwrap_or_default();
    sleep(troubles::END.saturating_sub(so_far)).await;
    world.note("everything is said, nothing is troubled any more");

    let stored = world.stored();
    let seen_by_all = async {
        let end = |talk: &Talk| stored[&talk.id.0].len();
        while readers.iter().any(|reader| reader.seen().len() < end(&reader.talk))
            || !desk.shows(&stored)
        {
            sleep(Duration::from_millis(10)).await;
        }
    };
    if timeout(HEALED, seen_by_all).await.is_err() {
        world.note("somebody has not seen everything");
        world.found.lock().unwrap().insert(Violation::Lost);
    }
    reading.iter().for_each(JoinHandle::abort);
    let mut history = world.history.lock().unwrap();
    history.sends.extend(talks.iter().map(|talk| Send {
        conversation: talk.id.0,
        nonce: talk.first.to_string(),
        invoked: 0,
        acknowledged: Some((0, 1)),
    }));
    history.seen = readers.iter().map(|reader| (reader.talk.id.0, reader.seen())).collect();
    history.stored = stored;
    Ok(())
}

/// A message is repeated under its nonce until it is acknowledged.
async fn write(world: Rc<World>, number: usize) {
    for _ in 0..SENDS {
        let talk = world.template.talks.choose(&mut rand::rng()).expect("there are some");
        let (nonce, invoked) = (Nonce::new(), world.moment());
        let seq = loop {
            if let Some(seq) = say(&world, talk, &nonce).await {
                break seq;
            }
            sleep(between(20, 500)).await;
        };
        world.note(format_args!("writer {number}: {nonce} is {seq} in {}", talk.id));
        let send = Send {
            conversation: talk.id.0,
            nonce: nonce.to_string(),
            invoked,
            acknowledged: Some((world.moment(), seq)),
        };
        world.history.lock().unwrap().sends.push(send);
        sleep(between(0, 1_000)).await;
    }
}

/// The number that is acknowledged; `None` if no answer came in time.
async fn say(world: &World, talk: &Talk, nonce: &Nonce) -> Option<i64> {
    let (answer, answered) = oneshot::channel();
    let body = Body::parse(&format!("message {nonce}")).unwrap();
    world.ask(Request::Say { talk: talk.clone(), nonce: nonce.clone(), body, answer });
    timeout(between(500, 9_000), answered).await.ok()?.ok()
}

/// Somebody who follows a conversation, and comes back with her cursor when her line ends.
struct Reader {
    number: usize,
    talk: Talk,
    seen: Mutex<Vec<i64>>,
}

impl Reader {
    fn new(number: usize, talk: &Talk) -> Rc<Self> {
        Rc::new(Self { number, talk: talk.clone(), seen: Mutex::default() })
    }

    fn seen(&self) -> Vec<i64> {
        self.seen.lock().unwrap().clone()
    }

    /// Every third reader's own line breaks again and again. The others stay as long as their node lives, so that they see
    /// only what they are told.
    fn patience(&self) -> Duration {
        if self.number.is_multiple_of(READERS_OF_EACH) { between(50, 5_000) } else { Duration::MAX }
    }

    async fn read(self: Rc<Self>, world: Rc<World>) {
        loop {
            let (pieces, line) = mpsc::unbounded_channel();
            let (talk, seen) = (self.talk.clone(), self.seen().last().copied().unwrap_or(0));
            world.ask(Request::Follow { talk, seen, pieces });
            let _ = timeout(self.patience(), self.follow(&world, line)).await;
            sleep(between(10, 1_000)).await;
        }
    }

    async fn follow(&self, world: &World, mut line: mpsc::UnboundedReceiver<Piece>) {
        while let Some(piece) = line.recv().await {
            match piece {
                Piece::Entry { seq, .. } => {
                    world.note(format_args!("reader {} of {}: {seq}", self.number, self.talk.id));
                    self.seen.lock().unwrap().push(seq);
                }
                // Her cursor is one of this log.
                Piece::Reset => drop(world.found.lock().unwrap().insert(Violation::Ghost)),
                _ => {}
            }
        }
    }
}

/// An agent's list: the last that she was told of each row.
#[derive(Default)]
struct Desk {
    rows: Mutex<BTreeMap<i64, String>>,
    cursor: Mutex<Option<String>>,
}

impl Desk {
    async fn read(self: Rc<Self>, world: Rc<World>) {
        loop {
            let (pieces, mut line) = mpsc::unbounded_channel();
            let cursor = self.cursor.lock().unwrap().clone();
            world.ask(Request::FollowDesk { cursor, pieces });
            while let Some(piece) = line.recv().await {
                let Piece::Row { cursor, drawn, hint } = piece else { continue };
                let hint: serde_json::Value = serde_json::from_slice(&hint).unwrap();
                let id = hint["conversation"].as_i64().unwrap();
                world.note(format_args!("desk: a row of {id}"));
                let drawn = String::from_utf8_lossy(&drawn).into_owned();
                self.rows.lock().unwrap().insert(id, drawn);
                *self.cursor.lock().unwrap() = Some(cursor);
            }
            sleep(between(10, 1_000)).await;
        }
    }

    /// Whether each row shows the last message of its conversation.
    fn shows(&self, stored: &BTreeMap<i64, Vec<(i64, String)>>) -> bool {
        let rows = self.rows.lock().unwrap();
        stored.iter().all(|(id, entries)| {
            let (seq, nonce) = entries.last().expect("a conversation has an entry");
            *seq == 1 || rows.get(id).is_some_and(|row| row.contains(nonce.as_str()))
        })
    }
}
