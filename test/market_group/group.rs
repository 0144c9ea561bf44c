//! A group of `agora market` processes, and clients with its addresses.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use agora::call::Code;
use agora::market::client::{ClientOptions, Consistency, MarketClient, Search, identity_of};
use agora::raft::NodeId;

use crate::free_address::free_address;
use crate::process::{AGORA, Process, TestDirectory, agora, bound, eventually, peers_flag};

/// How long a client waits for an answer: longer than any change of leaders takes.
const PATIENCE: Duration = Duration::from_secs(30);

pub struct Group {
    home: TestDirectory,
    nodes: Vec<(NodeId, String)>,
    running: BTreeMap<NodeId, Process>,
}

impl Group {
    /// Replicas 0 to `size - 1`, running.
    pub fn start(size: u64) -> Group {
        let nodes = (0..size).map(|id| (id, free_address().to_string())).collect();
        let mut group = Group { home: TestDirectory::new(), nodes, running: BTreeMap::new() };
        for id in group.ids() {
            group.run(id);
        }
        for id in group.ids() {
            group.await_listening(id);
        }
        group
    }

    pub fn ids(&self) -> std::ops::Range<NodeId> {
        0..self.nodes.len() as NodeId
    }

    /// A replica's directory.
    pub fn directory(&self, id: NodeId) -> PathBuf {
        self.home.0.join(format!("market_{id}"))
    }

    fn run(&mut self, id: NodeId) {
        let mut command = bound(AGORA);
        command.args(["market", "--quiet", "--node", &id.to_string()]);
        command.args(["--peers", &peers_flag(&self.nodes)]);
        // Small, so that snapshots are taken.
        command.args(["--snapshot-bytes", "300000", "--data"]).arg(self.directory(id));
        let process = Process::start(command, &self.home.0.join(format!("said_{id}")));
        self.running.insert(id, process);
    }

    fn await_listening(&mut self, id: NodeId) {
        self.running.get_mut(&id).unwrap().await_listening();
    }

    /// Starts a replica that was killed.
    pub fn launch(&mut self, id: NodeId) {
        self.run(id);
        self.await_listening(id);
    }

    /// kill -9.
    pub fn kill(&mut self, id: NodeId) {
        self.running.remove(&id).expect("it runs").kill();
    }

    /// SIGTERM; each must end with status 0. Without the feature `signals` the signal ends the
    /// process.
    pub fn end(&mut self) {
        self.running.values().for_each(|process| process.signal("TERM"));
        for (id, mut process) in std::mem::take(&mut self.running) {
            let status = process.wait();
            let expected = cfg!(feature = "signals").then_some(0);
            assert_eq!(status.code(), expected, "replica {id}: {}", process.stderr());
        }
    }

    /// The stderr of a replica.
    pub fn said(&self, id: NodeId) -> String {
        self.running[&id].stderr()
    }

    /// A client with this name.
    pub fn client(&self, name: &str) -> MarketClient {
        let targets: Vec<String> = self.nodes.iter().map(|(_, at)| at.clone()).collect();
        self.client_of(name, &targets, Consistency::Linearizable, PATIENCE)
    }

    /// A client that knows one replica only, and has a short timeout.
    pub fn client_at(&self, name: &str, id: NodeId) -> MarketClient {
        let target = std::slice::from_ref(&self.nodes[id as usize].1);
        self.client_of(name, target, Consistency::Linearizable, Duration::from_secs(2))
    }

    fn client_of(
        &self,
        name: &str,
        targets: &[String],
        consistency: Consistency,
        timeout: Duration,
    ) -> MarketClient {
        let uuid = identity_of(&self.home.0, name).unwrap();
        let options = ClientOptions { timeout, consistency, ..ClientOptions::default() };
        MarketClient::new(targets, uuid, name, &options).unwrap()
    }

    /// Waits until every replica finds an item with this word in its name, and so has all before
    /// it.
    #[track_caller]
    pub fn await_everywhere(&self, word: &str) {
        for (id, address) in &self.nodes {
            let target = std::slice::from_ref(address);
            let client = self.client_of("looker", target, Consistency::Stale, PATIENCE);
            let search = Search { words: word.to_owned(), ..Search::default() };
            eventually(&format!("replica {id} has all"), || match client.search(&search) {
                Ok(found) => found.total > 0,
                Err(status) if status.code == Code::Unavailable => false,
                Err(status) => panic!("replica {id}: {status}"),
            });
        }
    }

    /// The output of `agora check` for the state in each replica's files: it must be good, and the
    /// same for all. For replicas that have lost their directories it reports that as well.
    #[track_caller]
    pub fn check(&self, refused: &[NodeId]) -> Vec<String> {
        let state_of = |id| {
            let said = agora(&["check", self.directory(id).to_str().unwrap()]);
            let is_good = match refused.contains(&id) {
                true => said.code == 1 && said.stderr.contains("the files are good, but"),
                false => said.code == 0 && said.stdout.ends_with("good\n"),
            };
            assert!(is_good, "replica {id}: {said:?}");
            let state = said.stdout.lines().filter(|line| line.starts_with("state"));
            // The number of entries may differ: a new leader appends one of its own. Until it is
            // known to be committed, the state is reported without it and with it.
            let state = state.map(|line| match line.split_once(": ") {
                Some((_, what)) => what.to_owned(),
                None => line.to_owned(),
            });
            state.collect::<BTreeSet<_>>().into_iter().collect::<Vec<_>>()
        };
        let mut states = self.ids().map(state_of);
        let first = states.next().unwrap();
        assert!(!first.is_empty(), "the check tells what it has counted");
        states.for_each(|state| assert_eq!(state, first));
        first
    }
}
