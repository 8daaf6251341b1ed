//! Entries as fragments: what page, post, stream and history all show. A fragment is drawn once per audience and language
//! and shared by every reader, so it holds nothing about who looks: sides are classes by author.
use super::store::{History, Positions, Seen};
use crate::{
    bus::{Drawn, News, Sheet},
    error::{Error, Result},
    event::{
        self, Appended, Author, Changed, Content, Entry, Event, Happening, Present, Quote,
        ReadMoved, Redrawn, Side, With,
    },
    ids::{ConversationId, Nonce},
    text::{self, Lang, Piece},
};
use askama::Template;
use jiff::{SignedDuration, tz::TimeZone};

/// Messages of one author stand together when no more than this lies between them.
const GROUP: SignedDuration = SignedDuration::from_mins(5);

/// For whom, in which language and where fragments are drawn.
#[derive(Clone, Debug)]
pub struct Canvas {
    pub audience: Side,
    pub lang: Lang,
    /// The site's time zone; a script turns times into the reader's.
    pub zone: TimeZone,
    pub conversation: ConversationId,
    /// Where whoever reads this asks for files: ends in a slash.
    pub files: String,
    /// What agents call the visitor; empty for visitors, and where nobody gave a name.
    pub visitor: String,
    /// Whether whoever reads may do something with an entry.
    pub acts: bool,
    /// What stands under the site's name while nobody is there to answer, and while somebody is; the desk has words of its own.
    pub standing: [String; 2],
}

/// The last message as lists show it: nothing is left of one that was taken back.
pub fn last_said(preview: &str, lang: Lang) -> String {
    if preview.is_empty() { lang.t("recalled") } else { preview.to_owned() }
}

impl Canvas {
    pub fn name_of(&self, author: &Author) -> String {
        name_of(author, &self.visitor, self.lang)
    }

    /// On the desk one stream outlives the open conversation, so ids there name it.
    fn id(&self, seq: i64) -> String {
        match self.audience {
            Side::Visitor => format!("m-{seq}"),
            Side::Agent => format!("m-{}-{seq}", self.conversation),
        }
    }
    fn log(&self) -> String {
        match self.audience {
            Side::Visitor => "log".into(),
            Side::Agent => format!("log-{}", self.conversation),
        }
    }
}

/// One entry as its template needs it.
#[derive(Clone, Debug)]
pub struct EntryLine {
    pub id: String,
    pub seq: i64,
    pub lang: Lang,
    /// Set where a new day begins.
    pub day: Option<String>,
    pub iso: String,
    pub time: String,
    /// A sentence about what happened, instead of a message.
    pub system: Option<String>,
    pub mine: bool,
    pub note: bool,
    pub grouped: bool,
    /// Whether the name is for ears only: it stands above the group, or is the visitor's own.
    pub quiet: bool,
    pub tint: i64,
    pub name: String,
    pub body: String,
    pub changed: Option<Changed>,
    pub quote: Option<QuoteLine>,
    /// The names it calls.
    mentions: Vec<String>,
    /// Who sees the conversation since then, as a sentence.
    pub let_in: Option<String>,
    /// On the desk: what can be done with it.
    pub menu: Option<String>,
    pub files: Vec<FileLine>,
    pub card: Option<event::Card>,
    /// What tells this one from what stood for the same entry before, where both stay in the document.
    pub mark: Option<Nonce>,
}

/// A file that came with a message.
#[derive(Clone, Debug)]
pub struct FileLine {
    pub href: String,
    pub name: String,
    /// In words.
    pub size: String,
    /// Width and height at which a picture is shown; `None` for what is no picture.
    pub picture: Option<(i64, i64)>,
}

/// The most that a picture takes of a log, in CSS pixels.
const PICTURE: (i64, i64) = (240, 320);

impl FileLine {
    fn new(canvas: &Canvas, file: &event::Attachment) -> Self {
        Self {
            href: format!("{}{}", canvas.files, file.id),
            name: file.name.clone(),
            size: text::size(file.size),
            picture: file.width.zip(file.height).map(|(width, height)| fit(width, height)),
        }
    }
}

/// As large as there is room, in the same shape, and never larger than it is.
fn fit(width: i64, height: i64) -> (i64, i64) {
    let (width, height) = (width.max(1), height.max(1));
    if width <= PICTURE.0 && height <= PICTURE.1 {
        (width, height)
    } else if width * PICTURE.1 > height * PICTURE.0 {
        (PICTURE.0, (height * PICTURE.0 / width).max(1))
    } else {
        ((width * PICTURE.1 / height).max(1), PICTURE.1)
    }
}

/// What an entry answers.
#[derive(Clone, Debug)]
pub struct QuoteLine {
    pub name: String,
    /// Empty if it was taken back.
    pub excerpt: String,
}

