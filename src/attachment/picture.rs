//! Pictures are drawn anew: what was hidden in them, where they were taken and whatever is no picture stays behind.
use super::{
    beside,
    model::{Kind, unfit},
    turned::{Turned, is_quarter},
};
use crate::{
    app::Kept,
    error::{Error, Invalid, Result},
};
use gif::{ColorOutput, DecodeOptions, Encoder, Frame, MemoryLimit, Repeat};
use image::{
    DynamicImage, ExtendedColorType, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Limits,
    codecs::{
        jpeg::JpegEncoder,
        webp::{WebPDecoder, WebPEncoder},
    },
    metadata::Orientation,
};
use std::{
    fs::File,
    io::{BufReader, BufWriter, Seek, Write},
    num::NonZeroU64,
    sync::Arc,
    time::{Duration, Instant},
};
use tempfile::NamedTempFile;
use tokio::{sync::Semaphore, time::timeout};

/// The most pixels of a picture, or of all pictures of a moving one together.
const PIXELS: u64 = 40_000_000;
/// The most bytes that a picture may take: as it is read, what its reader holds beside, and once more where that is not as it is kept.
const MEMORY: u64 = 128 * 1024 * 1024;
/// Of these, for lines and tables.
const SPARE: u64 = 4 * 1024 * 1024;
/// The longest that drawing may take.
const LONGEST: Duration = Duration::from_secs(10);
/// The most pictures in a moving one.
const FRAMES: usize = 1_000;
/// So much of a PNG is packed at once, in bytes.
const PIECE: usize = 64 * 1024;
/// Of 100: what the eye cannot tell from the picture it was.
const QUALITY: u8 = 88;

/// Memory for pictures is shared out by their pixels: a place is a million, and a picture takes half of all at least, so that at
/// most two are drawn at once.
const PLACES: u32 = 40;

#[derive(Debug)]
struct Easels(Arc<Semaphore>);

impl Default for Easels {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(PLACES as usize)))
    }
}

/// A picture as it is kept.
#[derive(Debug)]
pub struct Drawn {
    pub file: NamedTempFile,
    pub kind: Kind,
    pub width: u32,
    pub height: u32,
}

/// Draws a picture anew into another file; as a PNG of at most `side` pixels each way, if that is wished.
pub async fn draw(
    kept: &Kept,
    from: NamedTempFile,
    kind: Kind,
    side: Option<u32>,
    into: NamedTempFile,
) -> Result<Drawn> {
    let (from, pixels) = blocking(move || {
        let pixels = pixels(&from, kind)?;
        Ok((from, pixels))
    })
    .await?;
    let places = u32::try_from(pixels / 1_000_000 + 1).unwrap_or(PLACES).clamp(PLACES / 2, PLACES);
    let easels = kept.of::<Easels>();
    let turn = easels.0.clone().acquire_many_owned(places);
    let turn = timeout(2 * LONGEST, turn)
        .await
        .map_err(|_| Error::RateLimited { retry_after: LONGEST })?;
    let drawing = blocking(move || {
        // Held until it is done, even if nobody waits any longer.
        let _turn = turn;
        redraw(&from, kind, side, into)
    });
    timeout(LONGEST, drawing).await.unwrap_or(Err(unfit("invalid-file-slow").into()))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(Error::internal)?
}

fn pixels(from: &NamedTempFile, kind: Kind) -> Result<u64> {
    let source = source(from)?;
    let (width, height) = match kind {
        Kind::Gif => {
            let gif = DecodeOptions::new().read_info(source).map_err(|_| broken())?;
            (gif.width().into(), gif.height().into())
        }
        Kind::Jpeg => beside::size_of_jpeg(source).map_err(|_| broken())?,
        _ => reader(source, kind)?.into_dimensions().map_err(|_| broken())?,
    };
    let pixels = u64::from(width) * u64::from(height);
    match pixels {
        0 => Err(broken()),
        _ if pixels > PIXELS => Err(unfit("invalid-file-pixels").into()),
        pixels => Ok(pixels),
    }
}

