//! Words as the search keeps and asks for them, whichever engine holds them: each a token of ASCII letters and digits that no
//! engine takes apart, finds too short or leaves out. Pure.
//!
//! Chinese has no spaces, so of a run of its characters each is a term, and each two that stand together. Words and numbers are
//! terms in lower case and of one width; of `SF1234` the parts are terms too. A word of a question with a star behind it is found
//! by how it begins, if that is at least three letters; only with one, since no engine tells beforehand how common that is, and
//! each takes longer. What an engine finds by terms is looked at once more ([`Question::is_in`]): it must stand there as it was
//! asked for.
use crate::error::Invalid;
use std::{cmp::Reverse, collections::BTreeSet, ops::Range};

/// More terms of a question than this are not asked for; what is found is looked at anyway.
const ASKED: usize = 32;
/// Of a longer word so many characters are kept: MySQL knows no token over 84.
const ASCII_KEPT: usize = 80;
const OTHER_KEPT: usize = 20;
/// A word that is found by how it begins has so many letters: what begins with fewer is a good part of all words.
const BEGINNING: usize = 3;
/// So many characters of what was found are shown, and so many of them stand before it.
const SHOWN: usize = 120;
const SHOWN_BEFORE: usize = 30;
/// By so many of the last digits of their phone people are asked for it.
const LAST_DIGITS: usize = 4;

/// Behind a word: it is found by how it begins.
const STAR: char = '*';

/// What a character is to the search.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    /// Of a script without spaces.
    Han,
    Letter,
    Digit,
    /// Anything else, however much of it.
    Gap,
}

/// A character as it is compared, and the bytes of the text in which it stands.
#[derive(Clone, Debug)]
struct Glyph {
    c: char,
    sort: Sort,
    at: Range<usize>,
}

/// The terms by which a text is found.
pub fn terms(text: &str) -> BTreeSet<String> {
    let mut terms = BTreeSet::new();
    for run in runs(&glyphs(text)) {
        if run[0].sort == Sort::Han {
            terms.extend(run.iter().map(|glyph| han(&[glyph.c])));
            terms.extend(run.windows(2).map(|two| han(&[two[0].c, two[1].c])));
        } else {
            terms.insert(word(run));
            terms.extend(run.chunk_by(|a, b| a.sort == b.sort).map(word));
        }
    }
    terms
}

/// What an index is asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Term {
    Whole(String),
    /// Any term that begins so.
    Beginning(String),
}

impl Term {
    /// Whether it is among these.
    pub fn is_among(&self, terms: &BTreeSet<String>) -> bool {
        match self {
            Self::Whole(term) => terms.contains(term),
            Self::Beginning(part) => {
                terms.range(part.clone()..).next().is_some_and(|term| term.starts_with(part))
            }
        }
    }
}

/// By what a phone is found, a line each: as it was written, its digits in one, and the last of them.
pub fn phone_words(phone: &str) -> String {
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    let last = digits.get(digits.len().saturating_sub(LAST_DIGITS)..).unwrap_or_default();
    [phone, &digits, last].join("\n")
}

/// What somebody looks for: 1–200 characters, at least one Chinese character or two others. All of its words must be there,
/// those that are tied (`20261122-8871`, `me@shop.example`) together.
#[derive(Clone, Debug)]
pub struct Question {
    text: String,
    units: Vec<Unit>,
    terms: Vec<Term>,
}

/// What stands together in a question.
#[derive(Clone, Debug, Default)]
struct Unit {
    glyphs: Vec<Glyph>,
    /// Whether its last word may go on where it is found.
    goes_on: bool,
}

/// A text around what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snippet<'a> {
    /// Whether the text begins before it, and goes on after it.
    pub cut: (bool, bool),
    pub parts: Vec<Part<'a>>,
}

/// A stretch of what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part<'a> {
    pub text: &'a str,
    /// Whether it was asked for.
    pub hit: bool,
}

