//! Chinese found by what a hand types on a Latin keyboard: `tkgz` and `tuikuan` find 退款规则. Pure.
//!
//! Many characters have several readings (行: hang, xing), and which one a word has only a dictionary knows. Whoever searches
//! knows what they mean, so any reading is good enough to be found; what is written out takes the usual one.
use super::terms::Term;
use pinyin::{ToPinyin, ToPinyinMulti};
use std::collections::BTreeSet;

/// More of a query than this is not looked at by pinyin: nobody types it, and the work grows with it.
const LONGEST: usize = 64;

/// The first letters of the usual readings, letters and digits as they are, in lower case: `tkgz`, `vipzk`.
pub fn initials(text: &str) -> String {
    spelled_by(text, pinyin::Pinyin::first_letter)
}

/// The usual readings in one word, letters and digits as they are, in lower case: `tuikuanguize`. A ü is a v, as keyboards have it.
pub fn spelled(text: &str) -> String {
    spelled_by(text, pinyin::Pinyin::plain)
}

/// Whether the query is in the text as it stands (in any case), or spells the characters from some place on: each by its initial
/// (`t`; `zh`, `ch` and `sh` count too) or its whole reading, the last one by any beginning of it. Blanks do not count. Nothing
/// is found everywhere.
pub fn matches(query: &str, text: &str) -> bool {
    let (query, text) = (query.trim().to_lowercase(), text.to_lowercase());
    text.contains(&query) || spells(&query, &text)
}

/// Characters of a name that are spelled in terms, and ways to read them that are: hardly a name has more.
const SPELLED: usize = 12;
const WAYS: usize = 8;

/// The terms by which a name with Chinese in it is found as it sounds: its initials and its readings, from any character on.
pub fn terms(name: &str) -> BTreeSet<String> {
    let said: Vec<char> = name
        .chars()
        .flat_map(char::to_lowercase)
        .filter(|c| c.is_alphanumeric())
        .take(SPELLED)
        .collect();
    let is_chinese = |at: &usize| said[*at].to_pinyin().is_some();
    let ways = (0..said.len()).filter(is_chinese).flat_map(|at| ways(&said[at..]));
    ways.flat_map(|(initials, spelled)| [initials, spelled])
        .filter(|way| could_be(way))
        .map(|way| term(&way))
        .collect()
}

/// What an index is asked for that holds [`terms`]; `None` if this is no way to spell anything.
pub fn asked(typed: &str) -> Option<Term> {
    let typed: String = typed.to_lowercase().chars().filter(|c| !c.is_whitespace()).collect();
    let term = could_be(&typed).then(|| term(&typed))?;
    Some(if typed.len() > 2 { Term::Beginning(term) } else { Term::Whole(term) })
}

fn could_be(way: &str) -> bool {
    (2..=LONGEST).contains(&way.len()) && way.bytes().all(|c| c.is_ascii_alphanumeric())
}

fn term(way: &str) -> String {
    format!("y00{way}")
}

/// Initials and readings together, the usual ones first.
fn ways(said: &[char]) -> Vec<(String, String)> {
    let mut ways = vec![(String::new(), String::new())];
    for c in said {
        let usual = c.to_pinyin().into_iter();
        let others = c.to_pinyin_multi().into_iter().flatten();
        let mut readings: Vec<String> =
            usual.chain(others).map(|reading| reading.plain().replace('ü', "v")).collect();
        if readings.is_empty() {
            readings.push(c.to_string());
        }
        let on = |reading: &String| {
            let first = reading.chars().next();
            let on = |(initials, spelled): &(String, String)| {
                (initials.chars().chain(first).collect(), format!("{spelled}{reading}"))
            };
            ways.iter().map(on).collect::<Vec<(String, String)>>()
        };
        let mut longer: Vec<_> = readings.iter().flat_map(on).collect();
        let mut seen = BTreeSet::new();
        longer.retain(|way| seen.insert(way.clone()));
        longer.truncate(WAYS);
        ways = longer;
    }
    ways
}

fn spelled_by(text: &str, part: fn(pinyin::Pinyin) -> &'static str) -> String {
    let mut spelled = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        match c.to_pinyin() {
            Some(reading) => spelled.push_str(&part(reading).replace('ü', "v")),
            None if c.is_alphanumeric() => spelled.push(c),
            None => {}
        }
    }
    spelled
}

fn spells(query: &str, text: &str) -> bool {
    let query: String = query.chars().filter(|c| !c.is_whitespace()).collect();
    let could = query.len() <= LONGEST && query.bytes().all(|c| c.is_ascii_alphanumeric());
    if query.is_empty() || !could {
        return false;
    }
    // How much of the query is spelled by the characters so far, for each place where that may have begun.
    let mut reached = vec![0];
    for c in text.chars().filter(|c| c.is_alphanumeric()) {
        let mut next = vec![0];
        for &at in &reached {
            for end in steps(c, &query, at) {
                if end == query.len() {
                    return true;
                }
                next.push(end);
            }
        }
        next.sort_unstable();
        next.dedup();
        reached = next;
    }
    false
}

