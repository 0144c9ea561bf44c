//! Checks the files of a node, each one and together, and describes their contents.

use super::commands::Commands;
use super::disk::Disk;
use super::error::{Corruption, StorageError};
use super::examine::{self, check_consistency, read_log};
use super::metadata::{METADATA, Metadata};
use super::open::is_temporary;
use super::reserve::RESERVE;
use super::scan::{LOG, Scanned};
use super::snapshot::{self, SNAPSHOT};

use crate::raft::{Entry, SnapshotMark, Term};
use crate::replica::membership::{Loss, Standing, Trust, format_instance};

/// The result of a check.
#[derive(Debug, Default)]
pub struct Checked {
    /// The name of each file, and a sentence about its content.
    pub files: Vec<(String, String)>,
    /// Every fault: the first of each file, and the first inconsistency between files that are good
    /// by themselves.
    pub faults: Vec<Corruption>,
    /// Why the node is refused as a voter, if it is: its files are valid but incomplete.
    pub loss: Option<Loss>,
}

/// Receives the contents of the files, in the order in which a state is restored from them.
pub trait Audit {
    /// A line of the snapshot's state.
    ///
    /// # Errors
    /// What is wrong with the line.
    fn restore(&mut self, words: &[&[u8]]) -> Result<(), String>;

    /// The end of the snapshot.
    ///
    /// # Errors
    /// What is wrong with the state.
    fn restored(&mut self, mark: SnapshotMark) -> Result<(), String>;

    /// An entry after the snapshot, and whether it is known to be committed. Entries after the
    /// first unknown one may be committed as well.
    fn entry(&mut self, entry: &Entry, is_committed: bool);
}

/// The kind of state machine of the directory, as `metadata.txt` says; `None` if there is no such
/// file.
///
/// # Errors
/// The file is corrupt, or cannot be read.
pub fn machine_of(disk: &dyn Disk) -> Result<Option<String>, StorageError> {
    Ok(Metadata::read(disk)?.map(|metadata| metadata.identity.machine))
}

/// Reads all files and changes none.
///
/// # Errors
/// A file cannot be read. A fault in a file is not an error here.
pub fn check(
    disk: &dyn Disk,
    commands: &Commands,
    audit: &mut dyn Audit,
) -> Result<Checked, StorageError> {
    let mut checked = Checked::default();
    let metadata = checked.keep_fault(Metadata::read(disk))?.flatten();
    // In an order that is safe while a node is running in the directory.
    let log = examine::open(disk, LOG)?;
    let snapshot = examine::open(disk, SNAPSHOT)?;
    if let Some(metadata) = &metadata {
        checked.add(METADATA, describe_metadata(metadata));
        checked.loss = match metadata.record.as_ref().map(|record| record.standing) {
            Some(Standing::Refused(loss)) => Some(loss),
            _ => None,
        };
    } else if checked.faults.is_empty() && (log.is_some() || snapshot.is_some()) {
        checked.missing(METADATA);
    }
    let mut mark = None;
    if let Some(file) = snapshot {
        let mut lines = 0_u64;
        let restore = &mut |words: &[&[u8]]| {
            lines += 1;
            audit.restore(words)
        };
        mark = checked.keep_fault(snapshot::read(&*file, SNAPSHOT, restore))?;
        if let Some(mark) = mark {
            let SnapshotMark { index, term } = mark;
            checked.add(SNAPSHOT, format!("up to entry {index} of term {term}, {lines} lines"));
            if let Err(what) = audit.restored(mark) {
                checked.fault(SNAPSHOT, lines + 2, what);
            }
        }
    }
    match (log, &metadata) {
        (None, Some(_)) => checked.missing(LOG),
        (None, None) => {}
        (Some(file), metadata) => {
            // Without metadata, no entry is known to be committed.
            let known = metadata.clone().unwrap_or_default();
            let mut first_term = None;
            let end = mark.unwrap_or_default().index;
            let each = &mut |entry: Entry| {
                first_term.get_or_insert(entry.term);
                if entry.index > end {
                    audit.entry(&entry, entry.index <= known.commit_length);
                }
            };
            let read = read_log(&*file, &known, commands, mark, each);
            if let Some((log, term_at_mark)) = checked.keep_fault(read)? {
                checked.add_log(&log, first_term.unwrap_or_default());
                if metadata.is_some() && checked.faults.is_empty() {
                    let joined = check_consistency(disk, &known, mark, &log, term_at_mark);
                    if checked.keep_fault(joined)? == Some(true) {
                        let what = format!("none of it counts: {SNAPSHOT} came from a leader");
                        checked.add(LOG, format!("{what}; the next start empties it"));
                    }
                }
            }
        }
    }
    checked.add_other_files(disk)?;
    Ok(checked)
}

