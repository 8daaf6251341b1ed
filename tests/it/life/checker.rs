//! Whether what was answered and written could have come of deeds whose moments came one after the other, in whatever order.
use super::{
    model::{Line, Shop},
    moments::{At, Moment, Seen, moments},
    script::{Deed, Send},
};
use std::collections::HashSet;

/// All that may be so after a step; nothing if it cannot have happened.
pub fn explain(before: &HashSet<Shop>, sends: &[Send], seen: &Seen) -> HashSet<Shop> {
    let settled =
        !sends.iter().any(|send| matches!(send.deed, Deed::Disable { .. } | Deed::Promote { .. }));
    let mut search = Search { sends, seen, settled, been: HashSet::new(), found: HashSet::new() };
    for shop in before {
        let from: Vec<usize> = shop.talks.iter().map(|talk| talk.last_seq).collect();
        search.go(shop, &vec![At::Door; sends.len()], &from);
    }
    search.found
}

struct Search<'a> {
    sends: &'a [Send],
    seen: &'a Seen,
    /// Nobody's account changes meanwhile.
    settled: bool,
    been: HashSet<(Shop, Vec<At>)>,
    found: HashSet<Shop>,
}

impl Search<'_> {
    fn go(&mut self, shop: &Shop, at: &[At], from: &[usize]) {
        if !self.been.insert((shop.clone(), at.to_vec())) {
            return;
        }
        let mut on: Vec<_> =
            (0..at.len()).filter(|place| !matches!(at[*place], At::End(_))).collect();
        let all_ended = on.is_empty();
        if let Some(place) = on.iter().copied().find(|place| self.is_early(*place, at)) {
            on = vec![place];
        }
        for place in on {
            for Moment { shop, next, talk, lines } in moments(shop, &self.sends[place], &at[place])
            {
                let as_answered = match next {
                    At::End(outcome) => outcome == self.seen.answers[place],
                    _ => true,
                };
                if as_answered && self.were_written(&shop, talk, &lines, from) {
                    let mut at = at.to_vec();
                    at[place] = next;
                    self.go(&shop, &at, from);
                }
            }
        }
        let is_so = shop.talks == self.seen.talks && shop.staff == self.seen.staff;
        if all_ended && is_so && self.all_were_written(shop, from) {
            self.found.insert(shop.clone());
        }
    }

    /// Whether it depends on nothing and nothing on it when this moment comes, as it only looks at accounts that stay as they are: then it
    /// may as well come now.
    fn is_early(&self, place: usize, at: &[At]) -> bool {
        let looks = match (&at[place], &self.sends[place].deed) {
            (At::Door, deed) => {
                matches!(deed, Deed::Agent { .. } | Deed::Release { .. } | Deed::SeatLost { .. })
            }
            (At::Colleague, _) => true,
            _ => false,
        };
        looks && self.settled
    }

    fn were_written(&self, shop: &Shop, talk: usize, lines: &[Line], from: &[usize]) -> bool {
        let end = shop.talks[talk].last_seq - from[talk];
        self.seen.added[talk].get(end - lines.len()..end) == Some(lines)
    }

    fn all_were_written(&self, shop: &Shop, from: &[usize]) -> bool {
        let added = self.seen.added.iter().enumerate();
        added.into_iter().all(|(talk, lines)| from[talk] + lines.len() == shop.talks[talk].last_seq)
    }
}
