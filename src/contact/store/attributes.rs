//! Rows of attributes, and of what contacts have under them.
use crate::{
    contact::model::{Attribute, AttributeKind, AttributeValue},
    db,
    error::{Error, Result},
    ids::ContactId,
};
use sea_orm::{ActiveValue::Set, QueryOrder, entity::prelude::*, sea_query::OnConflict};
use std::collections::HashMap;

pub mod attribute {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "attribute")]
    pub struct Model {
        #[sea_orm(primary_key)]
        pub id: i64,
        #[sea_orm(unique)]
        pub key: String,
        pub label_zh: String,
        pub label_en: String,
        pub kind: String,
        #[sea_orm(column_type = "Text")]
        pub choices: String,
        pub place: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod contact_attribute {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "contact_attribute")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub contact_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub attribute_id: i64,
        pub value: String,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// All, in their order.
pub async fn attributes(db: &impl ConnectionTrait) -> Result<Vec<Attribute>> {
    let rows = attribute::Entity::find()
        .order_by_asc(attribute::Column::Place)
        .order_by_asc(attribute::Column::Id)
        .all(db)
        .await?;
    Ok(rows.into_iter().map(read).collect())
}

/// False if the key is taken. The attribute's `id` is ignored.
pub async fn insert_attribute(db: &impl ConnectionTrait, new: &Attribute) -> Result<bool> {
    let row = attribute::ActiveModel { key: Set(new.key.clone()), ..changing(new) };
    match attribute::Entity::insert(row).exec_without_returning(db).await {
        Err(error) if db::is_taken(&error) => Ok(false),
        outcome => outcome.map(|_| true).map_err(Error::from),
    }
}

/// Whether there is one with this number. Its key and its kind stay.
pub async fn change_attribute(db: &impl ConnectionTrait, now: &Attribute) -> Result<bool> {
    let found = attribute::Entity::find_by_id(now.id).one(db).await?;
    attribute::Entity::update_many()
        .set(attribute::ActiveModel { kind: sea_orm::ActiveValue::NotSet, ..changing(now) })
        .filter(attribute::Column::Id.eq(now.id))
        .exec(db)
        .await?;
    Ok(found.is_some())
}

fn changing(attribute: &Attribute) -> attribute::ActiveModel {
    let [zh, en] = attribute.labels.clone();
    attribute::ActiveModel {
        label_zh: Set(zh),
        label_en: Set(en),
        kind: Set(attribute.kind.word().into()),
        choices: Set(attribute.choices.join("\n")),
        place: Set(attribute.place),
        ..Default::default()
    }
}

/// Removes an attribute and what is known under it.
pub async fn remove_attribute(db: &impl ConnectionTrait, id: i64) -> Result<()> {
    let values = contact_attribute::Column::AttributeId.eq(id);
    contact_attribute::Entity::delete_many().filter(values).exec(db).await?;
    attribute::Entity::delete_by_id(id).exec(db).await?;
    Ok(())
}

/// What is known of a contact, by the numbers of the attributes.
pub async fn values(db: &impl ConnectionTrait, contact: ContactId) -> Result<HashMap<i64, String>> {
    let own = contact_attribute::Column::ContactId.eq(contact.0);
    let rows = contact_attribute::Entity::find().filter(own).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.attribute_id, row.value)).collect())
}

/// An empty value takes away what was known.
pub async fn set_value(
    db: &impl ConnectionTrait,
    contact: ContactId,
    attribute: i64,
    value: &AttributeValue,
) -> Result<()> {
    if value.as_str().is_empty() {
        let key = (contact.0, attribute);
        contact_attribute::Entity::delete_by_id(key).exec(db).await?;
        return Ok(());
    }
    let row = contact_attribute::ActiveModel {
        contact_id: Set(contact.0),
        attribute_id: Set(attribute),
        value: Set(value.as_str().to_owned()),
    };
    let key = [contact_attribute::Column::ContactId, contact_attribute::Column::AttributeId];
    let there = OnConflict::columns(key).update_column(contact_attribute::Column::Value).to_owned();
    contact_attribute::Entity::insert(row).on_conflict(there).exec_without_returning(db).await?;
    Ok(())
}

/// What only one of two contacts has becomes the other's; the rest is forgotten.
pub(super) async fn move_to(
    db: &impl ConnectionTrait,
    from: ContactId,
    to: ContactId,
) -> Result<()> {
    let there = values(db, to).await?;
    for (attribute, value) in values(db, from).await? {
        if !there.contains_key(&attribute) {
            set_value(db, to, attribute, &AttributeValue::parse(&value)?).await?;
        }
    }
    forget(db, [from.0]).await
}

pub(super) async fn forget(
    db: &impl ConnectionTrait,
    contacts: impl IntoIterator<Item = i64>,
) -> Result<()> {
    let theirs = contact_attribute::Column::ContactId.is_in(contacts);
    contact_attribute::Entity::delete_many().filter(theirs).exec(db).await?;
    Ok(())
}

fn read(row: attribute::Model) -> Attribute {
    Attribute {
        id: row.id,
        key: row.key,
        labels: [row.label_zh, row.label_en],
        kind: AttributeKind::parse(&row.kind).unwrap_or(AttributeKind::Text),
        choices: row.choices.lines().map(str::to_owned).collect(),
        place: row.place,
    }
}

pub(super) fn tables() -> Vec<db::Table> {
    vec![db::table::<attribute::Entity>(), db::table::<contact_attribute::Entity>()]
}
