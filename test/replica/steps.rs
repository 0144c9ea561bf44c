//! A crash at each step of everything that storage does leaves the old state or the new one.
//!
//! The process is stopped at its first change of the disk, at its second, and so on to the last;
//! then it is restarted, directly or after one of many power losses.

use agora::raft::{Entry, Frozen, Payload, SnapshotMark, SnapshotPiece};
use agora::replica::storage::{Receipt, Storage, StorageError};

use super::fixture::{lines_of, no_op, open, set, state, try_open, voted};
use super::seed::Seed;
use super::sim_disk::SimDisk;
use super::simulation::{Model, must_be_between};

/// The number of power losses that are tried at each step.
const CRASHES: u64 = 30;

/// Entries 1 to 8, of which 6 are committed, in writes of 2.
pub fn eight_entries() -> SimDisk {
    let disk = SimDisk::new();
    let (mut storage, _, _) = open(&disk.disk());
    storage.stage_hard_state(voted(2, 1));
    for index in [1, 3, 5, 7] {
        let value = vec![b'v'; 400 * index as usize];
        storage.write(None, &[no_op(2, index), set(2, index + 1, b"key", &value)]).unwrap();
    }
    storage.note_commit(6);
    storage.close().unwrap();
    disk.copy()
}

pub fn model(disk: &SimDisk) -> Model {
    let (_, recovered, lines) = open(&disk.disk());
    assert_eq!(lines, lines_of(recovered.snapshot.unwrap_or_default()));
    Model::from(&recovered)
}

/// Runs an action with a crash at each of its steps; returns the number of steps.
fn at_each_step(
    begin: &SimDisk,
    act: impl Fn(&mut Storage) -> Result<(), StorageError>,
) -> (Model, u64) {
    let before = model(begin);
    let after = {
        let disk = begin.copy();
        act(&mut open(&disk.disk()).0).unwrap();
        model(&disk)
    };
    for steps in 0.. {
        let disk = begin.copy();
        let (mut storage, _, _) = open(&disk.disk());
        disk.stop_after(steps);
        let done = act(&mut storage);
        if !disk.is_stopped() {
            done.unwrap();
            return (after, steps);
        }
        for crash in 0..=CRASHES {
            let disk = disk.fork();
            match crash {
                0 => disk.kill(),
                seed => disk.lose_power(&mut Seed::new(1000 * steps + seed)),
            }
            let found = try_open(&disk.disk());
            let (_, recovered, lines) = found.unwrap_or_else(|error| {
                panic!("crash {crash} at step {steps}: {error}");
            });
            println!("crash {crash} at step {steps}: {:?}", recovered.repairs);
            must_be_between(&recovered, &before, &after);
            assert_eq!(lines, lines_of(recovered.snapshot.unwrap_or_default()));
            let names = disk.file_names();
            assert!(names.iter().all(|name| name.ends_with(".txt")), "{names:?}");
            // What was found stays, in every crash.
            disk.lose_power(&mut Seed::new(crash));
            let (_, again, _) = open(&disk.disk());
            let found = Model::from(&recovered);
            must_be_between(&again, &found, &found);
            assert_eq!(again.repairs, [""; 0]);
        }
    }
    unreachable!("it has an end");
}

#[test]
fn a_first_start() {
    for steps in 0.. {
        let disk = SimDisk::new();
        disk.stop_after(steps);
        if try_open(&disk.disk()).is_ok() {
            assert!(steps >= 7, "log, metadata and their names: {steps}");
            return;
        }
        for crash in 0..=CRASHES {
            let disk = disk.fork();
            match crash {
                0 => disk.kill(),
                seed => disk.lose_power(&mut Seed::new(seed)),
            }
            let (_, recovered, _) = open(&disk.disk());
            assert_eq!(recovered.entries, []);
        }
    }
}

#[test]
fn a_write() {
    let (after, steps) = at_each_step(&eight_entries(), |storage| {
        storage.write(None, &[no_op(2, 9), set(2, 10, b"k", &[b'w'; 900]), no_op(2, 11)])
    });
    assert_eq!(after.log.len(), 11);
    assert_eq!(steps, 2, "a write and a sync");
}

