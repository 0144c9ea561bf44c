//! `dump.txt`: it goes on where it ended, begins anew when it is long, and never stops a node.

use agora::kv::state::Kv;
use agora::raft::Trace;
use agora::replica::dump::{Dump, DumpOptions, Event, Level};
use agora::replica::storage::Commands;

use super::fixture::{set, voted};
use super::sim_disk::SimDisk;

fn dump(disk: &SimDisk, options: DumpOptions) -> Dump {
    Dump::open(disk.disk(), 1, Commands::of::<Kv>(), options)
}

fn text(disk: &SimDisk, name: &str) -> String {
    String::from_utf8(disk.get(name).unwrap_or_default()).unwrap()
}

const ALL: DumpOptions =
    DumpOptions { level: Level::All, has_timestamps: false, max_bytes: 1000, kept: 2 };

#[test]
fn lines_are_gathered_and_the_file_goes_on_where_it_ended() {
    let disk = SimDisk::new();
    let mut first = dump(&disk, DumpOptions { has_timestamps: true, ..ALL });
    first.tell(1_700_000_000_000, Event::Core(&Trace::ElectionStarted));
    assert_eq!(text(&disk, "dump.txt"), "", "gathered");
    first.flush();
    let election = "2023-11-14T22:13:20.000Z Node 1 election timer timed out, Starting election.\n";
    assert_eq!(text(&disk, "dump.txt"), election);
    first.tell(1_700_000_000_001, Event::Core(&Trace::BecameLeader { term: 2 }));
    drop(first);
    let mut second = dump(&disk, ALL);
    let entry = set(2, 3, b"x", b"6");
    second.tell(0, Event::Applied { entry: &entry, is_leader: true });
    drop(second);
    let rest = "2023-11-14T22:13:20.001Z Node 1 became the leader for term 2.\n\
                Node 1 (leader) committed the entry SET x 6 to the state machine.\n";
    assert_eq!(text(&disk, "dump.txt"), format!("{election}{rest}"));
}

#[test]
fn a_level_leaves_out_what_is_above_it() {
    for (level, lines) in [(Level::None, 0), (Level::Changes, 1), (Level::All, 2)] {
        let disk = SimDisk::new();
        let mut dump = dump(&disk, DumpOptions { level, ..ALL });
        dump.tell(0, Event::Core(&Trace::HeartbeatSent));
        dump.tell(0, Event::Unreachable(4));
        drop(dump);
        assert_eq!(text(&disk, "dump.txt").lines().count(), lines, "{level:?}");
        assert_eq!(disk.file_names().len(), lines.min(1), "nothing to tell, no file");
    }
}

#[test]
fn a_long_file_becomes_an_older_one_and_few_are_kept() {
    let disk = SimDisk::new();
    let mut dump = dump(&disk, ALL);
    for term in 1..=200 {
        dump.tell(0, Event::Core(&Trace::BecameLeader { term }));
        dump.flush();
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
fn a_full_disk_loses_lines_and_says_how_many() {
    let disk = SimDisk::new();
    let mut dump = dump(&disk, ALL);
    dump.tell(0, Event::Core(&Trace::SteppedDown));
    dump.flush();
    disk.set_capacity(Some(disk.used_bytes() + 20));
    for _ in 0..3 {
        dump.tell(0, Event::Core(&Trace::ElectionStarted));
        dump.tell(0, Event::Core(&Trace::SteppedDown));
        dump.flush();
    }
    assert_eq!(text(&disk, "dump.txt"), "1 Stepping down\n", "no half lines");
    disk.set_capacity(None);
    dump.tell(0, Event::Core(&Trace::BecameLeader { term: 3 }));
    dump.flush();
    assert_eq!(
        text(&disk, "dump.txt"),
        "1 Stepping down\n6 lines could not be written here.\n\
         Node 1 became the leader for term 3.\n"
    );
}

#[test]
fn nobody_needs_it_to_start() {
    let disk = SimDisk::new();
    drop(super::fixture::open(&disk.disk()).0.write(Some(voted(1, 1)), &[]));
    disk.put("dump.txt", b"\xff\0 not ours");
    let (_, recovered, _) = super::fixture::open(&disk.disk());
    assert_eq!(recovered.hard_state, voted(1, 1));
    let mut dump = dump(&disk, ALL);
    dump.tell(0, Event::Core(&Trace::SteppedDown));
    drop(dump);
    assert!(disk.get("dump.txt").unwrap().ends_with(b"not ours1 Stepping down\n"));
}
