//! Random faults by a seed: links cut in one or both directions, nodes killed, paused, stopped
//! gracefully; several at once.

use std::collections::BTreeMap;
use std::time::Duration;

use agora::raft::NodeId;

use crate::clients::{Clients, Tally};
use crate::cluster::{Cluster, acquire_processes};
use crate::kills::{each_group, same_everywhere};
use crate::network::{Network, on_host};
use crate::seed::Seed;

/// A fault of a node that will be undone.
#[derive(Clone, Copy, Debug)]
enum Fault {
    Cut,
    Muted,
    Deafened,
    Stopped,
    Gone,
}

const FAULTS: [Fault; 5] = [Fault::Cut, Fault::Muted, Fault::Deafened, Fault::Stopped, Fault::Gone];

impl Fault {
    fn inject(self, id: NodeId, cluster: &mut Cluster, network: &Network, seed: &mut Seed) {
        match self {
            Fault::Cut => network.cut(id),
            Fault::Muted => network.block_outgoing(id),
            Fault::Deafened => network.block_incoming(id),
            Fault::Stopped => cluster.process(id).signal("STOP"),
            Fault::Gone if seed.one_in(3) => cluster.end(&[id]),
            Fault::Gone => cluster.kill(&[id]),
        }
    }

    fn undo(self, id: NodeId, cluster: &mut Cluster, network: &Network) {
        match self {
            Fault::Cut => network.heal(id),
            Fault::Muted => network.unblock_outgoing(id),
            Fault::Deafened => network.unblock_incoming(id),
            Fault::Stopped => cluster.process(id).signal("CONT"),
            Fault::Gone => cluster.launch(&[id]),
        }
    }
}

/// `AGORA_ROUNDS` and `AGORA_SEED` as for the kills.
#[test]
#[ignore = "needs root: scripts/test network, scripts/soak --network N"]
fn random_faults_at_any_time() {
    each_group(20, run);
}

fn run(rounds: u64, number: u64) -> Tally {
    let mut seed = Seed::new(number);
    let permit = acquire_processes();
    let network = Network::new(5);
    let snapshots = ["--dump-timestamps", "--snapshot-bytes", "50000"];
    let flags = if seed.one_in(2) { &snapshots[..] } else { &snapshots[..1] };
    let mut cluster = Cluster::at(network.nodes(), flags, on_host, permit);
    let ids: Vec<NodeId> = cluster.ids().collect();
    cluster.launch(&ids);
    let clients = Clients::start(4, &cluster.nodes, Duration::from_secs(60), number);
    clients.await_progress(20);
    let mut faulty: BTreeMap<NodeId, Fault> = BTreeMap::new();
    for _ in 0..rounds {
        for _ in 0..1 + seed.below(3) {
            let (id, harm) = (*seed.pick(&ids), *seed.pick(&FAULTS));
            match faulty.remove(&id) {
                Some(harm) => harm.undo(id, &mut cluster, &network),
                None => {
                    harm.inject(id, &mut cluster, &network, &mut seed);
                    faulty.insert(id, harm);
                }
            }
        }
        clients.next_epoch();
        // A majority makes progress; without one nothing does until enough nodes are healthy.
        while faulty.len() > 2 {
            let (id, harm) = faulty.pop_first().unwrap();
            harm.undo(id, &mut cluster, &network);
        }
        eprintln!("{} {faulty:?}", agora::replica::clock::wall_ms());
        clients.await_progress(1 + seed.below(60) as u64);
    }
    for (id, harm) in faulty {
        harm.undo(id, &mut cluster, &network);
    }
    clients.await_progress(20);
    let tally = clients.judge(&cluster.client());
    assert_eq!(tally.unknown, 0, "every client's patience outlasts every round");
    cluster.converge();
    same_everywhere(&cluster);
    cluster.end(&ids);
    for id in ids {
        cluster.check(id);
    }
    tally
}
