//! Finding what was said, the same on every engine.
use crate::support::{Agent, Answer, Installation, installation, program::value};
use jiff::SignedDuration;
use kefu::{
    agent::{Role, Scope},
    contact,
    conversation::{self, AtWork, Body, Change},
    ids::{AgentId, ContactId, ConversationId, Nonce},
    search, seed,
    text::Question,
};
use poem::http::StatusCode;
use serde_json::json;

/// Lets everything be found that was said so far.
async fn indexed(site: &Installation) -> u64 {
    let mut entries = 0;
    loop {
        let turn = search::take_turn(&site.app).await.unwrap();
        entries += turn.entries;
        if turn.behind == 0 {
            return entries;
        }
    }
}

fn address(fields: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    format!("/desk/search?{query}")
}

async fn search_for(ana: &Agent, question: &str) -> Answer {
    ana.person.get(&address(&[("q", question)])).await
}

/// What was found, in order: conversations and numbers.
fn places(page: &Answer) -> Vec<(i64, i64)> {
    let place = |rest: String| {
        let (id, seq) = rest.split_once('-').unwrap();
        (id.parse().unwrap(), seq.parse().unwrap())
    };
    page.all("#m-").into_iter().map(place).collect()
}

#[tokio::test]
async fn a_message_is_found_by_whole_words_and_any_chinese_and_leads_into_its_conversation() {
    let site = installation().await;
    let ana = site.ana().await;
    let vera = site.visitor("你好，订单 20261122-8871 还没有发货 <b>急</b>").await;
    site.walt().await;
    for number in 0..80 {
        vera.say(&format!("第 {number} 句")).await;
    }
    let id = 1;
    ana.write(id, "note", "She called about the Parcel").await.must(StatusCode::OK);
    search_for(&ana, "订单").await.must(StatusCode::OK).says("Nothing matches");
    indexed(&site).await;

    for question in ["订单", "没有发货", "20261122-8871", "8871", "8871 发货", "急", "ＯＫ急"]
    {
        let page = search_for(&ana, question).await.must(StatusCode::OK);
        let expected = if question == "ＯＫ急" { vec![] } else { vec![(id, 1)] };
        assert_eq!(places(&page), expected, "{question}");
    }
    let page = search_for(&ana, "发货 急").await;
    page.says("<mark>发货</mark> &#60;b&#62;<mark>急</mark>&#60;/b&#62;");
    let note = search_for(&ana, "PARCEL").await;
    note.says("about the <mark>Parcel</mark>").says("Private note");
    assert_eq!(places(&note), [(id, 82)]);

    // The log around it, and on to what came later.
    let place =
        page.all("href=\"/desk/c/").into_iter().find(|place| place.contains("at=1")).unwrap();
    let place = place.replace("&#38;", "&").replace("&amp;", "&");
    assert_eq!(place, format!("{id}?tab=all&at=1#m-{id}-1"));
    let open = ana.person.get("/desk/c/1?tab=all&at=1").await.must(StatusCode::OK);
    open.says("id=\"m-1-1\"").says("id=\"m-1-50\"").says_not("id=\"m-1-51\"").says("at=50");
    let middle = ana.person.get("/desk/c/1?at=60").await;
    middle.says("id=\"m-1-35\"").says("id=\"m-1-82\"").says_not("id=\"m-1-34\"").says("before=35");
    for odd in ["-5", "99999", "9223372036854775807", "-9223372036854775808", "x"] {
        ana.person.get(&format!("/desk/c/1?at={odd}")).await.must(StatusCode::OK);
    }
}

#[tokio::test]
async fn a_file_is_found_by_its_name_until_it_is_taken_back() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let file = vera.has("合同 final.txt", b"x").await;
    vera.sends(&Nonce::new(), "", &[&file]).await.must(StatusCode::OK);
    indexed(&site).await;
    let page = search_for(&ana, "合同 final").await;
    assert_eq!(places(&page), [(1, 2)]);
    page.says("📎 <mark>合同</mark> <mark>final</mark>.txt");
    let program = site.agent_program("ana", Scope::Read).await;
    let found = value(&program.get("/search?q=final").await.must(StatusCode::OK));
    assert_eq!(found["messages"][0]["seq"], 2, "{found}");
    let answer = ana.has(1, "price list.txt", b"x").await;
    ana.sends(1, "text", "see", &[&answer]).await.must(StatusCode::OK);
    indexed(&site).await;
    assert_eq!(places(&search_for(&ana, "price list").await), [(1, 3)]);
    let work = AtWork { agent: AgentId(1), name: "ana".into(), conversation: ConversationId(1) };
    conversation::amend(&site.app, work, Nonce::new(), 3, Change::Recall).await.unwrap();
    indexed(&site).await;
    assert_eq!(places(&search_for(&ana, "price list").await), []);
}

