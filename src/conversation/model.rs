//! What a conversation is and what may happen in it. No database, no HTTP, no clock.
use crate::{
    error::{Error, Invalid, Result},
    event::{
        Author, Changed, Circle, Content, Entry, Happening, Mention, Priority, Quote, Side, State,
        Summary, With,
    },
    ids::{AgentId, ContactId, ConversationId, FileId, Nonce, PublicId, SiteId, TagId, TeamId},
    text::{self, Piece},
};
use jiff::{SignedDuration, Timestamp};

/// A visitor's message reopens a conversation that ended no longer ago than this.
const REOPENS: SignedDuration = SignedDuration::from_hours(24);
/// How long an agent may change or take back a message (as in WeChat).
const AMENDS: SignedDuration = SignedDuration::from_mins(2);
/// The furthest that a conversation may be put off.
const SNOOZES: SignedDuration = SignedDuration::from_hours(24 * 90);
/// The most colleagues who are asked to help in one conversation.
const GUESTS: usize = 100;
/// Characters of an earlier message that a quote shows.
const EXCERPT: usize = 200;

/// What a visitor is told who is blocked.
pub const BLOCKED: &str = "forbidden-blocked";
/// And who is not signed where only those are heard who are.
pub const UNSIGNED: &str = "forbidden-unsigned";

/// The head of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conversation {
    pub id: ConversationId,
    pub public_id: PublicId,
    pub site: SiteId,
    pub contact: ContactId,
    pub state: State,
    pub assignee: Option<Assignee>,
    /// The last number taken; 0 before the first entry.
    pub last_seq: i64,
    /// The visitor's messages that the assignee has not read, or that somebody marked as unread; at least one where it came
    /// back that was put off.
    pub unread: i64,
    /// Since when the visitor waits for an answer.
    pub waiting_since: Option<Timestamp>,
    pub priority: Priority,
    /// Put off until then, or until the visitor writes.
    pub snoozed_until: Option<Timestamp>,
    pub tags: Vec<TagId>,
    /// Whose agents should answer; `None` where anybody may.
    pub team: Option<TeamId>,
    /// The colleagues who were asked to help, or called in a note.
    pub guests: Vec<AgentId>,
    /// The last message of an agent.
    pub answer: Option<Answer>,
    pub preview: String,
    pub preview_by: Side,
    pub last_at: Timestamp,
    pub created_at: Timestamp,
    /// When the first answer was given.
    pub answered_at: Option<Timestamp>,
    pub closed_at: Option<Timestamp>,
    /// How often the row was changed.
    pub touches: i64,
}

/// Who has the conversation, with the name shown when it was taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assignee {
    pub id: AgentId,
    pub name: String,
}

/// Which entry answered the visitor last, and who wrote it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    pub seq: i64,
    pub by: AgentId,
    pub name: String,
}

/// Through whom a conversation is looked up: what is not theirs does not exist.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Seat {
    Visitor { contact: ContactId, conversation: PublicId },
    Agent { id: AgentId, conversation: ConversationId },
}

/// What somebody wants to add to a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Append {
    pub author: Author,
    pub nonce: Nonce,
    pub content: Content,
    /// The last entry its author had seen; `None` sends whatever was said meanwhile.
    pub seen: Option<i64>,
}

impl Append {
    /// The same of a visitor who turned out to be this contact.
    pub fn of(mut self, contact: ContactId) -> Self {
        if let Author::Visitor { id, .. } = &mut self.author {
            *id = contact;
        }
        self
    }
}