fn redraw(
    from: &NamedTempFile,
    kind: Kind,
    side: Option<u32>,
    into: NamedTempFile,
) -> Result<Drawn> {
    let mut out = BufWriter::new(into.as_file());
    let (kind, width, height) = match kind {
        Kind::Gif => {
            let (width, height) = redraw_moving(source(from)?, &mut out)?;
            (Kind::Gif, width.into(), height.into())
        }
        kind => {
            if kind == Kind::Webp
                && WebPDecoder::new(source(from)?).map_err(|_| broken())?.has_animation()
            {
                return Err(unfit("invalid-file-moving").into());
            }
            let Read { mut picture, turned } = read(from, kind, side)?;
            let kind = if side.is_some() { Kind::Png } else { kind };
            if let Some(side) = side.filter(|side| picture.width().max(picture.height()) > *side) {
                picture = picture.thumbnail(side, side);
            }
            write(picture, turned, kind, &mut out)?
        }
    };
    out.flush().map_err(no_room)?;
    drop(out);
    Ok(Drawn { file: into, kind, width, height })
}

/// A picture as it is stored, and how it is to be turned to stand the way its camera was held.
struct Read {
    picture: DynamicImage,
    turned: Orientation,
}

fn read(from: &NamedTempFile, kind: Kind, side: Option<u32>) -> Result<Read> {
    let mut decoder = reader(source(from)?, kind)?.into_decoder().map_err(|_| broken())?;
    let (read, color) = (decoder.total_bytes(), decoder.color_type());
    let channels = u64::from(color.channel_count());
    let deep = u64::from(color.bytes_per_pixel()) > channels;
    let (width, height) = decoder.dimensions();
    let pixels = u64::from(width) * u64::from(height);
    let kept = if deep { pixels * channels } else { 0 };
    let turned = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    // A JPEG is written as it is seen; what is made small is turned then.
    let is_jpeg = kind == Kind::Jpeg || (kind == Kind::Webp && !color.has_alpha());
    let again = is_quarter(turned) && !is_jpeg && side.is_none();
    let again = if again { pixels * channels } else { 0 };
    let beside =
        beside::of(source(from)?, kind, pixels, color.has_alpha()).map_err(|_| broken())?;
    // What was read at first is gone before it is turned.
    let most = read.saturating_add(kept.max(again).max(beside));
    if most > MEMORY - SPARE {
        return Err(unfit("invalid-file-pixels").into());
    }
    let picture = DynamicImage::from_decoder(decoder).map_err(|_| broken())?;
    let picture = match (picture.color().has_color(), picture.color().has_alpha()) {
        (true, true) => DynamicImage::from(picture.into_rgba8()),
        (true, false) => picture.into_rgb8().into(),
        (false, true) => picture.into_luma_alpha8().into(),
        (false, false) => picture.into_luma8().into(),
    };
    Ok(Read { picture, turned })
}

/// As what it was, except that WebP of photographs, of which no encoder is as small as the picture was, becomes JPEG.
fn write(
    mut picture: DynamicImage,
    turned: Orientation,
    kind: Kind,
    mut out: impl Write,
) -> Result<(Kind, u32, u32)> {
    let opaque = !picture.color().has_alpha();
    if matches!(kind, Kind::Jpeg | Kind::Webp) && opaque && is_quarter(turned) {
        let mut jpeg = JpegEncoder::new_with_quality(&mut out, QUALITY);
        let written = match &picture {
            DynamicImage::ImageLuma8(picture) => jpeg.encode_image(&Turned { picture, by: turned }),
            DynamicImage::ImageRgb8(picture) => jpeg.encode_image(&Turned { picture, by: turned }),
            _ => return Err(broken()),
        };
        written.map_err(not_drawn)?;
        return Ok((Kind::Jpeg, picture.height(), picture.width()));
    }
    picture.apply_orientation(turned);
    let (bytes, width, height) = (picture.as_bytes(), picture.width(), picture.height());
    let color = ExtendedColorType::from(picture.color());
    let written = match kind {
        Kind::Jpeg | Kind::Webp if opaque => JpegEncoder::new_with_quality(&mut out, QUALITY)
            .write_image(bytes, width, height, color),
        Kind::Webp => WebPEncoder::new_lossless(&mut out).write_image(bytes, width, height, color),
        _ => {
            write_png(&picture, &mut out).map_err(|error| match error {
                png::EncodingError::IoError(error) => no_room(error),
                other => Error::internal(other),
            })?;
            Ok(())
        }
    };
    written.map_err(not_drawn)?;
    let kind = if kind == Kind::Webp && opaque { Kind::Jpeg } else { kind };
    Ok((kind, width, height))
}

