//! How the chat looks on a site's pages, and what it says there.
use crate::{error::Invalid, text::Lang};
use palette::{FromColor, Oklch, Srgb, color_difference::Wcag21RelativeContrast};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{fmt, ops::RangeInclusive};

/// Stored as JSON; what a newer kefu added has its default.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Look {
    pub color: Color,
    pub side: Edge,
    /// From the edges of the window, in CSS pixels.
    pub offset_x: u16,
    pub offset_y: u16,
    /// Without it the page has an element of its own that opens the chat.
    pub launcher: bool,
    pub theme: Theme,
    /// The key of a small picture; empty where the name's first letter stands.
    pub logo: String,
    /// In the order of [`Lang::ALL`].
    pub texts: [Texts; 2],
}

impl Default for Look {
    fn default() -> Self {
        Self {
            color: Color::default(),
            side: Edge::default(),
            offset_x: 20,
            offset_y: 20,
            launcher: true,
            theme: Theme::default(),
            logo: String::new(),
            texts: Default::default(),
        }
    }
}

impl Look {
    /// What the site says, or what kefu says where that is nothing; empty for a label.
    pub fn say(&self, saying: Saying, lang: Lang) -> String {
        match (self.texts[usize::from(lang == Lang::En)].of(saying), saying.usual()) {
            ("", Some(usual)) => lang.t(usual),
            (own, _) => own.to_owned(),
        }
    }

    /// What stands under the site's name while nobody is there to answer, and while somebody is.
    pub fn standing(&self, lang: Lang) -> [String; 2] {
        [Saying::Away, Saying::Online].map(|saying| self.say(saying, lang))
    }

    /// Another one where pages look otherwise: the first 40 bits of a SHA-256.
    pub fn version(&self) -> String {
        let chosen = format!("{} {:?}", self.color, self.theme);
        Sha256::digest(chosen)[..5].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Whether pages look as if nobody had chosen anything.
    pub fn is_plain(&self) -> bool {
        self.color == Color::default() && self.theme == Theme::default()
    }
}

/// What a site says in one language; empty where it says what kefu says.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Texts {
    title: String,
    label: String,
    greeting: String,
    welcome: String,
    online: String,
    away: String,
    placeholder: String,
    failed: String,
}

/// A sentence that a site may say in its own words.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Saying {
    /// What the chat is called.
    Title,
    /// Beside the launcher's icon.
    Label,
    /// Above the first message, and below that.
    Greeting,
    Welcome,
    /// Under the site's name while somebody is there to answer, and while nobody is.
    Online,
    Away,
    /// In the empty box.
    Placeholder,
    /// On a page on which the chat does not come.
    Failed,
}

impl Saying {
    pub const ALL: [Self; 8] = [
        Self::Title,
        Self::Label,
        Self::Greeting,
        Self::Welcome,
        Self::Online,
        Self::Away,
        Self::Placeholder,
        Self::Failed,
    ];

    /// In characters.
    pub fn longest(self) -> usize {
        match self {
            Self::Title | Self::Label => 20,
            Self::Greeting | Self::Placeholder => 40,
            Self::Online | Self::Away | Self::Failed => 60,
            Self::Welcome => 200,
        }
    }

