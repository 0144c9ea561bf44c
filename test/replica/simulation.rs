//! The storage of a node on a simulated disk: acknowledged data survives every crash, and every
//! crash is recovered from without an operator.
//!
//! A seed determines the writes and the behaviour of the disk. The test keeps the known content of
//! the files (`sure`) and, during an operation, the intended content (`target`): after a crash the
//! files contain one or the other, or an intermediate state that the order of writes allows.

use std::fmt;
use std::sync::Arc;

use agora::raft::{Entry, HardState, Index, Payload, SnapshotMark, Term};
use agora::replica::storage::{Compaction, Receipt, Recovered, SnapshotJob, Storage, StorageError};

use super::fixture::{lines_of, no_op, open, set, state, voted};
use super::seed::{Seed, each_seed};
use super::sim_disk::SimDisk;

/// The content of the files.
#[derive(Clone, Debug, Default)]
pub struct Model {
    pub hard_state: HardState,
    pub snapshot: SnapshotMark,
    /// In order, without gaps. May begin before the end of the snapshot.
    pub log: Vec<Entry>,
    /// The commit index: entries up to it are never replaced.
    pub committed: Index,
    /// The commit index that storage has reported as written.
    pub saved_commit: Index,
}

impl fmt::Display for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Model { hard_state, snapshot, log, committed, saved_commit } = self;
        write!(f, "{hard_state:?} {snapshot:?} committed {committed}, saved {saved_commit}; ")?;
        // The index, term and unique time of an entry.
        log.iter().try_for_each(|entry| match &entry.payload {
            Payload::Command { command, .. } => {
                let made = String::from_utf8_lossy(command.get(6..9).unwrap_or_default());
                write!(f, "{}({} {made}) ", entry.index, entry.term)
            }
            _ => write!(f, "{}({} {}) ", entry.index, entry.term, entry.at_ms),
        })
    }
}

impl From<&Recovered> for Model {
    fn from(recovered: &Recovered) -> Model {
        Model {
            hard_state: recovered.hard_state,
            snapshot: recovered.snapshot.unwrap_or_default(),
            log: recovered.entries.clone(),
            committed: recovered.commit_length,
            saved_commit: recovered.commit_length,
        }
    }
}

impl Model {
    fn last(&self) -> (Index, Term) {
        let SnapshotMark { index, term } = self.snapshot;
        self.log.last().map_or((index, term), |entry| (entry.index, entry.term))
    }

    fn term_of(&self, index: Index) -> Option<Term> {
        self.log.iter().find(|entry| entry.index == index).map(|entry| entry.term)
    }

    /// The entries after an index.
    fn behind(&self, index: Index) -> Vec<Entry> {
        self.log.iter().filter(|entry| entry.index > index).cloned().collect()
    }
}

struct Node {
    disk: SimDisk,
    storage: Storage,
    sure: Model,
    /// Makes each entry different from all others, so that a replacement is recognised.
    made: u64,
    /// Work in progress: a snapshot, and a copy of the log.
    job: Option<(SnapshotJob, SnapshotMark)>,
    compaction: Option<Compaction>,
}

impl Node {
    fn start(disk: SimDisk) -> Node {
        let (storage, recovered, _) = open(&disk.disk());
        assert_eq!(recovered.entries, []);
        let sure = Model::default();
        Node { disk, storage, sure, made: 0, job: None, compaction: None }
    }

    /// A few entries of the current term that follow the log, or replace an uncommitted part of it.
    fn entries(&mut self, seed: &mut Seed) -> Vec<Entry> {
        let last = self.sure.last().0;
        let low = self.sure.committed.max(self.sure.snapshot.index) + 1;
        let from = match seed.one_in(4) {
            true => low + seed.below((last + 2).saturating_sub(low) as usize) as u64,
            false => last + 1,
        };
        let count = 1 + seed.below(6) as u64;
        (from..from + count)
            .map(|index| {
                self.made += 1;
                let len = *seed.pick(&[0, 5, 20, 50, 80, 100, 200, 600, 2000]);
                let value: Vec<u8> = (0..len).map(|_| *seed.pick(b"ab \n\xff")).collect();
                let term = self.sure.hard_state.current_term;
                match seed.one_in(5) {
                    true => Entry { at_ms: self.made, ..no_op(term, index) },
                    false => set(term, index, format!("key{}", self.made).as_bytes(), &value),
                }
            })
            .collect()
    }

