//! Messages to the operator about voters.

use std::fmt;

use super::record::{Instance, Loss, Standing, format_instance};
use crate::raft::NodeId;

/// Something that the operator should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A peer started with another directory than before.
    PeerReplaced {
        /// The peer.
        peer: NodeId,
        /// The new directory.
        came: Instance,
        /// The recorded directory, if it had an instance number.
        remembered: Option<Instance>,
    },
    /// A peer started with an older copy of its directory.
    PeerOlder {
        /// The peer.
        peer: NodeId,
        /// What shows that it is older.
        evidence: String,
    },
    /// The standing of this node has changed.
    Standing {
        /// The new standing.
        standing: Standing,
        /// The peer that caused the change, if one did.
        by: Option<NodeId>,
    },
    /// Two nodes have the id of this node.
    DuplicateNode {
        /// The peer that has recorded the other directory.
        by: NodeId,
        /// The other directory.
        other: Instance,
    },
}

impl Notice {
    /// Whether the notice reports a problem.
    pub fn is_error(&self) -> bool {
        !matches!(
            self,
            Notice::Standing { standing: Standing::New | Standing::Joining | Standing::Voter, .. }
        )
    }
}

/// The advice about a refused node.
pub const ADVICE: &str = "it receives the log and answers stale reads, but its votes and \
    acknowledgements do not count, so the group tolerates one failure less; stop it, and start it \
    with its earlier directory, if that still exists";

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Notice::PeerReplaced { peer, came, remembered } => {
                write!(
                    f,
                    "node {peer} has lost its directory: it started with {}",
                    format_instance(*came)
                )?;
                match remembered {
                    Some(known) => write!(f, ", and had {}", format_instance(*known))?,
                    None => f.write_str(", which is new, and had one before")?,
                }
                write!(f, ". It is refused as a voter: {ADVICE}")
            }
            Notice::PeerOlder { peer, evidence } => write!(
                f,
                "node {peer} started with an older copy of its directory: {evidence}. It is refused as \
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
                "this node is new in an existing group: it votes once a majority of the others is \
                 connected and has recorded it",
            ),
            Notice::DuplicateNode { by, other } => write!(
                f,
                "node {by} has recorded another directory of this node, {}, as a voter's: two nodes \
                 have the same id, or a directory was lost unnoticed; their answers may differ",
                format_instance(*other)
            ),
        }
    }
}

impl Loss {
    /// The text for the refused node and for clients.
    pub fn describe(self) -> String {
        let what = match self {
            Loss::Replaced => {
                "this node had another directory before, and this one lacks the promises that it \
                 made"
            }
            Loss::Older => {
                "the directory of this node is older than the one that the others have recorded, and \
                 lacks entries that it acknowledged"
            }
        };
        format!("{what}. It is refused as a voter: {ADVICE}")
    }
}
