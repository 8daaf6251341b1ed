//! The chat on any website: the script of a customer's page, how a site looks, and a visitor who is known by no cookie.
use crate::support::{Agent, Installation, Person, Visitor, installation, limited_installation};
use kefu::{audit, contact, ids::Nonce, site};
use poem::http::{Method, StatusCode};
use serde_json::{Value, json};
use std::io::Read;

const SITE: &str = "/desk/settings/sites/demo";

/// The form of a site as it is when nobody has changed anything, with some fields otherwise.
fn form<'a>(otherwise: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let usual = [
        ("name", "Shop"),
        ("language", "zh-CN"),
        ("zone", "Asia/Shanghai"),
        ("origins", ""),
        ("color", "#0F5F66"),
        ("side", "right"),
        ("theme", "auto"),
        ("launcher", "on"),
        ("offset_x", "20"),
        ("offset_y", "20"),
    ];
    let changed = |name: &str| otherwise.iter().any(|(other, _)| *other == name);
    usual.into_iter().filter(|(name, _)| !changed(name)).chain(otherwise.iter().copied()).collect()
}

async fn script(person: &Person) -> String {
    person.get("/w/demo.js").await.must(StatusCode::OK).body
}

#[tokio::test]
async fn the_script_is_the_same_however_it_is_packed_and_is_asked_for_again_only_if_it_changed() {
    let site = installation().await;
    let person = site.stranger();
    let plain = person.get("/w/demo.js").await.must(StatusCode::OK);
    assert!(
        plain.body.starts_with("(site=>{") && plain.body.contains("\"key\":\"demo\""),
        "{}",
        plain.body
    );
    assert_eq!(plain.header("content-type"), "text/javascript; charset=utf-8");
    assert_eq!(plain.header("cache-control"), "public, max-age=300, stale-while-revalidate=86400");
    assert_eq!(plain.header("cross-origin-resource-policy"), "cross-origin");
    assert_eq!(plain.header("set-cookie"), "");

    let request = |encoding| [("accept-encoding", encoding)];
    let (_, headers, packed) = person.bytes_as("/w/demo.js", &request("br")).await;
    assert_eq!(headers["content-encoding"], "br");
    let mut unpacked = String::new();
    brotli::Decompressor::new(packed.as_slice(), 4096).read_to_string(&mut unpacked).unwrap();
    assert_eq!(unpacked, plain.body);
    assert!(packed.len() <= 4_000, "{} bytes", packed.len());
    let (_, headers, packed) = person.bytes_as("/w/demo.js", &request("gzip")).await;
    assert_eq!(headers["content-encoding"], "gzip");
    assert!(packed.starts_with(&[0x1f, 0x8b]));

    let tag = plain.header("etag").to_owned();
    let known = [("if-none-match", tag.as_str())];
    let again = person.ask(Method::GET, "/w/demo.js", &known, "").await;
    assert_eq!((again.status, again.body.as_str()), (StatusCode::NOT_MODIFIED, ""));
    let ana = site.ana().await;
    ana.person.post(SITE, &form(&[("color", "#FFEB3B")])).await.goes_to();
    person.ask(Method::GET, "/w/demo.js", &known, "").await.must(StatusCode::OK);
    for nothing in ["/w/other.js", "/w/.js", "/w/a%20b.js", "/w/demo.js.js"] {
        person.get(nothing).await.must(StatusCode::NOT_FOUND);
    }
}

#[tokio::test]
async fn pages_that_bring_the_script_leave_no_row() {
    let site = installation().await;
    let before = rows(&site).await;
    let passer = site.stranger();
    for load in 0..10_000 {
        let page = format!("https://{load}.example/");
        let from = [("referer", page.as_str())];
        passer.ask(Method::GET, "/w/demo.js", &from, "").await.must(StatusCode::OK);
        if load % 10 == 0 {
            let opened = passer.ask(Method::GET, "/w/demo?mode=embed", &from, "").await;
            opened.must(StatusCode::OK);
        }
    }
    assert_eq!(rows(&site).await, before);
}

async fn rows(site: &Installation) -> Vec<(String, i64)> {
    let mut rows = Vec::new();
    for table in [
        "contact",
        "visitor_token",
        "conversation",
        "page_view",
        "session",
        "site",
        "audit_entry",
        "attachment",
    ] {
        rows.push((table.to_owned(), site.count(table).await));
    }
    rows
}

