//! The conformance of every transport to the same log (T07): whatever carries it, a reader sees each entry that is for her
//! once, in order and without a hole, or is told to begin anew.
use crate::support::{
    Agent, Installation, Visitor, by_hand, in_time, installation,
    line::{Line, Sight, TRANSPORTS, Transport},
};
use futures_util::StreamExt;
use kefu::{
    conversation::{self, Range},
    event::{Access, Event, Side, Topic},
    ids::ConversationId,
};
use rand::{RngExt, SeedableRng, rngs::StdRng};
use std::{
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::sync::Semaphore;

/// A conversation that both sides write in, and where it is read.
struct Talk {
    site: Installation,
    server: SocketAddr,
    vera: Visitor,
    ana: Agent,
    id: i64,
}

async fn talk() -> Talk {
    let site = installation().await;
    let server = site.listening().await;
    let (vera, ana) = (site.vera().await, site.ana().await);
    let id = ana.newest("queue").await;
    Talk { site, server, vera, ana, id }
}

impl Talk {
    async fn line(&self, transport: Transport, cursor: &str) -> Line {
        Line::open(transport, &self.vera, self.server, cursor).await
    }

    fn cursor(&self, seq: i64) -> String {
        format!("{}:{seq}", self.site.app.epoch)
    }

    /// What the visitor must have seen in the end.
    async fn visible(&self) -> Vec<i64> {
        let range = Range::After(0, 1_000_000);
        let history =
            conversation::history(self.site.app.db.read(), ConversationId(self.id), range).await;
        history.unwrap().seen_by(Side::Visitor).map(|(entry, _)| entry.seq).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_missed_doubled_or_out_of_order_over_any_transport_however_often_the_line_is_cut()
 {
    let seed: u64 = by_hand("KEFU_SEED").unwrap_or_else(rand::random);
    // By hand: KEFU_CUTS=10000 cargo test --test it however_often -- --nocapture
    let cuts: usize = by_hand("KEFU_CUTS").unwrap_or(200);
    println!("KEFU_SEED={seed} KEFU_CUTS={cuts}, over five transports");
    for transport in TRANSPORTS {
        let talk = talk().await;
        let mut dice = StdRng::seed_from_u64(seed);
        // The writers are never further ahead than a reader may fall behind.
        let ahead = Arc::new(Semaphore::new(100));
        let writing = tokio::spawn(writer(&talk, seed, ahead.clone()));

        let mut seen = Vec::new();
        let mut line = talk.line(transport, &talk.cursor(0)).await;
        for _ in 0..cuts / TRANSPORTS.len() {
            // A cut may come at once, before anything was heard.
            for _ in 0..dice.random_range(0..4) {
                seen.push(line.entry().await);
                ahead.add_permits(1);
            }
            line = line.reopen().await;
        }
        ahead.close();
        writing.await.unwrap();
        let visible = talk.visible().await;
        while seen.len() < visible.len() {
            seen.push(line.entry().await);
        }
        assert_eq!(seen, visible, "{transport:?}");
        println!(
            "{transport:?}: {} cuts, {} entries seen, 0 lost, 0 doubled, 0 out of order",
            cuts / TRANSPORTS.len(),
            seen.len()
        );
    }
}

/// Both sides write, with notes between that the visitor must never see, as long as they may be ahead of the reader.
fn writer(talk: &Talk, seed: u64, ahead: Arc<Semaphore>) -> impl Future<Output = ()> + use<> {
    let (vera, ana, id) = (talk.vera.clone(), talk.ana.clone(), talk.id);
    async move {
        let mut dice = StdRng::seed_from_u64(seed);
        while let Ok(place) = ahead.acquire().await {
            place.forget();
            if dice.random_range(0..3) == 0 {
                ana.write(id, "note", "a secret").await;
            }
            match dice.random_range(0..3) {
                0 => ana.reply(id, "an answer").await,
                _ => vera.say("a question").await,
            };
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cursor_that_cannot_be_continued_from_is_answered_with_one_reset_and_nothing_else() {
    let talk = talk().await;
    let foreign = ["another:1", "1:1:1", "garbage", "-1", "", "99999999"];
    for transport in TRANSPORTS.into_iter().filter(|transport| *transport != Transport::Page) {
        for cursor in foreign.iter().map(|text| (*text).to_owned()).chain([talk.cursor(2)]) {
            let mut line = talk.line(transport, &cursor).await;
            assert_eq!(line.next().await, Sight::Reset, "{transport:?} after {cursor:?}");
        }
        let mut line = talk.line(transport, &talk.cursor(0)).await;
        assert_eq!(line.entry().await, 1, "{transport:?}");
    }
    // A document begins with what it knows, whatever it is asked for.
    for cursor in foreign {
        assert_eq!(talk.line(Transport::Page, cursor).await.entry().await, 1, "after {cursor:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn up_to_500_missed_entries_are_replayed_and_one_more_is_a_reset() {
    let talk = talk().await;
    for _ in 0..500 {
        talk.vera.say("again").await;
    }
    for transport in [Transport::Events, Transport::Socket, Transport::Poll] {
        let mut line = talk.line(transport, &talk.cursor(1)).await;
        for seq in 2..=501 {
            assert_eq!(line.next().await, Sight::Entry(seq), "{transport:?}");
        }
        assert_eq!(line.next().await, Sight::Synced, "{transport:?}");
        let mut line = talk.line(transport, &talk.cursor(0)).await;
        assert_eq!(line.next().await, Sight::Reset, "{transport:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn news_that_comes_twice_late_or_not_at_all_changes_nothing_that_is_seen() {
    for transport in TRANSPORTS {
        let talk = talk().await;
        let mut news = talk.site.app.bus.subscribe(Topic::Conversation(ConversationId(talk.id)));
        let mut line = talk.line(transport, &talk.cursor(0)).await;
        assert_eq!(line.entry().await, 1, "{transport:?}");
        talk.vera.say("two").await;
        let two = news.recv().await.unwrap();
        assert_eq!(line.entry().await, 2, "{transport:?}");
        // Three and four are written on a node whose news does not reach us; two is told again, and then five.
        let elsewhere = Visitor {
            person: talk.vera.person.at(talk.site.deaf_node()),
            cid: talk.vera.cid.clone(),
        };
        elsewhere.say("three").await;
        elsewhere.say("four").await;
        talk.site.app.bus.publish(two.event.clone());
        talk.vera.say("five").await;
        for seq in 3..=5 {
            assert_eq!(line.entry().await, seq, "{transport:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_that_was_slow_for_longer_than_news_is_kept_misses_nothing() {
    for transport in TRANSPORTS {
        let talk = talk().await;
        let mut line = talk.line(transport, &talk.cursor(0)).await;
        assert_eq!(line.entry().await, 1, "{transport:?}");
        for _ in 0..120 {
            talk.vera.say("while nobody reads").await;
        }
        for seq in 2..=121 {
            assert_eq!(line.entry().await, seq, "{transport:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_loses_access_hears_it_within_two_seconds_over_any_transport() {
    for transport in TRANSPORTS {
        in_time(Duration::from_secs(2), &format!("{transport:?}"), async || {
            let talk = talk().await;
            let mut line = talk.line(transport, &talk.cursor(0)).await;
            assert_eq!(line.entry().await, 1, "{transport:?}");
            let waiting = tokio::spawn(async move {
                loop {
                    match line.next().await {
                        Sight::Synced => {}
                        sight => return sight,
                    }
                }
            });
            talk.site.forget_visitors().await;
            let began = Instant::now();
            talk.site.app.bus.publish(Event::AccessLost {
                access: Access::VisitorToken(talk.site.token_of(&talk.vera).name()),
            });
            assert_eq!(waiting.await.unwrap(), Sight::Bye, "{transport:?}");
            began.elapsed()
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_desk_hears_the_same_over_stream_socket_and_poll() {
    let talk = talk().await;
    let own = format!("http://{}", talk.server);
    let mut socket = talk
        .ana
        .person
        .connect(talk.server, "/desk/ws?tab=queue", &[("origin", own.as_str())])
        .await
        .unwrap();
    let mut stream = talk.ana.listen("queue").await;
    let polling = {
        let ana = talk.ana.clone();
        tokio::spawn(async move { ana.person.get("/desk/events?tab=queue&wait=10").await })
    };
    stream.named("synced").await;
    // Until the one that asks is listening as well.
    let mut said = 1;
    while !polling.is_finished() {
        talk.vera.say("a second question").await;
        said += 1;
    }
    let hint = |seq: i64| format!("{{\"conversation\":{},\"seq\":{seq}}}", talk.id);
    let answer = polling.await.unwrap();
    answer.says("event: synced").says("a second question").says("event: hint");
    for seq in 2..=said {
        assert_eq!(stream.named("hint").await.data, hint(seq));
    }
    let mut told = String::new();
    while !told.contains(&hint(said)) {
        told += socket.next().await.unwrap().unwrap().to_text().unwrap();
    }
    assert!(told.contains("a second question") && told.contains("event: synced"), "{told}");
}
