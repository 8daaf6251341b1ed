//! What may be attached, told by its content and never by what it is called, and what it is called then.
use super::added::Added;
use crate::{
    error::Invalid,
    event::{self, Side},
    ids::{ConversationId, FileId},
    text,
};

/// The most files that one message brings, or one request.
pub const MOST: usize = 10;
/// What a page offers to choose from, which is only a hint, before anything is added.
pub const ACCEPTED: &str = ".png,.jpg,.jpeg,.gif,.webp,.pdf,.txt,.csv,.log,.md";
/// The most bytes of one file: 20 MB.
pub const LARGEST: u64 = 20_000_000;
/// The most bytes that one visitor leaves here within a day: 100 MB.
pub const A_DAY: i64 = 100_000_000;
/// So much of a file's beginning tells what it is, in bytes.
pub const HEAD: usize = 4096;

/// A file, whoever it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attachment {
    pub id: FileId,
    pub owner: Owner,
    pub name: String,
    pub kind: Kind,
    /// In bytes.
    pub size: i64,
    /// Of a picture, in pixels; else 0.
    pub width: i64,
    pub height: i64,
    pub state: State,
}

/// Whose a file is until it is sent: somebody, in a conversation of theirs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Owner {
    pub conversation: ConversationId,
    pub side: Side,
    /// The number of the contact or the agent.
    pub id: i64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// On its way into the store.
    Coming,
    /// Its owner has not sent it.
    Unsent,
    /// In a message that both sides see.
    Sent,
    /// In a note, for agents only.
    Noted,
    /// Nobody sees it any more; its bytes are to go.
    Gone,
}

impl State {
    pub const ALL: [Self; 5] = [Self::Coming, Self::Unsent, Self::Sent, Self::Noted, Self::Gone];

    pub fn word(self) -> &'static str {
        match self {
            Self::Coming => "coming",
            Self::Unsent => "unsent",
            Self::Sent => "sent",
            Self::Noted => "noted",
            Self::Gone => "gone",
        }
    }
}

impl Attachment {
    /// What is said of it in the log.
    pub fn told(&self) -> event::Attachment {
        let pixels = |pixels: i64| self.kind.is_picture().then_some(pixels);
        event::Attachment {
            id: self.id.to_string(),
            name: self.name.clone(),
            media_type: self.kind.media_type().into(),
            size: self.size,
            width: pixels(self.width),
            height: pixels(self.height),
        }
    }

    /// Its size in words.
    pub fn weight(&self) -> String {
        text::size(self.size)
    }

    /// What was not sent is its owner's alone, what is in a note the agents'.
    pub fn is_for(&self, reader: Owner) -> bool {
        let own = self.owner == reader && self.state != State::Coming;
        let here = self.owner.conversation == reader.conversation && self.state != State::Gone;
        let shown = match reader.side {
            Side::Visitor => self.state == State::Sent,
            Side::Agent => matches!(self.state, State::Sent | State::Noted),
        };
        here && (own || shown)
    }
}

/// What is taken. Pictures are drawn anew, so that nothing else is in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Png,
    Jpeg,
    Gif,
    Webp,
    Pdf,
    Text,
    /// Where an owner or an admin said so; kept as it came.
    Added(Added),
}

impl Kind {
    const ALWAYS: [Self; 6] = [Self::Png, Self::Jpeg, Self::Gif, Self::Webp, Self::Pdf, Self::Text];

