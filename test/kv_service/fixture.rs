//! Groups of nodes, each on its own thread.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU16, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use agora::call::{Code, Status};
use agora::kv::service::{self, KvService};
use agora::pb::agora_kv_v1 as pb;
use agora::protobuf::{Checked, decode, encode};
use agora::raft::{Config, NodeId};
use agora::replica::dump::DumpOptions;
use agora::replica::engine::SnapshotPolicy;
use agora::replica::node::{NodeOptions, Opened};
use agora::replica::storage::StorageError;
use agora::replica::transport::{Transport, TransportOptions};
use agora::rpc::{
    CallOptions, Channel, ChannelOptions, ClientCall, Received, Server, ServerHandle,
    ServerOptions, Services, add_standard_services,
};
use agora::session::Protocol;
use quick_protobuf::{MessageRead, MessageWrite};

use crate::free_address::free_address;
use crate::wait::poll_until;

/// The longest wait of a test before it fails.
pub const LONG: Duration = Duration::from_secs(20);

/// Polls until `condition` holds; fails the test when it does not in time.
#[track_caller]
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    poll_until(what, LONG, condition);
}

/// The options of a group.
pub struct Setting {
    pub size: u64,
    pub snapshots: SnapshotPolicy,
    pub max_uncommitted_bytes: usize,
    pub quota_bytes: u64,
}

impl Setting {
    pub fn of(size: u64) -> Setting {
        let max_uncommitted_bytes = Config::lan(0, vec![0]).max_uncommitted_bytes;
        let (snapshots, quota_bytes) = (SnapshotPolicy::default(), 0);
        Setting { size, snapshots, max_uncommitted_bytes, quota_bytes }
    }
}

struct Running {
    handle: ServerHandle,
    thread: JoinHandle<()>,
}

impl Running {
    fn stop(self) {
        self.handle.shut_down();
        self.thread.join().unwrap();
    }
}

/// Nodes 0, 1, ...
pub struct Group {
    home: PathBuf,
    setting: Setting,
    nodes: Vec<(NodeId, String)>,
    running: BTreeMap<NodeId, Running>,
}

impl Group {
    pub fn new(size: u64) -> Group {
        Group::with(Setting::of(size))
    }

    pub fn with(setting: Setting) -> Group {
        static COUNT: AtomicU16 = AtomicU16::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("agora-kv-service-{}-{number}", std::process::id());
        let home = std::env::temp_dir().join(name);
        fs::create_dir(&home).unwrap();
        let nodes = (0..setting.size).map(|id| (id, free_address().to_string())).collect();
        let mut group = Group { home, setting, nodes, running: BTreeMap::new() };
        group.ids().for_each(|id| group.start(id));
        group
    }

    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        0..self.setting.size
    }

    pub fn address(&self, id: NodeId) -> &str {
        &self.nodes[id as usize].1
    }

    pub fn start(&mut self, id: NodeId) {
        let voters: Vec<NodeId> = self.ids().collect();
        let ms = Duration::from_millis;
        let config = Config {
            // The leader must not change because other tests use the processor.
            heartbeat_interval: ms(60),
            election_timeout: ms(900),
            election_spread: ms(900),
            lease: ms(900),
            max_uncommitted_bytes: self.setting.max_uncommitted_bytes,
            ..Config::lan(id, voters)
        };
        let options = NodeOptions {
            directory: Some(self.home.join(format!("node_{id}"))),
            group: "agora".into(),
            machine: "kv".into(),
            peers: self.nodes.clone(),
            config,
            snapshots: self.setting.snapshots,
            quota_bytes: self.setting.quota_bytes,
            dump: DumpOptions::default(),
        };
        let mut opened = None;
        eventually("the files are unused", || {
            match Opened::open(options.clone(), KvService::default()) {
                // A thread of the previous node may still be writing a snapshot.
                Err(StorageError::Locked { .. }) => (),
                result => opened = Some(result.unwrap()),
            }
            opened.is_some()
        });
        let mut opened = opened.unwrap();
        let mut services = Services::new();
        service::register(&mut services, &opened.node());
        let others = self.nodes.iter().filter(|(peer, _)| *peer != id).cloned().collect();
        let transport = TransportOptions::new("agora", id, others);
        let transport = Transport::new(transport, &mut services);
        opened.report_health(add_standard_services(&mut services));
        let address = self.address(id).parse().unwrap();
        let mut server = Server::bind(address, services, ServerOptions::default()).unwrap();
        opened.attach(&mut server, transport).unwrap();
        let handle = server.handle();
        let thread = std::thread::spawn(move || server.run().unwrap());
        self.running.insert(id, Running { handle, thread });
    }

    /// Shuts a node down gracefully.
    pub fn stop(&mut self, id: NodeId) {
        self.running.remove(&id).unwrap().stop();
    }

    /// Requests the shutdown of a node without waiting for it.
    pub fn request_stop(&self, id: NodeId) {
        self.running[&id].handle.shut_down();
    }

    /// Sets the quota of nodes that are started later.
    pub fn set_quota(&mut self, bytes: u64) {
        self.setting.quota_bytes = bytes;
    }

    pub fn restart(&mut self, id: NodeId) {
        self.stop(id);
        self.start(id);
    }

    /// The contents of a file of a node.
    pub fn file(&self, id: NodeId, name: &str) -> String {
        let path = self.home.join(format!("node_{id}")).join(name);
        fs::read_to_string(path).unwrap_or_default()
    }

    /// A caller of one node.
    pub fn at(&self, id: NodeId) -> Caller {
        Caller::new(self.address(id), Protocol::Native)
    }

    pub fn over(&self, id: NodeId, protocol: Protocol) -> Caller {
        Caller::new(self.address(id), protocol)
    }

    /// The leader. Waits until all running nodes agree on it and it can commit.
    #[track_caller]
    pub fn leader(&self) -> NodeId {
        let mut leader = None;
        eventually("a leader", || {
            let known = |id: &NodeId| {
                let status = self.at(*id).status().ok()?;
                Some(status.read::<pb::StatusResponse<'_>>().leader?.node)
            };
            let mut all = self.running.keys().map(known);
            let first = all.next().flatten();
            leader = first.filter(|_| all.all(|known| known == first));
            leader.is_some_and(|leader| self.at(leader).get(b"is there a leader").is_ok())
        });
        leader.unwrap()
    }

    /// The nodes that do not lead, in order.
    pub fn followers(&self) -> Vec<NodeId> {
        let leader = self.leader();
        self.ids().filter(|id| *id != leader).collect()
    }

    /// Waits until a node has applied as much as the leader.
    #[track_caller]
    pub fn catch_up(&self, id: NodeId) {
        let leader = self.leader();
        let applied = |id| {
            let status = self.at(id).status().unwrap();
            status.read::<pb::StatusResponse<'_>>().applied_index
        };
        let wanted = applied(leader);
        eventually("it has caught up", || applied(id) >= wanted);
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // All at once, so that no node hands over to one that is about to stop.
        let running = std::mem::take(&mut self.running);
        running.values().for_each(|running| running.handle.shut_down());
        for running in running.into_values() {
            let joined = running.thread.join();
            assert!(joined.is_ok() || std::thread::panicking());
        }
        let _ = fs::remove_dir_all(&self.home);
    }
}

