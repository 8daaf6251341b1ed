//! The page on which agents search, and the command palette: parse, act, show.
mod commands;

pub use commands::palette;

use super::{
    finding::{self, Hit, Person},
    listing,
    model::{After, Asked, Days, Within},
};
use crate::{
    agent::{self, CurrentAgent, DeskFrame, SignedIn},
    app::App,
    conversation::{self, Conversation},
    error::{Error, Invalid, Result},
    event::{Content, State},
    ids::{AgentId, SiteId, TagId},
    site::{self, Site},
    tag,
    text::{self, Lang, Question, Snippet},
    web::{
        limits::Limits,
        page::{html, query, refused},
    },
};
use askama::Template;
use jiff::{Timestamp, tz::TimeZone};
use poem::{Request, Response, handler, web::Data};
use std::{fmt::Display, sync::Arc};
use url::form_urlencoded::Serializer;

/// What an address of a search begins with.
const SEARCH: &str = "/desk/search?";
/// Messages on a page, or conversations; people.
const MESSAGES: usize = 30;
const PEOPLE: usize = 10;

#[derive(Template)]
#[template(path = "search/show.html")]
struct SearchPage {
    lang: Lang,
    frame: DeskFrame,
    form: Form,
    agents: Vec<(i64, String)>,
    sites: Vec<(i64, String)>,
    tags: Vec<(i64, String)>,
    error: Option<Invalid>,
    found: Option<Findings>,
    /// Where the next page of messages is.
    next: Option<String>,
}

/// What was asked, as it was written.
#[derive(Clone, Debug, Default)]
struct Form {
    q: String,
    from: String,
    to: String,
    agent: String,
    site: String,
    tag: String,
    below: String,
}

impl Form {
    fn of(request: &Request) -> Self {
        // A field comes back as it was sent, but no longer than anybody would write.
        let field = |name, longest| {
            let text: String = query(request, name).unwrap_or_default();
            text.chars().filter(|c| !c.is_control()).take(longest).collect()
        };
        Self {
            q: field("q", text::Question::LONGEST + 1),
            from: field("from", 32),
            to: field("to", 32),
            agent: field("agent", 20),
            site: field("site", 20),
            tag: field("tag", 20),
            below: field("below", 40),
        }
    }

    fn is_narrowed(&self) -> bool {
        [&self.from, &self.to, &self.agent, &self.site, &self.tag]
            .iter()
            .any(|field| !field.is_empty())
    }

    /// Whether nothing but filters is asked for.
    fn lists(&self) -> bool {
        self.q.trim().is_empty() && self.is_narrowed()
    }

    fn asked(&self, within: Within) -> Result<Asked, Invalid> {
        Ok(Asked {
            question: Question::parse(&self.q)?,
            within,
            below: number("below", &self.below)?,
        })
    }

    fn within(&self, zone: &TimeZone) -> Result<Within, Invalid> {
        Ok(Within {
            days: Days::parse(&self.from, &self.to, zone)?,
            agent: number("agent", &self.agent)?.map(AgentId),
            site: number("site", &self.site)?.map(SiteId),
            tag: number("tag", &self.tag)?.map(TagId),
        })
    }

    fn address(&self, below: impl Display) -> String {
        let mut address = Serializer::for_suffix(SEARCH.to_owned(), SEARCH.len());
        let fields = [
            ("q", &self.q),
            ("from", &self.from),
            ("to", &self.to),
            ("agent", &self.agent),
            ("site", &self.site),
            ("tag", &self.tag),
        ];
        address.extend_pairs(fields.iter().filter(|(_, value)| !value.is_empty()));
        address.append_pair("below", &below.to_string()).finish()
    }
}

fn number(field: &'static str, text: &str) -> Result<Option<i64>, Invalid> {
    let invalid = |_| Invalid { field, reason: "invalid-form" };
    if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(invalid) }
}

