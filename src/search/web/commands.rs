//! The command palette: what an agent may want to go to or do, by a few letters of it. A dialog that a script fetches when it is
//! first asked for; the list in it is drawn here.
use super::SEARCH;
use crate::{
    agent::{self, CurrentAgent, DeskFrame},
    app::App,
    canned_reply::{self, CannedReply, Wording},
    conversation::{self, Conversation, Seat, Tab},
    desk,
    error::{Error, Result},
    event::State,
    ids::{AgentId, ConversationId, Nonce},
    saved_view,
    search::{Within, finding},
    text::{self, Lang, Question, pinyin},
    web::{
        limits::Limits,
        page::{html, query},
    },
};
use askama::Template;
use poem::{Request, Response, handler, web::Data};
use std::sync::Arc;
use url::form_urlencoded::Serializer;

/// Of each group so many are offered.
const OFFERED: usize = 6;
/// Conversations that are looked through by name.
const LOOKED_AT: u64 = 200;

#[derive(Template)]
#[template(path = "search/palette.html")]
struct Dialog {
    lang: Lang,
    list: List,
}

#[derive(Template)]
#[template(path = "search/_options.html")]
struct Options {
    list: List,
}

struct List {
    lang: Lang,
    groups: Vec<Group>,
    /// Where everything that was said is searched for the same.
    search: String,
}

struct Group {
    /// The key of its name.
    title: &'static str,
    options: Vec<Choice>,
}

/// Something to go to, or to do if it has a nonce.
struct Choice {
    id: String,
    icon: &'static str,
    words: String,
    more: String,
    place: String,
    nonce: Option<Nonce>,
    /// What is put into the open composer; the place is where that is done without it.
    text: Option<String>,
}

impl Choice {
    fn to(icon: &'static str, words: String, more: String, place: impl Into<String>) -> Self {
        Self { id: String::new(), icon, words, more, place: place.into(), nonce: None, text: None }
    }
}

/// What is done in a conversation by a form of its own.
struct Form {
    path: &'static str,
    /// The key of its name.
    title: &'static str,
    icon: &'static str,
    states: &'static [State],
}

impl Form {
    const fn new(
        path: &'static str,
        title: &'static str,
        icon: &'static str,
        states: &'static [State],
    ) -> Self {
        Self { path, title, icon, states }
    }
}

const ALIVE: &[State] = &[State::Queued, State::Open];
const FORMS: [Form; 6] = [
    Form::new("transfer", "transfer", "users", ALIVE),
    Form::new("invite", "invite", "user", ALIVE),
    Form::new("snooze", "snooze", "clock", ALIVE),
    Form::new("priority", "priority", "triangle-alert", ALIVE),
    Form::new("tags", "tags", "tag", &[State::Queued, State::Open, State::Closed]),
    Form::new("close", "close-with-tags", "circle-check", &[State::Open]),
];

/// The open conversation.
struct Open {
    id: ConversationId,
    /// What of the lists is looked at beside it.
    asks: String,
}

impl Open {
    fn of(request: &Request, me: AgentId) -> Option<Self> {
        let asks = query(request, "asks");
        Some(Self {
            id: query(request, "c")?.parse().ok()?,
            asks: asks.map_or_else(|| "tab=all".into(), |asks| desk::asked_again(&asks, me)),
        })
    }

    fn place(&self, path: &str) -> String {
        format!("/desk/c/{}{path}?{}", self.id, self.asks)
    }
}

