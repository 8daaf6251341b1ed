//! A PostgreSQL or MariaDB server of one's own, durable as it is meant to be run, which can be killed and paused.
use super::proxy::free_port;
use std::{
    path::PathBuf,
    process::{Command as Now, Stdio},
    time::Duration,
};
use tempfile::TempDir;
use tokio::{
    process::{Child, Command},
    time::{sleep, timeout},
};

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Postgres,
    Mariadb,
}

impl Engine {
    /// The one that is being tested; `None` means SQLite, which has no server.
    pub fn tested() -> Option<Self> {
        let url = std::env::var("KEFU_TEST_DATABASE_URL").ok()?;
        Some(if url.starts_with("mysql:") { Self::Mariadb } else { Self::Postgres })
    }

    /// The user it runs as, where we are root: neither server wants to be.
    fn user(self) -> &'static str {
        match self {
            Self::Postgres => "postgres",
            Self::Mariadb => "mysql",
        }
    }
}

pub struct DatabaseServer {
    engine: Engine,
    port: u16,
    process: Child,
    folder: TempDir,
}

impl DatabaseServer {
    pub async fn start(engine: Engine) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap().to_owned();
        if is_root() {
            must(Now::new("chown").args([engine.user(), &path]));
        }
        let data = folder.path().join("data").to_str().unwrap().to_owned();
        let make = match engine {
            Engine::Postgres => {
                vec![
                    postgres("initdb"),
                    "-D".into(),
                    data,
                    "-A".into(),
                    "trust".into(),
                    "-U".into(),
                    "postgres".into(),
                ]
            }
            Engine::Mariadb => vec![
                "mariadb-install-db".into(),
                "--no-defaults".into(),
                format!("--datadir={data}"),
                "--auth-root-authentication-method=normal".into(),
                "--skip-test-db".into(),
            ],
        };
        must(as_user(engine, &make).stdout(Stdio::null()).stderr(Stdio::null()));
        let port = free_port();
        let process = run(engine, &path, port);
        let server = Self { engine, port, process, folder };
        server.answers().await;
        server
    }

    pub fn url(&self) -> String {
        match self.engine {
            Engine::Postgres => format!("postgres://postgres@127.0.0.1:{}/postgres", self.port),
            Engine::Mariadb => format!("mysql://root@127.0.0.1:{}/kefu", self.port),
        }
    }

    /// Like a machine that loses its power, but for what the kernel still holds.
    pub async fn kill(&mut self) {
        self.signal("-KILL");
        self.process.wait().await.unwrap();
    }

    pub async fn start_again(&mut self) {
        let path = self.folder.path().to_str().unwrap().to_owned();
        for attempt in 0.. {
            self.process = run(self.engine, &path, self.port);
            sleep(Duration::from_millis(200)).await;
            // Its children may not all be gone yet.
            if self.process.try_wait().unwrap().is_none() {
                break;
            }
            assert!(attempt < 50, "it does not start again: {}", self.log());
        }
        self.answers().await;
    }

    /// To the server and all its children.
    pub fn signal(&self, signal: &str) {
        let server = self.process.id().expect("it runs").to_string();
        let children = Now::new("pgrep").args(["-P", &server]).output().unwrap().stdout;
        let children = String::from_utf8(children).unwrap();
        must(Now::new("kill").args([signal, &server]));
        // One of them may have left meanwhile.
        let _ = Now::new("kill").arg(signal).args(children.lines()).stderr(Stdio::null()).status();
    }

    pub async fn answers(&self) {
        let ready = match self.engine {
            Engine::Postgres => {
                format!("{} -q -h 127.0.0.1 -p {}", postgres("pg_isready"), self.port)
            }
            Engine::Mariadb => format!(
                "mariadb --no-defaults -h 127.0.0.1 -P {} -u root -e 'CREATE DATABASE IF NOT EXISTS kefu'",
                self.port
            ),
        };
        let answering = async {
            while !Now::new("sh")
                .args(["-c", &ready])
                .stderr(Stdio::null())
                .status()
                .unwrap()
                .success()
            {
                sleep(Duration::from_millis(50)).await;
            }
        };
        assert!(timeout(Duration::from_secs(60), answering).await.is_ok(), "{}", self.log());
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for DatabaseServer {
    fn drop(&mut self) {
        if self.process.id().is_some() {
            self.signal("-KILL");
        }
    }
}

fn run(engine: Engine, folder: &str, port: u16) -> Child {
    let command = match engine {
        Engine::Postgres => vec![
            postgres("postgres"),
            "-D".into(),
            format!("{folder}/data"),
            "-p".into(),
            port.to_string(),
            "-c".into(),
            "listen_addresses=127.0.0.1".into(),
            "-c".into(),
            format!("unix_socket_directories={folder}"),
        ],
        Engine::Mariadb => vec![
            "/usr/sbin/mariadbd".into(),
            "--no-defaults".into(),
            format!("--datadir={folder}/data"),
            format!("--port={port}"),
            "--bind-address=127.0.0.1".into(),
            format!("--socket={folder}/socket"),
            format!("--pid-file={folder}/pid"),
            "--skip-name-resolve".into(),
        ],
    };
    let log =
        std::fs::File::options().create(true).append(true).open(format!("{folder}/log")).unwrap();
    Command::from(as_user(engine, &command))
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .spawn()
        .unwrap()
}

fn as_user(engine: Engine, command: &[String]) -> Now {
    if !is_root() {
        let mut own = Now::new(&command[0]);
        own.args(&command[1..]);
        return own;
    }
    let mut other = Now::new("setpriv");
    let user = engine.user();
    other.args([&format!("--reuid={user}"), &format!("--regid={user}"), "--init-groups"]);
    other.args(command);
    other
}

/// Where Debian keeps PostgreSQL's programs: the newest version.
fn postgres(program: &str) -> String {
    let mut versions: Vec<PathBuf> = std::fs::read_dir("/usr/lib/postgresql")
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    versions.sort();
    versions.last().unwrap().join("bin").join(program).to_str().unwrap().to_owned()
}

fn is_root() -> bool {
    let id = Now::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

fn must(command: &mut Now) {
    assert!(command.status().unwrap().success(), "{command:?}");
}
