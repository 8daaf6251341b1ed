//! What is taken besides the six once an owner or an admin says so. None of it is drawn anew or shown in a page. Left out is
//! what runs when it is opened, or what something may run in, and what cannot be looked into.

/// A kind that may be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Added {
    Docx,
    Xlsx,
    Pptx,
    Odt,
    Ods,
    Odp,
    Zip,
    Mp3,
    M4a,
    Amr,
    Wav,
    Ogg,
    Mp4,
    Mov,
    Webm,
    Heic,
}

/// Kinds that stand together on the page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Papers,
    Sound,
    Films,
}

impl Group {
    pub const ALL: [Self; 3] = [Self::Papers, Self::Sound, Self::Films];

    /// The key of its name.
    pub fn title(self) -> &'static str {
        match self {
            Self::Papers => "file-kinds-papers",
            Self::Sound => "file-kinds-sound",
            Self::Films => "file-kinds-films",
        }
    }

    pub fn kinds(self) -> &'static [Added] {
        let (papers, rest) = Added::ALL.split_at(7);
        let (sound, films) = rest.split_at(5);
        match self {
            Self::Papers => papers,
            Self::Sound => sound,
            Self::Films => films,
        }
    }
}

/// Whether a head is one of such files, their media type, the key of their name, and how names of them may end.
type About = (fn(&[u8]) -> bool, &'static str, &'static str, &'static [&'static str]);

impl Added {
    /// In the order in which they are listed.
    pub const ALL: [Self; 16] = [
        Self::Docx,
        Self::Xlsx,
        Self::Pptx,
        Self::Odt,
        Self::Ods,
        Self::Odp,
        Self::Zip,
        Self::Mp3,
        Self::M4a,
        Self::Amr,
        Self::Wav,
        Self::Ogg,
        Self::Mp4,
        Self::Mov,
        Self::Webm,
        Self::Heic,
    ];

    fn about(self) -> About {
        use infer::{
            archive::is_zip,
            audio::{is_mp3, is_ogg, is_wav},
            image as picture,
            video::{is_mov, is_webm},
        };
        match self {
            Self::Docx => (
                is_zip,
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "file-kind-docx",
                &["docx"],
            ),
            Self::Xlsx => (
                is_zip,
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                "file-kind-xlsx",
                &["xlsx"],
            ),
            Self::Pptx => (
                is_zip,
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
                "file-kind-pptx",
                &["pptx"],
            ),
            Self::Odt => {
                (is_zip, "application/vnd.oasis.opendocument.text", "file-kind-odt", &["odt"])
            }
            Self::Ods => (
                is_zip,
                "application/vnd.oasis.opendocument.spreadsheet",
                "file-kind-ods",
                &["ods"],
            ),
            Self::Odp => (
                is_zip,
                "application/vnd.oasis.opendocument.presentation",
                "file-kind-odp",
                &["odp"],
            ),
            Self::Zip => (is_zip, "application/zip", "file-kind-zip", &["zip"]),
            Self::Mp3 => (is_mp3, "audio/mpeg", "file-kind-mp3", &["mp3"]),
            Self::M4a => (is_sound, "audio/mp4", "file-kind-m4a", &["m4a", "m4b"]),
            Self::Amr => (is_amr, "audio/amr", "file-kind-amr", &["amr", "awb"]),
            Self::Wav => (is_wav, "audio/wav", "file-kind-wav", &["wav"]),
            Self::Ogg => (is_ogg, "audio/ogg", "file-kind-ogg", &["ogg", "oga", "opus"]),
            Self::Mp4 => (is_film, "video/mp4", "file-kind-mp4", &["mp4", "m4v"]),
            Self::Mov => (is_mov, "video/quicktime", "file-kind-mov", &["mov", "qt"]),
            Self::Webm => (is_webm, "video/webm", "file-kind-webm", &["webm"]),
            Self::Heic => (picture::is_heif, "image/heic", "file-kind-heic", &["heic", "heif"]),
        }
    }

