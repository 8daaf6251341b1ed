//! The desk's lists beyond their first page: every row once and in order, whatever happens meanwhile.
use crate::support::{Agent, Installation, installation};
use kefu::{
    conversation::{self, Filter, Lens, Tab},
    event::Priority,
    ids::{AgentId, SiteId, TagId},
    seed,
};
use poem::http::{Method, StatusCode};
use std::collections::BTreeSet;

/// Of whom `agent1` and `agent2` have more than a page, as have the queue and what is closed.
async fn busy() -> Installation {
    let site = installation().await;
    let wanted = seed::Wanted {
        conversations: 1_500,
        entries: 3,
        agents: 2,
        open: 500,
        seed: 7,
        searchable: false,
    };
    seed::sow(&site.app, &wanted, "correct horse battery staple").await.unwrap();
    site.change("UPDATE conversation SET state = 'queued', assignee_id = NULL WHERE assignee_id = 2 AND state = 'open' AND id % 2 = 0")
        .await;
    site.change("UPDATE conversation SET snoozed_until = 4000000000000000 + id WHERE state = 'open' AND assignee_id = 1 AND id % 2 = 0")
        .await;
    site
}

async fn sown(site: &Installation, number: u8) -> Agent {
    let person = site.stranger();
    let email = format!("agent{number}@seed.example");
    let fields = [("email", email.as_str()), ("password", "correct horse battery staple")];
    assert_eq!(person.post("/login", &fields).await.goes_to(), "/desk");
    Agent { person }
}

/// Where a list goes on, if it does.
fn next(body: &str) -> Option<String> {
    let link = body.split("id=\"more\"").nth(1)?.split("href=\"").nth(1)?;
    Some(link.split('"').next()?.replace("&amp;", "&").replace("&#38;", "&"))
}

fn ids(page: &str) -> Vec<i64> {
    page.split("id=\"c-")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
        .collect()
}

/// All rows of a list, page after page; and how many pages.
async fn walk(agent: &Agent, asks: &str) -> (Vec<i64>, usize) {
    let (mut all, mut pages) = (Vec::new(), 0);
    let mut place = Some(format!("/desk/c?{asks}"));
    while let Some(path) = place {
        let page = agent.person.get(&path).await.must(StatusCode::OK);
        all.extend(ids(&page.body));
        pages += 1;
        place = next(&page.body);
    }
    (all, pages)
}

/// The same rows in one go.
async fn whole(site: &Installation, who: AgentId, tab: Tab, filter: Filter) -> Vec<i64> {
    let sight = conversation::sight_of(site.app.db.read(), who).await.unwrap();
    let lens = Lens { tab, filter, after: None };
    let rows = conversation::list(&site.app.db, &sight, &lens, 100_000).await.unwrap();
    rows.iter().map(|row| row.id.0).collect()
}

#[tokio::test]
async fn a_list_goes_on_page_by_page_with_each_row_once_and_in_order() {
    let site = busy().await;
    let any = Filter::default;
    let cases = |me: AgentId| {
        [
            (Tab::Mine(me), "mine", any(), ""),
            (Tab::Queue, "queue", any(), ""),
            (Tab::All, "all", any(), ""),
            (Tab::Snoozed, "snoozed", any(), ""),
            (Tab::Closed, "closed", any(), ""),
            (Tab::All, "all", Filter { unread: true, ..any() }, "&unread=1"),
            (Tab::All, "all", Filter { site: Some(SiteId(1)), ..any() }, "&site=1"),
            (
                Tab::All,
                "all",
                Filter { priority: Some(Priority::Normal), ..any() },
                "&priority=normal",
            ),
            (Tab::Closed, "closed", Filter { tag: Some(TagId(1)), ..any() }, "&tag=1"),
            (Tab::Closed, "closed", Filter { agent: Some(AgentId(1)), ..any() }, "&agent=1"),
        ]
    };
    // The owner sees all, the other what is her team's.
    for number in [1, 2] {
        let agent = sown(&site, number).await;
        let mut longest = 0;
        for (tab, word, filter, narrowed) in cases(AgentId(i64::from(number))) {
            let (walked, pages) = walk(&agent, &format!("tab={word}{narrowed}")).await;
            let expected = whole(&site, AgentId(i64::from(number)), tab, filter).await;
            assert_eq!(walked, expected, "agent {number}: {word}{narrowed}");
            assert_eq!(pages, expected.len().div_ceil(200).max(1), "{word}{narrowed}");
            longest = longest.max(pages);
        }
        assert!(longest > 2, "{longest}");
    }
    // What happened in one moment is told apart by number.
    site.change("UPDATE conversation SET closed_at = 5 WHERE closed_at IS NOT NULL").await;
    site.change("UPDATE conversation_tag SET closed_at = 5 WHERE closed_at IS NOT NULL").await;
    site.change("UPDATE conversation SET last_at = 5, waiting_since = NULL").await;
    for number in [1, 2] {
        let agent = sown(&site, number).await;
        for (tab, word, filter, narrowed) in cases(AgentId(i64::from(number))) {
            let (walked, _) = walk(&agent, &format!("tab={word}{narrowed}")).await;
            let expected = whole(&site, AgentId(i64::from(number)), tab, filter).await;
            assert_eq!(walked, expected, "agent {number}: {word}{narrowed}");
        }
    }
}

