//! What the keys of the desk do, and whether single ones do anything. The keys themselves: `data-key` in the templates and
//! `assets/js/keys.js`.
use super::{CurrentAgent, DeskFrame, SignedIn};
use crate::{
    agent::{
        actions,
        model::{Preferences, SendKey, SingleKeys},
    },
    app::App,
    error::Result,
    text::Lang,
    web::{
        limits::Limits,
        page::{Viewer, html, see_other},
    },
};
use askama::Template;
use poem::{
    Request, Response, handler,
    web::{Data, Form},
};
use serde::Deserialize;
use std::sync::Arc;

/// Which keys, each alternative by itself, `+` between those that are held together and `>` between those that follow each
/// other; and the key of what they do.
type Line = (&'static [&'static str], &'static str);

const KEYS: &[Line] = &[
    (&["J", "K"], "key-next"),
    (&["↑", "↓"], "key-rows"),
    (&["Alt + 1 … 9"], "key-nth"),
    (&["A"], "key-claim"),
    (&["R", "Enter"], "key-reply"),
    (&["N"], "key-note"),
    (&["↑"], "key-amend"),
    (&["E"], "key-close"),
    (&["Ctrl + Shift + E", "⌘ + Shift + E"], "key-close-next"),
    (&["T"], "key-transfer"),
    (&["S"], "key-snooze"),
    (&["L"], "key-tags"),
    (&["U"], "key-unread"),
    (&["X"], "key-bulk"),
    (&["/"], "key-search"),
    (&["Ctrl + K", "⌘ + K"], "key-palette"),
    (&["G > M"], "key-mine"),
    (&["G > Q"], "key-queue"),
    (&["G > A"], "key-all"),
    (&["G > S"], "key-settings"),
    (&["["], "key-list"),
    (&["]"], "key-side"),
    (&["Esc"], "key-back"),
    (&["?"], "key-help"),
];

/// What sends and what breaks the line, as the agent likes it.
fn writing(key: SendKey) -> [Line; 2] {
    match key {
        SendKey::Enter => [(&["Enter"], "key-send"), (&["Shift + Enter"], "key-line")],
        SendKey::CtrlEnter => {
            [(&["Ctrl + Enter", "⌘ + Enter"], "key-send"), (&["Enter"], "key-line")]
        }
    }
}

#[derive(Template)]
#[template(path = "agent/keys.html")]
struct KeysPage {
    lang: Lang,
    frame: DeskFrame,
    keys: Keys,
}

#[derive(Template)]
#[template(path = "agent/_keys.html")]
struct KeysFragment {
    keys: Keys,
}

struct Keys {
    lang: Lang,
    all: Vec<Line>,
    single: bool,
}

impl Keys {
    fn new(lang: Lang, likes: &Preferences) -> Self {
        let all = writing(likes.send_key).iter().chain(KEYS).copied().collect();
        Self { lang, all, single: likes.single_keys == SingleKeys::On }
    }
}

/// A page, and for the dialog a part of it.
#[handler]
pub fn keys(SignedIn(me): SignedIn, request: &Request) -> Result<Response> {
    let keys = Keys::new(me.lang, &me.agent.preferences);
    if request.header("hx-request-type") == Some("partial") {
        return html(&KeysFragment { keys });
    }
    html(&KeysPage { lang: me.lang, frame: DeskFrame::new(&me, "keys", 0), keys })
}

#[derive(Deserialize)]
struct KeysForm {
    single: String,
}

#[handler]
pub async fn set_keys(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    viewer: Viewer,
    me: CurrentAgent,
    Form(form): Form<KeysForm>,
) -> Result<Response> {
    limits.act(&me.counted_as())?;
    let single_keys = if form.single == "off" { SingleKeys::Off } else { SingleKeys::On };
    let likes = Preferences { single_keys, ..me.agent.preferences.clone() };
    actions::set_preferences(&app, me.agent.id, &likes).await?;
    if viewer.htmx {
        return html(&KeysFragment { keys: Keys::new(me.lang, &likes) });
    }
    Ok(see_other("/desk/keys"))
}
