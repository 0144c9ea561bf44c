//! The status of a call that the node cannot serve.

use super::service::Service;
use super::shared::Shared;
use crate::call::{Code, Metadata, Status};
use crate::raft::{NodeId, NotLeader};
use crate::replica::contract::{FULL, LEADER, LEADER_ID, NODE_ID};
use crate::replica::engine::{Answer, QuotaUse, TransferFailure};
use crate::replica::service::with_metadata;
use crate::replica::state::Refusal;

/// The status of an answer that is not a success. An answer of another kind than the call's own is
/// a bug.
pub fn refusal<S: Service>(node: &Shared<S>, answer: &Answer) -> Status {
    match answer {
        Answer::NotLeader(not) => not_leader(node, *not),
        Answer::Lost(not) => {
            let message =
                "this node has lost its leadership: whether the write is committed is unknown";
            let status = Status::new(Code::Unknown, message);
            Status { metadata: leader_metadata(node, not.leader), ..status }
        }
        Answer::Busy => {
            let status =
                Status::new(Code::ResourceExhausted, "too many commands wait to be committed");
            Status { metadata: leader_metadata(node, node.raft().leader()), ..status }
        }
        Answer::Full => {
            let (id, why) = (node.raft().id(), node.full().unwrap_or("the disk is full"));
            let message = format!("node {id} accepts no writes at present: {why}");
            let status = Status::new(Code::ResourceExhausted, message);
            Status { metadata: leader_metadata(node, node.raft().leader()), ..status }
        }
        Answer::OverQuota(QuotaUse { size_bytes, quota_bytes, .. }) => {
            let message = format!(
                "the quota is used up: {size_bytes} of {quota_bytes} bytes (--quota-bytes); {}, or \
                 restart the nodes one by one with a larger quota",
                S::MAKES_SPACE
            );
            let status = Status::new(Code::ResourceExhausted, message);
            let metadata = leader_metadata(node, node.raft().leader());
            with_metadata(Status { metadata, ..status }, FULL, "quota")
        }
        Answer::Refused(refusal @ (Refusal::Expired | Refusal::Acknowledged)) => {
            Status::new(Code::FailedPrecondition, refusal.to_string())
        }
        Answer::Refused(refusal @ Refusal::TooFarAhead) => {
            Status::new(Code::OutOfRange, refusal.to_string())
        }
        Answer::Refused(refusal @ (Refusal::NoMoreSessions | Refusal::NoRoomForAnswers)) => {
            let status = Status::new(Code::ResourceExhausted, refusal.to_string());
            Status { metadata: leader_metadata(node, node.raft().leader()), ..status }
        }
        Answer::NotTransferred(failure) => {
            let (code, message) = match failure {
                TransferFailure::UnknownNode => (Code::NotFound, "the group has no such node"),
                TransferFailure::NoVoter => {
                    (Code::FailedPrecondition, "the node is refused as a voter")
                }
                TransferFailure::InProgress => {
                    (Code::FailedPrecondition, "another transfer is in progress")
                }
                TransferFailure::TimedOut => {
                    (Code::Aborted, "the node did not become leader in time")
                }
            };
            Status::new(code, message)
        }
        Answer::Done(_) | Answer::Opened(_) | Answer::Read | Answer::Transferred => {
            Status::new(Code::Internal, "the node gave an answer of another kind")
        }
    }
}

/// `UNAVAILABLE`: this node does not lead. The metadata names the leader if it is known.
pub fn not_leader<S: Service>(node: &Shared<S>, not: NotLeader) -> Status {
    let message = match not.leader {
        Some(leader) => format!("node {} does not lead, node {leader} does", node.raft().id()),
        None => {
            let id = node.raft().id();
            let why = node.quorum_missing().map(|why| format!(": {why}")).unwrap_or_default();
            format!("node {id} does not lead, and knows no leader{why}")
        }
    };
    Status {
        metadata: leader_metadata(node, not.leader),
        ..Status::new(Code::Unavailable, message)
    }
}

/// Metadata with the id of this node, and the id and address of the leader.
fn leader_metadata<S: Service>(node: &Shared<S>, leader: Option<NodeId>) -> Metadata {
    let mut metadata = Metadata::new();
    let mut insert = |name: &str, value: &str| {
        if let Err(error) = metadata.insert(name, value.as_bytes()) {
            log::error!("{name}: {error}");
        }
    };
    insert(NODE_ID, &node.raft().id().to_string());
    if let Some(leader) = leader {
        insert(LEADER_ID, &leader.to_string());
        if let Some((_, address)) = node.peers().iter().find(|(peer, _)| *peer == leader) {
            insert(LEADER, address);
        }
    }
    metadata
}
