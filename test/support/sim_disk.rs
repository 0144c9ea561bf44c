//! A simulated disk in memory: by a seed, it does everything that a real disk may do within the
//! guarantees of `agora::replica::storage::Disk`.
//!
//! - [`SimDisk::kill`]: the process ends, the system does not. All writes are readable, and
//!   unsynced ones may still be lost later.
//! - [`SimDisk::lose_power`]: unsynced writes survive in part. Files end anywhere, sectors read as
//!   zeros, a truncation is done, or not done except in the block of the cut; names are the old or
//!   the new ones.
//! - [`SimDisk::stop_after`]: the process stops at its n-th change of the disk, in the middle of
//!   it.
//! - [`SimDisk::fail_sync`]: a sync fails; the data stays readable, but never becomes durable
//!   unless it is written again.
//! - [`SimDisk::set_capacity`]: the disk becomes full, in the middle of a write.
//! - [`SimDisk::set_max_open`]: the process has a limited number of file descriptors.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use agora::replica::storage::{Disk, DiskFile, SECTOR_BYTES};

use super::seed::Seed;

const SECTOR: usize = SECTOR_BYTES as usize;
/// The allocation unit of the file system.
const BLOCK: usize = 4096;

/// A directory on such a disk. Clones share the directory.
#[derive(Clone, Debug, Default)]
pub struct SimDisk {
    state: Arc<Mutex<State>>,
}

#[derive(Clone, Debug, Default)]
struct State {
    files: Vec<File>,
    /// The names as the process sees them.
    names: BTreeMap<String, usize>,
    durable_names: BTreeMap<String, usize>,
    /// Changes of names that are not synced.
    pending_names: Vec<NameChange>,
    /// Increases when the process ends, which invalidates its open files.
    life: u64,
    /// The number of changes of the disk so far.
    changes: u64,
    stop_at: Option<u64>,
    is_stopped: bool,
    failing_sync: Option<u64>,
    capacity_bytes: Option<u64>,
    /// The number of open files, and the maximum.
    open_files: usize,
    max_open: Option<usize>,
}

/// A file, independent of its names.
#[derive(Clone, Debug, Default)]
struct File {
    /// The content as the process sees it.
    bytes: Vec<u8>,
    durable: Vec<u8>,
    /// Changes that are not synced.
    pending: Vec<Change>,
}

#[derive(Clone, Debug)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

#[derive(Clone, Debug)]
enum NameChange {
    Link { name: String, file: usize },
    Rename { from: String, to: String, file: usize },
    Remove { name: String },
}

fn apply(bytes: &mut Vec<u8>, change: &Change) {
    match change {
        Change::SetLen(len) => bytes.resize(*len, 0),
        Change::Write { offset, bytes: new } => {
            let end = offset + new.len();
            if bytes.len() < end {
                bytes.resize(end, 0);
            }
            bytes[*offset..end].copy_from_slice(new);
        }
    }
}

fn apply_name(names: &mut BTreeMap<String, usize>, change: &NameChange) {
    match change {
        NameChange::Link { name, file } => drop(names.insert(name.clone(), *file)),
        NameChange::Rename { from, to, file } => {
            names.remove(from);
            names.insert(to.clone(), *file);
        }
        NameChange::Remove { name } => drop(names.remove(name)),
    }
}

impl SimDisk {
    /// An empty directory.
    pub fn new() -> SimDisk {
        SimDisk::default()
    }

    /// The disk as storage uses it.
    pub fn disk(&self) -> Arc<dyn Disk> {
        Arc::new(self.clone())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    /// Another disk in the same state, including unsynced changes.
    pub fn fork(&self) -> SimDisk {
        SimDisk { state: Arc::new(Mutex::new(self.state().clone())) }
    }

    /// Another disk with the same content, durable.
    pub fn copy(&self) -> SimDisk {
        let copy = SimDisk::new();
        for name in self.file_names() {
            copy.put(&name, &self.get(&name).unwrap_or_default());
        }
        copy
    }

    /// The names of the files.
    pub fn file_names(&self) -> Vec<String> {
        self.state().names.keys().cloned().collect()
    }

    /// The content of a file as the process sees it.
    pub fn get(&self, name: &str) -> Option<Vec<u8>> {
        let state = self.state();
        state.names.get(name).map(|&file| state.files[file].bytes.clone())
    }

    /// Creates a file, durably.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let mut state = self.state();
        let file = state.files.len();
        let (bytes, durable) = (bytes.to_vec(), bytes.to_vec());
        state.files.push(File { bytes, durable, pending: Vec::new() });
        state.names.insert(name.into(), file);
        state.durable_names.insert(name.into(), file);
    }

    /// The number of changes so far: writes, syncs, names.
    pub fn changes(&self) -> u64 {
        self.state().changes
    }

    /// Stops the process after so many more changes; everything fails from then on.
    pub fn stop_after(&self, changes: u64) {
        let mut state = self.state();
        state.stop_at = Some(state.changes + changes);
    }

    /// Whether the process was stopped.
    pub fn is_stopped(&self) -> bool {
        self.state().is_stopped
    }

