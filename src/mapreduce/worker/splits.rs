//! Splits that the master sends, because the worker lacks the file.
//!
//! A split is accepted only after a map task has asked for it, and never more bytes than the task
//! has declared: otherwise the disk of a worker would be open to whoever holds a job.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::sync::Mutex;

use super::open_job::OpenJob;
use super::prepared_files::failed;
use super::{Worker, locked};
use crate::call::{Code, Status};
use crate::files;
use crate::mapreduce::contract::Piece;
use crate::mapreduce::task_status;
use crate::mapreduce::wire;
use crate::rpc::BlockingCall;

/// The splits that map tasks have asked for, by task.
#[derive(Default)]
pub(super) struct ShippedSplits(Mutex<BTreeMap<u32, ShippedSplit>>);

#[derive(Clone, Copy, Default)]
struct ShippedSplit {
    bytes: u64,
    received: u64,
}

impl ShippedSplits {
    /// A map task lacks its split of so many bytes.
    pub(super) fn ask_for(&self, task: u32, bytes: u64) {
        locked(&self.0).insert(task, ShippedSplit { bytes, received: 0 });
    }

    /// Accepts a piece, which `write` writes.
    fn put(&self, piece: &Piece, write: impl FnOnce() -> Result<(), Status>) -> Result<(), Status> {
        let invalid = |reason: String| Err(Status::new(Code::InvalidArgument, reason));
        let mut splits = locked(&self.0);
        let split = u32::try_from(piece.of).ok().and_then(|task| splits.get_mut(&task));
        let Some(split) = split else {
            let reason = "no map task waits for this split";
            return Err(Status::new(Code::FailedPrecondition, reason));
        };
        if piece.bytes != split.bytes {
            return invalid(format!("the split has {} bytes, not {}", split.bytes, piece.bytes));
        }
        if piece.offset == 0 {
            split.received = 0;
        }
        if piece.offset != split.received || piece.piece.is_empty() {
            return invalid("the pieces of a split must come in order".into());
        }
        let received = split.received.saturating_add(piece.piece.len() as u64);
        if received > split.bytes {
            return invalid(format!("the split has {} bytes, no more", split.bytes));
        }
        // After an error the master may begin again.
        split.received = u64::MAX;
        write()?;
        split.received = received;
        Ok(())
    }
}

/// Receives a piece of a split.
pub(super) fn put_split(
    worker: &Worker,
    call: &BlockingCall,
    message: &[u8],
) -> Result<Vec<u8>, Status> {
    let (job_id, piece) = wire::parse_put_split(message)?;
    let job = worker.jobs.get(&job_id, call.context().peer)?;
    job.splits.put(&piece, || {
        let path = job.layout.split(piece.of as u32);
        let written = write(&job, &path, &piece);
        written.map_err(|error| {
            // A part of a split is of no use.
            if let Err(error) = fs::remove_file(&path) {
                log::debug!("{}: {error}", path.display());
            }
            task_status::status_of(&failed(&path, &error))
        })
    })?;
    Ok(Vec::new())
}

fn write(job: &OpenJob, path: &Path, piece: &Piece) -> io::Result<()> {
    if let Some(directory) = path.parent() {
        files::make_directories(directory)?;
    }
    job.disk.check()?;
    if piece.offset == 0 {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    let mut file = files::open_or_create(path)?;
    if file.seek(SeekFrom::End(0))? != piece.offset {
        return Err(io::Error::other("the file was changed"));
    }
    file.write_all(&piece.piece)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(of: u64, bytes: u64, offset: u64, length: usize) -> Piece {
        Piece { of, bytes, offset, piece: vec![b'x'; length] }
    }

    #[test]
    fn a_split_is_received_as_it_was_asked_for() {
        let splits = ShippedSplits::default();
        let put = |piece: Piece| splits.put(&piece, || Ok(())).map_err(|status| status.code);
        assert_eq!(put(piece(0, 10, 0, 5)), Err(Code::FailedPrecondition), "nobody asked");
        splits.ask_for(0, 10);
        assert_eq!(put(piece(0, 10, 0, 5)), Ok(()));
        for wrong in [
            piece(0, 11, 5, 5),
            piece(0, u64::MAX, 5, 5),
            piece(0, 10, 4, 5),
            piece(0, 10, u64::MAX, 5),
            piece(0, 10, 5, 0),
            piece(0, 10, 5, 6),
        ] {
            assert_eq!(put(wrong), Err(Code::InvalidArgument));
        }
        assert_eq!(put(piece(1 << 32, 10, 0, 5)), Err(Code::FailedPrecondition));
        assert_eq!(put(piece(0, 10, 5, 5)), Ok(()));
        assert_eq!(put(piece(0, 10, 10, 1)), Err(Code::InvalidArgument));
        // Again from the beginning: it replaces the file.
        assert_eq!(put(piece(0, 10, 0, 10)), Ok(()));
    }

    #[test]
    fn a_piece_that_was_not_written_does_not_count() {
        let splits = ShippedSplits::default();
        splits.ask_for(7, 2);
        let full = || Err(Status::new(Code::FailedPrecondition, "no space"));
        splits.put(&piece(7, 2, 0, 1), || Ok(())).unwrap();
        splits.put(&piece(7, 2, 1, 1), full).unwrap_err();
        splits.put(&piece(7, 2, 1, 1), || Ok(())).unwrap_err();
        splits.put(&piece(7, 2, 0, 2), || Ok(())).unwrap();
    }
}
