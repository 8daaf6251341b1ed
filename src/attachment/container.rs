//! What a file of a kind that was added really is: its structure is walked where it stands, in bounds and to its end. Nothing is
//! ever unpacked.
use super::{
    added::{Added, Container},
    model::unfit,
};
use crate::error::{Error, Invalid, Result};
use std::io::{BufReader, ErrorKind, Read, Seek, SeekFrom};

/// The most entries of an archive, and the most bytes of the list of them.
const ENTRIES: usize = 10_000;
const LIST: u64 = 4_000_000;
/// The most bytes that an archive says it unpacks to.
const UNPACKED: u64 = 1_000_000_000;
/// The most boxes that stand in one of a film's.
const BOXES: usize = 2_000;
/// So many sounds of an MP3 are looked at; what follows them may be of players' own making.
const SOUNDS: usize = 4;

/// What stands in archives only to run, or to have something run, when it is opened: programs, scripts, shortcuts, disks, and
/// documents with macros.
const PROGRAMS: &[&str] = &[
    "exe", "com", "scr", "pif", "cpl", "dll", "sys", "drv", "ocx", "msi", "msp", "msix", "appx",
    "bat", "cmd", "ps1", "psm1", "vb", "vbs", "vbe", "js", "jse", "mjs", "wsf", "wsh", "wsc",
    "sct", "hta", "chm", "lnk", "url", "reg", "inf", "gadget", "jar", "jnlp", "apk", "ipa", "dmg",
    "pkg", "app", "command", "sh", "deb", "rpm", "iso", "img", "vhd", "docm", "dotm", "xlsm",
    "xltm", "xlam", "xlsb", "pptm", "potm", "ppam",
];

/// What it is; `None` if it is whole, but none of the kinds that may be added.
pub fn look(file: impl Read + Seek, container: Container) -> Result<Option<Added>> {
    let mut file = Walk::new(file)?;
    match container {
        Container::Zip => archive(&mut file),
        Container::Boxes => film(&mut file),
        Container::Mp3 => mp3(&mut file),
        Container::Amr => amr(&mut file),
        Container::Riff => wav(&mut file),
        Container::Ogg => ogg(&mut file),
        Container::Matroska => webm(&mut file),
    }
}

// ── archives ──

/// An entry as the list at an archive's end has it.
struct Entry {
    /// As it is written, and in small letters for whoever looks for something.
    name: Vec<u8>,
    known: String,
    stored: bool,
    /// In bytes.
    packed: u64,
    unpacked: u64,
    /// Where it stands.
    at: u64,
}

fn archive(file: &mut Walk<impl Read + Seek>) -> Result<Option<Added>> {
    let entries = entries(file)?;
    let has = |name: &str| entries.iter().any(|entry| entry.known == name);
    let any = |is: &dyn Fn(&str) -> bool| entries.iter().any(|entry| is(&entry.known));
    if has("[content_types].xml") {
        let runs = |name: &str| {
            let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
            last.starts_with("vbaproject")
                || last.starts_with("vbadata")
                || name.contains("/macrosheets/")
                || name.contains("/activex/")
        };
        if any(&runs) {
            return Err(unfit("invalid-file-macros").into());
        }
        let main = [
            ("word/document.xml", Added::Docx),
            ("xl/workbook.xml", Added::Xlsx),
            ("ppt/presentation.xml", Added::Pptx),
        ];
        let found: Vec<_> = main.into_iter().filter(|(name, _)| has(name)).collect();
        // Who is two at once is neither.
        return Ok(if let [(_, kind)] = found[..] { Some(kind) } else { None });
    }
    if let [first, ..] = &entries[..]
        && first.name == b"mimetype"
    {
        if any(&|name| name.starts_with("basic/") || name.starts_with("scripts/")) {
            return Err(unfit("invalid-file-macros").into());
        }
        return paper(file, first);
    }
    let runs = |name: &str| {
        // Windows leaves out what stands behind.
        let last = name.rsplit(['/', '\\']).next().unwrap_or_default().trim_end_matches(['.', ' ']);
        let ending = last.rsplit_once('.').map_or("", |(_, ending)| ending);
        PROGRAMS.contains(&ending)
            || name.contains(".app/")
            || ["meta-inf/manifest.mf", "androidmanifest.xml", "classes.dex"].contains(&name)
    };
    if any(&runs) {
        return Err(unfit("invalid-file-program").into());
    }
    if entries.iter().map(|entry| entry.unpacked).sum::<u64>() > UNPACKED {
        return Err(unfit("invalid-file-unpacked").into());
    }
    Ok(Some(Added::Zip))
}