#[tokio::test]
async fn what_is_edited_is_found_as_it_is_and_what_is_taken_back_not_at_all() {
    let site = installation().await;
    let (_vera, ana) = (site.vera().await, site.ana().await);
    ana.reply(1, "the price is twelve").await.must(StatusCode::OK);
    indexed(&site).await;
    assert_eq!(places(&search_for(&ana, "twelve").await), [(1, 2)]);
    let work = AtWork { agent: AgentId(1), name: "ana".into(), conversation: ConversationId(1) };
    let change = Change::Edit(Body::parse("the price is thirteen").unwrap());
    conversation::amend(&site.app, work.clone(), Nonce::new(), 2, change).await.unwrap();
    indexed(&site).await;
    assert_eq!(places(&search_for(&ana, "twelve").await), []);
    for question in ["thirteen", "thirt*"] {
        assert_eq!(places(&search_for(&ana, question).await), [(1, 2)], "{question}");
    }
    for question in ["thirt", "pri* twe*"] {
        assert_eq!(places(&search_for(&ana, question).await), [], "{question}");
    }
    search_for(&ana, "pri* is thirt*")
        .await
        .says("the <mark>pri</mark>ce <mark>is</mark> <mark>thirt</mark>een");
    conversation::amend(&site.app, work, Nonce::new(), 2, Change::Recall).await.unwrap();
    indexed(&site).await;
    for question in ["thirteen", "thirt*"] {
        assert_eq!(places(&search_for(&ana, question).await), [], "{question}");
    }

    // Whoever changes a text in another way says so.
    site.change("UPDATE entry SET body = 'quite another thing' WHERE seq = 1").await;
    search::index_again(&site.app, ConversationId(1), 1).await.unwrap();
    assert_eq!(places(&search_for(&ana, "another").await), [(1, 1)]);
}

#[tokio::test]
async fn days_agents_and_sites_narrow_it_and_numbers_call_conversations() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    for words in ["teapot one", "teapot two", "teapot three"] {
        site.visitor(words).await;
    }
    ana.act(1, "claim").await.must(StatusCode::OK);
    ben.act(2, "claim").await.must(StatusCode::OK);
    let day = SignedDuration::from_hours(24).as_secs() * 1_000_000;
    site.change(&format!("UPDATE entry SET at = at - {day} * 40 WHERE conversation_id = 3")).await;
    indexed(&site).await;
    let found = async |fields: &[(&str, &str)]| {
        let fields = [&[("q", "teapot")], fields].concat();
        places(&ana.person.get(&address(&fields)).await.must(StatusCode::OK))
    };
    assert_eq!(found(&[]).await, [(2, 1), (1, 1), (3, 1)]);
    assert_eq!(found(&[("agent", "2")]).await, [(2, 1)]);
    assert_eq!(found(&[("agent", "2"), ("site", "1")]).await, [(2, 1)]);
    assert_eq!(found(&[("site", "2")]).await, []);
    let now = site.app.db.now().await.unwrap();
    let days_ago = |days: i64| {
        let at = now - SignedDuration::from_hours(24 * days);
        at.to_string()[..10].to_owned()
    };
    assert_eq!(found(&[("to", &days_ago(30))]).await, [(3, 1)]);
    assert_eq!(found(&[("from", &days_ago(30))]).await, [(2, 1), (1, 1)]);
    assert_eq!(found(&[("from", &days_ago(50)), ("to", &days_ago(30))]).await, [(3, 1)]);

    // Those of a tag are those that have it now.
    for name in ["退款", "other"] {
        ana.person.post("/desk/settings/tags", &[("name", name)]).await.goes_to();
    }
    ana.person.get(&address(&[])).await.says("<option value=\"1\">");
    let tagged = async |id: i64, tags: &[(&str, &str)]| {
        let nonce = Nonce::new();
        let fields = [&[("nonce", nonce.as_str())], tags].concat();
        ana.person.post(&format!("/desk/c/{id}/tags"), &fields).await.goes_to();
    };
    tagged(1, &[("tag", "1"), ("tag", "2")]).await;
    tagged(2, &[("tag", "2")]).await;
    assert_eq!(found(&[("tag", "1")]).await, [(1, 1)]);
    assert_eq!(found(&[("tag", "2")]).await, [(2, 1), (1, 1)]);
    assert_eq!(found(&[("tag", "2"), ("agent", "2")]).await, [(2, 1)]);
    assert_eq!(found(&[("tag", "3")]).await, []);
    tagged(1, &[("tag", "1")]).await;
    assert_eq!(found(&[("tag", "2")]).await, [(2, 1)]);

    for (field, bad) in [
        ("from", "2026-02-30"),
        ("to", "x"),
        ("agent", "x"),
        ("site", "1 OR 1"),
        ("tag", "x"),
        ("below", "x"),
    ] {
        let page = ana.person.get(&address(&[("q", "teapot"), (field, bad)])).await;
        page.must(StatusCode::UNPROCESSABLE_ENTITY).says("role=\"alert\"");
    }
    for number in ["3", "#3", "＃3"] {
        search_for(&ana, number).await.must(StatusCode::OK).says("<mark>#3</mark>");
    }
    // So do people and conversations fit, or not.
    site.change("UPDATE contact SET name = 'Teapot Tim' WHERE id = 3").await;
    contact::index_again(site.app.db.write(), &[ContactId(3)]).await.unwrap();
    site.change(&format!(
        "UPDATE conversation SET created_at = created_at - {day} * 40, last_at = last_at - {day} * 40 WHERE id = 3"
    ))
    .await;
    let (now, before, today) =
        (days_ago(0), days_ago(30), [("site", "1"), ("from", &*days_ago(1))]);
    for (fields, fits) in [
        (&[("site", "1")][..], true),
        (&[("site", "2")], false),
        (&[("agent", "2")], false),
        (&[("tag", "1")], false),
        (&[("to", before.as_str())], true),
        (&[("from", before.as_str()), ("to", now.as_str())], false),
        (&today, false),
    ] {
        let by = async |q: &str| {
            let fields = [&[("q", q)], fields].concat();
            ana.person.get(&address(&fields)).await
        };
        assert_eq!(by("tim").await.body.contains("Teapot <mark>Tim</mark>"), fits, "{fields:?}");
        assert_eq!(by("#3").await.body.contains("<mark>#3</mark>"), fits, "{fields:?}");
    }
    search_for(&ana, "4").await.must(StatusCode::UNPROCESSABLE_ENTITY);
    search_for(&ana, "#44").await.must(StatusCode::OK).says("Nothing matches");
}

