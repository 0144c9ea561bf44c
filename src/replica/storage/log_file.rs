//! `logs.txt` of a running node, with group commit: lines are staged, then written and synced
//! together.

use std::collections::VecDeque;
use std::sync::Arc;

use super::commands::Commands;
use super::disk::{
    Disk, DiskFile, discard_if_temporary, read_fully, replace, sync_file, write_fully,
};
use super::entry_line::push_entry;
use super::error::StorageError;
use super::line_reader::MAX_LINE_BYTES;
use super::metadata::Truncation;
use super::scan::LOG;
use super::snapshot_job::STEP_BYTES;
use crate::raft::{Entry, Index};

pub(super) const LOG_TEMPORARY: &str = "logs.txt.tmp";
/// The size of the staging buffer that is kept between writes.
const KEPT_BYTES: usize = 4 * 1024 * 1024;

/// The log's file.
#[derive(Debug)]
pub(super) struct LogFile {
    file: Box<dyn DiskFile>,
    /// The length of the valid part of the file; all of it is durable.
    len: u64,
    /// The index of the first entry, or the index that it will have.
    first: Index,
    /// The offset of the line of each entry, staged entries included.
    offsets: VecDeque<u64>,
    /// How many entries are in the file.
    written: usize,
    /// Lines to be written next.
    staged: Vec<u8>,
    /// The entries to be cut off before that.
    cut: Option<Truncation>,
    /// Increases when the file is truncated or replaced, which makes an earlier copy useless.
    generation: u64,
    /// The number of copies so far; each has its own file name.
    copies: u64,
}

impl LogFile {
    /// A log with the contents of a file: entries from `first` on, whose lines begin at `offsets`
    /// and end at `len`.
    pub(super) fn new(
        file: Box<dyn DiskFile>,
        first: Index,
        offsets: Vec<u64>,
        len: u64,
    ) -> LogFile {
        let (written, offsets) = (offsets.len(), offsets.into());
        LogFile {
            file,
            len,
            first,
            offsets,
            written,
            staged: Vec::new(),
            cut: None,
            generation: 0,
            copies: 0,
        }
    }

    /// The length of the file in bytes.
    pub(super) fn len(&self) -> u64 {
        self.len
    }

    /// The index of the first entry, or the index that it will have.
    pub(super) fn first(&self) -> Index {
        self.first
    }

    /// The index of the next entry.
    pub(super) fn next(&self) -> Index {
        self.first + self.offsets.len() as u64
    }

    /// The index of the last entry that is durable and stays; `first - 1` if there is none.
    pub(super) fn last_durable(&self) -> Index {
        self.first + self.written as u64 - 1
    }

    /// The length of the staged lines in bytes.
    pub(super) fn staged_bytes(&self) -> usize {
        self.staged.len()
    }

    /// Whether nothing is staged.
    pub(super) fn is_clean(&self) -> bool {
        self.staged.is_empty() && self.cut.is_none()
    }

    /// Stages an entry. It replaces the entries at its index and after it.
    pub(super) fn stage(&mut self, entry: &Entry, commands: &Commands) -> Result<(), StorageError> {
        let Entry { index, .. } = *entry;
        let next = self.next();
        if index != next {
            if index < self.first || index > next {
                let (first, last) = (self.first, next - 1);
                let what = format!("entry {index} does not follow a log of {first} to {last}");
                return Err(StorageError::refused(what));
            }
            self.cut_from(index);
        }
        let start = self.staged.len();
        let place = (self.offsets.len() - self.written) as u64 + 1;
        let mut pushed = push_entry(entry, place, commands, &mut self.staged);
        if self.staged.len() - start > MAX_LINE_BYTES {
            pushed = Err("it is too long".into());
        }
        if let Err(what) = pushed {
            self.staged.truncate(start);
            return Err(StorageError::refused(format!("entry {index} cannot be kept: {what}")));
        }
        self.offsets.push_back(self.staged_from() + start as u64);
        Ok(())
    }

    /// The offset of the first staged line.
    fn staged_from(&self) -> u64 {
        self.cut.map_or(self.len, |cut| cut.offset)
    }

    fn cut_from(&mut self, index: Index) {
        let place = (index - self.first) as usize;
        let offset = self.offsets.get(place).copied().unwrap_or(self.len);
        self.offsets.truncate(place);
        if place >= self.written {
            self.staged.truncate((offset - self.staged_from()) as usize);
        } else {
            self.staged.clear();
            self.written = place;
            self.cut = Some(Truncation { from: index, offset });
        }
    }