    /// As it is stored and named in forms.
    pub fn word(self) -> &'static str {
        self.endings()[0]
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    /// What a file that begins like this may be, if it is no text. Of an archive what is in it tells which; of a film that may be sound
    /// only, its name.
    pub fn of(head: &[u8]) -> Vec<Self> {
        Self::ALL.into_iter().rev().filter(|kind| (kind.about().0)(head)).collect()
    }

    pub fn media_type(self) -> &'static str {
        self.about().1
    }

    /// The key of its name.
    pub fn title(self) -> &'static str {
        self.about().2
    }

    pub fn endings(self) -> &'static [&'static str] {
        self.about().3
    }

    /// As errors and the log of changes call it, in every language.
    pub fn sign(self) -> String {
        self.word().to_ascii_uppercase()
    }
}

/// Many telephones begin sound as they begin a film.
fn is_sound(head: &[u8]) -> bool {
    infer::audio::is_m4a(head) || head.get(4..12) == Some(b"ftypM4B ") || infer::video::is_mp4(head)
}

fn is_film(head: &[u8]) -> bool {
    infer::video::is_mp4(head) || infer::video::is_m4v(head)
}

/// Of speech; the second for a wider band (RFC 4867, 5.1).
fn is_amr(head: &[u8]) -> bool {
    infer::audio::is_amr(head) || head.starts_with(b"#!AMR-WB\n")
}

/// The kinds that were added here, in the order in which they are listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kinds(Vec<Added>);

impl Kinds {
    /// Each once.
    pub fn of(chosen: &[Added]) -> Self {
        Self(Added::ALL.into_iter().filter(|kind| chosen.contains(kind)).collect())
    }

    /// As they are stored. What a newer kefu may have added is nothing to this one.
    pub fn read(words: &str) -> Self {
        let chosen: Vec<_> = words.split(' ').filter_map(Added::parse).collect();
        Self::of(&chosen)
    }

    pub fn words(&self) -> String {
        self.0.iter().map(|kind| kind.word()).collect::<Vec<_>>().join(" ")
    }

    pub fn has(&self, kind: &Added) -> bool {
        self.0.contains(kind)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Those that others do not have.
    pub fn without(&self, others: &Self) -> Self {
        Self(self.0.iter().copied().filter(|kind| !others.has(kind)).collect())
    }

    /// Behind the endings that are taken anyway, for the `accept` of a page.
    pub fn accepted(&self, always: &str) -> String {
        let endings = self.0.iter().flat_map(|kind| kind.endings());
        endings.fold(always.to_owned(), |all, ending| format!("{all},.{ending}"))
    }

    /// As people read them.
    pub fn signs(&self) -> String {
        self.0.iter().map(|kind| kind.sign()).collect::<Vec<_>>().join(" / ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn each_kind_stands_in_one_group_under_a_word_of_its_own() {
        let grouped: Vec<_> = Group::ALL.into_iter().flat_map(Group::kinds).copied().collect();
        assert_eq!(grouped, Added::ALL);
        assert_eq!(Group::Sound.kinds()[0], Added::Mp3);
        assert_eq!(Group::Films.kinds()[0], Added::Mp4);
        let endings: Vec<_> = Added::ALL.iter().flat_map(|kind| kind.endings()).collect();
        assert_eq!(endings.iter().collect::<BTreeSet<_>>().len(), endings.len());
        for kind in Added::ALL {
            assert_eq!(Added::parse(kind.word()), Some(kind));
            assert!(kind.media_type().len() <= 100, "the column has room for it");
        }
    }

    #[test]
    fn what_is_stored_is_read_again_and_a_newer_word_is_passed_over() {
        let kinds = Kinds::read("zip docx svg zip");
        assert_eq!(kinds, Kinds::of(&[Added::Docx, Added::Zip]));
        assert_eq!(Kinds::read(&kinds.words()), kinds);
        assert_eq!(kinds.accepted(".txt"), ".txt,.docx,.zip");
        assert_eq!(kinds.signs(), "DOCX / ZIP");
        assert_eq!(kinds.without(&Kinds::read("zip")), Kinds::read("docx"));
        assert!(Kinds::read("").is_empty());
    }
}
