//! What a canned reply is, who sees it, who may change it, and which names are put into it.
use crate::{
    error::{Error, Invalid, Result},
    ids::{AgentId, CannedReplyId, ConversationId, TeamId},
    text::{Lang, pinyin},
};
use jiff::Timestamp;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CannedReply {
    pub id: CannedReplyId,
    pub scope: Scope,
    pub wording: Wording,
    pub updated_at: Timestamp,
}

/// For whom it is, in the order in which they are offered.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    Own(AgentId),
    Team(TeamId),
    All,
}

impl Scope {
    /// How it is written in rows, in sheets and for programs.
    pub fn word(self) -> &'static str {
        match self {
            Self::Own(_) => "own",
            Self::Team(_) => "team",
            Self::All => "all",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wording {
    pub title: Title,
    pub short_code: ShortCode,
    pub body: ReplyBody,
}

impl Wording {
    pub fn parse(title: &str, short_code: &str, body: &str) -> Result<Self, Invalid> {
        Ok(Self {
            title: Title::parse(title)?,
            short_code: ShortCode::parse(short_code)?,
            body: ReplyBody::parse(body)?,
        })
    }
}

/// What it is called in lists: 1–60 characters on one line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Title(String);

impl Title {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let title = text.trim();
        if !(1..=60).contains(&title.chars().count()) || title.chars().any(char::is_control) {
            return Err(Invalid { field: "title", reason: "invalid-canned-title" });
        }
        Ok(Self(title.to_owned()))
    }
    /// As it was written.
    pub fn stored(text: String) -> Self {
        Self(text)
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is typed to find it: 1–32 characters without blanks, in lower case; a slash before it does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ShortCode(String);

impl ShortCode {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let code = text.trim().trim_start_matches(['/', '／', '、']).to_lowercase();
        let odd = |c: char| c.is_whitespace() || c.is_control();
        if !(1..=32).contains(&code.chars().count()) || code.contains(odd) {
            return Err(Invalid { field: "short_code", reason: "invalid-canned-code" });
        }
        Ok(Self(code))
    }
    /// As it was written.
    pub fn stored(text: String) -> Self {
        Self(text)
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What is said: 1–5,000 characters after `\r\n` and `\r` became `\n`, as a message may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReplyBody(String);

impl ReplyBody {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = |reason| Err(Invalid { field: "body", reason });
        let text = text.replace("\r\n", "\n").replace('\r', "\n");
        let text = text.trim();
        if text.is_empty() {
            return invalid("invalid-body-empty");
        }
        if text.chars().count() > 5_000 {
            return invalid("invalid-body-long");
        }
        if text.chars().any(|c| c.is_control() && c != '\n' && c != '\t') {
            return invalid("invalid-body-control");
        }
        Ok(Self(text.to_owned()))
    }
    /// As it was written.
    pub fn stored(text: String) -> Self {
        Self(text)
    }
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Somebody who works with the replies.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Colleague {
    pub id: AgentId,
    pub teams: Vec<TeamId>,
    pub rights: Rights,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rights {
    Look,
    /// Change one's own.
    Act,
    /// Change those of teams and of all as well.
    Manage,
}

impl Colleague {
    /// Another's own ones are nobody else's business, those of a team are seen by whoever is in it or manages.
    pub fn sees(&self, scope: Scope) -> bool {
        match scope {
            Scope::Own(owner) => owner == self.id,
            Scope::Team(team) => self.rights == Rights::Manage || self.teams.contains(&team),
            Scope::All => true,
        }
    }

    pub fn may_change(&self, scope: Scope) -> Result<()> {
        match (scope, self.rights) {
            _ if !self.sees(scope) => Err(Error::NotFound),
            (_, Rights::Look) => Err(Error::Forbidden("forbidden-read-only")),
            (Scope::Own(_), _) | (_, Rights::Manage) => Ok(()),
            (Scope::Team(_) | Scope::All, Rights::Act) => Err(Error::Forbidden("forbidden-manage")),
        }
    }
}

/// Who and what is spoken of where a reply is said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    pub visitor: String,
    pub agent: String,
    pub conversation: String,
    /// What the shop calls the order or product that the visitor sent last; empty where they sent none.
    pub order: String,
}

impl Names {
    /// A visitor who gave no name is spoken to as one.
    pub fn new(visitor: String, agent: String, conversation: ConversationId, lang: Lang) -> Self {
        let visitor = if visitor.is_empty() { lang.t("canned-visitor") } else { visitor };
        Self { visitor, agent, conversation: format!("#{conversation}"), order: String::new() }
    }
}

impl CannedReply {
    /// The text with names where it has variables such as `{visitor}`, in whichever language they are written; what is not a
    /// variable stays, as does one that nothing is known for, so that its writer sees it. Names are put in once: what looks like a variable in one of them is none.
    pub fn filled(&self, names: &Names) -> String {
        let (mut filled, mut rest) = (String::new(), self.wording.body.as_str());
        while let Some(open) = rest.find('{') {
            filled.push_str(&rest[..open]);
            rest = &rest[open..];
            let variable = rest.find('}').map(|close| &rest[1..close]);
            if let Some((word, name)) = variable.and_then(|word| Some((word, names.of(word)?))) {
                filled.push_str(name);
                rest = &rest[word.len() + 2..];
            } else {
                filled.push('{');
                rest = &rest[1..];
            }
        }
        filled + rest
    }

    /// How well it answers a query, 0 the best; `None` if it does not. Short code, title and text are looked at as they stand,
    /// code and title by pinyin as well.
    pub fn rank(&self, query: &str) -> Option<u8> {
        let query = query.trim().to_lowercase();
        let Wording { title, short_code, body } = &self.wording;
        let is = |rank, found: bool| found.then_some(rank);
        is(0, short_code.as_str().starts_with(&query))
            .or_else(|| is(1, title.as_str().to_lowercase().contains(&query)))
            .or_else(|| is(2, pinyin::matches(&query, title.as_str())))
            .or_else(|| is(3, pinyin::matches(&query, short_code.as_str())))
            .or_else(|| is(4, body.as_str().to_lowercase().contains(&query)))
    }
}

/// The variables, by the keys of their words.
pub const VARIABLES: [&str; 4] = [
    "canned-variable-visitor",
    "canned-variable-agent",
    "canned-variable-conversation",
    "canned-variable-order",
];

impl Names {
    fn of(&self, word: &str) -> Option<&str> {
        let values = [&self.visitor, &self.agent, &self.conversation, &self.order];
        let is = |key: &str| Lang::ALL.iter().any(|lang| lang.t(key) == word.trim());
        let meant = VARIABLES.iter().zip(values).find(|(key, _)| is(key));
        meant.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(title: &str, code: &str, body: &str) -> CannedReply {
        CannedReply {
            id: CannedReplyId(1),
            scope: Scope::All,
            wording: Wording::parse(title, code, body).unwrap(),
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn names_stand_where_variables_were_in_both_languages() {
        let names = Names {
            visitor: "{agent}".into(),
            agent: "林小雨".into(),
            conversation: "#7".into(),
            order: String::new(),
        };
        let filled = |body: &str| reply("t", "c", body).filled(&names);
        assert_eq!(filled("{访客姓名}您好，我是{客服}。"), "{agent}您好，我是林小雨。");
        assert_eq!(filled("Dear {visitor}, {agent}, {conversation}"), "Dear {agent}, 林小雨, #7");
        assert_eq!(filled("会话{ 会话号 }"), "会话#7");
        for as_it_is in ["{", "}{", "{订单号}", "{{}}", "a { b", "{visitor", "{}"] {
            assert_eq!(filled(as_it_is), as_it_is);
        }
        assert_eq!(filled("{{visitor}}"), "{{agent}}");
        let names = Names { order: "2026-88".into(), ..names };
        let filled = reply("t", "c", "订单 {订单号} = {order}").filled(&names);
        assert_eq!(filled, "订单 2026-88 = 2026-88");
    }

    #[test]
    fn what_is_found_and_what_is_found_first() {
        let refund = reply("退款规则", "refund", "七天内可退");
        for (query, rank) in
            [("REF", 0), ("规则", 1), ("tkgz", 2), ("tuikuan", 2), ("七天", 4), ("", 0)]
        {
            assert_eq!(refund.rank(query), Some(rank), "{query}");
        }
        assert_eq!(refund.rank("发货"), None);
    }

    #[test]
    fn a_wording_has_its_limits() {
        let reason = |title: &str, code: &str, body: &str| {
            Wording::parse(title, code, body).map(|_| ()).map_err(|invalid| invalid.field)
        };
        assert_eq!(reason("你好", "/nh", " 您好\r\n请问"), Ok(()));
        assert_eq!(reason("", "nh", "x"), Err("title"));
        assert_eq!(reason("a\nb", "nh", "x"), Err("title"));
        assert_eq!(reason(&"题".repeat(61), "nh", "x"), Err("title"));
        for bad in ["", "/", "a b", "a\u{0}", &"x".repeat(33)] {
            assert_eq!(reason("t", bad, "x"), Err("short_code"), "{bad:?}");
        }
        for bad in ["", " \n", "a\u{0}b", &"字".repeat(5_001)] {
            assert_eq!(reason("t", "c", bad), Err("body"));
        }
        let wording = Wording::parse("t", "、NH", " a\r\nb ").unwrap();
        assert_eq!((wording.short_code.as_str(), wording.body.as_str()), ("nh", "a\nb"));
    }

    #[test]
    fn own_ones_are_changed_by_their_owner_and_shared_ones_by_those_who_manage() {
        let who = |id, rights| Colleague { id: AgentId(id), teams: vec![TeamId(1)], rights };
        let (ana, ben, rob) = (who(1, Rights::Manage), who(2, Rights::Act), who(3, Rights::Look));
        let may = |who: &Colleague, scope| who.may_change(scope).is_ok();
        let (own, team, other) =
            (Scope::Own(AgentId(2)), Scope::Team(TeamId(1)), Scope::Team(TeamId(2)));
        assert!(may(&ben, own) && !may(&ana, own) && !may(&rob, Scope::Own(AgentId(3))));
        assert!(may(&ana, team) && may(&ana, other) && may(&ana, Scope::All));
        assert!(!may(&ben, team) && !may(&ben, Scope::All) && !may(&rob, Scope::All));
        assert!(ben.sees(team) && !ben.sees(other) && !ana.sees(own) && rob.sees(Scope::All));
    }
}
