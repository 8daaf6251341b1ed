//! Every address, on one page.
use crate::{
    agent::web as agent,
    api,
    app::App,
    attachment::web as attachment,
    canned_reply::web as canned,
    config::Switch,
    conversation::web as conversation,
    demo::web as demo,
    desk::web as desk,
    dossier::web as dossier,
    draft::web as draft,
    health::web as health,
    identity::web as identity,
    live,
    saved_view::web as saved_view,
    search::web as search,
    setup::web as setup,
    staff::web as staff,
    tag::web as tag,
    team::web as team,
    web::{
        assets, compress, errors, headers,
        limits::{self, Limits},
        origin,
        session::Sessions,
    },
    widget::web as widget,
};
use poem::{
    Endpoint, EndpointExt, Route, get,
    middleware::{AddData, CookieJarManager},
    post,
};
use std::{sync::Arc, time::Duration};

/// The whole site. What a request passes, from the outside in: cookies, protective headers, log and errors, where it comes
/// from, the session.
pub fn site(app: &App) -> impl Endpoint + use<> {
    let limits = Arc::new(Limits::new(
        app.config.rate_limits == Switch::On,
        app.config.streams_each,
        &app.clock.monotonic,
    ));
    forget_the_quiet(&limits, app);
    addresses()
        .with(Sessions::new(app))
        .around(origin::own_pages_only)
        .around(errors::answer)
        // Else the type of the whole is deeper than the compiler looks.
        .boxed()
        .around(compress::pages)
        .around(limits::in_turn)
        .around(api::for_sites)
        .around(headers::protect)
        .with(CookieJarManager::new())
        .with(AddData::new(limits))
        .with(AddData::new(app.clone()))
}

/// What is answered on an address of its own.
pub fn metrics(app: &App) -> impl Endpoint + use<> {
    Route::new().at("/metrics", get(health::metrics)).with(AddData::new(app.clone()))
}

