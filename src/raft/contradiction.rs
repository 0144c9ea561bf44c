//! What cannot be while every node of a group has kept what it had: two nodes that cannot both be
//! right. Whoever finds it reports it, and stops.
//!
//! | | what holds otherwise |
//! |---|---|
//! | `Entry` | a leader has all that is committed (section 5.4.3), and terms only rise along a log |
//! | `TwoLeaders` | one leader is elected in a term (section 5.2) |
//!
//! The core cannot know which of the two is wrong. A directory that was changed by hand, or mended
//! by chance, is seen here if its entries are of other terms; entries of one index and term are taken
//! to be the same (section 5.3).

use std::fmt;

use super::entry::{Entry, Index, NodeId, Term};
use super::message::SnapshotMark;
use super::node::NodeState;

/// Two nodes that cannot both be right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Contradiction {
    /// The leader's log has another entry than the one that is committed here.
    Entry {
        /// Who leads.
        leader: NodeId,
        /// In which term.
        term: Term,
        /// The place in the leader's log.
        said: SnapshotMark,
        /// What is committed here: at the same index, or else at the nearest one that is known.
        committed: SnapshotMark,
    },
    /// Two nodes lead in the same term; this node may be one of them.
    TwoLeaders {
        /// In which term.
        term: Term,
        /// Who was known to lead.
        known: NodeId,
        /// Who leads as well.
        other: NodeId,
    },
}

impl fmt::Display for Contradiction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Contradiction::Entry { leader, term, said, committed } => {
                let (index, other, ours) = (said.index, said.term, committed.term);
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
            Contradiction::TwoLeaders { term, known, other } => {
                write!(f, "node {known} and node {other} both lead in term {term}")
            }
        }
    }
}

impl NodeState {
    /// Compares what a leader's message says of its log with what is committed here. Hardly any
    /// message says anything of that but for its `prev`.
    pub(super) fn check_committed(
        &self,
        leader: NodeId,
        prev: SnapshotMark,
        entries: &[Entry],
    ) -> Result<(), Contradiction> {
        let places =
            entries.iter().map(|entry| SnapshotMark { index: entry.index, term: entry.term });
        let said = std::iter::once(prev).chain(places);
        let mut committed = said.take_while(|place| place.index <= self.commit_index);
        committed.try_for_each(|place| self.check_committed_mark(leader, place))
    }

    /// Compares one place in a leader's log, or the end of its snapshot, with what is committed here.
    pub(super) fn check_committed_mark(
        &self,
        leader: NodeId,
        said: SnapshotMark,
    ) -> Result<(), Contradiction> {
        let committed = self.committed_near(said.index);
        let agrees = match said.index.cmp(&committed.index) {
            _ if said.index == 0 => true,
            std::cmp::Ordering::Less => said.term <= committed.term,
            std::cmp::Ordering::Equal => said.term == committed.term,
            std::cmp::Ordering::Greater => said.term >= committed.term,
        };
        match agrees {
            true => Ok(()),
            false => Err(Contradiction::Entry { leader, term: self.term(), said, committed }),
        }
    }

    /// The committed entry at an index, or the nearest one of which the term is known.
    fn committed_near(&self, index: Index) -> SnapshotMark {
        let index = index.min(self.commit_index);
        match self.log.term_at(index) {
            Some(term) => SnapshotMark { index, term },
            None => self.log.before(),
        }
    }

    /// Notes that another node and a leader of the same log cannot both be right.
    pub(super) fn report_contradiction(&mut self, contradiction: Contradiction) {
        self.pending_ready.contradiction.get_or_insert(contradiction);
    }
}
