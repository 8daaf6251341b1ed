//! A broker worse than any: it loses, repeats and reorders, and brings some messages seconds late.
use super::line::{Line, State, between, latency};
use bytes::Bytes;
use futures_util::{FutureExt, StreamExt, future::BoxFuture, stream::BoxStream};
use kefu::bus::Broker;
use rand::RngExt;
use std::sync::{Arc, Mutex};
use tokio::{sync::mpsc, time::sleep};
use tokio_util::sync::CancellationToken;

#[derive(Debug, Default)]
pub struct Exchange {
    listening: Mutex<Vec<Arc<Listener>>>,
}

#[derive(Debug)]
struct Listener {
    subject: String,
    line: Arc<Line>,
    messages: mpsc::UnboundedSender<Bytes>,
}

impl Listener {
    fn wants(&self, subject: &str) -> bool {
        match self.subject.strip_suffix('*') {
            Some(before) => subject.starts_with(before),
            None => self.subject == subject,
        }
    }
}

/// A node's client.
#[derive(Debug)]
pub struct Client {
    pub exchange: Arc<Exchange>,
    pub line: Arc<Line>,
}

impl Broker for Client {
    fn is_here(&self) -> bool {
        self.line.state() != State::Cut
    }

    fn publish(&self, subject: String, message: Bytes) -> BoxFuture<'_, bool> {
        if self.line.state() == State::Fine {
            let mut listening = self.exchange.listening.lock().unwrap();
            listening.retain(|listener| !listener.messages.is_closed());
            let others = listening.iter().filter(|listener| {
                listener.wants(&subject) && !Arc::ptr_eq(&listener.line, &self.line)
            });
            others.for_each(|listener| send(listener, &message));
        }
        std::future::ready(self.is_here()).boxed()
    }

    fn listen(&self, subject: String) -> BoxFuture<'_, Option<BoxStream<'static, Bytes>>> {
        let (messages, heard) = mpsc::unbounded_channel();
        let listener = Listener { subject, line: self.line.clone(), messages };
        let (exchange, gone) = (self.exchange.clone(), CancellationToken::new());
        // Listening begins when the broker hears of it.
        let until = gone.clone();
        tokio::spawn(async move {
            sleep(latency()).await;
            if !until.is_cancelled() {
                exchange.listening.lock().unwrap().push(Arc::new(listener));
            }
        });
        let guard = gone.drop_guard();
        let stream = futures_util::stream::unfold((heard, guard), |(mut heard, guard)| async {
            Some((heard.recv().await?, (heard, guard)))
        });
        std::future::ready(Some(stream.boxed())).boxed()
    }
}

fn send(listener: &Arc<Listener>, message: &Bytes) {
    let copies = match rand::rng().random_range(0..20) {
        0 => 0,
        1 => 2,
        _ => 1,
    };
    for _ in 0..copies {
        let late = rand::rng().random_bool(0.02);
        let (listener, message) = (listener.clone(), message.clone());
        tokio::spawn(async move {
            sleep(if late { between(1_000, 4_000) } else { latency() }).await;
            if listener.line.state() == State::Fine {
                let _ = listener.messages.send(message);
            }
        });
    }
}