impl Conversation {
    /// The rule of every entry and the change it makes: the conversation as it is once `append` is its next entry.
    pub fn accept(mut self, append: &Append, at: Timestamp) -> Result<Self> {
        self.last_seq += 1;
        match (&append.author, &append.content) {
            (Author::Visitor { .. }, Content::Text { body, with }) => {
                self.hear_again(at)?;
                self.snoozed_until = None;
                self.unread += 1;
                self.waiting_since.get_or_insert(at);
                self.show(body, with, Side::Visitor, at);
            }
            (Author::Visitor { .. }, Content::Event { what: Happening::Closed }) => {
                self.must_not_be_closed()?;
                self.close(at);
            }
            (Author::Visitor { .. }, _) => return Err(Error::Forbidden("forbidden-to-visitors")),
            (Author::Agent { id, name }, Content::Text { body, with }) => {
                self.must_not_be_closed()?;
                self.nobody_answered_meanwhile(*id, append)?;
                self.snoozed_until = None;
                self.assignee.get_or_insert_with(|| Assignee { id: *id, name: name.clone() });
                self.state = State::Open;
                self.answer = Some(Answer { seq: self.last_seq, by: *id, name: name.clone() });
                self.answered_at.get_or_insert(at);
                self.waiting_since = None;
                if self.is_assigned_to(*id) {
                    self.unread = 0;
                }
                self.show(body, with, Side::Agent, at);
            }
            (Author::Agent { .. }, Content::Note { with, .. } | Content::Edit { with, .. }) => {
                for mention in &with.mentions {
                    self.let_in(mention.agent)?;
                }
            }
            // What becomes of the entry itself is `amended`.
            (Author::Agent { .. }, Content::Recall { .. }) => {}
            (Author::Agent { id, name }, Content::Event { what }) => {
                self.happen(what, &Mention { agent: *id, name: name.clone() }, at)?;
            }
        }
        Ok(self)
    }

    fn happen(&mut self, what: &Happening, by: &Mention, at: Timestamp) -> Result<()> {
        if !matches!(what, Happening::Reopened | Happening::Tagged { .. }) {
            self.must_not_be_closed()?;
        }
        match what {
            Happening::Claimed => {
                if let Some(assignee) = &self.assignee {
                    return Err(Error::Taken { by: assignee.name.clone() });
                }
                self.give_to(by);
            }
            Happening::Transferred { to } => {
                if self.is_assigned_to(to.agent) {
                    return Err(Error::Conflict("conflict-has-it"));
                }
                self.give_to(to);
            }
            Happening::TransferredToTeam { team, .. } => {
                if self.team == Some(*team) && self.assignee.is_none() {
                    return Err(Error::Conflict("conflict-team-has-it"));
                }
                self.team = Some(*team);
                self.assignee = None;
                self.state = State::Queued;
                self.snoozed_until = None;
                self.waiting_since.get_or_insert(at);
            }
            Happening::Closed => self.close(at),
            Happening::Reopened => {
                if self.state != State::Closed {
                    return Err(Error::Conflict("conflict-not-closed"));
                }
                self.closed_at = None;
                self.give_to(by);
            }
            Happening::Requeued => {
                if !self.is_assigned_to(by.agent) {
                    return Err(Error::Conflict("conflict-not-yours"));
                }
                self.assignee = None;
                self.state = State::Queued;
                self.snoozed_until = None;
                // First come, first served: whoever was being served came before those who wait, whatever she asked since.
                self.waiting_since = Some(self.created_at);
            }
            Happening::Snoozed { until } => {
                if *until <= at || until.duration_since(at) > SNOOZES {
                    return Err(Invalid { field: "until", reason: "invalid-snooze" }.into());
                }
                if self.assignee.is_none() {
                    self.give_to(by);
                }
                self.snoozed_until = Some(*until);
                self.waiting_since = None;
            }
            Happening::Woken => {
                if self.snoozed_until.take().is_none() {
                    return Err(Error::Conflict("conflict-not-snoozed"));
                }
                self.last_at = at;
            }
            Happening::Prioritized { priority } => self.priority = *priority,
            Happening::Invited { agent } => self.let_in(agent.agent)?,
            Happening::Tagged { .. } => {}
        }
        Ok(())
    }

    fn close(&mut self, at: Timestamp) {
        self.state = State::Closed;
        self.closed_at = Some(at);
        self.waiting_since = None;
        self.snoozed_until = None;
        self.unread = 0;
    }

