//! The stored person behind a visitor: what is known of them, and within which limits.
use crate::{
    error::Invalid,
    ids::{AgentId, ContactId, SiteId},
    text::{self, Lang},
};
use jiff::{Timestamp, civil::Date};
use std::collections::BTreeMap;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Contact {
    pub id: ContactId,
    /// Empty while nobody knows it; so are the phone and the e-mail.
    pub name: String,
    pub phone: String,
    pub email: String,
    pub lang: Lang,
    /// The `User-Agent` with which the last conversation was begun; empty for programs that gave none.
    pub device: String,
    pub created_at: Timestamp,
    pub block: Option<Block>,
}

impl Contact {
    /// How the audit log calls them: by name, and by number, since names are not unique.
    pub fn called(&self) -> String {
        format!("{} #{}", self.name, self.id).trim_start().to_owned()
    }
}

/// What a site said of somebody, by field: `name`, `phone`, `email`, and attributes behind `attributes.`.
pub type Told = BTreeMap<String, String>;

/// Who a site's own server says that somebody is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    pub site: SiteId,
    pub subject: String,
    pub since: Timestamp,
}

/// An id under which a site knows somebody: 1–128 characters, none of them a control character, no white space around them (MariaDB
/// would not tell it apart), and not what a program writes that forgot to put one in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject(String);

impl Subject {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        const NOBODY: [&str; 6] = ["undefined", "null", "None", "nil", "NaN", "[object Object]"];
        let length = text.chars().count();
        let fits = (1..=128).contains(&length) && text.trim() == text;
        if !fits || text.chars().any(char::is_control) || NOBODY.contains(&text) {
            return Err(Invalid { field: "sub", reason: "invalid-identity-subject" });
        }
        Ok(Self(text.to_owned()))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Since when somebody is not heard any more, by whom, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Block {
    pub at: Timestamp,
    /// The agent's name then.
    pub by: String,
    pub reason: String,
}

/// What an agent knows better. An empty value takes what was known away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    Name(ContactName),
    Phone(Phone),
    Email(ContactEmail),
    /// Of the attribute with this number.
    Attribute(i64, AttributeValue),
}