/// An OpenDocument says in its first entry, which is not packed, what it is.
fn paper(file: &mut Walk<impl Read + Seek>, first: &Entry) -> Result<Option<Added>> {
    let [name, extra] = [26, 28].map(|place| file.small(first.at + place));
    let words = first.at + 30 + u64::from(name?) + u64::from(extra?);
    if !first.stored || first.packed > 100 {
        return Ok(None);
    }
    let mut told = vec![0; usize::try_from(first.packed).unwrap_or(0)];
    file.fill(words, &mut told)?;
    let papers = [Added::Odt, Added::Ods, Added::Odp];
    Ok(papers.into_iter().find(|kind| kind.media_type().as_bytes() == told))
}

/// In the order in which they stand. An archive is nothing else: it begins with its first entry, none of them lies in another, the list
/// of them follows, says of each what itself says, and ends it.
fn entries(file: &mut Walk<impl Read + Seek>) -> Result<Vec<Entry>> {
    let end = end_of_list(file)?;
    let [disk, of] = [4, 6].map(|place| file.small(end + place));
    let [here, all] = [8, 10].map(|place| file.small(end + place));
    let [length, list] = [12, 16].map(|place| file.large(end + place));
    let (count, length, list) = (usize::from(all?), u64::from(length?), u64::from(list?));
    let one = disk? == 0 && of? == 0 && usize::from(here?) == count;
    if !one || count == 0 || count > ENTRIES || length > LIST || list + length != end {
        return Err(broken());
    }
    let (mut entries, mut at) = (Vec::with_capacity(count), list);
    for _ in 0..count {
        let (entry, next) = listed(file, at)?;
        entries.push(entry);
        at = next;
    }
    if at != end {
        return Err(broken());
    }
    entries.sort_by_key(|entry| entry.at);
    let mut free = 0;
    for (place, entry) in entries.iter().enumerate() {
        let name = entry.name.len() as u64;
        let there = file.bytes::<4>(entry.at)? == *b"PK\x03\x04"
            && u64::from(file.small(entry.at + 26)?) == name;
        let mut called = vec![0; entry.name.len()];
        file.fill(entry.at + 30, &mut called)?;
        let is_first = place > 0 || entry.at == 0;
        if !there || called != entry.name || entry.at < free || !is_first {
            return Err(broken());
        }
        free = entry.at + 30 + name + u64::from(file.small(entry.at + 28)?) + entry.packed;
    }
    if free > list { Err(broken()) } else { Ok(entries) }
}

/// An entry of the list, and where the next one is.
fn listed(file: &mut Walk<impl Read + Seek>, at: u64) -> Result<(Entry, u64)> {
    let head = file.bytes::<46>(at)?;
    let small = |place: usize| u16::from_le_bytes([head[place], head[place + 1]]);
    let large = |place: usize| u64::from(small(place)) | u64::from(small(place + 2)) << 16;
    // Names that are hidden are not looked at.
    if head[..4] != *b"PK\x01\x02" || small(8) & 1 << 13 != 0 {
        return Err(broken());
    }
    let mut name = vec![0; usize::from(small(28))];
    file.fill(at + 46, &mut name)?;
    let known = String::from_utf8_lossy(&name).to_lowercase();
    // Nothing leads out of the folder into which it is unpacked.
    if name.is_empty()
        || name.contains(&0)
        || known.starts_with(['/', '\\'])
        || known.split(['/', '\\']).any(|part| part == "..")
    {
        return Err(broken());
    }
    let entry = Entry {
        known,
        stored: small(10) == 0,
        packed: large(20),
        unpacked: large(24),
        at: large(42),
        name,
    };
    let next = at + 46 + u64::from(small(28)) + u64::from(small(30)) + u64::from(small(32));
    Ok((entry, next))
}

