//! What the composer offers: with scripts a list that opens over it, without them a page whose links lead back.
use crate::{
    agent::{DeskFrame, MaybeAgent, to_the_door},
    app::App,
    canned_reply::{actions, model::CannedReply},
    error::{Error, Result},
    ids::ConversationId,
    text::Lang,
    web::page::{Viewer, html, query},
};
use askama::Template;
use poem::{Request, Response, handler, web::Data};

/// A reply as it would be said in the open conversation.
struct Offer {
    id: i64,
    title: String,
    code: String,
    text: String,
}

#[derive(Template)]
#[template(path = "canned_reply/_offers.html")]
struct Offers {
    lang: Lang,
    offers: Vec<Offer>,
}

#[derive(Template)]
#[template(path = "canned_reply/choose.html")]
struct ChoosePage {
    lang: Lang,
    frame: DeskFrame,
    conversation: ConversationId,
    /// What of the lists is looked at, to come back to.
    asks: Vec<(String, String)>,
    query: String,
    offers: Vec<Offer>,
}

/// `?q=` what is typed, `c=` the number of the conversation.
#[handler]
pub async fn offer(
    app: Data<&App>,
    viewer: Viewer,
    MaybeAgent(me): MaybeAgent,
    request: &Request,
) -> Result<Response> {
    let me = match me {
        Some(me) => me,
        // The list over the composer is no place for the door.
        None if viewer.htmx => return Err(Error::Unauthenticated),
        None => return Ok(to_the_door(request)),
    };
    let conversation = query(request, "c").and_then(|number| number.parse().ok());
    let conversation = ConversationId(conversation.ok_or(Error::NotFound)?);
    let names = actions::names(&app, &me.agent, me.lang, conversation).await?;
    let typed = query(request, "q").unwrap_or_default();
    let offer = |reply: CannedReply| Offer {
        id: reply.id.0,
        text: reply.filled(&names),
        title: reply.wording.title.as_str().into(),
        code: reply.wording.short_code.as_str().into(),
    };
    let found = actions::offered(&app, &me.agent, &typed).await?;
    let offers: Vec<_> = found.into_iter().map(offer).collect();
    if viewer.htmx {
        return html(&Offers { lang: me.lang, offers });
    }
    html(&ChoosePage {
        lang: me.lang,
        frame: DeskFrame::new(&me, "conversations", 0),
        conversation,
        asks: asks(request),
        query: typed,
        offers,
    })
}

impl ChoosePage {
    /// The same as an address asks for it.
    fn asked(&self) -> String {
        let mut asked = url::form_urlencoded::Serializer::new(String::new());
        asked.extend_pairs(&self.asks).finish()
    }
}

/// Everything in the address but what this page itself asks for.
fn asks(request: &Request) -> Vec<(String, String)> {
    let pairs = url::form_urlencoded::parse(request.uri().query().unwrap_or_default().as_bytes());
    pairs.into_owned().filter(|(name, _)| !["c", "q"].contains(&name.as_str())).collect()
}
