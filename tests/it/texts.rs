//! The catalogue: both languages have every sentence, every sentence is used, and neither speaks the other's language.
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

fn catalogue(lang: &str) -> BTreeMap<String, String> {
    let text = fs::read_to_string(format!("assets/locales/{lang}/main.ftl")).unwrap();
    let sentences = text
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| line.split_once(" = "));
    sentences.map(|(key, sentence)| (key.to_owned(), sentence.to_owned())).collect()
}

fn sources() -> String {
    fn read(folder: &Path, all: &mut String) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                read(&path, all);
            } else {
                all.push_str(&fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut all = String::new();
    read(Path::new("src"), &mut all);
    read(Path::new("templates"), &mut all);
    all
}

#[test]
fn both_languages_have_the_same_sentences_with_the_same_parameters() {
    let (chinese, english) = (catalogue("zh-CN"), catalogue("en"));
    let keys =
        |catalogue: &BTreeMap<String, String>| catalogue.keys().cloned().collect::<BTreeSet<_>>();
    assert_eq!(keys(&chinese), keys(&english));
    for (key, sentence) in &chinese {
        assert_eq!(parameters(sentence), parameters(&english[key]), "{key}");
    }
}

fn parameters(sentence: &str) -> BTreeSet<String> {
    let names = sentence.split('$').skip(1);
    names.map(|rest| rest.chars().take_while(|c| c.is_alphanumeric()).collect()).collect()
}

#[test]
fn every_sentence_is_used_and_every_used_one_exists() {
    let (keys, sources) = (catalogue("en"), sources());
    let says = |word: &str| sources.contains(&format!("\"{word}\""));
    // A deed is named without `audit-`.
    let is_used = |key: &str| says(key) || key.strip_prefix("audit-").is_some_and(says);
    let unused: Vec<_> = keys.keys().filter(|key| !is_used(key)).collect();
    assert_eq!(unused, Vec::<&String>::new(), "sentences that nobody says");
    let asked = [
        ".t(\"",
        ".with(\"",
        ".fill(\"",
        "Words::new(\"",
        "reason: \"",
        "words: \"",
        "Conflict(\"",
        "Forbidden(\"",
        "invalid(\"",
    ];
    let used = asked
        .iter()
        .flat_map(|call| sources.split(call).skip(1))
        .map(|rest| rest.split('"').next().unwrap());
    let deeds = sources.split("Deed::new(\"").skip(1);
    let deeds = deeds.map(|rest| format!("audit-{}", rest.split('"').next().unwrap()));
    let missing: BTreeSet<_> =
        used.map(str::to_owned).chain(deeds).filter(|key| !keys.contains_key(key)).collect();
    assert_eq!(missing, BTreeSet::new(), "keys without a sentence");
}

#[test]
fn english_has_no_han_and_chinese_has_no_forgotten_english() {
    let han = |c: char| ('\u{4e00}'..='\u{9fff}').contains(&c);
    for (key, sentence) in catalogue("en") {
        assert!(!sentence.contains(han), "{key}: {sentence}");
    }
    for (key, sentence) in catalogue("zh-CN") {
        assert!(
            sentence.contains(han) || ["shop-price", "day-line"].contains(&key.as_str()),
            "{key}: {sentence}"
        );
    }
}

#[test]
fn chinese_says_nin_to_everybody() {
    for (key, sentence) in catalogue("zh-CN") {
        assert!(!sentence.contains('你'), "{key}: {sentence}");
    }
}
