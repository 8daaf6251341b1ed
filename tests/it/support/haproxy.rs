//! HAProxy as `deploy/haproxy.cfg` sets it up, in front of nodes of ours.
use super::{cluster::get, proxy::free_port};
use std::{net::SocketAddr, process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

pub struct Haproxy {
    pub address: SocketAddr,
    _process: Child,
    _folder: TempDir,
}

impl Haproxy {
    pub async fn start(nodes: &[SocketAddr]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let mut nodes = nodes.iter();
        let lines = include_str!("../../../deploy/haproxy.cfg").lines().map(|line| {
            match line.trim().split(' ').collect::<Vec<_>>()[..] {
                ["bind", ":80"] => format!("  bind {address}"),
                ["server", name, _] => format!("  server {name} {}", nodes.next().unwrap()),
                _ => line.to_owned(),
            }
        });
        let file = folder.path().join("haproxy.cfg");
        std::fs::write(&file, lines.collect::<Vec<_>>().join("\n") + "\n").unwrap();
        let process = Command::new("/usr/sbin/haproxy")
            .args(["-db", "-f", file.to_str().unwrap()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let answering = async {
            while get(address, "/readyz").await.is_none_or(|answer| answer.0 != 200) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        timeout(Duration::from_secs(20), answering).await.expect("HAProxy finds the nodes");
        Self { address, _process: process, _folder: folder }
    }
}
