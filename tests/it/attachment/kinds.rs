//! Kinds that an owner or an admin adds (T34): taken from then on where content and name agree, saved and never shown, and no way
//! in for what must not come in.
use super::{follow, png};
use crate::support::{Agent, Installation, Visitor, installation, program::value};
use kefu::agent::Scope;
use poem::http::{Method, StatusCode};
use serde_json::json;

const PAGE: &str = "/desk/settings/file-kinds";
const TICKED: &str = "\" checked><span>";
pub const ALL: [&str; 16] = [
    "docx", "xlsx", "pptx", "odt", "ods", "odp", "zip", "mp3", "m4a", "amr", "wav", "ogg", "mp4",
    "mov", "webm", "heic",
];

/// From now on these are taken besides.
pub async fn takes(ana: &Agent, kinds: &[&str]) {
    let fields: Vec<_> = kinds.iter().map(|kind| ("take", *kind)).collect();
    assert_eq!(ana.person.post(PAGE, &fields).await.goes_to(), format!("{PAGE}?saved=1"));
}

#[derive(Clone)]
struct Entry {
    name: Vec<u8>,
    bytes: Vec<u8>,
    /// What the list says, where that is not so.
    unpacked: Option<u32>,
}

fn entry(name: &str, bytes: impl Into<Vec<u8>>) -> Entry {
    Entry { name: name.into(), bytes: bytes.into(), unpacked: None }
}

fn small(number: usize) -> [u8; 2] {
    u16::try_from(number).unwrap().to_le_bytes()
}

fn large(number: usize) -> [u8; 4] {
    u32::try_from(number).unwrap().to_le_bytes()
}

/// An archive in which nothing is packed.
fn zip(entries: &[Entry]) -> Vec<u8> {
    let (mut file, mut list) = (Vec::new(), Vec::new());
    for Entry { name, bytes, unpacked } in entries {
        let at = file.len();
        let says = unpacked.unwrap_or(u32::try_from(bytes.len()).unwrap()).to_le_bytes();
        // Version, flags, how it is packed, time and day, sum, sizes, lengths.
        let head = [
            &[20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0][..],
            &large(bytes.len()),
            &says,
            &small(name.len()),
            &[0, 0],
        ]
        .concat();
        file.extend([b"PK\x03\x04", &head[..], name, bytes].concat());
        let rest = [&[0; 10][..], &large(at), name].concat();
        list.extend([b"PK\x01\x02\x14\0", &head[..], &rest].concat());
    }
    let (count, at) = (small(entries.len()), file.len());
    let end = [&[0; 4][..], &count, &count, &large(list.len()), &large(at), &[0, 0]].concat();
    [&file[..], &list, b"PK\x05\x06", &end].concat()
}

fn office(main: &str, more: &[&str]) -> Vec<u8> {
    let names =
        ["[Content_Types].xml", "_rels/.rels", main].into_iter().chain(more.iter().copied());
    zip(&names.map(|name| entry(name, "<?xml version=\"1.0\"?><x/>")).collect::<Vec<_>>())
}

fn open_document(kind: &str, more: &[&str]) -> Vec<u8> {
    let mut entries = vec![entry("mimetype", format!("application/vnd.oasis.opendocument.{kind}"))];
    entries.extend(
        ["content.xml", "META-INF/manifest.xml"].iter().chain(more).map(|name| entry(name, "<x/>")),
    );
    zip(&entries)
}

fn part(name: &[u8; 4], bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len() + 8).unwrap().to_be_bytes()[..], name, bytes].concat()
}

/// A film, or what begins like one.
fn film(brand: &[u8; 4]) -> Vec<u8> {
    let first = part(b"ftyp", &[&brand[..], b"\0\0\0\0isom", brand].concat());
    [first, part(b"mdat", &[7; 500])].concat()
}

fn heic() -> Vec<u8> {
    let first = part(b"ftyp", b"heic\0\0\0\0mif1heic");
    [first, part(b"meta", &[0; 80]), part(b"mdat", b"GPS")].concat()
}

/// What begins like this, and goes on somehow.
fn sound(head: &[u8]) -> Vec<u8> {
    [head, &[0x99; 500]].concat()
}