impl EntryLine {
    fn new(canvas: &Canvas, entry: &Entry, before: Option<&Entry>) -> Self {
        let new_day = before.is_none_or(|before| {
            text::day(before.at, &canvas.zone) != text::day(entry.at, &canvas.zone)
        });
        let (body, with, note, system) = match &entry.content {
            Content::Text { body, with } => (body.clone(), with.clone(), false, None),
            Content::Note { body, with } => (body.clone(), with.clone(), true, None),
            Content::Event { what } => {
                let said = sentence(what, &entry.author, canvas);
                (String::new(), With::default(), what.is_private(), Some(said))
            }
            // Drawn as what they changed.
            Content::Edit { .. } | Content::Recall { .. } => Default::default(),
        };
        let name = canvas.name_of(&entry.author);
        let (Author::Visitor { id: crate::ids::ContactId(id), .. }
        | Author::Agent { id: crate::ids::AgentId(id), .. }) = entry.author;
        let mine = entry.author.side() == canvas.audience;
        let grouped = !new_day && before.is_some_and(|before| belongs_to(entry, before));
        Self {
            id: canvas.id(entry.seq),
            seq: entry.seq,
            lang: canvas.lang,
            day: new_day.then(|| text::day_line(entry.at, &canvas.zone, canvas.lang)),
            iso: format!("{:.3}", entry.at),
            time: text::clock_time(entry.at, &canvas.zone),
            system,
            mine,
            note,
            grouped,
            quiet: grouped || (mine && canvas.audience == Side::Visitor),
            tint: text::tint(id),
            name,
            body,
            changed: entry.changed,
            quote: with.quote.map(|quote| QuoteLine::new(&quote, &canvas.visitor, canvas.lang)),
            files: with.attachments.iter().map(|file| FileLine::new(canvas, file)).collect(),
            card: with.card,
            let_in: (!with.let_in.is_empty())
                .then(|| canvas.lang.with("note-let-in", "names", with.let_in.join(" · "))),
            mentions: with.mentions.into_iter().map(|mention| mention.name).collect(),
            mark: None,
            menu: canvas.acts.then(|| format!("/desk/c/{}/m/{}", canvas.conversation, entry.seq)),
        }
    }

    pub fn pieces(&self) -> Vec<Piece<'_>> {
        text::pieces(&self.body, &self.mentions)
    }

    /// Files may say it all.
    pub fn has_words(&self) -> bool {
        !self.body.is_empty() || self.quote.is_some()
    }

    /// Emoji that are shown large: a few, alone, for both sides. A note stays in its box, which says that it is one.
    pub fn is_big(&self) -> bool {
        let alone = self.card.is_none() && self.quote.is_none();
        alone && !self.note && text::is_few_emoji(&self.body)
    }

    pub fn is_recalled(&self) -> bool {
        self.changed == Some(Changed::Recalled)
    }

    pub fn is_edited(&self) -> bool {
        self.changed == Some(Changed::Edited)
    }

    pub fn letter(&self) -> String {
        text::letter(&self.name)
    }
}

impl QuoteLine {
    pub fn new(quote: &Quote, visitor: &str, lang: Lang) -> Self {
        Self { name: name_of(&quote.author, visitor, lang), excerpt: quote.excerpt.clone() }
    }
}

fn name_of(author: &Author, visitor: &str, lang: Lang) -> String {
    match (author, author.name()) {
        (Author::Visitor { .. }, _) if !visitor.is_empty() => visitor.to_owned(),
        (Author::Visitor { .. }, "") => lang.t("visitor"),
        (_, name) => name.to_owned(),
    }
}

fn belongs_to(entry: &Entry, before: &Entry) -> bool {
    let same_kind = matches!(
        (&entry.content, &before.content),
        (Content::Text { .. }, Content::Text { .. }) | (Content::Note { .. }, Content::Note { .. })
    );
    same_kind
        && entry.author.same_person(&before.author)
        && entry.at.duration_since(before.at) <= GROUP
}

