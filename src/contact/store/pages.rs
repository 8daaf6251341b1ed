//! Rows of pages that visitors looked at.
use crate::{
    contact::model::{PageView, SeenPage},
    db::{self, Db},
    error::Result,
    ids::ContactId,
};
use jiff::Timestamp;
use sea_orm::{ActiveValue::Set, QueryOrder, QuerySelect, entity::prelude::*, sea_query::Expr};
use std::cmp::Reverse;

/// The most pages of one contact: ten times what a browser keeps.
const KEPT: u64 = 200;

pub mod page_view {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "page_view")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        pub contact_id: i64,
        pub url: String,
        pub title: String,
        #[sea_orm(column_type = "Text", nullable)]
        pub referrer: Option<String>,
        pub at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// A contact looked at pages, at least one. Titles are cut after 200 characters.
pub async fn viewed(
    db: &impl ConnectionTrait,
    contact: ContactId,
    pages: Vec<SeenPage>,
) -> Result<()> {
    let rows = pages.into_iter().map(|page| page_view::ActiveModel {
        contact_id: Set(contact.0),
        url: Set(page.url.as_str().into()),
        title: Set(page.title.chars().filter(|c| !c.is_control()).take(200).collect()),
        referrer: Set(page.referrer.map(|from| from.as_str().into())),
        at: Set(db::micros(page.at)),
        ..Default::default()
    });
    page_view::Entity::insert_many(rows).exec_without_returning(db).await?;
    Ok(())
}

/// Forgets what a contact looked at before the newest [`KEPT`] pages.
pub async fn forget_old_pages(db: &impl ConnectionTrait, contact: ContactId) -> Result<()> {
    let theirs = page_view::Column::ContactId.eq(contact.0);
    let newest = page_view::Entity::find()
        .filter(theirs.clone())
        .order_by_desc(page_view::Column::Id)
        .offset(KEPT)
        .limit(1);
    if let Some(old) = newest.one(db).await? {
        page_view::Entity::delete_many()
            .filter(theirs)
            .filter(page_view::Column::Id.lte(old.id))
            .exec(db)
            .await?;
    }
    Ok(())
}

/// The newest first, at most `limit`: by when they were looked at, as some are told of later than others.
pub async fn pages(db: &Db, contact: ContactId, limit: u64) -> Result<Vec<PageView>> {
    let rows = page_view::Entity::find()
        .filter(page_view::Column::ContactId.eq(contact.0))
        .order_by_desc(page_view::Column::Id)
        .limit(limit)
        .all(db.read())
        .await?;
    let view = |row: page_view::Model| PageView {
        url: row.url,
        title: row.title,
        referrer: row.referrer,
        at: db::timestamp(row.at),
    };
    let mut views: Vec<_> = rows.into_iter().map(view).collect();
    views.sort_by_key(|view| Reverse(view.at));
    Ok(views)
}

/// Forgets what was looked at before a moment; how much.
pub async fn forget_pages(db: &Db, before: Timestamp) -> Result<u64> {
    let old = page_view::Column::At.lt(db::micros(before));
    Ok(page_view::Entity::delete_many().filter(old).exec(db.write()).await?.rows_affected)
}

pub(super) async fn move_to(
    db: &impl ConnectionTrait,
    from: ContactId,
    to: ContactId,
) -> Result<()> {
    page_view::Entity::update_many()
        .col_expr(page_view::Column::ContactId, Expr::value(to.0))
        .filter(page_view::Column::ContactId.eq(from.0))
        .exec(db)
        .await?;
    Ok(())
}

pub(super) async fn forget(
    db: &impl ConnectionTrait,
    contacts: impl Iterator<Item = i64>,
) -> Result<()> {
    let theirs = page_view::Column::ContactId.is_in(contacts);
    page_view::Entity::delete_many().filter(theirs).exec(db).await?;
    Ok(())
}

pub(super) fn tables() -> Vec<db::Table> {
    vec![db::table::<page_view::Entity>()]
}
