//! Nodes that call each other at addresses of their own.

use agora::call::{Code, Status};
use agora::kv::client::Consistency;
use agora::replica::transport::EXCHANGE;
use agora::rpc::{CallOptions, Channel, ChannelOptions};
use agora::session::Protocol;

use crate::cluster::{Cluster, STABLE_TIMING};
use crate::free_address::free_address;
use crate::process::{LONG, agora, eventually};

const SET: &str = "/agora.kv.v1.KvService/Set";
const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// The answer to a call with an empty request.
fn call(address: &str, protocol: Protocol, path: &str) -> Result<Vec<u8>, Status> {
    let options = ChannelOptions { protocol, ..ChannelOptions::default() };
    let timeout = Some(LONG);
    let channel = Channel::new(address, options)?;
    channel.unary(path, &[], &CallOptions { timeout, ..CallOptions::default() })
}

#[test]
fn nodes_call_each_other_at_ports_that_clients_cannot_use() {
    let mut cluster = Cluster::new(3, STABLE_TIMING);
    let own: Vec<String> = cluster.ids().map(|_| free_address().to_string()).collect();
    let nodes = cluster.nodes.iter().zip(&own);
    let peers: Vec<String> = nodes.map(|((id, at), own)| format!("{id}={at}/{own}")).collect();
    let peers = peers.join(",");
    cluster.ids().for_each(|id| cluster.launch_with(id, &peers));
    let leader = cluster.leader();
    for (id, own) in cluster.ids().zip(&own) {
        let shown = cluster.process(id).stdout();
        assert!(shown.contains(&format!("listening for peers on {own}\n")), "{shown}");
        let clients = cluster.nodes[id as usize].1.clone();
        for protocol in [Protocol::Native, Protocol::Grpc] {
            let refused = |address: &str, path: &str| {
                let status = call(address, protocol, path).unwrap_err();
                let wanted = format!("{path} is served at another port");
                assert_eq!((status.code, &*status.message), (Code::Unimplemented, &*wanted));
            };
            refused(&clients, EXCHANGE);
            refused(own, SET);
            for address in [&clients, own] {
                call(address, protocol, HEALTH).unwrap();
            }
        }
        // Files and redirects name the address that clients call.
        let metadata = cluster.file(id, "metadata.txt");
        assert!(metadata.contains(&clients) && !metadata.contains(own), "{metadata}");
    }
    // A follower names the leader, and the client goes on there.
    let follower = cluster.others(leader)[0];
    let client = cluster.client_at(follower, LONG);
    client.set(b"key", b"value").unwrap();
    let status = agora(&["kv", "--peers", &peers, "status"]);
    assert_eq!(status.code, 0, "{status:?}");
    // The group goes on without its leader.
    cluster.kill(&[leader]);
    let found = cluster.client().get(b"key", Consistency::Linearizable).unwrap();
    assert_eq!(found.unwrap().value, b"value");
    cluster.launch_with(leader, &peers);
    cluster.converge();
}

/// One node after the other gets a port for its peers, and the group goes on.
#[test]
fn ports_of_peers_are_introduced_one_node_at_a_time() {
    let mut cluster = Cluster::start(3, STABLE_TIMING);
    cluster.client().set(b"key", b"0").unwrap();
    cluster.converge();
    let mut entries: Vec<String> =
        cluster.nodes.iter().map(|(id, at)| format!("{id}={at}")).collect();
    for id in cluster.ids() {
        cluster.end(&[id]);
        entries[id as usize] = format!("{}/{}", entries[id as usize], free_address());
        cluster.launch_with(id, &entries.join(","));
        let value = id.to_string();
        cluster.client().set(b"key", value.as_bytes()).unwrap();
    }
    // The first nodes know no addresses of the later ones yet.
    for id in cluster.ids() {
        cluster.end(&[id]);
        cluster.launch_with(id, &entries.join(","));
        cluster.converge();
    }
    eventually("all are voters", || {
        cluster.ids().all(|id| cluster.file(id, "metadata.txt").contains("standing voter\n"))
    });
}

#[test]
fn a_port_of_peers_without_an_address_that_they_call_is_wrong_usage() {
    let cluster = Cluster::new(3, STABLE_TIMING);
    let peers = cluster.peers();
    let logs = cluster.logs();
    let result = agora(&[
        "node",
        "--id",
        "0",
        "--peers",
        &peers,
        "--logs",
        logs.to_str().unwrap(),
        "--peer-listen",
        "127.0.0.1:0",
    ]);
    assert_eq!(result.code, 2, "{result:?}");
    assert!(result.stderr.contains("0=HOST:PORT/PEERHOST:PEERPORT"), "{result:?}");
    assert!(!logs.exists());
    // Strangers would reach it.
    let own = peers.replacen(',', "/0.0.0.0:0,", 1);
    let result = agora(&["node", "--id", "0", "--peers", &own, "--logs", logs.to_str().unwrap()]);
    assert_eq!(result.code, 1, "{result:?}");
    assert!(result.stderr.contains("0.0.0.0:0 can be reached"), "{result:?}");
    assert!(!logs.exists());
}
