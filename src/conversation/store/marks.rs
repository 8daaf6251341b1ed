//! What conversations are marked with: tags, and the colleagues who were asked to help.
use super::{conversations::conversation, words::priority_number};
use crate::{
    conversation::model::Conversation,
    db,
    error::Result,
    ids::{AgentId, ConversationId},
};
use sea_orm::{
    ActiveValue::Set,
    entity::prelude::*,
    sea_query::{Expr, ExprTrait, OnConflict, Query},
};

pub mod conversation_tag {
    use sea_orm::entity::prelude::*;
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "conversation_tag")]
    pub struct Model {
        #[sea_orm(primary_key, auto_increment = false)]
        pub conversation_id: i64,
        #[sea_orm(primary_key, auto_increment = false)]
        pub tag_id: i64,
        /// The conversation's: those with a tag are found in the order in which they are listed.
        pub closed_at: Option<i64>,
        /// By what lists are narrowed besides, true of conversations that are closed.
        pub site_id: Option<i64>,
        pub assignee_id: Option<i64>,
        pub team_id: Option<i64>,
        pub priority: Option<i64>,
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

/// The tags of a conversation that is held are kept as it has them now.
pub async fn set_tags(db: &impl ConnectionTrait, of: &Conversation) -> Result<()> {
    let own = conversation_tag::Column::ConversationId.eq(of.id.0);
    conversation_tag::Entity::delete_many().filter(own).exec(db).await?;
    insert_tags(db, std::iter::once(of)).await
}

pub(super) async fn insert_tags<'a>(
    db: &impl ConnectionTrait,
    of: impl Iterator<Item = &'a Conversation>,
) -> Result<()> {
    let each = of.flat_map(|conversation| {
        conversation.tags.iter().map(move |tag| conversation_tag::ActiveModel {
            conversation_id: Set(conversation.id.0),
            tag_id: Set(tag.0),
            closed_at: Set(conversation.closed_at.map(db::micros)),
            site_id: Set(Some(conversation.site.0)),
            assignee_id: Set(conversation.assignee.as_ref().map(|assignee| assignee.id.0)),
            team_id: Set(conversation.team.map(|team| team.0)),
            priority: Set(Some(priority_number(conversation.priority))),
        })
    });
    let rows: Vec<_> = each.collect();
    if !rows.is_empty() {
        conversation_tag::Entity::insert_many(rows).exec_without_returning(db).await?;
    }
    Ok(())
}

/// Conversations with tags were closed or opened again, or are listed otherwise among those that are closed, and their rows say so.
pub(super) async fn follow(db: &impl ConnectionTrait, ids: &[i64]) -> Result<()> {
    use conversation::Column as Now;
    use conversation_tag::Column as Tagged;
    if ids.is_empty() {
        return Ok(());
    }
    let its = |column: Now| -> Expr {
        let mut now = Query::select();
        now.column(column).from(conversation::Entity);
        let own = Expr::col((conversation_tag::Entity, Tagged::ConversationId));
        now.and_where(Now::Id.into_expr().eq(own)).take().into()
    };
    conversation_tag::Entity::update_many()
        .col_expr(Tagged::ClosedAt, its(Now::ClosedAt))
        .col_expr(Tagged::SiteId, its(Now::SiteId))
        .col_expr(Tagged::AssigneeId, its(Now::AssigneeId))
        .col_expr(Tagged::TeamId, its(Now::TeamId))
        .col_expr(Tagged::Priority, its(Now::Priority))
        .filter(Tagged::ConversationId.is_in(ids.iter().copied()))
        .exec(db)
        .await?;
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
