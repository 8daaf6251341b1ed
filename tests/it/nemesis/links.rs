//! Links go down as if a cable was cut, in networks of their own (T05).
use super::*;

/// By hand some seconds, or longer than anybody believes in a line; less on each change.
fn a_while(round: usize) -> Duration {
    match (rounds(2) > 2, round % 5) {
        (false, _) => between(500, 2_000),
        (true, 4) => Duration::from_secs(70),
        (true, _) => between(2_000, 10_000),
    }
}

/// T05. Over SQLite, which is where the server is.
#[tokio::test(flavor = "multi_thread")]
async fn t05_links_to_people_that_go_down_lose_nothing_and_streams_that_died_are_noticed() {
    let network = Network::new();
    let (people, other) = (network.line(), network.line());
    let metrics = SocketAddr::from((other.there, proxy::free_port()));
    let more = ["--metrics-listen", &metrics.to_string()];
    let server = Server::start_behind(&people, None, &secret(), &more).await;
    let crowd = Crowd::gather(&[server.address], 20, Duration::from_millis(20)).await;
    for round in 0..rounds(2) {
        crowd.goes_on(100).await;
        people.cut(End::There);
        sleep(a_while(round)).await;
        people.mend(End::There);
    }
    crowd.goes_on(100).await;
    let open = told(metrics, "kefu_streams_open").await;
    people.cut(End::There);
    let began = Instant::now();
    while told(metrics, "kefu_streams_open").await > 0 {
        assert!(began.elapsed() < Duration::from_secs(60), "it thinks that they are open");
        sleep(Duration::from_millis(200)).await;
    }
    let noticed = began.elapsed();
    people.mend(End::There);
    let began = Instant::now();
    crowd.goes_on(1).await;
    let back = began.elapsed();
    crowd.goes_on(100).await;
    let report = crowd.disperse(&server.database_file()).await;
    judge("T05, the link to people", &report);
    println!(
        "T05: that {open} streams were dead was noticed after {noticed:?}; acknowledged again {back:?} after the link was up"
    );
    assert!(open > 0 && report.pace.unknown > 0, "nothing was broken enough to show anything");
}

/// T05.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn t05_links_to_the_database_and_the_bus_that_go_down_lose_nothing_and_stop_no_other_node() {
    let (database, secret, nats) = (own_database().await.unwrap(), secret(), Nats::start().await);
    let networks = [Network::new(), Network::new()];
    let (mut nodes, mut lines) = (Vec::new(), Vec::new());
    for network in &networks {
        let [people, to_database, to_bus] = [network.line(), network.line(), network.line()];
        let mut url = url::Url::parse(&database).unwrap();
        let behind = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap());
        let relay = proxy::forwarding(to_database.here, behind.parse().unwrap()).await;
        url.set_ip_host(relay.ip()).unwrap();
        url.set_port(Some(relay.port())).unwrap();
        let relay = proxy::forwarding(to_bus.here, ([127, 0, 0, 1], nats.port).into()).await;
        let bus = format!("nats://{relay}");
        let more = ["--nats-url", bus.as_str()];
        nodes.push(Server::start_behind(&people, Some(url.as_str()), &secret, &more).await);
        lines.push([people, to_database, to_bus]);
    }
    let addresses: Vec<_> = nodes.iter().map(|node| node.address).collect();
    let crowd = Crowd::gather(&addresses, 20, Duration::from_millis(20)).await;
    let [_, to_database, to_bus] = &lines[0];
    for round in 0..rounds(2) {
        for line in [to_database, to_bus] {
            crowd.goes_on(50).await;
            line.cut(End::Here);
            // The other node takes them.
            crowd.goes_on(30).await;
            sleep(a_while(round)).await;
            line.mend(End::Here);
        }
    }
    crowd.goes_on(100).await;
    let report = crowd.disperse(&database).await;
    judge("T05, links to database and bus", &report);
    assert!(report.pace.unknown > 0, "nothing was broken enough to show anything");
    assert!(report.pace.silence < Duration::from_secs(10), "the other node stood still");
}
