//! What was changed here, by whom, from where: the newest first.
use super::Moment;
use crate::{
    agent::{DeskFrame, Role, Scope, SignedIn},
    app::App,
    audit::{self, Record},
    contact::{self, Attribute, AttributeKind},
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
    let known = contact::attributes(app.db.read()).await?;
    html(&AuditPage {
        lang: me.lang,
        frame: DeskFrame::new(&me, "settings", 0),
        place: "audit",
        older: deeds.last().map(|deed| deed.id).filter(|_| more),
        newest: below.is_none(),
        deeds: deeds.into_iter().map(|deed| line(deed, &known, me.lang)).collect(),
        zone: text::DEFAULT_ZONE,
    })
}

fn line(deed: Record, known: &[Attribute], lang: Lang) -> Line {
    let by_hand = deed.agent == AgentId(0);
    let name = if by_hand { lang.t("command-line") } else { isolated(&deed.name) };
    let values = [("name", name), ("subject", isolated(&subject(&deed, lang)))];
    let sentence = lang.try_fill(&format!("audit-{}", deed.action), &values);
    Line {
        at: Moment::new(deed.at),
        // A newer node may do more.
        sentence: sentence.unwrap_or_else(|| format!("{}: {}", deed.name, deed.action)),
        detail: detail(&deed, known, lang),
        address: if by_hand { String::new() } else { deed.address },
    }
}

/// A contact without a name by what it is, and not by its number alone.
fn subject(deed: &Record, lang: Lang) -> String {
    match deed.subject.strip_prefix('#') {
        Some(number) if deed.action.starts_with("contact-") => {
            lang.with("contact-number", "number", number)
        }
        _ => deed.subject.clone(),
    }
}

/// Roles, kinds and fields by the names they have for people.
fn detail(deed: &Record, known: &[Attribute], lang: Lang) -> String {
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
            other => {
                let key = other.strip_prefix("attributes.").unwrap_or(other);
                // One that was removed since has its key only.
                let attribute = known.iter().find(|attribute| attribute.key == key);
                attribute.map_or(key, |attribute| attribute.label(lang)).to_owned()
            }
        };
        return deed.detail.split(" · ").map(field).collect::<Vec<_>>().join(" · ");
    }
    let title = match deed.action.as_str() {
        "attribute-added" => AttributeKind::parse(&deed.detail).map(AttributeKind::title),
        "token-made" => Scope::parse(&deed.detail).map(Scope::title),
        _ => None,
    };
    if let Some(title) = title {
        return lang.t(title);
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
