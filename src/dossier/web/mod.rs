//! The panel beside a conversation, and as a page of its own: parse, act, show.
mod attributes;
mod blocking;
mod edits;
mod merging;

pub use attributes::{add_attribute, change_attribute, list_attributes, remove_attribute};
pub use blocking::{block_contact, lift, list_blocked, unblock_contact};
pub use edits::{add_note, add_tag, change_field, remove_note, remove_tag};
pub use merging::{merge, merge_page};

use crate::{
    agent::{CurrentAgent, DeskFrame, SignedIn},
    app::App,
    contact::{self, Attribute, AttributeKind, Contact, Note, PageView},
    conversation::{self, Conversation, Seat},
    error::{Error, Result},
    ids::{ContactId, ConversationId, Nonce},
    site,
    text::{self, Lang},
    web::{
        errors::words,
        limits::Limits,
        page::{Viewer, draw, fragment, html, query, see_other},
    },
};
use askama::Template;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use poem::{
    FromRequest, Request, RequestBody, Response, handler,
    http::StatusCode,
    web::{Data, Path},
};
use std::sync::Arc;

/// Past conversations, notes and pages in one look.
const PAST: u64 = 10;
const NOTES: u64 = 50;
const PAGES: u64 = 20;
/// Words that others were marked with lately are suggested.
const LATELY: SignedDuration = SignedDuration::from_hours(90 * 24);
const SUGGESTED: u64 = 200;

/// What is shown of a contact.
struct Side {
    lang: Lang,
    id: ConversationId,
    contact: Contact,
    name: String,
    letter: String,
    tint: i64,
    may_act: bool,
    fields: Vec<Field>,
    tags: Vec<String>,
    suggestions: Vec<String>,
    notes: Vec<NoteRow>,
    /// Of the next note.
    nonce: Nonce,
    pages: Vec<PageRow>,
    past: Vec<PastRow>,
    /// Whether they are not the newest, and where older ones go on.
    paged: bool,
    older: Option<ConversationId>,
    blocked: Option<BlockRow>,
    /// Who the site's own server says it is, and on which site; the signature of one of them is a proof.
    identities: Vec<(String, String)>,
    told: Told,
}

/// What was refused: the field, what was typed there, and why.
#[derive(Default)]
struct Told {
    field: String,
    typed: String,
    problem: String,
}

/// One line that can be edited in place.
struct Field {
    /// `name`, `phone`, `email`, or the number of an attribute behind `a`.
    key: String,
    label: String,
    shown: String,
    value: String,
    /// The `type` of the box.
    kind: &'static str,
    longest: usize,
    choices: Vec<String>,
}

struct NoteRow {
    note: Note,
    time: Moment,
    mine: bool,
}

struct PageRow {
    view: PageView,
    /// The title, or the address without what every address has.
    shown: String,
    /// The site whose link led there, if it is another one.
    from: Option<String>,
    time: Moment,
}

struct PastRow {
    id: ConversationId,
    day: String,
    preview: String,
    state: &'static str,
}

struct BlockRow {
    by: String,
    reason: String,
    time: Moment,
}

struct Moment {
    iso: String,
    shown: String,
}

impl Moment {
    fn new(at: Timestamp, now: Timestamp, zone: &TimeZone, lang: Lang) -> Self {
        let day = text::day_of_any_year(at, now, zone, lang);
        let time = text::clock_time(at, zone);
        Self { iso: format!("{at:.3}"), shown: format!("{day} {time}") }
    }
}

impl Side {
    fn problem_of(&self, field: &str) -> Option<&str> {
        (self.told.field == field).then_some(self.told.problem.as_str())
    }

    fn typed_in(&self, field: &str) -> &str {
        if self.told.field == field { &self.told.typed } else { "" }
    }

    /// What stands in the box of a field: what was refused, else what is known.
    fn value_of<'a>(&'a self, field: &'a Field) -> &'a str {
        if self.told.field == field.key { &self.told.typed } else { &field.value }
    }

    fn device(&self) -> String {
        text::device(&self.contact.device)
    }
}

#[derive(Template)]
#[template(path = "contact/side.html")]
struct SidePage {
    lang: Lang,
    frame: DeskFrame,
    side: Side,
}

/// One template for each part that is drawn anew by itself, and for all of them.
macro_rules! parts { ($($name:ident $path:literal),* $(,)?) => { $(
    #[derive(Template)]
    #[template(path = $path)]
    struct $name<'a> { side: &'a Side }
)* } }

parts! {
    Whole "contact/_side.html",
    Identity "contact/_identity.html",
    Tags "contact/_tags.html",
    Notes "contact/_notes.html",
    Past "contact/_past.html",
    Blocking "contact/_block.html",
}

