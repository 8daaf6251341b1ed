//! What whoever reads a picture holds in memory beside the picture itself, as its head tells.
use super::model::Kind;
use std::io::{BufReader, Read, Result, Seek, SeekFrom};

/// In bytes, for a picture of so many pixels, with or without transparency; an error where the head is none, which its reader finds, too.
pub fn of(file: impl Read + Seek, kind: Kind, pixels: u64, clear: bool) -> Result<u64> {
    let mut head = Head { file: BufReader::new(file) };
    match kind {
        Kind::Jpeg => Ok(jpeg(&mut head)?.beside),
        Kind::Webp => webp(&mut head, pixels, clear),
        _ => Ok(0),
    }
}

/// How wide and high a JPEG is, without having its reader take the whole file in.
pub fn size_of_jpeg(file: impl Read + Seek) -> Result<(u32, u32)> {
    Ok(jpeg(&mut Head { file: BufReader::new(file) })?.size)
}

struct Jpeg {
    size: (u32, u32),
    beside: u64,
}

/// Held are the whole file; what of it is told apart from the picture, in parts and put together; and of a picture whose parts come one after the
/// other, as those of a progressive one do, all coefficients, two bytes each.
fn jpeg(head: &mut Head<impl Read + Seek>) -> Result<Jpeg> {
    let whole = head.file.seek(SeekFrom::End(0))?;
    head.file.rewind()?;
    let _start = head.bytes::<2>()?;
    let (mut size, mut told) = ((0, 0), 0);
    let (mut coefficients, mut parts, mut progressive) = (0, 0, false);
    loop {
        while head.byte()? != 0xff {}
        let mut marker = head.byte()?;
        // Both fill the room before a marker.
        while matches!(marker, 0 | 0xff) {
            marker = head.byte()?;
        }
        if matches!(marker, 0x01 | 0xd0..=0xd9) {
            continue;
        }
        let mut left = u64::from(head.number()?).saturating_sub(2);
        match marker {
            0xc0..=0xc2 => {
                progressive |= marker == 0xc2;
                let frame = head.bytes::<6>()?;
                let sampled =
                    (0..frame[5]).map(|_| head.bytes::<3>()).collect::<Result<Vec<_>>>()?;
                left = left.saturating_sub(6 + 3 * sampled.len() as u64);
                parts = sampled.len();
                let side = |place| u32::from(u16::from_be_bytes([frame[place], frame[place + 1]]));
                size = (side(3), side(1));
                coefficients = coefficients.max(coefficients_of(&frame, &sampled));
            }
            0xe0..=0xef => told += left,
            0xda => {
                // Which parts are in the first stretch of the picture.
                let at_once = usize::from(head.byte()?) == parts && !progressive;
                let coefficients = if at_once { 0 } else { 2 * coefficients };
                return Ok(Jpeg { size, beside: whole + 2 * told + coefficients });
            }
            _ => {}
        }
        head.skip(left)?;
    }
}

/// Of 8 × 8 in each block, in whole groups of blocks.
fn coefficients_of(frame: &[u8; 6], sampled: &[[u8; 3]]) -> u64 {
    let number = |place: usize| u64::from(u16::from_be_bytes([frame[place], frame[place + 1]]));
    let (height, width) = (number(1), number(3));
    let across = |part: &[u8; 3]| u64::from(part[1] >> 4).max(1);
    let down = |part: &[u8; 3]| u64::from(part[1] & 0xf).max(1);
    let most = |of: &dyn Fn(&[u8; 3]) -> u64| sampled.iter().map(of).max().unwrap_or(1);
    let groups = width.div_ceil(8 * most(&across)) * height.div_ceil(8 * most(&down));
    sampled.iter().map(|part| groups * across(part) * down(part) * 64).sum()
}

