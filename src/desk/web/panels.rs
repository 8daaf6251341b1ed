//! What can be done with a conversation beside answering, each a small form under its head: hand over, ask for help, put off,
//! priority, tags. With scripts the form is fetched into its place, without them the page is loaded with it.
use super::{
    Held, Pane, desk_page,
    lens::{Choice, lens},
    number, open, pane,
    verbs::Fields,
};
use crate::{
    agent::{self, CurrentAgent, SignedIn, Standing},
    app::App,
    conversation::{self, Conversation, Lens, Range},
    error::{Error, Invalid, Result},
    event::{Priority, State},
    ids::{AgentId, ConversationId, Nonce},
    tag, team, text,
    text::{Lang, Words},
    web::{
        errors::words,
        page::{draw, fragment, html},
    },
};
use askama::Template;
use jiff::{
    SignedDuration, Timestamp, ToSpan,
    civil::{Date, Weekday},
    tz::TimeZone,
};
use poem::{
    Request, Response,
    error::ResponseError,
    handler,
    web::{Data, Path},
};

/// A form under the head of a conversation.
pub struct Panel {
    pub lang: Lang,
    pub id: ConversationId,
    pub nonce: Nonce,
    /// What of the list was looked at, to come back to.
    pub asks: String,
    pub part: Part,
    /// When a moment is chosen by hand, in the site's time zone, whose name this is.
    pub zone: String,
    /// Why it was refused, and the note that stood in it.
    pub problem: Option<String>,
    pub note: String,
}

pub enum Part {
    /// To colleagues, and to teams.
    Transfer(Vec<Choice>, Vec<Choice>),
    Invite(Vec<Choice>),
    Snooze(Vec<Choice>),
    Priority(Vec<Choice>),
    Tags(Vec<Choice>),
    /// Closing, with tags that say how it ended.
    Close(Vec<Choice>),
}

#[derive(Template)]
#[template(path = "desk/_panel.html")]
struct PanelFragment {
    panel: Panel,
}

#[handler]
pub async fn panel_form(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    request: &Request,
    Path((id, part)): Path<(String, String)>,
) -> Result<Response> {
    me.must_act()?;
    let lens = lens(request, me.agent.id);
    let panel = panel(&app, &me, &lens, number(&id)?, &part).await?;
    if request.header("hx-request").is_some() {
        return html(&PanelFragment { panel });
    }
    beside_log(&app, &me, &lens, panel).await
}

async fn panel(
    app: &App,
    me: &CurrentAgent,
    lens: &Lens,
    id: ConversationId,
    part: &str,
) -> Result<Panel> {
    let (found, canvas) = open(app, me, id).await?;
    Ok(Panel {
        lang: me.lang,
        id,
        nonce: Nonce::new(),
        asks: super::lens::asks(lens),
        part: drawn_part(app, me, &found, &canvas.zone, part).await?,
        zone: canvas.zone.iana_name().unwrap_or("UTC").to_owned(),
        problem: None,
        note: String::new(),
    })
}

async fn beside_log(app: &App, me: &CurrentAgent, lens: &Lens, panel: Panel) -> Result<Response> {
    let pane = pane(app, me, lens, panel.id, Range::Latest(super::PAGE)).await?;
    desk_page(app, me, lens, Some(Pane { panel: Some(panel), ..pane })).await
}

/// Handing over or asking for help was refused: the form says why and who cannot be asked, and keeps what was typed.
pub async fn refused(
    app: &App,
    me: &CurrentAgent,
    request: &Request,
    id: ConversationId,
    (part, fields): (&str, &Fields),
    error: &Error,
) -> Result<Response> {
    let lens = lens(request, me.agent.id);
    let asked = fields.one("to").or(fields.one("agent")).and_then(|id| id.parse().ok());
    let asked = match asked.map(AgentId) {
        Some(asked) => {
            agent::accounts(&app.db).await?.into_iter().find(|one| one.agent.id == asked)
        }
        None => None,
    };
    let problem = match (error, asked) {
        (Error::Invalid(Invalid { reason: "invalid-colleague", .. }), Some(asked)) => {
            me.lang.with("colleague-cannot", "name", asked.agent.name)
        }
        (error, _) => words(error).say(me.lang),
    };
    let panel = Panel {
        problem: Some(problem),
        note: fields.one("note").unwrap_or_default().to_owned(),
        ..panel(app, me, &lens, id, part).await?
    };
    let mut response = if request.header("hx-request").is_some() {
        let form = draw(&PanelFragment { panel })?;
        fragment(format!(
            "<hx-partial hx-target=\"#act\" hx-swap=\"innerHTML\">{form}</hx-partial>"
        ))
    } else {
        beside_log(app, me, &lens, panel).await?
    };
    response.set_status(error.status());
    Ok(response)
}

/// Whoever may be asked, with where each is and how much each has; those first who can begin at once, and before them she herself
/// where `own`.
async fn offered(
    app: &App,
    me: &CurrentAgent,
    found: &Conversation,
    own: bool,
) -> Result<Vec<Choice>> {
    let (standings, held) = (agent::standings(app).await?, conversation::held(&app.db).await?);
    let all = agent::all(&app.db).await?.into_iter();
    let others = all.filter(|one| {
        let offered = own || one.id != me.agent.id;
        offered && one.role.may_act() && !found.is_assigned_to(one.id)
    });
    let mut others: Vec<_> = others
        .map(|one| {
            let standing = standings.get(&one.id).copied().unwrap_or(Standing::Offline);
            let load = Held {
                mine: held.get(&one.id).copied().unwrap_or_default(),
                capacity: one.capacity.number(),
            };
            let key = if load.is_full() { "colleague-full" } else { "colleague-free" };
            let name = called(&one.name, one.id, me);
            let words = Words::new(key)
                .put("name", name)
                .put("standing", me.lang.t(standing.key()))
                .put("held", load.mine)
                .put("capacity", load.capacity);
            let name = words.say(me.lang);
            let later = (one.id != me.agent.id, standing as u8, load.is_full());
            (later, Choice { value: one.id.to_string(), name, chosen: false })
        })
        .collect();
    others.sort_by_key(|(later, _)| *later);
    Ok(others.into_iter().map(|(_, choice)| choice).collect())
}

