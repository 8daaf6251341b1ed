//! Which texts are a few emoji and nothing else. An emoji is read as UTS #51 writes it, and only where it is drawn as a picture: a
//! digit, `©` or a heart that is written as text is none.
use std::{iter::Peekable, str::Chars};
use unicode_properties::{EmojiStatus, UnicodeEmoji};

/// More than this are a sentence.
const FEW: usize = 3;
/// No emoji is joined of more parts: a couple with a heart and a kiss has four, and so has a family.
const PARTS: usize = 4;

const JOINER: char = '\u{200d}';
/// Asks for the picture.
const PICTURE: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';
const FLAG: char = '\u{1f3f4}';
const END_OF_TAG: char = '\u{e007f}';

/// Whether a text is one to three emoji, with or without blanks between them.
pub fn is_few_emoji(text: &str) -> bool {
    let mut rest = text.trim().chars().peekable();
    let mut count = 0;
    while rest.peek().is_some() {
        count += 1;
        if count > FEW || !emoji(&mut rest) {
            return false;
        }
        while rest.next_if(|c| c.is_whitespace()).is_some() {}
    }
    count > 0
}

/// Takes an emoji off; false if there is none.
fn emoji(rest: &mut Peekable<Chars>) -> bool {
    let mut drawn = part(rest);
    for _ in 1..PARTS {
        if drawn.is_none() || rest.next_if_eq(&JOINER).is_none() {
            return drawn == Some(true);
        }
        // Joined, the sign of a man or a heart is drawn also where it does not ask for it.
        drawn = part(rest).and(drawn);
    }
    drawn == Some(true) && rest.peek() != Some(&JOINER)
}

/// Takes a part of an emoji off, and says whether it is drawn as a picture by itself; `None` if there is none.
fn part(rest: &mut Peekable<Chars>) -> Option<bool> {
    let first = rest.next()?;
    if is_half_a_flag(first) {
        return rest.next_if(|c| is_half_a_flag(*c)).map(|_| true);
    }
    if first.is_ascii() {
        rest.next_if(|c| first.is_emoji_char() && *c == PICTURE);
        return rest.next_if(|c| first.is_emoji_char() && *c == KEYCAP).map(|_| true);
    }
    let (picture, takes_a_tone) = match first.emoji_status() {
        EmojiStatus::EmojiOther | EmojiStatus::EmojiOtherAndEmojiComponent => (false, false),
        EmojiStatus::EmojiModifierBase => (false, true),
        EmojiStatus::EmojiPresentationAndModifierBase => (true, true),
        EmojiStatus::EmojiPresentation
        | EmojiStatus::EmojiPresentationAndEmojiComponent
        | EmojiStatus::EmojiPresentationAndModifierAndEmojiComponent => (true, false),
        _ => return None,
    };
    let asked = rest.next_if_eq(&PICTURE).is_some();
    let toned = takes_a_tone && rest.next_if(|c| is_tone(*c)).is_some();
    // England, Scotland and Wales: the flag and their letters.
    if first == FLAG && rest.next_if(|c| is_tag(*c)).is_some() {
        while rest.next_if(|c| is_tag(*c)).is_some() {}
        rest.next_if_eq(&END_OF_TAG)?;
    }
    Some(picture || asked || toned)
}

/// Two regional indicators are a flag.
fn is_half_a_flag(c: char) -> bool {
    ('\u{1f1e6}'..='\u{1f1ff}').contains(&c)
}

/// Of skin.
fn is_tone(c: char) -> bool {
    ('\u{1f3fb}'..='\u{1f3ff}').contains(&c)
}

fn is_tag(c: char) -> bool {
    ('\u{e0020}'..='\u{e007e}').contains(&c)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_to_three_emoji_are_few() {
        for text in [
            "👍",
            "👍👍👍",
            " 👍 🎉\n❤️ ",
            "👍🏽",
            "☝🏿☝🏿☝🏿",
            "🇨🇳🇨🇭🇺🇳",
            "1️⃣2️⃣3️⃣",
            "#\u{20e3}",
            "👨‍👩‍👧‍👦👩🏻‍❤️‍💋‍👨🏼🏳️‍🌈",
            "🤷‍♂🤷🏽‍♀️❤️‍🔥",
            "🏴󠁧󠁢󠁳󠁣󠁴󠁿🏴🏴‍☠️",
            "©️™️",
            "👁️‍🗨️",
            "🏽",
        ] {
            assert!(is_few_emoji(text), "{text:?}");
        }
    }

    #[test]
    fn what_is_more_or_no_emoji_is_not() {
        let mut texts: Vec<String> = [
            "",
            " \n ",
            "1",
            "123",
            "*",
            "#",
            "1\u{fe0f}",
            "a👍",
            "👍!",
            "好👍",
            "👍👍👍👍",
            "👍 👍 👍 👍",
            "©",
            "❤",
            "☎",
            "❤\u{fe0e}",
            "👍\u{fe0e}",
            "👍\u{301}",
            "\u{200d}",
            "👍\u{200d}",
            "\u{200d}👍",
            "👍\u{200d}a",
            "🇨",
            "🇨🇳🇨",
            "🇨a",
            "🏴\u{e0067}",
            "🏴\u{e007f}",
            "📦\u{e0067}\u{e007f}",
            "\u{fe0f}",
            "\u{20e3}",
            "a\u{20e3}",
            ":)",
            "👨‍👩‍👧‍👦‍👦",
            "\u{10ffff}",
        ]
        .map(str::to_owned)
        .into();
        texts.push("👍\u{200d}".repeat(1_000) + "👍");
        texts.push("👍\u{301}".repeat(1_000));
        texts.push(format!("🏴{}", "\u{e0067}".repeat(4_000)));
        for text in texts {
            assert!(!is_few_emoji(&text), "{text:?}");
        }
    }
}
