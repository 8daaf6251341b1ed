//! The log's numbers, under many writers.
use crate::support::installation;
use futures_util::future::join_all;
use kefu::{
    agent::Role,
    conversation::{self, Range},
    ids::ConversationId,
};
use poem::http::StatusCode;

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
                let words = format!("{n}.{round}");
                let answer = match n % 3 {
                    0 => vera.say(&words).await,
                    1 => ana.reply(id, &words).await,
                    _ => ben.write(id, "note", &words).await,
                };
                answer.must(StatusCode::OK);
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
            person.post("/w/demo/start", &fields).await.goes_to()
        })
    });
    let places: Vec<_> = join_all(sends).await.into_iter().map(|place| place.unwrap()).collect();
    assert!(places.iter().all(|place| place == &places[0]), "{places:?}");
    assert_eq!(ana.person.get("/desk/c?tab=all").await.all("id=\"c-").len(), 1);
}
