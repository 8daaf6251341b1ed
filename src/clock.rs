//! What time it is. Rules take the time as an argument; only machines and actions ask here.
use jiff::{SignedDuration, Timestamp};
use std::{
    sync::{
        Arc, OnceLock,
        atomic::{AtomicI64, Ordering},
    },
    time::Instant,
};

/// The wall clock, at the precision every database keeps: microseconds. Tests may move it.
#[derive(Clone, Debug, Default)]
pub struct Clock {
    ahead: Arc<AtomicI64>,
    pub monotonic: Monotonic,
}

impl Clock {
    pub fn now(&self) -> Timestamp {
        let now = Timestamp::now().as_microsecond() + self.ahead.load(Ordering::Relaxed);
        Timestamp::from_microsecond(now).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Moves this clock, for tests of what only time brings.
    pub fn turn(&self, by: SignedDuration) {
        self.ahead.fetch_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX), Ordering::Relaxed);
    }
}

/// Time that only goes on, for rates. Tests may stop it.
#[derive(Clone, Debug, Default)]
pub struct Monotonic(Arc<OnceLock<Instant>>);

impl Monotonic {
    pub fn stop(&self) {
        self.0.get_or_init(Instant::now);
    }

    pub fn instant(&self) -> Instant {
        self.0.get().copied().unwrap_or_else(Instant::now)
    }
}