/// `?q=` what was typed, `?c=` the open conversation, `?asks=` what an address asks for that stands beside the same list.
#[handler]
pub async fn palette(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    request: &Request,
) -> Result<Response> {
    limits.act(&me.counted_as())?;
    let typed: String = query(request, "q").unwrap_or_default();
    let typed: String = typed.chars().filter(|c| !c.is_control()).take(Question::LONGEST).collect();
    let typed = typed.trim();
    let open = Open::of(request, me.agent.id).filter(|_| me.agent.role.may_act());
    let open = open.as_ref();
    let mut groups = vec![
        Group { title: "palette-acts", options: acts(&app, &me, typed, open).await? },
        Group { title: "conversations", options: conversations(&app, &me, typed).await? },
        Group { title: "palette-people", options: people(&app, &me, typed).await? },
        Group { title: "canned-replies", options: replies(&app, &me, typed, open).await? },
        Group { title: "views", options: views(&app, &me, typed).await? },
        Group { title: "palette-pages", options: pages(&me, typed) },
    ];
    groups.retain(|group| !group.options.is_empty());
    for (number, option) in groups.iter_mut().flat_map(|group| &mut group.options).enumerate() {
        option.id = format!("palette-{number}");
    }
    let mut search = Serializer::for_suffix(SEARCH.to_owned(), SEARCH.len());
    let search = search.append_pair("q", typed).finish();
    let list = List { lang: me.lang, groups, search };
    if request.header("hx-request").is_some() {
        html(&Options { list })
    } else {
        html(&Dialog { lang: me.lang, list })
    }
}

/// What can be done in the open conversation.
async fn acts(
    app: &App,
    me: &CurrentAgent,
    typed: &str,
    open: Option<&Open>,
) -> Result<Vec<Choice>> {
    let Some(open) = open else { return Ok(Vec::new()) };
    let id = open.id;
    let seat = Seat::Agent { id: me.agent.id, conversation: id };
    let found = match conversation::find_for(app.db.read(), &seat).await {
        Err(Error::NotFound) => return Ok(Vec::new()),
        found => found?,
    };
    let (verb, icon) = match found.state {
        State::Queued => ("claim", "user-check"),
        State::Open => ("close", "circle-check"),
        State::Closed => ("reopen", "rotate-ccw"),
    };
    let act = |icon, key, path| {
        let place = open.place(&format!("/{path}"));
        Choice::to(icon, me.lang.t(key), format!("#{id}"), place)
    };
    let at_once = |icon, key, verb| Choice { nonce: Some(Nonce::new()), ..act(icon, key, verb) };
    let mut offered = vec![(verb, at_once(icon, verb, verb))];
    if found.state != State::Closed && found.unread == 0 {
        offered.push(("unread", at_once("mail", "mark-unread", "unread")));
    }
    let forms = FORMS.iter().filter(|form| form.states.contains(&found.state));
    offered.extend(forms.map(|form| (form.path, act(form.icon, form.title, form.path))));
    offered.retain(|(path, act)| matches(typed, &act.words) || typed.eq_ignore_ascii_case(path));
    Ok(offered.into_iter().map(|(_, act)| act).collect())
}

/// Whatever is not closed, by the visitor's name or the last words; and any by its number.
async fn conversations(app: &App, me: &CurrentAgent, typed: &str) -> Result<Vec<Choice>> {
    let mut options = Vec::new();
    let called = finding::conversation(app, me.agent.id, typed, &Within::default()).await?;
    if let Some((found, name)) = &called {
        options.push(conversation_option(found, name, me.lang));
    }
    let tab = if typed.is_empty() { Tab::Mine(me.agent.id) } else { Tab::All };
    let sight = conversation::sight(app.db.read(), &me.agent).await?;
    let rows = conversation::list(&app.db, &sight, &tab.into(), LOOKED_AT).await?;
    let seen = conversation::seen_by(&app.db, me.agent.id, rows.iter().map(|row| row.id)).await?;
    for row in rows {
        let Some(found) = seen.get(&row.id) else { continue };
        let is_called = called.as_ref().is_some_and(|(called, _)| called.id == row.id);
        if !is_called && (matches(typed, &row.name) || contains(typed, &row.preview)) {
            options.push(conversation_option(found, &row.name, me.lang));
        }
        if options.len() >= OFFERED {
            break;
        }
    }
    Ok(options)
}

fn conversation_option(found: &Conversation, name: &str, lang: Lang) -> Choice {
    let words = super::called(found, name, lang);
    let place = format!("/desk/c/{}?tab=all", found.id);
    let said = conversation::last_said(&found.preview, lang);
    Choice::to("message-circle", words, said, place)
}

