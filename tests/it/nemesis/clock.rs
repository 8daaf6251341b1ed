//! The wall clock jumps and stands still (T19).
use super::*;

/// T19.
#[tokio::test(flavor = "multi_thread")]
async fn t19_a_clock_that_jumps_and_stands_still_changes_no_order_and_stops_nobody() {
    let wall = WallClock::right();
    let server = Server::start_under(&wall.under(), None, &secret(), &[]).await;
    let crowd = Crowd::gather(&[server.address], 20, Duration::from_millis(20)).await;
    for _ in 0..rounds(1) {
        for hours in [1, -1, 24, -24, 0] {
            wall.jump(SignedDuration::from_hours(hours));
            assert_is_off_by(&server, hours).await;
            crowd.goes_on(60).await;
            shows(&server, &crowd.sends().last().unwrap().1).await;
        }
        wall.stop();
        let error = error_of(server.address).await;
        crowd.goes_on(60).await;
        assert!(error_of(server.address).await < error, "it stands still");
        wall.jump(SignedDuration::ZERO);
    }
    crowd.goes_on(60).await;
    let report = crowd.disperse(&server.database_file()).await;
    judge(&format!("T19, {} jumps", 7 * rounds(1)), &report);
    assert_eq!(report.pace.unknown, 0, "it fails nothing");
    assert_no_surprise(&server);
}

/// T19: rates and streams go by a clock that does not jump.
#[tokio::test(flavor = "multi_thread")]
async fn t19_a_clock_that_jumps_frees_nobody_from_a_limit_and_ends_no_stream() {
    let wall = WallClock::right();
    let limits = ["--rate-limits", "on"];
    let server = Server::start_under(&wall.under(), None, &secret(), &limits).await;
    let vera = crowd::start(server.address).await;
    let stream = format!("/c/{}/events?after=0", vera.cid);
    let mut lines = crowd::begin(server.address, &stream, &vera.token).await.expect("a stream");
    let path = format!("/api/v1/conversations/{}/entries", vera.cid);
    let say = async || {
        let message = json!({ "nonce": Nonce::new(), "body": "again" });
        post(server.address, &path, &vera.token, &message).await.expect("an answer").0
    };
    let mut said = 1;
    while say().await == 201 {
        said += 1;
    }
    // A place comes back every three seconds, whatever the clock says: one may just now.
    let mut freed = 0;
    for hours in [24, -24] {
        wall.jump(SignedDuration::from_hours(hours));
        freed += usize::from(say().await == 201);
    }
    assert!(freed <= 1, "it frees nobody");
    said += freed;
    let began = Instant::now();
    while say().await == 429 {
        sleep(Duration::from_millis(100)).await;
    }
    said += 1;
    println!("T19: {said} messages, then one more after {:?}", began.elapsed());
    assert!(began.elapsed() < Duration::from_secs(9), "it locks nobody out");
    wall.stop();
    let (mut seen, began) = (0, Instant::now());
    loop {
        let line = lines.next_line().await.unwrap().expect("a stream that goes on");
        seen += usize::from(line.starts_with("id: "));
        if seen == said && line.starts_with(':') {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(20), "it beats every 15 s");
    }
}

