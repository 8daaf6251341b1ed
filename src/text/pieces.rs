//! Plain text cut into text, links and names. Templates draw the pieces, so every byte still passes through their escaping.
use linkify::{LinkFinder, LinkKind};

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    Text(&'a str),
    /// `href` begins with `http://`, `https://` or `mailto:`.
    Link {
        href: String,
        text: &'a str,
    },
    /// Somebody called: `@` or `＠` and the name, in whatever case it was typed.
    Mention(&'a str),
}

/// Cuts a message that calls these names into pieces. Joined, their texts are the message.
pub fn pieces<'a>(body: &'a str, names: &[String]) -> Vec<Piece<'a>> {
    let mut pieces = Vec::new();
    for span in LinkFinder::new().spans(body) {
        let text = span.as_str();
        let end = if span.kind().is_some() {
            text.find(ends_an_address).unwrap_or(text.len())
        } else {
            text.len()
        };
        match piece(&text[..end], span.kind()) {
            Piece::Text(text) => call(text, names, &mut pieces),
            link => pieces.push(link),
        }
        if end < text.len() {
            call(&text[end..], names, &mut pieces);
        }
    }
    pieces
}

/// Text in which names are called.
fn call<'a>(text: &'a str, names: &[String], pieces: &mut Vec<Piece<'a>>) {
    let mut done = 0;
    for (at, sign) in text.match_indices(['@', '＠']) {
        let name = at + sign.len();
        let called = names.iter().filter_map(|one| begins_with(&text[name..], one));
        let Some(length) = called.max() else { continue };
        if at < done {
            continue;
        }
        if at > done {
            pieces.push(Piece::Text(&text[done..at]));
        }
        let end = name + length;
        pieces.push(Piece::Mention(&text[at..end]));
        done = end;
    }
    if done < text.len() {
        pieces.push(Piece::Text(&text[done..]));
    }
}

/// How much of a text is this name, in any case. A Latin word that only begins like it is another; Chinese writes no space after a name.
fn begins_with(text: &str, name: &str) -> Option<usize> {
    let mut rest = text.chars();
    let same = |a: char, b: char| a.to_lowercase().eq(b.to_lowercase());
    if name.is_empty() || !name.chars().all(|one| rest.next().is_some_and(|next| same(next, one))) {
        return None;
    }
    let goes_on = |c: char| c.is_ascii_alphanumeric();
    let within = name.ends_with(goes_on) && rest.as_str().starts_with(goes_on);
    (!within).then(|| text.len() - rest.as_str().len())
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
            Piece::Text(_) | Piece::Mention(_) => None,
        };
        pieces(body, &[]).into_iter().filter_map(href).collect()
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

    #[test]
    fn the_longest_name_is_called() {
        let names = ["Ana".to_owned(), "Anabel".into(), "林小雨".into()];
        assert_eq!(
            pieces("@Anabel，请@林小雨看 a@b.example @Ben", &names),
            [
                Piece::Mention("@Anabel"),
                Piece::Text("，请"),
                Piece::Mention("@林小雨"),
                Piece::Text("看 "),
                Piece::Link { href: "mailto:a@b.example".into(), text: "a@b.example" },
                Piece::Text(" @Ben"),
            ]
        );
    }

    #[test]
    fn a_name_is_called_in_any_case_and_by_either_sign() {
        let names = ["Alexandra Li".to_owned(), "Al".into(), "周航".into()];
        assert_eq!(
            pieces("@alexandra LI和＠周航看一下", &names),
            [
                Piece::Mention("@alexandra LI"),
                Piece::Text("和"),
                Piece::Mention("＠周航"),
                Piece::Text("看一下"),
            ]
        );
        assert_eq!(pieces("@al, @all", &names), [Piece::Mention("@al"), Piece::Text(", @all")]);
        assert_eq!(pieces("＠", &["".to_owned()]), [Piece::Text("＠")]);
    }

    proptest::proptest! {
        #[test]
        fn the_pieces_joined_are_the_message(body in "[@＠abA林 \\PC]{0,200}") {
            let names = ["a".to_owned(), "ab".into(), "林".into()];
            let joined: String = pieces(&body, &names).iter().map(|piece| match piece {
                Piece::Text(text) | Piece::Link { text, .. } | Piece::Mention(text) => *text,
            }).collect();
            proptest::prop_assert_eq!(joined, body);
        }
    }
}
