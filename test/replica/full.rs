//! A resource is exhausted at each step of everything that storage does: nothing is lost, no
//! temporary file remains, and writing continues when the resource is available again.

use agora::raft::SnapshotMark;
use agora::replica::storage::{Storage, StorageError};

use super::fixture::{no_op, open, set, state, voted};
use super::seed::Seed;
use super::sim_disk::SimDisk;
use super::simulation::{Model, must_be_between};
use super::steps::{eight_entries, install, model, pieces};

/// The number of power losses that are tried while the disk is full.
const CRASHES: u64 = 10;

type Act<'a> = &'a dyn Fn(&mut Storage) -> Result<(), StorageError>;

/// Checks the state on a full disk: the next process can open the files, and only needed files use
/// space.
fn is_whole(disk: &SimDisk, before: &Model, after: &Model) {
    let names = disk.file_names();
    assert!(names.iter().all(|name| name.ends_with(".txt")), "{names:?}");
    for crash in 0..=CRASHES {
        let disk = disk.fork();
        match crash {
            0 => disk.kill(),
            seed => disk.lose_power(&mut Seed::new(seed)),
        }
        // A node starts on a full disk.
        must_be_between(&open(&disk.disk()).1, before, after);
    }
}

/// Runs `act` with more and more space until it is enough. When it is not, the action is retried
/// without success; then there is space, and `again` succeeds. Returns how often the space was not
/// enough.
fn with_little_space(begin: &SimDisk, act: Act<'_>, again: Act<'_>) -> usize {
    let before = model(begin);
    let after = {
        let disk = begin.copy();
        act(&mut open(&disk.disk()).0).unwrap();
        model(&disk)
    };
    for (failures, space) in (0..).step_by(61).enumerate() {
        let disk = begin.copy();
        let (mut storage, _, _) = open(&disk.disk());
        disk.set_capacity(Some(disk.used_bytes() + space));
        match act(&mut storage) {
            Ok(()) => return failures,
            Err(error) => assert!(error.is_temporary(), "space for {space} bytes: {error}"),
        }
        is_whole(&disk, &before, &after);
        if let Err(error) = storage.sync() {
            assert!(error.is_temporary(), "{error}");
            is_whole(&disk, &before, &after);
        }
        // A vote is written nevertheless.
        let vote = voted(before.hard_state.current_term.max(after.hard_state.current_term) + 1, 2);
        storage.stage_hard_state(vote);
        storage.sync_hard_state_only().unwrap();
        {
            let disk = disk.fork();
            disk.lose_power(&mut Seed::new(space));
            assert_eq!(open(&disk.disk()).1.hard_state, vote);
        }
        disk.set_capacity(None);
        again(&mut storage).unwrap();
        drop(storage);
        disk.lose_power(&mut Seed::new(space));
        let (_, recovered, _) = open(&disk.disk());
        let after = Model { hard_state: vote, ..after.clone() };
        must_be_between(&recovered, &after, &after);
    }
    unreachable!("it has an end");
}

#[test]
fn a_write() {
    let entries = [no_op(2, 9), set(2, 10, b"k", &[b'w'; 900]), no_op(2, 11)];
    let failures =
        with_little_space(&eight_entries(), &|storage| storage.write(None, &entries), &|storage| {
            storage.sync()
        });
    assert!(failures > 10, "{failures}");
}

#[test]
fn a_write_with_a_new_term_and_entries_that_replace_others() {
    for value in [10, 500, 5000] {
        let entries =
            [set(3, 7, b"other", &vec![b'o'; value]), no_op(3, 8), set(3, 9, b"k", &[b'x'; 4000])];
        let failures = with_little_space(
            &eight_entries(),
            &|storage| storage.write(Some(voted(3, 2)), &entries),
            &|storage| storage.sync(),
        );
        assert!(failures > 10, "{failures}");
    }
}

#[test]
fn staged_entries_may_be_replaced() {
    let disk = eight_entries();
    let (mut storage, _, _) = open(&disk.disk());
    disk.set_capacity(Some(disk.used_bytes() + 100));
    let full = storage.write(None, &[set(2, 9, b"k", &[b'a'; 300]), no_op(2, 10)]).unwrap_err();
    assert_eq!(full.to_string(), "logs.txt: no space is left on the disk");
    let full = storage.write(Some(voted(3, 2)), &[set(3, 9, b"k", &[b'b'; 300])]).unwrap_err();
    assert!(full.is_temporary() && storage.is_hard_state_durable());
    disk.set_capacity(None);
    storage.sync().unwrap();
    drop(storage);
    disk.lose_power(&mut Seed::new(1));
    let (_, recovered, _) = open(&disk.disk());
    assert_eq!(recovered.entries[8..], [set(3, 9, b"k", &[b'b'; 300])]);
    assert_eq!(recovered.hard_state, voted(3, 2));
}

