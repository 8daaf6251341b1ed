//! By which way a visitor speaks: whoever put the chat on a page, or a link to it somewhere, waits to see that it works there.
use crate::{app::App, bus::Sighting, conversation::writer::Sent, event::SiteStep, site};
use poem::{Request, http::header};

/// By this the script of a frame says where that stands, `demo` or `page`, see `assets/js/embed.js`. Of a frame without scripts the browser says that
/// it is one.
const IN: &str = "kefu-in";

/// Takes note of a message that a visitor sent, the first one with the page on which the chat was opened.
pub fn note(app: &App, request: &Request, sent: &Sent, page: &str) {
    let own = site::own_path(page, &app.config.public_url(), request.header(header::HOST));
    let said = request.header(IN);
    // The demo is nobody's installation.
    if sent.duplicate || said == Some("demo") || own.as_deref() == Some("/demo") {
        return;
    }
    let framed = said.is_some() || request.header("sec-fetch-dest") == Some("iframe");
    let step = if framed { SiteStep::Said } else { SiteStep::LinkSaid };
    let sighting = Sighting { at: sent.appended.entry.at, origin: String::new() };
    app.bus.saw(sent.appended.summary.site, step, sighting);
}
