//! Rows and counters of the lists as fragments. A row is the same for every agent, so it is drawn once per language; who else has
//! its conversation open is put into it for each.
use super::web::asks;
use crate::{
    agent::{Agent, Standing},
    app::App,
    bus::{Bus, News, Sheet, Viewer},
    config::Waits,
    conversation::{self, Counts, Lens, Sight},
    event::{Present, Priority, Side, State, Summary},
    ids::{AgentId, ConversationId},
    text::{self, Lang},
};
use askama::Template;
use jiff::Timestamp;
use std::collections::BTreeSet;

/// What passes in a conversation, as one agent is told it: whether its visitor is here, and which colleagues have it open.
#[derive(Clone, Debug)]
pub struct Around {
    pub id: ConversationId,
    pub here: bool,
    viewers: Vec<Viewer>,
}

impl Around {
    pub fn of(bus: &Bus, id: ConversationId, me: AgentId) -> Self {
        let mut viewers = bus.viewers(id);
        viewers.retain(|viewer| viewer.agent != me);
        Self { id, here: bus.is_here(Present::Visitor(id)), viewers }
    }
}

/// Colleagues who have a conversation open, as a template needs them.
#[derive(Clone, Debug)]
pub struct Viewers {
    lang: Lang,
    pub faces: Vec<Face>,
    names: Vec<String>,
}

/// A letter and its colour.
#[derive(Clone, Debug)]
pub struct Face {
    pub letter: String,
    pub tint: i64,
}

/// More of them say nothing more.
const FACES: usize = 3;

impl Viewers {
    pub fn new(around: &Around, lang: Lang) -> Self {
        let face = |viewer: &Viewer| Face {
            letter: text::letter(&viewer.name),
            tint: text::tint(viewer.agent.0),
        };
        Self {
            lang,
            faces: around.viewers.iter().take(FACES).map(face).collect(),
            names: around.viewers.iter().map(|viewer| viewer.name.to_string()).collect(),
        }
    }

    fn nobody(lang: Lang) -> Self {
        Self { lang, faces: Vec::new(), names: Vec::new() }
    }

    /// In a row: who they are.
    pub fn words(&self) -> String {
        self.lang.with("viewers", "names", self.names.join(" · "))
    }

    /// In the conversation itself: that they look, too.
    pub fn sentence(&self) -> String {
        let key = if self.names.len() == 1 { "viewing" } else { "viewing-several" };
        self.lang.with(key, "names", self.names.join(" · "))
    }
}

/// A row as its template needs it.
#[derive(Clone, Debug)]
pub struct Row {
    pub lang: Lang,
    pub id: i64,
    /// Sorts the list: whoever waits longest first, then the newest.
    pub key: String,
    pub name: String,
    pub letter: String,
    pub tint: i64,
    pub preview: String,
    pub by_agent: bool,
    pub iso: String,
    pub time: String,
    pub waiting: Option<Waiting>,
    pub unread: i64,
    /// What it is called where it is not as usual.
    pub priority: Option<(&'static str, String)>,
    pub state: State,
    /// Until when it is put off.
    pub snoozed: Option<String>,
    pub assignee: String,
    /// What of the lists is looked at, as the end of an address; empty where a row is drawn for all.
    pub asks: String,
    /// Whether whoever looks has begun to write something there. Only pages know: news of a row is the same for everybody, and
    /// `assets/js/kept.js` puts the mark on again, by what [`begun`] keeps beside the list.
    pub draft: bool,
    /// Whether the visitor has the page open.
    pub here: bool,
    /// Nobody where a row is drawn for all.
    pub viewers: Viewers,
}

impl Row {
    pub fn new(app: &App, summary: &Summary, here: bool, lang: Lang) -> Self {
        let now = app.clock.now();
        let zone = text::zone(&summary.zone);
        let name = name(summary, lang);
        Self {
            lang,
            id: summary.id.0,
            key: key(summary),
            letter: text::letter(&name),
            name,
            tint: text::tint(summary.contact.0),
            preview: conversation::last_said(&summary.preview, lang),
            by_agent: summary.preview_by == Side::Agent,
            iso: format!("{:.3}", summary.last_at),
            time: text::lately(summary.last_at, now, &zone, lang),
            waiting: summary
                .waiting_since
                .map(|since| Waiting::new(since, now, app.config.waiting_seconds, lang)),
            unread: summary.unread,
            priority: (summary.priority != Priority::Normal)
                .then(|| (summary.priority.word(), lang.t(summary.priority.key()))),
            state: summary.state,
            snoozed: summary.snoozed_until.map(|until| {
                lang.with("state-snoozed", "until", text::soon(until, now, &zone, lang))
            }),
            assignee: summary.assignee_name.clone(),
            asks: String::new(),
            draft: false,
            here,
            viewers: Viewers::nobody(lang),
        }
    }

