//! What an agent does with a conversation: takes it, hands it over, puts it off, tags it, closes it. Every verb is a plain
//! form; htmx gets the pane as it is then.
use super::{
    PAGE, PaneFragment, acts::at_work, asks, gone, lens::lens, number, open, pane, panels::refused,
    place, turned,
};
use crate::{
    agent::CurrentAgent,
    app::App,
    conversation::{self, AtWork, Body, Range, Recipient},
    error::{Error, Invalid, Result},
    event::{Happening, Priority},
    ids::{ConversationId, Nonce, TagId},
    tag,
    text::Lang,
    web::{
        limits::Limits,
        page::{fragment, html, see_other},
    },
};
use askama::Template;
use jiff::{Timestamp, civil::DateTime, tz::TimeZone};
use poem::{
    Request, Response, handler,
    http::HeaderValue,
    web::{Data, Form, Path},
};
use std::sync::Arc;

/// The fields of a verb's form, some of which may come several times.
pub struct Fields(pub Vec<(String, String)>);

impl Fields {
    /// What a form asked for by an address.
    pub fn of_address(request: &Request) -> Self {
        Self(pairs(request.uri().query().unwrap_or_default()))
    }

    /// The first of this name that holds something.
    pub fn one(&self, name: &str) -> Option<&str> {
        let filled = |(field, value): &&(String, String)| field == name && !value.is_empty();
        self.0.iter().find(filled).map(|(_, value)| value.as_str())
    }

    pub fn all(&self, name: &str) -> Vec<&str> {
        let those = self.0.iter().filter(|(field, _)| field == name);
        those.map(|(_, value)| value.as_str()).collect()
    }

    pub fn nonce(&self) -> Result<Nonce> {
        Ok(Nonce::parse(self.one("nonce").unwrap_or_default())?)
    }
}

/// The fields of an address.
pub fn pairs(asked: &str) -> Vec<(String, String)> {
    url::form_urlencoded::parse(asked.as_bytes()).into_owned().collect()
}