macro_rules! lines { ($($(#[$doc:meta])* $name:ident($parse:expr)),* $(,)?) => { $(
    $(#[$doc])*
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct $name(String);
    impl $name {
        pub fn parse(text: &str) -> Result<Self, Invalid> {
            let parse: fn(&str) -> Result<String, Invalid> = $parse;
            parse(text).map(Self)
        }
        pub fn as_str(&self) -> &str {
            &self.0
        }
    }
)* } }

lines! {
    /// What agents call a contact: at most 60 characters.
    ContactName(|text| line(text, 0, 60, "invalid-contact-name")),
    /// Digits, spaces, `-` and a `+` in front: at most 32 characters.
    Phone(|text| {
        let invalid = Invalid { field: "value", reason: "invalid-phone" };
        let phone = line(text, 0, 32, invalid.reason)?;
        let digits = phone.strip_prefix('+').unwrap_or(&phone);
        let fits = digits.chars().all(|c| c.is_ascii_digit() || c == ' ' || c == '-');
        let empty = !digits.contains(|c: char| c.is_ascii_digit());
        if fits && (phone.is_empty() || !empty) { Ok(phone) } else { Err(invalid) }
    }),
    /// An address mail could be sent to, in lower case: at most 254 characters.
    ContactEmail(|text| {
        let invalid = Invalid { field: "value", reason: "invalid-email" };
        if text.trim().is_empty() { Ok(String::new()) } else { text::email(text).ok_or(invalid) }
    }),
    /// A free word by which contacts are found again: 1–30 characters.
    ContactTag(|text| line(text, 1, 30, "invalid-contact-tag")),
    /// Why somebody is not heard any more, or is again: 1–200 characters.
    BlockReason(|text| line(text, 1, 200, "invalid-block-reason")),
    /// The address of a page, `http` or `https`: at most 2,000 characters.
    PageUrl(|text| {
        let invalid = Invalid { field: "page", reason: "invalid-page" };
        let url = url::Url::parse(text.trim()).map_err(|_| invalid)?;
        let plain = matches!(url.scheme(), "http" | "https") && url.username().is_empty()
            && url.password().is_none();
        if !plain || url.as_str().len() > 2_000 { Err(invalid) } else { Ok(url.into()) }
    }),
    /// How programs call an attribute: 1–40 of `a-z 0-9 _ -`.
    AttributeKey(|text| {
        let key = line(text, 1, 40, "invalid-attribute-key")?;
        let fits = key.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-');
        if fits { Ok(key) } else { Err(Invalid { field: "key", reason: "invalid-attribute-key" }) }
    }),
    /// How people call an attribute in one language: 1–60 characters.
    AttributeLabel(|text| line(text, 1, 60, "invalid-attribute-label")),
    /// What is known of a contact under an attribute, checked by [`Attribute::value`].
    AttributeValue(|text| line(text, 0, 500, "invalid-attribute-value")),
}

impl BlockReason {
    /// Why somebody is heard again need not be said.
    pub fn if_any(text: &str) -> Result<Option<Self>, Invalid> {
        if text.trim().is_empty() { Ok(None) } else { Self::parse(text).map(Some) }
    }
}

/// One line of text without control characters and white space around it.
fn line(
    text: &str,
    shortest: usize,
    longest: usize,
    reason: &'static str,
) -> Result<String, Invalid> {
    let text = text.trim();
    let length = text.chars().count();
    if length < shortest || length > longest || text.chars().any(char::is_control) {
        return Err(Invalid { field: "value", reason });
    }
    Ok(text.to_owned())
}

/// A note about a contact: 1–2,000 characters, line breaks and tabs among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NoteBody(String);

impl NoteBody {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text = text.replace("\r\n", "\n").replace('\r', "\n").trim().to_owned();
        let odd = |c: char| c.is_control() && c != '\n' && c != '\t';
        if text.is_empty() || text.chars().count() > 2_000 || text.contains(odd) {
            return Err(Invalid { field: "body", reason: "invalid-contact-note" });
        }
        Ok(Self(text))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What agents noted about a contact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub id: i64,
    pub agent: AgentId,
    /// The author's name then.
    pub by: String,
    pub body: String,
    pub at: Timestamp,
}

/// A page that a visitor is said to have looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SeenPage {
    pub url: PageUrl,
    /// As it was told, of whatever length.
    pub title: String,
    pub referrer: Option<PageUrl>,
    pub at: Timestamp,
}

/// A page that a visitor looked at, as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageView {
    pub url: String,
    /// Empty if it is not known; cut after 200 characters.
    pub title: String,
    /// The page whose link led there, if the browser said so.
    pub referrer: Option<String>,
    pub at: Timestamp,
}

/// With what, and from where, somebody came who begins a conversation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Arrival {
    /// The `User-Agent`; cut after 300 characters.
    pub device: String,
    /// The page on which the chat was opened.
    pub page: Option<PageUrl>,
}

/// The most tags of one contact.
pub const TAGS: usize = 20;
/// The most attributes of an installation.
pub const ATTRIBUTES: usize = 50;

/// What a company wants to know of its contacts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attribute {
    pub id: i64,
    pub key: String,
    /// In the order of [`Lang::ALL`].
    pub labels: [String; 2],
    pub kind: AttributeKind,
    /// What can be chosen, if it is a choice.
    pub choices: Vec<String>,
    /// Attributes stand in this order.
    pub place: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AttributeKind {
    Text,
    Number,
    Date,
    Choice,
}

impl AttributeKind {
    pub const ALL: [Self; 4] = [Self::Text, Self::Number, Self::Date, Self::Choice];

    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Date => "date",
            Self::Choice => "choice",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// The key of its name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Text => "attribute-text",
            Self::Number => "attribute-number",
            Self::Date => "attribute-date",
            Self::Choice => "attribute-choice",
        }
    }
}

impl Attribute {
    pub fn label(&self, lang: Lang) -> &str {
        &self.labels[lang as usize % 2]
    }

