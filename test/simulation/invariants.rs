//! The invariants, checked after every step: figure 3 of the Raft paper, equal replicas, and that
//! no node commits while an older leader may still read under its lease.

use std::collections::BTreeMap;
use std::time::Duration;

use agora::raft::{Entry, Index, NodeId, SnapshotMark, StateMachine, Term};
use agora::replica::engine::{Applied, Engine};

/// The observed history of all nodes.
#[derive(Debug, Default)]
pub struct Invariants {
    leaders: BTreeMap<Term, NodeId>,
    /// Every entry that was in a log, and the term of the entry before it: by log matching there is
    /// one.
    entries: BTreeMap<(Index, Term), (Entry, Option<Term>)>,
    /// The applied entry at each index.
    applied: BTreeMap<Index, Entry>,
    commits: BTreeMap<NodeId, Index>,
    /// The term in which each index was committed first, and the term of its entry.
    committed: BTreeMap<Index, (Term, Term)>,
    terms: BTreeMap<NodeId, (Term, bool)>,
    snapshots: BTreeMap<SnapshotMark, u64>,
}

impl Invariants {
    /// A process has ended: the next one has older state at first.
    pub fn crashed(&mut self, id: NodeId) {
        self.commits.remove(&id);
        self.terms.remove(&id);
    }

    /// The number of leaders.
    pub fn elections(&self) -> u64 {
        self.leaders.len() as u64
    }

    /// The number of applied entries.
    pub fn applied_len(&self) -> usize {
        self.applied.len()
    }

    /// Log matching: an entry is equal on all nodes, and so are all entries before it.
    pub fn appended<M: StateMachine, T>(&mut self, entries: &[Entry], engine: &Engine<M, T>) {
        for entry in entries {
            let before = engine.raft().term_at(entry.index - 1);
            let made = || (entry.clone(), before);
            let known = self.entries.entry((entry.index, entry.term)).or_insert_with(made);
            assert_eq!(
                known.0, *entry,
                "log matching: two entries {} of term {}",
                entry.index, entry.term
            );
            if let (Some(one), Some(other)) = (known.1, before) {
                assert_eq!(
                    one, other,
                    "log matching: before entry {} of term {}",
                    entry.index, entry.term
                );
            }
            known.1 = known.1.or(before);
        }
    }

    /// State machine safety: no node applies another entry at the same index.
    pub fn applied(&mut self, id: NodeId, applied: &[Applied]) {
        for Applied { entry, .. } in applied {
            let known = self.applied.entry(entry.index).or_insert_with(|| entry.clone());
            assert_eq!(known, entry, "state machine safety: node {id} at index {}", entry.index);
        }
    }

    /// State machine equality: snapshots of one position are equal.
    pub fn snapshot(&mut self, mark: SnapshotMark, digest: u64) {
        let known = *self.snapshots.entry(mark).or_insert(digest);
        assert_eq!(known, digest, "state machine equality: snapshots of {mark:?} differ");
    }

    /// Checks a node after a step of it. The others come with the time of their clocks.
    pub fn check<'e, M: StateMachine, T: 'e>(
        &mut self,
        id: NodeId,
        engine: &Engine<M, T>,
        others: impl Iterator<Item = (NodeId, &'e Engine<M, T>, Duration)>,
    ) {
        let raft = engine.raft();
        let (term, leads) = (raft.current_term(), raft.is_leader());
        let before = self.terms.insert(id, (term, leads));
        if let Some((known, _)) = before {
            assert!(term >= known, "terms only rise");
        }
        if leads && before != Some((term, true)) {
            let known = *self.leaders.entry(term).or_insert(id);
            assert_eq!(known, id, "election safety: two leaders in term {term}");
            for (index, (committed_in, of_term)) in self.committed.range(raft.first_index()..) {
                assert!(
                    *committed_in >= term || raft.term_at(*index) == Some(*of_term),
                    "leader completeness: node {id} leads term {term} without entry {index}"
                );
            }
        }
        let known = self.commits.insert(id, raft.commit_index()).unwrap_or_default();
        assert!(raft.commit_index() >= known, "what is committed stays so");
        if leads && raft.commit_index() > known {
            for index in known + 1..=raft.commit_index() {
                if let Some(of_term) = raft.term_at(index) {
                    self.committed.entry(index).or_insert((term, of_term));
                }
            }
            for (other, engine, clock) in others {
                let old = engine.raft();
                let holds = old.is_leader()
                    && old.current_term() < term
                    && !old.lease_remaining(clock).is_zero();
                assert!(
                    !holds,
                    "lease exclusion: node {id} commits in term {term} while node {other} holds a lease of term {}",
                    old.current_term()
                );
            }
        }
    }
}
