//! The accept loop. Poem's own server keeps half-sent requests for ever, spins when files run out and cannot drain; this
//! one has a deadline for the first byte and for the headers, a cap on connections, a pause when accepting fails, and a
//! bounded end.
use super::endless::{self, Endless, Lent};
use crate::app::App;
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use poem::{
    Endpoint, EndpointExt, Response,
    http::{Method, Version, uri::Scheme},
    web::{LocalAddr, RemoteAddr},
};
use std::{
    convert::Infallible,
    error::Error,
    future::pending,
    io,
    net::SocketAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore, oneshot},
    time::{Instant, sleep, timeout, timeout_at},
};
use tokio_io_timeout::TimeoutWriter;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Open connections at once; the next one is closed unanswered.
const CONNECTIONS: usize = 16_000;
/// For the first byte of a connection, and for the headers of each request.
const HEADERS: Duration = Duration::from_secs(10);
/// How long unacknowledged bytes may stay unacknowledged before the peer counts as gone.
const UNACKNOWLEDGED: Duration = Duration::from_secs(30);
/// How long a reader may take nothing of what is written. A stream that stands still holds memory, and its reader comes back.
const UNREAD: Duration = Duration::from_secs(30);
/// How long connections are still taken after the sign to stop.
const LAST_CALL: Duration = Duration::from_millis(50);
/// From the sign to stop until the last connection is cut.
const DRAIN: Duration = Duration::from_secs(28);

/// Serves until `app.streams.draining` is cancelled and what was begun has ended, or the time for that is over.
pub async fn serve(
    app: &App,
    listener: TcpListener,
    endpoint: impl Endpoint + 'static,
) -> io::Result<()> {
    let endpoint = Arc::new(endpoint.map_to_response());
    let places = Arc::new(Semaphore::new(CONNECTIONS));
    let connections = TaskTracker::new();
    let draining = app.streams.draining.clone();
    let admit = |stream, peer| {
        let Ok(place) = places.clone().try_acquire_owned() else { return };
        let serving = connection(stream, peer, place, endpoint.clone(), draining.clone());
        let (metrics, tracker) = (app.metrics.clone(), connections.clone());
        connections.spawn(async move {
            match serving.await {
                Outcome::Ended => {}
                Outcome::Unread => drop(metrics.slow_closes.inc()),
                // In a task of its own, which is as small as what is left to do.
                Outcome::Endless(stream) => drop(tracker.spawn(async move {
                    if let Outcome::Unread = stream.carry().await {
                        metrics.slow_closes.inc();
                    }
                })),
            }
        });
    };
    loop {
        let accepted = tokio::select! {
            () = draining.cancelled() => break,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Most likely out of file descriptors: trying at once would only burn a core.
                app.metrics.accept_errors.inc();
                tracing::warn!(%error, "cannot accept");
                sleep(Duration::from_millis(100)).await;
                continue;
            }
        };
        admit(stream, peer);
    }
    // Whoever stands in the queue already is let in: to close the door would cut them off.
    let closing = Instant::now() + LAST_CALL;
    while let Ok(Ok((stream, peer))) = timeout_at(closing, listener.accept()).await {
        admit(stream, peer);
    }
    drop(listener);
    connections.close();
    // A WebSocket has left its connection, and still wants to say goodbye.
    let all_ended = async { tokio::join!(connections.wait(), app.streams.ended()) };
    if timeout(DRAIN, all_ended).await.is_err() {
        tracing::warn!(left = connections.len(), "connections were cut at the end of the drain");
    }
    Ok(())
}

type Socket = Pin<Box<TimeoutWriter<TcpStream>>>;

/// How serving a connection ended.
enum Outcome {
    Ended,
    /// Nobody took what was written.
    Unread,
    /// It goes on without hyper.
    Endless(Stream),
}

impl Outcome {
    fn of(error: Option<&io::Error>) -> Self {
        match error {
            Some(error) if error.kind() == io::ErrorKind::TimedOut => Self::Unread,
            Some(_) | None => Self::Ended,
        }
    }
}

/// An endless answer, and the socket taken back for it.
struct Stream {
    socket: Socket,
    answer: Response,
    version: Version,
    _place: OwnedSemaphorePermit,
}

impl Stream {
    async fn carry(self) -> Outcome {
        let ended = endless::carry(self.socket, self.answer, self.version).await;
        Outcome::of(ended.err().as_ref())
    }
}

