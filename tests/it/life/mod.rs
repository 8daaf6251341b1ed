//! The life of a conversation, by colleagues at once (T12). Short scripts are played on a real installation, and whatever was
//! answered and written must be what a small model of it all could have come to, in some order.
//!
//! Another seed each time, which is printed: `KEFU_SEED=4711 KEFU_CASES=1 cargo test --test it life::` plays a script again, though
//! who is first may differ; `KEFU_CASES=5000` plays many. They are played on two installations at once, one after the other on each,
//! so that what thousands of scripts leave behind is there, too.
mod checker;
mod model;
mod moments;
mod script;
mod seen;
mod stage;

use crate::support::by_hand;
use checker::explain;
use model::{Refusal, Shop, What};
use moments::{Outcome, Seen, play};
use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use script::{Act, Deed, Send, Step, TALKS, numbered, scripts};
use stage::Stage;
use std::{
    cell::{Cell, RefCell},
    collections::HashSet,
    ops::AddAssign,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};
use tokio::runtime::Runtime;

/// Installations on which scripts are played at the same time.
const STAGES: usize = 2;
/// How often a script that failed, or one shorter than it, is tried: it may be a matter of who is first.
const TRIES: usize = 4;

#[derive(Clone, Copy, Debug, Default)]
struct Figures {
    scripts: usize,
    steps: usize,
    sends: usize,
    refused: usize,
    lines: usize,
    /// Of all stages together: to send and read, to look at what is shown, and to explain it.
    sending: Duration,
    looking: Duration,
    explaining: Duration,
}

impl AddAssign for Figures {
    fn add_assign(&mut self, more: Self) {
        self.scripts += more.scripts;
        self.steps += more.steps;
        self.sends += more.sends;
        self.refused += more.refused;
        self.lines += more.lines;
        self.sending += more.sending;
        self.looking += more.looking;
        self.explaining += more.explaining;
    }
}

/// Whose pages are looked at where a script ends: somebody's, or, once something was wrong, everybody's.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Look {
    Somebody,
    Everybody,
}

fn runner(seed: u64) -> TestRunner {
    let config = Config {
        cases: 1,
        failure_persistence: None,
        max_shrink_iters: 400,
        max_shrink_time: 60_000,
        ..Config::default()
    };
    let mut bytes = [0; 32];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &bytes))
}

async fn live(stage: &mut Stage, script: &[Step], look: Look) -> Result<Figures, String> {
    let began = Instant::now();
    let mut cast = stage.begin().await;
    let mut known = HashSet::from([Shop::open(TALKS)]);
    let mut figures = Figures { scripts: 1, sending: began.elapsed(), ..Figures::default() };
    for (turn, step) in numbered(script).into_iter().enumerate() {
        let sends = match step {
            Ok(sends) => sends,
            Err(who) => {
                if known.iter().any(|shop| !shop.staff[who].enabled) {
                    cast.comes_back(who, stage.enable(who).await);
                }
                known = known.into_iter().map(|shop| shop.with(who)).collect();
                continue;
            }
        };
        let before = known.iter().next().expect("something is so").talks.clone();
        let began = Instant::now();
        let seen = cast.play(&sends, &before).await?;
        let sent = Instant::now();
        let after = explain(&known, &sends, &seen);
        let explained = Instant::now();
        let Some(shop) = after.iter().next() else {
            return Err(format!("{sends:#?}\ncannot lead from\n{known:#?}\nto\n{seen:#?}"));
        };
        cast.must_show(shop, turn % model::PEOPLE.len(), turn).await?;
        figures += Figures {
            steps: 1,
            sends: sends.len(),
            refused: seen.answers.iter().filter(|one| matches!(one, Outcome::Refused(_))).count(),
            lines: seen.added.iter().map(Vec::len).sum(),
            sending: sent - began,
            looking: explained.elapsed(),
            explaining: explained - sent,
            ..Figures::default()
        };
        known = after;
    }
    let (shop, began) = (known.iter().next().expect("something is so"), Instant::now());
    for who in 0..model::PEOPLE.len() {
        cast.must_count(shop, who).await?;
        if look == Look::Everybody || figures.sends % model::PEOPLE.len() == who {
            cast.must_show_pages(shop, who).await?;
        }
    }
    figures.looking += began.elapsed();
    Ok(figures)
}

#[test]
fn whatever_colleagues_do_at_once_could_have_been_done_one_after_the_other() {
    let first: u64 = by_hand("KEFU_SEED").unwrap_or_else(rand::random);
    let cases: u64 = by_hand("KEFU_CASES").unwrap_or(40);
    let (runtime, failed, began) = (Runtime::new().unwrap(), AtomicBool::default(), Instant::now());
    println!("KEFU_SEED={first} KEFU_CASES={cases}");
    let figures = thread::scope(|threads| {
        let stages: Vec<_> = (0..STAGES as u64)
            .map(|stage| {
                let seeds = (stage..cases).step_by(STAGES).map(|case| first.wrapping_add(case));
                let (runtime, failed) = (&runtime, &failed);
                threads.spawn(move || play_all(runtime, seeds, failed))
            })
            .collect();
        let mut all = Figures::default();
        for stage in stages {
            match stage.join() {
                Ok(figures) => all += figures,
                Err(why) => std::panic::resume_unwind(why),
            }
        }
        all
    });
    assert_eq!(figures.scripts as u64, cases);
    println!("{figures:?} in {:?}", began.elapsed());
}

