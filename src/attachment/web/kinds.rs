//! The page on which owners and admins say which kinds of files are taken besides.
use crate::{
    agent::{CurrentAgent, CurrentManager, DeskFrame, SignedIn},
    app::App,
    attachment::{
        actions,
        added::{Added, Group, Kinds},
        store,
    },
    error::Result,
    text::Lang,
    web::page::{html, query, refused, see_other},
};
use askama::Template;
use poem::{
    Request, Response, handler,
    web::{Data, Form},
};

#[derive(Template)]
#[template(path = "attachment/kinds.html")]
struct KindsPage {
    lang: Lang,
    frame: DeskFrame,
    place: &'static str,
    kinds: Kinds,
    saved: bool,
    problem: Option<String>,
}

impl KindsPage {
    fn new(me: &CurrentAgent, kinds: Kinds) -> Self {
        let frame = DeskFrame::new(me, "settings", 0);
        Self { lang: me.lang, frame, place: "file-kinds", kinds, saved: false, problem: None }
    }
}

#[handler]
pub async fn list_kinds(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    request: &Request,
) -> Result<Response> {
    me.must_manage()?;
    let saved = query(request, "saved").is_some();
    let kinds = store::kinds(app.db.read()).await?;
    html(&KindsPage { saved, ..KindsPage::new(&me, kinds) })
}

/// A `take` for each box that is ticked.
#[handler]
pub async fn set_kinds(
    app: Data<&App>,
    me: CurrentManager,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response> {
    let ticked = fields.iter().filter(|(field, _)| field == "take");
    let ticked: Vec<_> = ticked.map(|(_, word)| Added::parse(word)).collect();
    let known: Vec<_> = ticked.iter().copied().flatten().collect();
    let kinds = Kinds::of(&known);
    if known.len() < ticked.len() {
        let problem = Some(me.lang.t("invalid-file-kinds"));
        return refused(&KindsPage { problem, ..KindsPage::new(&me, kinds) });
    }
    actions::take(&app, &me.doer(), &kinds).await?;
    Ok(see_other("/desk/settings/file-kinds?saved=1"))
}