fn snapshot_and_compact(storage: &mut Storage) -> Result<(), StorageError> {
    let mark = SnapshotMark { index: 6, term: 2 };
    let mut job = storage.begin_snapshot(mark, state(mark));
    job.run()?;
    storage.finish_snapshot(job)?;
    let mut compaction = storage.begin_compaction(5)?;
    compaction.run()?;
    storage.finish_compaction(compaction)?;
    Ok(())
}

#[test]
fn a_snapshot_and_the_compaction_behind_it() {
    let failures =
        with_little_space(&eight_entries(), &snapshot_and_compact, &snapshot_and_compact);
    assert!(failures > 10, "{failures}");
}

#[test]
fn a_compaction_without_space_for_the_rest() {
    let disk = eight_entries();
    let (mut storage, _, _) = open(&disk.disk());
    let mark = SnapshotMark { index: 6, term: 2 };
    let mut job = storage.begin_snapshot(mark, state(mark));
    job.run().unwrap();
    storage.finish_snapshot(job).unwrap();
    let mut compaction = storage.begin_compaction(5).unwrap();
    compaction.run().unwrap();
    storage.write(None, &[set(2, 9, b"late", &[b'l'; 500])]).unwrap();
    let before = model(&disk.fork());
    disk.set_capacity(Some(disk.used_bytes() + 100));
    let full = storage.finish_compaction(compaction).unwrap_err();
    assert!(full.is_temporary(), "{full}");
    is_whole(&disk, &before, &before);
    // Without the entries in the snapshot there is space for one entry more.
    let used = disk.used_bytes();
    storage.compact(7).unwrap();
    assert!(disk.used_bytes() < used);
    assert_eq!((storage.first_index(), storage.next_index()), (7, 10));
}

/// The space comes from the log itself: waiting entries are written after the entries that stay.
#[test]
fn entries_that_wait_are_written_when_the_log_was_cut() {
    let disk = eight_entries();
    let (mut storage, _, _) = open(&disk.disk());
    let mark = SnapshotMark { index: 6, term: 2 };
    disk.set_capacity(Some(disk.used_bytes() + 4500));
    let waiting = [set(2, 9, b"k", &[b'w'; 5000]), no_op(2, 10)];
    assert!(storage.write(None, &waiting).unwrap_err().is_temporary());
    let mut job = storage.begin_snapshot(mark, state(mark));
    job.run().unwrap();
    assert!(storage.finish_snapshot(job).unwrap());
    assert!(storage.has_snapshotted_entries());
    storage.compact(7).unwrap();
    assert!(!storage.has_snapshotted_entries());
    assert_eq!((storage.first_index(), storage.next_index()), (7, 11));
    storage.sync().unwrap();
    drop(storage);
    disk.lose_power(&mut Seed::new(1));
    let (_, recovered, _) = open(&disk.disk());
    assert_eq!(recovered.entries[2..], waiting);
    assert_eq!(recovered.snapshot, Some(mark));
}

#[test]
fn a_snapshot_of_a_leader() {
    for mark in [SnapshotMark { index: 20, term: 2 }, SnapshotMark { index: 7, term: 2 }] {
        let pieces = pieces(mark);
        let act = |storage: &mut Storage| install(storage, &pieces);
        let failures = with_little_space(&eight_entries(), &act, &act);
        assert!(failures > 2, "{failures}");
    }
}

#[test]
fn temporary_files_are_removed_before_space_is_needed() {
    let disk = eight_entries();
    for name in ["logs.txt.tmp-3", "snapshot.txt.tmp-1", "snapshot.txt.incoming-2", "logs.txt.tmp"]
    {
        disk.put(name, &[b'x'; 5000]);
    }
    disk.set_capacity(Some(disk.used_bytes()));
    let (mut storage, _, _) = open(&disk.disk());
    assert!(disk.file_names().iter().all(|name| name.ends_with(".txt")));
    storage.write(Some(voted(3, 1)), &[set(3, 9, b"k", &[b'v'; 10_000])]).unwrap();
}

#[test]
fn the_reserve_is_refilled_before_entries_are_written() {
    let disk = eight_entries();
    let (mut storage, _, _) = open(&disk.disk());
    disk.set_capacity(Some(disk.used_bytes()));
    for term in 3..100 {
        storage.write(Some(voted(term, 1)), &[]).unwrap();
    }
    assert_eq!(disk.get("reserve.txt").unwrap(), b"", "it is given up");
    let full = storage.write(None, &[no_op(99, 9)]).unwrap_err();
    assert!(full.is_temporary(), "there is space, but not for entries: {full}");
    disk.set_capacity(None);
    storage.sync().unwrap();
    assert_eq!(disk.get("reserve.txt").unwrap().len(), 32_768);
}

