//! What is there afterwards: the log, the head, and what everybody's lists, counters and pages show, in the words of the model.
use super::{
    model::{Account, Line, PEOPLE, Role, Shop, State, Talk, Until, What, Who},
    script::TALKS,
    stage::{Cast, LATE, PRIORITIES, TAG_NAMES, list, number, person},
};
use jiff::Timestamp;
use kefu::{
    agent::{self, AccountState, Availability},
    conversation::{self, Conversation, Counts, Sight, Tab},
    event::{self, Author, Content, Entry, Happening, Priority, Summary},
    ids::{ConversationId, TagId, TeamId},
};
use std::collections::BTreeSet;

impl Cast {
    pub async fn staff(&self) -> [Account; PEOPLE.len()] {
        let accounts = agent::accounts(&self.app.db).await.unwrap();
        std::array::from_fn(|who| {
            let account = accounts.iter().find(|one| one.agent.id == number(who)).unwrap();
            let role = match account.agent.role {
                agent::Role::Owner | agent::Role::Admin => Role::Manages,
                agent::Role::Agent => Role::Acts,
                agent::Role::ReadOnly => Role::Reads,
            };
            let seated = account.agent.availability != Availability::Offline;
            Account { role, enabled: account.state != AccountState::Disabled, seated }
        })
    }

    pub fn line(&self, entry: &Entry) -> Line {
        let by = match &entry.author {
            Author::Visitor { .. } => Who::Visitor,
            Author::Agent { id, .. } => Who::Agent(person(*id)),
        };
        let names = |names: &[String]| -> BTreeSet<usize> {
            let place = |name: &String| TAG_NAMES.iter().position(|tag| tag == name).unwrap();
            names.iter().map(place).collect()
        };
        let number = |body: &str| body.split(' ').next_back().unwrap().parse().unwrap();
        let what = match &entry.content {
            Content::Text { body, .. } => What::Text(number(body)),
            Content::Note { body, .. } => What::Note(number(body)),
            Content::Edit { .. } | Content::Recall { .. } => panic!("nobody did {entry:?}"),
            Content::Event { what } => match what {
                Happening::Claimed => What::Claimed,
                Happening::Closed => What::Closed,
                Happening::Reopened => What::Reopened,
                Happening::Requeued => What::Requeued,
                Happening::Transferred { to } => What::Transferred(person(to.agent)),
                Happening::TransferredToTeam { team, .. } => What::ToTeam(team.0 as usize - 1),
                Happening::Invited { agent } => What::Invited(person(agent.agent)),
                Happening::Snoozed { until } => What::Snoozed(self.until(*until)),
                Happening::Woken => What::Woken,
                Happening::Prioritized { priority } => What::Prioritized(place(*priority)),
                Happening::Tagged { added, removed } => {
                    What::Tagged { added: names(added), removed: names(removed) }
                }
            },
        };
        Line { by, what }
    }

    pub fn talk(&self, head: &Conversation) -> Result<Talk, String> {
        let tag = |id: &TagId| self.tags.iter().position(|tag| tag == id).unwrap();
        let talk = Talk {
            assignee: head.assignee.as_ref().map(|assignee| person(assignee.id)),
            closed: head.closed_at.is_some(),
            team: head.team.map(|TeamId(team)| team as usize - 1),
            guests: head.guests.iter().map(|guest| person(*guest)).collect(),
            priority: place(head.priority),
            tags: head.tags.iter().map(tag).collect(),
            unread: head.unread,
            waiting: head.waiting_since.is_some(),
            snoozed: head.snoozed_until.map(|until| self.until(until)),
            last_seq: head.last_seq as usize,
        };
        let state = match head.state {
            event::State::Queued => State::Queued,
            event::State::Open => State::Open,
            event::State::Closed => State::Closed,
        };
        let named = head.assignee.as_ref().is_none_or(|one| PEOPLE[person(one.id)] == one.name);
        if state != talk.state() || !named {
            return Err(format!("it cannot be so: {head:?}"));
        }
        talk.must_be_sound().map_err(|why| format!("{why}: {head:?}"))?;
        Ok(talk)
    }

