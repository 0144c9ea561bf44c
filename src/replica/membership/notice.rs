//! What people are told of voters, in their words.

use std::fmt;

use super::record::{Instance, Loss, Standing, format_instance};
use crate::raft::NodeId;

/// Something that people should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Another node came with a directory that is not the one it had.
    PeerReplaced {
        /// Which node.
        peer: NodeId,
        /// The directory that it came with.
        came: Instance,
        /// The one that is remembered, if it had a name.
        remembered: Option<Instance>,
    },
    /// Another node came with an older copy of its directory.
    PeerOlder {
        /// Which node.
        peer: NodeId,
        /// What is missing.
        evidence: String,
    },
    /// This node is something else from now on.
    Standing {
        /// What it is.
        standing: Standing,
        /// Who said so, if it was another node.
        by: Option<NodeId>,
    },
    /// Two nodes say that they are this one.
    DuplicateNode {
        /// Who remembers another one.
        by: NodeId,
        /// The other one's directory.
        other: Instance,
    },
}

impl Notice {
    /// Whether something is wrong.
    pub fn is_error(&self) -> bool {
        !matches!(
            self,
            Notice::Standing { standing: Standing::New | Standing::Joining | Standing::Voter, .. }
        )
    }
}

/// What to do about a node that is refused.
pub const ADVICE: &str = "it is brought up to date and answers stale reads, but its votes and \
    acknowledgements do not count, so the group bears one failure less; stop it, and start it with \
    the directory that it had, if there still is one";

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::PeerReplaced { peer, came, remembered } => {
                write!(f, "node {peer} has lost its directory: it came with {}", format_instance(*came))?;
                match remembered {
                    Some(known) => write!(f, ", and had {}", format_instance(*known))?,
                    None => f.write_str(", which is new, and had one before")?,
                }
                write!(f, ". It is refused as a voter: {ADVICE}")
            }
            Notice::PeerOlder { peer, evidence } => write!(
                f,
                "node {peer} came with an older copy of its directory: {evidence}. It is refused as \
                 a voter: {ADVICE}"
            ),
            Notice::Standing { standing: Standing::Refused(loss), by } => {
                if let Some(by) = by {
                    write!(f, "node {by} says: ")?;
                }
                write!(f, "{}", loss.describe())
            }
            Notice::Standing { standing: Standing::Voter, .. } => {
                f.write_str("this node is a voter of its group")
            }
            Notice::Standing { .. } => f.write_str(
                "this node is new in a group that is there already: it votes once a majority of the \
                 others is there and remembers it",
            ),
            Notice::DuplicateNode { by, other } => write!(
                f,
                "node {by} remembers another directory of this node, {}, as a voter's: two nodes \
                 have the same number, or one was lost while others did not know it; their answers \
                 may differ",
                format_instance(*other)
            ),
        }
    }
}

impl Loss {
    /// What a refused node is told, or tells.
    pub fn describe(self) -> String {
        let what = match self {
            Loss::Replaced => {
                "this node had another directory before, and with this one has forgotten what it \
                 promised"
            }
            Loss::Older => {
                "the directory of this node is older than the one that the others remember, and \
                 lacks what it acknowledged"
            }
        };
        format!("{what}. It is refused as a voter: {ADVICE}")
    }
}
