//! Every setting is a flag and an environment variable of the same name; `kefu serve --help` is the reference.
use anyhow::{Context, bail};
use clap::{Args, ValueEnum};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use std::{
    fmt, fs,
    io::{ErrorKind, Write},
    net::SocketAddr,
    path::{Path, PathBuf},
    str::FromStr,
    sync::Arc,
    time::Duration,
};
use subtle::ConstantTimeEq;

#[derive(Args, Clone, Debug)]
pub struct Config {
    /// Where to listen for HTTP.
    #[arg(long, env = "KEFU_LISTEN", default_value = "127.0.0.1:3000", value_name = "ADDRESS")]
    pub listen: SocketAddr,

    /// Folder of the embedded database and the installation's key; made if missing.
    #[arg(long, env = "KEFU_DATA_DIR", default_value = "./data", value_name = "FOLDER")]
    pub data_dir: PathBuf,

    /// `postgres://…` or `mysql://…`; the default is SQLite, `kefu.db` in the data folder.
    #[arg(long, env = "KEFU_DATABASE_URL", value_name = "URL", hide_env_values = true)]
    pub database_url: Option<String>,

    /// How long a request waits for a connection to the database before it is told to come back; as a whole it has 5 s.
    #[arg(long, env = "KEFU_DATABASE_WAIT", default_value_t = 2, value_name = "SECONDS",
        value_parser = clap::value_parser!(u32).range(1..=4))]
    pub database_wait: u32,

    /// Where files that people send are kept: `s3://bucket/prefix?endpoint=https://…&region=…`, of any server that speaks S3, with the
    /// credentials of AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. By default in the folder `files` of the data folder.
    #[arg(long, env = "KEFU_FILES_URL", value_name = "URL")]
    pub files_url: Option<String>,

    /// Joins nodes over one database: `nats://host:4222` or `tls://…`, with `user:password@` or `token@`; several separated by commas.
    #[arg(long, env = "KEFU_NATS_URL", value_name = "URL", hide_env_values = true)]
    pub nats_url: Option<String>,

    /// A NATS credentials file.
    #[arg(long, env = "KEFU_NATS_CREDENTIALS", value_name = "FILE", requires = "nats_url")]
    pub nats_credentials: Option<PathBuf>,

    /// Certificates of the authority that signed the NATS servers', if the system does not know it.
    #[arg(long, env = "KEFU_NATS_CA", value_name = "FILE", requires = "nats_url")]
    pub nats_ca: Option<PathBuf>,

    /// The address people use, such as `https://kf.example.com`; by default made from `--listen`.
    #[arg(long, env = "KEFU_PUBLIC_URL", value_name = "URL")]
    pub public_url: Option<String>,

    /// Networks of proxies whose `X-Forwarded-For` is believed, such as `10.0.0.0/8`; repeat or separate by commas.
    #[arg(
        long = "trusted-proxy",
        env = "KEFU_TRUSTED_PROXIES",
        value_delimiter = ',',
        value_name = "NETWORK"
    )]
    pub trusted_proxies: Vec<ipnet::IpNet>,

    /// At least 32 characters, the same on all nodes; `new,old` while rotating. By default made once in the data folder.
    #[arg(long, env = "KEFU_SECRET_KEY", value_name = "KEY", hide_env_values = true)]
    pub secret_key: Option<String>,

    /// `off` is for load tests on loopback; the caps on streams and sizes stay.
    #[arg(long, env = "KEFU_RATE_LIMITS", default_value = "on", value_name = "on|off")]
    pub rate_limits: Switch,

    /// Streams and sockets that one visitor, or one sign-in of an agent, may have open.
    #[arg(long, env = "KEFU_STREAMS_EACH", default_value_t = 10, value_name = "N",
        value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub streams_each: u32,

    /// How long an agent who is gone without having said so keeps her conversations; then they go back to the queue. 0 keeps
    /// them for ever.
    #[arg(long, env = "KEFU_SEAT_SECONDS", default_value_t = 60, value_name = "SECONDS")]
    pub seat_seconds: u32,

    /// How long a visitor waits until that stands out in the lists (amber), and until it stands out more (red).
    #[arg(long, env = "KEFU_WAITING_SECONDS", default_value = "60,180", value_name = "SOON,LATE")]
    pub waiting_seconds: Waits,

    /// How long a node that was asked to stop goes on accepting while `/readyz` already says no: what a load balancer needs
    /// to notice.
    #[arg(long, env = "KEFU_SHUTDOWN_DELAY", default_value_t = 0, value_name = "SECONDS")]
    pub shutdown_delay: u16,

    /// Where to answer `GET /metrics`, for Prometheus; by default nowhere.
    #[arg(long, env = "KEFU_METRICS_LISTEN", value_name = "ADDRESS")]
    pub metrics_listen: Option<SocketAddr>,

    /// Closed conversations are forgotten after so many months, and visitors with them; 0 keeps them for ever.
    #[arg(long, env = "KEFU_RETENTION_MONTHS", default_value_t = 24, value_name = "MONTHS")]
    pub retention_months: u32,

    /// Rows of what was said of late that a search looks at one by one, before it asks the index of a server for the older ones.
    /// No setting: it changes how long a search takes, never what it finds, and a test sees to that with a smaller one.
    #[arg(skip = 10_000u32)]
    pub search_span: u32,

    /// How the log is written; by default `pretty` on a terminal, else `json`.
    #[arg(long, env = "KEFU_LOG_FORMAT", value_name = "pretty|json")]
    pub log_format: Option<LogFormat>,
}