    /// What two of somebody's lists show, another pair in each step, and what she sees, is what the model says.
    pub async fn must_show(&self, shop: &Shop, whose: usize, turn: usize) -> Result<(), String> {
        let sight = self.must_count(shop, whose).await?;
        let tabs = [Tab::Mine(number(whose)), Tab::Queue, Tab::All, Tab::Snoozed, Tab::Closed];
        for tab in [tabs[turn % 3], tabs[3 + turn % 2]] {
            let rows = list(&self.app, &sight, tab).await;
            let place = |row: &Summary| self.ids.iter().position(|id| *id == row.id.0);
            let shown: BTreeSet<_> = rows.iter().filter_map(place).collect();
            must_be(&format!("{tab:?}"), whose, &shown, &listed(shop, whose, tab))?;
        }
        Ok(())
    }

    /// The same of somebody's counters, and of what she sees at all.
    pub async fn must_count(&self, shop: &Shop, who: usize) -> Result<Sight, String> {
        let db = self.app.db.read();
        let sight = conversation::sight_of(db, number(who)).await.unwrap();
        let counted = conversation::counts(&self.app.db, &sight).await.unwrap();
        must_be("counters", who, &counted, &counts(shop, who))?;
        for (talk, id) in self.ids.iter().enumerate() {
            let circle = conversation::circle(db, ConversationId(*id)).await.unwrap().unwrap();
            must_be("sight", who, &sight.sees(&circle), &shop.sees(who, talk))?;
        }
        Ok(sight)
    }

    /// The same by the pages, for whoever may come in.
    pub async fn must_show_pages(&self, shop: &Shop, who: usize) -> Result<(), String> {
        if !shop.staff[who].enabled {
            return Ok(());
        }
        let (person, counts) = (&self.agents[who].person, counts(shop, who));
        let page = person.get("/desk/c?tab=all").await;
        let figures = ["n-mine", "n-queue", "n-all"].map(|id| {
            let mark = format!("id=\"{id}\">");
            let rest = page.body.split(&mark).nth(1).unwrap_or_default();
            rest.split('<').next().unwrap_or_default().to_owned()
        });
        let right = [counts.mine, counts.queue, counts.all].map(|count| count.to_string());
        must_be("figures of the page", who, &figures, &right)?;
        let rows: BTreeSet<_> = page.all("id=\"c-").into_iter().collect();
        let right = listed(shop, who, Tab::All).into_iter();
        let right: BTreeSet<_> = right.map(|talk| self.ids[talk].to_string()).collect();
        must_be("rows of the page", who, &rows, &right)?;
        for (talk, id) in self.ids.iter().enumerate() {
            let status = person.get(&format!("/desk/c/{id}")).await.status.as_u16();
            let right = if shop.sees(who, talk) { 200 } else { 404 };
            must_be("the conversation's page", who, &status, &right)?;
        }
        Ok(())
    }

    fn until(&self, moment: Timestamp) -> Until {
        let second = moment.as_second();
        let due = second < self.base + LATE.as_secs();
        let send = second - self.second_of(Until { due, send: 0 });
        Until { due, send: send as u64 }
    }
}

fn place(priority: Priority) -> usize {
    PRIORITIES.iter().position(|one| *one == priority).unwrap()
}

fn must_be<T: PartialEq + std::fmt::Debug>(
    what: &str,
    who: usize,
    shown: &T,
    right: &T,
) -> Result<(), String> {
    if shown == right {
        return Ok(());
    }
    Err(format!("{what} of {}: {shown:?} instead of {right:?}", PEOPLE[who]))
}

fn listed(shop: &Shop, who: usize, tab: Tab) -> BTreeSet<usize> {
    let holds = |talk: &Talk| {
        let (state, awake) = (talk.state(), talk.snoozed.is_none());
        match tab {
            Tab::Mine(_) => state == State::Open && awake && talk.assignee == Some(who),
            Tab::Queue => state == State::Queued,
            Tab::All => state != State::Closed && awake,
            Tab::Snoozed => !awake,
            Tab::Closed => state == State::Closed,
        }
    };
    (0..TALKS).filter(|talk| holds(&shop.talks[*talk]) && shop.sees(who, *talk)).collect()
}

fn counts(shop: &Shop, who: usize) -> Counts {
    let (mine, queue) = (listed(shop, who, Tab::Mine(number(who))), listed(shop, who, Tab::Queue));
    Counts {
        mine: mine.len() as i64,
        queue: queue.len() as i64,
        called: queue.iter().filter(|talk| shop.calls(who, **talk)).count() as i64,
        all: listed(shop, who, Tab::All).len() as i64,
        unread: mine.iter().map(|talk| shop.talks[*talk].unread).sum(),
    }
}
