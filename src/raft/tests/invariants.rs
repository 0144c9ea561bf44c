//! The invariants of a group: figure 3 of the paper, and that no leader commits while an older one
//! may still read under its lease.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::raft::{Entry, Index, NodeId, Payload, Raft, SnapshotMark, Term};

/// The observed history of all nodes.
#[derive(Default)]
pub struct Invariants {
    /// The leader of each term.
    leaders: BTreeMap<Term, NodeId>,
    /// The applied entry at each index, equal on all nodes.
    applied: BTreeMap<Index, Entry>,
    /// The last applied index of each node.
    applied_by: BTreeMap<NodeId, Index>,
    commits: BTreeMap<NodeId, Index>,
    /// The term in which each index was committed first, and the term of its entry.
    committed: BTreeMap<Index, (Term, Term)>,
    /// The newest write of each key that was acknowledged to a client or read by one.
    seen: BTreeMap<String, Index>,
}

impl Invariants {
    pub fn crashed(&mut self, id: NodeId) {
        self.commits.remove(&id);
        self.applied_by.remove(&id);
    }

    /// State machine safety: no two nodes apply different entries at one index.
    pub fn applied(&mut self, id: NodeId, entries: &[Entry]) {
        for entry in entries {
            let known = self.applied.entry(entry.index).or_insert_with(|| entry.clone());
            assert_eq!(known, entry, "node {id} applies another entry at {}", entry.index);
            self.applied_by.insert(id, entry.index);
        }
    }

    pub fn installed(&mut self, id: NodeId, snapshot: SnapshotMark) {
        let known =
            self.applied.get(&snapshot.index).expect("a snapshot contains applied entries only");
        assert_eq!(known.term, snapshot.term);
        self.applied_by.insert(id, snapshot.index);
    }

    /// A write was acknowledged to its client.
    pub fn acknowledged(&mut self, index: Index) {
        let entry = self.applied.get(&index).expect("only applied entries are acknowledged");
        if let Payload::Command { command, .. } = &entry.payload {
            let key = String::from_utf8_lossy(command).into_owned();
            let seen = self.seen.entry(key).or_default();
            *seen = (*seen).max(index);
        }
    }

    /// A client reads a key from the state at `applied`. Linearizability: it sees every write that
    /// was acknowledged before.
    pub fn read(&mut self, key: &str, applied: Index) -> Index {
        let is_of_key = |entry: &&Entry| matches!(&entry.payload, Payload::Command { command, .. } if **command == *key.as_bytes());
        let newest = self.applied.range(..=applied).map(|(_, entry)| entry).rfind(is_of_key);
        let value = newest.map_or(0, |entry| entry.index);
        let seen = self.seen.entry(key.to_owned()).or_default();
        assert!(value >= *seen, "stale read: {key} is {value}, after {seen} was seen");
        *seen = value;
        value
    }

    /// Checks all invariants after a step of `id`.
    pub fn check(
        &mut self,
        id: NodeId,
        rafts: &BTreeMap<NodeId, &Raft>,
        clocks: &BTreeMap<NodeId, Duration>,
    ) {
        let Some(raft) = rafts.get(&id) else { return };
        if raft.is_leader() {
            let known = *self.leaders.entry(raft.current_term()).or_insert(id);
            assert_eq!(known, id, "election safety: two leaders in term {}", raft.current_term());
            self.check_completeness(id, raft);
        }
        for other in rafts.values() {
            self.check_matching(raft, other);
        }
        self.check_lease_exclusion(id, raft, rafts, clocks);
    }

    /// Leader completeness: a leader has all entries that were committed in older terms.
    fn check_completeness(&self, id: NodeId, raft: &Raft) {
        let (first, term) = (raft.first_index(), raft.current_term());
        for (index, (committed_in, of_term)) in self.committed.range(first..) {
            let has = raft.term_at(*index) == Some(*of_term);
            assert!(has || *committed_in >= term, "leader completeness: {id} lacks {index}");
        }
    }

    /// Log matching: logs that agree at an index agree before it.
    fn check_matching(&self, one: &Raft, other: &Raft) {
        let first = one.first_index().max(other.first_index());
        let last = one.last_index().min(other.last_index());
        let agree = |index: &Index| one.term_at(*index) == other.term_at(*index);
        let mut indices = (first..=last).rev().skip_while(|index| !agree(index));
        assert!(indices.all(|index| agree(&index)), "log matching");
    }

    /// Lease exclusion: no node commits while a leader of an older term could answer a read under
    /// its lease.
    fn check_lease_exclusion(
        &mut self,
        id: NodeId,
        raft: &Raft,
        rafts: &BTreeMap<NodeId, &Raft>,
        clocks: &BTreeMap<NodeId, Duration>,
    ) {
        let known = self.commits.insert(id, raft.commit_index()).unwrap_or_default();
        if !raft.is_leader() || raft.commit_index() <= known {
            return;
        }
        for index in known + 1..=raft.commit_index() {
            if let Some(of_term) = raft.term_at(index) {
                self.committed.entry(index).or_insert((raft.current_term(), of_term));
            }
        }
        for (other, old) in rafts {
            let holds = old.is_leader()
                && old.current_term() < raft.current_term()
                && !old.lease_remaining(clocks[other]).is_zero();
            assert!(!holds, "lease exclusion: {id} commits while {other} holds an older lease");
        }
    }
}