fn matroska(kind: &str) -> Vec<u8> {
    let length = u8::try_from(kind.len()).unwrap();
    let told = [&[0x42, 0x82, 0x80 | length][..], kind.as_bytes()].concat();
    sound(&[b"\x1a\x45\xdf\xa3", &[0x83 + length][..], &told].concat())
}

/// One of each, as it is.
fn each(kind: &str) -> Vec<u8> {
    match kind {
        "docx" => office("word/document.xml", &["word/media/image1.svg"]),
        "xlsx" => office("xl/workbook.xml", &[]),
        "pptx" => office("ppt/presentation.xml", &[]),
        "odt" => open_document("text", &[]),
        "ods" => open_document("spreadsheet", &[]),
        "odp" => open_document("presentation", &[]),
        "zip" => zip(&[entry("发票/一.pdf", "%PDF-1.7"), entry("发票/", "")]),
        "mp3" => sound(b"ID3\x04\0\0\0\0\0\x14TIT2"),
        "m4a" => film(b"M4A "),
        "amr" => sound(b"#!AMR\n"),
        "wav" => sound(b"RIFF\x04\x02\0\0WAVEfmt "),
        "ogg" => sound(b"OggS\0\x02"),
        "mp4" => film(b"isom"),
        "mov" => film(b"qt  "),
        "webm" => matroska("webm"),
        _ => heic(),
    }
}

