//! Opens the files of a node: the first start, and recovery after a crash.

use std::sync::Arc;

use super::commands::Commands;
use super::disk::{Disk, DiskFile, read_fully, sync_file, sync_names, write_fully};
use super::error::StorageError;
use super::examine::{Directory, Found, examine};
use super::log_file::{LOG_TEMPORARY, LogFile, cut_file};
use super::metadata::{Identity, METADATA_TEMPORARY, Metadata, Truncation};
use super::receive::SNAPSHOT_INCOMING;
use super::reserve::Reserve;
use super::scan::{LOG, Scanned};
use super::snapshot::{EachLine, SNAPSHOT, SNAPSHOT_TEMPORARY, SnapshotFile};
use super::store::Storage;
use crate::raft::{Entry, HardState, Index, NodeId, SnapshotMark};
use crate::replica::membership::{Instance, Record};

/// The contents of the files when they were opened.
#[derive(Debug, Default)]
pub struct Recovered {
    /// The last durable hard state.
    pub hard_state: HardState,
    /// Every entry up to this index is known to be committed; more may be.
    pub commit_length: Index,
    /// The snapshot whose lines were passed to `restore`.
    pub snapshot: Option<SnapshotMark>,
    /// The log, without gaps. It joins the snapshot, and may begin before the end of the snapshot.
    pub entries: Vec<Entry>,
    /// The membership record, which counts this start.
    pub record: Record,
    /// The repairs that were made, one sentence each. A crash alone makes them necessary.
    pub repairs: Vec<String>,
}

impl Storage {
    /// Opens the files of a node, or creates them in an empty directory. The lines of the snapshot,
    /// if there is one, are passed to `restore` in order.
    ///
    /// `instance` is the number of the directory if it has none yet: random, and not 0.
    ///
    /// # Errors
    /// See [`StorageError`]. The lines that `restore` received are then of no use.
    pub fn open(
        disk: Arc<dyn Disk>,
        identity: &Identity,
        instance: Instance,
        commands: Commands,
        restore: &mut EachLine<'_>,
    ) -> Result<(Storage, Recovered), StorageError> {
        let metadata = Metadata::read(&*disk)?;
        if let Some(metadata) = &metadata {
            check_identity(&disk.path(), &metadata.identity, identity)?;
        }
        let mut entries = Vec::new();
        let each = &mut |entry| entries.push(entry);
        let directory = examine(&*disk, metadata, &commands, restore, each)?;
        // Before anything is written: temporary files may use all the space.
        remove_temporaries(&*disk)?;
        let (storage, recovered) = match directory {
            Directory::Fresh => {
                let mut record = Record::new(instance, identity.members.len());
                record.starts = 1;
                let recovered = Recovered { record: record.clone(), ..Recovered::default() };
                (Storage::make(&disk, identity, record, commands)?, recovered)
            }
            Directory::Used(mut found) => {
                found.metadata.start(identity, instance, &found.log);
                if found.is_superseded {
                    entries.clear();
                }
                let (storage, repairs) = Storage::resume(&disk, &found, commands)?;
                for repair in &repairs {
                    log::warn!("{}: {repair}", disk.path());
                }
                let recovered = Recovered {
                    record: found.metadata.record.clone().unwrap_or_default(),
                    hard_state: found.metadata.hard_state,
                    commit_length: found.metadata.commit_length,
                    snapshot: found.snapshot,
                    entries,
                    repairs,
                };
                (storage, recovered)
            }
        };
        Ok((storage, recovered))
    }

    /// The first start. The directory counts as used once `metadata.txt` exists.
    fn make(
        disk: &Arc<dyn Disk>,
        identity: &Identity,
        record: Record,
        commands: Commands,
    ) -> Result<Storage, StorageError> {
        let file =
            disk.create(LOG).map_err(|error| StorageError::io(LOG, "cannot create", error))?;
        sync_file(&*file, LOG)?;
        sync_names(&**disk)?;
        let identity = identity.clone();
        let hard_state = HardState::default();
        let record = Some(record);
        let metadata =
            Metadata { commit_length: 0, hard_state, identity, truncating: None, record };
        metadata.write(&**disk)?;
        let log = LogFile::new(file, 1, Vec::new(), 0);
        let reserve = Reserve::open(&**disk)?;
        Ok(Storage::of(disk, commands, metadata, reserve, log, None))
    }

