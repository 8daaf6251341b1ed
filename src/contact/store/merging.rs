//! Two contacts become one.
use super::{attributes, contact, identities, notes, pages, set, visitor_token};
use crate::{contact::model::Contact, db, error::Result};
use sea_orm::{entity::prelude::*, sea_query::Expr};

/// What `from` has becomes `to`'s, where `to` has nothing of its own; the tokens of both prove `to`. Both are held by the
/// transaction. The row of `from` stays, empty, and says what became of it to whoever knew its number.
pub async fn merge(db: &impl ConnectionTrait, from: &Contact, to: &Contact) -> Result<()> {
    use contact::Column;
    let (old, new) = (from.id.0, to.id.0);
    visitor_token::Entity::update_many()
        .col_expr(visitor_token::Column::ContactId, Expr::value(new))
        .filter(visitor_token::Column::ContactId.eq(old))
        .exec(db)
        .await?;
    attributes::move_to(db, from.id, to.id).await?;
    identities::move_to(db, from.id, to.id).await?;
    notes::move_to(db, from.id, to.id).await?;
    pages::move_to(db, from.id, to.id).await?;
    // Whoever became one of them before.
    contact::Entity::update_many()
        .col_expr(Column::MergedInto, Expr::value(new))
        .filter(Column::MergedInto.eq(old))
        .exec(db)
        .await?;
    let first = |own: &str, other: &str| -> Value {
        if own.is_empty() { other.into() } else { own.into() }
    };
    // Nobody is heard again by it.
    let block = to.block.as_ref().or(from.block.as_ref());
    let kept = [
        (Column::Name, first(&to.name, &from.name)),
        (Column::Phone, first(&to.phone, &from.phone)),
        (Column::Email, first(&to.email, &from.email)),
        (Column::Device, first(&to.device, &from.device)),
        (Column::CreatedAt, db::micros(to.created_at.min(from.created_at)).into()),
        (Column::BlockedAt, block.map(|block| db::micros(block.at)).into()),
        (Column::BlockedBy, block.map_or("", |block| &block.by).into()),
        (Column::BlockedReason, block.map_or("", |block| &block.reason).into()),
    ];
    set(db, to.id, kept).await?;
    let emptied = [
        (Column::Name, "".into()),
        (Column::Phone, "".into()),
        (Column::Email, "".into()),
        (Column::Device, "".into()),
        (Column::BlockedAt, None::<i64>.into()),
        (Column::BlockedBy, "".into()),
        (Column::BlockedReason, "".into()),
        (Column::MergedInto, new.into()),
    ];
    set(db, from.id, emptied).await
}
