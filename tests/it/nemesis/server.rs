//! The server is killed, paused, asked to leave; its lines are bad, its readers asleep (T02, T05, T13, T15).
use super::*;

/// T02.
#[tokio::test(flavor = "multi_thread")]
async fn t02_a_server_killed_and_paused_again_and_again_loses_nothing() {
    let database = own_database().await;
    let mut server = Server::start(database.as_deref(), &secret(), &[]).await;
    let crowd = Crowd::gather(&[server.address], 20, Duration::from_millis(20)).await;
    for _ in 0..rounds(3) {
        crowd.goes_on(100).await;
        server.kill().await;
        sleep(between(50, 500)).await;
        server.start_again();
        server.answers().await;
        crowd.goes_on(100).await;
        server.signal("-STOP");
        sleep(if rounds(3) > 3 { between(1_000, 20_000) } else { between(500, 3_000) }).await;
        server.signal("-CONT");
    }
    crowd.goes_on(100).await;
    let file = database.unwrap_or_else(|| server.database_file());
    let report = crowd.disperse(&file).await;
    judge(&format!("T02, {} kills and pauses", rounds(3)), &report);
    assert!(report.pace.unknown > 0, "nothing was broken enough to show anything");
    let Some(lost) = report.history.sends.last() else { unreachable!() };
    assert!(a_loss_is_seen(&report.history, lost));
}

/// T05.
#[tokio::test(flavor = "multi_thread")]
async fn t05_lines_that_are_slow_cut_and_silent_lose_nothing() {
    let server_url = own_database().await;
    let server = Server::start(server_url.as_deref(), &secret(), &[]).await;
    let line = proxy::chaotic(server.address, 0.4).await;
    let crowd = Crowd::gather(&[line.address], 20, Duration::from_millis(20)).await;
    crowd.goes_on(300 * rounds(2)).await;
    let file = server_url.unwrap_or_else(|| server.database_file());
    let report = crowd.disperse(&file).await;
    judge("T05, between people and the server", &report);
    assert!(report.pace.unknown > 0, "nothing was broken enough to show anything");
}

/// T13.
#[tokio::test(flavor = "multi_thread")]
async fn t13_readers_who_stop_reading_are_cut_off_and_slow_nobody() {
    let stuck: usize = by_hand("KEFU_READERS").unwrap_or(8);
    let metrics = SocketAddr::from((Ipv4Addr::LOCALHOST, proxy::free_port()));
    let more = ["--metrics-listen", &metrics.to_string()];
    let server = Server::start(own_database().await.as_deref(), &secret(), &more).await;
    let flood = idle::Flood::begin(server.address, stuck).await;
    let before = server.memory();
    // Long messages, until what is unread fills every buffer on the way.
    let took = flood.fill(400).await;
    let began = Instant::now();
    while told(metrics, "kefu_slow_closes_total").await < stuck as u64 {
        assert!(began.elapsed() < Duration::from_secs(60), "cut off within a minute");
        sleep(Duration::from_millis(200)).await;
    }
    let grown = server.memory().saturating_sub(before);
    println!(
        "T13: {stuck} readers who stopped were cut off {:?} after the last message; a message took {took:?} (99 %); {grown} KiB more",
        began.elapsed()
    );
    assert!(took < Duration::from_millis(300));
    assert!(grown < 64 * 1024);
    // Whoever comes back finds everything.
    assert_eq!(flood.entries_found().await, 401);
}

/// T15.
#[tokio::test(flavor = "multi_thread")]
async fn t15_a_server_asked_to_stop_ends_every_stream_in_its_time_and_finishes_every_post() {
    let streams: usize = by_hand("KEFU_STREAMS").unwrap_or(500);
    let mut server = Server::start(own_database().await.as_deref(), &secret(), &[]).await;
    let before = server.memory();
    let leaving = idle::Streams::open(server.address, streams, 20).await;
    let memory = server.memory();
    let began = Instant::now();
    server.signal("-TERM");
    assert!(server.left().await, "it left content");
    let took = began.elapsed();
    let farewell = leaving.farewell().await;
    println!(
        "T15: {streams} streams and 20 sockets, {before} KiB without and {memory} with them, drained in {took:?}; the fullest second saw {} ends; {} posts under way, {} answered",
        farewell.fullest_second, farewell.posts, farewell.answered
    );
    assert!(took < Duration::from_secs(30));
    assert_eq!(farewell.streams_with_a_word, streams);
    assert_eq!(farewell.sockets_with_1012, 20);
    assert_eq!(farewell.answered, farewell.posts);
    // Spread over 2 ms a stream; a tenth in each second once that is 20 s.
    if streams >= 10_000 {
        assert!(farewell.fullest_second <= streams / 10);
    }
}