impl Question {
    /// In characters.
    pub const LONGEST: usize = 200;

    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        let text = text.trim();
        if text.chars().count() > Self::LONGEST {
            return Err(Invalid { field: "q", reason: "invalid-question-long" });
        }
        let glyphs = glyphs(text);
        let units = units(&glyphs);
        let said =
            || units.iter().flat_map(|unit| &unit.glyphs).filter(|glyph| glyph.sort != Sort::Gap);
        if said().count() < 2 && said().all(|glyph| glyph.sort != Sort::Han) {
            return Err(Invalid { field: "q", reason: "invalid-question-short" });
        }
        let asked: BTreeSet<_> = units.iter().flat_map(Unit::asked_for).collect();
        let terms = asked.into_iter().take(ASKED).collect();
        Ok(Self { text: text.to_owned(), units, terms })
    }

    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// All of these a text has that is found.
    pub fn terms(&self) -> &[Term] {
        &self.terms
    }

    /// Whether everything stands in a text as it was asked for.
    pub fn is_in(&self, text: &str) -> bool {
        let glyphs = glyphs(text);
        self.units.iter().all(|unit| unit.places(&glyphs).next().is_some())
    }

    /// A text around the first that was asked for, cut into what was and what was not.
    pub fn snippet<'a>(&self, text: &'a str) -> Snippet<'a> {
        snippet(text, self.hits(&glyphs(text)))
    }

    /// The same of a phone, by all its [`phone_words`].
    pub fn snippet_of_phone<'a>(&self, phone: &'a str) -> Snippet<'a> {
        let written = glyphs(phone);
        let is_digit = |glyph: &&Glyph| glyph.c.is_ascii_digit();
        let digits: Vec<_> = written.iter().filter(is_digit).cloned().collect();
        let last = &digits[digits.len().saturating_sub(LAST_DIGITS)..];
        let hits = [written.as_slice(), &digits, last].into_iter();
        snippet(phone, hits.flat_map(|glyphs| self.hits(glyphs)).collect())
    }

    fn hits(&self, glyphs: &[Glyph]) -> Vec<Range<usize>> {
        self.units.iter().flat_map(|unit| unit.places(glyphs)).collect()
    }
}

impl Snippet<'_> {
    /// Whether anything stands there that was asked for.
    pub fn is_hit(&self) -> bool {
        self.parts.iter().any(|part| part.hit)
    }
}

fn snippet(text: &str, mut hits: Vec<Range<usize>>) -> Snippet<'_> {
    // Where one hit lies in another, the longer one is marked.
    hits.sort_by_key(|hit| (hit.start, Reverse(hit.end)));
    let first = hits.first().map_or(0, |hit| hit.start);
    let before = text[..first].char_indices().rev().nth(SHOWN_BEFORE - 1);
    let mut at = before.map_or(0, |(start, _)| start);
    let end = text[at..].char_indices().nth(SHOWN).map_or(text.len(), |(more, _)| at + more);
    let cut = (at > 0, end < text.len());
    let mut parts = Vec::new();
    for hit in hits {
        let (start, stop) = (hit.start.max(at), hit.end.min(end));
        if start >= stop {
            continue;
        }
        parts.push(Part { text: &text[at..start], hit: false });
        parts.push(Part { text: &text[start..stop], hit: true });
        at = stop;
    }
    parts.push(Part { text: &text[at..end], hit: false });
    parts.retain(|part| !part.text.is_empty());
    Snippet { cut, parts }
}

/// A text as it is compared: small letters of one width, whatever says nothing as one gap.
fn glyphs(text: &str) -> Vec<Glyph> {
    let mut glyphs: Vec<Glyph> = Vec::with_capacity(text.len());
    for (start, c) in text.char_indices().filter(|(_, c)| !is_invisible(*c)) {
        let at = start..start + c.len_utf8();
        let c = folded(c);
        let sort = sort(c);
        match glyphs.last_mut() {
            // A star says something of the word before it, whatever follows.
            Some(last) if sort == Sort::Gap && last.sort == Sort::Gap => {
                if last.c != STAR {
                    last.c = ' ';
                }
            }
            _ => glyphs.push(Glyph { c, sort, at }),
        }
    }
    glyphs
}

fn folded(c: char) -> char {
    let c = match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(c) - 0xfee0).unwrap_or(c),
        other => other,
    };
    c.to_lowercase().next().unwrap_or(c)
}

fn is_invisible(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}')
}