    /// The same as one agent sees it now.
    pub fn seen_by(app: &App, me: AgentId, summary: &Summary, lang: Lang) -> Self {
        let around = Around::of(&app.bus, summary.id, me);
        let viewers = Viewers::new(&around, lang);
        Self { viewers, ..Self::new(app, summary, around.here, lang) }
    }
}

/// How long a visitor waits. `assets/js/waits.js` goes on to say it, in the same words and colours.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// RFC 3339.
    pub since: String,
    /// `1:24`, `2 h`, `3 d`
    pub clock: String,
    /// How long that is: `soon` or `late`, as [`Waits`] says.
    pub class: &'static str,
}

impl Waiting {
    fn new(since: Timestamp, now: Timestamp, waits: Waits, lang: Lang) -> Self {
        let seconds = now.duration_since(since).as_secs().max(0);
        Self {
            since: format!("{since:.3}"),
            clock: match seconds {
                ..3_600 => format!("{}:{:02}", seconds / 60, seconds % 60),
                3_600..172_800 => lang.with("waiting-hours", "count", seconds / 3_600),
                _ => lang.with("waiting-days", "count", seconds / 86_400),
            },
            class: match seconds {
                _ if seconds >= waits.late.into() => " late",
                _ if seconds >= waits.soon.into() => " soon",
                _ => "",
            },
        }
    }
}

/// What agents call a visitor: by the name given, else by number.
pub fn name(summary: &Summary, lang: Lang) -> String {
    if summary.name.is_empty() {
        lang.with("visitor-number", "number", summary.id)
    } else {
        summary.name.clone()
    }
}

/// 15 digits, which a script compares as a number: a 0 if somebody waits, else a 1; how little it matters, 0 to 3; and in milliseconds
/// the moment since when somebody waits, when it comes back, or how long before the year 2286 the last message was. What is closed
/// stands only beside its like: by how long before that year it was closed.
fn key(summary: &Summary) -> String {
    const END: i64 = 9_999_999_999_999;
    let rank = match summary.priority {
        Priority::Urgent => 0,
        Priority::High => 1,
        Priority::Normal => 2,
        Priority::Low => 3,
    };
    if let Some(at) = summary.closed_at {
        return format!("10{:013}", END - at.as_millisecond());
    }
    match (summary.snoozed_until, summary.waiting_since) {
        (Some(until), _) => format!("00{:013}", until.as_millisecond()),
        (None, Some(since)) => format!("0{rank}{:013}", since.as_millisecond()),
        (None, None) => format!("1{rank}{:013}", END - summary.last_at.as_millisecond()),
    }
}

#[derive(Template)]
#[template(path = "desk/_row_moved.html")]
struct RowMoved {
    row: Row,
    current: i64,
}

/// A row as news of a list: taken from where it was, and set where it belongs, if it still does.
pub fn row_changed(
    app: &App,
    summary: &Summary,
    lens: &Lens,
    around: &Around,
    lang: Lang,
) -> String {
    if lens.holds(summary) {
        beside(lens, around, &moved(app, summary, around.here, lang), lang)
    } else {
        removed(summary.id)
    }
}