    /// Whoever was asked for help sees the conversation from then on. Who has it does already, and only as long.
    fn let_in(&mut self, agent: AgentId) -> Result<()> {
        if self.is_assigned_to(agent) || self.guests.contains(&agent) {
            return Ok(());
        }
        if self.guests.len() >= GUESTS {
            return Err(Error::Conflict("conflict-guests"));
        }
        self.guests.push(agent);
        Ok(())
    }

    fn give_to(&mut self, agent: &Mention) {
        self.assignee = Some(Assignee { id: agent.agent, name: agent.name.clone() });
        self.state = State::Open;
        self.snoozed_until = None;
    }

    /// What was said last was changed to this, or taken back, which leaves nothing of it.
    pub fn retell(&mut self, now: &Entry) {
        if let Content::Text { body, with } = &now.content {
            self.preview = previewed(body, with);
        }
    }

    /// It counts as unread again, by what the visitor has said since the last answer, or by her last word; whether it did not before.
    pub fn forget_reading(&mut self, since_answer: i64) -> Result<bool> {
        self.must_not_be_closed()?;
        if self.unread > 0 {
            return Ok(false);
        }
        self.unread = since_answer.max(1);
        Ok(true)
    }

    pub fn is_assigned_to(&self, agent: AgentId) -> bool {
        self.assignee.as_ref().is_some_and(|assignee| assignee.id == agent)
    }

    /// For whom it is.
    pub fn circle(&self) -> Circle {
        let assignee = self.assignee.as_ref().map(|assignee| assignee.id);
        Circle { team: self.team, assignee, guests: self.guests.clone() }
    }

    /// What a row of the list shows.
    pub fn summary(&self, name: String, zone: String) -> Summary {
        Summary {
            id: self.id,
            site: self.site,
            contact: self.contact,
            name,
            state: self.state,
            assignee: self.assignee.as_ref().map(|assignee| assignee.id),
            assignee_name: self
                .assignee
                .as_ref()
                .map_or_else(String::new, |assignee| assignee.name.clone()),
            last_seq: self.last_seq,
            unread: self.unread,
            waiting_since: self.waiting_since,
            priority: self.priority,
            snoozed_until: self.snoozed_until,
            closed_at: self.closed_at,
            tags: self.tags.clone(),
            team: self.team,
            guests: self.guests.clone(),
            preview: self.preview.clone(),
            preview_by: self.preview_by,
            last_at: self.last_at,
            zone,
            touches: self.touches,
        }
    }

    /// Who gets it back if this is heard: what a visitor writes opens what was closed, and wakes what was put off.
    pub fn calls_back(&self, append: &Append) -> Option<AgentId> {
        let is_away = self.state == State::Closed || self.snoozed_until.is_some();
        let written =
            append.author.side() == Side::Visitor && matches!(append.content, Content::Text { .. });
        self.assignee.as_ref().filter(|_| is_away && written).map(|assignee| assignee.id)
    }

    /// The same, which nobody gets back who is not there: it comes into the queue.
    pub fn without_assignee(self) -> Self {
        let state = if self.state == State::Open { State::Queued } else { self.state };
        Self { assignee: None, state, ..self }
    }

    fn hear_again(&mut self, at: Timestamp) -> Result<()> {
        let Some(closed_at) = self.closed_at else { return Ok(()) };
        if at.duration_since(closed_at) > REOPENS {
            return Err(Error::Conflict("conflict-closed-for-good"));
        }
        self.closed_at = None;
        self.state = if self.assignee.is_some() { State::Open } else { State::Queued };
        Ok(())
    }

    fn must_not_be_closed(&self) -> Result<()> {
        if self.state == State::Closed { Err(Error::Conflict("conflict-closed")) } else { Ok(()) }
    }

    fn nobody_answered_meanwhile(&self, agent: AgentId, append: &Append) -> Result<()> {
        match (append.seen, &self.answer) {
            (Some(seen), Some(answer)) if answer.seq > seen && answer.by != agent => {
                Err(Error::Stale { by: answer.name.clone(), newer: None })
            }
            _ => Ok(()),
        }
    }

