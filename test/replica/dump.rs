//! `dump.txt`: it is appended to, rotated when it is long, and never stops a node.

use std::io;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use agora::kv::state::Kv;
use agora::raft::Trace;
use agora::replica::dump::{Dump, DumpOptions, Event, Level};
use agora::replica::storage::{Commands, Disk, DiskFile};

use super::fixture::{set, voted};
use super::sim_disk::SimDisk;
use crate::wait::poll_until;

fn dump(disk: &SimDisk, options: DumpOptions) -> Dump {
    Dump::open(disk.disk(), 1, Commands::of::<Kv>(), options).unwrap()
}

fn text(disk: &SimDisk, name: &str) -> String {
    String::from_utf8(disk.get(name).unwrap_or_default()).unwrap()
}

/// Flushes, and waits until the lines are written or lost.
fn write(dump: &mut Dump) {
    dump.flush();
    poll_until("they are written", Duration::from_secs(20), || dump.is_written());
}

const ALL: DumpOptions =
    DumpOptions { level: Level::All, has_timestamps: false, max_bytes: 1000, kept: 2 };

#[test]
fn lines_are_buffered_and_appended_to_the_existing_file() {
    let disk = SimDisk::new();
    let mut first = dump(&disk, DumpOptions { has_timestamps: true, ..ALL });
    first.record(1_700_000_000_000, Event::Core(&Trace::ElectionStarted));
    assert_eq!(text(&disk, "dump.txt"), "", "gathered");
    write(&mut first);
    let election = "2023-11-14T22:13:20.000Z Node 1 election timer timed out, Starting election.\n";
    assert_eq!(text(&disk, "dump.txt"), election);
    first.record(1_700_000_000_001, Event::Core(&Trace::BecameLeader { term: 2 }));
    drop(first);
    let mut second = dump(&disk, ALL);
    let entry = set(2, 3, b"x", b"6");
    second.record(0, Event::Applied { entry: &entry, is_leader: true });
    drop(second);
    let rest = "2023-11-14T22:13:20.001Z Node 1 became the leader for term 2.\n\
                Node 1 (leader) committed the entry SET x 6 to the state machine.\n";
    assert_eq!(text(&disk, "dump.txt"), format!("{election}{rest}"));
}

#[test]
fn a_level_filters_out_more_verbose_events() {
    for (level, lines) in [(Level::None, 0), (Level::Changes, 1), (Level::All, 2)] {
        let disk = SimDisk::new();
        let mut dump = dump(&disk, DumpOptions { level, ..ALL });
        dump.record(0, Event::Core(&Trace::HeartbeatSent));
        dump.record(0, Event::Unreachable(4));
        drop(dump);
        assert_eq!(text(&disk, "dump.txt").lines().count(), lines, "{level:?}");
        assert_eq!(disk.file_names().len(), lines.min(1), "no lines, no file");
    }
}

#[test]
fn a_long_file_is_rotated_and_few_are_kept() {
    let disk = SimDisk::new();
    let mut dump = dump(&disk, ALL);
    for term in 1..=200 {
        dump.record(0, Event::Core(&Trace::BecameLeader { term }));
        write(&mut dump);
    }
    drop(dump);
    assert_eq!(disk.file_names(), ["dump.1.txt", "dump.2.txt", "dump.txt"]);
    let all: String =
        ["dump.2.txt", "dump.1.txt", "dump.txt"].iter().map(|name| text(&disk, name)).collect();
    assert!(["dump.1.txt", "dump.2.txt"].iter().all(|name| text(&disk, name).len() < 1100));
    let lines: Vec<&str> = all.lines().collect();
    let first = 200 - lines.len() as u64;
    assert!(lines.len() > 40, "two files and a part");
    for (line, term) in lines.iter().zip(first + 1..) {
        assert_eq!(*line, format!("Node 1 became the leader for term {term}."));
    }
}

#[test]
fn a_full_disk_loses_lines_and_their_number_is_written() {
    let disk = SimDisk::new();
    let mut dump = dump(&disk, ALL);
    dump.record(0, Event::Core(&Trace::SteppedDown));
    write(&mut dump);
    disk.set_capacity(Some(disk.used_bytes() + 20));
    for _ in 0..3 {
        dump.record(0, Event::Core(&Trace::ElectionStarted));
        dump.record(0, Event::Core(&Trace::SteppedDown));
        write(&mut dump);
    }
    assert_eq!(text(&disk, "dump.txt"), "1 Stepping down\n", "no half lines");
    disk.set_capacity(None);
    dump.record(0, Event::Core(&Trace::BecameLeader { term: 3 }));
    write(&mut dump);
    assert_eq!(
        text(&disk, "dump.txt"),
        "1 Stepping down\n6 lines could not be written here.\n\
         Node 1 became the leader for term 3.\n"
    );
}

#[test]
fn a_node_starts_without_a_dump_file() {
    let disk = SimDisk::new();
    drop(super::fixture::open(&disk.disk()).0.write(Some(voted(1, 1)), &[]));
    disk.put("dump.txt", b"\xff\0 not ours");
    let (_, recovered, _) = super::fixture::open(&disk.disk());
    assert_eq!(recovered.hard_state, voted(1, 1));
    let mut dump = dump(&disk, ALL);
    dump.record(0, Event::Core(&Trace::SteppedDown));
    drop(dump);
    assert!(disk.get("dump.txt").unwrap().ends_with(b"not ours1 Stepping down\n"));
}

/// A disk that blocks until it is released.
#[derive(Clone, Debug, Default)]
struct Stuck {
    disk: SimDisk,
    is_open: Arc<(Mutex<bool>, Condvar)>,
}

impl Stuck {
    fn let_go(&self) {
        *self.is_open.0.lock().unwrap() = true;
        self.is_open.1.notify_all();
    }

    fn wait(&self) -> &SimDisk {
        let is_open = self.is_open.0.lock().unwrap();
        drop(self.is_open.1.wait_while(is_open, |is_open| !*is_open).unwrap());
        &self.disk
    }
}

impl Disk for Stuck {
    fn path(&self) -> String {
        "a stuck disk".into()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.wait().names()
    }

    fn open_to_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.wait().open_to_read(name)
    }

    fn open_to_write(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.wait().open_to_write(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.wait().create(name)
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.wait().rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.wait().remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        self.wait().sync()
    }
}

#[test]
fn a_stuck_disk_blocks_nothing_and_lost_lines_are_counted() {
    let disk = Stuck::default();
    let options = DumpOptions { max_bytes: u64::MAX, ..ALL };
    let mut dump = Dump::open(Arc::new(disk.clone()), 1, Commands::of::<Kv>(), options).unwrap();
    let entry = set(2, 3, b"x", &[b'v'; 1000]);
    const LINES: u64 = 20_000;
    for _ in 0..LINES {
        dump.record(0, Event::Applied { entry: &entry, is_leader: true });
    }
    dump.flush();
    assert!(!dump.is_written());
    disk.let_go();
    dump.record(0, Event::Core(&Trace::SteppedDown));
    write(&mut dump);
    drop(dump);
    let text = text(&disk.disk, "dump.txt");
    let kept = text.lines().filter(|line| line.contains("committed the entry")).count() as u64;
    assert!((3000..6000).contains(&kept), "what may wait is bounded: {kept}");
    let lost = format!("\n{} lines could not be written here.\n", LINES - kept);
    assert_eq!(text.matches(&lost).count(), 1);
    assert!(text.ends_with("1 Stepping down\n"));
}