/// After how many seconds it is soon time to answer, and after how many it is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waits {
    pub soon: u32,
    pub late: u32,
}

impl FromStr for Waits {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let seconds = |text: &str| text.trim().parse().ok();
        text.split_once(',')
            .and_then(|(soon, late)| Some(Self { soon: seconds(soon)?, late: seconds(late)? }))
            .filter(|waits| waits.soon <= waits.late)
            .ok_or("must be two numbers of seconds, the smaller one first, such as 60,180")
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    On,
    Off,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    Pretty,
    Json,
}

impl Config {
    pub fn database_url(&self) -> String {
        let embedded = || format!("sqlite://{}", self.data_dir.join("kefu.db").display());
        self.database_url.clone().unwrap_or_else(embedded)
    }

    pub fn database_wait(&self) -> Duration {
        Duration::from_secs(self.database_wait.into())
    }

    /// Scheme and host people use, without a slash at the end.
    pub fn public_url(&self) -> String {
        let local = || format!("http://{}", self.listen);
        self.public_url.clone().map_or_else(local, |url| url.trim_end_matches('/').to_owned())
    }

    pub fn shutdown_delay(&self) -> Duration {
        Duration::from_secs(self.shutdown_delay.into())
    }

    /// `None` if nobody ever loses a seat.
    pub fn seat(&self) -> Option<Duration> {
        (self.seat_seconds > 0).then(|| Duration::from_secs(self.seat_seconds.into()))
    }

    pub fn is_https(&self) -> bool {
        self.public_url().starts_with("https://")
    }

    /// Whether it is reached over https under a name that it shares with nobody: beside a port of its own something may stand that speaks no https.
    pub fn has_its_name(&self) -> bool {
        self.public_url().strip_prefix("https://").is_some_and(|host| !host.contains(':'))
    }

    /// Refuses settings that would only fail later, in words that say what to do.
    pub fn check(&self) -> anyhow::Result<()> {
        if let Some(given) = &self.public_url {
            let url = url::Url::parse(given)
                .with_context(|| format!("--public-url {given} is no address"))?;
            if !matches!(url.scheme(), "http" | "https")
                || url.host().is_none()
                || url.path() != "/"
            {
                bail!("--public-url {given} must look like https://kf.example.com, without a path");
            }
        }
        let url = self.database_url();
        if !["sqlite:", "postgres:", "postgresql:", "mysql:"]
            .iter()
            .any(|scheme| url.starts_with(scheme))
        {
            bail!("--database-url must begin with postgres://, mysql:// or sqlite://");
        }
        if self.nats_url.is_some() && url.starts_with("sqlite:") {
            bail!(
                "--nats-url joins several nodes, which needs a database they share: give --database-url postgres://… or mysql://… too"
            );
        }
        Ok(())
    }