#[tokio::test]
async fn a_frame_without_cookies_is_known_by_the_token_it_shows() {
    let site = installation().await;
    let person = site.stranger();
    let page = person.get("/w/demo?mode=embed&lang=en").await.must(StatusCode::OK);
    page.says("name=\"embed\"");
    let token = page.all("name=\"visitor\" value=\"")[0].split('"').next().unwrap().to_owned();
    let shown = format!("Bearer {token}");
    let shows = [("authorization", shown.as_str())];
    let nonce = Nonce::new();
    let body = format!("visitor={token}&nonce={nonce}&embed=1&body=Hello");
    let sent = person.ask(Method::POST, "/w/demo/start", &shows, &body).await;
    let path = sent.goes_to();
    person.forget_cookies();

    person.get(&path).await.must(StatusCode::NOT_FOUND);
    person.ask(Method::GET, &path, &shows, "").await.must(StatusCode::OK).says("Hello");
    let again = person.ask(Method::GET, "/w/demo?mode=embed", &shows, "").await;
    assert_eq!(again.goes_to(), path);
    // The page outside says in which language it is, until the visitor has one here.
    let frame = "/w/demo?mode=embed&lang=zh-CN";
    let chinese = person.ask(Method::GET, frame, &shows, "").await.goes_to();
    assert_eq!(chinese, format!("{path}?lang=zh-CN"));
    person.ask(Method::GET, &chinese, &shows, "").await.says("<html lang=\"zh-CN\">");
    let frame = "/w/demo?mode=embed&lang=en";
    assert_eq!(person.ask(Method::GET, frame, &shows, "").await.goes_to(), path);
    person.forget_cookies();
    let more = format!("nonce={}&body=More", Nonce::new());
    person.ask(Method::POST, &format!("{path}/messages"), &shows, &more).await.goes_to();

    // What is known to stand in a frame brings the script of frames along: a request less.
    let framed = person.ask(Method::GET, &path, &shows, "").await;
    framed.says("src=\"/a/frame.").says_not("src=\"/a/visitor.");
    let framed = [("sec-fetch-dest", "iframe"), shows[0]];
    person.ask(Method::GET, &path, &framed, "").await.says("src=\"/a/frame.");
    let walt = Visitor::arrive(site.stranger(), "Other").await;
    walt.page().await.says("src=\"/a/visitor.").says_not("src=\"/a/frame.");

    // Whoever shows a token is meant by it, and by a wrong one nobody is.
    walt.person.ask(Method::GET, &path, &shows, "").await.must(StatusCode::OK);
    walt.person.ask(Method::GET, &walt.path(""), &shows, "").await.must(StatusCode::NOT_FOUND);
    for wrong in ["Bearer", "Bearer kfv_", "Basic x", &shown[..shown.len() - 1]] {
        let wrong = [("authorization", wrong)];
        walt.person.ask(Method::GET, &walt.path(""), &wrong, "").await.must(StatusCode::NOT_FOUND);
    }

    // The pages on which it stands, as the page outside tells them.
    let page = r#"pages=[{"ago":1,"url":"https://shop.example/cup","title":"Cup","referrer":"https://find.example/q"}]"#;
    let seen = person.ask(Method::POST, &format!("{path}/pages"), &shows, page).await;
    assert_eq!(seen.status, StatusCode::NO_CONTENT);
    let ana = site.ana().await;
    let id = ana.newest("all").await - 1;
    ana.person.get(&format!("/desk/c/{id}/side")).await.says(">Cup<").says("from find.example");

    // Signing out ends the token, for whoever kept it too.
    let forget = person.ask(Method::POST, "/w/demo/forget", &shows, "").await;
    assert_eq!(forget.status, StatusCode::NO_CONTENT);
    person.ask(Method::GET, &path, &shows, "").await.must(StatusCode::NOT_FOUND);
    let token = contact::VisitorToken::parse(&token, &site.app.key).unwrap();
    assert!(!contact::token_lives(&site.app, &token.hash()).await.unwrap());
}

