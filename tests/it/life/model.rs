//! What a conversation is and what may become of it, told once more and without the source: no database, no time, no HTTP.
use std::collections::BTreeSet;

/// Whoever works here, by number, from zero on.
pub const PEOPLE: [&str; 6] = ["ana", "ida", "mia", "kit", "ben", "rob"];
/// She who manages the others and is managed by nobody.
pub const ANA: usize = 0;
/// Who is in which team; ana and ida are in none.
pub const TEAMS: [(&str, &[usize]); 2] = [("Returns", &[2, 3]), ("Orders", &[4, 5])];
pub const TAGS: usize = 2;
pub const PRIORITIES: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Role {
    Manages,
    Acts,
    Reads,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Account {
    pub role: Role,
    pub enabled: bool,
    /// Whether she has not said that she leaves.
    pub seated: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Who {
    Visitor,
    Agent(usize),
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Line {
    pub by: Who,
    pub what: What,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum What {
    /// With the number of the send, which stands in its words.
    Text(u64),
    Note(u64),
    Claimed,
    Closed,
    Reopened,
    Requeued,
    Transferred(usize),
    ToTeam(usize),
    Invited(usize),
    Snoozed(Until),
    Woken,
    Prioritized(usize),
    Tagged {
        added: BTreeSet<usize>,
        removed: BTreeSet<usize>,
    },
}

/// Until when something is put off; no two sends name the same moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Until {
    /// Whether that is over for whoever wakes what is due.
    pub due: bool,
    pub send: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Talk {
    pub assignee: Option<usize>,
    pub closed: bool,
    pub team: Option<usize>,
    pub guests: BTreeSet<usize>,
    pub priority: usize,
    pub tags: BTreeSet<usize>,
    pub unread: i64,
    pub waiting: bool,
    pub snoozed: Option<Until>,
    pub last_seq: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    Queued,
    Open,
    Closed,
}

/// Why something was not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    SignedOut,
    ReadOnly,
    NotFound,
    /// The colleague does not work here, or may only read.
    NoColleague,
    Taken(usize),
    Closed,
    NotClosed,
    HasIt,
    TeamHasIt,
    NotSnoozed,
    NotYours,
}

/// Who works here, what they have, and what was done under which number: a send that made a line makes no other.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Shop {
    pub staff: [Account; PEOPLE.len()],
    pub talks: Vec<Talk>,
    made: BTreeSet<(usize, Who, Nonce)>,
}

/// Of a send, or of the tags that a closing brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Nonce {
    Of(u64),
    OfTags(u64),
}

/// As everybody begins.
pub fn roles() -> [Role; PEOPLE.len()] {
    use Role::{Acts, Manages, Reads};
    [Manages, Manages, Acts, Acts, Acts, Reads]
}

impl Shop {
    /// Everybody at work, and so many visitors who have said one thing.
    pub fn open(talks: usize) -> Self {
        let fresh = Talk { priority: 1, unread: 1, waiting: true, last_seq: 1, ..Talk::default() };
        let staff = roles().map(|role| Account { role, enabled: true, seated: true });
        Self { staff, talks: vec![fresh; talks], made: BTreeSet::new() }
    }

    /// Once somebody is let in again who was not, and signs in.
    pub fn with(mut self, who: usize) -> Self {
        let account = &mut self.staff[who];
        if !account.enabled {
            (account.enabled, account.seated) = (true, true);
        }
        self
    }

    pub fn may_act(&self, who: usize) -> bool {
        self.staff[who].enabled && self.staff[who].role != Role::Reads
    }

    pub fn is_there(&self, who: usize) -> bool {
        self.staff[who].enabled && self.staff[who].seated
    }

    pub fn sees(&self, who: usize, talk: usize) -> bool {
        let (account, talk) = (self.staff[who], &self.talks[talk]);
        (account.enabled && account.role == Role::Manages)
            || talk.assignee == Some(who)
            || talk.guests.contains(&who)
            || talk.team.is_none_or(|team| TEAMS[team].1.contains(&who))
    }

    /// Whether these words wait for her, or for anybody.
    pub fn calls(&self, who: usize, talk: usize) -> bool {
        self.talks[talk].team.is_none_or(|team| TEAMS[team].1.contains(&who))
    }

    /// Somebody's lines, if the first of them may be the next one, in one breath. What was done under a nonce is done: no lines.
    pub fn append(
        &mut self,
        talk: usize,
        by: Who,
        nonce: Option<Nonce>,
        lines: &[What],
    ) -> Result<Vec<Line>, Refusal> {
        if nonce.is_some_and(|nonce| self.made.contains(&(talk, by, nonce))) {
            return Ok(Vec::new());
        }
        if let Who::Agent(who) = by
            && !self.sees(who, talk)
        {
            return Err(Refusal::NotFound);
        }
        let mut next = self.talks[talk].clone();
        // Whoever is not there gets back nothing that a visitor opens or wakes.
        let is_back = by == Who::Visitor && (next.closed || next.snoozed.is_some());
        if is_back && !next.assignee.is_some_and(|who| self.is_there(who)) {
            next.assignee = None;
        }
        for what in lines {
            next.accept(by, what)?;
        }
        self.talks[talk] = next;
        self.made.extend(nonce.map(|nonce| (talk, by, nonce)));
        Ok(lines.iter().map(|what| Line { by, what: what.clone() }).collect())
    }

    /// The tags from now on; no lines if these are there already.
    pub fn retag(
        &mut self,
        talk: usize,
        by: usize,
        nonce: Nonce,
        tags: &BTreeSet<usize>,
    ) -> Result<Vec<Line>, Refusal> {
        let now = &self.talks[talk].tags;
        let (added, removed) = (tags - now, now - tags);
        // Whoever asks for nothing is told whether she may see that.
        let lines = match added.is_empty() && removed.is_empty() {
            true => Vec::new(),
            false => vec![What::Tagged { added, removed }],
        };
        let nonce = (!lines.is_empty() || self.was_made(talk, by, nonce)).then_some(nonce);
        self.append(talk, Who::Agent(by), nonce, &lines)
    }

    fn was_made(&self, talk: usize, by: usize, nonce: Nonce) -> bool {
        self.made.contains(&(talk, Who::Agent(by), nonce))
    }
}

impl Talk {
    pub fn state(&self) -> State {
        match (self.closed, self.assignee) {
            (true, _) => State::Closed,
            (false, Some(_)) => State::Open,
            (false, None) => State::Queued,
        }
    }

    /// What never is, whatever happened.
    pub fn must_be_sound(&self) -> Result<(), &'static str> {
        let put_off = self.snoozed.is_some();
        match self.state() {
            State::Closed if self.waiting || put_off || self.unread != 0 => {
                Err("closed, and waits")
            }
            State::Queued if put_off => Err("put off by nobody"),
            State::Open if put_off && self.waiting => Err("put off, and waits"),
            _ => Ok(()),
        }
    }

    fn accept(&mut self, by: Who, what: &What) -> Result<(), Refusal> {
        self.last_seq += 1;
        match by {
            Who::Visitor => self.hear(),
            Who::Agent(who) => return self.happen(who, what),
        }
        Ok(())
    }

    /// A visitor opens what was closed, wakes what was put off, and waits.
    fn hear(&mut self) {
        self.closed = false;
        self.snoozed = None;
        self.unread += 1;
        self.waiting = true;
    }

    fn happen(&mut self, by: usize, what: &What) -> Result<(), Refusal> {
        let must = |holds: bool, refusal| if holds { Ok(()) } else { Err(refusal) };
        let whenever = matches!(what, What::Reopened | What::Tagged { .. } | What::Note(_));
        must(whenever || !self.closed, Refusal::Closed)?;
        match what {
            What::Text(_) => {
                self.snoozed = None;
                let has_it = *self.assignee.get_or_insert(by);
                self.waiting = false;
                if has_it == by {
                    self.unread = 0;
                }
            }
            What::Note(_) => {}
            What::Claimed => {
                self.assignee.map_or(Ok(()), |has_it| Err(Refusal::Taken(has_it)))?;
                self.give(by);
            }
            What::Transferred(to) => {
                must(self.assignee != Some(*to), Refusal::HasIt)?;
                self.give(*to);
            }
            What::ToTeam(team) => {
                let waits_there = self.team == Some(*team) && self.assignee.is_none();
                must(!waits_there, Refusal::TeamHasIt)?;
                self.team = Some(*team);
                self.queue();
            }
            What::Closed => {
                (self.closed, self.waiting, self.snoozed, self.unread) = (true, false, None, 0);
            }
            What::Reopened => {
                must(self.closed, Refusal::NotClosed)?;
                self.closed = false;
                self.give(by);
            }
            What::Requeued => {
                must(self.assignee == Some(by), Refusal::NotYours)?;
                self.queue();
            }
            What::Snoozed(until) => {
                self.assignee.get_or_insert(by);
                (self.snoozed, self.waiting) = (Some(*until), false);
            }
            What::Woken => {
                self.snoozed.take().map(|_| ()).ok_or(Refusal::NotSnoozed)?;
            }
            What::Prioritized(priority) => self.priority = *priority,
            What::Invited(guest) => {
                if self.assignee != Some(*guest) {
                    self.guests.insert(*guest);
                }
            }
            What::Tagged { added, removed } => self.tags = &(&self.tags | added) - removed,
        }
        Ok(())
    }

    fn give(&mut self, to: usize) {
        (self.assignee, self.snoozed) = (Some(to), None);
    }

    fn queue(&mut self) {
        (self.assignee, self.snoozed, self.waiting) = (None, None, true);
    }
}
