//! A NATS server of one's own, which can be killed, paused and started again.
use super::proxy::free_port;
use std::{path::PathBuf, process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

pub struct Nats {
    pub port: u16,
    pub folder: TempDir,
    arguments: Vec<String>,
    process: Child,
}

impl Nats {
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// With lines in its configuration.
    pub async fn with(configuration: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        let file = folder.path().join("nats.conf");
        std::fs::write(&file, configuration).unwrap();
        let log = folder.path().join("log").to_str().unwrap().to_owned();
        let arguments =
            ["-c", file.to_str().unwrap(), "-a", "127.0.0.1", "-p", &port.to_string(), "-l", &log]
                .map(str::to_owned)
                .to_vec();
        let process = run(&arguments);
        let nats = Self { port, folder, arguments, process };
        nats.answers().await;
        nats
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    pub async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    pub async fn start_again(&mut self) {
        self.process = run(&self.arguments);
        self.answers().await;
    }

    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.process.id().unwrap().to_string();
        let sent = std::process::Command::new("kill").args([signal, &pid]).status().unwrap();
        assert!(sent.success());
    }

    async fn answers(&self) {
        let answering = async {
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        if timeout(Duration::from_secs(10), answering).await.is_err() {
            let log = std::fs::read_to_string(self.folder.path().join("log"));
            panic!("NATS did not come up: {log:?}");
        }
    }
}

fn run(arguments: &[String]) -> Child {
    let server = std::env::var_os("KEFU_NATS_SERVER").map_or("nats-server".into(), PathBuf::from);
    Command::new(&server)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", server.display()))
}