    /// The key of what kefu says; a launcher without a label shows the title.
    pub fn usual(self) -> Option<&'static str> {
        match self {
            Self::Title => Some("chat-title"),
            Self::Label => None,
            Self::Greeting => Some("hello-title"),
            Self::Welcome => Some("hello-text"),
            Self::Online => Some("presence-online"),
            Self::Away => Some("presence-away"),
            Self::Placeholder => Some("composer-placeholder"),
            Self::Failed => Some("widget-failed"),
        }
    }

    /// The field of a form in which it is said in one language.
    pub fn field(self, lang: Lang) -> &'static str {
        let [zh, en] = match self {
            Self::Title => ["title_zh", "title_en"],
            Self::Label => ["label_zh", "label_en"],
            Self::Greeting => ["greeting_zh", "greeting_en"],
            Self::Welcome => ["welcome_zh", "welcome_en"],
            Self::Online => ["online_zh", "online_en"],
            Self::Away => ["away_zh", "away_en"],
            Self::Placeholder => ["placeholder_zh", "placeholder_en"],
            Self::Failed => ["failed_zh", "failed_en"],
        };
        if lang == Lang::En { en } else { zh }
    }

    fn too_long(self) -> &'static str {
        match self {
            Self::Title => "invalid-title",
            Self::Label => "invalid-label",
            Self::Greeting => "invalid-greeting",
            Self::Welcome => "invalid-welcome",
            Self::Online | Self::Away => "invalid-presence",
            Self::Placeholder => "invalid-placeholder",
            Self::Failed => "invalid-failed",
        }
    }
}

impl Texts {
    /// What was typed for each, by [`Saying::field`].
    pub fn parse<'a>(lang: Lang, typed: impl Fn(&str) -> &'a str) -> Result<Self, Invalid> {
        let mut texts = Self::default();
        for saying in Saying::ALL {
            let field = saying.field(lang);
            let text = typed(field).trim();
            if text.chars().count() > saying.longest() || text.chars().any(char::is_control) {
                return Err(Invalid { field, reason: saying.too_long() });
            }
            text.clone_into(texts.place(saying));
        }
        Ok(texts)
    }

    pub fn of(&self, saying: Saying) -> &str {
        match saying {
            Saying::Title => &self.title,
            Saying::Label => &self.label,
            Saying::Greeting => &self.greeting,
            Saying::Welcome => &self.welcome,
            Saying::Online => &self.online,
            Saying::Away => &self.away,
            Saying::Placeholder => &self.placeholder,
            Saying::Failed => &self.failed,
        }
    }

    fn place(&mut self, saying: Saying) -> &mut String {
        match saying {
            Saying::Title => &mut self.title,
            Saying::Label => &mut self.label,
            Saying::Greeting => &mut self.greeting,
            Saying::Welcome => &mut self.welcome,
            Saying::Online => &mut self.online,
            Saying::Away => &mut self.away,
            Saying::Placeholder => &mut self.placeholder,
            Saying::Failed => &mut self.failed,
        }
    }
}

/// At which edge of the window the launcher stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Edge {
    Left,
    #[default]
    Right,
}

impl Edge {
    /// How a form says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Left => "left",
            Self::Right => "right",
        }
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// As the visitor's system wishes.
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    /// How a form says it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }
}

/// 0–400 CSS pixels, typed in this field.
pub fn offset(field: &'static str, text: &str) -> Result<u16, Invalid> {
    const PIXELS: RangeInclusive<u16> = 0..=400;
    let pixels = text.trim().parse().ok().filter(|pixels| PIXELS.contains(pixels));
    pixels.ok_or(Invalid { field, reason: "invalid-offset" })
}

/// A colour as pages write it: `#0F5F66`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Color(Srgb<u8>);

/// Celadon, the colour of `assets/css/tokens.css`.
impl Default for Color {
    fn default() -> Self {
        Self(Srgb::new(0x0F, 0x5F, 0x66))
    }
}

/// What text wants of its ground: WCAG 2.2, success criterion 1.4.3.
const READABLE: f32 = 4.5;

