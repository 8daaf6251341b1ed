//! How much and how fast. Sizes are caps; rates are token buckets in this node's memory, on a monotonic clock.
use crate::{
    app::App,
    clock::Monotonic,
    error::{Error, Invalid, Result},
};
use bytes::Bytes;
use governor::{Quota, RateLimiter, clock::Clock, state::keyed::DashMapStateStore};
use percent_encoding::percent_decode;
use poem::{Endpoint, Request, http::Method};
use std::{
    collections::HashMap,
    hash::Hash,
    net::IpAddr,
    num::NonZeroU32,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

/// The most a request's body may hold, in bytes. Files have a way of their own, see [`brings_files`].
pub const BODY: usize = 64 * 1024;
/// The longest a client may take to send it.
pub const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// The longest that files may be on their way: 200 MB at 5 Mbit/s.
pub const UPLOAD: Duration = Duration::from_secs(320);
/// How the addresses that files are sent to end, and no others.
pub const FILES: &str = "/files";
/// How the addresses of messages end, whose forms bring files where no script did before.
const MESSAGES: &str = "/messages";
/// How the addresses of streams end, and no others.
const STREAM: [&str; 3] = ["/events", "/ws", "/live"];

type Buckets<K> = RateLimiter<K, DashMapStateStore<K>, Monotonic>;

impl Clock for Monotonic {
    type Instant = Instant;

    fn now(&self) -> Instant {
        self.instant()
    }
}

/// The rates of one node. What a person does is counted by who they are once that is known, by address before.
#[derive(Debug)]
pub struct Limits {
    enforced: bool,
    /// Open streams of one visitor, or of one session of an agent.
    streams_each: usize,
    messages: Buckets<String>,
    acts: Buckets<String>,
    signs: Buckets<String>,
    uploads: Buckets<String>,
    starts: Buckets<IpAddr>,
    starts_of: Buckets<String>,
    sign_ins: Buckets<IpAddr>,
    sign_ins_to: Buckets<String>,
    refusals: Buckets<IpAddr>,
    refusals_in_all: Buckets<()>,
    streams: Arc<Mutex<HashMap<String, usize>>>,
}

impl Limits {
    pub fn new(enforced: bool, streams_each: u32, clock: &Monotonic) -> Self {
        Self {
            enforced,
            streams_each: usize::try_from(streams_each).unwrap_or(usize::MAX),
            messages: buckets(Quota::per_minute(count(20)), clock),
            acts: buckets(Quota::per_minute(count(240)), clock),
            signs: buckets(Quota::per_minute(count(30)), clock),
            uploads: buckets(Quota::per_minute(count(10)), clock),
            starts: buckets(Quota::per_hour(count(60)), clock),
            starts_of: buckets(Quota::per_hour(count(5)), clock),
            sign_ins: buckets(Quota::per_minute(count(20)), clock),
            sign_ins_to: buckets(Quota::per_minute(count(5)), clock),
            refusals: buckets(Quota::per_hour(count(20)), clock),
            refusals_in_all: buckets(Quota::per_hour(count(120)), clock),
            streams: Arc::default(),
        }
    }

    /// A message of somebody known.
    pub fn message(&self, who: &str) -> Result<()> {
        self.take(&self.messages, &who.to_owned())
    }

    /// Anything else that somebody known changes: what was read, who takes a conversation, a setting.
    pub fn act(&self, who: &str) -> Result<()> {
        self.take(&self.acts, &who.to_owned())
    }

    /// Whether one more sign of typing is passed on. It is sent every 3 s at most; half of that is let through, in bursts
    /// for whoever writes in several conversations. Holds even where rates are off.
    pub fn may_type(&self, who: &str) -> bool {
        self.signs.check_key(&who.to_owned()).is_ok()
    }

    /// A file of somebody known.
    pub fn upload(&self, who: &str) -> Result<()> {
        self.take(&self.uploads, &who.to_owned())
    }

    /// A new conversation: of a visitor, or of somebody not known yet.
    pub fn start(&self, address: IpAddr, visitor: Option<&str>) -> Result<()> {
        if let Some(visitor) = visitor {
            self.take(&self.starts_of, &visitor.to_owned())?;
        }
        self.take(&self.starts, &address)
    }

    /// A try to sign in, whether it succeeds or not.
    pub fn sign_in(&self, address: IpAddr, account: &str) -> Result<()> {
        self.take(&self.sign_ins, &address)?;
        self.take(&self.sign_ins_to, &account.to_owned())
    }

    /// Whether one more refused try to sign in is written down: a million guesses shall not fill the database, nor one address keep
    /// those of others out of the audit log. It knows nothing of accounts. Holds even where rates are off.
    pub fn may_note_refusal(&self, address: IpAddr) -> bool {
        self.refusals.check_key(&address).is_ok() && self.refusals_in_all.check_key(&()).is_ok()
    }

    /// A place for one more stream, given back when it is dropped. Holds even where rates are off.
    pub fn stream(&self, who: String) -> Result<StreamPlace> {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        let open = streams.entry(who.clone()).or_default();
        if *open >= self.streams_each {
            return Err(Error::RateLimited { retry_after: Duration::from_secs(30) });
        }
        *open += 1;
        Ok(StreamPlace { who, streams: self.streams.clone() })
    }

    /// Forgets whoever has been quiet long enough to have a full bucket.
    pub fn forget_the_quiet(&self) {
        self.messages.retain_recent();
        self.acts.retain_recent();
        self.signs.retain_recent();
        self.uploads.retain_recent();
        self.starts.retain_recent();
        self.starts_of.retain_recent();
        self.sign_ins.retain_recent();
        self.sign_ins_to.retain_recent();
        self.refusals.retain_recent();
        self.refusals_in_all.retain_recent();
    }

    fn take<K: Hash + Eq + Clone>(&self, buckets: &Buckets<K>, key: &K) -> Result<()> {
        if !self.enforced {
            return Ok(());
        }
        buckets.check_key(key).map_err(|wait| Error::RateLimited {
            retry_after: wait.wait_time_from(buckets.clock().now()),
        })
    }
}

#[derive(Debug)]
pub struct StreamPlace {
    who: String,
    streams: Arc<Mutex<HashMap<String, usize>>>,
}

impl Drop for StreamPlace {
    fn drop(&mut self) {
        let mut streams = self.streams.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(open) = streams.get_mut(&self.who) {
            *open -= 1;
            if *open == 0 {
                streams.remove(&self.who);
            }
        }
    }
}

/// Lets streams in a few at a time, before anything is asked about them. A late answer brings a reader in, a refusal would be the
/// last that a browser hears: it takes up no stream again that was answered anything but a stream.
pub async fn in_turn<E: Endpoint>(endpoint: Arc<E>, request: Request) -> poem::Result<E::Output> {
    let path = request.uri().path();
    let streams = request.data::<App>().filter(|_| STREAM.iter().any(|end| path.ends_with(end)));
    let _turn = match streams.map(|app| app.streams.clone()) {
        Some(streams) => Some(streams.turn().await),
        None => None,
    };
    endpoint.call(request).await
}

/// Whether a request brings files, alone or with a message: whoever answers it reads its body, piece by piece and within limits
/// of its own.
pub fn brings_files(request: &Request) -> bool {
    let path = request.uri().path();
    request.method() == Method::POST
        && (path.ends_with(FILES) || path.ends_with(MESSAGES) && in_parts(request))
}

/// Whether the body of a request is a form in parts, whose last border says that it arrived whole.
pub fn in_parts(request: &Request) -> bool {
    request.content_type().is_some_and(|kind| kind.starts_with("multipart/"))
}

/// Reads a request's whole body within the limits, and puts it back.
pub async fn read_body(request: &mut Request) -> Result<Bytes> {
    if request
        .header("content-length")
        .and_then(|length| length.parse().ok())
        .is_some_and(|length: usize| length > BODY)
    {
        return Err(Error::TooLarge);
    }
    let reading = request.take_body().into_bytes_limit(BODY);
    let body = match tokio::time::timeout(BODY_DEADLINE, reading).await {
        Ok(Ok(body)) => body,
        Ok(Err(poem::error::ReadBodyError::PayloadTooLarge)) => return Err(Error::TooLarge),
        Ok(Err(_)) | Err(_) => return Err(Invalid { field: "form", reason: "invalid-form" }.into()),
    };
    // The decoder below us would replace bad bytes; a person's words are not changed behind their back.
    let form = request.header("content-type").is_none_or(|kind| kind.contains("urlencoded"));
    if form && std::str::from_utf8(&percent_decode(&body).collect::<Vec<_>>()).is_err() {
        return Err(Invalid { field: "body", reason: "invalid-utf8" }.into());
    }
    request.set_body(body.clone());
    Ok(body)
}

fn buckets<K: Hash + Eq + Clone>(quota: Quota, clock: &Monotonic) -> Buckets<K> {
    RateLimiter::new(quota, DashMapStateStore::default(), clock.clone())
}

fn count(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn five_tries_an_account_then_a_wait_and_nobody_else_waits() {
        let limits = Limits::new(true, 1, &Monotonic::default());
        let here = |n: u8| IpAddr::from([192, 0, 2, n]);
        for n in 0..5 {
            limits.sign_in(here(n), "ana@a.example").unwrap();
        }
        assert!(matches!(limits.sign_in(here(9), "ana@a.example"), Err(Error::RateLimited { .. })));
        limits.sign_in(here(9), "ben@a.example").unwrap();
        Limits::new(false, 1, &Monotonic::default()).sign_in(here(1), "x").unwrap();
    }

    #[test]
    fn a_million_guesses_are_a_hundred_rows_and_one_address_leaves_room_for_another() {
        let clock = Monotonic::default();
        clock.stop();
        let limits = Limits::new(false, 1, &clock);
        let here = |n: u32| IpAddr::from(n.to_be_bytes());
        let noted = |n| (0..100).filter(|_| limits.may_note_refusal(here(n))).count();
        assert_eq!((noted(1), noted(2)), (20, 20));
        assert_eq!((3..10_000).map(noted).sum::<usize>(), 80);
    }

    #[test]
    fn a_place_for_a_stream_comes_back_even_where_rates_are_off() {
        let limits = Limits::new(false, 3, &Monotonic::default());
        let mut places: Vec<_> = (0..3).map(|_| limits.stream("vera".into()).unwrap()).collect();
        assert!(limits.stream("vera".into()).is_err());
        limits.stream("walt".into()).unwrap();
        places.pop();
        limits.stream("vera".into()).unwrap();
    }
}
