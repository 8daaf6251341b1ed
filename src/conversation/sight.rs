//! Which conversations an agent sees. One rule, asked wherever one is looked up, listed or told of: a conversation without a
//! team is everybody's; one of a team is its members', of whoever has it, of those who were asked to help, and of those who manage.
use super::model::Conversation;
use crate::{
    event::{Access, Circle, Seer, Summary},
    ids::{AgentId, TeamId},
};
use std::collections::BTreeSet;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sight {
    agent: AgentId,
    /// Whether she sees whatever there is.
    all: bool,
    own: BTreeSet<TeamId>,
    /// Teams that were removed: what they had is everybody's.
    gone: BTreeSet<TeamId>,
    /// Whether there is or was any team.
    teams: bool,
}

impl Sight {
    pub(super) fn new(
        agent: AgentId,
        all: bool,
        own: impl IntoIterator<Item = TeamId>,
        gone: impl IntoIterator<Item = TeamId>,
        teams: bool,
    ) -> Self {
        let (own, gone) = (own.into_iter().collect(), gone.into_iter().collect());
        Self { agent, all, own, gone, teams }
    }

    pub fn agent(&self) -> AgentId {
        self.agent
    }

    /// Whether there may be something that she does not see.
    pub fn narrows(&self) -> bool {
        self.teams && !self.all
    }

    /// Teams whose conversations she sees.
    pub(super) fn of_teams(&self) -> impl Iterator<Item = TeamId> {
        self.own.iter().chain(&self.gone).copied()
    }

    pub fn sees(&self, circle: &Circle) -> bool {
        self.sees_one(circle.team, circle.assignee, &circle.guests)
    }

    pub fn sees_row(&self, row: &Summary) -> bool {
        self.sees_one(row.team, row.assignee, &row.guests)
    }

    pub fn sees_head(&self, head: &Conversation) -> bool {
        let assignee = head.assignee.as_ref().map(|assignee| assignee.id);
        self.sees_one(head.team, assignee, &head.guests)
    }

    fn sees_one(
        &self,
        team: Option<TeamId>,
        assignee: Option<AgentId>,
        guests: &[AgentId],
    ) -> bool {
        self.all
            || is_open_to(self.agent, team, assignee, guests)
            || team.is_some_and(|team| self.is_of(team))
    }

    /// Whether she may have seen what these do not see any more.
    pub fn saw(&self, access: &Access) -> bool {
        let Access::Conversation { by, .. } = access else { return false };
        !self.all
            && by.iter().any(|seer| match seer {
                Seer::Everybody => true,
                Seer::Team(team) => self.is_of(*team),
                Seer::Agent(agent) => *agent == self.agent,
            })
    }

    /// Whether it calls her when somebody waits there: nobody's team is everybody's.
    pub fn is_called_to(&self, team: Option<TeamId>) -> bool {
        team.is_none_or(|team| self.is_of(team))
    }

    fn is_of(&self, team: TeamId) -> bool {
        self.own.contains(&team) || self.gone.contains(&team)
    }

    /// Another word wherever another set of conversations may be seen; none where nothing is narrowed.
    pub fn word(&self) -> Option<String> {
        // FNV-1a: the same on every node.
        let mix = |hash: u64, team: TeamId| {
            let fold = |hash: u64, byte: u8| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
            team.0.to_be_bytes().into_iter().fold(hash, fold)
        };
        self.narrows().then(|| {
            let teams: BTreeSet<_> = self.of_teams().collect();
            format!("{:x}", teams.into_iter().fold(0xcbf2_9ce4_8422_2325, mix))
        })
    }
}

/// Whether it can be told without asking in which teams an agent is.
pub fn is_open_to(
    agent: AgentId,
    team: Option<TeamId>,
    assignee: Option<AgentId>,
    guests: &[AgentId],
) -> bool {
    team.is_none() || assignee == Some(agent) || guests.contains(&agent)
}

impl Conversation {
    /// The same of this conversation.
    pub(super) fn is_open_to(&self, agent: AgentId) -> bool {
        let assignee = self.assignee.as_ref().map(|assignee| assignee.id);
        is_open_to(agent, self.team, assignee, &self.guests)
    }

    /// Who may see no more what they saw `before`: whose team it was, and who had it.
    pub(super) fn lost_since(&self, before: &Self) -> Option<Access> {
        let assignee = before.assignee.as_ref().map(|assignee| assignee.id);
        let mut by = Vec::new();
        if self.team != before.team {
            by.push(before.team.map_or(Seer::Everybody, Seer::Team));
        }
        let has_it = |id| self.is_assigned_to(id);
        // Where there is no team, everybody sees it still.
        if self.team.is_some() && by != [Seer::Everybody] {
            by.extend(assignee.filter(|id| !has_it(*id)).map(Seer::Agent));
        }
        (self.team.is_some() && !by.is_empty()).then_some(Access::Conversation { id: self.id, by })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANA: AgentId = AgentId(1);
    const BEN: AgentId = AgentId(2);
    const RETURNS: TeamId = TeamId(1);
    const ORDERS: TeamId = TeamId(2);

    fn sight(all: bool, own: &[TeamId]) -> Sight {
        Sight::new(ANA, all, own.iter().copied(), [], true)
    }

    fn circle(team: Option<TeamId>, assignee: Option<AgentId>, guests: &[AgentId]) -> Circle {
        Circle { team, assignee, guests: guests.to_vec() }
    }

    #[test]
    fn what_is_no_teams_is_everybodys_and_the_rest_whoever_it_concerns() {
        let (manager, member, outsider) =
            (sight(true, &[]), sight(false, &[RETURNS]), sight(false, &[ORDERS]));
        let foreign = circle(Some(RETURNS), Some(BEN), &[BEN]);
        assert!(manager.sees(&foreign) && member.sees(&foreign) && !outsider.sees(&foreign));
        for own in [
            circle(None, Some(BEN), &[]),
            circle(Some(RETURNS), Some(ANA), &[]),
            circle(Some(RETURNS), None, &[BEN, ANA]),
        ] {
            assert!(outsider.sees(&own), "{own:?}");
        }
        let after = Sight::new(ANA, false, [ORDERS], [RETURNS], true);
        assert!(after.sees(&foreign), "a team that was removed hides nothing");
    }

    #[test]
    fn only_whoever_saw_it_loses_it() {
        let (member, outsider) = (sight(false, &[RETURNS]), sight(false, &[ORDERS]));
        let lost = |by| Access::Conversation { id: crate::ids::ConversationId(1), by };
        assert!(member.saw(&lost(vec![Seer::Team(RETURNS)])));
        assert!(!outsider.saw(&lost(vec![Seer::Team(RETURNS), Seer::Agent(BEN)])));
        assert!(outsider.saw(&lost(vec![Seer::Everybody])));
        assert!(outsider.saw(&lost(vec![Seer::Agent(ANA)])));
        assert!(!sight(true, &[]).saw(&lost(vec![Seer::Everybody])));
    }

    #[test]
    fn another_sight_is_another_word_and_a_whole_one_none() {
        let word = |sight: &Sight| sight.word();
        assert_eq!(word(&sight(true, &[RETURNS])), None);
        assert_eq!(word(&Sight::new(ANA, false, [], [], false)), None);
        let words = [
            word(&sight(false, &[])),
            word(&sight(false, &[RETURNS])),
            word(&sight(false, &[RETURNS, ORDERS])),
        ];
        assert!(words.iter().all(Option::is_some));
        assert_eq!(words.iter().collect::<BTreeSet<_>>().len(), 3);
    }
}
