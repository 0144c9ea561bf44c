//! What the event loop has of it: it makes lines, and another thread writes them.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};

use super::file::{Chunk, DumpFile};
use super::line::{Event, Level, line};
use super::time::push_time;
use crate::raft::NodeId;
use crate::replica::storage::{Commands, Disk};

/// Lines go to the thread when they are so many bytes, if nobody asks before.
const GATHERED_BYTES: usize = 64 * 1024;
/// What may wait for the thread. It is more only where one line is longer.
const MAX_WAITING_BYTES: usize = 4 * 1024 * 1024;

/// How a node tells what happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DumpOptions {
    /// How much.
    pub level: Level,
    /// Whether each line begins with the time.
    pub has_timestamps: bool,
    /// When the file has so many bytes, a new one is begun.
    pub max_bytes: u64,
    /// How many older files are kept.
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

/// Tells what happens. Nothing here waits or fails: what finds no room on its way to the disk is
/// counted, and the file says how much it was.
#[derive(Debug)]
pub struct Dump {
    node: NodeId,
    commands: Commands,
    options: DumpOptions,
    gathered: Vec<u8>,
    /// Lines in `gathered`.
    lines: u64,
    /// Lines that found no room.
    lost: u64,
    chunks: Option<Sender<Chunk>>,
    /// Bytes that the thread has not written yet.
    waiting_bytes: Arc<AtomicUsize>,
    thread: Option<JoinHandle<()>>,
}

impl Dump {
    /// Goes on where the file ends.
    ///
    /// # Errors
    /// There can be no further thread.
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

    /// How much is told: what is above need not be made an event.
    pub fn level(&self) -> Level {
        self.options.level
    }

    /// Tells of an event. `now_ms` is the wall clock, in milliseconds since 1970.
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

    /// Has what was told written. To be called now and then, for those who watch the file.
    pub fn flush(&mut self) {
        let waiting = self.waiting_bytes.load(Ordering::SeqCst);
        if waiting > 0 && waiting + self.gathered.len() > MAX_WAITING_BYTES {
            self.lost += std::mem::take(&mut self.lines);
            self.gathered.clear();
            return;
        }
        self.send_gathered();
    }

    /// Gives the thread what there is.
    fn send_gathered(&mut self) {
        if self.gathered.is_empty() && self.lost == 0 {
            return;
        }
        let lines = std::mem::take(&mut self.lines);
        let text = std::mem::take(&mut self.gathered);
        self.waiting_bytes.fetch_add(text.len(), Ordering::SeqCst);
        let lost_before = std::mem::take(&mut self.lost);
        // The thread is there for as long as this is.
        let chunk = Chunk { text, lines, lost_before };
        let _ = self.chunks.as_ref().map(|chunks| chunks.send(chunk));
    }

    /// Whether the thread has done with all that it was given.
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
