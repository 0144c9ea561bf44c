//! `dump.txt`: the human-readable record of all events of a job.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use crate::files;
use crate::text::printable_lines;

/// The file, with a buffer.
pub(super) struct Dump {
    file: File,
    lines: String,
    written_at: Instant,
    /// The first write error; the job continues.
    pub(super) problem: Option<io::Error>,
}

const WRITE_BYTES: usize = 64 * 1024;
const WRITE_INTERVAL: Duration = Duration::from_millis(100);

impl Dump {
    pub(super) fn begin(path: &Path, resumes: bool) -> io::Result<Dump> {
        let mut file = files::open_or_create(path)?;
        if !resumes {
            file.set_len(0)?;
        }
        file.seek(SeekFrom::End(0))?;
        Ok(Dump { file, lines: String::new(), written_at: Instant::now(), problem: None })
    }

    pub(super) fn write_line(&mut self, text: &str) {
        self.lines.push_str(&printable_lines(text));
        if !text.ends_with('\n') {
            self.lines.push('\n');
        }
        if self.lines.len() >= WRITE_BYTES {
            self.write_out();
        }
    }

    /// Rounds may be short: writes at most once in an interval.
    pub(super) fn write_out_now_and_then(&mut self) {
        if self.written_at.elapsed() >= WRITE_INTERVAL {
            self.write_out();
        }
    }

    pub(super) fn write_out(&mut self) {
        self.written_at = Instant::now();
        if let Err(error) = self.file.write_all(self.lines.as_bytes()) {
            self.problem.get_or_insert(error);
        }
        self.lines.clear();
    }
}

impl Drop for Dump {
    fn drop(&mut self) {
        self.write_out();
    }
}
