//! A disk in memory, for a node without durable state.

use std::collections::BTreeMap;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::disk::{Disk, DiskFile};

/// A directory that is lost with its process.
#[derive(Debug, Default)]
pub struct Memory {
    files: Mutex<BTreeMap<String, Arc<MemoryFile>>>,
}

/// A file, which exists as long as it is open.
#[derive(Debug, Default)]
struct MemoryFile {
    bytes: Mutex<Vec<u8>>,
}

impl Memory {
    fn file(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = self.files().get(name).cloned().ok_or(io::ErrorKind::NotFound)?;
        Ok(Box::new(file))
    }

    /// A panic under the lock leaves the directory consistent.
    fn files(&self) -> MutexGuard<'_, BTreeMap<String, Arc<MemoryFile>>> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl MemoryFile {
    fn bytes(&self) -> MutexGuard<'_, Vec<u8>> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Disk for Memory {
    fn path(&self) -> String {
        "memory".into()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.files().keys().cloned().collect())
    }

    fn open_to_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.file(name)
    }

    fn open_to_write(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.file(name)
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        let file = Arc::<MemoryFile>::default();
        self.files().insert(name.to_owned(), Arc::clone(&file));
        Ok(Box::new(file))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        let mut files = self.files();
        let file = files.remove(from).ok_or(io::ErrorKind::NotFound)?;
        files.insert(to.to_owned(), file);
        Ok(())
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.files().remove(name).map(drop).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

impl DiskFile for Arc<MemoryFile> {
    fn len(&self) -> io::Result<u64> {
        Ok(self.bytes().len() as u64)
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let bytes = self.bytes();
        let rest = place(offset).and_then(|offset| bytes.get(offset..)).unwrap_or_default();
        let count = rest.len().min(buffer.len());
        buffer[..count].copy_from_slice(&rest[..count]);
        Ok(count)
    }

    fn write_at(&self, new: &[u8], offset: u64) -> io::Result<usize> {
        let mut bytes = self.bytes();
        let begin = place(offset).ok_or(io::ErrorKind::InvalidInput)?;
        let end = begin.checked_add(new.len()).ok_or(io::ErrorKind::InvalidInput)?;
        if bytes.len() < end {
            bytes.resize(end, 0);
        }
        bytes[begin..end].copy_from_slice(new);
        Ok(new.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        let mut bytes = self.bytes();
        bytes.resize(place(len).ok_or(io::ErrorKind::InvalidInput)?, 0);
        bytes.shrink_to_fit();
        Ok(())
    }

    fn sync(&self) -> io::Result<()> {
        Ok(())
    }
}

fn place(offset: u64) -> Option<usize> {
    usize::try_from(offset).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_written_read_renamed_and_cut() {
        let disk = Memory::default();
        let file = disk.create("a").unwrap();
        assert_eq!(file.write_at(b"hello", 2).unwrap(), 5);
        file.set_len(5).unwrap();
        disk.create("b").unwrap();
        disk.rename("a", "b").unwrap();
        assert_eq!(disk.names().unwrap(), ["b"]);
        let mut buffer = [9; 8];
        let read = disk.open_to_read("b").unwrap().read_at(&mut buffer, 1).unwrap();
        assert_eq!(&buffer[..read], b"\0hel");
        assert_eq!(file.read_at(&mut buffer, 99).unwrap(), 0);
        disk.remove("b").unwrap();
        assert_eq!(file.len().unwrap(), 5, "an open handle stays valid");
        assert!(disk.open_to_write("b").is_err());
        assert!(disk.remove("b").is_err());
    }
}
