//! Hosts on a switch: network namespaces with an address each, and links that can be cut.
//!
//! ```text
//!   namespace hub   the switch br0, 10.99.0.100: the test and its clients
//!                     |      |      |
//!                    v0     v1     v2 ...
//!                     |      |      |
//!   namespaces      eth0   eth0   eth0     10.99.0.1, 10.99.0.2, ...: a node each
//! ```
//!
//! A link that is down drops packets in both directions without notification. One direction alone
//! is cut by a token bucket that is too small for any packet; unlike netem, every kernel has it.

use std::fs::{self, File};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;

use agora::raft::NodeId;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

const PREFIX: &str = "agora-test-";
/// Drops everything: every packet is larger than the bucket.
const LOSE: [&str; 8] = ["root", "tbf", "rate", "1kbit", "burst", "1", "limit", "1"];

pub struct Network {
    hosts: u64,
}

fn name(host: &str) -> String {
    format!("{PREFIX}{}-{host}", std::process::id())
}

fn host(id: NodeId) -> String {
    name(&id.to_string())
}

#[track_caller]
fn run(program: &str, words: &[&str]) {
    let output = Command::new(program).args(words).output().unwrap();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {words:?}: {stderr}");
}

/// Runs `ip` with the words of a string.
#[track_caller]
fn ip(line: &str) {
    run("ip", &line.split_whitespace().collect::<Vec<_>>());
}

/// Moves this thread, and the threads that it starts, into a namespace.
fn enter(namespace: &str) {
    let file = File::open(Path::new("/run/netns").join(namespace)).unwrap();
    move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
}

/// Moves the calling thread to the host of a node: it sees only that part of the network.
pub fn enter_host(id: NodeId) {
    enter(&host(id));
}

/// The prefix of a command that runs on the host of a node.
pub fn on_host(id: NodeId) -> Vec<String> {
    ["ip", "netns", "exec", &host(id)].map(str::to_owned).to_vec()
}

impl Network {
    /// Creates hosts. The calling thread is at the switch from now on.
    pub fn new(hosts: u64) -> Network {
        remove_leftovers();
        let network = Network { hosts };
        let hub = name("hub");
        ip(&format!("netns add {hub}"));
        ip(&format!("-n {hub} link set lo up"));
        ip(&format!("-n {hub} link add br0 type bridge"));
        ip(&format!("-n {hub} addr add 10.99.0.100/24 dev br0"));
        ip(&format!("-n {hub} link set br0 up"));
        for id in 0..hosts {
            let host = host(id);
            ip(&format!("netns add {host}"));
            ip(&format!("link add v{id} netns {hub} type veth peer name eth0 netns {host}"));
            ip(&format!("-n {hub} link set v{id} master br0 up"));
            ip(&format!("-n {host} addr add 10.99.0.{}/24 dev eth0", id + 1));
            ip(&format!("-n {host} link set eth0 up"));
            ip(&format!("-n {host} link set lo up"));
        }
        enter(&hub);
        network
    }

    /// The address of each node.
    pub fn nodes(&self) -> Vec<(NodeId, String)> {
        (0..self.hosts).map(|id| (id, format!("10.99.0.{}:7000", id + 1))).collect()
    }

    /// Drops all packets to and from a host.
    pub fn cut(&self, id: NodeId) {
        ip(&format!("-n {} link set v{id} down", name("hub")));
    }

    /// Drops all packets from a host.
    pub fn block_outgoing(&self, id: NodeId) {
        tc(&host(id), "add", "eth0", &LOSE);
    }

    /// Drops all packets to a host.
    pub fn block_incoming(&self, id: NodeId) {
        tc(&name("hub"), "add", &format!("v{id}"), &LOSE);
    }

    /// Ends [`Self::cut`].
    pub fn heal(&self, id: NodeId) {
        ip(&format!("-n {} link set v{id} up", name("hub")));
    }

    /// Ends [`Self::block_outgoing`].
    pub fn unblock_outgoing(&self, id: NodeId) {
        tc(&host(id), "del", "eth0", &["root"]);
    }

    /// Ends [`Self::block_incoming`].
    pub fn unblock_incoming(&self, id: NodeId) {
        tc(&name("hub"), "del", &format!("v{id}"), &["root"]);
    }
}

#[track_caller]
fn tc(namespace: &str, verb: &str, device: &str, rest: &[&str]) {
    let words = ["netns", "exec", namespace, "tc", "qdisc", verb, "dev", device];
    run("ip", &[&words, rest].concat());
}

impl Drop for Network {
    fn drop(&mut self) {
        for host in (0..self.hosts).map(host).chain([name("hub")]) {
            let _ = Command::new("ip").args(["netns", "del", &host]).status();
        }
    }
}

/// Removes the namespaces of tests that were killed.
fn remove_leftovers() {
    let Ok(entries) = fs::read_dir("/run/netns") else { return };
    for name in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
        let Some(rest) = name.strip_prefix(PREFIX) else { continue };
        let process = rest.split('-').next().unwrap_or_default();
        if !Path::new("/proc").join(process).exists() {
            let _ = Command::new("ip").args(["netns", "del", &name]).status();
        }
    }
}
