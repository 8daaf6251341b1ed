//! What is done to a server, and what is counted.
use crate::{
    http::{Connection, get},
    peers::{Peer, Reader, Room},
    process::{Server, Taken},
};
use anyhow::{Context, Result, bail};
use futures_util::{
    StreamExt, TryStreamExt,
    future::try_join_all,
    stream::{self},
};
use hdrhistogram::Histogram;
use rand::seq::IndexedRandom;
use serde::Serialize;
use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::mpsc,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout},
};

/// So many lines are opened at a time.
const AT_A_TIME: usize = 32;
/// Until what was opened has settled.
const SETTLED: Duration = Duration::from_secs(2);
/// A message that has not come after so long is lost.
const LOST: Duration = Duration::from_secs(10);

/// A peer that runs, and the processes that are counted as its own.
#[derive(Clone, Debug)]
pub struct Tried {
    pub peer: Peer,
    pub at: SocketAddr,
    /// Where readers are connected.
    pub read_at: SocketAddr,
    pub server: Server,
    pub database: Server,
}

/// What a scenario found. Times in milliseconds.
#[derive(Debug, Serialize)]
pub struct Found {
    /// Of what is counted: idle lines, deliveries, acknowledged messages.
    pub count: u64,
    pub per_second: f64,
    pub p50: f64,
    pub p95: f64,
    pub p99: f64,
    pub longest: f64,
    /// Memory that one more of what is counted takes at the server, KiB.
    pub memory_each_kib: f64,
    pub server_memory_kib: u64,
    /// Processor time of the server and of the database, for each of what is counted, in microseconds.
    pub server_cpu_us: f64,
    pub database_cpu_us: f64,
}

struct Counted<'a> {
    tried: &'a Tried,
    began: Instant,
    server: Taken,
    database: Taken,
}

impl<'a> Counted<'a> {
    fn begin(tried: &'a Tried) -> Result<Self> {
        let (server, database) = (tried.server.taken()?, tried.database.taken()?);
        Ok(Self { tried, began: Instant::now(), server, database })
    }

    fn end(self, count: u64, took: &Histogram<u64>) -> Result<Found> {
        let seconds = self.began.elapsed().as_secs_f64();
        let (server, database) = (self.tried.server.taken()?, self.tried.database.taken()?);
        let each = |total: f64| total / count.max(1) as f64;
        let cpu = |now: Taken, before: Taken| each((now.cpu - before.cpu).as_micros() as f64);
        let grown = server.memory_kib.saturating_sub(self.server.memory_kib);
        let at = |part| took.value_at_quantile(part) as f64 / 1_000.0;
        Ok(Found {
            count,
            per_second: count as f64 / seconds,
            p50: at(0.5),
            p95: at(0.95),
            p99: at(0.99),
            longest: took.max() as f64 / 1_000.0,
            memory_each_kib: each(grown as f64),
            server_memory_kib: server.memory_kib,
            server_cpu_us: cpu(server, self.server),
            database_cpu_us: cpu(database, self.database),
        })
    }
}

fn times() -> Histogram<u64> {
    Histogram::new_with_bounds(1, 60_000_000, 3).expect("bounds that fit")
}

async fn rooms(tried: &Tried, count: usize) -> Result<Vec<Room>> {
    let making = (0..count).map(|_| tried.peer.make_room(tried.at));
    stream::iter(making).buffer_unordered(AT_A_TIME).try_collect().await
}

/// Lines on which nothing happens: what each keeps of the server's memory.
pub async fn idle(tried: &Tried, lines: usize, to_a_room: usize) -> Result<Found> {
    let rooms = rooms(tried, lines.div_ceil(to_a_room)).await?;
    sleep(SETTLED).await;
    let counted = Counted::begin(tried)?;
    let places = rooms.iter().cycle().take(lines);
    let opening = places.map(|room| async move {
        let began = Instant::now();
        let reader = tried.peer.read(tried.read_at, room).await?;
        anyhow::Ok((reader, began.elapsed()))
    });
    let opened: Vec<_> = stream::iter(opening).buffer_unordered(AT_A_TIME).try_collect().await?;
    sleep(SETTLED).await;
    let mut took = times();
    for (_, after) in &opened {
        took.record(after.as_micros() as u64)?;
    }
    counted.end(opened.len() as u64, &took)
}