    /// Whether a stop or a failing sync is scheduled.
    pub fn has_scheduled_fault(&self) -> bool {
        let state = self.state();
        state.stop_at.is_some() || state.failing_sync.is_some()
    }

    /// Makes the sync fail that follows `after` others.
    pub fn fail_sync(&self, after: u64) {
        self.state().failing_sync = Some(after);
    }

    /// Limits the total size of all files.
    pub fn set_capacity(&self, bytes: Option<u64>) {
        self.state().capacity_bytes = bytes;
    }

    /// Limits the number of additional open files.
    pub fn set_max_open(&self, more: Option<usize>) {
        let mut state = self.state();
        state.max_open = more.map(|more| state.open_files + more);
    }

    /// The total size of all files.
    pub fn used_bytes(&self) -> u64 {
        self.state().used_bytes()
    }

    /// Ends the process; the next one sees all writes.
    pub fn kill(&self) {
        let mut state = self.state();
        state.life += 1;
        (state.open_files, state.max_open) = (0, None);
        (state.stop_at, state.is_stopped, state.failing_sync) = (None, false, None);
    }

    /// Ends the machine; the next process sees what was synced, and any part of the rest.
    pub fn lose_power(&self, seed: &mut Seed) {
        self.kill();
        let mut state = self.state();
        let mut names = std::mem::take(&mut state.durable_names);
        // Names survive in order up to some point, as in a journal; or any of them.
        let (upto, any) = (seed.below(state.pending_names.len() + 1), seed.one_in(2));
        for (place, change) in std::mem::take(&mut state.pending_names).iter().enumerate() {
            if if any { seed.one_in(2) } else { place < upto } {
                apply_name(&mut names, change);
            }
        }
        for file in &mut state.files {
            if !file.pending.is_empty() {
                file.durable = survivor(file, seed);
            }
            file.pending.clear();
            file.bytes.clone_from(&file.durable);
        }
        state.names = names.clone();
        state.durable_names = names;
    }
}

/// The content of a file after a power loss.
fn survivor(file: &File, seed: &mut Seed) -> Vec<u8> {
    // Up to some truncation everything has happened; after it anything may have.
    let cuts = file.pending.iter().filter(|change| matches!(change, Change::SetLen(_))).count();
    let mut left = seed.below(cuts + 1);
    let mut before = file.durable.clone();
    let mut changes = file.pending.iter();
    while left > 0
        && let Some(change) = changes.next()
    {
        apply(&mut before, change);
        left -= usize::from(matches!(change, Change::SetLen(_)));
    }
    let mut after = before.clone();
    let mut lost_cut = None;
    for change in changes {
        match change {
            Change::SetLen(len) => {
                lost_cut = Some(*len);
                break;
            }
            write => apply(&mut after, write),
        }
    }
    let mut bytes = mixed(&before, &after, seed);
    if let Some(cut) = lost_cut {
        // The length is the old one. But sectors of the block of the cut may have been cleared, or
        // may contain later writes.
        let end = cut.next_multiple_of(BLOCK).min(bytes.len());
        for start in (cut / SECTOR * SECTOR..end).step_by(SECTOR) {
            let how = seed.below(3);
            for at in (start.max(cut)..end.min(start + SECTOR)).filter(|_| how > 0) {
                let new = file.bytes.get(at).filter(|_| how > 1);
                bytes[at] = new.copied().unwrap_or(0);
            }
        }
    }
    bytes
}

/// A file that was `before` and should have become `after`.
fn mixed(before: &[u8], after: &[u8], seed: &mut Seed) -> Vec<u8> {
    let grown = after.len().saturating_sub(before.len());
    let len = before.len()
        + match seed.below(4) {
            0 => 0,
            1 => grown,
            _ => seed.below(grown + 1),
        };
    let mut bytes = after.to_vec();
    bytes.truncate(len.max(before.len()).min(after.len()));
    // The lost sectors: none, any, or all from some point on.
    let how = seed.below(4);
    let from = seed.below(bytes.len() + 1);
    for start in (0..bytes.len()).step_by(SECTOR) {
        let is_lost = match how {
            0 => false,
            1 => start >= from,
            _ => seed.one_in(1 + how),
        };
        for at in (start..bytes.len().min(start + SECTOR)).filter(|_| is_lost) {
            bytes[at] = before.get(at).copied().unwrap_or(0);
        }
    }
    bytes
}

impl State {
    fn used_bytes(&self) -> u64 {
        self.names.values().map(|&file| self.files[file].bytes.len() as u64).sum()
    }

    /// Counts a change; fails if the process is stopped, by this change or before. The last change
    /// may happen in part.
    fn change(&mut self, life: u64) -> io::Result<()> {
        self.alive(life)?;
        self.changes += 1;
        if self.stop_at.is_some_and(|stop_at| self.changes > stop_at) {
            self.is_stopped = true;
            return Err(stopped());
        }
        Ok(())
    }

    fn alive(&self, life: u64) -> io::Result<()> {
        if self.is_stopped || life != self.life { Err(stopped()) } else { Ok(()) }
    }