async fn connection<E>(
    stream: TcpStream,
    peer: SocketAddr,
    place: OwnedSemaphorePermit,
    endpoint: Arc<E>,
    draining: CancellationToken,
) -> Outcome
where
    E: Endpoint<Output = Response> + 'static,
{
    let Ok(local) = stream.local_addr() else { return Outcome::Ended };
    let _ = stream.set_nodelay(true);
    let _ = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    // hyper's own deadline begins with the first byte, so that one is awaited here.
    if !matches!(timeout(HEADERS, stream.peek(&mut [0])).await, Ok(Ok(1..))) {
        return Outcome::Ended;
    }
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(UNREAD));
    let socket: Lent<Socket> = Lent::new(Box::pin(stream));
    let (hand_over, mut handed_over) = oneshot::channel();
    let hand_over = Arc::new(Mutex::new(Some(hand_over)));
    let service = service_fn(move |request: Request<Incoming>| {
        let (endpoint, hand_over) = (endpoint.clone(), hand_over.clone());
        let (version, whole) = (request.version(), request.method() != Method::HEAD);
        let request = (request, LocalAddr(local.into()), RemoteAddr(peer.into()), Scheme::HTTP);
        async move {
            let answer = endpoint.get_response(request.into()).await;
            if whole && Endless::is(&answer) {
                let hand_over = hand_over.lock().unwrap_or_else(PoisonError::into_inner).take();
                if let Some(hand_over) = hand_over {
                    let _ = hand_over.send((answer, version));
                }
                // hyper is not asked to write it: this ends with the connection.
                return pending().await;
            }
            Ok::<hyper::Response<_>, Infallible>(answer.into())
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(socket.clone()), service)
        .with_upgrades();
    tokio::pin!(connection);
    let mut leaving = false;
    loop {
        tokio::select! {
            // In this order: hyper cuts off whoever has said nothing it has read, so what is there is read first.
            biased;
            outcome = connection.as_mut() => {
                return Outcome::of(outcome.err().as_ref().and_then(of_the_socket));
            }
            Ok((answer, version)) = &mut handed_over => {
                let Some(socket) = socket.take_back() else { return Outcome::Ended };
                return Outcome::Endless(Stream { socket, answer, version, _place: place });
            }
            () = draining.cancelled(), if !leaving => {
                leaving = true;
                connection.as_mut().graceful_shutdown();
            }
        }
    }
}

fn of_the_socket(error: &hyper::Error) -> Option<&io::Error> {
    error.source().and_then(|cause| cause.downcast_ref::<io::Error>())
}

/// Resolves at the first SIGTERM or Ctrl-C; a second one leaves at once.
pub async fn asked_to_stop() {
    signal().await;
    tokio::spawn(async {
        signal().await;
        tracing::warn!("asked twice: leaving now");
        std::process::exit(1);
    });
}

#[cfg(unix)]
async fn signal() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::terminate()) {
        Ok(mut terminate) => tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        },
        Err(_) => {
            let _ = tokio::signal::ctrl_c().await;
        }
    }
}

#[cfg(not(unix))]
async fn signal() {
    let _ = tokio::signal::ctrl_c().await;
}

#[cfg(test)]
mod tests {
    use super::*;
    use poem::endpoint::make_sync;
    use std::net::Ipv4Addr;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    /// Half a request is there when the server begins to leave; the rest comes after.
    #[tokio::test]
    async fn what_came_before_the_sign_to_stop_is_answered_after_it() {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let places = Arc::new(Semaphore::new(1));
        let endpoint = Arc::new(make_sync(|_| "done").map_to_response());
        let draining = CancellationToken::new();
        draining.cancel();
        for _ in 0..32 {
            let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            client.write_all(b"POST / HTTP/1.0\r\n").await.unwrap();
            let (stream, peer) = listener.accept().await.unwrap();
            let place = places.clone().acquire_owned().await.unwrap();
            let talk = async {
                client.write_all(b"content-length: 0\r\n\r\n").await.unwrap();
                let mut answer = String::new();
                client.read_to_string(&mut answer).await.map(|_| answer)
            };
            let serving = connection(stream, peer, place, endpoint.clone(), draining.clone());
            let (_, answer) = tokio::join!(serving, talk);
            assert!(answer.unwrap().ends_with("done"));
        }
    }
}
