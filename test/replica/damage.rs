//! Damage to the files: torn ends, flipped bits, lost sectors, missing files. Each is either
//! recovered without losing acknowledged data, or refused with file, line and byte.

use agora::kv::state::Kv;
use agora::raft::{Entry, SnapshotMark};
use agora::replica::storage::{
    Commands, Corruption, Identity, Recovered, SECTOR_BYTES, Storage, StorageError,
};

use super::fixture::{identity, lines_of, no_op, open, set, state, try_open, voted};
use super::seed::{Seed, each_seed};
use super::sim_disk::SimDisk;

const FILES: [&str; 3] = ["logs.txt", "metadata.txt", "snapshot.txt"];

/// A directory with all three files: a snapshot up to 4, and a log from 3 to 12 in four writes, of
/// which the entries up to 9 are known to be committed.
pub fn sample() -> SimDisk {
    let disk = SimDisk::new();
    let (mut storage, _, _) = open(&disk.disk());
    let entry = |index: u64| set(2, index, format!("name{index}").as_bytes(), b"a value\n");
    storage.write(Some(voted(1, 1)), &[no_op(1, 1), set(1, 2, b"k", b"v")]).unwrap();
    storage.write(Some(voted(2, 0)), &[no_op(2, 3), entry(4), entry(5)]).unwrap();
    storage.write(None, &[entry(6), entry(7)]).unwrap();
    let mark = SnapshotMark { index: 4, term: 2 };
    let mut job = storage.begin_snapshot(mark, state(mark));
    job.run().unwrap();
    assert!(storage.finish_snapshot(job).unwrap());
    storage.compact(3).unwrap();
    storage.write(None, &[entry(8), entry(9)]).unwrap();
    storage.note_commit(9);
    storage.save_commit().unwrap();
    storage.write(None, &[entry(10), entry(11), entry(12)]).unwrap();
    let names: Vec<String> = disk.file_names();
    assert_eq!(names, [FILES[0], FILES[1], "reserve.txt", FILES[2]]);
    disk
}

/// The sample with another content of one file.
fn with(sample: &SimDisk, name: &str, bytes: &[u8]) -> SimDisk {
    let disk = sample.copy();
    disk.put(name, bytes);
    disk
}

fn corruption(disk: &SimDisk) -> Result<Recovered, Corruption> {
    match try_open(&disk.disk()) {
        Ok((_, recovered, lines)) => {
            assert_eq!(lines, lines_of(recovered.snapshot.unwrap_or_default()));
            Ok(recovered)
        }
        Err(StorageError::Corrupt(corruption)) => Err(corruption),
        Err(error) => panic!("neither recovered nor corrupt: {error}"),
    }
}

/// The line that contains a byte, from 1.
fn line_of(bytes: &[u8], at: usize) -> u64 {
    1 + bytes[..at].iter().filter(|&&byte| byte == b'\n').count() as u64
}

fn indices(recovered: &Recovered) -> Vec<u64> {
    recovered.entries.iter().map(|entry| entry.index).collect()
}

#[test]
fn the_sample_is_good() {
    let recovered = corruption(&sample()).unwrap();
    assert_eq!(indices(&recovered), (3..=12).collect::<Vec<_>>());
    assert_eq!((recovered.commit_length, recovered.hard_state), (9, voted(2, 0)));
    assert_eq!(recovered.snapshot, Some(SnapshotMark { index: 4, term: 2 }));
    assert_eq!(recovered.repairs, [""; 0]);
}

