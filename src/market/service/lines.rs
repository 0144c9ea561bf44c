//! Printed lines that hold up nobody.
//!
//! Whoever prints appends to a buffer; a thread of its own writes the buffer out, at once when it
//! was idle and then every [`PAUSE`], many lines in one write. A reader that is slow costs lines
//! (and is told how many), a reader that is gone costs nothing: nobody else notices.

use std::fmt::{Display, Write as _};
use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Between two writes.
const PAUSE: Duration = Duration::from_millis(5);

/// Lines that wait for a slow reader, in bytes.
const MAX_WAITING_BYTES: usize = 1024 * 1024;

/// How long the end waits for a slow reader.
const LAST_WRITE: Duration = Duration::from_secs(1);

/// Where lines go. Dropping it writes what waits.
pub struct Lines(Option<Arc<Paper>>);

/// Shared with the thread that writes.
#[derive(Default)]
struct Paper {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    waiting: String,
    /// Lines that found no room.
    dropped: u64,
    /// The thread sleeps until somebody wakes it.
    is_idle: bool,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Open,
    /// The last lines are to be written.
    Ending,
    /// Nobody writes any more.
    Over,
}

impl Lines {
    /// Prints nothing.
    pub fn none() -> Lines {
        Lines(None)
    }

    /// Prints to a writer, from a thread of its own.
    ///
    /// # Errors
    /// The operating system's: there can be no more threads.
    pub fn to(writer: impl Write + Send + 'static) -> io::Result<Lines> {
        let paper = Arc::new(Paper::default());
        let writing = Arc::clone(&paper);
        thread::Builder::new().name("lines".into()).spawn(move || writing.write_to(writer))?;
        Ok(Lines(Some(paper)))
    }

    /// Whether lines go anywhere.
    pub fn are_read(&self) -> bool {
        self.0.is_some()
    }

    /// Prints a line.
    pub fn print(&self, line: &impl Display) {
        if let Some(paper) = &self.0 {
            paper.print(line);
        }
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        let Some(paper) = &self.0 else { return };
        let mut state = paper.state();
        if state.stage == Stage::Open {
            state.stage = Stage::Ending;
        }
        paper.changed.notify_all();
        let is_writing = |state: &mut State| state.stage != Stage::Over;
        // In time or not: what is not written by now is not waited for.
        drop(paper.changed.wait_timeout_while(state, LAST_WRITE, is_writing));
    }
}

impl Paper {
    fn print(&self, line: &impl Display) {
        let mut state = self.state();
        if state.stage != Stage::Open {
            return;
        }
        if state.waiting.len() >= MAX_WAITING_BYTES {
            state.dropped += 1;
            return;
        }
        // A `String` takes whatever is written to it.
        let _ = writeln!(state.waiting, "{line}");
        if mem::take(&mut state.is_idle) {
            self.changed.notify_all();
        }
    }

    /// Writes what is printed until the end, or until the writer fails.
    fn write_to(&self, mut writer: impl Write) {
        let mut lines = String::new();
        while self.next(&mut lines) {
            let written = writer.write_all(lines.as_bytes()).and_then(|()| writer.flush());
            if let Err(error) = written {
                log::info!("nothing more is printed: {error}");
                break;
            }
            lines.clear();
        }
        self.state().stage = Stage::Over;
        self.changed.notify_all();
    }

    /// Waits for lines and swaps them for the empty `lines`; whether there are any.
    fn next(&self, lines: &mut String) -> bool {
        let mut state = self.pause();
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

    /// Lets lines gather, except at the end.
    fn pause(&self) -> MutexGuard<'_, State> {
        let until = Instant::now() + PAUSE;
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

    /// A thread that panicked under the lock left whole lines behind, or a cut one.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