/// Where in the query one is after this character, for each way to spell it.
fn steps(c: char, query: &str, at: usize) -> Vec<usize> {
    let rest = &query[at..];
    let Some(readings) = c.to_pinyin_multi() else {
        return if rest.starts_with(c) { vec![at + c.len_utf8()] } else { vec![] };
    };
    let mut ends = Vec::new();
    for reading in readings {
        for spelling in spellings(reading.plain()) {
            let beginnings = [1, 2].into_iter().filter(|&length| {
                length == 1
                    || spelling.get(..2).is_some_and(|two| ["zh", "ch", "sh"].contains(&two))
            });
            ends.extend(
                beginnings
                    .chain([spelling.len()])
                    .filter_map(|length| spelling.get(..length))
                    .filter(|part| rest.starts_with(part))
                    .map(|part| at + part.len()),
            );
            if spelling.starts_with(rest) {
                ends.push(query.len());
            }
        }
    }
    ends
}

/// A ü is typed as v or u.
fn spellings(reading: &str) -> Vec<String> {
    if reading.contains('ü') {
        vec![reading.replace('ü', "v"), reading.replace('ü', "u")]
    } else {
        vec![reading.into()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chinese_is_found_by_initials_by_readings_and_by_both_mixed() {
        for query in
            ["tkgz", "TKGZ", "tk gz", "gz", "tuikuan", "tuikuangu", "tuik", "tkguize", "退款", "t"]
        {
            assert!(matches(query, "退款规则"), "{query}");
        }
        for query in ["tkzg", "tuikuanx", "uikuan", "退规", "tkgzz"] {
            assert!(!matches(query, "退款规则"), "{query}");
        }
    }

    #[test]
    fn any_reading_of_a_character_is_good_enough() {
        for query in ["yhzh", "yinhang", "yinxing", "yxzh"] {
            assert!(matches(query, "银行账号"), "{query}");
        }
        assert!(matches("cqfh", "重庆发货") && matches("zqfh", "重庆发货"));
        assert!(matches("lvse", "绿色") && matches("luse", "绿色") && matches("nvz", "女装"));
        assert!(matches("zhifu", "支付") && matches("zhf", "支付") && matches("zf", "支付"));
    }

    #[test]
    fn letters_and_digits_stand_for_themselves_and_signs_for_nothing() {
        assert!(
            matches("vipzk", "VIP 折扣")
                && matches("7tth", "7 天·退货")
                && matches("vip 折", "VIP 折扣")
        );
        assert!(matches("hello", "Say Hello") && !matches("helo", "Say Hello"));
        assert!(matches("", "退款") && matches("  ", "退款"));
    }

    #[test]
    fn a_name_is_found_by_terms_as_it_sounds_from_any_character_on() {
        let finds = |typed: &str, name: &str| {
            asked(typed).is_some_and(|asked| asked.is_among(&terms(name))) && matches(typed, name)
        };
        for typed in [
            "lxy",
            "LX Y",
            "lin",
            "linxiao",
            "linxiaoyu",
            "xiaoyu",
            "xiaoy",
            "xy",
            "yu",
            "lin xiao",
        ] {
            assert!(finds(typed, "林小雨"), "{typed}");
        }
        for typed in ["l", "", "lyx", "inxiao", "lxyz", "林小", "l%", "l'y", &"l".repeat(65)] {
            assert!(!finds(typed, "林小雨"), "{typed}");
        }
        assert!(finds("shanxiao", "单小雨") && finds("dxy", "单小雨"), "either reading");
        assert!(finds("lvb", "吕布") || finds("lvbu", "吕布"));
        assert_eq!(terms("VIP 林").len(), 1);
        assert!(terms("Vera Lin").is_empty() && terms("").is_empty() && terms("🙂").is_empty());
        let long = terms(&"行乐长重".repeat(20));
        assert!(long.len() <= SPELLED * WAYS * 2);
        assert!(long.iter().all(|term| (4..=84).contains(&term.len())), "{long:?}");
    }

    #[test]
    fn strange_queries_are_no_trouble() {
        for query in ["%", "'", "\u{0}", "é", "😀", &"t".repeat(10_000)] {
            assert!(!matches(query, "退款规则"), "{query}");
        }
        assert!(matches("😀", "好的😀"));
        assert!(!matches(&"a".repeat(LONGEST), &"啊".repeat(LONGEST - 1)));
    }

    #[test]
    fn the_usual_reading_is_written_out() {
        assert_eq!(initials("退款规则"), "tkgz");
        assert_eq!(spelled("退款规则"), "tuikuanguize");
        assert_eq!((initials("VIP 折扣!").as_str(), spelled("女 7").as_str()), ("vipzk", "nv7"));
    }
}
