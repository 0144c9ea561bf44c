//! A directory that measures how long its writes and syncs take.

use std::io;
use std::sync::Arc;
use std::time::Instant;

use super::disk::{Disk, DiskFile};
use crate::metrics::{Counter, Histogram};

/// What a file is for, by its name (`schemas/files.md`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `logs.txt`, and its shorter copies.
    Log,
    /// `metadata.txt`.
    Metadata,
    /// `snapshot.txt`, and those that are being written or received.
    Snapshot,
    /// The others, and the directory itself.
    Other,
}

impl FileKind {
    /// All kinds, in the order of their numbers.
    pub const ALL: [FileKind; 4] =
        [FileKind::Log, FileKind::Metadata, FileKind::Snapshot, FileKind::Other];

    fn of(name: &str) -> FileKind {
        let kinds = [
            ("logs.txt", FileKind::Log),
            ("metadata.txt", FileKind::Metadata),
            ("snapshot", FileKind::Snapshot),
        ];
        let found = kinds.into_iter().find(|(prefix, _)| name.starts_with(prefix));
        found.map_or(FileKind::Other, |(_, kind)| kind)
    }

    /// The name as the label of a metric.
    pub const fn name(self) -> &'static str {
        match self {
            FileKind::Log => "log",
            FileKind::Metadata => "metadata",
            FileKind::Snapshot => "snapshot",
            FileKind::Other => "other",
        }
    }
}

/// The writes and syncs of the files of one kind.
#[derive(Debug, Default)]
pub struct FileMetrics {
    /// How long a write took that succeeded.
    pub writes: Histogram,
    /// What it wrote.
    pub written_bytes: Counter,
    /// How long a sync took, failed ones included.
    pub syncs: Histogram,
}

/// The writes and syncs in a directory.
#[derive(Debug, Default)]
pub struct DiskMetrics([FileMetrics; FileKind::ALL.len()]);

impl DiskMetrics {
    /// Those of one kind of file.
    pub fn of(&self, kind: FileKind) -> &FileMetrics {
        let [log, metadata, snapshot, other] = &self.0;
        match kind {
            FileKind::Log => log,
            FileKind::Metadata => metadata,
            FileKind::Snapshot => snapshot,
            FileKind::Other => other,
        }
    }
}

/// A disk whose writes and syncs are measured.
#[derive(Debug)]
pub struct MeasuredDisk {
    disk: Arc<dyn Disk>,
    metrics: Arc<DiskMetrics>,
}

impl MeasuredDisk {
    /// Measures a disk.
    pub fn new(disk: Arc<dyn Disk>, metrics: Arc<DiskMetrics>) -> MeasuredDisk {
        MeasuredDisk { disk, metrics }
    }

    fn measured(&self, file: Box<dyn DiskFile>, name: &str) -> Box<dyn DiskFile> {
        let metrics = Arc::clone(&self.metrics);
        Box::new(MeasuredFile { file, kind: FileKind::of(name), metrics })
    }
}

impl Disk for MeasuredDisk {
    fn path(&self) -> String {
        self.disk.path()
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.disk.names()
    }

    fn open_to_read(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        self.disk.open_to_read(name)
    }

    fn open_to_write(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.measured(self.disk.open_to_write(name)?, name))
    }

    fn create(&self, name: &str) -> io::Result<Box<dyn DiskFile>> {
        Ok(self.measured(self.disk.create(name)?, name))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        self.disk.rename(from, to)
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.disk.remove(name)
    }

    fn sync(&self) -> io::Result<()> {
        let began = Instant::now();
        let synced = self.disk.sync();
        self.metrics.of(FileKind::Other).syncs.observe(began.elapsed());
        synced
    }

    fn free_bytes(&self) -> Option<u64> {
        self.disk.free_bytes()
    }
}

#[derive(Debug)]
struct MeasuredFile {
    file: Box<dyn DiskFile>,
    kind: FileKind,
    metrics: Arc<DiskMetrics>,
}

impl DiskFile for MeasuredFile {
    fn len(&self) -> io::Result<u64> {
        self.file.len()
    }

    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.file.read_at(buffer, offset)
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<usize> {
        let began = Instant::now();
        let written = self.file.write_at(bytes, offset)?;
        let metrics = self.metrics.of(self.kind);
        metrics.writes.observe(began.elapsed());
        metrics.written_bytes.add(written as u64);
        Ok(written)
    }

    fn set_len(&self, bytes: u64) -> io::Result<()> {
        self.file.set_len(bytes)
    }

    fn sync(&self) -> io::Result<()> {
        let began = Instant::now();
        let synced = self.file.sync();
        self.metrics.of(self.kind).syncs.observe(began.elapsed());
        synced
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replica::storage::Memory;

    #[test]
    fn writes_and_syncs_count_for_the_kind_of_their_file() {
        let metrics = Arc::new(DiskMetrics::default());
        let disk = MeasuredDisk::new(Arc::new(Memory::default()), Arc::clone(&metrics));
        let counts = |kind| {
            let file = metrics.of(kind);
            let (writes, syncs) = (file.writes.snapshot().count(), file.syncs.snapshot().count());
            (writes, file.written_bytes.get(), syncs)
        };
        for (name, kind) in [
            ("logs.txt", FileKind::Log),
            ("metadata.txt.tmp", FileKind::Metadata),
            ("snapshot.txt.tmp.7", FileKind::Snapshot),
            ("dump.txt", FileKind::Other),
        ] {
            let file = disk.create(name).unwrap();
            assert_eq!(file.write_at(b"hello", 0).unwrap(), 5);
            file.sync().unwrap();
            assert_eq!(counts(kind), (1, 5, 1), "{name}");
        }
        let log = disk.open_to_write("logs.txt").unwrap();
        log.write_at(b"!", 5).unwrap();
        assert_eq!(counts(FileKind::Log), (2, 6, 1));
        assert_eq!(log.len().unwrap(), 6);
        assert_eq!(disk.open_to_read("logs.txt").unwrap().len().unwrap(), 6);
        disk.sync().unwrap();
        assert_eq!(counts(FileKind::Other), (1, 5, 2));
    }
}
