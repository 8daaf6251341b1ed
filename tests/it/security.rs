//! What is told to browsers, and what other sites cannot do.
use crate::support::installation;
use flate2::read::GzDecoder;
use kefu::{
    agent::Role,
    ids::SiteKey,
    site::{self, NewSite, Origin, SiteName},
};
use poem::http::{Method, StatusCode};
use std::io::Read;

#[tokio::test]
async fn pages_come_compressed_to_whoever_takes_it_and_streams_as_they_happen() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let takes = |accepted: &'static str| [("accept-encoding", accepted)];
    let keys = "/desk/keys";
    let (_, plain, whole) = ana.person.bytes(keys).await;
    assert!(!plain.contains_key("content-encoding"));
    assert_eq!(plain["vary"], "Accept-Encoding");
    for accepted in ["gzip, deflate, br, zstd", "GZIP;q=0.2", "*"] {
        let (_, headers, small) = ana.person.bytes_as(keys, &takes(accepted)).await;
        assert_eq!(headers["content-encoding"], "gzip", "{accepted}");
        assert!(small.len() * 2 < whole.len(), "{} of {}", small.len(), whole.len());
        let mut again = Vec::new();
        GzDecoder::new(&small[..]).read_to_end(&mut again).unwrap();
        assert_eq!(again, whole);
    }
    for accepted in ["gzip;q=0", "br", "identity", "", "*;q=0"] {
        let (_, headers, same) = ana.person.bytes_as(keys, &takes(accepted)).await;
        assert!(!headers.contains_key("content-encoding") && same == whole, "{accepted}");
    }
    // What is small, and what is no page or never ends.
    let live = vera.path("/live");
    for (who, path) in [(&ana.person, "/desk/c/1/messages?after=1"), (&vera.person, live.as_str())]
    {
        let headers = who.head(path, &takes("gzip, br")).await;
        assert!(!headers.contains_key("content-encoding"), "{path}");
    }
}

#[tokio::test]
async fn every_page_forbids_what_it_does_not_need() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    let pages = [
        (&site.stranger(), "/".to_owned()),
        (&site.stranger(), "/demo".into()),
        (&site.stranger(), "/login".into()),
        (&site.stranger(), "/nowhere".into()),
        (&site.stranger(), "/c/nothing".into()),
        (&site.stranger(), "/w/demo".into()),
        (&vera.person, vera.path("")),
        (&vera.person, vera.path("/compose")),
        (&ana.person, "/desk/c".into()),
        (&ana.person, format!("/desk/c/{id}")),
        (&ana.person, "/desk/me".into()),
        (&ana.person, "/setup/install".into()),
    ];
    for (person, path) in pages {
        let page = person.get(&path).await;
        let policy = page.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'none'; script-src '") && !policy.contains("unsafe"),
            "{path}: {policy}"
        );
        let ancestors = match (path.starts_with("/w/") || path.starts_with("/c/"), page.status) {
            (true, StatusCode::OK) => "frame-ancestors 'self'",
            (true, _) => "frame-ancestors 'self' http: https:",
            (false, _) => "frame-ancestors 'none'",
        };
        assert!(policy.ends_with(ancestors), "{path}: {policy}");
        assert_eq!(page.header("cache-control"), "no-store", "{path}");
        assert_eq!(page.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(page.header("referrer-policy"), "same-origin", "{path}");
        page.says_not("style=\"").says_not("onclick").says_not("<script>");
    }
}

#[tokio::test]
async fn over_https_browsers_are_told_to_stay_there() {
    let year = "max-age=31536000";
    for (url, told) in [
        ("https://chat.example", year),
        ("https://chat.example/", year),
        // Beside it may stand what speaks http.
        ("https://chat.example:8443", ""),
        ("http://chat.example", ""),
    ] {
        let site = installation().await.at_work(|config| config.public_url = Some(url.into()));
        for path in ["/", "/w/demo", "/login", "/desk", "/nowhere", "/api/v1/nowhere"] {
            let page = site.stranger().get(path).await;
            assert_eq!(page.header("strict-transport-security"), told, "{url} {path}");
        }
        // The script of a customer's page is as small as it can be.
        let script = site.stranger().get("/w/demo.js").await;
        assert_eq!(script.header("strict-transport-security"), "", "{url}");
    }
}

