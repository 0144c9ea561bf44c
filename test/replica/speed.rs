//! The speed of storage. Run it optimised:
//!
//! ```text
//! cargo test --release --test replica -- --ignored --nocapture --test-threads 1 speed
//! ```
//!
//! `AGORA_BYTES` sets the size of the log and of the snapshot that are read back (default 100 MB
//! each).

use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use agora::kv::state::{Command, Kv};
use agora::raft::{Config, Entry, Index, Origin, Payload, Recovered, SnapshotMark, StateMachine};
use agora::replica::engine::{Engine, SnapshotPolicy};
use agora::replica::membership::{Record, Standing};
use agora::replica::recovery::membership;
use agora::replica::state::Replicated;
use agora::replica::storage::{Commands, Directory, Disk, Storage};
use agora::text::crc32c;

use super::fixture::{identity, voted};
use super::sim_disk::SimDisk;

/// A directory in `target/`, on a real disk, removed with the value.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        let _ = std::fs::remove_dir_all(&path);
        Folder(path)
    }

    fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(Directory::open(&self.0).unwrap())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open(disk: &Arc<dyn Disk>, machine: &mut Kv) -> (Storage, Vec<Entry>) {
    let commands = Commands::of::<Kv>();
    let restore = &mut |words: &[&[u8]]| machine.restore(words);
    let (storage, recovered) =
        Storage::open(Arc::clone(disk), &identity(), 1, commands, restore).unwrap();
    (storage, recovered.entries)
}

/// Keys of 16 bytes, values of 256, in a session.
fn entry(index: Index, value: &[u8]) -> Entry {
    let key = format!("key{index:013}");
    let command = Command::Set { key: key.as_bytes(), value }.encode().unwrap().into();
    let origin = Some(Origin { session: 5, sequence: index, acknowledged: index - 1 });
    let payload = Payload::Command { origin, command };
    Entry { term: 3, index, at_ms: 1_700_000_000_000, payload }
}

fn bytes_wanted() -> u64 {
    std::env::var("AGORA_BYTES").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000_000)
}

/// The best of a few runs: other programs only make it slower.
fn best(mut run: impl FnMut() -> Duration) -> Duration {
    (0..5).map(|_| run()).min().unwrap_or_default()
}

#[test]
#[ignore = "a measurement"]
fn checksums_and_lines() {
    let bytes = vec![b'x'; 1 << 20];
    let took = best(|| {
        let started = Instant::now();
        for _ in 0..100 {
            std::hint::black_box(crc32c(std::hint::black_box(&bytes)));
        }
        started.elapsed()
    });
    println!("CRC-32C: {:.2} GB/s", (100 << 20) as f64 / took.as_secs_f64() / 1e9);
    // As many as are staged at once, so that the buffer is reused as in a node.
    const ENTRIES: u64 = 256;
    const TIMES: u64 = 400;
    let text = "{\"name\": \"Jaggu\", \"city\": \"Jaipur\"}, ".repeat(8);
    for (what, value) in [
        ("plain", &[b'v'; 256][..]),
        ("JSON", &text.as_bytes()[..256]),
        ("any bytes", &(0..=255).collect::<Vec<u8>>()[..]),
    ] {
        let entries: Vec<Entry> = (1..=ENTRIES).map(|index| entry(index, value)).collect();
        let (mut storage, _) = open(&SimDisk::new().disk(), &mut Kv::empty());
        let took = best(|| {
            let started = Instant::now();
            // Each time the first entry replaces everything that was staged before.
            (0..TIMES).for_each(|_| storage.stage(&entries).unwrap());
            started.elapsed()
        });
        let each = took.as_secs_f64() * 1e9 / (ENTRIES * TIMES) as f64;
        println!("to a line, {what}: {each:.0} ns an entry");
    }
}

