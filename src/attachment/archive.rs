//! What an archive is, told by the list of what is in it. Nothing is ever unpacked.
use super::{added::Added, model::unfit};
use crate::error::{Error, Result};
use rawzip::{
    CompressionMethod, ErrorKind, FileReader, RECOMMENDED_BUFFER_SIZE, ReaderAt, ZipLocator,
};
use std::{fs::File, io::Read};

/// The most entries of an archive, and the most bytes of the list of them.
const ENTRIES: usize = 10_000;
const LIST: u64 = 4_000_000;
/// The most bytes that an archive says it unpacks to.
const UNPACKED: u64 = 1_000_000_000;
/// The bytes of an archive's end without a remark.
const END: usize = 22;

/// What stands in archives only to run, or to have something run, when it is opened: programs, scripts, shortcuts, disks, and
/// documents with macros.
const PROGRAMS: &str = "exe com scr pif cpl dll sys drv ocx msi msp msix appx bat cmd ps1 psm1 vb vbs vbe js jse mjs \
    wsf wsh wsc sct hta chm lnk url reg inf gadget jar jnlp apk ipa dmg pkg app command sh deb rpm iso img vhd docm \
    dotm xlsm xltm xlam xlsb pptm potm ppam";

/// `None` if it is whole, but none of the kinds that may be added.
pub fn look(file: &File) -> Result<Option<Added>> {
    let size = file.metadata().map_err(refused)?.len();
    let file = FileReader::from(file.try_clone().map_err(refused)?);
    let (names, paper) = list(file, size)?;
    let any = |is: &dyn Fn(&str) -> bool| names.iter().any(|name| is(name));
    if any(&|name| name == "[content_types].xml") {
        let runs = |name: &str| {
            let last = last(name);
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
        let found: Vec<_> =
            main.into_iter().filter(|(part, _)| any(&|name| name == *part)).collect();
        // Who is two at once is neither.
        return Ok(if let [(_, kind)] = found[..] { Some(kind) } else { None });
    }
    if let Some(told) = paper {
        if any(&|name| name.starts_with("basic/") || name.starts_with("scripts/")) {
            return Err(unfit("invalid-file-macros").into());
        }
        let papers = [Added::Odt, Added::Ods, Added::Odp];
        return Ok(papers.into_iter().find(|kind| kind.media_type().as_bytes() == told));
    }
    let runs = |name: &str| {
        // Windows leaves out what stands behind.
        let last = last(name).trim_end_matches(['.', ' ']);
        let ending = last.rsplit_once('.').map_or("", |(_, ending)| ending);
        PROGRAMS.split(' ').any(|program| program == ending)
            || name.contains(".app/")
            || ["meta-inf/manifest.mf", "androidmanifest.xml", "classes.dex"].contains(&name)
    };
    if any(&runs) { Err(unfit("invalid-file-program").into()) } else { Ok(Some(Added::Zip)) }
}

fn last(name: &str) -> &str {
    name.rsplit(['/', '\\']).next().unwrap_or_default()
}

/// The names of all entries, in small letters, and what the first one of an OpenDocument, which is not packed, says it is. An archive is
/// nothing else: it begins with an entry, none of them lies in another, the list follows, calls each what itself is called, and ends it.
fn list(file: impl ReaderAt, size: u64) -> Result<(Vec<String>, Option<Vec<u8>>)> {
    let mut buffer = vec![0; RECOMMENDED_BUFFER_SIZE];
    let archive = ZipLocator::new()
        .locate_in_reader(file, &mut buffer, size)
        .map_err(|(_, error)| refused(error))?;
    let begins = archive.directory_offset();
    if archive.eocd_offset().abs_diff(begins) > LIST {
        return Err(broken());
    }
    let (mut names, mut places, mut paper, mut unpacked) = (Vec::new(), Vec::new(), None, 0_u64);
    let (mut head, mut entries) = (vec![0; RECOMMENDED_BUFFER_SIZE], archive.entries(&mut buffer));
    while let Some(entry) = entries.next_entry().map_err(refused)? {
        let (name, at) = (entry.file_path().as_bytes(), entry.local_header_offset());
        let there = archive.get_entry(entry.wayfinder()).map_err(refused)?;
        let called = there.local_header(&mut head).map_err(refused)?.file_path();
        let known = String::from_utf8_lossy(name).to_lowercase();
        // Nothing leads out of the folder into which it is unpacked. Names that are hidden are not looked at.
        if name != called.as_bytes()
            || name.is_empty()
            || name.contains(&0)
            || known.starts_with(['/', '\\'])
            || known.split(['/', '\\']).any(|part| part == "..")
            || entry.flags().is_masked()
        {
            return Err(broken());
        }
        if at == 0 && name == b"mimetype" && entry.compression_method() == CompressionMethod::STORE
        {
            let told = paper.insert(Vec::new());
            there.reader().take(100).read_to_end(told).map_err(refused)?;
        }
        unpacked = unpacked.saturating_add(entry.uncompressed_size_hint());
        places.push((at, there.compressed_data_range().1));
        names.push(known);
    }
    places.sort_unstable();
    let fill = places.first().is_some_and(|(first, _)| *first == 0)
        && places.windows(2).all(|two| two[0].1 <= two[1].0)
        && places.last().is_some_and(|(_, last)| *last <= begins);
    if !fill || names.len() > ENTRIES || !ends(archive.get_ref(), size, begins, names.len())? {
        return Err(broken());
    }
    if unpacked > UNPACKED {
        return Err(unfit("invalid-file-unpacked").into());
    }
    Ok((names, paper))
}

/// Whether an archive has one end, up to which the list is as it was read. Which of two counts, each reader decides for itself.
fn ends(file: impl ReaderAt, size: u64, list: u64, count: usize) -> Result<bool> {
    let from = size.saturating_sub(END as u64 + u64::from(u16::MAX));
    let mut tail = vec![0; usize::try_from(size - from).unwrap_or(0)];
    file.read_exact_at(&mut tail, from).map_err(refused)?;
    let mut ends = tail.windows(END).enumerate().filter(|(at, end)| {
        let remark = usize::from(u16::from_le_bytes([end[20], end[21]]));
        end.starts_with(b"PK\x05\x06") && at + END + remark == tail.len()
    });
    let (Some((at, end)), None) = (ends.next(), ends.next()) else { return Ok(false) };
    let length = (from + at as u64).saturating_sub(list);
    let count = (count as u64).to_le_bytes();
    let so =
        [&[0; 4], &count[..2], &count[..2], &length.to_le_bytes()[..4], &list.to_le_bytes()[..4]];
    Ok(end[4..20] == so.concat())
}

fn refused(error: impl Into<rawzip::Error>) -> Error {
    use std::io::ErrorKind::{InvalidInput, UnexpectedEof};
    match error.into().into_kind() {
        // Behind the end, or behind what a file may have.
        ErrorKind::IO(error) if !matches!(error.kind(), UnexpectedEof | InvalidInput) => {
            Error::Unavailable(error.into())
        }
        _ => broken(),
    }
}

fn broken() -> Error {
    unfit("invalid-file-container").into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        /// Whatever stands in an archive, in its list and in its end, it is told or refused.
        #[test]
        fn no_bytes_are_too_odd(bytes in prop::collection::vec(any::<u8>(), 0..400), places in prop::collection::vec(any::<prop::sample::Index>(), 0..6), small in any::<bool>()) {
            // Small numbers lead further than random ones.
            let number = |byte| if small { byte % 9 } else { byte };
            let mut bytes: Vec<u8> = b"PK\x03\x04".iter().copied().chain(bytes.into_iter().map(number)).collect();
            for (place, sign) in places.iter().zip([b"\x01\x02", b"\x05\x06", b"\x06\x07", b"\x06\x06", b"\x03\x04", b"\x05\x06"]) {
                let at = place.index(bytes.len());
                bytes.splice(at..at, [b'P', b'K', sign[0], sign[1]]);
            }
            let size = bytes.len() as u64;
            match list(bytes, size) {
                Ok(_) | Err(Error::Invalid(_)) => {}
                Err(other) => prop_assert!(false, "{other}"),
            }
        }
    }
}
