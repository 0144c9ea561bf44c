//! Five hosts, and links that are cut: in both directions, in one, repeatedly.

use std::sync::Arc;
use std::time::{Duration, Instant};

use agora::call::Code;
use agora::kv::client::{Consistency, Role};
use agora::raft::NodeId;

use crate::clients::{Clients, Workload};
use crate::cluster::{Cluster, acquire_processes};
use crate::network::{Network, enter_host, on_host};
use crate::process::{client_of, eventually};

const PATIENCE: Duration = Duration::from_secs(40);

/// Five hosts with a node each.
fn hosts(flags: &[&str]) -> (Cluster, Network) {
    let permit = acquire_processes();
    let network = Network::new(5);
    let mut cluster = Cluster::at(network.nodes(), flags, on_host, permit);
    let ids: Vec<NodeId> = cluster.ids().collect();
    cluster.launch(&ids);
    cluster.leader();
    (cluster, network)
}

/// Clients at the switch.
fn clients(cluster: &Cluster, seed: u64) -> Clients {
    Clients::start(3, &cluster.nodes, PATIENCE, seed)
}

/// The leader according to these nodes.
#[track_caller]
fn leader_among(cluster: &Cluster, ids: &[NodeId]) -> NodeId {
    let mut leader = None;
    eventually("one of them leads", || {
        let statuses = ids.iter().filter_map(|id| cluster.status(*id));
        leader = statuses.filter(|status| status.role == Role::Leader).map(|s| s.node).next();
        leader.is_some()
    });
    leader.unwrap()
}

fn finish(cluster: &Cluster, clients: Clients) {
    clients.await_progress(50);
    let tally = clients.judge(&cluster.client());
    eprintln!("{tally}");
    assert_eq!(tally.unknown, 0, "{tally}");
    cluster.converge();
    crate::kills::same_everywhere(cluster);
}

/// A leader that is cut off serves no stale data to clients on its side, and refuses in time; the
/// other nodes continue without it.
#[test]
#[ignore = "needs root: scripts/test network"]
fn a_leader_that_is_cut_off() {
    let (cluster, network) = hosts(&[]);
    let clients = clients(&cluster, 21);
    clients.await_progress(50);
    for round in 0..4 {
        let leader = cluster.leader();
        let before = format!("round {round}");
        cluster.client().set(b"round", before.as_bytes()).unwrap();
        network.cut(leader);
        // A client on the leader's side, which reaches no other node.
        let beside = std::thread::spawn({
            let (nodes, workload) = (cluster.nodes.clone(), Arc::clone(&clients.workload));
            move || {
                enter_host(leader);
                beside(leader, &nodes, &workload, 100 + round)
            }
        });
        clients.await_progress(50);
        let others = cluster.others(leader);
        assert_ne!(leader_among(&cluster, &others), leader);
        cluster.client().set(b"round", format!("{before}, without it").as_bytes()).unwrap();
        assert_eq!(beside.join().unwrap(), before, "a stale read says what it knows");
        network.heal(leader);
        clients.await_progress(20);
        clients.next_epoch();
    }
    assert!(cluster.client().get(b"nobody", Consistency::Linearizable).unwrap().is_none());
    finish(&cluster, clients);
}

/// The observations of a client that is cut off together with a leader: during the lease reads may
/// be answered, and are checked with all other observations; after it every call is refused.
/// Returns the value of `round` on the leader.
fn beside(leader: NodeId, nodes: &[(NodeId, String)], workload: &Workload, id: u64) -> String {
    let short = Duration::from_secs(2);
    let own = client_of(&nodes[leader as usize..=leader as usize], short);
    workload.until_refused(id, &own);
    // The answer came too late or not at all; later calls fail as well.
    let began = Instant::now();
    let status = own.get(b"round", Consistency::Linearizable).unwrap_err();
    assert_eq!(status.code, Code::Unavailable, "{status}");
    let status = client_of(nodes, short).set(b"nobody", b"takes this").unwrap_err();
    assert_eq!(status.code, Code::Unavailable, "{status}");
    assert!(began.elapsed() < Duration::from_secs(7), "{:?}", began.elapsed());
    let stale = own.get(b"round", Consistency::Stale).unwrap().unwrap();
    String::from_utf8(stale.value).unwrap()
}

