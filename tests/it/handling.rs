//! What agents do with a conversation beside answering it.
use crate::support::{Agent, Installation, installation};
use futures_util::{FutureExt, future::BoxFuture};
use kefu::{
    agent::Role,
    conversation::{self, AtWork},
    db::{Turn, Way},
    event::State,
    ids::{AgentId, ConversationId, Nonce},
};
use poem::http::StatusCode;
use sea_orm::{DbErr, Statement};
use std::sync::{
    Arc, Mutex,
    atomic::{AtomicUsize, Ordering},
};

/// The rows of a list, by number.
async fn rows(agent: &Agent, asks: &str) -> Vec<String> {
    agent.person.get(&format!("/desk/c?{asks}")).await.must(StatusCode::OK).all("id=\"c-")
}

async fn number_of(site: &Installation, name: &str) -> String {
    let all = kefu::agent::all(&site.app.db).await.unwrap();
    all.into_iter().find(|agent| agent.name == name).unwrap().id.to_string()
}

#[tokio::test]
async fn a_conversation_is_handed_over_with_a_note_that_the_visitor_never_sees() {
    let site = installation().await;
    let (ana, ben, vera) = (site.ana().await, site.ben().await, site.vera().await);
    let id = ana.newest("queue").await;
    ana.act(id, "claim").await.must(StatusCode::OK);
    let to = number_of(&site, "ben").await;
    let mut news = vera.listen("2").await;
    let note = "She has waited since <b>Monday</b>";
    ana.act_with(id, "transfer", &[("to", &to), ("note", note)]).await.must(StatusCode::OK);

    assert_eq!(rows(&ben, "tab=mine").await, [id.to_string()]);
    assert_eq!(rows(&ana, "tab=mine").await, Vec::<String>::new());
    let told = news.until(|event| event.data.contains("m-3")).await;
    assert!(told.data.contains("ana handed the conversation over to ben"), "{}", told.data);
    let page = ben.person.get(&format!("/desk/c/{id}")).await;
    page.says("She has waited since &#60;b&#62;Monday").says_not("<b>Monday");
    vera.page().await.says_not("has waited since").says("handed the conversation over");

    // To whoever has it, and to nobody.
    ana.act_with(id, "transfer", &[("to", &to)]).await.must(StatusCode::CONFLICT);
    ana.act_with(id, "transfer", &[("to", "999")]).await.must(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn whoever_hands_over_sees_who_can_take_it_and_a_refusal_keeps_what_was_typed() {
    let site = installation().await;
    let (ana, ben, _vera) = (site.ana().await, site.ben().await, site.vera().await);
    let id = ana.newest("queue").await;
    let (form, to) = (format!("/desk/c/{id}/transfer"), number_of(&site, "ben").await);
    let page = ana.person.get(&form).await;
    page.says("<option value=\"\">Please choose</option>");
    page.says("ben · Offline · has 0/5").says_not(" selected>");
    let desk = ben.person.listen("/desk/events?tab=mine").await;
    ana.person.get(&form).await.says("ben · Online · has 0/5");
    drop(desk);
    site.change(&format!("UPDATE agent SET capacity = 1 WHERE id = {to}")).await;
    ben.act(id, "claim").await.must(StatusCode::OK);
    ben.act_with(id, "transfer", &[("to", &number_of(&site, "ana").await)]).await;
    site.vera().await;
    let other = ana.newest("queue").await;
    ben.act(other, "claim").await.must(StatusCode::OK);
    ana.person.get(&form).await.says("full 1/1");

    // Meanwhile he left: it is said of him by name, at the form, and the note stands there still.
    site.change(&format!("UPDATE agent SET disabled_at = 1 WHERE id = {to}")).await;
    let note = "please <b>soon</b>";
    for htmx in [true, false] {
        let fields = [("nonce", "n"), ("to", to.as_str()), ("note", note)];
        let answer = if htmx {
            ana.person.hx_post(&form, &fields).await
        } else {
            ana.person.post(&form, &fields).await
        };
        let answer = answer.must(StatusCode::UNPROCESSABLE_ENTITY);
        answer.says("ben cannot take conversations any more");
        answer.says("please &#60;b&#62;soon").says_not("please <b>soon");
        assert_eq!(answer.body.contains("hx-target=\"#act\""), htmx);
    }
}

#[tokio::test]
async fn what_a_colleague_has_is_taken_over_by_whoever_names_herself() {
    let site = installation().await;
    let (ana, ben, vera) = (site.ana().await, site.ben().await, site.vera().await);
    let form = "/desk/c/1/transfer";
    ana.person.get(form).await.says("ben · Offline").says_not("(you)");
    ben.act(1, "claim").await.must(StatusCode::OK);
    let first = "<optgroup label=\"Agents\"><option value=\"1\">ana (you) · Offline · has 0/5";
    ana.person.get(form).await.says(first).says_not("ben · ");
    ben.person.get(form).await.says("ana · Offline").says_not("(you)");
    ana.person.get("/desk/c/1/invite").await.says_not("(you)");
    // The page itself offers it, by a key, to everybody but whoever has it.
    let (hers, his) = (ana.person.get("/desk/c/1").await, ben.person.get("/desk/c/1").await);
    hers.says("name=\"to\" value=\"1\"><button data-key=\"a\"").says("Take over");
    his.says_not("Take over").says_not("data-key=\"a\"");
    ana.act_with(1, "transfer", &[("to", "1"), ("note", "He is ill")]).await.must(StatusCode::OK);
    assert_eq!(rows(&ana, "tab=mine").await, ["1"]);
    assert_eq!(rows(&ben, "tab=mine").await, Vec::<String>::new());
    let sentence = "ana took the conversation over";
    ana.person.get("/desk/c/1").await.says(sentence).says("He is ill").says_not("handed");
    vera.page().await.says(sentence).says_not("He is ill");
    ana.act_with(1, "transfer", &[("to", "1")]).await.must(StatusCode::CONFLICT);
}

#[tokio::test]
async fn the_same_handing_over_twice_is_one() {
    let site = installation().await;
    let (ana, _ben, _vera) = (site.ana().await, site.ben().await, site.vera().await);
    let id = ana.newest("queue").await;
    let to = number_of(&site, "ben").await;
    let fields = [("nonce", "again"), ("to", to.as_str()), ("note", "please")];
    for _ in 0..2 {
        let path = format!("/desk/c/{id}/transfer");
        ana.person.hx_post(&path, &fields).await.must(StatusCode::OK);
    }
    let page = ana.person.get(&format!("/desk/c/{id}")).await;
    assert_eq!(page.body.matches("handed the conversation over").count(), 1);
    assert_eq!(page.body.matches(">please<").count(), 1);
}

#[tokio::test]
async fn a_colleague_is_asked_for_help_and_the_visitor_need_not_know() {
    let site = installation().await;
    let (ana, _ben, vera) = (site.ana().await, site.ben().await, site.vera().await);
    let id = ana.newest("queue").await;
    ana.act(id, "claim").await.must(StatusCode::OK);
    let agent = number_of(&site, "ben").await;
    ana.act_with(id, "invite", &[("agent", &agent)])
        .await
        .must(StatusCode::OK)
        .says("asked ben for help");
    vera.page().await.says_not("for help");
    // She who asked keeps it.
    assert_eq!(rows(&ana, "tab=mine").await, [id.to_string()]);
}

#[tokio::test]
async fn what_is_put_off_leaves_the_lists_until_the_visitor_writes_or_its_time_comes() {
    let site = installation().await;
    let (ana, vera) = (site.ana().await, site.vera().await);
    let id = ana.newest("queue").await;
    let _at_desk = ana.listen("mine").await;
    let later = (jiff::Timestamp::now().as_second() + 3600).to_string();
    ana.act_with(id, "snooze", &[("until", &later)]).await.must(StatusCode::OK).says("Until ");
    for tab in ["mine", "all", "queue"] {
        assert_eq!(rows(&ana, &format!("tab={tab}")).await, Vec::<String>::new(), "{tab}");
    }
    assert_eq!(rows(&ana, "tab=snoozed").await, [id.to_string()]);
    ana.person.get("/desk/c?tab=snoozed").await.says("<span class=\"who until\">Until ");
    vera.page().await.says_not("put the conversation off");

    vera.say("I found it").await.must(StatusCode::OK);
    assert_eq!(rows(&ana, "tab=mine").await, [id.to_string()]);

    ana.act_with(id, "snooze", &[("until", &later)]).await.must(StatusCode::OK);
    assert_eq!(conversation::wake_due(&site.app).await.unwrap(), 0);
    site.change("UPDATE conversation SET snoozed_until = 1").await;
    assert_eq!(conversation::wake_due(&site.app).await.unwrap(), 1);
    assert_eq!(conversation::wake_due(&site.app).await.unwrap(), 0);
    assert_eq!(rows(&ana, "tab=mine").await, [id.to_string()]);
    ana.person.get(&format!("/desk/c/{id}")).await.says("The time it was put off to has come");

    for until in ["1", "99999999999999", "x", ""] {
        let refused = ana.act_with(id, "snooze", &[("until", until)]).await;
        refused.must(StatusCode::UNPROCESSABLE_ENTITY).says("Choose a moment in the future");
    }
}

/// Once a question has been answered, and before whoever asked hears of it, somebody does something.
struct Meanwhile {
    deed: Mutex<Option<BoxFuture<'static, ()>>>,
    /// Of the ways there and back since the question was heard.
    ways: AtomicUsize,
}

impl std::fmt::Debug for Meanwhile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Meanwhile")
    }
}