/// A name to choose, which says if it is her own.
pub fn called(name: &str, id: AgentId, me: &CurrentAgent) -> String {
    if id == me.agent.id { me.lang.with("colleague-own", "name", name) } else { name.to_owned() }
}

async fn drawn_part(
    app: &App,
    me: &CurrentAgent,
    found: &Conversation,
    zone: &TimeZone,
    part: &str,
) -> Result<Part> {
    let choice = |value: String, name: String, chosen| Choice { value, name, chosen };
    Ok(match part {
        "transfer" | "invite" => {
            // Whoever wants what nobody has takes it.
            let own = part == "transfer" && found.state == State::Open;
            let others = offered(app, me, found, own).await?;
            if part == "invite" {
                Part::Invite(others)
            } else {
                let teams = team::all(&app.db).await?.into_iter();
                let teams = teams.filter(|team| found.team != Some(team.id));
                let teams = teams.map(|one| choice(format!("team-{}", one.id), one.name, false));
                Part::Transfer(others, teams.collect())
            }
        }
        "snooze" => Part::Snooze(moments(app.clock.now(), zone, me.lang)?),
        "priority" => {
            let all = Priority::ALL.into_iter().map(|one| {
                let name = me.lang.t(one.key());
                choice(one.word().to_owned(), name, one == found.priority)
            });
            Part::Priority(all.collect())
        }
        "tags" | "close" => {
            let tags = tag::all(&app.db).await?.into_iter();
            let tags =
                tags.map(|one| choice(one.id.to_string(), one.name, found.tags.contains(&one.id)));
            if part == "tags" { Part::Tags(tags.collect()) } else { Part::Close(tags.collect()) }
        }
        _ => return Err(Error::NotFound),
    })
}

/// The moments that people mean by "later", each with what it comes to: in an hour, in three, tomorrow at nine, on Monday if that is
/// another day.
fn moments(now: Timestamp, zone: &TimeZone, lang: Lang) -> Result<Vec<Choice>> {
    let today = text::day(now, zone);
    let nine = |day: Date| {
        let at = day.at(9, 0, 0, 0).to_zoned_datetime(zone.clone());
        at.map(|at| at.timestamp()).map_err(Error::internal)
    };
    let tomorrow = today.saturating_add(1.day());
    let monday = today.nth_weekday(1, Weekday::Monday).map_err(Error::internal)?;
    let mut moments = vec![
        ("snooze-hour", now + SignedDuration::from_hours(1)),
        ("snooze-hours", now + SignedDuration::from_hours(3)),
        ("snooze-tomorrow", nine(tomorrow)?),
    ];
    if monday != tomorrow {
        moments.push(("snooze-monday", nine(monday)?));
    }
    let choice = |(key, at): (&'static str, Timestamp)| Choice {
        value: at.as_second().to_string(),
        name: format!("{} · {}", lang.t(key), text::soon(at, now, zone, lang)),
        chosen: false,
    };
    Ok(moments.into_iter().map(choice).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(now: &str, lang: Lang) -> Vec<(String, String)> {
        let (now, shanghai) = (now.parse().unwrap(), text::zone("Asia/Shanghai"));
        let moment = |choice: Choice| {
            let at = Timestamp::from_second(choice.value.parse().unwrap()).unwrap();
            (at.to_string(), choice.name)
        };
        moments(now, &shanghai, lang).unwrap().into_iter().map(moment).collect()
    }

    fn said(all: &[(&str, &str)]) -> Vec<(String, String)> {
        all.iter().map(|(at, words)| ((*at).into(), (*words).into())).collect()
    }

    #[test]
    fn later_is_told_in_the_sites_zone() {
        // A Wednesday, five minutes to midnight in Shanghai.
        assert_eq!(
            told("2026-11-25T15:55:00Z", Lang::En),
            said(&[
                ("2026-11-25T16:55:00Z", "In an hour · 26 November 00:55"),
                ("2026-11-25T18:55:00Z", "In three hours · 26 November 02:55"),
                ("2026-11-26T01:00:00Z", "Tomorrow · 26 November 09:00"),
                ("2026-11-30T01:00:00Z", "Next Monday · 30 November 09:00"),
            ])
        );
        // A Monday morning: the next one is meant.
        assert_eq!(
            told("2026-11-30T02:00:00Z", Lang::ZhCn),
            said(&[
                ("2026-11-30T03:00:00Z", "1 小时后 · 11:00"),
                ("2026-11-30T05:00:00Z", "3 小时后 · 13:00"),
                ("2026-12-01T01:00:00Z", "明天 · 12月1日 09:00"),
                ("2026-12-07T01:00:00Z", "下周一 · 12月7日 09:00"),
            ])
        );
    }

    #[test]
    fn where_tomorrow_is_monday_it_is_offered_once() {
        let sunday = told("2026-11-29T02:00:00Z", Lang::En);
        let tomorrow = said(&[("2026-11-30T01:00:00Z", "Tomorrow · 30 November 09:00")]);
        assert_eq!((sunday.len(), &sunday[2..]), (3, &tomorrow[..]));
    }
}
