//! Rows of sites.
use super::model::Site;
use crate::{
    db::{self, Db},
    error::{Error, Result},
    ids::{SiteId, SiteKey, TeamId},
    text::Lang,
};
use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set,
    PaginatorTrait, QueryOrder,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, Query},
};

pub mod site {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "site")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        #[sea_orm(unique)]
        pub key: String,
        pub name: String,
        pub language: String,
        pub zone: String,
        #[sea_orm(column_type = "Text")]
        pub origins: String,
        #[sea_orm(column_type = "Text", nullable)]
        pub look: Option<String>,
        pub team_id: Option<i64>,
        pub created_at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub async fn find(db: &impl ConnectionTrait, id: SiteId) -> Result<Site> {
    site::Entity::find_by_id(id.0).one(db).await?.map(read).ok_or(Error::NotFound)
}

/// A site's time zone inside a question that knows the site's number.
pub fn zone_within(id: Expr) -> Expr {
    let mut zone = Query::select();
    zone.column(site::Column::Zone).from(site::Entity);
    zone.and_where(site::Column::Id.into_expr().eq(id)).take().into()
}

pub async fn find_by_key(db: &impl ConnectionTrait, key: &SiteKey) -> Result<Site> {
    let row = site::Entity::find().filter(site::Column::Key.eq(key.as_str())).one(db).await?;
    row.map(read).ok_or(Error::NotFound)
}

pub async fn all(db: &Db) -> Result<Vec<Site>> {
    let rows = site::Entity::find().order_by_asc(site::Column::Id).all(db.read()).await?;
    Ok(rows.into_iter().map(read).collect())
}

/// False if the key is taken.
pub async fn insert(db: &impl ConnectionTrait, site: &Site, at: Timestamp) -> Result<bool> {
    let row = site::ActiveModel {
        key: Set(site.key.to_string()),
        name: Set(site.name.clone()),
        language: Set(site.lang.code().into()),
        zone: Set(site.zone.clone()),
        origins: Set(site.origins.join(" ")),
        look: Set(None),
        team_id: Set(None),
        created_at: Set(db::micros(at)),
        ..Default::default()
    };
    match site::Entity::insert(row).exec_without_returning(db).await {
        Err(error) if db::is_taken(&error) => Ok(false),
        outcome => outcome.map(|_| true).map_err(Error::from),
    }
}

/// Everything but the key; false if there is no such site.
pub async fn change(db: &impl ConnectionTrait, site: &Site) -> Result<bool> {
    let row = site::ActiveModel {
        id: Set(site.id.0),
        name: Set(site.name.clone()),
        language: Set(site.lang.code().into()),
        zone: Set(site.zone.clone()),
        origins: Set(site.origins.join(" ")),
        look: Set(Some(serde_json::to_string(&site.look).map_err(Error::internal)?)),
        team_id: Set(site.team.map(|team| team.0)),
        ..Default::default()
    };
    match site::Entity::update(row).exec(db).await {
        Err(sea_orm::DbErr::RecordNotUpdated) => Ok(false),
        outcome => outcome.map(|_| true).map_err(Error::from),
    }
}

pub async fn count(db: &impl ConnectionTrait) -> Result<u64> {
    Ok(site::Entity::find().count(db).await?)
}

fn read(row: site::Model) -> Site {
    Site {
        id: SiteId(row.id),
        key: SiteKey::parse(&row.key).expect("keys are parsed before they are stored"),
        name: row.name,
        lang: Lang::from_tag(&row.language).unwrap_or_default(),
        zone: row.zone,
        origins: row.origins.split_whitespace().map(str::to_owned).collect(),
        look: row.look.and_then(|look| serde_json::from_str(&look).ok()).unwrap_or_default(),
        team: row.team_id.map(TeamId),
    }
}

/// The tables of this feature.
pub fn tables() -> Vec<db::Table> {
    vec![db::table::<site::Entity>()]
}
