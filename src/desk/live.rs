//! Rows and counters of the lists as fragments. A row is the same for every agent, so it is drawn once per language.
use super::web::asks;
use crate::{
    agent::Standing,
    bus::{News, Sheet},
    conversation::{Counts, Lens, Sight},
    event::{Priority, Side, State, Summary},
    ids::{AgentId, ConversationId},
    text::{self, Lang},
};
use askama::Template;
use jiff::Timestamp;
use std::collections::BTreeSet;

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
    pub assignee: String,
    /// What of the lists is looked at, as the end of an address; empty where a row is drawn for all.
    pub asks: String,
    /// Whether whoever looks has begun to write something there. Only pages know: news of a row is the same for everybody, and
    /// `assets/js/kept.js` puts the mark on again, by what [`begun`] keeps beside the list.
    pub draft: bool,
}

impl Row {
    pub fn new(summary: &Summary, lang: Lang, now: Timestamp) -> Self {
        let zone = text::zone(&summary.zone);
        let name = name(summary, lang);
        Self {
            lang,
            id: summary.id.0,
            key: key(summary),
            letter: text::letter(&name),
            name,
            tint: text::tint(summary.contact.0),
            preview: summary.preview.clone(),
            by_agent: summary.preview_by == Side::Agent,
            iso: format!("{:.3}", summary.last_at),
            time: text::lately(summary.last_at, now, &zone, lang),
            waiting: summary.waiting_since.map(|since| Waiting::new(since, now, lang)),
            unread: summary.unread,
            priority: (summary.priority != Priority::Normal)
                .then(|| (summary.priority.word(), lang.t(summary.priority.key()))),
            state: summary.state,
            assignee: summary.assignee_name.clone(),
            asks: String::new(),
            draft: false,
        }
    }
}

/// How long a visitor waits. `assets/js/waits.js` goes on to say it, in the same words and colours.
#[derive(Clone, Debug)]
pub struct Waiting {
    /// RFC 3339.
    pub since: String,
    /// `1:24`, `2 h`, `3 d`
    pub clock: String,
    /// How long that is: `soon` after a minute, `late` after three.
    pub class: &'static str,
}

impl Waiting {
    fn new(since: Timestamp, now: Timestamp, lang: Lang) -> Self {
        let seconds = now.duration_since(since).as_secs().max(0);
        Self {
            since: format!("{since:.3}"),
            clock: match seconds {
                ..3_600 => format!("{}:{:02}", seconds / 60, seconds % 60),
                ..172_800 => lang.with("waiting-hours", "count", seconds / 3_600),
                _ => lang.with("waiting-days", "count", seconds / 86_400),
            },
            class: match seconds {
                ..60 => "",
                60..180 => " soon",
                _ => " late",
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
pub fn row_changed(summary: &Summary, lens: &Lens, lang: Lang, now: Timestamp) -> String {
    if lens.holds(summary) {
        beside(lens, summary.id, &moved(summary, lang, now))
    } else {
        removed(summary.id)
    }
}

/// The same, drawn once for all agents of a language.
pub fn row_news(news: &News, summary: &Summary, lens: &Lens, lang: Lang, now: Timestamp) -> String {
    if !lens.holds(summary) {
        return removed(summary.id);
    }
    let drawn = news.drawn(Sheet::Row, lang as usize, || moved(summary, lang, now).into());
    beside(lens, summary.id, &String::from_utf8_lossy(&drawn))
}

/// A row as it stands in a list: it leads to its conversation beside that list.
fn beside(lens: &Lens, id: ConversationId, drawn: &str) -> String {
    let asks = asks(lens).replace('&', "&#38;");
    drawn.replace(&format!("\"/desk/c/{id}\""), &format!("\"/desk/c/{id}?{asks}\""))
}

fn moved(summary: &Summary, lang: Lang, now: Timestamp) -> String {
    draw(&RowMoved { row: Row::new(summary, lang, now), current: 0 })
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

pub fn counters(counts: &Counts, capacity: i64, lang: Lang) -> String {
    draw(&Counters { counts, held: Held { mine: counts.mine, capacity }, lang })
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
    fn a_minute_is_soon_and_three_are_late() {
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
            let waiting = Waiting::new(since, since + SignedDuration::from_secs(seconds), Lang::En);
            assert_eq!((waiting.clock.as_str(), waiting.class), (clock, class), "{seconds}");
        }
        let days = Waiting::new(since, since + SignedDuration::from_hours(3_466), Lang::ZhCn);
        assert_eq!(days.clock, "144 天");
    }
}
