//! The script of a customer's page: the same for all sites, and after it what is different, so that one request brings both.
use crate::{
    error::{Error, Result},
    site::{Color, Edge, Look, Saying, Site, Theme},
    text::Lang,
};
use serde::Serialize;
use std::collections::BTreeMap;

const BODY: &str = include_str!(concat!(env!("OUT_DIR"), "/loader.js"));
const BODY_BR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/loader.js.br"));

/// What the script is told. Its names are those of `assets/js/loader.js`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    key: &'a str,
    /// Where the server is, if its owner has said so: pages may have the script in a file of their own.
    #[serde(skip_serializing_if = "Option::is_none")]
    base: Option<&'a str>,
    look: ToldLook,
    texts: BTreeMap<&'static str, Vec<String>>,
}

/// Each may be said otherwise by an attribute of the line (`data-position`, `data-offset-x` and so on). What is as usual is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToldLook {
    color: Color,
    #[serde(skip_serializing_if = "Option::is_none")]
    ink: Option<Color>,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Edge>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset_x: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset_y: Option<u16>,
    #[serde(skip_serializing_if = "Option::is_none")]
    theme: Option<Theme>,
    #[serde(skip_serializing_if = "Option::is_none")]
    launcher: Option<&'static str>,
}

/// The sentences of the script under their keys in the catalogue, in the order in which it takes them, after what a site may say
/// itself: the title, and that it fails; `%` stands for a number.
const SENTENCES: &[&str] = &["widget-link", "widget-unread", "widget-retry", "widget-fold"];

/// The script of a site, plain and compressed; `base` is the server's own address, where it has a name.
pub fn of(site: &Site, base: Option<&str>) -> Result<(String, Vec<u8>)> {
    let (look, ground) = (&site.look, site.look.color.ground());
    let texts = |lang: Lang| {
        let own = [Saying::Title, Saying::Failed].map(|saying| look.say(saying, lang));
        let said = SENTENCES.iter().map(|key| lang.with(key, "count", "%"));
        // What the site says on the button, where that is not the title.
        let label = Some(look.say(Saying::Label, lang)).filter(|label| !label.is_empty());
        (lang.code(), own.into_iter().chain(said).chain(label).collect())
    };
    let usual = Look::default();
    let told = Told {
        key: site.key.as_str(),
        base,
        look: ToldLook {
            color: ground,
            ink: Some(ground.ink()).filter(|ink| *ink != Color::WHITE),
            position: Some(look.side).filter(|side| *side != Edge::default()),
            offset_x: Some(look.offset_x).filter(|x| *x != usual.offset_x),
            offset_y: Some(look.offset_y).filter(|y| *y != usual.offset_y),
            theme: Some(look.theme).filter(|theme| *theme != Theme::default()),
            launcher: (!look.launcher).then_some("off"),
        },
        texts: Lang::ALL.into_iter().map(texts).collect(),
    };
    let told = serde_json::to_string(&told).map_err(Error::internal)?;
    let end = format!("{told});\n");
    let compressed = followed(BODY_BR, end.as_bytes());
    Ok((format!("{BODY}{end}"), compressed))
}

/// A Brotli stream that was flushed but not ended, and after it `end` as it is: an uncompressed meta-block of at most 64 KiB and
/// the empty last one (RFC 7932, sections 9.1 and 9.2).
fn followed(flushed: &[u8], end: &[u8]) -> Vec<u8> {
    // Bit by bit: ISLAST 0, MNIBBLES 00 (four), MLEN - 1 in 16 bits, ISUNCOMPRESSED 1, and zeros up to the next byte.
    let length = u16::try_from(end.len() - 1).expect("what is said of a site is short");
    let head = u32::from(length) << 3 | 1 << 19;
    [flushed, &head.to_le_bytes()[..3], end, &[0b11]].concat()
}