/// What of the trail an agent sees, the newest first: address and words.
async fn trail(ana: &Agent, id: i64) -> Vec<String> {
    let side = ana.person.get(&format!("/desk/c/{id}/side")).await;
    let Some((_, trail)) = side.body.split_once("<ol class=\"trail\">") else {
        return Vec::new();
    };
    let lines = trail.split("</ol>").next().unwrap().split("<li><a href=\"").skip(1);
    lines
        .map(|line| {
            let (address, rest) = line.split_once('"').unwrap();
            let words = rest.split_once('>').unwrap().1.split("</a>").next().unwrap();
            format!("{address} {words}")
        })
        .collect()
}

#[tokio::test]
async fn pages_that_led_to_a_question_are_told_at_once_and_in_their_order() {
    let site = installation().await;
    let (vera, ana) = (&site.vera().await, site.ana().await);
    let tell = |pages: Value| {
        let pages = pages.to_string();
        async move { vera.person.post(&vera.path("/pages"), &[("pages", &pages)]).await }
    };
    let page = |ago: f64, name: &str| json!({ "ago": ago, "url": format!("https://shop.example/{name}"), "title": name });
    let told = json!([page(3_600_000.0, "tea"), page(60_000.0, "pot"), page(0.4, "cup")]);
    assert_eq!(tell(told).await.status, StatusCode::NO_CONTENT);
    let line = |name: &str| format!("https://shop.example/{name} {name}");
    assert_eq!(trail(&ana, 1).await, [line("cup"), line("pot"), line("tea")]);

    // What another tab tells later stands where it belongs; of a clock that was put back only that it is now is believed.
    let told = json!([page(600_000.0, "lid"), page(-5e12, "now"), page(86_400_001.0, "old")]);
    assert_eq!(tell(told).await.status, StatusCode::NO_CONTENT);
    let order = ["now", "cup", "pot", "lid", "tea"].map(line);
    assert_eq!(trail(&ana, 1).await, order);

    // Of what nobody could look at the rest is kept; nothing but that is refused, and so is what no browser keeps.
    let hostile = "\"><img src=x onerror=alert(1)>\u{0}\u{7}\u{202e}";
    let told = json!([
        { "ago": 0, "url": "javascript:alert(1)" },
        { "ago": 0, "url": format!("https://shop.example/{}", "a".repeat(2_000)) },
        { "ago": 0, "url": "https://vera:secret@shop.example/" },
        { "ago": 0, "url": "https://shop.example/?q=\"><script>", "title": hostile.repeat(100), "referrer": "data:x,y", "more": [1] },
    ]);
    assert_eq!(tell(told).await.status, StatusCode::NO_CONTENT);
    let all = trail(&ana, 1).await;
    assert_eq!((all.len(), &all[1..]), (6, &order[..]));
    assert!(
        all[0].starts_with("https://shop.example/?q=%22%3E%3Cscript%3E &#34;&#62;&#60;img"),
        "{}",
        all[0]
    );
    assert!(!all[0].contains(['\0', '\u{7}']) && all[0].matches("img").count() < 8, "{}", all[0]);
    let many = vec![page(0.0, "more"); 21];
    for refused in [
        json!([{ "ago": 0, "url": "javascript:alert(1)" }]),
        json!([page(1e300, "old")]),
        json!([]),
        json!(many),
        json!({ "pages": [] }),
        json!([{ "ago": "0", "url": "https://shop.example/" }]),
        json!([{ "ago": 0, "url": null }]),
        json!("x"),
    ] {
        tell(refused).await.must(StatusCode::UNPROCESSABLE_ENTITY).says("address of a page");
    }
    for refused in ["", "[", "null", "[[[[", "{\"pages\":", &"[".repeat(20_000)] {
        let answer = vera.person.post(&vera.path("/pages"), &[("pages", refused)]).await;
        answer.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
    assert_eq!(trail(&ana, 1).await, all);
    // Nobody tells of another's pages; whoever tells without end is kept no more of than that.
    let walt = site.walt().await;
    let mine = json!([page(0.0, "mine")]).to_string();
    let foreign = walt.person.post(&vera.path("/pages"), &[("pages", &mine)]).await;
    foreign.must(StatusCode::NOT_FOUND);
    for round in 0..15 {
        let told = (0..20).map(|n| page(0.0, &format!("{round}-{n}"))).collect::<Vec<_>>();
        assert_eq!(tell(json!(told)).await.status, StatusCode::NO_CONTENT);
    }
    assert_eq!(site.count("page_view").await, 200);
    assert_eq!(trail(&ana, 2).await, Vec::<String>::new());
}

#[tokio::test]
async fn pages_are_told_no_faster_than_anything_else() {
    let site = limited_installation().await;
    let vera = site.vera().await;
    let told = [("pages", r#"[{"ago":0,"url":"https://shop.example/"}]"#)];
    for _ in 0..240 {
        let answer = vera.person.post(&vera.path("/pages"), &told).await;
        answer.must(StatusCode::NO_CONTENT);
    }
    let answer = vera.person.post(&vera.path("/pages"), &told).await;
    answer.must(StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(site.count("page_view").await, 200);
}

#[tokio::test]
async fn an_owner_chooses_how_it_looks_and_what_it_says() {
    let site = installation().await;
    let ana = site.ana().await;
    ana.person.get("/desk/settings/sites").await.says("/desk/settings/sites/demo");
    ana.person
        .get(SITE)
        .await
        .says("w/demo.js&#34;&#62;")
        .says("Contrast of the button’s text: 7.4 : 1.");
    site.stranger().get("/w/demo").await.says_not("look.css");
    let fields = form(&[
        ("origins", "https://shop.example\nhttps://Shop.example/ http://localhost:8080"),
        ("color", "#ffeb3b"),
        ("side", "left"),
        ("theme", "dark"),
        ("offset_y", "96"),
        ("label_en", "Ask <us>"),
        ("greeting_en", "Hi & welcome"),
        ("welcome_zh", "欢迎光临"),
        ("title_en", "Tea \"desk\""),
        ("failed_en", "Call </script> us"),
        ("online_en", "Here <b>9–18</b>"),
        ("away_en", "Back <i>soon</i>"),
        ("placeholder_en", "\" autofocus x=\""),
    ]);
    assert_eq!(ana.person.post(SITE, &fields).await.goes_to(), format!("{SITE}?saved=1"));
    ana.person
        .get(&format!("{SITE}?saved=1"))
        .await
        .says("Saved")
        .says("value=\"#FFEB3B\"")
        .says("value=\"96\"");

    let script = script(&site.stranger()).await;
    for told in [
        "\"color\":\"#FFEB3B\"",
        "\"ink\":\"#0E1514\"",
        "\"position\":\"left\"",
        "\"offsetY\":96",
        ",\"Ask <us>\"]",
        "[\"Tea \\\"desk\\\"\",\"Call </script> us\",",
        "[\"在线客服\",",
    ] {
        assert!(script.contains(told), "{told} is not in {script}");
    }
    let page = site.stranger().get("/w/demo?lang=en").await.must(StatusCode::OK);
    page.says("Hi &#38; welcome").says("<title>Tea &#34;desk&#34; · ");
    page.says("Back &#60;i&#62;soon").says("placeholder=\"&#34; autofocus x=&#34;\"");
    // In a conversation, too, also where nobody is there any more.
    let vera = site.visitor("hello").await;
    let page = vera.person.get(&vera.path("?lang=en")).await.must(StatusCode::OK);
    page.says("<title>Tea &#34;desk&#34; · ")
        .says("Back &#60;i&#62;soon")
        .says("&#34; autofocus x");
    assert!(
        page.header("content-security-policy")
            .ends_with("frame-ancestors 'self' https://shop.example http://localhost:8080")
    );
    site.stranger().get("/w/demo?lang=zh-CN").await.says("欢迎光临");
    let sheet = page.all("href=\"/w/demo/look.css")[0].split('"').next().unwrap().to_owned();
    let css = site.stranger().get(&format!("/w/demo/look.css{sheet}")).await.must(StatusCode::OK);
    assert_eq!(css.header("content-type"), "text/css; charset=utf-8");
    css.says("--on-brand:#0E1514").says("color-scheme:dark").says_not("@media");

    let deeds = audit::page(&site.app.db, None, 10).await.unwrap();
    let changed = deeds.iter().find(|deed| deed.action == "site-changed").unwrap();
    for said in
        ["demo\n", "color: #0F5F66 → #FFEB3B\n", "side: right → left\n", "offset_y: 20 → 96"]
    {
        assert!(changed.detail.contains(said), "{}", changed.detail);
    }
    assert!(!changed.detail.contains("Hi & welcome"), "{}", changed.detail);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_with_a_word_and_comes_back_as_it_was_typed() {
    let site = installation().await;
    let ana = site.ana().await;
    let long = "字".repeat(201);
    let many = (0..21).map(|n| format!("https://{n}.example ")).collect::<String>();
    for (field, value, words) in [
        ("name", "", "name"),
        ("origins", "javascript:alert(1)", "https://"),
        ("origins", "https://a.example/path", "https://"),
        ("origins", "https://a.example;script-src", "https://"),
        ("origins", &many, "at most 20 addresses"),
        ("color", "red;}", "A colour looks like"),
        ("offset_x", "-1", "from 0 to 400"),
        ("offset_y", "1e9", "from 0 to 400"),
        ("zone", "Mars/Olympus", "no such time zone"),
        ("label_zh", &long[..63], "at most 20 characters"),
        ("greeting_en", &long[..123], "at most 40 characters"),
        ("welcome_zh", &long, "at most 200 characters"),
        ("welcome_en", "a\nb", "one line"),
        ("title_en", &long[..63], "at most 20 characters"),
        ("online_zh", &long[..183], "at most 60 characters"),
        ("away_en", "a\nb", "one line"),
        ("placeholder_zh", &long[..123], "at most 40 characters"),
        ("failed_en", &long[..183], "at most 60 characters"),
    ] {
        let refused =
            ana.person.post(SITE, &form(&[(field, value), ("label_en", "typed & kept")])).await;
        let page = refused.must(StatusCode::UNPROCESSABLE_ENTITY);
        page.says(words).says("typed &#38; kept");
        // It stands at its own field.
        let input =
            page.body.split(" id=\"").find(|rest| rest.starts_with(&format!("{field}\""))).unwrap();
        let input = &input[..input.find('>').unwrap()];
        assert!(input.contains("aria-invalid=\"true\""), "{field}: {input}");
    }
    let demo = site::find_by_key(site.app.db.read(), &kefu::ids::SiteKey::parse("demo").unwrap())
        .await
        .unwrap();
    assert_eq!((demo.look, demo.origins), (site::Look::default(), Vec::<String>::new()));
    ana.person
        .post("/desk/settings/sites", &[("name", " ")])
        .await
        .must(StatusCode::UNPROCESSABLE_ENTITY);
    let made =
        ana.person.post("/desk/settings/sites", &[("name", "<b>Second</b>")]).await.goes_to();
    ana.person.get(&made).await.must(StatusCode::OK).says("&#60;b&#62;Second");
    ana.person.get("/desk/settings/sites/none").await.must(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_preview_shows_what_is_typed_and_keeps_nothing() {
    let site = installation().await;
    let ana = site.ana().await;
    let preview = |fields: &[(&str, &str)]| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        format!("{SITE}/preview?{}", query.extend_pairs(fields).finish())
    };
    // As it is, where nothing is typed.
    ana.person.get(&preview(&[])).await.must(StatusCode::OK).says("您好，有什么可以帮您？");
    let typed = form(&[
        ("name", "Tea </style><script>alert(1)</script>"),
        ("color", "#ffeb3b"),
        ("side", "left"),
        ("offset_x", "33"),
        ("offset_y", "44"),
        ("label_en", "Ask <us>"),
        ("greeting_en", "Hi & welcome"),
        ("welcome_en", "</style><script>alert(2)</script>"),
        ("placeholder_en", "\" autofocus x=\""),
        ("shown", "en"),
    ]);
    let page = ana.person.get(&preview(&typed)).await.must(StatusCode::OK);
    page.says("Ask &#60;us&#62;").says("Hi &#38; welcome").says("Contrast of the button’s text");
    page.says("left:33px").says("bottom:44px").says("background:#FFEB3B;color:#0E1514");
    page.says_not("<script").says_not("</style><").says_not("x=\"");
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("script-src 'none'") && policy.ends_with("frame-ancestors 'self'"),
        "{policy}"
    );
    let off: Vec<_> = typed.iter().copied().filter(|(name, _)| *name != "launcher").collect();
    ana.person.get(&preview(&off)).await.must(StatusCode::OK).says_not("class=\"launch\"");

    for (field, value, words) in [
        ("color", "red;}body{x:y", "A colour looks like"),
        ("offset_y", "9999", "from 0 to 400"),
        ("name", "", "name"),
        ("title_en", "a title that is far too long", "at most 20 characters"),
    ] {
        let page = ana.person.get(&preview(&form(&[(field, value)]))).await;
        page.must(StatusCode::UNPROCESSABLE_ENTITY).says(words).says_not("x:y");
    }
    let demo = site::addressed(site.app.db.read(), "demo").await.unwrap();
    assert_eq!(demo.look, site::Look::default());
    assert!(
        audit::page(&site.app.db, None, 10)
            .await
            .unwrap()
            .iter()
            .all(|deed| deed.action != "site-changed")
    );
    // Who does not manage sees none.
    let ben = site.ben().await;
    ben.person.get(&preview(&typed)).await.must(StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn what_begins_on_a_site_is_its_teams() {
    let site = installation().await;
    let ana = site.ana().await;
    let ben = site.ben().await;
    site.visitor("before there was a team").await;
    let form_before = ana.person.get(SITE).await;
    form_before.says_not("name=\"team\"");
    ana.person.post("/desk/settings/teams", &[("name", "Orders")]).await.goes_to();
    ana.person.get(SITE).await.says("name=\"team\"").says("<option value=\"1\">Orders");
    ana.person.post(SITE, &form(&[("team", "1")])).await.goes_to();
    ana.person.get(SITE).await.says("<option value=\"1\" selected>Orders");
    site.visitor("of the team").await;
    let rows = ana.person.get("/desk/c?tab=all").await.must(StatusCode::OK);
    rows.says("before there was a team").says("of the team");
    // Whoever is not of the team sees what was there before, and the other not.
    ben.person.get("/desk/c?tab=all").await.says("before there was").says_not("of the team");

    for nobody in ["2", "x", "-1"] {
        let refused = ana.person.post(SITE, &form(&[("team", nobody)])).await;
        refused.must(StatusCode::UNPROCESSABLE_ENTITY).says("no such team");
    }
    // A team that is gone has nobody: what begins now is everybody's.
    ana.person.post("/desk/settings/teams/1/remove", &[]).await.goes_to();
    site.visitor("after the team").await;
    ben.person.get("/desk/c?tab=all").await.says("after the team").says("of the team");
    ana.person.post(SITE, &form(&[])).await.goes_to();
}

#[tokio::test]
async fn a_site_has_a_logo_drawn_anew_and_small() {
    let site = installation().await;
    let ana = site.ana().await;
    let logo = format!("{SITE}/logo/files");
    let photo = crate::attachment::picture(image::ImageFormat::Jpeg);
    let put = ana.person.bring(&logo, &[("../<b>.svg", &photo)], "text/html").await;
    assert_eq!(put.goes_to(), format!("{SITE}?saved=1"));
    let page = site.stranger().get("/w/demo").await.must(StatusCode::OK);
    let address = page.all("<img src=\"/w/demo/logo")[0].split('"').next().unwrap().to_owned();
    let address = format!("/w/demo/logo{address}");
    let (status, headers, bytes) = site.stranger().bytes(&address).await;
    assert_eq!((status, headers["content-type"].to_str().unwrap()), (StatusCode::OK, "image/png"));
    assert_eq!(headers["x-content-type-options"], "nosniff");
    assert!(headers.get("set-cookie").is_none());
    assert!(bytes.len() < 64 * 1024, "{} bytes", bytes.len());
    let drawn = image::load_from_memory(&bytes).unwrap();
    assert_eq!((drawn.width(), drawn.height()), (96, 72));

    for (hostile, words) in [
        (
            &b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script>1</script></svg>"[..],
            "class=\"err\"",
        ),
        (b"GIF89a", "does not move"),
        (b"%PDF-1.7", "does not move"),
        (b"\x89PNG\r\n\x1a\nnothing", "class=\"err\""),
        (b"", "class=\"err\""),
    ] {
        let refused = ana.person.bring(&logo, &[("logo.png", hostile)], "text/html").await;
        refused.must(StatusCode::UNPROCESSABLE_ENTITY).says(words);
    }
    let (_, _, still) = site.stranger().bytes(&address).await;
    assert_eq!(still, bytes);

    // The form of the site leaves it as it is; another one has another address, and the old one is gone.
    ana.person.post(SITE, &form(&[("color", "#FFEB3B")])).await.goes_to();
    site.stranger().get("/w/demo").await.says(&address);
    ana.person.post(&format!("{SITE}/logo/remove"), &[]).await.goes_to();
    site.stranger().get("/w/demo").await.says_not("/w/demo/logo");
    assert_eq!(site.stranger().bytes(&address).await.0, StatusCode::NOT_FOUND);
}
