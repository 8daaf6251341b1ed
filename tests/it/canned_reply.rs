//! Canned replies: who writes them, who sees them, and how they come into a conversation.
use crate::support::{Agent, Answer, Installation, installation, program::value};
use kefu::{
    agent::{Role, Scope},
    audit,
};
use poem::http::{Method, StatusCode};

const PAGE: &str = "/desk/settings/canned-replies";
const SAVED: &str = "/desk/settings/canned-replies?saved=1";

async fn write(agent: &Agent, scope: &str, code: &str, title: &str, body: &str) -> Answer {
    let fields = [("scope", scope), ("short_code", code), ("title", title), ("body", body)];
    agent.person.post(PAGE, &fields).await
}

async fn offers(agent: &Agent, query: &str) -> Answer {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let path = format!("/desk/canned?c=1&q={query}");
    let answer = agent.person.ask(Method::GET, &path, &[("hx-request", "true")], "").await;
    answer.must(StatusCode::OK)
}

/// Ben's team, in which ana is not.
async fn make_team(ana: &Agent) {
    let fields = [("name", "售后组"), ("member", "2")];
    ana.person.post("/desk/settings/teams", &fields).await.goes_to();
}

async fn deeds(site: &Installation) -> Vec<(String, String)> {
    let deeds = audit::page(&site.app.db, None, 50).await.unwrap().into_iter();
    let deeds = deeds.filter(|deed| deed.action.starts_with("canned-"));
    deeds.map(|deed| (deed.action, deed.subject)).collect()
}

#[tokio::test]
async fn a_reply_is_written_found_changed_and_removed() {
    let site = installation().await;
    let ana = site.ana().await;
    ana.person.get(PAGE).await.must(StatusCode::OK).says("no canned replies yet");
    assert_eq!(write(&ana, "all", "/TKGZ", "退款规则", "七天内可退。").await.goes_to(), SAVED);
    assert_eq!(write(&ana, "own", "hi", "Greeting", "Hello").await.goes_to(), SAVED);
    let page = ana.person.get(SAVED).await;
    page.says("退款规则").says("/tkgz").says("Everybody").says("Greeting").says("Saved");
    ana.person.get(&format!("{PAGE}?q=tuikuan")).await.says("退款规则").says_not("Greeting");
    ana.person.get(&format!("{PAGE}?q=nothing")).await.says("No canned reply fits");
    let form = ana.person.get(&format!("{PAGE}/1")).await.must(StatusCode::OK);
    form.says("value=\"tkgz\"").says("七天内可退。</textarea>").says("\"all\" selected");

    let changed = [("scope", "all"), ("short_code", "tk"), ("title", "退款"), ("body", "十天。")];
    assert_eq!(ana.person.post(&format!("{PAGE}/1"), &changed).await.goes_to(), SAVED);
    ana.person.get(PAGE).await.says("十天。").says_not("七天");
    assert_eq!(ana.person.post(&format!("{PAGE}/1/remove"), &[]).await.goes_to(), SAVED);
    ana.person.get(PAGE).await.says_not("退款");
    let gone = ana.person.post(&format!("{PAGE}/1/remove"), &[]).await;
    gone.must(StatusCode::NOT_FOUND);
    let told = |action: &str, title: &str| (action.to_owned(), title.to_owned());
    // What is only hers is nobody's business.
    assert_eq!(
        deeds(&site).await,
        [
            told("canned-reply-removed", "退款"),
            told("canned-reply-changed", "退款"),
            told("canned-reply-added", "退款规则")
        ]
    );
}