/// Scripts from these seeds, one after the other, until one fails here or elsewhere.
fn play_all(runtime: &Runtime, seeds: impl Iterator<Item = u64>, failed: &AtomicBool) -> Figures {
    let mut seeds = seeds.take_while(|_| !failed.load(Ordering::Relaxed)).peekable();
    if seeds.peek().is_none() {
        return Figures::default();
    }
    let stage = RefCell::new(runtime.block_on(Stage::open()));
    let figures = Cell::new(Figures::default());
    for seed in seeds {
        let tries = Cell::new(1);
        let outcome = runner(seed).run(&scripts(), |script| {
            let look = if tries.get() == 1 { Look::Somebody } else { Look::Everybody };
            for _ in 0..tries.get() {
                match runtime.block_on(live(&mut stage.borrow_mut(), &script, look)) {
                    Ok(more) => {
                        let mut all = figures.get();
                        all += more;
                        figures.set(all);
                    }
                    Err(why) => {
                        tries.set(TRIES);
                        return Err(TestCaseError::fail(why));
                    }
                }
            }
            Ok(())
        });
        if let Err(why) = outcome {
            failed.store(true, Ordering::Relaxed);
            panic!("KEFU_SEED={seed} KEFU_CASES=1: {why}");
        }
    }
    figures.get()
}

/// Everything that must not be taken for what happened; how many such.
fn what_did_not_happen(seen: &Seen) -> Vec<(&'static str, Seen)> {
    let mut wrong = Vec::new();
    let mut plant = |what, change: &dyn Fn(&mut Seen) -> bool| {
        let mut planted = seen.clone();
        if change(&mut planted) {
            wrong.push((what, planted));
        }
    };
    plant("two winners", &|seen| {
        let taken = |one: &&mut Outcome| matches!(one, Outcome::Refused(Refusal::Taken(_)));
        seen.answers.iter_mut().find(taken).map(|one| *one = Outcome::Done).is_some()
    });
    plant("nobody told who has it", &|seen| {
        let taken = |one: &&mut Outcome| matches!(one, Outcome::Refused(Refusal::Taken(_)));
        let refused = Outcome::Refused(Refusal::NotClosed);
        seen.answers.iter_mut().find(taken).map(|one| *one = refused).is_some()
    });
    plant("a lost transfer", &|seen| {
        let handed = seen.added.iter().enumerate().find_map(|(talk, lines)| {
            let place = lines.iter().position(|line| matches!(line.what, What::Transferred(_)))?;
            Some((talk, place))
        });
        let Some((talk, place)) = handed else { return false };
        seen.added[talk].remove(place);
        seen.talks[talk].last_seq -= 1;
        true
    });
    plant("a line twice", &|seen| {
        let Some(talk) = seen.added.iter().position(|lines| !lines.is_empty()) else {
            return false;
        };
        let again = seen.added[talk][0].clone();
        seen.added[talk].insert(0, again);
        seen.talks[talk].last_seq += 1;
        true
    });
    plant("one who has it without having been given it", &|seen| {
        let talk = &mut seen.talks[0];
        talk.assignee = Some(talk.assignee.map_or(0, |who| (who + 1) % model::PEOPLE.len()));
        true
    });
    plant("a message that was not counted", &|seen| {
        seen.talks[0].unread += 1;
        true
    });
    wrong
}

fn the_checker_sees_what_is_planted(
    before: &HashSet<Shop>,
    sends: &[Send],
    seen: &Seen,
) -> Vec<&'static str> {
    let planted = what_did_not_happen(seen);
    for (what, wrong) in &planted {
        let found = explain(before, sends, wrong);
        assert_eq!(found, HashSet::new(), "{what}: {sends:#?}\n{wrong:#?}");
    }
    planted.into_iter().map(|(what, _)| what).collect()
}

#[test]
fn what_the_model_plays_is_explained_and_what_is_planted_in_it_is_not() {
    let mut seen_all = HashSet::new();
    for seed in 0..40 {
        let mut dice = StdRng::seed_from_u64(seed);
        let script = scripts().new_tree(&mut runner(seed)).unwrap().current();
        let mut known = HashSet::from([Shop::open(TALKS)]);
        let mut shop = Shop::open(TALKS);
        for step in numbered(&script) {
            match step {
                Err(who) => {
                    shop = shop.with(who);
                    known = known.into_iter().map(|shop| shop.with(who)).collect();
                }
                Ok(sends) => {
                    let seen = play(&mut shop, &sends, &mut |of| dice.random_range(0..of));
                    let after = explain(&known, &sends, &seen);
                    assert!(after.contains(&shop), "{sends:#?}\n{known:#?}\n{seen:#?}");
                    seen_all.extend(the_checker_sees_what_is_planted(&known, &sends, &seen));
                    known = after;
                }
            }
        }
    }
    assert_eq!(seen_all.len(), 6, "{seen_all:?}");
}

/// One of six has it, and whoever says anything else of what really happened is not believed.
#[tokio::test(flavor = "multi_thread")]
async fn the_checker_sees_what_is_planted_in_what_really_happened() {
    let mut stage = Stage::open().await;
    let cast = stage.begin().await;
    let known = HashSet::from([Shop::open(TALKS)]);
    let deed = |who, act| Deed::Agent { who, talk: 0, act };
    let transfer = deed(1, Act::Transfer { to: 3, note: true });
    let deeds = [deed(2, Act::Claim), deed(3, Act::Claim), deed(4, Act::Claim), transfer];
    let sends: Vec<_> =
        deeds.into_iter().zip(0..).map(|(deed, nonce)| Send { deed, nonce }).collect();
    let before = Shop::open(TALKS).talks;
    let seen = cast.play(&sends, &before).await.unwrap();
    assert!(!explain(&known, &sends, &seen).is_empty(), "{seen:#?}");
    let seen_all = the_checker_sees_what_is_planted(&known, &sends, &seen);
    assert!(seen_all.contains(&"two winners"), "{seen:#?}");
}