    /// A later start: recovers from a crash.
    fn resume(
        disk: &Arc<dyn Disk>,
        found: &Found,
        commands: Commands,
    ) -> Result<(Storage, Vec<String>), StorageError> {
        let mut repairs = Vec::new();
        // A visible name may not be durable yet.
        sync_names(&**disk)?;
        let snapshot = match found.snapshot {
            None => None,
            Some(mark) => {
                let file = disk.open_to_read(SNAPSHOT);
                let file =
                    file.map_err(|error| StorageError::io(SNAPSHOT, "cannot open", error))?;
                Some(Arc::new(SnapshotFile::new(file, mark)?))
            }
        };
        let next = found.snapshot.unwrap_or_default().index + 1;
        let file = disk.open_to_write(LOG);
        let file = file.map_err(|error| StorageError::io(LOG, "cannot open to write", error))?;
        let scanned = &found.log;
        if let Some(torn) = &scanned.torn {
            repairs.push(format!("{torn}: a write that never became durable; cut off"));
        }
        if let Some(Truncation { from, .. }) = found.metadata.truncating {
            repairs.push(format!("{LOG}: entries from {from} on were being replaced; cut off"));
        }
        cut_file(&*file, scanned.end)?;
        write_again(&*file, scanned.last_write, scanned.end)?;
        sync_file(&*file, LOG)?;
        let first = scanned.first.unwrap_or(next);
        let mut log = LogFile::new(file, first, scanned.offsets.clone(), scanned.end);
        if found.is_superseded {
            log.reset(&**disk, LogFile::make_empty(&**disk)?, next)?;
            repairs.push(format!("{LOG}: its entries are not those of {SNAPSHOT}; emptied"));
        }
        let metadata = found.metadata.clone();
        let reserve = Reserve::open(&**disk)?;
        let mut storage = Storage::of(disk, commands, metadata, reserve, log, snapshot);
        // Always: this start must be counted before anything is sent.
        storage.clear_truncation()?;
        Ok((storage, repairs))
    }
}

impl Metadata {
    /// Counts the start of a process with a used directory. A directory of the first version gets
    /// its instance number.
    fn start(&mut self, identity: &Identity, instance: Instance, log: &Scanned) {
        let is_used = self.hard_state != HardState::default()
            || self.commit_length > 0
            || log.first.is_some();
        let members = &identity.members;
        let record = self.record.get_or_insert_with(|| {
            let others = members.iter().map(|(id, _)| *id).filter(|id| *id != identity.node);
            match is_used {
                true => Record::upgraded(instance, others),
                false => Record::new(instance, members.len()),
            }
        });
        record.starts += 1;
        for (id, address) in members {
            let before = self.identity.members.iter().find(|(known, _)| known == id);
            if let Some((_, before)) = before.filter(|(_, before)| before != address) {
                log::warn!("node {id} of the group was at {before}, and is at {address} now");
            }
        }
        self.identity.members.clone_from(members);
    }
}

fn check_identity(
    directory: &str,
    found: &Identity,
    expected: &Identity,
) -> Result<(), StorageError> {
    let differences = [
        ("node", found.node.to_string(), expected.node.to_string()),
        ("group", found.group.clone(), expected.group.clone()),
        ("machine", found.machine.clone(), expected.machine.clone()),
    ];
    if let Some((name, found, expected)) = differences.iter().find(|(_, one, other)| one != other) {
        let what = format!("{directory} belongs to {name} {found}, not to {name} {expected}");
        return Err(StorageError::Foreign { what });
    }
    let node_ids = |members: &[(NodeId, String)]| -> Vec<NodeId> {
        members.iter().map(|(id, _)| *id).collect()
    };
    if found.members.is_empty() || node_ids(&found.members) == node_ids(&expected.members) {
        return Ok(());
    }
    let what = format!(
        "{directory} belongs to a node of the group {}, not of the group {}: the nodes of a group \
         and their ids never change (addresses may)",
        format_members(&found.members),
        format_members(&expected.members)
    );
    Err(StorageError::Foreign { what })
}

/// Members in the format of the `--peers` flag.
fn format_members(members: &[(NodeId, String)]) -> String {
    let members: Vec<_> = members.iter().map(|(id, address)| format!("{id}={address}")).collect();
    members.join(",")
}

/// Writes the last write again. A process that was killed, or stopped after a failed sync, leaves
/// bytes that are read from the page cache and may never reach the disk: a sync writes only what
/// was written after the failure.
fn write_again(file: &dyn DiskFile, from: u64, end: u64) -> Result<(), StorageError> {
    const STEP_BYTES: u64 = 1024 * 1024;
    let mut offset = from;
    while offset < end {
        let mut bytes = vec![0; STEP_BYTES.min(end - offset) as usize];
        let read = read_fully(file, &mut bytes, offset)
            .map_err(|error| StorageError::io(LOG, "cannot read", error))?;
        bytes.truncate(read);
        write_fully(file, LOG, &bytes, offset)?;
        if read == 0 {
            break;
        }
        offset += read as u64;
    }
    Ok(())
}

/// Removes the temporary files of the last process.
fn remove_temporaries(disk: &dyn Disk) -> Result<(), StorageError> {
    let names =
        disk.names().map_err(|error| StorageError::io(&disk.path(), "cannot be listed", error))?;
    for name in names.iter().filter(|name| is_temporary(name)) {
        disk.remove(name).map_err(|error| StorageError::io(name, "cannot remove", error))?;
    }
    Ok(())
}

/// Whether the name is that of a temporary file.
pub(super) fn is_temporary(name: &str) -> bool {
    [METADATA_TEMPORARY, LOG_TEMPORARY, SNAPSHOT_TEMPORARY, SNAPSHOT_INCOMING]
        .iter()
        .any(|ours| name.starts_with(ours))
}
