//! The event loop's side of `dump.txt`: it formats lines, and another thread writes them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use super::file::{Chunk, DumpFile};
use super::line::{Event, Level, line};
use crate::raft::NodeId;
use crate::replica::storage::{Commands, Disk};
use crate::text::push_time;

/// Lines are passed to the thread when they have so many bytes, or earlier on request.
const GATHERED_BYTES: usize = 64 * 1024;
/// The maximum number of bytes that wait for the thread. Only a single longer line may exceed it.
const MAX_WAITING_BYTES: usize = 4 * 1024 * 1024;

/// How events are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DumpOptions {
    /// Which events are written.
    pub level: Level,
    /// Whether each line begins with a timestamp.
    pub has_timestamps: bool,
    /// The size at which the file is rotated.
    pub max_bytes: u64,
    /// The number of rotated files that are kept.
    pub kept: u32,
}

impl Default for DumpOptions {
    fn default() -> DumpOptions {
        DumpOptions {
            level: Level::Changes,
            has_timestamps: false,
            max_bytes: 16 * 1024 * 1024,
            kept: 4,
        }
    }
}

/// Writes events. Nothing here blocks or fails: lines beyond the bound are dropped and counted, and
/// the file states how many.
#[derive(Debug)]
pub struct Dump {
    node: NodeId,
    commands: Commands,
    options: DumpOptions,
    gathered: Vec<u8>,
    /// Lines in `gathered`.
    lines: u64,
    /// Lines that were dropped.
    lost: u64,
    chunks: Option<Sender<Chunk>>,
    /// Bytes that the thread has not written yet.
    waiting_bytes: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Dump {
    /// Appends to the existing file.
    ///
    /// # Errors
    /// A thread cannot be started.
    pub fn open(
        disk: Arc<dyn Disk>,
        node: NodeId,
        commands: Commands,
        options: DumpOptions,
    ) -> io::Result<Dump> {
        let (chunks, to_write) = mpsc::channel::<Chunk>();
        let waiting_bytes = Arc::<AtomicUsize>::default();
        let written = Arc::clone(&waiting_bytes);
        let mut file = DumpFile::new(disk, options.max_bytes, options.kept);
        let thread = thread::Builder::new().name("dump".into()).spawn(move || {
            for chunk in to_write {
                let bytes = chunk.text.len();
                file.write(chunk);
                written.fetch_sub(bytes, Ordering::SeqCst);
            }
        })?;
        let (gathered, lines, lost) = (Vec::new(), 0, 0);
        let (chunks, thread) = (Some(chunks), Some(thread));
        Ok(Dump { node, commands, options, gathered, lines, lost, chunks, waiting_bytes, thread })
    }

    /// The level. Events above it need not be created.
    pub fn level(&self) -> Level {
        self.options.level
    }

    /// Writes an event. `now_ms` is the wall clock, in milliseconds since 1970.
    pub fn record(&mut self, now_ms: u64, event: Event<'_>) {
        if event.level() > self.options.level {
            return;
        }
        if self.options.has_timestamps {
            push_time(now_ms, &mut self.gathered);
            self.gathered.push(b' ');
        }
        line(self.node, event, &self.commands, &mut self.gathered);
        self.lines += 1;
        if self.gathered.len() >= GATHERED_BYTES {
            self.flush();
        }
    }

    /// Passes the buffered lines to the thread. To be called at intervals, for readers of the file.
    pub fn flush(&mut self) {
        let waiting = self.waiting_bytes.load(Ordering::SeqCst);
        if waiting > 0 && waiting + self.gathered.len() > MAX_WAITING_BYTES {
            self.lost += std::mem::take(&mut self.lines);
            self.gathered.clear();
            return;
        }
        self.send_gathered();
    }

    /// Sends the buffer to the thread.
    fn send_gathered(&mut self) {
        if self.gathered.is_empty() && self.lost == 0 {
            return;
        }
        let lines = std::mem::take(&mut self.lines);
        let text = std::mem::take(&mut self.gathered);
        self.waiting_bytes.fetch_add(text.len(), Ordering::SeqCst);
        let lost_before = std::mem::take(&mut self.lost);
        // The thread runs for as long as `self` exists.
        let chunk = Chunk { text, lines, lost_before };
        let _ = self.chunks.as_ref().map(|chunks| chunks.send(chunk));
    }

    /// Whether the thread has written everything.
    pub fn is_written(&self) -> bool {
        self.waiting_bytes.load(Ordering::SeqCst) == 0
    }
}

impl Drop for Dump {
    fn drop(&mut self) {
        self.send_gathered();
        self.chunks = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            log::error!("the thread that writes dump.txt panicked");
        }
    }
}
