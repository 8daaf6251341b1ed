//! Pages and forms of the desk: parse, act, show.
mod acts;
mod bulk;
mod callees;
mod clash;
mod composer;
mod emoji;
mod export;
mod files;
mod lens;
mod menu;
mod panels;
mod pick;
mod state;
mod stretch;
mod verbs;

pub use acts::{mark_seen, typing, write};
pub use bulk::{bulk_form, handle_several};
pub use callees::offer_callees;
pub use emoji::choose_emoji;
pub use files::{bring, look};
pub(super) use lens::asks;
pub use lens::{asked_again, filter_form, lens};
use lens::{narrowed, word};
pub use menu::{amend, earlier, entry_menu};
pub use panels::panel_form;
use panels::{Panel, Part};
pub use state::{choose, sign_out};
pub use stretch::ROWS;
use stretch::{Stretch, further};
pub use verbs::act;

use super::live::{Around, Held, Row, Viewers, cursor, gone, name};
use crate::{
    agent::{self, CurrentAgent, DeskFrame, SignedIn, Standing},
    app::App,
    attachment::{self, Attachment, web::unsent},
    contact,
    conversation::{
        self, Canvas, Conversation, Counts, EntryLine, Lens, Place, QuoteLine, Range, Seat, Seen,
        Unread, asked_range, counts, history_fragment,
    },
    error::{Error, Result},
    event::{Present, Priority, Side, State},
    ids::{AgentId, ConversationId, Nonce},
    saved_view, site, tag, text,
    text::Lang,
    web::page::{draw, fragment, html, query, see_other},
};
use askama::Template;
use composer::Composer;
use poem::{
    Request, Response, handler,
    http::HeaderValue,
    web::{Data, Path},
};

/// Entries of a conversation on a page; older ones come on demand.
const PAGE: u64 = 50;

#[handler]
pub fn front() -> Response {
    see_other("/desk/c?tab=mine")
}

#[derive(Template)]
#[template(path = "desk/show.html")]
struct DeskPage {
    lang: Lang,
    frame: DeskFrame,
    tab: &'static str,
    may_act: bool,
    /// What the address asks for, whole and without the list's name.
    asks: String,
    narrowed: String,
    /// The name of the view that was kept of just this.
    view: Option<String>,
    /// Whether the demo shop is offered: to whoever sets up, until the first conversation comes.
    fresh: bool,
    counts: Counts,
    held: Held,
    stretch: Stretch,
    /// Where the list on this page begins, if not at its beginning.
    before: Option<Place>,
    /// The open conversation, 0 for none.
    current: i64,
    pane: Option<Pane>,
    /// By what the stream of this page knows it.
    page: Nonce,
    cursor: String,
}

/// An open conversation.
struct Pane {
    lang: Lang,
    /// What of the lists is looked at, as an address asks for it.
    asks: String,
    id: ConversationId,
    bar: Bar,
    lines: Vec<EntryLine>,
    /// What is new to her.
    news: Option<News>,
    read: i64,
    /// Whether it counts as unread until she reads it, as far as she may have read.
    unread: bool,
    older: Option<i64>,
    /// The last entry shown, if there are newer ones.
    newer: Option<i64>,
    last_seq: i64,
    nonce: Nonce,
    may_act: bool,
    /// What goes with the next answer, and what may be chosen for it.
    files: Vec<Attachment>,
    accept: String,
    composer: Composer,
    site: String,
    started: String,
    started_iso: String,
    /// Colleagues who have it open, too.
    viewers: Viewers,
    /// Who of those whom a note calls has read it.
    seen: Option<Seen>,
    /// The form that was asked for.
    panel: Option<Panel>,
    /// What the answer that is being written quotes.
    quote: Option<Quoted>,
    /// Why it was not sent.
    problem: Option<String>,
}

impl Pane {
    /// Up to which entry it holds all.
    fn held(&self) -> i64 {
        self.newer.unwrap_or(self.last_seq)
    }
}

/// The line above the first message that is new.
struct News {
    first: i64,
    /// The entry of this pane above which it stands: that message, or the first after it.
    above: i64,
    words: String,
}

impl News {
    fn new(unread: Unread, lines: &[EntryLine], lang: Lang) -> Option<Self> {
        let Unread { first, count } = unread;
        let above = lines.iter().map(|line| line.seq).find(|seq| *seq >= first)?;
        let key = if count == 1 { "unread-line-one" } else { "unread-line" };
        Some(Self { first, above, words: lang.with(key, "count", count) })
    }
}

