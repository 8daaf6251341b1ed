//! Looking. An index says where all terms are; what stands there is looked at once more, so that all engines find the same.
use super::model::{Asked, Days, Within, called};
use crate::{
    agent::Agent,
    app::App,
    contact::{self, Known, Phones},
    conversation::{self, Conversation, Seat, Sight},
    error::{Error, Result},
    event::Entry,
    ids::{AgentId, ContactId, ConversationId},
    index::{self, Kind},
    text::{Question, Term, pinyin},
};
use std::{borrow::Cow, ops::Range};

/// Places that are asked for first, and the most that are asked for at once: whoever narrows much looks through many.
const FIRST: u64 = 64;
const MOST: u64 = 1_024;
/// What does not fit is passed over only so often; then the page ends, and the next one goes on from there.
pub(super) const LOOKED_AT: u64 = 2_500;
/// The same of people, each of whose conversations are asked for.
const PEOPLE_LOOKED_AT: usize = 448;
/// Of somebody who was found, so many conversations are looked at for one that is asked about.
const EACH: u64 = 20;

/// A message or a note, where it was said.
#[derive(Clone, Debug)]
pub struct Hit {
    /// What the index calls it; the next page begins below it.
    pub id: i64,
    pub conversation: Conversation,
    /// The visitor's name, empty if unknown.
    pub name: String,
    pub entry: Entry,
}

#[derive(Clone, Debug, Default)]
pub struct Page {
    /// The newest first.
    pub hits: Vec<Hit>,
    /// Below which number there may be more.
    pub next: Option<i64>,
}

impl Within {
    /// Whether a conversation is one of those that are asked about, whatever was said in it when.
    pub fn fits(&self, head: &Conversation) -> bool {
        self.site.is_none_or(|asked| asked == head.site)
            && self.agent.is_none_or(|asked| {
                head.assignee.as_ref().is_some_and(|assignee| assignee.id == asked)
            })
            && self.tag.is_none_or(|asked| head.tags.contains(&asked))
    }

    /// Whether it is, and went on at some time of those days.
    pub fn covers(&self, head: &Conversation) -> bool {
        let Days { from, to } = self.days;
        self.fits(head)
            && from.is_none_or(|from| head.last_at >= from)
            && to.is_none_or(|to| head.created_at < to)
    }
}

/// What an agent may see of what was asked for, at most `limit`.
pub async fn messages(app: &App, me: AgentId, asked: &Asked, limit: usize) -> Result<Page> {
    let mut within = asked.range(index::moment);
    let (mut page, mut batch, mut looked_at) = (Page::default(), FIRST, 0);
    let mut ended = false;
    while !ended && page.hits.len() <= limit && looked_at < LOOKED_AT {
        let terms = asked.question.terms();
        let found = find(app, Kind::Entry, terms, within.clone(), batch).await?;
        ended = (found.len() as u64) < batch;
        looked_at += found.len() as u64;
        within.end = found.last().map_or(within.start, |last| last.id);
        page.hits.extend(stands_there(app, me, asked, found).await?);
        batch = (batch * 2).min(MOST);
    }
    if page.hits.len() > limit {
        page.hits.truncate(limit);
        page.next = page.hits.last().map(|last| last.id);
    } else if !ended {
        page.next = Some(within.end);
    }
    name(app, &mut page.hits).await?;
    Ok(page)
}

async fn find(
    app: &App,
    kind: Kind,
    terms: &[Term],
    within: Range<i64>,
    limit: u64,
) -> Result<Vec<index::Found>> {
    index::find(&app.db, kind, terms, within, limit, app.config.search_span).await
}

async fn stands_there(
    app: &App,
    me: AgentId,
    asked: &Asked,
    found: Vec<index::Found>,
) -> Result<Vec<Hit>> {
    let place = |found: &index::Found| (ConversationId(found.owner), found.seq);
    let heads =
        conversation::seen_by(&app.db, me, found.iter().map(|found| place(found).0)).await?;
    let fits = |found: &&index::Found| {
        heads.get(&place(found).0).is_some_and(|head| asked.within.fits(head))
    };
    let fitting: Vec<_> = found.iter().filter(fits).collect();
    let mut entries =
        conversation::entries_at(&app.db, fitting.iter().map(|found| place(found))).await?;
    let hit = |found: &index::Found| {
        let place = place(found);
        let entry = entries.remove(&place)?;
        let conversation = heads.get(&place.0)?.clone();
        asked.question.is_in(&said(&entry)).then(|| Hit {
            id: found.id,
            conversation,
            name: String::new(),
            entry,
        })
    };
    Ok(fitting.into_iter().filter_map(hit).collect())
}

