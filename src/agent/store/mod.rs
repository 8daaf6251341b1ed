//! Rows of agents, their tokens, invitations and revocations.
mod accounts;
mod seats;
mod tokens;

pub use accounts::{accounts, hold, last_seen, links, set_account, set_disabled};
pub use seats::{leave_seat, seat_of, seats, see, set_availability, set_preferences, unseen_since};
pub use tokens::{find_by_token, insert_token, remove_token, remove_tokens, tokens_of};

use super::model::{Agent, Availability, Capacity, Email, Preferences, Role, Theme};
use crate::{
    db::{self, Db},
    error::{Error, Result},
    event::{Access, Seer},
    ids::{AgentId, ConversationId},
    text::Lang,
};
use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set, QueryOrder, QuerySelect, Statement, entity::prelude::*, sea_query::Expr,
};

pub mod agent {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "agent")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        #[sea_orm(unique)]
        pub email: String,
        pub name: String,
        pub role: String,
        pub password: Option<String>,
        pub language: Option<String>,
        pub theme: String,
        pub created_at: i64,
        pub disabled_at: Option<i64>,
        pub capacity: Option<i64>,
        pub availability: String,
        /// When she was last known to have the desk open; none once the seat is left.
        pub seen_at: Option<i64>,
        #[sea_orm(column_type = "Text", nullable)]
        pub preferences: Option<String>,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod invitation {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "invitation")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub hash: Vec<u8>,
        pub agent_id: i64,
        pub expires_at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod revocation {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "revocation")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub kind: String,
        pub subject: String,
        pub at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// An agent who is not disabled.
pub async fn find(db: &impl ConnectionTrait, id: AgentId) -> Result<Option<Agent>> {
    Ok(enabled().filter(agent::Column::Id.eq(id.0)).one(db).await?.map(read))
}

/// What somebody may who is not disabled.
pub async fn role_of(db: &impl ConnectionTrait, id: AgentId) -> Result<Option<Role>> {
    let role = enabled().select_only().column(agent::Column::Role);
    let role: Option<String> = role.filter(agent::Column::Id.eq(id.0)).into_tuple().one(db).await?;
    Ok(role.and_then(|word| Role::parse(&word)))
}

/// The account of an address, with its stored password if it has one.
pub async fn find_by_email(db: &Db, email: &Email) -> Result<Option<(Agent, Option<String>)>> {
    let row = enabled().filter(agent::Column::Email.eq(email.as_str())).one(db.read()).await?;
    Ok(row.map(|row| (row.password.clone(), row)).map(|(password, row)| (read(row), password)))
}

pub async fn password_of(db: &Db, id: AgentId) -> Result<Option<String>> {
    let row = enabled().filter(agent::Column::Id.eq(id.0)).one(db.read()).await?;
    Ok(row.and_then(|row| row.password))
}

pub async fn has_owner(db: &Db) -> Result<bool> {
    let owner = enabled().filter(agent::Column::Role.eq(Role::Owner.word())).one(db.read()).await?;
    Ok(owner.is_some())
}

/// Everybody who works here, by number.
pub async fn all(db: &Db) -> Result<Vec<Agent>> {
    let rows = enabled().order_by_asc(agent::Column::Id).all(db.read()).await?;
    Ok(rows.into_iter().map(read).collect())
}

fn enabled() -> sea_orm::Select<agent::Entity> {
    agent::Entity::find().filter(agent::Column::DisabledAt.is_null())
}

/// `None` if the address is taken. The agent's `id` is ignored.
pub async fn insert(
    db: &impl ConnectionTrait,
    agent: &Agent,
    password: Option<String>,
    at: Timestamp,
) -> Result<Option<AgentId>> {
    let row = agent::ActiveModel {
        email: Set(agent.email.to_string()),
        name: Set(agent.name.clone()),
        role: Set(agent.role.word().into()),
        password: Set(password),
        language: Set(agent.lang.map(|lang| lang.code().into())),
        theme: Set(agent.theme.word().into()),
        created_at: Set(db::micros(at)),
        disabled_at: Set(None),
        capacity: Set(agent.capacity.own()),
        availability: Set(agent.availability.word().into()),
        seen_at: Set(None),
        preferences: Set(None),
        ..Default::default()
    };
    match agent::Entity::insert(row).exec(db).await {
        Err(error) if db::is_taken(&error) => Ok(None),
        outcome => outcome.map(|made| Some(AgentId(made.last_insert_id))).map_err(Error::from),
    }
}

pub async fn set_profile(
    db: &impl ConnectionTrait,
    id: AgentId,
    name: &str,
    lang: Option<Lang>,
    theme: Theme,
    preferences: &Preferences,
) -> Result<()> {
    let row = agent::ActiveModel {
        name: Set(name.to_owned()),
        language: Set(lang.map(|lang| lang.code().into())),
        theme: Set(theme.word().into()),
        preferences: Set(Some(seats::written(preferences)?)),
        ..Default::default()
    };
    agent::Entity::update_many().set(row).filter(agent::Column::Id.eq(id.0)).exec(db).await?;
    Ok(())
}

pub async fn set_password(db: &impl ConnectionTrait, id: AgentId, hash: String) -> Result<()> {
    agent::Entity::update_many()
        .col_expr(agent::Column::Password, Expr::value(hash))
        .filter(agent::Column::Id.eq(id.0))
        .exec(db)
        .await?;
    Ok(())
}

