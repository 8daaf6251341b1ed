//! The pages of the settings on which replies are listed, written and removed. Beside them: sheets, and what the composer asks for.
mod composer;
mod sheets;

pub use composer::offer;
pub use sheets::{export, import, import_file, import_form};

use super::{
    actions::{self, team_name},
    model::{CannedReply, Colleague, Rights, Scope, VARIABLES, Wording},
    store,
};
use crate::{
    agent::{CurrentAgent, DeskFrame, SignedIn},
    app::App,
    error::{Error, Invalid, Result},
    ids::{CannedReplyId, TeamId},
    team::{self, Team},
    text::Lang,
    web::{
        limits::Limits,
        page::{html, query, refused, see_other},
    },
};
use askama::Template;
use poem::{
    Request, Response, handler,
    web::{Data, Form, Path},
};
use serde::Deserialize;
use std::sync::Arc;

const PAGE: &str = "/desk/settings/canned-replies";
const PLACE: &str = "canned-replies";
/// Rows of the list; further ones are searched for.
const ROWS: usize = 200;

#[derive(Template)]
#[template(path = "canned_reply/index.html")]
struct RepliesPage {
    lang: Lang,
    frame: DeskFrame,
    place: &'static str,
    query: String,
    rows: Vec<Row>,
    /// How many there are that fit the query, those not shown too.
    found: usize,
    may_act: bool,
    saved: bool,
}

/// A reply as a line of a list.
struct Row {
    id: i64,
    title: String,
    code: String,
    body: String,
    /// For whom it is, in words.
    scope: String,
    may_change: bool,
}

impl Row {
    fn new(reply: CannedReply, who: &Colleague, teams: &[Team], lang: Lang) -> Self {
        Self {
            id: reply.id.0,
            scope: match reply.scope {
                Scope::Own(_) => lang.t("canned-scope-own"),
                Scope::Team(_) => team_name(reply.scope, teams),
                Scope::All => lang.t("canned-scope-all"),
            },
            may_change: who.may_change(reply.scope).is_ok(),
            title: reply.wording.title.as_str().into(),
            code: reply.wording.short_code.as_str().into(),
            body: reply.wording.body.as_str().into(),
        }
    }
}

#[handler]
pub async fn index(app: Data<&App>, SignedIn(me): SignedIn, request: &Request) -> Result<Response> {
    let query_typed = query(request, "q").unwrap_or_default();
    let who = actions::colleague(&app, &me.agent).await?;
    let teams = team::all(&app.db).await?;
    let mut replies = store::visible(app.db.read(), &who).await?;
    replies.retain(|reply| reply.rank(&query_typed).is_some());
    replies.sort_by_key(|reply| reply.scope);
    html(&RepliesPage {
        lang: me.lang,
        frame: DeskFrame::new(&me, "settings", 0),
        place: PLACE,
        query: query_typed,
        found: replies.len(),
        rows: replies
            .into_iter()
            .take(ROWS)
            .map(|reply| Row::new(reply, &who, &teams, me.lang))
            .collect(),
        may_act: me.agent.role.may_act(),
        saved: query(request, "saved").is_some(),
    })
}

#[derive(Template)]
#[template(path = "canned_reply/edit.html")]
struct ReplyPage {
    lang: Lang,
    frame: DeskFrame,
    place: &'static str,
    /// 0 for one that is not written yet.
    id: i64,
    form: ReplyForm,
    /// What the form may give it to: a value and its words.
    scopes: Vec<(String, String)>,
    variables: Vec<String>,
    problem: Option<(&'static str, String)>,
}

impl ReplyPage {
    fn problem_of(&self, field: &str) -> Option<&str> {
        self.problem.as_ref().filter(|(of, _)| *of == field).map(|(_, words)| words.as_str())
    }
}

#[derive(Default, Deserialize)]
struct ReplyForm {
    #[serde(default)]
    title: String,
    #[serde(default)]
    short_code: String,
    #[serde(default)]
    body: String,
    /// `own`, `all` or `team:` and its number.
    #[serde(default)]
    scope: String,
}

impl ReplyForm {
    fn of(reply: &CannedReply) -> Self {
        Self {
            title: reply.wording.title.as_str().into(),
            short_code: reply.wording.short_code.as_str().into(),
            body: reply.wording.body.as_str().into(),
            scope: field(reply.scope),
        }
    }

