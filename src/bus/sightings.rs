//! What was last seen of the chat on each site's pages: a moment for each step of a site, in the memory of each node, written nowhere.
//! Nothing of a visitor is kept, only on pages of which origin it was.
use crate::{event::SiteStep, ids::SiteId};
use jiff::Timestamp;
use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};
use tokio::time::Instant;

/// One node tells the others of one step of one site no more often than this: a site with many visitors is seen anyway.
const TOLD_EVERY: Duration = Duration::from_secs(1);

#[derive(Clone, Debug, Default)]
pub struct Sightings {
    sites: Arc<Mutex<HashMap<SiteId, Steps>>>,
}

#[derive(Debug, Default)]
struct Steps {
    seen: Seen,
    /// When others were told of each step.
    told: [Option<Instant>; SiteStep::COUNT],
}

/// What was last seen of one site since this node began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen([Option<Sighting>; SiteStep::COUNT]);

/// One step, as it was last taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    pub at: Timestamp,
    /// Of the page on which it was: `https://shop.example`; empty where the browser does not say.
    pub origin: String,
}

impl Seen {
    pub fn of(&self, step: SiteStep) -> Option<&Sighting> {
        self.0[step as usize].as_ref()
    }
}

impl Sightings {
    /// Takes note of a step; whether other nodes should be told.
    pub fn note(&self, site: SiteId, step: SiteStep, sighting: Sighting) -> bool {
        self.heard(site, step, sighting);
        let mut sites = self.sites();
        let told = &mut sites.entry(site).or_default().told[step as usize];
        let now = Instant::now();
        let tell = told.is_none_or(|told| now.duration_since(told) >= TOLD_EVERY);
        if tell {
            *told = Some(now);
        }
        tell
    }

    /// Another node saw it, perhaps before something that was seen here.
    pub fn heard(&self, site: SiteId, step: SiteStep, sighting: Sighting) {
        let mut sites = self.sites();
        let last = &mut sites.entry(site).or_default().seen.0[step as usize];
        if last.as_ref().is_none_or(|last| last.at <= sighting.at) {
            *last = Some(sighting);
        }
    }

    pub fn of(&self, site: SiteId) -> Seen {
        self.sites().get(&site).map_or_else(Seen::default, |steps| steps.seen.clone())
    }

    /// Nothing here panics while it holds the lock, so a poisoned one is still whole.
    fn sites(&self) -> MutexGuard<'_, HashMap<SiteId, Steps>> {
        self.sites.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sighting(second: i64, origin: &str) -> Sighting {
        Sighting { at: Timestamp::from_second(second).unwrap(), origin: origin.into() }
    }

    #[tokio::test(start_paused = true)]
    async fn the_newest_is_kept_and_others_are_told_once_a_second() {
        let (sightings, site) = (Sightings::default(), SiteId(7));
        assert!(sightings.note(site, SiteStep::Loaded, sighting(1, "https://a.example")));
        for _ in 0..10_000 {
            assert!(!sightings.note(site, SiteStep::Loaded, sighting(2, "https://b.example")));
        }
        assert!(sightings.note(site, SiteStep::Opened, sighting(2, "")), "each step by itself");
        tokio::time::advance(TOLD_EVERY).await;
        assert!(sightings.note(site, SiteStep::Loaded, sighting(3, "https://c.example")));
        sightings.heard(site, SiteStep::Loaded, sighting(2, "https://late.example"));
        let seen = sightings.of(site);
        assert_eq!(seen.of(SiteStep::Loaded), Some(&sighting(3, "https://c.example")));
        assert_eq!(seen.of(SiteStep::Said), None);
        assert_eq!(sightings.of(SiteId(8)), Seen::default());
        assert_eq!(sightings.sites().len(), 1);
    }
}
