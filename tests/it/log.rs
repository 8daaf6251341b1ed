//! The log's numbers, under many writers.
use crate::support::{by_hand, insist, installation};
use futures_util::future::join_all;
use kefu::{
    agent::Role,
    conversation::{self, Range},
    event::{Event, Topic},
    ids::{ConversationId, Nonce},
};
use poem::http::StatusCode;
use sea_orm::{ConnectionTrait, DbBackend, Statement, TransactionTrait};
use std::{collections::BTreeSet, time::Duration};

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_writers_leave_no_gap_and_no_double() {
    let site = installation().await;
    let vera = site.vera().await;
    let ana = site.ana().await;
    let ben = site.agent("ben", Role::Agent).await;
    let id = ana.newest("queue").await;
    let writer = |n: usize| {
        let (vera, ana, ben) = (vera.clone(), ana.clone(), ben.clone());
        async move {
            for round in 0..4 {
                let (nonce, words) = (Nonce::new(), format!("{n}.{round}"));
                let answer = insist(|| async {
                    match n % 3 {
                        0 => vera.say_as(nonce.as_str(), &words).await,
                        1 => ana.write_as(nonce.as_str(), id, "text", &words).await,
                        _ => ben.write_as(nonce.as_str(), id, "note", &words).await,
                    }
                });
                answer.await.must(StatusCode::OK);
            }
        }
    };
    join_all((0..32).map(|n| tokio::spawn(writer(n))))
        .await
        .into_iter()
        .for_each(|done| done.unwrap());

    let history =
        conversation::history(site.app.db.read(), ConversationId(id), Range::After(0, 1_000))
            .await
            .unwrap();
    let numbers: Vec<_> = history.entries.iter().map(|entry| entry.seq).collect();
    assert_eq!(numbers, (1..=129).collect::<Vec<_>>());
    for n in 0..32 {
        let order: Vec<_> = (0..4)
            .map(|round| {
                let words = format!("{n}.{round}");
                let says = |entry: &&kefu::event::Entry| {
                    format!("{:?}", entry.content).contains(&format!("\"{words}\""))
                };
                history.entries.iter().filter(says).map(|entry| entry.seq).collect::<Vec<_>>()
            })
            .collect();
        assert!(
            order.iter().all(|seqs| seqs.len() == 1) && order.is_sorted(),
            "writer {n}: {order:?}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_first_message_sent_sixteen_times_at_once_opens_one_conversation() {
    let site = installation().await;
    let ana = site.ana().await;
    let page = site.stranger().get("/w/demo").await;
    let (visitor, nonce) = (page.field("visitor"), page.field("nonce"));
    let sends = (0..16).map(|_| {
        let (person, visitor, nonce) = (site.stranger(), visitor.clone(), nonce.clone());
        tokio::spawn(async move {
            let fields =
                [("visitor", visitor.as_str()), ("nonce", nonce.as_str()), ("body", "Hello")];
            insist(|| person.post("/w/demo/start", &fields)).await.goes_to()
        })
    });
    let places: Vec<_> = join_all(sends).await.into_iter().map(|place| place.unwrap()).collect();
    assert!(places.iter().all(|place| place == &places[0]), "{places:?}");
    assert_eq!(ana.person.get("/desk/c?tab=all").await.all("id=\"c-").len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_refused_or_repeated_fails_nothing_that_is_committed_with_it() {
    let site = installation().await;
    let ana = site.ana().await;
    let mut visitors = Vec::new();
    for n in 0..12 {
        visitors.push(site.visitor(&format!("first of {n}")).await);
    }
    site.visitor("the last, who is silent").await;
    let closed = ana.newest("queue").await;
    ana.act(closed, "close").await.must(StatusCode::OK);
    let (twice, other) = (visitors[0].clone(), visitors[1].clone());
    twice.say_as("twice", "said twice").await.must(StatusCode::OK);
    other.say_as("other", "said first").await.must(StatusCode::OK);

    for round in 0..20 {
        let news = visitors[2..].iter().cloned().map(|visitor| async move {
            let nonce = format!("round-{round}");
            insist(|| visitor.say_as(&nonce, "news")).await.must(StatusCode::OK);
        });
        let (repeated, contradicted, refused, _) = tokio::join!(
            insist(|| twice.say_as("twice", "said twice")),
            insist(|| other.say_as("other", "said otherwise")),
            insist(|| ana.reply(closed, "too late")),
            join_all(news.map(tokio::spawn)),
        );
        repeated.must(StatusCode::OK);
        contradicted.must(StatusCode::CONFLICT);
        refused.must(StatusCode::CONFLICT);
    }
    for (n, visitor) in visitors.iter().enumerate() {
        let said = visitor.page().await.all("id=\"m-").len();
        assert_eq!(said, if n < 2 { 2 } else { 21 }, "visitor {n}");
    }
}

#[tokio::test]
async fn whoever_hangs_up_in_the_middle_of_a_send_keeps_nobody_waiting_for_the_news() {
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ConversationId(ana.newest("queue").await);
    let mut news = site.app.bus.subscribe(Topic::Conversation(id));
    let (tell, mut heard) = tokio::sync::mpsc::unbounded_channel();
    tokio::spawn(async move {
        while let Ok(news) = news.recv().await {
            if let Event::EntryAppended(appended) = &news.event {
                tell.send(appended.entry.seq).unwrap();
            }
        }
    });
    // Hangs up at every stage of a send: after so many turns, from none to those that a whole one takes.
    let whole = turns(vera.say("whole"), usize::MAX).await;
    for hundredth in 0..100 {
        turns(vera.say("perhaps"), whole * hundredth / 100).await;
    }
    vera.say("surely").await.must(StatusCode::OK);

    // Whatever was stored was told, sooner or later: here within ten seconds.
    let stored =
        conversation::history(site.app.db.read(), id, Range::After(1, 1_000)).await.unwrap();
    let mut told = BTreeSet::new();
    while told.len() < stored.entries.len() {
        let next = tokio::time::timeout(Duration::from_secs(10), heard.recv()).await;
        told.insert(next.expect("news of every entry").unwrap());
    }
    assert!(!stored.entries.is_empty());
}

/// Gives a future so many turns, then drops it; how many it took.
async fn turns<T>(future: impl Future<Output = T>, most: usize) -> usize {
    let mut future = Box::pin(future);
    for turn in 0..most {
        if futures_util::poll!(&mut future).is_ready() {
            return turn;
        }
        tokio::task::yield_now().await;
    }
    most
}

/// T08. Numbers are taken while the conversation's row is held, until the commit; so whoever reads on from the highest number
/// it saw misses nothing. The control shows that the reader would see it: numbers from a sequence are skipped.
#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_goes_by_numbers_misses_nothing_and_by_a_sequence_it_would() {
    // By hand: KEFU_SENDS=100000 cargo test --test it goes_by_numbers -- --nocapture
    let each = by_hand("KEFU_SENDS").unwrap_or(640) / WRITERS;
    let site = installation().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ConversationId(ana.newest("queue").await);
    let db = site.app.db.clone();

    let writing = (0..WRITERS).map(|_| {
        let vera = vera.clone();
        tokio::spawn(async move {
            for _ in 0..each {
                let nonce = Nonce::new();
                let said = insist(|| vera.say_as(nonce.as_str(), "numbered"));
                said.await.must(StatusCode::OK);
            }
        })
    });
    let read = async |after: i64| {
        let found = conversation::history(db.read(), id, Range::After(after, 1_000)).await.unwrap();
        found.entries.iter().map(|entry| entry.seq).collect::<Vec<_>>()
    };
    let seen = follow(writing, read).await;
    assert_eq!(seen, (1..=(WRITERS * each) as i64 + 1).collect::<Vec<_>>());

    let table = match db.write().get_database_backend() {
        DbBackend::Sqlite => {
            "CREATE TABLE control (id INTEGER PRIMARY KEY AUTOINCREMENT, x INTEGER)"
        }
        DbBackend::MySql => "CREATE TABLE control (id BIGINT AUTO_INCREMENT PRIMARY KEY, x BIGINT)",
        _ => "CREATE TABLE control (id BIGSERIAL PRIMARY KEY, x BIGINT)",
    };
    db.write().execute_unprepared(table).await.unwrap();
    let read = async |after: i64| {
        let sql = format!("SELECT id FROM control WHERE id > {after} ORDER BY id");
        let question = Statement::from_string(db.read().get_database_backend(), sql);
        let rows = db.read().query_all_raw(question).await.unwrap();
        rows.iter().map(|row| row.try_get("", "id").unwrap()).collect::<Vec<i64>>()
    };
    let number = "INSERT INTO control (x) VALUES (1)";
    let slow = db.write().direct.begin().await.unwrap();
    slow.execute_unprepared(number).await.unwrap();
    if db.is_embedded() {
        // One writer at a time, so there numbers and commits cannot cross.
        slow.commit().await.unwrap();
        db.write().direct.execute_unprepared(number).await.unwrap();
        assert_eq!(read(0).await, [1, 2]);
    } else {
        db.write().direct.execute_unprepared(number).await.unwrap();
        let seen = read(0).await;
        assert_eq!(seen, [2], "the later number is committed first");
        slow.commit().await.unwrap();
        assert_eq!(read(seen[0]).await, [0; 0], "and the earlier one never seen");
    }
}

const WRITERS: usize = 32;

/// What a reader sees that always reads on after the highest number, until the writers are done.
async fn follow<T: Send + 'static>(
    writing: impl Iterator<Item = tokio::task::JoinHandle<T>>,
    read: impl AsyncFn(i64) -> Vec<i64>,
) -> Vec<i64> {
    let done = join_all(writing);
    tokio::pin!(done);
    let mut seen = Vec::new();
    loop {
        let ended = futures_util::poll!(&mut done).is_ready();
        let found = read(seen.last().copied().unwrap_or(0)).await;
        seen.extend(found);
        if ended {
            return seen;
        }
        tokio::task::yield_now().await;
    }
}
