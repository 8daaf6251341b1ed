//! A wall clock that jumps under a server, by Debian's faketime. What goes by a monotonic clock goes on as ever, as where
//! somebody sets a machine's clock.
use super::cluster::post;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::net::SocketAddr;
use tempfile::TempDir;

pub struct WallClock {
    folder: TempDir,
}

impl WallClock {
    pub fn right() -> Self {
        let clock = Self { folder: tempfile::tempdir().unwrap() };
        clock.set("+0");
        clock
    }

    /// What runs a server by this clock.
    pub fn under(&self) -> Vec<String> {
        vec![
            "env".into(),
            // The loader knows what $LIB is on this machine.
            "LD_PRELOAD=/usr/$LIB/faketime/libfaketimeMT.so.1".into(),
            format!("FAKETIME_TIMESTAMP_FILE={}", self.folder.path().join("now").display()),
            "FAKETIME_NO_CACHE=1".into(),
            // A time that is named is one of this zone.
            "TZ=UTC".into(),
            "FAKETIME_DONT_FAKE_MONOTONIC=1".into(),
        ]
    }

    /// So far from the right time.
    pub fn jump(&self, by: SignedDuration) {
        self.set(&format!("{:+}", by.as_secs()));
    }

    /// It stands still.
    pub fn stop(&self) {
        self.set(&Timestamp::now().strftime("%Y-%m-%d %H:%M:%S").to_string());
    }

    fn set(&self, to: &str) {
        let next = self.folder.path().join("next");
        std::fs::write(&next, to).unwrap();
        std::fs::rename(next, self.folder.path().join("now")).unwrap();
    }
}

/// How far a server's clock is from the right time.
pub async fn error_of(server: SocketAddr) -> SignedDuration {
    // The token of a visitor who has not spoken ends 180 days from now.
    let site = json!({ "site": "demo" });
    let answer = post(server, "/api/v1/visitor/sessions", "", &site).await.expect("an answer");
    let ends: Timestamp = answer.1["expires_at"].as_str().unwrap().parse().unwrap();
    ends.duration_since(Timestamp::now()) - SignedDuration::from_hours(180 * 24)
}
