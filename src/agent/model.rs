//! Agents: what they are called and what they may.
use crate::{
    error::{Error, Invalid, Result},
    ids::AgentId,
    text::{self, Lang},
};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::{collections::BTreeSet, fmt};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Agent {
    pub id: AgentId,
    pub email: Email,
    pub name: String,
    pub role: Role,
    /// `None` follows the browser.
    pub lang: Option<Lang>,
    pub theme: Theme,
    pub capacity: Capacity,
    pub availability: Availability,
    pub preferences: Preferences,
}

impl Agent {
    /// Whether the queue calls her: not if she only looks, nor if she said that she is busy or gone.
    pub fn is_on_call(&self) -> bool {
        self.role.may_act() && self.availability == Availability::Online
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    Owner,
    Admin,
    Agent,
    ReadOnly,
}

impl Role {
    /// Each may all that the next one may.
    pub const ALL: [Self; 4] = [Self::Owner, Self::Admin, Self::Agent, Self::ReadOnly];

    pub fn word(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Admin => "admin",
            Self::Agent => "agent",
            Self::ReadOnly => "read-only",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.word() == word)
    }

    /// The key of its name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Owner => "role-owner",
            Self::Admin => "role-admin",
            Self::Agent => "role-agent",
            Self::ReadOnly => "role-read-only",
        }
    }

    /// Whether the role may more than another.
    fn is_above(self, other: Self) -> bool {
        self != other
            && Self::ALL.into_iter().find(|role| [self, other].contains(role)) == Some(self)
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

/// How many conversations an agent may have at once: 1–100, or as everybody.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capacity(Option<i64>);

impl Capacity {
    /// Where nobody has said otherwise.
    pub const USUAL: i64 = 5;
    pub const MOST: i64 = 100;

    /// Nothing at all is as everybody.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        match text.trim() {
            "" => Ok(Self(None)),
            text => match text.parse() {
                Ok(number @ 1..=Self::MOST) => Ok(Self(Some(number))),
                _ => Err(Invalid { field: "capacity", reason: "invalid-capacity" }),
            },
        }
    }
    /// As it was stored.
    pub fn stored(number: Option<i64>) -> Self {
        Self(number)
    }
    /// The agent's own, if it is not as everybody's.
    pub fn own(self) -> Option<i64> {
        self.0
    }
    pub fn number(self) -> i64 {
        self.0.unwrap_or(Self::USUAL)
    }
}

/// An account as those who manage see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Account {
    pub agent: Agent,
    pub state: AccountState,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AccountState {
    /// Has not chosen a password yet.
    Invited,
    Active,
    /// Opens no door, and can be enabled again.
    Disabled,
}

impl Account {
    /// Whether it is an owner's who can come in.
    pub fn is_owner(&self) -> bool {
        self.agent.role == Role::Owner && self.state == AccountState::Active
    }
}

/// What somebody who manages wants of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Another name or capacity.
    Edit,
    Role(Role),
    /// A link by which a new password is chosen.
    Link,
    Disable,
    Enable,
}

/// Whether somebody may make an account of a role.
pub fn may_invite(by: Role, role: Role) -> Result<()> {
    match (by, role) {
        _ if !by.may_manage() => Err(Error::Forbidden("forbidden-manage")),
        (Role::Owner, _) => Ok(()),
        (_, Role::Owner) => Err(Error::Forbidden("forbidden-owner")),
        _ => Ok(()),
    }
}

/// Whether somebody may have it so. Only an owner makes, changes or disables an owner; nobody disables herself or raises her
/// own role; there is always an owner who can come in. `other_owners` are those, without `of`.
pub fn may_change(by: &Agent, of: &Account, wish: Wish, other_owners: usize) -> Result<()> {
    let own = by.id == of.agent.id;
    may_invite(by.role, of.agent.role)?;
    if let Wish::Role(role) = wish {
        if own && role.is_above(of.agent.role) {
            return Err(Error::Forbidden("forbidden-raise-yourself"));
        }
        may_invite(by.role, role)?;
    }
    match wish {
        Wish::Disable if own => return Err(Error::Forbidden("forbidden-disable-yourself")),
        // There it asks for the current one.
        Wish::Link if own => return Err(Error::Forbidden("forbidden-link-yourself")),
        Wish::Link if of.state == AccountState::Disabled => {
            return Err(Error::Conflict("conflict-disabled"));
        }
        _ => {}
    }
    let stays_owner =
        !matches!(wish, Wish::Disable) && !matches!(wish, Wish::Role(role) if role != Role::Owner);
    if of.is_owner() && !stays_owner && other_owners == 0 {
        return Err(Error::Conflict("conflict-last-owner"));
    }
    Ok(())
}

/// What an agent wants to be for the others.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Availability {
    #[default]
    Online,
    /// There for those who talk already; new visitors are told that nobody is.
    Busy,
    Offline,
}

