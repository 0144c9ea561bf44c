//! A group of nodes in processes of their own, on this machine.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use agora::kv::client::{KvClient, NodeStatus};
use agora::raft::NodeId;

use crate::free_address::free_address;
use crate::process::{
    AGORA, LONG, Process, TestDirectory, agora, bound, client_of, eventually, leader_of, peers_flag,
};

/// Timing for tests in which a slow machine must not change the leader: a pause of a second causes
/// no election, and a lease still ends within the timeout of a test.
pub const STABLE_TIMING: &[&str] =
    &["--heartbeat", "0.1", "--election-timeout", "1.5", "--lease", "1.5"];

/// The permission to run processes.
pub type ProcessPermit = MutexGuard<'static, ()>;

/// Clusters run one at a time: each has a process per node, and two cores are soon saturated.
pub fn acquire_processes() -> ProcessPermit {
    static STAGE: Mutex<()> = Mutex::new(());
    STAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

pub struct Cluster {
    pub home: TestDirectory,
    pub nodes: Vec<(NodeId, String)>,
    /// The flags of every node.
    pub flags: Vec<String>,
    running: BTreeMap<NodeId, Process>,
    /// A prefix for the command of a node: a network namespace, for example.
    wrap: fn(NodeId) -> Vec<String>,
    _permit: ProcessPermit,
}

impl Cluster {
    /// Nodes 0 to `size - 1`, running, with a leader.
    pub fn start(size: u64, flags: &[&str]) -> Cluster {
        let cluster = Cluster::started(size, flags);
        cluster.leader();
        cluster
    }

    /// Running nodes, perhaps without a leader.
    pub fn started(size: u64, flags: &[&str]) -> Cluster {
        let mut cluster = Cluster::new(size, flags);
        let ids: Vec<NodeId> = cluster.ids().collect();
        cluster.launch(&ids);
        cluster
    }

    /// Nodes that are not started yet.
    pub fn new(size: u64, flags: &[&str]) -> Cluster {
        let nodes = (0..size).map(|id| (id, free_address().to_string())).collect();
        Cluster::at(nodes, flags, |_| Vec::new(), acquire_processes())
    }

    /// Nodes at these addresses that are not started yet.
    pub fn at(
        nodes: Vec<(NodeId, String)>,
        flags: &[&str],
        wrap: fn(NodeId) -> Vec<String>,
        permit: ProcessPermit,
    ) -> Cluster {
        let flags = flags.iter().map(|&flag| flag.to_owned()).collect();
        let running = BTreeMap::new();
        Cluster { home: TestDirectory::new(), nodes, flags, running, wrap, _permit: permit }
    }

    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        0..self.nodes.len() as NodeId
    }

    pub fn others(&self, id: NodeId) -> Vec<NodeId> {
        self.ids().filter(|other| *other != id).collect()
    }

    pub fn logs(&self) -> PathBuf {
        self.home.0.join("logs")
    }

    /// The directory of a node.
    pub fn directory(&self, id: NodeId) -> PathBuf {
        self.logs().join(format!("node_{id}"))
    }

    /// A file of a node, as text.
    pub fn file(&self, id: NodeId, name: &str) -> String {
        fs::read_to_string(self.directory(id).join(name)).unwrap_or_default()
    }

    /// The operations in the log of a node, without the fields for recovery.
    pub fn operations(&self, id: NodeId) -> Vec<String> {
        let log = self.file(id, "logs.txt");
        let operation = |line: &str| line.rsplit_once(" # ").map(|(before, _)| before.to_owned());
        // A line that is being written has no newline yet.
        log.split_inclusive('\n')
            .filter(|line| line.ends_with('\n'))
            .filter_map(operation)
            .collect()
    }

    /// The number of heartbeats in the `dump.txt` of a node.
    pub fn heartbeats(&self, id: NodeId) -> usize {
        self.file(id, "dump.txt").matches(" sending heartbeat & ").count()
    }

    /// Whether the `dump.txt` of any node contains the words.
    pub fn dumps_have(&self, words: &str) -> bool {
        self.ids().any(|id| self.file(id, "dump.txt").contains(words))
    }

    pub fn peers(&self) -> String {
        peers_flag(&self.nodes)
    }

    /// The command of a node, with flags in addition to the group's.
    pub fn command(&self, id: NodeId, flags: &[&str]) -> Command {
        self.command_among(id, &self.peers(), flags)
    }

    /// The same, with another list of peers.
    pub fn command_among(&self, id: NodeId, peers: &str, flags: &[&str]) -> Command {
        let mut words = (self.wrap)(id);
        let mut command = match words.is_empty() {
            true => bound(AGORA),
            false => {
                let mut command = Command::new(words.remove(0));
                command.args(words).args(["setpriv", "--pdeathsig", "KILL", AGORA]);
                command
            }
        };
        let id = id.to_string();
        let logs = self.logs();
        command.args(["node", "--id", &id, "--peers", peers, "--logs"]).arg(logs);
        // Hosts of a test's own network are beyond loopback.
        command.arg("--insecure").args(&self.flags).args(flags);
        command
    }

    /// Starts a node with flags in addition to the group's, without waiting.
    pub fn run_with(&mut self, id: NodeId, flags: &[&str]) -> Process {
        Process::start(self.command(id, flags), &self.home.0.join(format!("node_{id}")))
    }

    /// Starts a node with a command of [`Cluster::command`], without waiting.
    pub fn run(&mut self, command: Command) -> Process {
        Process::start(command, &self.home.0.join("node"))
    }

    /// Starts nodes, and waits until they listen.
    #[track_caller]
    pub fn launch(&mut self, ids: &[NodeId]) {
        for id in ids {
            assert!(!self.running.contains_key(id), "node {id} runs");
            let process = self.run_with(*id, &[]);
            self.running.insert(*id, process);
        }
        for id in ids {
            self.process(*id).await_listening();
        }
    }

    /// Starts a node that uses other addresses for its peers.
    #[track_caller]
    pub fn launch_with(&mut self, id: NodeId, peers: &str) {
        let output = self.home.0.join(format!("node_{id}"));
        let process = Process::start(self.command_among(id, peers, &[]), &output);
        self.running.insert(id, process);
        self.process(id).await_listening();
    }

    #[track_caller]
    pub fn process(&mut self, id: NodeId) -> &mut Process {
        self.running.get_mut(&id).unwrap_or_else(|| panic!("node {id} does not run"))
    }

    /// The log lines of the running nodes.
    pub fn output(&self) -> String {
        let all = self.running.iter().map(|(id, node)| format!("node {id}:\n{}", node.stderr()));
        all.collect()
    }

    /// kill -9.
    #[track_caller]
    pub fn kill(&mut self, ids: &[NodeId]) {
        for id in ids {
            self.running.remove(id).unwrap_or_else(|| panic!("node {id} does not run")).kill();
        }
    }

    /// SIGTERM; each node must end with exit status 0.
    #[track_caller]
    pub fn end(&mut self, ids: &[NodeId]) {
        for id in ids {
            self.process(*id).signal("TERM");
        }
        for id in ids {
            self.await_end(*id);
        }
    }

    /// Waits for a node that is shutting down; it must end with exit status 0.
    #[track_caller]
    pub fn await_end(&mut self, id: NodeId) {
        let mut process = self.running.remove(&id).unwrap();
        let status = process.wait();
        assert_eq!(status.code(), Some(0), "node {id}: {}", process.stderr());
    }

    /// Waits for a node that stops by itself because of an error; returns its stderr.
    #[track_caller]
    pub fn await_failure(&mut self, id: NodeId) -> String {
        let status = self.process(id).wait();
        let output = self.running.remove(&id).unwrap().stderr();
        assert!(status.code() == Some(1) && !output.contains("panicked"), "node {id}: {output}");
        output
    }

    /// A client of all nodes.
    pub fn client(&self) -> KvClient {
        client_of(&self.nodes, LONG)
    }

    /// A client of one node.
    pub fn client_at(&self, id: NodeId, timeout: Duration) -> KvClient {
        client_of(&self.nodes[id as usize..=id as usize], timeout)
    }

    /// Runs `agora kv` with the addresses of all nodes.
    pub fn kv(&self, words: &[&str]) -> crate::process::CommandOutput {
        let peers = self.peers();
        let mut all = vec!["kv", "--peers", &peers];
        all.extend(words);
        agora(&all)
    }

    /// The leader; waits until there is one.
    #[track_caller]
    pub fn leader(&self) -> NodeId {
        let client = client_of(&self.nodes, Duration::from_secs(2));
        let mut leader = None;
        eventually("there is a leader", || {
            leader = leader_of(&client).map(|status| status.node);
            leader.is_some()
        });
        leader.unwrap()
    }

    /// The status of a node, if it answers.
    pub fn status(&self, id: NodeId) -> Option<NodeStatus> {
        let client = self.client_at(id, Duration::from_secs(2));
        client.statuses().pop().and_then(|(_, status)| status.ok())
    }

    /// Waits until every node has applied the last index of any of them.
    #[track_caller]
    pub fn converge(&self) {
        let client = client_of(&self.nodes, Duration::from_secs(2));
        eventually("all nodes have the same", || {
            let statuses: Vec<_> =
                client.statuses().into_iter().filter_map(|(_, status)| status.ok()).collect();
            let places = |status: &NodeStatus| (status.applied_index, status.commit_index);
            let leader = leader_of(&client);
            statuses.len() == self.nodes.len()
                && leader.is_some_and(|leader| leader.peers.iter().all(|peer| peer.lag == 0))
                && statuses.iter().all(|status| {
                    status.applied_index == status.commit_index
                        && places(status) == places(&statuses[0])
                })
        });
    }

    /// The output of `agora check` for a node's files, which must be valid.
    #[track_caller]
    pub fn check(&self, id: NodeId) -> String {
        let output = agora(&["check", self.directory(id).to_str().unwrap()]);
        assert_eq!(output.code, 0, "node {id}: {output:?}");
        assert!(output.stdout.ends_with("good\n"), "node {id}: {output:?}");
        output.stdout
    }
}
