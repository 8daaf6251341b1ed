//! Nothing is broken, and nothing may grow (T23).
use super::*;
use sea_orm::Statement;

/// What must not grow while people come and go.
#[derive(Debug)]
struct Sample {
    /// Resident, in KiB.
    memory: u64,
    files: usize,
    threads: usize,
    streams: u64,
    /// Of sessions, leases and nodes.
    rows: i64,
}

/// T23.
#[tokio::test(flavor = "multi_thread")]
async fn t23_a_server_where_people_come_and_go_does_not_grow() {
    let minutes = by_hand("KEFU_MINUTES").unwrap_or(0.3);
    let database = own_database().await;
    let metrics = SocketAddr::from((Ipv4Addr::LOCALHOST, proxy::free_port()));
    let more = ["--metrics-listen", &metrics.to_string()];
    let server = Server::start(database.as_deref(), &secret(), &more).await;
    let url = database.unwrap_or_else(|| server.database_file());
    let crowd = Crowd::gather(&[server.address], 10, Duration::from_secs(1)).await;
    let passing = idle::PassersBy::begin(server.address, &crowd.talks);

    let look = async || {
        let [files, threads] = server.files_and_threads();
        let streams = told(metrics, "kefu_streams_open").await;
        Sample { memory: server.memory(), files, threads, streams, rows: rows(&url).await }
    };
    let mut samples = Vec::new();
    for n in 0..=12 {
        sleep(Duration::from_secs_f64(minutes * 60.0 / 13.0)).await;
        let sample = look().await;
        println!("T23, {n:2}: {sample:?}");
        samples.push(sample);
    }
    let came = passing.go_home().await;
    let report = crowd.disperse(&url).await;
    judge(&format!("T23, {minutes} minutes, {came} readers came and went"), &report);
    let began = Instant::now();
    while told(metrics, "kefu_streams_open").await > 0 {
        assert!(began.elapsed() < Duration::from_secs(10), "streams of people who are gone");
        sleep(Duration::from_millis(50)).await;
    }
    // Once caches are warm: 10 KiB for each who came would be noticed on each change, 1 MiB in ten minutes by hand.
    let (warm, end) = (&samples[4], &samples[12]);
    assert!(end.memory < warm.memory + 4 * 1024 + (minutes * 100.0) as u64);
    // As many more as may just be coming or going.
    assert!(end.streams < warm.streams + 20 && end.files < warm.files + 40);
    assert!(end.threads < warm.threads + 8);
    assert_eq!(end.rows, warm.rows);
}

async fn rows(url: &str) -> i64 {
    let db = Database::connect(url).await.unwrap();
    let count = "SELECT (SELECT COUNT(*) FROM session) + (SELECT COUNT(*) FROM lease) + (SELECT COUNT(*) FROM node) AS n";
    let count = Statement::from_string(db.get_database_backend(), count);
    let rows = db.query_one_raw(count).await.unwrap().unwrap().try_get("", "n").unwrap();
    db.close().await.unwrap();
    rows
}
