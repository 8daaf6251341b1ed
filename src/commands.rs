//! The verbs of the binary.
use crate::{
    agent::{self, AgentName, Email, NewAgent, Password, Role},
    app::{App, Kept, Parts, Streams, in_time},
    bus::{Bus, Servers},
    clock::Clock,
    config::Config,
    db::{Db, copying},
    error::Error,
    files::{Copies, Files, Known, Trouble},
    ids::{self, SiteKey},
    jobs,
    metrics::Metrics,
    routes, seed, setup,
    site::{self, NewSite, Origin, SiteName},
    text::Lang,
    web::{errors::words, serve},
};
use anyhow::{Context, anyhow};
use clap::{Args, Parser, Subcommand};
use std::{
    io::Read,
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
};
use tokio::net::TcpListener;

/// Customer-service chat that a company runs itself.
#[derive(Debug, Parser)]
#[command(name = "kefu", version)]
pub struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    /// Settings of `serve`, which is what runs without a command.
    #[command(flatten)]
    config: Config,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Migrates the database, then serves.
    Serve(Config),
    /// People who work at the desk.
    Agent {
        #[command(subcommand)]
        command: AgentCommand,
    },
    /// Where the chat is embedded.
    Site {
        #[command(subcommand)]
        command: SiteCommand,
    },
    /// Writes everything into a file, while the server runs; the installation's key is not in it.
    Backup(BackupFile),
    /// Fills an empty database from a backup, whichever engine it was taken from.
    Restore(BackupFile),
    /// Says whether a backup is whole, and what is in it.
    Verify(BackupFile),
    /// Fills an empty database with made-up conversations, to see how kefu does with them; prints whom to sign in as.
    Seed(Seed),
    /// Migrates the database and leaves.
    Migrate {
        /// Only tells what is applied and what is not.
        #[arg(long)]
        status: bool,
        #[command(flatten)]
        config: Config,
    },
}

#[derive(Debug, Args)]
struct BackupFile {
    /// An SQLite file.
    file: PathBuf,
    #[command(flatten)]
    config: Config,
}

#[derive(Debug, Args)]
struct Seed {
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=100_000_000))]
    conversations: u64,
    /// Of each conversation, on average.
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(3..=1_000))]
    entries: u64,
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1_000))]
    agents: u64,
    /// Conversations that each agent has open.
    #[arg(long, value_name = "N", default_value_t = 20)]
    open: u64,
    /// The same seed makes up the same words.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Leaves it to the server to let the messages be found.
    #[arg(long)]
    unsearchable: bool,
    #[command(flatten)]
    config: Config,
}

#[derive(Debug, Subcommand)]
enum AgentCommand {
    /// Makes an agent; without a password prints a one-time link.
    Add(AddAgent),
}

#[derive(Debug, Args)]
struct AddAgent {
    #[arg(long, value_name = "E")]
    email: String,
    #[arg(long, value_name = "N")]
    name: String,
    #[arg(long, default_value = "agent", value_parser = ["owner", "admin", "agent", "read-only"])]
    role: String,
    /// Reads the password from standard input, its last line break left out.
    #[arg(long)]
    password_stdin: bool,
    #[command(flatten)]
    config: Config,
}

#[derive(Debug, Subcommand)]
enum SiteCommand {
    /// Makes a site and prints its key and snippet.
    Add(AddSite),
}

#[derive(Debug, Args)]
struct AddSite {
    #[arg(long, value_name = "N")]
    name: String,
    /// What the site is called in its address; made up if not given.
    #[arg(long, value_name = "K")]
    key: Option<String>,
    /// Where its pages live, such as `https://shop.example`; may be repeated.
    #[arg(long = "origin", value_name = "https://…")]
    origins: Vec<String>,
    #[command(flatten)]
    config: Config,
}

impl Cli {
    /// The settings, wherever on the line they were given.
    pub fn config(&self) -> &Config {
        match &self.command {
            None => &self.config,
            Some(Command::Serve(config) | Command::Migrate { config, .. }) => config,
            Some(Command::Backup(of) | Command::Restore(of) | Command::Verify(of)) => &of.config,
            Some(Command::Seed(seed)) => &seed.config,
            Some(Command::Agent { command: AgentCommand::Add(add) }) => &add.config,
            Some(Command::Site { command: SiteCommand::Add(add) }) => &add.config,
        }
    }

    pub async fn run(self) -> anyhow::Result<()> {
        let config = self.config().clone();
        config.check()?;
        match self.command {
            None | Some(Command::Serve(_)) => serve(config).await,
            Some(Command::Agent { command: AgentCommand::Add(add) }) => {
                add_agent(config, &add).await
            }
            Some(Command::Site { command: SiteCommand::Add(add) }) => add_site(config, &add).await,
            Some(Command::Seed(seed)) => sow(config, &seed).await,
            Some(Command::Migrate { status, .. }) => migrate(&config, status).await,
            Some(Command::Backup(of)) => back_up(&config, &of.file).await,
            Some(Command::Restore(of)) => restore(&config, &of.file).await,
            Some(Command::Verify(of)) => verify(&of.file).await,
        }
    }
}