    fn wording(&self) -> Result<Wording, Invalid> {
        Wording::parse(&self.title, &self.short_code, &self.body)
    }

    fn scope(&self, who: &Colleague) -> Result<Scope> {
        match self.scope.as_str() {
            "" | "own" => Ok(Scope::Own(who.id)),
            "all" => Ok(Scope::All),
            other => {
                let team = other.strip_prefix("team:").and_then(|team| team.parse().ok());
                Ok(Scope::Team(TeamId(team.ok_or(Error::NotFound)?)))
            }
        }
    }
}

fn field(scope: Scope) -> String {
    match scope {
        Scope::Own(_) => "own".into(),
        Scope::Team(team) => format!("team:{team}"),
        Scope::All => "all".into(),
    }
}

#[handler]
pub async fn new(app: Data<&App>, SignedIn(me): SignedIn) -> Result<Response> {
    me.must_act()?;
    html(&page(&app, &me, 0, ReplyForm::default(), None).await?)
}

#[handler]
pub async fn edit(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    Path(reply): Path<String>,
) -> Result<Response> {
    let who = actions::colleague(&app, &me.agent).await?;
    let found = store::find_for(app.db.read(), &who, number(&reply)?).await?;
    who.may_change(found.scope)?;
    html(&page(&app, &me, found.id.0, ReplyForm::of(&found), None).await?)
}

async fn page(
    app: &App,
    me: &CurrentAgent,
    id: i64,
    form: ReplyForm,
    refused: Option<Invalid>,
) -> Result<ReplyPage> {
    let who = actions::colleague(app, &me.agent).await?;
    let mut scopes = vec![(field(Scope::Own(who.id)), me.lang.t("canned-scope-own"))];
    if who.rights == Rights::Manage {
        let teams = team::all(&app.db).await?;
        scopes.extend(teams.into_iter().map(|team| (field(Scope::Team(team.id)), team.name)));
        scopes.push((field(Scope::All), me.lang.t("canned-scope-all")));
    }
    Ok(ReplyPage {
        lang: me.lang,
        frame: DeskFrame::new(me, "settings", 0),
        place: PLACE,
        id,
        form,
        scopes,
        variables: VARIABLES.iter().map(|key| format!("{{{}}}", me.lang.t(key))).collect(),
        problem: refused.map(|invalid| (invalid.field, me.lang.t(invalid.reason))),
    })
}

#[handler]
pub async fn add(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Form(form): Form<ReplyForm>,
) -> Result<Response> {
    limits.act(&me.counted_as())?;
    let who = actions::colleague(&app, &me.agent).await?;
    let scope = form.scope(&who)?;
    who.may_change(scope)?;
    let added = async { actions::add(&app, &me.doer(), &who, scope, &form.wording()?).await };
    let added = added.await;
    answer(&app, &me, 0, form, added).await
}

#[handler]
pub async fn change(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Path(reply): Path<String>,
    Form(form): Form<ReplyForm>,
) -> Result<Response> {
    limits.act(&me.counted_as())?;
    let id = number(&reply)?;
    let who = actions::colleague(&app, &me.agent).await?;
    who.may_change(store::find_for(app.db.read(), &who, id).await?.scope)?;
    let scope = form.scope(&who)?;
    let changed =
        async { actions::change(&app, &me.doer(), &who, id, scope, &form.wording()?).await };
    let changed = changed.await;
    answer(&app, &me, id.0, form, changed).await
}

async fn answer(
    app: &App,
    me: &CurrentAgent,
    id: i64,
    form: ReplyForm,
    outcome: Result<()>,
) -> Result<Response> {
    match outcome {
        Ok(()) => Ok(see_other(format!("{PAGE}?saved=1"))),
        Err(Error::Invalid(invalid)) => refused(&page(app, me, id, form, Some(invalid)).await?),
        Err(error) => Err(error),
    }
}

#[handler]
pub async fn remove(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Path(reply): Path<String>,
) -> Result<Response> {
    limits.act(&me.counted_as())?;
    let who = actions::colleague(&app, &me.agent).await?;
    actions::remove(&app, &me.doer(), &who, number(&reply)?).await?;
    Ok(see_other(format!("{PAGE}?saved=1")))
}

fn number(reply: &str) -> Result<CannedReplyId> {
    reply.parse().map_err(|_| Error::NotFound)
}
