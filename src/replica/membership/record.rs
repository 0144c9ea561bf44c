//! What a node durably remembers of its own directory and of those of the others.

use std::collections::BTreeMap;

use crate::raft::{Index, NodeId, Term};

/// Names a directory: a random number, chosen when the directory was made.
pub type Instance = u64;

/// What a node is in its group. [`super`] has the diagram.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Standing {
    /// Its directory is new, and it knows of no group.
    #[default]
    New,
    /// Its directory is new, and there is a group already.
    Joining,
    /// It votes, and is counted.
    Voter,
    /// It has lost what others rely on: it is brought up to date and counts for nothing.
    Refused(Loss),
}

/// What a directory lacks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// Everything: others remember another directory of this node.
    Replaced,
    /// The newest part: it is older than the one that others remember.
    Older,
}

/// What is remembered of another node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Peer {
    /// Its directory. `None`: one of the first version, which had no instance; whichever says that it
    /// is a voter's is the one.
    pub instance: Option<Instance>,
    /// What it is with that directory.
    pub trust: Trust,
    /// The most starts of that directory that were heard of.
    pub starts: u64,
    /// The newest term in which it acknowledged something.
    pub term: Term,
    /// Up to where it acknowledged the log in that term.
    pub acknowledged: Index,
}

/// What is known of another node's directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Trust {
    /// It was the first that was heard of.
    #[default]
    Seen,
    /// It is a voter's.
    Voter,
    /// It came back older than it was.
    Refused,
}

/// All that a node remembers. Part of `metadata.txt`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record {
    /// Names this directory.
    pub instance: Instance,
    /// How often a node was started with it.
    pub starts: u64,
    /// What the node is.
    pub standing: Standing,
    /// What it remembers of others; nothing of those that it has never heard of.
    pub peers: BTreeMap<NodeId, Peer>,
}

impl Record {
    /// Of a directory that is new. A node that is alone votes at once.
    pub fn new(instance: Instance, members: usize) -> Record {
        let standing = if members == 1 { Standing::Voter } else { Standing::New };
        Record { instance, standing, ..Record::default() }
    }

    /// Of a directory of the first version that has been used: it was a voter's, and so were those of
    /// the others.
    pub fn upgraded(instance: Instance, others: impl Iterator<Item = NodeId>) -> Record {
        let peer = |id| (id, Peer { trust: Trust::Voter, ..Peer::default() });
        let standing = Standing::Voter;
        Record { instance, standing, peers: others.map(peer).collect(), ..Record::default() }
    }
}

/// What a node says of itself to each other node, before anything else and when it changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Introduction {
    /// Its directory.
    pub instance: Instance,
    /// How often a node was started with it.
    pub starts: u64,
    /// Names the process: a random number.
    pub incarnation: u64,
    /// The term that the directory had when the process started.
    pub term: Term,
    /// Where its log ended then.
    pub last_index: Index,
    /// What it is.
    pub standing: Standing,
    /// What it remembers of others. Instance 0: a directory that had no number.
    pub remembered: Vec<(NodeId, Instance, Trust)>,
    /// Counts the introductions of the process.
    pub number: u64,
    /// It wants to be told the same.
    pub wants_answer: bool,
    /// The introduction that this one answers: its `incarnation` and `number`. What answers was alive when
    /// the question had been asked.
    pub answers: Option<(u64, u64)>,
}

/// A directory's number as people see it.
pub fn format_instance(instance: Instance) -> String {
    format!("{instance:016x}")
}
