//! Whether what was answered and written could have come of deeds whose moments came one after the other, in whatever order.
use super::{
    model::{Line, Shop},
    moments::{At, Moment, Seen, moments},
    script::Send,
};
use std::collections::HashSet;

/// All that may be so after a step; nothing if it cannot have happened.
pub fn explain(before: &HashSet<Shop>, sends: &[Send], seen: &Seen) -> HashSet<Shop> {
    let mut search = Search { sends, seen, been: HashSet::new(), found: HashSet::new() };
    for shop in before {
        let from: Vec<usize> = shop.talks.iter().map(|talk| talk.last_seq).collect();
        search.go(shop, &vec![At::Door; sends.len()], &from);
    }
    search.found
}

struct Search<'a> {
    sends: &'a [Send],
    seen: &'a Seen,
    been: HashSet<(Shop, Vec<At>)>,
    found: HashSet<Shop>,
}

impl Search<'_> {
    fn go(&mut self, shop: &Shop, at: &[At], from: &[usize]) {
        if !self.been.insert((shop.clone(), at.to_vec())) {
            return;
        }
        let mut all_ended = true;
        for (place, send) in self.sends.iter().enumerate() {
            if matches!(at[place], At::End(_)) {
                continue;
            }
            all_ended = false;
            for Moment { shop, next, talk, lines } in moments(shop, send, &at[place]) {
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

    fn were_written(&self, shop: &Shop, talk: usize, lines: &[Line], from: &[usize]) -> bool {
        let end = shop.talks[talk].last_seq - from[talk];
        self.seen.added[talk].get(end - lines.len()..end) == Some(lines)
    }

    fn all_were_written(&self, shop: &Shop, from: &[usize]) -> bool {
        let added = self.seen.added.iter().enumerate();
        added.into_iter().all(|(talk, lines)| from[talk] + lines.len() == shop.talks[talk].last_seq)
    }
}
