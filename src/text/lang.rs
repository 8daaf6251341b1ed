//! Languages and the catalogue of sentences (`assets/locales`), whole sentences with parameters, never glued together.
use fluent_templates::{Loader, fluent_bundle::FluentValue};
use serde::{Deserialize, Serialize};
use std::{borrow::Cow, collections::HashMap, fmt};
use unic_langid::{LanguageIdentifier, langid};

fluent_templates::static_loader! {
    static CATALOGUE = {
        locales: "./assets/locales",
        fallback_language: "en",
        customise: |bundle| bundle.set_use_isolating(false),
    };
}

static ZH_CN: LanguageIdentifier = langid!("zh-CN");
static EN: LanguageIdentifier = langid!("en");

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Lang {
    #[default]
    #[serde(rename = "zh-CN")]
    ZhCn,
    #[serde(rename = "en")]
    En,
}

impl Lang {
    pub const ALL: [Self; 2] = [Self::ZhCn, Self::En];

    pub fn code(self) -> &'static str {
        match self {
            Self::ZhCn => "zh-CN",
            Self::En => "en",
        }
    }

    /// The one a switch offers.
    pub fn other(self) -> Self {
        match self {
            Self::ZhCn => Self::En,
            Self::En => Self::ZhCn,
        }
    }

    /// What the language calls itself.
    pub fn own_name(self) -> String {
        self.t("language-name")
    }

    /// The language a tag such as `zh`, `zh-Hans-CN` or `en-GB` asks for.
    pub fn from_tag(tag: &str) -> Option<Self> {
        match tag.split(['-', '_']).next()?.to_ascii_lowercase().as_str() {
            "zh" => Some(Self::ZhCn),
            "en" => Some(Self::En),
            _ => None,
        }
    }

    /// The best of an `Accept-Language` header; `None` if it names none of ours.
    pub fn negotiate(header: &str) -> Option<Self> {
        let wish = |part: &str| {
            let (tag, quality) = part.split_once(";q=").unwrap_or((part, "1"));
            Some((quality.trim().parse::<f32>().ok()?, Self::from_tag(tag.trim())?))
        };
        let best = |best: Option<(f32, Self)>, next: (f32, Self)| match best {
            Some(held) if held.0 >= next.0 => Some(held),
            _ if next.0 > 0.0 => Some(next),
            held => held,
        };
        header.split(',').filter_map(wish).fold(None, best).map(|(_, lang)| lang)
    }

    /// The sentence behind a key.
    pub fn t(self, key: &str) -> String {
        CATALOGUE.lookup(self.identifier(), key)
    }

    /// The sentence behind a key, with one parameter.
    pub fn with(self, key: &str, name: &'static str, value: impl fmt::Display) -> String {
        self.fill(key, &[(name, value.to_string())])
    }

    /// The sentence behind a key, with parameters.
    pub fn fill(self, key: &str, values: &[(&'static str, String)]) -> String {
        CATALOGUE.lookup_with_args(self.identifier(), key, &parameters(values))
    }

    /// The same behind a key that may be a newer kefu's.
    pub fn try_fill(self, key: &str, values: &[(&'static str, String)]) -> Option<String> {
        CATALOGUE.try_lookup_with_args(self.identifier(), key, &parameters(values))
    }

    fn identifier(self) -> &'static LanguageIdentifier {
        match self {
            Self::ZhCn => &ZH_CN,
            Self::En => &EN,
        }
    }
}

fn parameters<'a>(
    values: &'a [(&'static str, String)],
) -> HashMap<Cow<'static, str>, FluentValue<'a>> {
    values
        .iter()
        .map(|(name, value)| (Cow::Borrowed(*name), FluentValue::from(value.as_str())))
        .collect()
}

impl fmt::Display for Lang {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

/// A sentence that is chosen now and spoken later, in the reader's language.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Words {
    pub key: &'static str,
    pub values: Vec<(&'static str, String)>,
}

impl Words {
    pub fn new(key: &'static str) -> Self {
        Self { key, values: Vec::new() }
    }
    pub fn put(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.values.push((name, value.to_string()));
        self
    }
    pub fn say(&self, lang: Lang) -> String {
        lang.fill(self.key, &self.values)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_wishes_are_weighed() {
        assert_eq!(Lang::negotiate("zh-CN,zh;q=0.9,en;q=0.8"), Some(Lang::ZhCn));
        assert_eq!(Lang::negotiate("fr, en-GB;q=0.7, zh;q=0.3"), Some(Lang::En));
        assert_eq!(Lang::negotiate("fr;q=1, zh;q=0"), None);
        assert_eq!(Lang::negotiate("\u{0}garbage;;q=,"), None);
    }
}
