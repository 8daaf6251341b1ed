//! The pages' streams over a WebSocket, where server-sent events do not get through: the same blocks, one a message.
use super::{
    follow::Piece,
    reader::Reader,
    sse::{OpenStream, desk_stream, visitor_stream},
};
use crate::{
    agent::CurrentAgent,
    app::App,
    error::Result,
    web::{
        limits::Limits,
        origin::own_page_connects,
        ws::{self, Close, Heard, Socket},
    },
};
use futures_util::{Stream, StreamExt};
use poem::{
    Request, Response, handler,
    web::{Data, websocket::WebSocket},
};
use std::sync::Arc;

#[handler]
pub async fn conversation_socket(reader: Reader<'_>, socket: WebSocket) -> Result<Response> {
    own_page_connects(reader.request)?;
    let stream = visitor_stream(&reader).await?;
    Ok(ws::accept(reader.app, socket, move |socket| carry(socket, stream)))
}

#[handler]
pub async fn desk_socket(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    request: &Request,
    socket: WebSocket,
) -> Result<Response> {
    own_page_connects(request)?;
    let stream = desk_stream(&app, &limits, me, request)?;
    Ok(ws::accept(&app, socket, move |socket| carry(socket, stream)))
}

/// One way only: pages send by form, over this line nothing is asked of them.
async fn carry<S: Stream<Item = Piece> + Send + 'static>(
    mut socket: Socket,
    stream: OpenStream<S>,
) {
    let OpenStream { pieces, writer, held } = stream;
    tokio::pin!(pieces);
    let why = loop {
        tokio::select! {
            piece = pieces.next() => {
                let Some(piece) = piece else { break Close::Restart };
                let block = String::from_utf8_lossy(&writer.write(&piece)).into_owned();
                if socket.send(block).await.is_err() {
                    return;
                }
                match piece {
                    Piece::Bye => break Close::Unauthenticated,
                    Piece::Reset => break Close::Normal,
                    Piece::End => break Close::Restart,
                    _ => {}
                }
            }
            heard = socket.heard() => match heard {
                Heard::Text(_) => {}
                Heard::Broke(rule) => break rule,
                Heard::Gone => return,
            },
        }
    };
    drop(held);
    socket.close(why).await;
}
