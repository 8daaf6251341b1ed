//! NATS as the broker. Nothing of what it keeps is used; what it loses is found in the log (`jobs`).
use super::{
    Servers,
    bridge::{Broker, Noticed},
};
use crate::ids::NodeId;
use anyhow::{Context, bail};
use async_nats::{Client, ConnectOptions, Event, ServerAddr, connection::State};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::BoxStream};
use std::time::Duration;
use tokio::sync::mpsc;

/// A server that answers no ping for three times as long is away.
const PING: Duration = Duration::from_millis(700);
const CONNECTING: Duration = Duration::from_secs(2);
/// Between two attempts to connect, plus up to as much again, so that nodes do not come all at once.
const RETRY: Duration = Duration::from_millis(500);

/// A client that goes on trying to connect, and what it notices.
pub async fn connect(
    servers: &Servers,
    node: &NodeId,
) -> anyhow::Result<(Client, mpsc::UnboundedReceiver<Noticed>)> {
    let (notice, noticed) = mpsc::unbounded_channel();
    let client = options(servers, node)
        .await?
        .event_callback(move |event| {
            let _ = notice.send(log(&event));
            std::future::ready(())
        })
        .connect(addresses(&servers.urls)?)
        .await
        .context("cannot join the bus")?;
    Ok((client, noticed))
}

fn log(event: &Event) -> Noticed {
    match event {
        Event::Connected => {
            tracing::info!("the bus is here");
            return Noticed::Connected;
        }
        Event::Disconnected => tracing::warn!("the bus is away; asking the database instead"),
        Event::SlowConsumer(_) => tracing::warn!("news came faster than it was taken"),
        Event::ServerError(error) => tracing::warn!(%error, "the bus refuses"),
        Event::ClientError(error) => tracing::warn!(%error, "the bus failed"),
        Event::LameDuckMode | Event::Draining | Event::Closed => tracing::info!(%event, "the bus"),
    }
    Noticed::Missed
}

impl Broker for Client {
    fn is_here(&self) -> bool {
        self.connection_state() == State::Connected
    }

    fn publish(&self, subject: String, message: Bytes) -> BoxFuture<'_, bool> {
        async move { Self::publish(self, subject, message).await.is_ok() }.boxed()
    }

    fn listen(&self, subject: String) -> BoxFuture<'_, Option<BoxStream<'static, Bytes>>> {
        async move {
            let messages = self
                .subscribe(subject)
                .await
                .inspect_err(|error| tracing::error!(%error, "cannot listen to the bus"))
                .ok()?;
            Some(messages.map(|message| message.payload).boxed())
        }
        .boxed()
    }
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
