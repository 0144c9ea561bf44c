//! What a node durably records about its own directory and those of its peers.

use std::collections::BTreeMap;

use crate::raft::{Index, NodeId, Term};

/// Identifies a directory: a random number, chosen when the directory was created.
pub type Instance = u64;

/// The status of a node in its group. [`super`] has the state diagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// The directory is new, and the node knows of no group.
    #[default]
    New,
    /// The directory is new, and there is a group already.
    Joining,
    /// The node votes and counts.
    Voter,
    /// The directory has lost data that others rely on: the node gets the log, but never counts.
    Refused(Loss),
}

/// What a directory lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Everything: peers have recorded another directory of this node.
    Replaced,
    /// The newest part: it is older than the directory that peers have recorded.
    Older,
}

/// What is recorded about a peer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its directory. `None`: a directory of the first version, which had no instance; the next
    /// instance that claims to be a voter's is taken for it.
    pub instance: Option<Instance>,
    /// The status of that directory.
    pub trust: Trust,
    /// The highest start count of that directory that was received.
    pub starts: u64,
    /// The newest term in which it acknowledged something.
    pub term: Term,
    /// The highest log index that it acknowledged in that term.
    pub acknowledged: Index,
}

/// The status of a peer's directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// The first directory that this peer introduced.
    #[default]
    Seen,
    /// The directory of a voter.
    Voter,
    /// The directory came back in an older state.
    Refused,
}

/// Everything that a node records. Part of `metadata.txt`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Identifies this directory.
    pub instance: Instance,
    /// How many processes have started with it.
    pub starts: u64,
    /// The standing of this node.
    pub standing: Standing,
    /// The recorded peers; a peer that has never connected is missing.
    pub peers: BTreeMap<NodeId, Peer>,
}

impl Record {
    /// The record of a new directory. The only node of a group votes at once.
    pub fn new(instance: Instance, members: usize) -> Record {
        let standing = if members == 1 { Standing::Voter } else { Standing::New };
        Record { instance, standing, ..Record::default() }
    }

    /// The record of a used directory of the first version: it and the directories of all peers are
    /// those of voters.
    pub fn upgraded(instance: Instance, others: impl Iterator<Item = NodeId>) -> Record {
        let peer = |id| (id, Peer { trust: Trust::Voter, ..Peer::default() });
        let standing = Standing::Voter;
        Record { instance, standing, peers: others.map(peer).collect(), ..Record::default() }
    }
}

/// What a node sends about itself to each peer, first and after each change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Introduction {
    /// Its directory.
    pub instance: Instance,
    /// How many processes have started with the directory.
    pub starts: u64,
    /// Identifies the process: a random number.
    pub incarnation: u64,
    /// The term that the directory had when the process started.
    pub term: Term,
    /// The last log index when the process started.
    pub last_index: Index,
    /// The standing of the node.
    pub standing: Standing,
    /// Its records of other nodes. Instance 0: a directory without a number.
    pub remembered: Vec<(NodeId, Instance, Trust)>,
    /// Counts the introductions of this process.
    pub number: u64,
    /// Asks the receiver for its introduction.
    pub wants_answer: bool,
    /// The introduction that this one answers: its `incarnation` and `number`. It proves that the
    /// sender was running after the question was asked.
    pub answers: Option<(u64, u64)>,
}

/// A directory's number as it is printed.
pub fn format_instance(instance: Instance) -> String {
    format!("{instance:016x}")
}
