//! News may be lost: a node dies between its commit and its word, the bus is away, a message is cut off. So each node asks
//! the database, in one query, how far the logs go that its readers follow, which rows of the lists changed and who lost
//! access, and tells its readers what nobody told them.
use crate::{
    agent,
    app::{App, in_time},
    conversation,
    db::Neighbour,
    error::Result,
    event::{Event, Hearing},
    ids::{ConversationId, NodeId},
};
use jiff::{SignedDuration, Timestamp};
use std::{
    collections::{BTreeSet, HashSet},
    time::Duration,
};
use tokio::time::{Instant, MissedTickBehavior, interval};

/// How often a node says that it lives, looks who else does and who lost access.
const BEAT: Duration = Duration::from_secs(1);
/// How often it asks for everything while all nodes hear one another,
const CALM: Duration = Duration::from_secs(15);
/// and how often while they do not.
const UNEASY: Duration = Duration::from_secs(2);
/// After the bus came back or a node came or went, news is under way that not everybody hears.
const SETTLING: Duration = Duration::from_secs(5);
/// Transactions commit out of the order of their clocks, by no more than this.
const SLACK: SignedDuration = SignedDuration::from_secs(30);

pub async fn heal(app: App) {
    let mut healer = Healer::new(app);
    let mut beat = interval(BEAT);
    beat.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut failing = false;
    loop {
        let missed = tokio::select! {
            _ = beat.tick() => false,
            () = healer.app.bus.missed() => true,
        };
        if missed {
            healer.uneasy();
        }
        match in_time(healer.look(missed)).await {
            Ok(()) => failing = false,
            // The database is away: once in the log is enough.
            Err(error) if !failing => {
                tracing::warn!(%error, "cannot look for what was missed");
                failing = true;
            }
            Err(_) => {}
        }
    }
}

struct Healer {
    app: App,
    neighbours: Vec<Neighbour>,
    /// When everything was asked for.
    asked: Instant,
    uneasy_until: Instant,
    /// Up to when, by the database's clock, changed rows were looked for.
    rows_until: Option<Timestamp>,
    /// How often rows are still to be looked for because the desk was not followed before.
    desk_is_fresh: u8,
    desk_was_followed: bool,
    /// Losses of access that were told; `None` before the first look.
    revoked: Option<HashSet<i64>>,
}

impl Healer {
    fn new(app: App) -> Self {
        Self {
            app,
            neighbours: Vec::new(),
            asked: Instant::now(),
            uneasy_until: Instant::now(),
            rows_until: None,
            desk_is_fresh: 0,
            desk_was_followed: false,
            revoked: None,
        }
    }

    fn uneasy(&mut self) {
        self.uneasy_until = Instant::now() + SETTLING;
    }

    async fn look(&mut self, at_once: bool) -> Result<()> {
        let hearing = self.app.bus.hearing();
        self.meet(self.app.db.beat(self.app.bus.node(), hearing).await?);
        self.tell_lost_access().await?;

        let alone = self.neighbours.is_empty();
        let hear_one_another =
            hearing == Hearing::Bus && self.neighbours.iter().all(|other| other.on_bus);
        let calm = (alone || hear_one_another) && Instant::now() >= self.uneasy_until;
        // A beat comes a little late now and then.
        let due = self.asked.elapsed() + BEAT / 2 >= if calm { CALM } else { UNEASY };
        let everything = due || at_once;
        let now = Instant::now();
        if everything || !alone {
            self.tell_heads(!everything).await?;
        }
        let followed = self.app.bus.desk_is_followed();
        if followed && !self.desk_was_followed {
            self.desk_is_fresh = 2;
            // What changed while nobody looked, the page has shown.
            self.rows_until = None;
        }
        self.desk_was_followed = followed;
        if followed && (everything || (self.desk_is_fresh > 0 && !alone)) {
            self.desk_is_fresh = self.desk_is_fresh.saturating_sub(1);
            self.tell_rows().await?;
        }
        if everything {
            self.asked = now;
        }
        Ok(())
    }

    /// Takes note of who else lives.
    fn meet(&mut self, neighbours: Vec<Neighbour>) {
        let ids = |all: &[Neighbour]| all.iter().map(|other| other.id.clone()).collect();
        let (before, now): (BTreeSet<NodeId>, BTreeSet<NodeId>) =
            (ids(&self.neighbours), ids(&neighbours));
        if before != now {
            tracing::info!(nodes = now.len() + 1, "nodes that serve this database");
            self.uneasy();
            self.app.bus.meet(&now);
        }
        self.neighbours = neighbours;
    }

    async fn tell_lost_access(&mut self) -> Result<()> {
        let since = self.app.db.now().await? - SLACK * 2;
        let lost = agent::revocations_since(&self.app.db, since).await?;
        let told = lost.iter().map(|(id, _)| *id).collect();
        if let Some(known) = self.revoked.replace(told) {
            for (_, access) in lost.into_iter().filter(|(id, _)| !known.contains(id)) {
                self.app.bus.remind(Event::AccessLost { access });
            }
        }
        Ok(())
    }

    /// Of all conversations that somebody follows, or of those that are followed since a moment ago.
    async fn tell_heads(&self, fresh: bool) -> Result<()> {
        let followed = self.app.bus.followed(fresh);
        if followed.is_empty() {
            return Ok(());
        }
        let ids: Vec<_> = followed.iter().map(|(id, _)| *id).collect();
        let told: std::collections::HashMap<_, _> = followed.into_iter().collect();
        for (conversation, last_seq) in conversation::heads(&self.app.db, &ids).await? {
            if told.get(&conversation).is_some_and(|told| *told < last_seq) {
                self.app.metrics.healed.inc();
                self.app.bus.remind(Event::HeadSeen { conversation, last_seq });
            }
        }
        Ok(())
    }

    async fn tell_rows(&mut self) -> Result<()> {
        let now = self.app.db.now().await?;
        let since = self.rows_until.unwrap_or(now) - SLACK;
        let touched = conversation::touches_since(&self.app.db, since).await?;
        let news: Vec<ConversationId> = touched
            .into_iter()
            .filter(|(id, touches)| self.app.bus.is_news_to_the_desk(*id, *touches))
            .map(|(id, _)| id)
            .collect();
        for some in news.chunks(500) {
            for row in conversation::summaries_of(&self.app.db, some).await? {
                self.app.metrics.healed.inc();
                self.app.bus.remind(Event::RowSeen(Box::new(row)));
            }
        }
        self.rows_until = Some(now);
        Ok(())
    }
}
