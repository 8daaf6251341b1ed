//! Replies out to a sheet, and in from one.
use super::PLACE;
use crate::{
    agent::{CurrentAgent, DeskFrame, SignedIn},
    app::App,
    canned_reply::actions::{self, Import},
    error::Result,
    text::Lang,
    web::{
        limits::Limits,
        page::{html, see_other},
    },
};
use askama::Template;
use poem::{
    Response, handler,
    http::{StatusCode, header},
    web::{Data, Form},
};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "canned_reply/import.html")]
struct ImportPage {
    lang: Lang,
    frame: DeskFrame,
    place: &'static str,
    sheet: String,
    /// What is wrong, line by line.
    flaws: Vec<(u64, String)>,
    /// What was taken, in words.
    done: Option<String>,
}

impl ImportPage {
    fn new(me: &CurrentAgent) -> Self {
        Self {
            lang: me.lang,
            frame: DeskFrame::new(me, "settings", 0),
            place: PLACE,
            sheet: String::new(),
            flaws: Vec::new(),
            done: None,
        }
    }
}

#[handler]
pub fn import_form(signed_in: SignedIn) -> Result<Response> {
    match signed_in {
        SignedIn::Nobody(door) => Ok(see_other(door)),
        SignedIn::Agent(me) => {
            me.must_act()?;
            html(&ImportPage::new(&me))
        }
    }
}

#[derive(Deserialize)]
struct SheetForm {
    #[serde(default)]
    sheet: String,
}

#[handler]
pub async fn import(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Form(form): Form<SheetForm>,
) -> Result<Response> {
    me.must_act()?;
    limits.act(&me.counted_as())?;
    let who = actions::colleague(&app, &me.agent).await?;
    let page = ImportPage::new(&me);
    match actions::import(&app, &me.doer(), &who, &form.sheet).await? {
        Import::Done { added, changed } => {
            let counts = [("added", added.to_string()), ("changed", changed.to_string())];
            html(&ImportPage { done: Some(me.lang.fill("canned-imported", &counts)), ..page })
        }
        Import::Refused(flaws) => {
            let flaws = flaws.into_iter().map(|flaw| (flaw.line, flaw.words.say(me.lang)));
            let page = ImportPage { sheet: form.sheet, flaws: flaws.collect(), ..page };
            let mut response = html(&page)?;
            response.set_status(StatusCode::UNPROCESSABLE_ENTITY);
            Ok(response)
        }
    }
}

#[handler]
pub async fn export(app: Data<&App>, signed_in: SignedIn) -> Result<Response> {
    let me = match signed_in {
        SignedIn::Nobody(door) => return Ok(see_other(door)),
        SignedIn::Agent(me) => me,
    };
    Ok(Response::builder()
        .content_type("text/csv; charset=utf-8")
        .header(header::CONTENT_DISPOSITION, "attachment; filename=\"canned-replies.csv\"")
        .body(actions::export(&app, &me.agent, me.lang).await?))
}
