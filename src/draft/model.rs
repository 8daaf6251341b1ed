//! What a draft is.
use crate::error::Invalid;

/// What is being written, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    pub kind: DraftKind,
    pub body: DraftBody,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum DraftKind {
    /// For the visitor.
    #[default]
    Text,
    /// For colleagues only.
    Note,
}

impl DraftKind {
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Note => "note",
        }
    }

    pub fn parse(word: &str) -> Result<Self, Invalid> {
        [Self::Text, Self::Note]
            .into_iter()
            .find(|kind| kind.word() == word)
            .ok_or(Invalid { field: "kind", reason: "invalid-form" })
    }
}

/// What was typed so far: 1–5,000 characters after `\r\n` and `\r` became `\n`, as a message may be, but blanks at its end stay.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftBody(String);

impl DraftBody {
    /// `None` if nothing is left of it.
    pub fn parse(text: &str) -> Result<Option<Self>, Invalid> {
        let invalid = |reason| Err(Invalid { field: "body", reason });
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        if text.trim().is_empty() {
            return Ok(None);
        }
        if text.chars().count() > 5_000 {
            return invalid("invalid-body-long");
        }
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return invalid("invalid-body-control");
        }
        Ok(Some(Self(text)))
    }
    /// As it was written.
    pub fn stored(text: String) -> Self {
        Self(text)
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_is_kept_as_it_is_typed_and_nothing_is_none() {
        let parse = |text: &str| {
            DraftBody::parse(text).map(|body| body.map(|body| body.as_str().to_owned()))
        };
        assert_eq!(parse("你好， \r\n "), Ok(Some("你好， \n ".into())));
        assert_eq!(parse(" \n\t"), Ok(None));
        assert!(parse(&"字".repeat(5_000)).is_ok() && parse(&"字".repeat(5_001)).is_err());
        assert!(parse("a\u{0}b").is_err());
        assert!(DraftKind::parse("note").is_ok() && DraftKind::parse("event").is_err());
    }
}