/// Where the end of an archive begins, behind which a remark of its maker may stand and nothing else.
fn end_of_list(file: &mut Walk<impl Read + Seek>) -> Result<u64> {
    const SIZE: u64 = 22;
    let from = file.size.saturating_sub(SIZE + u64::from(u16::MAX));
    let mut tail = vec![0; usize::try_from(file.size - from).unwrap_or(0)];
    file.fill(from, &mut tail)?;
    let is_end = |part: &[u8]| {
        part.starts_with(b"PK\x05\x06")
            && part.get(20..22).is_some_and(|remark| {
                usize::from(u16::from_le_bytes([remark[0], remark[1]])) == part.len() - 22
            })
    };
    let mut ends = (0..tail.len()).filter(|place| is_end(&tail[*place..]));
    match (ends.next(), ends.next()) {
        (Some(end), None) => Ok(from + end as u64),
        // Which of two ends counts, each reader decides for itself.
        _ => Err(broken()),
    }
}

// ── films, and what telephones make ──

/// A box: what it is, and where what is in it begins and ends.
type Part = ([u8; 4], u64, u64);

fn film(file: &mut Walk<impl Read + Seek>) -> Result<Option<Added>> {
    let size = file.size;
    let whole = boxes(file, 0, size)?;
    let [(_, from, to), ..] = whole[..] else { return Err(broken()) };
    if !(8..=1_000).contains(&(to - from)) {
        return Err(broken());
    }
    let mut brands = vec![file.bytes::<4>(from)?];
    for at in (from + 8..to.saturating_sub(3)).step_by(4) {
        brands.push(file.bytes::<4>(at)?);
    }
    let is = |names: &[&[u8; 4]]| brands.iter().any(|brand| names.contains(&brand));
    let there = |name: &[u8; 4]| whole.iter().any(|(tag, ..)| tag == name);
    if there(b"meta") && !there(b"moov") {
        let heic = is(&[b"heic", b"heix", b"heim", b"heis"]) && !is(&[b"avif", b"avis"]);
        return Ok(heic.then_some(Added::Heic));
    }
    let Some((_, from, to)) = whole.iter().find(|(tag, ..)| tag == b"moov").copied() else {
        return Ok(None);
    };
    let (mut seen, mut heard) = (false, false);
    for (tag, from, to) in boxes(file, from, to)? {
        if &tag == b"trak" {
            let handler = handler(file, from, to)?;
            seen |= handler == Some(*b"vide");
            heard |= handler == Some(*b"soun");
        }
    }
    let quick_time = brands[0] == *b"qt  ";
    let known =
        [b"iso", b"mp4", b"avc", b"M4V", b"M4A", b"M4B", b"MSN", b"das", b"XAV", b"mmp", b"f4v"];
    let mp4 = known.iter().any(|start| brands[0].starts_with(*start));
    Ok(match (seen, heard) {
        (true, _) if quick_time => Some(Added::Mov),
        (true, _) if mp4 => Some(Added::Mp4),
        (false, true) if mp4 => Some(Added::M4a),
        _ => None,
    })
}

/// What a track of a film is for.
fn handler(file: &mut Walk<impl Read + Seek>, from: u64, to: u64) -> Result<Option<[u8; 4]>> {
    let find = |within: Vec<Part>, name: &[u8; 4]| within.into_iter().find(|(tag, ..)| tag == name);
    let Some((_, from, to)) = find(boxes(file, from, to)?, b"mdia") else { return Ok(None) };
    let Some((_, from, to)) = find(boxes(file, from, to)?, b"hdlr") else { return Ok(None) };
    if to - from < 12 { Err(broken()) } else { file.bytes(from + 8).map(Some) }
}