fn addresses() -> Route {
    Route::new()
        // Anybody.
        .at("/", get(demo::front))
        .at("/demo", get(demo::shop))
        .at("/a/*name", get(assets::asset))
        .at("/healthz", get(health::alive))
        .at("/readyz", get(health::ready))
        // Whoever was given a link, while it lasts.
        .at("/f/:id/:name", get(attachment::serve))
        // Visitors.
        .at("/w/:file<[^/]+\\.js>", get(widget::loader))
        .at("/w/:site", get(conversation::welcome))
        .at("/w/:site/look.css", get(widget::look))
        .at("/w/:site/logo", get(widget::logo))
        .at("/w/:site/start", post(conversation::start))
        .at("/w/:site/forget", post(conversation::forget))
        .at("/w/:site/identify", get(identity::known).post(identity::identify))
        .at("/c/:cid", get(conversation::show))
        .at("/c/:cid/messages", get(live::conversation_messages).post(conversation::say))
        .at("/c/:cid/end", post(conversation::end))
        .at("/c/:cid/read", post(conversation::read))
        .at("/c/:cid/typing", post(conversation::typing))
        .at("/c/:cid/pages", post(conversation::view))
        .at("/c/:cid/compose", get(conversation::compose))
        .at("/c/:cid/files", post(conversation::bring))
        .at("/c/:cid/files/:file", get(conversation::look))
        .at("/c/:cid/events", get(live::conversation_events))
        .at("/c/:cid/ws", get(live::conversation_socket))
        .at("/c/:cid/live", get(live::live_page))
        // The owner's first minute.
        .at("/setup", get(setup::owner_form).post(setup::make_owner))
        .at("/setup/install", get(setup::install))
        // The door.
        .at("/login", get(agent::login).post(agent::sign_in))
        .at("/logout", post(desk::sign_out))
        .at("/invite", get(agent::show_invitation).post(agent::accept_invitation))
        // Agents.
        .at("/desk", get(desk::front))
        .at("/desk/events", get(live::desk_events))
        .at("/desk/ws", get(live::desk_socket))
        .at("/desk/c", get(desk::list))
        .at("/desk/c/:id", get(desk::show))
        .at("/desk/c/:id/messages", get(desk::messages).post(desk::write))
        .at("/desk/c/:id/files", post(desk::bring))
        .at("/desk/c/:id/files/:file", get(desk::look))
        .at("/desk/c/:id/seen", post(desk::mark_seen))
        .at("/desk/c/:id/typing", post(desk::typing))
        .at("/desk/c/:id/draft", post(draft::keep))
        .at("/desk/c/:id/m/:seq", get(desk::entry_menu))
        .at("/desk/c/:id/m/:seq/earlier", get(desk::earlier))
        .at("/desk/c/:id/m/:seq/:verb", post(desk::amend)) // edit, recall
        // claim, close, reopen, transfer, invite, snooze, wake, priority, tags, unread; some have a form of their own
        .at("/desk/c/:id/:verb", get(desk::panel_form).post(desk::act))
        // The contact beside a conversation.
        .at("/desk/c/:id/side", get(dossier::show))
        .at("/desk/c/:id/side/fields", post(dossier::change_field))
        .at("/desk/c/:id/side/tags", post(dossier::add_tag))
        .at("/desk/c/:id/side/tags/remove", post(dossier::remove_tag))
        .at("/desk/c/:id/side/notes", post(dossier::add_note))
        .at("/desk/c/:id/side/notes/remove", post(dossier::remove_note))
        .at("/desk/c/:id/side/merge", get(dossier::merge_page).post(dossier::merge))
        .at("/desk/c/:id/side/block", post(dossier::block_contact))
        .at("/desk/c/:id/side/unblock", post(dossier::unblock_contact))
        .at("/desk/contacts/:contact", get(dossier::find))
        .at("/desk/canned", get(canned::offer))
        .at("/desk/callees", get(desk::offer_callees))
        .at("/desk/emoji", get(desk::choose_emoji))
        .at("/desk/bulk", get(desk::bulk_form).post(desk::handle_several)) // assign, tag, close
        .at("/desk/filter", get(desk::filter_form))
        .at("/desk/views", post(saved_view::keep))
        .at("/desk/views/:id", post(saved_view::change))
        .at("/desk/views/:id/remove", post(saved_view::forget))
        .at("/desk/search", get(search::show))
        .at("/desk/palette", get(search::palette))
        .at("/desk/me", get(agent::settings))
        .at("/desk/me/state", post(desk::choose)) // online, busy, offline
        .at("/desk/keys", get(agent::keys).post(agent::set_keys))
        .at("/desk/settings", get(agent::settings_front))
        .at("/desk/settings/tags", get(tag::list).post(tag::add))
        .at("/desk/settings/tags/:id/rename", post(tag::rename))
        .at("/desk/settings/tags/:id/remove", post(tag::remove))
        .at("/desk/settings/attributes", get(dossier::list_attributes).post(dossier::add_attribute))
        .at("/desk/settings/attributes/:attribute", post(dossier::change_attribute))
        .at("/desk/settings/attributes/:attribute/remove", post(dossier::remove_attribute))
        .at("/desk/settings/blocked", get(dossier::list_blocked))
        .at("/desk/settings/blocked/lift", post(dossier::lift))
        .at("/desk/settings/notifications", get(agent::notices).post(agent::set_notices))
        .at("/desk/me/profile", post(agent::set_profile))
        .at("/desk/me/password", post(agent::change_password))
        .at("/desk/me/sessions/end", post(agent::end_session))
        .at("/desk/me/tokens", post(agent::make_token))
        .at("/desk/me/tokens/end", post(agent::end_token))
        .at("/desk/settings/canned-replies", get(canned::index).post(canned::add))
        .at("/desk/settings/canned-replies/new", get(canned::new))
        .at("/desk/settings/canned-replies/export", get(canned::export))
        .at("/desk/settings/canned-replies/import", get(canned::import_form).post(canned::import))
        .at("/desk/settings/canned-replies/import/files", post(canned::import_file))
        .at("/desk/settings/canned-replies/:reply", get(canned::edit).post(canned::change))
        .at("/desk/settings/canned-replies/:reply/remove", post(canned::remove))
        // Those who manage.
        .at("/desk/settings/agents", get(staff::index).post(staff::hire))
        .at("/desk/settings/agents/:agent", post(staff::change))
        .at("/desk/settings/agents/:agent/link", post(staff::renew_link))
        .at("/desk/settings/agents/:agent/disable", post(staff::disable))
        .at("/desk/settings/agents/:agent/enable", post(staff::enable))
        .at("/desk/settings/file-kinds", get(attachment::list_kinds).post(attachment::set_kinds))
        .at("/desk/settings/audit", get(staff::audit_log))
        .at("/desk/settings/sites", get(widget::index).post(widget::add))
        .at("/desk/settings/sites/:site", get(widget::edit).post(widget::change))
        .at("/desk/settings/sites/:site/logo/files", post(widget::bring_logo))
        .at("/desk/settings/sites/:site/logo/remove", post(widget::remove_logo))
        .at("/desk/settings/sites/:site/install", get(widget::install))
        .at("/desk/settings/sites/:site/watch", get(widget::watch))
        .at("/desk/settings/sites/:site/origins", post(widget::allow))
        .at("/desk/settings/sites/:site/qr.svg", get(widget::qr))
        .at("/desk/settings/sites/:site/preview", get(widget::preview))
        .at("/desk/settings/sites/:site/identity", get(identity::show).post(identity::act))
        .at("/desk/settings/teams", get(team::index).post(team::add))
        .at("/desk/settings/teams/:team", post(team::change))
        .at("/desk/settings/teams/:team/remove", post(team::remove))
        // Programs.
        .at("/api/docs", get(api::documentation))
        .at("/api/v1/ws", get(live::api_socket))
        .nest("/api/v1", api::routes())
}

/// Keeps the memory of the limits as small as what happens now.
fn forget_the_quiet(limits: &Arc<Limits>, app: &App) {
    let (limits, ended) = (limits.clone(), app.streams.draining.clone());
    tokio::spawn(async move {
        let mut minutes = tokio::time::interval(Duration::from_secs(60));
        while ended.run_until_cancelled(minutes.tick()).await.is_some() {
            limits.forget_the_quiet();
        }
    });
}
