//! Putting the chat on a website, and watching it turn green.
use crate::support::{Answer, Installation, Person, Visitor, installation};
use jiff::SignedDuration;
use kefu::ids::Nonce;
use poem::http::{Method, StatusCode};

const SITE: &str = "/desk/settings/sites/demo";
const WATCH: &str = "/desk/settings/sites/demo/watch?until=99999999999";

async fn watch(person: &Person) -> Answer {
    person.get(WATCH).await.must(StatusCode::OK)
}

/// As a page of an origin asks for something.
async fn from(site: &Installation, page: &str, path: &str) {
    let shown = [("referer", page)];
    site.stranger().ask(Method::GET, path, &shown, "").await.must(StatusCode::OK);
}

/// Says hello in the chat as it stands in a frame of a page, by what its script says of that.
async fn speaks(site: &Installation, page: &str, script: &str) -> Visitor {
    let person = site.stranger();
    let shown = [("referer", page)];
    let chat = person.ask(Method::GET, "/w/demo?mode=embed", &shown, "").await;
    let body = format!(
        "visitor={}&nonce={}&embed=1&body=hi&page={}",
        chat.field("visitor"),
        chat.field("nonce"),
        page.replace('?', "%3F"),
    );
    let place = person.ask(Method::POST, "/w/demo/start", &by(script), &body).await.goes_to();
    Visitor { person, cid: place.strip_prefix("/c/").unwrap().to_owned() }
}