impl Checked {
    /// Records a fault.
    fn keep_fault<T>(
        &mut self,
        result: Result<T, StorageError>,
    ) -> Result<Option<T>, StorageError> {
        match result {
            Ok(value) => Ok(Some(value)),
            Err(StorageError::Corrupt(fault)) => {
                self.faults.push(fault);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    fn fault(&mut self, file: &str, line: u64, what: String) {
        self.faults.push(Corruption { file: file.into(), line, byte: 0, what });
    }

    fn missing(&mut self, file: &str) {
        self.fault(file, 1, "missing, although there are others".into());
    }

    fn add(&mut self, file: &str, what: String) {
        self.files.push((file.into(), what));
    }

    fn add_log(&mut self, log: &Scanned, first_term: Term) {
        let what = match (log.first, examine::last(log)) {
            (Some(first), Some(last)) => {
                let (count, newest, bytes) = (log.offsets.len(), log.last_term, log.end);
                let terms = format!("terms {first_term} to {newest}");
                format!("{count} entries, {first} to {last}, {terms}, {bytes} bytes")
            }
            _ => "no entries".into(),
        };
        self.add(LOG, what);
        if let Some(torn) = &log.torn {
            let Corruption { line, byte, what, .. } = torn;
            let why = "a write that never became durable; the next start cuts it off";
            self.add(LOG, format!("line {line}, byte {byte}: {what}: {why}"));
        }
    }

    fn add_other_files(&mut self, disk: &dyn Disk) -> Result<(), StorageError> {
        let names = disk
            .names()
            .map_err(|error| StorageError::io(&disk.path(), "cannot be listed", error))?;
        for name in names {
            let what = match name.as_str() {
                METADATA | LOG | SNAPSHOT | RESERVE => continue,
                name if is_temporary(name) => "was being made; the next start removes it",
                name if name.starts_with("dump.") => "for people, not checked",
                _ => "no file of a node",
            };
            self.add(&name, what.into());
        }
        Ok(())
    }
}

fn describe_metadata(metadata: &Metadata) -> String {
    let Metadata { commit_length, hard_state, identity, truncating, record } = metadata;
    let vote = match hard_state.voted_for {
        Some(node) => format!("voted for {node}"),
        None => "no vote".into(),
    };
    let mut text = format!(
        "node {} of group {}, machine {}; term {}, {vote}; entries up to {commit_length} committed",
        identity.node, identity.group, identity.machine, hard_state.current_term
    );
    if let Some(record) = record {
        let members: Vec<_> =
            identity.members.iter().map(|(id, address)| format!("{id}={address}")).collect();
        text.push_str(&format!(
            "; members {}; directory {}, started {} times: {}",
            members.join(","),
            format_instance(record.instance),
            record.starts,
            match record.standing {
                Standing::New => "new",
                Standing::Joining => "joining, no voter yet",
                Standing::Voter => "a voter",
                Standing::Refused(_) => "refused as a voter",
            }
        ));
        for (id, peer) in &record.peers {
            let what = match peer.trust {
                Trust::Seen => "no voter yet",
                Trust::Voter => "a voter",
                Trust::Refused => "refused as a voter, since it came back older",
            };
            let directory = peer.instance.map_or("of the first version".into(), format_instance);
            text.push_str(&format!("; node {id} has directory {directory}, {what}"));
        }
    }
    if let Some(truncation) = truncating {
        text.push_str(&format!("; entries from {} on were being replaced", truncation.from));
    }
    text
}