    /// Performs an operation: returns the intended state, the result, and whether an operation that
    /// lacked space is completed by the next sync.
    fn act(&mut self, seed: &mut Seed) -> (Model, Result<(), StorageError>, bool) {
        let mut target = self.sure.clone();
        let kind = seed.below(10);
        let done = match kind {
            0 => {
                let term = self.sure.hard_state.current_term + seed.below(2) as u64;
                target.hard_state = voted(term.max(1), seed.below(3) as u64);
                self.storage.write(Some(target.hard_state), &[])
            }
            1 => self.snapshot(&mut target, seed),
            2 if self.sure.hard_state.current_term > 0 => self.install(&mut target, seed),
            3 => self.commit(&mut target, seed),
            4 => self.compact(seed),
            _ => self.write(&mut target, seed),
        };
        let is_staged =
            !(matches!(kind, 1 | 3 | 4) || (kind == 2 && target.snapshot != self.sure.snapshot));
        (target, done, is_staged)
    }

    /// An operation lacked space. It is retried without success; then there is space.
    fn wait_for_space(&mut self, seed: &mut Seed) {
        for _ in 0..seed.below(3) {
            if let Err(error) = self.storage.sync() {
                assert!(error.is_temporary(), "{error}");
            }
        }
        let names = self.disk.file_names();
        let kept = self.job.is_some() || self.compaction.is_some();
        assert!(kept || names.iter().all(|name| name.ends_with(".txt")), "{names:?}");
        self.disk.set_capacity(None);
        self.storage.sync().unwrap();
    }

    fn write(&mut self, target: &mut Model, seed: &mut Seed) -> Result<(), StorageError> {
        // A new leader's entries come with its term.
        let is_new_term = target.hard_state.current_term == 0 || seed.one_in(5);
        if is_new_term {
            target.hard_state = voted(target.hard_state.current_term + 1, 2);
            self.sure.hard_state.current_term += 1;
        }
        for _ in 0..1 + seed.below(3) {
            let entries = self.entries(seed);
            target.log.retain(|entry| entry.index < entries[0].index);
            target.log.extend(entries.iter().cloned());
            self.storage.stage(&entries)?;
            // The next entries share this write, and may replace it again.
            self.sure.log.clone_from(&target.log);
        }
        if is_new_term {
            self.storage.stage_hard_state(target.hard_state);
        }
        self.storage.sync()
    }

    fn commit(&mut self, target: &mut Model, seed: &mut Seed) -> Result<(), StorageError> {
        let more = self.sure.last().0.saturating_sub(self.sure.committed);
        target.committed += seed.below(more as usize + 1) as u64;
        self.storage.note_commit(target.committed);
        // Known from now on, whether or not it is written.
        self.sure.committed = target.committed;
        if seed.one_in(2) {
            self.storage.save_commit()?;
            target.saved_commit = target.committed;
        }
        Ok(())
    }

    /// Begins a snapshot, or continues the current one.
    fn snapshot(&mut self, target: &mut Model, seed: &mut Seed) -> Result<(), StorageError> {
        if let Some((mut job, mark)) = self.job.take() {
            if job.step()? || seed.one_in(3) {
                self.job = Some((job, mark));
                return Ok(());
            }
            // A leader's snapshot may have arrived meanwhile.
            let is_newer = mark.index > self.sure.snapshot.index;
            if is_newer {
                target.snapshot = mark;
            }
            assert_eq!(self.storage.finish_snapshot(job)?, is_newer);
            return Ok(());
        }
        let more = self.sure.committed.saturating_sub(self.sure.snapshot.index);
        let index = self.sure.snapshot.index + 1 + seed.below(more as usize) as u64;
        let known = self.sure.term_of(index).filter(|_| more > 0);
        if let Some(term) = known {
            let mark = SnapshotMark { index, term };
            self.job = Some((self.storage.begin_snapshot(mark, state(mark)), mark));
        }
        Ok(())
    }

