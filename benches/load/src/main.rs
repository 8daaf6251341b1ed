//! Puts a server under load and prints what that took, as a line of JSON. `benches/run` starts the servers.
mod http;
mod peers;
mod process;
mod scenarios;
mod xmpp;

use anyhow::Result;
use clap::{Parser, Subcommand};
use peers::Peer;
use process::Server;
use scenarios::Tried;
use std::{net::SocketAddr, time::Duration};

#[derive(Debug, Parser)]
#[command(about, max_term_width = 100)]
struct Load {
    /// Which protocol it speaks.
    #[arg(long, value_enum, global = true, default_value = "kefu")]
    peer: Peer,
    /// Where it listens.
    #[arg(long, global = true, default_value = "127.0.0.1:3000")]
    at: SocketAddr,
    /// Where who reads is connected, if that is another node.
    #[arg(long, global = true)]
    read_at: Option<SocketAddr>,
    /// The server's process, counted with all its children; may be repeated.
    #[arg(long, global = true)]
    pid: Vec<u32>,
    /// The same of its database.
    #[arg(long, global = true)]
    database_pid: Vec<u32>,
    #[command(subcommand)]
    scenario: Scenario,
}

#[derive(Debug, Subcommand)]
enum Scenario {
    /// Lines on which nothing happens: the memory of each.
    Idle {
        #[arg(long, default_value_t = 10_000)]
        lines: usize,
        /// A visitor has few lines open.
        #[arg(long, default_value_t = 1)]
        to_a_room: usize,
    },
    /// One writes, many read.
    FanOut {
        #[arg(long, default_value_t = 1_000)]
        readers: usize,
        #[arg(long, default_value_t = 500)]
        messages: usize,
        /// Messages a second.
        #[arg(long, default_value_t = 50.0)]
        rate: f64,
    },
    /// Pairs of people in conversations of their own, at a given rate.
    Pairs {
        #[arg(long, default_value_t = 64)]
        pairs: usize,
        /// Messages a second in all.
        #[arg(long, default_value_t = 500.0)]
        rate: f64,
        #[arg(long, default_value_t = 10)]
        seconds: u64,
        /// Lines open beside them on which nothing happens.
        #[arg(long, default_value_t = 0)]
        idle: usize,
    },
    /// As many messages as go.
    Posts {
        #[arg(long, default_value_t = 256)]
        conversations: usize,
        #[arg(long, default_value_t = 64)]
        writers: usize,
        #[arg(long, default_value_t = 10)]
        seconds: u64,
    },
    /// Bytes to an echo in this process and back over TCP: what any answer takes here and now.
    Echo {
        /// A second.
        #[arg(long, default_value_t = 500.0)]
        rate: f64,
        #[arg(long, default_value_t = 5)]
        seconds: u64,
    },
    /// Pages in turns, one after the other.
    Pages {
        /// A page's path; repeated, every page is asked for.
        #[arg(long, required = true)]
        path: Vec<String>,
        /// Header lines of each request, such as `Cookie: a=b`.
        #[arg(long)]
        header: Vec<String>,
        /// How often each is asked for.
        #[arg(long, default_value_t = 100)]
        times: usize,
    },
}

#[tokio::main]
#[expect(clippy::print_stdout, reason = "what was found")]
async fn main() -> Result<()> {
    let Load { peer, at, read_at, pid, database_pid, scenario } = Load::parse();
    let (server, database) = (Server::of(&pid), Server::of(&database_pid));
    let tried = Tried { peer, at, read_at: read_at.unwrap_or(at), server, database };
    let found = match scenario {
        Scenario::Idle { lines, to_a_room } => scenarios::idle(&tried, lines, to_a_room).await,
        Scenario::FanOut { readers, messages, rate } => {
            scenarios::fan_out(&tried, readers, messages, rate).await
        }
        Scenario::Pairs { pairs, rate, seconds, idle } => {
            scenarios::pairs(&tried, pairs, rate, Duration::from_secs(seconds), idle).await
        }
        Scenario::Posts { conversations, writers, seconds } => {
            scenarios::posts(&tried, conversations, writers, Duration::from_secs(seconds)).await
        }
        Scenario::Echo { rate, seconds } => {
            scenarios::echo(&tried, rate, Duration::from_secs(seconds)).await
        }
        Scenario::Pages { path, header, times } => {
            scenarios::pages(&tried, &path, &header, times).await
        }
    }?;
    println!("{}", serde_json::to_string(&found)?);
    Ok(())
}