/// Those that fill a stretch of the file, one behind the other.
fn boxes(file: &mut Walk<impl Read + Seek>, from: u64, to: u64) -> Result<Vec<Part>> {
    let (mut all, mut at) = (Vec::new(), from);
    while at < to {
        // QuickTime ends a list with four zeros.
        if to - at == 4 && file.bytes::<4>(at)? == [0; 4] {
            break;
        }
        let size = u64::from(u32::from_be_bytes(file.bytes(at)?));
        let tag = file.bytes::<4>(at + 4)?;
        let (head, size) = match size {
            0 => (8, to - at),
            1 => (16, u64::from_be_bytes(file.bytes(at + 8)?)),
            size => (8, size),
        };
        let end =
            at.checked_add(size).filter(|end| size >= head && *end <= to).ok_or_else(broken)?;
        if all.len() == BOXES {
            return Err(broken());
        }
        all.push((tag, at + head, end));
        at = end;
    }
    Ok(all)
}

// ── sounds ──

fn mp3(file: &mut Walk<impl Read + Seek>) -> Result<Option<Added>> {
    let mut at = 0;
    if file.bytes::<3>(0)? == *b"ID3" {
        let [_, _, _, _, _, flags, size @ ..] = file.bytes::<10>(0)?;
        if size.iter().any(|byte| byte & 0x80 != 0) {
            return Err(broken());
        }
        let size = size.iter().fold(0, |size, byte| size << 7 | u64::from(*byte));
        at = 10 + size + if flags & 0x10 == 0 { 0 } else { 10 };
        // Room that was left for more.
        let until = at + 4_096;
        while at < until && at < file.size && file.bytes::<1>(at)? == [0] {
            at += 1;
        }
    }
    for sound in 0..SOUNDS {
        if sound > 0 && at == file.size {
            break;
        }
        at += length_of_sound(file.bytes(at)?).ok_or_else(broken)?;
    }
    if at > file.size { Err(broken()) } else { Ok(Some(Added::Mp3)) }
}

/// In bytes, of a frame of MPEG audio, layer III, with its head; `None` if that is none.
fn length_of_sound([sync, version, rates, _]: [u8; 4]) -> Option<u64> {
    const FIRST: [u64; 15] = [0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320];
    const SECOND: [u64; 15] = [0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160];
    if sync != 0xff || version & 0xe6 != 0xe2 {
        return None;
    }
    let rate = *[44_100, 48_000, 32_000].get(usize::from(rates >> 2 & 3))?;
    let (bits, coefficient, rate) = match version >> 3 & 3 {
        0 => (SECOND, 72_000, rate / 4),
        2 => (SECOND, 72_000, rate / 2),
        3 => (FIRST, 144_000, rate),
        _ => return None,
    };
    let bits = *bits.get(usize::from(rates >> 4)).filter(|bits| **bits > 0)?;
    Some(coefficient * bits / rate + u64::from(rates >> 1 & 1))
}

/// Frames up to the end, each of the length that its head says (RFC 4867, 5.3).
fn amr(file: &mut Walk<impl Read + Seek>) -> Result<Option<Added>> {
    const NARROW: [u64; 9] = [12, 13, 15, 17, 19, 20, 26, 31, 5];
    const WIDE: [u64; 10] = [17, 23, 32, 36, 40, 46, 50, 58, 60, 5];
    let wide = file.bytes::<6>(0)? != *b"#!AMR\n";
    let (lengths, mut at) = if wide { (&WIDE[..], 9) } else { (&NARROW[..], 6) };
    if at == file.size {
        return Err(broken());
    }
    while at < file.size {
        let [head] = file.bytes(at)?;
        let kind = usize::from(head >> 3 & 0xf);
        // Nothing was heard, or it was lost.
        let silent = if wide && kind == 14 || kind == 15 { Some(0) } else { None };
        let length = lengths.get(kind).copied().or(silent).filter(|_| head & 0x83 == 0);
        at += 1 + length.ok_or_else(broken)?;
    }
    if at > file.size { Err(broken()) } else { Ok(Some(Added::Amr)) }
}

