//! What only one node does at a time: whoever holds the lease. It passes on when its holder stops renewing it.
use super::{Db, now, table};
use crate::{error::Result, ids::NodeId};
use sea_orm::{ActiveValue::Set, Condition, entity::prelude::*, sea_query::ExprTrait};
use std::time::Duration;

pub mod lease {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "lease")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub name: String,
        pub holder: String,
        pub expires_at: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

impl Db {
    /// Takes or renews a lease until `term` from now, by the database's clock; false if another node holds it.
    pub async fn hold(&self, name: &str, me: &NodeId, term: Duration) -> Result<bool> {
        if self.is_embedded() {
            return Ok(true);
        }
        use lease::{ActiveModel, Column, Entity};
        let now = || now(&self.write);
        let term = i64::try_from(term.as_micros()).unwrap_or(i64::MAX);
        let free = Condition::any()
            .add(Column::Holder.eq(me.as_str()))
            .add(Column::ExpiresAt.into_expr().lt(now()));
        let taken = Entity::update_many()
            .col_expr(Column::Holder, Expr::value(me.as_str()))
            .col_expr(Column::ExpiresAt, now().add(term))
            .filter(Column::Name.eq(name))
            .filter(free)
            .exec(&self.write)
            .await?;
        if taken.rows_affected > 0 {
            return Ok(true);
        }
        if Entity::find_by_id(name).one(&self.write).await?.is_some() {
            return Ok(false);
        }
        // Nobody ever held it; or somebody does since this moment, and then the name is taken.
        let until = super::micros(self.now().await?).saturating_add(term);
        let first = ActiveModel {
            name: Set(name.into()),
            holder: Set(me.as_str().into()),
            expires_at: Set(until),
        };
        match Entity::insert(first).exec_without_returning(&self.write).await {
            Ok(_) => Ok(true),
            Err(error) if super::is_taken(&error) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Gives back what a node holds, so that the next one need not wait.
    pub async fn release(&self, me: &NodeId) -> Result<()> {
        let held = lease::Entity::delete_many().filter(lease::Column::Holder.eq(me.as_str()));
        held.exec(&self.write).await?;
        Ok(())
    }
}

pub fn tables() -> Vec<super::Table> {
    vec![table::<lease::Entity>()]
}