    fn show(&mut self, body: &str, with: &With, by: Side, at: Timestamp) {
        self.preview = previewed(body, with);
        self.preview_by = by;
        self.last_at = at;
    }
}

/// What a list shows of a message: its text, else the name of its file.
fn previewed(body: &str, with: &With) -> String {
    match with.attachments.first() {
        Some(file) if body.is_empty() => in_short(&format!("📎 {}", file.name)),
        _ => in_short(body),
    }
}

/// A text as a list shows it: one line of at most 100 characters.
fn in_short(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(100).collect()
}

/// What a message brings beside its words, as its sender chose it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Beside {
    /// The number of the entry it answers.
    pub quote: Option<i64>,
    /// Whom a note calls.
    pub mentions: Vec<Mention>,
    /// What its sender brought before and has not sent.
    pub files: Vec<FileId>,
}

/// Whether an edit or a recall of an entry would be accepted now.
pub fn may_amend(entry: &Entry, by: &Author, at: Timestamp) -> bool {
    amended(entry, by, &Content::Recall { of: entry.seq, private: false }, at).is_ok()
}

/// An entry as an edit or a recall leaves it. Its author alone may, within two minutes, and what was taken back stays so.
pub fn amended(entry: &Entry, by: &Author, change: &Content, at: Timestamp) -> Result<Entry> {
    let (Content::Text { body, with } | Content::Note { body, with }) = &entry.content else {
        return Err(Error::NotFound);
    };
    if !entry.author.same_person(by) {
        return Err(Error::Forbidden("forbidden-not-yours"));
    }
    if entry.changed == Some(Changed::Recalled) {
        return Err(Error::Conflict("conflict-recalled"));
    }
    if at.duration_since(entry.at) > AMENDS {
        return Err(Error::Conflict("conflict-too-late"));
    }
    let (body, with, changed) = match change {
        Content::Edit { body: text, .. } if text == body => {
            return Err(Error::Conflict("conflict-same-text"));
        }
        Content::Edit { body, with: called, .. } => {
            let mut with = with.clone();
            with.mentions = mentions(body, &with.mentions);
            with.mentions.extend(called.mentions.clone());
            with.let_in.extend(called.let_in.clone());
            (body.clone(), with, Changed::Edited)
        }
        _ => (String::new(), With::default(), Changed::Recalled),
    };
    let content = match entry.content {
        Content::Note { .. } => Content::Note { body, with },
        _ => Content::Text { body, with },
    };
    Ok(Entry { content, changed: Some(changed), ..entry.clone() })
}

/// The beginning of an entry, for one that answers it, or what its files are called. Only messages can be quoted, and notes by
/// notes.
pub fn quoted(entry: &Entry, in_note: bool) -> Option<Quote> {
    let (body, with) = match &entry.content {
        Content::Text { body, with } => (body, with),
        Content::Note { body, with } if in_note => (body, with),
        _ => return None,
    };
    let names: Vec<_> = with.attachments.iter().map(|file| file.name.as_str()).collect();
    let said = if body.is_empty() { &names.join(" · ") } else { body };
    let excerpt: String = said.chars().take(EXCERPT).collect();
    (!excerpt.is_empty()).then(|| Quote { seq: entry.seq, author: entry.author.clone(), excerpt })
}

/// Whom a note calls: each `@` or `＠` followed by the name of somebody who works here, the longest that fits, in any case.
pub fn mentions(body: &str, colleagues: &[Mention]) -> Vec<Mention> {
    let names: Vec<_> = colleagues.iter().map(|colleague| colleague.name.clone()).collect();
    let mut called: Vec<Mention> = Vec::new();
    for piece in text::pieces(body, &names) {
        let Piece::Mention(call) = piece else { continue };
        let name = call.strip_prefix(['@', '＠']).unwrap_or(call);
        let same = |one: &&Mention| lowered(&one.name).eq(lowered(name));
        // Of two who differ by case alone the one who was written.
        let fitting = colleagues.iter().filter(same);
        if let Some(one) = fitting.max_by_key(|one| one.name == name)
            && !called.contains(one)
        {
            called.push(one.clone());
        }
    }
    called
}