/// What a page lists, in order: conversations.
fn listed(page: &Answer) -> Vec<i64> {
    let lines = page.body.split("class=\"finds\"").nth(1).unwrap_or_default();
    let ids = lines.split("href=\"/desk/c/").skip(1);
    ids.map(|rest| rest.split_once('?').unwrap().0.parse().unwrap()).collect()
}

#[tokio::test]
async fn filters_alone_list_what_fits_the_open_ones_first_and_then_what_was_closed_last() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    for number in 1..=6 {
        site.visitor(&format!("<b>number {number}</b>")).await;
    }
    for name in ["退款", "other"] {
        ana.person.post("/desk/settings/tags", &[("name", name)]).await.goes_to();
    }
    for (id, tag) in [(1, "1"), (2, "1"), (4, "1"), (5, "2")] {
        let nonce = Nonce::new();
        let fields = [("nonce", nonce.as_str()), ("tag", tag)];
        ana.person.post(&format!("/desk/c/{id}/tags"), &fields).await.goes_to();
    }
    for (agent, id) in [(&ana, 1), (&ana, 2), (&ben, 3), (&ben, 4)] {
        agent.act(id, "claim").await.must(StatusCode::OK);
    }
    // The third is closed before the second, and the fourth a month ago.
    ben.act(3, "close").await.must(StatusCode::OK);
    ana.act(2, "close").await.must(StatusCode::OK);
    ben.act(4, "close").await.must(StatusCode::OK);
    let month = SignedDuration::from_hours(24 * 30).as_secs() * 1_000_000;
    for (table, id) in [("conversation", "id"), ("conversation_tag", "conversation_id")] {
        site.change(&format!("UPDATE {table} SET closed_at = closed_at - {month} WHERE {id} = 4"))
            .await;
    }
    // And the sixth has been waiting for as long.
    for column in ["created_at", "last_at"] {
        let moved = format!("UPDATE conversation SET {column} = {column} - {month} WHERE id = 6");
        site.change(&moved).await;
    }
    let now = site.app.db.now().await.unwrap();
    let days_ago =
        |days: i64| (now - SignedDuration::from_hours(24 * days)).to_string()[..10].to_owned();
    let (today, week, soon, before) = (days_ago(0), days_ago(7), days_ago(-1), days_ago(40));
    let found = async |fields: &[(&str, &str)]| {
        let page = ana.person.get(&address(fields)).await.must(StatusCode::OK);
        assert!(page.all("class=\"btn\" href=\"").is_empty(), "{}", page.body);
        listed(&page)
    };
    assert_eq!(found(&[("q", ""), ("site", "1")]).await, [6, 5, 1, 2, 3, 4]);
    assert_eq!(found(&[("q", " \u{3000}"), ("site", "1")]).await, [6, 5, 1, 2, 3, 4]);
    assert_eq!(found(&[("tag", "1")]).await, [1, 2, 4]);
    assert_eq!(found(&[("tag", "2")]).await, [5]);
    assert_eq!(found(&[("agent", "1")]).await, [1, 2]);
    assert_eq!(found(&[("agent", "2"), ("tag", "1")]).await, [4]);
    assert_eq!(found(&[("from", &week)]).await, [5, 1, 2, 3]);
    assert_eq!(found(&[("from", &week), ("to", &soon), ("agent", "1")]).await, [1, 2]);
    assert_eq!(found(&[("to", &week)]).await, [6, 4]);
    assert_eq!(found(&[("from", &before), ("to", &week), ("site", "1")]).await, [6, 4]);
    for none in [("site", "2"), ("tag", "3"), ("agent", "99"), ("to", &*before), ("tag", "-1")] {
        let page = ana.person.get(&address(&[none])).await.must(StatusCode::OK);
        page.says("No conversation fits").says_not("class=\"finds\"");
    }
    let page = ana.person.get(&address(&[("tag", "1")])).await;
    page.says("&#60;b&#62;number 1").says_not("<b>number").says_not("<mark>").says("<time");
    page.says(&format!("datetime=\"{}", &today[..4]));
    // Nothing at all is asked for by nothing.
    ana.person.get(&address(&[("q", ""), ("tag", "")])).await.must(StatusCode::OK).says_not("fits");
    for (field, bad) in [
        ("from", "2026-02-30"),
        ("tag", "1 OR 1"),
        ("agent", "99999999999999999999"),
        ("below", "x"),
        ("below", "1.x"),
        ("below", "9223372036854775807.1"),
        ("below", "1.2.3"),
        ("below", "1' --"),
    ] {
        let page = ana.person.get(&address(&[("site", "1"), (field, bad)])).await;
        page.must(StatusCode::UNPROCESSABLE_ENTITY).says("role=\"alert\"");
    }
    for odd in ["-5", "0", "9223372036854775807", "0.0", "-1.-1", "253402207200000000.5"] {
        let page = ana.person.get(&address(&[("site", "1"), ("below", odd)])).await;
        assert_eq!(page.status, StatusCode::OK, "{odd}");
    }
}

