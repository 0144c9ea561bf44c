//! Read-index (section 6.4 of the dissertation, rule 8 of the lease): reads that the lease does not
//! cover wait for one round of heartbeats that a majority answers.

use std::collections::BTreeSet;

use super::entry::{Index, NodeId};
use super::quorum::Quorum;
use super::ready::ReadId;

/// Reads that wait. There is one round at a time; reads that come meanwhile wait for the next.
#[derive(Clone, Debug, Default)]
pub(super) struct Reads {
    waiting: Vec<ReadId>,
    round: Option<Round>,
    newest_round: u64,
}

#[derive(Clone, Debug)]
struct Round {
    reads: Vec<ReadId>,
    /// The commit index when the round began: the reads see at least that state.
    index: Index,
    answered: BTreeSet<NodeId>,
}

impl Reads {
    pub(super) fn add(&mut self, read: ReadId) {
        self.waiting.push(read);
    }

    /// Whether a round is to begin: reads wait, and no round is in progress.
    pub(super) fn wants_round(&self) -> bool {
        self.round.is_none() && !self.waiting.is_empty()
    }

    /// Begins a round for all reads that wait.
    pub(super) fn begin_round(&mut self, index: Index) {
        let reads = std::mem::take(&mut self.waiting);
        self.newest_round += 1;
        self.round = Some(Round { reads, index, answered: BTreeSet::new() });
    }

    /// The number of the newest round; messages carry it, and replies bring it back.
    pub(super) fn newest_round(&self) -> u64 {
        self.newest_round
    }

    /// A follower has answered a message of a round. Returns the reads that may be answered now, and
    /// the index that they must see.
    pub(super) fn reply_received(
        &mut self,
        by: NodeId,
        round: u64,
        quorum: Quorum,
    ) -> Option<(Vec<ReadId>, Index)> {
        if round != self.newest_round {
            return None;
        }
        self.round.as_mut()?.answered.insert(by);
        self.take_confirmed(quorum)
    }

    /// Replies of these nodes no longer count.
    pub(super) fn forget(&mut self, nodes: &BTreeSet<NodeId>) {
        if let Some(round) = &mut self.round {
            round.answered.retain(|by| !nodes.contains(by));
        }
    }

    /// Takes the reads of the round if a majority, with the leader, has answered.
    pub(super) fn take_confirmed(&mut self, quorum: Quorum) -> Option<(Vec<ReadId>, Index)> {
        let is_over = |round: &mut Round| quorum.is_reached_by(round.answered.len() + 1);
        self.round.take_if(is_over).map(|round| (round.reads, round.index))
    }

    /// All reads, none of which was answered.
    pub(super) fn into_unanswered(self) -> impl Iterator<Item = ReadId> {
        self.round.into_iter().flat_map(|round| round.reads).chain(self.waiting)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_round_serves_the_reads_that_waited_when_it_began() {
        let quorum = Quorum::of(5);
        let mut reads = Reads::default();
        assert!(!reads.wants_round());
        reads.add(1);
        reads.add(2);
        assert!(reads.wants_round());
        reads.begin_round(40);
        reads.add(3);
        assert!(!reads.wants_round(), "one round at a time");
        assert_eq!(reads.reply_received(7, 1, quorum), None);
        assert_eq!(reads.reply_received(7, 1, quorum), None, "the same follower again");
        assert_eq!(reads.reply_received(8, 0, quorum), None, "an older round");
        assert_eq!(reads.reply_received(8, 1, quorum), Some((vec![1, 2], 40)));
        assert_eq!(reads.reply_received(9, 1, quorum), None, "it is over");
        assert!(reads.wants_round());
        reads.begin_round(50);
        reads.add(4);
        assert_eq!(reads.into_unanswered().collect::<Vec<_>>(), [3, 4]);
    }

    #[test]
    fn in_a_group_of_one_a_round_is_over_at_once() {
        let mut reads = Reads::default();
        reads.add(1);
        reads.begin_round(4);
        assert_eq!(reads.take_confirmed(Quorum::of(1)), Some((vec![1], 4)));
    }
}
