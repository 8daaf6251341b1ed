//! What a view is called, and what it asks for.
use crate::error::Invalid;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SavedView {
    pub id: i64,
    pub name: String,
    /// What its address asks for: `tab=queue&site=3`.
    pub asks: String,
    /// Whether everybody has it.
    pub shared: bool,
}

/// 1–40 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ViewName(String);

impl ViewName {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let name = text.trim();
        let length = name.chars().count();
        if length == 0 || length > 40 || name.chars().any(char::is_control) {
            return Err(Invalid { field: "name", reason: "invalid-view-name" });
        }
        Ok(Self(name.to_owned()))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The names of what a list can be asked for.
const ASKED: [&str; 7] = ["tab", "site", "team", "agent", "tag", "priority", "unread"];

/// What an address asks a list for: known names with plain values, and nothing else of what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asks(String);

impl Asks {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let plain = |value: &str| {
            (1..=20).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_alphanumeric())
        };
        let kept: Vec<_> = text
            .split('&')
            .filter_map(|pair| pair.split_once('='))
            .filter(|(name, value)| ASKED.contains(name) && plain(value))
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        if kept.is_empty() {
            return Err(Invalid { field: "asks", reason: "invalid-form" });
        }
        Ok(Self(kept.join("&")))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_view_asks_for_what_lists_know_and_nothing_else() {
        let asks = |text: &str| Asks::parse(text).map(|asks| asks.as_str().to_owned()).ok();
        assert_eq!(asks("tab=queue&site=3").as_deref(), Some("tab=queue&site=3"));
        assert_eq!(asks("tab=all&next=//evil.example&tag=7").as_deref(), Some("tab=all&tag=7"));
        for hostile in ["", "tab", "tab=", "x=1", "tab=%0d%0a", "tab=\"><script>"] {
            assert_eq!(asks(hostile), None, "{hostile}");
        }
    }
}