fn sentence(what: &Happening, by: &Author, canvas: &Canvas) -> String {
    let lang = canvas.lang;
    let name = &canvas.name_of(by);
    let say = |key, value: String| lang.fill(key, &[("name", name.clone()), ("value", value)]);
    match what {
        Happening::Claimed => lang.with("event-claimed", "name", name),
        Happening::Closed if by.side() == Side::Visitor && canvas.audience == Side::Visitor => {
            lang.t("event-ended")
        }
        Happening::Closed => lang.with("event-closed", "name", name),
        Happening::Reopened => lang.with("event-reopened", "name", name),
        Happening::Requeued => lang.t("event-requeued"),
        Happening::Transferred { to } if matches!(by, Author::Agent { id, .. } if *id == to.agent) => {
            lang.with("event-taken-over", "name", name)
        }
        Happening::Transferred { to } => say("event-transferred", to.name.clone()),
        Happening::TransferredToTeam { name: team, .. } => say("event-transferred", team.clone()),
        Happening::Invited { agent } => say("event-invited", agent.name.clone()),
        Happening::Snoozed { until } => {
            let day = text::day_line(*until, &canvas.zone, lang);
            say("event-snoozed", format!("{day} {}", text::clock_time(*until, &canvas.zone)))
        }
        Happening::Woken => lang.t("event-woken"),
        Happening::Prioritized { priority } => say("event-prioritized", lang.t(priority.key())),
        Happening::Tagged { added, removed } if removed.is_empty() => {
            say("event-tagged", added.join(" · "))
        }
        Happening::Tagged { added, removed } if added.is_empty() => {
            say("event-untagged", removed.join(" · "))
        }
        Happening::Tagged { added, removed } => lang.fill(
            "event-retagged",
            &[
                ("name", name.to_owned()),
                ("added", added.join(" · ")),
                ("removed", removed.join(" · ")),
            ],
        ),
    }
}

/// The lines of a stretch of log for an audience.
pub fn lines(history: &History, canvas: &Canvas) -> Vec<EntryLine> {
    history
        .seen_by(canvas.audience)
        .map(|(entry, before)| EntryLine::new(canvas, entry, before))
        .collect()
}

#[derive(Template)]
#[template(path = "conversation/_entries.html")]
struct EntriesUpsert<'a> {
    log: String,
    lines: &'a [EntryLine],
}

#[derive(Template)]
#[template(path = "conversation/_read_mark.html")]
struct ReadMark {
    log: String,
    id: String,
    seq: i64,
    lang: Lang,
}

/// Lines as an upsert into the log: makes sense in any order and twice.
pub fn entries_upsert(canvas: &Canvas, lines: &[EntryLine]) -> Result<String> {
    draw(&EntriesUpsert { log: canvas.log(), lines })
}

/// One entry of a stretch as an upsert; empty if there is none that this audience may see.
pub fn upsert(canvas: &Canvas, entry: &Entry, before: Option<&Entry>) -> Result<String> {
    entries_upsert(canvas, &[EntryLine::new(canvas, entry, before)])
}

#[derive(Template)]
#[template(path = "conversation/_redrawn.html")]
struct RedrawnFragment {
    line: EntryLine,
}

/// An entry that was changed, in the place where it stands; nothing where it does not.
pub fn redraw(canvas: &Canvas, redrawn: &Redrawn) -> Result<String> {
    if !redrawn.entry.is_for(canvas.audience) {
        return Ok(String::new());
    }
    let line = EntryLine::new(canvas, &redrawn.entry, redrawn.before(canvas.audience));
    draw(&RedrawnFragment { line })
}

#[derive(Template)]
#[template(path = "conversation/_retold.html")]
struct RetoldFragment<'a> {
    nonce: &'a Nonce,
    what: String,
    mark: Nonce,
    line: EntryLine,
}

/// An entry that was changed, for a document that only grows: it stands at the end once more, with a line that says so, and
/// what stood for it before is hidden by a rule, which the policy lets pass by its nonce.
pub fn retell(canvas: &Canvas, redrawn: &Redrawn, nonce: &Nonce) -> Result<String> {
    let entry = &redrawn.entry;
    if !entry.is_for(canvas.audience) {
        return Ok(String::new());
    }
    let mark = Nonce::new();
    let line = EntryLine::new(canvas, entry, redrawn.before(canvas.audience));
    let line = EntryLine { id: format!("n-{mark}"), mark: Some(mark.clone()), ..line };
    let key = match entry.changed {
        Some(Changed::Edited) => "retold-edited",
        Some(Changed::Recalled) => "retold-recalled",
        None => "retold-quote",
    };
    let values = [("name", line.name.clone()), ("time", line.time.clone())];
    draw(&RetoldFragment { nonce, what: canvas.lang.fill(key, &values), mark, line })
}

/// A stretch of the log for whoever follows it: what is new, and what was changed.
pub fn news(canvas: &Canvas, history: &History) -> Result<String> {
    let lines = lines(history, canvas);
    let mut drawn = if lines.is_empty() { String::new() } else { entries_upsert(canvas, &lines)? };
    for redrawn in &history.redrawn {
        drawn += &redraw(canvas, redrawn)?;
    }
    Ok(drawn)
}

/// An entry that was just appended: itself, or what it changed.
fn appended_news(canvas: &Canvas, appended: &Appended) -> Result<String> {
    if appended.entry.amends().is_some() {
        return appended.redrawn.iter().map(|redrawn| redraw(canvas, redrawn)).collect();
    }
    upsert(canvas, &appended.entry, before(canvas, appended))
}

