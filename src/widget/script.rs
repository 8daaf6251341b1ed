//! The script of a customer's page: the same for all sites, and after it what is different, so that one request brings both.
use crate::{
    error::{Error, Result},
    site::{Color, Edge, Site, Theme},
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
    lang: &'a str,
    look: Look,
    texts: BTreeMap<&'static str, BTreeMap<&'static str, String>>,
}

/// Each may be said otherwise by an attribute of the line (`data-position`, `data-offset-x` and so on). What is as usual is left out.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Look {
    color: Color,
    ink: Color,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<Edge>,
    offset_x: u16,
    offset_y: u16,
    #[serde(skip_serializing_if = "Option::is_none")]
    theme: Option<Theme>,
    #[serde(skip_serializing_if = "Option::is_none")]
    launcher: Option<&'static str>,
}

/// The sentences of the script, without a label of the site's own the title, and the keys under which they stand in the catalogue.
const SENTENCES: &[(&str, &str)] =
    &[("title", "chat-title"), ("failed", "widget-failed"), ("link", "widget-link")];

/// The script of a site, plain and compressed.
pub fn of(site: &Site) -> Result<(String, Vec<u8>)> {
    let (look, ground) = (&site.look, site.look.color.ground());
    let texts = |lang: Lang| {
        let mut texts: BTreeMap<_, _> =
            SENTENCES.iter().map(|(name, key)| (*name, lang.t(key))).collect();
        texts.insert("unread", lang.with("widget-unread", "count", "%"));
        let label = &look.texts(lang).label;
        if !label.is_empty() {
            texts.insert("label", label.clone());
        }
        (lang.code(), texts)
    };
    let told = Told {
        key: site.key.as_str(),
        lang: site.lang.code(),
        look: Look {
            color: ground,
            ink: ground.ink(),
            position: Some(look.side).filter(|side| *side != Edge::default()),
            offset_x: look.offset_x,
            offset_y: look.offset_y,
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
