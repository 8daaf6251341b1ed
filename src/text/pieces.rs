//! Plain text cut into text and links. Templates draw the pieces, so every byte still passes through their escaping.
use linkify::{LinkFinder, LinkKind};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Text(&'a str),
    /// `href` begins with `http://`, `https://` or `mailto:`.
    Link {
        href: String,
        text: &'a str,
    },
}

/// Cuts a message into pieces. Joined, their texts are the message.
pub fn pieces(body: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    for span in LinkFinder::new().spans(body) {
        let text = span.as_str();
        let end = if span.kind().is_some() {
            text.find(ends_an_address).unwrap_or(text.len())
        } else {
            text.len()
        };
        pieces.push(piece(&text[..end], span.kind()));
        if end < text.len() {
            pieces.push(Piece::Text(&text[end..]));
        }
    }
    pieces
}

/// Chinese writes no space after an address: full-width punctuation and quotation marks end it.
fn ends_an_address(c: char) -> bool {
    matches!(c, '\u{2018}'..='\u{201f}' | '\u{2026}' | '\u{3000}'..='\u{303f}' | '\u{ff00}'..='\u{ff65}')
}

fn piece<'a>(text: &'a str, kind: Option<&LinkKind>) -> Piece<'a> {
    let lower = text.get(..8).unwrap_or(text).to_ascii_lowercase();
    match kind {
        Some(LinkKind::Url) if lower.starts_with("http://") || lower.starts_with("https://") => {
            Piece::Link { href: text.to_owned(), text }
        }
        Some(LinkKind::Email) => Piece::Link { href: format!("mailto:{text}"), text },
        _ => Piece::Text(text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(body: &str) -> Vec<String> {
        let href = |piece| match piece {
            Piece::Link { href, .. } => Some(href),
            Piece::Text(_) => None,
        };
        pieces(body).into_iter().filter_map(href).collect()
    }

    #[test]
    fn only_addresses_that_cannot_run_anything_become_links() {
        assert_eq!(links("看 https://a.example/x?y=1。"), ["https://a.example/x?y=1"]);
        assert_eq!(
            links("(https://zh.example/wiki/青瓷)和“http://b.example”"),
            ["https://zh.example/wiki/青瓷", "http://b.example"]
        );
        assert_eq!(links("mail me@a.example"), ["mailto:me@a.example"]);
        for hostile in [
            "javascript:alert(1)",
            "JaVaScRiPt://a%0aalert(1)",
            "data:text/html,x",
            "ftp://a.example",
            "vbscript:x",
        ] {
            assert_eq!(links(hostile), Vec::<String>::new(), "{hostile}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_pieces_joined_are_the_message(body in "\\PC{0,200}") {
            let joined: String = pieces(&body).iter().map(|piece| match piece {
                Piece::Text(text) | Piece::Link { text, .. } => *text,
            }).collect();
            proptest::prop_assert_eq!(joined, body);
        }
    }
}