impl Availability {
    pub const ALL: [Self; 3] = [Self::Online, Self::Busy, Self::Offline];

    pub fn word(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Busy => "busy",
            Self::Offline => "offline",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }

    /// What it comes to: whether she is `here`, and if not, whether her seat is still kept.
    pub fn standing(self, here: bool, seated: bool) -> Standing {
        match self {
            Self::Offline => Standing::Offline,
            Self::Online if here => Standing::Online,
            Self::Busy if here => Standing::Busy,
            Self::Online | Self::Busy if seated => Standing::Reconnecting,
            Self::Online | Self::Busy => Standing::Offline,
        }
    }
}

/// What colleagues see beside an agent's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    Online,
    Busy,
    /// Gone, but only a moment ago.
    Reconnecting,
    Offline,
}

impl Standing {
    pub fn word(self) -> &'static str {
        match self {
            Self::Online => "online",
            Self::Busy => "busy",
            Self::Reconnecting => "reconnecting",
            Self::Offline => "offline",
        }
    }

    /// The key of its name.
    pub fn key(self) -> &'static str {
        match self {
            Self::Online => "standing-online",
            Self::Busy => "standing-busy",
            Self::Reconnecting => "standing-reconnecting",
            Self::Offline => "standing-offline",
        }
    }
}

/// What an agent can be told of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Notice {
    /// A conversation came into the queue.
    Queue,
    /// A visitor wrote in a conversation of hers, or what she had put off is back.
    Mine,
    /// A colleague named her in a note.
    Mention,
}

impl Notice {
    pub const ALL: [Self; 3] = [Self::Queue, Self::Mine, Self::Mention];

    pub fn word(self) -> &'static str {
        match self {
            Self::Queue => "queue",
            Self::Mine => "mine",
            Self::Mention => "mention",
        }
    }

    /// The key of its name.
    pub fn key(self) -> &'static str {
        match self {
            Self::Queue => "told-queue",
            Self::Mine => "told-mine",
            Self::Mention => "told-mention",
        }
    }
}

/// What is heard of a notice: one of three figures that browsers play themselves, without a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tone {
    /// Two notes, upwards.
    Rise,
    /// One note.
    Single,
    /// Three notes.
    Chime,
}

impl Tone {
    pub const ALL: [Self; 3] = [Self::Rise, Self::Single, Self::Chime];

    pub fn word(self) -> &'static str {
        match self {
            Self::Rise => "rise",
            Self::Single => "single",
            Self::Chime => "chime",
        }
    }

    /// The key of its name.
    pub fn key(self) -> &'static str {
        match self {
            Self::Rise => "tone-rise",
            Self::Single => "tone-single",
            Self::Chime => "tone-chime",
        }
    }

    pub fn parse(word: &str) -> Result<Self, Invalid> {
        let tone = Self::ALL.into_iter().find(|one| one.word() == word);
        tone.ok_or(Invalid { field: "tone", reason: "invalid-form" })
    }
}

/// How a notice sounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sound {
    pub tone: Tone,
    pub volume: Volume,
}

/// How each notice sounds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sounds {
    pub queue: Sound,
    pub mine: Sound,
    pub mention: Sound,
}

impl Default for Sounds {
    fn default() -> Self {
        let sound = |tone| Sound { tone, volume: Volume::default() };
        Self { queue: sound(Tone::Rise), mine: sound(Tone::Single), mention: sound(Tone::Chime) }
    }
}

impl Sounds {
    pub fn of(&self, notice: Notice) -> Sound {
        match notice {
            Notice::Queue => self.queue,
            Notice::Mine => self.mine,
            Notice::Mention => self.mention,
        }
    }
}

/// How she is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Signal {
    Sound,
    Desktop,
}

/// Keys without Ctrl, Alt or ⌘, which whoever speaks to a computer or slips easily wants off (WCAG 2.1.4).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SingleKeys {
    #[default]
    On,
    Off,
}

/// What sends an answer at the desk.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SendKey {
    /// With Shift it breaks the line.
    #[default]
    Enter,
    /// Enter with Ctrl, or ⌘ on a Mac; alone it breaks the line.
    CtrlEnter,
}

impl SendKey {
    pub const ALL: [Self; 2] = [Self::Enter, Self::CtrlEnter];

    pub fn word(self) -> &'static str {
        match self {
            Self::Enter => "enter",
            Self::CtrlEnter => "ctrl_enter",
        }
    }

    /// The key of what it does.
    pub fn key(self) -> &'static str {
        match self {
            Self::Enter => "send-key-enter",
            Self::CtrlEnter => "send-key-ctrl",
        }
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|one| one.word() == word)
    }
}

