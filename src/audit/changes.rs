//! What is another than before, as the detail of a deed says it.
use std::fmt::{self, Display};

/// The longest value that is said, in characters.
const SHOWN: usize = 100;
/// What is said of a value where there is none.
const NONE: &str = "–";

/// The fields that changed, one a line: `zone: Asia/Shanghai → Europe/Berlin` where the value is short, `body` alone where it is a
/// long text or somebody's own business. Never a secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes(Vec<String>);

impl Changes {
    /// A name, a switch, a number.
    #[must_use]
    pub fn value(mut self, field: &str, before: impl Display, after: impl Display) -> Self {
        let (before, after) = (before.to_string(), after.to_string());
        if before != after {
            self.0.push(format!("{field}: {} → {}", shown(&before), shown(&after)));
        }
        self
    }

    /// Several short values: which came, and which went.
    #[must_use]
    pub fn list(mut self, field: &str, before: &[String], after: &[String]) -> Self {
        let without = |sign, some: &[String], others: &[String]| {
            let left = some.iter().filter(|one| !others.contains(one));
            left.map(|one| format!("{sign} {}", shown(one))).collect::<Vec<_>>()
        };
        let said = [without('+', after, before), without('−', before, after)].concat();
        if !said.is_empty() {
            self.0.push(format!("{field}: {}", said.join(" · ")));
        } else if before != after {
            self.0.push(field.to_owned());
        }
        self
    }

    /// Of which nothing is said but that it changed.
    #[must_use]
    pub fn unsaid<T: PartialEq + ?Sized>(mut self, field: &str, before: &T, after: &T) -> Self {
        if before != after {
            self.0.push(field.to_owned());
        }
        self
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl Display for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("\n"))
    }
}

fn shown(value: &str) -> String {
    let mut shown: String =
        value.chars().take(SHOWN).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if value.chars().nth(SHOWN).is_some() {
        shown.push('…');
    }
    if shown.is_empty() { NONE.into() } else { shown }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_is_said_and_what_did_not_is_not() {
        let list = |words: &[&str]| words.iter().map(|word| (*word).into()).collect::<Vec<_>>();
        let (before, after) = (list(&["gold", "tin"]), list(&["gold", "iron"]));
        let changes = Changes::default()
            .value("name", "Tea", "Tea")
            .value("place", 1, 2)
            .value("team", "", "Returns")
            .list("choices", &before, &after)
            .unsaid("body", "七天", "十天");
        assert_eq!(
            changes.to_string(),
            "place: 1 → 2\nteam: – → Returns\nchoices: + iron · − tin\nbody"
        );
        assert!(Changes::default().list("choices", &before, &before).is_empty());
        let turned = Changes::default().list("choices", &before, &list(&["tin", "gold"]));
        assert_eq!(turned.to_string(), "choices");
    }

    #[test]
    fn a_value_is_one_line_and_not_a_long_one() {
        let changes = Changes::default().value("name", "a\nbody", "长".repeat(101));
        assert_eq!(changes.to_string(), format!("name: a body → {}…", "长".repeat(100)));
    }
}
