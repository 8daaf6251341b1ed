//! Agents: what they are called and what they may.
use crate::{error::Invalid, ids::AgentId, text::Lang};
use jiff::Timestamp;
use std::fmt;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub id: AgentId,
    pub email: Email,
    pub name: String,
    pub role: Role,
    /// `None` follows the browser.
    pub lang: Option<Lang>,
    pub theme: Theme,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Owner,
    Admin,
    Agent,
    ReadOnly,
}

impl Role {
    pub fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Agent => "agent",
            Self::ReadOnly => "read-only",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Self::Owner, Self::Admin, Self::Agent, Self::ReadOnly]
            .into_iter()
            .find(|role| role.word() == word)
    }

    /// Whether the role may write, claim, close.
    pub fn may_act(self) -> bool {
        self != Self::ReadOnly
    }

    /// Whether the role may change how the installation works: who works here, what is offered to everybody.
    pub fn may_manage(self) -> bool {
        matches!(self, Self::Owner | Self::Admin)
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Theme {
    /// As the device has it.
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Self::Auto, Self::Light, Self::Dark].into_iter().find(|theme| theme.word() == word)
    }
}

/// What a personal access token may do in its agent's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Look.
    Read,
    /// Look and act.
    Write,
}

impl Scope {
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        [Self::Read, Self::Write].into_iter().find(|scope| scope.word() == word)
    }
}

/// A personal access token as its agent sees it. The token itself is shown once, when it is made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub id: i64,
    pub name: String,
    pub scope: Scope,
    /// `None` never ends by itself.
    pub expires_at: Option<Timestamp>,
    pub used_at: Option<Timestamp>,
}

/// What a token is for, in its agent's words: 1–60 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenName(String);

impl TokenName {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let name = text.trim();
        let length = name.chars().count();
        if length == 0 || length > 60 || name.chars().any(char::is_control) {
            return Err(Invalid { field: "token-name", reason: "invalid-token-name" });
        }
        Ok(Self(name.to_owned()))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// An address mail could be sent to, in lower case; at most 254 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Email(String);

impl Email {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let email = text.trim().to_lowercase();
        let plausible = email.split_once('@').is_some_and(|(local, host)| {
            !local.is_empty()
                && !host.is_empty()
                && !host.contains('@')
                && !host.starts_with('.')
                && !host.ends_with('.')
        });
        let odd = |c: char| c.is_whitespace() || c.is_control() || "<>\"',;()[]\\".contains(c);
        if !plausible || email.len() > 254 || email.contains(odd) {
            return Err(Invalid { field: "email", reason: "invalid-email" });
        }
        Ok(Self(email))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The name visitors see: 1–60 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AgentName(String);

impl AgentName {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let name = text.trim();
        let length = name.chars().count();
        if length == 0 || length > 60 || name.chars().any(char::is_control) {
            return Err(Invalid { field: "name", reason: "invalid-agent-name" });
        }
        Ok(Self(name.to_owned()))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// A new password: at least 15 characters where it is the only factor (NIST SP 800-63B-4), at most 256 bytes, at least
/// five different characters, and not the account's own address.
#[derive(Clone)]
pub struct Password(String);

impl Password {
    pub fn parse(text: &str, email: &Email) -> Result<Self, Invalid> {
        let invalid = |reason| Err(Invalid { field: "password", reason });
        let mut different: Vec<char> = text.chars().collect();
        let length = different.len();
        different.sort_unstable();
        different.dedup();
        if length < 15 {
            return invalid("invalid-password-short");
        }
        if text.len() > 256 {
            return invalid("invalid-password-long");
        }
        if different.len() < 5 || text.to_lowercase().contains(email.as_str()) {
            return invalid("invalid-password-simple");
        }
        Ok(Self(text.to_owned()))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_email_is_folded_and_garbage_refused() {
        assert_eq!(Email::parse(" Ana@Shop.Example ").unwrap().as_str(), "ana@shop.example");
        for bad in [
            "",
            "ana",
            "@shop",
            "ana@",
            "a@b@c",
            "a b@c.d",
            "<ana@shop.example>",
            "ana@.example",
            &format!("{}@a.b", "x".repeat(260)),
        ] {
            assert!(Email::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_password_that_guesses_itself_is_refused() {
        let ana = Email::parse("ana@shop.example").unwrap();
        let reason =
            |text: &str| Password::parse(text, &ana).map(|_| ()).map_err(|invalid| invalid.reason);
        assert_eq!(reason("correct horse battery"), Ok(()));
        assert_eq!(reason("四个词组成的密码也是可以的哦对吧"), Ok(()));
        assert_eq!(reason("fourteen chars"), Err("invalid-password-short"));
        assert_eq!(reason(&"aB1!x".repeat(60)), Err("invalid-password-long"));
        assert_eq!(reason("111111111111111111"), Err("invalid-password-simple"));
        assert_eq!(reason("Ana@shop.example1"), Err("invalid-password-simple"));
    }

    #[test]
    fn words_of_roles_and_themes_are_read_back() {
        for role in [Role::Owner, Role::Admin, Role::Agent, Role::ReadOnly] {
            assert_eq!(Role::parse(role.word()), Some(role));
        }
        for theme in [Theme::Auto, Theme::Light, Theme::Dark] {
            assert_eq!(Theme::parse(theme.word()), Some(theme));
        }
    }
}
