//! Attacks on the protocol between nodes: a forger claims to be a node, and sends what replaces the
//! state of a group, blocks its elections, or stops its writes.

mod contradictions;
mod flood;
mod forger;
mod group;
mod ports;

use std::path::PathBuf;

use agora::call::{Code, Status};
use agora::raft::{Body, Message, NodeId};
use agora::replica::transport::REFUSED;
use agora::session::Protocol;

use forger::{Forger, LEASE, guess, heartbeat, insane, plausible, question};
use group::{Certificates, GROUP, Group, Kind, eventually};

const BOTH: [Protocol; 2] = [Protocol::Native, Protocol::Grpc];

/// Callers that are not node 2, by what they show.
fn strangers(group: &Group, certificates: Certificates) -> Vec<(&'static str, Option<PathBuf>)> {
    let authority = &group.authority;
    let mut all = vec![
        ("in the clear", None),
        ("without a certificate", Some(authority.trust_only("anonymous"))),
        ("a client", Some(authority.issue("alice", &[], &["agora:client/alice"]))),
        ("an admin", Some(authority.issue("ops", &[], &["agora:admin"]))),
        ("a worker", Some(authority.issue("worker", &[], &["agora:worker"]))),
        ("no roles, no host", Some(authority.issue("plain", &[], &[]))),
        ("another node", group.node_folder(1)),
    ];
    let other_group = format!("agora:node/{GROUP}2/2");
    all.push(("a node of another group", Some(authority.issue("other", &[], &[&other_group]))));
    let role = format!("agora:node/{GROUP}/2");
    let (_, address) = &group.addresses[2];
    let host = address.rsplit_once(':').unwrap().0;
    match certificates {
        // A host is nothing beside roles.
        Certificates::Roles => {
            all.push((
                "a client on the host",
                Some(authority.issue("host", &[host], &["agora:client/b"])),
            ));
        }
        Certificates::Hosts => {
            all.push(("another host", Some(authority.issue("host", &["127.99.99.99"], &[]))));
        }
        Certificates::None => panic!("{role}: the group has no certificates"),
    }
    all
}

/// Every stranger, over both protocols, gets nothing but one fixed text, or no connection at all.
fn attack_with_certificates(kind: Kind, certificates: Certificates) {
    let group = Group::start(kind, certificates);
    let (leader, before) = (group.leader(), group.logs());
    let views: Vec<_> = group.ids().iter().map(|id| group.view(*id)).collect();
    let mut messages = insane(&views[0]);
    messages.extend(plausible(&views[0]));
    for (who, folder) in strangers(&group, certificates) {
        for protocol in BOTH {
            for called in [0, 1] {
                let claim = (2, called);
                let folder = folder.as_deref();
                let result = Forger::call(&group, folder, protocol, claim, guess(), &messages);
                let status = result.err().unwrap_or_else(|| panic!("{who}: accepted by {called}"));
                println!("{kind:?} {certificates:?} {protocol:?}: {who} gets {status}");
                check_refusal(who, &status);
            }
        }
    }
    // Nothing was changed, and the group goes on with the same leader.
    assert_eq!(group.logs(), before);
    let after: Vec<_> = group.ids().iter().map(|id| group.view(*id)).collect();
    assert_eq!(after, views);
    assert_eq!(group.leader(), leader);
    group.commit();
}

fn is_answer(message: &Message) -> bool {
    matches!(message.body, Body::PreVoteReply { .. })
}

fn check_refusal(who: &str, status: &Status) {
    match who {
        // The server is TLS only, and demands a certificate.
        "in the clear" | "without a certificate" => {
            let codes = [Code::Unavailable, Code::Unauthenticated, Code::Internal];
            assert!(codes.contains(&status.code), "{who}: {status}");
            assert!(!status.message.contains(GROUP_WORDS), "{who}: {status}");
        }
        // It belongs to the group, so that it may know; with the certificate of the called node itself
        // it is no peer.
        "another node" => {
            assert_eq!(status.code, Code::PermissionDenied, "{status}");
            let is_told = status.message.contains("is not node 2");
            assert!(is_told || status.message == REFUSED, "{status}");
        }
        _ => {
            assert_eq!(status.code, Code::PermissionDenied, "{who}: {status}");
            let is_fixed = status.message == REFUSED || status.message.contains("needs the role");
            assert!(is_fixed && !status.message.contains(GROUP_WORDS), "{who}: {status}");
        }
    }
}

