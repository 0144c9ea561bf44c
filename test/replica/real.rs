//! Storage in real directories: locks, full and read-only disks, and `agora check`.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::time::{Duration, Instant};

use agora::kv::state::Kv;
use agora::raft::SnapshotMark;
use agora::replica::state::Replicated;
use agora::replica::storage::{Directory, Disk, Storage, StorageError};

use super::fixture::{no_op, open, set, set_once, try_open, voted};

/// A directory that is removed with the value.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new(name: &str) -> Folder {
        let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("replica-{name}"));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// An unlocked directory. A child process of another test holds all locks of this process for a
/// moment, until it calls exec.
fn directory(path: &Path) -> Arc<dyn Disk> {
    let until = Instant::now() + Duration::from_secs(20);
    loop {
        match Directory::open(path) {
            Ok(directory) => return Arc::new(directory),
            Err(StorageError::Locked { .. }) if Instant::now() < until => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Entries 1 to 6, of which 5 are committed and 4 are in a snapshot.
fn fill(storage: &mut Storage) {
    let set = set_once;
    let entries = [no_op(1, 1), set(1, 2, b"a", b"1"), set(1, 3, b"b", b"2"), set(1, 4, b"a", b"")];
    storage.write(Some(voted(1, 0)), &entries).unwrap();
    let mut state = Replicated::<Kv>::default();
    for entry in &entries {
        state.apply(entry, &mut Vec::new());
    }
    let mark = SnapshotMark { index: 4, term: 1 };
    let mut job = storage.begin_snapshot(mark, state.freeze());
    job.run().unwrap();
    storage.finish_snapshot(job).unwrap();
    storage.compact(3).unwrap();
    storage.write(None, &[set(1, 5, b"c d", b"3"), set(1, 6, b"e", b"4")]).unwrap();
    storage.note_commit(5);
    storage.save_commit().unwrap();
}

fn agora_check(path: &Path) -> (Option<i32>, String, String) {
    let run = Command::new(env!("CARGO_BIN_EXE_agora")).arg("check").arg(path).output();
    let Output { status, stdout, stderr } = run.unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (status.code(), text(stdout), text(stderr))
}

#[test]
fn a_directory_is_created_and_locked_by_one_process() {
    let folder = Folder::new("lock");
    let path = folder.path("logs/node_1");
    let disk = directory(&path);
    let (mut storage, recovered, _) = open(&disk);
    assert_eq!(recovered.entries, []);
    storage.write(Some(voted(1, 1)), &[no_op(1, 1)]).unwrap();
    let locked = Directory::open(&path).unwrap_err();
    assert!(matches!(locked, StorageError::Locked { .. }));
    assert_eq!(locked.to_string(), format!("{} is in use by another process", path.display()));
    assert!(Directory::inspect(&path).unwrap().is_locked_by_other());
    storage.close().unwrap();
    drop(disk);
    let (_, recovered, _) = open(&directory(&path));
    assert_eq!(recovered.entries, [no_op(1, 1)]);
}

#[test]
fn a_path_that_is_no_directory_is_reported() {
    let folder = Folder::new("none");
    std::fs::write(folder.path("file"), "text").unwrap();
    for path in ["file", "file/inside"] {
        let text = Directory::open(&folder.path(path)).unwrap_err().to_string();
        assert!(text.contains("file") && text.contains("cannot make the directory"), "{text}");
    }
    assert!(Directory::inspect(&folder.path("nothing")).is_err());
}

#[test]
fn check_describes_each_file_of_a_running_and_a_stopped_node() {
    let folder = Folder::new("check");
    let path = folder.path("node_1");
    let disk = directory(&path);
    let (mut storage, _, _) = open(&disk);
    fill(&mut storage);
    let lines = [
        "metadata.txt  node 1 of group test, machine kv; term 1, voted for 0; entries up to 5 \
         committed; members 0=host0:7000,1=host1:7000,2=host2:7000; directory 0000000000000001, \
         started 1 times: new",
        "snapshot.txt  up to entry 4 of term 1, 5 lines",
        "logs.txt      4 entries, 3 to 6, terms 1 to 1, 188 bytes",
        "state         after entry 5: 3 keys",
        "state         after entry 6, the last of which may be committed: 4 keys",
        "good",
    ];
    let (code, text, errors) = agora_check(&path);
    let in_use = "A node works here: what it is writing may look unfinished.";
    let with_note = [&lines[..3], &[in_use], &lines[3..]].concat().join("\n") + "\n";
    assert_eq!((code, text.as_str(), errors.as_str()), (Some(0), with_note.as_str(), ""));
    drop((storage, disk));
    drop(directory(&path));
    let (_, text, _) = agora_check(&path);
    let without_note = text.replace(&format!("{in_use}\n"), "");
    assert_eq!(without_note, lines.join("\n") + "\n");

    // A torn end, and foreign files.
    let log = std::fs::read(path.join("logs.txt")).unwrap();
    std::fs::write(path.join("logs.txt"), [&log[..], b"SET f 5 1 #"].concat()).unwrap();
    for name in ["dump.txt", "snapshot.txt.incoming-1", "notes"] {
        std::fs::write(path.join(name), "x").unwrap();
    }
    let (code, text, _) = agora_check(&path);
    assert_eq!(code, Some(0), "{text}");
    for line in [
        "line 5, byte 188: the line is cut off: a write that never became durable; the next start",
        "dump.txt                 for people, not checked",
        "snapshot.txt.incoming-1  was being made; the next start removes it",
        "notes                    no file of a node",
    ] {
        assert!(text.contains(line), "{text}");
    }
    assert_eq!(std::fs::read(path.join("logs.txt")).unwrap().len(), log.len() + 11);
}

#[test]
fn check_reports_every_fault() {
    let folder = Folder::new("wrong");
    let path = folder.path("node_1");
    let disk = directory(&path);
    fill(&mut open(&disk).0);
    drop(disk);
    let shown = path.display();
    for (name, at) in [("logs.txt", 100), ("snapshot.txt", 60), ("metadata.txt", 3)] {
        let mut bytes = std::fs::read(path.join(name)).unwrap();
        bytes[at] ^= 4;
        std::fs::write(path.join(name), bytes).unwrap();
        let (code, text, errors) = agora_check(&path);
        assert_eq!((code, text.contains("good")), (Some(1), false), "{text}");
        assert!(errors.contains(&format!("agora check: {shown}/{name}, line ")), "{errors}");
    }
    let (_, _, errors) = agora_check(&path);
    assert_eq!(errors.lines().count(), 3, "{errors}");
    // A node does not start in it, and says why.
    let started = Command::new(env!("CARGO_BIN_EXE_agora"))
        .args(["node", "--id", "1", "--peers", "1=127.0.0.1:0", "--logs"])
        .arg(&folder.0)
        .output()
        .unwrap();
    let text = String::from_utf8(started.stderr).unwrap();
    assert_eq!(started.status.code(), Some(1), "{text}");
    assert!(text.contains(&format!("{shown}/metadata.txt, line ")), "{text}");
    assert!(text.contains(&format!("`agora check {shown}`")), "{text}");
    let (code, _, errors) = agora_check(&folder.0);
    assert_eq!((code, errors.contains("no node has been here")), (Some(1), true), "{errors}");
    let (code, _, errors) = agora_check(&folder.path("nothing"));
    assert_eq!((code, errors.contains("cannot open the directory")), (Some(1), true), "{errors}");
}

/// A small file system of its own; `None`, with a message, where none can be mounted.
struct Mount(PathBuf);

impl Mount {
    fn new(folder: &Folder, bytes: u64) -> Option<Mount> {
        let path = folder.path("mount");
        std::fs::create_dir_all(&path).unwrap();
        let options = format!("size={bytes}");
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", &options, "agora-test"])
            .arg(&path)
            .output();
        if mounted.is_ok_and(|mounted| mounted.status.success()) {
            return Some(Mount(path));
        }
        println!("SKIPPED: a file system of its own can be mounted only as root");
        None
    }

    fn remount(&self, options: &str) {
        let done =
            Command::new("mount").args(["-o", &format!("remount,{options}")]).arg(&self.0).status();
        assert!(done.unwrap().success());
    }
}

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn a_disk_that_fills_up_loses_nothing() {
    let folder = Folder::new("full");
    let Some(mount) = Mount::new(&folder, 256 * 1024) else { return };
    let path = mount.0.join("node_1");
    let mut disk = directory(&path);
    let (mut storage, _, _) = open(&disk);
    storage.write(Some(voted(1, 1)), &[]).unwrap();
    let entry = |index| set(1, index, b"key", &[b'v'; 1000]);
    let mut kept = 0;
    let full = loop {
        match storage.write(None, &[entry(kept + 1)]) {
            Ok(()) => kept += 1,
            Err(full) => break full,
        }
    };
    assert!(matches!(full, StorageError::NoSpace { .. }), "{full}");
    assert!(kept > 150, "{kept}");
    drop((storage, disk));
    // The disk is still full: it can be opened, and reports it again. A vote can be written.
    disk = directory(&path);
    let (mut storage, recovered, _) = open(&disk);
    assert_eq!(recovered.entries.len() as u64, kept);
    let full = storage.write(Some(voted(1, 2)), &[entry(kept + 1)]).unwrap_err();
    assert!(matches!(full, StorageError::NoSpace { .. }), "{full}");
    assert!(storage.is_hard_state_durable());
    drop((storage, disk));
    mount.remount("size=512k");
    disk = directory(&path);
    let (mut storage, recovered, _) = open(&disk);
    assert_eq!((recovered.entries.len() as u64, recovered.hard_state), (kept, voted(1, 2)));
    storage.write(Some(voted(2, 1)), &[entry(kept + 1)]).unwrap();
    assert_eq!(agora_check(&path).0, Some(0));
}

#[test]
fn a_read_only_disk_is_refused_and_can_be_checked() {
    let folder = Folder::new("read-only");
    let Some(mount) = Mount::new(&folder, 256 * 1024) else { return };
    let path = mount.0.join("node_1");
    let disk = directory(&path);
    fill(&mut open(&disk).0);
    drop(disk);
    mount.remount("ro");
    let refused = try_open(&directory(&path)).unwrap_err();
    assert!(matches!(refused, StorageError::Io { .. }), "{refused}");
    let text = refused.to_string();
    assert!(text.starts_with("logs.txt: cannot open to write: Read-only file system"), "{text}");
    assert_eq!(agora_check(&path).0, Some(0));
    let text = Directory::open(&mount.0.join("other")).unwrap_err().to_string();
    assert!(text.contains("other: cannot make the directory: Read-only file system"), "{text}");
    mount.remount("rw");
    assert_eq!(open(&directory(&path)).1.entries.len(), 4);
}
