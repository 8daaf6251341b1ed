//! Pages and forms of the desk: parse, act, show.
use super::live::{Row, name};
use crate::{
    agent::{CurrentAgent, DeskFrame, SignedIn},
    app::App,
    conversation::{
        self, AtWork, Body, Canvas, Conversation, Counts, EntryLine, Range, Seat, Sent, Tab,
        asked_range, counts, history_fragment,
    },
    error::{Error, Invalid, Result},
    event::{Side, State},
    ids::{AgentId, ConversationId, Nonce},
    site, text,
    text::Lang,
    web::{
        limits::Limits,
        page::{Viewer, draw, fragment, html, query, see_other},
    },
};
use askama::Template;
use poem::{
    Request, Response, handler,
    http::StatusCode,
    web::{Data, Form, Path},
};
use serde::Deserialize;
use std::sync::Arc;

/// Rows of a list on a page.
const ROWS: u64 = 200;
/// Entries of a conversation on a page; older ones come on demand.
const PAGE: u64 = 50;

#[handler]
pub fn front() -> Response {
    see_other("/desk/c?tab=mine")
}

/// The list a word of the address names; mine, if it names none.
pub fn tab(word: Option<&str>, me: AgentId) -> Tab {
    match word {
        Some("queue") => Tab::Queue,
        Some("all") => Tab::All,
        Some("closed") => Tab::Closed,
        _ => Tab::Mine(me),
    }
}

fn word(tab: Tab) -> &'static str {
    match tab {
        Tab::Mine(_) => "mine",
        Tab::Queue => "queue",
        Tab::All => "all",
        Tab::Closed => "closed",
    }
}

// ── pages ──

#[derive(Template)]
#[template(path = "desk/show.html")]
struct DeskPage {
    lang: Lang,
    frame: DeskFrame,
    tab: &'static str,
    counts: Counts,
    rows: Vec<Row>,
    /// The open conversation, 0 for none.
    current: i64,
    pane: Option<Pane>,
    cursor: String,
}

/// An open conversation.
struct Pane {
    lang: Lang,
    tab: &'static str,
    id: ConversationId,
    bar: Bar,
    lines: Vec<EntryLine>,
    read: i64,
    older: Option<i64>,
    last_seq: i64,
    nonce: Nonce,
    may_act: bool,
    site: String,
    started: String,
    started_iso: String,
}

#[derive(Template)]
#[template(path = "desk/_pane.html")]
struct PaneFragment {
    pane: Pane,
}

#[derive(Template)]
#[template(path = "desk/_bar.html")]
struct BarFragment<'a> {
    bar: &'a Bar,
}

/// The head of an open conversation: who, in what state, and what can be done.
struct Bar {
    lang: Lang,
    tab: &'static str,
    id: ConversationId,
    name: String,
    letter: String,
    tint: i64,
    state: State,
    assignee: String,
    mine: bool,
    may_act: bool,
    nonce: Nonce,
}

impl Bar {
    fn state_word(&self) -> &'static str {
        match self.state {
            State::Queued => "queued",
            State::Open => "open",
            State::Closed => "closed",
        }
    }
}

#[handler]
pub async fn list(app: Data<&App>, signed_in: SignedIn, request: &Request) -> Result<Response> {
    match signed_in {
        SignedIn::Nobody(door) => Ok(see_other(door)),
        SignedIn::Agent(me) => desk_page(&app, &me, request, None).await,
    }
}

#[handler]
pub async fn show(
    app: Data<&App>,
    signed_in: SignedIn,
    request: &Request,
    Path(id): Path<String>,
) -> Result<Response> {
    let me = match signed_in {
        SignedIn::Nobody(door) => return Ok(see_other(door)),
        SignedIn::Agent(me) => me,
    };
    let before = query(request, "before").and_then(|seq| seq.parse().ok());
    let range = before.map_or(Range::Latest(PAGE), |seq| Range::Before(seq, PAGE));
    let tab = tab(query(request, "tab").as_deref(), me.agent.id);
    let pane = pane(&app, &me, tab, number(&id)?, range).await?;
    // htmx asks for the pane alone; going back through the history asks for the page.
    let mut response = if request.header("hx-request-type") == Some("partial") {
        html(&PaneFragment { pane })?
    } else {
        desk_page(&app, &me, request, Some(pane)).await?
    };
    response.headers_mut().insert("vary", poem::http::HeaderValue::from_static("HX-Request-Type"));
    Ok(response)
}