    /// By the first [`HEAD`] bytes: what is taken always.
    pub fn of(head: &[u8]) -> Result<Self, Invalid> {
        if head.is_empty() {
            return Err(unfit("invalid-file-empty"));
        }
        if head.starts_with(b"\x89PNG\r\n\x1a\n") {
            return Ok(Self::Png);
        }
        if head.starts_with(b"\xff\xd8\xff") {
            return Ok(Self::Jpeg);
        }
        if head.starts_with(b"GIF87a") || head.starts_with(b"GIF89a") {
            return Ok(Self::Gif);
        }
        if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WEBP") {
            return Ok(Self::Webp);
        }
        if is_markup(head) {
            return Err(unfit("invalid-file-markup"));
        }
        if head.starts_with(b"%PDF-") {
            return Ok(Self::Pdf);
        }
        // A character may be cut in two at the end; the whole is looked through later.
        let text = std::str::from_utf8(head).or_else(|error| match error.error_len() {
            None => Ok(std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()),
            Some(_) => Err(unfit("invalid-file-kind")),
        })?;
        if text.contains('\0') { Err(unfit("invalid-file-kind")) } else { Ok(Self::Text) }
    }

    pub fn from_media_type(text: &str) -> Option<Self> {
        let added = Added::ALL.into_iter().map(Self::Added);
        Self::ALWAYS.into_iter().chain(added).find(|kind| kind.media_type() == text)
    }

    pub fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Gif => "image/gif",
            Self::Webp => "image/webp",
            Self::Pdf => "application/pdf",
            Self::Text => "text/plain",
            Self::Added(added) => added.media_type(),
        }
    }

    /// Whether it is drawn anew, and shown in pages.
    pub fn is_picture(self) -> bool {
        matches!(self, Self::Png | Self::Jpeg | Self::Gif | Self::Webp)
    }

    /// How names of such files may end; the first is added where none of them stands.
    fn endings(self) -> &'static [&'static str] {
        match self {
            Self::Png => &["png"],
            Self::Jpeg => &["jpg", "jpeg"],
            Self::Gif => &["gif"],
            Self::Webp => &["webp"],
            Self::Pdf => &["pdf"],
            Self::Text => &["txt", "csv", "log", "md"],
            Self::Added(added) => added.endings(),
        }
    }
}

pub const fn unfit(reason: &'static str) -> Invalid {
    Invalid { field: "file", reason }
}

/// Whether a browser, or whatever a desk opens files with, might take it for a page.
fn is_markup(head: &[u8]) -> bool {
    const SIGNS: [&str; 9] =
        ["<!doctype", "<html", "<head", "<body", "<script", "<svg", "<iframe", "<?xml", "<?php"];
    let text = String::from_utf8_lossy(head).to_ascii_lowercase();
    let text = text.trim_start_matches(|c: char| c.is_whitespace() || c == '\u{feff}');
    let tag = |c: char| c.is_ascii_alphabetic() || matches!(c, '!' | '?' | '/');
    text.strip_prefix('<').is_some_and(|rest| rest.starts_with(tag))
        || SIGNS.iter().any(|sign| text.contains(sign))
}

/// What a file is called: at most 100 characters, no path, nothing invisible, nothing that turns the reading direction, and an ending that
/// tells the truth.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileName(String);

impl FileName {
    /// Whatever was given becomes a name.
    pub fn of(given: &str, kind: Kind) -> Self {
        let words = words_of(given);
        let name = words.trim_matches(['.', ' ']);
        let (stem, ending) = match name.rsplit_once('.') {
            Some((stem, ending)) if is_ending(kind, ending) => (stem, ending.to_ascii_lowercase()),
            _ => (name, kind.endings()[0].to_owned()),
        };
        let stem: String = stem.trim_matches(['.', ' ']).chars().take(90).collect();
        let stem = match stem.trim_end_matches(['.', ' ']) {
            "" => "file".to_owned(),
            stem if is_reserved(stem) => format!("_{stem}"),
            stem => stem.to_owned(),
        };
        Self(format!("{stem}.{ending}"))
    }

