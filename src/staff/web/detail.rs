//! What else is known of a deed, in words for people: roles, kinds and fields by the names they have there.
use super::log::isolated;
use crate::{
    agent::{Role, Scope},
    audit::Record,
    contact::{Attribute, AttributeKind},
    text::Lang,
};

/// Whose detail is an account: `ana@shop.example · owner`.
const WITH_ROLES: [&str; 6] = [
    "agent-added",
    "agent-invited",
    "agent-link-made",
    "agent-role-changed",
    "agent-disabled",
    "agent-enabled",
];

pub fn detail(deed: &Record, known: &[Attribute], lang: Lang) -> String {
    let said = &deed.detail;
    match deed.action.as_str() {
        "contact-changed" => each(said, |field| field_of_contact(field, known, lang)),
        "site-changed" => each(said, |line| change(line, "site-", lang)),
        "attribute-changed" => each(said, |line| change(line, "attribute-", lang)),
        "canned-reply-changed" => each(said, |line| change(line, "canned-column-", lang)),
        "attribute-added" => {
            AttributeKind::parse(said).map_or(said.clone(), |kind| lang.t(kind.title()))
        }
        "token-made" => Scope::parse(said).map_or(said.clone(), |scope| lang.t(scope.title())),
        action if WITH_ROLES.contains(&action) => {
            let role = |word: &str| Role::parse(word).map(|role| lang.t(role.title()));
            let words = said.split(' ').map(|word| role(word).unwrap_or_else(|| word.into()));
            words.collect::<Vec<_>>().join(" ")
        }
        _ => said.clone(),
    }
}

/// Each line of what [`Changes`](crate::audit::Changes) say.
fn each(lines: &str, say: impl Fn(&str) -> String) -> String {
    lines.lines().map(say).collect::<Vec<_>>().join(" · ")
}

fn field_of_contact(field: &str, known: &[Attribute], lang: Lang) -> String {
    match field {
        "name" => lang.t("contact-name"),
        "phone" => lang.t("contact-phone"),
        "email" => lang.t("email"),
        other => {
            let key = other.strip_prefix("attributes.").unwrap_or(other);
            // One that was removed since has its key only.
            let attribute = known.iter().find(|attribute| attribute.key == key);
            attribute.map_or(key, |attribute| attribute.label(lang)).to_owned()
        }
    }
}

/// `theme: auto → dark`, or a field alone. What is no field is what was changed: its key or its short code.
fn change(line: &str, form: &str, lang: Lang) -> String {
    let (field, values) = line.split_once(": ").unwrap_or((line, ""));
    let Some(title) = title(field, form, lang) else { return line.to_owned() };
    let values = match values.split_once(" → ") {
        // Each by itself, whichever direction it is written in: which was before stays before.
        Some((before, after)) => {
            let [before, after] = [before, after].map(|one| isolated(&value(field, one, lang)));
            format!("{before} → {after}")
        }
        None => values.to_owned(),
    };
    if values.is_empty() { title } else { format!("{title}: {values}") }
}

/// What a field is called in its form, with the language if it has one in each.
fn title(field: &str, form: &str, lang: Lang) -> Option<String> {
    if field == "choices" {
        return Some(lang.t("audit-choices"));
    }
    let called = |field: &str| lang.try_fill(&format!("{form}{}", field.replace('_', "-")), &[]);
    called(field).or_else(|| {
        let (saying, tag) = field.rsplit_once('_')?;
        Some(format!("{} ({})", called(saying)?, Lang::from_tag(tag)?.own_name()))
    })
}

fn value(field: &str, value: &str, lang: Lang) -> String {
    let key = match (field, value) {
        ("launcher", "on") => "audit-on",
        ("launcher", "off") => "audit-off",
        ("theme", "auto") => "theme-auto",
        ("theme", "light") => "theme-light",
        ("theme", "dark") => "theme-dark",
        ("side", "left") => "site-left",
        ("side", "right") => "site-right",
        ("scope", "own") => "canned-scope-own",
        ("scope", "all") => "canned-scope-all",
        ("scope", team) => return team.strip_prefix("team ").unwrap_or(team).to_owned(),
        ("language", tag) => return Lang::from_tag(tag).map_or(tag.to_owned(), Lang::own_name),
        (_, other) => return other.to_owned(),
    };
    lang.t(key)
}