async fn desk_page(
    app: &App,
    me: &CurrentAgent,
    request: &Request,
    pane: Option<Pane>,
) -> Result<Response> {
    let tab = tab(query(request, "tab").as_deref(), me.agent.id);
    // The cursor first: what happens while the page is drawn comes with the stream.
    let cursor = format!("{}:{}", app.epoch, app.db.now().await?.as_microsecond());
    let counts = counts(&app.db, me.agent.id).await?;
    let rows = conversation::list(&app.db, tab, ROWS).await?;
    html(&DeskPage {
        lang: me.lang,
        frame: DeskFrame::new(me, "conversations", counts.unread),
        tab: word(tab),
        counts,
        rows: rows.iter().map(|summary| Row::new(summary, me.lang)).collect(),
        current: pane.as_ref().map_or(0, |pane| pane.id.0),
        pane,
        cursor,
    })
}

async fn pane(
    app: &App,
    me: &CurrentAgent,
    tab: Tab,
    id: ConversationId,
    range: Range,
) -> Result<Pane> {
    let (found, canvas) = open(app, me, id).await?;
    let site = site::find(app.db.read(), found.site).await?;
    let history = conversation::history(app.db.read(), id, range).await?;
    let positions = conversation::positions(app.db.read(), id).await?;
    Ok(Pane {
        lang: me.lang,
        tab: word(tab),
        id,
        bar: bar(app, me, tab, &found).await?,
        lines: conversation::lines(&history, &canvas),
        read: positions.visitor.at_entry,
        older: (history.first_seq() > 1).then(|| history.first_seq()),
        last_seq: found.last_seq,
        nonce: Nonce::new(),
        may_act: me.agent.role.may_act(),
        started: format!(
            "{} {}",
            text::day_line(found.created_at, &canvas.zone, me.lang),
            text::clock_time(found.created_at, &canvas.zone)
        ),
        started_iso: format!("{:.3}", found.created_at),
        site: site.name,
    })
}

async fn bar(app: &App, me: &CurrentAgent, tab: Tab, found: &Conversation) -> Result<Bar> {
    let contact = crate::contact::name_of(app.db.read(), found.contact).await?;
    let summary = found.summary(contact, String::new());
    let name = name(&summary, me.lang);
    Ok(Bar {
        lang: me.lang,
        tab: word(tab),
        id: found.id,
        letter: text::letter(&name),
        tint: text::tint(found.contact.0),
        name,
        state: found.state,
        mine: found.is_assigned_to(me.agent.id),
        assignee: summary.assignee_name,
        may_act: me.agent.role.may_act(),
        nonce: Nonce::new(),
    })
}

async fn open(app: &App, me: &CurrentAgent, id: ConversationId) -> Result<(Conversation, Canvas)> {
    let seat = Seat::Agent { id: me.agent.id, conversation: id };
    let found = conversation::find_for(app.db.read(), &seat).await?;
    let zone = text::zone(&site::find(app.db.read(), found.site).await?.zone);
    let canvas = Canvas { audience: Side::Agent, lang: me.lang, zone, conversation: id };
    Ok((found, canvas))
}

/// A stretch of the log as upserts, and the head of the conversation as it is now.
#[handler]
pub async fn messages(
    app: Data<&App>,
    me: CurrentAgent,
    request: &Request,
    Path(id): Path<String>,
) -> Result<Response> {
    let id = number(&id)?;
    let (found, canvas) = open(&app, &me, id).await?;
    let range = asked_range(request)?;
    let history = conversation::history(app.db.read(), id, range).await?;
    if matches!(range, Range::Before(..)) {
        return history_fragment(&canvas, &history);
    }
    let tab = tab(query(request, "tab").as_deref(), me.agent.id);
    let entries = conversation::entries_upsert(&canvas, &conversation::lines(&history, &canvas))?;
    let positions = conversation::positions(app.db.read(), id).await?;
    let marks = conversation::read_marks(&canvas, &positions)?;
    let bar = bar_partial(&bar(&app, &me, tab, &found).await?)?;
    Ok(fragment([entries, marks, bar].concat()))
}

fn bar_partial(bar: &Bar) -> Result<String> {
    let id = bar.id;
    Ok(format!(
        "<hx-partial hx-target=\"#bar-{id}\" hx-swap=\"outerHTML\">{}</hx-partial>",
        draw(&BarFragment { bar })?
    ))
}

// ── acts ──

#[derive(Deserialize)]
struct WriteForm {
    nonce: String,
    #[serde(default)]
    body: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    seen_seq: Option<i64>,
    /// Set by the button that sends although somebody else answered meanwhile.
    #[serde(default)]
    anyway: Option<String>,
}