/// An application over a migrated database.
pub async fn open(config: Config) -> anyhow::Result<App> {
    config.make_data_dir()?;
    let key = config.secret_key()?;
    let files = Files::open(&config)?;
    let db = Db::connect(&config.database_url(), config.database_wait()).await?;
    db.migrate(&config.database_url()).await?;
    let epoch = db.epoch().await?.into();
    let parts = Parts {
        config: Arc::new(config),
        key,
        db,
        bus: Bus::default(),
        files,
        clock: Clock::default(),
        streams: Streams::default(),
        metrics: Metrics::default(),
        kept: Kept::default(),
        epoch,
    };
    Ok(parts.into())
}

async fn serve(config: Config) -> anyhow::Result<()> {
    let app = open(config).await?;
    match app.files.check().await {
        Ok(()) => {}
        // Messages need no files; it is looked for from then on.
        Err(Trouble::Away(error)) => {
            tracing::warn!(error = format!("{error:#}"), "no files until --files-url answers");
        }
        Err(Trouble::Refused(error)) => return Err(error),
    }
    let bus = join_bus(&app).await?;
    let app = app.with(|parts| parts.bus = bus);
    in_time(site::ensure_demo(&app)).await.map_err(explained)?;
    let listen = app.config.listen;
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}; choose another address with --listen")
    })?;
    let url = app.config.public_url();
    tracing::info!(%listen, %url, "serving");
    if app.config.rate_limits == crate::config::Switch::Off {
        tracing::warn!("rate limits are off: for load tests on loopback only");
    }
    greet(&app, &url).await?;

    let (streams, delay) = (app.streams.clone(), app.config.shutdown_delay());
    tokio::spawn(async move {
        serve::asked_to_stop().await;
        tracing::info!(?delay, "stopping: ending streams, finishing what was begun");
        streams.leaving.cancel();
        tokio::time::sleep(delay).await;
        streams.draining.cancel();
    });
    if let Some(listen) = app.config.metrics_listen {
        serve_metrics(&app, listen).await?;
    }
    jobs::start(&app);
    serve::serve(&app, listener, routes::site(&app)).await?;
    jobs::leave(&app).await;
    tracing::info!("stopped");
    Ok(())
}

/// What Prometheus asks for, at an address of its own: it is nobody else's business.
async fn serve_metrics(app: &App, listen: SocketAddr) -> anyhow::Result<()> {
    let listener = TcpListener::bind(listen).await.with_context(|| {
        format!("cannot listen on {listen}; choose another address with --metrics-listen")
    })?;
    tracing::info!(%listen, "metrics");
    let (app, site) = (app.clone(), routes::metrics(app));
    tokio::spawn(async move { serve::serve(&app, listener, site).await });
    Ok(())
}

/// The bus of this installation, if it has one.
pub async fn join_bus(app: &App) -> anyhow::Result<Bus> {
    let Some(urls) = app.config.nats_url.clone() else { return Ok(Bus::default()) };
    let servers = Servers {
        urls,
        credentials: app.config.nats_credentials.clone(),
        authorities: app.config.nats_ca.clone(),
    };
    Bus::joined(&servers, &app.epoch).await
}