#[test]
#[ignore = "a measurement"]
fn writes_of_many_sizes() {
    for batch in [1, 16, 64, 256, 1024] {
        let folder = Folder::new("speed-writes");
        let (mut storage, _) = open(&folder.disk(), &mut Kv::empty());
        storage.write(Some(voted(3, 1)), &[]).unwrap();
        let (mut index, mut times) = (0, Vec::new());
        let started = Instant::now();
        while times.len() < 2000 && started.elapsed() < Duration::from_secs(2) {
            let entries: Vec<Entry> =
                (index + 1..=index + batch).map(|index| entry(index, &[b'v'; 256])).collect();
            index += batch;
            let started = Instant::now();
            storage.write(None, &entries).unwrap();
            times.push(started.elapsed());
        }
        let total: Duration = times.iter().sum();
        times.sort();
        let at = |percent: usize| times[times.len() * percent / 100].as_micros();
        println!(
            "{batch:5} entries a write: median {:4} us, 99 % {:5} us, {:7.0} entries/s",
            at(50),
            at(99),
            (times.len() as u64 * batch) as f64 / total.as_secs_f64()
        );
    }
}

/// Whether allocating blocks in advance would pay. Existing zeros can be overwritten without a
/// change of file-system metadata, but `cat` would show them.
#[test]
#[ignore = "a measurement"]
fn a_file_that_grows_and_one_that_is_full_of_zeros() {
    for bytes in [350, 5_600, 22_400, 89_600] {
        let line = vec![b'v'; bytes];
        let folder = Folder::new("speed-zeros");
        std::fs::create_dir_all(&folder.0).unwrap();
        const WRITES: usize = 500;
        for is_filled in [false, true, false, true] {
            let path = folder.0.join("file");
            let file = std::fs::File::create(&path).unwrap();
            if is_filled {
                file.write_all_at(&vec![0; bytes * WRITES], 0).unwrap();
            }
            file.sync_all().unwrap();
            let mut times: Vec<Duration> = (0..WRITES)
                .map(|write| {
                    let started = Instant::now();
                    file.write_all_at(&line, (write * bytes) as u64).unwrap();
                    file.sync_data().unwrap();
                    started.elapsed()
                })
                .collect();
            times.sort();
            let what = if is_filled { "full of zeros" } else { "growing" };
            println!("{bytes:6} bytes a write, {what}: median {:?}", times[WRITES / 2]);
        }
    }
}

/// The CPU time of this process. Wall time is unreliable while other programs run.
fn cpu_seconds() -> f64 {
    const TICKS_PER_SECOND: f64 = 100.0;
    let stat = std::fs::read_to_string("/proc/self/stat").expect("stat");
    let (_, fields) = stat.rsplit_once(") ").expect("a name");
    let ticks =
        fields.split(' ').skip(11).take(2).map(|field| field.parse::<f64>().expect("ticks"));
    ticks.sum::<f64>() / TICKS_PER_SECOND
}

fn resident_bytes() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").expect("statm");
    statm.split(' ').nth(1).and_then(|pages| pages.parse::<u64>().ok()).expect("pages") * 4096
}

