//! A line that is not to be relied on.
use rand::RngExt;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt, copy_bidirectional},
    net::{TcpListener, TcpStream},
    time::timeout,
};

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
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
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            tokio::spawn(carry(client));
        }
    });
    address
}