/// One writes, many read: how long after it was sent each has it, and what a delivery costs.
pub async fn fan_out(tried: &Tried, readers: usize, messages: usize, rate: f64) -> Result<Found> {
    let room = tried.peer.make_room(tried.at).await?;
    let opening = (0..readers).map(|_| tried.peer.read(tried.read_at, &room));
    let opened: Vec<_> = stream::iter(opening).buffer_unordered(AT_A_TIME).try_collect().await?;
    let mut writer = tried.peer.write(tried.at, &room).await?;
    sleep(SETTLED).await;
    let (start, (tell, mut told)) = (Instant::now(), mpsc::unbounded_channel());
    for reader in opened {
        tokio::spawn(listen(reader, start, tell.clone()));
    }
    drop(tell);
    let counted = Counted::begin(tried)?;
    let mut beat = interval(Duration::from_secs_f64(1.0 / rate));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let writing = async {
        for _ in 0..messages {
            beat.tick().await;
            writer.send(&stamp(start)).await?;
        }
        anyhow::Ok(())
    };
    let hearing = hear(&mut told, messages * readers);
    let ((), took) = tokio::try_join!(writing, hearing)?;
    counted.end(took.len(), &took)
}

/// In each room somebody writes and somebody else reads, so many messages a second in all, beside idle lines: from the send
/// to the other screen.
pub async fn pairs(
    tried: &Tried,
    pairs: usize,
    rate: f64,
    lasting: Duration,
    idle: usize,
) -> Result<Found> {
    let rooms = rooms(tried, pairs).await?;
    let (start, (tell, mut told)) = (Instant::now(), mpsc::unbounded_channel());
    let silent = self::rooms(tried, idle.div_ceil(5)).await?;
    let opening = silent.iter().cycle().take(idle).map(|room| tried.peer.read(tried.read_at, room));
    let _silent: Vec<_> = stream::iter(opening).buffer_unordered(AT_A_TIME).try_collect().await?;
    for room in &rooms {
        let reader = tried.peer.read(tried.read_at, room).await?;
        tokio::spawn(listen(reader, start, tell.clone()));
    }
    drop(tell);
    let mut writers =
        try_join_all(rooms.iter().map(|room| tried.peer.write(tried.at, room))).await?;
    sleep(SETTLED).await;
    let counted = Counted::begin(tried)?;
    let each = Duration::from_secs_f64(pairs as f64 / rate);
    let sent = AtomicU64::new(0);
    let writing = try_join_all(writers.iter_mut().map(|writer| {
        let sent = &sent;
        async move {
            // Not all at once.
            sleep(each.mul_f64(rand::random())).await;
            let mut beat = interval(each);
            beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
            let until = Instant::now() + lasting;
            while Instant::now() < until {
                beat.tick().await;
                writer.send(&stamp(start)).await?;
                sent.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(())
        }
    }));
    let (took, _) = tokio::try_join!(hear_until_quiet(&mut told), writing)?;
    let sent = sent.into_inner();
    if took.len() != sent {
        bail!("{sent} were sent, {} came", took.len());
    }
    counted.end(sent, &took)
}

/// As many messages as go, each acknowledged before the next of its writer; nobody reads.
pub async fn posts(
    tried: &Tried,
    conversations: usize,
    writers: usize,
    lasting: Duration,
) -> Result<Found> {
    let rooms: Arc<[Room]> = rooms(tried, conversations).await?.into();
    let opening = (0..writers).map(|n| tried.peer.write(tried.at, &rooms[n % rooms.len()]));
    let opened = try_join_all(opening).await?;
    let counted = Counted::begin(tried)?;
    let until = Instant::now() + lasting;
    let writing = opened.into_iter().map(|mut writer| {
        let rooms = rooms.clone();
        tokio::spawn(async move {
            let mut took = times();
            while Instant::now() < until {
                let began = Instant::now();
                writer.enter(rooms.choose(&mut rand::rng()).expect("there are some"));
                writer.send("a message as long as most of those that people write").await?;
                took.record(began.elapsed().as_micros() as u64)?;
            }
            anyhow::Ok(took)
        })
    });
    let mut all = times();
    for written in try_join_all(writing).await? {
        all.add(written?)?;
    }
    counted.end(all.len(), &all)
}

/// A few bytes to an echo in this process and back, so many times a second: what the machine takes for it by itself.
pub async fn echo(tried: &Tried, rate: f64, lasting: Duration) -> Result<Found> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let mut here = TcpStream::connect(listener.local_addr()?).await?;
    here.set_nodelay(true)?;
    let (mut there, _) = listener.accept().await?;
    there.set_nodelay(true)?;
    tokio::spawn(async move {
        let mut bytes = [0; 64];
        while there.read_exact(&mut bytes).await.is_ok() {
            if there.write_all(&bytes).await.is_err() {
                return;
            }
        }
    });
    let (mut took, mut bytes) = (times(), [0; 64]);
    let counted = Counted::begin(tried)?;
    let mut beat = interval(Duration::from_secs_f64(1.0 / rate));
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let until = Instant::now() + lasting;
    while Instant::now() < until {
        beat.tick().await;
        let began = Instant::now();
        here.write_all(&bytes).await?;
        here.read_exact(&mut bytes).await?;
        took.record(began.elapsed().as_micros() as u64)?;
    }
    counted.end(took.len(), &took)
}