fn wav(file: &mut Walk<impl Read + Seek>) -> Result<Option<Added>> {
    let (mut format, mut sound, mut at) = (false, false, 12);
    if u64::from(file.large(4)?) + 8 > file.size + 1 {
        return Err(broken());
    }
    while at + 8 <= file.size {
        let name = file.bytes::<4>(at)?;
        let size = u64::from(file.large(at + 4)?);
        format |= name == *b"fmt " && size >= 16;
        sound |= name == *b"data" && format;
        // Each begins at an even place; the last one may leave that to its reader.
        at += 8 + size;
        if at > file.size {
            return Err(broken());
        }
        at += size & 1;
    }
    if format && sound { Ok(Some(Added::Wav)) } else { Err(broken()) }
}

/// Pages up to the end (RFC 3533).
fn ogg(file: &mut Walk<impl Read + Seek>) -> Result<Option<Added>> {
    let (mut at, mut first) = (0, None);
    while at < file.size {
        let head = file.bytes::<27>(at)?;
        if head[..5] != *b"OggS\0" {
            return Err(broken());
        }
        let mut lengths = vec![0; usize::from(head[26])];
        file.fill(at + 27, &mut lengths)?;
        let (begins, length) =
            (at + 27 + lengths.len() as u64, lengths.iter().copied().map(u64::from).sum::<u64>());
        if first.is_none() {
            let mut said = vec![0; usize::try_from(length.min(8)).unwrap_or(0)];
            file.fill(begins, &mut said)?;
            first = Some(said);
        }
        at = begins + length;
    }
    let heard: [&[u8]; 4] = [b"OpusHead", b"\x01vorbis", b"Speex   ", b"\x7fFLAC"];
    let is_sound = first.is_some_and(|said| heard.iter().any(|start| said.starts_with(start)));
    if at > file.size { Err(broken()) } else { Ok(is_sound.then_some(Added::Ogg)) }
}

// ── WebM ──

/// Its head says that it is one, and the segment behind it fills the rest (RFC 8794, RFC 9559).
fn webm(file: &mut Walk<impl Read + Seek>) -> Result<Option<Added>> {
    let (head, mut at) = file.length(4)?;
    let head = head.filter(|length| *length <= 1_000).ok_or_else(broken)?;
    let end = at + head;
    let mut kind = Vec::new();
    while at < end {
        // Names of elements in this head have one byte or two.
        let [first] = file.bytes(at)?;
        let name = if first & 0x80 == 0 { 2 } else { 1 };
        let is_kind = file.bytes::<2>(at)? == [0x42, 0x82];
        let (length, from) = file.length(at + name)?;
        let length =
            length.filter(|length| *length <= end.saturating_sub(from)).ok_or_else(broken)?;
        if is_kind {
            kind = vec![0; usize::try_from(length).unwrap_or(0)];
            file.fill(from, &mut kind)?;
        }
        at = from + length;
    }
    if file.bytes::<4>(end)? != [0x18, 0x53, 0x80, 0x67] {
        return Err(broken());
    }
    let (length, from) = file.length(end + 4)?;
    let whole = length.is_none_or(|length| from.saturating_add(length) <= file.size);
    if !whole { Err(broken()) } else { Ok((kind == b"webm").then_some(Added::Webm)) }
}

// ── reading ──

/// A file that is read here and there.
struct Walk<R: Read + Seek> {
    file: BufReader<R>,
    at: u64,
    /// In bytes.
    size: u64,
}

impl<R: Read + Seek> Walk<R> {
    fn new(mut file: R) -> Result<Self> {
        let size = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
        file.rewind().map_err(unreadable)?;
        Ok(Self { file: BufReader::new(file), at: 0, size })
    }

