//! Which bytes of a file a browser asks for, as RFC 9110 has it: one stretch, as players and interrupted downloads want.
use std::ops::Range;

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All, also where several stretches are asked for, which nobody has to give.
    Whole,
    Part(Range<u64>),
    /// Nothing of it exists.
    Beyond,
}

impl Wanted {
    /// What a `Range` header wants of a file of so many bytes. What is no such header wants nothing special.
    pub fn of(header: &str, size: u64) -> Self {
        let Some((first, last)) =
            header.strip_prefix("bytes=").and_then(|range| range.trim().split_once('-'))
        else {
            return Self::Whole;
        };
        let part = match (number(first), number(last)) {
            (Some(first), Some(last)) if first <= last => first..last.saturating_add(1).min(size),
            (Some(first), None) if last.is_empty() => first..size,
            (None, Some(last)) if first.is_empty() => size.saturating_sub(last)..size,
            _ => return Self::Whole,
        };
        if part.is_empty() { Self::Beyond } else { Self::Part(part) }
    }
}

fn number(digits: &str) -> Option<u64> {
    digits.bytes().all(|b| b.is_ascii_digit()).then(|| digits.parse().ok())?
}

#[cfg(test)]
mod tests {
    use super::{Wanted::*, *};

    #[test]
    fn one_stretch_is_given_as_far_as_it_exists_and_what_is_odd_wants_all() {
        for (header, wanted) in [
            ("bytes=0-0", Part(0..1)),
            ("bytes=2-5", Part(2..6)),
            ("bytes=2-99999999999999999", Part(2..10)),
            ("bytes=9-", Part(9..10)),
            ("bytes=-3", Part(7..10)),
            ("bytes=-30", Part(0..10)),
            ("bytes=10-", Beyond),
            ("bytes=10-20", Beyond),
            ("bytes=-0", Beyond),
            ("bytes=5-2", Whole),
            ("bytes=0-1,3-4", Whole),
            ("bytes=-", Whole),
            ("bytes=--1", Whole),
            ("bytes=+1-2", Whole),
            ("bytes=99999999999999999999-", Whole),
            ("lines=0-1", Whole),
            ("", Whole),
        ] {
            assert_eq!(Wanted::of(header, 10), wanted, "{header}");
        }
    }
}
