//! A crowd writes and reads while something is killed, paused or cut off again and again (T02–T05), or while people only come
//! and go (T14, T23); then the checker of `history` says whether what everybody was told can have happened to one log. A few
//! rounds on each change, more by hand: `tests/run --long T02`.
mod calls;
mod clock;
mod database;
mod files;
mod links;
mod nodes;
mod server;
mod soak;
mod storm;

use crate::support::{
    by_hand,
    checker::{History, Send, Violation, check, the_checker_sees_what_is_planted},
    clock::{WallClock, error_of},
    cluster::{Server, ask, exchange, get, post, secret, told},
    crowd::{self, Crowd, Report},
    database::{DatabaseServer, Engine},
    disk::SmallDisk,
    front::Front,
    idle,
    nats::Nats,
    network::{End, Network},
    own_database, proxy,
};
use futures_util::future::join_all;
use jiff::SignedDuration;
use kefu::ids::Nonce;
use rand::RngExt;
use sea_orm::{ConnectionTrait, Database, Statement};
use serde_json::{Value, json};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::{Ipv4Addr, SocketAddr},
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// How often something is done: by hand as often as KEFU_ROUNDS says.
fn rounds(usually: usize) -> usize {
    by_hand("KEFU_ROUNDS").unwrap_or(usually)
}

fn between(least: u64, most: u64) -> Duration {
    Duration::from_millis(rand::rng().random_range(least..most))
}

/// Prints the figures, and fails if anything was lost, doubled, out of order or made up.
#[expect(clippy::print_stdout, reason = "the figures of a test")]
fn judge(what: &str, report: &Report) {
    let History { sends, stored, seen } = &report.history;
    let entries: usize = stored.values().map(Vec::len).sum();
    let found = check(&report.history);
    println!(
        "{what}: {} sends acknowledged, {} attempts without an answer, {entries} stored, {} readers saw {}; a send took {:?} (half), {:?} (99 %), {:?} (all); the longest silence {:?}; violations: {found:?}",
        sends.len(),
        report.pace.unknown,
        seen.len(),
        seen.iter().map(|(_, seen)| seen.len()).sum::<usize>(),
        report.pace.within(0.5),
        report.pace.within(0.99),
        report.pace.within(1.0),
        report.pace.silence,
    );
    assert_eq!(found, BTreeSet::new());
    assert_eq!(entries, sends.len(), "what was never acknowledged was repeated until it was");
    the_checker_sees_what_is_planted(&report.history);
}

/// A broken machine is answered for in words: nothing panicked, nothing was refused for a reason that nobody thought of.
fn assert_no_surprise(server: &Server) {
    let log = server.log();
    let strange = |line: &&str| line.contains("panicked") || line.contains("internal error");
    assert_eq!(log.lines().find(strange), None);
}

/// Equal nodes and where they listen; started all at once: one migrates, the others wait.
async fn three_nodes(database: &str, more: &[&str]) -> (Vec<Server>, Vec<SocketAddr>) {
    let secret = secret();
    let nodes = join_all((0..3).map(|_| Server::start(Some(database), &secret, more))).await;
    let addresses = nodes.iter().map(|node| node.address).collect();
    (nodes, addresses)
}

/// Runs a command of the binary; whether it should be content.
async fn kefu(args: &[&str], content: bool) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_kefu"))
        .args(args)
        .env("KEFU_DATA_DIR", folder.path())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), content, "{args:?}: {said}");
    said
}

/// The control: what the server acknowledged and then lost in a crash is seen by the checker.
fn a_loss_is_seen(history: &History, lost: &Send) -> bool {
    let mut broken = history.clone();
    let entries = broken.stored.get_mut(&lost.conversation).unwrap();
    entries.retain(|(_, nonce)| *nonce != lost.nonce);
    check(&broken).contains(&Violation::Lost)
}