fn sort(c: char) -> Sort {
    match c {
        // Ideographs, kana, hangul.
        '\u{3005}'
        | '\u{3007}'
        | '\u{3040}'..='\u{30ff}'
        | '\u{31f0}'..='\u{31ff}'
        | '\u{3400}'..='\u{4dbf}'
        | '\u{4e00}'..='\u{9fff}'
        | '\u{ac00}'..='\u{d7af}'
        | '\u{f900}'..='\u{faff}'
        | '\u{20000}'..='\u{3ffff}' => Sort::Han,
        c if c.is_numeric() => Sort::Digit,
        c if c.is_alphanumeric() => Sort::Letter,
        _ => Sort::Gap,
    }
}

/// Runs of one script, and words.
fn runs(glyphs: &[Glyph]) -> impl Iterator<Item = &[Glyph]> {
    let kind = |sort: Sort| if sort == Sort::Digit { Sort::Letter } else { sort };
    let runs = glyphs.chunk_by(move |a, b| kind(a.sort) == kind(b.sort));
    runs.filter(|run| run[0].sort != Sort::Gap)
}

/// What stands between gaps; a hyphen, a dot, an at sign between words or numbers ties them.
fn units(glyphs: &[Glyph]) -> Vec<Unit> {
    let is_word = |at: usize| {
        glyphs.get(at).is_some_and(|glyph| matches!(glyph.sort, Sort::Letter | Sort::Digit))
    };
    let mut units = vec![Unit::default()];
    for (at, glyph) in glyphs.iter().enumerate() {
        let ties = "-_.@/:'&+".contains(glyph.c) && at > 0 && is_word(at - 1) && is_word(at + 1);
        let Some(unit) = units.last_mut() else { continue };
        if glyph.sort != Sort::Gap || ties {
            unit.glyphs.push(glyph.clone());
        } else {
            unit.goes_on = glyph.c == STAR;
            units.push(Unit::default());
        }
    }
    units.retain(|unit| !unit.glyphs.is_empty());
    for unit in &mut units {
        unit.goes_on &= unit.may_go_on();
    }
    units
}

impl Unit {
    /// Only a word that is long enough, and no number: those that begin alike are as many as there are orders or parcels.
    fn may_go_on(&self) -> bool {
        let letters = |run: &[Glyph]| run.iter().filter(|glyph| glyph.sort == Sort::Letter).count();
        runs(&self.glyphs).last().is_some_and(|run| letters(run) >= BEGINNING)
    }

    fn asked_for(&self) -> Vec<Term> {
        let mut terms: Vec<_> = runs(&self.glyphs).flat_map(asked_for).collect();
        if let Some(last) = terms.pop() {
            let last = if self.goes_on { Term::Beginning(last) } else { Term::Whole(last) };
            return terms.into_iter().map(Term::Whole).chain([last]).collect();
        }
        Vec::new()
    }

    /// Where it stands in a text. Words and numbers stand there whole, but for a last one that may go on; Chinese anywhere.
    fn places<'a>(&'a self, text: &'a [Glyph]) -> impl Iterator<Item = Range<usize>> + 'a {
        let unit = &self.glyphs;
        let is_cut = |inside: &Glyph, beside: Option<&Glyph>| {
            matches!(inside.sort, Sort::Letter | Sort::Digit)
                && beside.is_some_and(|beside| beside.sort == inside.sort)
        };
        let same = |a: &Glyph, b: &Glyph| a.sort == b.sort && (a.sort == Sort::Gap || a.c == b.c);
        (0..(text.len() + 1).saturating_sub(unit.len())).filter_map(move |start| {
            let found = &text[start..start + unit.len()];
            let whole = || {
                let before = start.checked_sub(1).and_then(|at| text.get(at));
                let after = text.get(start + unit.len());
                !is_cut(&found[0], before)
                    && (self.goes_on || !is_cut(&found[found.len() - 1], after))
            };
            let stands = found.iter().zip(unit).all(|(a, b)| same(a, b)) && whole();
            stands.then(|| found[0].at.start..found[found.len() - 1].at.end)
        })
    }
}