#[tokio::test]
async fn what_is_listed_goes_on_from_page_to_page_and_only_as_far_as_an_agent_sees() {
    let site = installation().await;
    let wanted = seed::Wanted {
        conversations: 170,
        entries: 3,
        agents: 3,
        open: 20,
        seed: 1,
        searchable: true,
    };
    seed::sow(&site.app, &wanted, "correct horse battery staple").await.unwrap();
    let (ana, ben) = (site.ana().await, site.ben().await);
    let pages = async |agent: &Agent, field: (&str, &str)| {
        let (mut pages, mut all) = (0, Vec::new());
        let mut page = agent.person.get(&address(&[field])).await.must(StatusCode::OK);
        loop {
            assert!(listed(&page).len() <= 30);
            pages += 1;
            all.extend(listed(&page));
            let Some(next) = page.all("class=\"btn\" href=\"").into_iter().next() else {
                break (pages, all);
            };
            page = agent.person.get(&next.replace("&#38;", "&").replace("&amp;", "&")).await;
        }
    };
    let days = ("from", "2000-01-01");
    let everything = site.count("conversation").await as usize;
    let (number, all) = pages(&ana, days).await;
    assert_eq!(all.len(), everything);
    assert_eq!(number, everything.div_ceil(30));
    let ids: std::collections::BTreeSet<_> = all.iter().collect();
    assert_eq!(ids.len(), everything, "each once");
    // Every second one is a team's, of which ben is not.
    site.change("UPDATE conversation SET team_id = NULL, assignee_id = NULL").await;
    site.change("UPDATE conversation SET team_id = 1 WHERE id % 2 = 0").await;
    site.change("DELETE FROM conversation_guest").await;
    assert_eq!(pages(&ana, days).await.1, all);
    let some: Vec<_> = all.iter().copied().filter(|id| id % 2 == 1).collect();
    assert_eq!(pages(&ben, days).await.1, some);
}

#[tokio::test]
async fn many_who_are_called_the_same_do_not_hide_who_is_asked_for() {
    let site = installation().await;
    let (_vera, ana) = (site.vera().await, site.ana().await);
    site.change("UPDATE contact SET name = '李' WHERE id = 1").await;
    contact::index_again(site.app.db.write(), &[ContactId(1)]).await.unwrap();
    // They came later, and never to a conversation.
    for id in 2..=200 {
        site.change(&format!(
            "INSERT INTO contact (id, name, language, created_at, phone, email, device) \
             SELECT {id}, name, language, created_at + {id}, '', '', device FROM contact WHERE id = 1"
        ))
        .await;
    }
    let later: Vec<_> = (2..=200).map(ContactId).collect();
    contact::index_again(site.app.db.write(), &later).await.unwrap();
    search_for(&ana, "李").await.must(StatusCode::OK).says("href=\"/desk/c/1?tab=all\"");
}

#[tokio::test]
async fn people_are_found_by_name_and_only_as_they_are_called_now() {
    let site = installation().await;
    let (_vera, ana) = (site.vera().await, site.ana().await);
    for name in ["林小雨", "Vera <Lin>"] {
        site.change(&format!("UPDATE contact SET name = '{name}' WHERE id = 1")).await;
        contact::index_again(site.app.db.write(), &[ContactId(1)]).await.unwrap();
    }
    search_for(&ana, "小雨").await.must(StatusCode::OK).says("Nothing matches");
    let page = search_for(&ana, "lin").await.must(StatusCode::OK);
    page.says("Vera &#60;<mark>Lin</mark>&#62;").says("href=\"/desk/c/1?tab=all\"");
    assert_eq!(places(&page), [], "people are no messages");
}

/// Two languages, every word often and rarely, alone and together; one word in all of it, and some at the beginning alone.
fn corpus() -> Vec<String> {
    let things = ["退款", "退货", "发票", "refund", "Invoice", "快递单号", "delivery", "青瓷茶具"];
    let verbs = ["怎么申请", "什么时候到", "how to get", "还没有收到", "where is my", "不想要了"];
    let ends = ["？", "谢谢", "please!", "。急", "20261122-88", "SF10"];
    let mut all = Vec::new();
    for number in 0..240usize {
        let thing = things[number % things.len()];
        let verb = verbs[number / 3 % verbs.len()];
        let end = ends[number / 7 % ends.len()];
        let words = match number % 4 {
            0 => format!("{verb}{thing}{end}{number}"),
            1 => format!("{thing} {verb} {end}{number}"),
            2 => format!("{end}，{thing}：{verb}\n{number}"),
            _ => format!("{verb} {thing}，{} {end}{number}", things[number / 4 % things.len()]),
        };
        let first = if number < 3 { " 蜂鸟 hummingbird" } else { "" };
        // More words that begin alike than an engine is told of one by one.
        let own = [number / 16, number % 16].map(|n| char::from(b'a' + n as u8));
        all.push(format!("{words}{first} 在吗 many{}", own.iter().collect::<String>()));
    }
    all
}

