//! The examples in `deploy/`, tried with the programs they are for.
use crate::support::{
    checker::check,
    cluster::{Server, get, secret},
    container::Buildah,
    crowd::Crowd,
    front::Front,
    proxy::free_port,
};
use std::{collections::BTreeSet, net::SocketAddr, path::Path, process::Command, time::Duration};
use tokio::time::{sleep, timeout};

const DEPLOY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy");

/// Whether people write and read through it, over streams, sockets and waiting requests, without anything being lost; and, once
/// of three, without anything being asked for again: a machine that stands still for five seconds is no proxy's fault.
async fn carries(what: &str, front: impl AsyncFn(SocketAddr) -> Front) {
    let mut failed = Vec::new();
    while failed.len() < 3 {
        let server = Server::start(None, &secret(), &["--trusted-proxy", "127.0.0.1/32"]).await;
        let front = front(server.address).await;
        let crowd = Crowd::gather(&[front.address], 5, Duration::from_millis(10)).await;
        crowd.goes_on(100).await;
        let report = crowd.disperse(&server.database_file()).await;
        assert_eq!(check(&report.history), BTreeSet::new(), "{what}");
        if report.pace.unknown == 0 {
            return;
        }
        failed.push(report.pace.unknown);
    }
    panic!("{what} fails something each time: {failed:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn nginx_as_the_example_says_carries_everything() {
    carries("nginx", Front::nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn caddy_as_the_example_says_carries_everything() {
    carries("Caddy", Front::caddy).await;
}

#[test]
fn systemd_finds_nothing_to_complain_of_in_the_unit() {
    let unit = std::fs::read_to_string(format!("{DEPLOY}/kefu.service")).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kefu.service");
    std::fs::write(&file, unit.replace("/usr/local/bin/kefu", env!("CARGO_BIN_EXE_kefu"))).unwrap();
    let found = Command::new("systemd-analyze").arg("verify").arg(&file).output().unwrap();
    let said = String::from_utf8_lossy(&found.stderr).into_owned();
    let ours: Vec<_> = said.lines().filter(|line| line.contains("kefu.service")).collect();
    assert!(found.status.success() && ours.is_empty(), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_container_file_makes_a_container_that_serves_and_leaves_when_told() {
    let buildah = Buildah::with_base_images();
    let container = buildah.build(&Path::new(DEPLOY).join("Containerfile"));
    let address = format!("127.0.0.1:{}", free_port());
    let mut running = buildah.start(&container, &format!("KEFU_LISTEN={address}"));
    let ready = async {
        while get(address.parse().unwrap(), "/readyz").await.is_none_or(|answer| answer.0 != 200) {
            sleep(Duration::from_millis(50)).await;
        }
    };
    timeout(Duration::from_secs(60), ready).await.expect("it serves");
    let pid = running.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    running.wait().unwrap();
    assert_eq!(get(address.parse().unwrap(), "/healthz").await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn rules_and_dashboard_ask_for_what_kefu_counts() {
    let rules = format!("{DEPLOY}/prometheus-rules.yml");
    let checked = Command::new("promtool").args(["check", "rules", &rules]).output().unwrap();
    assert!(checked.status.success(), "{checked:?}");

    let address = format!("127.0.0.1:{}", free_port());
    let server = Server::start(None, &secret(), &["--metrics-listen", &address]).await;
    get(server.address, "/").await.unwrap();
    let (_, told) = get(address.parse().unwrap(), "/metrics").await.unwrap();
    let names: BTreeSet<_> = told
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE "))
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect();
    let asked = std::fs::read_to_string(format!("{DEPLOY}/prometheus-rules.yml")).unwrap()
        + &std::fs::read_to_string(format!("{DEPLOY}/grafana-dashboard.json")).unwrap();
    for word in asked.split(|c: char| !c.is_ascii_alphanumeric() && c != '_') {
        if !word.starts_with("kefu_") {
            continue;
        }
        let ends = ["_total", "_bucket", "_count", "_sum"];
        let name = ends.iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word);
        assert!(names.contains(name), "{word} is asked for and not told: {names:?}");
    }
    let dashboard = std::fs::read_to_string(format!("{DEPLOY}/grafana-dashboard.json")).unwrap();
    serde_json::from_str::<serde_json::Value>(&dashboard).unwrap();
}