#[test]
fn a_vote_uses_the_reserved_descriptor() {
    let disk = eight_entries();
    let (mut storage, _, _) = open(&disk.disk());
    disk.set_max_open(Some(0));
    storage.write(Some(voted(3, 1)), &[no_op(3, 9)]).unwrap();
    storage.write(Some(voted(4, 1)), &[no_op(4, 10)]).unwrap();
    // Other files have used that space, too.
    let mark = SnapshotMark { index: 6, term: 2 };
    let mut job = storage.begin_snapshot(mark, state(mark));
    let missing = job.run().unwrap_err();
    assert!(missing.is_temporary() && missing.to_string().contains("oo many open files"));
    assert!(storage.begin_compaction(1).unwrap_err().is_temporary());
    disk.set_max_open(None);
    storage.write(Some(voted(5, 1)), &[no_op(5, 11)]).unwrap();
    storage.close().unwrap();
    assert_eq!(open(&disk.disk()).1.entries.len(), 11);
}

#[test]
fn a_failed_sync_is_not_treated_as_a_full_disk() {
    let disk = eight_entries();
    let (mut storage, _, _) = open(&disk.disk());
    disk.set_capacity(Some(disk.used_bytes() + 100));
    // The truncation that frees space for the retry must be durable itself.
    disk.fail_sync(0);
    let failed = storage.write(None, &[set(2, 9, b"k", &[b'a'; 300])]).unwrap_err();
    assert!(matches!(failed, StorageError::Sync { .. }), "{failed}");
    disk.set_capacity(None);
    assert!(matches!(storage.sync(), Err(StorageError::Failed)));
}

#[test]
fn a_snapshot_that_is_too_large_leaves_space_for_the_log() {
    let disk = eight_entries();
    let (mut storage, _, _) = open(&disk.disk());
    const CAPACITY: u64 = 3_000_000;
    disk.set_capacity(Some(CAPACITY));
    let mark = SnapshotMark { index: 200_000, term: 2 };
    let mut job = storage.begin_snapshot(mark, state(mark));
    job.keep_space_free();
    let mut steps = 0;
    let full = loop {
        match job.step() {
            Ok(_) => steps += 1,
            Err(full) => break full,
        }
        assert!(disk.used_bytes() + 200_000 < CAPACITY, "{steps}");
    };
    assert!(full.is_temporary() && steps > 5, "{full} after {steps} steps");
    assert!(disk.file_names().iter().all(|name| name.ends_with(".txt")));
}

#[test]
fn low_space_is_reported_before_a_snapshot_runs_out_of_it() {
    let disk = eight_entries();
    let (mut storage, _, _) = open(&disk.disk());
    assert!(!storage.is_low_on_space(), "unknown");
    disk.set_capacity(Some(4_000_000));
    assert!(!storage.is_low_on_space());
    let mut index = 9;
    while !storage.is_low_on_space() {
        storage.write(None, &[set(2, index, b"key", &[b'v'; 10_000])]).unwrap();
        index += 1;
    }
    let log_bytes = storage.log_bytes();
    assert!((1_000_000..1_500_000).contains(&log_bytes), "{log_bytes}");
}

/// To free space a node takes a snapshot of entries that it could not write yet. The log is shorter
/// than the snapshot then, and writing it may be interrupted.
#[test]
fn a_snapshot_of_entries_that_are_not_durable_does_not_make_them_durable() {
    let mark = SnapshotMark { index: 12, term: 2 };
    let entries: Vec<_> = (9..=14).map(|index| set(2, index, b"k", &[b'v'; 3000])).collect();
    let mut interrupted = 0;
    for (changes, seed) in (0..6).flat_map(|changes| (0..20).map(move |seed| (changes, seed))) {
        let disk = eight_entries();
        let (mut storage, _, _) = open(&disk.disk());
        disk.set_capacity(Some(disk.used_bytes() + 100));
        assert!(storage.write(None, &entries).unwrap_err().is_temporary());
        storage.note_commit(14);
        disk.set_capacity(None);
        let mut job = storage.begin_snapshot(mark, state(mark));
        job.run().unwrap();
        storage.finish_snapshot(job).unwrap();
        storage.stage_hard_state(voted(3, 2));
        storage.sync_hard_state_only().unwrap();
        disk.set_capacity(Some(disk.used_bytes() + 10_000));
        disk.stop_after(changes);
        interrupted += usize::from(storage.sync().is_err_and(|error| !error.is_temporary()));
        drop(storage);
        disk.lose_power(&mut Seed::new(seed));
        disk.set_capacity(None);
        let (mut storage, recovered, _) = open(&disk.disk());
        assert_eq!((recovered.snapshot, recovered.hard_state), (Some(mark), voted(3, 2)));
        assert_eq!(recovered.entries, [], "the snapshot has more");
        storage.write(None, &[no_op(3, 13)]).unwrap();
    }
    assert!(interrupted > 20, "{interrupted}");
}
