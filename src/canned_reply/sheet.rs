//! Canned replies as a sheet of comma-separated values, as spreadsheets read and write it.
use super::model::{CannedReply, Scope, Wording};
use crate::{
    error::Invalid,
    text::{self, Lang, Words},
};

/// The columns, by the keys of their names, in the order in which they are written.
const COLUMNS: [&str; 5] = [
    "canned-column-scope",
    "canned-column-team",
    "canned-column-code",
    "canned-column-title",
    "canned-column-body",
];
const SCOPES: [(&str, &str); 3] =
    [("own", "canned-scope-own"), ("team", "canned-scope-team"), ("all", "canned-scope-all")];
/// A line that can be read, for whom it is still in words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub number: u64,
    pub scope: Column,
    pub wording: Wording,
}

/// For whom a line is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Column {
    Own,
    Team(String),
    All,
}

/// What could be read of a sheet, and what could not.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sheet {
    pub lines: Vec<Line>,
    pub flaws: Vec<Flaw>,
}

impl Sheet {
    fn broken(line: u64, key: &'static str) -> Self {
        Self { lines: Vec::new(), flaws: vec![Flaw::new(line, key)] }
    }
}

/// What is wrong with a line; the first is 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flaw {
    pub line: u64,
    pub words: Words,
}

impl Flaw {
    pub fn new(line: u64, key: &'static str) -> Self {
        Self { line, words: Words::new(key) }
    }
}

/// A sheet as spreadsheets save it: UTF-8; UTF-16 where a mark says so; else GB 18030, which holds GBK and in which Excel writes
/// CSV in China.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Saved {
    pub text: String,
    /// What it was guessed to be, so that whoever sees odd characters knows why.
    pub is_gbk: bool,
}

impl Saved {
    /// An error if it is no text in any of them.
    pub fn read(bytes: &[u8]) -> Result<Self, Invalid> {
        let marked = encoding_rs::Encoding::for_bom(bytes);
        let (encoding, mark) = match marked {
            Some(marked) => marked,
            None if std::str::from_utf8(bytes).is_ok() => (encoding_rs::UTF_8, 0),
            None => (encoding_rs::GB18030, 0),
        };
        let is_gbk = encoding == encoding_rs::GB18030;
        let text = encoding
            .decode_without_bom_handling_and_without_replacement(&bytes[mark..])
            .filter(|text| !text.contains('\0'))
            .ok_or(Invalid { field: "file", reason: "canned-flaw-encoding" })?;
        Ok(Self { text: text.into_owned(), is_gbk })
    }
}

/// Reads a sheet: commas, or tabs as a spreadsheet's cells are pasted. The first line names the columns, in any order and in
/// either language; without one of scopes all are one's own.
pub fn read(text: &str) -> Sheet {
    // Else lines would be counted wrong.
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let text = text.trim_start_matches('\u{feff}');
    let tabs = text.lines().next().is_some_and(|line| line.contains('\t'));
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .delimiter(if tabs { b'\t' } else { b',' })
        .from_reader(text.as_bytes());
    let (mut head, mut sheet) = (None, Sheet::default());
    for record in reader.records() {
        let Ok(record) = record else { return Sheet::broken(1, "canned-flaw-sheet") };
        let number = record.position().map_or(1, csv::Position::line);
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        let Some(places) = &head else {
            let places = COLUMNS.map(|key| record.iter().position(|cell| is(key, cell)));
            let strange =
                |cell: &str| !cell.trim().is_empty() && !COLUMNS.iter().any(|key| is(key, cell));
            if places[2..].contains(&None) || record.iter().any(strange) {
                return Sheet::broken(number, "canned-flaw-head");
            }
            head = Some(places);
            continue;
        };
        let cell = |column: usize| places[column].and_then(|at| record.get(at)).unwrap_or_default();
        match line(number, [0, 1, 2, 3, 4].map(|column| text::as_typed(cell(column)))) {
            Ok(line) => sheet.lines.push(line),
            Err(flaw) => sheet.flaws.push(flaw),
        }
    }
    if sheet == Sheet::default() {
        return Sheet::broken(1, "canned-flaw-empty");
    }
    sheet
}

fn line(number: u64, [scope, team, code, title, body]: [&str; 5]) -> Result<Line, Flaw> {
    let scope = scope.trim();
    let known = SCOPES.iter().find(|(word, key)| *word == scope || is(key, scope));
    let scope = match known.map(|(word, _)| *word) {
        Some("team") => Column::Team(team.trim().to_owned()),
        Some("all") => Column::All,
        Some(_) => Column::Own,
        None if scope.is_empty() => Column::Own,
        None => return Err(Flaw::new(number, "canned-flaw-scope")),
    };
    let wording = Wording::parse(title, code, body);
    let wording = wording.map_err(|invalid| Flaw::new(number, invalid.reason))?;
    Ok(Line { number, scope, wording })
}