#[tokio::test]
async fn what_comes_after_a_page_is_put_below_it_and_the_stream_keeps_to_the_page() {
    let site = busy().await;
    let ana = sown(&site, 1).await;
    let first = ana.person.get("/desk/c?tab=all").await.must(StatusCode::OK);
    first.says("More conversations");
    assert!(!first.all("hx-sse:connect=\"")[0].contains("before="), "all of the list is told");
    let place = next(&first.body).unwrap();
    let partial = [("hx-request", "true"), ("hx-request-type", "partial")];
    let part = ana.person.ask(Method::GET, &place, &partial, "").await.must(StatusCode::OK);
    part.says_not("<html").says("hx-target=\"#more\" hx-swap=\"delete\"");
    part.says("<hx-upsert hx-target=\"#rows\" key=\"data-k\">");
    assert_eq!(part.header("vary"), "HX-Request-Type");
    let page = ana.person.get(&place).await.must(StatusCode::OK);
    page.says("<html").says("Back to the beginning of the list");
    assert_eq!(ids(&part.body), ids(&page.body));
    let keys: Vec<u64> = (part.body.split("data-k=\"").skip(1))
        .map(|rest| rest.split('"').next().unwrap().parse().unwrap())
        .collect();
    assert!(keys.is_sorted(), "a script puts them in the same order: {keys:?}");

    // The page of its own is told of its own rows.
    let stream = page.all("hx-sse:connect=\"")[0].replace("&amp;", "&").replace("&#38;", "&");
    assert!(stream.contains("&before="), "{stream}");
    let mut desk = ana.person.listen(&stream).await;
    desk.named("synced").await;
    let (above, here) = (ids(&first.body)[0], ids(&page.body)[0]);
    for id in [above, here] {
        let fields = [("nonce", "n"), ("agent", "2")];
        ana.person.post(&format!("/desk/c/{id}/invite"), &fields).await.goes_to();
        let told = desk.until(|event| event.data.contains(&format!("#c-{id}\""))).await;
        assert_eq!(told.data.contains("hx-upsert"), id == here, "{}", told.data);
    }
}

#[tokio::test]
async fn a_row_leads_to_its_conversation_beside_the_list_in_which_it_stands() {
    let site = installation().await;
    let (ana, vera) = (site.ana().await, site.vera().await);
    let asks = "tab=all&site=1&unread=1";
    let place = "\"/desk/c/1?tab=all&#38;site=1&#38;unread=1\"";
    let page = ana.person.get(&format!("/desk/c?{asks}")).await.must(StatusCode::OK);
    page.says(&format!("href={place} hx-get={place}"));
    let mut desk = ana.person.listen(&format!("/desk/events?{asks}")).await;
    desk.named("synced").await;
    vera.say("\"/desk/c/1\"").await.must(StatusCode::OK);
    let told = desk.until(|event| event.data.contains("hx-upsert")).await;
    assert!(told.data.contains(&format!("href={place} hx-get={place}")), "{}", told.data);
    assert!(told.data.contains("&#34;/desk/c/1&#34;"), "{}", told.data);
    let opened = ana.person.get("/desk/c/1?tab=all&site=1&unread=1").await.must(StatusCode::OK);
    opened.says("href=\"/desk/c?tab=all&#38;site=1&#38;unread=1\"");
}

#[tokio::test]
async fn what_is_no_place_of_a_list_is_passed_over() {
    let site = busy().await;
    let ana = sown(&site, 1).await;
    let least = i64::MIN.to_string();
    let most = i64::MAX.to_string();
    let long = "9".repeat(3_000);
    for tab in ["mine", "queue", "all", "snoozed", "closed"] {
        let page = ana.person.get(&format!("/desk/c?tab={tab}")).await.must(StatusCode::OK);
        for hostile in
            ["", "x", "1", "1.2.3", "1.2.3.4.x", "1.2.3.4.5.6", "1%27%20OR%201=1", "%00", &long]
        {
            let path = format!("/desk/c?tab={tab}&before={hostile}");
            let answer = ana.person.get(&path).await.must(StatusCode::OK);
            assert_eq!(ids(&answer.body), ids(&page.body), "{tab} {hostile}");
        }
        for end in [&least, &most] {
            for columns in [2, 5] {
                let place = vec![end.as_str(); columns].join(".");
                let path = format!("/desk/c?tab={tab}&before={place}");
                let shown = ids(&ana.person.get(&path).await.must(StatusCode::OK).body);
                let unique: BTreeSet<_> = shown.iter().collect();
                assert_eq!(unique.len(), shown.len());
            }
        }
    }
    let end = ana.person.get("/desk/c?tab=closed&before=0.0").await.must(StatusCode::OK);
    end.says("The list ends here.").says("Back to the beginning of the list");
}
