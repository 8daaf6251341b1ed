//! The database is killed and paused, and lines to it are bad (T03, T05).
use super::*;

/// T03.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database server to kill: tests/run gives PostgreSQL and MariaDB"]
async fn t03_a_database_killed_and_paused_again_and_again_loses_nothing() {
    let engine = Engine::tested().expect("KEFU_TEST_DATABASE_URL says which");
    let mut database = DatabaseServer::start(engine).await;
    let server = Server::start(Some(&database.url()), &secret(), &[]).await;
    let crowd = Crowd::gather(&[server.address], 20, Duration::from_millis(20)).await;
    let mut back = Vec::new();
    for _ in 0..rounds(2) {
        crowd.goes_on(100).await;
        database.kill().await;
        sleep(between(200, 1_000)).await;
        let refused = get(server.address, "/readyz").await.expect("an answer without a database");
        assert_eq!(refused.0, 503);
        database.start_again().await;
        let began = Instant::now();
        crowd.goes_on(1).await;
        back.push(began.elapsed());
    }
    let long = if rounds(2) > 2 { Duration::from_secs(30) } else { Duration::from_secs(7) };
    for _ in 0..rounds(2).div_ceil(2) {
        crowd.goes_on(100).await;
        database.signal("-STOP");
        let began = Instant::now();
        assert_eq!(get(server.address, "/healthz").await.unwrap().0, 200);
        let page = "GET /w/demo HTTP/1.0\r\nhost: x\r\n\r\n";
        let answer = ask(server.address, page, Duration::from_secs(10)).await;
        assert_eq!(answer.expect("an answer in time").0, 503);
        println!("paused: a page is refused after {:?}", began.elapsed());
        sleep(long.saturating_sub(began.elapsed())).await;
        database.signal("-CONT");
        let began = Instant::now();
        crowd.goes_on(1).await;
        back.push(began.elapsed());
    }
    crowd.goes_on(100).await;
    let report = crowd.disperse(&database.url()).await;
    judge(&format!("T03, {engine:?}, {} kills, pauses of {long:?}", rounds(2)), &report);
    println!("T03: acknowledged again after {back:?}");
    assert!(back.iter().all(|took| *took < Duration::from_secs(5)));
    assert!(report.pace.unknown > 0, "nothing was broken enough to show anything");
}

/// T05.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database server: tests/run gives PostgreSQL and MariaDB"]
async fn t05_lines_to_the_database_and_the_bus_that_are_slow_cut_and_silent_lose_nothing() {
    let (database, secret) = (own_database().await.unwrap(), secret());
    // MySQL cannot take back half a migration, so this one is not disturbed.
    Server::start(Some(&database), &secret, &[]).await.kill().await;
    let nats = Nats::start().await;
    let bus_line = proxy::chaotic(([127, 0, 0, 1], nats.port).into(), 0.2).await;
    let bus = format!("nats://{}", bus_line.address);
    let (mut nodes, mut lines) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let mut url = url::Url::parse(&database).unwrap();
        let behind = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let line = proxy::chaotic(behind.parse().unwrap(), 0.3).await;
        url.set_port(Some(line.address.port())).unwrap();
        lines.push(line);
        nodes.push(Server::start(Some(url.as_str()), &secret, &["--nats-url", &bus]).await);
    }
    let addresses: Vec<_> = nodes.iter().map(|node| node.address).collect();
    let crowd = Crowd::gather(&addresses, 20, Duration::from_millis(20)).await;
    crowd.goes_on(100 * rounds(2)).await;
    let report = crowd.disperse(&database).await;
    judge("T05, between servers, database and bus", &report);
    let troubled: usize = lines.iter().map(proxy::Chaos::troubled).sum();
    println!(
        "T05: {troubled} lines to the database in trouble, {} to the bus",
        bus_line.troubled()
    );
    assert!(troubled > 0 && bus_line.troubled() > 0, "nothing was broken");
}
