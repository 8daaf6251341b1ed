//! A server of one's own that speaks S3 and checks signatures (rclone over a folder), which can be killed, paused and started again.
use super::proxy::free_port;
use std::{path::PathBuf, process::Stdio, time::Duration};
use tempfile::TempDir;
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

pub struct S3 {
    pub port: u16,
    /// A folder for each bucket.
    pub folder: TempDir,
    process: Child,
}

/// The only bucket there is.
pub const BUCKET: &str = "kefu";

impl S3 {
    /// Takes the credentials of this process, which kefu uses.
    pub async fn start() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let process = run(port, &folder);
        let s3 = Self { port, folder, process };
        s3.answers().await;
        s3
    }

    pub fn url(&self) -> String {
        self.url_of(BUCKET)
    }

    pub fn url_of(&self, bucket: &str) -> String {
        format!("s3://{bucket}/shop?endpoint=http://127.0.0.1:{}&region=us-east-1", self.port)
    }

    /// How many files it has.
    pub fn kept(&self) -> usize {
        let Ok(folders) = std::fs::read_dir(self.folder.path().join(BUCKET).join("shop")) else {
            return 0;
        };
        let folders = folders.filter(|found| found.as_ref().unwrap().path().is_dir());
        folders.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count()).sum()
    }

    pub async fn kill(&mut self) {
        self.process.kill().await.unwrap();
    }

    pub async fn start_again(&mut self) {
        self.process = run(self.port, &self.folder);
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
            panic!("rclone did not come up");
        }
    }
}

fn run(port: u16, folder: &TempDir) -> Child {
    let server = std::env::var_os("KEFU_RCLONE").map_or("rclone".into(), PathBuf::from);
    let known = |name| {
        std::env::var(name).unwrap_or_else(|_| panic!("tests/run gives {name}; give it, too"))
    };
    let key = format!("{},{}", known("AWS_ACCESS_KEY_ID"), known("AWS_SECRET_ACCESS_KEY"));
    Command::new(&server)
        .args(["serve", "s3", "--auth-key", &key, "--addr", &format!("127.0.0.1:{port}")])
        // What was written a moment ago is seen.
        .args(["--dir-cache-time", "0s", "--config", ""])
        .arg(folder.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", server.display()))
}
