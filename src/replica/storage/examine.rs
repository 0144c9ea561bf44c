//! Reads all files of a directory and checks that they are consistent. Changes nothing.

use std::io;

use super::commands::Commands;
use super::disk::{Disk, DiskFile};
use super::error::{Corruption, StorageError};
use super::metadata::{METADATA, Metadata};
use super::scan::{EachEntry, LOG, Scanned, scan};
use super::snapshot::{self, EachLine, SNAPSHOT};
use crate::raft::{Entry, Index, SnapshotMark, Term};

/// The content of a directory.
#[derive(Debug)]
pub(super) enum Directory {
    /// Empty, or left over from a first start that did not finish.
    Fresh,
    Used(Box<Found>),
}

/// The contents of the files of a directory.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) metadata: Metadata,
    pub(super) snapshot: Option<SnapshotMark>,
    pub(super) log: Scanned,
    /// The snapshot came from a leader, and this log does not continue it: a crash prevented the
    /// log from being emptied. None of its entries counts.
    pub(super) is_superseded: bool,
}

/// The index of the last entry of a log, whether or not it counts.
pub(super) fn last(log: &Scanned) -> Option<Index> {
    Some(log.first? + log.offsets.len() as u64 - 1)
}

pub(super) fn open(disk: &dyn Disk, name: &str) -> Result<Option<Box<dyn DiskFile>>, StorageError> {
    match disk.open_to_read(name) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(StorageError::io(name, "cannot open", error)),
    }
}

fn wrong(file: &str, line: u64, byte: u64, what: String) -> StorageError {
    Corruption { file: file.into(), line, byte, what }.into()
}

/// Reads everything once. The lines of the snapshot go to `restore`, then the entries of the log to
/// `each`. They count only if this succeeds, and [`Found`] says which entries count.
///
/// The files are opened in an order that is safe while a node is running: a file that is opened
/// later is never older than one opened before.
pub(super) fn examine(
    disk: &dyn Disk,
    metadata: Option<Metadata>,
    commands: &Commands,
    restore: &mut EachLine<'_>,
    each: &mut EachEntry<'_>,
) -> Result<Directory, StorageError> {
    let log = open(disk, LOG)?;
    let snapshot = open(disk, SNAPSHOT)?;
    let Some(metadata) = metadata else {
        let log_len = log.map_or(Ok(0), |log| log.len());
        let log_len = log_len.map_err(|error| StorageError::io(LOG, "cannot read", error))?;
        let there = match (log_len, snapshot) {
            (0, None) => return Ok(Directory::Fresh),
            (0, Some(_)) => SNAPSHOT,
            (_, _) => LOG,
        };
        return Err(wrong(METADATA, 1, 0, format!("missing, although there is {there}")));
    };
    let Some(log) = log else {
        return Err(wrong(LOG, 1, 0, format!("missing, although there is {METADATA}")));
    };
    let mark = match snapshot {
        Some(file) => Some(snapshot::read(&*file, SNAPSHOT, restore)?),
        None => None,
    };
    let (log, term_at_mark) = read_log(&*log, &metadata, commands, mark, each)?;
    let is_superseded = check_consistency(disk, &metadata, mark, &log, term_at_mark)?;
    Ok(Directory::Used(Box::new(Found { metadata, snapshot: mark, log, is_superseded })))
}

/// Reads the log. Also returns the term of its entry at the end of the snapshot.
pub(super) fn read_log(
    file: &dyn DiskFile,
    metadata: &Metadata,
    commands: &Commands,
    mark: Option<SnapshotMark>,
    each: &mut EachEntry<'_>,
) -> Result<(Scanned, Option<Term>), StorageError> {
    let Metadata { commit_length, truncating, .. } = *metadata;
    let (end, mut term_at_mark) = (mark.unwrap_or_default().index, None);
    let each = &mut |entry: Entry| {
        if entry.index == end {
            term_at_mark = Some(entry.term);
        }
        each(entry);
    };
    let log = scan(file, commands, end + 1, commit_length, truncating, each)?;
    Ok((log, term_at_mark))
}

/// Checks that the files, each valid by itself, are consistent. Returns whether the snapshot
/// supersedes the whole log.
pub(super) fn check_consistency(
    disk: &dyn Disk,
    metadata: &Metadata,
    mark: Option<SnapshotMark>,
    log: &Scanned,
    term_at_mark: Option<Term>,
) -> Result<bool, StorageError> {
    let is_superseded = supersedes(log, mark, term_at_mark)?;
    check_terms(disk, metadata, mark, log)?;
    let in_snapshot = mark.unwrap_or_default().index;
    let in_log = last(log).filter(|_| !is_superseded).unwrap_or_default();
    let (last, committed) = (in_snapshot.max(in_log), metadata.commit_length);
    if last < committed {
        let what = format!("the log ends with entry {last}, and {committed} are committed");
        return Err(wrong(LOG, log.last_line + 1, log.end, what));
    }
    Ok(is_superseded)
}

/// Whether the snapshot supersedes the whole log.
///
/// # Errors
/// Entries are missing between them.
fn supersedes(
    log: &Scanned,
    mark: Option<SnapshotMark>,
    term_at_mark: Option<Term>,
) -> Result<bool, StorageError> {
    let Some(first) = log.first else { return Ok(false) };
    match mark {
        None if first == 1 => Ok(false),
        None => {
            Err(wrong(LOG, 1, 0, format!("begins with entry {first}, and there is no {SNAPSHOT}")))
        }
        Some(mark) if first > mark.index + 1 => {
            let what =
                format!("begins with entry {first}, and {SNAPSHOT} ends with {}", mark.index);
            Err(wrong(LOG, 1, 0, what))
        }
        Some(mark) => Ok(match last(log) {
            Some(last) if last >= mark.index => {
                first <= mark.index && term_at_mark != Some(mark.term)
            }
            _ => true,
        }),
    }
}

/// A node makes a term durable before anything of that term.
fn check_terms(
    disk: &dyn Disk,
    metadata: &Metadata,
    mark: Option<SnapshotMark>,
    log: &Scanned,
) -> Result<(), StorageError> {
    let newest = log.last_term.max(mark.unwrap_or_default().term);
    let mut term = metadata.hard_state.current_term;
    if newest > term {
        // A running node may have entered a new term since the file was read.
        term = Metadata::read(disk)?.map_or(term, |metadata| metadata.hard_state.current_term);
    }
    if newest <= term {
        return Ok(());
    }
    let what = |what: &str| format!("{what} of term {newest}, above the term {term} of {METADATA}");
    Err(match log.last_term == newest {
        true => {
            let byte = log.offsets.last().copied().unwrap_or_default();
            wrong(LOG, log.last_line, byte, what("an entry"))
        }
        false => wrong(SNAPSHOT, 1, 0, what("a snapshot")),
    })
}
