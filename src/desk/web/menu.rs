//! What can be done with one message: answer it with a quote, change it or take it back.
use super::{acts::at_work, lens, number, open, place};
use crate::{
    agent::{CurrentAgent, DeskFrame, SignedIn},
    app::App,
    conversation::{self, Body, Change, may_amend, quoted},
    error::{Error, Result},
    event::{Author, Content, Entry},
    ids::{AgentId, ConversationId, Nonce},
    text::Lang,
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
        may_amend: may_act && may_amend(&entry, &author(&me), app.clock.now()),
    };
    if request.header("hx-request").is_some() {
        return html(&MenuFragment { menu });
    }
    html(&MenuPage { lang: me.lang, frame: DeskFrame::new(&me, "conversations", 0), menu })
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
