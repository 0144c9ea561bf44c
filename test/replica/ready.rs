//! What a node has applied when it begins to serve.

use std::sync::Arc;

use agora::kv::service::KvService;
use agora::kv::state::Kv;
use agora::raft::{Config, Entry, Index, NodeId};
use agora::replica::dump::{DumpOptions, Level};
use agora::replica::engine::SnapshotPolicy;
use agora::replica::node::{NodeOptions, Opened};
use agora::replica::storage::{Commands, Directory, Disk, Identity, Storage};

use super::fixture::{no_op, set_once, voted};
use super::real::Folder;

/// The length of a log: many times what is applied at once.
const LAST: Index = 6000;
const COMMITTED: Index = 5000;

/// Writes the files of a killed node that knew some of its log to be committed.
fn write_files(folder: &Folder, voters: u64) {
    let disk: Arc<dyn Disk> = Arc::new(Directory::open(&folder.0).unwrap());
    let (group, machine, members) = ("agora".into(), "kv".into(), members(voters));
    let identity = Identity { node: 0, group, machine, members };
    let opened = Storage::open(disk, &identity, 1, Commands::of::<Kv>(), &mut |_| Ok(()));
    let (mut storage, _) = opened.unwrap();
    let mut entries: Vec<Entry> = vec![no_op(1, 1)];
    let entry = |index: Index| set_once(1, index, format!("key{index}").as_bytes(), &[b'v'; 700]);
    entries.extend((2..=LAST).map(entry));
    storage.write(Some(voted(1, 0)), &entries).unwrap();
    storage.note_commit(COMMITTED);
    storage.save_commit().unwrap();
}

fn members(voters: u64) -> Vec<(NodeId, String)> {
    (0..voters).map(|id| (id, format!("h{id}:1"))).collect()
}

fn applied_when_open(folder: &Folder, voters: u64) -> Index {
    let peers = members(voters);
    let options = NodeOptions {
        directory: Some(folder.0.clone()),
        group: "agora".into(),
        machine: "kv".into(),
        peers,
        config: Config::lan(0, (0..voters).collect()),
        snapshots: SnapshotPolicy::default(),
        quota_bytes: 0,
        dump: DumpOptions { level: Level::None, ..DumpOptions::default() },
    };
    let opened = Opened::open(options, KvService::default()).unwrap();
    let node = opened.node();
    let node = node.lock();
    assert_eq!(node.raft().is_leader(), voters == 1);
    node.state().applied_index()
}

#[test]
fn a_single_node_applies_its_whole_log_before_it_serves() {
    let folder = Folder::new("ready-alone");
    write_files(&folder, 1);
    assert_eq!(applied_when_open(&folder, 1), LAST + 1, "its own first entry is the last");
}

#[test]
fn a_node_applies_known_committed_entries_before_it_serves() {
    let folder = Folder::new("ready-group");
    write_files(&folder, 3);
    assert_eq!(applied_when_open(&folder, 3), COMMITTED);
}
