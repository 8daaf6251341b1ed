//! What was changed here, by whom, from where: the newest first.
use super::Moment;
use crate::{
    agent::{DeskFrame, Role, SignedIn},
    app::App,
    audit::{self, Record},
    error::{Error, Result},
    ids::AgentId,
    text::{self, Lang},
    web::page::{html, query},
};
use askama::Template;
use poem::{Request, Response, handler, web::Data};

/// Deeds on one page.
const PAGE: usize = 50;

#[derive(Template)]
#[template(path = "staff/audit.html")]
struct AuditPage {
    lang: Lang,
    frame: DeskFrame,
    place: &'static str,
    deeds: Vec<Line>,
    /// Below which number the next page begins.
    older: Option<i64>,
    newest: bool,
    zone: &'static str,
}

struct Line {
    at: Moment,
    sentence: String,
    detail: String,
    /// Empty for the command line.
    address: String,
}

#[handler]
pub async fn audit_log(
    app: Data<&App>,
    SignedIn(me): SignedIn,
    request: &Request,
) -> Result<Response> {
    me.must_manage()?;
    let below = match query(request, "before") {
        Some(id) => Some(id.parse().map_err(|_| Error::NotFound)?),
        None => None,
    };
    let mut deeds = audit::page(&app.db, below, PAGE as u64 + 1).await?;
    let more = deeds.len() > PAGE;
    deeds.truncate(PAGE);
    html(&AuditPage {
        lang: me.lang,
        frame: DeskFrame::new(&me, "settings", 0),
        place: "audit",
        older: deeds.last().map(|deed| deed.id).filter(|_| more),
        newest: below.is_none(),
        deeds: deeds.into_iter().map(|deed| line(deed, me.lang)).collect(),
        zone: text::DEFAULT_ZONE,
    })
}

fn line(deed: Record, lang: Lang) -> Line {
    let by_hand = deed.agent == AgentId(0);
    let name = if by_hand { lang.t("command-line") } else { isolated(&deed.name) };
    let values = [("name", name), ("subject", isolated(&deed.subject))];
    let sentence = lang.try_fill(&format!("audit-{}", deed.action), &values);
    Line {
        at: Moment::new(deed.at),
        // A newer node may do more.
        sentence: sentence.unwrap_or_else(|| format!("{}: {}", deed.name, deed.action)),
        detail: detail(&deed, lang),
        address: if by_hand { String::new() } else { deed.address },
    }
}

/// Roles and fields by the names they have for people.
fn detail(deed: &Record, lang: Lang) -> String {
    const WITH_ROLES: [&str; 6] = [
        "agent-added",
        "agent-invited",
        "agent-link-made",
        "agent-role-changed",
        "agent-disabled",
        "agent-enabled",
    ];
    if deed.action == "contact-changed" {
        let field = |field: &str| match field {
            "name" => lang.t("contact-name"),
            "phone" => lang.t("contact-phone"),
            "email" => lang.t("email"),
            other => other.strip_prefix("attributes.").unwrap_or(other).to_owned(),
        };
        return deed.detail.split(" · ").map(field).collect::<Vec<_>>().join(" · ");
    }
    if !WITH_ROLES.contains(&deed.action.as_str()) {
        return deed.detail.clone();
    }
    let word = |word: &str| Role::parse(word).map_or(word.into(), |role| lang.t(role.title()));
    deed.detail.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

/// A name that cannot turn the sentence round it: whatever it begins in the other direction ends with it.
fn isolated(name: &str) -> String {
    format!("\u{2068}{name}\u{2069}")
}
