//! HTTP/1.1 as browsers and programs speak it.
use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{
    Request, StatusCode,
    body::Incoming,
    client::conn::http1::{SendRequest, handshake},
    http::request::Builder,
};
use hyper_util::rt::TokioIo;
use std::net::SocketAddr;
use tokio::net::TcpStream;

/// A connection that is used again and again.
#[derive(Debug)]
pub struct Connection {
    to: SocketAddr,
    sender: SendRequest<Full<Bytes>>,
}

impl Connection {
    pub async fn open(to: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(to).await.with_context(|| format!("nobody is at {to}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { to, sender })
    }

    /// The whole answer; anything but a success is an error.
    pub async fn ask(&mut self, request: Builder, body: impl Into<Bytes>) -> Result<Bytes> {
        let answer = self.begin(request, body).await?;
        Ok(answer.collect().await?.to_bytes())
    }

    /// An answer whose end is not waited for.
    pub async fn begin(&mut self, request: Builder, body: impl Into<Bytes>) -> Result<Incoming> {
        self.sender.ready().await?;
        let request = request.header("host", self.to.to_string()).body(Full::new(body.into()))?;
        let path = request.uri().to_string();
        let answer = self.sender.send_request(request).await?;
        let (status, body) = (answer.status(), answer.into_body());
        if status.is_success() || status == StatusCode::ACCEPTED {
            return Ok(body);
        }
        let said = body.collect().await?.to_bytes();
        bail!("{path}: {status}: {}", String::from_utf8_lossy(&said))
    }
}

pub fn get(path: &str) -> Builder {
    Request::get(path)
}

pub fn post(path: &str) -> Builder {
    Request::post(path)
}
