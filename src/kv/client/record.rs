//! The values that the client returns.

use crate::raft::NodeId;

/// The consistency of a read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// The result has every write that was answered before the call began.
    Linearizable,
    /// The result is the state of some node, which may be old.
    Stale,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
    /// The revision of the write that set the value.
    pub modified: u64,
    /// The revision that created the key.
    pub created: u64,
}

/// A page of a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// In order of their keys.
    pub pairs: Vec<Pair>,
    /// Whether more keys follow the last one.
    pub has_more: bool,
    /// The number of keys on all pages together.
    pub count: u64,
    /// The revision of the state that was read.
    pub revision: u64,
}

/// A change of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// The key.
    pub key: Vec<u8>,
    /// Its new value; `None`: it was deleted.
    pub value: Option<Vec<u8>>,
    /// The change's revision.
    pub revision: u64,
    /// The revision that created the key; 0 when it was deleted.
    pub created: u64,
}

/// The role of a node in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Takes writes and answers linearizable reads.
    Leader,
    /// Follows a leader.
    Follower,
    /// Is a candidate in an election.
    Candidate,
}

impl Role {
    /// The role in one word.
    pub fn name(self) -> &'static str {
        match self {
            Role::Leader => "leader",
            Role::Follower => "follower",
            Role::Candidate => "candidate",
        }
    }
}

/// The status that a node reports of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its number.
    pub node: NodeId,
    /// Its role.
    pub role: Role,
    /// The leader that it knows.
    pub leader: Option<NodeId>,
    /// Its term.
    pub term: u64,
    /// The log is committed up to this index, as far as the node knows.
    pub commit_index: u64,
    /// The log is applied up to this index.
    pub applied_index: u64,
    /// Milliseconds until its lease ends if it is not renewed; 0 without a lease. A single node
    /// needs none.
    pub lease_remaining_ms: u64,
    /// The other nodes.
    pub peers: Vec<PeerStatus>,
    /// The number of its keys.
    pub keys: u64,
    /// A watch can start after this revision or a later one.
    pub oldest_watch_revision: u64,
    /// The size of the keys and values; 0 from a node of an older version.
    pub size_bytes: u64,
    /// Beyond this size a leader refuses writes that make the store larger; 0: no limit.
    pub quota_bytes: u64,
    /// Whether the node has refused a write because of its quota, and would still.
    pub is_full: bool,
}

/// The status of a node, reported by another one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// Its number.
    pub node: NodeId,
    /// Its log is known to match the leader's up to this index.
    pub match_index: u64,
    /// The number of entries that it lacks.
    pub lag: u64,
    /// Milliseconds since its last message.
    pub last_heard_ms: Option<u64>,
}
