//! Rows of sites.
use super::{model::Site, secret::Secret};
use crate::{
    db::{self, Db},
    error::{Error, Result},
    ids::{SiteId, SiteKey, TeamId},
    text::Lang,
};
use jiff::Timestamp;
use sea_orm::{
    ActiveValue::Set,
    PaginatorTrait, QueryOrder, QuerySelect,
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
        pub signed_only: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod site_secret {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "site_secret")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub site_id: i64,
        pub secret: String,
        pub made_at: i64,
    }
    impl std::fmt::Debug for Model {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(f, "site_secret {}", self.id)
        }
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

/// Whether a site hears only whom it signed, inside a question that knows the site's number: 0 or 1.
pub fn signed_only_within(id: Expr) -> Expr {
    let mut signed_only = Query::select();
    signed_only.column(site::Column::SignedOnly).from(site::Entity);
    signed_only.and_where(site::Column::Id.into_expr().eq(id)).take().into()
}

/// Holds a site until the transaction ends, so that two who change its secrets do so one after the other.
pub async fn lock(db: &impl ConnectionTrait, key: &SiteKey) -> Result<Site> {
    let own = site::Entity::find().filter(site::Column::Key.eq(key.as_str()));
    own.lock_exclusive().one(db).await?.map(read).ok_or(Error::NotFound)
}

pub async fn set_signed_only(db: &impl ConnectionTrait, id: SiteId, on: bool) -> Result<()> {
    site::Entity::update_many()
        .col_expr(site::Column::SignedOnly, Expr::value(i64::from(on)))
        .filter(site::Column::Id.eq(id.0))
        .exec(db)
        .await?;
    Ok(())
}

/// With what a site signs, the newest first, and since when.
pub async fn secrets(db: &impl ConnectionTrait, id: SiteId) -> Result<Vec<(Secret, Timestamp)>> {
    let rows = site_secret::Entity::find()
        .filter(site_secret::Column::SiteId.eq(id.0))
        .order_by_desc(site_secret::Column::Id)
        .all(db)
        .await?;
    Ok(rows
        .into_iter()
        .map(|row| (Secret::stored(row.secret), db::timestamp(row.made_at)))
        .collect())
}

pub async fn add_secret(
    db: &impl ConnectionTrait,
    id: SiteId,
    secret: &Secret,
    at: Timestamp,
) -> Result<()> {
    let row = site_secret::ActiveModel {
        site_id: Set(id.0),
        secret: Set(secret.as_str().to_owned()),
        made_at: Set(db::micros(at)),
        ..Default::default()
    };
    site_secret::Entity::insert(row).exec_without_returning(db).await?;
    Ok(())
}

pub async fn remove_secret(db: &impl ConnectionTrait, id: SiteId, secret: &Secret) -> Result<()> {
    site_secret::Entity::delete_many()
        .filter(site_secret::Column::SiteId.eq(id.0))
        .filter(site_secret::Column::Secret.eq(secret.as_str()))
        .exec(db)
        .await?;
    Ok(())
}

/// The site whose key stands in an address; what is no key is not found either.
pub async fn addressed(db: &impl ConnectionTrait, key: &str) -> Result<Site> {
    find_by_key(db, &SiteKey::parse(key).map_err(|_| Error::NotFound)?).await
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
        signed_only: Set(i64::from(site.signed_only)),
        ..Default::default()
    };
    match site::Entity::insert(row).exec_without_returning(db).await {
        Err(error) if db::is_taken(&error) => Ok(false),
        outcome => outcome.map(|_| true).map_err(Error::from),
    }
}

/// Everything but the key and who is heard; false if there is no such site.
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
        signed_only: row.signed_only != 0,
    }
}

/// The tables of this feature.
pub fn tables() -> Vec<db::Table> {
    vec![db::table::<site::Entity>(), db::table::<site_secret::Entity>()]
}
