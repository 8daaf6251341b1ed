//! What is asked for.
use crate::{
    error::Invalid,
    ids::{AgentId, ConversationId, SiteId, TagId},
    text::Question,
};
use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use std::{fmt, ops::Range};

/// What somebody looks for among messages and notes, and where.
#[derive(Clone, Debug)]
pub struct Asked {
    pub question: Question,
    pub within: Within,
    /// Below the last that was shown before.
    pub below: Option<i64>,
}

/// Among which conversations; all of them where nothing is said.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Within {
    pub days: Days,
    /// Those that this agent has.
    pub agent: Option<AgentId>,
    pub site: Option<SiteId>,
    /// Those that have this tag now.
    pub tag: Option<TagId>,
}

/// From one moment until another, which is not in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Days {
    pub from: Option<Timestamp>,
    pub to: Option<Timestamp>,
}

impl Days {
    /// Whole days of a zone, the first and the last of them as `2026-11-22`; empty ones set no bound.
    pub fn parse(from: &str, to: &str, zone: &TimeZone) -> Result<Self, Invalid> {
        let first = day("from", from)?;
        let last = day("to", to)?;
        if first.zip(last).is_some_and(|(first, last)| first > last) {
            return Err(Invalid { field: "to", reason: "invalid-days" });
        }
        let begins =
            |day: Date| day.to_zoned_datetime(zone.clone()).ok().map(|day| day.timestamp());
        let after = last.and_then(|day| day.checked_add(1.day()).ok());
        Ok(Self { from: first.and_then(begins), to: after.and_then(begins) })
    }
}

fn day(field: &'static str, text: &str) -> Result<Option<Date>, Invalid> {
    let text = text.trim();
    let known = |day: &Date| (1970..=2200).contains(&day.year());
    match (text, text.parse::<Date>()) {
        ("", _) => Ok(None),
        (_, Ok(day)) if text.len() == 10 && known(&day) => Ok(Some(day)),
        _ => Err(Invalid { field, reason: "invalid-day" }),
    }
}

impl Asked {
    /// The numbers under which the index keeps what was said then, by a function from a moment to the first of them.
    pub fn range(&self, number: impl Fn(Timestamp) -> i64) -> Range<i64> {
        let Days { from, to } = self.within.days;
        let (from, to) = (from.map_or(0, &number), to.map_or(i64::MAX, &number));
        from..self.below.map_or(to, |below| below.min(to))
    }
}

/// Where a list of conversations goes on: those that are not closed come first. In addresses `4821`, and of one that was closed
/// `1795424850123456.4821`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum After {
    Open(ConversationId),
    Closed(Timestamp, ConversationId),
}

impl After {
    pub fn of(id: ConversationId, closed_at: Option<Timestamp>) -> Self {
        closed_at.map_or(Self::Open(id), |at| Self::Closed(at, id))
    }

    pub fn id(self) -> ConversationId {
        match self {
            Self::Open(id) | Self::Closed(_, id) => id,
        }
    }

    /// `None` at the beginning.
    pub fn parse(text: &str) -> Result<Option<Self>, Invalid> {
        let invalid = Invalid { field: "below", reason: "invalid-form" };
        let number = |text: &str| text.parse::<i64>().ok();
        let (at, id) = match text.split_once('.') {
            None if text.is_empty() => return Ok(None),
            None => (None, text),
            Some((at, id)) => {
                let at = number(at).and_then(|at| Timestamp::from_microsecond(at).ok());
                (Some(at.ok_or(invalid)?), id)
            }
        };
        let id = number(id).ok_or(invalid)?;
        Ok(Some(Self::of(ConversationId(id), at)))
    }
}

impl fmt::Display for After {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Open(id) => write!(f, "{id}"),
            Self::Closed(at, id) => write!(f, "{}.{id}", at.as_microsecond()),
        }
    }
}

/// The conversation that a question calls by its number: `4821`, `#4821`.
pub fn called(question: &str) -> Option<ConversationId> {
    let number = question.trim();
    let digits = number.strip_prefix(['#', '\u{ff03}']).unwrap_or(number);
    let plain = (1..=18).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    plain.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text;

    #[test]
    fn days_are_whole_and_of_the_zone() {
        let shanghai = text::zone("Asia/Shanghai");
        let days = Days::parse("2026-11-22", "2026-11-22", &shanghai).unwrap();
        let moment = |text: &str| Some(text.parse::<Timestamp>().unwrap());
        assert_eq!(days.from, moment("2026-11-21T16:00:00Z"));
        assert_eq!(days.to, moment("2026-11-22T16:00:00Z"));
        assert_eq!(Days::parse(" ", "", &shanghai), Ok(Days::default()));
        let reason = |from, to| Days::parse(from, to, &shanghai).map_err(|bad| bad.reason);
        for bad in ["2026-13-01", "yesterday", "2026-11-22T00:00", "0001-01-01", "9999-12-31", "'"]
        {
            assert_eq!(reason(bad, ""), Err("invalid-day"), "{bad}");
        }
        assert_eq!(reason("2026-11-23", "2026-11-22"), Err("invalid-days"));
    }

    #[test]
    fn a_place_in_a_list_is_read_as_it_was_written_and_nothing_else_is_one() {
        let at = "2026-11-22T16:00:00.123456Z".parse().unwrap();
        for after in [After::Open(ConversationId(4821)), After::Closed(at, ConversationId(4821))] {
            assert_eq!(After::parse(&after.to_string()), Ok(Some(after)));
        }
        assert_eq!(After::parse(""), Ok(None));
        for bad in ["x", ".", "1.", ".1", "1.2.3", "1 OR 1", "9223372036854775807.1", "1e3", " 1"] {
            assert!(After::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_number_calls_a_conversation() {
        assert_eq!(called(" #4821 "), Some(ConversationId(4821)));
        assert_eq!(called("\u{ff03}7"), Some(ConversationId(7)));
        for other in ["", "#", "4821-7", "9999999999999999999", "+1", "\u{0661}"] {
            assert_eq!(called(other), None, "{other}");
        }
    }
}
