//! How a site's chat would look: drawn of what stands in the form, and kept nowhere.
use super::{
    sites::{SiteForm, contrast},
    theme,
};
use crate::{
    agent::CurrentAgent,
    app::App,
    error::{Invalid, Result},
    ids::Nonce,
    site::{self, Color, Edge, Look, Saying, SiteName, Theme},
    text::Lang,
    web::{
        headers::framed_with_own_style,
        page::{html, query},
    },
};
use askama::Template;
use poem::{
    Request, Response, handler,
    http::StatusCode,
    web::{Data, Path, Query},
};

#[derive(Template)]
#[template(path = "widget/preview.html")]
struct PreviewPage {
    /// Of the chat; whoever looks may have another one.
    lang: Lang,
    key: String,
    name: String,
    look: Look,
    ground: Color,
    contrast: String,
    nonce: Nonce,
    problem: Option<String>,
}

/// `GET /desk/settings/sites/{key}/preview?shown=`: with the fields of the site's form, else as the site is.
#[handler]
pub async fn preview(
    app: Data<&App>,
    me: CurrentAgent,
    request: &Request,
    Path(key): Path<String>,
    form: poem::Result<Query<SiteForm>>,
) -> Result<Response> {
    me.must_manage()?;
    let site = site::addressed(app.db.read(), &key).await?;
    let Ok(Query(form)) = form else {
        return Err(Invalid { field: "form", reason: "invalid-form" }.into());
    };
    let drawn = if form.is_empty() {
        Ok((site.name.clone(), site.look.clone()))
    } else {
        form.look(&site.look.logo)
            .and_then(|look| Ok((SiteName::parse(&form.name)?.as_str().to_owned(), look)))
    };
    let problem = drawn.as_ref().err().map(|invalid| me.lang.t(invalid.reason));
    let (name, look) = drawn.unwrap_or((site.name, site.look));
    let shown = query(request, "shown").and_then(|tag| Lang::from_tag(&tag));
    let page = PreviewPage {
        lang: shown.unwrap_or(site.lang),
        key,
        name,
        ground: look.color.ground(),
        contrast: contrast(me.lang, look.color),
        look,
        nonce: Nonce::new(),
        problem,
    };
    let mut response = html(&page)?;
    if page.problem.is_some() {
        response.set_status(StatusCode::UNPROCESSABLE_ENTITY);
    }
    framed_with_own_style(&mut response, &[], page.nonce.as_str());
    Ok(response)
}

impl PreviewPage {
    fn say(&self, saying: Saying) -> String {
        self.look.say(saying, self.lang)
    }

    fn label(&self) -> String {
        Some(self.say(Saying::Label))
            .filter(|label| !label.is_empty())
            .unwrap_or_else(|| self.say(Saying::Title))
    }

    /// What a customer's page would be: the script's places and colours, and the chat's colours.
    fn style(&self) -> String {
        let (look, ground) = (&self.look, self.ground);
        let side = if look.side == Edge::Left { "left" } else { "right" };
        let (x, y) = (look.offset_x, look.offset_y);
        let below = if look.launcher { y + 68 } else { y };
        format!(
            "{}\nbody{{position:relative;min-width:{}px;min-height:100vh;background:var(--hover)}}\n\
             .v{{position:absolute;{side}:{x}px;bottom:{below}px;width:320px;height:max(320px,calc(100vh - {}px));margin:0;overflow:hidden;\
             border:1px solid var(--line);border-radius:16px}}\n\
             .launch{{position:absolute;{side}:{x}px;bottom:{y}px;display:flex;align-items:center;gap:8px;height:56px;padding:0 16px;\
             border-radius:28px;background:{ground};color:{};font-weight:500;white-space:nowrap}}\n\
             .launch i{{width:20px;height:20px;margin:2px;border:2px solid;border-radius:9px 9px 9px 2px}}\n\
             #contrast{{padding:var(--s1) var(--s3);font-size:var(--t-sm)}}",
            theme::brand(look),
            x + 336,
            below + 44,
            ground.ink(),
        )
    }
}
