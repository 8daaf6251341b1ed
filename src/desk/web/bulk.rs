//! Several conversations at once: a page on which rows of a list are chosen, and what became of each. Each is handled as by
//! its own verb; one that is refused does not keep the others.
use super::{
    ROWS, Row,
    acts::at_work,
    export::export,
    lens::{self, Choice, lens},
    name, open,
    panels::called,
    verbs::{Fields, recipient},
};
use crate::{
    agent::{CurrentAgent, DeskFrame, SignedIn},
    app::App,
    contact,
    conversation::{self, AtWork, Recipient, colleagues},
    error::{Error, Invalid, Result},
    event::{Happening, Mention, Summary},
    ids::{ConversationId, Nonce, TagId},
    tag, team,
    text::Lang,
    web::{errors::words, limits::Limits, page::html},
};
use askama::Template;
use poem::{
    Request, Response, handler,
    http::StatusCode,
    web::{Data, Form},
};
use std::{
    collections::BTreeSet,
    sync::Arc,
    time::{Duration, Instant},
};

/// As many as a list shows.
const AT_ONCE: usize = 200;
const TOO_MANY: &str = "bulk-too-many";
/// An answer may take five seconds (`web/errors.rs`); whatever is not begun by now is left for the next time.
const WORKING: Duration = Duration::from_secs(3);

#[derive(Template)]
#[template(path = "desk/bulk.html")]
struct BulkPage {
    lang: Lang,
    frame: DeskFrame,
    /// What of the lists is looked at, as an address asks for it.
    asks: String,
    nonce: Nonce,
    /// Each with whether it is chosen.
    rows: Vec<(Row, bool)>,
    agents: Vec<Choice>,
    teams: Vec<Choice>,
    tags: Vec<Choice>,
    problem: Option<String>,
    /// What was done, in words.
    done: Option<String>,
    left: Vec<Left>,
}

/// A conversation with which nothing was done, and why.
struct Left {
    id: ConversationId,
    /// `None` if it is not hers to see, or not there.
    name: Option<String>,
    why: String,
}

/// What is done with each.
enum Deed {
    /// For herself, whoever has it.
    Take(Mention),
    Assign(Recipient),
    Tag(Vec<(TagId, String)>),
    /// With tags that say how it ended, if any.
    Close(Vec<(TagId, String)>),
}

/// With which conversations, each once, and what.
enum Asked {
    Sheet(Vec<ConversationId>),
    Work(Vec<ConversationId>, Deed, Nonce),
}

#[handler]
pub async fn bulk_form(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    request: &Request,
) -> Result<Response> {
    me.must_act()?;
    // Rows that were chosen in the list; what else the address says is which list.
    let Fields(mut chosen) = Fields::of_address(request);
    chosen.retain(|(field, _)| field == "id");
    let too_many = (chosen.len() > AT_ONCE).then(|| me.lang.t(TOO_MANY));
    html(&BulkPage { problem: too_many, ..page(&app, &me, request, &Fields(chosen)).await? })
}

