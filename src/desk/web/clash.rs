//! An answer that was written while a colleague gave one: what is new is shown with it, and its writer says what becomes of it.
use super::{PAGE, acts::beside, asks, lens::lens, open, place};
use crate::{
    agent::{CurrentAgent, DeskFrame},
    app::App,
    conversation::{self, Canvas, EntryLine, Range},
    draft::{self, DraftBody, DraftKind},
    error::Result,
    ids::{ConversationId, FileId},
    text::Lang,
    web::page::{draw, fragment, html},
};
use askama::Template;
use poem::{Request, Response, http::StatusCode};

/// What was not sent, as its form brought it.
pub struct Unsent<'a> {
    pub conversation: ConversationId,
    pub nonce: &'a str,
    pub body: &'a str,
    pub quote: Option<i64>,
    pub files: &'a [FileId],
    /// The last entry its writer had seen.
    pub seen: i64,
    /// Why it was not sent.
    pub why: String,
}

#[derive(Template)]
#[template(path = "desk/_clash.html")]
struct ClashFragment<'a> {
    lang: Lang,
    why: &'a str,
    lines: Vec<EntryLine>,
}

#[derive(Template)]
#[template(path = "desk/clash.html")]
struct ClashPage<'a> {
    lang: Lang,
    frame: DeskFrame,
    unsent: &'a Unsent<'a>,
    asks: String,
    lines: Vec<EntryLine>,
    seen: i64,
    back: String,
}

/// Where the conversation stands open what is new comes into it, and the answer back into its box; else a page holds all of it,
/// and the conversation the answer as a draft.
pub async fn clash(
    app: &App,
    me: &CurrentAgent,
    request: &Request,
    unsent: &Unsent<'_>,
) -> Result<Response> {
    let id = unsent.conversation;
    let (_, canvas) = open(app, me, id).await?;
    let newer = Range::After(unsent.seen, PAGE);
    let history = conversation::history(app.db.read(), id, newer).await?;
    // What can be done with an entry is done in the conversation, not on a page that tells of it.
    let in_place = request.header("hx-request").is_some();
    let canvas = Canvas { acts: canvas.acts && in_place, ..canvas };
    let (lang, lines) = (me.lang, conversation::lines(&history, &canvas));
    let mut response = if in_place {
        let news = conversation::news(&canvas, &history)?;
        let told = draw(&ClashFragment { lang, why: &unsent.why, lines })?;
        fragment(news + &told)
    } else {
        let body = DraftBody::parse(unsent.body)?;
        draft::keep(app, me.agent.id, id, DraftKind::Text, body).await?;
        let lens = lens(request, me.agent.id);
        let back = place(&lens, id) + &beside(unsent.quote, unsent.files);
        html(&ClashPage {
            lang,
            frame: DeskFrame::new(me, "conversations", 0),
            unsent,
            asks: asks(&lens),
            lines,
            seen: history.entries.last().map_or(unsent.seen, |last| last.seq),
            back,
        })?
    };
    response.set_status(StatusCode::CONFLICT);
    Ok(response)
}