/// What visitors said, the first first: where, and by which words it is found.
type Said = Vec<((i64, i64), String)>;

/// The corpus, said by six visitors in turn.
async fn say_all(site: &Installation) -> Said {
    let mut said = Vec::new();
    let mut visitors = Vec::new();
    for (at, mut words) in corpus().into_iter().enumerate() {
        let conversation = at % 6;
        if conversation == visitors.len() {
            visitors.push(site.visitor(&words).await);
        } else if at % 20 == 9 {
            // Some bring a file, which is found by its name like what is said with it.
            let name = format!("发票 Receipt-{at}.txt");
            let file = visitors[conversation].has(&name, b"x").await;
            let sent = visitors[conversation].sends(&Nonce::new(), &words, &[&file]).await;
            sent.must(StatusCode::OK);
            words = format!("{words}\n📎 {name}");
        } else {
            visitors[conversation].say(&words).await.must(StatusCode::OK);
        }
        said.push(((conversation as i64 + 1, at as i64 / 6 + 1), words));
    }
    said
}

const QUESTIONS: &[&str] = &[
    "退款",
    "退",
    "款",
    "退款怎么",
    "怎么申请退款",
    "申请退款",
    "refund",
    "REFUND please",
    "invoice",
    "in",
    "单号",
    "快递单号",
    "where is my 青瓷",
    "20261122-880",
    "20261122",
    "880",
    "sf10100",
    "10100",
    "SF10",
    "急",
    "谢谢 退货",
    "瓷茶",
    "货退",
    "to get",
    "the",
    "is",
    "a the is",
    "refund 退款 发票 delivery",
    "收到",
    "没有收到谢谢",
    "receipt",
    "receipt-29",
    "发票 receipt",
    "退款 receipt",
    "receipt-29.txt",
    "在吗",
    "蜂鸟",
    "hummingbird",
    "hummingbird 在吗",
    "退货 蜂鸟",
    "蜂鸟 20261122",
    "蜂鸟 nowhere",
    // By how they begin: common ones and rare ones, alone and beside others.
    "ref",
    "ref*",
    "deliv*",
    "re*",
    "humming*",
    "refund deliv*",
    "ref* 退款",
    "ref* deliv* 发票",
    "hum* refund",
    "refund hum*",
    "hum* 在吗",
    "在吗 ple*",
    "蜂鸟 ref*",
    "receipt-1*",
    "rec* 2",
    "rec*",
    "nowh*",
    "ref* nowh*",
    "20261122*",
    "many*",
    "manya*",
    "manyab*",
    "many* 退款",
    "hum* many*",
    "manyz*",
];

/// What is found on all pages, in order.
async fn all_pages(ana: &Agent, question: &str) -> Vec<(i64, i64)> {
    let mut found = Vec::new();
    let mut page = search_for(ana, question).await.must(StatusCode::OK);
    loop {
        assert!(places(&page).len() <= 30);
        found.extend(places(&page));
        let Some(next) = page.all("class=\"btn\" href=\"").into_iter().next() else { break found };
        page = ana.person.get(&next.replace("&#38;", "&").replace("&amp;", "&")).await;
    }
}

