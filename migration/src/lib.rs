//! The schema, one change a file. Never edited once landed: expand, move, contract.
use sea_orm_migration::prelude::*;
pub use sea_orm_migration::prelude::{MigratorTrait, SchemaManager};

mod kit;
mod m20261123_000001_create_installation;
mod m20261123_000002_create_site;
mod m20261123_000003_create_agent;
mod m20261123_000004_create_session;
mod m20261123_000005_create_contact;
mod m20261123_000006_create_conversation;
mod m20261123_000007_create_entry;
mod m20261123_000008_create_read_position;
mod m20261123_000009_create_revocation;
mod m20261123_000010_create_agent_token;
mod m20261123_000011_add_conversation_touches;
mod m20261123_000012_create_node;
mod m20261123_000013_index_what_is_asked_by_time;
mod m20261124_000014_index_lists_and_tokens;
mod m20261124_000015_keep_rows_in_place;
mod m20261125_000016_create_audit_entry;
mod m20261125_000017_add_entry_extra;
mod m20261125_000018_add_conversation_priority;
mod m20261125_000019_create_tag;
mod m20261125_000020_create_team;
mod m20261125_000021_add_agent_capacity;
mod m20261125_000025_create_canned_reply;
mod m20261125_000026_create_draft;
mod m20261125_000030_create_attachment;
mod m20261125_000035_create_search_row;
mod m20261125_000036_create_search_progress;
mod m20261125_000040_extend_contact;
mod m20261125_000041_create_attribute;
mod m20261125_000042_create_contact_note;
mod m20261125_000043_create_contact_tag;
mod m20261125_000044_create_page_view;
mod m20261125_000045_add_agent_availability;
mod m20261125_000046_add_agent_preferences;
mod m20261125_000050_index_closed_by_whom;
mod m20261125_000051_create_saved_view;
mod m20261125_000052_add_conversation_team;
mod m20261125_000055_add_conversation_guests;
mod m20261125_000056_see_by_team;
mod m20261125_000060_gather_search_terms;
mod m20261125_000061_find_closed_by_tag;
mod m20261125_000063_add_page_referrer;
mod m20261125_000064_add_site_look;
mod m20261128_000075_add_site_team;
mod m20261129_000080_create_site_secret;
mod m20261129_000081_create_contact_identity;
mod m20261129_000082_add_site_signed_only;
mod m20261129_000083_narrow_closed;
mod m20261129_000085_add_contact_note_nonce;
mod m20261129_000090_find_drafts_of_an_agent;
mod m20261129_000095_widen_attachment_media_type;
mod m20261129_000098_count_in_an_index;
mod m20261130_000100_narrow_closed_by_tag;
mod m20261130_000104_sort_search_words;

#[derive(Debug)]
pub struct Migrator;

#[async_trait::async_trait]
impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(m20261123_000001_create_installation::Migration),
            Box::new(m20261123_000002_create_site::Migration),
            Box::new(m20261123_000003_create_agent::Migration),
            Box::new(m20261123_000004_create_session::Migration),
            Box::new(m20261123_000005_create_contact::Migration),
            Box::new(m20261123_000006_create_conversation::Migration),
            Box::new(m20261123_000007_create_entry::Migration),
            Box::new(m20261123_000008_create_read_position::Migration),
            Box::new(m20261123_000009_create_revocation::Migration),
            Box::new(m20261123_000010_create_agent_token::Migration),
            Box::new(m20261123_000011_add_conversation_touches::Migration),
            Box::new(m20261123_000012_create_node::Migration),
            Box::new(m20261123_000013_index_what_is_asked_by_time::Migration),
            Box::new(m20261124_000014_index_lists_and_tokens::Migration),
            Box::new(m20261124_000015_keep_rows_in_place::Migration),
            Box::new(m20261125_000016_create_audit_entry::Migration),
            Box::new(m20261125_000017_add_entry_extra::Migration),
            Box::new(m20261125_000018_add_conversation_priority::Migration),
            Box::new(m20261125_000019_create_tag::Migration),
            Box::new(m20261125_000020_create_team::Migration),
            Box::new(m20261125_000021_add_agent_capacity::Migration),
            Box::new(m20261125_000025_create_canned_reply::Migration),
            Box::new(m20261125_000026_create_draft::Migration),
            Box::new(m20261125_000030_create_attachment::Migration),
            Box::new(m20261125_000035_create_search_row::Migration),
            Box::new(m20261125_000036_create_search_progress::Migration),
            Box::new(m20261125_000040_extend_contact::Migration),
            Box::new(m20261125_000041_create_attribute::Migration),
            Box::new(m20261125_000042_create_contact_note::Migration),
            Box::new(m20261125_000043_create_contact_tag::Migration),
            Box::new(m20261125_000044_create_page_view::Migration),
            Box::new(m20261125_000045_add_agent_availability::Migration),
            Box::new(m20261125_000046_add_agent_preferences::Migration),
            Box::new(m20261125_000050_index_closed_by_whom::Migration),
            Box::new(m20261125_000051_create_saved_view::Migration),
            Box::new(m20261125_000052_add_conversation_team::Migration),
            Box::new(m20261125_000055_add_conversation_guests::Migration),
            Box::new(m20261125_000056_see_by_team::Migration),
            Box::new(m20261125_000060_gather_search_terms::Migration),
            Box::new(m20261125_000061_find_closed_by_tag::Migration),
            Box::new(m20261125_000063_add_page_referrer::Migration),
            Box::new(m20261125_000064_add_site_look::Migration),
            Box::new(m20261128_000075_add_site_team::Migration),
            Box::new(m20261129_000080_create_site_secret::Migration),
            Box::new(m20261129_000081_create_contact_identity::Migration),
            Box::new(m20261129_000082_add_site_signed_only::Migration),
            Box::new(m20261129_000083_narrow_closed::Migration),
            Box::new(m20261129_000085_add_contact_note_nonce::Migration),
            Box::new(m20261129_000090_find_drafts_of_an_agent::Migration),
            Box::new(m20261129_000095_widen_attachment_media_type::Migration),
            Box::new(m20261129_000098_count_in_an_index::Migration),
            Box::new(m20261130_000100_narrow_closed_by_tag::Migration),
            Box::new(m20261130_000104_sort_search_words::Migration),
        ]
    }
}