#[test]
fn a_write_with_a_new_term() {
    let (after, _) = at_each_step(&eight_entries(), |storage| {
        storage.write(Some(voted(3, 2)), &[no_op(3, 9), no_op(3, 10)])
    });
    assert_eq!(after.hard_state, voted(3, 2));
}

#[test]
fn entries_that_replace_others() {
    for value in [10, 500, 5000] {
        let (after, _) = at_each_step(&eight_entries(), |storage| {
            let entries = [set(3, 7, b"other", &vec![b'o'; value]), no_op(3, 8), no_op(3, 9)];
            storage.write(Some(voted(3, 2)), &entries)
        });
        assert_eq!(after.log.len(), 9);
    }
}

#[test]
fn a_snapshot_and_the_compaction_behind_it() {
    let mark = SnapshotMark { index: 6, term: 2 };
    let (after, _) = at_each_step(&eight_entries(), |storage| {
        let mut job = storage.begin_snapshot(mark, state(mark));
        job.run()?;
        assert!(storage.finish_snapshot(job)?);
        // Entries are written while the log is copied.
        let mut compaction = storage.begin_compaction(5)?;
        compaction.run()?;
        storage.write(None, &[])?;
        assert!(storage.finish_compaction(compaction)?);
        Ok(())
    });
    assert_eq!((after.snapshot, after.log.len()), (mark, 4));
}

/// The pieces of a leader's snapshot.
pub fn pieces(mark: SnapshotMark) -> Vec<SnapshotPiece> {
    let disk = SimDisk::new();
    let (mut storage, _, _) = open(&disk.disk());
    storage.write(Some(voted(mark.term, 1)), &[]).unwrap();
    let mut job = storage.begin_snapshot(mark, state(mark));
    job.run().unwrap();
    storage.finish_snapshot(job).unwrap();
    let file = storage.snapshot().unwrap();
    let mut pieces = vec![file.piece(0, 100).unwrap()];
    while let Some(last) = pieces.last().filter(|piece| !piece.is_last) {
        pieces.push(file.piece(last.offset + 100, 100).unwrap());
    }
    pieces
}

pub fn install(storage: &mut Storage, pieces: &[SnapshotPiece]) -> Result<(), StorageError> {
    for piece in pieces {
        if let Receipt::Whole(received) = storage.receive(piece)? {
            let verified = received.verify(&mut |_| Ok(()))?.unwrap();
            assert!(storage.install(verified)?);
        }
    }
    Ok(())
}

#[test]
fn a_snapshot_of_a_leader_that_is_far_ahead() {
    let mark = SnapshotMark { index: 20, term: 2 };
    let pieces = pieces(mark);
    let (after, _) = at_each_step(&eight_entries(), |storage| install(storage, &pieces));
    assert_eq!((after.snapshot, after.log), (mark, vec![]));
}

#[test]
fn a_snapshot_of_a_leader_whose_log_is_another() {
    // Term 1 at an index where the log has term 2.
    let mark = SnapshotMark { index: 7, term: 1 };
    let pieces = pieces(mark);
    let (after, _) = at_each_step(&eight_entries(), |storage| install(storage, &pieces));
    assert_eq!((after.snapshot, after.log), (mark, vec![]));
}

#[test]
fn a_snapshot_of_a_leader_that_the_log_continues() {
    let mark = SnapshotMark { index: 7, term: 2 };
    let pieces = pieces(mark);
    let (after, _) = at_each_step(&eight_entries(), |storage| {
        install(storage, &pieces)?;
        storage.compact(8)
    });
    assert_eq!((after.snapshot, after.log.len()), (mark, 1));
}

#[test]
fn pieces_out_of_order_restart_the_transfer() {
    let disk = eight_entries();
    let (mut storage, _, _) = open(&disk.disk());
    let (long, other) =
        (pieces(SnapshotMark { index: 20, term: 2 }), pieces(SnapshotMark { index: 30, term: 2 }));
    let is_more = |receipt| matches!(receipt, Receipt::More);
    assert!(is_more(storage.receive(&long[0]).unwrap()));
    assert!(matches!(storage.receive(&long[2]).unwrap(), Receipt::OutOfOrder));
    assert!(matches!(storage.receive(&long[1]).unwrap(), Receipt::OutOfOrder));
    assert!(is_more(storage.receive(&long[0]).unwrap()));
    assert!(is_more(storage.receive(&other[0]).unwrap()), "a newer snapshot takes its place");
    assert!(matches!(storage.receive(&long[1]).unwrap(), Receipt::OutOfOrder));
    install(&mut storage, &long).unwrap();
    assert_eq!(storage.snapshot().unwrap().mark().index, 20);
    drop(storage);
    assert!(disk.file_names().iter().all(|name| name.ends_with(".txt")));
}