/// How an agent likes the desk. Stored as JSON, in which only what is known counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Preferences {
    pub notices: BTreeSet<Notice>,
    pub signals: BTreeSet<Signal>,
    pub sounds: Sounds,
    /// When nothing may be heard or pop up.
    pub quiet: Option<Quiet>,
    pub single_keys: SingleKeys,
    pub send_key: SendKey,
}

impl Default for Preferences {
    fn default() -> Self {
        Self {
            notices: Notice::ALL.into(),
            signals: [Signal::Sound, Signal::Desktop].into(),
            sounds: Sounds::default(),
            quiet: None,
            single_keys: SingleKeys::On,
            send_key: SendKey::Enter,
        }
    }
}

/// How loud, in percent: 0–100.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Volume(u8);

impl Default for Volume {
    fn default() -> Self {
        Self(60)
    }
}

impl Volume {
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let percent = text.parse().ok().filter(|percent| *percent <= 100);
        percent.map(Self).ok_or(Invalid { field: "volume", reason: "invalid-form" })
    }

    pub fn percent(self) -> u8 {
        self.0
    }
}

/// Hours in the zone of whoever's browser it is, in minutes since midnight; past midnight if they end before they begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quiet {
    pub from: u16,
    pub to: u16,
}

impl Quiet {
    /// Two times as `22:00`; `None` if both are empty.
    pub fn parse(from: &str, to: &str) -> Result<Option<Self>, Invalid> {
        let invalid = Invalid { field: "quiet", reason: "invalid-quiet" };
        let minutes = |text: &str| {
            let (hour, minute) = text.split_once(':')?;
            let (hour, minute): (u16, u16) = (hour.parse().ok()?, minute.parse().ok()?);
            (hour < 24 && minute < 60).then_some(hour * 60 + minute)
        };
        match (from.trim(), to.trim()) {
            ("", "") => Ok(None),
            (from, to) => match (minutes(from), minutes(to)) {
                (Some(from), Some(to)) if from != to => Ok(Some(Self { from, to })),
                _ => Err(invalid),
            },
        }
    }

    pub fn begins(self) -> String {
        format!("{:02}:{:02}", self.from / 60, self.from % 60)
    }