/// The same, drawn once for all agents of a language.
pub fn row_news(
    app: &App,
    news: &News,
    summary: &Summary,
    lens: &Lens,
    around: &Around,
    lang: Lang,
) -> String {
    if !lens.holds(summary) {
        return removed(summary.id);
    }
    let drawn =
        news.drawn(Sheet::Row, lang as usize, || moved(app, summary, around.here, lang).into());
    beside(lens, around, &String::from_utf8_lossy(&drawn), lang)
}

/// A row as it stands in a list of somebody's: it leads to its conversation beside that list, and says who else is there.
fn beside(lens: &Lens, around: &Around, drawn: &str, lang: Lang) -> String {
    let (id, asks) = (around.id, asks(lens).replace('&', "&#38;"));
    let row = drawn.replace(&format!("\"/desk/c/{id}\""), &format!("\"/desk/c/{id}?{asks}\""));
    if around.viewers.is_empty() {
        return row;
    }
    let place = format!("id=\"viewers-{id}\">");
    let viewers = draw(&ViewersFragment { viewers: Viewers::new(around, lang) });
    row.replacen(&place, &(place.clone() + &viewers), 1)
}

fn moved(app: &App, summary: &Summary, here: bool, lang: Lang) -> String {
    draw(&RowMoved { row: Row::new(app, summary, here, lang), current: 0 })
}

#[derive(Template)]
#[template(path = "desk/_viewers.html")]
struct ViewersFragment {
    viewers: Viewers,
}

#[derive(Template)]
#[template(path = "desk/_viewers_changed.html")]
struct ViewersChanged {
    id: ConversationId,
    viewers: Viewers,
}

/// Which colleagues have a conversation open, in its row and in itself.
pub fn viewers(around: &Around, lang: Lang) -> String {
    draw(&ViewersChanged { id: around.id, viewers: Viewers::new(around, lang) })
}

#[derive(Template)]
#[template(path = "desk/_dots.html")]
struct Dots<'a> {
    targets: &'a str,
    here: bool,
    lang: Lang,
}

/// Whether visitors are here, in the rows of their conversations.
pub fn dots(ids: impl IntoIterator<Item = ConversationId>, here: bool, lang: Lang) -> String {
    let targets = targets("at", ids);
    targets.map_or_else(String::new, |targets| draw(&Dots { targets: &targets, here, lang }))
}

/// The same element in the row of each; `None` if there is none.
fn targets(name: &str, ids: impl IntoIterator<Item = ConversationId>) -> Option<String> {
    let all: Vec<_> = ids.into_iter().map(|id| format!("#{name}-{id}")).collect();
    (!all.is_empty()).then(|| all.join(","))
}

/// What passes in rows that stand there already, and in the conversation that is `open`: whatever was told of it while nobody
/// listened is made good.
pub fn around(rows: &[Around], open: Option<&Around>, lang: Lang) -> String {
    let (here, away): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.here);
    let (alone, viewed): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.viewers.is_empty());
    let alone = targets("viewers", alone.into_iter().map(|row| row.id)).map(|targets| {
        format!("<hx-partial hx-target=\"{targets}\" hx-swap=\"innerHTML\"></hx-partial>")
    });
    let viewed = viewed.into_iter().chain(open).map(|row| viewers(row, lang));
    dots(here.into_iter().map(|row| row.id), true, lang)
        + &dots(away.into_iter().map(|row| row.id), false, lang)
        + &alone.unwrap_or_default()
        + &viewed.collect::<String>()
}

fn removed(id: ConversationId) -> String {
    format!("<hx-partial hx-target=\"#c-{id}\" hx-swap=\"delete\"></hx-partial>")
}

/// A conversation that may not be seen any more: its row goes, and where it stands open, a sentence takes its place.
pub fn lost(id: ConversationId, lang: Lang) -> String {
    let open = format!("#conv[data-cid='{id}']");
    let pane = gone(lang);
    removed(id)
        + &format!("<hx-partial hx-target=\"{open}\" hx-swap=\"outerHTML\">{pane}</hx-partial>")
}

#[derive(Template)]
#[template(path = "desk/_gone.html")]
struct Gone {
    lang: Lang,
}