/// An answer's bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer(pub Vec<u8>);

impl Answer {
    pub fn read<'a, M: Checked + MessageRead<'a>>(&'a self) -> M {
        decode(&self.0).unwrap()
    }
}

/// A pair, with its revisions: modified, created.
pub type Pair = (Vec<u8>, Vec<u8>, u64, u64);

pub fn owned(pair: pb::Pair<'_>) -> Pair {
    let pb::Pair { key, value, modified_revision, created_revision } = pair;
    (key.into_owned(), value.into_owned(), modified_revision, created_revision)
}

pub fn origin(session: u64, sequence: u64, acknowledged: u64) -> Option<pb::Origin> {
    Some(pb::Origin { session, sequence, acknowledged })
}

/// A connection to one node.
pub struct Caller {
    pub channel: Channel,
}

impl Caller {
    pub fn new(target: &str, protocol: Protocol) -> Caller {
        let options = ChannelOptions { protocol, ..ChannelOptions::default() };
        Caller { channel: Channel::new(target, options).unwrap() }
    }

    pub fn raw(&self, path: &str, request: &[u8]) -> Result<Answer, Status> {
        let options = CallOptions { timeout: Some(LONG), ..CallOptions::default() };
        self.channel.unary(path, request, &options).map(Answer)
    }

    pub fn call(&self, method: &str, request: &impl MessageWrite) -> Result<Answer, Status> {
        self.raw(&path(method), &encode(request))
    }

    pub fn get(&self, key: &[u8]) -> Result<Option<Pair>, Status> {
        self.get_with(key, pb::Consistency::CONSISTENCY_UNSPECIFIED)
    }

    pub fn get_stale(&self, key: &[u8]) -> Result<Option<Pair>, Status> {
        self.get_with(key, pb::Consistency::CONSISTENCY_STALE)
    }