/// What a refusal must not contain: the addresses of the nodes.
const GROUP_WORDS: &str = "127.";

#[test]
fn strangers_are_no_nodes_of_a_store_with_roles() {
    attack_with_certificates(Kind::Store, Certificates::Roles);
}

#[test]
fn strangers_are_no_nodes_of_a_market_without_roles() {
    attack_with_certificates(Kind::Market, Certificates::Hosts);
}

#[test]
fn strangers_are_no_nodes_of_a_store_without_roles() {
    attack_with_certificates(Kind::Store, Certificates::Hosts);
}

#[test]
fn strangers_are_no_nodes_of_a_market_with_roles() {
    attack_with_certificates(Kind::Market, Certificates::Roles);
}

/// Node 2 is compromised: its certificate is right, and its directory known.
fn attack_as_node_2(kind: Kind, certificates: Certificates) {
    let mut group = Group::start(kind, certificates);
    // In the clear anybody may be node 2, but not while it has a connection.
    let folder = group.node_folder(2);
    if folder.is_none() {
        let messages = insane(&group.view(0));
        let second = Forger::call(&group, None, Protocol::Native, (2, 0), guess(), &messages);
        let status = second.err().unwrap();
        assert_eq!(status.code, Code::Unavailable, "{status}");
        println!("{kind:?} in the clear: node 2 is connected, a second one gets {status}");
    }
    group.stop(2);
    group.leader();
    group.commit();
    let before = group.logs();
    for protocol in BOTH {
        for called in [0, 1] {
            let claim = (2, called);
            let mut forger =
                Forger::call_as_process(&group, folder.as_deref(), protocol, claim).unwrap();
            for message in insane(&group.view(called)) {
                forger.send(&message);
            }
            // It is believed to be node 2: its question is answered, so everything before it was
            // handled.
            forger.send(&question());
            forger.await_reply("an answer", is_answer);
            println!(
                "{kind:?} {certificates:?} {protocol:?}: insane values at {called}: no effect"
            );
        }
    }
    for (id, before) in [0, 1].into_iter().zip(before) {
        let view = group.view(id);
        assert!(view.term < 1000, "{view:?}");
        let log = std::fs::read_to_string(group.directory(id).join("logs.txt")).unwrap();
        assert!(log.starts_with(&before) && !log.contains("forged"));
    }
    // The true node comes back, and the group goes on.
    group.commit();
    group.start_again(2);
    group.commit();
}

#[test]
fn a_compromised_node_of_a_store_cannot_use_up_terms_or_time() {
    attack_as_node_2(Kind::Store, Certificates::Roles);
}

#[test]
fn a_compromised_node_of_a_market_cannot_use_up_terms_or_time() {
    attack_as_node_2(Kind::Market, Certificates::Hosts);
}

#[test]
fn a_compromised_node_of_a_market_with_roles_cannot_either() {
    attack_as_node_2(Kind::Market, Certificates::Roles);
}

#[test]
fn insane_values_have_no_effect_in_the_clear_either() {
    attack_as_node_2(Kind::Store, Certificates::None);
}

/// What a stranger gets in the clear, by choice of the operator, while the node is away: the group
/// believes it to be node 2. Nobody may bring the group to a halt with it for longer than that.
#[test]
fn a_stranger_in_the_clear_is_believed_while_the_node_is_away() {
    let mut group = Group::start(Kind::Store, Certificates::None);
    group.stop(2);
    group.commit();
    let called: NodeId = group.leader();
    let view = group.view(called);
    let mut forger = Forger::call_as_process(&group, None, Protocol::Native, (2, called)).unwrap();
    // It is not the leader, so that it cannot ask a node to stand.
    let stand = Message { term: view.term, body: Body::TimeoutNow };
    forger.send(&stand);
    let follower = group.ids().into_iter().find(|id| *id != called).unwrap();
    let mut second =
        Forger::call_as_process(&group, None, Protocol::Native, (2, follower)).unwrap();
    second.send(&stand);
    second.send(&question());
    second.await_reply("an answer", is_answer);
    assert_eq!((group.view(called).term, group.leader()), (view.term, called));
    // A forged leader of the next term is followed: the operator has chosen to trust everybody.
    forger.send(&heartbeat(view.term + 1, LEASE));
    eventually("it is followed", || group.view(called).leader == Some(2));
    println!("in the clear a stranger leads while node 2 is away");
    drop((forger, second));
    group.start_again(2);
    group.commit();
    assert!(group.logs().iter().all(|log| !log.contains("forged")));
}
