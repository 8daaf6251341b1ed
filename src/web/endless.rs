//! Answers that never end. An idle connection costs some 20 KiB of HTTP/1 state in hyper, most of it buffers that a stream
//! does not need, so once an answer says that it is [`Endless`] its socket is taken back from hyper, and what follows is
//! written here: the same bytes as hyper would, and the same end when the reader leaves or takes nothing any more.
use bytes::Bytes;
use futures_util::StreamExt;
use jiff::{Timestamp, fmt::rfc2822::DateTimePrinter};
use poem::{Response, http::Version};
use std::{
    io,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll},
};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};

/// Put on an answer: its body goes on until the reader leaves or the process does.
#[derive(Clone, Copy, Debug)]
pub struct Endless;

impl Endless {
    pub fn is(answer: &Response) -> bool {
        answer.data::<Self>().is_some()
    }
}

/// A socket that can be taken back from whoever reads and writes it.
#[derive(Debug)]
pub struct Lent<T>(Arc<Mutex<Option<T>>>);

impl<T> Clone for Lent<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Unpin> Lent<T> {
    pub fn new(socket: T) -> Self {
        Self(Arc::new(Mutex::new(Some(socket))))
    }

    /// `None` if it was taken already. Whoever has it lent finds it closed.
    pub fn take_back(&self) -> Option<T> {
        self.lock().take()
    }

    fn with<R>(&self, act: impl FnOnce(Pin<&mut T>) -> Poll<io::Result<R>>) -> Poll<io::Result<R>> {
        match self.lock().as_mut() {
            Some(socket) => act(Pin::new(socket)),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    /// Two never want it at once; the lock only says so to the compiler.
    fn lock(&self) -> MutexGuard<'_, Option<T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: AsyncRead + Unpin> AsyncRead for Lent<T> {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.with(|socket| socket.poll_read(cx, buf))
    }
}

impl<T: AsyncWrite + Unpin> AsyncWrite for Lent<T> {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.with(|socket| socket.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.with(|socket| socket.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.lock().as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|socket| socket.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.with(|socket| socket.poll_shutdown(cx))
    }
}

/// Writes an answer until it ends or nobody reads it any more; an error is that of the socket. Nothing more is asked over
/// this connection.
pub async fn carry<S: AsyncRead + AsyncWrite + Unpin>(
    mut socket: S,
    answer: Response,
    version: Version,
) -> io::Result<()> {
    let framing = Framing::of(version);
    socket.write_all(&head(&answer, framing)).await?;
    let mut pieces = answer.into_body().into_bytes_stream();
    let mut listening = true;
    loop {
        let piece = tokio::select! {
            piece = pieces.next() => piece,
            // Whoever sends more without waiting for the end is not read any more, so that it costs nothing; that
            // this reader leaves is noticed when something is written.
            more = socket.read_u8(), if listening => match more {
                Ok(_) => {
                    listening = false;
                    continue;
                }
                Err(_) => return Ok(()),
            },
        };
        match piece {
            Some(Ok(piece)) if piece.is_empty() => {}
            Some(Ok(piece)) => socket.write_all(&framing.frame(piece)).await?,
            // The reader must not take this for the end.
            Some(Err(_)) => return Ok(()),
            None => break,
        }
    }
    socket.write_all(framing.end()).await?;
    socket.shutdown().await
}

/// How a reader tells the parts of an answer apart, and that it has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Framing {
    /// RFC 9112 §7.1.
    Chunked,
    /// Readers of HTTP/1.0 know no chunks; there the end of the connection is the end.
    Bare,
}

impl Framing {
    fn of(version: Version) -> Self {
        if version == Version::HTTP_11 { Self::Chunked } else { Self::Bare }
    }

    fn frame(self, piece: Bytes) -> Bytes {
        match self {
            Self::Chunked => {
                let mut chunk = format!("{:X}\r\n", piece.len()).into_bytes();
                chunk.reserve_exact(piece.len() + 2);
                chunk.extend_from_slice(&piece);
                chunk.extend_from_slice(b"\r\n");
                chunk.into()
            }
            Self::Bare => piece,
        }
    }