    /// Opens a file.
    fn open(&mut self) -> io::Result<()> {
        const EMFILE: i32 = 24;
        if self.max_open.is_some_and(|max| self.open_files >= max) {
            return Err(io::Error::from_raw_os_error(EMFILE));
        }
        self.open_files += 1;
        Ok(())
    }

    fn has_sync_failed(&mut self) -> bool {
        let Some(after) = self.failing_sync else { return false };
        self.failing_sync = after.checked_sub(1);
        after == 0
    }
}

fn stopped() -> io::Error {
    io::Error::other("the process was stopped")
}

fn not_found() -> io::Error {
    io::ErrorKind::NotFound.into()
}

fn failed_sync() -> io::Error {
    io::Error::other("an error of the disk")
}

impl SimDisk {
    fn open(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        let file = *state.names.get(name).ok_or_else(not_found)?;
        state.open()?;
        Ok(Box::new(SimFile { disk: self.clone(), file, life: state.life }))
    }
}

impl Disk for SimDisk {
    fn path(&self) -> String {
        "the simulated disk".into()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.file_names())
    }

    fn open_to_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.open(name)
    }

    fn open_to_write(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.open(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.state();
        let life = state.life;
        state.change(life)?;
        state.open()?;
        let file = match state.names.get(name) {
            Some(&file) => {
                state.files[file].bytes.clear();
                state.files[file].pending.push(Change::SetLen(0));
                file
            }
            None => {
                let file = state.files.len();
                state.files.push(File::default());
                state.names.insert(name.into(), file);
                state.pending_names.push(NameChange::Link { name: name.into(), file });
                file
            }
        };
        Ok(Box::new(SimFile { disk: self.clone(), file, life }))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        state.change(life)?;
        let file = *state.names.get(from).ok_or_else(not_found)?;
        let change = NameChange::Rename { from: from.into(), to: to.into(), file };
        apply_name(&mut state.names, &change);
        state.pending_names.push(change);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        state.change(life)?;
        state.names.remove(name).ok_or_else(not_found)?;
        state.pending_names.push(NameChange::Remove { name: name.into() });
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.state();
        let life = state.life;
        state.change(life)?;
        if state.has_sync_failed() {
            // Names are journaled: they can be synced later, or nothing can be written any more.
            return Err(failed_sync());
        }
        let pending = std::mem::take(&mut state.pending_names);
        pending.iter().for_each(|change| apply_name(&mut state.durable_names, change));
        Ok(())
    }

    fn free_bytes(&self) -> Option<u64> {
        let state = self.state();
        state.capacity_bytes.map(|capacity| capacity.saturating_sub(state.used_bytes()))
    }
}

/// An open file.
#[derive(Debug)]
struct SimFile {
    disk: SimDisk,
    file: usize,
    life: u64,
}

impl Drop for SimFile {
    fn drop(&mut self) {
        let mut state = self.disk.state();
        if state.life == self.life {
            state.open_files -= 1;
        }
    }
}

impl DiskFile for SimFile {
    fn len(&self) -> io::Result<u64> {
        let state = self.disk.state();
        state.alive(self.life)?;
        Ok(state.files[self.file].bytes.len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let state = self.disk.state();
        state.alive(self.life)?;
        let bytes = state.files[self.file].bytes.get(offset as usize..).unwrap_or_default();
        let len = bytes.len().min(buffer.len());
        buffer[..len].copy_from_slice(&bytes[..len]);
        Ok(len)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let mut state = self.disk.state();
        state.alive(self.life)?;
        let stops = state.change(self.life);
        // A long write is never done at once; the last write before a stop is done by half.
        let mut len = if stops.is_err() { bytes.len() / 2 } else { bytes.len().min(100_000) };
        let (offset, used) = (offset as usize, state.used_bytes());
        if let Some(capacity) = state.capacity_bytes {
            let space = capacity.saturating_sub(used) as usize;
            len = len.min((state.files[self.file].bytes.len() + space).saturating_sub(offset));
            if len == 0 && !bytes.is_empty() {
                return Err(io::ErrorKind::StorageFull.into());
            }
        }
        let file = &mut state.files[self.file];
        let change = Change::Write { offset, bytes: bytes[..len].to_vec() };
        apply(&mut file.bytes, &change);
        file.pending.push(change);
        stops.map(|()| len)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change(self.life)?;
        let change = Change::SetLen(bytes as usize);
        let file = &mut state.files[self.file];
        apply(&mut file.bytes, &change);
        file.pending.push(change);
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.state();
        state.change(self.life)?;
        let has_failed = state.has_sync_failed();
        let file = &mut state.files[self.file];
        if has_failed {
            // The pages are marked as clean. Lengths are in the journal, as names are.
            file.pending.retain(|change| matches!(change, Change::SetLen(_)));
            return Err(failed_sync());
        }
        let pending = std::mem::take(&mut file.pending);
        pending.iter().for_each(|change| apply(&mut file.durable, change));
        Ok(())
    }
}