/// One request after the other on one connection: from its first byte to the last of the answer.
pub async fn pages(
    tried: &Tried,
    paths: &[String],
    headers: &[String],
    times_each: usize,
) -> Result<Found> {
    let mut line = Connection::open(tried.at).await?;
    let mut took = times();
    let counted = Counted::begin(tried)?;
    for path in paths.iter().cycle().take(paths.len() * times_each) {
        let mut request = get(path);
        for header in headers {
            let (name, value) = header.split_once(": ").context("a header is `Name: value`")?;
            request = request.header(name, value);
        }
        let began = Instant::now();
        line.ask(request, "").await?;
        took.record(began.elapsed().as_micros() as u64)?;
    }
    counted.end(took.len(), &took)
}

/// When something was sent, in microseconds since the start; readers find it after `sent-at-`.
fn stamp(start: Instant) -> String {
    format!("sent-at-{}.", start.elapsed().as_micros())
}

fn stamped(text: &str) -> Option<u64> {
    text.split_once("sent-at-")?.1.split_once('.')?.0.parse().ok()
}

type Tell = mpsc::UnboundedSender<Result<u64>>;
type Told = mpsc::UnboundedReceiver<Result<u64>>;

/// Tells how long each message took, until nobody listens or the line ends.
async fn listen(mut reader: Reader, start: Instant, tell: Tell) {
    loop {
        let took = match reader.next().await {
            Ok(text) => {
                let now = start.elapsed().as_micros() as u64;
                let Some(sent) = stamped(&text) else { continue };
                Ok(now.saturating_sub(sent).max(1))
            }
            Err(error) => Err(error),
        };
        let ended = took.is_err();
        if tell.send(took).is_err() || ended {
            return;
        }
    }
}

async fn hear(told: &mut Told, wanted: usize) -> Result<Histogram<u64>> {
    let mut took = times();
    while took.len() < wanted as u64 {
        match timeout(LOST, told.recv()).await {
            Ok(Some(micros)) => took.record(micros?)?,
            _ => bail!("{} of {wanted} came", took.len()),
        }
    }
    Ok(took)
}

async fn hear_until_quiet(told: &mut Told) -> Result<Histogram<u64>> {
    let mut took = times();
    while let Ok(Some(micros)) = timeout(LOST / 5, told.recv()).await {
        took.record(micros?)?;
    }
    Ok(took)
}
