//! A crowd writes and reads while something is killed, paused or cut off again and again (T02–T05); then the checker of
//! `history` says whether what everybody was told can have happened to one log. A few rounds on each change, more by hand:
//! `tests/run --long T02`.
use crate::{
    history::{History, Send, Violation, check, the_checker_sees_what_is_planted},
    support::{
        by_hand,
        cluster::{Server, ask, get, secret},
        crowd::{self, Crowd, Report},
        database::{DatabaseServer, Engine},
        front::Front,
        idle,
        nats::Nats,
        own_database, proxy,
    },
};
use futures_util::future::join_all;
use rand::RngExt;
use sea_orm::{ConnectionTrait, Database};
use std::{
    collections::BTreeSet,
    net::SocketAddr,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    time::{Duration, Instant},
};
use tokio::time::sleep;

/// How often something is done: by hand as often as KEFU_ROUNDS says.
fn rounds(usually: usize) -> usize {
    by_hand("KEFU_ROUNDS").unwrap_or(usually)
}

fn between(least: u64, most: u64) -> Duration {
    Duration::from_millis(rand::rng().random_range(least..most))
}

/// Prints the figures, and fails if anything was lost, doubled, out of order or made up.
#[expect(clippy::print_stdout, reason = "the figures of a test")]
fn judge(what: &str, report: &Report) {
    let History { sends, stored, seen } = &report.history;
    let entries: usize = stored.values().map(Vec::len).sum();
    let found = check(&report.history);
    println!(
        "{what}: {} sends acknowledged, {} attempts without an answer, {entries} stored, {} readers saw {}; a send took {:?} (half), {:?} (99 %), {:?} (all); the longest silence {:?}; violations: {found:?}",
        sends.len(),
        report.pace.unknown,
        seen.len(),
        seen.iter().map(|(_, seen)| seen.len()).sum::<usize>(),
        report.pace.within(0.5),
        report.pace.within(0.99),
        report.pace.within(1.0),
        report.pace.silence,
    );
    assert_eq!(found, BTreeSet::new());
    assert_eq!(entries, sends.len(), "what was never acknowledged was repeated until it was");
    the_checker_sees_what_is_planted(&report.history);
}

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
        let answer = ask(server.address, page, Duration::from_secs(7)).await;
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

/// Equal nodes and where they listen; started all at once: one migrates, the others wait.
async fn three_nodes(database: &str, more: &[&str]) -> (Vec<Server>, Vec<SocketAddr>) {
    let secret = secret();
    let nodes = join_all((0..3).map(|_| Server::start(Some(database), &secret, more))).await;
    let addresses = nodes.iter().map(|node| node.address).collect();
    (nodes, addresses)
}

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
    // 300 ms, or what this machine takes anyway.
    let bound = Duration::from_millis(300).max(calm * 3);
    assert!(report.pace.within(0.99) <= bound, "it slows people: {calm:?} before");
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

