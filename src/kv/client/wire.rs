//! The store's messages on the client's side: encodes requests, parses and copies responses.

use std::borrow::Cow;

use super::record::{Change, Consistency, Listing, NodeStatus, Pair, PeerStatus, Role};
use crate::call::{Code, Status};
use crate::pb::agora_kv_v1 as pb;
use crate::protobuf::{Checked, decode, encode};
use crate::raft::{NodeId, Origin};

pub fn encode_get(key: &[u8], consistency: Consistency) -> Vec<u8> {
    encode(&pb::GetRequest { key: Cow::Borrowed(key), consistency: to_pb_consistency(consistency) })
}

pub fn encode_set(key: &[u8], value: &[u8], origin: Origin) -> Vec<u8> {
    encode(&pb::SetRequest {
        key: Cow::Borrowed(key),
        value: Cow::Borrowed(value),
        origin: Some(to_pb_origin(origin)),
    })
}

pub fn encode_delete(key: &[u8], origin: Origin) -> Vec<u8> {
    encode(&pb::DeleteRequest { key: Cow::Borrowed(key), origin: Some(to_pb_origin(origin)) })
}

pub fn encode_compare_and_set(
    key: &[u8],
    old: Option<&[u8]>,
    new: &[u8],
    origin: Origin,
) -> Vec<u8> {
    encode(&pb::CompareAndSetRequest {
        key: Cow::Borrowed(key),
        old: old.map(|old| pb::Value { value: Cow::Borrowed(old) }),
        new: Cow::Borrowed(new),
        origin: Some(to_pb_origin(origin)),
    })
}

/// The request of a scan.
#[derive(Clone, Copy)]
pub struct Scan<'s> {
    pub prefix: &'s [u8],
    pub after: &'s [u8],
    pub limit: u32,
    pub count_only: bool,
    pub consistency: Consistency,
}

pub fn encode_scan(scan: Scan<'_>) -> Vec<u8> {
    encode(&pb::ScanRequest {
        prefix: Cow::Borrowed(scan.prefix),
        after: Cow::Borrowed(scan.after),
        limit: scan.limit,
        consistency: to_pb_consistency(scan.consistency),
        keys_only: false,
        count_only: scan.count_only,
    })
}

pub fn encode_watch(prefix: &[u8], after: Option<u64>) -> Vec<u8> {
    let start = after.map(|after_revision| pb::WatchStart { after_revision });
    encode(&pb::WatchRequest { prefix: Cow::Borrowed(prefix), start })
}

pub fn encode_transfer(node: NodeId) -> Vec<u8> {
    encode(&pb::TransferLeadershipRequest { node })
}

fn to_pb_consistency(consistency: Consistency) -> pb::Consistency {
    match consistency {
        Consistency::Linearizable => pb::Consistency::CONSISTENCY_LINEARIZABLE,
        Consistency::Stale => pb::Consistency::CONSISTENCY_STALE,
    }
}

fn to_pb_origin(origin: Origin) -> pb::Origin {
    let Origin { session, sequence, acknowledged } = origin;
    pb::Origin { session, sequence, acknowledged }
}

/// The status for a response that breaks the contract.
fn incompatible(what: impl std::fmt::Display) -> Status {
    Status::new(Code::Internal, format!("the store's answer makes no sense: {what}"))
}

fn read<'a, M>(bytes: &'a [u8]) -> Result<M, Status>
where
    M: Checked + quick_protobuf::MessageRead<'a>,
{
    decode(bytes).map_err(incompatible)
}

pub fn parse_get(bytes: &[u8]) -> Result<Option<Pair>, Status> {
    Ok(read::<pb::GetResponse<'_>>(bytes)?.pair.map(pair))
}

pub fn parse_set(bytes: &[u8]) -> Result<u64, Status> {
    read::<pb::SetResponse>(bytes).map(|response| response.revision)
}

pub fn parse_delete(bytes: &[u8]) -> Result<bool, Status> {
    read::<pb::DeleteResponse>(bytes).map(|response| response.deleted)
}

pub fn parse_compare_and_set(bytes: &[u8]) -> Result<bool, Status> {
    read::<pb::CompareAndSetResponse>(bytes).map(|response| response.is_set)
}

pub fn parse_scan(bytes: &[u8]) -> Result<Listing, Status> {
    let pb::ScanResponse { pairs, has_more, count, revision } = read(bytes)?;
    Ok(Listing { pairs: pairs.into_iter().map(pair).collect(), has_more, count, revision })
}

pub fn parse_open_session(bytes: &[u8]) -> Result<u64, Status> {
    read::<pb::OpenSessionResponse>(bytes).map(|response| response.session)
}

/// Parses the response of a watch: changes, and the revision up to which they are complete.
pub fn parse_watch(bytes: &[u8]) -> Result<(Vec<Change>, u64), Status> {
    let pb::WatchResponse { changes, revision } = read(bytes)?;
    let changes = changes.into_iter().map(|change| Change {
        key: change.key.into_owned(),
        value: change.value.map(|value| value.value.into_owned()),
        revision: change.revision,
        created: change.created_revision,
    });
    Ok((changes.collect(), revision))
}

pub fn parse_status(bytes: &[u8]) -> Result<NodeStatus, Status> {
    let status: pb::StatusResponse<'_> = read(bytes)?;
    Ok(NodeStatus {
        node: status.node,
        role: match status.role {
            pb::Role::ROLE_LEADER => Role::Leader,
            pb::Role::ROLE_CANDIDATE => Role::Candidate,
            pb::Role::ROLE_FOLLOWER | pb::Role::ROLE_UNSPECIFIED => Role::Follower,
        },
        leader: status.leader.map(|leader| leader.node),
        term: status.term,
        commit_index: status.commit_index,
        applied_index: status.applied_index,
        lease_remaining_ms: status.lease_remaining_ms,
        peers: status.peers.into_iter().map(peer).collect(),
        keys: status.keys,
        oldest_watch_revision: status.oldest_watch_revision,
        size_bytes: status.size_bytes,
        quota_bytes: status.quota_bytes,
        is_full: status.is_full,
    })
}

fn peer(status: pb::PeerStatus<'_>) -> PeerStatus {
    PeerStatus {
        node: status.peer.map_or(0, |peer| peer.node),
        match_index: status.match_index,
        lag: status.lag,
        last_heard_ms: status.last_heard.map(|heard| heard.ago_ms),
    }
}

fn pair(pair: pb::Pair<'_>) -> Pair {
    Pair {
        key: pair.key.into_owned(),
        value: pair.value.into_owned(),
        modified: pair.modified_revision,
        created: pair.created_revision,
    }
}
