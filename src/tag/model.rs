//! What a tag is called.
use crate::{error::Invalid, ids::TagId};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    pub id: TagId,
    pub name: String,
}

/// 1–30 characters on one line, without a comma, which separates tags.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagName(String);

impl TagName {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let name = text.trim();
        let length = name.chars().count();
        if length == 0 || length > 30 || name.chars().any(|c| c.is_control() || c == ',') {
            return Err(Invalid { field: "name", reason: "invalid-tag-name" });
        }
        Ok(Self(name.to_owned()))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_one_short_line_without_a_comma() {
        assert_eq!(TagName::parse("  退款 ").unwrap().as_str(), "退款");
        assert!(TagName::parse(&"好".repeat(30)).is_ok());
        for bad in ["", "  ", "a,b", "a\nb", &"好".repeat(31)] {
            assert!(TagName::parse(bad).is_err(), "{bad:?}");
        }
    }
}
