//! Three nodes and their bus (T04, T16).
use super::*;

/// T04.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn t04_three_nodes_whose_bus_is_killed_and_paused_lose_nothing_and_are_not_slowed() {
    let database = own_database().await.unwrap();
    let mut nats = Nats::start().await;
    let url = nats.url();
    let (_nodes, addresses) = three_nodes(&database, &["--nats-url", &url]).await;
    let crowd = Crowd::gather(&addresses, 20, Duration::from_millis(20)).await;
    crowd.goes_on(300).await;
    let calm = crowd.pace().within(0.99);
    let long = rounds(2) > 2;
    for round in 0..rounds(2) {
        crowd.goes_on(200).await;
        nats.kill().await;
        crowd.goes_on(200).await;
        nats.start_again().await;
        crowd.goes_on(200).await;
        if round % 3 == 0 {
            nats.pause();
            sleep(if long { Duration::from_secs(60) } else { Duration::from_secs(4) }).await;
            nats.resume();
        }
    }
    let report = crowd.disperse(&database).await;
    judge(&format!("T04, {} kills of NATS", rounds(2)), &report);
    // 300 ms, or what this machine takes anyway. In a short run a hundredth are a few sends, which anything may slow.
    let (part, bound) = (if long { 0.99 } else { 0.95 }, Duration::from_millis(300).max(calm * 3));
    assert!(report.pace.within(part) <= bound, "it slows people: {calm:?} before");
    assert_eq!(report.pace.unknown, 0, "it fails nothing");
}

/// T04: a node that stands still is cut off by the bus, and finds what it missed.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn t04_a_node_that_stands_still_for_a_while_loses_nothing_and_stops_nobody() {
    let database = own_database().await.unwrap();
    let nats = Nats::start().await;
    let url = nats.url();
    let (nodes, addresses) = three_nodes(&database, &["--nats-url", &url]).await;
    let crowd = Crowd::gather(&addresses, 20, Duration::from_millis(5)).await;
    for _ in 0..rounds(2).div_ceil(2) {
        crowd.goes_on(200).await;
        nodes[2].signal("-STOP");
        let long = if rounds(2) > 2 { Duration::from_secs(30) } else { Duration::from_secs(12) };
        let still = tokio::time::Instant::now() + long;
        crowd.goes_on(100).await;
        tokio::time::sleep_until(still).await;
        nodes[2].signal("-CONT");
        crowd.goes_on(200).await;
    }
    let report = crowd.disperse(&database).await;
    judge("T04, one of three nodes standing still", &report);
}

/// T16.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn t16_three_nodes_replaced_one_by_one_behind_haproxy_with_a_migration_in_between_fail_no_send()
 {
    let database = own_database().await.unwrap();
    let nats = Nats::start().await;
    let url = nats.url();
    let more = ["--nats-url", &url, "--shutdown-delay", "3"];
    let (mut nodes, addresses) = three_nodes(&database, &more).await;
    let haproxy = Front::haproxy(&addresses).await;
    let crowd = Crowd::gather(&[haproxy.address], 20, Duration::from_millis(20)).await;
    for (round, node) in nodes.iter_mut().enumerate() {
        crowd.goes_on(200).await;
        node.signal("-TERM");
        assert!(node.left().await);
        if round == 0 {
            // What a newer kefu adds to the schema; the older nodes go on, and one of them even starts.
            let db = Database::connect(&database).await.unwrap();
            for change in [
                "ALTER TABLE conversation ADD COLUMN from_the_future INTEGER",
                "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m99991231_000001_future', 0)",
            ] {
                db.execute_unprepared(change).await.unwrap();
            }
            db.close().await.unwrap();
        }
        node.start_again();
        node.answers().await;
    }
    crowd.goes_on(200).await;
    let report = crowd.disperse(&database).await;
    judge("T16, three nodes replaced behind HAProxy", &report);
    println!("T16: {} sends had to be repeated", report.pace.unknown);
    assert!(report.pace.within(0.99) < Duration::from_secs(5));
}
