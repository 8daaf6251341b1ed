//! Whom a note may call, as a fragment that the composer asks for while a name is typed behind `@`.
use crate::{
    agent::CurrentAgent,
    app::App,
    conversation::colleagues,
    error::Result,
    event::Mention,
    text::{Lang, pinyin},
    web::page::{html, query},
};
use askama::Template;
use poem::{Request, Response, handler, web::Data};

/// The most that are offered at once.
const OFFERED: usize = 20;

#[derive(Template)]
#[template(path = "desk/_callees.html")]
struct CalleesFragment {
    lang: Lang,
    callees: Vec<Mention>,
}

/// `?q=` what is typed of a name: some of it, or how it is spelled.
#[handler]
pub async fn offer_callees(
    app: Data<&App>,
    me: CurrentAgent,
    request: &Request,
) -> Result<Response> {
    me.must_act()?;
    let typed = query(request, "q").unwrap_or_default();
    let mut callees = colleagues(&app).await?;
    callees.retain(|one| one.agent != me.agent.id && pinyin::matches(&typed, &one.name));
    // Who is called so from the first letter on stands before those who only have it in their names.
    let typed = typed.trim().to_lowercase();
    callees.sort_by_key(|one| !one.name.to_lowercase().starts_with(&typed));
    callees.truncate(OFFERED);
    html(&CalleesFragment { lang: me.lang, callees })
}
