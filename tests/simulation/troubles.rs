//! What befalls nodes and lines, each thing for a while.
use super::{
    line::{State, between},
    world::{NODES, World, host, note},
};
use rand::{RngExt, seq::IndexedRandom};
use std::time::Duration;
use turmoil::Sim;

/// From then on nothing happens any more.
pub const END: Duration = Duration::from_secs(12);

#[derive(Clone, Copy, Debug)]
enum Kind {
    /// Killed in the midst of whatever it does.
    Dead,
    Database(State),
    Broker(State),
}

#[derive(Debug)]
struct Trouble {
    node: usize,
    kind: Kind,
    until: Duration,
}

#[derive(Default)]
pub struct Troubles {
    next: Duration,
    going_on: Vec<Trouble>,
}

impl Troubles {
    pub fn go_on(&mut self, sim: &mut Sim<'_>, world: &World) {
        let now = sim.elapsed();
        let over = self.going_on.extract_if(.., |trouble| trouble.until <= now || END <= now);
        for Trouble { node, kind, .. } in over.collect::<Vec<_>>() {
            note(now, format_args!("node {node}: no longer {kind:?}"));
            match kind {
                Kind::Dead => sim.bounce(host(node)),
                Kind::Database(_) => world.set_database(node, State::Fine),
                Kind::Broker(_) => world.set_broker(node, State::Fine),
            }
        }
        if self.next <= now && now < END {
            self.next = now + between(100, 1_500);
            self.begin(sim, world);
        }
    }

    fn begin(&mut self, sim: &mut Sim<'_>, world: &World) {
        let (now, node) = (sim.elapsed(), rand::rng().random_range(0..NODES));
        let state = any(&[State::Silent, State::Cut]);
        let kind = any(&[Kind::Dead, Kind::Database(state), Kind::Broker(state)]);
        let same = |other: &Trouble| {
            let kinds = [&other.kind, &kind].map(std::mem::discriminant);
            other.node == node && kinds[0] == kinds[1]
        };
        if self.going_on.iter().any(same) {
            return;
        }
        let trouble = Trouble { node, kind, until: now + between(50, 9_000) };
        note(now, format_args!("{trouble:?}"));
        match kind {
            Kind::Dead => sim.crash(host(node)),
            Kind::Database(state) => world.set_database(node, state),
            Kind::Broker(state) => world.set_broker(node, state),
        }
        self.going_on.push(trouble);
    }
}

fn any<T: Copy>(of: &[T]) -> T {
    *of.choose(&mut rand::rng()).expect("there is one")
}