/// T13.
#[tokio::test(flavor = "multi_thread")]
async fn t13_readers_who_stop_reading_are_cut_off_and_slow_nobody() {
    let stuck: usize = by_hand("KEFU_READERS").unwrap_or(8);
    let metrics = format!("127.0.0.1:{}", proxy::free_port());
    let more = ["--metrics-listen", metrics.as_str()];
    let server = Server::start(own_database().await.as_deref(), &secret(), &more).await;
    let told = async |name: &str| {
        let (_, text) = get(metrics.parse().unwrap(), "/metrics").await.unwrap();
        let line = text.lines().find(|line| line.starts_with(name)).unwrap().to_owned();
        line.rsplit(' ').next().unwrap().parse::<u64>().unwrap()
    };
    let flood = idle::Flood::begin(server.address, stuck).await;
    let before = server.memory();
    // Long messages, until what is unread fills every buffer on the way.
    let took = flood.fill(400).await;
    let began = Instant::now();
    while told("kefu_slow_closes_total").await < stuck as u64 {
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
    assert!(report.pace.within(1.0) < Duration::from_secs(5));
}

/// T18, its second half: what a power cut would leave, taken again and again.
#[tokio::test(flavor = "multi_thread")]
async fn t18_every_copy_of_the_files_as_a_crash_would_leave_them_holds_what_was_acknowledged() {
    let server = Server::start(None, &secret(), &[]).await;
    let source = PathBuf::from(server.database_file().strip_prefix("sqlite://").unwrap());
    let crowd = Crowd::gather(&[server.address], 20, Duration::from_millis(5)).await;
    let copies = rounds(8);
    for n in 0..copies {
        crowd.goes_on(rand::rng().random_range(1..40)).await;
        let folder = tempfile::tempdir().unwrap();
        let copy = folder.path().join("kefu.db");
        server.signal("-STOP");
        let before = crowd.sends();
        for end in ["", "-wal"] {
            let file = |path: &Path| format!("{}{end}", path.display());
            std::fs::copy(file(&source), file(&copy)).unwrap();
        }
        server.signal("-CONT");
        kefu(&["verify", copy.to_str().unwrap()], true).await;
        let stored = crowd::stored_nonces(&format!("sqlite://{}", copy.display())).await;
        let lost = before.iter().filter(|(nonce, _)| !stored.contains(nonce)).count();
        assert_eq!(lost, 0, "copy {n} has not all of {}", before.len());
    }
    let report = crowd.disperse(&server.database_file()).await;
    judge(&format!("T18, {copies} copies"), &report);
}

/// T24.
#[tokio::test(flavor = "multi_thread")]
async fn t24_a_backup_taken_in_the_midst_of_it_all_is_whole_and_old_cursors_are_told() {
    let (database, secret) = (own_database().await, secret());
    let server = Server::start(database.as_deref(), &secret, &[]).await;
    let url = database.unwrap_or_else(|| server.database_file());
    let crowd = Crowd::gather(&[server.address], 20, Duration::from_millis(5)).await;
    let folder = tempfile::tempdir().unwrap();
    let file = |n: usize| folder.path().join(format!("backup-{n}.db")).display().to_string();
    let mut before = Vec::new();
    for n in 0..rounds(2) {
        crowd.goes_on(200).await;
        before = crowd.sends();
        kefu(&["backup", &file(n), "--database-url", &url], true).await;
        kefu(&["verify", &file(n)], true).await;
        let mode = std::fs::metadata(file(n)).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "a backup is everything people said");
    }
    crowd.goes_on(200).await;
    let last = file(rounds(2) - 1);
    kefu(&["backup", &last, "--database-url", &url], false).await;
    let report = crowd.disperse(&url).await;
    judge("T24, while backups were taken", &report);
    kefu(&["restore", &last, "--database-url", &url], false).await;

    // Into the same engine, and into a file.
    for into in [own_database().await, None] {
        let data = tempfile::tempdir().unwrap();
        let into = into.unwrap_or_else(|| format!("sqlite://{}/kefu.db", data.path().display()));
        let began = Instant::now();
        kefu(&["restore", &last, "--database-url", &into], true).await;
        let took = began.elapsed();
        let restored = Server::start(Some(&into), &secret, &[]).await;
        let stored = crowd::stored_nonces(&into).await;
        println!("T24: {} entries restored in {took:?}", stored.len());
        let lost = before.iter().filter(|(nonce, _)| !stored.contains(nonce)).count();
        assert_eq!(lost, 0, "what was acknowledged before the backup began is in it");
        // Somebody who was there before goes on, and is told that the log is another one.
        let (_, talk) = &before[0];
        assert!(crowd::is_told_to_reload(restored.address, server.address, talk).await);
        assert!(crowd::can_speak(restored.address, talk).await);
    }
}

/// Runs a command of the binary; whether it should be content.
async fn kefu(args: &[&str], content: bool) -> String {
    let folder = tempfile::tempdir().unwrap();
    let output = tokio::process::Command::new(env!("CARGO_BIN_EXE_kefu"))
        .args(args)
        .env("KEFU_DATA_DIR", folder.path())
        .output()
        .await
        .unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned()
        + &String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.success(), content, "{args:?}: {said}");
    said
}

/// The control: what the server acknowledged and then lost in a crash is seen by the checker.
fn a_loss_is_seen(history: &History, lost: &Send) -> bool {
    let mut broken = history.clone();
    let entries = broken.stored.get_mut(&lost.conversation).unwrap();
    entries.retain(|(_, nonce)| *nonce != lost.nonce);
    check(&broken).contains(&Violation::Lost)
}