    /// Drops entries from the log at once, or while others are written.
    fn compact(&mut self, seed: &mut Seed) -> Result<(), StorageError> {
        let first = 1 + seed.below(self.sure.snapshot.index as usize + 1) as u64;
        match self.compaction.take() {
            Some(mut compaction) => {
                if seed.one_in(2) {
                    compaction.run()?;
                }
                self.storage.finish_compaction(compaction).map(|_| ())
            }
            None if seed.one_in(2) => self.storage.compact(first),
            None => {
                let mut compaction = self.storage.begin_compaction(first)?;
                compaction.step()?;
                self.compaction = Some(compaction);
                Ok(())
            }
        }
    }

    /// Installs a leader's snapshot: beyond the log, or within it and continued by it or not.
    fn install(&mut self, target: &mut Model, seed: &mut Seed) -> Result<(), StorageError> {
        let low = self.sure.committed.max(self.sure.snapshot.index) + 1;
        let index = low + seed.below(6) as u64;
        let known = self.sure.term_of(index).filter(|_| seed.one_in(2));
        let before = self.sure.term_of(index - 1).unwrap_or(self.sure.snapshot.term);
        let term = known.unwrap_or(before.max(1));
        target.snapshot = SnapshotMark { index, term };
        let is_continued = self.sure.term_of(index) == Some(term);
        target.log = if is_continued { self.sure.behind(index) } else { Vec::new() };
        target.committed = self.sure.committed.max(index);

        let other = SimDisk::new();
        let (mut leader, _, _) = open(&other.disk());
        leader.write(Some(voted(term, 0)), &[]).unwrap();
        let mut job = leader.begin_snapshot(target.snapshot, state(target.snapshot));
        job.run().unwrap();
        leader.finish_snapshot(job).unwrap();
        let file = leader.snapshot().unwrap();
        let mut offset = 0;
        let received = loop {
            let piece = file.piece(offset, 1 + seed.below(200)).unwrap();
            offset += piece.data.len() as u64;
            match self.storage.receive(&piece)? {
                Receipt::More => {}
                Receipt::Whole(received) => break received,
                Receipt::OutOfOrder => panic!("all pieces come in order"),
            }
        };
        let verified = received.verify(&mut |_| Ok(()))?.unwrap();
        assert!(self.storage.install(verified)?);
        if !is_continued {
            assert_eq!(self.storage.first_index(), index + 1);
        }
        Ok(())
    }

    /// Restarts, checks that the recovered content is possible, and takes it as known.
    fn restart(self, before: &Model, target: &Model) -> Node {
        let Node { disk, storage, made, job, compaction, .. } = self;
        drop((storage, job, compaction));
        let (storage, recovered, lines) = open(&disk.disk());
        let snapshot = recovered.snapshot.unwrap_or_default();
        assert_eq!(lines, lines_of(snapshot));
        must_be_between(&recovered, before, target);
        let names = disk.file_names();
        assert!(names.iter().all(|name| name.ends_with(".txt")), "{names:?}");
        let mut sure = Model::from(&recovered);
        sure.committed = sure.committed.max(before.committed);
        Node { disk, storage, sure, made, job: None, compaction: None }
    }
}

