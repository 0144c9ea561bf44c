//! The files of a node: its durable state, as human-readable text.
//!
//! | file | |
//! |---|---|
//! | `logs.txt` | the log, one entry a line |
//! | `snapshot.txt` | the state up to an entry, once there is one |
//! | `metadata.txt` | term, vote, commit index, owner of the directory |
//! | `reserve.txt` | space for the next `metadata.txt` when the disk is full |
//!
//! `schemas/files.md` defines the formats, and how a file is read after a crash. The modules:
//!
//! | module | |
//! |---|---|
//! | `open` | [`Storage::open`]: the first start, and recovery at later ones |
//! | `store` | [`Storage`]: writes, compacts, installs snapshots |
//! | `disk`, `directory`, `memory` | the [`Disk`] trait, the real directory, and one in memory |
//! | `access` | owners, modes and links of the files |
//! | `entry_line`, `metadata`, `snapshot` | the formats |
//! | `reserve` | the reserved space |
//! | `line_reader` | reads a file of any size line by line |
//! | `scan` | reads a log, and tells an unfinished write from damage |
//! | `examine` | reads all files, and checks that they are consistent |
//! | `check` | describes each file, and reports every fault |
//! | `log_file` | appends to, truncates and compacts the log |
//! | `snapshot_job`, `receive` | a snapshot that is being written, or received from a leader |
//!
//! # Order of writes
//!
//! Acknowledged data is durable, and a crash at any point leaves the old state or the new one. Each
//! file changes in one of two ways. It is appended to, by a write and a sync: an unfinished write
//! is detected and cut off. Or it is replaced: the new file is written under another name and
//! synced, renamed over the old one, and the directory is synced. Between the files:
//!
//! - The hard state is durable before the entries that come with it: no entry has a term above that
//!   of `metadata.txt`.
//! - A snapshot is in place before an entry that it contains is removed from the log. A crash in
//!   between leaves entries in both, which is harmless.
//! - A snapshot from a leader is in place before a log that does not continue it is emptied. A
//!   crash in between leaves a log that ends before the snapshot, or has another term at its end:
//!   the next start empties it.
//! - Entries that are to be replaced are declared void in `metadata.txt` first, then cut off and
//!   replaced, and the note is removed before anything about the new entries is sent. File systems
//!   do not guarantee that a truncation is atomic in a crash; with the note it need not be.
//!
//! # When a resource is exhausted
//!
//! A full disk, or a lack of descriptors, loses nothing: staged data stays staged and can be
//! written later, incomplete temporary files are removed, and a partly written line is cut off
//! durably before anything else is written in its place. A failed sync is never retried.
//!
//! Not included: verification by reading back, and redundant copies. Damage to a file is detected
//! and never repaired; the group has the other copies.

mod access;
mod check;
mod commands;
mod directory;
mod disk;
mod entry_line;
mod error;
mod examine;
mod line_reader;
mod log_file;
mod measured;
mod memory;
mod metadata;
mod open;
mod receive;
mod reserve;
mod scan;
mod snapshot;
mod snapshot_job;
mod store;

pub use access::Access;
pub use check::{Audit, Checked, check, machine_of};
pub use commands::{Commands, FromWords, ToWords};
pub use directory::Directory;
pub use disk::{Disk, DiskFile, SECTOR_BYTES};
pub use error::{Corruption, StorageError};
pub use log_file::Compaction;
pub use measured::{DiskMetrics, FileKind, FileMetrics, MeasuredDisk};
pub use memory::Memory;
pub use metadata::Identity;
pub use open::Recovered;
pub use receive::{Receipt, ReceivedSnapshot, VerifiedSnapshot};
pub use snapshot::{EachLine, SnapshotFile};
pub use snapshot_job::SnapshotJob;
pub use store::{Retired, Storage};
