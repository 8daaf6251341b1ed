//! More than 120 files that nobody should have to open: refused in words, or harmless. No answer is a fault of ours.
use super::{follow, kinds, picture, png};
use crate::support::{Installation, installation, program::value};
use image::ImageFormat;
use poem::http::StatusCode;
use std::{collections::BTreeMap, time::Duration};
use tokio::{io::AsyncWriteExt, net::TcpStream};

struct File {
    what: String,
    name: String,
    bytes: Vec<u8>,
    /// Whether it must be refused; `None` for what may be either.
    refused: Option<bool>,
}

fn file(
    what: impl Into<String>,
    name: &str,
    bytes: impl Into<Vec<u8>>,
    refused: Option<bool>,
) -> File {
    File { what: what.into(), name: name.to_owned(), bytes: bytes.into(), refused }
}

const SCRIPT: &[u8] = b"<script>alert(1)</script>";

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_are_refused_or_harmless() {
    are_refused_or_harmless(&installation().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_files_are_no_better_where_more_is_taken() {
    let site = installation().await;
    kinds::takes(&site.ana().await, &kinds::ALL).await;
    are_refused_or_harmless(&site).await;
}

async fn are_refused_or_harmless(site: &Installation) {
    let vera = site.vera().await;
    let mut files = all();
    assert!(files.len() >= 120, "{}", files.len());
    let mut told = BTreeMap::<String, usize>::new();
    for File { what, name, bytes, refused } in files.drain(..) {
        let answer = vera.brings(&name, &bytes).await;
        let status = answer.status;
        *told.entry(status.to_string()).or_default() += 1;
        match refused {
            Some(true) => assert!(status.is_client_error(), "{what}: {status} {}", answer.body),
            Some(false) => assert_eq!(status, StatusCode::OK, "{what}: {}", answer.body),
            None => {
                assert!(status.is_client_error() || status == StatusCode::OK, "{what}: {status}");
            }
        }
        if status != StatusCode::OK {
            let said = value(&answer)["error"]["message"].as_str().unwrap().to_owned();
            assert!(said.ends_with('.') && !said.contains("wrong"), "{what}: {said}");
            continue;
        }
        let brought = value(&answer)["files"][0].clone();
        let kept = brought["name"].as_str().unwrap();
        assert!(kept.chars().count() <= 100 && !kept.starts_with('.'), "{what}: {kept}");
        assert!(
            !kept.contains(['/', '\\', '"', '<', '\u{202e}', '\u{200b}', '\r', '\n', '\0']),
            "{what}: {kept:?}"
        );
        let path = vera.path(&format!("/files/{}", brought["id"].as_str().unwrap()));
        let (headers, bytes) = follow(&vera.person, &path).await;
        let header = |name| headers.get(name).map_or("", |value| value.to_str().unwrap());
        assert_eq!(header("content-security-policy"), "default-src 'none'; sandbox", "{what}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{what}");
        let kind = header("content-type");
        if header("content-disposition").starts_with("inline") {
            assert!(
                ["image/png", "image/jpeg", "image/gif", "image/webp"].contains(&kind),
                "{what}: {kind}"
            );
            let found = |word: &[u8]| bytes.windows(word.len()).any(|some| some == word);
            assert!(
                !found(b"script") && !found(b"GPS") && !found(b"PK\x03\x04") && !found(b"secret"),
                "{what}"
            );
        } else {
            assert!(
                ["application/pdf", "text/plain; charset=utf-8"].contains(&kind),
                "{what}: {kind}"
            );
        }
    }
    assert!(told.keys().all(|status| !status.starts_with('5')), "{told:?}");
    // And the server is as well as before.
    vera.has("fine.png", &png()).await;
}

/// In the head of the form, in the file, in the border behind it; and with the line itself, before half of it came.
#[tokio::test(flavor = "multi_thread")]
async fn an_upload_that_is_cut_off_is_told_and_leaves_nothing_behind() {
    let site = installation().await;
    let vera = site.vera().await;
    let (path, photo) = (vera.path("/files"), png());
    let head =
        b"--border\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.png\"\r\n\r\n";
    let whole = [&head[..], &photo, b"\r\n--border--\r\n"].concat();
    let left = || std::fs::read_dir(site.app.config.data_dir.join("incoming")).unwrap().count();
    let json = "application/json";
    for at in [head.len() / 2, head.len() + photo.len() / 2, whole.len() - 8] {
        let cut = vera.person.bring_raw(&path, whole[..at].to_vec(), json).await;
        cut.must(StatusCode::UNPROCESSABLE_ENTITY).says("The upload was cut off");
        assert_eq!(left(), 0, "cut at {at}");
    }

    let server = site.listening().await;
    let mut line = TcpStream::connect(server).await.unwrap();
    let cookie = &vera.person.cookies()["kefu-v"];
    let request = format!(
        "POST {path} HTTP/1.1\r\nhost: {server}\r\ncookie: kefu-v={cookie}\r\nsec-fetch-site: same-origin\r\naccept: {json}\r\n\
         content-type: multipart/form-data; boundary=border\r\ncontent-length: {}\r\n\r\n",
        2 * whole.len(),
    );
    line.write_all(request.as_bytes()).await.unwrap();
    line.write_all(&whole[..head.len() + photo.len() / 2]).await.unwrap();
    until(|| left() == 1).await;
    drop(line);
    until(|| left() == 0).await;

    let brought = vera.person.bring_raw(&path, whole, json).await.must(StatusCode::OK);
    assert_eq!(value(&brought)["files"].as_array().unwrap().len(), 1);
    assert_eq!(left(), 0);
}

async fn until(done: impl Fn() -> bool) {
    let soon = async {
        while !done() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), soon).await.unwrap();
}

fn all() -> Vec<File> {
    let mut all = Vec::new();
    all.extend(pages());
    all.extend(strangers());
    all.extend(broken());
    all.extend(bombs());
    all.extend(talkative());
    all.extend(texts());
    all.extend(names());
    all
}

/// Web pages, whatever they call themselves.
fn pages() -> Vec<File> {
    let pages: [&[u8]; 16] = [
        b"<!DOCTYPE html><html><body><script>alert(1)</script>",
        b"  \n\t<html>",
        b"\xef\xbb\xbf<html><script>alert(1)</script>",
        b"<svg xmlns=\"http://www.w3.org/2000/svg\" onload=\"alert(1)\"/>",
        b"<?xml version=\"1.0\"?><svg/>",
        b"<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a SYSTEM \"file:///etc/passwd\">]><x>&a;</x>",
        b"<!-- --><svg onload=alert(1)>",
        b"<math><mtext></mtext></math>",
        b"<a href=javascript:alert(1)>x</a>",
        b"hello <script>alert(1)</script>",
        b"GIF <svg/onload=alert(1)>",
        b"<?php system($_GET['c']); ?>",
        b"<%@ page import=\"java.io\" %><html>",
        b"<xsl:stylesheet/>",
        b"MIME <iframe src=x>",
        b"<BODY ONLOAD=alert(1)>",
    ];
    let names = ["page.png", "page.html"];
    let each =
        pages.iter().flat_map(|page| names.map(|name| file("a page", name, *page, Some(true))));
    each.collect()
}

/// What is none of the six.
fn strangers() -> Vec<File> {
    let heads: [(&str, &[u8]); 26] = [
        ("zip", b"PK\x03\x04\x14\0\0\0"),
        ("exe", b"MZ\x90\0\x03\0\0\0"),
        ("elf", b"\x7fELF\x02\x01\x01\0"),
        ("mach-o", b"\xcf\xfa\xed\xfe\x07\0\0\x01"),
        ("java", b"\xca\xfe\xba\xbe\0\0\0\x34"),
        ("wasm", b"\0asm\x01\0\0\0"),
        ("gzip, so svgz", b"\x1f\x8b\x08\0\0\0\0\0\0\xff"),
        ("bzip2", b"BZh91AY&SY\0\xff"),
        ("xz", b"\xfd7zXZ\0\0"),
        ("7z", b"7z\xbc\xaf\x27\x1c"),
        ("rar", b"Rar!\x1a\x07\0"),
        ("ole", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"),
        ("lnk", b"L\0\0\0\x01\x14\x02\0"),
        ("bmp", b"BM\x36\0\0\0\0\0\0\0"),
        ("tiff", b"II*\0\x08\0\0\0"),
        ("big tiff", b"MM\0*\0\0\0\x08"),
        ("ico", b"\0\0\x01\0\x01\0"),
        ("heic", b"\0\0\0\x18ftypheic\0\0\0\0"),
        ("avif", b"\0\0\0\x1cftypavif\0\0\0\0"),
        ("mp4", b"\0\0\0\x18ftypmp42\0\0\0\0"),
        ("wave", b"RIFF\x24\0\0\0WAVEfmt "),
        ("mp3", b"ID3\x04\0\0\0\0\0\0"),
        ("flash", b"CWS\x0a\xff\0\0\0"),
        ("sqlite", b"SQLite format 3\0"),
        ("jpeg xl", b"\xff\x0a\xfa\x1f"),
        ("nothing", b""),
    ];
    let each = heads.iter().map(|(what, head)| file(*what, "photo.png", *head, Some(true)));
    let noise = (0..4u8).map(|seed| {
        let noise: Vec<u8> =
            (0..4_000u32).map(|n| (n.wrapping_mul(2_654_435_761) >> (8 + seed)) as u8).collect();
        file("noise", "photo.jpg", noise, Some(true))
    });
    each.chain(noise).collect()
}

/// Pictures that are cut off, or whose bytes were changed.
fn broken() -> Vec<File> {
    let mut files = Vec::new();
    for format in [ImageFormat::Png, ImageFormat::Jpeg, ImageFormat::WebP] {
        let whole = picture(format);
        for at in [12, 20, 40, whole.len() / 4, whole.len() / 2, whole.len() - 20] {
            files.push(file(
                format!("{format:?} cut at {at}"),
                "cut.png",
                &whole[..at],
                if at < 41 { Some(true) } else { None },
            ));
        }
        for at in [16, 30, whole.len() / 3, whole.len() / 2] {
            let mut changed = whole.clone();
            changed[at] ^= 0x5a;
            files.push(file(format!("{format:?} changed at {at}"), "odd.png", changed, None));
        }
    }
    let whole = moving(3, 40, 30);
    for at in [6, 10, 13, whole.len() / 2, whole.len() - 1] {
        files.push(file(format!("GIF cut at {at}"), "cut.gif", &whole[..at], None));
    }
    files.push(file("GIF that is a script", "x.gif", *b"GIF89a=1;alert(1)/*", Some(true)));
    files.push(file(
        "PNG that is a page after its head",
        "x.png",
        [b"\x89PNG\r\n\x1a\n", SCRIPT].concat(),
        Some(true),
    ));
    files.push(file(
        "JPEG that is a page after its head",
        "x.jpg",
        [b"\xff\xd8\xff\xe0", SCRIPT].concat(),
        Some(true),
    ));
    files
}

/// Little to send, much to open.
fn bombs() -> Vec<File> {
    let mut huge = png();
    huge[16..24].copy_from_slice(&[0, 1, 0x86, 0xa0, 0, 1, 0x86, 0xa0]);
    let crc = crc32(&huge[12..29]);
    huge[29..33].copy_from_slice(&crc.to_be_bytes());
    let mut wide = png();
    wide[16..24].copy_from_slice(&[0, 0, 0x4e, 0x20, 0, 0, 0x4e, 0x20]);
    let crc = crc32(&wide[12..29]);
    wide[29..33].copy_from_slice(&crc.to_be_bytes());
    let mut canvas = moving(1, 10, 10);
    canvas[6..10].copy_from_slice(&[0xff; 4]);
    let mut jpeg = picture(ImageFormat::Jpeg);
    let frame = jpeg.windows(2).position(|marker| marker == b"\xff\xc0").unwrap();
    jpeg[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    let mut real = std::io::Cursor::new(Vec::new());
    image::GrayImage::new(8_000, 6_000).write_to(&mut real, ImageFormat::Png).unwrap();
    vec![
        file("PNG of 100,000 × 100,000", "x.png", huge, Some(true)),
        file("PNG of 20,000 × 20,000", "x.png", wide, Some(true)),
        file("PNG of 48 megapixels", "x.png", real.into_inner(), Some(true)),
        file("GIF with a canvas of 65,535 × 65,535", "x.gif", canvas, Some(true)),
        file("JPEG of 65,535 × 65,535", "x.jpg", jpeg, Some(true)),
        file("GIF of 1,001 pictures", "x.gif", moving(1_001, 4, 4), Some(true)),
        file("GIF of 50 megapixels in all", "x.gif", moving(50, 1_000, 1_000), Some(true)),
        file("GIF that moves", "x.gif", moving(20, 100, 80), Some(false)),
    ]
}

/// Pictures in which something else stands, which must not come out again.
fn talkative() -> Vec<File> {
    let mut files = Vec::new();
    for (format, name) in
        [(ImageFormat::Png, "x.png"), (ImageFormat::Jpeg, "x.jpg"), (ImageFormat::WebP, "x.webp")]
    {
        files.push(file(
            format!("{format:?} with a page behind it"),
            name,
            [&picture(format)[..], SCRIPT].concat(),
            None,
        ));
        files.push(file(
            format!("{format:?} with an archive behind it"),
            name,
            [&picture(format)[..], b"PK\x03\x04secret"].concat(),
            None,
        ));
    }
    let plain = png();
    for (kind, text) in [
        (*b"tEXt", &b"Comment\0<script>secret"[..]),
        (*b"eXIf", b"MM\0*GPS secret"),
        (*b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0secret script"),
    ] {
        let mut chunk = [&kind[..], text].concat();
        let crc = crc32(&chunk);
        chunk.extend_from_slice(&crc.to_be_bytes());
        let length = u32::try_from(text.len()).unwrap().to_be_bytes();
        files.push(file(
            "PNG that tells",
            "x.png",
            [&plain[..33], &length, &chunk, &plain[33..]].concat(),
            Some(false),
        ));
    }
    let plain = picture(ImageFormat::Jpeg);
    for (marker, text) in [
        (0xe1, &b"Exif\0\0MM\0*\0\0\0\x08GPS secret"[..]),
        (0xfe, b"<script>secret"),
        (0xe2, b"ICC_PROFILE\0\x01\x01secret"),
    ] {
        let length = u16::try_from(text.len() + 2).unwrap().to_be_bytes();
        files.push(file(
            "JPEG that tells",
            "x.jpg",
            [&plain[..2], &[0xff, marker], &length, text, &plain[2..]].concat(),
            Some(false),
        ));
    }
    let mut told = Vec::new();
    {
        let mut drawn = gif::Encoder::new(&mut told, 8, 8, &[0, 0, 0, 255, 255, 255]).unwrap();
        drawn.write_raw_extension(gif::AnyExtension(0xfe), &[b"<script>secret</script>"]).unwrap();
        drawn.write_frame(&frame(8, 8)).unwrap();
    }
    files.push(file("GIF that tells", "x.gif", told, Some(false)));
    files.push(file(
        "PDF with a script",
        "x.pdf",
        *b"%PDF-1.7\n1 0 obj\n<< /OpenAction << /S /JavaScript /JS (app.alert\\(1\\)) >> >>",
        Some(false),
    ));
    files.push(file("PDF that is a page", "x.pdf", [b"%PDF-1.7\n", SCRIPT].concat(), Some(true)));
    files.push(file("PDF that is an archive", "x.pdf", *b"%PDF-1.7\nPK\x03\x04", Some(false)));
    files
}

fn texts() -> Vec<File> {
    let late = [&[b'a'; 70_000][..], b"\xff\xfe", &[b'a'; 100]].concat();
    let across = "é".repeat(40_000);
    vec![
        file("UTF-16", "x.txt", *b"\xff\xfeh\0i\0", Some(true)),
        file("GBK", "x.txt", *b"\xc4\xe3\xba\xc3", Some(true)),
        file("NUL", "x.txt", *b"a\0b", Some(true)),
        file("NUL, late", "x.txt", [&[b'a'; 70_000][..], b"\0"].concat(), Some(true)),
        file("no text, late", "x.txt", late, Some(true)),
        file("cut in a character", "x.txt", &across.as_bytes()[..79_999], Some(true)),
        file("long", "x.txt", across.as_bytes(), Some(false)),
        file("escapes", "x.txt", *b"\x1b[31mred", Some(false)),
        file("formula", "x.csv", *b"=cmd|' /C calc'!A0", Some(false)),
        file("a batch", "x.bat", *b"@echo off\r\ndel *.*", Some(false)),
        file("a script of a shell", "x.sh", *b"#!/bin/sh\nrm -rf /", Some(false)),
        file("20 MB and 1", "x.txt", vec![b'x'; 20_000_001], Some(true)),
    ]
}

fn names() -> Vec<File> {
    let long = "長".repeat(100);
    [
        "../../x",
        "..\\..\\x.png",
        "/etc/passwd",
        "C:\\con\\con",
        "CON",
        "nul.png",
        "COM1",
        "lpt9.png.exe",
        "a\u{202e}gnp.exe",
        "a\u{200b}.png",
        "x.png.html",
        "x.html.png",
        "x.svg",
        ".htaccess",
        "...",
        " ",
        "x.png%00.html",
        "x;y.png",
        "x.png ",
        "~/.ssh/authorized_keys",
        "<img src=x onerror=alert(1)>.png",
        "' or 1=1 --",
        "{{7*7}}.png",
        "https://a.example/x.png",
        "x\ty.png",
        "|calc.png",
        &long,
    ]
    .iter()
    .map(|name| file(format!("named {name:?}"), name, png(), Some(false)))
    .collect()
}

/// A picture that moves.
fn moving(frames: usize, width: u16, height: u16) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut drawn =
        gif::Encoder::new(&mut bytes, width, height, &[0, 0, 0, 255, 255, 255]).unwrap();
    drawn.set_repeat(gif::Repeat::Infinite).unwrap();
    for _ in 0..frames {
        drawn.write_frame(&frame(width, height)).unwrap();
    }
    drop(drawn);
    bytes
}

fn frame(width: u16, height: u16) -> gif::Frame<'static> {
    let pixels = vec![1; usize::from(width) * usize::from(height)];
    gif::Frame { width, height, delay: 5, buffer: pixels.into(), ..gif::Frame::default() }
}

pub fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| {
            if crc & 1 == 1 { crc >> 1 ^ 0xedb8_8320 } else { crc >> 1 }
        })
    })
}