/// The terms of a run of one script, the last one last.
fn asked_for(run: &[Glyph]) -> Vec<String> {
    match run {
        [alone] if alone.sort == Sort::Han => vec![han(&[alone.c])],
        [first, ..] if first.sort == Sort::Han => {
            run.windows(2).map(|two| han(&[two[0].c, two[1].c])).collect()
        }
        _ => vec![word(run)],
    }
}

fn han(characters: &[char]) -> String {
    characters.iter().fold("c".to_owned(), |term, c| term + &number(*c))
}

fn word(run: &[Glyph]) -> String {
    if run.iter().all(|glyph| glyph.c.is_ascii()) {
        "w00".chars().chain(run.iter().take(ASCII_KEPT).map(|glyph| glyph.c)).collect()
    } else {
        run.iter().take(OTHER_KEPT).fold("u00".to_owned(), |term, glyph| term + &number(glyph.c))
    }
}

/// Four digits of base 36 name any character.
fn number(c: char) -> String {
    let (mut rest, mut digits) = (u32::from(c), [0u8; 4]);
    for digit in digits.iter_mut().rev() {
        *digit = b"0123456789abcdefghijklmnopqrstuvwxyz"[(rest % 36) as usize];
        rest /= 36;
    }
    digits.iter().map(|digit| char::from(*digit)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn finds(question: &str, text: &str) -> bool {
        let question = Question::parse(question).unwrap();
        let terms = terms(text);
        let by_terms = question.terms().iter().all(|term| term.is_among(&terms));
        by_terms && question.is_in(text)
    }

    fn marked(question: &str, text: &str) -> String {
        bracketed(&Question::parse(question).unwrap().snippet(text))
    }

    fn bracketed(snippet: &Snippet<'_>) -> String {
        let part = |part: &Part<'_>| {
            if part.hit { format!("[{}]", part.text) } else { part.text.to_owned() }
        };
        snippet.parts.iter().map(part).collect()
    }

    #[test]
    fn chinese_is_found_by_any_stretch_of_it() {
        let text = "您好，请问退款规则在哪里看？";
        for question in ["退款", "款规", "退款规则", "退", "规则 退款", "您好"] {
            assert!(finds(question, text), "{question}");
        }
        for question in ["规退", "退款政策", "退规", "好请"] {
            assert!(!finds(question, text), "{question}");
        }
        // All pairs are there, but not together.
        assert!(!finds("一二三", "一二和二三"));
    }

    #[test]
    fn words_and_numbers_are_found_whole_and_by_their_parts_in_any_case_and_width() {
        let text = "My order 20261122-8871 by SF1029384756，电话１３８，Email: Vera@Shop.Example";
        for question in [
            "20261122-8871",
            "20261122",
            "8871",
            "order MY",
            "sf1029384756",
            "1029384756",
            "138",
            "电话138",
            "vera@shop.example",
            "ＯＲＤＥＲ",
        ] {
            assert!(finds(question, text), "{question}");
        }
        for question in ["871", "2026", "8871-20261122", "rder", "shop.vera", "sf10", "ord my"] {
            assert!(!finds(question, text), "{question}");
        }
    }

    #[test]
    fn a_word_with_a_star_is_found_by_how_it_begins() {
        let text =
            "Delivery of refunds, order66 to vera@shop.example；доставка，退款ＲＥＦＵＮＤＳ";
        for question in [
            "deliv*",
            "order6*",
            "vera@shop.exam*",
            "достав*",
            "refund* deliv*",
            "REF*，of",
            "退款ref*",
            "ref* ord* del*",
            "deliv＊ of",
            "deliv** of",
            "refund*",
        ] {
            assert!(finds(question, text), "{question}");
        }
        for question in [
            "deliv",
            "refund",
            "refund* deliv",
            "deliv of",
            "re",
            "re*",
            "efund",
            "ver@shop.example",
            "refund *of",
            "rd66*",
            "6",
            "eliv*",
            "vera@sh* 退",
            "refundss",
            "de*ry",
            "o*",
            "Ord* 7",
        ] {
            let asked = Question::parse(question);
            assert!(!asked.is_ok_and(|_| finds(question, text)), "{question}");
        }
        assert_eq!(marked("deliv*", "Delivery"), "[Deliv]ery");
        assert_eq!(marked("ref* refunds of", "refunds of"), "[refunds] [of]");
        assert_eq!(marked("退款 ref*", "退款refunds"), "[退款][ref]unds");
        let long = "b".repeat(300);
        assert!(finds(&("b".repeat(120) + "*"), &long) && finds(&("b".repeat(40) + "*"), &long));
    }

    #[test]
    fn a_question_says_what_is_wrong_with_it() {
        let reason = |text: &str| Question::parse(text).map_err(|invalid| invalid.reason).err();
        for short in ["", " ", "a", "7", "?!", "\"*", "\0", "%_"] {
            assert_eq!(reason(short), Some("invalid-question-short"), "{short:?}");
        }
        assert_eq!(reason(&"a".repeat(201)), Some("invalid-question-long"));
        for good in ["退", "ab", "a b", &"好".repeat(200)] {
            assert_eq!(reason(good), None, "{good}");
        }
    }

    #[test]
    fn what_was_asked_for_is_marked_as_it_was_written() {
        assert_eq!(marked("ORDER 退款", "Your Order：退款规则"), "Your [Order]：[退款]规则");
        assert_eq!(marked("8871", "<b>８８７１</b>"), "<b>[８８７１]</b>");
        let long = format!("{}退款{}", "一".repeat(500), "二".repeat(500));
        let shown = marked("退款", &long);
        assert_eq!(shown.chars().count(), SHOWN + 2);
        assert!(shown.contains("一[退款]二"));
        let question = Question::parse("退款").unwrap();
        assert_eq!(question.snippet(&long).cut, (true, true));
        assert_eq!(question.snippet("退款").cut, (false, false));
    }

    #[test]
    fn in_a_phone_the_digits_are_marked_by_which_it_was_found() {
        let marked = |question: &str, phone: &str| {
            let question = Question::parse(question).unwrap();
            assert_eq!(
                question.is_in(&phone_words(phone)),
                question.snippet_of_phone(phone).is_hit()
            );
            bracketed(&question.snippet_of_phone(phone))
        };
        assert_eq!(marked("13812348871", "138-1234 8871"), "[138-1234 8871]");
        assert_eq!(marked("8871", "138 1234 88 71"), "138 1234 [88 71]");
        assert_eq!(marked("1234 8871", "138-1234 8871"), "138-[1234] [8871]");
        assert_eq!(marked("110", "110"), "[110]");
        for other in ["1381234", "871", "12348871", "99"] {
            assert_eq!(marked(other, "138-1234-8871"), "138-1234-8871");
        }
        assert_eq!(marked("8871", ""), "");
    }

    #[test]
    fn no_engine_drops_a_term() {
        let hostile =
            format!("the a I 的 NEAR AND \"x\" é 🙂 {} {}", "b".repeat(300), "й".repeat(90));
        for term in terms(&hostile) {
            assert!((4..=84).contains(&term.len()), "{term}");
            assert!(term.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()), "{term}");
        }
    }

    proptest! {
        #[test]
        fn a_text_is_found_by_what_is_cut_out_of_it(text in "[一-十a-z0-9 ，.-]{1,60}", from in 0usize..60, length in 1usize..20) {
            let characters: Vec<char> = text.chars().collect();
            let from = from.min(characters.len() - 1);
            let part: String = characters[from..(from + length).min(characters.len())].iter().collect();
            // Of a word only the whole.
            if let Ok(question) = Question::parse(&part) && question.is_in(&text) {
                prop_assert!(question.terms().iter().all(|term| term.is_among(&terms(&text))) || part.chars().any(|c| c.is_ascii_alphanumeric()));
                prop_assert!(question.snippet(&text).parts.iter().any(|part| part.hit));
            }
        }

        #[test]
        fn whatever_is_asked_of_whatever_is_said_is_answered(question in "\\PC{0,80}", text in "\\PC{0,200}") {
            if let Ok(question) = Question::parse(&question) {
                let joined: String = question.snippet(&text).parts.iter().map(|part| part.text).collect();
                prop_assert!(text.contains(&joined));
                let _ = question.is_in(&text);
            }
        }
    }
}
