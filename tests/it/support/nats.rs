//! A NATS server of one's own.
use super::{daemon::Daemon, proxy::free_port};
use std::ops::{Deref, DerefMut};
use tempfile::TempDir;

pub struct Nats {
    _folder: TempDir,
    daemon: Daemon,
}

impl Nats {
    pub async fn start() -> Self {
        Self::with("").await
    }

    /// With lines in its configuration.
    pub async fn with(configuration: &str) -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port().to_string());
        let file = folder.path().join("nats.conf");
        std::fs::write(&file, configuration).unwrap();
        let log = folder.path().join("log");
        let (file, log) = (file.to_str().unwrap(), log.to_str().unwrap());
        let arguments = ["-c", file, "-a", "127.0.0.1", "-p", &port, "-l", log];
        let port = port.parse().unwrap();
        let daemon = Daemon::start("KEFU_NATS_SERVER", "nats-server", port, &arguments).await;
        Self { _folder: folder, daemon }
    }

    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }
}

impl Deref for Nats {
    type Target = Daemon;

    fn deref(&self) -> &Daemon {
        &self.daemon
    }
}

impl DerefMut for Nats {
    fn deref_mut(&mut self) -> &mut Daemon {
        &mut self.daemon
    }
}
