//! Processes of a market: one, or replicas of a group.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use agora::call::Code;

use super::shopper::{Shopper, relay_from_another_address};
use crate::free_address::free_address;
use crate::wait::poll_until;

const AGORA: &str = env!("CARGO_BIN_EXE_agora");

/// A market of one process, or of several replicas.
pub struct Group {
    folder: PathBuf,
    pub addresses: Vec<String>,
    running: Vec<Option<Child>>,
}

impl Group {
    /// Starts a market with these flags, and waits until it has a leader.
    pub fn start(size: usize, flags: &[&str]) -> Group {
        Group::start_with(size, flags, |_, _, _| ())
    }

    /// The same. First `prepare` may make the files of a replica: its number, all replicas, and its
    /// directory.
    pub fn start_with(
        size: usize,
        flags: &[&str],
        prepare: impl Fn(u64, &[(u64, String)], &Path),
    ) -> Group {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("agora-market-attack-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir(&folder).unwrap();
        let addresses: Vec<String> = (0..size).map(|_| free_address().to_string()).collect();
        let peers: Vec<String> =
            (1..).zip(&addresses).map(|(id, address)| format!("{id}={address}")).collect();
        let mut group = Group { folder, addresses, running: Vec::new() };
        let members: Vec<(u64, String)> = (1..).zip(group.addresses.clone()).collect();
        for place in 0..size {
            prepare(place as u64 + 1, &members, &group.directory(place));
            let mut command = Command::new(AGORA);
            command.args(["market", "--quiet", "--data"]).arg(group.directory(place));
            match size {
                1 => command.args(["--listen", &group.addresses[0]]),
                _ => {
                    command.args(["--node", &(place + 1).to_string(), "--peers", &peers.join(",")])
                }
            };
            command.args(flags).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            group.running.push(Some(command.spawn().unwrap()));
        }
        group.leader();
        group
    }

    pub fn directory(&self, place: usize) -> PathBuf {
        self.folder.join(format!("replica_{}", place + 1))
    }

    pub fn kill(&mut self, place: usize) {
        if let Some(mut child) = self.running[place].take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// The replica that answers a linearizable read.
    pub fn leader(&self) -> usize {
        let mut leader = None;
        poll_until("a leader", Duration::from_secs(20), || {
            leader = (0..self.addresses.len()).find(|place| {
                self.running[*place].is_some() && self.leads(&self.addresses[*place])
            });
            leader.is_some()
        });
        leader.unwrap()
    }

    fn leads(&self, target: &str) -> bool {
        let refused = Shopper::new(target, "nobody").show(u32::MAX);
        refused.is_err_and(|status| status.code == Code::NotFound)
    }

    /// A caller at 127.0.0.2.
    pub fn customer(&self, target: &str, name: &str) -> Shopper {
        Shopper::new(&relay_from_another_address(target), name)
    }

    /// Resident bytes of a process.
    pub fn memory(&self, place: usize) -> u64 {
        let id = self.running[place].as_ref().unwrap().id();
        let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
    }

    /// Whether the log of each running replica has a line with this text.
    pub fn logs_have(&self, text: &str) -> bool {
        let running = (0..self.running.len()).filter(|place| self.running[*place].is_some());
        running.into_iter().all(|place| {
            let log = fs::read_to_string(self.directory(place).join("logs.txt"));
            log.is_ok_and(|log| log.contains(text))
        })
    }

    /// Runs `agora market-admin`: whether it succeeded, and its output.
    pub fn admin(&self, words: &[&str]) -> (bool, String) {
        let market = self.addresses.join(",");
        self.run(&[&["market-admin", "--market", &market], words].concat())
    }

    /// Runs a command of the binary: whether it succeeded, and its output.
    pub fn run(&self, words: &[&str]) -> (bool, String) {
        let output =
            Command::new(AGORA).args(words).env("AGORA_HOME", &self.folder).output().unwrap();
        let text = if output.status.success() { output.stdout } else { output.stderr };
        (output.status.success(), String::from_utf8(text).unwrap())
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        (0..self.running.len()).for_each(|place| self.kill(place));
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The output of `agora check` for a directory without faults.
pub fn check(directory: &Path) -> String {
    let output = Command::new(AGORA).arg("check").arg(directory).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

/// The bytes of all files in a directory.
pub fn size_of(directory: &Path) -> u64 {
    let files = fs::read_dir(directory).unwrap().map(|file| file.unwrap().metadata().unwrap());
    files.map(|metadata| metadata.len()).sum()
}
