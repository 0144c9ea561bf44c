//! The store's calls.

use std::time::{Duration, Instant};

use super::record::{Consistency, Listing, NodeStatus, Pair};
use super::session::Session;
use super::wire::{self, Scan};
use crate::call::{Code, Status};
use crate::kv::contract::SERVICE;
use crate::raft::{NodeId, Origin};
use crate::replica::cluster_client::{CallTarget, ClusterClient, Exhausted, Failure};
use crate::rpc::{ChannelOptions, ClientCall};

/// How a client is set up.
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

/// Calls a store. Threads may share it.
pub struct KvClient {
    cluster: ClusterClient,
    session: Session,
    timeout: Duration,
}

/// How often a write opens a new session when the group says that the old one has expired. Once
/// would do, but for a group that expires sessions as fast as they are opened.
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
        let cluster = ClusterClient::new(nodes, &options.channel, Exhausted::Busy)?;
        Ok(KvClient { cluster, session: Session::default(), timeout: options.timeout })
    }

    /// Looks a key up.
    ///
    /// # Errors
    /// Here and below a node's refusal; `UNAVAILABLE` when nobody who could answer was found in
    /// time. Of a write `UNKNOWN`: it may be done or not.
    pub fn get(&self, key: &[u8], consistency: Consistency) -> Result<Option<Pair>, Status> {
        let request = || wire::encode_get(key, consistency);
        wire::parse_get(&self.read("Get", consistency, request)?)
    }

    /// Sets a key's value. Gives the write's revision.
    pub fn set(&self, key: &[u8], value: &[u8]) -> Result<u64, Status> {
        wire::parse_set(&self.write("Set", |origin| wire::encode_set(key, value, origin))?)
    }

    /// Takes a key away; whether it was there.
    pub fn delete(&self, key: &[u8]) -> Result<bool, Status> {
        wire::parse_delete(&self.write("Delete", |origin| wire::encode_delete(key, origin))?)
    }

    /// Sets a key's value if it has the old one (`None`: if there is no such key); whether it had.
    pub fn compare_and_set(
        &self,
        key: &[u8],
        old: Option<&[u8]>,
        new: &[u8],
    ) -> Result<bool, Status> {
        let request = |origin| wire::encode_compare_and_set(key, old, new, origin);
        wire::parse_compare_and_set(&self.write("CompareAndSet", request)?)
    }

    /// A page of the keys that begin so, behind `after` (empty: from the first), `limit` at most
    /// (0: as many as the store gives).
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

    /// How many keys begin so.
    pub fn count(&self, prefix: &[u8], consistency: Consistency) -> Result<u64, Status> {
        let scan = Scan { prefix, after: b"", limit: 0, count_only: true, consistency };
        let counted = self.read("Scan", consistency, || wire::encode_scan(scan))?;
        wire::parse_scan(&counted).map(|listing| listing.count)
    }

    /// How each node is, in the order in which they were given. All are asked at the same time; once
    /// one has answered, one that is silent is not waited for much longer.
    pub fn statuses(&self) -> Vec<(NodeId, Result<NodeStatus, Status>)> {
        let answers = self.cluster.call_all(&path("Status"), &[], self.timeout);
        let read = |(id, answer): (NodeId, Result<Vec<u8>, Status>)| {
            (id, answer.and_then(|answer| wire::parse_status(&answer)))
        };
        answers.into_iter().map(read).collect()
    }

    /// Has another node lead.
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

    /// Begins a watch behind a revision, at the `attempt`-th node.
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

    /// Sends a write until it is answered, each time under the same number.
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
                // The group has forgotten the session, and the write was never begun.
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
