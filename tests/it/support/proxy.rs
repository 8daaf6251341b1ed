//! A line that is not to be relied on.
use rand::RngExt;
use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{
        Arc,
        atomic::{AtomicU16, AtomicUsize, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{
        TcpListener, TcpStream,
        tcp::{OwnedReadHalf, OwnedWriteHalf},
    },
    time::timeout,
};

/// A port that was free a moment ago. It is below those of tests/servers.sh and those that the system gives to connections and
/// to whoever asks for any, and this process gives it once, so it is likely to stay free.
pub fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 10_000) as u16;
    let mut ports = std::iter::repeat_with(|| {
        10_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed) % 10_000) % 10_000
    });
    let free = |port: &u16| std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    ports.find(free).unwrap()
}

/// Every connection to a port of the address is carried on to the server, as it is.
pub async fn forwarding(at: Ipv4Addr, server: SocketAddr) -> SocketAddr {
    relay_at(at, move |mut client| async move {
        let Ok(mut onward) = TcpStream::connect(server).await else { return };
        let _ = copy_bidirectional(&mut client, &mut onward).await;
    })
    .await
}

/// Every connection to the address is cut after a random time up to `longest`, in the middle of whatever it is.
pub async fn cutting(server: SocketAddr, longest: Duration) -> SocketAddr {
    relay(move |mut client| async move {
        let Ok(mut onward) = TcpStream::connect(server).await else { return };
        let life = longest.mul_f64(rand::rng().random_range(0.1..1.0));
        let _ = timeout(life, copy_bidirectional(&mut client, &mut onward)).await;
    })
    .await
}

/// The request of every connection gets through, its answer in so many cases does not.
pub async fn swallowing(server: SocketAddr, probability: f64) -> SocketAddr {
    relay(move |mut client| async move {
        let Ok(mut onward) = TcpStream::connect(server).await else { return };
        if !rand::rng().random_bool(probability) {
            let _ = copy_bidirectional(&mut client, &mut onward).await;
            return;
        }
        let (mut from, mut to) = client.split();
        let (mut back, mut forth) = onward.split();
        let asking = tokio::io::copy(&mut from, &mut forth);
        // The first byte of the answer leaves after the commit.
        let mut answer = [0];
        tokio::select! {
            _ = asking => {}
            _ = back.read(&mut answer) => {}
        }
        let _ = to.shutdown().await;
    })
    .await
}

async fn relay<F: Future<Output = ()> + Send + 'static>(
    carry: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    relay_at(Ipv4Addr::LOCALHOST, carry).await
}

async fn relay_at<F: Future<Output = ()> + Send + 'static>(
    at: Ipv4Addr,
    carry: impl Fn(TcpStream) -> F + Send + 'static,
) -> SocketAddr {
    let listener = TcpListener::bind((at, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(carry(client));
        }
    });
    address
}

/// A line on which anything may happen to a connection: it is slow, it is reset or cut in the middle of a frame, or it falls
/// silent and stays open. The first is never left alone, `calm` of the others are.
pub async fn chaotic(server: SocketAddr, calm: f64) -> Chaos {
    let troubled = Arc::<AtomicUsize>::default();
    let counted = troubled.clone();
    let address = relay(move |client| {
        let calm = if counted.load(Ordering::Relaxed) == 0 { 0.0 } else { calm };
        let trouble = Trouble::at_random(calm);
        if trouble != Trouble::None {
            counted.fetch_add(1, Ordering::Relaxed);
        }
        carry(client, server, trouble)
    })
    .await;
    Chaos { address, troubled }
}

pub struct Chaos {
    pub address: SocketAddr,
    /// Connections that something happened to.
    troubled: Arc<AtomicUsize>,
}

impl Chaos {
    pub fn troubled(&self) -> usize {
        self.troubled.load(Ordering::Relaxed)
    }
}

async fn carry(client: TcpStream, server: SocketAddr, trouble: Trouble) {
    let Ok(onward) = TcpStream::connect(server).await else { return };
    // From 1 ms to 3 s: as often in a short answer as in a long stream.
    let after = Duration::from_secs_f64(10_f64.powf(rand::rng().random_range(-3.0..0.5)));
    let (from, to) = client.into_split();
    let (back, forth) = onward.into_split();
    let carrying = async { tokio::join!(pump(from, forth, trouble), pump(back, to, trouble)) };
    match trouble {
        Trouble::None | Trouble::Jitter => drop(carrying.await),
        Trouble::Cut => drop(timeout(after, carrying).await),
        // The other end is told nothing, however long it waits.
        Trouble::BlackHole => {
            tokio::pin!(carrying);
            let _ = timeout(after, carrying.as_mut()).await;
            tokio::time::sleep(Duration::from_secs(90)).await;
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trouble {
    None,
    Jitter,
    Cut,
    BlackHole,
}

impl Trouble {
    fn at_random(calm: f64) -> Self {
        let mut dice = rand::rng();
        if dice.random_bool(calm) {
            return Self::None;
        }
        [Self::Jitter, Self::Cut, Self::Cut, Self::BlackHole][dice.random_range(0..4)]
    }
}

async fn pump(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, trouble: Trouble) {
    // Pieces so small that frames are cut in the middle.
    let mut piece = [0; 700];
    while let Ok(length @ 1..) = from.read(&mut piece).await {
        if trouble == Trouble::Jitter {
            let delay = rand::rng().random_range(0..200);
            tokio::time::sleep(Duration::from_millis(delay)).await;
        }
        if to.write_all(&piece[..length]).await.is_err() {
            return;
        }
    }
    let _ = to.shutdown().await;
}