pub async fn insert_invitation(
    db: &impl ConnectionTrait,
    hash: Vec<u8>,
    agent: AgentId,
    expires_at: Timestamp,
) -> Result<()> {
    let row = invitation::ActiveModel {
        hash: Set(hash),
        agent_id: Set(agent.0),
        expires_at: Set(db::micros(expires_at)),
    };
    invitation::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// Whom a link invites, while it is good.
pub async fn invited(
    db: &impl ConnectionTrait,
    hash: &[u8],
    now: Timestamp,
) -> Result<Option<Agent>> {
    let row = invitation::Entity::find_by_id(hash.to_vec())
        .filter(invitation::Column::ExpiresAt.gt(db::micros(now)))
        .one(db)
        .await?;
    match row {
        Some(row) => find(db, AgentId(row.agent_id)).await,
        None => Ok(None),
    }
}

/// Takes every link of an agent away; false if there was none, so that of two uses at once one wins.
pub async fn remove_invitations(db: &impl ConnectionTrait, agent: AgentId) -> Result<bool> {
    let gone = invitation::Entity::delete_many()
        .filter(invitation::Column::AgentId.eq(agent.0))
        .exec(db)
        .await?;
    Ok(gone.rows_affected > 0)
}

/// Notes for every node, also those that do not hear the news, that access was lost.
pub async fn insert_revocation(
    db: &impl ConnectionTrait,
    access: &Access,
    at: Timestamp,
) -> Result<()> {
    let (kind, subject) = match access {
        Access::Session(hash) => ("session", hash.clone()),
        Access::Agent(id) => ("agent", id.to_string()),
        Access::VisitorToken(hash) => ("visitor_token", hash.clone()),
        Access::AgentToken(hash) => ("agent_token", hash.clone()),
        Access::Conversation { id, by } => ("conversation", conversation_subject(*id, by)),
    };
    let row = revocation::ActiveModel {
        kind: Set(kind.into()),
        subject: Set(subject),
        at: Set(db::micros(at)),
        ..Default::default()
    };
    revocation::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

/// The same in the midst of a transaction, whose moment the database says, to the second.
pub async fn note_lost_access(db: &impl ConnectionTrait, access: &Access) -> Result<()> {
    let at = db::second_on(db.get_database_backend());
    let select = format!("SELECT {at} AS at");
    let row = db.query_one_raw(Statement::from_string(db.get_database_backend(), select)).await?;
    let at: i64 = row.ok_or(Error::NotFound)?.try_get("", "at")?;
    insert_revocation(db, access, db::timestamp(at)).await
}

/// `7 t2 a5`: of conversation 7, whoever sees it through team 2, and agent 5; `*` is everybody.
fn conversation_subject(id: ConversationId, by: &[Seer]) -> String {
    let seers = by.iter().map(|seer| match seer {
        Seer::Everybody => " *".to_owned(),
        Seer::Team(team) => format!(" t{team}"),
        Seer::Agent(agent) => format!(" a{agent}"),
    });
    id.to_string() + &seers.collect::<String>()
}

fn parse_conversation_subject(subject: &str) -> Option<Access> {
    let mut words = subject.split(' ');
    let id = words.next()?.parse().ok()?;
    let seer = |word: &str| match word.split_at_checked(1)? {
        ("*", "") => Some(Seer::Everybody),
        ("t", team) => team.parse().ok().map(Seer::Team),
        ("a", agent) => agent.parse().ok().map(Seer::Agent),
        _ => None,
    };
    Some(Access::Conversation { id, by: words.filter_map(seer).collect() })
}

/// Who lost access since a moment of the database's clock, each with the number of its row.
pub async fn revocations_since(db: &Db, since: Timestamp) -> Result<Vec<(i64, Access)>> {
    let rows = revocation::Entity::find()
        .filter(revocation::Column::At.gte(db::micros(since)))
        .all(db.read())
        .await?;
    let access = |row: revocation::Model| {
        let access = match row.kind.as_str() {
            "session" => Access::Session(row.subject),
            "agent" => Access::Agent(AgentId(row.subject.parse().ok()?)),
            "visitor_token" => Access::VisitorToken(row.subject),
            "agent_token" => Access::AgentToken(row.subject),
            "conversation" => parse_conversation_subject(&row.subject)?,
            // A newer node may know more kinds.
            _ => return None,
        };
        Some((row.id, access))
    };
    Ok(rows.into_iter().filter_map(access).collect())
}

/// Forgets invitations that have expired; how many.
pub async fn forget_expired(db: &Db, now: Timestamp) -> Result<u64> {
    let expired = invitation::Column::ExpiresAt.lt(db::micros(now));
    Ok(invitation::Entity::delete_many().filter(expired).exec(db.write()).await?.rows_affected)
}

/// Forgets who lost access before a moment, when no node can have missed it; how many.
pub async fn forget_revocations(db: &Db, before: Timestamp) -> Result<u64> {
    let old = revocation::Column::At.lt(db::micros(before));
    Ok(revocation::Entity::delete_many().filter(old).exec(db.write()).await?.rows_affected)
}

fn read(row: agent::Model) -> Agent {
    Agent {
        id: AgentId(row.id),
        email: Email::parse(&row.email).expect("addresses are parsed before they are stored"),
        name: row.name,
        role: Role::parse(&row.role).unwrap_or(Role::ReadOnly),
        lang: row.language.as_deref().and_then(Lang::from_tag),
        theme: Theme::parse(&row.theme).unwrap_or_default(),
        capacity: Capacity::stored(row.capacity),
        availability: Availability::parse(&row.availability).unwrap_or_default(),
        preferences: seats::preferences(row.preferences.as_deref()),
    }
}

/// The tables of this feature.
pub fn tables() -> Vec<db::Table> {
    vec![
        db::table::<agent::Entity>(),
        db::table::<invitation::Entity>(),
        db::table::<revocation::Entity>(),
        db::table::<tokens::agent_token::Entity>(),
    ]
}
