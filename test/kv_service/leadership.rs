//! Leaders, followers, their answers, and transfers of leadership.

use agora::call::{Code, Status};
use agora::pb::agora_kv_v1 as pb;
use agora::protobuf::encode;
use agora::raft::NodeId;
use agora::rpc::CallOptions;

use crate::fixture::{Answer, Caller, Group, LONG, eventually, metadata_value, path, refused};

type Ask = fn(&Caller) -> Result<(), Status>;

/// Every call that needs the leader.
const FOR_THE_LEADER: [(&str, Ask); 7] = [
    ("Get", |caller| caller.get(b"x").map(drop)),
    ("Scan", |caller| caller.scan(&pb::ScanRequest::default()).map(drop)),
    ("Set", |caller| caller.set(b"x", b"never written").map(drop)),
    ("Delete", |caller| caller.delete(b"x").map(drop)),
    ("CompareAndSet", |caller| caller.compare_and_set(b"x", None, b"never written").map(drop)),
    ("OpenSession", |caller| caller.open_session().map(drop)),
    ("TransferLeadership", |caller| caller.transfer(0)),
];

#[test]
fn a_follower_refuses_and_names_the_leader_and_its_address() {
    let group = Group::new(3);
    let (leader, followers) = (group.leader(), group.followers());
    let revision = group.at(leader).set(b"x", b"5").unwrap();
    for follower in followers {
        let caller = group.at(follower);
        for (name, ask) in FOR_THE_LEADER {
            let words = format!("node {follower} does not lead, node {leader} does");
            let status = refused(ask(&caller), Code::Unavailable, &words);
            assert_eq!(
                metadata_value(&status, "agora-node-id"),
                Some(&*follower.to_string()),
                "{name}"
            );
            assert_eq!(
                metadata_value(&status, "agora-leader-id"),
                Some(&*leader.to_string()),
                "{name}"
            );
            assert_eq!(
                metadata_value(&status, "agora-leader"),
                Some(group.address(leader)),
                "{name}"
            );
        }
        group.catch_up(follower);
        let pair = caller.get_stale(b"x").unwrap().unwrap();
        assert_eq!((pair.1, pair.2), (b"5".to_vec(), revision), "a stale read is answered");
        let stale = pb::Consistency::CONSISTENCY_STALE;
        let scanned = caller.scan(&pb::ScanRequest { consistency: stale, ..Default::default() });
        assert_eq!(scanned.unwrap().read::<pb::ScanResponse<'_>>().count, 1);
    }
    assert_eq!(group.at(leader).get(b"x").unwrap().unwrap().2, revision, "nothing was done");
}

#[test]
fn a_node_that_knows_no_leader_says_so() {
    let mut group = Group::new(3);
    let (leader, followers) = (group.leader(), group.followers());
    group.at(leader).set(b"x", b"5").unwrap();
    group.catch_up(followers[1]);
    group.stop(followers[0]);
    group.stop(leader);
    let (left, caller) = (followers[1], group.at(followers[1]));
    eventually("it knows no leader", || {
        // The leader may have handed over to this node at its shutdown: then it answers reads until
        // its lease ends.
        let Err(status) = caller.get(b"x") else { return false };
        assert_eq!(status.code, Code::Unavailable, "{status}");
        assert_eq!(metadata_value(&status, "agora-node-id"), Some(&*left.to_string()));
        metadata_value(&status, "agora-leader-id").is_none()
            && metadata_value(&status, "agora-leader").is_none()
    });
    for (_, ask) in FOR_THE_LEADER {
        refused(ask(&caller), Code::Unavailable, "knows no leader");
    }
    assert_eq!(caller.get_stale(b"x").unwrap().unwrap().1, b"5");
}

fn status(caller: &Caller) -> Answer {
    caller.status().unwrap()
}

#[test]
fn status_names_the_leader_and_the_progress_of_each_peer() {
    let mut group = Group::new(3);
    let (leader, followers) = (group.leader(), group.followers());
    let caller = group.at(leader);
    caller.set(b"x", b"5").unwrap();
    followers.iter().for_each(|id| group.catch_up(*id));
    eventually("no node lags", || {
        status(&caller).read::<pb::StatusResponse<'_>>().peers.iter().all(|peer| peer.lag == 0)
    });
    let answer = status(&caller);
    let report: pb::StatusResponse<'_> = answer.read();
    assert_eq!((report.node, report.role, report.keys), (leader, pb::Role::ROLE_LEADER, 1));
    assert!((1..=900).contains(&report.lease_remaining_ms), "{}", report.lease_remaining_ms);
    let known: Vec<NodeId> = report.peers.iter().map(|p| p.peer.as_ref().unwrap().node).collect();
    assert_eq!(known, followers, "in order of their numbers");
    for peer in &report.peers {
        let named = peer.peer.as_ref().unwrap();
        assert_eq!(named.address, group.address(named.node));
        assert_eq!(peer.match_index, report.applied_index);
        assert!(peer.last_heard.as_ref().unwrap().ago_ms < 900);
    }
    let answer = status(&group.at(followers[0]));
    let other: pb::StatusResponse<'_> = answer.read();
    assert_eq!((other.node, other.role), (followers[0], pb::Role::ROLE_FOLLOWER));
    assert_eq!((other.term, other.lease_remaining_ms), (report.term, 0));
    assert_eq!(other.leader.unwrap().address, group.address(leader));
    // A stopped node falls behind and sends nothing.
    group.stop(followers[1]);
    for number in 0..5 {
        caller.set(b"x", &[number]).unwrap();
    }
    eventually("it has sent nothing for a while", || {
        let answer = status(&caller);
        let report: pb::StatusResponse<'_> = answer.read();
        let stopped = &report.peers[1];
        assert!(stopped.lag >= 5);
        stopped.last_heard.as_ref().unwrap().ago_ms > 200
    });
}

#[test]
fn leadership_is_transferred_and_transferred_back() {
    let group = Group::new(3);
    for _ in 0..3 {
        let leader = group.leader();
        let target = group.followers()[1];
        group.at(leader).set(b"x", b"before").unwrap();
        group.at(leader).transfer(target).unwrap();
        let report = status(&group.at(target));
        assert_eq!(report.read::<pb::StatusResponse<'_>>().role, pb::Role::ROLE_LEADER);
        assert_eq!(group.leader(), target);
        assert_eq!(group.at(target).get(b"x").unwrap().unwrap().1, b"before");
    }
    let leader = group.leader();
    assert_eq!(group.at(leader).transfer(leader), Ok(()), "it leads");
    assert_eq!(group.leader(), leader);
}

#[test]
fn a_transfer_to_an_unknown_or_stopped_node_changes_nothing() {
    let mut group = Group::new(3);
    let (leader, gone) = (group.leader(), group.followers()[0]);
    let caller = group.at(leader);
    refused(caller.transfer(7), Code::NotFound, "no such node");
    group.stop(gone);
    let options = CallOptions { timeout: Some(LONG), ..CallOptions::default() };
    let mut first = caller.channel.start(&path("TransferLeadership"), &options).unwrap();
    first.send_last(&encode(&pb::TransferLeadershipRequest { node: gone })).unwrap();
    // A second transfer, while the first is under way or soon after it has failed.
    let second = caller.transfer(gone).unwrap_err();
    let codes = [Code::FailedPrecondition, Code::Aborted];
    assert!(codes.contains(&second.code), "{second}");
    let status = first.receive().unwrap_err();
    assert_eq!(status.code, Code::Aborted, "{status}");
    assert_eq!(group.leader(), leader, "the old leader leads on");
    caller.set(b"x", b"5").unwrap();
}

/// The leader shuts down while writes are under way: each is answered, or fails with `UNKNOWN`.
#[test]
fn a_leader_that_shuts_down_answers_every_pending_call() {
    let mut group = Group::new(3);
    let leader = group.leader();
    let caller = group.at(leader);
    caller.set(b"x", b"0").unwrap();
    let options = CallOptions { timeout: Some(LONG), ..CallOptions::default() };
    let calls: Vec<_> = (0..50)
        .map(|number: u8| {
            let mut call = caller.channel.start(&path("Set"), &options).unwrap();
            let (key, value) = (vec![b'k', number], vec![number]);
            let request = pb::SetRequest { key: key.into(), value: value.into(), origin: None };
            call.send_last(&encode(&request)).unwrap();
            call
        })
        .collect();
    group.request_stop(leader);
    let mut acknowledged = Vec::new();
    for (number, mut call) in (0..50_u8).zip(calls) {
        match call.receive() {
            Ok(answer) => acknowledged.extend(answer.map(|_| number)),
            Err(status) => {
                assert!([Code::Unavailable, Code::Unknown].contains(&status.code), "{status}");
            }
        }
    }
    group.stop(leader);
    let next = group.at(group.leader());
    for number in acknowledged {
        assert_eq!(next.get(&[b'k', number]).unwrap().unwrap().1, [number]);
    }
}