    /// What stands at a place. Behind the end nothing does.
    fn fill(&mut self, at: u64, into: &mut [u8]) -> Result<()> {
        let length = into.len() as u64;
        if at.checked_add(length).is_none_or(|end| end > self.size) {
            return Err(broken());
        }
        let way = i64::try_from(at).unwrap_or(i64::MAX) - i64::try_from(self.at).unwrap_or(0);
        self.file.seek_relative(way).map_err(unreadable)?;
        self.file.read_exact(into).map_err(|error| match error.kind() {
            ErrorKind::UnexpectedEof => broken(),
            _ => unreadable(error),
        })?;
        self.at = at + length;
        Ok(())
    }

    fn bytes<const N: usize>(&mut self, at: u64) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.fill(at, &mut bytes)?;
        Ok(bytes)
    }

    fn small(&mut self, at: u64) -> Result<u16> {
        self.bytes(at).map(u16::from_le_bytes)
    }

    fn large(&mut self, at: u64) -> Result<u32> {
        self.bytes(at).map(u32::from_le_bytes)
    }

    /// A length as WebM writes it, `None` for one that was not known, and where what follows begins.
    fn length(&mut self, at: u64) -> Result<(Option<u64>, u64)> {
        let [first] = self.bytes(at)?;
        let more = first.leading_zeros();
        if more > 7 {
            return Err(broken());
        }
        let mut value = u64::from(first) & (0x7f >> more);
        let mut unknown = value == 0x7f >> more;
        for place in 1..=u64::from(more) {
            let [byte] = self.bytes(at + place)?;
            value = value << 8 | u64::from(byte);
            unknown &= byte == 0xff;
        }
        Ok(((!unknown).then_some(value), at + 1 + u64::from(more)))
    }
}

fn broken() -> Error {
    const BROKEN: Invalid = unfit("invalid-file-container");
    BROKEN.into()
}

fn unreadable(error: std::io::Error) -> Error {
    Error::Unavailable(error.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::io::Cursor;

    const HEADS: [&[u8]; 9] = [
        b"PK\x03\x04",
        b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom",
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic",
        b"ID3\x04\0\0\0\0\0\0",
        b"\xff\xfb\x90\0",
        b"#!AMR\n",
        b"RIFF\x24\0\0\0WAVEfmt ",
        b"OggS\0\x02",
        b"\x1a\x45\xdf\xa3\x87\x42\x82\x84webm\x18\x53\x80\x67",
    ];

    #[test]
    fn a_sound_is_as_long_as_its_head_says() {
        // 128 kbit/s at 44.1 kHz, with and without a byte more; the second version; what is no head.
        assert_eq!(length_of_sound([0xff, 0xfb, 0x90, 0]), Some(417));
        assert_eq!(length_of_sound([0xff, 0xfb, 0x92, 0]), Some(418));
        assert_eq!(length_of_sound([0xff, 0xf3, 0x80, 0]), Some(208));
        for none in [[0xff, 0xfb, 0xf0, 0], [0xff, 0xfb, 0x9c, 0], [0xff, 0xff, 0x90, 0], [0; 4]] {
            assert_eq!(length_of_sound(none), None, "{none:?}");
        }
    }

    proptest! {
        /// Whatever stands behind a beginning that promises something, it is told or refused.
        #[test]
        fn no_bytes_are_too_odd(head in prop::sample::select(&HEADS[..]), rest in prop::collection::vec(any::<u8>(), 0..400), small in any::<bool>()) {
            // Small numbers lead further than random ones.
            let rest = rest.into_iter().map(|byte| if small { byte % 9 } else { byte });
            let bytes: Vec<u8> = head.iter().copied().chain(rest).collect();
            let container = Container::of(&bytes).unwrap();
            match look(Cursor::new(bytes), container) {
                Ok(_) | Err(Error::Invalid(_)) => {}
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }
}
