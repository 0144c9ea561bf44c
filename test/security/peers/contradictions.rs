//! A compromised node that claims to lead, and contradicts what is committed: the receiver stops, and
//! names both.

use agora::raft::SnapshotMark;
use agora::session::Protocol;

use super::forger::{Forger, LEASE, append, install};
use super::group::{Certificates, Group, Kind};

/// What is forged, and words of the reason.
const FORGED: [(&str, &str); 3] = [
    ("entry", "has an entry of term"),
    ("snapshot", "has an entry of term"),
    ("bytes", "has another entry of term"),
];

fn contradict(kind: Kind, certificates: Certificates, protocol: Protocol) {
    for (forged, words) in FORGED {
        let mut group = Group::start(kind, certificates);
        group.stop(2);
        group.commit();
        let view = group.view(0);
        let folder = group.node_folder(2);
        let mut forger =
            Forger::call_as_process(&group, folder.as_deref(), protocol, (2, 0)).unwrap();
        let term = view.term + 1;
        let last = view.commit_index;
        forger.send(&match forged {
            "entry" => append(term, (last - 1, view.last_term), b"forged", LEASE),
            "snapshot" => install(term, SnapshotMark { index: last, term }),
            _ => {
                let mut message =
                    append(view.last_term, (last - 1, view.last_term), b"forged", LEASE);
                message.term = term;
                message
            }
        });
        let reason = group.await_stop(0);
        println!("{kind:?} {protocol:?}: a forged {forged}: {reason}");
        for words in
            [words, "node 2, which leads in term", &format!("index {last}"), "Node 0 stops"]
        {
            assert!(reason.contains(words), "{words}: {reason}");
        }
        let log = std::fs::read_to_string(group.directory(0).join("logs.txt")).unwrap();
        assert!(!log.contains("forged"));
        // The others go on once the true node 2 is there.
        drop(forger);
        group.start_again(2);
        group.commit();
        group.start_again(0);
        group.commit();
        assert_eq!(group.view(0).state, group.view(1).state);
    }
}

#[test]
fn a_node_of_a_store_stops_when_a_leader_contradicts_what_is_committed() {
    contradict(Kind::Store, Certificates::Roles, Protocol::Native);
}

#[test]
fn a_node_of_a_store_stops_over_grpc_too() {
    contradict(Kind::Store, Certificates::Hosts, Protocol::Grpc);
}

#[test]
fn a_node_of_a_market_stops_when_a_leader_contradicts_what_is_committed() {
    contradict(Kind::Market, Certificates::Hosts, Protocol::Native);
}

#[test]
fn a_node_of_a_market_stops_over_grpc_too() {
    contradict(Kind::Market, Certificates::Roles, Protocol::Grpc);
}
