//! What people try: short scripts of steps, each of which is several deeds at the same time.
use super::model::{ANA, PEOPLE, PRIORITIES, Role, TAGS, TEAMS};
use proptest::{collection::vec, prelude::*, sample::subsequence};
use std::collections::BTreeSet;

/// Conversations of one script.
pub const TALKS: usize = 2;

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Deed {
    Agent {
        who: usize,
        talk: usize,
        act: Act,
    },
    Visitor {
        talk: usize,
    },
    /// She goes, and gives back what she has.
    Release {
        who: usize,
    },
    /// The same, done for her who was away for too long.
    SeatLost {
        who: usize,
    },
    WakeDue,
    /// What those have who are disabled is given back.
    Tidy,
    Disable {
        who: usize,
    },
    Promote {
        who: usize,
        to: Role,
    },
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    Claim,
    Reopen,
    Wake,
    Reply,
    Close { tags: Option<BTreeSet<usize>> },
    Tag(BTreeSet<usize>),
    Transfer { to: usize, note: bool },
    ToTeam { team: usize, note: bool },
    Invite(usize),
    Snooze { due: bool },
    Prioritize(usize),
}

#[derive(Clone, Debug)]
pub enum Step {
    /// At the same time, each as often under the same nonce as it says.
    Together(Vec<(Deed, Try)>),
    /// A disabled colleague is let in again, and signs in.
    Enable(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Try {
    Once,
    Twice,
    /// Not this one, but what was sent so many sends ago, under its old nonce.
    Again(usize),
}

/// A deed with the number that its nonce is made of.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Send {
    pub deed: Deed,
    pub nonce: u64,
}

pub fn scripts() -> impl Strategy<Value = Vec<Step>> {
    let together = vec((deeds(), tries()), 1..=4).prop_map(Step::Together);
    vec(prop_oneof![12 => together, 1 => others().prop_map(Step::Enable)], 3..=7)
}

fn tries() -> impl Strategy<Value = Try> {
    prop_oneof![7 => Just(Try::Once), 2 => Just(Try::Twice), 4 => (1..9usize).prop_map(Try::Again)]
}

fn others() -> impl Strategy<Value = usize> {
    ANA + 1..PEOPLE.len()
}

fn deeds() -> impl Strategy<Value = Deed> {
    let roles = prop_oneof![Just(Role::Manages), Just(Role::Acts), Just(Role::Reads)];
    prop_oneof![
        24 => (0..PEOPLE.len(), talks(), acts())
            .prop_map(|(who, talk, act)| Deed::Agent { who, talk, act }),
        4 => talks().prop_map(|talk| Deed::Visitor { talk }),
        1 => (0..PEOPLE.len()).prop_map(|who| Deed::Release { who }),
        2 => (0..PEOPLE.len()).prop_map(|who| Deed::SeatLost { who }),
        1 => Just(Deed::WakeDue),
        1 => Just(Deed::Tidy),
        1 => others().prop_map(|who| Deed::Disable { who }),
        2 => (others(), roles).prop_map(|(who, to)| Deed::Promote { who, to }),
    ]
}

/// Mostly the same one, so that they meet.
fn talks() -> impl Strategy<Value = usize> {
    prop_oneof![3 => Just(0usize), 1 => 1..TALKS]
}

fn acts() -> impl Strategy<Value = Act> {
    let tags =
        || subsequence((0..TAGS).collect::<Vec<_>>(), 0..=TAGS).prop_map(BTreeSet::from_iter);
    prop_oneof![
        5 => Just(Act::Claim),
        2 => Just(Act::Reopen),
        1 => Just(Act::Wake),
        2 => Just(Act::Reply),
        2 => proptest::option::of(tags()).prop_map(|tags| Act::Close { tags }),
        2 => tags().prop_map(Act::Tag),
        4 => (0..PEOPLE.len(), any::<bool>()).prop_map(|(to, note)| Act::Transfer { to, note }),
        3 => (0..TEAMS.len(), any::<bool>()).prop_map(|(team, note)| Act::ToTeam { team, note }),
        2 => (0..PEOPLE.len()).prop_map(Act::Invite),
        2 => any::<bool>().prop_map(|due| Act::Snooze { due }),
        1 => (0..PRIORITIES).prop_map(Act::Prioritize),
    ]
}

/// Who sends what, step by step.
pub fn numbered(script: &[Step]) -> Vec<Result<Vec<Send>, usize>> {
    let mut sent: Vec<Send> = Vec::new();
    let mut steps = Vec::new();
    for step in script {
        let deeds = match step {
            Step::Enable(who) => {
                steps.push(Err(*who));
                continue;
            }
            Step::Together(deeds) => deeds,
        };
        let mut now = Vec::new();
        for (deed, tried) in deeds {
            let new = Send { deed: deed.clone(), nonce: sent.len() as u64 };
            let send = match tried {
                Try::Again(ago) if *ago <= sent.len() => sent[sent.len() - ago].clone(),
                _ => new,
            };
            if *tried == Try::Twice {
                now.push(send.clone());
            }
            now.push(send.clone());
            sent.push(send);
        }
        steps.push(Ok(now));
    }
    steps
}
