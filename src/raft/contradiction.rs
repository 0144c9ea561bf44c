//! States that are impossible while every node keeps its data: two nodes contradict each other. The node
//! that detects it reports it, and stops.
//!
//! | contradiction | the violated property |
//! |---|---|
//! | `Entry` | a leader has all committed entries (section 5.4.3), and terms never fall along a log |
//! | `Content` | entries of one index and term are equal (section 5.3) |
//! | `TwoLeaders` | one leader is elected in a term (section 5.2) |
//!
//! The core cannot know which of the two nodes is wrong. The content of entries is compared where both
//! are at hand anyway: when a leader sends an entry that the log has already. What a snapshot contains
//! is not comparable with entries, only its last index and term are.

use std::fmt;

use super::entry::{Entry, Index, NodeId, Term};
use super::message::SnapshotMark;
use super::node::NodeState;

/// A contradiction between two nodes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// The leader's log has another entry than the one that is committed here.
    Entry {
        /// The leader.
        leader: NodeId,
        /// Its term.
        term: Term,
        /// The position in the leader's log.
        claimed: SnapshotMark,
        /// The committed entry of this node: at the same index, or else at the nearest known one.
        committed: SnapshotMark,
    },
    /// The leader has an entry of the same index and term as this node, with another content.
    Content {
        /// The leader.
        leader: NodeId,
        /// Its term.
        term: Term,
        /// The position of both entries.
        at: SnapshotMark,
        /// Whether the entry is committed here.
        is_committed: bool,
    },
    /// Two nodes lead in the same term; this node may be one of them.
    TwoLeaders {
        /// The term.
        term: Term,
        /// The leader that was known.
        known: NodeId,
        /// The other leader.
        other: NodeId,
    },
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Contradiction::Entry { leader, term, claimed, committed } => {
                let (index, other, ours) = (claimed.index, claimed.term, committed.term);
                write!(
                    f,
                    "node {leader}, which leads in term {term}, has an entry of term {other} at \
                     index {index}, and here "
                )?;
                match committed.index == index {
                    true => write!(f, "the entry at index {index} is committed, of term {ours}"),
                    false => write!(
                        f,
                        "the entry at index {} is committed, of term {ours}; terms only rise along a \
                         log",
                        committed.index
                    ),
                }
            }
            Contradiction::Content { leader, term, at, is_committed } => {
                let SnapshotMark { index, term: of } = at;
                let state = if *is_committed { "committed" } else { "stored" };
                write!(
                    f,
                    "node {leader}, which leads in term {term}, has another entry of term {of} at \
                     index {index} than the one that is {state} here"
                )
            }
            Contradiction::TwoLeaders { term, known, other } => {
                write!(f, "node {known} and node {other} both lead in term {term}")
            }
        }
    }
}

impl NodeState {
    /// Compares a leader's message with the own log: positions with the committed ones, and entries with
    /// those of the same term. In most messages only `prev` is committed, and no entry is known.
    pub(super) fn check_committed(
        &self,
        leader: NodeId,
        prev: SnapshotMark,
        entries: &[Entry],
    ) -> Result<(), Contradiction> {
        let positions =
            entries.iter().map(|entry| SnapshotMark { index: entry.index, term: entry.term });
        let claimed = std::iter::once(prev).chain(positions);
        let mut committed = claimed.take_while(|position| position.index <= self.commit_index);
        committed.try_for_each(|position| self.check_committed_mark(leader, position))?;
        entries.iter().try_for_each(|entry| self.check_content(leader, entry))
    }

    /// Compares an entry of a leader with the own one of the same index and term, if there is one.
    fn check_content(&self, leader: NodeId, entry: &Entry) -> Result<(), Contradiction> {
        let Some(own) = self.log.get(entry.index) else { return Ok(()) };
        if own.term != entry.term || self.is_same_content(own, entry) {
            return Ok(());
        }
        let at = SnapshotMark { index: entry.index, term: entry.term };
        let is_committed = entry.index <= self.commit_index;
        Err(Contradiction::Content { leader, term: self.term(), at, is_committed })
    }

    /// Compares one position in a leader's log, or the end of its snapshot, with the committed log.
    pub(super) fn check_committed_mark(
        &self,
        leader: NodeId,
        claimed: SnapshotMark,
    ) -> Result<(), Contradiction> {
        let committed = self.committed_near(claimed.index);
        let agrees = match claimed.index.cmp(&committed.index) {
            _ if claimed.index == 0 => true,
            std::cmp::Ordering::Less => claimed.term <= committed.term,
            std::cmp::Ordering::Equal => claimed.term == committed.term,
            std::cmp::Ordering::Greater => claimed.term >= committed.term,
        };
        match agrees {
            true => Ok(()),
            false => Err(Contradiction::Entry { leader, term: self.term(), claimed, committed }),
        }
    }

    /// The committed entry at an index, or the nearest one with a known term.
    fn committed_near(&self, index: Index) -> SnapshotMark {
        let index = index.min(self.commit_index);
        match self.log.term_at(index) {
            Some(term) => SnapshotMark { index, term },
            None => self.log.before(),
        }
    }

    /// Puts the first contradiction into the next `Ready`.
    pub(super) fn report_contradiction(&mut self, contradiction: Contradiction) {
        self.pending_ready.contradiction.get_or_insert(contradiction);
    }
}