/// An invalid last record is a torn write and is cut off, unless it is at or below the known commit
/// length.
#[test]
fn a_log_that_ends_anywhere_is_cut_or_known_to_lack_what_was_committed() {
    let sample = sample();
    let log = sample.get("logs.txt").unwrap();
    let all = corruption(&sample).unwrap().entries;
    for len in 0..log.len() {
        let disk = with(&sample, "logs.txt", &log[..len]);
        let whole = log[..len].iter().filter(|&&byte| byte == b'\n').count();
        match corruption(&disk) {
            Ok(recovered) => {
                assert_eq!(recovered.entries, all[..whole], "cut at {len}");
                assert!(whole >= 7, "9 was committed: cut at {len}");
                let is_torn = log[..len].last() != Some(&b'\n');
                assert_eq!(recovered.repairs.len(), usize::from(is_torn), "cut at {len}");
                // The cut is durable, and the log can be appended to.
                disk.lose_power(&mut Seed::new(len as u64));
                let (mut storage, again, _) = open(&disk.disk());
                assert_eq!((again.entries, again.repairs.len()), (recovered.entries, 0));
                storage.write(None, &[no_op(2, storage.next_index())]).unwrap();
                let (_, again, _) = open(&disk.disk());
                assert_eq!(again.entries.len(), whole + 1);
            }
            Err(Corruption { file, line, byte, .. }) => {
                assert!(whole < 7, "9 is there: cut at {len}");
                assert_eq!((file.as_str(), line), ("logs.txt", whole as u64 + 1));
                assert!(byte <= len as u64, "cut at {len}");
            }
        }
    }
}

#[test]
fn one_flipped_bit_anywhere_is_refused_by_file_line_and_byte() {
    let sample = sample();
    for name in FILES {
        let good = sample.get(name).unwrap();
        for at in 0..good.len() {
            for bit in 0..8 {
                let mut bytes = good.clone();
                bytes[at] ^= 1 << bit;
                let refused = corruption(&with(&sample, name, &bytes));
                let Err(Corruption { file, line, byte, what }) = refused else {
                    panic!("bit {bit} of byte {at} of {name} is not noticed");
                };
                assert_eq!(file, name, "bit {bit} of byte {at}: {what}");
                assert!(byte < good.len() as u64 && !what.is_empty());
                if name != "metadata.txt" {
                    // `metadata.txt` has one checksum for all its lines.
                    assert_eq!(line, line_of(&good, at), "bit {bit} of byte {at} of {name}");
                }
            }
        }
    }
}

#[test]
fn a_missing_file_is_noticed() {
    let sample = sample();
    for (gone, named) in [
        ("logs.txt", "logs.txt, line 1, byte 0: missing"),
        ("metadata.txt", "metadata.txt, line 1, byte 0: missing"),
        ("snapshot.txt", "logs.txt, line 1, byte 0: begins with entry 3, and there is no"),
    ] {
        let disk = SimDisk::new();
        for name in FILES.iter().filter(|name| **name != gone) {
            disk.put(name, &sample.get(name).unwrap());
        }
        let text = corruption(&disk).unwrap_err().to_string();
        assert!(text.starts_with(named), "{text}");
    }
}

#[test]
fn files_of_different_times_do_not_join() {
    let disk = SimDisk::new();
    let (mut storage, _, _) = open(&disk.disk());
    let first_metadata = disk.get("metadata.txt").unwrap();
    storage.write(Some(voted(1, 1)), &[no_op(1, 1), no_op(1, 2)]).unwrap();
    let text = corruption(&with(&disk, "metadata.txt", &first_metadata)).unwrap_err();
    assert_eq!((text.file.as_str(), text.line), ("logs.txt", 2), "{text}");
    assert!(text.what.contains("term 1, above the term 0"), "{text}");

    let old_log = disk.get("logs.txt").unwrap();
    storage.write(None, &[no_op(1, 3), no_op(1, 4)]).unwrap();
    storage.note_commit(4);
    storage.save_commit().unwrap();
    let text = corruption(&with(&disk, "logs.txt", &old_log)).unwrap_err();
    assert_eq!((text.file.as_str(), text.line), ("logs.txt", 3), "{text}");
    assert!(text.what.contains("4 are committed"), "{text}");

    let old_snapshot = {
        let mark = SnapshotMark { index: 1, term: 1 };
        let mut job = storage.begin_snapshot(mark, state(mark));
        job.run().unwrap();
        storage.finish_snapshot(job).unwrap();
        disk.get("snapshot.txt").unwrap()
    };
    let mark = SnapshotMark { index: 4, term: 1 };
    let mut job = storage.begin_snapshot(mark, state(mark));
    job.run().unwrap();
    storage.finish_snapshot(job).unwrap();
    storage.compact(5).unwrap();
    storage.write(None, &[no_op(1, 5)]).unwrap();
    let text = corruption(&with(&disk, "snapshot.txt", &old_snapshot)).unwrap_err();
    assert_eq!((text.file.as_str(), text.line), ("logs.txt", 1), "{text}");
    assert!(text.what.contains("begins with entry 5"), "{text}");
}

