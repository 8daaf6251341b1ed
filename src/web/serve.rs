//! The accept loop. Poem's own server keeps half-sent requests for ever, spins when files run out and cannot drain; this
//! one has a deadline for the first byte and for the headers, a cap on connections, a pause when accepting fails, and a
//! bounded end.
use crate::app::App;
use hyper::{Request, body::Incoming, service::service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use poem::{
    Endpoint, EndpointExt, Response,
    http::uri::Scheme,
    web::{LocalAddr, RemoteAddr},
};
use std::{convert::Infallible, error::Error, io, net::SocketAddr, sync::Arc, time::Duration};
use tokio::{
    net::{TcpListener, TcpStream},
    sync::{OwnedSemaphorePermit, Semaphore},
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
        let metrics = app.metrics.clone();
        connections.spawn(async move {
            if serving.await == Ended::Unread {
                metrics.slow_closes.inc();
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

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    Well,
    /// Nobody took what was written.
    Unread,
}

async fn connection<E>(
    stream: TcpStream,
    peer: SocketAddr,
    _place: OwnedSemaphorePermit,
    endpoint: Arc<E>,
    draining: CancellationToken,
) -> Ended
where
    E: Endpoint<Output = Response> + 'static,
{
    let Ok(local) = stream.local_addr() else { return Ended::Well };
    let _ = stream.set_nodelay(true);
    let _ = socket2::SockRef::from(&stream).set_tcp_user_timeout(Some(UNACKNOWLEDGED));
    // hyper's own deadline begins with the first byte, so that one is awaited here.
    if !matches!(timeout(HEADERS, stream.peek(&mut [0])).await, Ok(Ok(1..))) {
        return Ended::Well;
    }
    let mut stream = TimeoutWriter::new(stream);
    stream.set_timeout(Some(UNREAD));
    let service = service_fn(move |request: Request<Incoming>| {
        let endpoint = endpoint.clone();
        let request = (request, LocalAddr(local.into()), RemoteAddr(peer.into()), Scheme::HTTP);
        async move {
            Ok::<hyper::Response<_>, Infallible>(endpoint.get_response(request.into()).await.into())
        }
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADERS)
        .max_buf_size(64 * 1024)
        .serve_connection(TokioIo::new(Box::pin(stream)), service)
        .with_upgrades();
    tokio::pin!(connection);
    let outcome = tokio::select! {
        outcome = connection.as_mut() => outcome,
        () = draining.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    match outcome {
        Err(error) if is_late(&error) => Ended::Unread,
        Ok(()) | Err(_) => Ended::Well,
    }
}

fn is_late(error: &hyper::Error) -> bool {
    let cause = error.source().and_then(|cause| cause.downcast_ref::<io::Error>());
    cause.is_some_and(|cause| cause.kind() == io::ErrorKind::TimedOut)
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