    /// A value that fits; empty takes it away.
    pub fn value(&self, text: &str) -> Result<AttributeValue, Invalid> {
        let value = AttributeValue::parse(text)?;
        let text = value.as_str();
        let (fits, reason) = match self.kind {
            AttributeKind::Text => (true, "invalid-attribute-value"),
            AttributeKind::Number => {
                (text.parse().is_ok_and(f64::is_finite), "invalid-attribute-number")
            }
            AttributeKind::Date => (text.parse::<Date>().is_ok(), "invalid-attribute-date"),
            AttributeKind::Choice => {
                (self.choices.iter().any(|choice| choice == text), "invalid-attribute-choice")
            }
        };
        if fits || text.is_empty() { Ok(value) } else { Err(Invalid { field: "value", reason }) }
    }
}

/// What can be chosen: a line each, 1–50 of them, of 1–100 characters, none twice.
pub fn choices(text: &str) -> Result<Vec<String>, Invalid> {
    const REASON: &str = "invalid-attribute-choices";
    let mut choices = Vec::new();
    for choice in text.lines().filter(|choice| !choice.trim().is_empty()) {
        let choice = line(choice, 1, 100, REASON)?;
        if !choices.contains(&choice) {
            choices.push(choice);
        }
    }
    if choices.is_empty() || choices.len() > 50 {
        return Err(Invalid { field: "choices", reason: REASON });
    }
    Ok(choices)
}

/// How somebody sees phone numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phones {
    Whole,
    Masked,
}

/// A phone number as it is shown to whoever need not call it: `138****8871`.
pub fn masked(phone: &str) -> String {
    let digits: Vec<char> = phone.chars().filter(char::is_ascii_digit).collect();
    let (head, tail) = if digits.len() < 8 { (0, digits.len().min(2)) } else { (3, 4) };
    match digits.as_slice() {
        [] => String::new(),
        digits => {
            let shown = |digits: &[char]| digits.iter().collect::<String>();
            format!("{}****{}", shown(&digits[..head]), shown(&digits[digits.len() - tail..]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fits_is_kept_and_what_does_not_is_refused() {
        assert_eq!(ContactName::parse(" 陈女士 ").unwrap().as_str(), "陈女士");
        assert!(ContactName::parse(&"x".repeat(61)).is_err());
        assert!(ContactName::parse("a\nb").is_err());
        for phone in ["", "13812348871", "+86 138-1234-8871"] {
            assert_eq!(Phone::parse(phone).unwrap().as_str(), phone);
        }
        for phone in ["138x", "++1", "-", "12+3", &"1".repeat(33)] {
            assert!(Phone::parse(phone).is_err(), "{phone}");
        }
        assert_eq!(ContactEmail::parse("Chen@Shop.Example").unwrap().as_str(), "chen@shop.example");
        for email in ["chen", "a b@c.d", "@x", &format!("{}@a.b", "x".repeat(252))] {
            assert!(ContactEmail::parse(email).is_err(), "{email}");
        }
        for page in ["javascript:alert(1)", "https://u:p@a.example", "ftp://a", "/x", "data:,x"] {
            assert!(PageUrl::parse(page).is_err(), "{page}");
        }
        assert_eq!(
            PageUrl::parse("https://a.example/茶").unwrap().as_str(),
            "https://a.example/%E8%8C%B6"
        );
        assert!(PageUrl::parse(&format!("https://a.example/{}", "x".repeat(2_000))).is_err());
    }

    #[test]
    fn a_value_fits_its_attribute() {
        let of = |kind| Attribute {
            id: 1,
            key: "x".into(),
            labels: ["标签".into(), "Label".into()],
            kind,
            choices: vec!["gold".into()],
            place: 1,
        };
        for (kind, good, bad) in [
            (AttributeKind::Text, "<b>", "a\u{7}"),
            (AttributeKind::Number, "-12.5", "1e999"),
            (AttributeKind::Date, "2026-11-25", "2026-02-30"),
            (AttributeKind::Choice, "gold", "silver"),
        ] {
            assert!(of(kind).value(good).is_ok() && of(kind).value("").is_ok(), "{good}");
            assert!(of(kind).value(bad).is_err(), "{bad}");
        }
        assert_eq!(of(AttributeKind::Text).label(Lang::En), "Label");
    }

    #[test]
    fn a_masked_phone_tells_enough_to_recognise_it() {
        assert_eq!(masked("138-1234 8871"), "138****8871");
        assert_eq!(masked("110"), "****10");
        assert_eq!(masked(""), "");
    }
}
