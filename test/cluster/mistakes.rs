//! Mistakes that implementations of the course version have made, and the tests for each.
//!
//! | mistake | tests |
//! |---|---|
//! | GET checks only "am I leader" | `pauses::a_paused_leader_serves_no_stale_read`, `partitions::a_leader_that_is_cut_off`; `raft/tests/adversaries.rs`, rule 7 |
//! | a rejected AppendEntries counts as an acknowledgement of a lease in a different term | `raft/tests/adversaries.rs`, rule 5: `..._an_answer_counts_in_its_own_term` |
//! | a lease is counted from the arrival of the reply | `raft/tests/adversaries.rs`, rule 5: `..._counts_from_when_the_message_was_sent` |
//! | terms in replies are ignored | `raft/tests/paper.rs`: `section_5_1_a_leader_that_sees_a_newer_term_becomes_a_follower` |
//! | votedFor is cleared when a node steps down within a term | `raft/tests/known_mistakes.rs`: `a_node_that_steps_down_within_a_term_does_not_vote_again` |
//! | votedFor is read back with another type | here: `a_vote_is_the_same_after_a_restart` |
//! | entries of old terms are committed by counting | `raft/tests/adversaries.rs`, rule 6; `raft/tests/paper.rs`, section 5.4.2 |
//! | a late RPC truncates the log | `raft/tests/known_mistakes.rs`: `an_old_append_after_newer_ones_does_not_truncate` |
//! | values are cut at the first space | `trial`; `kv_service/course.rs`; here: `a_value_is_stored_unchanged` |
//! | SET waits forever | `trial`, point 5; `partitions::no_majority_and_then_one_again`; `kv/client.rs` |
//! | the log is rewritten as a whole, and never synced | here: `the_log_is_appended_to_and_not_rewritten`; `replica/real.rs`, `replica/steps.rs` |
//! | a restarted voter forgets the lease it promised | here: `an_old_lease_is_waited_out_even_by_voters_that_restarted`; `raft/tests/adversaries.rs`, rule 10 |
//! | a new leader waits for the end of an old lease without heartbeats, so that others stand for election | the same test; `raft/tests/scenarios.rs` |

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::time::{Duration, Instant};

use agora::kv::client::Consistency;
use agora::raft::NodeId;

use crate::cluster::{Cluster, STABLE_TIMING};
use crate::process::{client_of, eventually};

/// A line of a node's `metadata.txt`.
fn remembered(cluster: &Cluster, id: NodeId, name: &str) -> String {
    let metadata = cluster.file(id, "metadata.txt");
    let line = metadata.lines().find_map(|line| line.strip_prefix(&format!("{name} ")));
    line.unwrap_or_else(|| panic!("{metadata}")).to_owned()
}

#[test]
fn a_vote_is_the_same_after_a_restart() {
    let mut cluster = Cluster::start(3, STABLE_TIMING);
    cluster.client().set(b"x", b"5").unwrap();
    let all: Vec<NodeId> = cluster.ids().collect();
    cluster.kill(&all);
    for id in all {
        let before = ["term", "votedFor"].map(|name| remembered(&cluster, id, name));
        // Alone it gets no vote, and its pre-vote raises no term: its files do not change.
        cluster.launch(&[id]);
        let elections = format!("Node {id} election timer timed out, Starting election.");
        let times = |cluster: &Cluster| cluster.file(id, "dump.txt").matches(&elections).count();
        let so_far = times(&cluster);
        eventually("it stands for election", || times(&cluster) > so_far);
        assert_eq!(cluster.status(id).unwrap().term.to_string(), before[0]);
        cluster.end(&[id]);
        assert_eq!(["term", "votedFor"].map(|name| remembered(&cluster, id, name)), before);
    }
    let votes: Vec<String> = cluster.ids().map(|id| remembered(&cluster, id, "votedFor")).collect();
    assert!(votes.iter().filter(|vote| **vote != "none").count() >= 2, "{votes:?}");
}

#[test]
fn a_value_is_stored_unchanged() {
    let cluster = Cluster::start(1, STABLE_TIMING);
    for value in ["Bheem the Great", " a  b ", "a\tb", "a\\nb", "--raw", "", "ä ö"] {
        let output = cluster.kv(&["set", "name", value]);
        assert_eq!(output.code, 0, "{output:?}");
        let output = cluster.kv(&["--raw", "get", "name"]);
        assert_eq!((output.code, output.stdout.trim_end_matches('\n')), (0, value), "{output:?}");
    }
}

#[test]
fn the_log_is_appended_to_and_not_rewritten() {
    let cluster = Cluster::start(3, STABLE_TIMING);
    let client = cluster.client();
    client.set(b"x", b"0").unwrap();
    let leader = cluster.leader();
    let path = cluster.directory(leader).join("logs.txt");
    let (mut before, inode) = (fs::read(&path).unwrap(), fs::metadata(&path).unwrap().ino());
    for number in 0..20 {
        client.set(b"x", number.to_string().as_bytes()).unwrap();
        let now = fs::read(&path).unwrap();
        // The leader's own copy may be written last, but it never loses anything.
        assert!(now.starts_with(&before), "earlier bytes are unchanged");
        assert_eq!(fs::metadata(&path).unwrap().ino(), inode, "it is the same file");
        before = now;
    }
}

/// A leader is paused, and both others are killed and restarted: they must wait until its lease has
/// ended, although they were restarted. Their new leader sends heartbeats meanwhile.
#[test]
fn an_old_lease_is_waited_out_even_by_voters_that_restarted() {
    let lease = Duration::from_secs(6);
    let flags = ["--lease", "6", "--heartbeat", "0.1", "--election-timeout", "1.5"];
    let mut cluster = Cluster::start(3, &flags);
    let leader = cluster.leader();
    let asked = cluster.client_at(leader, Duration::from_secs(2));
    asked.set(b"x", b"old").unwrap();
    let others = cluster.others(leader);
    cluster.process(leader).signal("STOP");
    let restarted = Instant::now();
    cluster.kill(&others);
    cluster.launch(&others);
    let nodes: Vec<_> = others.iter().map(|id| cluster.nodes[*id as usize].clone()).collect();
    eventually("one of them leads", || {
        others.iter().any(|id| {
            let dump = cluster.file(*id, "dump.txt");
            dump.contains("New Leader waiting for Old Leader Lease to timeout.")
        })
    });
    let terms = || others.iter().map(|id| cluster.status(*id).map_or(0, |s| s.term)).max().unwrap();
    let term = terms();
    assert!(restarted.elapsed() < lease, "it waits, and does not stand later");
    let early = client_of(&nodes, Duration::from_millis(500)).set(b"x", b"early");
    assert!(early.is_err(), "nothing is committed under the old lease");
    client_of(&nodes, Duration::from_secs(30)).set(b"x", b"new").unwrap();
    assert!(restarted.elapsed() >= lease, "acknowledged after {:?}", restarted.elapsed());
    assert_eq!(terms(), term, "heartbeats kept the others from standing");
    cluster.process(leader).signal("CONT");
    cluster.converge();
    let now = cluster.client().get(b"x", Consistency::Linearizable).unwrap().unwrap();
    assert_eq!(now.value, b"new");
}
