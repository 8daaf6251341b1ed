//! T10: short histories of three nodes, each played from a seed: kefu's own writer, hub, bridge, healing and streams over a
//! simulated database and broker, while nodes are killed and lines are silent or cut. turmoil steps the nodes, and all chance
//! and all clocks are the simulation's (mad-turmoil), so that the same seed is the same history, to the last statement. For
//! that each is played in a process of its own.
//!
//! `KEFU_SEED=4711 cargo test --test simulation` plays and prints one; `tests/run --long T10` plays many.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]
mod broker;
#[path = "../it/support/checker.rs"]
mod checker;
mod database;
mod line;
mod people;
mod template;
mod troubles;
mod world;

use checker::the_checker_sees_what_is_planted;
use libtest_mimic::{Arguments, Trial};
use mad_turmoil::time::SimClocksGuard;
use rand::{SeedableRng, rngs::StdRng};
use std::{
    collections::BTreeSet,
    process::{Command, Output},
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
    thread,
};
use template::Template;

/// A figure given by hand.
fn by_hand(name: &str) -> Option<u64> {
    let text = std::env::var(name).ok()?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is no number")))
}

fn main() {
    if let Some(seed) = by_hand("KEFU_SEED") {
        return play(seed, std::env::var_os("KEFU_UNHEALED").is_none());
    }
    let tests: [(&str, fn()); 3] = [
        ("every_history_could_have_happened_to_one_log", every_history),
        ("the_same_seed_is_the_same_history", same_seed),
        ("what_is_lost_is_seen", without_healing),
    ];
    let trials = tests.map(|(name, test)| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
    });
    libtest_mimic::run(&Arguments::from_args(), trials.into()).exit();
}

fn play(seed: u64, healing: bool) {
    mad_turmoil::rand::set_rng(StdRng::seed_from_u64(0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let template = runtime.block_on(Template::make());
    drop(runtime);
    // A thread's generators and maps begin with what they are given now.
    *mad_turmoil::rand::get_rng() = StdRng::seed_from_u64(seed);
    let playing = thread::spawn(move || {
        let _clocks = SimClocksGuard::init();
        world::play(template, healing)
    });
    let (history, found) = playing.join().unwrap();
    assert_eq!(found, BTreeSet::new());
    the_checker_sees_what_is_planted(&history);
}

/// Plays a seed in a process of its own.
fn played(seed: u64, healing: bool) -> Output {
    let mut playing = Command::new(std::env::current_exe().unwrap());
    playing.env("KEFU_SEED", seed.to_string());
    if !healing {
        playing.env("KEFU_UNHEALED", "1");
    }
    playing.output().unwrap()
}

#[expect(clippy::print_stdout, reason = "the figures of a test")]
fn every_history() {
    let seeds = by_hand("KEFU_SEEDS").unwrap_or(200);
    let (next, moments) = (AtomicU64::new(1), AtomicUsize::new(0));
    let play_some = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed > seeds {
                return;
            }
            let history = played(seed, true);
            let printed = String::from_utf8_lossy(&history.stdout);
            let why = String::from_utf8_lossy(&history.stderr);
            assert!(history.status.success(), "KEFU_SEED={seed}\n{printed}\n{why}");
            moments.fetch_add(printed.lines().count(), Ordering::Relaxed);
        }
    };
    thread::scope(|scope| {
        let players = thread::available_parallelism().map_or(1, usize::from);
        for player in (0..players).map(|_| scope.spawn(play_some)).collect::<Vec<_>>() {
            player.join().unwrap();
        }
    });
    println!("T10: {seeds} histories of {} moments, violations: none", moments.into_inner());
}

fn same_seed() {
    let said = |seed| String::from_utf8(played(seed, true).stdout).unwrap();
    for seed in 1..=3 {
        assert_eq!(said(seed), said(seed), "seed {seed}");
    }
    assert_ne!(said(1), said(2));
}

/// The control: without the look for what was missed, somebody misses something.
fn without_healing() {
    let misses = |seed| {
        let history = played(seed, false);
        let printed = String::from_utf8_lossy(&history.stdout).into_owned();
        !history.status.success() && printed.contains("somebody has not seen everything")
    };
    assert!((1..=20).any(misses));
}