fn lowered(name: &str) -> impl Iterator<Item = char> {
    name.chars().flat_map(char::to_lowercase)
}

/// A message as it may be stored: 1–5,000 characters after `\r\n` and `\r` became `\n`, not only white space, and without
/// control characters other than the line break and the tab.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Body(String);

impl Body {
    pub const LONGEST: usize = 5_000;

    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = |reason| Err(Invalid { field: "body", reason });
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text = text.trim_end();
        if text.trim_start().is_empty() {
            return invalid("invalid-body-empty");
        }
        if text.chars().count() > Self::LONGEST {
            return invalid("invalid-body-long");
        }
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return invalid("invalid-body-control");
        }
        Ok(Self(text.to_owned()))
    }

    /// The same; nothing at all is enough where files come with it.
    pub fn beside(text: &str, files: &[FileId]) -> Result<Self, Invalid> {
        if !files.is_empty() && text.trim().is_empty() {
            return Ok(Self(String::new()));
        }
        Self::parse(text)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<Body> for String {
    fn from(body: Body) -> Self {
        body.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn fresh() -> Conversation {
        Conversation {
            id: ConversationId(1),
            public_id: PublicId::new(),
            site: SiteId(1),
            contact: ContactId(1),
            state: State::Queued,
            assignee: None,
            last_seq: 0,
            unread: 0,
            waiting_since: None,
            priority: Priority::Normal,
            snoozed_until: None,
            tags: Vec::new(),
            team: None,
            guests: Vec::new(),
            answer: None,
            preview: String::new(),
            preview_by: Side::Visitor,
            last_at: at(0),
            created_at: at(0),
            answered_at: None,
            closed_at: None,
            touches: 1,
        }
    }

    fn vera(body: &str) -> Append {
        append(Author::Visitor { id: ContactId(1), name: String::new() }, text(body))
    }
    fn agent(id: i64, content: Content) -> Append {
        append(Author::Agent { id: AgentId(id), name: format!("agent {id}") }, content)
    }
    fn append(author: Author, content: Content) -> Append {
        Append { author, nonce: Nonce::new(), content, seen: None }
    }
    fn text(body: &str) -> Content {
        Content::text(body)
    }
    fn note(body: &str) -> Content {
        Content::Note { body: body.into(), with: With::default() }
    }
    fn event(what: Happening) -> Content {
        Content::Event { what }
    }

    #[test]
    fn a_first_message_waits_until_it_is_answered() {
        let waiting = fresh().accept(&vera("hello\n  there"), at(1)).unwrap();
        assert_eq!(
            (waiting.state, waiting.unread, waiting.waiting_since),
            (State::Queued, 1, Some(at(1)))
        );
        assert_eq!(waiting.preview, "hello there");
        let waiting = waiting.accept(&vera("?"), at(2)).unwrap();
        assert_eq!((waiting.unread, waiting.waiting_since), (2, Some(at(1))));

        let answered = waiting.accept(&agent(7, text("hi")), at(3)).unwrap();
        assert_eq!(
            (answered.state, answered.unread, answered.waiting_since),
            (State::Open, 0, None)
        );
        let answer = Answer { seq: 3, by: AgentId(7), name: "agent 7".into() };
        assert_eq!((answered.answered_at, &answered.answer), (Some(at(3)), &Some(answer)));
        assert!(
            answered.is_assigned_to(AgentId(7)),
            "answering takes a conversation that nobody has"
        );
    }

    #[test]
    fn one_agent_gets_it_and_the_next_learns_who() {
        let taken = fresh().accept(&agent(7, event(Happening::Claimed)), at(1)).unwrap();
        let late = taken.accept(&agent(8, event(Happening::Claimed)), at(2));
        assert!(matches!(late, Err(Error::Taken { by }) if by == "agent 7"));
    }

    #[test]
    fn what_is_given_back_waits_since_before_those_who_came_later() {
        let taken = fresh().accept(&vera("?"), at(1)).unwrap();
        let taken = taken.accept(&agent(7, event(Happening::Claimed)), at(2)).unwrap();
        let foreign = taken.clone().accept(&agent(8, event(Happening::Requeued)), at(3));
        assert!(matches!(foreign, Err(Error::Conflict("conflict-not-yours"))));
        let back = taken.clone().accept(&agent(7, event(Happening::Requeued)), at(3)).unwrap();
        assert_eq!((back.state, &back.assignee), (State::Queued, &None));
        assert_eq!(back.waiting_since, Some(at(0)), "whatever she asked since");
        assert!(back.accept(&agent(7, event(Happening::Requeued)), at(4)).is_err(), "only once");
        let answered = taken.accept(&agent(7, text("hi")), at(3)).unwrap();
        let back = answered.accept(&agent(7, event(Happening::Requeued)), at(4)).unwrap();
        assert_eq!(back.waiting_since, Some(at(0)));
    }

    #[test]
    fn an_answer_given_meanwhile_is_shown_before_the_next_one_is_sent() {
        let answered = fresh()
            .accept(&vera("?"), at(1))
            .unwrap()
            .accept(&agent(7, text("first")), at(2))
            .unwrap();
        let unaware = Append { seen: Some(1), ..agent(8, text("second")) };
        assert!(
            matches!(answered.clone().accept(&unaware, at(3)), Err(Error::Stale { by, .. }) if by == "agent 7")
        );
        let own = Append { seen: Some(1), ..agent(7, text("second")) };
        assert!(answered.clone().accept(&own, at(3)).is_ok(), "nobody collides with themselves");
        let aware = Append { seen: Some(2), ..unaware };
        assert!(answered.accept(&aware, at(3)).is_ok());
    }

    #[test]
    fn a_closed_conversation_hears_its_visitor_for_a_day_and_agents_only_after_they_reopen_it() {
        let taken = fresh().accept(&agent(7, event(Happening::Claimed)), at(1)).unwrap();
        let closed = taken.accept(&agent(7, event(Happening::Closed)), at(2)).unwrap();
        assert!(matches!(
            closed.clone().accept(&agent(7, text("x")), at(3)),
            Err(Error::Conflict("conflict-closed"))
        ));
        assert_eq!(
            closed.clone().accept(&agent(8, event(Happening::Reopened)), at(3)).unwrap().state,
            State::Open
        );

        let heard = closed.clone().accept(&vera("one more thing"), at(3600)).unwrap();
        assert_eq!((heard.state, heard.closed_at), (State::Open, None));
        let late = closed.clone().accept(&vera("hello again"), at(90_000));
        assert!(matches!(late, Err(Error::Conflict("conflict-closed-for-good"))));

        let closed = Conversation { team: Some(TeamId(3)), ..closed };
        assert_eq!(closed.calls_back(&vera("?")), Some(AgentId(7)));
        assert_eq!(closed.calls_back(&agent(8, event(Happening::Reopened))), None);
        assert_eq!(heard.calls_back(&vera("?")), None, "she has it");
        let queued = closed.without_assignee().accept(&vera("?"), at(3600)).unwrap();
        assert_eq!((queued.state, queued.assignee), (State::Queued, None));
        assert_eq!((queued.team, queued.waiting_since), (Some(TeamId(3)), Some(at(3600))));
    }

    #[test]
    fn what_was_put_off_comes_into_the_queue_without_whoever_had_it() {
        let until = event(Happening::Snoozed { until: at(900) });
        let put_off = fresh().accept(&agent(7, until), at(1)).unwrap();
        assert_eq!(put_off.calls_back(&vera("?")), Some(AgentId(7)));
        assert_eq!(put_off.calls_back(&agent(8, event(Happening::Woken))), None);
        let end = Append { content: event(Happening::Closed), ..vera("") };
        assert_eq!(put_off.calls_back(&end), None, "it does not come back");
        let with_her = put_off.clone().accept(&vera("?"), at(2)).unwrap();
        assert_eq!((with_her.state, with_her.is_assigned_to(AgentId(7))), (State::Open, true));
        let queued = put_off.without_assignee().accept(&vera("?"), at(2)).unwrap();
        assert_eq!((queued.state, queued.assignee), (State::Queued, None));
        assert_eq!((queued.waiting_since, queued.snoozed_until), (Some(at(2)), None));
    }

    #[test]
    fn what_was_read_counts_as_unread_again_until_it_is_closed() {
        let mut asked = fresh().accept(&vera("?"), at(1)).unwrap();
        assert!(!asked.forget_reading(7).unwrap() && asked.unread == 1, "it is unread already");
        asked.unread = 0;
        assert!(asked.forget_reading(3).unwrap() && asked.unread == 3);
        asked.unread = 0;
        assert!(asked.forget_reading(0).unwrap() && asked.unread == 1, "her last word at least");
        let closed = asked.accept(&agent(7, event(Happening::Closed)), at(2));
        let mut closed = closed.unwrap();
        assert!(matches!(closed.forget_reading(1), Err(Error::Conflict("conflict-closed"))));
        assert_eq!(closed.unread, 0);
    }

    #[test]
    fn a_visitor_writes_texts_and_ends_the_conversation_and_nothing_else() {
        for content in [note("x"), event(Happening::Claimed), event(Happening::Reopened)] {
            let append = Append { content, ..vera("") };
            assert!(matches!(fresh().accept(&append, at(1)), Err(Error::Forbidden(_))));
        }
        let end = Append { content: event(Happening::Closed), ..vera("") };
        let asked = fresh().accept(&vera("?"), at(1)).unwrap();
        let ended = asked.accept(&end, at(2)).unwrap();
        assert_eq!((ended.state, ended.closed_at), (State::Closed, Some(at(2))));
        assert_eq!((ended.unread, ended.waiting_since), (0, None));
        let twice = ended.clone().accept(&end, at(3));
        assert!(matches!(twice, Err(Error::Conflict("conflict-closed"))));
        assert_eq!(ended.accept(&vera("!"), at(4)).unwrap().state, State::Queued);
    }

    #[test]
    fn a_note_changes_nothing_that_the_visitor_could_see() {
        let before = fresh().accept(&vera("?"), at(1)).unwrap();
        let after = before.clone().accept(&agent(7, note("!")), at(2)).unwrap();
        assert_eq!(after, Conversation { last_seq: 2, ..before });
    }

    #[test]
    fn a_body_says_what_is_wrong_with_it() {
        let reason = |text: &str| Body::parse(text).map_err(|invalid| invalid.reason);
        assert_eq!(reason(" \r\n\t "), Err("invalid-body-empty"));
        assert_eq!(reason(&"好".repeat(5_001)), Err("invalid-body-long"));
        assert_eq!(reason("a\u{0}b"), Err("invalid-body-control"));
        assert_eq!(reason("a\u{1b}[31m"), Err("invalid-body-control"));
        assert_eq!(
            Body::parse(&format!("{}\r\n", "好".repeat(5_000))).unwrap().as_str().chars().count(),
            5_000
        );
        assert_eq!(Body::parse("  a\r\nb\rc\n").unwrap().as_str(), "  a\nb\nc");
    }

    proptest! {
        #[test]
        fn whatever_parses_parses_again_to_itself(text in "[\\PC\r\n\t\u{0}-\u{9f}]{0,60}") {
            if let Ok(body) = Body::parse(&text) {
                prop_assert!(!body.as_str().contains('\r'));
                prop_assert_eq!(Body::parse(body.as_str()).unwrap(), body);
            }
        }
    }
}
