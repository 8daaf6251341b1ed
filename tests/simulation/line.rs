//! Lines between machines: they take their time, and now and then they are silent or cut.
use rand::RngExt;
use std::time::Duration;
use tokio::{sync::watch, time::sleep};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    #[default]
    Fine,
    /// Whatever is sent stays on the way until the line is fine again; nobody is told.
    Silent,
    /// Both ends know.
    Cut,
}

#[derive(Debug, Default)]
pub struct Line(watch::Sender<State>);

impl Line {
    pub fn set(&self, state: State) {
        self.0.send_replace(state);
    }

    pub fn state(&self) -> State {
        *self.0.borrow()
    }

    /// Carries something from one end to the other; false if it is lost on the way.
    pub async fn carry(&self) -> bool {
        sleep(latency()).await;
        let mut state = self.0.subscribe();
        let arrived = state.wait_for(|state| *state != State::Silent).await;
        arrived.is_ok_and(|state| *state == State::Fine)
    }
}

/// Mostly a millisecond or two, seldom a tenth of a second.
pub fn latency() -> Duration {
    between(0, if rand::rng().random_bool(0.02) { 100 } else { 3 })
}

/// So many milliseconds.
pub fn between(least: u64, most: u64) -> Duration {
    Duration::from_micros(rand::rng().random_range(least * 1_000..most * 1_000))
}
