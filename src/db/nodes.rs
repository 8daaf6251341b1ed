//! The processes that serve this database, as each of them says of itself every second. On SQLite there is one only, and
//! nothing is written.
use super::{Db, now, table};
use crate::{error::Result, event::Hearing, ids::NodeId};
use sea_orm::{
    ActiveValue::Set,
    entity::prelude::*,
    sea_query::{ExprTrait, SimpleExpr},
};
use std::time::Duration;

/// Whoever was silent for so long has died, or has lost the database.
const SILENT: Duration = Duration::from_secs(6);
/// Rows of the dead are kept so long, for whoever wants to know what ran here.
const KEPT: Duration = Duration::from_secs(24 * 60 * 60);

pub mod node {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "node")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: String,
        pub version: String,
        pub bus: String,
        pub started_at: i64,
        pub seen_at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// Another node that lives.
#[derive(Clone, Debug)]
pub struct Neighbour {
    pub id: NodeId,
    /// Whether the bus carries its news to us and ours to it.
    pub on_bus: bool,
}

impl Db {
    /// Whether this process is the only one, as SQLite has it.
    pub fn is_embedded(&self) -> bool {
        self.embedded
    }

    /// Says that a node lives, and answers which others do.
    pub async fn beat(&self, me: &NodeId, hearing: Hearing) -> Result<Vec<Neighbour>> {
        if self.is_embedded() {
            return Ok(Vec::new());
        }
        use node::{Column, Entity};
        let known = Entity::update_many()
            .col_expr(Column::SeenAt, now(&self.write))
            .col_expr(Column::Bus, Expr::value(hearing.word()))
            .filter(Column::Id.eq(me.as_str()))
            .exec(&self.write)
            .await?;
        if known.rows_affected == 0 {
            self.arrive(me, hearing).await?;
        }
        let rows = Entity::find()
            .filter(Column::Id.ne(me.as_str()))
            .filter(Column::SeenAt.into_expr().gt(ago(self, SILENT)))
            .all(&self.write)
            .await?;
        let neighbour = |row: node::Model| Neighbour {
            on_bus: row.bus == Hearing::Bus.word(),
            id: NodeId::stored(row.id),
        };
        Ok(rows.into_iter().map(neighbour).collect())
    }

    async fn arrive(&self, me: &NodeId, hearing: Hearing) -> Result<()> {
        let at = super::micros(self.now().await?);
        let row = node::ActiveModel {
            id: Set(me.as_str().into()),
            version: Set(env!("CARGO_PKG_VERSION").into()),
            bus: Set(hearing.word().into()),
            started_at: Set(at),
            seen_at: Set(at),
        };
        node::Entity::insert(row).exec_without_returning(&self.write).await?;
        Ok(())
    }

    /// Says that a node leaves.
    pub async fn leave(&self, me: &NodeId) -> Result<()> {
        node::Entity::delete_by_id(me.as_str()).exec(&self.write).await?;
        Ok(())
    }

    /// Forgets nodes that died a day ago; how many.
    pub async fn forget_dead_nodes(&self) -> Result<u64> {
        let dead = node::Entity::delete_many()
            .filter(node::Column::SeenAt.into_expr().lt(ago(self, KEPT)));
        Ok(dead.exec(&self.write).await?.rows_affected)
    }
}

/// A moment before now, by the database's clock.
pub(super) fn ago(db: &Db, before: Duration) -> SimpleExpr {
    now(&db.write).sub(i64::try_from(before.as_micros()).unwrap_or(i64::MAX))
}

pub fn tables() -> Vec<super::Table> {
    vec![table::<node::Entity>()]
}