#[handler]
pub async fn write(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    viewer: Viewer,
    me: CurrentAgent,
    request: &Request,
    Path(id): Path<String>,
    Form(form): Form<WriteForm>,
) -> Result<Response> {
    let work = at_work(&me, number(&id)?)?;
    let (body, nonce) = (Body::parse(&form.body)?, Nonce::parse(&form.nonce)?);
    limits.message(&who(&me))?;
    let seen = form.seen_seq.filter(|_| form.anyway.is_none());
    let sent = match form.kind.as_str() {
        "" | "text" => conversation::reply(&app, work.clone(), nonce, body, seen).await?,
        "note" => conversation::note(&app, work.clone(), nonce, body).await?,
        _ => return Err(Invalid { field: "kind", reason: "invalid-form" }.into()),
    };
    if let Some(seen) = form.seen_seq {
        conversation::read_as_agent(&app, &work, seen).await?;
    }
    if !viewer.htmx {
        return Ok(see_other(place(request, &id)));
    }
    let (found, canvas) = open(&app, &me, work.conversation).await?;
    let entry = conversation::sent(&canvas, &sent.appended)?;
    let tab = tab(query(request, "tab").as_deref(), me.agent.id);
    let bar = bar_partial(&bar(&app, &me, tab, &found).await?)?;
    Ok(fragment(entry + &bar))
}

#[derive(Deserialize)]
struct ActForm {
    nonce: String,
}

#[handler]
pub async fn claim(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    request: &Request,
    Path(id): Path<String>,
    Form(form): Form<ActForm>,
) -> Result<Response> {
    let work = at_work(&me, number(&id)?)?;
    limits.act(&who(&me))?;
    let sent = conversation::claim(&app, work, Nonce::parse(&form.nonce)?).await?;
    acted(&app, &me, request, &sent).await
}

#[handler]
pub async fn close(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    request: &Request,
    Path(id): Path<String>,
    Form(form): Form<ActForm>,
) -> Result<Response> {
    let work = at_work(&me, number(&id)?)?;
    limits.act(&who(&me))?;
    let sent = conversation::close(&app, work, Nonce::parse(&form.nonce)?).await?;
    acted(&app, &me, request, &sent).await
}

#[handler]
pub async fn reopen(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    request: &Request,
    Path(id): Path<String>,
    Form(form): Form<ActForm>,
) -> Result<Response> {
    let work = at_work(&me, number(&id)?)?;
    limits.act(&who(&me))?;
    let sent = conversation::reopen(&app, work, Nonce::parse(&form.nonce)?).await?;
    acted(&app, &me, request, &sent).await
}

/// After an act htmx gets the pane as it is now, a plain form the page.
async fn acted(app: &App, me: &CurrentAgent, request: &Request, sent: &Sent) -> Result<Response> {
    let id = sent.conversation.id;
    if request.header("hx-request").is_none() {
        return Ok(see_other(place(request, &id.to_string())));
    }
    let tab = tab(query(request, "tab").as_deref(), me.agent.id);
    html(&PaneFragment { pane: pane(app, me, tab, id, Range::Latest(PAGE)).await? })
}

#[derive(Deserialize)]
struct SeenForm {
    seq: i64,
}

#[handler]
pub async fn mark_seen(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Path(id): Path<String>,
    Form(form): Form<SeenForm>,
) -> Result<StatusCode> {
    // A reader who may not act leaves no mark either.
    if let Ok(work) = at_work(&me, number(&id)?) {
        limits.act(&who(&me))?;
        conversation::read_as_agent(&app, &work, form.seq).await?;
    }
    Ok(StatusCode::NO_CONTENT)
}

fn at_work(me: &CurrentAgent, conversation: ConversationId) -> Result<AtWork> {
    if !me.agent.role.may_act() {
        return Err(Error::Forbidden("forbidden-read-only"));
    }
    Ok(AtWork { agent: me.agent.id, name: me.agent.name.clone(), conversation })
}

/// By whom an agent's acts are counted.
fn who(me: &CurrentAgent) -> String {
    format!("agent {}", me.agent.id)
}

/// Garbage names no conversation.
fn number(text: &str) -> Result<ConversationId> {
    text.parse().map_err(|_| Error::NotFound)
}

fn place(request: &Request, id: &str) -> String {
    match query(request, "tab").as_deref() {
        Some(tab @ ("mine" | "queue" | "all" | "closed")) => format!("/desk/c/{id}?tab={tab}"),
        _ => format!("/desk/c/{id}"),
    }
}
