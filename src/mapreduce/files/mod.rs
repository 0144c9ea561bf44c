//! What MapReduce keeps in files, for people and for itself.
//!
//! ```text
//! DIR/Mappers/M1/partition_1.txt ...   what map 1 made for each reduce task: key TAB value
//! DIR/Mappers/M1/output.txt            what it made in a round without reduce tasks
//! DIR/Mappers/M1/split.txt             its split, if the master had to send it
//! DIR/Reducers/R1.txt                  what reduce 1 made
//! DIR/job.txt                          whose results are in the directory
//! DIR/job.lock                         locked by all who work on the job
//! ```
//!
//! A file gets its name when it is complete: it is written under a name of its attempt's own, which
//! begins with a dot, and renamed ([`PendingFile`]). Nothing is forced to disk on the way: what a
//! machine's crash takes is made again (3.3 of the paper).

mod committed;
mod input;
mod layout;
mod lock;
mod owner;
mod pending;
mod runs;

pub use committed::{Committed, Identity, Opened};
pub use input::{FileStamp, Inputs, SplitBlocks, SplitDigest, SplitError, digest_of};
pub use layout::Layout;
pub use lock::{JobLock, LockError, shown};
pub use owner::Owner;
pub use pending::PendingFile;
pub use runs::RunFiles;