#[test]
fn a_damaged_received_snapshot_is_discarded() {
    let mark = SnapshotMark { index: 20, term: 2 };
    let good = pieces(mark);
    for damaged in 0..good.len() {
        let disk = eight_entries();
        let (mut storage, _, _) = open(&disk.disk());
        let mut pieces = good.clone();
        let mut data = pieces[damaged].data.to_vec();
        let middle = data.len() / 2;
        data[middle] ^= 1;
        pieces[damaged].data = data.into();
        let mut refused = 0;
        for piece in &pieces {
            if let Receipt::Whole(received) = storage.receive(piece).unwrap() {
                let wrong = received.verify(&mut |_| Ok(())).unwrap().unwrap_err();
                assert!(wrong.file.starts_with("snapshot.txt.incoming") && wrong.line > 0);
                refused += 1;
            }
        }
        assert_eq!((refused, disk.file_names().len()), (1, 3));
        // The sender starts again.
        install(&mut storage, &good).unwrap();
        assert_eq!(storage.snapshot().unwrap().mark(), mark);
    }
    // Valid, but another snapshot than announced.
    let (mut storage, _, _) = open(&eight_entries().disk());
    let mut pieces = good;
    pieces.iter_mut().for_each(|piece| piece.snapshot.index = 21);
    let receipts = pieces.iter().map(|piece| storage.receive(piece).unwrap());
    let Some(Receipt::Whole(received)) = receipts.last() else { panic!("not whole") };
    assert!(received.verify(&mut |_| Ok(())).unwrap().is_err());
}

#[test]
fn a_snapshot_is_read_in_pieces_while_a_newer_one_takes_its_place() {
    let disk = eight_entries();
    let (mut storage, _, _) = open(&disk.disk());
    let take = |storage: &mut Storage, index| {
        let mark = SnapshotMark { index, term: 2 };
        let mut job = storage.begin_snapshot(mark, state(mark));
        job.run().unwrap();
        storage.finish_snapshot(job).unwrap()
    };
    assert!(take(&mut storage, 4));
    let old = storage.snapshot().unwrap();
    let first = old.piece(0, 50).unwrap();
    assert!(take(&mut storage, 6));
    let rest = old.piece(50, 10_000).unwrap();
    assert!(rest.is_last && !first.is_last);
    let mut lines = Vec::new();
    old.read(&mut |words| {
        lines.push(words.len());
        Ok(())
    })
    .unwrap();
    assert_eq!((old.mark().index, lines.len()), (4, 4));
    assert_eq!(storage.snapshot().unwrap().mark().index, 6);
    // Beyond the end there is nothing.
    let end = old.piece(1_000_000, 10).unwrap();
    assert!(end.is_last && end.data.is_empty());
    // An older snapshot than the current one is discarded.
    assert!(!take(&mut storage, 5));
    assert_eq!(storage.snapshot().unwrap().mark().index, 6);
}

#[test]
fn a_compaction_during_which_entries_are_replaced_is_discarded() {
    let disk = eight_entries();
    let (mut storage, _, _) = open(&disk.disk());
    let mark = SnapshotMark { index: 6, term: 2 };
    let mut job = storage.begin_snapshot(mark, state(mark));
    job.run().unwrap();
    storage.finish_snapshot(job).unwrap();
    let mut compaction = storage.begin_compaction(5).unwrap();
    compaction.run().unwrap();
    storage.write(Some(voted(3, 1)), &[no_op(3, 7)]).unwrap();
    assert!(!storage.finish_compaction(compaction).unwrap());
    assert_eq!(storage.first_index(), 1);
    storage.compact(5).unwrap();
    assert_eq!((storage.first_index(), storage.next_index()), (5, 8));
    assert!(storage.begin_compaction(8).is_err(), "7 is in no snapshot");
}