#[derive(Template)]
#[template(path = "conversation/_sent.html")]
struct SentFragment {
    nonce: Nonce,
}

/// The answer to a send: its entry, and a fresh nonce for the form, since the next message is another one.
pub fn sent(canvas: &Canvas, appended: &Appended) -> Result<String> {
    let entry = appended_news(canvas, appended)?;
    Ok(entry + &draw(&SentFragment { nonce: Nonce::new() })?)
}

/// The line under the last message that the other side has read.
pub fn read_marks(canvas: &Canvas, positions: &Positions) -> Result<String> {
    let mark = match canvas.audience {
        Side::Visitor => positions.agents,
        Side::Agent => positions.visitor,
    };
    read_mark(canvas, mark.at_entry)
}

fn read_mark(canvas: &Canvas, seq: i64) -> Result<String> {
    if seq == 0 {
        return Ok(String::new());
    }
    let id = match canvas.audience {
        Side::Visitor => "read".into(),
        Side::Agent => format!("read-{}", canvas.conversation),
    };
    draw(&ReadMark { log: canvas.log(), id, seq, lang: canvas.lang })
}

#[derive(Template)]
#[template(path = "conversation/_seen_mark.html")]
struct SeenMark<'a> {
    log: String,
    id: ConversationId,
    seen: Option<&'a Seen>,
    lang: Lang,
}

/// On the desk: the line under the newest note that calls colleagues, if any of them has read it.
pub fn seen_mark(canvas: &Canvas, seen: Option<&Seen>) -> Result<String> {
    draw(&SeenMark { log: canvas.log(), id: canvas.conversation, seen, lang: canvas.lang })
}

/// What news looks like to an audience: drawn by its first reader, shared by all. Empty if there is nothing to see.
pub fn drawn(news: &News, canvas: &Canvas) -> Drawn {
    let sheet = match canvas.audience {
        Side::Visitor => Sheet::Visitor,
        Side::Agent => Sheet::Desk,
    };
    news.drawn(sheet, canvas.lang as usize, || {
        let html = match &news.event {
            Event::EntryAppended(appended) if appended.entry.is_for(canvas.audience) => {
                appended_news(canvas, appended)
            }
            Event::ReadMoved(moved) if moved.reader != canvas.audience => read_moved(canvas, moved),
            Event::Typed { by, .. } if by.side() != canvas.audience => typing(canvas, Some(by)),
            Event::PresenceChanged { who, here } if is_other(*who, canvas.audience) => {
                presence(canvas, *here)
            }
            _ => Ok(String::new()),
        };
        html.unwrap_or_else(|error| {
            tracing::error!(%error, "cannot draw news");
            String::new()
        })
        .into()
    })
}

fn is_other(who: Present, audience: Side) -> bool {
    match audience {
        Side::Visitor => who == Present::Agents,
        Side::Agent => matches!(who, Present::Visitor(_)),
    }
}

#[derive(Template)]
#[template(path = "conversation/_typing.html")]
struct Typing {
    id: String,
    who: Vec<String>,
    lang: Lang,
}

/// Who is typing, one line each; nobody takes the lines away.
pub fn typing<'a>(canvas: &Canvas, by: impl IntoIterator<Item = &'a Author>) -> Result<String> {
    let id = match canvas.audience {
        Side::Visitor => "typing".into(),
        Side::Agent => format!("typing-{}", canvas.conversation),
    };
    let who = by.into_iter().map(|author| canvas.name_of(author)).collect();
    draw(&Typing { id, who, lang: canvas.lang })
}

#[derive(Template)]
#[template(path = "conversation/_presence.html")]
struct Presence<'a> {
    lang: Lang,
    here: bool,
    line: &'a str,
    /// The visitor's page has one, the desk one for each conversation.
    of: Option<ConversationId>,
}

/// Whether the other side is here.
pub fn presence(canvas: &Canvas, here: bool) -> Result<String> {
    let of = (canvas.audience == Side::Agent).then_some(canvas.conversation);
    draw(&Presence { lang: canvas.lang, here, line: &canvas.standing[usize::from(here)], of })
}

fn before<'a>(canvas: &Canvas, appended: &'a Appended) -> Option<&'a Entry> {
    match canvas.audience {
        Side::Visitor => appended.before_visitor.as_ref(),
        Side::Agent => appended.before_desk.as_ref(),
    }
}

fn read_moved(canvas: &Canvas, moved: &ReadMoved) -> Result<String> {
    read_mark(canvas, moved.mark)
}

fn draw(template: &impl Template) -> Result<String> {
    template.render().map_err(Error::internal)
}
