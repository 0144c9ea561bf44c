//! What a node serves beside its methods.

use std::io::Write;
use std::net::TcpStream;

use agora::raft::NodeId;
use agora::rpc::{CallOptions, Channel, ChannelOptions};

use crate::cluster::{Cluster, STABLE_TIMING};
use crate::http::{HttpAnswer, get};
use crate::process::eventually;

fn at(cluster: &Cluster, id: NodeId, path: &str) -> HttpAnswer {
    get(&cluster.nodes[id as usize].1, path, &[]).unwrap()
}

fn is_ready(cluster: &Cluster, id: NodeId) -> bool {
    at(cluster, id, "/readyz").status == 200
}

#[test]
fn a_node_is_ready_while_it_knows_a_leader_and_says_what_it_waits_for() {
    let mut cluster = Cluster::start(3, STABLE_TIMING);
    eventually("all are ready", || cluster.ids().all(|id| is_ready(&cluster, id)));
    assert_eq!(at(&cluster, 0, "/readyz").body, "ready\n");
    let leader = cluster.leader();
    let others = cluster.others(leader);
    cluster.kill(&others);
    eventually("it has lost the others", || !is_ready(&cluster, leader));
    let answer = at(&cluster, leader, "/readyz");
    assert_eq!(answer.status, 503);
    assert!(answer.body.starts_with("no leader is known in term "), "{answer:?}");
    assert_eq!(answer.field("cache-control"), "no-store");
    assert_eq!(at(&cluster, leader, "/livez").status, 200, "it runs");
    cluster.launch(&others);
    eventually("all are ready again", || cluster.ids().all(|id| is_ready(&cluster, id)));
}

#[test]
fn the_version_is_told_as_text_and_as_json() {
    let cluster = Cluster::start(1, STABLE_TIMING);
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(at(&cluster, 0, "/version").body, format!("agora {version}\n"));
    let address = &cluster.nodes[0].1;
    let json = get(address, "/version", &[("accept", "application/json")]).unwrap();
    assert_eq!(json.field("content-type"), "application/json");
    assert_eq!(json.body, format!("{{\"name\":\"agora\",\"version\":\"{version}\"}}\n"));
}

/// The log has the same lines; the page shows them to who looks at it.
#[test]
fn the_events_of_the_page_have_who_was_refused() {
    let cluster = Cluster::start(1, STABLE_TIMING);
    let address = &cluster.nodes[0].1;
    let mut stranger = TcpStream::connect(address).unwrap();
    stranger.write_all(b"\x01\x02\x03\x04 what is this").unwrap();
    let channel = Channel::new(address, ChannelOptions::default()).unwrap();
    let mut peer = channel.start("/agora.raft.v1.RaftService/Exchange", &CallOptions::default());
    peer.as_mut().unwrap().send(b"\xff").unwrap();
    let has = |text: &str| {
        let describe = "/agora.node.v1.NodeService/Describe";
        let answer = channel.unary(describe, b"", &CallOptions::default()).unwrap();
        String::from_utf8_lossy(&answer).contains(text)
    };
    eventually("the stranger is shown", || {
        has("a connection is refused: the client speaks no protocol that is served here")
    });
    eventually("the peer is shown", || has("a call of a peer at 127."));
}

#[test]
fn the_page_comes_with_a_strict_policy_and_is_sent_once() {
    let cluster = Cluster::start(1, STABLE_TIMING);
    let address = &cluster.nodes[0].1;
    for (path, content_type) in [
        ("/", "text/html; charset=utf-8"),
        ("/style.css", "text/css; charset=utf-8"),
        ("/node.js", "text/javascript; charset=utf-8"),
        ("/icon.svg", "image/svg+xml"),
    ] {
        let answer = at(&cluster, 0, path);
        assert_eq!((answer.status, answer.field("content-type")), (200, content_type), "{path}");
        let policy = answer.field("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(!policy.contains("unsafe"), "{policy}");
        for part in ["frame-ancestors 'none'", "base-uri 'none'", "trusted-types 'none'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert_eq!(answer.field("x-content-type-options"), "nosniff");
        let known = get(address, path, &[("if-none-match", answer.field("etag"))]).unwrap();
        assert_eq!((known.status, known.body.as_str()), (304, ""), "{path}");
    }
    assert_eq!(at(&cluster, 0, "/no-such-page").status, 404);
}
