//! A command as it runs.
//!
//! Three threads, so that no pipe ever waits for another: one feeds stdin, one each reads stdout and
//! stderr. What they read comes to the task's own thread over a bounded channel; there it is emitted
//! and counted, and there the task notices that it is cancelled. Then the command is killed, with
//! all that it started in its process group.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;
use std::time::Duration;

use super::FeedError;
use super::reporter::{self, Report, StderrTail};
use crate::mapreduce::job::{Fault, MAX_LINE_BYTES, MapTask, ReduceTask};

/// A command with its environment.
pub(super) struct Command {
    text: String,
    environment: Vec<(&'static str, String)>,
}

/// Who hears what a command says.
pub(super) trait OutputHandler {
    /// A line of its stdout, without the newline.
    fn line(&mut self, line: &[u8]) -> Result<(), Fault>;
    /// Fails when nobody waits for the command any more.
    fn check(&mut self) -> Result<(), Fault>;
    /// It has got on.
    fn progress(&mut self);
    /// It counts something.
    fn count(&mut self, group: &str, name: &str, count: u64);
    /// It says what it is at.
    fn status(&mut self, text: &str);
}

/// What feeds a command's stdin.
pub(super) type Feed<'f> = dyn FnMut(&mut dyn Write) -> Result<(), FeedError> + Send + 'f;

/// What the reading threads have for the task's own.
enum PipeEvent {
    LineChunks(Vec<u8>),
    StderrLine(String),
    /// A pipe ended.
    End,
    /// A pipe broke.
    Broken(io::Error),
}

/// How often a task looks whether it is cancelled.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// The first look comes sooner.
const FIRST_PAUSE: Duration = Duration::from_micros(200);
const READ_BYTES: usize = 64 * 1024;
/// What waits between the threads, in pieces of up to [`READ_BYTES`].
const WAITING_PIECES: usize = 16;

impl Command {
    /// The mapper of a task.
    pub(super) fn for_map(text: &str, task: &MapTask<'_>) -> Command {
        let info = task.info;
        let environment = vec![
            ("mapreduce_task_is_map", "true".into()),
            ("mapreduce_task_partition", info.task.to_string()),
            ("mapreduce_task_attempt_id", info.attempt.to_string()),
            ("mapreduce_job_reduces", task.reduces.to_string()),
            ("mapreduce_map_input_file", info.file.clone()),
            ("map_input_file", info.file.clone()),
            ("mapreduce_map_input_start", info.start.to_string()),
            ("mapreduce_map_input_length", info.bytes.to_string()),
        ];
        Command { text: text.to_owned(), environment }
    }

    /// The reducer of a task.
    pub(super) fn for_reduce(text: &str, task: &ReduceTask<'_>) -> Command {
        let environment = vec![
            ("mapreduce_task_is_map", "false".into()),
            ("mapreduce_task_partition", task.info.task.to_string()),
            ("mapreduce_task_attempt_id", task.info.attempt.to_string()),
        ];
        Command { text: text.to_owned(), environment }
    }

