//! A network that drops everything for a while, as when a cable is cut, without notification.
//!
//! It is a network namespace of the test's own, which needs root; without root the test prints that
//! it is skipped.

use std::process::Command;
use std::time::{Duration, Instant};

use agora::raft::{Body, Message, NodeId};

use super::node::{Node, eventually, free_address, options};
use crate::wait::pace_until;

/// Set for the test process inside a namespace.
const INSIDE: &str = "AGORA_TEST_NAMESPACE";
/// The duration of the cut: TCP's retransmission interval has grown to seconds by then.
const CUT: Duration = Duration::from_secs(4);

#[test]
fn a_network_cut_is_detected_and_heals() {
    let name = "cut::inside_a_namespace";
    let inside = Command::new("unshare")
        .arg("--net")
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", name, "--ignored", "--nocapture"])
        .env(INSIDE, "1")
        .output();
    let output = match inside {
        Ok(output) => output,
        Err(error) => return eprintln!("skipped: no unshare: {error}"),
    };
    let sent = String::from_utf8_lossy(&output.stdout) + String::from_utf8_lossy(&output.stderr);
    if sent.contains("not permitted") || sent.contains("skipped: ") {
        return eprintln!("skipped: {sent}");
    }
    assert!(output.status.success(), "{sent}");
    assert!(sent.contains("1 passed"), "{sent}");
    sent.lines().filter(|line| line.starts_with("after")).for_each(|line| eprintln!("{line}"));
}

/// Runs a program that changes the network; false if the program is missing.
fn network(command: &str) -> bool {
    let mut words = command.split(' ');
    match Command::new(words.next().unwrap()).args(words).output() {
        Ok(output) => {
            assert!(output.status.success(), "{command}: {output:?}");
            true
        }
        Err(_) => false,
    }
}

fn question(term: u64) -> Message {
    Message { term, body: Body::PreVote { last_log_index: 0, last_log_term: 0 } }
}

#[test]
#[ignore = "a_network_cut_is_detected_and_heals runs it, in a namespace of its own"]
fn inside_a_namespace() {
    if std::env::var_os(INSIDE).is_none() {
        return;
    }
    if !(network("ip link set lo up") && network("tc qdisc show")) {
        return eprintln!("skipped: no ip, or no tc");
    }
    let places: Vec<_> = (1..=3).map(|id| (id, free_address())).collect();
    let nodes: Vec<_> =
        places.iter().map(|(id, at)| Node::start(*at, options(*id, &places))).collect();
    let pairs: Vec<(NodeId, NodeId)> = vec![(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)];
    let at = |id: NodeId| &nodes[id as usize - 1];
    let all_up = || pairs.iter().all(|(id, peer)| at(*id).is_up(*peer));
    eventually("all are up", all_up);

    network("tc qdisc add dev lo root blackhole");
    let cut = Instant::now();
    eventually("all are down", || pairs.iter().all(|(id, peer)| !at(*id).is_up(*peer)));
    eprintln!("after {:?} all streams are down", cut.elapsed());
    assert!(cut.elapsed() < Duration::from_secs(3));
    // The inbound call of the peer is not used either.
    eventually("nothing can be sent", || {
        let before = at(1).mailbox.lock().unwrap().not_sent;
        at(1).send(vec![(2, question(1))]);
        eventually("a poll", || at(1).has_sent_all());
        at(1).mailbox.lock().unwrap().not_sent > before
    });
    eprintln!("after {:?} there is no way left", cut.elapsed());
    assert!(cut.elapsed() < CUT);
    pace_until(cut + CUT);

    network("tc qdisc del dev lo root");
    let healed = Instant::now();
    eventually("all are up again", all_up);
    eprintln!("after {:?} all are up again", healed.elapsed());
    assert!(healed.elapsed() < Duration::from_secs(2));
    at(1).send(vec![(2, question(7))]);
    eventually("a message", || at(2).received().contains(&(1, question(7))));
}
