//! What was changed here, by whom, from where: the newest first.
use super::{Moment, detail::detail};
use crate::{
    agent::{DeskFrame, SignedIn},
    app::App,
    audit::{self, Record},
    contact::{self, Attribute},
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
    let by_hand = deed.agent == AgentId(0) && !deed.name.is_empty();
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

/// A name that cannot turn the sentence round it: whatever it begins in the other direction ends with it, and it ends nothing but what
/// it began.
pub fn isolated(name: &str) -> String {
    let turns = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    format!("\u{2068}{}\u{2069}", name.replace(turns, ""))
}