    /// Whether a name that was given says by its ending that it is of another kind. Without an ending it says nothing.
    pub fn denies(given: &str, kind: Kind) -> bool {
        let words = words_of(given);
        let ending = words.trim_end_matches(['.', ' ']).rsplit_once('.').map(|(_, ending)| ending);
        let says = |ending: &str| {
            ending.len() <= 10
                && ending.bytes().all(|b| b.is_ascii_alphanumeric())
                && ending.bytes().any(|b| b.is_ascii_alphabetic())
        };
        ending.is_some_and(|ending| says(ending) && !is_ending(kind, ending))
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What of a name is no path and nothing odd.
fn words_of(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !is_odd(*c)).collect();
    kept.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_ending(kind: Kind, ending: &str) -> bool {
    kind.endings().iter().any(|one| ending.eq_ignore_ascii_case(one))
}

/// Controls, what no file system likes, and characters that are not seen.
fn is_odd(c: char) -> bool {
    c.is_control()
        || "<>:\"|?*%".contains(c)
        || matches!(c, '\u{ad}' | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff0}'..='\u{ffff}' | '\u{e0000}'..='\u{e007f}')
}

/// Names that Windows keeps for itself.
fn is_reserved(stem: &str) -> bool {
    let first = stem.split('.').next().unwrap_or_default().trim().to_ascii_uppercase();
    let numbered =
        |name: &str| first.strip_prefix(name).is_some_and(|rest| rest.len() == 1 && rest != "0");
    matches!(first.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn name(given: &str, kind: Kind) -> String {
        FileName::of(given, kind).as_str().to_owned()
    }

    #[test]
    fn a_name_tells_the_truth_and_leads_nowhere() {
        for (given, kind, expected) in [
            ("photo.JPG", Kind::Jpeg, "photo.jpg"),
            ("../../etc/passwd", Kind::Text, "passwd.txt"),
            ("C:\\temp\\x.png", Kind::Png, "x.png"),
            ("CON", Kind::Pdf, "_CON.pdf"),
            ("com1.txt", Kind::Text, "_com1.txt"),
            ("console.txt", Kind::Text, "console.txt"),
            ("invoice.pdf.exe", Kind::Pdf, "invoice.pdf.exe.pdf"),
            ("cat\u{202e}gnp.exe", Kind::Png, "catgnp.exe.png"),
            ("", Kind::Png, "file.png"),
            ("...", Kind::Png, "file.png"),
            (".png", Kind::Png, "png.png"),
            ("发票 2026.csv", Kind::Text, "发票 2026.csv"),
            ("a\r\nb\".txt", Kind::Text, "ab.txt"),
        ] {
            assert_eq!(name(given, kind), expected, "{given:?}");
        }
        assert_eq!(name(&"长".repeat(300), Kind::Pdf).chars().count(), 94);
    }

    #[test]
    fn a_name_denies_what_it_is_only_where_it_says_something_else() {
        for (given, denies) in [
            ("report.docx", false),
            ("REPORT.DOCX", false),
            ("report", false),
            ("", false),
            ("v1.2", false),
            ("1. 报告", false),
            ("report.docx. ", false),
            ("report.exe", true),
            ("report.docx.exe", true),
            ("report.docx.exe.", true),
            ("a/b.zip", true),
            ("docx.\u{202e}mcod", true),
        ] {
            assert_eq!(FileName::denies(given, Kind::Added(Added::Docx)), denies, "{given:?}");
        }
        assert_eq!(name("report", Kind::Added(Added::Docx)), "report.docx");
        assert_eq!(name("voice.M4B", Kind::Added(Added::M4a)), "voice.m4b");
    }

    #[test]
    fn what_it_is_stands_at_its_beginning() {
        let reason = |head: &[u8]| Kind::of(head).map_err(|unfit| unfit.reason);
        assert_eq!(reason(b"hello"), Ok(Kind::Text));
        assert_eq!(
            reason(&"半个字".as_bytes()[..8]),
            Ok(Kind::Text),
            "cut in the midst of a character"
        );
        assert_eq!(reason(b"%PDF-1.7\n"), Ok(Kind::Pdf));
        assert_eq!(reason(b""), Err("invalid-file-empty"));
        assert_eq!(reason(b"\xef\xbb\xbf  <svg onload=x>"), Err("invalid-file-markup"));
        assert_eq!(reason(b"hello <ScRipt>"), Err("invalid-file-markup"));
        assert_eq!(reason(b"%PDF-1.7 <html>"), Err("invalid-file-markup"));
        assert_eq!(reason(b"MZ\x90\0\x03"), Err("invalid-file-kind"));
        assert_eq!(reason(b"PK\x03\x04\0"), Err("invalid-file-kind"));
        assert_eq!(reason(b"RIFF\0\0\0\0WAVE"), Err("invalid-file-kind"));
    }

    proptest! {
        #[test]
        fn whatever_is_given_becomes_a_short_plain_name(given in "\\PC{0,40}|[./\\\\\\x00-\\x20\u{200b}-\u{206f}]{0,20}") {
            let name = name(&given, Kind::Png);
            prop_assert!(name.chars().count() <= 100 && name.ends_with(".png") && name.len() > 4);
            prop_assert!(!name.contains(['/', '\\', '"', '\0', '\r', '\n']) && !name.starts_with('.'));
            let again = FileName::of(&name, Kind::Png);
            prop_assert_eq!(again.as_str(), &name);
        }
    }
}