#[test]
fn lines_that_are_good_and_out_of_order_are_refused() {
    let disk = SimDisk::new();
    let (mut storage, _, _) = open(&disk.disk());
    storage.write(Some(voted(2, 1)), &[no_op(1, 1)]).unwrap();
    for index in 2..5 {
        storage.write(None, &[no_op(2, index)]).unwrap();
    }
    let log = String::from_utf8(disk.get("logs.txt").unwrap()).unwrap();
    let lines: Vec<&str> = log.split_inclusive('\n').collect();
    for (order, line, what) in [
        (&[0, 2, 3][..], 2, "entry 3 where 2 was to follow"),
        (&[0, 1, 1, 2, 3], 3, "entry 2 where 3 was to follow"),
        (&[0, 2, 1, 3], 2, "entry 3 where 2 was to follow"),
        (&[1, 2, 3], 1, "begins with entry 2, and there is no"),
    ] {
        let text: String = order.iter().map(|&line| lines[line]).collect();
        let text = corruption(&with(&disk, "logs.txt", text.as_bytes())).unwrap_err();
        assert_eq!((text.line, text.what.contains(what)), (line, true), "{order:?}: {text}");
    }
    // A term that decreases.
    let other = SimDisk::new();
    let (mut storage, _, _) = open(&other.disk());
    storage.write(Some(voted(2, 1)), &[no_op(2, 1)]).unwrap();
    storage.write(None, &[no_op(1, 2)]).unwrap();
    let text = corruption(&other).unwrap_err();
    assert!(text.what.contains("an entry of term 1 behind one of term 2"), "{text}");
}

/// Entries 1 and 2, durable, then 3 to 6 in one write over many sectors; and the offset of that
/// write.
pub fn long_write() -> (SimDisk, Vec<Entry>, usize) {
    let disk = SimDisk::new();
    let (mut storage, _, _) = open(&disk.disk());
    storage.write(Some(voted(1, 1)), &[no_op(1, 1), set(1, 2, b"k", &[b'v'; 1500])]).unwrap();
    let begin = storage.log_bytes() as usize;
    let entry = |index| set(1, index, b"key", &[b'a' + index as u8; 1300]);
    storage.write(None, &[entry(3), entry(4), entry(5), entry(6)]).unwrap();
    let (_, recovered, _) = open(&disk.disk());
    (disk, recovered.entries, begin)
}

#[test]
fn lost_sectors_of_the_last_write_are_cut_off_with_what_is_behind_them() {
    let (disk, entries, begin) = long_write();
    let log = disk.get("logs.txt").unwrap();
    let sector = SECTOR_BYTES as usize;
    for first in begin / sector..log.len().div_ceil(sector) {
        for count in 1..4 {
            let start = (first * sector).max(begin);
            let end = (start / sector * sector + count * sector).min(log.len());
            let mut bytes = log.clone();
            bytes[start..end].fill(0);
            let whole = log[..start].iter().filter(|&&byte| byte == b'\n').count();
            let found = with(&disk, "logs.txt", &bytes);
            let recovered = corruption(&found).unwrap();
            assert_eq!(recovered.entries, entries[..whole], "zeros from {start} to {end}");
            assert_eq!(recovered.repairs.len(), 1);
            assert!(found.get("logs.txt").unwrap().len() <= start);
        }
    }
}