#[tokio::test]
async fn assets_are_compressed_when_built_and_kept_for_ever() {
    let site = installation().await;
    let person = site.stranger();
    let page = person.get("/w/demo").await;
    let style = page.all("<link rel=\"stylesheet\" href=\"")[0].clone();
    let plain = person.get(&style).await.must(StatusCode::OK);
    assert_eq!(plain.header("content-encoding"), "");
    for encoding in ["br", "gzip"] {
        let asked = [("accept-encoding", encoding)];
        let headers = person.head(&style, &asked).await;
        assert_eq!(headers["content-encoding"], encoding);
        assert_eq!(headers["vary"], "Accept-Encoding");
        assert_eq!(headers["cache-control"], "public, max-age=31536000, immutable");
        assert_eq!(headers["content-type"], "text/css; charset=utf-8");
    }
    person.get("/a/visitor.0000000000.css").await.must(StatusCode::NOT_FOUND);
    person.get("/a/..%2f..%2fCargo.toml").await.must(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_the_sites_own_pages_may_frame_its_chat() {
    let here = installation().await;
    let new = NewSite {
        name: SiteName::parse("Shop").unwrap(),
        key: Some(SiteKey::parse("shop").unwrap()),
        origins: vec![Origin::parse("https://shop.example").unwrap()],
    };
    site::add(&here.app, new).await.unwrap();
    let page = here.stranger().get("/w/shop").await.must(StatusCode::OK);
    assert!(
        page.header("content-security-policy")
            .ends_with("frame-ancestors 'self' https://shop.example")
    );
}

#[tokio::test]
async fn a_form_of_another_site_changes_nothing() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    let refused: [&[(&str, &str)]; 15] = [
        &[],
        &[("sec-fetch-site", "cross-site")],
        &[("sec-fetch-site", "same-site")],
        &[("sec-fetch-site", "cross-site"), ("origin", "http://127.0.0.1:3000")],
        &[("origin", "https://evil.example")],
        &[("origin", "null")],
        &[("origin", "http://127.0.0.1:3000.evil.example")],
        &[("origin", "https://127.0.0.1:3000")],
        &[("referer", "https://evil.example/?http://127.0.0.1:3000/")],
        &[("referer", "http://127.0.0.1:3000.evil.example/")],
        &[("referer", "http://127.0.0.1:3000@evil.example/")],
        &[("referer", "/login")],
        &[("referer", "data:text/html,x")],
        // It counts only where nothing else is said.
        &[("referer", "http://127.0.0.1:3000/login"), ("origin", "null")],
        &[("referer", "http://127.0.0.1:3000/login"), ("sec-fetch-site", "cross-site")],
    ];
    let posts = [
        (&vera.person, vera.path("/messages"), "nonce=n&body=forged"),
        (&vera.person, vera.path("/read"), "seq=1"),
        (&vera.person, "/w/demo/start".into(), "visitor=x&nonce=n&body=forged"),
        (&ana.person, format!("/desk/c/{id}/messages"), "nonce=n&body=forged"),
        (&ana.person, format!("/desk/c/{id}/claim"), "nonce=n"),
        (&ana.person, "/desk/me/profile".into(), "name=forged&language=en&theme=dark"),
        (&ana.person, "/logout".into(), "a=b"),
        (&ana.person, "/login".into(), "email=x&password=y"),
    ];
    for (person, path, body) in &posts {
        for headers in refused {
            let answer =
                person.ask(Method::POST, path, headers, body).await.must(StatusCode::FORBIDDEN);
            // No ready-made form that one click would send as our own.
            answer.says_not("forged");
        }
    }
    assert_eq!(vera.page().await.all("id=\"m-").len(), 1);
    for headers in [
        &[("sec-fetch-site", "same-origin")][..],
        &[("sec-fetch-site", "none")],
        &[("origin", "http://127.0.0.1:3000")],
        // Browsers that show only text say no more.
        &[("referer", "http://127.0.0.1:3000/c/x?before=2")],
    ] {
        let body = format!("nonce=n{}&body=real", headers[0].1.len());
        vera.person
            .ask(Method::POST, &vera.path("/messages"), headers, &body)
            .await
            .must(StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn a_body_beyond_64_kib_is_refused_however_it_is_announced() {
    let site = installation().await;
    let vera = site.vera().await;
    let big = format!("nonce=n&body={}", "x".repeat(64 * 1024));
    let page = [("sec-fetch-site", "same-origin")];
    vera.person
        .ask(Method::POST, &vera.path("/messages"), &page, &big)
        .await
        .must(StatusCode::PAYLOAD_TOO_LARGE);
    let announced = [page[0], ("content-length", "99999999999")];
    vera.person
        .ask(Method::POST, &vera.path("/messages"), &announced, "nonce=n")
        .await
        .must(StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn looking_writes_nothing_and_unknown_methods_find_nothing() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    for path in [
        format!("/desk/c/{id}/claim"),
        "/logout".into(),
        vera.path("/read"),
        "/w/demo/start".into(),
    ] {
        ana.person.get(&path).await.must(StatusCode::NOT_FOUND);
    }
    assert_eq!(ana.newest("queue").await, id);
    let own = [("sec-fetch-site", "same-origin")];
    for method in [Method::PUT, Method::DELETE, Method::PATCH] {
        ana.person
            .ask(method, &format!("/desk/c/{id}"), &own, "x")
            .await
            .must(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn names_and_messages_of_hostile_people_stay_text() {
    let site = installation().await;
    let ana = site.ana().await;
    let hostile = "<img src=x onerror=alert(1)>\" hx-get=\"/logout\" 'x";
    let vera = site.visitor(hostile).await;
    let id = ana.newest("queue").await;
    let profile = [("name", hostile), ("language", "en"), ("theme", "auto")];
    ana.person.post("/desk/me/profile", &profile).await.goes_to();
    ana.reply(id, hostile).await.must(StatusCode::OK);
    for page in [
        vera.page().await,
        ana.person.get(&format!("/desk/c/{id}?tab=mine")).await,
        ana.person.get("/desk/me").await,
    ] {
        page.says_not("<img src=x").says_not("\" hx-get=\"/logout").says("&#60;img src=x");
    }
}

#[tokio::test]
async fn an_unknown_account_is_nobody() {
    let site = installation().await;
    site.employ("ana", Role::Owner).await;
    let eve = site.stranger();
    for (method, path) in
        [(Method::GET, "/desk/me"), (Method::GET, "/desk/c/1"), (Method::GET, "/setup/install")]
    {
        eve.ask(method, path, &[("cookie", "kefu=AAAAAAAAAAAAAAAAAAAAAA")], "")
            .await
            .must(StatusCode::SEE_OTHER);
    }
}

#[tokio::test]
async fn whoever_is_refused_is_shown_a_way_back_that_stays_here() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    let claim = format!("/desk/c/{id}/priority");
    let lead = async |from: &str| {
        let headers = [("sec-fetch-site", "same-origin"), ("referer", from)];
        let refused = ana.person.ask(Method::POST, &claim, &headers, "nonce=n").await;
        refused.must(StatusCode::UNPROCESSABLE_ENTITY).all("href=\"/")
    };
    let here = format!("desk/c/{id}");
    let ways = |answer: &[String]| -> Vec<String> {
        answer.iter().filter(|path| !path.starts_with("a/")).cloned().collect()
    };
    let from = lead("http://127.0.0.1:3000/desk/c?tab=all&unread=1").await;
    assert_eq!(ways(&from), ["desk/c?tab=all&#38;unread=1", here.as_str()]);
    for foreign in [
        "https://evil.example/desk/c",
        "http://127.0.0.1:3000.evil.example/",
        "http://127.0.0.1:3000@evil.example/",
        "http://127.0.0.1:3000//evil.example/x",
        "http://127.0.0.1:3000\\\\evil.example/x",
        "javascript:alert(1)",
        "/desk/c",
        "",
    ] {
        assert_eq!(ways(&lead(foreign).await), [here.as_str()], "{foreign}");
    }
    // What is not found leads to where everything begins, for each side.
    let lost = ana.person.get("/desk/c/999999").await.must(StatusCode::NOT_FOUND);
    assert_eq!(ways(&lost.all("href=\"/")), ["desk"]);
    let lost = vera.person.get("/nowhere").await.must(StatusCode::NOT_FOUND);
    assert_eq!(ways(&lost.all("href=\"/")), [""]);
}
