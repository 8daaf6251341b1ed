//! What is on the disk, and a disk that takes no more (T17, T18, T24).
use super::*;

/// T17.
#[tokio::test(flavor = "multi_thread")]
async fn t17_a_full_disk_acknowledges_nothing_it_cannot_keep_and_takes_it_once_there_is_room() {
    let disk = SmallDisk::mount(16);
    let mut server = Server::start_on(disk.path(), None, &secret(), &[]).await;
    let crowd = Crowd::gather(&[server.address], 20, Duration::from_millis(20)).await;
    let mut back = Vec::new();
    for _ in 0..rounds(2) {
        crowd.goes_on(100).await;
        assert_eq!(warnings(&server).await, [""; 0]);
        disk.fill();
        crowd.is_refused(20).await;
        refuses_words_and_lets_people_read(&server, &crowd.sends()[0].1).await;
        assert!(warnings(&server).await[0].contains("disk"));
        disk.relieve();
        let began = Instant::now();
        crowd.goes_on(1).await;
        back.push(began.elapsed());
    }
    crowd.goes_on(100).await;
    let report = crowd.disperse(&server.database_file()).await;
    judge(&format!("T17, full {} times", rounds(2)), &report);
    println!("T17: acknowledged again after {back:?}");
    assert!(back.iter().all(|took| *took < Duration::from_secs(10)));
    assert_no_surprise(&server);
    server.kill().await;
    kefu(&["verify", server.database_file().strip_prefix("sqlite://").unwrap()], true).await;
}

/// Of whoever is in a conversation there: programs and forms are told to come back, and what was typed is not lost.
async fn refuses_words_and_lets_people_read(server: &Server, talk: &crowd::Talk) {
    let entries = format!("/api/v1/conversations/{}/entries", talk.cid);
    let message = json!({ "nonce": Nonce::new(), "body": "x".repeat(5_000) });
    let (status, answer) =
        post(server.address, &entries, &talk.token, &message).await.expect("an answer");
    assert_eq!((status, &answer["error"]["code"]), (503, &json!("unavailable")), "{answer}");

    let known = format!(
        "host: {0}\r\norigin: http://{0}\r\ncookie: kefu-v={1}\r\nauthorization: Bearer {1}",
        server.address, talk.token
    );
    let form = format!("nonce={}&body={}", Nonce::new(), "kept+".repeat(1_000));
    let posted = format!(
        "POST /c/{}/messages HTTP/1.0\r\n{known}\r\ncontent-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n{form}",
        talk.cid,
        form.len()
    );
    let limit = Duration::from_secs(5);
    let (status, page) = ask(server.address, &posted, limit).await.expect("an answer");
    assert!(status == 503 && page.contains(&"kept ".repeat(1_000)), "{status} {page}");

    for path in [&format!("/c/{}", talk.cid), &entries, "/healthz"] {
        let asked = format!("GET {path} HTTP/1.0\r\n{known}\r\n\r\n");
        let (status, page) = ask(server.address, &asked, limit).await.expect("an answer");
        assert_eq!(status, 200, "{path}: {page}");
    }
    let stream = format!("/c/{}/events?after=0", talk.cid);
    let mut lines = crowd::begin(server.address, &stream, &talk.token).await.expect("a stream");
    while lines.next_line().await.unwrap().expect("a stream that goes on") != "event: synced" {}
}

/// What `/readyz` warns of.
async fn warnings(server: &Server) -> Vec<String> {
    let (status, parts) = get(server.address, "/readyz").await.expect("an answer");
    assert_eq!(status, 200, "what can still be read is worth sending people to");
    let parts: Value = serde_json::from_str(&parts).unwrap();
    serde_json::from_value(parts["warnings"].clone()).unwrap()
}

/// T18, its first half: what is not written or not synced is not acknowledged, whatever SQLite believes afterwards.
#[tokio::test(flavor = "multi_thread")]
async fn t18_writes_and_syncs_that_fail_acknowledge_nothing_that_is_not_there() {
    let mut server = Server::start(None, &secret(), &[]).await;
    let crowd = Crowd::gather(&[server.address], 20, Duration::from_millis(5)).await;
    let folder = tempfile::tempdir().unwrap();
    let mut failed = BTreeMap::from([("sync", 0), ("write", 0)]);
    for round in 0..rounds(2) {
        let told = folder.path().join(round.to_string());
        let error = if round % 2 == 0 { "EIO" } else { "ENOSPC" };
        server.kill().await;
        server.under = failing_disk(&told, error);
        server.start_again();
        server.answers().await;
        crowd.goes_on(200).await;
        let before = crowd.sends();
        server.kill().await;
        server.under.clear();
        server.start_again();
        server.answers().await;
        let stored = crowd::stored_nonces(&server.database_file()).await;
        let lost = before.iter().filter(|(nonce, _)| !stored.contains(nonce)).count();
        assert_eq!(lost, 0, "of {} acknowledged", before.len());
        for line in std::fs::read_to_string(told).unwrap().lines() {
            if line.contains("(INJECTED)") {
                *failed.get_mut(if line.contains("sync(") { "sync" } else { "write" }).unwrap() +=
                    1;
            }
        }
    }
    let report = crowd.disperse(&server.database_file()).await;
    judge(&format!("T18, {} rounds of a failing disk", rounds(2)), &report);
    println!("T18: failed {failed:?}");
    assert!(failed.values().all(|times| *times > 0) && report.pace.unknown > 0);
    assert_no_surprise(&server);
    server.kill().await;
    kefu(&["verify", server.database_file().strip_prefix("sqlite://").unwrap()], true).await;
}

/// Runs a server whose every fourth sync and every fortieth write of a thread fails; tells of them in a file. A connection that
/// failed is replaced by one with a thread of its own, which counts anew.
fn failing_disk(told: &Path, error: &str) -> Vec<String> {
    let strace =
        "strace -D -f --seccomp-bpf -qq -Z -e signal=none -e trace=fsync,fdatasync,pwrite64";
    let mut all: Vec<_> = strace.split(' ').map(str::to_owned).collect();
    all.extend(["-o".into(), told.display().to_string()]);
    for (calls, when) in [("fsync,fdatasync", "4+4"), ("pwrite64", "40+40")] {
        all.extend(["-e".into(), format!("inject={calls}:error={error}:when={when}")]);
    }
    all
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