    pub fn ends(self) -> String {
        format!("{:02}:{:02}", self.to / 60, self.to % 60)
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

    /// The key of what people call it.
    pub fn title(self) -> &'static str {
        match self {
            Self::Read => "scope-read",
            Self::Write => "scope-write",
        }
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
        let invalid = Invalid { field: "email", reason: "invalid-email" };
        text::email(text).map(Self).ok_or(invalid)
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
    fn a_capacity_is_1_to_100_or_as_everybodys() {
        assert_eq!(Capacity::parse(" ").unwrap().number(), Capacity::USUAL);
        assert_eq!(Capacity::parse("100").unwrap().own(), Some(100));
        for bad in ["0", "101", "-1", "many", "1.5", "٧", "9223372036854775808"] {
            assert!(Capacity::parse(bad).is_err(), "{bad}");
        }
    }

    fn agent(id: i64, role: Role) -> Agent {
        Agent {
            id: AgentId(id),
            email: Email::parse(&format!("a{id}@shop.example")).unwrap(),
            name: format!("a{id}"),
            role,
            lang: None,
            theme: Theme::Auto,
            capacity: Capacity::default(),
            availability: Availability::Online,
            preferences: Preferences::default(),
        }
    }

    fn account(id: i64, role: Role) -> Account {
        Account { agent: agent(id, role), state: AccountState::Active }
    }

    const WISHES: [Wish; 8] = [
        Wish::Edit,
        Wish::Link,
        Wish::Disable,
        Wish::Enable,
        Wish::Role(Role::Owner),
        Wish::Role(Role::Admin),
        Wish::Role(Role::Agent),
        Wish::Role(Role::ReadOnly),
    ];

    #[test]
    fn whoever_does_not_manage_changes_nobody() {
        for by in [Role::Agent, Role::ReadOnly] {
            for of in Role::ALL {
                assert!(may_invite(by, of).is_err());
                for wish in WISHES {
                    assert!(may_change(&agent(1, by), &account(2, of), wish, 9).is_err());
                    assert!(may_change(&agent(1, by), &account(1, by), wish, 9).is_err());
                }
            }
        }
    }

    #[test]
    fn only_an_owner_makes_changes_or_disables_an_owner() {
        let (owner, admin) = (agent(1, Role::Owner), agent(2, Role::Admin));
        assert!(may_invite(Role::Owner, Role::Owner).is_ok());
        assert!(may_invite(Role::Admin, Role::Owner).is_err());
        for wish in WISHES {
            assert!(may_change(&owner, &account(3, Role::Owner), wish, 1).is_ok(), "{wish:?}");
            assert!(may_change(&admin, &account(3, Role::Owner), wish, 9).is_err(), "{wish:?}");
            for of in [Role::Admin, Role::Agent, Role::ReadOnly] {
                let allowed = may_change(&admin, &account(3, of), wish, 9).is_ok();
                assert_eq!(allowed, wish != Wish::Role(Role::Owner), "{of:?} {wish:?}");
            }
        }
    }

    #[test]
    fn nobody_disables_herself_or_raises_her_own_role() {
        for role in [Role::Owner, Role::Admin] {
            let may = |wish| may_change(&agent(1, role), &account(1, role), wish, 1).is_ok();
            assert!(may(Wish::Edit) && may(Wish::Role(role)) && may(Wish::Role(Role::Agent)));
            assert!(!may(Wish::Disable) && !may(Wish::Link));
        }
        let (admin, herself) = (agent(1, Role::Admin), account(1, Role::Admin));
        assert!(may_change(&admin, &herself, Wish::Role(Role::Owner), 9).is_err());
    }

    #[test]
    fn the_last_owner_who_can_come_in_stays_one() {
        let (by, of) = (agent(1, Role::Owner), account(2, Role::Owner));
        let may = |of: &Account, wish, others| may_change(&by, of, wish, others).is_ok();
        let herself = account(1, Role::Owner);
        for wish in [Wish::Role(Role::Admin), Wish::Role(Role::ReadOnly)] {
            assert!(may(&of, wish, 1) && !may(&of, wish, 0));
            assert!(may(&herself, wish, 1) && !may(&herself, wish, 0));
        }
        assert!(may(&of, Wish::Disable, 1) && !may(&of, Wish::Disable, 0));
        assert!(may(&herself, Wish::Role(Role::Owner), 0) && may(&herself, Wish::Edit, 0));
        // Who never came in, or may not, is not the one who is missed.
        for state in [AccountState::Invited, AccountState::Disabled] {
            let of = Account { state, ..of.clone() };
            assert!(may(&of, Wish::Disable, 0) && may(&of, Wish::Role(Role::Agent), 0));
        }
    }

    #[test]
    fn a_disabled_account_gets_no_link() {
        let of = Account { state: AccountState::Disabled, ..account(2, Role::Agent) };
        assert!(may_change(&agent(1, Role::Owner), &of, Wish::Link, 1).is_err());
        assert!(may_change(&agent(1, Role::Owner), &of, Wish::Enable, 1).is_ok());
    }

    #[test]
    fn words_of_roles_and_themes_are_read_back() {
        for role in [Role::Owner, Role::Admin, Role::Agent, Role::ReadOnly] {
            assert_eq!(Role::parse(role.word()), Some(role));
        }
        for theme in [Theme::Auto, Theme::Light, Theme::Dark] {
            assert_eq!(Theme::parse(theme.word()), Some(theme));
        }
        for key in SendKey::ALL {
            assert_eq!(SendKey::parse(key.word()), Some(key));
        }
        for availability in Availability::ALL {
            assert_eq!(Availability::parse(availability.word()), Some(availability));
        }
    }

    #[test]
    fn a_seat_is_kept_for_whoever_did_not_say_that_she_leaves() {
        assert_eq!(Availability::Online.standing(true, true), Standing::Online);
        assert_eq!(Availability::Busy.standing(true, true), Standing::Busy);
        assert_eq!(Availability::Busy.standing(false, true), Standing::Reconnecting);
        assert_eq!(Availability::Online.standing(false, false), Standing::Offline);
        assert_eq!(Availability::Offline.standing(true, true), Standing::Offline);
    }

    #[test]
    fn quiet_hours_have_a_beginning_and_an_end() {
        let night = Quiet { from: 22 * 60, to: 8 * 60 + 30 };
        assert_eq!(Quiet::parse("22:00", "08:30").unwrap(), Some(night));
        assert_eq!((night.begins(), night.ends()), ("22:00".into(), "08:30".into()));
        assert_eq!(Quiet::parse("", " ").unwrap(), None);
        for (from, to) in [("22:00", ""), ("24:00", "08:00"), ("8", "9"), ("08:00", "08:00")] {
            assert!(Quiet::parse(from, to).is_err(), "{from} {to}");
        }
    }

    #[test]
    fn preferences_of_an_older_or_newer_kefu_are_read_as_far_as_they_are_known() {
        let read = |text: &str| serde_json::from_str::<Preferences>(text).unwrap();
        assert_eq!(read("{}"), Preferences::default());
        let loud = read(r#"{"sounds":{"mine":{"tone":"chime","volume":5}},"colour":"red"}"#).sounds;
        assert_eq!(loud.mine, Sound { tone: Tone::Chime, volume: Volume(5) });
        assert_eq!(loud.queue, Sounds::default().queue);
        assert_eq!(read(r#"{"send_key":"ctrl_enter"}"#).send_key, SendKey::CtrlEnter);
    }
}