#[handler]
pub async fn handle_several(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    request: &Request,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response> {
    me.must_act()?;
    limits.act(&me.counted_as())?;
    let fields = Fields(fields);
    let asked = match asked(&app, &me, &fields).await {
        // What was chosen stays chosen.
        Err(Error::Invalid(invalid)) => {
            let problem = Some(words(&Error::Invalid(invalid)).say(me.lang));
            let page = page(&app, &me, request, &fields).await?;
            let mut response = html(&BulkPage { problem, ..page })?;
            response.set_status(StatusCode::UNPROCESSABLE_ENTITY);
            return Ok(response);
        }
        asked => asked?,
    };
    let (ids, deed, nonce) = match asked {
        Asked::Sheet(ids) => return export(&app, &me, &ids).await,
        Asked::Work(ids, deed, nonce) => (ids, deed, nonce),
    };
    let (began, mut left) = (Instant::now(), Vec::new());
    for id in &ids {
        let why = if began.elapsed() > WORKING {
            me.lang.t("bulk-late")
        } else {
            match one(&app, &limits, at_work(&me, *id)?, &nonce, &deed).await {
                Ok(()) => continue,
                Err(refusal) => {
                    if let Error::Internal(cause) | Error::Unavailable(cause) = &refusal {
                        tracing::warn!(conversation = %id, cause = format!("{cause:#}"), "left out");
                    }
                    words(&refusal).say(me.lang)
                }
            }
        };
        left.push(Left { id: *id, name: seen_name(&app, &me, *id).await?, why });
    }
    let counted = [("done", (ids.len() - left.len()).to_string()), ("all", ids.len().to_string())];
    // Those that are left can be tried again.
    let mut again = fields.0;
    again.retain(|(field, _)| field != "id");
    again.extend(left.iter().map(|left| ("id".to_owned(), left.id.to_string())));
    let page = page(&app, &me, request, &Fields(again)).await?;
    html(&BulkPage { done: Some(me.lang.fill("bulk-done", &counted)), left, ..page })
}

/// What a form asks for.
async fn asked(app: &App, me: &CurrentAgent, fields: &Fields) -> Result<Asked> {
    let named = fields.all("id");
    if named.len() > AT_ONCE {
        return Err(Invalid { field: "id", reason: TOO_MANY }.into());
    }
    let invalid = Invalid { field: "id", reason: "invalid-form" };
    let mut ids: Vec<ConversationId> = Vec::new();
    for id in named {
        let id = id.parse().map_err(|_| invalid)?;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    if ids.is_empty() {
        return Err(Invalid { field: "id", reason: "bulk-none" }.into());
    }
    if fields.one("do") == Some("export") {
        return Ok(Asked::Sheet(ids));
    }
    Ok(Asked::Work(ids, deed(app, me, fields).await?, fields.nonce()?))
}

async fn deed(app: &App, me: &CurrentAgent, fields: &Fields) -> Result<Deed> {
    Ok(match fields.one("do").unwrap_or_default() {
        "assign" => match recipient(app, fields.one("to").unwrap_or_default()).await? {
            Recipient::Agent(to) if to.agent == me.agent.id => Deed::Take(to),
            to => Deed::Assign(to),
        },
        "tag" => match tags(app, fields).await? {
            none if none.is_empty() => {
                return Err(Invalid { field: "tag", reason: "bulk-no-tags" }.into());
            }
            tags => Deed::Tag(tags),
        },
        "close" => Deed::Close(tags(app, fields).await?),
        _ => return Err(Invalid { field: "do", reason: "invalid-form" }.into()),
    })
}

async fn tags(app: &App, fields: &Fields) -> Result<Vec<(TagId, String)>> {
    let wanted: Vec<TagId> = fields.all("tag").iter().filter_map(|id| id.parse().ok()).collect();
    let all = tag::all(&app.db).await?.into_iter();
    Ok(all.filter(|tag| wanted.contains(&tag.id)).map(|tag| (tag.id, tag.name)).collect())
}

/// The same form again finds what it did by its nonce. Each counts, but not among the single verbs: whoever closed two hundred
/// at once can still take the next visitor.
async fn one(app: &App, limits: &Limits, work: AtWork, nonce: &Nonce, deed: &Deed) -> Result<()> {
    limits.act(&format!("bulk {}", work.agent))?;
    let nonce = nonce.clone();
    match deed {
        Deed::Take(me) => take(app, work, nonce, me.clone()).await?,
        Deed::Assign(to) => {
            drop(conversation::transfer(app, work, nonce, to.clone(), None).await?);
        }
        Deed::Tag(tags) => {
            let nothing = Vec::new();
            drop(conversation::change_tags(app, work, nonce, tags.clone(), nothing).await?);
        }
        Deed::Close(tags) => drop(conversation::close(app, work, nonce, tags.clone()).await?),
    }
    Ok(())
}

/// What nobody has is claimed, the rest taken over, under a nonce of its own.
async fn take(app: &App, work: AtWork, nonce: Nonce, me: Mention) -> Result<()> {
    let (over, me) = (nonce.of("over"), Recipient::Agent(me));
    match conversation::happen(app, work.clone(), nonce, Happening::Claimed).await {
        Err(Error::Taken { .. }) => drop(conversation::transfer(app, work, over, me, None).await?),
        claimed => drop(claimed?),
    }
    Ok(())
}

async fn seen_name(app: &App, me: &CurrentAgent, id: ConversationId) -> Result<Option<String>> {
    let found = match open(app, me, id).await {
        Err(Error::NotFound) => return Ok(None),
        found => found?.0,
    };
    let contact = contact::find(app.db.read(), found.contact).await?;
    Ok(Some(name(&found.summary(contact.name, String::new()), me.lang)))
}

/// Those that were chosen and do not stand among these rows, as far as she sees them.
async fn elsewhere(
    app: &App,
    me: &CurrentAgent,
    rows: &[Summary],
    chosen: &Fields,
) -> Result<Vec<Summary>> {
    let chosen = chosen.all("id");
    let ids: BTreeSet<ConversationId> = chosen.iter().filter_map(|id| id.parse().ok()).collect();
    let others = ids.into_iter().filter(|id| rows.iter().all(|row| row.id != *id)).take(AT_ONCE);
    let seen = conversation::seen_by(&app.db, me.agent.id, others).await?;
    if seen.is_empty() {
        return Ok(Vec::new());
    }
    let mut seen: Vec<_> = seen.into_keys().collect();
    seen.sort_unstable();
    conversation::summaries_of(&app.db, &seen).await
}

/// The page, with what a form has chosen: that stands first.
async fn page(
    app: &App,
    me: &CurrentAgent,
    request: &Request,
    chosen: &Fields,
) -> Result<BulkPage> {
    let lens = lens(request, me.agent.id);
    let sight = conversation::sight(app.db.read(), &me.agent).await?;
    let mut rows = conversation::list(&app.db, &sight, &lens, ROWS).await?;
    let more = elsewhere(app, me, &rows, chosen).await?;
    rows.extend(more);
    let (ids, to, tagged) = (chosen.all("id"), chosen.one("to"), chosen.all("tag"));
    let person_or_team = |value: String, name: String| {
        let chosen = to == Some(value.as_str());
        Choice { value, name, chosen }
    };
    let mut agents = colleagues(app).await?;
    agents.sort_by_key(|one| one.agent != me.agent.id);
    let agents = agents
        .iter()
        .map(|one| person_or_team(one.agent.to_string(), called(&one.name, one.agent, me)));
    let teams = team::all(&app.db).await?.into_iter();
    let tags = tag::all(&app.db).await?.into_iter();
    let row = |row: &Summary| {
        let chosen = ids.contains(&row.id.to_string().as_str());
        (Row::seen_by(app, me.agent.id, row, me.lang), chosen)
    };
    let mut rows: Vec<_> = rows.iter().map(row).collect();
    rows.sort_by_key(|(_, chosen)| !chosen);
    Ok(BulkPage {
        lang: me.lang,
        frame: DeskFrame::new(me, "conversations", 0),
        asks: lens::asks(&lens),
        nonce: Nonce::new(),
        rows,
        agents: agents.collect(),
        teams: teams.map(|one| person_or_team(format!("team-{}", one.id), one.name)).collect(),
        tags: tags
            .map(|one| {
                let value = one.id.to_string();
                Choice { chosen: tagged.contains(&value.as_str()), value, name: one.name }
            })
            .collect(),
        problem: None,
        done: None,
        left: Vec::new(),
    })
}