/// All that was asked for and nothing else, the newest first.
fn expected(said: &Said, question: &str) -> Vec<(i64, i64)> {
    let asked = Question::parse(question).unwrap();
    let is_found =
        |words: &&((i64, i64), String)| asked.is_in(&words.1) && by_terms(&asked, &words.1);
    said.iter().rev().filter(is_found).map(|(place, _)| *place).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_engine_finds_all_that_was_asked_for_and_nothing_else_the_newest_first() {
    let site = installation().await;
    let ana = site.ana().await;
    let said = say_all(&site).await;
    assert_eq!(indexed(&site).await, 240);
    // However many of the newest are looked at before the index of a server is asked: all there are, a few, or hardly any.
    for span in [site.app.config.search_span, 50, 3] {
        let door = site.door_with(|config| config.search_span = span);
        let ana = Agent { person: ana.person.at(door) };
        let mut found_some = 0;
        for question in QUESTIONS {
            let found = all_pages(&ana, question).await;
            assert_eq!(found, expected(&said, question), "{question}, {span}");
            found_some += usize::from(!found.is_empty());
        }
        assert!(found_some > 25, "{found_some}");
    }
    assert_eq!(expected(&said, "在吗").len(), 240, "which is more than a page, and than a span");
    assert_eq!(expected(&said, "hummingbird"), [(3, 1), (2, 1), (1, 1)], "long before a span");
}

fn by_terms(asked: &Question, words: &str) -> bool {
    let terms = kefu::text::terms(words);
    asked.terms().iter().all(|term| term.is_among(&terms))
}

#[tokio::test]
async fn no_question_is_a_command_to_an_engine() {
    let site = installation().await;
    let ana = site.ana().await;
    site.visitor("plain words about a near miss, 50% off and 退款").await;
    indexed(&site).await;
    let long = "a".repeat(200);
    let hostile = [
        "\"",
        "*",
        "near*",
        "plain*words",
        "***",
        "pla* *",
        "pla*\"",
        "pla*:*",
        "pla'*",
        "pla{",
        "pla* OR wor*",
        "(pla*",
        "pla%",
        "pla_",
        "plä*",
        "NEAR(plain words)",
        "plain OR nothing",
        "plain NOT words",
        "+-><()~",
        "plain:words",
        "terms:plain",
        "%_",
        "%",
        "pl_in",
        "\0",
        "pl\0ain",
        "' OR 1=1 --",
        "plain' OR '1'='1",
        "退\"款",
        "{plain words}",
        "^plain",
        "!plain",
        "plain & !words",
        "plain | words",
        "plain <-> words",
        ":*",
        "\u{202e}plain",
        "\u{feff}",
        "🙂",
        "\u{e000}",
        "\\",
        "\\'",
        "<script>alert(1)</script>",
        long.as_str(),
    ];
    for question in hostile {
        let page = search_for(&ana, question).await;
        assert!(
            [StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY].contains(&page.status),
            "{question:?}: {}",
            page.body
        );
        page.says_not("<script>alert");
        let palette = address(&[("q", question)]).replace("/desk/search", "/desk/palette");
        ana.person.get(&palette).await.must(StatusCode::OK).says_not("<script>alert");
    }
    // What stands between words ties no other words to them.
    assert_eq!(places(&search_for(&ana, "plain* \"near\" 退款").await), [(1, 1)]);
    assert_eq!(places(&search_for(&ana, "plain OR nothing").await), []);
    for too_long in [&"a".repeat(201), &"好".repeat(5_000)] {
        let page = ana.person.get(&address(&[("q", too_long)])).await;
        page.must(StatusCode::UNPROCESSABLE_ENTITY).says("200 characters");
    }
    // Bytes that are no text, half a surrogate among them.
    for odd in ["%ff%fe", "%ed%a0%80", "%u d800", "%00", "a%", "退款%ed%a0%bd"] {
        let page = ana
            .person
            .get(&format!(
                "/desk/search?q={}",
                odd.replace(' ', "").replace("退款", "%E9%80%80%E6%AC%BE")
            ))
            .await;
        assert!([StatusCode::OK, StatusCode::UNPROCESSABLE_ENTITY].contains(&page.status), "{odd}");
    }
}

#[tokio::test]
async fn a_database_that_was_there_before_is_looked_through_and_what_is_forgotten_is_found_no_more()
{
    let site = installation().await;
    // A node has looked, and there was nothing.
    indexed(&site).await;
    let wanted = seed::Wanted {
        conversations: 700,
        entries: 4,
        agents: 2,
        open: 5,
        seed: 1,
        searchable: false,
    };
    seed::sow(&site.app, &wanted, "correct horse battery staple").await.unwrap();
    let entries = indexed(&site).await;
    assert!(entries > 1_400, "{entries}");
    assert_eq!(indexed(&site).await, 0);
    let ana = site.ana().await;
    let id = site.visitor("the newest teapot").await;
    assert_eq!(indexed(&site).await, 1, "and what is new is found beside it: {}", id.cid);
    assert_eq!(places(&search_for(&ana, "newest teapot").await), [(701, 1)]);

    ana.act(701, "close").await.must(StatusCode::OK);
    let now = site.app.db.now().await.unwrap();
    let later = now + SignedDuration::from_hours(1);
    assert!(conversation::forget_closed_before(&site.app, later).await.unwrap() > 600);
    assert_eq!(places(&search_for(&ana, "newest teapot").await), []);
}

#[tokio::test]
async fn the_palette_offers_what_can_be_done_where_one_is_and_who_and_where_by_pinyin() {
    let site = installation().await;
    let (_vera, ana) = (site.visitor("<i>茶具</i>什么时候到").await, site.ana().await);
    let eve = site.agent("eve", Role::ReadOnly).await;
    let ask = async |agent: &Agent, rest: &str| {
        let headers = [("hx-request", "true")];
        let path = format!("/desk/palette?{rest}");
        agent.person.ask(poem::http::Method::GET, &path, &headers, "").await.must(StatusCode::OK)
    };
    ana.person
        .get("/desk/palette")
        .await
        .must(StatusCode::OK)
        .says("<dialog")
        .says("role=\"combobox\"");
    let open = ask(&ana, "q=&c=1").await;
    open.says("/desk/c/1/claim").says("data-nonce").says_not("<dialog");
    open.says("data-go=\"/desk/c/1/transfer?tab=all\"").says_not("/desk/c/1/close");
    ask(&ana, "q=snooze&c=1").await.says("/desk/c/1/snooze").says_not("/desk/c/1/transfer");
    ask(&ana, "q=bulk").await.says("data-go=\"/desk/bulk\"");
    ask(&eve, "q=&c=1").await.says_not("data-nonce").says_not("/desk/c/1/transfer");
    ask(&eve, "q=bulk").await.says_not("/desk/bulk");
    for none in ["c=99", "c=x", "c=-1", "c=9223372036854775808"] {
        ask(&ana, none).await.says_not("data-nonce");
    }
    // What it offers works.
    let nonce = open.all("data-nonce=\"")[0].clone();
    ana.person.post("/desk/c/1/claim?tab=all", &[("nonce", &nonce)]).await.goes_to();
    ask(&ana, "q=&c=1").await.says("/desk/c/1/close").says("/desk/c/1/tags");
    ask(&ana, "q=%23").await.must(StatusCode::OK);
    ask(&ana, "q=%231").await.says("data-go=\"/desk/c/1?tab=all\"");
    ask(&ana, "q=%E8%8C%B6%E5%85%B7").await.says("&#60;i&#62;").says_not("<i>");
    site.change("UPDATE contact SET name = '林小雨' WHERE id = 1").await;
    ask(&ana, "q=lxy").await.says("林小雨");
    ask(&ana, "q=linxiao").await.says("林小雨");
    // What is said often: in the open conversation with its names in it, elsewhere where it is kept.
    let reply = [
        ("title", "退款说明"),
        ("short_code", "tk"),
        ("body", "{visitor}您好 <i>"),
        ("scope", "all"),
    ];
    ana.person.post("/desk/settings/canned-replies", &reply).await.goes_to();
    ask(&ana, "q=&c=1").await.says_not("退款说明");
    for typed in ["tk", "tksm", "%E9%80%80%E6%AC%BE"] {
        let here = ask(&ana, &format!("q={typed}&c=1")).await;
        here.says("data-go=\"/desk/c/1?tab=all&#38;canned=1\"")
            .says("data-text=\"林小雨您好 &#60;i&#62;\"");
        for place in ["", "&c=99", "&c=x"] {
            let there = ask(&ana, &format!("q={typed}{place}")).await;
            there.says("data-go=\"/desk/settings/canned-replies?q=tk\"").says_not("data-text");
        }
    }
    ask(&eve, "q=tk&c=1").await.says("canned-replies?q=tk").says_not("data-text");
    ana.person.get("/desk/c/1?tab=all&canned=1").await.says("林小雨您好");
    ask(&ana, "q=zzz").await.says_not("林小雨").says("data-go=\"/desk/search?q=zzz\"");
}

#[tokio::test]
async fn the_palette_finds_people_by_pinyin_whose_conversations_are_all_closed() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    for name in ["林小雨", "单雄信", "<b>林</b>", "Vera"] {
        site.visitor("hello").await;
        let id = ana.newest("queue").await;
        ana.act(id, "claim").await.must(StatusCode::OK);
        ana.act(id, "close").await.must(StatusCode::OK);
        site.change(&format!("UPDATE contact SET name = '{name}' WHERE id = {id}")).await;
    }
    let ask = async |agent: &Agent, typed: &str| {
        let typed: String = url::form_urlencoded::byte_serialize(typed.as_bytes()).collect();
        agent.person.get(&format!("/desk/palette?q={typed}")).await.must(StatusCode::OK)
    };
    let offers = async |agent: &Agent, typed: &str| {
        let places = ask(agent, typed).await.all("data-go=\"/desk/c/");
        places.iter().map(|place| place.split_once('?').unwrap().0.to_owned()).collect::<Vec<_>>()
    };
    ask(&ana, "lxy").await.says_not("林小雨");
    assert_eq!(indexed(&site).await, 4);
    for typed in ["lxy", "LXY", "linx", "lin xiao", "xiaoyu", "xy", "林小"] {
        assert_eq!(offers(&ana, typed).await, ["1"], "{typed}");
    }
    for typed in ["shanxiong", "dxx", "sxx"] {
        assert_eq!(offers(&ana, typed).await, ["2"], "{typed}");
    }
    for typed in ["lyx", "inxiao", "l", "lxyz", "l%y", "lx'y", "lx_", &"l".repeat(200), "\0lxy\""] {
        assert!(ask(&ana, typed).await.all("data-go=\"/desk/c/1?").is_empty(), "{typed}");
    }
    ask(&ana, "lin").await.says("&#60;b&#62;林").says_not("<b>林");
    // A page that searches does not take words for sounds.
    search_for(&ana, "lxy").await.must(StatusCode::OK).says("Nothing matches");
    // As she is called now.
    site.change("UPDATE contact SET name = '陈晓' WHERE id = 1").await;
    contact::index_again(site.app.db.write(), &[ContactId(1)]).await.unwrap();
    assert_eq!(offers(&ana, "lxy").await, [] as [&str; 0]);
    assert_eq!(offers(&ana, "chenx").await, ["1"]);
    // Another team's are nobody else's.
    assert_eq!(offers(&ben, "chenx").await, ["1"]);
    site.change("INSERT INTO team (name, created_at) VALUES ('few', 0)").await;
    site.change("UPDATE conversation SET team_id = 1 WHERE id = 1").await;
    assert_eq!(offers(&ben, "chenx").await, [] as [&str; 0]);
    assert_eq!(offers(&ana, "chenx").await, ["1"]);
}

