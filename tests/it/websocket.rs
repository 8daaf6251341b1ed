//! The WebSocket under our sockets, by the Autobahn|Testsuite (T25): our accept loop, Poem's upgrade, our sizes.
use crate::support::installation;
use futures_util::{SinkExt, StreamExt};
use kefu::web::{serve, ws};
use poem::{
    IntoResponse, Route, get, handler,
    web::websocket::{Message, WebSocket, WebSocketConfig},
};
use tokio::{net::TcpListener, process::Command};

#[handler]
fn echo(socket: WebSocket) -> impl IntoResponse {
    let config = WebSocketConfig::default()
        .read_buffer_size(4 * 1024)
        .write_buffer_size(0)
        .max_message_size(Some(ws::LONGEST))
        .max_frame_size(Some(ws::LONGEST));
    socket.config(config).on_upgrade(|mut socket| async move {
        while let Some(Ok(message)) = socket.next().await {
            if matches!(message, Message::Text(_) | Message::Binary(_)) {
                let _ = socket.send(message).await;
            }
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_socket_conforms_to_its_standard() {
    let site = installation().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/echo", listener.local_addr().unwrap());
    let app = site.app.clone();
    tokio::spawn(
        async move { serve::serve(&app, listener, Route::new().at("/echo", get(echo))).await },
    );
    let cache = concat!(env!("CARGO_MANIFEST_DIR"), "/target");
    let output = Command::new("tests/autobahn/run").args([&url, cache]).output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    println!("{said}");
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
}
