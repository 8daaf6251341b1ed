//! Files that come with messages: who brings them, who sees them, when they end, and what of hostile ones is left (T34).
mod elsewhere;
mod hostile;
mod kinds;

use crate::support::{
    Agent, Answer, Installation, Person, Visitor, installation, limited_installation,
    program::value,
};
use jiff::SignedDuration;
use kefu::{
    agent::Scope,
    attachment, conversation,
    ids::{AgentId, ConversationId, Nonce},
};
use poem::http::{HeaderMap, Method, StatusCode};
use serde_json::json;

/// A small picture.
pub fn picture(format: image::ImageFormat) -> Vec<u8> {
    let painted = image::RgbImage::from_fn(400, 300, |x, y| image::Rgb([x as u8, y as u8, 90]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    painted.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

pub fn png() -> Vec<u8> {
    picture(image::ImageFormat::Png)
}

impl Visitor {
    /// Brings a file as a script does.
    pub async fn brings(&self, name: &str, bytes: &[u8]) -> Answer {
        self.person.bring(&self.path("/files"), &[(name, bytes)], "application/json").await
    }

    /// A file that was brought; what it is called.
    pub async fn has(&self, name: &str, bytes: &[u8]) -> String {
        id_of(self.brings(name, bytes).await)
    }

    pub async fn sends(&self, nonce: &Nonce, body: &str, files: &[&str]) -> Answer {
        sends(&self.person, &self.path("/messages"), nonce, body, files, "text").await
    }
}

impl Agent {
    pub async fn has(&self, id: i64, name: &str, bytes: &[u8]) -> String {
        let path = format!("/desk/c/{id}/files");
        id_of(self.person.bring(&path, &[(name, bytes)], "application/json").await)
    }

    pub async fn sends(&self, id: i64, kind: &str, body: &str, files: &[&str]) -> Answer {
        let path = format!("/desk/c/{id}/messages");
        sends(&self.person, &path, &Nonce::new(), body, files, kind).await
    }
}

fn id_of(answer: Answer) -> String {
    let answer = value(&answer.must(StatusCode::OK));
    answer["files"][0]["id"].as_str().unwrap().to_owned()
}

async fn sends(
    person: &Person,
    path: &str,
    nonce: &Nonce,
    body: &str,
    files: &[&str],
    kind: &str,
) -> Answer {
    let mut fields = vec![("nonce", nonce.as_str()), ("body", body), ("kind", kind)];
    fields.extend(files.iter().map(|id| ("file_id", *id)));
    person.hx_post(path, &fields).await
}

/// What stands behind a link that a page has.
pub async fn follow(person: &Person, path: &str) -> (HeaderMap, Vec<u8>) {
    let place = person.get(path).await.goes_to();
    let (status, headers, bytes) = person.bytes(&place).await;
    assert_eq!(status, StatusCode::OK, "{place}");
    (headers, bytes)
}

#[tokio::test(flavor = "multi_thread")]
async fn pictures_and_papers_go_both_ways_and_page_and_stream_show_them_alike() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    let photo = vera.has("砚台.PNG", &png()).await;
    let paper = vera.has("bill.pdf", b"%PDF-1.7\n1 0 obj\n").await;
    let mut stream = vera.listen("1").await;
    let sent = vera.sends(&Nonce::new(), "", &[&photo, &paper]).await.must(StatusCode::OK);
    let line = sent.entry("m-2").to_owned();
    let (pic, doc) = (vera.path(&format!("/files/{photo}")), vera.path(&format!("/files/{paper}")));
    assert!(
        line.contains(&format!("<img src=\"{pic}\" alt=\"砚台.png\" width=\"240\" height=\"180\"")),
        "{line}"
    );
    assert!(line.contains(&format!("href=\"{doc}\"")) && line.contains("bill.pdf"), "{line}");
    assert!(!line.contains("class=\"b\""), "nothing was said: {line}");
    assert!(stream.entry().await.data.contains(&line));
    assert_eq!(vera.page().await.entry("m-2"), line);

    let pane = ana.person.get(&format!("/desk/c/{id}")).await;
    pane.says(&format!("<img src=\"/desk/c/{id}/files/{photo}\""));
    ana.person.get("/desk/c?tab=queue").await.says("📎 砚台.png");
    for (person, path) in
        [(&vera.person, pic), (&ana.person, format!("/desk/c/{id}/files/{photo}"))]
    {
        let (headers, bytes) = follow(person, &path).await;
        assert_eq!(image::load_from_memory(&bytes).unwrap().width(), 400);
        assert_eq!(headers["content-type"], "image/png");
        assert_eq!(headers["content-length"], bytes.len().to_string());
        assert_eq!(headers["content-security-policy"], "default-src 'none'; sandbox");
        assert_eq!(headers["x-content-type-options"], "nosniff");
        assert_eq!(headers["cache-control"], "private, max-age=1800, immutable");
        assert_eq!(
            headers["content-disposition"],
            "inline; filename=\"__.png\"; filename*=UTF-8''%E7%A0%9A%E5%8F%B0.png"
        );
    }
    let (headers, bytes) = follow(&vera.person, &doc).await;
    assert_eq!(bytes, b"%PDF-1.7\n1 0 obj\n");
    assert_eq!(
        headers["content-disposition"],
        "attachment; filename=\"bill.pdf\"; filename*=UTF-8''bill.pdf"
    );

    let answer = ana.has(id, "reply.txt", "你好".as_bytes()).await;
    ana.sends(id, "text", "here", &[&answer]).await.must(StatusCode::OK);
    vera.page().await.says("reply.txt");
    let (headers, _) = follow(&vera.person, &vera.path(&format!("/files/{answer}"))).await;
    assert_eq!(headers["content-type"], "text/plain; charset=utf-8");
}

/// Black on the left and white on the right; its camera lay on a side, as the number that EXIF has for it says.
fn held(format: image::ImageFormat, by: u8) -> Vec<u8> {
    let painted =
        image::GrayImage::from_fn(64, 32, |x, _| image::Luma([if x < 32 { 0 } else { 255 }]));
    let mut bytes = std::io::Cursor::new(Vec::new());
    image::DynamicImage::from(painted).into_rgb8().write_to(&mut bytes, format).unwrap();
    let bytes = bytes.into_inner();
    let told = [b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0", &[by][..], &[0; 6]].concat();
    if format == image::ImageFormat::Jpeg {
        let told = [b"Exif\0\0", &told[..]].concat();
        let length = u16::try_from(told.len() + 2).unwrap().to_be_bytes();
        return [&bytes[..2], b"\xff\xe1", &length, &told, &bytes[2..]].concat();
    }
    let chunk = [b"eXIf", &told[..]].concat();
    let (length, sum) = (u32::try_from(told.len()).unwrap(), hostile::crc32(&chunk));
    [&bytes[..33], &length.to_be_bytes(), &chunk, &sum.to_be_bytes(), &bytes[33..]].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_picture_stands_the_way_its_camera_was_held() {
    let site = installation().await;
    let vera = site.vera().await;
    for (format, name) in [(image::ImageFormat::Jpeg, "x.jpg"), (image::ImageFormat::Png, "x.png")]
    {
        for (by, size, black, white) in [
            (1, (64, 32), (5, 16), (58, 16)),
            (3, (64, 32), (58, 16), (5, 16)),
            (6, (32, 64), (16, 5), (16, 58)),
            (8, (32, 64), (16, 58), (16, 5)),
            (5, (32, 64), (16, 5), (16, 58)),
            (7, (32, 64), (16, 58), (16, 5)),
        ] {
            let file = vera.has(name, &held(format, by)).await;
            let (_, bytes) = follow(&vera.person, &vera.path(&format!("/files/{file}"))).await;
            let kept = image::load_from_memory(&bytes).unwrap().into_luma8();
            let at = |(x, y): (u32, u32)| kept.get_pixel(x, y).0[0];
            assert_eq!(kept.dimensions(), size, "{name} {by}");
            assert!(at(black) < 20 && at(white) > 235, "{name} {by}: {} {}", at(black), at(white));
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_seen_by_whom_it_was_sent_to_and_by_nobody_before() {
    let site = installation().await;
    let (vera, walt) = (site.vera().await, site.walt().await);
    let (ana, ben) = (site.ana().await, site.ben().await);
    let (own, other) = (1, 2);
    let file = vera.has("a.png", &png()).await;
    let (mine, desks) =
        (vera.path(&format!("/files/{file}")), format!("/desk/c/{own}/files/{file}"));
    let hidden = async |person: &Person, path: &str| {
        person.get(path).await.must(StatusCode::NOT_FOUND);
    };
    vera.person.get(&mine).await.goes_to();
    hidden(&ana.person, &desks).await;
    hidden(&walt.person, &mine).await;
    hidden(&walt.person, &walt.path(&format!("/files/{file}"))).await;
    // Nor can anybody else send it, nor she in another conversation.
    for refused in [
        walt.sends(&Nonce::new(), "x", &[&file]).await,
        ana.sends(own, "text", "x", &[&file]).await,
        walt.sends(&Nonce::new(), "x", &["AAAAAAAAAAAAAAAAAAAAAA"]).await,
        walt.sends(&Nonce::new(), "x", &["../../x"]).await,
    ] {
        refused.must(StatusCode::UNPROCESSABLE_ENTITY).says("not there any more");
    }
    vera.sends(&Nonce::new(), "look", &[&file]).await.must(StatusCode::OK);
    ana.person.get(&desks).await.goes_to();
    ben.person.get(&desks).await.goes_to();
    hidden(&walt.person, &mine).await;
    hidden(&ana.person, &format!("/desk/c/{other}/files/{file}")).await;

    // What is in a note is the agents' own.
    let secret = ana.has(own, "secret.txt", b"secret").await;
    hidden(&ben.person, &format!("/desk/c/{own}/files/{secret}")).await;
    ana.sends(own, "note", "", &[&secret]).await.must(StatusCode::OK);
    ben.person.get(&format!("/desk/c/{own}/files/{secret}")).await.goes_to();
    hidden(&vera.person, &vera.path(&format!("/files/{secret}"))).await;
    vera.page().await.says_not("secret");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_sent_once_and_the_same_send_again_is_the_same() {
    let site = installation().await;
    let vera = site.vera().await;
    let (first, second) = (vera.has("a.txt", b"a").await, vera.has("b.txt", b"b").await);
    let nonce = Nonce::new();
    let both = [first.as_str(), &second];
    let sends = (0..8).map(|_| vera.sends(&nonce, "x", &both));
    for sent in futures_util::future::join_all(sends).await {
        assert_eq!(sent.must(StatusCode::OK).all("id=\"m-"), ["2"]);
    }
    vera.sends(&nonce, "x", &[&first]).await.must(StatusCode::CONFLICT);
    vera.sends(&Nonce::new(), "x", &[&second]).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    // A file that cannot go keeps the others back, and the words with them.
    let third = vera.has("c.txt", b"c").await;
    vera.sends(&Nonce::new(), "x", &[&third, &first]).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(vera.page().await.all("id=\"m-").len(), 2);
    vera.sends(&Nonce::new(), "", &[&third]).await.must(StatusCode::OK);
    vera.sends(&Nonce::new(), "", &[]).await.must(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_can_be_sent_with_its_files_once_it_may() {
    let site = installation().await;
    let (_vera, ana) = (site.vera().await, site.ana().await);
    let file = ana.has(1, "a.txt", b"a").await;
    ana.act(1, "close").await.must(StatusCode::OK);
    ana.sends(1, "text", "late", &[&file]).await.must(StatusCode::CONFLICT);
    ana.act(1, "reopen").await.must(StatusCode::OK);
    ana.sends(1, "text", "late", &[&file]).await.must(StatusCode::OK);
}

#[tokio::test]
async fn a_link_ends_and_cannot_be_made_up() {
    let site = installation().await;
    let vera = site.vera().await;
    let file = vera.has("a.txt", b"a").await;
    let path = vera.path(&format!("/files/{file}"));
    let mut link = vera.person.get(&path).await.goes_to();
    let again = vera.person.get(&path).await.goes_to();
    if again != link {
        // A quarter of an hour began in between.
        link = vera.person.get(&path).await.goes_to();
    }
    assert_eq!(again, link, "a browser keeps what it has");
    site.stranger().get(&link).await.must(StatusCode::OK);
    let other = vera.has("b.txt", b"b").await;
    let (_, signature) = link.rsplit_once("sig=").unwrap();
    for forged in [
        link.replace(&file, &other),
        link.replace("until=1", "until=2"),
        link.replace("&sig=", "&x="),
        format!("{}AAAA", &link[..link.len() - 4]),
        link.replace(signature, ""),
        link.replace(&file, "AAAAAAAAAAAAAAAAAAAAAA"),
        link.replace("until=", "until=x"),
    ] {
        site.stranger().get(&forged).await.must(StatusCode::NOT_FOUND);
    }
    site.app.clock.turn(SignedDuration::from_mins(14));
    site.stranger().get(&link).await.must(StatusCode::OK);
    site.app.clock.turn(SignedDuration::from_mins(17));
    site.stranger().get(&link).await.must(StatusCode::NOT_FOUND);
    follow(&vera.person, &path).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_is_given_whole_or_in_part() {
    let site = installation().await;
    let vera = site.vera().await;
    // More than is written in one part.
    let text: String = (0..).map(|n| format!("{n} ")).take(1_700_000).collect();
    let size = text.len();
    assert!(size > 11_000_000);
    let file = vera.has("numbers.txt", text.as_bytes()).await;
    let link = vera.person.get(&vera.path(&format!("/files/{file}"))).await.goes_to();
    let ask = async |headers: &[(&str, &str)]| {
        let answer = vera.person.ask(Method::GET, &link, headers, "").await;
        let told = |name| answer.headers.get(name).map_or("", |value| value.to_str().unwrap());
        let told = [told("content-range"), told("content-length")].map(str::to_owned);
        (answer.status, told, answer.body)
    };
    let (status, [range, _], body) = ask(&[]).await;
    assert_eq!((status, &*range, body == text), (StatusCode::OK, "", true));
    let part = StatusCode::PARTIAL_CONTENT;
    for (asked, place) in [
        ("bytes=0-9", 0..10),
        ("bytes=6000000-6000099", 6_000_000..6_000_100),
        ("bytes=-7", size - 7..size),
        (&*format!("bytes={}-", size - 5), size - 5..size),
        (&*format!("bytes={}-{}", size - 5, size * 2), size - 5..size),
    ] {
        let (status, [range, length], body) = ask(&[("range", asked)]).await;
        assert_eq!((status, &*body), (part, &text[place.clone()]), "{asked}");
        assert_eq!(range, format!("bytes {}-{}/{size}", place.start, place.end - 1));
        assert_eq!(length, place.len().to_string());
    }
    let beyond = ask(&[("range", &format!("bytes={size}-"))]).await;
    assert_eq!(beyond.0, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(beyond.1[0], format!("bytes */{size}"));
    // Goes on with what it has only if it is the same.
    let state = format!("\"{file}\"");
    assert_eq!(ask(&[("range", "bytes=0-9"), ("if-range", &state)]).await.0, part);
    assert_eq!(ask(&[("range", "bytes=0-9"), ("if-range", "\"x\"")]).await.0, StatusCode::OK);
    assert_eq!(ask(&[("range", "bytes=0-1,4-5")]).await.0, StatusCode::OK);
}

#[tokio::test]
async fn ten_a_minute_and_a_hundred_megabytes_a_day() {
    let site = limited_installation().await;
    let vera = site.vera().await;
    for n in 0..10 {
        vera.has(&format!("{n}.txt"), b"x").await;
    }
    let refused = vera.brings("11.txt", b"x").await.must(StatusCode::TOO_MANY_REQUESTS);
    assert!(!refused.header("retry-after").is_empty());

    let site = installation().await;
    let vera = site.vera().await;
    let big = "x".repeat(19_999_990);
    for n in 0..5 {
        vera.has(&format!("{n}.txt"), big.as_bytes()).await;
    }
    vera.has("last.txt", b"12345").await;
    vera.brings("more.txt", "x".repeat(46).as_bytes())
        .await
        .must(StatusCode::UNPROCESSABLE_ENTITY)
        .says("100 MB");
    // Others are not kept from it, nor is she tomorrow.
    let (walt, ana) = (site.walt().await, site.ana().await);
    walt.has("w.txt", b"w").await;
    for n in 0..6 {
        ana.has(2, &format!("{n}.txt"), big.as_bytes()).await;
    }
    site.app.clock.turn(SignedDuration::from_hours(25));
    vera.has("more.txt", big.as_bytes()).await;
}

#[tokio::test]
async fn twenty_megabytes_and_ten_files() {
    let site = installation().await;
    let vera = site.vera().await;
    let big = vec![b'x'; 20_000_001];
    vera.has("big.txt", &big[1..]).await;
    vera.brings("big.txt", &big).await.must(StatusCode::PAYLOAD_TOO_LARGE).says("20 MB");
    let many: Vec<(&str, &[u8])> = vec![("a.txt", b"a"); 11];
    let path = vera.path("/files");
    let brought = vera.person.bring(&path, &many[1..], "application/json").await;
    assert_eq!(value(&brought.must(StatusCode::OK))["files"].as_array().unwrap().len(), 10);
    vera.person
        .bring(&path, &many, "application/json")
        .await
        .must(StatusCode::UNPROCESSABLE_ENTITY);
    // Whatever is no file, there is not much room for it.
    for (before, name) in [(vec![b'x'; 300_000], "x"), (Vec::new(), &*"n".repeat(300_000))] {
        let mut body = before;
        body.extend_from_slice(
            b"\r\n--border\r\nContent-Disposition: form-data; name=\"file\"; filename=\"",
        );
        body.extend_from_slice(name.as_bytes());
        body.extend_from_slice(b"\"\r\n\r\nx\r\n--border--\r\n");
        vera.person
            .bring_raw(&path, body, "application/json")
            .await
            .must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    vera.person
        .bring(&path, &[("", b"")], "application/json")
        .await
        .must(StatusCode::UNPROCESSABLE_ENTITY);
    // Everywhere else a body is as small as ever.
    let other = vera.path("/messages");
    vera.person
        .bring(&other, &[("a", &big)], "text/html")
        .await
        .must(StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn what_nobody_sent_is_forgotten_after_a_day_and_the_rest_with_its_conversation() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let (left, sent) = (vera.has("left.txt", b"left").await, vera.has("sent.txt", b"sent").await);
    vera.sends(&Nonce::new(), "", &[&sent]).await.must(StatusCode::OK);
    assert_eq!(attachment::forget_unsent(&site.app).await.unwrap(), 0);
    let day = SignedDuration::from_hours(25).as_micros();
    site.change(&format!("UPDATE attachment SET at = at - {day}")).await;
    assert_eq!(attachment::forget_unsent(&site.app).await.unwrap(), 1);
    assert_eq!(attachment::remove_gone(&site.app).await.unwrap(), 1);
    vera.person.get(&vera.path(&format!("/files/{left}"))).await.must(StatusCode::NOT_FOUND);
    follow(&vera.person, &vera.path(&format!("/files/{sent}"))).await;
    assert_eq!((kept(&site), site.count("attachment").await), (1, 1));

    ana.act(1, "close").await.must(StatusCode::OK);
    let now = site.app.db.now().await.unwrap() + SignedDuration::from_hours(1);
    assert_eq!(conversation::forget_closed_before(&site.app, now).await.unwrap(), 1);
    assert_eq!(attachment::remove_gone(&site.app).await.unwrap(), 1);
    assert_eq!((kept(&site), site.count("attachment").await), (0, 0));
}

/// Files on the disk or in the bucket.
fn kept(site: &Installation) -> usize {
    if let Some(s3) = &site.s3 {
        return s3.kept();
    }
    let folders = std::fs::read_dir(site.app.config.data_dir.join("files")).unwrap();
    folders.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count()).sum()
}

#[tokio::test]
async fn without_scripts_a_message_brings_its_files_itself() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let form = vera.person.get(&vera.path("/compose")).await.must(StatusCode::OK);
    form.says("multipart/form-data").says("type=\"file\"");
    let nonce = form.field("nonce");
    let fields = [("nonce", nonce.as_str()), ("body", "看这张图"), ("back", "compose")];
    let messages = vera.path("/messages");
    let files: [(&str, &[u8]); 2] = [("a.png", &png()), ("b.txt", b"b")];
    let sent = vera.person.fill(&messages, &fields, &files).await;
    assert_eq!(sent.goes_to(), vera.path("/compose"));
    // Whoever presses twice, or loads the answer again, has sent it once.
    assert_eq!(vera.person.fill(&messages, &fields, &files).await.goes_to(), vera.path("/compose"));
    let page = vera.page().await;
    assert_eq!(page.body.matches("alt=\"a.png\"").count(), 1);
    page.says("b.txt").says("看这张图");
    // Nothing chosen is an empty file for a browser.
    let next = Nonce::new().to_string();
    let words = [("nonce", next.as_str()), ("body", "再说一句"), ("back", "compose")];
    vera.person.fill(&messages, &words, &[("", b"")]).await.goes_to();
    vera.page().await.says("再说一句");

    let pane = ana.person.get("/desk/c/1?tab=queue").await.must(StatusCode::OK);
    let nonce = pane.field("nonce");
    let fields = [("nonce", nonce.as_str()), ("kind", "text"), ("body", "收到")];
    let answered = ana.person.fill("/desk/c/1/messages?tab=queue", &fields, &[("c.txt", b"c")]);
    assert!(answered.await.goes_to().starts_with("/desk/c/1?"));
    vera.page().await.says("收到").says("c.txt");
}

#[tokio::test]
async fn without_scripts_nothing_that_was_typed_is_lost_with_a_file_that_is_refused() {
    let site = installation().await;
    let (vera, walt, ana) = (site.vera().await, site.walt().await, site.ana().await);
    let nonce = Nonce::new().to_string();
    let fields = [("nonce", nonce.as_str()), ("body", "a <b>long</b> story"), ("back", "compose")];
    let bad: [(&str, &[u8]); 2] = [("good.png", &png()), ("bad.svg", b"<svg/>")];
    let again = vera.person.fill(&vera.path("/messages"), &fields, &bad).await;
    let again = again.must(StatusCode::UNPROCESSABLE_ENTITY);
    again.says("SVG").says("a &#60;b&#62;long&#60;/b&#62; story");
    // What could be taken waits beside the words, and goes with them.
    again.says("good.png").says_not("bad.svg");
    let file = again.field("file_id");
    let nonce = again.field("nonce");
    let fields = [("nonce", nonce.as_str()), ("body", "a story"), ("file_id", &file)];
    vera.person.fill(&vera.path("/messages"), &fields, &[("", b"")]).await.goes_to();
    vera.page().await.says("alt=\"good.png\"").says("a story");

    // The same at the desk, in the conversation.
    let nonce = Nonce::new().to_string();
    let fields =
        [("nonce", nonce.as_str()), ("kind", "note"), ("body", "for <i>us</i>"), ("quote", "1")];
    let messages = "/desk/c/1/messages?tab=queue";
    let again = ana.person.fill(messages, &fields, &bad).await;
    let again = again.must(StatusCode::UNPROCESSABLE_ENTITY);
    again.says("role=\"alert\"").says("SVG").says("for &#60;i&#62;us&#60;/i&#62;");
    again.says("value=\"note\" checked").says("name=\"quote\" value=\"1\"");
    again.says("good.png").says_not("bad.svg");
    let file = again.field("file_id");
    // Whatever was stored of it is stored once.
    let same = format!("id=\"nonce\" value=\"{nonce}\"");
    again.says(&same);
    let fields =
        [("nonce", nonce.as_str()), ("kind", "note"), ("body", "for us"), ("file_id", &file)];
    ana.person.fill(messages, &fields, &[("", b"")]).await.goes_to();
    ana.person.get("/desk/c/1?tab=queue").await.says("for us").says("alt=\"good.png\"");
    vera.page().await.says_not("for us");
    // What was sent with that number is another message: the next try has one of its own.
    let fields = [("nonce", nonce.as_str()), ("kind", "text"), ("body", "for her")];
    let again = ana.person.post(messages, &fields).await.must(StatusCode::CONFLICT);
    again.says("for her").says_not(&same);
    // Whose session has ended meanwhile finds her words beside the door.
    let out = site.stranger().fill("/desk/c/1/messages", &fields, &[("a.png", &png())]).await;
    out.must(StatusCode::UNAUTHORIZED).says("for her");
    // Whoever does not belong here is told nothing, and no file of theirs is kept.
    let before = kept(&site);
    let nonce = Nonce::new().to_string();
    let fields = [("nonce", nonce.as_str()), ("body", "let me in")];
    let strange = walt.person.fill(&vera.path("/messages"), &fields, &[("a.png", &png())]).await;
    strange.must(StatusCode::NOT_FOUND);
    assert_eq!(kept(&site), before);
    // More words than a message may have are no file: they are refused before they are all read.
    let flood = "字".repeat(30_000);
    let flood = [("nonce", nonce.as_str()), ("body", flood.as_str())];
    vera.person
        .fill(&vera.path("/messages"), &flood, &[("a.png", &png())])
        .await
        .must(StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(kept(&site), before);
}

#[tokio::test]
async fn without_scripts_an_answer_is_put_aside_with_its_files_and_its_quote() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    vera.say("which one?").await;
    let pane = ana.person.get("/desk/c/1?tab=queue&quote=1").await.must(StatusCode::OK);
    pane.says("name=\"aside\" value=\"canned\"");
    let nonce = pane.field("nonce");
    let fields = [
        ("nonce", nonce.as_str()),
        ("kind", "note"),
        ("body", "half an ans"),
        ("quote", "1"),
        ("aside", "here"),
    ];
    let messages = "/desk/c/1/messages?tab=queue";
    let place = ana.person.fill(messages, &fields, &[("a.png", &png())]).await.goes_to();
    let pane = ana.person.get(&place).await.must(StatusCode::OK);
    pane.says("half an ans").says("a.png").says("name=\"quote\" value=\"1\"");
    pane.says("value=\"note\" checked");
    ana.person.get("/desk/c?tab=queue").await.says("[Draft]");
    // To the canned replies and back.
    let file = pane.field("file_id");
    let fields = [
        ("nonce", nonce.as_str()),
        ("kind", "note"),
        ("body", "half an answer"),
        ("quote", "1"),
        ("file_id", &file),
        ("aside", "canned"),
    ];
    let place = ana.person.fill(messages, &fields, &[("", b"")]).await.goes_to();
    assert!(place.starts_with("/desk/canned?c=1&tab=queue"), "{place}");
    let page = ana.person.get(&place).await.must(StatusCode::OK);
    let back = page.all("href=\"").into_iter().find(|href| href.starts_with("/desk/c/1?")).unwrap();
    let pane = ana.person.get(&back.replace("&#38;", "&").replace("&amp;", "&")).await;
    pane.says("half an answer").says("a.png").says("name=\"quote\" value=\"1\"");
    // A word that leads nowhere.
    let wrong = [("nonce", nonce.as_str()), ("body", "kept"), ("aside", "https://evil.example")];
    let refused = ana.person.fill(messages, &wrong, &[("", b"")]).await;
    refused.must(StatusCode::UNPROCESSABLE_ENTITY).says("kept");
}

#[tokio::test(flavor = "multi_thread")]
async fn programs_bring_and_send_files_too() {
    let site = installation().await;
    let ana = site.ana().await;
    let visitor = site.visitor_program().await;
    let conversation = visitor.start("hello").await;
    let bring = async |path: &str, token: &str, bytes: &str| {
        let bearer = format!("Bearer {token}");
        let headers =
            [("authorization", bearer.as_str()), ("content-type", "application/octet-stream")];
        site.stranger().ask(Method::POST, path, &headers, bytes).await
    };
    let path = format!("/api/v1/conversations/{conversation}/files?name=hello.txt");
    let file = value(&bring(&path, &visitor.token, "hello there").await.must(StatusCode::CREATED));
    assert_eq!((&file["name"], &file["size"]), (&json!("hello.txt"), &json!(11)));
    let new = json!({ "nonce": "n", "body": "", "attachments": [file["id"]] });
    let sent = visitor.post(&format!("/conversations/{conversation}/entries"), &new).await;
    let sent = value(&sent.must(StatusCode::CREATED));
    assert_eq!(sent["entry"]["attachments"], json!([file]));

    let program = site.agent_program("ana", Scope::Write).await;
    let entries = value(&program.get("/conversations/1/entries").await.must(StatusCode::OK));
    assert_eq!(entries["entries"][1]["attachments"], json!([file]));
    let id = file["id"].as_str().unwrap();
    let link =
        value(&program.get(&format!("/conversations/1/files/{id}")).await.must(StatusCode::OK));
    let link = link["url"].as_str().unwrap().strip_prefix(&site.app.config.public_url()).unwrap();
    site.stranger().get(link).await.must(StatusCode::OK).says("hello there");
    ana.person.get(&format!("/desk/c/1/files/{id}")).await.goes_to();
    let stranger = site.visitor_program().await;
    stranger.start("I am somebody else").await;
    stranger
        .get(&format!("/conversations/{conversation}/files/{id}"))
        .await
        .must(StatusCode::NOT_FOUND);
    bring(&path, &stranger.token, "x").await.must(StatusCode::NOT_FOUND);
    bring(&path, &visitor.token, "").await.must(StatusCode::UNPROCESSABLE_ENTITY);
    let reader = site.agent_program("ana", Scope::Read).await;
    bring("/api/v1/conversations/1/files", &reader.token, "x").await.must(StatusCode::FORBIDDEN);

    let mut line = program.connect(site.listening().await).await.unwrap();
    line.until("hello").await;
    let file = value(&bring("/api/v1/conversations/1/files?name=a", &program.token, "a").await);
    line.say(json!({ "type": "send", "ref": "r", "conversation": 1, "nonce": "m", "body": "", "attachments": [file["id"]] })).await;
    assert_eq!(line.until("ok").await["seq"], 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_takes_files_along_and_notices_when_one_is_damaged() {
    let site = installation().await;
    let vera = site.vera().await;
    let (sent, _left) = (vera.has("sent.txt", b"sent").await, vera.has("left.png", &png()).await);
    vera.sends(&Nonce::new(), "", &[&sent]).await.must(StatusCode::OK);
    let (folder, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let file = folder.path().join("kefu.db");
    let run = |command: &str,
               data: &std::path::Path,
               database: Option<&String>,
               files: Option<&String>| {
        let mut kefu = std::process::Command::new(env!("CARGO_BIN_EXE_kefu"));
        kefu.args([command, file.to_str().unwrap()]).env("KEFU_DATA_DIR", data);
        match database {
            Some(url) => kefu.env("KEFU_DATABASE_URL", url),
            None => kefu.env_remove("KEFU_DATABASE_URL"),
        };
        if let Some(url) = files {
            kefu.env("KEFU_FILES_URL", url);
        }
        kefu.output().unwrap()
    };
    let config = &site.app.config;
    let taken =
        run("backup", &config.data_dir, config.database_url.as_ref(), config.files_url.as_ref());
    assert!(taken.status.success(), "{}", String::from_utf8_lossy(&taken.stderr));
    assert!(run("verify", other.path(), None, None).status.success());
    // From a bucket into a folder, too; and back, where it is damaged by nothing.
    let restored = run("restore", other.path(), None, None);
    assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
    let copy = other.path().join("files").join(&sent[..2]).join(&sent);
    assert_eq!(std::fs::read(copy).unwrap(), b"sent");
    if let Some(s3) = &site.s3 {
        let (again, url) = (tempfile::tempdir().unwrap(), s3.url().replace("/shop?", "/again?"));
        let restored = run("restore", again.path(), None, Some(&url));
        assert!(restored.status.success(), "{}", String::from_utf8_lossy(&restored.stderr));
        let copy = s3.folder.path().join("kefu/again").join(&sent[..2]).join(&sent);
        assert_eq!(std::fs::read(copy).unwrap(), b"sent");
    }

    let copy = folder.path().join("kefu.db.files").join(&sent);
    for damage in [&b"bent"[..], b"sen", b""] {
        std::fs::write(&copy, damage).unwrap();
        let found = run("verify", other.path(), None, None);
        assert!(
            !found.status.success() && String::from_utf8_lossy(&found.stderr).contains("damaged")
        );
    }
    std::fs::remove_file(copy).unwrap();
    assert!(!run("verify", other.path(), None, None).status.success());
}

#[tokio::test]
async fn what_is_taken_back_takes_its_files_along() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let file = ana.has(1, "a.txt", b"a").await;
    ana.sends(1, "text", "oops", &[&file]).await.must(StatusCode::OK);
    let path = vera.path(&format!("/files/{file}"));
    follow(&vera.person, &path).await;
    let by = conversation::AtWork {
        agent: AgentId(1),
        name: "ana".into(),
        conversation: ConversationId(1),
    };
    conversation::amend(&site.app, by, Nonce::new(), 2, conversation::Change::Recall)
        .await
        .unwrap();
    vera.person.get(&path).await.must(StatusCode::NOT_FOUND);
    ana.person.get(&format!("/desk/c/1/files/{file}")).await.must(StatusCode::NOT_FOUND);
    vera.page().await.says_not("a.txt");

    // A list shows its name where there are no words.
    let file = ana.has(1, "secret.txt", b"a").await;
    ana.sends(1, "text", "", &[&file]).await.must(StatusCode::OK);
    ana.person.get("/desk/c?tab=all").await.says("📎 secret.txt");
    // So does what quotes it.
    let nonce = Nonce::new();
    let note =
        [("kind", "note"), ("nonce", nonce.as_str()), ("body", "Was that wise?"), ("quote", "4")];
    ana.person.post("/desk/c/1/messages", &note).await.goes_to();
    let quote = "<blockquote class=\"quote\"><cite>ana</cite>";
    ana.person.get("/desk/c/1").await.says(&format!("{quote}secret.txt<"));
    let nonce = Nonce::new();
    let recall = [("nonce", nonce.as_str())];
    ana.person.hx_post("/desk/c/1/m/4/recall", &recall).await.must(StatusCode::OK);
    let list = ana.person.get("/desk/c?tab=all").await;
    list.says("Agent: This message was taken back").says_not("secret.txt");
}
