//! What can be done with one message: answer it with a quote, change it or take it back; and what it said before.
use super::{acts::at_work, lens, number, open, place};
use crate::{
    agent::{CurrentAgent, DeskFrame, SignedIn},
    app::App,
    conversation::{self, Body, Change, Earlier, may_amend, quoted},
    error::{Error, Result},
    event::{Author, Changed, Content, Entry},
    ids::{AgentId, ConversationId, Nonce},
    text::{self, Lang},
    web::{
        limits::Limits,
        page::{fragment, html, see_other},
    },
};
use askama::Template;
use poem::{
    Request, Response, handler,
    web::{Data, Form, Path},
};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "desk/entry_menu.html")]
struct MenuPage {
    lang: Lang,
    frame: DeskFrame,
    menu: Menu,
}

#[derive(Template)]
#[template(path = "desk/_entry_menu.html")]
struct MenuFragment {
    menu: Menu,
}

struct Menu {
    lang: Lang,
    id: ConversationId,
    seq: i64,
    asks: String,
    nonce: Nonce,
    name: String,
    body: String,
    may_quote: bool,
    may_amend: bool,
    recalled: bool,
    /// Whether it said something else before, which she may see.
    earlier: bool,
}

#[handler]
pub async fn entry_menu(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    request: &Request,
    Path((id, seq)): Path<(String, String)>,
) -> Result<Response> {
    let (entry, name) = entry(&app, &me, &id, &seq).await?;
    let may_act = me.agent.role.may_act();
    let menu = Menu {
        lang: me.lang,
        id: number(&id)?,
        seq: entry.seq,
        asks: lens::asks(&lens::lens(request, me.agent.id)),
        nonce: Nonce::new(),
        name,
        body: entry.words().to_owned(),
        may_quote: may_act && quoted(&entry, true).is_some(),
        recalled: entry.changed == Some(Changed::Recalled),
        earlier: entry.changed.is_some() && me.agent.role.may_manage(),
        may_amend: may_act && may_amend(&entry, &author(&me), app.clock.now()),
    };
    if request.header("hx-request").is_some() {
        return html(&MenuFragment { menu });
    }
    html(&MenuPage { lang: me.lang, frame: DeskFrame::new(&me, "conversations", 0), menu })
}

#[derive(Template)]
#[template(path = "desk/earlier.html")]
struct EarlierPage {
    lang: Lang,
    frame: DeskFrame,
    past: Past,
}

#[derive(Template)]
#[template(path = "desk/_earlier.html")]
struct EarlierFragment {
    past: Past,
}

struct Past {
    lang: Lang,
    id: ConversationId,
    asks: String,
    said: Vec<Said>,
}

struct Said {
    /// Until when, and who did what then.
    until: String,
    body: String,
}

/// What a message said before it was changed or taken back, for those who manage: to nobody else it is there.
#[handler]
pub async fn earlier(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    request: &Request,
    Path((id, seq)): Path<(String, String)>,
) -> Result<Response> {
    me.must_manage()?;
    let (entry, _) = entry(&app, &me, &id, &seq).await?;
    let (found, canvas) = open(&app, &me, number(&id)?).await?;
    let earlier = conversation::earlier(app.db.read(), found.id, entry.seq).await?;
    if earlier.is_empty() {
        return Err(Error::NotFound);
    }
    let said = |one: Earlier| Said {
        until: me.lang.fill(
            match one.became {
                Changed::Edited => "earlier-edited",
                Changed::Recalled => "earlier-recalled",
            },
            &[
                ("day", text::day_line(one.until, &canvas.zone, me.lang)),
                ("time", text::clock_seconds(one.until, &canvas.zone)),
                ("name", one.by.name().to_owned()),
            ],
        ),
        body: one.body,
    };
    let past = Past {
        lang: me.lang,
        id: found.id,
        asks: lens::asks(&lens::lens(request, me.agent.id)),
        said: earlier.into_iter().map(said).collect(),
    };
    if request.header("hx-request").is_some() {
        return html(&EarlierFragment { past });
    }
    html(&EarlierPage { lang: me.lang, frame: DeskFrame::new(&me, "conversations", 0), past })
}

/// A message or a note of a conversation, and who wrote it; what only happened has no menu.
async fn entry(app: &App, me: &CurrentAgent, id: &str, seq: &str) -> Result<(Entry, String)> {
    let seq = seq.parse().map_err(|_| Error::NotFound)?;
    let (found, canvas) = open(app, me, number(id)?).await?;
    let entry = conversation::find_entry(app.db.read(), found.id, seq).await?;
    match entry.content {
        Content::Text { .. } | Content::Note { .. } => {
            let name = canvas.name_of(&entry.author);
            Ok((entry, name))
        }
        Content::Event { .. } | Content::Edit { .. } | Content::Recall { .. } => {
            Err(Error::NotFound)
        }
    }
}

fn author(me: &CurrentAgent) -> Author {
    let AgentId(id) = me.agent.id;
    Author::Agent { id: AgentId(id), name: me.agent.name.clone() }
}

#[derive(Deserialize)]
struct AmendForm {
    nonce: String,
    #[serde(default)]
    body: String,
}

/// `edit` or `recall`.
#[handler]
pub async fn amend(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    request: &Request,
    Path((id, seq, verb)): Path<(String, String, String)>,
    Form(form): Form<AmendForm>,
) -> Result<Response> {
    let work = at_work(&me, number(&id)?)?;
    limits.message(&me.counted_as())?;
    let change = match verb.as_str() {
        "edit" => Change::Edit(Body::parse(&form.body)?),
        "recall" => Change::Recall,
        _ => return Err(Error::NotFound),
    };
    let (nonce, id) = (Nonce::parse(&form.nonce)?, work.conversation);
    let of = entry(&app, &me, &id.to_string(), &seq).await?.0.seq;
    let sent = conversation::amend(&app, work, nonce, of, change).await?;
    let lens = lens::lens(request, me.agent.id);
    if request.header("hx-request").is_none() {
        return Ok(see_other(place(&lens, id)));
    }
    let (_, canvas) = open(&app, &me, id).await?;
    let redrawn: Result<String> = (sent.appended.redrawn.iter())
        .map(|redrawn| conversation::redraw(&canvas, redrawn))
        .collect();
    let closed = "<hx-partial hx-target=\"#entry-menu\" hx-swap=\"innerHTML\"></hx-partial>";
    Ok(fragment(redrawn? + closed))
}
