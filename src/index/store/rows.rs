//! Writing and removing. On SQLite the terms stand in a table of their own, under the same numbers.
use super::progress::search_progress;
use crate::{
    error::Result,
    index::model::{Doc, Kind, Place, wanted},
};
use sea_orm::{
    Condition, DbBackend, QuerySelect,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, Query},
};
use std::collections::BTreeSet;

pub mod search_row {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "search_row")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: i64,
        pub kind: String,
        pub owner_id: i64,
        pub seq: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// What goes into one statement.
const TOGETHER: usize = 500;

/// Makes things that are not there yet findable; what holds no term is not found. In one transaction with whatever says so.
pub async fn put(tx: &impl ConnectionTrait, docs: &[Doc]) -> Result<()> {
    let docs: Vec<&Doc> = docs.iter().filter(|doc| !doc.terms.is_empty()).collect();
    for docs in docs.chunks(TOGETHER) {
        let ids = free_ids(tx, docs).await?;
        let embedded = tx.get_database_backend() == DbBackend::Sqlite;
        let mut rows = Query::insert();
        rows.into_table(search_row::Entity).columns(["id", "kind", "owner_id", "seq"]);
        let mut words = Query::insert();
        words.into_table("search_words").columns(["rowid", "terms"]);
        if !embedded {
            rows.columns(["id", "kind", "owner_id", "seq", "terms"]);
        }
        for (doc, id) in docs.iter().zip(ids) {
            let Place { kind, owner, seq } = doc.place;
            let mut row: Vec<Expr> = vec![id.into(), kind.word().into(), owner.into(), seq.into()];
            let terms = kept(tx.get_database_backend(), doc);
            if embedded {
                words.values_panic([id.into(), terms]);
            } else {
                row.push(terms);
            }
            rows.values_panic(row);
        }
        tx.execute(&rows).await?;
        if embedded {
            tx.execute(&words).await?;
        }
    }
    Ok(())
}

/// The terms as an engine keeps them.
fn kept(engine: DbBackend, doc: &Doc) -> Expr {
    let terms: Vec<_> = doc.terms.iter().map(|term| doc.place.kind.term(term)).collect();
    let terms = terms.join(" ");
    match engine {
        DbBackend::Postgres => Expr::val(terms).cast_as("tsvector"),
        // Each between blanks, so that it can also be looked for without the index.
        DbBackend::MySql => Expr::val(format!(" {terms} ")),
        _ => Expr::val(terms),
    }
}

/// A number for each that nothing has yet, at the place in time where it belongs.
async fn free_ids(tx: &impl ConnectionTrait, docs: &[&Doc]) -> Result<Vec<i64>> {
    let mut ids: Vec<i64> = docs.iter().map(|doc| wanted(doc)).collect();
    loop {
        let asked: BTreeSet<i64> = ids.iter().copied().collect();
        let taken: Vec<i64> = search_row::Entity::find()
            .select_only()
            .column(search_row::Column::Id)
            .filter(search_row::Column::Id.is_in(asked))
            .into_tuple()
            .all(tx)
            .await?;
        let mut taken: BTreeSet<i64> = taken.into_iter().collect();
        let mut moved = false;
        for id in &mut ids {
            while !taken.insert(*id) {
                *id += 1;
                moved = true;
            }
        }
        if !moved {
            return Ok(ids);
        }
    }
}

/// Lets things be found no more.
pub async fn remove(tx: &impl ConnectionTrait, places: &[Place]) -> Result<()> {
    let each = places.iter().map(|place| {
        search_row::Column::OwnerId
            .eq(place.owner)
            .and(search_row::Column::Seq.eq(place.seq))
            .and(search_row::Column::Kind.eq(place.kind.word()))
    });
    remove_any(tx, each.fold(Condition::any(), Condition::add)).await
}

/// The same of everything of some conversations or people; of a conversation also how far it can be searched.
pub async fn forget(tx: &impl ConnectionTrait, kind: Kind, owners: &[i64]) -> Result<()> {
    if owners.is_empty() {
        return Ok(());
    }
    let theirs = search_row::Column::OwnerId.is_in(owners.iter().copied());
    let of_kind = search_row::Column::Kind.eq(kind.word());
    remove_any(tx, Condition::all().add(theirs).add(of_kind)).await?;
    if kind == Kind::Entry {
        let theirs = search_progress::Column::ConversationId.is_in(owners.iter().copied());
        search_progress::Entity::delete_many().filter(theirs).exec(tx).await?;
    }
    Ok(())
}

async fn remove_any(tx: &impl ConnectionTrait, which: Condition) -> Result<()> {
    if which.is_empty() {
        return Ok(());
    }
    let ids: Vec<i64> = search_row::Entity::find()
        .select_only()
        .column(search_row::Column::Id)
        .filter(which)
        .into_tuple()
        .all(tx)
        .await?;
    for ids in ids.chunks(TOGETHER) {
        let these = || ids.iter().copied();
        if tx.get_database_backend() == DbBackend::Sqlite {
            let words = Query::delete()
                .from_table("search_words")
                .and_where(Expr::col("rowid").is_in(these()))
                .to_owned();
            tx.execute(&words).await?;
        }
        let rows = search_row::Entity::delete_many();
        rows.filter(search_row::Column::Id.is_in(these())).exec(tx).await?;
    }
    Ok(())
}