struct Findings {
    messages: Vec<MessageLine>,
    people: Vec<PersonLine>,
    conversations: Vec<ConversationLine>,
}

impl Findings {
    fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.people.is_empty() && self.conversations.is_empty()
    }
}

impl From<Vec<ConversationLine>> for Findings {
    fn from(conversations: Vec<ConversationLine>) -> Self {
        Self { messages: Vec::new(), people: Vec::new(), conversations }
    }
}

/// When something was last said, for programs and for people.
struct Last {
    iso: String,
    time: String,
}

impl Last {
    fn new(at: Timestamp, zone: &TimeZone) -> Self {
        let time = format!("{} {}", text::day(at, zone), text::clock_time(at, zone));
        Self { iso: format!("{at:.3}"), time }
    }
}

struct MessageLine {
    question: Question,
    place: String,
    name: String,
    letter: String,
    tint: i64,
    author: String,
    note: bool,
    body: String,
    at: Last,
}

impl MessageLine {
    fn new(hit: Hit, question: &Question, zone: &TimeZone, lang: Lang) -> Self {
        let Hit { conversation, name, entry, .. } = hit;
        let name = called(&conversation, &name, lang);
        let id = conversation.id.0;
        let author = match entry.author.name() {
            "" => name.clone(),
            author => author.to_owned(),
        };
        Self {
            question: question.clone(),
            place: format!("/desk/c/{id}?tab=all&at={seq}#m-{id}-{seq}", seq = entry.seq),
            letter: text::letter(&name),
            tint: text::tint(conversation.contact.0),
            name,
            author,
            note: matches!(entry.content, Content::Note { .. }),
            body: finding::said(&entry).into_owned(),
            at: Last::new(entry.at, zone),
        }
    }

    fn snippet(&self) -> Snippet<'_> {
        self.question.snippet(&self.body)
    }
}

struct PersonLine {
    question: Question,
    place: String,
    letter: String,
    tint: i64,
    name: String,
    phone: String,
    email: String,
}

impl PersonLine {
    fn new(person: Person, question: &Question, lang: Lang) -> Self {
        let name = match person.name.as_str() {
            "" => lang.with("visitor-number", "number", person.last),
            _ => person.name,
        };
        Self {
            question: question.clone(),
            place: format!("/desk/c/{}?tab=all", person.last),
            letter: text::letter(&name),
            tint: text::tint(person.id.0),
            name,
            phone: person.phone,
            email: person.email,
        }
    }

    fn snippet(&self) -> Snippet<'_> {
        self.question.snippet(&self.name)
    }

    /// What else they were found by.
    fn others(&self) -> impl Iterator<Item = Snippet<'_>> {
        let phone = self.question.snippet_of_phone(&self.phone);
        let email = self.question.snippet(&self.email);
        [phone, email].into_iter().filter(Snippet::is_hit)
    }
}

struct ConversationLine {
    place: String,
    id: i64,
    name: String,
    letter: String,
    tint: i64,
    preview: String,
    state: State,
    /// Of one in a list; none of the one that was called by its number, which is marked.
    last: Option<Last>,
}

impl ConversationLine {
    fn new(conversation: &Conversation, name: &str, lang: Lang) -> Self {
        let name = called(conversation, name, lang);
        Self {
            place: format!("/desk/c/{}?tab=all", conversation.id),
            id: conversation.id.0,
            letter: text::letter(&name),
            tint: text::tint(conversation.contact.0),
            name,
            preview: conversation::last_said(&conversation.preview, lang),
            state: conversation.state,
            last: None,
        }
    }
}

/// What agents call a visitor: by the name given, else by number.
fn called(conversation: &Conversation, name: &str, lang: Lang) -> String {
    if name.is_empty() {
        lang.with("visitor-number", "number", conversation.id)
    } else {
        name.to_owned()
    }
}