async fn people(app: &App, me: &CurrentAgent, typed: &str) -> Result<Vec<Choice>> {
    let mut found = match Question::parse(typed) {
        Ok(question) => {
            finding::people(app, &me.agent, &question, &Within::default(), OFFERED).await?
        }
        Err(_) => Vec::new(),
    };
    let sounding = finding::sounding(app, &me.agent, typed, OFFERED).await?;
    for person in sounding {
        if found.len() < OFFERED && found.iter().all(|known| known.id != person.id) {
            found.push(person);
        }
    }
    let option = |person: finding::Person| {
        let place = format!("/desk/c/{}?tab=all", person.last);
        let name = match person.name.as_str() {
            "" => me.lang.with("visitor-number", "number", person.last),
            _ => person.name,
        };
        Choice::to("user", name, format!("#{}", person.last), place)
    };
    Ok(found.into_iter().map(option).collect())
}

/// What may be said: in the open conversation it is, elsewhere it is looked up.
async fn replies(
    app: &App,
    me: &CurrentAgent,
    typed: &str,
    open: Option<&Open>,
) -> Result<Vec<Choice>> {
    if typed.is_empty() {
        return Ok(Vec::new());
    }
    let names = match open {
        Some(open) => match canned_reply::names(app, &me.agent, me.lang, open.id).await {
            Err(Error::NotFound) => None,
            names => Some((open, names?)),
        },
        None => None,
    };
    let found = canned_reply::offered(app, &me.agent, typed).await?;
    let option = |reply: CannedReply| {
        let Wording { title, short_code, .. } = &reply.wording;
        let (title, code) = (title.as_str().to_owned(), short_code.as_str());
        let looked_up = || {
            let place = "/desk/settings/canned-replies?";
            Serializer::for_suffix(place.to_owned(), place.len()).append_pair("q", code).finish()
        };
        let place = names
            .as_ref()
            .map_or_else(looked_up, |(open, _)| format!("{}&canned={}", open.place(""), reply.id));
        let text = names.as_ref().map(|(_, names)| reply.filled(names));
        Choice { text, ..Choice::to("zap", title, format!("/{code}"), place) }
    };
    Ok(found.into_iter().take(OFFERED).map(option).collect())
}

/// Lists as they were kept.
async fn views(app: &App, me: &CurrentAgent, typed: &str) -> Result<Vec<Choice>> {
    let kept = saved_view::for_agent(&app.db, me.agent.id).await?.into_iter();
    let wanted = kept.filter(|view| matches(typed, &view.name)).take(OFFERED);
    let option = |view: saved_view::SavedView| {
        let more = if view.shared { me.lang.t("view-shared") } else { String::new() };
        Choice::to("list-filter", view.name, more, format!("/desk/c?{}", view.asks))
    };
    Ok(wanted.map(option).collect())
}

/// The pages of the desk and of its settings.
fn pages(me: &CurrentAgent, typed: &str) -> Vec<Choice> {
    let page = |icon, key, place: &str| Choice::to(icon, me.lang.t(key), String::new(), place);
    let list = |key, tab: &str| {
        let place = format!("/desk/c?tab={tab}");
        Choice::to("inbox", me.lang.t(key), me.lang.t("conversations"), place)
    };
    let mut pages = vec![
        list("tab-mine", "mine"),
        list("tab-queue", "queue"),
        list("tab-all", "all"),
        list("tab-snoozed", "snoozed"),
        list("tab-closed", "closed"),
        page("search", "search-title", "/desk/search"),
        page("list-checks", "bulk", "/desk/bulk"),
        page("user", "me-title", "/desk/me"),
        page("store", "install-title", "/setup/install"),
    ];
    let frame = DeskFrame::new(me, "search", 0);
    let place = |path| format!("/desk/settings/{path}");
    let own = |own: &'static agent::SettingsPage| {
        Choice::to("settings", me.lang.t(own.title), me.lang.t("settings"), place(own.path))
    };
    pages.extend(frame.settings().map(own));
    let open = |page: &Choice| page.place != "/desk/bulk" || me.agent.role.may_act();
    pages.retain(|page| open(page) && matches(typed, &page.words));
    pages
}

fn matches(typed: &str, words: &str) -> bool {
    typed.is_empty() || pinyin::matches(typed, words)
}

fn contains(typed: &str, words: &str) -> bool {
    text::Question::parse(typed).is_ok_and(|question| question.is_in(words))
}
