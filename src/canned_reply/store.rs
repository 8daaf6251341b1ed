//! Rows of canned replies.
use super::model::{CannedReply, Colleague, ReplyBody, Rights, Scope, ShortCode, Title, Wording};
use crate::{
    db,
    error::{Error, Result},
    ids::{AgentId, CannedReplyId, TeamId},
    team,
};
use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set,
    Condition, QueryOrder, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait},
};

pub mod canned_reply {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "canned_reply")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub scope: String,
        pub owner_id: i64,
        pub team_id: Option<i64>,
        pub short_code: String,
        pub title: String,
        #[sea_orm(column_type = "Text")]
        pub body: String,
        pub created_at: i64,
        pub updated_at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// What somebody sees, by short code.
pub async fn visible(db: &impl ConnectionTrait, who: &Colleague) -> Result<Vec<CannedReply>> {
    let rows = seen_by(who).order_by_asc(canned_reply::Column::ShortCode).all(db).await?;
    Ok(rows.into_iter().map(read).collect())
}

/// One of those that somebody sees.
pub async fn find_for(
    db: &impl ConnectionTrait,
    who: &Colleague,
    id: CannedReplyId,
) -> Result<CannedReply> {
    let row = seen_by(who).filter(canned_reply::Column::Id.eq(id.0)).one(db).await?;
    row.map(read).ok_or(Error::NotFound)
}

/// The same, held until the transaction ends.
pub async fn lock(
    db: &impl ConnectionTrait,
    who: &Colleague,
    id: CannedReplyId,
) -> Result<CannedReply> {
    let row = seen_by(who).filter(canned_reply::Column::Id.eq(id.0)).lock_exclusive().one(db);
    row.await?.map(read).ok_or(Error::NotFound)
}

fn seen_by(who: &Colleague) -> sea_orm::Select<canned_reply::Entity> {
    let teams = canned_reply::Column::Scope.eq("team");
    let teams = match who.rights {
        // What a team said went with it.
        Rights::Manage => {
            teams.and(canned_reply::Column::OwnerId.in_subquery(team::those_there_are()))
        }
        Rights::Look | Rights::Act => {
            teams.and(canned_reply::Column::OwnerId.is_in(who.teams.iter().map(|team| team.0)))
        }
    };
    let seen = Condition::any().add(of(Scope::Own(who.id))).add(teams).add(of(Scope::All));
    canned_reply::Entity::find().filter(seen)
}

/// How many a scope has.
pub async fn count(db: &impl ConnectionTrait, scope: Scope) -> Result<u64> {
    Ok(canned_reply::Entity::find().filter(of(scope)).count(db).await?)
}

/// False if the scope has such a short code already.
pub async fn insert(
    db: &impl ConnectionTrait,
    scope: Scope,
    wording: &Wording,
    at: Timestamp,
) -> Result<bool> {
    let row =
        canned_reply::ActiveModel { created_at: Set(db::micros(at)), ..row(scope, wording, at) };
    taken(canned_reply::Entity::insert(row).exec_without_returning(db).await.map(|_| ()))
}

/// False if the scope has such a short code already.
pub async fn update(
    db: &impl ConnectionTrait,
    id: CannedReplyId,
    scope: Scope,
    wording: &Wording,
    at: Timestamp,
) -> Result<bool> {
    let changed = canned_reply::Entity::update_many()
        .set(row(scope, wording, at))
        .filter(canned_reply::Column::Id.eq(id.0))
        .exec(db)
        .await;
    taken(changed.map(|_| ()))
}

fn taken(outcome: Result<(), DbErr>) -> Result<bool> {
    match outcome {
        Err(error) if db::is_taken(&error) => Ok(false),
        outcome => outcome.map(|()| true).map_err(Error::from),
    }
}

pub async fn remove(db: &impl ConnectionTrait, id: CannedReplyId) -> Result<()> {
    canned_reply::Entity::delete_by_id(id.0).exec(db).await?;
    Ok(())
}

fn of(scope: Scope) -> Expr {
    let (word, owner) = (canned_reply::Column::Scope, canned_reply::Column::OwnerId);
    word.eq(scope.word()).and(owner.eq(owner_of(scope)))
}

fn owner_of(scope: Scope) -> i64 {
    match scope {
        Scope::Own(agent) => agent.0,
        Scope::Team(team) => team.0,
        Scope::All => 0,
    }
}

fn row(scope: Scope, wording: &Wording, at: Timestamp) -> canned_reply::ActiveModel {
    let team = match scope {
        Scope::Team(team) => Some(team.0),
        Scope::Own(_) | Scope::All => None,
    };
    canned_reply::ActiveModel {
        scope: Set(scope.word().into()),
        owner_id: Set(owner_of(scope)),
        team_id: Set(team),
        short_code: Set(wording.short_code.as_str().into()),
        title: Set(wording.title.as_str().into()),
        body: Set(wording.body.as_str().into()),
        updated_at: Set(db::micros(at)),
        ..Default::default()
    }
}

fn read(row: canned_reply::Model) -> CannedReply {
    let scope = match row.scope.as_str() {
        "own" => Scope::Own(AgentId(row.owner_id)),
        "team" => Scope::Team(TeamId(row.owner_id)),
        _ => Scope::All,
    };
    CannedReply {
        id: CannedReplyId(row.id),
        scope,
        wording: Wording {
            title: Title::stored(row.title),
            short_code: ShortCode::stored(row.short_code),
            body: ReplyBody::stored(row.body),
        },
        updated_at: db::timestamp(row.updated_at),
    }
}

/// The tables of this feature.
pub fn tables() -> Vec<db::Table> {
    vec![db::table::<canned_reply::Entity>()]
}