/// Checks that files with `before`, and intended `target`, may contain what was recovered.
pub fn must_be_between(recovered: &Recovered, before: &Model, target: &Model) {
    let Recovered { hard_state, entries, .. } = recovered;
    let snapshot = recovered.snapshot.unwrap_or_default();
    let found = Model::from(recovered);
    let states = format!("\nfound:  {found}\nbefore: {before}\ntarget: {target}");
    let is_old = *hard_state == before.hard_state;
    assert!(is_old || *hard_state == target.hard_state, "hard state: {states}");
    assert!([before.snapshot, target.snapshot].contains(&snapshot), "snapshot: {states}");
    let committed = recovered.commit_length;
    assert!(before.saved_commit <= committed, "commit length: {states}");
    assert!(committed <= before.committed.max(target.committed), "commit length: {states}");
    // Entries that a snapshot contains may be in the log or not.
    let behind = |log: &[Entry]| -> Vec<Entry> {
        log.iter().filter(|entry| entry.index > snapshot.index).cloned().collect()
    };
    let (found, old, new) = (behind(entries), behind(&before.log), behind(&target.log));
    if snapshot != before.snapshot {
        let is_old = target.log == before.log;
        assert!(found == new || (is_old && found == old), "log: {states}");
        return;
    }
    let same = old.iter().zip(&new).take_while(|(old, new)| old == new).count();
    let is_part_of_new = found.len() >= same && new.starts_with(&found);
    let may_be_new = is_part_of_new && (is_old <= (before.hard_state == target.hard_state));
    assert!(found == old || may_be_new, "log: {states}");
}

/// Several processes one after another on one disk.
fn live(seed: &mut Seed) {
    let disk = SimDisk::new();
    let mut node = Node::start(disk.clone());
    for _ in 0..30 {
        match seed.below(12) {
            0 => disk.stop_after(seed.below(12) as u64),
            1 => disk.fail_sync(seed.below(5) as u64),
            2 => disk.set_capacity(Some(disk.used_bytes() + seed.below(20_000) as u64)),
            _ => {}
        }
        let before = node.sure.clone();
        let (target, mut done, is_staged) = node.act(seed);
        let (mut before, mut target) = match &done {
            Ok(()) => (target.clone(), target),
            Err(error) => {
                let is_fault = disk.is_stopped()
                    || matches!(error, StorageError::NoSpace { .. } | StorageError::Sync { .. });
                assert!(is_fault, "{error}");
                (before, target)
            }
        };
        let is_waiting = done.as_ref().is_err_and(StorageError::is_temporary);
        if is_waiting && !disk.is_stopped() && !disk.has_scheduled_fault() && seed.one_in(2) {
            node.wait_for_space(seed);
            match is_staged {
                true => before = target.clone(),
                false => target = before.clone(),
            }
            done = Ok(());
        }
        node.sure = before.clone();
        if done.is_err() || seed.one_in(6) {
            match seed.one_in(2) {
                true => disk.lose_power(seed),
                false => disk.kill(),
            }
            disk.set_capacity(None);
            node = node.restart(&before, &target);
        }
    }
    let sure = node.sure.clone();
    node.storage.close().unwrap_or_else(|error| assert!(is_expected(&error), "{error}"));
    disk.lose_power(seed);
    disk.set_capacity(None);
    let (_, recovered, _) = open(&disk.disk());
    must_be_between(&recovered, &sure, &sure);
}

fn is_expected(error: &StorageError) -> bool {
    matches!(
        error,
        StorageError::NoSpace { .. } | StorageError::Sync { .. } | StorageError::Io { .. }
    )
}

#[test]
fn acknowledged_writes_survive_every_crash() {
    let mut seeds = 0;
    each_seed(|seed| {
        // A process takes as long as many damaged inputs.
        seeds += 1;
        if seeds % 50 == 1 {
            live(seed);
        }
    });
}

#[test]
fn unacknowledged_writes_may_be_lost() {
    // The simulation is of use only if the disk really loses data.
    let (mut lost, mut kept) = (0, 0);
    for number in 0..300 {
        let disk = SimDisk::new();
        let (mut storage, _, _) = open(&disk.disk());
        storage.write(Some(voted(1, 1)), &[no_op(1, 1)]).unwrap();
        disk.stop_after(1);
        assert!(storage.write(None, &[set(1, 2, b"key", &[b'v'; 2000])]).is_err());
        disk.lose_power(&mut Seed::new(number));
        let (_, recovered, _) = open(&Arc::clone(&disk.disk()));
        match recovered.entries.len() {
            1 => lost += 1,
            _ => kept += 1,
        }
    }
    assert!(lost > 30 && kept > 3, "lost {lost}, kept {kept}");
}