#[handler]
pub async fn show(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    SignedIn(me): SignedIn,
    request: &Request,
) -> Result<Response> {
    let form = Form::of(request);
    let sites = site::all(&app.db).await?;
    let agents = agent::all(&app.db).await?;
    let tags = tag::all(&app.db).await?;
    let mut page = SearchPage {
        lang: me.lang,
        frame: DeskFrame::new(&me, "search", 0),
        agents: agents.into_iter().map(|agent| (agent.id.0, agent.name)).collect(),
        sites: sites.iter().map(|site| (site.id.0, site.name.clone())).collect(),
        tags: tags.into_iter().map(|tag| (tag.id.0, tag.name)).collect(),
        error: None,
        found: None,
        next: None,
        form,
    };
    if !page.form.q.is_empty() || page.form.is_narrowed() {
        limits.act(&me.counted_as())?;
        let zone = zone_of(&sites, &page.form.site);
        match look(&app, &me, &mut page, &zone).await {
            Err(Error::Invalid(invalid)) => page.error = Some(invalid),
            looked => looked?,
        }
    }
    if page.error.is_some() { refused(&page) } else { html(&page) }
}

/// Finds or lists whatever the form asks for.
async fn look(app: &App, me: &CurrentAgent, page: &mut SearchPage, zone: &TimeZone) -> Result<()> {
    let within = page.form.within(zone)?;
    if page.form.lists() {
        return list(app, me, page, &within, zone).await;
    }
    match page.form.asked(within) {
        Ok(asked) => find(app, me, page, &asked, zone).await,
        Err(invalid) => {
            // A conversation may have a number of one digit.
            let called = finding::conversation(app, me.agent.id, &page.form.q, &within).await?;
            let (found, name) = called.ok_or(invalid)?;
            page.found = Some(vec![ConversationLine::new(&found, &name, me.lang)].into());
            Ok(())
        }
    }
}

/// Conversations that fit, where nothing else is asked for.
async fn list(
    app: &App,
    me: &CurrentAgent,
    page: &mut SearchPage,
    within: &Within,
    zone: &TimeZone,
) -> Result<()> {
    let after = After::parse(&page.form.below)?;
    let listed = listing::listing(app, &me.agent, within, after, MESSAGES).await?;
    let line = |(head, name): (Conversation, String)| ConversationLine {
        last: Some(Last::new(head.last_at, zone)),
        ..ConversationLine::new(&head, &name, me.lang)
    };
    page.found = Some(listed.rows.into_iter().map(line).collect::<Vec<_>>().into());
    page.next = listed.next.map(|after| page.form.address(after));
    Ok(())
}

async fn find(
    app: &App,
    me: &CurrentAgent,
    page: &mut SearchPage,
    asked: &Asked,
    zone: &TimeZone,
) -> Result<()> {
    let (agent, Asked { question, within, .. }) = (me.agent.id, asked);
    let messages = finding::messages(app, agent, asked, MESSAGES).await?;
    let mut found = Findings::from(Vec::new());
    // Messages alone go on from page to page.
    if asked.below.is_none() {
        let people = finding::people(app, &me.agent, question, within, PEOPLE).await?;
        found.people =
            people.into_iter().map(|one| PersonLine::new(one, question, me.lang)).collect();
        let called = finding::conversation(app, agent, &page.form.q, within).await?;
        let line =
            |(found, name): (Conversation, String)| ConversationLine::new(&found, &name, me.lang);
        found.conversations = called.into_iter().map(line).collect();
    }
    let line = |hit| MessageLine::new(hit, question, zone, me.lang);
    found.messages = messages.hits.into_iter().map(line).collect();
    page.next = messages.next.map(|below| page.form.address(below));
    page.found = Some(found);
    Ok(())
}

/// Days are those of the site that is asked for, else of the first.
fn zone_of(sites: &[Site], asked: &str) -> TimeZone {
    let site = sites.iter().find(|site| site.id.to_string() == asked).or_else(|| sites.first());
    text::zone(site.map_or(text::DEFAULT_ZONE, |site| &site.zone))
}
