//! Prints lines without blocking the thread that prints.
//!
//! [`AsyncLineWriter::print`] appends to a buffer. A separate thread writes the buffer out, at once
//! when it was idle and then every [`WRITE_INTERVAL`], many lines in one write. If the reader is
//! slow, lines are dropped and their number is printed. If the reader is gone, all lines are
//! dropped.

use std::fmt::{Display, Write as _};
use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// The time between two writes.
const WRITE_INTERVAL: Duration = Duration::from_millis(5);

/// The most bytes that wait for a slow reader.
const MAX_WAITING_BYTES: usize = 1024 * 1024;

/// How long dropping the writer waits for a slow reader.
const FLUSH_TIMEOUT: Duration = Duration::from_secs(1);

/// Prints lines. Dropping it writes the remaining lines.
pub struct AsyncLineWriter(Option<Arc<Shared>>);

/// Shared with the thread that writes.
#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: String,
    /// The number of lines that were dropped because the buffer was full.
    dropped: u64,
    /// The thread waits for the condition variable.
    is_idle: bool,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Open,
    /// The thread writes the last lines.
    Closing,
    /// The thread has ended.
    Closed,
}

impl AsyncLineWriter {
    /// A writer that prints nothing.
    pub fn disabled() -> AsyncLineWriter {
        AsyncLineWriter(None)
    }

    /// Starts a thread that prints to `writer`.
    ///
    /// # Errors
    /// The operating system cannot start another thread.
    pub fn start(writer: impl Write + Send + 'static) -> io::Result<AsyncLineWriter> {
        let shared = Arc::new(Shared::default());
        let for_thread = Arc::clone(&shared);
        thread::Builder::new().name("lines".into()).spawn(move || for_thread.write_to(writer))?;
        Ok(AsyncLineWriter(Some(shared)))
    }

    /// Whether it prints.
    pub fn is_enabled(&self) -> bool {
        self.0.is_some()
    }

    /// Prints a line.
    pub fn print(&self, line: &impl Display) {
        if let Some(shared) = &self.0 {
            shared.print(line);
        }
    }
}

impl Drop for AsyncLineWriter {
    fn drop(&mut self) {
        let Some(shared) = &self.0 else { return };
        let mut state = shared.state();
        if state.stage == Stage::Open {
            state.stage = Stage::Closing;
        }
        shared.changed.notify_all();
        let is_writing = |state: &mut State| state.stage != Stage::Closed;
        // Lines that are not written by now are lost.
        drop(shared.changed.wait_timeout_while(state, FLUSH_TIMEOUT, is_writing));
    }
}

impl Shared {
    fn print(&self, line: &impl Display) {
        let mut state = self.state();
        if state.stage != Stage::Open {
            return;
        }
        if state.waiting.len() >= MAX_WAITING_BYTES {
            state.dropped += 1;
            return;
        }
        // Writing to a `String` cannot fail.
        let _ = writeln!(state.waiting, "{line}");
        if mem::take(&mut state.is_idle) {
            self.changed.notify_all();
        }
    }

    /// Writes lines until the writer is dropped or `writer` fails.
    fn write_to(&self, mut writer: impl Write) {
        let mut lines = String::new();
        while self.next(&mut lines) {
            let written = writer.write_all(lines.as_bytes()).and_then(|()| writer.flush());
            if let Err(error) = written {
                log::info!("no more lines are printed: {error}");
                break;
            }
            lines.clear();
        }
        self.state().stage = Stage::Closed;
        self.changed.notify_all();
    }

    /// Waits for lines and swaps them with the empty `lines`. Returns whether there are any.
    fn next(&self, lines: &mut String) -> bool {
        let mut state = self.wait_interval();
        while state.waiting.is_empty() && state.stage == Stage::Open {
            state.is_idle = true;
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        mem::swap(&mut state.waiting, lines);
        let dropped = mem::take(&mut state.dropped);
        drop(state);
        if dropped > 0 {
            let _ = writeln!(lines, "({dropped} lines were not printed: the reader was too slow)");
        }
        !lines.is_empty()
    }

    /// Waits for the write interval, unless the writer is being dropped.
    fn wait_interval(&self) -> MutexGuard<'_, State> {
        let until = Instant::now() + WRITE_INTERVAL;
        let mut state = self.state();
        while state.stage == Stage::Open {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let waited = self.changed.wait_timeout(state, left);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        state
    }

    /// A poisoned lock is ignored: at worst the last line is cut.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
