//! The files of a node: what it must remember, as text that people read.
//!
//! | file | |
//! |---|---|
//! | `logs.txt` | the log, an entry a line |
//! | `snapshot.txt` | the state up to some entry, when there is one |
//! | `metadata.txt` | term, vote, how far entries are committed, whose directory it is |
//! | `reserve.txt` | room for the next `metadata.txt`, should the disk be full |
//!
//! `schemas/files.md` defines their bytes, and what a reader must make of a file that a crash has
//! left. In this room:
//!
//! | module | |
//! |---|---|
//! | `open` | [`Storage::open`]: the first start, and later ones |
//! | `store` | [`Storage`]: writes, compacts, installs |
//! | `disk`, `directory`, `memory` | the [`Disk`] that all of it goes to, the real one, and one that nothing remains of |
//! | `entry_line`, `metadata`, `snapshot` | the formats |
//! | `reserve` | the room that is kept |
//! | `lines` | reads a file of any size line by line |
//! | `scan` | reads a log, and tells an unfinished write from damage |
//! | `examine` | reads all files, and whether they belong together |
//! | `check` | says what each file holds, and everything that is wrong |
//! | `log_file` | appends, cuts and compacts the log |
//! | `snapshot_job`, `receive` | a snapshot of our own, or of a leader, in the making |
//!
//! # In which order
//!
//! What is acknowledged is durable, and after a crash at any point there is the old state or the
//! new one. Each file changes in one of two ways. It grows at its end, by a write and a sync: an
//! unfinished write is recognised and cut off. Or it is replaced: the new one is written under
//! another name and synced, takes the old one's name, and the directory is synced. Between the
//! files:
//!
//! - The hard state is durable before the entries that come with it: no entry has a term above that
//!   of `metadata.txt`.
//! - A snapshot is in place before the log loses an entry that it contains. A crash in between leaves
//!   entries twice, which does no harm.
//! - A leader's snapshot is in place before the log that does not continue it is emptied. A crash in
//!   between leaves a log that ends before the snapshot does, or has another term where it ends: it
//!   is emptied at the next start.
//! - Entries that are to be replaced are declared void in `metadata.txt` first, then cut off and
//!   replaced, and that note is gone before anything is said of the new ones. A file system does not
//!   promise that a file which becomes shorter is the old one or the new one after a crash: with the
//!   note it need not.
//!
//! # When something runs out
//!
//! Without room, or without a descriptor, nothing is lost: what is staged stays so and can be written
//! later, what was being made beside it is thrown away, and what was written of a line is cut off,
//! durably, before anything else takes its place. A sync that failed is never done again.
//!
//! What is left out: checks of what is written by reading it back, and more than one copy. A damaged
//! file is recognised, never mended; the group has the other copies.

mod check;
mod commands;
mod directory;
mod disk;
mod entry_line;
mod error;
mod examine;
mod line_reader;
mod log_file;
mod memory;
mod metadata;
mod open;
mod receive;
mod reserve;
mod scan;
mod snapshot;
mod snapshot_job;
mod store;

pub use check::{Audit, Checked, check, machine_of};
pub use commands::{Commands, FromWords, ToWords};
pub use directory::Directory;
pub use disk::{Disk, DiskFile, SECTOR_BYTES};
pub use error::{Corruption, StorageError};
pub use log_file::Compaction;
pub use memory::Memory;
pub use metadata::Identity;
pub use open::Recovered;
pub use receive::{Receipt, ReceivedSnapshot, VerifiedSnapshot};
pub use snapshot::{EachLine, SnapshotFile};
pub use snapshot_job::SnapshotJob;
pub use store::{Retired, Storage};
