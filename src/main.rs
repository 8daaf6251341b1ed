//! Command line → log → run.
use clap::Parser;
use kefu::{commands::Cli, config::LogFormat};
use std::{
    io::{IsTerminal, stderr},
    process::ExitCode,
};
use tracing_subscriber::EnvFilter;

#[tokio::main]
async fn main() -> ExitCode {
    let cli = Cli::parse();
    log_to_stderr(cli.config().log_format);
    match cli.run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tracing::error!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn log_to_stderr(format: Option<LogFormat>) {
    let wanted = EnvFilter::try_from_env("KEFU_LOG")
        .unwrap_or_else(|_| EnvFilter::new("info,sqlx=warn,sea_orm=warn"));
    let log = tracing_subscriber::fmt()
        .with_env_filter(wanted)
        .with_writer(stderr)
        // What cannot be written is lost; to complain of it on standard error would panic where that is a full disk.
        .log_internal_errors(false);
    let guess = if stderr().is_terminal() { LogFormat::Pretty } else { LogFormat::Json };
    match format.unwrap_or(guess) {
        LogFormat::Pretty => log.with_target(false).init(),
        LogFormat::Json => log.json().flatten_event(true).init(),
    }
}