#[handler]
pub async fn show(
    app: Data<&App>,
    viewer: Viewer,
    SignedIn(me): SignedIn,
    request: &Request,
    Path(id): Path<String>,
) -> Result<Response> {
    let before = query(request, "before").and_then(|id| id.parse().ok());
    let side = side_before(&app, &me, number(&id)?, before, Told::default()).await?;
    match (viewer.htmx, before) {
        (true, Some(_)) => Ok(fragment(draw(&Past { side: &side })?)),
        (true, None) => Ok(fragment(draw(&Whole { side: &side })?)),
        (false, _) => side_page(&me, side),
    }
}

fn side_page(me: &CurrentAgent, side: Side) -> Result<Response> {
    html(&SidePage { lang: me.lang, frame: DeskFrame::new(me, "conversations", 0), side })
}

/// Leads to where a contact spoke last, as far as whoever asks sees it.
#[handler]
pub async fn find(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    Path(id): Path<String>,
) -> Result<Response> {
    let id: ContactId = id.parse().map_err(|_| Error::NotFound)?;
    let contact = contact::find(app.db.read(), id).await?;
    let sight = conversation::sight(app.db.read(), &me.agent).await?;
    let newest = conversation::seen_of_contact(&app.db, &sight, contact.id, None, 1).await?;
    let (head, _) = newest.first().ok_or(Error::NotFound)?;
    Ok(see_other(format!("/desk/c/{}?tab=all", head.id)))
}

/// A conversation through the agent who looks, and whose it is.
async fn open(app: &App, me: &CurrentAgent, id: ConversationId) -> Result<Conversation> {
    let seat = Seat::Agent { id: me.agent.id, conversation: id };
    conversation::find_for(app.db.read(), &seat).await
}

async fn side(app: &App, me: &CurrentAgent, id: ConversationId, told: Told) -> Result<Side> {
    side_before(app, me, id, None, told).await
}

async fn side_before(
    app: &App,
    me: &CurrentAgent,
    id: ConversationId,
    before: Option<i64>,
    told: Told,
) -> Result<Side> {
    let (db, lang, now) = (&app.db, me.lang, app.clock.now());
    let head = open(app, me, id).await?;
    let contact = contact::find(db.read(), head.contact).await?;
    let zone = text::zone(&site::find(db.read(), head.site).await?.zone);
    let name = name(&contact, id, lang);
    let note = |note: Note| NoteRow {
        time: Moment::new(note.at, now, &zone, lang),
        mine: note.agent == me.agent.id || me.agent.role.may_manage(),
        note,
    };
    let page = |view: PageView| PageRow {
        shown: shown(&view),
        from: led_by(&view),
        time: Moment::new(view.at, now, &zone, lang),
        view,
    };
    let sight = conversation::sight(db.read(), &me.agent).await?;
    let mut past = conversation::seen_of_contact(db, &sight, contact.id, before, PAST + 1).await?;
    let more = past.len() as u64 > PAST;
    past.truncate(usize::try_from(PAST).unwrap_or(usize::MAX));
    let older = past.last().filter(|_| more).map(|(head, _)| head.id);
    let past = past.into_iter().filter(|(head, _)| head.id != id).map(|(head, _)| PastRow {
        id: head.id,
        day: text::day_of_any_year(head.created_at, now, &zone, lang),
        preview: conversation::last_said(&head.preview, lang),
        state: head.state.key(),
    });
    let tags = contact::tags(db.read(), contact.id).await?;
    let since = now - LATELY;
    let mut suggestions = contact::tags_given_since(db, since, SUGGESTED).await?;
    suggestions.retain(|word| !tags.contains(word));
    let blocked = contact.block.as_ref().map(|block| BlockRow {
        by: block.by.clone(),
        reason: block.reason.clone(),
        time: Moment::new(block.at, now, &zone, lang),
    });
    let mut identities = Vec::new();
    for known in contact::identities(db.read(), contact.id).await? {
        let site = site::find(db.read(), known.site).await?;
        identities.push((known.subject, site.name));
    }
    Ok(Side {
        lang,
        id,
        letter: text::letter(&name),
        tint: text::tint(contact.id.0),
        name,
        may_act: me.agent.role.may_act(),
        fields: fields(app, me, &contact).await?,
        tags,
        suggestions: suggestions.into_iter().collect(),
        notes: contact::notes(db, contact.id, None, NOTES).await?.into_iter().map(note).collect(),
        nonce: Nonce::new(),
        pages: contact::pages(db, contact.id, PAGES).await?.into_iter().map(page).collect(),
        past: past.collect(),
        paged: before.is_some(),
        older,
        blocked,
        identities,
        contact,
        told,
    })
}

