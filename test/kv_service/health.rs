//! The health of a node: whether it would answer, and whether it leads.

use std::time::Instant;

use agora::pb::grpc_health_v1::mod_HealthCheckResponse::ServingStatus;
use agora::pb::grpc_health_v1::{HealthCheckRequest, HealthCheckResponse};
use agora::protobuf::{decode, encode};
use agora::raft::NodeId;
use agora::rpc::{CallOptions, ClientCall, Received};

use crate::fixture::{Group, LONG, eventually};

const SERVICE: &str = "agora.kv.v1.KvService";
const LEADER: &str = "agora.kv.v1.KvService/leader";
const HEALTH: &str = "grpc.health.v1.Health";

fn health_request(service: &str) -> Vec<u8> {
    encode(&HealthCheckRequest { service: service.into() })
}

fn serves(group: &Group, id: NodeId, service: &str) -> bool {
    let answer =
        group.at(id).raw("/grpc.health.v1.Health/Check", &health_request(service)).unwrap();
    answer.read::<HealthCheckResponse>().status == ServingStatus::SERVING
}

struct Watch(ClientCall);

impl Watch {
    fn of(group: &Group, id: NodeId, service: &str) -> Watch {
        let options = CallOptions { timeout: None, ..CallOptions::default() };
        let mut call =
            group.at(id).channel.start("/grpc.health.v1.Health/Watch", &options).unwrap();
        call.send_last(&health_request(service)).unwrap();
        Watch(call)
    }

    fn next(&mut self) -> bool {
        match self.0.receive_until(Some(Instant::now() + LONG)).unwrap() {
            Received::Message(message) => {
                decode::<HealthCheckResponse>(&message).unwrap().status == ServingStatus::SERVING
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_single_node_serves_and_leads() {
    let group = Group::new(1);
    eventually("it leads", || serves(&group, 0, LEADER));
    for name in ["", SERVICE, "RaftService", "RaftService/leader", HEALTH] {
        assert!(serves(&group, 0, name), "{name:?}");
    }
}

#[test]
fn without_a_majority_no_node_is_healthy_and_health_watches_are_notified() {
    let mut group = Group::new(3);
    let leader = group.leader();
    let followers = group.followers();
    eventually("all serve", || group.ids().all(|id| serves(&group, id, SERVICE)));
    assert!(group.ids().all(|id| serves(&group, id, "")));
    eventually("the leader is known as such", || serves(&group, leader, LEADER));
    assert!(followers.iter().all(|id| !serves(&group, *id, LEADER)));

    let [last, other] = followers[..] else { panic!("{followers:?}") };
    let mut watches = ["", SERVICE].map(|service| Watch::of(&group, last, service));
    assert!(watches.iter_mut().all(Watch::next));
    group.stop(leader);
    // Another leader may have been elected in between.
    group.stop(other);
    for watch in &mut watches {
        while watch.next() {}
    }
    eventually("it gives up", || {
        ["", SERVICE, LEADER].iter().all(|name| !serves(&group, last, name))
    });
    assert!(serves(&group, last, HEALTH), "it speaks for itself");

    group.start(other);
    for watch in &mut watches {
        while !watch.next() {}
    }
    let leads = |id| serves(&group, id, LEADER);
    eventually("one of two leads", || leads(last) != leads(other));
}