impl Color {
    pub const WHITE: Self = Self(Srgb::new(0xFF, 0xFF, 0xFF));
    pub const BLACK: Self = Self(Srgb::new(0x0E, 0x15, 0x14));

    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let invalid = Invalid { field: "color", reason: "invalid-color" };
        let digits = text.trim().strip_prefix('#').filter(|digits| {
            digits.len() == 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit())
        });
        digits.and_then(|digits| digits.parse().ok()).map(Self).ok_or(invalid)
    }

    /// From 1 (the same) to 21 (black and white), by the formula of WCAG 2.
    pub fn contrast(self, other: Self) -> f32 {
        let linear = |color: Self| color.0.into_format::<f32>();
        linear(self).relative_contrast(linear(other))
    }

    /// What is written on it: white or nearly black, whichever is easier to read.
    pub fn ink(self) -> Self {
        if self.contrast(Self::WHITE) >= self.contrast(Self::BLACK) {
            Self::WHITE
        } else {
            Self::BLACK
        }
    }

    /// The same hue, so much darker or lighter that it is readable on a ground.
    #[must_use]
    pub fn readable_on(self, ground: Self) -> Self {
        let step = if ground.ink() == Self::WHITE { 0.01 } else { -0.01 };
        self.stepped(step, |color| color.contrast(ground) >= READABLE)
    }

    /// The same hue, as a ground on which its own ink is readable.
    #[must_use]
    pub fn ground(self) -> Self {
        let step = if self.ink() == Self::WHITE { -0.01 } else { 0.01 };
        self.stepped(step, |color| color.contrast(color.ink()) >= READABLE)
    }

    /// Goes through the lightnesses of OKLCH until `enough` of it.
    fn stepped(self, step: f32, enough: impl Fn(Self) -> bool) -> Self {
        let mut color = self;
        let mut at = Oklch::from_color(self.0.into_format::<f32>());
        while !enough(color) && (0.0..=1.0).contains(&at.l) {
            at.l += step;
            color = Self(Srgb::from_color(at).into_format());
        }
        color
    }

    /// A share of it, from 0 to 1, over a ground.
    #[must_use]
    pub fn over(self, ground: Self, share: f32) -> Self {
        use palette::Mix;
        Self(ground.0.into_format::<f32>().mix(self.0.into_format(), share).into_format())
    }
}

impl fmt::Display for Color {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{:02X}{:02X}{:02X}", self.0.red, self.0.green, self.0.blue)
    }
}

impl From<Color> for String {
    fn from(color: Color) -> Self {
        color.to_string()
    }
}

impl TryFrom<String> for Color {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).map_err(|_| text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn color(text: &str) -> Color {
        Color::parse(text).unwrap()
    }

    #[test]
    fn a_colour_is_six_digits_and_nothing_else() {
        assert_eq!(color("#0f5f66"), Color::default());
        assert_eq!(Color::default().to_string(), "#0F5F66");
        for hostile in ["", "red", "#fff", "0F5F66", "#0F5F66;}", "#GGGGGG", "#0F5F66FF", "#+12345"]
        {
            assert!(Color::parse(hostile).is_err(), "{hostile}");
        }
    }

    #[test]
    fn whatever_an_owner_picks_can_be_read() {
        // The figures of WCAG's own examples: black on white 21, and our celadon as ux computed it.
        assert!((color("#000000").contrast(Color::WHITE) - 21.0).abs() < 0.01);
        assert!((Color::default().contrast(Color::WHITE) - 7.37).abs() < 0.01);
        for picked in
            ["#FFEB3B", "#07C160", "#1F93FF", "#FFFFFF", "#000000", "#808080", "#FF0000", "#0F5F66"]
        {
            let picked = color(picked);
            let ground = picked.ground();
            assert!(ground.contrast(ground.ink()) >= READABLE, "{picked} as {ground}");
            for paper in ["#FBFCFA", "#121A18", "#DCEBEA"] {
                let text = picked.readable_on(color(paper));
                assert!(text.contrast(color(paper)) >= READABLE, "{picked} as {text} on {paper}");
            }
        }
        assert_eq!(Color::default().ground(), Color::default());
    }

    #[test]
    fn what_is_stored_is_read_by_older_and_newer_ones() {
        let look: Look = serde_json::from_str(r##"{"color":"#FFEB3B","new":1}"##).unwrap();
        assert_eq!((look.color.to_string().as_str(), look.offset_x), ("#FFEB3B", 20));
        assert_eq!(
            serde_json::from_str::<Look>(&serde_json::to_string(&look).unwrap()).unwrap(),
            look
        );
    }
}