    /// Makes the data folder, which nobody else may look into, unless it is there.
    pub fn make_data_dir(&self) -> anyhow::Result<()> {
        let mut folder = fs::DirBuilder::new();
        folder.recursive(true);
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
        let path = &self.data_dir;
        folder
            .create(path)
            .with_context(|| format!("cannot make the data folder {}", path.display()))
    }

    /// The installation's key: as given, else from `secret.key` in the data folder, which is made with mode 0600.
    pub fn secret_key(&self) -> anyhow::Result<SecretKey> {
        let text = match &self.secret_key {
            Some(text) => text.clone(),
            None => key_file(&self.data_dir.join("secret.key"))?,
        };
        SecretKey::parse(&text)
    }
}

fn key_file(path: &Path) -> anyhow::Result<String> {
    let fresh = crate::ids::encode(&crate::ids::random::<32>());
    match open_new(path) {
        Ok(mut file) => {
            file.write_all(fresh.as_bytes())
                .with_context(|| format!("cannot write {}", path.display()))?;
            file.sync_all()?;
            Ok(fresh)
        }
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
        }
        Err(error) => Err(error).with_context(|| format!("cannot make {}", path.display())),
    }
}

#[cfg(unix)]
fn open_new(path: &Path) -> std::io::Result<fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn open_new(path: &Path) -> std::io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create_new(true).open(path)
}

/// Signs what the installation hands out. The first key signs; all of them verify.
#[derive(Clone)]
pub struct SecretKey(Arc<Vec<Vec<u8>>>);

impl SecretKey {
    pub fn parse(text: &str) -> anyhow::Result<Self> {
        let keys: Vec<_> = text.split(',').map(|key| key.trim().as_bytes().to_vec()).collect();
        if keys.iter().any(|key| key.len() < 32) {
            bail!(
                "the secret key must have at least 32 characters; `openssl rand -base64 32` makes one"
            );
        }
        Ok(Self(Arc::new(keys)))
    }

    /// HMAC-SHA-256 of `message`, kept apart from the signatures of every other `purpose`. 32 bytes.
    pub fn sign(&self, purpose: &str, message: &[u8]) -> [u8; 32] {
        sign(&self.0[0], purpose, message)
    }

    /// In constant time, under any of the keys.
    pub fn verify(&self, purpose: &str, message: &[u8], signature: &[u8]) -> bool {
        self.0.iter().any(|key| sign(key, purpose, message).ct_eq(signature).into())
    }

    /// The same for a signature cut to its first 16 bytes.
    pub fn verify_short(&self, purpose: &str, message: &[u8], signature: &[u8]) -> bool {
        self.0.iter().any(|key| sign(key, purpose, message)[..16].ct_eq(signature).into())
    }
}

fn sign(key: &[u8], purpose: &str, message: &[u8]) -> [u8; 32] {
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(purpose.as_bytes());
    mac.update(&[0]);
    mac.update(message);
    mac.finalize().into_bytes().into()
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OLD: &str = "an old key of at least 32 characters";
    const NEW: &str = "a new key of no less than 32 characters";

    #[test]
    fn a_weak_key_is_refused() {
        assert!(SecretKey::parse("short").is_err());
        assert!(SecretKey::parse(&format!("{NEW},short")).is_err());
    }

    #[test]
    fn what_the_old_key_signed_is_good_while_keys_rotate_and_no_longer() {
        let signed = SecretKey::parse(OLD).unwrap().sign("visitor", b"x");
        let both = SecretKey::parse(&format!("{NEW},{OLD}")).unwrap();
        assert!(both.verify("visitor", b"x", &signed));
        assert!(!both.verify("setup", b"x", &signed), "a signature is for one purpose");
        assert!(!SecretKey::parse(NEW).unwrap().verify("visitor", b"x", &signed));
        assert!(!both.verify("visitor", b"x", &[]));
    }
}
