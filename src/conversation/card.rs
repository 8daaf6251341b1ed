//! A card of an order or a product, as the page told it on which the chat stands. Whoever writes there may be anybody.
use super::model::Body;
use crate::{error::Invalid, event::Card};
use serde::Deserialize;

/// Bytes of a card on its way: all fields at their longest, in UTF-8 and escaped.
const LONGEST: usize = 16_384;
/// Characters of a title, a price, a detail, an id and an address.
const TITLE: usize = 120;
const PRICE: usize = 40;
const DETAIL: usize = 200;
const ID: usize = 64;
const ADDRESS: usize = 2_000;

/// A card as pages write it. Prices and ids may be numbers; an order's number may be called so.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Told {
    title: Word,
    price: Word,
    detail: Word,
    id: Word,
    order_no: Word,
    url: Word,
    image: Word,
}

/// A text or a number; nothing where it is anything else.
#[derive(Default, Deserialize)]
#[serde(from = "serde_json::Value")]
struct Word(String);

impl From<serde_json::Value> for Word {
    fn from(value: serde_json::Value) -> Self {
        Self(match value {
            serde_json::Value::String(text) => text,
            serde_json::Value::Number(number) => number.to_string(),
            _ => String::new(),
        })
    }
}

impl Word {
    /// On one line, without what steers; empty if there is nothing.
    fn line(&self, longest: usize) -> Result<String, Invalid> {
        let words: Vec<_> = self.0.split(|c: char| c.is_whitespace() || c.is_control()).collect();
        let words: Vec<_> = words.into_iter().filter(|word| !word.is_empty()).collect();
        let line = words.join(" ");
        if line.chars().count() > longest {
            return Err(Invalid { field: "card", reason: "invalid-card-long" });
        }
        Ok(line)
    }

    /// Of a page or a picture on the web, and of nothing else.
    fn address(&self) -> Result<String, Invalid> {
        let text = self.0.trim();
        if text.is_empty() {
            return Ok(String::new());
        }
        let invalid = Invalid { field: "card", reason: "invalid-card-address" };
        let url = url::Url::parse(text).map_err(|_| invalid)?;
        let plain = matches!(url.scheme(), "http" | "https")
            && url.has_host()
            && url.username().is_empty()
            && url.password().is_none();
        if !plain || url.as_str().len() > ADDRESS {
            return Err(invalid);
        }
        Ok(url.into())
    }
}

/// A card out of its JSON: a title of 1–120 characters, and what else there is to say.
pub fn parse(json: &str) -> Result<Card, Invalid> {
    let invalid = Invalid { field: "card", reason: "invalid-card" };
    if json.len() > LONGEST {
        return Err(Invalid { field: "card", reason: "invalid-card-long" });
    }
    let told: Told = serde_json::from_str(json).map_err(|_| invalid)?;
    let id = if told.id.0.is_empty() { told.order_no } else { told.id };
    let card = Card {
        title: told.title.line(TITLE)?,
        price: told.price.line(PRICE)?,
        detail: told.detail.line(DETAIL)?,
        id: id.line(ID)?,
        url: told.url.address()?,
        image: told.image.address()?,
    };
    if card.title.is_empty() { Err(invalid) } else { Ok(card) }
}

/// What it says to whoever cannot draw it: programs, lists, quotes, the search.
pub fn words(card: &Card) -> Result<Body, Invalid> {
    let first = [&card.title, &card.price].map(String::as_str);
    let first = first.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ");
    let rest = [&card.detail, &card.id, &card.url].map(String::as_str);
    let lines = std::iter::once(first.as_str()).chain(rest);
    Body::parse(&lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_card_says_what_it_shows() {
        let card = parse(
            r#"{"title":" 青花瓷杯 ","price":128,"order_no":8871,"url":"https://shop.example/o/8871","image":"https://shop.example/p.jpg","color":"red"}"#,
        )
        .unwrap();
        assert_eq!((card.price.as_str(), card.id.as_str()), ("128", "8871"));
        assert_eq!(
            words(&card).unwrap().as_str(),
            "青花瓷杯 · 128\n8871\nhttps://shop.example/o/8871"
        );
        assert_eq!(parse(r#"{"title":"a\u0000\n b"}"#).unwrap().title, "a b");
        let full = |n: usize| format!(r#"{{"title":"{}"}}"#, "字".repeat(n));
        assert!(parse(&full(TITLE)).is_ok() && parse(&full(TITLE + 1)).is_err());
    }

    #[test]
    fn what_is_no_card_is_refused() {
        let mut hostile: Vec<String> = [
            "",
            "null",
            "[]",
            "\"text\"",
            "{}",
            r#"{"title":""}"#,
            r#"{"title":"\n\t"}"#,
            r#"{"title":{"a":1}}"#,
            r#"{"title":["a"]}"#,
        ]
        .map(str::to_owned)
        .into();
        for url in [
            "javascript:alert(1)",
            " JaVaScRiPt:alert(1)",
            "data:text/html,<script>",
            "//evil.example",
            "/desk",
            "ftp://a.example",
            "https://",
            "https://user:pass@bank.example",
            "https://user@bank.example",
            "mailto:a@b.example",
        ] {
            for field in ["url", "image"] {
                hostile.push(format!(r#"{{"title":"x","{field}":"{url}"}}"#));
            }
        }
        hostile
            .push(format!(r#"{{"title":"x","url":"https://a.example/{}"}}"#, "x".repeat(ADDRESS)));
        hostile.push(format!(r#"{{"title":"x","price":"{}"}}"#, "9".repeat(PRICE + 1)));
        hostile.push(format!(r#"{{"title":"x","more":"{}"}}"#, "x".repeat(LONGEST)));
        hostile.push("[".repeat(10_000));
        for json in hostile {
            assert!(parse(&json).is_err(), "{json}");
        }
    }
}
