//! A whole installation, the people in it, and what they see.
mod cast;
pub mod checker;
pub mod clock;
pub mod cluster;
pub mod container;
pub mod crowd;
pub mod daemon;
pub mod database;
pub mod disk;
pub mod front;
pub mod idle;
pub mod line;
pub mod nats;
pub mod network;
mod page;
pub mod program;
pub mod proxy;
pub mod s3;
mod site;
mod template;

use poem::http::StatusCode;
use std::time::{Duration, Instant};

/// A figure given by hand, as in `KEFU_CUTS=10000 cargo test …`.
pub fn by_hand<T: std::str::FromStr>(name: &str) -> Option<T> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

/// A promise of time: one of three goes keeps it. What is always too slow fails, a machine that stands still for a moment does not.
#[expect(clippy::print_stdout, reason = "what was measured is told")]
pub async fn in_time(most: Duration, what: &str, mut go: impl AsyncFnMut() -> Duration) {
    let mut took = Vec::new();
    while took.len() < 3 {
        let time = go().await;
        println!("{what}: {time:?}");
        if time < most {
            return;
        }
        took.push(time);
    }
    panic!("{what}, never within {most:?}: {took:?}");
}

/// Sends until it is let in, as whoever is told to come back under load does; under one nonce, so nothing is done twice.
pub async fn insist<F: Future<Output = Answer>>(mut send: impl FnMut() -> F) -> Answer {
    let began = Instant::now();
    loop {
        let answer = send().await;
        if answer.status != StatusCode::SERVICE_UNAVAILABLE || began.elapsed() > PATIENCE {
            return answer;
        }
    }
}

/// How long anything is waited for that has no time of its own: less than the 15 s after which a node looks by itself for what
/// news should have told it.
pub const PATIENCE: Duration = Duration::from_secs(14);

pub use cast::{Agent, Person, Visitor};
pub use page::{Answer, Event, Stream};
pub use site::{
    Installation, Node, hasty_installation, installation, installation_with_bucket,
    limited_installation,
};
pub use template::own_database;
