//! What a server takes of the machine, as /proc tells.
use anyhow::{Context, Result};
use serde::Serialize;
use std::{fs, time::Duration};

/// A server: the processes whose ids were given, and all their children.
#[derive(Clone, Debug)]
pub struct Server(Vec<u32>);

#[derive(Clone, Copy, Debug, Default, Serialize)]
pub struct Taken {
    /// Resident memory, KiB. What processes share is counted in each.
    pub memory_kib: u64,
    /// Processor time, user and system.
    pub cpu: Duration,
}

impl Server {
    pub fn of(pids: &[u32]) -> Self {
        Self(pids.to_vec())
    }

    pub fn taken(&self) -> Result<Taken> {
        let mut taken = Taken::default();
        for pid in self.family()? {
            // One that has ended meanwhile takes nothing.
            let (Ok(status), Ok(stat)) = (
                fs::read_to_string(format!("/proc/{pid}/status")),
                fs::read_to_string(format!("/proc/{pid}/stat")),
            ) else {
                continue;
            };
            taken.memory_kib += resident(&status).unwrap_or(0);
            taken.cpu += processor(&stat).context("/proc/…/stat is not as it was")?;
        }
        Ok(taken)
    }

    fn family(&self) -> Result<Vec<u32>> {
        let mut parents = Vec::new();
        for entry in fs::read_dir("/proc")? {
            let Ok(pid) = entry?.file_name().to_string_lossy().parse::<u32>() else { continue };
            let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
            let parent = fields(&stat).and_then(|fields| fields.get(1)?.parse().ok());
            parents.push((pid, parent.unwrap_or(0u32)));
        }
        let mut family = self.0.clone();
        let mut at = 0;
        while let Some(&parent) = family.get(at) {
            family.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
            at += 1;
        }
        Ok(family)
    }
}

fn resident(status: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with("VmRSS:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

/// What follows the name, which may itself hold spaces and brackets.
fn fields(stat: &str) -> Option<Vec<&str>> {
    Some(stat.rsplit_once(')')?.1.split_whitespace().collect())
}

/// Linux counts in hundredths of a second, whatever its own tick (USER_HZ).
fn processor(stat: &str) -> Option<Duration> {
    let fields = fields(stat)?;
    let ticks = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_takes_something() {
        let me = Server::of(&[std::process::id()]);
        assert!(me.taken().unwrap().memory_kib > 100);
    }

    #[test]
    fn a_name_with_brackets_does_not_confuse() {
        let stat = "7 (a) b) S 3 7 7 0 -1 4194304 1 0 0 0 150 50 0 0 20 0 1 0";
        assert_eq!(fields(stat).unwrap()[1], "3");
        assert_eq!(processor(stat).unwrap(), Duration::from_secs(2));
    }
}