/// T19: who was shown the door stays outside.
#[tokio::test(flavor = "multi_thread")]
async fn t19_a_clock_put_back_lets_nobody_in_again() {
    let wall = WallClock::right();
    let server = Server::start_under(&wall.under(), None, &secret(), &[]).await;
    let (address, password) = (server.address, "correct+horse+battery+staple");
    let post = async |path: &str, cookie: &str, form: &str| {
        let request = format!(
            "POST {path} HTTP/1.0\r\nhost: {address}\r\norigin: http://{address}\r\ncookie: {cookie}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
            form.len()
        );
        let (head, body) =
            exchange(address, &request, Duration::from_secs(5)).await.expect("an answer");
        assert_eq!(head.split(' ').nth(1), Some("303"), "{head} {body}");
        let cookie = head.split("kefu=").nth(1).and_then(|rest| rest.split(';').next());
        format!("kefu={}", cookie.unwrap_or_default())
    };
    let is_let_in = async |cookie: &str| {
        let request =
            format!("GET /desk/me HTTP/1.0\r\nhost: {address}\r\ncookie: {cookie}\r\n\r\n");
        let limit = Duration::from_secs(5);
        ask(address, &request, limit).await.expect("an answer").0 == 200
    };
    let url = server.database_file();
    let add = ["agent", "add", "--email", "ana@shop.example", "--name", "Ana"];
    let link = kefu(&[&add[..], &["--database-url", &url]].concat(), true).await;
    let token = link.trim().split("token=").nth(1).unwrap();
    let first = post("/invite", "", &format!("token={token}&password={password}")).await;
    let sign_in = format!("email=ana@shop.example&password={password}");
    let second = post("/login", "", &sign_in).await;
    assert!(is_let_in(&first).await && is_let_in(&second).await);

    post("/logout", &second, "").await;
    for hours in [-24, 0, 13] {
        assert!(is_let_in(&first).await);
        wall.jump(SignedDuration::from_hours(hours));
        assert_is_off_by(&server, hours).await;
        assert!(!is_let_in(&second).await);
    }
    assert!(!is_let_in(&first).await, "nobody is idle for longer than 12 h");
    for hours in [0, -24] {
        wall.jump(SignedDuration::from_hours(hours));
        assert_is_off_by(&server, hours).await;
        assert!(!is_let_in(&first).await && !is_let_in(&second).await);
        assert!(is_let_in(&post("/login", "", &sign_in).await).await);
    }
    assert_no_surprise(&server);
}

/// T19.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a database that nodes share: tests/run gives PostgreSQL and MariaDB"]
async fn t19_a_node_whose_clock_is_wrong_takes_no_lease_and_thinks_nobody_dead() {
    let database = own_database().await.unwrap();
    let db = Database::connect(&database).await.unwrap();
    let (secret, wall) = (secret(), WallClock::right());
    let metrics = || SocketAddr::from((Ipv4Addr::LOCALHOST, proxy::free_port()));
    let (listen, other_listen) = (metrics(), metrics());
    let more = ["--metrics-listen", &listen.to_string()];
    let right = Server::start(Some(&database), &secret, &more).await;
    let more = ["--metrics-listen", &other_listen.to_string()];
    let mut wrong = Server::start_under(&wall.under(), Some(&database), &secret, &more).await;
    let holder = async || {
        let asked = Statement::from_string(
            db.get_database_backend(),
            "SELECT holder FROM lease WHERE name = 'tidying'",
        );
        db.query_one_raw(asked).await.unwrap().unwrap().try_get_by_index::<String>(0).unwrap()
    };
    let (_, parts) = get(right.address, "/readyz").await.unwrap();
    let me: Value = serde_json::from_str(&parts).unwrap();
    let crowd = Crowd::gather(&[right.address, wrong.address], 20, Duration::from_millis(20)).await;
    for hours in [24, -24] {
        wrong.kill().await;
        wall.jump(SignedDuration::from_hours(hours));
        wrong.start_again();
        wrong.answers().await;
        assert_is_off_by(&wrong, hours).await;
        // The one that was killed counts as alive for 6 s.
        let began = Instant::now();
        for listen in [listen, other_listen] {
            while told(listen, "kefu_nodes ").await != 2 {
                assert!(began.elapsed() < Duration::from_secs(30), "each sees the other");
                sleep(Duration::from_millis(100)).await;
            }
        }
        crowd.goes_on(200).await;
        assert_eq!(told(listen, "kefu_nodes ").await, 2);
        assert_eq!(told(other_listen, "kefu_nodes ").await, 2);
        assert_eq!(holder().await, me["node"].as_str().unwrap());
        shows(&right, &crowd.sends().last().unwrap().1).await;
    }
    let report = crowd.disperse(&database).await;
    judge("T19, two nodes, one of them a day off", &report);
    assert_no_surprise(&right);
    assert_no_surprise(&wrong);
}

async fn assert_is_off_by(server: &Server, hours: i64) {
    let error = error_of(server.address).await.as_secs();
    assert!(error.abs_diff(hours * 3600) < 60, "faketime does not work: {error} s for {hours} h");
}

/// Its page may tell odd times, but it comes.
async fn shows(server: &Server, talk: &crowd::Talk) {
    let asked = format!(
        "GET /c/{} HTTP/1.0\r\nhost: {}\r\ncookie: kefu-v={}\r\n\r\n",
        talk.cid, server.address, talk.token
    );
    let (status, page) =
        ask(server.address, &asked, Duration::from_secs(5)).await.expect("an answer");
    assert!(status == 200 && page.contains("message "), "{status} {page}");
}