/// What stands in the place of a conversation that may not be seen any more.
pub fn gone(lang: Lang) -> String {
    draw(&Gone { lang })
}

#[derive(Template)]
#[template(path = "desk/_drafts.html")]
struct Begun<'a> {
    begun: &'a BTreeSet<ConversationId>,
}

/// Where whoever reads has begun to write something, in the place of what stood there.
pub fn begun(begun: &BTreeSet<ConversationId>) -> String {
    draw(&Begun { begun })
}

/// That one has come or gone.
pub fn draft_changed(id: ConversationId, begun: bool) -> String {
    let removed = format!("<hx-partial hx-target=\"#draft-{id}\" hx-swap=\"delete\"></hx-partial>");
    let added = format!(
        "<hx-partial hx-target=\"#drafts\" hx-swap=\"beforeend\"><i id=\"draft-{id}\"></i></hx-partial>"
    );
    if begun { removed + &added } else { removed }
}

/// Where a stream of the desk goes on: `{epoch}:{microseconds of the database's clock}`, and what was seen until then, where
/// that is not everything. Opaque to clients.
pub fn cursor(epoch: &str, at: Timestamp, sight: &Sight) -> String {
    let at = at.as_microsecond();
    sight.word().map_or_else(|| format!("{epoch}:{at}"), |word| format!("{epoch}:{at}:{word}"))
}

#[derive(Template)]
#[template(path = "desk/_counters.html")]
struct Counters<'a> {
    counts: &'a Counts,
    /// How many conversations of the queue call her.
    called: i64,
    held: Held,
    lang: Lang,
}

/// How many conversations an agent has, and how many are enough.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    pub mine: i64,
    pub capacity: i64,
}

impl Held {
    pub fn is_full(&self) -> bool {
        self.mine >= self.capacity
    }
}

pub fn counters(counts: &Counts, of: &Agent, lang: Lang) -> String {
    let called = if of.is_on_call() { counts.called } else { 0 };
    let held = Held { mine: counts.mine, capacity: of.capacity.number() };
    draw(&Counters { counts, called, held, lang })
}

#[derive(Template)]
#[template(path = "desk/_standing_changed.html")]
struct StandingChanged {
    agent: i64,
    standing: Standing,
    lang: Lang,
}

/// Where an agent is, beside her name wherever it stands.
pub fn standing(agent: AgentId, standing: Standing, lang: Lang) -> String {
    draw(&StandingChanged { agent: agent.0, standing, lang })
}

fn draw(template: &impl Template) -> String {
    template.render().unwrap_or_else(|error| {
        tracing::error!(%error, "cannot draw");
        String::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::SignedDuration;

    #[test]
    fn a_minute_is_soon_and_three_are_late_unless_the_owner_says_otherwise() {
        let waits: Waits = "60,180".parse().unwrap();
        let since = Timestamp::UNIX_EPOCH;
        for (seconds, clock, class) in [
            (-5, "0:00", ""),
            (59, "0:59", ""),
            (60, "1:00", " soon"),
            (179, "2:59", " soon"),
            (180, "3:00", " late"),
            (3_599, "59:59", " late"),
            (3_600, "1 h", " late"),
            (172_799, "47 h", " late"),
            (172_800, "2 d", " late"),
            (12_477_600, "144 d", " late"),
        ] {
            let now = since + SignedDuration::from_secs(seconds);
            let waiting = Waiting::new(since, now, waits, Lang::En);
            assert_eq!((waiting.clock.as_str(), waiting.class), (clock, class), "{seconds}");
        }
        let ten = since + SignedDuration::from_secs(10);
        assert_eq!(Waiting::new(since, ten, Waits { soon: 5, late: 10 }, Lang::En).class, " late");
        for bad in ["60", "180,60", "-1,3", "1,2,3", ""] {
            assert!(bad.parse::<Waits>().is_err(), "{bad}");
        }
        let days =
            Waiting::new(since, since + SignedDuration::from_hours(3_466), waits, Lang::ZhCn);
        assert_eq!(days.clock, "144 天");
    }
}