    /// Runs it to its end.
    ///
    /// # Errors
    /// It could not be run, it failed, its input could not be read, or its task is cancelled.
    pub(super) fn run(
        &self,
        feed: &mut Feed<'_>,
        handler: &mut dyn OutputHandler,
    ) -> Result<(), Fault> {
        let mut child = std::process::Command::new("sh")
            .args(["-c", &self.text])
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .map_err(|error| Fault::io(format!("running {:?}", self.text), &error))?;
        let pipes = (child.stdin.take(), child.stdout.take(), child.stderr.take());
        let (Some(mut stdin), Some(stdout), Some(stderr)) = pipes else {
            return Err(Fault::Declined("a command without pipes".into()));
        };
        let mut group = ProcessGroup { child, has_exited: false };
        let (sender, events) = sync_channel(WAITING_PIECES);
        let words = sender.clone();
        // Not waited for: something that the command left append_to may hold a pipe open for ever.
        spawn("stdout", move || read_lines(stdout, &sender))?;
        spawn("stderr", move || read_stderr(stderr, &words))?;
        let mut stderr_tail = StderrTail::default();
        let (status, fed) = thread::scope(|scope| {
            let feeding = scope.spawn(move || {
                let result = feed(&mut stdin);
                // Dropped, stdin ends for the command.
                drop(stdin);
                result
            });
            let status = handle_output(&events, handler, &mut stderr_tail)
                .and_then(|()| group.wait(handler, || feeding.is_finished()));
            if status.is_err() {
                group.kill();
            }
            let fed = feeding.join().unwrap_or(Err(FeedError::Closed));
            status.map(|status| (status, fed))
        })?;
        if let Err(FeedError::Fault(fault)) = fed {
            return Err(fault);
        }
        if status.success() {
            return Ok(());
        }
        let reason = stderr_tail.append_to(&format!("{:?} {}", self.text, ended(status)));
        Err(Fault::Crashed { reason, record: None })
    }
}

fn spawn(name: &str, run: impl FnOnce() + Send + 'static) -> Result<(), Fault> {
    let spawned = thread::Builder::new().name(name.into()).spawn(run);
    spawned.map(drop).map_err(|error| Fault::Declined(format!("no thread: {error}")))
}

fn ended(status: ExitStatus) -> String {
    match (status.code(), status.signal()) {
        (Some(code), _) => format!("ended with status {code}"),
        (None, Some(signal)) => format!("was killed by signal {signal}"),
        (None, None) => "ended in an unknown way".into(),
    }
}

/// Hears a command until both its pipes have ended.
fn handle_output(
    events: &Receiver<PipeEvent>,
    handler: &mut dyn OutputHandler,
    stderr_tail: &mut StderrTail,
) -> Result<(), Fault> {
    let mut open = 2;
    while open > 0 {
        match events.recv_timeout(CHECK_INTERVAL) {
            Ok(PipeEvent::LineChunks(lines)) => {
                for line in lines.split_inclusive(|byte| *byte == b'\n') {
                    handler.line(line.strip_suffix(b"\n").unwrap_or(line))?;
                }
                handler.progress();
            }
            Ok(PipeEvent::StderrLine(line)) => match reporter::parse(&line) {
                Report::Count { group, name, count } => handler.count(group, name, count),
                Report::Status(text) => handler.status(text),
                Report::Text(words) => stderr_tail.add(words),
            },
            Ok(PipeEvent::End) => open -= 1,
            Ok(PipeEvent::Broken(error)) => {
                return Err(Fault::io("reading from the command", &error));
            }
            Err(RecvTimeoutError::Timeout) => {}
            // A reading thread that panicked.
            Err(RecvTimeoutError::Disconnected) => break,
        }
        handler.check()?;
    }
    Ok(())
}

/// Reads whole lines; the last one may lack its newline.
fn read_lines(mut stdout: impl Read, events: &SyncSender<PipeEvent>) {
    let mut begun: Vec<u8> = Vec::new();
    let mut buffer = vec![0; READ_BYTES];
    let end = loop {
        match stdout.read(&mut buffer) {
            Ok(0) => break PipeEvent::End,
            Ok(read) => {
                let (piece, newline) =
                    (&buffer[..read], buffer[..read].iter().rposition(|b| *b == b'\n'));
                let whole = newline.map_or(0, |at| at + 1);
                if whole > 0 {
                    begun.extend_from_slice(&piece[..whole]);
                    if events.send(PipeEvent::LineChunks(std::mem::take(&mut begun))).is_err() {
                        return;
                    }
                }
                begun.extend_from_slice(&piece[whole..]);
                if begun.len() > MAX_LINE_BYTES {
                    let reason = format!("a line of more than {MAX_LINE_BYTES} bytes");
                    break PipeEvent::Broken(io::Error::new(io::ErrorKind::InvalidData, reason));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break PipeEvent::Broken(error),
        }
    };
    if !begun.is_empty() && events.send(PipeEvent::LineChunks(begun)).is_err() {
        return;
    }
    // Whoever listened may have events enough.
    let _ = events.send(end);
}

/// No line of stderr is longer; what is longer comes as several.
const MAX_STDERR_LINE_BYTES: u64 = 8 * 1024;

fn read_stderr(stderr: impl Read, events: &SyncSender<PipeEvent>) {
    let mut reader = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        match reader.by_ref().take(MAX_STDERR_LINE_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {
                let words = String::from_utf8_lossy(&line).trim_end().to_owned();
                if events.send(PipeEvent::StderrLine(words)).is_err() {
                    return;
                }
            }
        }
    }
    let _ = events.send(PipeEvent::End);
}

/// A command and all that it started.
struct ProcessGroup {
    child: Child,
    has_exited: bool,
}

impl ProcessGroup {
    /// Waits for the command's end, which is near when its pipes have ended, and until nobody feeds
    /// it any more.
    fn wait(
        &mut self,
        handler: &mut dyn OutputHandler,
        is_fed: impl Fn() -> bool,
    ) -> Result<ExitStatus, Fault> {
        let mut pause = FIRST_PAUSE;
        loop {
            let ended = self.child.try_wait();
            if let Some(status) =
                ended.map_err(|error| Fault::io("waiting for the command", &error))?
            {
                self.has_exited = true;
                if is_fed() {
                    return Ok(status);
                }
            }
            handler.check()?;
            thread::sleep(pause);
            pause = CHECK_INTERVAL.min(2 * pause);
        }
    }

    /// Kills the group, and the command itself in case that there was no way to do the former. When
    /// the command has ended something of its group still holds its stdin, or nobody would ask: so
    /// the group's number is not anybody else's.
    fn kill(&mut self) {
        let group = format!("kill -KILL -{}", self.child.id());
        let killed = std::process::Command::new("sh").args(["-c", &group]).status();
        if !killed.is_ok_and(|status| status.success()) {
            log::debug!("no process group {} to kill", self.child.id());
        }
        if let Err(error) = self.child.kill() {
            log::debug!("killing process {}: {error}", self.child.id());
        }
    }
}

impl Drop for ProcessGroup {
    fn drop(&mut self) {
        if self.has_exited {
            return;
        }
        self.kill();
        if let Err(error) = self.child.wait() {
            log::warn!("waiting for process {}: {error}", self.child.id());
        }
    }
}
