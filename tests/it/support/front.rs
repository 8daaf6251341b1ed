//! What people put in front of kefu, set up as the examples in `deploy/` say.
use super::{cluster::get, proxy::free_port};
use std::{net::SocketAddr, process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

pub struct Front {
    pub address: SocketAddr,
    _process: Child,
    _folder: TempDir,
}

impl Front {
    pub async fn haproxy(nodes: &[SocketAddr]) -> Self {
        let mut nodes = nodes.iter();
        let example = include_str!("../../../deploy/haproxy.cfg");
        Self::start("/usr/sbin/haproxy", &["-db", "-f"], |address, _| {
            let line = |line: &str| match line.trim().split(' ').collect::<Vec<_>>()[..] {
                ["bind", ":80"] => format!("  bind {address}\n"),
                ["server", name, _] => format!("  server {name} {}\n", nodes.next().unwrap()),
                _ => format!("{line}\n"),
            };
            example.lines().map(line).collect()
        })
        .await
    }

    pub async fn nginx(node: SocketAddr) -> Self {
        let example = include_str!("../../../deploy/nginx.conf");
        Self::start("/usr/sbin/nginx", &["-c"], |address, folder| {
            let site = example
                .replace("listen 80;", &format!("listen {address};"))
                .replace("server_name kf.example.com;", "")
                .replace("127.0.0.1:3000", &node.to_string());
            format!(
                "daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/error;\nevents {{}}\nhttp {{\naccess_log off;\nclient_body_temp_path {folder}/body;\nproxy_temp_path {folder}/proxy;\n{site}\n}}\n"
            )
        })
        .await
    }

    pub async fn caddy(node: SocketAddr) -> Self {
        let example = include_str!("../../../deploy/Caddyfile");
        let arguments = ["run", "--adapter", "caddyfile", "--config"];
        Self::start("/usr/bin/caddy", &arguments, |address, folder| {
            let site = example
                .replace("kf.example.com", &format!("http://{address}"))
                .replace("127.0.0.1:3000", &node.to_string());
            format!("{{\n\tadmin off\n\tstorage file_system {folder}\n}}\n{site}")
        })
        .await
    }

    async fn start(
        program: &str,
        arguments: &[&str],
        configuration: impl FnOnce(SocketAddr, &str) -> String,
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
        let path = folder.path().to_str().unwrap();
        let file = folder.path().join("configuration");
        std::fs::write(&file, configuration(address, path)).unwrap();
        let log = std::fs::File::create(folder.path().join("log")).unwrap();
        let process = Command::new(program)
            .args(arguments)
            .arg(&file)
            .env("HOME", path)
            .stdout(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("cannot run {program}: {error}"));
        let answering = async {
            while get(address, "/readyz").await.is_none_or(|answer| answer.0 != 200) {
                sleep(Duration::from_millis(20)).await;
            }
        };
        if timeout(Duration::from_secs(20), answering).await.is_err() {
            let log = std::fs::read_to_string(folder.path().join("log"));
            panic!("{program} does not find the nodes: {log:?}");
        }
        Self { address, _process: process, _folder: folder }
    }
}