/// What agents call a contact: by name, else by the number of the conversation, as the lists do.
fn name(contact: &Contact, id: ConversationId, lang: Lang) -> String {
    if contact.name.is_empty() {
        lang.with("visitor-number", "number", id)
    } else {
        contact.name.clone()
    }
}

/// A phone as this agent may see it: whoever may not act need not call either.
fn phone(me: &CurrentAgent, phone: &str) -> String {
    if me.agent.role.may_act() { phone.to_owned() } else { contact::masked(phone) }
}

async fn fields(app: &App, me: &CurrentAgent, contact: &Contact) -> Result<Vec<Field>> {
    let lang = me.lang;
    let field = |key: &str, label: &str, value: String, kind, longest| Field {
        key: key.into(),
        label: lang.t(label),
        shown: value.clone(),
        value,
        kind,
        longest,
        choices: Vec::new(),
    };
    let mut fields = vec![
        field("name", "contact-name", contact.name.clone(), "text", 60),
        field("phone", "contact-phone", phone(me, &contact.phone), "tel", 32),
        field("email", "email", contact.email.clone(), "email", 254),
    ];
    let values = contact::values(app.db.read(), contact.id).await?;
    let known = |attribute: Attribute| {
        let value = values.get(&attribute.id).cloned().unwrap_or_default();
        Field {
            key: format!("a{}", attribute.id),
            label: attribute.label(lang).to_owned(),
            shown: value.clone(),
            value,
            kind: match attribute.kind {
                AttributeKind::Date => "date",
                AttributeKind::Text | AttributeKind::Number | AttributeKind::Choice => "text",
            },
            longest: 500,
            choices: attribute.choices,
        }
    };
    fields.extend(contact::attributes(app.db.read()).await?.into_iter().map(known));
    Ok(fields)
}

fn led_by(view: &PageView) -> Option<String> {
    let host = |address: &str| {
        Some(address.split_once("://")?.1.split(['/', '?', '#']).next()?.to_owned())
    };
    let from = host(view.referrer.as_deref()?)?;
    (host(&view.url).as_ref() != Some(&from)).then_some(from)
}

fn shown(view: &PageView) -> String {
    if !view.title.is_empty() {
        return view.title.clone();
    }
    let address = view.url.split_once("://").map_or(view.url.as_str(), |(_, rest)| rest);
    address.trim_end_matches('/').chars().take(120).collect()
}

/// An agent who changes something of a contact, beside a conversation that she sees; which is counted.
struct Editor<'a> {
    app: &'a App,
    viewer: Viewer,
    me: CurrentAgent,
    id: ConversationId,
    contact: ContactId,
}

impl<'a> FromRequest<'a> for Editor<'a> {
    async fn from_request(request: &'a Request, body: &mut RequestBody) -> poem::Result<Self> {
        let Data(app) = <Data<&App>>::from_request(request, body).await?;
        let me = CurrentAgent::from_request(request, body).await?;
        me.must_act()?;
        let Path(id) = <Path<String>>::from_request(request, body).await?;
        let id = number(&id)?;
        let contact = open(app, &me, id).await?.contact;
        <Data<&Arc<Limits>>>::from_request(request, body).await?.act(&me.counted_as())?;
        Ok(Self { app, viewer: Viewer::of(request), me, id, contact })
    }
}

impl Editor<'_> {
    /// What a form of the panel is answered with: htmx gets the part anew, a plain form the page.
    async fn answer(
        &self,
        outcome: Outcome,
        part: fn(&Side) -> Result<String>,
    ) -> Result<Response> {
        let Self { app, viewer, me, id, .. } = self;
        let refused = outcome.0.is_some();
        if !refused && !viewer.htmx {
            return Ok(see_other(format!("/desk/c/{id}/side")));
        }
        let side = side(app, me, *id, outcome.0.unwrap_or_default()).await?;
        let mut response = if viewer.htmx { fragment(part(&side)?) } else { side_page(me, side)? };
        if refused {
            response.set_status(StatusCode::UNPROCESSABLE_ENTITY);
        }
        Ok(response)
    }
}

/// Whether it was done, or what was refused.
struct Outcome(Option<Told>);

impl Outcome {
    /// What does not fit is shown where it was typed; other errors are the page's.
    fn of(done: Result<()>, field: &str, typed: &str, lang: Lang) -> Result<Self> {
        match done {
            Ok(()) => Ok(Self(None)),
            Err(error @ (Error::Invalid(_) | Error::NonceReused)) => Ok(Self(Some(Told {
                field: field.to_owned(),
                typed: typed.to_owned(),
                problem: words(&error).say(lang),
            }))),
            Err(error) => Err(error),
        }
    }
}

/// Garbage names no conversation.
fn number(text: &str) -> Result<ConversationId> {
    text.parse().map_err(|_| Error::NotFound)
}
