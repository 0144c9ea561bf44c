//! The store's messages on the server's side (`proto/agora/kv/v1`). A parsed request borrows from
//! its message; a response is appended to the buffer of the connection.

use std::borrow::Cow;

use super::KvService;
use crate::call::{Code, Status};
use crate::kv::state::{Change, Invalid, Kv, MAX_KEY_BYTES, Page, Record, check_key};
use crate::pb::agora_kv_v1 as pb;
use crate::pb::no_package as course;
use crate::protobuf::{Checked, decode, encode, encode_into};
use crate::raft::{NodeId, Origin, RoleName};
use crate::replica::node::Shared;
use crate::replica::state::Replicated;

/// The most pairs on a page of a scan.
const MAX_PAGE: usize = 1000;
/// The most bytes of keys and values on a page, unless the first pair alone has more.
const MAX_PAGE_BYTES: usize = 1024 * 1024;

/// The consistency of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Consistency {
    Linearizable,
    Stale,
}

/// A request for a page of keys.
#[derive(Clone, Debug)]
pub(super) struct ScanRequest {
    pub(super) prefix: Vec<u8>,
    after: Vec<u8>,
    limit: usize,
    keys_only: bool,
    count_only: bool,
}

fn read<'a, M>(bytes: &'a [u8]) -> Result<M, Status>
where
    M: Checked + quick_protobuf::MessageRead<'a>,
{
    decode(bytes).map_err(|error| Status::new(Code::Internal, error.to_string()))
}

/// The status for an invalid key or value.
pub(super) fn invalid(invalid: Invalid) -> Status {
    Status::new(Code::InvalidArgument, invalid.to_string())
}

fn consistency(consistency: pb::Consistency) -> Consistency {
    match consistency {
        pb::Consistency::CONSISTENCY_STALE => Consistency::Stale,
        _ => Consistency::Linearizable,
    }
}

pub(super) fn parse_get(message: &[u8]) -> Result<(&[u8], Consistency), Status> {
    let request: pb::GetRequest<'_> = read(message)?;
    let key = borrowed(request.key)?;
    check_key(key).map_err(invalid)?;
    Ok((key, consistency(request.consistency)))
}

/// Bytes of a decoded message, which borrow from it.
fn borrowed(bytes: Cow<'_, [u8]>) -> Result<&[u8], Status> {
    match bytes {
        Cow::Borrowed(bytes) => Ok(bytes),
        Cow::Owned(bytes) if bytes.is_empty() => Ok(&[]),
        Cow::Owned(_) => Err(Status::new(Code::Internal, "a copy where none was made")),
    }
}

pub(super) fn parse_set(message: &[u8]) -> Result<pb::SetRequest<'_>, Status> {
    read(message)
}

pub(super) fn parse_delete(message: &[u8]) -> Result<pb::DeleteRequest<'_>, Status> {
    read(message)
}

pub(super) fn parse_compare_and_set(
    message: &[u8],
) -> Result<pb::CompareAndSetRequest<'_>, Status> {
    read(message)
}

/// The session and the number of a write, if it has them.
pub(super) fn origin(origin: Option<&pb::Origin>) -> Option<Origin> {
    let pb::Origin { session, sequence, acknowledged } = *origin?;
    Some(Origin { session, sequence, acknowledged })
}

/// A prefix is at most as long as a key: no key has a longer one, and a waiting call keeps its
/// prefix.
fn check_prefix(prefix: &[u8]) -> Result<(), Status> {
    if prefix.len() <= MAX_KEY_BYTES {
        return Ok(());
    }
    let message = format!("the prefix has {} bytes, {MAX_KEY_BYTES} are allowed", prefix.len());
    Err(Status::new(Code::InvalidArgument, message))
}

pub(super) fn parse_scan(message: &[u8]) -> Result<(ScanRequest, Consistency), Status> {
    let request: pb::ScanRequest<'_> = read(message)?;
    check_prefix(&request.prefix)?;
    if !request.after.is_empty() {
        check_key(&request.after).map_err(invalid)?;
    }
    let limit = match request.limit as usize {
        0 => MAX_PAGE,
        limit => limit.min(MAX_PAGE),
    };
    let scan = ScanRequest {
        prefix: request.prefix.into_owned(),
        after: request.after.into_owned(),
        limit,
        keys_only: request.keys_only,
        count_only: request.count_only,
    };
    Ok((scan, consistency(request.consistency)))
}

pub(super) fn parse_transfer(message: &[u8]) -> Result<NodeId, Status> {
    read::<pb::TransferLeadershipRequest>(message).map(|request| request.node)
}

/// Parses the request of a watch: the prefix, and the revision after which it starts, if given.
pub(super) fn parse_watch(message: &[u8]) -> Result<(Vec<u8>, Option<u64>), Status> {
    let request: pb::WatchRequest<'_> = read(message)?;
    check_prefix(&request.prefix)?;
    Ok((request.prefix.into_owned(), request.start.map(|start| start.after_revision)))
}