/// As a form of a page in a frame is sent, with its script or without.
fn by(script: &str) -> [(&'static str, &str); 2] {
    let says = if script.is_empty() { ("sec-fetch-dest", "iframe") } else { ("kefu-in", script) };
    [("sec-fetch-site", "same-origin"), says]
}

/// How far each step is: `done`, `bad` or `wait`.
fn steps(page: &Answer) -> Vec<String> {
    let classes = page.all("<li class=\"");
    let classes = classes.iter().map(|rest| rest.split('"').next().unwrap().to_owned());
    classes.collect()
}

#[tokio::test]
async fn the_panel_turns_green_step_by_step_and_asks_no_more_once_it_is() {
    let site = installation().await;
    let ana = site.ana().await;
    let page = ana.person.get(&format!("{SITE}/install")).await.must(StatusCode::OK);
    page.says("&#60;script async src=").says("Does it work?").says("hx-trigger=\"every 2s\"");
    page.says("Waiting…").says("No address may show the chat in a frame yet");
    page.says("script-src http").says("frame-src http").says_not("is reached over http");
    assert_eq!(steps(&page), ["wait", "wait", "wait"]);

    // A page of ours asks for the script: where it stands is all that is kept of it.
    from(&site, "https://shop.example/cup?who=vera#x", "/w/demo.js").await;
    let page = watch(&ana.person).await;
    assert_eq!(steps(&page), ["done", "wait", "wait"]);
    page.says("https://shop.example").says_not("/cup").says_not("vera");

    // It may not show the chat yet, so its visitors see nothing; one click, and it may.
    from(&site, "https://shop.example/", "/w/demo?mode=embed").await;
    let page = watch(&ana.person).await;
    assert_eq!(steps(&page), ["done", "bad", "wait"]);
    page.says("Allow https://shop.example").says("not among the allowed addresses");
    let allowed = [("origin", "https://shop.example")];
    let done = ana.person.post(&format!("{SITE}/origins"), &allowed).await;
    assert_eq!(done.goes_to(), format!("{SITE}/install?how=html"));
    // Nobody has seen the chat there by that.
    let page = watch(&ana.person).await;
    assert_eq!(steps(&page), ["done", "wait", "wait"]);
    page.says("https://shop.example is allowed now").says_not("not among the allowed addresses");
    let chat = site.stranger().get("/w/demo").await;
    assert!(chat.header("content-security-policy").ends_with("'self' https://shop.example"));
    from(&site, "https://shop.example/", "/w/demo?mode=embed").await;
    let page = watch(&ana.person).await;
    assert_eq!(steps(&page), ["done", "done", "wait"]);
    page.says("hx-trigger=").says("http: browsers do not load that").says_not("is allowed now");

    // Nothing changed, nothing is drawn.
    let version = page.all("seen=")[0].split('"').next().unwrap().to_owned();
    let unchanged = ana.person.get(&format!("{WATCH}&seen={version}")).await;
    assert_eq!((unchanged.status, unchanged.body.as_str()), (StatusCode::NO_CONTENT, ""));

    speaks(&site, "https://shop.example/", "page").await;
    let page = watch(&ana.person).await;
    assert_eq!(steps(&page), ["done", "done", "done"]);
    page.says("All set").says_not("hx-trigger").says("Nothing happens?");

    // Whoever checks again wants to see it happen again, and when it last did.
    let again = page.all("since=")[0].split('"').next().unwrap().to_owned();
    let later: i64 = again.parse::<i64>().unwrap() + 60;
    let page = ana.person.get(&format!("{SITE}/install?how=html&since={later}")).await;
    assert_eq!(steps(&page), ["wait", "wait", "wait"]);
    page.says("Last time:").says("<details class=\"help\" open>").says_not("All set");
    // A browser that still has the script does not ask for it again.
    site.app.clock.turn(SignedDuration::from_secs(120));
    from(&site, "https://shop.example/", "/w/demo?mode=embed").await;
    let page = ana.person.get(&format!("{SITE}/install?how=html&since={later}")).await;
    assert_eq!(steps(&page), ["done", "done", "wait"]);
}

#[tokio::test]
async fn the_demo_is_nobody_s_installation() {
    let site = installation().await;
    let ana = site.ana().await;
    let own = format!("{}/demo?lang=en", site.app.config.public_url());
    from(&site, &own, "/w/demo.js").await;
    for script in ["demo", ""] {
        speaks(&site, &own, script).await;
        assert_eq!(steps(&watch(&ana.person).await), ["wait", "wait", "wait"], "{script}");
    }
    // The same steps count on a page of the owner's.
    ana.person.post(&format!("{SITE}/origins"), &[("origin", "shop.example/cup")]).await.goes_to();
    from(&site, "https://shop.example/", "/w/demo.js").await;
    speaks(&site, "https://shop.example/", "page").await;
    assert_eq!(steps(&watch(&ana.person).await), ["done", "done", "done"]);
}

#[tokio::test]
async fn a_message_counts_for_the_way_by_which_it_came_whatever_was_opened_since() {
    let shop = "https://shop.example/";
    for script in ["page", ""] {
        let site = installation().await;
        let ana = site.ana().await;
        let by_page = async || steps(&watch(&ana.person).await);
        let by_link = async || steps(&ana.person.get(&format!("{WATCH}&how=link")).await);
        ana.person.post(&format!("{SITE}/origins"), &[("origin", "shop.example")]).await.goes_to();
        from(&site, shop, "/w/demo.js").await;
        let vera = site.visitor("by the link").await;
        from(&site, shop, "/w/demo?mode=embed").await;
        vera.say("once more by the link").await.must(StatusCode::OK);
        assert_eq!((by_page().await[2].as_str(), by_link().await[1].as_str()), ("wait", "done"));
        // The same conversation goes on in the page.
        write(&vera, script).await;
        assert_eq!(by_page().await, ["done", "done", "done"], "{script}");

        let site = installation().await;
        let ana = site.ana().await;
        let by_link = async || steps(&ana.person.get(&format!("{WATCH}&how=link")).await);
        let walt = speaks(&site, shop, script).await;
        site.stranger().get("/w/demo").await.must(StatusCode::OK);
        for script in [script, "demo"] {
            write(&walt, script).await;
            assert_eq!(by_link().await, ["done", "wait"], "{script}");
        }
        walt.say("by the link").await.must(StatusCode::OK);
        assert_eq!(by_link().await, ["done", "done"]);
    }
}

async fn write(visitor: &Visitor, script: &str) {
    let body = format!("nonce={}&body=more", Nonce::new());
    let path = visitor.path("/messages");
    visitor.person.ask(Method::POST, &path, &by(script), &body).await.goes_to();
}

#[tokio::test]
async fn ways_without_a_page_have_no_script_to_wait_for() {
    let site = installation().await;
    let ana = site.ana().await;
    for way in ["wechat", "qr", "uni-app", "link"] {
        let page = ana.person.get(&format!("{SITE}/install?how={way}")).await.must(StatusCode::OK);
        assert_eq!(steps(&page), ["wait", "wait"], "{way}");
        page.says("The link was opened").says("outside of your network");
        page.says_not("The script was loaded")
            .says_not("No address may show")
            .says_not("script-src");
    }
    site.visitor("a test").await;
    let page = ana.person.get(&format!("{WATCH}&how=qr")).await.must(StatusCode::OK);
    assert_eq!(steps(&page), ["done", "done"]);
    page.says("All set").says("install?how=qr&amp;since=");
    assert_eq!(steps(&watch(&ana.person).await), ["wait", "wait", "wait"], "it was no page");
}

#[tokio::test]
async fn a_minute_without_news_opens_what_may_be_in_the_way() {
    let site = installation().await;
    let ana = site.ana().await;
    let asked = |seconds: i64| {
        let until = site.app.clock.now().as_second() + 600 - seconds;
        format!("{SITE}/watch?until={until}")
    };
    let open = "<details class=\"help\" open>";
    let page = ana.person.get(&asked(50)).await.must(StatusCode::OK);
    page.says("Nothing happens?").says_not(open);
    let version = page.all("seen=")[0].split('"').next().unwrap().to_owned();
    let path = format!("{}&seen={version}", asked(70));
    let page = ana.person.get(&path).await.must(StatusCode::OK);
    page.says(open).says("script-src http").says("hx-trigger=");

    // News, and what comes next is asked for; a minute later that is what may be in the way.
    from(&site, "https://shop.example/", "/w/demo.js").await;
    let page = ana.person.get(&asked(70)).await.must(StatusCode::OK);
    page.says_not(open).says("by its button").says("frame-src http").says_not("script-src");
    let page = ana.person.get(&format!("{SITE}/install?how=html&since=0")).await;
    page.must(StatusCode::OK).says(open);
}

#[tokio::test]
async fn who_looks_no_more_asks_no_more() {
    let site = installation().await;
    let ana = site.ana().await;
    for past in ["0", "-1", "x", ""] {
        let page = ana.person.get(&format!("{SITE}/watch?until={past}")).await;
        page.must(StatusCode::OK).says("Check again").says_not("hx-trigger");
    }
    // However far somebody says: ten minutes.
    let page = watch(&ana.person).await;
    let until: i64 = page.all("until=")[0].split('&').next().unwrap().parse().unwrap();
    let now = site.app.clock.now().as_second();
    assert!(until <= now + 601, "{until} is later than {now} + 600");
}

#[tokio::test]
async fn whatever_a_page_says_of_itself_is_an_origin_or_nothing() {
    let site = installation().await;
    let ana = site.ana().await;
    from(&site, "https://known.example/", "/w/demo.js").await;
    watch(&ana.person).await.says("https://known.example");
    let long = format!("https://{}.example/", "a".repeat(9_000));
    for hostile in [
        "javascript:alert(1)",
        "https://<script>alert(1)</script>/",
        "\"><img src=x onerror=alert(1)>",
        "https://a.example;script-src *",
        "data:text/html,x",
        "https://a b/",
        &long,
    ] {
        from(&site, hostile, "/w/demo.js").await;
        let page = watch(&ana.person).await;
        assert_eq!(steps(&page)[0], "done", "{hostile}");
        page.says_not("alert(1)").says_not("script-src *").says_not("aaaaaaaa");
    }
    for hostile in
        ["javascript:alert(1)", "https://a.example;script-src", "\"><script>alert(1)</script>", ""]
    {
        let refused = ana.person.post(&format!("{SITE}/origins"), &[("origin", hostile)]).await;
        let page = refused.must(StatusCode::UNPROCESSABLE_ENTITY);
        page.says("aria-invalid=\"true\"").says("An origin looks like").says_not("<script>alert");
    }
    let fields = [("origin", "https://one.example")];
    ana.person.post(&format!("{SITE}/origins"), &fields).await.goes_to();
    for more in 0..19 {
        let origin = format!("https://{more}.example");
        ana.person.post(&format!("{SITE}/origins"), &[("origin", &origin)]).await.goes_to();
    }
    let full =
        ana.person.post(&format!("{SITE}/origins"), &[("origin", "https://m.example")]).await;
    full.must(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_look_at_the_preview_is_nobody_who_opened_it() {
    let site = installation().await;
    let ana = site.ana().await;
    let by_link = format!("{WATCH}&how=link");
    ana.person.get(&format!("{SITE}/preview")).await.must(StatusCode::OK);
    assert_eq!(steps(&ana.person.get(&by_link).await), ["wait", "wait"]);
    // Who comes by the bare link comes from anywhere, and that is nobody's concern.
    from(&site, "https://elsewhere.example/", "/w/demo").await;
    let page = ana.person.get(&by_link).await;
    assert_eq!(steps(&page), ["done", "wait"]);
    page.says_not("elsewhere");
}

#[tokio::test]
async fn each_way_has_its_steps_in_both_languages() {
    let site = installation().await;
    let ana = site.ana().await;
    let link = format!("{}/w/demo", site.app.config.public_url());
    for (way, english, chinese) in [
        ("html", "before &#60;/body&#62;", "&#60;/body&#62; 之前"),
        ("wordpress", "WPCode", "代码片段"),
        ("wechat", "mp.weixin.qq.com", "自定义菜单"),
        ("qr", "Save as SVG", "保存为 SVG"),
        ("uni-app", "web-view domains", "业务域名"),
        ("link", "in its own page", "单独的页面"),
        ("nonsense\"><script>", "before &#60;/body&#62;", "&#60;/body&#62; 之前"),
    ] {
        let address =
            format!("{SITE}/install?how={}", way.replace('"', "%22").replace(['<', '>'], ""));
        let page = ana.person.get(&address).await.must(StatusCode::OK);
        page.says(english).says(&link).says("data-copy=\"snippet\"");
        ana.person
            .post("/desk/me/profile", &[("name", "ana"), ("language", "zh-CN"), ("theme", "auto")])
            .await
            .goes_to();
        ana.person.get(&address).await.must(StatusCode::OK).says(chinese).says(&link);
        ana.person
            .post("/desk/me/profile", &[("name", "ana"), ("language", "en"), ("theme", "auto")])
            .await
            .goes_to();
    }
    let (status, headers, svg) = ana.person.bytes(&format!("{SITE}/qr.svg")).await;
    assert_eq!(
        (status, &headers["content-type"]),
        (StatusCode::OK, &"image/svg+xml".parse().unwrap())
    );
    assert_eq!(headers["content-disposition"], "attachment; filename=\"kefu-demo.svg\"");
    assert!(String::from_utf8(svg).unwrap().starts_with("<svg xmlns="));
}
