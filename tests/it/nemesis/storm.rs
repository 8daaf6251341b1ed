//! Everybody comes back at once (T14).
use super::*;

/// T14.
#[tokio::test(flavor = "multi_thread")]
async fn t14_streams_of_a_server_that_died_come_back_by_themselves_and_slow_nobody() {
    let streams: usize = by_hand("KEFU_STREAMS").unwrap_or(500);
    let database = own_database().await;
    let mut server = Server::start(database.as_deref(), &secret(), &[]).await;
    let began = Instant::now();
    let crowd = Crowd::in_browsers(server.address, streams, Duration::from_millis(20)).await;
    crowd.back(1.0, began).await;
    crowd.goes_on(100).await;

    server.kill().await;
    let began = Instant::now();
    server.start_again();
    server.answers().await;
    let (away, at_first) = (began.elapsed(), crowd.pace());
    sleep(Duration::from_secs(5)).await;
    let later = crowd.pace();
    crowd.back(0.99, began).await;
    crowd.goes_on(100).await;
    let (at_first, later) = (later.since(&at_first), crowd.pace().since(&later));
    let back = crowd.back(1.0, began).await;

    let answering = |at: &Duration| at.saturating_sub(away);
    let (most, last) = (answering(&back[back.len() * 99 / 100]), answering(&back[back.len() - 1]));
    let second = Duration::from_secs(1);
    let within_a_second =
        |from: &Duration| back.iter().filter(|at| (*from..*from + second).contains(*at)).count();
    let fullest = back.iter().map(within_a_second).max().unwrap_or(0);
    println!(
        "T14: of {streams} streams 99 % were back after {most:?}, the last after {last:?}, {fullest} in the fullest second; the slowest post of the first 5 s took {:?}, later {:?} (99 %), {:?} (all); {:.1} % of the attempts failed at first, later {:.1} %",
        at_first.within(1.0),
        later.within(0.99),
        later.within(1.0),
        at_first.failed() * 100.0,
        later.failed() * 100.0,
    );
    assert!(most <= Duration::from_secs(30));
    assert!(later.failed() < 0.01);
    assert_eq!(crowd.refused(), 0, "a browser would not come back");
    // Few streams are wanted back sooner, and so closer together.
    if streams >= 10_000 {
        assert!(fullest <= streams * 15 / 100);
    }
    let report = crowd.disperse(&database.unwrap_or_else(|| server.database_file())).await;
    judge("T14, everybody back at once", &report);
}