#[tokio::test]
async fn people_who_were_there_before_are_found_by_pinyin_once_all_were_looked_at() {
    let site = installation().await;
    let (_vera, ana) = (site.vera().await, site.ana().await);
    ana.act(1, "claim").await.must(StatusCode::OK);
    ana.act(1, "close").await.must(StatusCode::OK);
    indexed(&site).await;
    let asked = async || ana.person.get("/desk/palette?q=lxy").await.must(StatusCode::OK);
    // As it is where only words were kept, and more people came than one turn takes.
    site.change("UPDATE contact SET name = '林小雨' WHERE id = 1").await;
    for id in 2..=450 {
        site.change(&format!(
            "INSERT INTO contact (id, name, language, created_at, phone, email, device) \
             SELECT {id}, '王', language, created_at + {id}, '', '', device FROM contact WHERE id = 1"
        ))
        .await;
    }
    indexed(&site).await;
    asked().await.says_not("林小雨");
    site.change("DELETE FROM search_position WHERE epoch LIKE 'names-%'").await;
    let turn = search::take_turn(&site.app).await.unwrap();
    assert!(turn.behind > 0, "one turn does not take them all");
    indexed(&site).await;
    asked().await.says("林小雨");
    let found = ana.person.get("/desk/palette?q=lxy").await.all("data-go=\"/desk/c/1?");
    assert_eq!(found.len(), 1);
}