#[test]
fn lost_sectors_that_were_durable_are_refused() {
    let (disk, _, begin) = long_write();
    let (mut storage, _, _) = open(&disk.disk());
    storage.write(None, &[no_op(1, 7)]).unwrap();
    let log = disk.get("logs.txt").unwrap();
    let last = log[..log.len() - 1].iter().rposition(|&byte| byte == b'\n').unwrap() + 1;
    let sector = SECTOR_BYTES as usize;
    for start in (0..last / sector * sector).step_by(sector) {
        let mut bytes = log.clone();
        bytes[start..start + sector].fill(0);
        let text = corruption(&with(&disk, "logs.txt", &bytes)).unwrap_err();
        let line = line_of(&log, start);
        assert!(text.file == "logs.txt" && text.line == line, "zeros from {start}: {text}");
    }
    assert!(begin > sector);
}

#[test]
fn zeros_that_no_unfinished_write_leaves_are_refused() {
    let (disk, _, begin) = long_write();
    let log = disk.get("logs.txt").unwrap();
    for (start, end) in [(begin + 700, begin + 701), (begin + 700, begin + 900), (begin, begin + 3)]
    {
        let mut bytes = log.clone();
        bytes[start..end].fill(0);
        let text = corruption(&with(&disk, "logs.txt", &bytes)).unwrap_err();
        assert_eq!(text.line, line_of(&log, start), "{text}");
    }
    // The file was extended by any length, and none of the content arrived.
    for zeros in [1, 511, 5000, 3_000_000] {
        let bytes = [&log[..], &vec![0; zeros]].concat();
        let recovered = corruption(&with(&disk, "logs.txt", &bytes)).unwrap();
        assert_eq!((recovered.entries.len(), recovered.repairs.len()), (6, 1));
    }
}

#[test]
fn damaged_files_are_refused_or_lose_nothing_that_was_committed() {
    let sample = sample();
    let all = corruption(&sample).unwrap().entries;
    let files: Vec<Vec<u8>> = FILES.iter().map(|name| sample.get(name).unwrap()).collect();
    let mut seeds = 0;
    each_seed(|seed| {
        seeds += 1;
        // Opening takes as long as decoding many damaged messages.
        if seeds % 5 != 1 {
            return;
        }
        let which = seed.below(3);
        let mut bytes = files[which].clone();
        seed.mutate(&mut bytes);
        match corruption(&with(&sample, FILES[which], &bytes)) {
            Ok(recovered) => {
                let found = &recovered.entries;
                assert!(*found == all[..found.len()] && found.len() >= 7);
            }
            Err(refused) => assert!(refused.line > 0 && !refused.file.is_empty()),
        }
    });
}

#[test]
fn a_directory_of_another_node_group_or_machine_is_refused() {
    let disk = sample();
    let ours = identity();
    for (identity, what) in [
        (Identity { node: 7, ..ours.clone() }, "belongs to node 1, not to node 7"),
        (Identity { group: "x".into(), ..ours.clone() }, "belongs to group test, not to group x"),
        (Identity { machine: "market".into(), ..ours.clone() }, "belongs to machine kv, not to"),
        (
            Identity { members: vec![(1, "host1:7000".into())], ..ours.clone() },
            "the group 0=host0:7000,1=host1:7000,2=host2:7000, not of the group 1=host1:7000",
        ),
    ] {
        let commands = Commands::of::<Kv>();
        let opened = Storage::open(disk.disk(), &identity, 1, commands, &mut |_| Ok(()));
        let text = opened.unwrap_err().to_string();
        assert!(text.contains(what), "{text}");
    }
}

#[test]
fn a_snapshot_line_that_the_machine_does_not_know_is_named() {
    let commands = Commands::of::<Kv>();
    let opened = Storage::open(sample().disk(), &identity(), 1, commands, &mut |words| {
        if words.get(1) == Some(&&b"3"[..]) { Err("no such thing".into()) } else { Ok(()) }
    });
    let text = opened.unwrap_err().to_string();
    assert!(text.starts_with("snapshot.txt, line 4, byte ") && text.ends_with(": no such thing"));
}