async fn shop() -> (Installation, Visitor, Agent) {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    (site, vera, ana)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_admin_adds_is_taken_and_saved_as_it_came() {
    let (_site, vera, ana) = shop().await;
    for kind in ALL {
        let refused = vera.brings(&format!("a.{kind}"), &each(kind)).await;
        refused
            .must(StatusCode::UNPROCESSABLE_ENTITY)
            .says("Only pictures (PNG, JPG, GIF, WebP), PDF and plain text can be sent.");
    }
    vera.page().await.says("accept=\".png,.jpg,.jpeg,.gif,.webp,.pdf,.txt,.csv,.log,.md\"");
    takes(&ana, &ALL).await;
    for kind in ALL {
        let (name, bytes) = (format!("a.{kind}"), each(kind));
        let answer = vera.brings(&name, &bytes).await.must(StatusCode::OK);
        let brought = value(&answer)["files"][0].clone();
        assert_eq!(brought["name"], *name);
        assert!(brought.get("width").is_none_or(serde_json::Value::is_null), "{brought}");
        let path = vera.path(&format!("/files/{}", brought["id"].as_str().unwrap()));
        let (headers, kept) = follow(&vera.person, &path).await;
        assert_eq!(kept, bytes, "{kind}: as it came");
        assert_eq!(headers["content-type"], brought["media_type"].as_str().unwrap());
        assert_eq!(
            headers["content-disposition"],
            format!("attachment; filename=\"{name}\"; filename*=UTF-8''{name}")
        );
        assert_eq!(headers["content-security-policy"], "default-src 'none'; sandbox");
        assert_eq!(headers["x-content-type-options"], "nosniff");
    }
    // Both pages offer them, and the desk takes them, too; in a message it is a row to save, also where it is a picture.
    let accept = ".md,.docx,.xlsx,.pptx,.odt,.ods,.odp,.zip,.mp3,.m4a,.m4b,.amr,.awb,.wav,.ogg,.oga,.opus,.mp4,.m4v,.mov,.qt,.webm,.heic,.heif\"";
    vera.page().await.says(accept);
    vera.person.get(&vera.path("/compose")).await.says(accept);
    ana.person.get("/desk/c/1").await.says(accept);
    let photo = ana.has(1, "photo.heic", &heic()).await;
    ana.sends(1, "text", "", &[&photo]).await.must(StatusCode::OK);
    let path = vera.path(&format!("/files/{photo}"));
    vera.page().await.says(&format!("href=\"{path}\"")).says_not(&format!("<img src=\"{path}\""));

    // What was sent stays when its kind is taken no more.
    takes(&ana, &["zip"]).await;
    follow(&vera.person, &path).await;
    vera.brings("a.docx", &each("docx"))
        .await
        .must(StatusCode::UNPROCESSABLE_ENTITY)
        .says("Only pictures (PNG, JPG, GIF, WebP), PDF, plain text and ZIP can be sent.");
    vera.brings("a.zip", &each("zip")).await.must(StatusCode::OK);
}

#[tokio::test]
async fn only_who_manages_says_what_is_taken_and_what_was_said_is_in_the_log() {
    let (site, vera, ana) = shop().await;
    let ben = site.ben().await;
    ben.person.get(PAGE).await.must(StatusCode::FORBIDDEN);
    ben.person.post(PAGE, &[("take", "docx")]).await.must(StatusCode::FORBIDDEN);
    let page = ana.person.get(PAGE).await.must(StatusCode::OK);
    assert_eq!(page.all("name=\"take\" value=\""), ALL);
    page.says_not(TICKED).says("What cannot be added").says("Macros are programs");
    takes(&ana, &["zip", "docx", "docx"]).await;
    let page = ana.person.get(PAGE).await;
    assert_eq!(page.body.matches(TICKED).count(), 2);
    // What cannot be added cannot be smuggled in, and nothing else is changed by trying.
    for never in ["html", "svg", "exe", "docm", "png", "", "DOCX", "docx xlsm", "../zip"] {
        let refused = ana.person.post(PAGE, &[("take", "mp3"), ("take", never)]).await;
        refused.must(StatusCode::UNPROCESSABLE_ENTITY).says("Nothing was changed");
    }
    let many: Vec<_> = (0..3_000).map(|_| ("take", "never")).collect();
    ana.person.post(PAGE, &many).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    vera.brings("a.mp3", &each("mp3")).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    takes(&ana, &["zip", "odt"]).await;
    takes(&ana, &["zip", "odt"]).await;
    let log = ana.person.get("/desk/settings/audit").await;
    for said in [
        "lets \u{2068}DOCX / ZIP\u{2069} be sent",
        "lets \u{2068}ODT\u{2069} be sent",
        "does not let \u{2068}DOCX\u{2069} be sent",
    ] {
        assert_eq!(log.body.matches(said).count(), 1, "{said}");
    }
    // A row that a newer kefu wrote.
    site.change("UPDATE installation SET value = 'zip hologram' WHERE name = 'file-kinds'").await;
    assert_eq!(ana.person.get(PAGE).await.body.matches(TICKED).count(), 1);
    vera.brings("a.zip", &each("zip")).await.must(StatusCode::OK);
}

#[tokio::test]
async fn programs_are_told_which_kinds_are_taken() {
    let (site, _vera, ana) = shop().await;
    takes(&ana, &["docx", "mp4"]).await;
    let program = site.agent_program("ana", Scope::Write).await;
    let bearer = format!("Bearer {}", program.token);
    let headers =
        [("authorization", bearer.as_str()), ("content-type", "application/octet-stream")];
    let path = "/api/v1/conversations/1/files?name=a.bin";
    let refused = site.stranger().ask(Method::POST, path, &headers, "PK\x03\x04\0").await;
    let told = value(&refused.must(StatusCode::UNPROCESSABLE_ENTITY));
    assert_eq!(told["error"]["code"], "invalid");
    let refused = site.stranger().ask(Method::POST, path, &headers, "\x07\x00").await;
    let told = value(&refused.must(StatusCode::UNPROCESSABLE_ENTITY));
    assert_eq!(
        (&told["error"]["code"], &told["error"]["field"]),
        (&json!("invalid"), &json!("file"))
    );
    assert!(told["error"]["message"].as_str().unwrap().contains("DOCX / MP4"), "{told}");
    let refused = site
        .stranger()
        .ask(
            Method::POST,
            path,
            &[&headers[..], &[("accept-language", "zh-CN")]].concat(),
            "\x07\x00",
        )
        .await;
    assert!(
        refused.body.contains("只能发送") && refused.body.contains("DOCX / MP4"),
        "{}",
        refused.body
    );
}

/// What it is, what it is called, and what of the refusal must be said.
type Hostile = (&'static str, &'static str, Vec<u8>, &'static str);

const DAMAGED: &str = "damaged or incomplete";
const NOT_TAKEN: &str = "can be sent.";
const MACROS: &str = "Documents with macros";
const PROGRAM: &str = "holds programs, scripts";
const NAME: &str = "its name ends differently";

fn changed(mut bytes: Vec<u8>, change: impl FnOnce(&mut Vec<u8>)) -> Vec<u8> {
    change(&mut bytes);
    bytes
}

fn archives() -> Vec<Hostile> {
    let one = || zip(&[entry("a.txt", "hello")]);
    let docx = || each("docx");
    let with = |name: &str| zip(&[entry("a.txt", "hello"), entry(name, "x")]);
    let vba = |name| office("word/document.xml", &[name]);
    // Its list and its end, to be changed: 22 bytes from behind, and 46 with the name before.
    let list = one().len() - 22 - 46 - 5;
    let bomb = |unpacked| Entry { unpacked: Some(unpacked), ..entry("a.txt", "hello") };
    let flood: Vec<_> = (0..10_001).map(|n| entry(&n.to_string(), "")).collect();
    let inside = {
        // An entry that lies in another: what is unpacked is much more than what is sent.
        let inner = zip(&[entry("b.txt", "hello")]);
        let mut outer = zip(&[entry("a.zip", inner), entry("b.txt", "x")]);
        let place = outer.len() - 22 - 46 - 5;
        outer[place + 42..place + 46].copy_from_slice(&large(35));
        outer
    };
    vec![
        ("a macro", "a.docx", vba("word/vbaProject.bin"), MACROS),
        ("a macro, in capitals", "a.docx", vba("word/VBAPROJECT.BIN"), MACROS),
        ("a macro elsewhere", "a.docx", vba("x/vbaProjectSignature.bin"), MACROS),
        ("what macros are listed by", "a.docx", vba("word/vbaData.xml"), MACROS),
        (
            "a sheet that is a macro",
            "a.xlsx",
            office("xl/workbook.xml", &["xl/macrosheets/sheet1.xml"]),
            MACROS,
        ),
        (
            "a control",
            "a.pptx",
            office("ppt/presentation.xml", &["ppt/activeX/activeX1.bin"]),
            MACROS,
        ),
        (
            "a macro of the open kind",
            "a.odt",
            open_document("text", &["Basic/Standard/Module1.xml"]),
            MACROS,
        ),
        (
            "a script of the open kind",
            "a.ods",
            open_document("spreadsheet", &["Scripts/python/a.py"]),
            MACROS,
        ),
        (
            "a document that is two",
            "a.docx",
            office("word/document.xml", &["xl/workbook.xml"]),
            NOT_TAKEN,
        ),
        ("a document that is none", "a.docx", office("visio/document.xml", &[]), NOT_TAKEN),
        ("a binary workbook", "a.xlsx", office("xl/workbook.bin", &[]), NOT_TAKEN),
        ("an open document that is none", "a.odt", open_document("graphics", &[]), NOT_TAKEN),
        ("a document called a macro's", "a.docm", docx(), NAME),
        ("a document called an archive", "a.zip", docx(), NAME),
        ("a document called a program", "a.docx.exe", docx(), NAME),
        ("a document called a page", "a.html", docx(), NAME),
        ("a document called a picture", "a.png", docx(), NAME),
        ("an archive called a document", "a.docx", one(), NAME),
        ("an archive called a program", "a.jar", one(), NAME),
        ("an archive that turns its name", "a\u{202e}piz.exe", one(), NAME),
        ("a program within", "a.zip", with("b.EXE"), PROGRAM),
        ("a program within folders", "a.zip", with("a/b/c.scr"), PROGRAM),
        ("a program behind dots", "a.zip", with("b.exe. ."), PROGRAM),
        ("a script within", "a.zip", with("b.js"), PROGRAM),
        ("a shortcut within", "a.zip", with("b.pdf.lnk"), PROGRAM),
        ("a macro within", "a.zip", with("b.xlsm"), PROGRAM),
        ("Java", "a.zip", with("META-INF/MANIFEST.MF"), PROGRAM),
        ("Android", "a.zip", with("AndroidManifest.xml"), PROGRAM),
        ("Mac", "a.zip", with("Game.app/Contents/Info.plist"), PROGRAM),
        ("a way out", "a.zip", with("../../etc/passwd"), DAMAGED),
        ("a way out, the other way", "a.zip", with("..\\..\\etc"), DAMAGED),
        ("an absolute way", "a.zip", with("/etc/passwd"), DAMAGED),
        ("a name that ends early", "a.zip", with("a.txt\0.exe"), DAMAGED),
        ("a name that is none", "a.zip", with(""), DAMAGED),
        ("a bomb", "a.zip", zip(&[bomb(1_000_000_001)]), "more than 1 GB"),
        (
            "a bomb in parts",
            "a.zip",
            zip(&[bomb(600_000_000), bomb(600_000_000)]),
            "more than 1 GB",
        ),
        ("a bomb that lies in itself", "a.zip", inside, DAMAGED),
        ("a flood", "a.zip", zip(&flood), DAMAGED),
        ("nothing", "a.zip", zip(&[]), DAMAGED),
        ("a page before it", "a.zip", [b"<html>", &one()[..]].concat(), "Web pages"),
        ("an archive before it", "a.zip", [one(), one()].concat(), DAMAGED),
        ("a program before it", "a.zip", [b"PK\x03\x04MZ\x90", &one()[..]].concat(), DAMAGED),
        ("a page behind it", "a.zip", [&one()[..], b"<script>alert(1)</script>"].concat(), DAMAGED),
        (
            "two ends",
            "a.zip",
            changed(one(), |file| {
                let (place, end) = (file.len() - 2, file[file.len() - 22..].to_vec());
                file[place] = 22;
                file.extend(end);
            }),
            DAMAGED,
        ),
        ("another name in front", "a.zip", changed(one(), |file| file[30] = b'b'), DAMAGED),
        ("a longer name in front", "a.zip", changed(one(), |file| file[26] = 4), DAMAGED),
        ("hidden names", "a.zip", changed(one(), |file| file[list + 9] |= 0x20), DAMAGED),
        ("a size that leads out", "a.zip", changed(one(), |file| file[list + 20] = 200), DAMAGED),
        ("a place that leads out", "a.zip", changed(one(), |file| file[list + 43] = 200), DAMAGED),
        (
            "a size of the large kind",
            "a.zip",
            changed(one(), |file| file[list + 20..list + 24].fill(0xff)),
            DAMAGED,
        ),
        (
            "more entries than there are",
            "a.zip",
            changed(one(), |file| {
                let end = file.len() - 22;
                (file[end + 8], file[end + 10]) = (2, 2);
            }),
            DAMAGED,
        ),
        (
            "a list that leads out",
            "a.zip",
            changed(one(), |file| {
                let end = file.len() - 22;
                file[end + 16] = 250;
            }),
            DAMAGED,
        ),
        (
            "a second disk",
            "a.zip",
            changed(one(), |file| {
                let end = file.len() - 22;
                file[end + 4] = 1;
            }),
            DAMAGED,
        ),
        ("only a head", "a.zip", b"PK\x03\x04\x14\0\0\0".to_vec(), DAMAGED),
    ]
}

fn others() -> Vec<Hostile> {
    let mp4 = || each("mp4");
    vec![
        ("AVIF", "a.heic", part(b"ftyp", b"avif\0\0\0\0mif1heic"), NOT_TAKEN),
        ("a film of no kind", "a.mp4", film(b"xxxx"), NOT_TAKEN),
        ("a sound called a film", "a.mp4", each("m4a"), NAME),
        ("a film called a page", "a.html", mp4(), NAME),
        ("a film called a picture", "a.png", mp4(), NAME),
        ("a film called another", "a.mov", mp4(), NAME),
        ("a sound called a script", "a.js", each("mp3"), NAME),
        ("a recording called a script", "a.sh", each("amr"), NAME),
        ("a Matroska", "a.webm", matroska("matroska"), NOT_TAKEN),
        ("a WebM without anything", "a.webm", b"\x1a\x45\xdf\xa3\0".to_vec(), NOT_TAKEN),
        (
            "a page that begins like a sound",
            "a.mp3",
            b"ID3<script>alert(1)</script>".to_vec(),
            "Web pages",
        ),
        ("a page that begins like a film", "a.mov", b"<b> moovmdat<script>".to_vec(), "Web pages"),
        (
            "a page called a document",
            "a.docx",
            b"<html><script>alert(1)</script>".to_vec(),
            "Web pages",
        ),
        (
            "a vector picture",
            "a.svg",
            b"<svg xmlns=\"http://www.w3.org/2000/svg\"/>".to_vec(),
            "Web pages",
        ),
        ("an old document", "a.doc", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0".to_vec(), NOT_TAKEN),
        (
            "a document with a password",
            "a.docx",
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1\0".to_vec(),
            NOT_TAKEN,
        ),
        ("RAR", "a.rar", b"Rar!\x1a\x07\x01\0".to_vec(), NOT_TAKEN),
        ("a program", "a.zip", b"MZ\x90\0\x03\0\0\0".to_vec(), NOT_TAKEN),
    ]
}

/// Cut anywhere, no archive is whole.
fn cut() -> Vec<(String, String, Vec<u8>)> {
    let mut cut = Vec::new();
    for kind in &ALL[..7] {
        let whole = each(kind);
        for at in [13, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
            cut.push((format!("{kind} cut at {at}"), format!("a.{kind}"), whole[..at].to_vec()));
        }
    }
    cut
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_are_refused_where_everything_is_taken_that_may_be_added() {
    let (site, vera, ana) = shop().await;
    takes(&ana, &ALL).await;
    let hostile = [archives(), others()].concat();
    assert!(hostile.len() >= 70, "{}", hostile.len());
    for (what, name, bytes, said) in hostile {
        let answer = vera.brings(name, &bytes).await;
        let told = value(&answer)["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{what}: {}", answer.body);
        assert!(told.contains(said) && told.ends_with('.'), "{what}: {told}");
    }
    for (what, name, bytes) in cut() {
        let answer = vera.brings(&name, &bytes).await;
        let told = value(&answer)["error"]["message"].as_str().unwrap_or_default().to_owned();
        assert!(told.contains(DAMAGED), "{what}: {}", answer.body);
    }
    // A name that says nothing is completed, an ending in capitals is one, a remark belongs to an archive, many telephones begin sound
    // like a film, and a text may begin like anything.
    let remark = changed(each("zip"), |file| {
        let place = file.len() - 2;
        file[place] = 5;
        file.extend(b"hello");
    });
    for (name, bytes, kept) in [
        ("report", each("docx"), "report.docx"),
        ("合同 1.2", each("docx"), "合同 1.2.docx"),
        ("REPORT.DOCX", each("docx"), "REPORT.docx"),
        ("a.zip", remark, "a.zip"),
        ("a.mp3", sound(b"\xff\xfb\x90\0"), "a.mp3"),
        ("voice.m4a", film(b"mp42"), "voice.m4a"),
        ("book.m4b", film(b"M4B "), "book.m4b"),
        ("film", film(b"mp42"), "film.mp4"),
        ("a.m4v", film(b"M4V "), "a.m4v"),
        ("a.awb", sound(b"#!AMR-WB\n"), "a.awb"),
        ("a.opus", each("ogg"), "a.opus"),
        ("a.heif", part(b"ftyp", b"mif1\0\0\0\0mif1heic"), "a.heif"),
        ("a.txt", b"ID3 is a tag".to_vec(), "a.txt"),
        ("b.txt", b"The moov atom".to_vec(), "b.txt"),
    ] {
        let brought = value(&vera.brings(name, &bytes).await.must(StatusCode::OK));
        assert_eq!(brought["files"][0]["name"], kept);
    }
    // What was taken before is taken as before, whatever it is called; and nothing stays behind of what was refused.
    let brought = value(&vera.brings("a.zip", &png()).await.must(StatusCode::OK));
    assert_eq!(brought["files"][0]["name"], "a.zip.png");
    assert_eq!(std::fs::read_dir(site.app.config.data_dir.join("incoming")).unwrap().count(), 0);
}