/// Packed piece by piece on its way out: what is packed may be large, too.
fn write_png(picture: &DynamicImage, out: impl Write) -> Result<(), png::EncodingError> {
    let mut png = png::Encoder::new(out, picture.width(), picture.height());
    png.set_color(match (picture.color().has_color(), picture.color().has_alpha()) {
        (true, true) => png::ColorType::Rgba,
        (true, false) => png::ColorType::Rgb,
        (false, true) => png::ColorType::GrayscaleAlpha,
        (false, false) => png::ColorType::Grayscale,
    });
    png.set_depth(png::BitDepth::Eight);
    png.set_compression(png::Compression::Fast);
    let mut png = png.write_header()?;
    let mut lines = png.stream_writer_with_size(PIECE)?;
    lines.write_all(picture.as_bytes())?;
    lines.finish()?;
    png.finish()
}

/// Each of its pictures with its own colours; whatever stands between them is left out.
fn redraw_moving(source: BufReader<File>, out: impl Write) -> Result<(u16, u16)> {
    let began = Instant::now();
    let mut options = DecodeOptions::new();
    options.set_color_output(ColorOutput::Indexed);
    options.check_frame_consistency(true);
    options.set_memory_limit(
        NonZeroU64::new(MEMORY).map_or(MemoryLimit::Unlimited, MemoryLimit::Bytes),
    );
    let mut moving = options.read_info(source).map_err(|_| broken())?;
    let (width, height) = (moving.width(), moving.height());
    let colours = moving.global_palette().unwrap_or_default().to_vec();
    let mut drawn = Encoder::new(out, width, height, &colours).map_err(drawing)?;
    let (mut frames, mut pixels) = (0, 0);
    while let Some(frame) = moving.read_next_frame().map_err(|_| broken())? {
        // The reader has put the lines into their order.
        let frame = Frame { interlaced: false, ..frame.clone() };
        pixels += u64::from(frame.width) * u64::from(frame.height);
        if frames == FRAMES || pixels > PIXELS || began.elapsed() > LONGEST {
            return Err(unfit("invalid-file-moving").into());
        }
        // How often it repeats stands before its first picture.
        if frames == 0 && moving.repeat() != Repeat::Finite(0) {
            drawn.set_repeat(moving.repeat()).map_err(drawing)?;
        }
        frames += 1;
        drawn.write_frame(&frame).map_err(drawing)?;
    }
    if frames == 0 { Err(broken()) } else { Ok((width, height)) }
}

fn source(file: &NamedTempFile) -> Result<BufReader<File>> {
    let mut file = file.reopen().map_err(no_room)?;
    file.rewind().map_err(no_room)?;
    Ok(BufReader::new(file))
}

fn reader(source: BufReader<File>, kind: Kind) -> Result<ImageReader<BufReader<File>>> {
    let format = match kind {
        Kind::Png => ImageFormat::Png,
        Kind::Jpeg => ImageFormat::Jpeg,
        Kind::Webp => ImageFormat::WebP,
        Kind::Gif | Kind::Pdf | Kind::Text | Kind::Added(_) => return Err(broken()),
    };
    let mut limits = Limits::default();
    limits.max_alloc = Some(MEMORY);
    let mut reader = ImageReader::with_format(source, format);
    reader.limits(limits);
    Ok(reader)
}

fn broken() -> Error {
    const BROKEN: Invalid = unfit("invalid-file-broken");
    BROKEN.into()
}

fn no_room(error: std::io::Error) -> Error {
    Error::Unavailable(error.into())
}

fn not_drawn(error: image::ImageError) -> Error {
    match error {
        image::ImageError::IoError(error) => no_room(error),
        other => Error::internal(other),
    }
}

fn drawing(error: gif::EncodingError) -> Error {
    match error {
        gif::EncodingError::Io(error) => no_room(error),
        // Such as a picture without colours.
        gif::EncodingError::Format(_) => broken(),
        other => Error::internal(other),
    }
}
