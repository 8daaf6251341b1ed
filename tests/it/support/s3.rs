//! A server of one's own that speaks S3 and checks signatures: s3s-fs over a folder.
use super::{daemon::Daemon, proxy::free_port};
use std::ops::{Deref, DerefMut};
use tempfile::TempDir;

pub struct S3 {
    /// A folder for each bucket.
    pub folder: TempDir,
    daemon: Daemon,
}

/// The only bucket there is.
const BUCKET: &str = "kefu";

impl S3 {
    /// With the credentials of this process, which kefu uses as well.
    pub async fn start() -> Self {
        let (folder, port) = (tempfile::tempdir().unwrap(), free_port());
        std::fs::create_dir(folder.path().join(BUCKET)).unwrap();
        let known = |name| {
            std::env::var(name).unwrap_or_else(|_| panic!("tests/run gives {name}; give it, too"))
        };
        let (key, secret) = (known("AWS_ACCESS_KEY_ID"), known("AWS_SECRET_ACCESS_KEY"));
        let (listen, path) = (port.to_string(), folder.path().to_str().unwrap());
        let arguments = ["--host", "127.0.0.1", "--port", &listen];
        let arguments = [&arguments[..], &["--access-key", &key, "--secret-key", &secret, path]];
        let daemon = Daemon::start("KEFU_S3_SERVER", "s3s-fs", port, &arguments.concat()).await;
        Self { folder, daemon }
    }

    pub fn url(&self) -> String {
        format!("s3://{BUCKET}/shop?endpoint=http://127.0.0.1:{}&region=us-east-1", self.port)
    }

    /// How many files it has.
    pub fn kept(&self) -> usize {
        let Ok(folders) = std::fs::read_dir(self.folder.path().join(BUCKET).join("shop")) else {
            return 0;
        };
        let folders = folders.filter(|found| found.as_ref().unwrap().path().is_dir());
        folders.map(|folder| std::fs::read_dir(folder.unwrap().path()).unwrap().count()).sum()
    }
}

impl Deref for S3 {
    type Target = Daemon;

    fn deref(&self) -> &Daemon {
        &self.daemon
    }
}

impl DerefMut for S3 {
    fn deref_mut(&mut self) -> &mut Daemon {
        &mut self.daemon
    }
}