impl Way for Meanwhile {
    fn carry(&self) -> BoxFuture<'_, Result<(), DbErr>> {
        async {
            let heard = self.ways.load(Ordering::SeqCst) > 0;
            if heard && self.ways.fetch_add(1, Ordering::SeqCst) == 2 {
                let deed = self.deed.lock().unwrap().take();
                deed.expect("it is asked once").await;
            }
            Ok(())
        }
        .boxed()
    }

    fn turn(&self) -> BoxFuture<'_, Turn> {
        async { Arc::new(()) as Turn }.boxed()
    }

    fn hear(&self, statement: &Statement) {
        if statement.sql.contains("<=") && statement.sql.contains("snoozed_until") {
            self.ways.fetch_add(1, Ordering::SeqCst);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_put_off_once_more_in_the_moment_it_is_due_is_not_woken() {
    let site = installation().await;
    let (ana, _vera) = (site.ana().await, site.vera().await);
    let id = ana.newest("queue").await;
    let now = jiff::Timestamp::now().as_second();
    let (first, second) = ((now + 3600).to_string(), (now + 7200).to_string());
    ana.act_with(id, "snooze", &[("until", &first)]).await.must(StatusCode::OK);
    site.change("UPDATE conversation SET snoozed_until = 1").await;
    let at_desk = ana.clone();
    let again = async move {
        at_desk.act_with(id, "snooze", &[("until", &second)]).await.must(StatusCode::OK);
    };
    let way = Meanwhile { deed: Mutex::new(Some(again.boxed())), ways: AtomicUsize::new(0) };
    let way = Arc::new(way);
    let site = site.over(way.clone());
    assert_eq!(conversation::wake_due(&site.app).await.unwrap(), 0);
    assert!(way.deed.lock().unwrap().is_none(), "it was put off meanwhile");
    assert_eq!(rows(&ana, "tab=snoozed").await, [id.to_string()]);
}

#[tokio::test]
async fn what_matters_more_stands_first_and_lists_are_narrowed_by_it() {
    let site = installation().await;
    let ana = site.ana().await;
    let mut ids = Vec::new();
    for words in ["first", "second", "third"] {
        site.visitor(words).await;
        ids.push(ana.newest("queue").await);
    }
    let order = |ids: &[i64]| ids.iter().map(i64::to_string).collect::<Vec<_>>();
    assert_eq!(rows(&ana, "tab=queue").await, order(&ids));
    ana.act_with(ids[1], "priority", &[("priority", "urgent")]).await.must(StatusCode::OK);
    ana.act_with(ids[0], "priority", &[("priority", "low")]).await.must(StatusCode::OK);
    assert_eq!(rows(&ana, "tab=queue").await, order(&[ids[1], ids[2], ids[0]]));
    assert_eq!(rows(&ana, "tab=queue&priority=urgent").await, order(&[ids[1]]));
    assert_eq!(rows(&ana, "tab=all&priority=low&unread=1").await, order(&[ids[0]]));
    assert_eq!(rows(&ana, "tab=queue&site=999").await, Vec::<String>::new());
    // What the address says wrongly is passed over.
    assert_eq!(rows(&ana, "tab=queue&site=x&priority=much").await.len(), 3);
    ana.act_with(ids[0], "priority", &[("priority", "much")])
        .await
        .must(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn a_narrowed_list_follows_what_happens() {
    let site = installation().await;
    let (ana, _vera) = (site.ana().await, site.vera().await);
    let id = ana.newest("queue").await;
    let mut urgent = ana.person.listen("/desk/events?tab=queue&priority=urgent").await;
    urgent.until(|event| event.name == "synced").await;
    ana.act_with(id, "priority", &[("priority", "urgent")]).await.must(StatusCode::OK);
    let row = urgent.until(|event| event.data.contains(&format!("id=\"c-{id}\""))).await;
    assert!(row.data.contains("Urgent"), "{}", row.data);
    ana.act_with(id, "priority", &[("priority", "low")]).await.must(StatusCode::OK);
    urgent
        .until(|event| {
            event.data.contains("hx-swap=\"delete\"") && !event.data.contains("hx-upsert")
        })
        .await;
}

#[tokio::test]
async fn conversations_are_tagged_and_found_by_their_tags() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let vera = site.vera().await;
    let (first, _walt) = (ana.newest("queue").await, site.walt().await);
    ana.person.post("/desk/settings/tags", &[("name", "退款")]).await.must(StatusCode::SEE_OTHER);
    ana.person
        .post("/desk/settings/tags", &[("name", "<i>late</i>")])
        .await
        .must(StatusCode::SEE_OTHER);
    ben.person.post("/desk/settings/tags", &[("name", "x")]).await.must(StatusCode::FORBIDDEN);
    let twice = ana.person.post("/desk/settings/tags", &[("name", "退款")]).await;
    twice
        .must(StatusCode::UNPROCESSABLE_ENTITY)
        .says("There is a tag of this name")
        .says("value=\"退款\"");
    // Whoever removes one is asked first.
    let page = ana.person.get("/desk/settings/tags").await;
    page.says(">Remove</summary>\n<form method=\"post\" action=\"/desk/settings/tags/1/remove\">")
        .says("<p>All conversations lose the tag");
    let [asked, forms] =
        ["class=\"sure\"", "/remove\""].map(|mark| page.body.matches(mark).count());
    assert_eq!([asked, forms], [2, 2]);

    let tags = ana.person.get(&format!("/desk/c/{first}/tags")).await.all("name=\"tag\" value=\"");
    assert_eq!(tags.len(), 2);
    let both: Vec<_> = tags.iter().map(|tag| ("tag", tag.as_str())).collect();
    ben.act_with(first, "tags", &both).await.must(StatusCode::OK).says("ben tagged it");
    // Nothing changes, nothing is said.
    ben.act_with(first, "tags", &both).await.must(StatusCode::OK);
    let page = ana.person.get(&format!("/desk/c/{first}")).await;
    page.says("&#60;i&#62;late").says_not("<i>late");
    assert_eq!(page.body.matches("ben tagged it").count(), 1);
    vera.page().await.says_not("tagged");

    assert_eq!(rows(&ana, &format!("tab=queue&tag={}", tags[0])).await, [first.to_string()]);
    ana.act_with(first, "tags", &both[1..]).await.must(StatusCode::OK).says("took off");
    assert_eq!(rows(&ana, &format!("tab=queue&tag={}", tags[0])).await, Vec::<String>::new());

    // Closing with tags that say how it ended.
    ana.act(first, "claim").await.must(StatusCode::OK);
    let close = [("tagged", "1"), both[0]];
    ana.act_with(first, "close", &close).await.must(StatusCode::OK);
    assert_eq!(rows(&ana, &format!("tab=closed&tag={}", tags[0])).await, [first.to_string()]);
    assert_eq!(rows(&ana, &format!("tab=closed&tag={}", tags[1])).await, Vec::<String>::new());

    ana.person
        .post(&format!("/desk/settings/tags/{}/remove", tags[0]), &[])
        .await
        .must(StatusCode::SEE_OTHER);
    ana.person.get(&format!("/desk/c/{first}")).await.must(StatusCode::OK);
}

/// A form that is sent once more, long after it was answered, changes nothing: neither the row nor what lists look for.
#[tokio::test]
async fn a_late_repeat_puts_no_tag_on_again() {
    let site = installation().await;
    let (ana, _vera) = (site.ana().await, site.vera().await);
    let id = ana.newest("queue").await;
    let made = ana.person.post("/desk/settings/tags", &[("name", "late")]).await;
    made.must(StatusCode::SEE_OTHER);
    let tag = ana.person.get(&format!("/desk/c/{id}/tags")).await.all("name=\"tag\" value=\"");
    let (put, path) = ([("nonce", "put"), ("tag", tag[0].as_str())], format!("/desk/c/{id}/tags"));
    ana.person.hx_post(&path, &put).await.must(StatusCode::OK);
    ana.act(id, "tags").await.must(StatusCode::OK);
    ana.person.hx_post(&path, &put).await.must(StatusCode::OK);
    assert_eq!(rows(&ana, &format!("tab=queue&tag={}", tag[0])).await, Vec::<String>::new());
    let page = ana.person.get(&format!("/desk/c/{id}")).await;
    assert_eq!(page.body.matches("tagged it").count(), 1);

    // Nor does one that closes and tags.
    ana.act(id, "claim").await.must(StatusCode::OK);
    let (close, path) =
        ([put[1], ("nonce", "close"), ("tagged", "1")], format!("/desk/c/{id}/close"));
    ana.person.hx_post(&path, &close).await.must(StatusCode::OK);
    ana.act(id, "reopen").await.must(StatusCode::OK);
    ana.act(id, "tags").await.must(StatusCode::OK);
    ana.person.hx_post(&path, &close).await.must(StatusCode::OK);
    assert_eq!(rows(&ana, "tab=mine").await, [id.to_string()]);
    assert_eq!(rows(&ana, &format!("tab=mine&tag={}", tag[0])).await, Vec::<String>::new());
}

#[tokio::test]
async fn closed_ones_with_a_tag_are_listed_as_they_were_closed() {
    let site = installation().await;
    let (ana, vera) = (site.ana().await, site.vera().await);
    let first = ana.newest("queue").await;
    let _walt = site.walt().await;
    let second = ana.newest("queue").await;
    ana.person.post("/desk/settings/tags", &[("name", "late")]).await.must(StatusCode::SEE_OTHER);
    let form = ana.person.get(&format!("/desk/c/{first}/tags")).await;
    let tag = form.all("name=\"tag\" value=\"").remove(0);
    let closed = format!("tab=closed&tag={tag}");
    for id in [second, first] {
        ana.act(id, "claim").await.must(StatusCode::OK);
        ana.act_with(id, "tags", &[("tag", &tag)]).await.must(StatusCode::OK);
        ana.act(id, "close").await.must(StatusCode::OK);
    }
    assert_eq!(rows(&ana, &closed).await, [first.to_string(), second.to_string()]);

    // Whoever asked opens it by writing, and an agent by hand.
    vera.say("One more thing").await.must(StatusCode::OK);
    assert_eq!(rows(&ana, &closed).await, [second.to_string()]);
    ana.act(first, "close").await.must(StatusCode::OK);
    ana.act(second, "reopen").await.must(StatusCode::OK);
    assert_eq!(rows(&ana, &closed).await, [first.to_string()]);
    ana.act(second, "close").await.must(StatusCode::OK);
    assert_eq!(rows(&ana, &closed).await, [second.to_string(), first.to_string()]);
    assert_eq!(rows(&ana, &format!("{closed}&priority=urgent")).await, Vec::<String>::new());

    // A tag that a closed one gets or loses.
    ana.act(second, "tags").await.must(StatusCode::OK);
    assert_eq!(rows(&ana, &closed).await, [first.to_string()]);
    ana.act_with(second, "tags", &[("tag", &tag)]).await.must(StatusCode::OK);
    assert_eq!(rows(&ana, &closed).await, [second.to_string(), first.to_string()]);

    // However else they are narrowed: by whom they were closed, and how much they mattered.
    let ben = site.ben().await;
    ana.act(first, "reopen").await.must(StatusCode::OK);
    ana.act_with(first, "priority", &[("priority", "urgent")]).await.must(StatusCode::OK);
    ana.act_with(first, "transfer", &[("to", "2")]).await.must(StatusCode::OK);
    ben.act(first, "close").await.must(StatusCode::OK);
    for (narrowed, expected) in [
        ("agent=1", &[second][..]),
        ("agent=2", &[first]),
        ("agent=2&priority=urgent&site=1", &[first]),
        ("agent=1&priority=urgent", &[]),
        ("site=1", &[first, second]),
        ("site=2", &[]),
        ("team=1", &[]),
    ] {
        let expected: Vec<_> = expected.iter().map(i64::to_string).collect();
        assert_eq!(rows(&ana, &format!("{closed}&{narrowed}")).await, expected, "{narrowed}");
    }
    let strays = "conversation_tag AS t JOIN conversation AS c ON c.id = t.conversation_id WHERE c.closed_at IS NOT NULL \
        AND (t.closed_at <> c.closed_at OR t.assignee_id <> c.assignee_id OR t.priority <> c.priority)";
    assert_eq!(site.count(strays).await, 0);
}

#[tokio::test]
async fn views_are_kept_by_those_who_made_them_and_shared_by_those_who_manage() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let own = [("name", "Urgent <b>ones</b>"), ("asks", "tab=all&priority=urgent")];
    assert_eq!(
        ben.person.post("/desk/views", &own).await.goes_to(),
        "/desk/c?tab=all&priority=urgent"
    );
    ben.person
        .get("/desk/filter?tab=all")
        .await
        .says("Urgent &#60;b&#62;ones")
        .says("priority=urgent");
    ana.person.get("/desk/filter?tab=all").await.says_not("Urgent &#60;b");

    let shared = [("name", "Everybody's"), ("asks", "tab=queue&unread=1"), ("shared", "1")];
    ben.person.post("/desk/views", &shared).await.must(StatusCode::FORBIDDEN);
    ana.person.post("/desk/views", &shared).await.must(StatusCode::SEE_OTHER);
    let page = ben.person.get("/desk/filter?tab=all").await;
    page.says("Everybody&#39;s");
    // His own he may remove, the shared one and hers he may not.
    let views = ana.person.get("/desk/filter").await.all("action=\"/desk/views/");
    let shared = views[0].split('/').next().unwrap().to_owned();
    ben.person.post(&format!("/desk/views/{shared}/remove"), &[]).await.must(StatusCode::FORBIDDEN);
    let own =
        ben.person.get("/desk/filter").await.all("action=\"/desk/views/")[0].replace("/remove", "");
    ana.person.post(&format!("/desk/views/{own}/remove"), &[]).await.must(StatusCode::NOT_FOUND);
    ben.person.post(&format!("/desk/views/{own}/remove"), &[]).await.must(StatusCode::SEE_OTHER);

    // An address that leads elsewhere is no view.
    let hostile = [("name", "x"), ("asks", "//evil.example?tab=\"><script>")];
    ben.person.post("/desk/views", &hostile).await.must(StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn views_are_changed_by_those_who_may_remove_them() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let kept = [("name", "Mine"), ("asks", "tab=all&priority=urgent")];
    ben.person.post("/desk/views", &kept).await.must(StatusCode::SEE_OTHER);
    let kept = [("name", "Ours"), ("asks", "tab=queue&unread=1"), ("shared", "1")];
    ana.person.post("/desk/views", &kept).await.must(StatusCode::SEE_OTHER);
    // Another name, while something else is looked at.
    let named = [("name", "My <b>own</b>"), ("asks", "tab=closed")];
    assert_eq!(ben.person.post("/desk/views/1", &named).await.goes_to(), "/desk/c?tab=closed");
    let page = ben.person.get("/desk/filter?tab=all").await;
    page.says("href=\"/desk/c?tab=all&#38;priority=urgent\"")
        .says("My &#60;b&#62;own&#60;/b&#62;</a>");
    // And what it shows.
    let shown = [named[0], named[1], ("again", "1")];
    ben.person.post("/desk/views/1", &shown).await.must(StatusCode::SEE_OTHER);
    ben.person.get("/desk/c?tab=closed").await.says("View: My &#60;b&#62;own&#60;/b&#62;");

    ben.person.get("/desk/filter").await.says("Ours").says_not("/desk/views/2");
    ben.person.post("/desk/views/2", &named).await.must(StatusCode::FORBIDDEN);
    for strange in ["/desk/views/1", "/desk/views/99", "/desk/views/x"] {
        ana.person.post(strange, &named).await.must(StatusCode::NOT_FOUND);
    }
    let shown = [("name", "Everybody's"), ("asks", "tab=queue"), ("again", "1")];
    ana.person.post("/desk/views/2", &shown).await.must(StatusCode::SEE_OTHER);
    let log = ana.person.get("/desk/settings/audit").await;
    log.says("changed the shared view \u{2068}Ours\u{2069}").says("name: Ours → Everybody&#39;s");
    log.says("asks: tab=queue&#38;unread=1 → tab=queue").says_not("My &#60;b&#62;");

    let hostile = [("name", "x"), ("asks", "//evil.example?tab=\"><script>"), ("again", "1")];
    ana.person.post("/desk/views/2", &hostile).await.must(StatusCode::UNPROCESSABLE_ENTITY);
    let long = format!("<i>{}", "视".repeat(38));
    let refused = ana.person.post("/desk/views/2", &[("name", &long), ("asks", "tab=mine")]).await;
    let refused = refused.must(StatusCode::UNPROCESSABLE_ENTITY);
    refused.says(&format!("value=\"&#60;i&#62;{}\"", "视".repeat(38))).says("<details open>");
    refused
        .says("id=\"view-2-e\" role=\"alert\">A view’s name has 1 to 40")
        .says(">Everybody&#39;s</a>");
    assert_eq!(refused.field("asks"), "tab=mine");
}

#[tokio::test]
async fn a_view_that_is_refused_keeps_what_was_typed_and_says_why() {
    let site = installation().await;
    let ana = site.ana().await;
    let kept = [("name", "Urgent"), ("asks", "tab=all&priority=urgent")];
    ana.person.post("/desk/views", &kept).await.must(StatusCode::SEE_OTHER);
    let (just, long) = ("视".repeat(40), format!("<b>{}", "视".repeat(38)));
    for (name, shown) in
        [(" ", " ".to_owned()), (&long, long.replace('<', "&#60;").replace('>', "&#62;"))]
    {
        let fields = [("name", name), ("asks", "tab=queue&unread=1"), ("shared", "1")];
        for refused in [
            ana.person.post("/desk/views", &fields).await,
            ana.person.hx_post("/desk/views", &fields).await,
        ] {
            let page = refused.must(StatusCode::UNPROCESSABLE_ENTITY);
            page.says(&format!("name=\"name\" value=\"{shown}\"")).says("aria-invalid=\"true\"");
            page.says(
                "<p class=\"err\" id=\"view-name-e\" role=\"alert\">A view’s name has 1 to 40",
            );
            page.says("name=\"shared\" value=\"1\" checked").says_not("<b>视");
            // It leads back to the list, and what was kept before stands there, too.
            assert_eq!(page.field("asks"), "tab=queue&#38;unread=1");
            page.says("href=\"/desk/c?tab=queue&#38;unread=1\"").says(">Urgent</a>");
        }
    }
    let fields = [("name", just.as_str()), ("asks", "tab=queue&unread=1")];
    assert_eq!(
        ana.person.post("/desk/views", &fields).await.goes_to(),
        "/desk/c?tab=queue&unread=1"
    );
    ana.person.get("/desk/filter").await.says(&just).says("name=\"name\" value=\"\"");
}

#[tokio::test]
async fn everybody_has_room_for_fifty_views_of_their_own_and_fifty_are_everybodys() {
    let site = installation().await;
    let (ana, ben) = (site.ana().await, site.ben().await);
    let fill = async |owner: &str, number: usize| {
        let rows = vec![format!("({owner}, 'View', 'tab=all', 1)"); number].join(", ");
        let insert = "INSERT INTO saved_view (agent_id, name, asks, created_at) VALUES";
        site.change(&format!("{insert} {rows}")).await;
    };
    let own = [("name", "One more"), ("asks", "tab=all")];
    let shared = [own[0], own[1], ("shared", "1")];
    let full = async |agent: &Agent, fields: &[(&str, &str)], why: &str| {
        let page = agent.person.post("/desk/views", fields).await;
        page.must(StatusCode::UNPROCESSABLE_ENTITY).says(why).says("value=\"One more\"");
    };
    fill("NULL", 50).await;
    full(&ana, &shared, "There are 50 views for everybody").await;
    ben.person.post("/desk/views", &own).await.must(StatusCode::SEE_OTHER);
    fill("2", 49).await;
    full(&ben, &own, "You have 50 views of your own").await;
    // What is full for him is not for her, and her own take nobody's room.
    ana.person.post("/desk/views", &own).await.must(StatusCode::SEE_OTHER);
    fill("1", 49).await;
    site.change("DELETE FROM saved_view WHERE agent_id IS NULL").await;
    full(&ana, &own, "You have 50 views of your own").await;
    ana.person.post("/desk/views", &shared).await.must(StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn a_team_gets_a_conversation_and_whoever_of_them_is_first_takes_it() {
    let site = installation().await;
    let (ana, ben, _vera) = (site.ana().await, site.ben().await, site.vera().await);
    let id = ana.newest("queue").await;
    let agent = number_of(&site, "ben").await;
    let team = [("name", "Returns"), ("member", agent.as_str())];
    ana.person.post("/desk/settings/teams", &team).await.must(StatusCode::SEE_OTHER);
    ana.act(id, "claim").await.must(StatusCode::OK);
    let form = ana.person.get(&format!("/desk/c/{id}/transfer")).await;
    let to = form.all("<option value=\"team-")[0].clone();
    let (to, team) = (format!("team-{to}"), to);
    ana.act_with(id, "transfer", &[("to", &to)]).await.must(StatusCode::OK).says("to Returns");
    assert_eq!(rows(&ben, &format!("tab=queue&team={team}")).await, [id.to_string()]);
    assert_eq!(rows(&ana, "tab=mine").await, Vec::<String>::new());
    ana.act_with(id, "transfer", &[("to", &to)]).await.must(StatusCode::CONFLICT);
    ben.act(id, "claim").await.must(StatusCode::OK);
    assert_eq!(rows(&ben, "tab=mine").await, [id.to_string()]);
}

/// The answer was lost, and meanwhile it became a team's that he is not in: what he did is done, and he is not told otherwise.
#[tokio::test]
async fn whoever_does_not_see_it_any_more_may_still_repeat_what_was_done() {
    let site = installation().await;
    let (ana, ben, _vera) = (site.ana().await, site.ben().await, site.vera().await);
    let id = ana.newest("queue").await;
    ana.person.post("/desk/settings/teams", &[("name", "Returns")]).await.goes_to();
    ana.person.post("/desk/settings/tags", &[("name", "late")]).await.goes_to();
    let tag = ana.person.get(&format!("/desk/c/{id}/tags")).await.all("name=\"tag\" value=\"");
    let (owner, later) =
        (number_of(&site, "ana").await, (jiff::Timestamp::now().as_second() + 3600).to_string());
    let deeds = [
        ("invite", [("nonce", "1"), ("agent", owner.as_str())]),
        ("snooze", [("nonce", "2"), ("until", &later)]),
        ("tags", [("nonce", "3"), ("tag", &tag[0])]),
        ("close", [("nonce", "4"), ("tagged", "1")]),
    ];
    let path = |verb| format!("/desk/c/{id}/{verb}");
    for (verb, fields) in &deeds {
        ben.person.post(&path(verb), fields).await.goes_to();
    }
    ana.act(id, "reopen").await.must(StatusCode::OK);
    ana.act_with(id, "transfer", &[("to", "team-1")]).await.must(StatusCode::OK);
    let before = ana.person.get(&format!("/desk/c/{id}/messages?after=0")).await.all("id=\"m-");
    for (verb, fields) in &deeds {
        let new = [&[("nonce", "new")], &fields[1..]].concat();
        ben.person.post(&path(verb), &new).await.must(StatusCode::NOT_FOUND);
        ben.person.post(&path(verb), fields).await.goes_to();
    }
    let after = ana.person.get(&format!("/desk/c/{id}/messages?after=0")).await.all("id=\"m-");
    assert_eq!(after, before);
}

/// Six colleagues at once, each of whom wants something else: one outcome, which everybody sees.
#[tokio::test(flavor = "multi_thread")]
async fn one_agent_has_it_whoever_hands_it_over_at_once() {
    let site = installation().await;
    let (ana, vera) = (site.ana().await, site.vera().await);
    let id = ana.newest("queue").await;
    let mut others = Vec::new();
    for name in ["ben", "cem", "dai", "eva", "fay", "gus"] {
        site.employ(name, Role::Agent).await;
        others.push(number_of(&site, name).await);
    }
    let all = others.iter().map(|to| {
        let (app, to) = (site.app.clone(), to.clone());
        async move {
            let work =
                AtWork { agent: AgentId(1), name: "ana".into(), conversation: ConversationId(id) };
            let to = kefu::event::Mention { agent: to.parse().unwrap(), name: "x".into() };
            let to = conversation::Recipient::Agent(to);
            conversation::transfer(&app, work, Nonce::new(), to, None).await.unwrap()
        }
    });
    let sent = futures_util::future::join_all(all).await;
    let mut seqs: Vec<_> = sent.iter().map(|sent| sent.appended.entry.seq).collect();
    seqs.sort_unstable();
    assert_eq!(seqs, (2..=7).collect::<Vec<_>>());
    let last = sent.iter().max_by_key(|sent| sent.appended.entry.seq).unwrap();
    let seat = conversation::Seat::Agent { id: AgentId(1), conversation: ConversationId(id) };
    let now = conversation::find_for(site.app.db.read(), &seat).await.unwrap();
    assert_eq!((now.state, &now.assignee), (State::Open, &last.conversation.assignee));
    vera.say("still here").await.must(StatusCode::OK);
}

#[tokio::test]
async fn what_was_read_is_marked_as_unread_for_colleagues_and_the_visitor_learns_nothing_of_it() {
    let site = installation().await;
    let (ana, ben, vera) = (site.ana().await, site.ben().await, site.vera().await);
    let id = ana.newest("queue").await;
    ana.act(id, "claim").await.must(StatusCode::OK);
    ana.reply(id, "Good day").await.must(StatusCode::OK);
    for words in ["one", "two"] {
        vera.say(words).await.must(StatusCode::OK);
    }
    let seen = format!("/desk/c/{id}/seen");
    let reads = async |agent: &Agent, seq: &str| {
        agent.person.post(&seen, &[("seq", seq)]).await.must(StatusCode::NO_CONTENT);
    };
    reads(&ana, "5").await;
    let badge = "<span class=\"badge\">2<";
    ben.person.get("/desk/c?tab=all").await.says_not("<span class=\"badge\">");
    let mark = "id=\"read\" data-seq=\"5\"";
    vera.page().await.says(mark);

    let mut desk = ben.listen("all").await;
    desk.named("synced").await;
    let mut news = vera.listen("5").await;
    news.named("synced").await;
    for _ in 0..2 {
        let answer = ana.act(id, "unread").await.must(StatusCode::OK);
        answer.says("class=\"conv none\"").says_not("data-cid");
        assert_eq!(answer.header("hx-push-url"), "/desk/c?tab=mine");
    }
    let told = desk.until(|event| event.data.contains("hx-upsert")).await;
    assert!(told.data.contains(badge), "{}", told.data);
    for agent in [&ana, &ben] {
        agent.person.get("/desk/c?tab=all&unread=1").await.says(badge);
    }
    ana.person.get("/desk/c?tab=mine").await.says("id=\"nav-unread\">2<");
    vera.page().await.says(mark).says_not("data-seq=\"6\"");
    // The next that she hears is the next that is said.
    vera.say("three").await.must(StatusCode::OK);
    let next = news.next().await.unwrap();
    assert!(next.data.contains("three"), "{next:?}");

    // Whoever has it reads it once more, to where she had read before.
    ana.person.get(&format!("/desk/c/{id}")).await.says(" data-unread");
    ben.person.get(&format!("/desk/c/{id}")).await.says_not(" data-unread");
    reads(&ben, "6").await;
    ben.person.get("/desk/c?tab=all").await.says("<span class=\"badge\">3<");
    reads(&ana, "5").await;
    ana.person.get("/desk/c?tab=all").await.says("<span class=\"badge\">1<");
    reads(&ana, "6").await;
    ben.act(id, "unread").await.must(StatusCode::OK);
    reads(&ana, "6").await;
    ana.person.get("/desk/c?tab=all").await.says_not("<span class=\"badge\">");

    // As a plain form it leads to the list.
    let plain = format!("/desk/c/{id}/unread?tab=all&site=1");
    assert_eq!(ana.person.post(&plain, &[("tab", "x")]).await.goes_to(), "/desk/c?tab=all&site=1");
    reads(&ana, "6").await;
    // What was answered last has at least the visitor's last word.
    ana.reply(id, "Yes").await.must(StatusCode::OK);
    ana.act(id, "unread").await.must(StatusCode::OK);
    ana.person.get("/desk/c?tab=all").await.says("<span class=\"badge\">1<");
}

#[tokio::test]
async fn unread_is_for_those_who_see_and_may_act_and_not_for_what_is_closed() {
    let site = installation().await;
    let (ana, ben, vera) = (site.ana().await, site.ben().await, site.vera().await);
    let rob = site.agent("rob", Role::ReadOnly).await;
    let id = ana.newest("queue").await;
    ana.act(id, "claim").await.must(StatusCode::OK);
    ana.person.post(&format!("/desk/c/{id}/seen"), &[("seq", "2")]).await;
    rob.person.get(&format!("/desk/c/{id}")).await.says_not("/unread");
    rob.act(id, "unread").await.must(StatusCode::FORBIDDEN);
    let form = format!("/desk/c/{id}/unread");
    vera.person.post(&form, &[("tab", "x")]).await.must(StatusCode::UNAUTHORIZED);
    ana.person.get(&format!("{form}?tab=all")).await.must(StatusCode::NOT_FOUND);
    for nobodys in ["/desk/c/99/unread", "/desk/c/x/unread"] {
        ana.person.post(nobodys, &[("tab", "x")]).await.must(StatusCode::NOT_FOUND);
    }
    ben.act(id, "unread").await.must(StatusCode::OK);
    ana.person.post("/desk/settings/teams", &[("name", "Returns")]).await.goes_to();
    ana.act_with(id, "transfer", &[("to", "team-1")]).await.must(StatusCode::OK);
    ben.act(id, "unread").await.must(StatusCode::NOT_FOUND);
    ana.person.get(&format!("/desk/c/{id}")).await.says(&form);
    ana.act(id, "close").await.must(StatusCode::OK);
    ana.act(id, "unread").await.must(StatusCode::CONFLICT);
    ana.person.get(&format!("/desk/c/{id}")).await.says_not(&form);
    ana.person.get("/desk/c?tab=closed").await.says_not("<span class=\"badge\">");
}