/// An earlier message, by its number, and what is shown of it.
struct Quoted {
    seq: i64,
    line: QuoteLine,
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
    asks: String,
    id: ConversationId,
    name: String,
    letter: String,
    tint: i64,
    state: State,
    priority: Option<String>,
    /// Until when it is put off.
    snoozed: Option<String>,
    tags: Vec<String>,
    assignee: String,
    /// Which colleague has it, and where she is.
    colleague: Option<(i64, Standing)>,
    mine: bool,
    /// Who looks at it, to whom it comes when she takes it over.
    viewer: AgentId,
    may_act: bool,
    /// Whether the visitor is not heard any more.
    blocked: bool,
    /// Whether the visitor has the page open.
    here: bool,
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
pub async fn list(app: Data<&App>, SignedIn(me): SignedIn, request: &Request) -> Result<Response> {
    let lens = lens(request, me.agent.id);
    if pick::is_asked(request) {
        return pick::pick(&app, &me, request, &lens).await;
    }
    if lens.after.is_some() && is_for_a_part(request) {
        return further(&app, &me, &lens).await.map(or_a_part);
    }
    turned(&app, &me, request, None);
    desk_page(&app, &me, &lens, None).await.map(or_a_part)
}

/// htmx asks for a part alone; going back through the history asks for the page.
fn is_for_a_part(request: &Request) -> bool {
    request.header("hx-request-type") == Some("partial")
}

/// The same address is answered with a page or a part of it.
fn or_a_part(mut response: Response) -> Response {
    response.headers_mut().insert("vary", HeaderValue::from_static("HX-Request-Type"));
    response
}

#[handler]
pub async fn show(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    request: &Request,
    Path(id): Path<String>,
) -> Result<Response> {
    let number_of = |name| query(request, name).and_then(|seq| seq.parse().ok());
    let range = match (number_of("at"), number_of("before")) {
        (Some(seq), _) => Range::Around(seq, PAGE),
        (None, Some(seq)) => Range::Before(seq, PAGE),
        (None, None) => Range::Latest(PAGE),
    };
    let lens = lens(request, me.agent.id);
    let pane = pane(&app, &me, &lens, number(&id)?, range).await?;
    let quote = quote(&app, &me, pane.id, &pane.bar.name, number_of("quote")).await?;
    let files = unsent(&app, files::owner(&me, pane.id), request).await?;
    turned(&app, &me, request, Some(pane.id));
    let mut pane = Pane { quote, files, ..pane };
    if let Some(reply) = query(request, "canned") {
        pane.composer.take_in(&app, &me, pane.id, &reply).await?;
    }
    if is_for_a_part(request) {
        return html(&PaneFragment { pane }).map(or_a_part);
    }
    desk_page(&app, &me, &lens, Some(pane)).await.map(or_a_part)
}

async fn desk_page(
    app: &App,
    me: &CurrentAgent,
    lens: &Lens,
    pane: Option<Pane>,
) -> Result<Response> {
    // The cursor first: what happens while the page is drawn comes with the stream.
    let now = app.db.now().await?;
    let sight = conversation::sight(app.db.read(), &me.agent).await?;
    let counts = counts(&app.db, &sight).await?;
    let stretch = Stretch::of(app, me, &sight, lens).await?;
    let views = saved_view::for_agent(&app.db, me.agent.id).await?;
    let view = views.into_iter().find(|view| view.asks == asks(lens)).map(|view| view.name);
    html(&DeskPage {
        lang: me.lang,
        frame: DeskFrame::new(me, "conversations", counts.unread),
        tab: word(lens.tab),
        may_act: me.agent.role.may_act(),
        asks: asks(lens),
        narrowed: narrowed(&lens.filter),
        view,
        fresh: stretch.rows.is_empty()
            && me.agent.role.may_manage()
            && !conversation::is_any(&app.db).await?,
        held: Held { mine: counts.mine, capacity: me.agent.capacity.number() },
        counts,
        stretch,
        before: lens.after,
        current: pane.as_ref().map_or(0, |pane| pane.id.0),
        pane,
        page: Nonce::new(),
        cursor: cursor(&app.epoch, now, &sight),
    })
}

/// Which page of hers asks, if it says so: its stream learns what it shows from now on.
fn turned(app: &App, me: &CurrentAgent, request: &Request, to: Option<ConversationId>) {
    let page = request.header("kefu-page").and_then(|page| Nonce::parse(page).ok());
    if let Some(page) = page {
        conversation::turn_page(app, me.agent.id, page, to);
    }
}

async fn pane(
    app: &App,
    me: &CurrentAgent,
    lens: &Lens,
    id: ConversationId,
    range: Range,
) -> Result<Pane> {
    let (found, canvas) = open(app, me, id).await?;
    let site = site::find(app.db.read(), found.site).await?;
    let history = conversation::history(app.db.read(), id, range).await?;
    let positions = conversation::positions(app.db.read(), id).await?;
    let unread = conversation::unread_by(app.db.read(), &found, me.agent.id, &positions).await?;
    let lines = conversation::lines(&history, &canvas);
    let seen = conversation::seen(app.db.read(), id, found.last_seq).await?;
    Ok(Pane {
        lang: me.lang,
        asks: asks(lens),
        id,
        bar: bar(app, me, lens, &found).await?,
        news: unread.and_then(|unread| News::new(unread, &lines, me.lang)),
        lines,
        read: positions.visitor.at_entry,
        unread: found.unread > 0 && found.is_assigned_to(me.agent.id),
        older: (history.first_seq() > 1).then(|| history.first_seq()),
        newer: history.entries.last().map(|last| last.seq).filter(|seq| *seq < found.last_seq),
        last_seq: found.last_seq,
        nonce: Nonce::new(),
        may_act: me.agent.role.may_act(),
        files: Vec::new(),
        accept: attachment::accepted(app).await?,
        composer: Composer::of(app, me, id).await?,
        started: format!(
            "{} {}",
            text::day_of_any_year(found.created_at, app.clock.now(), &canvas.zone, me.lang),
            text::clock_time(found.created_at, &canvas.zone)
        ),
        started_iso: format!("{:.3}", found.created_at),
        site: site.name,
        viewers: Viewers::new(&Around::of(&app.bus, id, me.agent.id), me.lang),
        seen,
        panel: None,
        quote: None,
        problem: None,
    })
}

/// What an answer quotes, if it can be.
async fn quote(
    app: &App,
    me: &CurrentAgent,
    id: ConversationId,
    visitor: &str,
    seq: Option<i64>,
) -> Result<Option<Quoted>> {
    let Some(seq) = seq else { return Ok(None) };
    let entry = match conversation::find_entry(app.db.read(), id, seq).await {
        Err(Error::NotFound) => return Ok(None),
        found => found?,
    };
    let quote = conversation::quoted(&entry, true);
    Ok(quote.map(|quote| Quoted { seq, line: QuoteLine::new(&quote, visitor, me.lang) }))
}

async fn bar(app: &App, me: &CurrentAgent, lens: &Lens, found: &Conversation) -> Result<Bar> {
    let contact = contact::find(app.db.read(), found.contact).await?;
    let tags = if found.tags.is_empty() { Vec::new() } else { tag::all(&app.db).await? };
    let tags = tags.into_iter().filter(|tag| found.tags.contains(&tag.id));
    let tags = tags.map(|tag| tag.name).collect();
    let zone = &text::zone(&site::find(app.db.read(), found.site).await?.zone);
    let summary = found.summary(contact.name, String::new());
    let name = name(&summary, me.lang);
    let colleague = match &found.assignee {
        Some(assignee) if assignee.id != me.agent.id => {
            Some((assignee.id.0, agent::standing(app, assignee.id).await?))
        }
        _ => None,
    };
    Ok(Bar {
        colleague,
        lang: me.lang,
        asks: asks(lens),
        id: found.id,
        letter: text::letter(&name),
        tint: text::tint(found.contact.0),
        name,
        state: found.state,
        priority: (found.priority != Priority::Normal).then(|| me.lang.t(found.priority.key())),
        snoozed: found.snoozed_until.map(|until| {
            let day = text::day_line(until, zone, me.lang);
            format!("{day} {}", text::clock_time(until, zone))
        }),
        tags,
        mine: found.is_assigned_to(me.agent.id),
        viewer: me.agent.id,
        assignee: summary.assignee_name,
        blocked: contact.block.is_some(),
        here: app.bus.is_here(Present::Visitor(found.id)),
        may_act: me.agent.role.may_act(),
        nonce: Nonce::new(),
    })
}

async fn open(app: &App, me: &CurrentAgent, id: ConversationId) -> Result<(Conversation, Canvas)> {
    let seat = Seat::Agent { id: me.agent.id, conversation: id };
    let found = conversation::find_for(app.db.read(), &seat).await?;
    let zone = text::zone(&site::find(app.db.read(), found.site).await?.zone);
    let files = format!("/desk/c/{id}/files/");
    let visitor = contact::find(app.db.read(), found.contact).await?.name;
    let (audience, lang, conversation) = (Side::Agent, me.lang, id);
    let (acts, standing) = (me.agent.role.may_act(), Default::default());
    Ok((found, Canvas { audience, lang, zone, conversation, files, visitor, acts, standing }))
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
    let lens = lens(request, me.agent.id);
    let entries = conversation::news(&canvas, &history)?;
    let positions = conversation::positions(app.db.read(), id).await?;
    let marks = conversation::read_marks(&canvas, &positions)?;
    let seen = conversation::seen(app.db.read(), id, found.last_seq).await?;
    let seen = conversation::seen_mark(&canvas, seen.as_ref())?;
    let bar = bar_partial(&bar(&app, &me, &lens, &found).await?)?;
    let mut response = fragment([entries, marks, seen, bar].concat());
    // Edits have numbers and no place of their own, so how far this reaches cannot be seen in it.
    if let Some(last) = history.entries.last() {
        response.headers_mut().insert("kefu-held", HeaderValue::from(last.seq));
    }
    Ok(response)
}

fn bar_partial(bar: &Bar) -> Result<String> {
    let id = bar.id;
    Ok(format!(
        "<hx-partial hx-target=\"#bar-{id}\" hx-swap=\"outerHTML\">{}</hx-partial>",
        draw(&BarFragment { bar })?
    ))
}

/// Where an open conversation stands beside the list that is looked at.
fn place(lens: &Lens, id: ConversationId) -> String {
    format!("/desk/c/{id}?{}", asks(lens))
}

/// Garbage names no conversation.
fn number(text: &str) -> Result<ConversationId> {
    text.parse().map_err(|_| Error::NotFound)
}