/// One without loss is read with transparency first if it has none, and is held once more as it is written if it has; of one with
/// loss, brightness and colours are read apart, and transparency as a picture of its own.
fn webp(head: &mut Head<impl Read + Seek>, pixels: u64, clear: bool) -> Result<u64> {
    let _riff = head.bytes::<12>()?;
    loop {
        let name = head.bytes::<4>()?;
        match &name {
            b"VP8 " => return Ok(pixels * 3 / 2 + if clear { 5 * pixels } else { 0 }),
            b"VP8L" => return Ok(4 * pixels),
            _ => {}
        }
        let size = u64::from(u32::from_le_bytes(head.bytes()?));
        head.skip(size + (size & 1))?;
    }
}

struct Head<R> {
    file: BufReader<R>,
}

impl<R: Read + Seek> Head<R> {
    fn bytes<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut bytes = [0; N];
        self.file.read_exact(&mut bytes)?;
        Ok(bytes)
    }

    fn byte(&mut self) -> Result<u8> {
        self.bytes().map(|[byte]| byte)
    }

    fn number(&mut self) -> Result<u16> {
        self.bytes().map(u16::from_be_bytes)
    }

    fn skip(&mut self, bytes: u64) -> Result<()> {
        self.file.seek_relative(i64::try_from(bytes).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    fn segment(marker: u8, bytes: &[u8]) -> Vec<u8> {
        let length = u16::try_from(bytes.len() + 2).unwrap().to_be_bytes();
        [&[0xff, marker][..], &length, bytes].concat()
    }

    /// A head of 100 × 60 pixels with three parts, of which so many come first; colours are half as many in both directions.
    fn head(frame: u8, first: u8) -> Vec<u8> {
        let size = [8, 0, 60, 0, 100, 3, 1, 0x22, 0, 2, 0x11, 1, 3, 0x11, 1];
        let scan = segment(0xda, &[&[first][..], &[1, 0, 2, 0, 3, 0, 0, 63, 0]].concat());
        // With a comment that looks like another frame, and room before a marker.
        let comment = segment(0xfe, &segment(0xc2, &size));
        [b"\xff\xd8", &comment[..], b"\0\xff\xff", &segment(frame, &size), &scan, b"rest"].concat()
    }

    #[test]
    fn the_parts_of_a_jpeg_that_come_one_after_the_other_are_held() {
        // 7 × 4 groups of six blocks.
        let held = 7 * 4 * 6 * 64 * 2;
        let jpeg = |bytes: Vec<u8>| of(Cursor::new(bytes), Kind::Jpeg, 6_000, false).ok();
        let plain = head(0xc0, 3);
        let size = plain.len() as u64;
        assert_eq!(size_of_jpeg(Cursor::new(plain.clone())).unwrap(), (100, 60));
        assert_eq!(jpeg(plain.clone()), Some(size));
        assert_eq!(jpeg(head(0xc2, 3)), Some(size + held));
        assert_eq!(jpeg(head(0xc0, 1)), Some(size + held));
        assert_eq!(jpeg(plain[..50].to_vec()), None, "no picture begins");
        let told = segment(0xe2, &[0; 1_000]);
        let with = [&plain[..2], &told, &plain[2..]].concat();
        assert_eq!(jpeg(with), Some(size + 1_004 + 2_000));
    }

    #[test]
    fn a_webp_is_read_by_the_way_it_was_made() {
        let webp = |chunks: &[&[u8; 4]], clear| {
            let each =
                chunks.iter().flat_map(|name| [&name[..], &[3, 0, 0, 0, 1, 1, 1, 0]].concat());
            let bytes: Vec<u8> = b"RIFF\0\0\0\0WEBP".iter().copied().chain(each).collect();
            of(Cursor::new(bytes), Kind::Webp, 1_000, clear).ok()
        };
        assert_eq!(webp(&[b"VP8 "], false), Some(1_500));
        assert_eq!(webp(&[b"VP8L"], false), Some(4_000));
        assert_eq!(webp(&[b"VP8X", b"ALPH", b"VP8 "], true), Some(6_500));
        assert_eq!(webp(&[b"VP8X", b"EXIF"], false), None);
    }
}
