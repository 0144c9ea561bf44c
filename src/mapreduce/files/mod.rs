//! The files of a MapReduce job.
//!
//! ```text
//! DIR/Mappers/M1/partition_1.txt ...   output of map 1 for each reduce task: key TAB value
//! DIR/Mappers/M1/output.txt            output of map 1 in a round without reduce tasks
//! DIR/Mappers/M1/split.txt             the split of map 1, if the master sent it
//! DIR/Reducers/R1.txt                  output of reduce 1
//! DIR/job.txt                          the job that owns the results in the directory
//! DIR/job.lock                         locked by the processes of the job
//! ```
//!
//! Commits are atomic: a file is written under a temporary name that begins with a dot and contains
//! the attempt's number, then it is renamed ([`PendingFile`]). Files are not synced, because an
//! output that is lost in a crash of the machine is computed again (3.3 of the paper).

mod committed;
mod free_space;
mod input;
mod layout;
mod lock;
mod owner;
mod pending;
mod runs;

pub use committed::{CommittedOutput, Identity, OpenOutput};
pub use free_space::FreeSpace;
pub use input::{FileStamp, Inputs, SplitBlocks, SplitDigest, SplitError, digest_of};
pub use layout::Layout;
pub use lock::{JobLock, LockError, short_id};
pub use owner::Owner;
pub use pending::PendingFile;
pub use runs::RunFiles;