pub(super) fn parse_serve_client(message: &[u8]) -> Result<Cow<'_, str>, Status> {
    read::<course::ServeClientArgs<'_>>(message).map(|request| request.Request)
}

fn pair(record: &Record, keys_only: bool) -> pb::Pair<'_> {
    pb::Pair {
        key: Cow::Borrowed(record.key()),
        value: Cow::Borrowed(if keys_only { &[] } else { record.value() }),
        modified_revision: record.modified,
        created_revision: record.created,
    }
}

pub(super) fn append_get(machine: &Kv, key: &[u8], response: &mut Vec<u8>) {
    let pair = machine.get(key).map(|record| pair(record, false));
    encode_into(&pb::GetResponse { pair }, response);
}

pub(super) fn append_scan(state: &Replicated<Kv>, request: &ScanRequest, response: &mut Vec<u8>) {
    let machine = state.machine();
    let ScanRequest { prefix, after, limit, keys_only, count_only } = request;
    let page = match count_only {
        true => Page::default(),
        false => machine.scan(prefix, after, *limit, MAX_PAGE_BYTES),
    };
    let scanned = pb::ScanResponse {
        pairs: page.records.iter().map(|record| pair(record, *keys_only)).collect(),
        has_more: page.has_more,
        count: machine.count(prefix) as u64,
        revision: state.applied_index(),
    };
    encode_into(&scanned, response);
}

pub(super) fn append_set(revision: u64, response: &mut Vec<u8>) {
    encode_into(&pb::SetResponse { revision }, response);
}

pub(super) fn append_delete(deleted: bool, revision: u64, response: &mut Vec<u8>) {
    encode_into(&pb::DeleteResponse { deleted, revision }, response);
}

pub(super) fn append_compare_and_set(is_set: bool, revision: u64, response: &mut Vec<u8>) {
    encode_into(&pb::CompareAndSetResponse { is_set, revision }, response);
}

pub(super) fn append_open_session(session: u64, response: &mut Vec<u8>) {
    encode_into(&pb::OpenSessionResponse { session }, response);
}

pub(super) fn append_serve_client(data: &str, leader: &str, success: bool, response: &mut Vec<u8>) {
    let reply = course::ServeClientReply {
        Data: Cow::Borrowed(data),
        LeaderID: Cow::Borrowed(leader),
        Success: success,
    };
    encode_into(&reply, response);
}

/// The response of a watch: all changes up to a revision.
pub(super) fn watch_response(changes: &[&Change], revision: u64) -> Vec<u8> {
    let changes = changes.iter().map(|change| pb::Change {
        key: Cow::Borrowed(change.key()),
        value: change.value().map(|value| pb::Value { value: Cow::Borrowed(value) }),
        revision: change.revision,
        created_revision: change.created,
    });
    encode(&pb::WatchResponse { changes: changes.collect(), revision })
}

pub(super) fn append_status(node: &Shared<KvService>, response: &mut Vec<u8>) {
    let (raft, state) = (node.raft(), node.state());
    let address = |id: NodeId| {
        let known = node.peers().iter().find(|(peer, _)| *peer == id);
        Cow::Borrowed(known.map_or("", |(_, address)| address.as_str()))
    };
    let leads = raft.is_leader();
    let peer = |peer: crate::raft::PeerProgress| {
        let lag = if leads { raft.last_index().saturating_sub(peer.match_index) } else { 0 };
        let since_contact = peer.last_contact.map(|moment| node.elapsed_since(moment));
        let last_heard = since_contact
            .map(|ago| pb::LastHeard { ago_ms: ago.as_millis().try_into().unwrap_or(u64::MAX) });
        let match_index = peer.match_index;
        let peer = Some(pb::Peer { node: peer.peer, address: address(peer.peer) });
        pb::PeerStatus { peer, match_index, lag, last_heard }
    };
    let peers = raft.peers();
    // A single node needs no promise of another node, so it has no lease that ends.
    let lease_ms = if peers.is_empty() { 0 } else { node.lease_remaining().as_millis() };
    let quota = node.quota_use();
    let status = pb::StatusResponse {
        node: raft.id(),
        role: match raft.role() {
            RoleName::Leader => pb::Role::ROLE_LEADER,
            RoleName::Follower => pb::Role::ROLE_FOLLOWER,
            RoleName::Candidate => pb::Role::ROLE_CANDIDATE,
        },
        leader: raft.leader().map(|leader| pb::Peer { node: leader, address: address(leader) }),
        term: raft.current_term(),
        commit_index: raft.commit_index(),
        applied_index: state.applied_index(),
        lease_remaining_ms: lease_ms.try_into().unwrap_or(u64::MAX),
        peers: peers.into_iter().map(peer).collect(),
        keys: state.machine().len() as u64,
        oldest_watch_revision: state.machine().history().oldest(),
        size_bytes: quota.size_bytes,
        quota_bytes: quota.quota_bytes,
        is_full: quota.is_full,
    };
    encode_into(&status, response);
}