#[tokio::test]
async fn the_palette_stays_beside_the_list_that_stands_there() {
    let site = installation().await;
    let (_vera, ana) = (site.vera().await, site.ana().await);
    let reply = [("title", "Refunds"), ("short_code", "tk"), ("body", "Hello"), ("scope", "all")];
    ana.person.post("/desk/settings/canned-replies", &reply).await.goes_to();
    let ask = async |asks: &str, typed: &str| {
        let asks = url::form_urlencoded::byte_serialize(asks.as_bytes()).collect::<String>();
        let path = format!("/desk/palette?q={typed}&c=1&asks={asks}");
        ana.person.get(&path).await.must(StatusCode::OK)
    };
    for (said, asks) in [
        ("tab=queue&site=1", "tab=queue&#38;site=1"),
        ("tab=snoozed", "tab=snoozed"),
        // Only what the desk would write itself.
        ("tab=queue&site=1x&at=3&q=\"><script>", "tab=queue"),
        ("\"><script>", "tab=mine"),
    ] {
        let open = ask(said, "").await;
        open.says(&format!("data-go=\"/desk/c/1/claim?{asks}\""))
            .says(&format!("data-go=\"/desk/c/1/transfer?{asks}\""))
            .says_not("/transfer?tab=all")
            .says_not("<script>");
        let replies = ask(said, "tk").await;
        replies.says(&format!("data-go=\"/desk/c/1?{asks}&#38;canned=1\""));
    }
    ask("tab=mine", "later").await.says("data-go=\"/desk/c?tab=snoozed\"");
}

#[tokio::test]
async fn programs_of_agents_search_as_well() {
    let site = installation().await;
    let ana = site.ana().await;
    for number in 0..4 {
        site.visitor(&format!("teapot {number}")).await;
    }
    indexed(&site).await;
    let program = site.agent_program("ana", Scope::Read).await;
    let first = value(&program.get("/search?q=teapot&limit=3").await.must(StatusCode::OK));
    assert_eq!(first["messages"].as_array().unwrap().len(), 3, "{first}");
    assert_eq!(first["messages"][0]["conversation"], 4);
    assert_eq!(first["messages"][0]["body"], "teapot 3");
    let next = first["next"].as_str().unwrap();
    let rest = value(&program.get(&format!("/search?q=teapot&limit=3&cursor={next}")).await);
    assert_eq!(rest["messages"][0]["conversation"], 1);
    assert!(rest["next"].is_null(), "{rest}");
    let called = value(&program.get("/search?q=3").await.must(StatusCode::OK));
    assert_eq!(called["conversations"][0]["conversation"], 3);
    // What narrows it alone lists conversations, page by page: 1 and 3 are closed, 3 was so last.
    for id in [1, 3] {
        ana.act(id, "close").await.must(StatusCode::OK);
    }
    let (mut listed, mut asks) = (Vec::new(), "site=1&limit=1".to_owned());
    loop {
        let page = value(&program.get(&format!("/search?{asks}")).await.must(StatusCode::OK));
        assert_eq!((&page["messages"], &page["contacts"]), (&json!([]), &json!([])));
        let rows = page["conversations"].as_array().unwrap();
        listed.extend(rows.iter().map(|one| one["conversation"].as_i64().unwrap()));
        let Some(next) = page["next"].as_str() else { break };
        asks = format!("q=%20&site=1&limit=1&cursor={next}");
    }
    assert_eq!(listed, [4, 2, 3, 1]);
    let of = async |asks: &str| {
        value(&program.get(&format!("/search?{asks}")).await)["conversations"].clone()
    };
    assert_eq!(of("site=2").await, json!([]));
    assert_eq!(of("to=2020-01-01T00:00:00Z").await, json!([]));
    assert_eq!(of("from=2020-01-01T00:00:00Z").await.as_array().unwrap().len(), 4);
    assert_eq!(
        value(&program.get("/search?q=teapot&to=2020-01-01T00:00:00Z").await)["messages"][0],
        value(&program.get("/search?q=nowhere").await)["messages"][0]
    );
    for bad in [
        "",
        "q=",
        "limit=3",
        "site=1&cursor=x",
        "site=1&cursor=AAAA",
        "site=x",
        "q=%22",
        "q=teapot&from=yesterday",
        "q=teapot&cursor=x",
        "q=teapot&limit=0",
        "q=teapot&agent=x",
    ] {
        program.get(&format!("/search?{bad}")).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    }
}