    /// The entries that [`sync`](Self::sync) cuts off first. This must be noted durably before, and
    /// the note must be removed before anything about the new entries is sent.
    pub(super) fn truncating(&self) -> Option<Truncation> {
        self.cut
    }

    /// Cuts off the replaced entries, durably.
    pub(super) fn sync_cut(&mut self) -> Result<(), StorageError> {
        let Some(cut) = self.cut else { return Ok(()) };
        cut_file(&*self.file, cut.offset)?;
        sync_file(&*self.file, LOG)?;
        self.len = cut.offset;
        self.generation += 1;
        self.cut = None;
        Ok(())
    }

    /// Makes the staged lines durable. After a temporary error everything is still staged, the
    /// replaced entries are gone, and the file ends with a complete line.
    pub(super) fn sync(&mut self) -> Result<(), StorageError> {
        if self.is_clean() {
            return Ok(());
        }
        if let Some(cut) = self.cut {
            cut_file(&*self.file, cut.offset)?;
            self.len = cut.offset;
            self.generation += 1;
        }
        if let Err(error) = write_fully(&*self.file, LOG, &self.staged, self.len) {
            if !error.is_temporary() {
                // For people who look at the file; recovery would do it as well.
                let _ = self.file.set_len(self.len);
                return Err(error);
            }
            // Durably, before anything else is written there: recovery would take a mixture of two
            // writes for damage.
            cut_file(&*self.file, self.len)?;
            sync_file(&*self.file, LOG)?;
            self.cut = None;
            return Err(error);
        }
        sync_file(&*self.file, LOG)?;
        self.len += self.staged.len() as u64;
        self.written = self.offsets.len();
        self.cut = None;
        self.staged.clear();
        self.staged.shrink_to(KEPT_BYTES);
        Ok(())
    }

    /// The line of an entry in the file, with its newline.
    pub(super) fn line(&self, index: Index) -> Result<Option<Vec<u8>>, StorageError> {
        let place = index.checked_sub(self.first).and_then(|place| usize::try_from(place).ok());
        let Some(place) = place.filter(|place| *place < self.written) else { return Ok(None) };
        let start = self.offsets.get(place).copied().unwrap_or(self.len);
        let end = self.offsets.get(place + 1).copied().unwrap_or(self.len).min(self.len);
        let mut line = vec![0; end.saturating_sub(start) as usize];
        read_fully(&*self.file, &mut line, start)
            .map_err(|error| StorageError::io(LOG, "cannot read", error))?;
        Ok(Some(line))
    }

    /// Creates an empty file that can replace this one.
    pub(super) fn make_empty(disk: &dyn Disk) -> Result<Box<dyn DiskFile>, StorageError> {
        let file = create(disk, LOG_TEMPORARY)?;
        sync_file(&*file, LOG_TEMPORARY)?;
        Ok(file)
    }

    /// Replaces this file by an empty one, durably.
    pub(super) fn reset(
        &mut self,
        disk: &dyn Disk,
        file: Box<dyn DiskFile>,
        first: Index,
    ) -> Result<(), StorageError> {
        replace(disk, LOG_TEMPORARY, LOG)?;
        let (generation, copies) = (self.generation + 1, self.copies);
        *self = LogFile { generation, copies, ..LogFile::new(file, first, Vec::new(), 0) };
        Ok(())
    }

    /// Begins to drop the entries before `first`. The copy is made by [`Compaction::step`], on any
    /// thread, while the log is written.
    pub(super) fn begin_compaction(
        &mut self,
        disk: &Arc<dyn Disk>,
        first: Index,
    ) -> Result<Compaction, StorageError> {
        let first = first.clamp(self.first, self.first + self.written as u64);
        let place = (first - self.first) as usize;
        let start = match place < self.written {
            true => self.offsets.get(place).copied().unwrap_or(self.len),
            false => self.staged_from(),
        };
        let old =
            disk.open_to_read(LOG).map_err(|error| StorageError::io(LOG, "cannot open", error))?;
        self.copies += 1;
        let name = format!("{LOG_TEMPORARY}-{}", self.copies);
        let new = create(&**disk, &name)?;
        let (disk, end, generation) = (Arc::clone(disk), self.len, self.generation);
        Ok(Compaction { disk, old, name, new, first, start, end, copied: start, generation })
    }