#[handler]
pub async fn act(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    request: &Request,
    Path((id, verb)): Path<(String, String)>,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response> {
    let (work, fields) = (at_work(&me, number(&id)?)?, Fields(fields));
    limits.act(&me.counted_as())?;
    let conversation = work.conversation;
    match done(&app, &me, work, &verb, &fields).await {
        Err(error) if is_about_whom(&error, &verb) => {
            let form = (verb.as_str(), &fields);
            // Where the form cannot be shown again, since a colleague handed it on meanwhile, the refusal stays what it was.
            let shown = refused(&app, &me, request, conversation, form, &error).await;
            return shown.or(Err(error));
        }
        outcome => outcome?,
    }
    if verb == "unread" {
        return left(&app, &me, request);
    }
    acted(&app, &me, request, conversation).await
}

/// Whether somebody else can be chosen instead, or other words.
fn is_about_whom(error: &Error, verb: &str) -> bool {
    let about = match error {
        Error::Invalid(invalid) => invalid.field != "nonce",
        Error::Conflict(why) => {
            ["conflict-has-it", "conflict-team-has-it", "conflict-guests"].contains(why)
        }
        _ => false,
    };
    about && ["transfer", "invite"].contains(&verb)
}

async fn done(
    app: &App,
    me: &CurrentAgent,
    work: AtWork,
    verb: &str,
    fields: &Fields,
) -> Result<()> {
    let nonce = fields.nonce();
    match verb {
        "claim" => happen(app, work, nonce?, Happening::Claimed).await,
        "reopen" => happen(app, work, nonce?, Happening::Reopened).await,
        "wake" => happen(app, work, nonce?, Happening::Woken).await,
        "unread" => conversation::mark_unread(app, &work).await,
        "close" => {
            let nonce = nonce?;
            if fields.one("tagged").is_some() {
                match retag(app, work.clone(), nonce.of("tags"), fields).await {
                    // Not hers to see any more: the closing says so, unless it was done before.
                    Ok(()) | Err(Error::NotFound) => {}
                    refused => return refused,
                }
            }
            happen(app, work, nonce, Happening::Closed).await
        }
        "tags" => retag(app, work, nonce?, fields).await,
        "transfer" => {
            let to = recipient(app, fields.one("to").unwrap_or_default()).await?;
            let note = fields.one("note").filter(|note| !note.trim().is_empty());
            let note = note.map(Body::parse).transpose()?;
            conversation::transfer(app, work, nonce?, to, note).await.map(|_| ())
        }
        "invite" => {
            let agent = fields.one("agent").and_then(|id| id.parse().ok());
            let agent = conversation::colleague(app, agent, "agent").await?;
            conversation::invite(app, work, nonce?, agent).await.map(|_| ())
        }
        "snooze" => {
            let until = match fields.one("until") {
                Some(second) => moment(second)?,
                // Chosen by hand, in the site's zone.
                None => {
                    let (_, canvas) = open(app, me, work.conversation).await?;
                    let chosen = fields.one("at").unwrap_or_default();
                    chosen_moment(chosen, &canvas.zone)?
                }
            };
            conversation::snooze(app, work, nonce?, until).await.map(|_| ())
        }
        "priority" => {
            let priority = fields.one("priority").and_then(Priority::parse);
            let invalid = Invalid { field: "priority", reason: "invalid-form" };
            let priority = priority.ok_or(invalid)?;
            conversation::prioritize(app, work, nonce?, priority).await.map(|_| ())
        }
        _ => Err(Error::NotFound),
    }
}

async fn happen(app: &App, work: AtWork, nonce: Nonce, what: Happening) -> Result<()> {
    conversation::happen(app, work, nonce, what).await.map(|_| ())
}

/// The tags that are checked are those it carries from now on.
async fn retag(app: &App, work: AtWork, nonce: Nonce, fields: &Fields) -> Result<()> {
    let known: Vec<_> =
        tag::all(&app.db).await?.into_iter().map(|tag| (tag.id, tag.name)).collect();
    let wanted: Vec<TagId> = fields.all("tag").iter().filter_map(|id| id.parse().ok()).collect();
    let tags = known.iter().filter(|(id, _)| wanted.contains(id)).cloned().collect();
    conversation::retag(app, work, nonce, tags, known).await.map(|_| ())
}

/// `team-3` or the number of a colleague.
pub async fn recipient(app: &App, to: &str) -> Result<Recipient> {
    match to.strip_prefix("team-") {
        Some(team) => conversation::team_to(app, team.parse().ok(), "to").await,
        None => {
            let agent = conversation::colleague(app, to.parse().ok(), "to").await?;
            Ok(Recipient::Agent(agent))
        }
    }
}

const NO_MOMENT: Invalid = Invalid { field: "until", reason: "invalid-snooze" };

/// The moment of a button.
fn moment(second: &str) -> Result<Timestamp> {
    let second = second.parse().map_err(|_| NO_MOMENT)?;
    Ok(Timestamp::from_second(second).map_err(|_| NO_MOMENT)?)
}

/// The moment that was chosen by hand.
fn chosen_moment(chosen: &str, zone: &TimeZone) -> Result<Timestamp> {
    let chosen: DateTime = chosen.parse().map_err(|_| NO_MOMENT)?;
    Ok(chosen.to_zoned_datetime(zone.clone()).map_err(|_| NO_MOMENT)?.timestamp())
}

#[derive(Template)]
#[template(path = "desk/_none.html")]
struct NoPane {
    lang: Lang,
}

/// Whoever marked a conversation as unread goes back to the list: open before her eyes it would be read at once.
fn left(app: &App, me: &CurrentAgent, request: &Request) -> Result<Response> {
    let list = format!("/desk/c?{}", asks(&lens(request, me.agent.id)));
    if request.header("hx-request").is_none() {
        return Ok(see_other(list));
    }
    turned(app, me, request, None);
    let mut response = html(&NoPane { lang: me.lang })?;
    let place = HeaderValue::from_str(&list).map_err(Error::internal)?;
    response.headers_mut().insert("hx-push-url", place);
    Ok(response)
}

/// After an act htmx gets the pane as it is now, a plain form the page. Whoever handed it over may not see it any more.
async fn acted(
    app: &App,
    me: &CurrentAgent,
    request: &Request,
    id: ConversationId,
) -> Result<Response> {
    let lens = lens(request, me.agent.id);
    let plain = request.header("hx-request").is_none();
    match open(app, me, id).await {
        Err(Error::NotFound) if plain => Ok(see_other(format!("/desk/c?{}", asks(&lens)))),
        Err(Error::NotFound) => {
            turned(app, me, request, None);
            Ok(fragment(gone(me.lang)))
        }
        Err(error) => Err(error),
        Ok(_) if plain => Ok(see_other(place(&lens, id))),
        Ok(_) => html(&PaneFragment { pane: pane(app, me, &lens, id, Range::Latest(PAGE)).await? }),
    }
}
