//! Who did what to whom.
use crate::ids::AgentId;
use jiff::Timestamp;
use std::net::{IpAddr, Ipv4Addr};

/// Who did something, with the name shown then, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Doer {
    pub agent: AgentId,
    pub name: String,
    pub address: IpAddr,
}

impl Doer {
    /// Whoever has a terminal on the machine itself.
    pub fn command_line() -> Self {
        let address = IpAddr::V4(Ipv4Addr::LOCALHOST);
        Self { agent: AgentId(0), name: "command line".into(), address }
    }

    /// Whoever did not prove who they are.
    pub fn nobody(address: IpAddr) -> Self {
        Self { agent: AgentId(0), name: String::new(), address }
    }
}

/// What was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deed {
    /// The key of its sentence without `audit-`, at most 40 letters: `agent-disabled`.
    pub action: &'static str,
    /// To whom or what, as people call it; cut after 200 characters, and without what databases do not take.
    pub subject: String,
    /// What else is worth knowing, such as the [`Changes`](super::Changes); empty if nothing is. Never a secret.
    pub detail: String,
}

impl Deed {
    pub fn new(action: &'static str, subject: impl Into<String>) -> Self {
        Self { action, subject: subject.into(), detail: String::new() }
    }

    pub fn with(self, detail: impl Into<String>) -> Self {
        Self { detail: detail.into(), ..self }
    }
}

/// A deed as it is remembered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    pub id: i64,
    pub at: Timestamp,
    /// 0 for the command line, and for whoever did not prove who they are.
    pub agent: AgentId,
    /// Empty for whoever did not.
    pub name: String,
    pub action: String,
    pub subject: String,
    pub detail: String,
    pub address: String,
}
