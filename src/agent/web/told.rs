//! What an agent is told of, and how. Everybody's own.
use super::{CurrentAgent, DeskFrame, SignedIn};
use crate::{
    agent::{
        actions,
        model::{Notice, Preferences, Quiet, Signal, Sound, Sounds, Tone, Volume},
    },
    app::App,
    error::{Invalid, Result},
    text::Lang,
    web::{
        limits::Limits,
        page::{html, query, see_other},
    },
};
use askama::Template;
use poem::{
    Request, Response, handler,
    http::StatusCode,
    web::{Data, Form},
};
use serde::Deserialize;
use std::sync::Arc;

#[derive(Template)]
#[template(path = "agent/notifications.html")]
struct NotificationsPage {
    frame: DeskFrame,
    place: &'static str,
    lang: Lang,
    likes: Preferences,
    from: String,
    to: String,
    saved: bool,
    problem: Option<String>,
}

impl NotificationsPage {
    fn new(me: &CurrentAgent, likes: Preferences) -> Self {
        let quiet = likes.quiet;
        Self {
            frame: DeskFrame::new(me, "settings", 0),
            place: "notifications",
            lang: me.lang,
            from: quiet.map_or_else(String::new, Quiet::begins),
            to: quiet.map_or_else(String::new, Quiet::ends),
            likes,
            saved: false,
            problem: None,
        }
    }

    fn sound(&self) -> bool {
        self.likes.signals.contains(&Signal::Sound)
    }

    fn desktop(&self) -> bool {
        self.likes.signals.contains(&Signal::Desktop)
    }
}

#[handler]
pub fn notices(SignedIn(me): SignedIn, request: &Request) -> Result<Response> {
    let saved = query(request, "saved").is_some();
    let page = NotificationsPage::new(&me, me.agent.preferences.clone());
    html(&NotificationsPage { saved, ..page })
}

/// A box that is not ticked is not sent; a tone or a volume that is not sent stays as it was.
#[derive(Deserialize)]
struct NotificationsForm {
    #[serde(default)]
    queue: Option<String>,
    #[serde(default)]
    mine: Option<String>,
    #[serde(default)]
    mention: Option<String>,
    #[serde(default)]
    sound: Option<String>,
    #[serde(default)]
    desktop: Option<String>,
    #[serde(default)]
    queue_tone: Option<String>,
    #[serde(default)]
    queue_volume: Option<String>,
    #[serde(default)]
    mine_tone: Option<String>,
    #[serde(default)]
    mine_volume: Option<String>,
    #[serde(default)]
    mention_tone: Option<String>,
    #[serde(default)]
    mention_volume: Option<String>,
    #[serde(default)]
    from: String,
    #[serde(default)]
    to: String,
}

impl NotificationsForm {
    fn ticked<T: Copy>(boxes: &[(T, &Option<String>)]) -> impl Iterator<Item = T> {
        boxes.iter().filter(|(_, ticked)| ticked.is_some()).map(|(what, _)| *what)
    }

    fn sounds(&self, before: &Sounds) -> Result<Sounds, Invalid> {
        let sound = |tone: &Option<String>, volume: &Option<String>, before: Sound| {
            let tone = tone.as_deref().map_or(Ok(before.tone), Tone::parse)?;
            let volume = volume.as_deref().map_or(Ok(before.volume), Volume::parse)?;
            Ok(Sound { tone, volume })
        };
        Ok(Sounds {
            queue: sound(&self.queue_tone, &self.queue_volume, before.queue)?,
            mine: sound(&self.mine_tone, &self.mine_volume, before.mine)?,
            mention: sound(&self.mention_tone, &self.mention_volume, before.mention)?,
        })
    }

    /// All but the quiet hours, which are the only thing that people write themselves.
    fn likes(&self, before: &Preferences) -> Result<Preferences, Invalid> {
        let of = [
            (Notice::Queue, &self.queue),
            (Notice::Mine, &self.mine),
            (Notice::Mention, &self.mention),
        ];
        let signals = [(Signal::Sound, &self.sound), (Signal::Desktop, &self.desktop)];
        Ok(Preferences {
            notices: Self::ticked(&of).collect(),
            signals: Self::ticked(&signals).collect(),
            sounds: self.sounds(&before.sounds)?,
            ..before.clone()
        })
    }
}

#[handler]
pub async fn set_notices(
    app: Data<&App>,
    limits: Data<&Arc<Limits>>,
    me: CurrentAgent,
    Form(form): Form<NotificationsForm>,
) -> Result<Response> {
    limits.act(&me.counted_as())?;
    let likes = form.likes(&me.agent.preferences)?;
    match Quiet::parse(&form.from, &form.to) {
        Ok(quiet) => {
            actions::set_preferences(&app, me.agent.id, &Preferences { quiet, ..likes }).await?;
            Ok(see_other("/desk/settings/notifications?saved=1"))
        }
        Err(invalid) => {
            let problem = Some(me.lang.t(invalid.reason));
            let (from, to) = (form.from, form.to);
            let page = NotificationsPage::new(&me, likes);
            let mut response = html(&NotificationsPage { from, to, problem, ..page })?;
            response.set_status(StatusCode::UNPROCESSABLE_ENTITY);
            Ok(response)
        }
    }
}
