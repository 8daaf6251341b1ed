//! What a team is called, and who comes and goes when its list is changed.
use crate::{
    error::Invalid,
    ids::{AgentId, TeamId},
};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Team {
    pub id: TeamId,
    pub name: String,
}

/// 1–60 characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TeamName(String);

impl TeamName {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let name = text.trim();
        let length = name.chars().count();
        if length == 0 || length > 60 || name.chars().any(char::is_control) {
            return Err(Invalid { field: "name", reason: "invalid-team-name" });
        }
        Ok(Self(name.to_owned()))
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Who has to join and who has to leave, so that a team is as `wanted`. Whoever was not `asked` about stays as they are: a
/// disabled agent is in no list of checkboxes, and comes back to the same teams.
pub fn changes(
    before: &[AgentId],
    wanted: &[AgentId],
    asked: &[AgentId],
) -> (Vec<AgentId>, Vec<AgentId>) {
    let those = |found: &dyn Fn(&AgentId) -> bool| asked.iter().copied().filter(found).collect();
    let join = those(&|id| wanted.contains(id) && !before.contains(id));
    let leave = those(&|id| !wanted.contains(id) && before.contains(id));
    (join, leave)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_name_is_1_to_60_characters_on_one_line() {
        assert_eq!(TeamName::parse(" 售后组 ").unwrap().as_str(), "售后组");
        assert!(TeamName::parse(&"😀".repeat(60)).is_ok());
        for bad in ["", "   ", "a\nb", "a\u{0}b", &"x".repeat(61)] {
            assert!(TeamName::parse(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn only_those_who_were_asked_about_come_and_go() {
        let ids = |numbers: &[i64]| numbers.iter().copied().map(AgentId).collect::<Vec<_>>();
        let (before, wanted, asked) = (ids(&[1, 2, 9]), ids(&[2, 3, 8]), ids(&[1, 2, 3, 4]));
        assert_eq!(changes(&before, &wanted, &asked), (ids(&[3]), ids(&[1])));
        assert_eq!(changes(&before, &[], &[]), (vec![], vec![]));
    }
}