#[tokio::test]
async fn a_form_that_does_not_fit_comes_back_as_it_was_sent() {
    let site = installation().await;
    let ana = site.ana().await;
    write(&ana, "own", "hi", "Greeting", "Hello").await.goes_to();
    // The same code for others is another reply.
    write(&ana, "all", "hi", "Greeting", "Hello").await.goes_to();
    let long = "x".repeat(5_001);
    for (code, title, body, problem) in [
        ("HI", "Again", "x", "This short code is taken"),
        ("a b", "Again", "x", "without spaces"),
        ("", "Again", "x", "without spaces"),
        ("a", " ", "x", "A title is 1"),
        ("a", "Again", "\r\n", "Please write something"),
        ("a", "Again", long.as_str(), "5,000"),
    ] {
        let answer = write(&ana, "own", code, title, body).await;
        let answer = answer.must(StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains(problem) || problem.starts_with("Please"), "{}", answer.body);
        answer.says("role=\"alert\"").says(&format!("value=\"{title}\""));
    }
    let hostile = "</textarea><script>alert(1)</script>{{7*7}}\"'";
    write(&ana, "all", "<b>\"", "<img src=x onerror=alert(1)>", hostile).await.goes_to();
    let _vera = site.vera().await;
    // A refused one may have used up a number.
    let links = ana.person.get(PAGE).await.all(&format!("href=\"{PAGE}/"));
    let newest = links.iter().filter_map(|link| link.parse::<i64>().ok()).max().unwrap();
    for page in [PAGE, &format!("{PAGE}/{newest}"), "/desk/canned?c=1"] {
        let page = ana.person.get(page).await.must(StatusCode::OK);
        page.says_not("<script>alert").says_not("<img src=x").says("&#60;img src=x");
    }
    write(&ana, "team:99", "a", "No team", "x").await.must(StatusCode::NOT_FOUND);
    write(&ana, "team:x", "a", "No team", "x").await.must(StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn own_ones_are_their_owners_and_shared_ones_of_those_who_manage() {
    let site = installation().await;
    let (_vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    let (carl, rob) =
        (site.agent("carl", Role::Agent).await, site.agent("rob", Role::ReadOnly).await);
    make_team(&ana).await;
    write(&ana, "own", "a", "Ana's", "x").await.goes_to();
    write(&ana, "team:1", "t", "The team's", "x").await.goes_to();
    write(&ana, "all", "e", "Everybody's", "x").await.goes_to();
    write(&ben, "own", "b", "Ben's", "x").await.goes_to();

    let seen = async |agent: &Agent| {
        let page = agent.person.get(PAGE).await.must(StatusCode::OK);
        let titles = ["Ana&#39;s", "The team&#39;s", "Everybody&#39;s", "Ben&#39;s"];
        titles.map(|title| page.body.contains(title))
    };
    assert_eq!(seen(&ana).await, [true, true, true, false]);
    assert_eq!(seen(&ben).await, [false, true, true, true]);
    assert_eq!(seen(&carl).await, [false, false, true, false]);
    assert_eq!(seen(&rob).await, [false, false, true, false]);

    // At work one is offered what one's own teams say.
    offers(&ben, "").await.says("The team").says("Ben").says_not("Ana");
    offers(&ana, "").await.says("Ana").says_not("The team").says_not("Ben");

    let form = [("scope", "own"), ("short_code", "z"), ("title", "z"), ("body", "z")];
    let change = async |agent: &Agent, id: i64| {
        agent.person.post(&format!("{PAGE}/{id}"), &form).await.status.as_u16()
    };
    assert_eq!(change(&ben, 4).await, 303);
    assert_eq!(change(&ana, 4).await, 404);
    assert_eq!(
        [change(&ben, 1).await, change(&ben, 2).await, change(&ben, 3).await],
        [404, 403, 403]
    );
    assert_eq!([change(&carl, 2).await, change(&rob, 3).await], [404, 403]);
    write(&ben, "all", "n", "New", "x").await.must(StatusCode::FORBIDDEN);
    write(&ben, "team:1", "n", "New", "x").await.must(StatusCode::FORBIDDEN);
    write(&carl, "team:1", "n", "New", "x").await.must(StatusCode::NOT_FOUND);
    write(&rob, "own", "n", "New", "x").await.must(StatusCode::FORBIDDEN);
    for id in [1, 2, 3] {
        let answer = ben.person.post(&format!("{PAGE}/{id}/remove"), &[]).await;
        assert_eq!(answer.status.as_u16(), if id == 1 { 404 } else { 403 });
    }
    rob.person.get(PAGE).await.says_not("/new\"").says_not("/3\"");

    // What a team says goes with it.
    ana.person.post("/desk/settings/teams/1/remove", &[]).await.goes_to();
    assert_eq!(seen(&ana).await, [true, false, true, false]);
}

#[tokio::test]
async fn the_composer_offers_own_before_teams_before_all_with_names_put_in() {
    let site = installation().await;
    let (_vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    make_team(&ana).await;
    write(&ana, "all", "tkgz", "退款规则 C", "{访客姓名}您好，我是{客服}，会话 {conversation}。")
        .await
        .goes_to();
    write(&ana, "team:1", "tk2", "退款规则 B", "x").await.goes_to();
    write(&ben, "own", "tk3", "退款规则 A", "<b>bold</b>").await.goes_to();
    write(&ben, "own", "fh", "发货", "今天\n发出").await.goes_to();
    site.change("UPDATE contact SET name = '{客服}'").await;
    for query in ["tkgz", "退款", "tuikuan", "TK"] {
        let found = offers(&ben, query).await;
        let at = |title: &str| found.body.find(title).unwrap();
        assert!(
            at("规则 A") < at("规则 B") && at("规则 B") < at("规则 C"),
            "{query}: {}",
            found.body
        );
        found.says_not("发货").says("&#60;b&#62;bold");
        // A name is put in once, whatever it looks like.
        found.says("{客服}您好，我是ben，会话 #1。");
    }
    offers(&ben, "发出").await.says("今天\n发出");
    offers(&ben, "no such").await.says("No canned reply fits").says_not("role=\"option\"");
    for nowhere in ["/desk/canned", "/desk/canned?c=99", "/desk/canned?c=x"] {
        ben.person.get(nowhere).await.must(StatusCode::NOT_FOUND);
    }
    for n in 0..25 {
        write(&ben, "own", &format!("many{n}"), "Many", "x").await.goes_to();
    }
    assert_eq!(offers(&ben, "many").await.all("role=\"option\"").len(), 20);
}

#[tokio::test]
async fn without_scripts_a_reply_is_chosen_on_a_page_and_stands_in_the_composer() {
    let site = installation().await;
    let (_vera, ana, ben) = (site.vera().await, site.ana().await, site.ben().await);
    write(&ana, "all", "hi", "Greeting", "Good day, I am {agent}.").await.goes_to();
    write(&ana, "own", "mine", "Mine", "secret").await.goes_to();
    ben.person.get("/desk/c/1?tab=all").await.says("href=\"/desk/canned?c=1&amp;tab=all\"");
    let page = ben.person.get("/desk/canned?c=1&tab=all&q=greet").await;
    page.says("href=\"/desk/c/1?canned=1&amp;tab=all\"").says("Good day, I am ben.");
    let pane = ben.person.get("/desk/c/1?canned=1&tab=all").await;
    pane.says("\nGood day, I am ben.</textarea>");
    // After what is there already, and once.
    let begun = [("kind", "text"), ("body", "Dear customer")];
    ben.person.post("/desk/c/1/draft", &begun).await;
    let pane = ben.person.get("/desk/c/1?canned=1").await;
    pane.says("\nDear customer\nGood day, I am ben.</textarea>");
    for nothing in ["2", "99", "x"] {
        let path = format!("/desk/c/1?canned={nothing}");
        ben.person.get(&path).await.must(StatusCode::NOT_FOUND).says_not("secret");
    }
}

#[tokio::test]
async fn a_sheet_goes_out_and_comes_in_whole_or_not_at_all() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    make_team(&ana).await;
    write(&ana, "all", "hi", "=1+1", "Hello, \"you\"\nthere").await.goes_to();
    write(&ana, "team:1", "t", "Team", "x").await.goes_to();
    write(&ana, "own", "o", "Own", "x").await.goes_to();
    let out = ana.person.get(&format!("{PAGE}/export")).await.must(StatusCode::OK);
    assert!(out.header("content-type").starts_with("text/csv"), "{:?}", out.headers);
    assert!(out.header("content-disposition").starts_with("attachment"));
    assert_eq!(
        out.body,
        "\u{feff}For,Team,Short code,Title,Text\r\nOnly me,,o,Own,x\r\nA team,售后组,t,Team,x\r\n\
         Everybody,,hi,'=1+1,\"Hello, \"\"you\"\"\nthere\"\r\n"
    );
    // What went out comes in as it was.
    let import = format!("{PAGE}/import");
    let done = ana.person.post(&import, &[("sheet", &out.body)]).await.must(StatusCode::OK);
    done.says("0 added, 3 changed");
    assert_eq!(ana.person.get(&format!("{PAGE}/export")).await.body, out.body);
    assert_eq!(deeds(&site).await[0], ("canned-replies-imported".into(), "2".into()));

    // One bad line, and nothing is taken; each is named.
    let sheet = "短码,标题,内容,使用范围,团队\nnew,New,x,,\nhi,Hi,x,所有人,\nnew,Twice,x,own,\n,None,x,,\n\
        q,Q,x,team,nobody\nr,R,x,team,售后组\ns,S,x,world,";
    let refused = ben.person.post(&import, &[("sheet", sheet)]).await;
    let refused = refused.must(StatusCode::UNPROCESSABLE_ENTITY);
    let lines: Vec<_> = refused.body.split("<b>Line ").skip(1).collect();
    let expected = [
        (3, "Only an owner or an admin"),
        (4, "earlier line"),
        (5, "without spaces"),
        (6, "no such team"),
        (7, "Only an owner or an admin"),
        (8, "is Only me"),
    ];
    assert_eq!(lines.len(), expected.len(), "{}", refused.body);
    for (line, (number, words)) in lines.iter().zip(expected) {
        assert!(line.starts_with(&format!("{number}:")) && line.contains(words), "{line}");
    }
    refused.says("new,New,x");
    ben.person.get(PAGE).await.says_not("/new</code>").says_not("Twice");
    // The same lines are good for somebody who manages, but for the two that are nobody's.
    let sheet = "\u{feff}Short code\tTitle\tText\tFor\tTeam\r\nnew\tNew\tx\t\t\r\nhi\tHi\ty\tEverybody\t\r\nr\tR\tx\tteam\t售后组";
    let done = ana.person.post(&import, &[("sheet", sheet)]).await.must(StatusCode::OK);
    done.says("2 added, 1 changed");
    ben.person.get(PAGE).await.says("Hi").says_not("/new</code>");
    for nothing in ["", "\u{feff}", "\"", "a,b\n", "Title,Text,Short code\n"] {
        let answer = ben.person.post(&import, &[("sheet", nothing)]).await;
        answer.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
}

#[tokio::test]
async fn a_sheet_comes_in_as_a_file_whole_or_not_at_all() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let import = format!("{PAGE}/import/files");
    let bring =
        async |bytes: &[u8]| ana.person.bring(&import, &[("a.csv", bytes)], "text/html").await;
    ana.person.get(&format!("{PAGE}/import")).await.says("enctype=\"multipart/form-data\"");
    let sheet = "短码,标题,内容,使用范围\r\ntk,退款,\"您好，\r\n请稍等\",所有人\r\n";
    bring(sheet.as_bytes()).await.must(StatusCode::OK).says("1 added, 0 changed").says_not("GBK;");
    let marked = [b"\xef\xbb\xbf", sheet.as_bytes()].concat();
    bring(&marked).await.must(StatusCode::OK).says("0 added, 1 changed");
    // `短码,标题,内容` and `fh,发货,已发货`, as Excel saves them in China.
    let gbk = b"\xb6\xcc\xc2\xeb,\xb1\xea\xcc\xe2,\xc4\xda\xc8\xdd\nfh,\xb7\xa2\xbb\xf5,\xd2\xd1\xb7\xa2\xbb\xf5\n";
    bring(gbk).await.must(StatusCode::OK).says("1 added").says("read as GBK");
    ana.person.get(PAGE).await.says("已发货").says("您好，\n请稍等");
    ben.person.get(PAGE).await.says("请稍等").says_not("已发货");

    // One bad line, one odd file: nothing is taken, and the page says what to do.
    let bad = bring("Short code,Title,Text\nnew,New,x\n,None,x\nlate,,x\n".as_bytes()).await;
    bad.must(StatusCode::UNPROCESSABLE_ENTITY).says("<b>Line 3: </b>").says("<b>Line 4: </b>");
    for (odd, status, told) in [
        (&b"PK\x03\x04\x14\0\x06\0"[..], StatusCode::UNPROCESSABLE_ENTITY, "Save the sheet as CSV"),
        (b"a,b\n", StatusCode::UNPROCESSABLE_ENTITY, "names the columns"),
        (b"", StatusCode::UNPROCESSABLE_ENTITY, "nothing to import"),
        (&vec![b'x'; 8_000_001], StatusCode::UNPROCESSABLE_ENTITY, "8 MB"),
    ] {
        let answer = bring(odd).await;
        answer.must(status).says("role=\"alert\"").says(told).says("type=\"file\"");
    }
    let none = ana.person.bring(&import, &[("", b"")], "text/html").await;
    none.must(StatusCode::UNPROCESSABLE_ENTITY).says("role=\"alert\"");
    ana.person.get(PAGE).await.says_not("/new</code>").says_not("/late</code>");
    // A sheet of as many as there may be is larger than a form.
    let long = "长".repeat(300);
    let lines: Vec<_> = (0..500).map(|n| format!("c{n},T,{long}")).collect();
    let sheet = format!("Short code,Title,Text\n{}", lines.join("\n"));
    assert!(sheet.len() > 400_000);
    let done = ben.person.bring(&import, &[("a.csv", sheet.as_bytes())], "text/html").await;
    done.must(StatusCode::OK).says("500 added");
}

#[tokio::test]
async fn nobody_has_more_than_five_hundred() {
    let site = installation().await;
    let ben = site.ben().await;
    let lines: Vec<_> = (0..500).map(|n| format!("c{n},T,x")).collect();
    let sheet = format!("Short code,Title,Text\n{}", lines.join("\n"));
    let import = format!("{PAGE}/import");
    ben.person.post(&import, &[("sheet", &sheet)]).await.must(StatusCode::OK);
    let full = write(&ben, "own", "more", "More", "x").await;
    full.must(StatusCode::UNPROCESSABLE_ENTITY).says("500 replies");
    let more = ben.person.post(&import, &[("sheet", "Short code,Title,Text\nmore,T,x")]).await;
    more.must(StatusCode::UNPROCESSABLE_ENTITY).says("500 replies");
    ben.person.post(&import, &[("sheet", &sheet)]).await.must(StatusCode::OK).says("500 changed");
    ben.person.get(PAGE).await.says("There are 500.");
}

#[tokio::test]
async fn programs_read_what_their_agent_sees() {
    let site = installation().await;
    let (ana, _ben) = (site.ana().await, site.ben().await);
    make_team(&ana).await;
    write(&ana, "all", "hi", "Greeting", "Hello {visitor}").await.goes_to();
    write(&ana, "team:1", "t", "Team", "x").await.goes_to();
    write(&ana, "own", "o", "Own", "x").await.goes_to();
    let of = async |name: &str| {
        let program = site.agent_program(name, Scope::Read).await;
        let answer = program.get("/canned-replies").await.must(StatusCode::OK);
        let replies = value(&answer)["canned_replies"].as_array().unwrap().clone();
        replies
            .iter()
            .map(|reply| format!("{} {} {}", reply["scope"], reply["team"], reply["body"]))
            .collect::<Vec<_>>()
    };
    assert_eq!(of("ben").await, ["\"all\" null \"Hello {visitor}\"", "\"team\" 1 \"x\""]);
    assert_eq!(of("ana").await.len(), 3);
}
