//! Rows of teams and of who is in them.
use super::model::{Team, TeamName};
use crate::{
    db::{self, Db},
    error::{Error, Result},
    ids::{AgentId, TeamId},
};
use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set,
    Condition, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, Query, SelectStatement},
};

pub mod team {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "team")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        #[sea_orm(unique)]
        pub name: String,
        pub created_at: i64,
        /// From then on it is in no list; what it had is everybody's.
        pub removed_at: Option<i64>,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod team_member {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "team_member")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub team_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub agent_id: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Every team, by number.
pub async fn all(db: &Db) -> Result<Vec<Team>> {
    let rows = living().order_by_asc(team::Column::Id).all(db.read()).await?;
    Ok(rows.into_iter().map(read).collect())
}

fn living() -> Select<team::Entity> {
    team::Entity::find().filter(team::Column::RemovedAt.is_null())
}

/// All teams as they are to one agent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Teams {
    pub own: Vec<TeamId>,
    /// Those that were removed.
    pub gone: Vec<TeamId>,
    /// Whether there is or was any.
    pub any: bool,
}

pub async fn seen_from(db: &impl ConnectionTrait, agent: AgentId) -> Result<Teams> {
    let hers = Condition::all()
        .add(
            team_member::Column::TeamId.into_expr().eq(Expr::col((team::Entity, team::Column::Id))),
        )
        .add(team_member::Column::AgentId.into_expr().eq(agent.0));
    let mut all = team::Entity::find()
        .select_only()
        .columns([team::Column::Id, team::Column::RemovedAt])
        .column(team_member::Column::AgentId);
    QuerySelect::query(&mut all).left_join(team_member::Entity, hers);
    let rows: Vec<(i64, Option<i64>, Option<i64>)> = all.into_tuple().all(db).await?;
    let mut teams = Teams { any: !rows.is_empty(), ..Teams::default() };
    for (id, removed, member) in rows {
        match (removed, member) {
            (Some(_), _) => teams.gone.push(TeamId(id)),
            (None, Some(_)) => teams.own.push(TeamId(id)),
            (None, None) => {}
        }
    }
    Ok(teams)
}

/// The teams that an agent is in, by number.
pub async fn of_agent(db: &impl ConnectionTrait, agent: AgentId) -> Result<Vec<Team>> {
    let own = Query::select()
        .column(team_member::Column::TeamId)
        .from(team_member::Entity)
        .and_where(team_member::Column::AgentId.into_expr().eq(agent.0))
        .take();
    let rows = living()
        .filter(team::Column::Id.in_subquery(own))
        .order_by_asc(team::Column::Id)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// Who is in a team, by number; disabled agents too. Nobody is in a team that does not exist.
pub async fn members(db: &impl ConnectionTrait, team: TeamId) -> Result<Vec<AgentId>> {
    let rows = team_member::Entity::find()
        .filter(team_member::Column::TeamId.eq(team.0))
        .order_by_asc(team_member::Column::AgentId)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(|row| AgentId(row.agent_id)).collect())
}

/// Who is in which team, disabled agents too.
pub async fn memberships(db: &Db) -> Result<Vec<(TeamId, AgentId)>> {
    let rows = team_member::Entity::find()
        .order_by_asc(team_member::Column::TeamId)
        .order_by_asc(team_member::Column::AgentId)
        .all(db.read())
        .await?;
    Ok(rows.into_iter().map(|row| (TeamId(row.team_id), AgentId(row.agent_id))).collect())
}

/// A team, held until the transaction ends.
pub async fn lock(db: &impl ConnectionTrait, id: TeamId) -> Result<Team> {
    let row = living().filter(team::Column::Id.eq(id.0)).lock_exclusive().one(db).await?;
    row.map(read).ok_or(Error::NotFound)
}

/// `None` if the name is taken.
pub async fn insert(
    db: &impl ConnectionTrait,
    name: &TeamName,
    at: Timestamp,
) -> Result<Option<TeamId>> {
    let row = team::ActiveModel {
        name: Set(name.as_str().to_owned()),
        created_at: Set(db::micros(at)),
        removed_at: Set(None),
        ..Default::default()
    };
    match team::Entity::insert(row).exec(db).await {
        Err(error) if db::is_taken(&error) => Ok(None),
        outcome => outcome.map(|made| Some(TeamId(made.last_insert_id))).map_err(Error::from),
    }
}

/// False if the name is taken.
pub async fn rename(db: &impl ConnectionTrait, id: TeamId, name: &TeamName) -> Result<bool> {
    let renamed = team::Entity::update_many()
        .col_expr(team::Column::Name, Expr::value(name.as_str()))
        .filter(team::Column::Id.eq(id.0))
        .exec(db)
        .await;
    match renamed {
        Err(error) if db::is_taken(&error) => Ok(false),
        outcome => outcome.map(|_| true).map_err(Error::from),
    }
}

/// Lets agents join who are not in the team.
pub async fn join(db: &impl ConnectionTrait, id: TeamId, agents: &[AgentId]) -> Result<()> {
    if agents.is_empty() {
        return Ok(());
    }
    let rows = agents
        .iter()
        .map(|agent| team_member::ActiveModel { team_id: Set(id.0), agent_id: Set(agent.0) });
    team_member::Entity::insert_many(rows).exec_without_returning(db).await?;
    Ok(())
}

pub async fn leave(db: &impl ConnectionTrait, id: TeamId, agents: &[AgentId]) -> Result<()> {
    team_member::Entity::delete_many()
        .filter(team_member::Column::TeamId.eq(id.0))
        .filter(team_member::Column::AgentId.is_in(agents.iter().map(|agent| agent.0)))
        .exec(db)
        .await?;
    Ok(())
}

/// The numbers of the teams there are, inside another question.
pub fn those_there_are() -> SelectStatement {
    let mut ids = Query::select();
    ids.column(team::Column::Id).from(team::Entity);
    ids.and_where(team::Column::RemovedAt.is_null()).take()
}

/// Its number stays known, and its name is free again: no name that is parsed begins with a space.
pub async fn remove(db: &impl ConnectionTrait, id: TeamId, at: Timestamp) -> Result<()> {
    team_member::Entity::delete_many()
        .filter(team_member::Column::TeamId.eq(id.0))
        .exec(db)
        .await?;
    team::Entity::update_many()
        .col_expr(team::Column::Name, Expr::value(format!(" {id}")))
        .col_expr(team::Column::RemovedAt, Expr::value(db::micros(at)))
        .filter(team::Column::Id.eq(id.0))
        .exec(db)
        .await?;
    Ok(())
}

fn read(row: team::Model) -> Team {
    Team { id: TeamId(row.id), name: row.name }
}

/// The tables of this feature.
pub fn tables() -> Vec<db::Table> {
    vec![db::table::<team::Entity>(), db::table::<team_member::Entity>()]
}
