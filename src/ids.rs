//! Names of things. Numbers are for the inside and for agents; what a visitor may hold is random or chosen by a client.
use crate::error::Invalid;
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD as BASE64};
use rand::RngExt;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, str::FromStr};

macro_rules! numbers { ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
    $(#[$doc])*
    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
    #[serde(transparent)]
    pub struct $name(pub i64);
    impl fmt::Display for $name {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
    }
    impl FromStr for $name {
        type Err = std::num::ParseIntError;
        fn from_str(text: &str) -> Result<Self, Self::Err> { text.parse().map(Self) }
    }
)* } }

numbers! {
    /// The number agents see: `#4821`.
    ConversationId,
    SiteId,
    ContactId,
    AgentId,
    TagId,
    TeamId,
    CannedReplyId,
}

/// `count` random bytes from the system's generator.
pub fn random<const COUNT: usize>() -> [u8; COUNT] {
    rand::rng().random()
}

/// How bytes look in an address, a form or a cookie: base64url without padding.
pub fn encode(bytes: &[u8]) -> String {
    BASE64.encode(bytes)
}

/// The reverse of [`encode`]; `None` for anything it cannot have made.
pub fn decode(text: &str) -> Option<Vec<u8>> {
    BASE64.decode(text).ok()
}

/// A process that serves the database, from its start to its end: 32 random bits in hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeId(String);

impl NodeId {
    pub fn new() -> Self {
        Self(random::<4>().map(|byte| format!("{byte:02x}")).concat())
    }
    /// As another node wrote it.
    pub fn stored(text: String) -> Self {
        Self(text)
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for NodeId {
    fn default() -> Self {
        Self::new()
    }
}

macro_rules! public_ids { ($($(#[$doc:meta])* $name:ident),* $(,)?) => { $(
    $(#[$doc])*
    #[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
    #[serde(transparent)]
    pub struct $name(String);
    impl $name {
        pub fn new() -> Self {
            Self(encode(&random::<16>()))
        }
        /// Garbage names nothing, so the caller answers "not found" as for an unknown one.
        pub fn parse(text: &str) -> Option<Self> {
            (text.len() == 22 && text.bytes().all(is_word)).then(|| Self(text.to_owned()))
        }
        pub fn as_str(&self) -> &str {
            &self.0
        }
    }
    impl Default for $name {
        fn default() -> Self { Self::new() }
    }
    impl fmt::Display for $name {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str(&self.0) }
    }
)* } }

public_ids! {
    /// What a visitor knows a conversation by (`cid`): 128 random bits as 22 base64url characters.
    PublicId,
    /// What a file is called in addresses, formed likewise.
    FileId,
}

/// What makes a send repeatable: 1–64 of `A-Z a-z 0-9 - _`, chosen by the client, unique per conversation and author.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Nonce(String);

impl Nonce {
    pub fn new() -> Self {
        Self(encode(&random::<16>()))
    }
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        if (1..=64).contains(&text.len()) && text.bytes().all(is_word) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid { field: "nonce", reason: "invalid-nonce" })
        }
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
    /// That of another deed by the same form, as new as this one.
    pub fn of(&self, deed: &str) -> Self {
        Self(encode(&Sha256::digest(format!("{self} {deed}"))[..16]))
    }
}

impl Default for Nonce {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Display for Nonce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What a site is called in its address, `/w/{key}`: 1–32 of `A-Z a-z 0-9 -`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct SiteKey(String);

impl SiteKey {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b == b'-';
        if (1..=32).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid { field: "key", reason: "invalid-site-key" })
        }
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for SiteKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// `{epoch}:{seq}`, or a bare `seq`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor {
    pub epoch: Option<String>,
    pub seq: i64,
}

impl Cursor {
    /// `None` for garbage, which is answered like a cursor of another epoch: with a reset.
    pub fn parse(text: &str) -> Option<Self> {
        let (epoch, seq) = match text.split_once(':') {
            Some((epoch, seq)) => (Some(epoch.to_owned()), seq),
            None => (None, text),
        };
        let seq: i64 = seq.parse().ok()?;
        (seq >= 0).then_some(Self { epoch, seq })
    }

    /// Where to go on, if the log we have is the one the cursor speaks of.
    pub fn resume(&self, epoch: &str, last_seq: i64) -> Option<i64> {
        let same_log = self.epoch.as_deref().is_none_or(|theirs| theirs == epoch);
        (same_log && self.seq <= last_seq).then_some(self.seq)
    }
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_public_id_survives_its_own_parser_and_garbage_does_not() {
        let id = PublicId::new();
        assert_eq!(PublicId::parse(id.as_str()), Some(id));
        for garbage in [
            "",
            "short",
            "0123456789012345678901234",
            "012345678901234567890é",
            "'; drop table x; --00",
        ] {
            assert_eq!(PublicId::parse(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn a_nonce_is_1_to_64_word_characters() {
        assert!(Nonce::parse(Nonce::new().as_str()).is_ok());
        assert!(Nonce::parse(&"a".repeat(64)).is_ok());
        for bad in ["", "a b", "é", "a\n", &"a".repeat(65)] {
            assert!(Nonce::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_cursor_is_a_number_perhaps_of_an_epoch() {
        let cursor = |text: &str| Cursor::parse(text).map(|cursor| (cursor.epoch, cursor.seq));
        assert_eq!(cursor("7"), Some((None, 7)));
        assert_eq!(cursor("k3:7"), Some((Some("k3".into()), 7)));
        for garbage in ["", "x", "-1", "k3:", "k3:7:8", "9223372036854775808", "7 ", "٧"] {
            assert_eq!(cursor(garbage), None, "{garbage}");
        }
    }

    #[test]
    fn a_cursor_of_another_epoch_or_from_the_future_is_not_continued() {
        let resume = |text: &str| Cursor::parse(text).and_then(|cursor| cursor.resume("now", 10));
        assert_eq!(resume("now:10"), Some(10));
        assert_eq!(resume("3"), Some(3));
        assert_eq!(resume("then:3"), None);
        assert_eq!(resume("now:11"), None);
    }

    proptest! {
        #[test]
        fn no_text_breaks_the_cursor(text in "\\PC{0,40}") {
            if let Some(cursor) = Cursor::parse(&text) {
                prop_assert!(cursor.seq >= 0);
            }
        }

        #[test]
        fn what_we_print_we_read(epoch in "[a-z0-9]{1,8}", seq in 0..i64::MAX) {
            let cursor = Cursor::parse(&format!("{epoch}:{seq}"));
            prop_assert_eq!(cursor, Some(Cursor { epoch: Some(epoch), seq }));
        }
    }
}