    fn get_with(&self, key: &[u8], consistency: pb::Consistency) -> Result<Option<Pair>, Status> {
        let answer = self.call("Get", &pb::GetRequest { key: key.into(), consistency })?;
        Ok(answer.read::<pb::GetResponse<'_>>().pair.map(owned))
    }

    /// Sets a value. Returns the revision.
    pub fn set(&self, key: &[u8], value: &[u8]) -> Result<u64, Status> {
        self.set_as(None, key, value)
    }

    pub fn set_as(
        &self,
        origin: Option<pb::Origin>,
        key: &[u8],
        value: &[u8],
    ) -> Result<u64, Status> {
        let request = pb::SetRequest { key: key.into(), value: value.into(), origin };
        Ok(self.call("Set", &request)?.read::<pb::SetResponse>().revision)
    }

    /// Deletes a key. Returns whether it existed, and the revision.
    pub fn delete(&self, key: &[u8]) -> Result<(bool, u64), Status> {
        self.delete_as(None, key)
    }

    pub fn delete_as(&self, origin: Option<pb::Origin>, key: &[u8]) -> Result<(bool, u64), Status> {
        let answer = self.call("Delete", &pb::DeleteRequest { key: key.into(), origin })?;
        let response: pb::DeleteResponse = answer.read();
        Ok((response.deleted, response.revision))
    }

    /// Compares and sets. Returns whether it was set, and the revision of the present value.
    pub fn compare_and_set(
        &self,
        key: &[u8],
        old: Option<&[u8]>,
        new: &[u8],
    ) -> Result<(bool, u64), Status> {
        self.compare_and_set_as(None, key, old, new)
    }

    pub fn compare_and_set_as(
        &self,
        origin: Option<pb::Origin>,
        key: &[u8],
        old: Option<&[u8]>,
        new: &[u8],
    ) -> Result<(bool, u64), Status> {
        let old = old.map(|old| pb::Value { value: old.into() });
        let request = pb::CompareAndSetRequest { key: key.into(), old, new: new.into(), origin };
        let answer = self.call("CompareAndSet", &request)?;
        let response: pb::CompareAndSetResponse = answer.read();
        Ok((response.is_set, response.revision))
    }

    pub fn scan(&self, request: &pb::ScanRequest<'_>) -> Result<Answer, Status> {
        self.call("Scan", request)
    }

    pub fn status(&self) -> Result<Answer, Status> {
        self.call("Status", &pb::StatusRequest {})
    }

    pub fn open_session(&self) -> Result<u64, Status> {
        let answer = self.call("OpenSession", &pb::OpenSessionRequest {})?;
        Ok(answer.read::<pb::OpenSessionResponse>().session)
    }

    pub fn transfer(&self, node: NodeId) -> Result<(), Status> {
        self.call("TransferLeadership", &pb::TransferLeadershipRequest { node }).map(drop)
    }

    /// Opens a watch, from now on or after a revision.
    pub fn watch(&self, prefix: &[u8], after: Option<u64>) -> Watch {
        let start = after.map(|after_revision| pb::WatchStart { after_revision });
        let options = CallOptions { timeout: None, ..CallOptions::default() };
        let mut call = self.channel.start(&path("Watch"), &options).unwrap();
        call.send_last(&encode(&pb::WatchRequest { prefix: prefix.into(), start })).unwrap();
        Watch { call }
    }
}

pub fn path(method: &str) -> String {
    format!("/agora.kv.v1.KvService/{method}")
}

/// A stream of changes.
pub struct Watch {
    pub call: ClientCall,
}

/// A change: its key, its value, and its revision.
pub type Change = (Vec<u8>, Option<Vec<u8>>, u64);

impl Watch {
    /// The next response: changes, and the revision up to which they are complete.
    pub fn next(&mut self) -> Result<(Vec<Change>, u64), Status> {
        match self.call.receive_until(Some(Instant::now() + LONG))? {
            Received::Message(message) => {
                let answer = Answer(message);
                let response: pb::WatchResponse<'_> = answer.read();
                let change = |change: pb::Change<'_>| {
                    let value = change.value.map(|value| value.value.into_owned());
                    (change.key.into_owned(), value, change.revision)
                };
                Ok((response.changes.into_iter().map(change).collect(), response.revision))
            }
            Received::End => panic!("a watch ended well"),
            Received::NotYet => panic!("nothing came"),
        }
    }

    /// The next `count` changes, from any number of responses.
    pub fn changes(&mut self, count: usize) -> Vec<Change> {
        let mut changes = Vec::new();
        while changes.len() < count {
            changes.extend(self.next().unwrap().0);
        }
        changes
    }

    /// The status that ends it, after any responses.
    pub fn end(&mut self) -> Status {
        loop {
            if let Err(status) = self.next() {
                return status;
            }
        }
    }
}

/// Asserts that a call was refused with this code and a reason that contains these words.
#[track_caller]
pub fn refused<T: std::fmt::Debug>(result: Result<T, Status>, code: Code, words: &str) -> Status {
    let status = result.unwrap_err();
    assert_eq!(status.code, code, "{status}");
    assert!(status.message.contains(words), "{status}");
    status
}

/// A value in the trailing metadata of a status.
pub fn metadata_value<'s>(status: &'s Status, name: &str) -> Option<&'s str> {
    status.metadata.get(name).map(|value| std::str::from_utf8(value).unwrap())
}
