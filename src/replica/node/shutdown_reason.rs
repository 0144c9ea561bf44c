//! Why a node stopped without being asked to.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::raft::{Contradiction, NodeId, UsedUp};
use crate::replica::storage::StorageError;

/// Why a node cannot continue.
#[derive(Debug)]
pub enum NodeError {
    /// Its files cannot be written any more.
    Storage(StorageError),
    /// The logs of two nodes contradict each other.
    Contradiction {
        /// This node.
        node: NodeId,
        /// The directory of its files, if it has any.
        directory: Option<PathBuf>,
        /// The contradiction.
        what: Contradiction,
    },
    /// There is no further term or index.
    UsedUp {
        /// This node.
        node: NodeId,
        /// Where its numbers end.
        what: UsedUp,
    },
}

/// The advice to an operator about two nodes that contradict each other.
pub(super) const ADVICE: &str = "compare the directories of all nodes (`agora check` says what is \
    in each, `logs.txt` and `metadata.txt` are text), and set aside the one that differs from the \
    majority's; what a majority has must not be deleted";

impl fmt::Display for NodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NodeError::Storage(error) => error.fmt(f),
            NodeError::Contradiction { node, directory, what } => {
                write!(f, "{what}. ")?;
                f.write_str(match what {
                    Contradiction::Entry { .. } | Contradiction::Content { .. } => {
                        "One of the two directories has lost or changed data"
                    }
                    Contradiction::TwoLeaders { .. } => {
                        "A voter has voted for both, so its directory has lost data"
                    }
                })?;
                write!(f, ". Node {node} stops")?;
                if let Some(directory) = directory {
                    write!(f, ", and keeps its files in {}", directory.display())?;
                }
                write!(f, ": {ADVICE}")
            }
            NodeError::UsedUp { node, what } => write!(
                f,
                "{what}. Node {node} stops, and keeps its files. Elections alone never come so far: a node \
                 of the group was compromised or damaged. If a majority stops for this reason, the group \
                 has ended, and its data must be brought into a new group"
            ),
        }
    }
}

impl std::error::Error for NodeError {}

/// Why a node stopped; empty after a requested shutdown. Clones share the value.
#[derive(Clone, Debug, Default)]
pub struct ShutdownReason(Arc<Mutex<Option<NodeError>>>);

impl ShutdownReason {
    /// Keeps the first reason: later failures may be consequences of it.
    pub(super) fn note(&self, error: NodeError) {
        log::error!("{error}");
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
    }

    /// Takes the reason, once the node's server has ended.
    pub fn take(&self) -> Option<NodeError> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::raft::SnapshotMark;

    #[test]
    fn an_error_says_what_differs_and_what_to_do() {
        let what = Contradiction::Entry {
            leader: 0,
            term: 5,
            claimed: SnapshotMark { index: 4, term: 3 },
            committed: SnapshotMark { index: 4, term: 2 },
        };
        let directory = Some(PathBuf::from("/data/node_1"));
        let text = NodeError::Contradiction { node: 1, directory, what }.to_string();
        for words in [
            "node 0, which leads in term 5, has an entry of term 3 at index 4",
            "is committed, of term 2. One of the two directories has lost or changed data. Node 1 stops, \
             and keeps its files in /data/node_1: compare",
            "`agora check`",
            "must not be deleted",
        ] {
            assert!(text.contains(words), "{words}: {text}");
        }
        let what = Contradiction::TwoLeaders { term: 5, known: 0, other: 2 };
        let text = NodeError::Contradiction { node: 1, directory: None, what }.to_string();
        assert!(text.contains("A voter has voted for both"), "{text}");
        assert!(text.contains("Node 1 stops: compare"), "{text}");
    }

    #[test]
    fn the_first_reason_is_kept() {
        let shutdown_reason = ShutdownReason::default();
        let full = StorageError::NoSpace { file: "logs.txt".into() };
        shutdown_reason.clone().note(NodeError::Storage(full));
        shutdown_reason.note(NodeError::Storage(StorageError::Failed));
        let text = shutdown_reason.take().unwrap().to_string();
        assert_eq!(text, "logs.txt: no space is left on the disk");
        assert!(shutdown_reason.take().is_none());
    }
}
