//! One method for each call of the store.

use std::time::{Duration, Instant};

use super::record::{Consistency, Listing, NodeStatus, Pair};
use super::session::Session;
use super::wire::{self, Scan};
use crate::call::{Code, Status};
use crate::kv::contract::{FULL, SERVICE};
use crate::raft::{NodeId, Origin};
use crate::replica::cluster_client::{CallTarget, ClusterClient, Exhausted, Failure};
use crate::rpc::{ChannelOptions, ClientCall};

/// The options of a client.
#[derive(Clone, Debug)]
pub struct ClientOptions {
    /// How connections are made. An attempt never takes longer than 300 ms: there are other nodes.
    pub channel: ChannelOptions,
    /// How long a call may take, its retries included.
    pub timeout: Duration,
}

impl Default for ClientOptions {
    fn default() -> ClientOptions {
        ClientOptions { channel: ChannelOptions::default(), timeout: Duration::from_secs(10) }
    }
}

/// A client of a store. Threads may share it.
pub struct KvClient {
    cluster: ClusterClient,
    session: Session,
    timeout: Duration,
}

/// The most sessions that one write opens when the group reports that its session has expired. One
/// suffices, unless the group expires sessions as fast as they are opened.
const MAX_SESSIONS: usize = 3;

impl KvClient {
    /// A client of the group of these nodes, with their addresses (`host:port`). Nothing is
    /// connected yet.
    ///
    /// # Errors
    /// `INVALID_ARGUMENT` without a node, `UNAVAILABLE` when the process is out of file
    /// descriptors.
    pub fn new(nodes: &[(NodeId, String)], options: &ClientOptions) -> Result<KvClient, Status> {
        let nodes = nodes.iter().map(|(id, target)| (Some(*id), target.clone()));
        let cluster = ClusterClient::new(nodes, &options.channel, Exhausted::RefusedIf(FULL))?;
        Ok(KvClient { cluster, session: Session::default(), timeout: options.timeout })
    }

    /// Reads a key.
    ///
    /// # Errors
    /// Here and below a node's refusal; `UNAVAILABLE` when no node could answer in time. Of a write
    /// `UNKNOWN`: it may or may not have been executed.
    pub fn get(&self, key: &[u8], consistency: Consistency) -> Result<Option<Pair>, Status> {
        let request = || wire::encode_get(key, consistency);
        wire::parse_get(&self.read("Get", consistency, request)?)
    }

    /// Sets a key's value. Returns the write's revision.
    pub fn set(&self, key: &[u8], value: &[u8]) -> Result<u64, Status> {
        wire::parse_set(&self.write("Set", |origin| wire::encode_set(key, value, origin))?)
    }

    /// Deletes a key. Returns whether it existed.
    pub fn delete(&self, key: &[u8]) -> Result<bool, Status> {
        wire::parse_delete(&self.write("Delete", |origin| wire::encode_delete(key, origin))?)
    }

    /// Sets a key's value if it has the old one (`None`: if there is no such key). Returns whether
    /// it was set.
    pub fn compare_and_set(
        &self,
        key: &[u8],
        old: Option<&[u8]>,
        new: &[u8],
    ) -> Result<bool, Status> {
        let request = |origin| wire::encode_compare_and_set(key, old, new, origin);
        wire::parse_compare_and_set(&self.write("CompareAndSet", request)?)
    }

    /// A page of the keys with a prefix that follow `after` (empty: from the first key), at most
    /// `limit` of them (0: the store's own limit).
    pub fn scan(
        &self,
        prefix: &[u8],
        after: &[u8],
        limit: u32,
        consistency: Consistency,
    ) -> Result<Listing, Status> {
        let scan = Scan { prefix, after, limit, count_only: false, consistency };
        wire::parse_scan(&self.read("Scan", consistency, || wire::encode_scan(scan))?)
    }

    /// The number of keys with a prefix.
    pub fn count(&self, prefix: &[u8], consistency: Consistency) -> Result<u64, Status> {
        let scan = Scan { prefix, after: b"", limit: 0, count_only: true, consistency };
        let counted = self.read("Scan", consistency, || wire::encode_scan(scan))?;
        wire::parse_scan(&counted).map(|listing| listing.count)
    }

    /// The status of each node, in the order of the client's nodes. All nodes are called at the
    /// same time. Once one has answered, the others have little time left.
    pub fn statuses(&self) -> Vec<(NodeId, Result<NodeStatus, Status>)> {
        let answers = self.cluster.call_all(&path("Status"), &[], self.timeout);
        let read = |(id, answer): (NodeId, Result<Vec<u8>, Status>)| {
            (id, answer.and_then(|answer| wire::parse_status(&answer)))
        };
        answers.into_iter().map(read).collect()
    }

    /// Transfers the leadership to another node.
    pub fn transfer(&self, to: NodeId) -> Result<(), Status> {
        let until = Instant::now() + self.timeout;
        let answer = self.cluster.call(
            CallTarget::Leader,
            &path("TransferLeadership"),
            || wire::encode_transfer(to),
            until,
        );
        answer.map(drop).map_err(|failure| failure.status)
    }

    /// Opens a watch after a revision, at the `attempt`-th node.
    pub(super) fn watch(
        &self,
        attempt: usize,
        prefix: &[u8],
        after: Option<u64>,
    ) -> Result<ClientCall, Status> {
        self.cluster.stream(attempt, &path("Watch"), &wire::encode_watch(prefix, after))
    }

    fn read(
        &self,
        method: &str,
        consistency: Consistency,
        request: impl Fn() -> Vec<u8>,
    ) -> Result<Vec<u8>, Status> {
        let until = Instant::now() + self.timeout;
        let target = match consistency {
            Consistency::Linearizable => CallTarget::Leader,
            Consistency::Stale => CallTarget::AnyNode,
        };
        let answer = self.cluster.call(target, &path(method), request, until);
        answer.map_err(|failure| failure.status)
    }

    /// Sends a write until it is answered, always with the same sequence number.
    fn write(&self, method: &str, request: impl Fn(Origin) -> Vec<u8>) -> Result<Vec<u8>, Status> {
        let until = Instant::now() + self.timeout;
        let mut sessions = 0;
        loop {
            let id = self.session.begin(until, || self.open_session(until))?;
            let request = || request(self.session.origin(id));
            let answer = self.cluster.call(CallTarget::Leader, &path(method), request, until);
            self.session.end(id);
            sessions += 1;
            match answer {
                Ok(answer) => return Ok(answer),
                // The session has expired, and no attempt of the write was executed.
                Err(Failure { status, may_be_done: false })
                    if status.code == Code::FailedPrecondition && sessions < MAX_SESSIONS =>
                {
                    self.session.discard(id);
                }
                Err(Failure { status, may_be_done: false }) => return Err(status),
                Err(Failure { status, may_be_done: true }) => {
                    let message = format!("it may be done or not: {}", status.message);
                    return Err(Status::new(Code::Unknown, message));
                }
            }
        }
    }

    fn open_session(&self, until: Instant) -> Result<u64, Status> {
        let answer = self.cluster.call(CallTarget::Leader, &path("OpenSession"), Vec::new, until);
        wire::parse_open_session(&answer.map_err(|failure| failure.status)?)
    }
}

fn path(method: &str) -> String {
    format!("/{SERVICE}/{method}")
}
