//! What many people did at once and what everybody saw of it, and whether that can have happened to one log.
use std::collections::{BTreeMap, BTreeSet};

/// A send: when it was asked for and when it was acknowledged, by one clock, and with which number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Send {
    pub conversation: i64,
    pub nonce: String,
    pub invoked: u64,
    pub acknowledged: Option<(u64, i64)>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct History {
    pub sends: Vec<Send>,
    /// What the database holds: number and nonce of every entry, in order.
    pub stored: BTreeMap<i64, Vec<(i64, String)>>,
    /// What readers of a conversation saw, in their order.
    pub seen: Vec<(i64, Vec<i64>)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Violation {
    /// Acknowledged, and not there or not there for a reader.
    Lost,
    Doubled,
    /// A number is missing.
    Gap,
    /// Asked for after another was acknowledged, and numbered or seen before it.
    Reordered,
    /// Nobody sent it.
    Ghost,
}

/// What is wrong with a history; nothing, if it could have happened to one log that takes one send after another.
pub fn check(history: &History) -> BTreeSet<Violation> {
    let mut found = BTreeSet::new();
    let sent: BTreeSet<_> =
        history.sends.iter().map(|send| (send.conversation, &send.nonce)).collect();
    for (id, entries) in &history.stored {
        let nonces: BTreeSet<_> = entries.iter().map(|(_, nonce)| nonce).collect();
        if nonces.len() < entries.len() {
            found.insert(Violation::Doubled);
        }
        if entries.iter().map(|(seq, _)| *seq).ne(1..=entries.len() as i64) {
            found.insert(Violation::Gap);
        }
        if entries.iter().any(|(_, nonce)| !sent.contains(&(*id, nonce))) {
            found.insert(Violation::Ghost);
        }
    }
    let mut acknowledged: BTreeMap<i64, Vec<(u64, u64, i64)>> = BTreeMap::new();
    for send in &history.sends {
        let Some((at, seq)) = send.acknowledged else { continue };
        acknowledged.entry(send.conversation).or_default().push((send.invoked, at, seq));
        let entries = history.stored.get(&send.conversation);
        if !entries.is_some_and(|entries| entries.contains(&(seq, send.nonce.clone()))) {
            found.insert(Violation::Lost);
        }
    }
    for sends in acknowledged.values() {
        for (_, acknowledged, earlier) in sends {
            if sends.iter().any(|(invoked, _, later)| invoked > acknowledged && later < earlier) {
                found.insert(Violation::Reordered);
            }
        }
    }
    for (id, seen) in &history.seen {
        let stored: Vec<_> = history.stored[id].iter().map(|(seq, _)| *seq).collect();
        let different: BTreeSet<_> = seen.iter().copied().collect();
        if different.len() < seen.len() {
            found.insert(Violation::Doubled);
        }
        if stored.iter().any(|seq| !different.contains(seq)) {
            found.insert(Violation::Lost);
        }
        if different.iter().any(|seq| !stored.contains(seq)) {
            found.insert(Violation::Ghost);
        }
        if !seen.is_sorted() {
            found.insert(Violation::Reordered);
        }
    }
    found
}

/// The same history with one fault in it, of every kind.
pub fn the_checker_sees_what_is_planted(history: &History) {
    let planted = |plant: &dyn Fn(&mut History)| {
        let mut broken = history.clone();
        plant(&mut broken);
        check(&broken)
    };
    let id = *history.stored.iter().max_by_key(|(_, entries)| entries.len()).unwrap().0;
    let dropped = planted(&|history| {
        history.stored.get_mut(&id).unwrap().pop();
    });
    assert!(dropped.contains(&Violation::Lost), "{dropped:?}");
    let doubled = planted(&|history| {
        let entries = history.stored.get_mut(&id).unwrap();
        let (_, nonce) = entries[0].clone();
        entries.push((entries.len() as i64 + 1, nonce));
    });
    assert!(doubled.contains(&Violation::Doubled), "{doubled:?}");
    let swapped = planted(&|history| {
        let seen = &mut history.seen.iter_mut().find(|(of, _)| *of == id).unwrap().1;
        seen.swap(0, 1);
    });
    assert_eq!(swapped, BTreeSet::from([Violation::Reordered]));
    let renumbered = planted(&|history| {
        // The first and the last send of a conversation change places everywhere.
        let last = history.stored[&id].len() as i64;
        let other = |seq: i64| {
            if seq == 1 {
                last
            } else if seq == last {
                1
            } else {
                seq
            }
        };
        for send in history.sends.iter_mut().filter(|send| send.conversation == id) {
            send.acknowledged = send.acknowledged.map(|(at, seq)| (at, other(seq)));
        }
        let entries = history.stored.get_mut(&id).unwrap();
        entries.iter_mut().for_each(|(seq, _)| *seq = other(*seq));
        entries.sort();
    });
    assert_eq!(renumbered, BTreeSet::from([Violation::Reordered]));
    let gap = planted(&|history| {
        history.stored.get_mut(&id).unwrap().remove(1);
    });
    assert!(gap.contains(&Violation::Gap), "{gap:?}");
    let ghost = planted(&|history| {
        let entries = history.stored.get_mut(&id).unwrap();
        entries.push((entries.len() as i64 + 1, "nobody sent this".into()));
    });
    assert!(ghost.contains(&Violation::Ghost), "{ghost:?}");
}