    /// The number of bytes that still have to be copied.
    pub(super) fn remaining(&self, compaction: &Compaction) -> u64 {
        self.len.saturating_sub(compaction.copied)
    }

    /// Extends the copy to the current end of the file.
    pub(super) fn extend(&self, compaction: &mut Compaction) {
        if compaction.generation == self.generation {
            compaction.end = self.len;
        }
    }

    /// Replaces this file by the copy, durably; staged lines stay staged. `None`: the file was
    /// truncated or replaced meanwhile, and the copy was discarded. Otherwise returns the old file,
    /// which is slow to close: closing frees its space.
    pub(super) fn finish_compaction(
        &mut self,
        disk: &dyn Disk,
        mut compaction: Compaction,
    ) -> Result<Option<[Box<dyn DiskFile>; 2]>, StorageError> {
        if compaction.generation != self.generation || self.cut.is_some() {
            compaction.discard()?;
            return Ok(None);
        }
        self.extend(&mut compaction);
        compaction.run()?;
        replace(disk, &compaction.name, LOG)
            .inspect_err(|error| discard_if_temporary(disk, &compaction.name, error))?;
        let Compaction { old, new, first, start, .. } = compaction;
        let gone = (first - self.first) as usize;
        self.offsets.drain(..gone);
        self.offsets.iter_mut().for_each(|offset| *offset -= start);
        self.written -= gone;
        self.len -= start;
        self.first = first;
        self.generation += 1;
        Ok(Some([old, std::mem::replace(&mut self.file, new)]))
    }
}

fn create(disk: &dyn Disk, name: &str) -> Result<Box<dyn DiskFile>, StorageError> {
    disk.create(name).map_err(|error| StorageError::io(name, "cannot create", error))
}

/// Truncates a log. Durable with the next sync.
pub(super) fn cut_file(file: &dyn DiskFile, len: u64) -> Result<(), StorageError> {
    file.set_len(len).map_err(|error| StorageError::io(LOG, "cannot cut off", error))
}

/// A copy of the log without its first entries, in progress.
#[derive(Debug)]
pub struct Compaction {
    disk: Arc<dyn Disk>,
    old: Box<dyn DiskFile>,
    name: String,
    new: Box<dyn DiskFile>,
    /// The first entry that stays.
    first: Index,
    /// The offset of its line in the old file.
    start: u64,
    /// The end of the part to copy, and of the copied part, in the old file.
    end: u64,
    copied: u64,
    /// The generation of the log when the copy was begun.
    generation: u64,
}

impl Compaction {
    /// Copies some hundred kilobytes, durably; returns false after the last.
    ///
    /// # Errors
    /// The copy cannot be read or written. If the error is temporary, the copy was removed.
    pub fn step(&mut self) -> Result<bool, StorageError> {
        self.copy_some().inspect_err(|error| discard_if_temporary(&*self.disk, &self.name, error))
    }

    fn copy_some(&mut self) -> Result<bool, StorageError> {
        let left = usize::try_from(self.end - self.copied).unwrap_or(usize::MAX);
        let mut bytes = vec![0; left.min(STEP_BYTES)];
        let read = read_fully(&*self.old, &mut bytes, self.copied)
            .map_err(|error| StorageError::io(LOG, "cannot read", error))?;
        // Shorter than before: the log was truncated meanwhile, and the copy will not be used.
        let is_last = self.copied + read as u64 == self.end || read < bytes.len();
        bytes.truncate(read);
        write_fully(&*self.new, &self.name, &bytes, self.copied - self.start)?;
        // Synced in small steps, so that the log's own syncs wait for little of it.
        sync_file(&*self.new, &self.name)?;
        self.copied += read as u64;
        Ok(!is_last)
    }

    /// Copies everything that there is now.
    ///
    /// # Errors
    /// As for [`step`](Self::step).
    pub fn run(&mut self) -> Result<(), StorageError> {
        while self.step()? {}
        Ok(())
    }

    pub(super) fn discard(self) -> Result<(), StorageError> {
        self.disk
            .remove(&self.name)
            .map_err(|error| StorageError::io(&self.name, "cannot remove", error))
    }
}