#[test]
fn entries_that_do_not_follow_or_are_committed_are_refused() {
    for entry in [no_op(2, 10), no_op(2, 0), no_op(3, 6)] {
        let disk = eight_entries();
        let (mut storage, _, _) = open(&disk.disk());
        let before = disk.get("logs.txt");
        let refused = storage.write(None, &[entry]);
        assert!(matches!(refused, Err(StorageError::Refused { .. })), "{refused:?}");
        assert_eq!(disk.get("logs.txt"), before);
        // After any invalid request nothing more is written.
        assert!(matches!(storage.write(None, &[no_op(2, 9)]), Err(StorageError::Failed)));
    }
}

#[test]
fn nothing_is_written_after_a_failed_sync() {
    let disk = eight_entries();
    let (mut storage, _, _) = open(&disk.disk());
    disk.fail_sync(0);
    let failed = storage.write(None, &[no_op(2, 9)]);
    assert!(matches!(failed, Err(StorageError::Sync { .. })), "{failed:?}");
    let changes = disk.changes();
    assert!(matches!(storage.sync(), Err(StorageError::Failed)));
    assert!(matches!(storage.save_commit(), Err(StorageError::Failed)));
    assert!(matches!(storage.close(), Err(StorageError::Failed)));
    assert_eq!(disk.changes(), changes);
    // The bytes are readable, but not on disk: the next start writes them again.
    disk.kill();
    let (storage, recovered, _) = open(&disk.disk());
    assert_eq!(recovered.entries.len(), 9);
    drop(storage);
    disk.lose_power(&mut Seed::new(1));
    assert_eq!(open(&disk.disk()).1.entries.len(), 9);
}

#[test]
fn a_full_disk_is_a_temporary_error_and_loses_nothing() {
    for space in 0..200 {
        let disk = eight_entries();
        let (mut storage, _, _) = open(&disk.disk());
        disk.set_capacity(Some(disk.used_bytes() + space));
        let entry = |index| set(2, index, b"key", &[b'v'; 150]);
        let full = storage.write(None, &[entry(9), entry(10)]).unwrap_err();
        assert!(matches!(full, StorageError::NoSpace { .. }), "{full}");
        assert_eq!(full.to_string(), "logs.txt: no space is left on the disk");
        disk.kill();
        let recovered = open(&disk.disk()).1;
        assert_eq!(recovered.entries.len(), 8, "a full disk can be opened");
        disk.set_capacity(None);
        let (mut storage, recovered, _) = open(&disk.disk());
        assert_eq!(recovered.entries.len(), 8);
        storage.write(None, &[entry(9)]).unwrap();
    }
}

#[test]
fn an_entry_that_could_not_be_read_back_is_refused() {
    // Each byte is escaped as four.
    let command = vec![0xff; 9 * 1024 * 1024].into();
    let payload = Payload::Command { origin: None, command };
    let disk = eight_entries();
    let (mut storage, _, _) = open(&disk.disk());
    let refused = storage.write(None, &[Entry { payload, ..no_op(2, 9) }]).unwrap_err();
    assert_eq!(refused.to_string(), "entry 9 cannot be kept: it is too long");
    assert_eq!(open(&disk.copy().disk()).1.entries.len(), 8);

    struct OneLine(Vec<u8>);
    impl Frozen for OneLine {
        fn next_line(&mut self, word: &mut dyn FnMut(&[u8])) -> bool {
            word(&self.0);
            true
        }
    }
    for line in [vec![0xff; 9 * 1024 * 1024], b"END".to_vec()] {
        let (mut storage, _, _) = open(&disk.copy().disk());
        let mark = SnapshotMark { index: 6, term: 2 };
        let refused = storage.begin_snapshot(mark, Box::new(OneLine(line))).run();
        assert!(matches!(refused, Err(StorageError::Refused { .. })), "{refused:?}");
        assert!(storage.snapshot().is_none());
        // The node continues without it.
        storage.write(None, &[no_op(2, 9)]).unwrap();
    }
}
