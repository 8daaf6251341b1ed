//! Replies out to a sheet, and in from one.
use super::PLACE;
use crate::{
    agent::{CurrentAgent, DeskFrame, SignedIn},
    app::App,
    attachment::web::receive,
    canned_reply::{
        actions::{self, Import},
        sheet::Saved,
    },
    error::{Error, Result},
    text::Lang,
    web::{
        errors,
        limits::Limits,
        page::{html, refused},
    },
};
use askama::Template;
use poem::{
    Body, Request, Response, handler,
    http::header,
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
    /// What is wrong with a file before its first line is read.
    problem: Option<String>,
    /// What was taken, in words.
    done: Option<String>,
    /// It was no UTF-8, and read as what it most likely is.
    is_gbk: bool,
}

impl ImportPage {
    fn new(me: &CurrentAgent) -> Self {
        Self {
            lang: me.lang,
            frame: DeskFrame::new(me, "settings", 0),
            place: PLACE,
            sheet: String::new(),
            flaws: Vec::new(),
            problem: None,
            done: None,
            is_gbk: false,
        }
    }
}

#[handler]
pub fn import_form(SignedIn(me): SignedIn) -> Result<Response> {
    me.must_act()?;
    html(&ImportPage::new(&me))
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
    let page = ImportPage::new(&me);
    let taken = take(&app, &me, &form.sheet).await?;
    answer(&me, taken, ImportPage { sheet: form.sheet, ..page })
}

/// The same of a file, as a spreadsheet saves it.
#[handler]
pub async fn import_file(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    request: &Request,
    body: Body,
) -> Result<Response> {
    me.must_act()?;
    limits.act(&me.counted_as())?;
    let page = ImportPage::new(&me);
    let opened = async {
        let mut files = receive(&app, request, body, || limits.upload(&me.counted_as())).await?;
        actions::open(files.remove(0).file).await
    };
    match opened.await {
        Ok(Saved { text, is_gbk }) => {
            let taken = take(&app, &me, &text).await?;
            answer(&me, taken, ImportPage { is_gbk, ..page })
        }
        Err(error @ (Error::Invalid(_) | Error::FileTooLarge { .. })) => {
            let problem = Some(errors::words(&error).say(me.lang));
            refused(&ImportPage { problem, ..page })
        }
        Err(error) => Err(error),
    }
}

async fn take(app: &App, me: &CurrentAgent, sheet: &str) -> Result<Import> {
    let who = actions::colleague(app, &me.agent).await?;
    actions::import(app, &me.doer(), &who, sheet).await
}

fn answer(me: &CurrentAgent, taken: Import, page: ImportPage) -> Result<Response> {
    match taken {
        Import::Done { added, changed } => {
            let counts = [("added", added.to_string()), ("changed", changed.to_string())];
            let done = Some(me.lang.fill("canned-imported", &counts));
            html(&ImportPage { done, sheet: String::new(), ..page })
        }
        Import::Refused(flaws) => {
            let flaws = flaws.into_iter().map(|flaw| (flaw.line, flaw.words.say(me.lang)));
            refused(&ImportPage { flaws: flaws.collect(), ..page })
        }
    }
}

#[handler]
pub async fn export(app: Data<&App>, SignedIn(me): SignedIn) -> Result<Response> {
    Ok(Response::builder()
        .content_type("text/csv; charset=utf-8")
        .header(header::CONTENT_DISPOSITION, "attachment; filename=\"canned-replies.csv\"")
        .body(actions::export(&app, &me.agent, me.lang).await?))
}