#[test]
#[ignore = "a measurement"]
fn a_start_with_a_long_log_and_a_large_snapshot() {
    let wanted = bytes_wanted();
    let folder = Folder::new("speed-start");
    let entries = wanted / 350;
    {
        let disk = folder.disk();
        let (mut storage, _) = open(&disk, &mut Kv::empty());
        storage.stage_hard_state(voted(3, 1));
        // The state in the snapshot, then the log after it.
        let mut machine = Kv::empty();
        for index in 1..=entries {
            if let Payload::Command { command, .. } = entry(index, &[b's'; 256]).payload {
                machine.apply(index, 0, &command, &mut Vec::new());
            }
        }
        let first = entry(1, b"");
        storage.write(None, &[first]).unwrap();
        let mark = SnapshotMark { index: entries, term: 3 };
        let before = resident_bytes();
        let started = Instant::now();
        let mut job = storage.begin_snapshot(mark, machine.freeze());
        job.run().unwrap();
        let (took, more) = (started.elapsed(), resident_bytes().saturating_sub(before));
        storage.finish_snapshot(job).unwrap();
        let bytes = storage.snapshot().unwrap().size_bytes();
        println!(
            "snapshot of {} MB written in {took:.2?}, with {} KB more memory",
            bytes / 1_000_000,
            more / 1000
        );
        drop(storage);
    }
    let disk = folder.disk();
    let (mut storage, _) = open(&disk, &mut Kv::empty());
    let mut index = entries;
    while index < 2 * entries {
        let batch: Vec<Entry> =
            (index + 1..=index + 1000).map(|index| entry(index, &[b'l'; 256])).collect();
        storage.write(None, &batch).unwrap();
        index += 1000;
    }
    let log_bytes = storage.log_bytes();
    drop(storage);
    let (started, cpu) = (Instant::now(), cpu_seconds());
    let mut machine = Kv::empty();
    let (storage, found) = open(&disk, &mut machine);
    let (took, cpu) = (started.elapsed(), cpu_seconds() - cpu);
    assert_eq!((machine.len() as u64, found.len() as u64), (entries, index - entries));
    let bytes = log_bytes + storage.snapshot().unwrap().size_bytes();
    println!(
        "started with {} MB of log and {} MB of snapshot in {took:.2?}, {cpu:.2} CPU s: {:.0} MB/s",
        log_bytes / 1_000_000,
        (bytes - log_bytes) / 1_000_000,
        bytes as f64 / cpu / 1e6
    );
    // Then log writes while a snapshot of everything is taken.
    let mut storage = storage;
    let mark = SnapshotMark { index: entries + 1, term: 3 };
    let mut job = storage.begin_snapshot(mark, machine.freeze());
    let thread = std::thread::spawn(move || {
        let started = Instant::now();
        job.run().unwrap();
        started.elapsed()
    });
    let mut times = Vec::new();
    while !thread.is_finished() {
        let started = Instant::now();
        storage.write(None, &[entry(index + 1, &[b'v'; 256])]).unwrap();
        times.push(started.elapsed());
        index += 1;
    }
    times.sort();
    let took = thread.join().unwrap();
    println!(
        "beside a snapshot of {took:.2?}: {} writes, median {:.2?}, 99 % {:.2?}, longest {:.2?}",
        times.len(),
        times[times.len() / 2],
        times[times.len() * 99 / 100],
        times[times.len() - 1]
    );
}

/// What the end of a snapshot costs the two critical threads: the server's, which drops log entries
/// from memory, and the disk thread, which replaces the log file by a shorter one.
#[test]
#[ignore = "a measurement"]
fn write_latency_at_the_end_of_a_snapshot() {
    const ENTRIES: Index = 1_000_000;
    let timed = |what: &str, started: Instant| println!("{what}: {:.2?}", started.elapsed());
    let entries: Vec<Entry> = (1..=ENTRIES).map(|index| entry(index, &[b'v'; 200])).collect();
    let mark = SnapshotMark { index: ENTRIES, term: 3 };
    {
        let folder = Folder::new("speed-end");
        let (mut storage, _) = open(&folder.disk(), &mut Kv::empty());
        storage.stage_hard_state(voted(3, 1));
        for some in entries.chunks(1000) {
            storage.write(None, some).unwrap();
        }
        let log_bytes = storage.log_bytes();
        let mut job = storage.begin_snapshot(mark, Kv::empty().freeze());
        job.run().unwrap();
        storage.finish_snapshot(job).unwrap();
        let mut compaction = storage.begin_compaction(ENTRIES - 1000).unwrap();
        compaction.run().unwrap();
        let started = Instant::now();
        assert!(storage.finish_compaction(compaction).unwrap());
        timed(&format!("a log of {} MB becomes a short one", log_bytes / 1_000_000), started);
        let started = Instant::now();
        drop(storage.take_retired());
        timed("and elsewhere its file is given up", started);
    }
    let hard_state = voted(3, 1);
    let commit_index = ENTRIES;
    let recovered = Recovered { hard_state, entries, commit_index, ..Recovered::default() };
    let (state, policy) = (Replicated::of(Kv::empty()), SnapshotPolicy::default());
    let config = Config::lan(1, vec![1]);
    let record = Record { standing: Standing::Voter, ..Record::new(1, 1) };
    let membership = membership(&config, &recovered, record, 1, Duration::ZERO);
    let mut node =
        Engine::<Kv, ()>::new(config, recovered, state, policy, membership, Duration::ZERO);
    while node.replay(&mut |_| ()) {}
    assert_eq!(node.state().applied_index(), ENTRIES);
    let started = Instant::now();
    let compacted = node.snapshot_taken(mark, 1);
    timed(&format!("{} entries are given up", compacted.dropped.len()), started);
    let started = Instant::now();
    drop(compacted);
    timed("and dropped elsewhere", started);
}
