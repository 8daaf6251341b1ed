//! A server that is not kefu, on a port of its own: it can be killed, paused and started again.
use std::{
    path::{Path, PathBuf},
    process::{Command as Now, Stdio},
    time::Duration,
};
use tokio::{
    net::TcpStream,
    process::{Child, Command},
    time::{sleep, timeout},
};

pub struct Daemon {
    pub port: u16,
    program: PathBuf,
    arguments: Vec<String>,
    child: Child,
}

impl Daemon {
    /// The program that a variable names, else the one that is called so; its arguments have it listen on the port.
    pub async fn start(variable: &str, name: &str, port: u16, arguments: &[&str]) -> Self {
        let program = std::env::var_os(variable).map_or(name.into(), PathBuf::from);
        let arguments: Vec<_> = arguments.iter().copied().map(str::to_owned).collect();
        let child = run(&program, &arguments);
        let mut daemon = Self { port, program, arguments, child };
        daemon.answers().await;
        daemon
    }

    pub async fn kill(&mut self) {
        self.child.kill().await.unwrap();
    }

    pub async fn start_again(&mut self) {
        self.child = run(&self.program, &self.arguments);
        self.answers().await;
    }

    pub fn pause(&self) {
        self.signal("-STOP");
    }

    pub fn resume(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        let pid = self.child.id().unwrap().to_string();
        assert!(Now::new("kill").args([signal, &pid]).status().unwrap().success());
    }

    async fn answers(&mut self) {
        let name = self.program.display();
        let answering = async {
            while TcpStream::connect(("127.0.0.1", self.port)).await.is_err() {
                sleep(Duration::from_millis(10)).await;
            }
        };
        tokio::select! {
            biased;
            left = self.child.wait() => panic!("{name} ended: {left:?}"),
            came_up = timeout(Duration::from_secs(60), answering) =>
                came_up.unwrap_or_else(|_| panic!("{name} did not come up")),
        }
    }
}

fn run(program: &Path, arguments: &[String]) -> Child {
    Command::new(program)
        .args(arguments)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap_or_else(|error| panic!("cannot run {}: {error}", program.display()))
}
