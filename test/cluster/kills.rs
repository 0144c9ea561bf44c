//! Repeated kill -9 while clients write, read and watch.

use std::time::{Duration, Instant};

use agora::kv::client::Consistency;
use agora::raft::NodeId;

use crate::clients::{Clients, Tally};
use crate::cluster::Cluster;
use crate::seed::Seed;

pub fn number(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}

/// Rounds in one group; then a new group begins, so that histories end.
const ROUNDS_IN_A_GROUP: u64 = 50;

/// `AGORA_ROUNDS` sets the number of rounds, `AGORA_SEED` the seed; `scripts/soak` sets both.
#[test]
#[ignore = "half a minute: scripts/test kills, scripts/soak N"]
fn acknowledged_writes_are_not_lost_and_not_applied_twice() {
    each_group(50, run);
}

/// Runs the requested number of rounds, group by group, each with the next seed.
pub fn each_group(default: u64, run: impl Fn(u64, u64) -> Tally) {
    let (mut left, mut seed) = (number("AGORA_ROUNDS", default), number("AGORA_SEED", 1));
    while left > 0 {
        let rounds = left.min(ROUNDS_IN_A_GROUP);
        let began = Instant::now();
        eprintln!("seed {seed}: {rounds} rounds begin");
        let tally = run(rounds, seed);
        let took = began.elapsed().as_secs_f64();
        eprintln!("seed {seed}: {rounds} rounds are good, {tally}, {took:.1} s");
        left -= rounds;
        seed += 1;
    }
}

#[test]
fn a_few_rounds_of_random_faults() {
    let tally = run(4, 1000);
    assert!(tally.operations > 100, "{tally}");
}

fn run(rounds: u64, number: u64) -> Tally {
    let mut seed = Seed::new(number);
    // Small enough for snapshots during the run.
    let flags = ["--snapshot-bytes", "100000"];
    let mut cluster = Cluster::start(5, if seed.one_in(2) { &flags } else { &[] });
    let clients = Clients::start(4, &cluster.nodes, Duration::from_secs(30), number);
    clients.await_progress(50);
    for _ in 0..rounds {
        let victims = victims(&cluster, &mut seed);
        cluster.kill(&victims);
        clients.next_epoch();
        // The clients continue without the victims if there is a majority; otherwise the victims
        // restart at once.
        if victims.len() < 3 && seed.one_in(2) {
            clients.await_progress(1 + seed.below(40) as u64);
        }
        cluster.launch(&victims);
        clients.await_progress(1 + seed.below(60) as u64);
    }
    let client = cluster.client();
    let tally = clients.judge(&client);
    assert_eq!(tally.unknown, 0, "every client's patience outlasts every round");
    cluster.converge();
    same_everywhere(&cluster);
    let all: Vec<NodeId> = cluster.ids().collect();
    cluster.end(&all);
    for id in all {
        cluster.check(id);
    }
    tally
}

/// One random node, the leader, two nodes, or all.
fn victims(cluster: &Cluster, seed: &mut Seed) -> Vec<NodeId> {
    let mut ids: Vec<NodeId> = cluster.ids().collect();
    let count = match seed.below(10) {
        0..=3 => return vec![cluster.leader()],
        4..=6 => 1,
        7..=8 => 2,
        _ => ids.len(),
    };
    while ids.len() > count {
        ids.remove(seed.below(ids.len()));
    }
    ids
}

/// Every node has the same pairs.
pub fn same_everywhere(cluster: &Cluster) {
    let listing = |id| {
        let client = cluster.client_at(id, Duration::from_secs(10));
        let (mut pairs, mut after) = (Vec::new(), Vec::new());
        loop {
            let page = client.scan(b"", &after, 0, Consistency::Stale).unwrap();
            pairs.extend(page.pairs);
            match pairs.last() {
                Some(last) if page.has_more => after.clone_from(&last.key),
                _ => return pairs,
            }
        }
    };
    let first = listing(0);
    for id in cluster.ids() {
        assert!(listing(id) == first, "nodes 0 and {id} differ");
    }
}