/// Says where to go, on standard output.
#[expect(clippy::print_stdout, reason = "the promised `setup:` line")]
async fn greet(app: &App, url: &str) -> anyhow::Result<()> {
    if in_time(agent::has_owner(&app.db)).await? {
        println!("kefu: {url}/desk");
    } else {
        println!("kefu: {url}/");
        println!("setup: {}", setup::setup_url(app));
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a command's answer")]
async fn add_agent(config: Config, add: &AddAgent) -> anyhow::Result<()> {
    let email = Email::parse(&add.email).map_err(|invalid| explained(invalid.into()))?;
    let password = if add.password_stdin { Some(password_from_stdin(&email)?) } else { None };
    let role = Role::parse(&add.role).context("no such role")?;
    let name = AgentName::parse(&add.name).map_err(|invalid| explained(invalid.into()))?;
    let app = open(config).await?;
    let invite = password.is_none();
    let agent = agent::add(&app, NewAgent { email, name, role, lang: None, password })
        .await
        .map_err(explained)?;
    if invite {
        let token = agent::invite(&app, agent.id).await.map_err(explained)?;
        println!("{}/invite?token={token}", app.config.public_url());
    } else {
        println!("{} can sign in at {}/login", agent.email, app.config.public_url());
    }
    Ok(())
}

fn password_from_stdin(email: &Email) -> anyhow::Result<Password> {
    let mut text = String::new();
    std::io::stdin()
        .read_to_string(&mut text)
        .context("cannot read the password from standard input")?;
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let text = text.strip_suffix('\r').unwrap_or(text);
    Password::parse(text, email).map_err(|invalid| explained(invalid.into()))
}

#[expect(clippy::print_stdout, reason = "a command's answer")]
async fn add_site(config: Config, add: &AddSite) -> anyhow::Result<()> {
    let parsed = || -> crate::error::Result<NewSite> {
        Ok(NewSite {
            name: SiteName::parse(&add.name)?,
            key: add.key.as_deref().map(SiteKey::parse).transpose()?,
            origins: add
                .origins
                .iter()
                .map(|origin| Origin::parse(origin))
                .collect::<Result<_, _>>()?,
        })
    };
    let new = parsed().map_err(explained)?;
    let app = open(config).await?;
    let site = site::add(&app, new).await.map_err(explained)?;
    println!("key: {}", site.key);
    println!("snippet:\n{}", site.snippet(&app.config.public_url()));
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a command's answer")]
async fn migrate(config: &Config, status: bool) -> anyhow::Result<()> {
    config.make_data_dir()?;
    let db = Db::connect(&config.database_url(), config.database_wait()).await?;
    if !status {
        db.migrate(&config.database_url()).await?;
    }
    for (name, applied) in db.migrations().await? {
        println!("{} {name}", if applied { "applied" } else { "pending" });
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a command's answer")]
async fn back_up(config: &Config, file: &Path) -> anyhow::Result<()> {
    let files = answering_files(config).await?;
    let rows = copying::back_up(&config.database_url(), file).await?;
    let (copies, known) = (Copies::of(file), known_files(file).await?);
    let missing = copies.take(&files, &known).await?;
    if !missing.is_empty() {
        let names: Vec<_> = missing.into_iter().map(|one| one.key).collect();
        copying::without_files(file, &names).await?;
        println!("{:>10} files that are not there", names.len());
    }
    print_rows(&rows);
    println!("written to {}; keep it where this machine cannot lose it", file.display());
    if config.secret_key.is_none() {
        let key = config.data_dir.join("secret.key");
        println!("keep {} too: without it visitors lose their conversations", key.display());
    }
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a command's answer")]
async fn restore(config: &Config, file: &Path) -> anyhow::Result<()> {
    config.make_data_dir()?;
    let files = answering_files(config).await?;
    let db = Db::connect(&config.database_url(), config.database_wait()).await?;
    db.migrate(&config.database_url()).await?;
    copying::must_be_empty(&db).await?;
    // Files first: a restore that was interrupted can be begun again.
    let (copies, known) = (Copies::of(file), known_files(file).await?);
    copies.verify(&known)?;
    copies.give(&files, &known).await?;
    print_rows(&copying::restore(&db, file).await?);
    println!("restored; everybody at the desk signs in again");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a command's answer")]
async fn sow(config: Config, wanted: &Seed) -> anyhow::Result<()> {
    let app = open(config).await?;
    copying::must_be_empty(&app.db).await?;
    let &Seed { conversations, entries, agents, open, seed, unsearchable, .. } = wanted;
    let searchable = !unsearchable;
    let wanted = seed::Wanted { conversations, entries, agents, open, seed, searchable };
    let password = ids::encode(&ids::random::<12>());
    seed::sow(&app, &wanted, &password).await.map_err(explained)?;
    println!("agent1@seed.example … agent{agents}@seed.example, password {password}");
    Ok(())
}

#[expect(clippy::print_stdout, reason = "a command's answer")]
async fn verify(file: &Path) -> anyhow::Result<()> {
    let rows = copying::verify(file).await?;
    Copies::of(file).verify(&known_files(file).await?)?;
    print_rows(&rows);
    println!("{} is whole", file.display());
    Ok(())
}

/// Else a backup would lack them, or a restore stop in its midst.
async fn answering_files(config: &Config) -> anyhow::Result<Files> {
    let files = Files::open(config)?;
    match files.check().await {
        Ok(()) => Ok(files),
        Err(Trouble::Away(error)) => Err(error.context("--files-url does not answer")),
        Err(Trouble::Refused(error)) => Err(error),
    }
}

async fn known_files(backup: &Path) -> anyhow::Result<Vec<Known>> {
    let files = copying::files(backup).await?;
    Ok(files.into_iter().map(|(key, size, sha256)| Known { key, size, sha256 }).collect())
}

#[expect(clippy::print_stdout, reason = "a command's answer")]
fn print_rows(rows: &copying::Rows) {
    for (table, rows) in rows {
        println!("{rows:>10} {table}");
    }
}

/// What went wrong, in a sentence for the person at the terminal.
fn explained(error: Error) -> anyhow::Error {
    match error {
        Error::Internal(cause) | Error::Unavailable(cause) | Error::FilesAway(cause) => cause,
        refusal => anyhow!(words(&refusal).say(Lang::En)),
    }
}
