//! A network of one's own, and lines to it that are cut like a cable: neither end of a connection is told.
use std::{
    net::Ipv4Addr,
    process::{Command, id},
    sync::atomic::{AtomicU8, Ordering},
};

/// A network namespace; only root may make one.
pub struct Network {
    name: String,
}

/// A line between us here and a network there.
pub struct Line {
    pub here: Ipv4Addr,
    pub there: Ipv4Addr,
    /// The name of both ends.
    device: String,
    pub network: String,
}

/// An end that is down has no route, so whoever calls from there is refused at once. Cut the other end, and nothing is heard.
#[derive(Clone, Copy, Debug)]
pub enum End {
    Here,
    There,
}

/// So that each has a name and an address that no other has.
fn number() -> u8 {
    static MADE: AtomicU8 = AtomicU8::new(0);
    MADE.fetch_add(1, Ordering::Relaxed)
}

impl Network {
    pub fn new() -> Self {
        let name = format!("kefu-{}-{}", id(), number());
        ip(&["netns", "add", &name]);
        Self { name }
    }

    pub fn line(&self) -> Line {
        let (device, number) = (format!("kf{}-{}", id(), number()), number());
        let address = |end: u8| {
            let [.., process] = id().to_be_bytes();
            Ipv4Addr::new(10, 213, process, number % 64 * 4 + end)
        };
        let line = Line { here: address(1), there: address(2), device, network: self.name.clone() };
        let (name, of) = (line.device.as_str(), self.name.as_str());
        ip(&["link", "add", name, "type", "veth", "peer", "name", name, "netns", of]);
        ip(&["address", "add", &format!("{}/30", line.here), "dev", name]);
        ip(&["-n", of, "address", "add", &format!("{}/30", line.there), "dev", name]);
        line.mend(End::Here);
        line.mend(End::There);
        line
    }
}

impl Line {
    pub fn cut(&self, end: End) {
        self.set(end, "down");
    }

    pub fn mend(&self, end: End) {
        self.set(end, "up");
    }

    fn set(&self, end: End, state: &str) {
        match end {
            End::Here => ip(&["link", "set", &self.device, state]),
            End::There => ip(&["-n", &self.network, "link", "set", &self.device, state]),
        }
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["link", "delete", &self.device]).status();
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "delete", &self.name]).status();
    }
}

fn ip(arguments: &[&str]) {
    let outcome = Command::new("ip").args(arguments).output();
    let said = match outcome {
        Ok(output) if output.status.success() => return,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    panic!(
        "this test makes networks, as root and with Debian's iproute2: ip {arguments:?}: {said}"
    );
}