/// Writes replies, each with the name of its team or nothing.
pub fn write(replies: &[(CannedReply, String)], lang: Lang) -> String {
    let head = COLUMNS.map(|key| lang.t(key));
    let lines = replies.iter().map(|(reply, team)| {
        let Wording { title, short_code, body } = &reply.wording;
        let scope = match reply.scope {
            Scope::Own(_) => "canned-scope-own",
            Scope::Team(_) => "canned-scope-team",
            Scope::All => "canned-scope-all",
        };
        let [code, title, body] =
            [short_code.as_str(), title.as_str(), body.as_str()].map(str::to_owned);
        [lang.t(scope), team.clone(), code, title, body]
    });
    text::sheet(std::iter::once(head).chain(lines))
}

/// Whether a cell is a word of the catalogue, in either language.
fn is(key: &str, cell: &str) -> bool {
    Lang::ALL.iter().any(|lang| lang.t(key).to_lowercase() == cell.trim().to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CannedReplyId;
    use jiff::Timestamp;
    use proptest::prelude::*;

    fn reply(scope: Scope, title: &str, code: &str, body: &str) -> CannedReply {
        let wording = Wording::parse(title, code, body).unwrap();
        CannedReply { id: CannedReplyId(1), scope, wording, updated_at: Timestamp::UNIX_EPOCH }
    }

    #[test]
    fn a_sheet_has_its_columns_in_any_order_and_either_language() {
        let read = |text: &str| {
            let sheet = read(text);
            assert_eq!(sheet.flaws, []);
            sheet.lines.into_iter().map(|line| (line.number, line.scope)).collect::<Vec<_>>()
        };
        assert_eq!(
            read(
                "\u{feff}标题,短码,内容,使用范围\r\n退款,tk,\"a\r\nb\",所有人\r\n\r\n,,,\r\n发货,fh,c,\r\n"
            ),
            [(2, Column::All), (6, Column::Own)]
        );
        assert_eq!(
            read("Text\tTitle\tShort code\tFor\tTeam\nx\tt\tc\tteam\t售后"),
            [(2, Column::Team("售后".into()))]
        );
    }

    #[test]
    fn a_sheet_is_read_however_a_spreadsheet_saved_it() {
        let words = "短码,标题,内容\ntk,退款,您好“{访客}”！";
        let gbk = encoding_rs::GBK.encode(words).0.into_owned();
        let wide = |to: fn(u16) -> [u8; 2]| words.encode_utf16().flat_map(to).collect::<Vec<_>>();
        for (bytes, is_gbk) in [
            (words.as_bytes().to_vec(), false),
            ([b"\xef\xbb\xbf", words.as_bytes()].concat(), false),
            ([&b"\xff\xfe"[..], &wide(u16::to_le_bytes)].concat(), false),
            ([&b"\xfe\xff"[..], &wide(u16::to_be_bytes)].concat(), false),
            (gbk, true),
        ] {
            assert_eq!(Saved::read(&bytes), Ok(Saved { text: words.into(), is_gbk }));
        }
        let workbook: &[u8] = b"PK\x03\x04\x14\0\x06\0";
        for odd in [workbook, b"\xff\xff\xff", b"\xef\xbb\xbf\xd0\xcc", b"a\0b"] {
            assert!(Saved::read(odd).is_err(), "{odd:?}");
        }
    }

    #[test]
    fn every_bad_line_is_named() {
        let flaws = |text: &str| {
            read(text).flaws.into_iter().map(|flaw| (flaw.line, flaw.words.key)).collect::<Vec<_>>()
        };
        assert_eq!(flaws(""), [(1, "canned-flaw-empty")]);
        for head in ["a,b", "短码,标题", "短码,标题,内容,范围"] {
            assert_eq!(flaws(&format!("{head}\n1,2,3,4")), [(1, "canned-flaw-head")]);
        }
        assert_eq!(
            flaws("短码,标题,内容,使用范围\nok,t,x,\n,t,x,\nc,,x,\nc,t,\"\",\nc,t,x,everyone\n"),
            [
                (3, "invalid-canned-code"),
                (4, "invalid-canned-title"),
                (5, "invalid-body-empty"),
                (6, "canned-flaw-scope")
            ]
        );
    }

    #[test]
    fn no_cell_is_a_formula() {
        let evil = reply(Scope::All, "=HYPERLINK(\"https://evil.example\")", "@x", "+1\n=2");
        let sheet = write(&[(evil, "-team".into())], Lang::En);
        assert!(
            sheet.contains("'-team,'@x,\"'=HYPERLINK(\"\"https://evil.example\"\")\",\"'+1\n=2\""),
            "{sheet}"
        );
    }

    proptest! {
        #[test]
        fn what_we_write_we_read(title in "[=+'@,;\"a-z退-]{1,20}", code in "[=+'@,\"a-z-]{1,20}", body in "[=+'@,\"a-z\n\t退-]{1,40}") {
            let (Ok(wording), lang) = (Wording::parse(&title, &code, &body), Lang::ZhCn) else { return Ok(()) };
            let reply = CannedReply { wording: wording.clone(), ..reply(Scope::All, "t", "c", "b") };
            let Sheet { lines, .. } = read(&write(&[(reply, String::new())], lang));
            prop_assert_eq!(&lines[0].wording, &wording);
        }

        #[test]
        fn no_text_breaks_the_reader(text in "\\PC{0,200}") {
            let _ = read(&text);
        }
    }
}
