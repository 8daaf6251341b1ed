//! Answers in JSON, with every part.
use crate::{
    app::App,
    error::{Error, Result},
    event::Hearing,
    metrics::Now,
};
use poem::{Response, handler, http::StatusCode, web::Data};
use std::time::Duration;

/// 200 as long as the process answers at all. Asks nobody.
#[handler]
pub fn alive() -> Response {
    json(StatusCode::OK, &serde_json::json!({ "status": "ok" }))
}

/// 200 when the database answers, its migrations are current and the process is not leaving.
#[handler]
pub async fn ready(app: Data<&App>) -> Response {
    let in_time = tokio::time::timeout(Duration::from_secs(2), async {
        app.db.ping().await.is_ok()
            && app.db.migrations().await.is_ok_and(|all| all.iter().all(|(_, done)| *done))
    });
    let database = in_time.await.unwrap_or(false);
    let draining = app.streams.leaving.is_cancelled();
    let status =
        if database && !draining { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let parts = serde_json::json!({
        "database": database,
        "bus": app.bus.hearing().word(),
        "draining": draining,
        "streams": app.streams.count(),
        "node": app.bus.node(),
        "warnings": warnings(&app),
    });
    json(status, &parts)
}

/// What this node counts, in the OpenMetrics text format.
#[handler]
pub fn metrics(app: Data<&App>) -> Result<Response> {
    let (connections_busy, connections_idle) = app.db.connections();
    let (hints_dropped, hints_waiting) = app.bus.unsent();
    let now = Now {
        streams: app.streams.count(),
        nodes: app.bus.nodes(),
        on_bus: app.bus.hearing() == Hearing::Bus,
        hints_dropped,
        hints_waiting,
        connections_busy,
        connections_idle,
    };
    let text = app.metrics.text(now).map_err(Error::internal)?;
    let format = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(Response::builder().content_type(format).body(text))
}

/// Below this part of a disk it is time to make room.
const LITTLE_ROOM: f64 = 0.05;

/// What works less well than it could or soon will, and what to do.
fn warnings(app: &App) -> Vec<&'static str> {
    let away = app.bus.hearing() == Hearing::BusAway;
    let files_away = app.files.is_away();
    let little_room = app.db.free_room().is_some_and(|free| free < LITTLE_ROOM);
    [
        (away, "no NATS server of --nats-url answers; news from other nodes comes up to 2 s late"),
        (files_away, "what --files-url names does not answer or refuses, the log says why; until then files can be neither sent nor shown, messages can"),
        (little_room, "less than 5 % of the database's disk is free; make room: on a full one nothing can be sent"),
    ]
    .into_iter()
    .filter_map(|(so, warning)| so.then_some(warning))
    .collect()
}

fn json(status: StatusCode, body: &serde_json::Value) -> Response {
    Response::builder().status(status).content_type("application/json").body(body.to_string())
}
