//! What the store answers, as values of the client's own.

use crate::raft::NodeId;

/// How fresh an answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consistency {
    /// It has every write that was answered before the call began.
    Linearizable,
    /// It is what some node has, which may lag behind.
    Stale,
}

/// A key with its value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pair {
    /// The key.
    pub key: Vec<u8>,
    /// Its value.
    pub value: Vec<u8>,
    /// The revision that wrote the value.
    pub modified: u64,
    /// The revision that created the key.
    pub created: u64,
}

/// A page of a scan.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// In order of their keys.
    pub pairs: Vec<Pair>,
    /// Whether there are more behind the last one.
    pub has_more: bool,
    /// How many keys there are on all pages together.
    pub count: u64,
    /// The revision of the state that was looked at.
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

/// What a node is in its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Takes writes and answers linearizable reads.
    Leader,
    /// Follows a leader.
    Follower,
    /// Stands for election.
    Candidate,
}

impl Role {
    /// The role's name.
    pub fn name(self) -> &'static str {
        match self {
            Role::Leader => "leader",
            Role::Follower => "follower",
            Role::Candidate => "candidate",
        }
    }
}

/// How a node is, as it sees itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeStatus {
    /// Its number.
    pub node: NodeId,
    /// What it is.
    pub role: Role,
    /// Who leads, as far as it knows.
    pub leader: Option<NodeId>,
    /// Its term.
    pub term: u64,
    /// It knows that the log is committed up to here.
    pub commit_index: u64,
    /// Its state has the log up to here.
    pub applied_index: u64,
    /// How long its lease lasts if nobody renews it; 0 without one. The only node of a group needs
    /// none.
    pub lease_remaining_ms: u64,
    /// The others, as it sees them.
    pub peers: Vec<PeerStatus>,
    /// How many keys it has.
    pub keys: u64,
    /// A watch may go on behind this revision or a later one.
    pub oldest_watch_revision: u64,
}

/// A node as another one sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerStatus {
    /// Its number.
    pub node: NodeId,
    /// Its log is known to agree with the leader's up to here.
    pub match_index: u64,
    /// How many entries it lacks.
    pub lag: u64,
    /// How long ago it was last heard of.
    pub last_heard_ms: Option<u64>,
}
