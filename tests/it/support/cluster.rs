//! The binary as a process of its own, which can be killed, paused and started again.
use super::{network::Line, proxy::free_port};
use kefu::ids::{encode, random};
use std::{
    env::temp_dir,
    net::{Ipv4Addr, SocketAddr},
    path::Path,
    process::{Command as Now, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

pub struct Server {
    pub address: SocketAddr,
    /// A program that runs it from its next start on, with its arguments: one that leaves it its own process, so that
    /// signals reach it.
    pub under: Vec<String>,
    command: Vec<String>,
    secret: String,
    child: Child,
    folder: TempDir,
}

impl Server {
    /// Over a database, or an SQLite file of its own.
    pub async fn start(database_url: Option<&str>, secret: &str, more: &[&str]) -> Self {
        Self::start_in(Ipv4Addr::LOCALHOST, &[], &temp_dir(), database_url, secret, more).await
    }

    /// With its folder on this disk: data, key and log.
    pub async fn start_on(
        disk: &Path,
        database_url: Option<&str>,
        secret: &str,
        more: &[&str],
    ) -> Self {
        Self::start_in(Ipv4Addr::LOCALHOST, &[], disk, database_url, secret, more).await
    }

    /// In a network of its own, where it listens at the other end of a line.
    pub async fn start_behind(
        line: &Line,
        database_url: Option<&str>,
        secret: &str,
        more: &[&str],
    ) -> Self {
        let network = ["ip", "netns", "exec", &line.network];
        Self::start_in(line.there, &network, &temp_dir(), database_url, secret, more).await
    }

    /// By another program, as in [`Server::under`].
    pub async fn start_under(
        under: &[String],
        database_url: Option<&str>,
        secret: &str,
        more: &[&str],
    ) -> Self {
        let under: Vec<_> = under.iter().map(String::as_str).collect();
        Self::start_in(Ipv4Addr::LOCALHOST, &under, &temp_dir(), database_url, secret, more).await
    }

    async fn start_in(
        host: Ipv4Addr,
        under: &[&str],
        disk: &Path,
        database_url: Option<&str>,
        secret: &str,
        more: &[&str],
    ) -> Self {
        let folder = tempfile::tempdir_in(disk).unwrap();
        let address = SocketAddr::from((host, free_port()));
        let listen = address.to_string();
        let mut command = vec!["--listen", &listen];
        command.extend(["--data-dir", folder.path().to_str().unwrap()]);
        command.extend(database_url.iter().flat_map(|url| ["--database-url", url]));
        if !more.contains(&"--rate-limits") {
            command.extend(["--rate-limits", "off"]);
        }
        command.extend(more);
        let command: Vec<_> = command.into_iter().map(str::to_owned).collect();
        let under: Vec<String> = under.iter().copied().map(str::to_owned).collect();
        let secret = secret.to_owned();
        let child = run(&under, &command, &secret, &folder);
        let mut server = Self { address, under, command, secret, child, folder };
        // A start that was cut off from its database is tried again, as by whatever supervises servers.
        for attempt in 0.. {
            if server.answered().await {
                break;
            }
            assert!(attempt < 20, "it does not come up: {}", server.log());
            let _ = server.child.kill().await;
            server.start_again();
        }
        server
    }

    /// Where it keeps its SQLite file.
    pub fn database_file(&self) -> String {
        format!("sqlite://{}", self.folder.path().join("kefu.db").display())
    }

    /// Resident memory in KiB.
    pub fn memory(&self) -> u64 {
        let pid = self.child.id().expect("it runs");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).unwrap();
        line.split_whitespace().nth(1).unwrap().parse().unwrap()
    }

    /// How many files it has open, and how many threads.
    pub fn files_and_threads(&self) -> [usize; 2] {
        let pid = self.child.id().expect("it runs");
        let count = |what| std::fs::read_dir(format!("/proc/{pid}/{what}")).unwrap().count();
        [count("fd"), count("task")]
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    /// With the same settings, at the same address.
    pub fn start_again(&mut self) {
        self.child = run(&self.under, &self.command, &self.secret, &self.folder);
    }

    pub fn signal(&self, signal: &str) {
        let pid = self.child.id().expect("it runs").to_string();
        assert!(Now::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    /// Waits until it has left by itself; whether it was content.
    pub async fn left(&mut self) -> bool {
        self.child.wait().await.unwrap().success()
    }

    pub async fn answers(&mut self) {
        assert!(self.answered().await, "it does not come up: {}", self.log());
    }

    /// False if it left instead.
    async fn answered(&mut self) -> bool {
        let answering = async {
            while get(self.address, "/readyz").await.is_none_or(|answer| answer.0 != 200) {
                if self.child.try_wait().unwrap().is_some() {
                    return false;
                }
                sleep(Duration::from_millis(10)).await;
            }
            true
        };
        timeout(Duration::from_secs(60), answering).await.unwrap_or(false)
    }
}

/// The key that several nodes share.
pub fn secret() -> String {
    encode(&random::<32>())
}

fn run(under: &[String], command: &[String], secret: &str, folder: &TempDir) -> Child {
    let log = std::fs::File::options().create(true).append(true).open(folder.path().join("log"));
    // Long runs try it as it is released.
    let binary = std::env::var("KEFU_BIN").unwrap_or_else(|_| env!("CARGO_BIN_EXE_kefu").into());
    let mut all = under.iter().chain([&binary]).chain(command);
    let mut kefu = Command::new(all.next().expect("the binary at least"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("KEFU_")) {
        kefu.env_remove(name);
    }
    kefu.args(all)
        .env("KEFU_SECRET_KEY", secret)
        .stdout(Stdio::null())
        .stderr(log.unwrap())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {under:?} kefu: {error}"))
}

/// How long an answer may take until it counts as lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// Status and body; `None` if no answer came.
pub async fn get(server: SocketAddr, path: &str) -> Option<(u16, String)> {
    ask(server, &format!("GET {path} HTTP/1.0\r\nhost: {server}\r\n\r\n"), PATIENCE).await
}

/// What a server that tells its metrics there counts under a name.
pub async fn told(metrics: SocketAddr, name: &str) -> u64 {
    let (_, text) = get(metrics, "/metrics").await.expect("metrics");
    let line = text.lines().find(|line| line.starts_with(name)).expect("a metric of this name");
    line.rsplit(' ').next().unwrap().parse().unwrap()
}

/// The same of a JSON body sent with a token.
pub async fn post(
    server: SocketAddr,
    path: &str,
    token: &str,
    body: &serde_json::Value,
) -> Option<(u16, serde_json::Value)> {
    let body = body.to_string();
    let request = format!(
        "POST {path} HTTP/1.0\r\nhost: {server}\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let (status, body) = ask(server, &request, PATIENCE).await?;
    Some((status, serde_json::from_str(&body).ok()?))
}

/// The same, of any request.
pub async fn ask(server: SocketAddr, request: &str, limit: Duration) -> Option<(u16, String)> {
    let (head, body) = exchange(server, request, limit).await?;
    Some((head.split(' ').nth(1)?.parse().ok()?, body))
}

/// Head and body of an answer.
pub async fn exchange(
    server: SocketAddr,
    request: &str,
    limit: Duration,
) -> Option<(String, String)> {
    let asking = async {
        let mut stream = TcpStream::connect(server).await.ok()?;
        stream.write_all(request.as_bytes()).await.ok()?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.ok()?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n")?;
        let length = head.to_ascii_lowercase();
        let length = length.split("content-length: ").nth(1).and_then(|rest| rest.lines().next());
        // Cut in the middle is no answer.
        if length.is_some_and(|length| length.trim().parse() != Ok(body.len())) {
            return None;
        }
        Some((head.to_owned(), body.to_owned()))
    };
    timeout(limit, asking).await.ok().flatten()
}
