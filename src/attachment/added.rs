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

/// How it is put together, which its beginning tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Container {
    /// Also that of offices' papers.
    Zip,
    /// Of films, and of what telephones record and photograph (ISO/IEC 14496-12).
    Boxes,
    Mp3,
    Amr,
    Riff,
    Ogg,
    Matroska,
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

/// Its container, its media type, the key of its name, and how names of such files may end.
type About = (Container, &'static str, &'static str, &'static [&'static str]);

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
        use Container::{Amr, Boxes, Matroska, Mp3, Ogg, Riff, Zip};
        match self {
            Self::Docx => (
                Zip,
                "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
                "file-kind-docx",
                &["docx"],
            ),
            Self::Xlsx => (
                Zip,
                "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                "file-kind-xlsx",
                &["xlsx"],
            ),
            Self::Pptx => (
                Zip,
                "application/vnd.openxmlformats-officedocument.presentationml.presentation",
                "file-kind-pptx",
                &["pptx"],
            ),
            Self::Odt => {
                (Zip, "application/vnd.oasis.opendocument.text", "file-kind-odt", &["odt"])
            }
            Self::Ods => {
                (Zip, "application/vnd.oasis.opendocument.spreadsheet", "file-kind-ods", &["ods"])
            }
            Self::Odp => {
                (Zip, "application/vnd.oasis.opendocument.presentation", "file-kind-odp", &["odp"])
            }
            Self::Zip => (Zip, "application/zip", "file-kind-zip", &["zip"]),
            Self::Mp3 => (Mp3, "audio/mpeg", "file-kind-mp3", &["mp3"]),
            Self::M4a => (Boxes, "audio/mp4", "file-kind-m4a", &["m4a", "m4b"]),
            Self::Amr => (Amr, "audio/amr", "file-kind-amr", &["amr", "awb"]),
            Self::Wav => (Riff, "audio/wav", "file-kind-wav", &["wav"]),
            Self::Ogg => (Ogg, "audio/ogg", "file-kind-ogg", &["ogg", "oga", "opus"]),
            Self::Mp4 => (Boxes, "video/mp4", "file-kind-mp4", &["mp4", "m4v"]),
            Self::Mov => (Boxes, "video/quicktime", "file-kind-mov", &["mov", "qt"]),
            Self::Webm => (Matroska, "video/webm", "file-kind-webm", &["webm"]),
            Self::Heic => (Boxes, "image/heic", "file-kind-heic", &["heic", "heif"]),
        }
    }

    /// As it is stored and named in forms.
    pub fn word(self) -> &'static str {
        self.endings()[0]
    }

    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }

    pub fn container(self) -> Container {
        self.about().0
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

impl Container {
    /// What begins like this is looked at as such a one, and is otherwise nothing.
    pub fn of(head: &[u8]) -> Option<Self> {
        let at = |place: usize| head.get(place).copied().unwrap_or_default();
        if head.starts_with(b"PK\x03\x04") {
            return Some(Self::Zip);
        }
        if head.get(4..8) == Some(b"ftyp") {
            return Some(Self::Boxes);
        }
        // A text may begin with these three letters, but not with the number of a version.
        let tagged = head.starts_with(b"ID3") && matches!(at(3), 2..=4);
        if tagged || (at(0) == 0xff && at(1) & 0xe6 == 0xe2) {
            return Some(Self::Mp3);
        }
        if head.starts_with(b"#!AMR\n") || head.starts_with(b"#!AMR-WB\n") {
            return Some(Self::Amr);
        }
        if head.starts_with(b"RIFF") && head.get(8..12) == Some(b"WAVE") {
            return Some(Self::Riff);
        }
        if head.starts_with(b"OggS") {
            return Some(Self::Ogg);
        }
        head.starts_with(b"\x1a\x45\xdf\xa3").then_some(Self::Matroska)
    }
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

    /// Whether any of them is put together like this.
    pub fn use_container(&self, container: Container) -> bool {
        self.0.iter().any(|kind| kind.container() == container)
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