/// A minority of two, with or without the leader: it refuses, the majority continues.
#[test]
#[ignore = "needs root: scripts/test network"]
fn a_minority_that_is_cut_off() {
    let (cluster, network) = hosts(&[]);
    let clients = clients(&cluster, 22);
    for with_leader in [true, false, true] {
        clients.await_progress(50);
        let leader = cluster.leader();
        let others = cluster.others(leader);
        let minority = if with_leader { [leader, others[0]] } else { [others[0], others[1]] };
        minority.iter().for_each(|id| network.cut(*id));
        clients.await_progress(100);
        minority.iter().for_each(|id| network.heal(*id));
        clients.next_epoch();
    }
    finish(&cluster, clients);
}

/// A leader that can receive but not send: its followers elect another leader, and it steps down. A
/// leader that can send but not receive: it cannot renew its lease and steps down, and no other is
/// elected as long as it sends heartbeats.
#[test]
#[ignore = "needs root: scripts/test network"]
fn a_leader_that_is_cut_off_one_way() {
    let (cluster, network) = hosts(&[]);
    let clients = clients(&cluster, 23);
    for round in 0..6 {
        clients.await_progress(30);
        let leader = cluster.leader();
        match round % 2 {
            0 => network.block_outgoing(leader),
            _ => network.block_incoming(leader),
        }
        clients.await_progress(60);
        assert_ne!(leader_among(&cluster, &cluster.others(leader)), leader);
        match round % 2 {
            0 => network.unblock_outgoing(leader),
            _ => network.unblock_incoming(leader),
        }
        clients.next_epoch();
    }
    finish(&cluster, clients);
}

/// Without a majority no call is answered, until there is one again.
#[test]
#[ignore = "needs root: scripts/test network"]
fn no_majority_and_then_one_again() {
    let (cluster, network) = hosts(&[]);
    let clients = clients(&cluster, 24);
    clients.await_progress(50);
    for round in 0..3 {
        (0..3).for_each(|id| network.cut(id));
        let began = Instant::now();
        let status =
            client_of(&cluster.nodes, Duration::from_secs(2)).set(b"nobody", b"takes this");
        assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
        match status {
            // The leader may have received it before it noticed the cut.
            Err(status) => assert!(matches!(status.code, Code::Unavailable | Code::Unknown)),
            Ok(_) => panic!("round {round}: two of five have taken a write"),
        }
        (0..3).for_each(|id| network.heal(id));
        clients.await_progress(30);
        clients.next_epoch();
    }
    finish(&cluster, clients);
}

/// A flapping link of a follower does not disturb the group: pre-vote keeps it from raising terms.
#[test]
#[ignore = "needs root: scripts/test network"]
fn a_link_that_flaps() {
    let (cluster, network) = hosts(crate::cluster::STABLE_TIMING);
    let clients = clients(&cluster, 25);
    clients.await_progress(50);
    let leader = cluster.leader();
    let term = cluster.status(leader).unwrap().term;
    let flapping = cluster.others(leader)[2];
    for _ in 0..10 {
        network.cut(flapping);
        clients.await_progress(40);
        network.heal(flapping);
        clients.await_progress(10);
    }
    // Long enough for it to stand for election.
    network.cut(flapping);
    let elections = || cluster.file(flapping, "dump.txt").matches("Starting election.").count();
    let before = elections();
    eventually("it stands for election", || elections() > before);
    network.heal(flapping);
    clients.await_progress(50);
    finish(&cluster, clients);
    let after = cluster.status(leader).unwrap();
    assert_eq!((after.role, after.term), (Role::Leader, term), "the leader led all the time");
}
