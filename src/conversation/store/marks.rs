//! What conversations are marked with: tags, and the colleagues who were asked to help.
use crate::{
    error::Result,
    ids::{AgentId, ConversationId, TagId},
};
use sea_orm::{ActiveValue::Set, entity::prelude::*, sea_query::OnConflict};

pub mod conversation_tag {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "conversation_tag")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub conversation_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub tag_id: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

pub mod conversation_guest {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "conversation_guest")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub conversation_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub agent_id: i64,
    }
    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}
    impl ActiveModelBehavior for ActiveModel {}
}

/// The tags of a conversation that is held, from now on.
pub async fn set_tags(db: &impl ConnectionTrait, id: ConversationId, tags: &[TagId]) -> Result<()> {
    let own = conversation_tag::Column::ConversationId.eq(id.0);
    conversation_tag::Entity::delete_many().filter(own).exec(db).await?;
    if !tags.is_empty() {
        let rows = tags.iter().map(|tag| conversation_tag::ActiveModel {
            conversation_id: Set(id.0),
            tag_id: Set(tag.0),
        });
        conversation_tag::Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Those who see a conversation from now on because they were asked to help.
pub async fn add_guests(
    db: &impl ConnectionTrait,
    id: ConversationId,
    agents: &[AgentId],
) -> Result<()> {
    let rows = agents.iter().map(|agent| conversation_guest::ActiveModel {
        conversation_id: Set(id.0),
        agent_id: Set(agent.0),
    });
    let there = OnConflict::columns([
        conversation_guest::Column::ConversationId,
        conversation_guest::Column::AgentId,
    ])
    .update_column(conversation_guest::Column::AgentId)
    .to_owned();
    conversation_guest::Entity::insert_many(rows)
        .on_conflict(there)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// What goes with conversations that are forgotten.
pub async fn remove_marks(db: &impl ConnectionTrait, ids: &[i64]) -> Result<()> {
    let (tags, guests) = (
        conversation_tag::Column::ConversationId.is_in(ids.iter().copied()),
        conversation_guest::Column::ConversationId.is_in(ids.iter().copied()),
    );
    conversation_tag::Entity::delete_many().filter(tags).exec(db).await?;
    conversation_guest::Entity::delete_many().filter(guests).exec(db).await?;
    Ok(())
}