    fn end(self) -> &'static [u8] {
        match self {
            Self::Chunked => b"0\r\n\r\n",
            Self::Bare => b"",
        }
    }
}

fn head(answer: &Response, framing: Framing) -> Vec<u8> {
    let mut head = format!("HTTP/1.1 {}\r\n", answer.status()).into_bytes();
    let mut line = |name: &[u8], value: &[u8]| {
        head.extend_from_slice(&[name, b": ", value, b"\r\n"].concat());
    };
    for (name, value) in answer.headers() {
        line(name.as_ref(), value.as_bytes());
    }
    if let Ok(date) = DateTimePrinter::new().timestamp_to_rfc9110_string(&Timestamp::now()) {
        line(b"date", date.as_bytes());
    }
    line(b"connection", b"close");
    if framing == Framing::Chunked {
        line(b"transfer-encoding", b"chunked");
    }
    head.extend_from_slice(b"\r\n");
    head
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::stream;
    use poem::Body;
    use tokio::io::duplex;

    fn answer(pieces: &[&'static str]) -> Response {
        let pieces: Vec<_> =
            pieces.iter().map(|piece| Ok::<_, io::Error>(Bytes::from(*piece))).collect();
        Response::builder()
            .content_type("text/event-stream")
            .body(Body::from_bytes_stream(stream::iter(pieces)))
    }

    async fn written(version: Version) -> String {
        let (mut reader, socket) = duplex(64);
        let writing = tokio::spawn(carry(socket, answer(&["a\n", "", "你好, more"]), version));
        let mut all = String::new();
        reader.read_to_string(&mut all).await.unwrap();
        writing.await.unwrap().unwrap();
        all
    }

    #[tokio::test]
    async fn an_empty_piece_does_not_end_the_answer() {
        let all = written(Version::HTTP_11).await;
        let (head, body) = all.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
        assert!(head.contains("\r\ncontent-type: text/event-stream\r\n"), "{head}");
        assert!(head.contains(" GMT\r\nconnection: close\r\ntransfer-encoding: chunked"), "{head}");
        assert_eq!(body, "2\r\na\n\r\nC\r\n你好, more\r\n0\r\n\r\n");
    }

    #[tokio::test]
    async fn an_old_reader_gets_no_chunks() {
        let all = written(Version::HTTP_10).await;
        let (head, body) = all.split_once("\r\n\r\n").unwrap();
        assert!(!head.contains("transfer-encoding"), "{head}");
        assert_eq!(body, "a\n你好, more");
    }

    #[tokio::test]
    async fn a_reader_who_leaves_ends_it_and_one_who_says_more_does_not() {
        let endless = || {
            let body = stream::once(async { Ok::<_, io::Error>(Bytes::from("a")) });
            Response::builder().body(Body::from_bytes_stream(body.chain(stream::pending())))
        };
        let (mut reader, socket) = duplex(1024);
        let writing = tokio::spawn(carry(socket, endless(), Version::HTTP_10));
        while reader.read_u8().await.unwrap() != b'a' {}
        drop(reader);
        writing.await.unwrap().unwrap();

        let (mut reader, socket) = duplex(1024);
        reader.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
        let mut carrying = Box::pin(carry(socket, answer(&["a", "b"]), Version::HTTP_10));
        carrying.as_mut().await.unwrap();
        let mut all = String::new();
        drop(carrying);
        reader.read_to_string(&mut all).await.unwrap();
        assert!(all.ends_with("ab"), "{all}");
    }

    #[tokio::test]
    async fn a_socket_that_was_taken_back_is_closed_to_who_had_it() {
        let (_reader, socket) = duplex(64);
        let mut lent = Lent::new(socket);
        let owner = lent.clone();
        lent.write_all(b"mine").await.unwrap();
        assert!(owner.take_back().is_some());
        assert!(owner.take_back().is_none());
        let refused = lent.write_all(b"mine").await.unwrap_err();
        assert_eq!(refused.kind(), io::ErrorKind::NotConnected);
    }
}