/// By what an entry is found, and what is shown of it: its words, and the names of its files.
pub(super) fn said(entry: &Entry) -> Cow<'_, str> {
    let files = entry.content.attachments();
    if files.is_empty() {
        return entry.words().into();
    }
    let names = files.iter().map(|file| format!("📎 {}", file.name));
    let words = Some(entry.words().to_owned()).filter(|words| !words.is_empty());
    words.into_iter().chain(names).collect::<Vec<_>>().join("\n").into()
}

async fn name(app: &App, hits: &mut [Hit]) -> Result<()> {
    let contacts = hits.iter().map(|hit| hit.conversation.contact).collect();
    let names = contact::names(app.db.read(), contacts).await?;
    for hit in hits {
        hit.name = names.get(&hit.conversation.contact).cloned().unwrap_or_default();
    }
    Ok(())
}

/// Somebody who was found, and the last conversation of theirs that was asked about and that the agent may see.
#[derive(Clone, Debug)]
pub struct Person {
    pub id: ContactId,
    /// Empty if unknown.
    pub name: String,
    /// Empty if unknown, and where it is masked.
    pub phone: String,
    pub email: String,
    pub last: ConversationId,
}

/// People by what she may know of them, whoever came last first: as many as are among those who are looked at.
pub async fn people(
    app: &App,
    me: &Agent,
    question: &Question,
    within: &Within,
    limit: usize,
) -> Result<Vec<Person>> {
    let is_asked_for = |known: &Known| question.is_in(&known.words);
    those(app, me, question.terms(), is_asked_for, within, limit).await
}

/// People whose names sound as something that was typed on a Latin keyboard.
pub async fn sounding(app: &App, me: &Agent, typed: &str, limit: usize) -> Result<Vec<Person>> {
    let Some(term) = pinyin::asked(typed) else { return Ok(Vec::new()) };
    let is_asked_for = |known: &Known| pinyin::matches(typed, &known.name);
    those(app, me, &[term], is_asked_for, &Within::default(), limit).await
}

async fn those(
    app: &App,
    me: &Agent,
    terms: &[Term],
    are_asked_for: impl Fn(&Known) -> bool,
    within: &Within,
    limit: usize,
) -> Result<Vec<Person>> {
    let phones = if me.role.may_act() { Phones::Whole } else { Phones::Masked };
    let sight = conversation::sight(app.db.read(), me).await?;
    let (mut people, mut range, mut batch, mut looked_at) = (Vec::new(), 0..i64::MAX, FIRST, 0);
    while people.len() < limit && looked_at < PEOPLE_LOOKED_AT {
        let found = find(app, Kind::Contact, terms, range.clone(), batch).await?;
        looked_at += found.len();
        range.end = found.last().map_or(range.start, |last| last.id);
        let ids: Vec<_> = found.iter().map(|found| ContactId(found.owner)).collect();
        let mut known = contact::found_by(&app.db, &ids, phones).await?;
        let each = ids.into_iter().filter_map(|id| Some((id, known.remove(&id)?)));
        let asked_for = each.filter(|(_, known)| are_asked_for(known)).collect();
        people.extend(fitting(app, &sight, asked_for, within, limit - people.len()).await?);
        if (found.len() as u64) < batch {
            break;
        }
        batch *= 2;
    }
    Ok(people)
}

/// Those of these people of whom she sees a conversation that is asked about, at most `limit`.
async fn fitting(
    app: &App,
    sight: &Sight,
    people: Vec<(ContactId, Known)>,
    within: &Within,
    limit: usize,
) -> Result<Vec<Person>> {
    let mut fitting = Vec::new();
    for (id, Known { name, phone, email, .. }) in people {
        let each = if *within == Within::default() { 1 } else { EACH };
        let seen = conversation::seen_of_contact(&app.db, sight, id, None, each).await?;
        let asked_about = seen.into_iter().find(|(head, _)| within.covers(head));
        let Some((last, _)) = asked_about else { continue };
        fitting.push(Person { id, name, phone, email, last: last.id });
        if fitting.len() == limit {
            break;
        }
    }
    Ok(fitting)
}

/// The conversation that is called by its number if it is one of those that are asked about, and its visitor's name.
pub async fn conversation(
    app: &App,
    me: AgentId,
    question: &str,
    within: &Within,
) -> Result<Option<(Conversation, String)>> {
    let Some(id) = called(question) else { return Ok(None) };
    let seat = Seat::Agent { id: me, conversation: id };
    let found = match conversation::find_for(app.db.read(), &seat).await {
        Err(Error::NotFound) => return Ok(None),
        found => found?,
    };
    if !within.covers(&found) {
        return Ok(None);
    }
    let name = contact::name_of(app.db.read(), found.contact).await?;
    Ok(Some((found, name)))
}
