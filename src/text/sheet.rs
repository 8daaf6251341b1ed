//! Sheets of comma-separated values (RFC 4180), as spreadsheets read and write them.

/// What spreadsheets take for the beginning of a formula.
const FORMULA: [char; 10] = ['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠'];

/// Lines of as many cells each, the head first. Begins with a byte order mark, by which spreadsheets know UTF-8; no cell is a formula.
pub fn sheet<const COLUMNS: usize>(lines: impl Iterator<Item = [String; COLUMNS]>) -> String {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer("\u{feff}".as_bytes().to_vec());
    for line in lines {
        let line = line.map(|cell| harmless(&cell));
        writer
            .write_record(line)
            .expect("memory takes what is written, each line as long as the first");
    }
    let written = writer.into_inner().expect("memory takes what is written");
    String::from_utf8(written).expect("made of texts")
}

/// A cell that no spreadsheet takes for a formula: an apostrophe before it makes it a text.
fn harmless(cell: &str) -> String {
    if begins_a_formula(cell) { format!("'{cell}") } else { cell.to_owned() }
}

/// What stood in a cell before it was written to a sheet.
pub fn as_typed(cell: &str) -> &str {
    cell.strip_prefix('\'').filter(|rest| begins_a_formula(rest)).unwrap_or(cell)
}

fn begins_a_formula(cell: &str) -> bool {
    cell.trim_start_matches('\'').starts_with(FORMULA)
}
