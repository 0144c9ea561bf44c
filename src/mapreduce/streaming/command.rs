//! Runs a command.
//!
//! Three threads avoid a deadlock between the pipes: one writes stdin, one reads stdout, one reads
//! stderr. The readers send what they read to the task's own thread over a bounded channel. There
//! it is emitted and counted, and there the task checks whether it is cancelled. A cancelled
//! command is killed together with its process group.

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

/// Receives the output of a command.
pub(super) trait OutputHandler {
    /// A line of stdout, without the newline.
    fn line(&mut self, line: &[u8]) -> Result<(), Fault>;
    /// Fails if the task was cancelled.
    fn check(&mut self) -> Result<(), Fault>;
    /// The command has made progress.
    fn progress(&mut self);
    /// The command has reported a count.
    fn count(&mut self, group: &str, name: &str, count: u64);
    /// The command has reported its status.
    fn status(&mut self, text: &str);
}

/// Writes the input of a command.
pub(super) type Feed<'f> = dyn FnMut(&mut dyn Write) -> Result<(), FeedError> + Send + 'f;

/// What the reading threads send to the task's thread.
enum PipeEvent {
    LineChunks(Vec<u8>),
    StderrLine(String),
    /// A pipe has ended.
    End,
    /// Reading a pipe failed.
    Broken(io::Error),
}

/// The interval of checks for cancellation.
const CHECK_INTERVAL: Duration = Duration::from_millis(100);
/// The first pause while waiting for the end of a command.
const FIRST_PAUSE: Duration = Duration::from_micros(200);
const READ_BYTES: usize = 64 * 1024;
/// The capacity of the channel, in pieces of up to [`READ_BYTES`].
const WAITING_PIECES: usize = 16;

impl Command {
    /// The mapper command of a task.
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

    /// The reducer command of a task.
    pub(super) fn for_reduce(text: &str, task: &ReduceTask<'_>) -> Command {
        let environment = vec![
            ("mapreduce_task_is_map", "false".into()),
            ("mapreduce_task_partition", task.info.task.to_string()),
            ("mapreduce_task_attempt_id", task.info.attempt.to_string()),
        ];
        Command { text: text.to_owned(), environment }
    }

    /// Runs the command until it ends.
    ///
    /// # Errors
    /// It could not be started, it failed, its input could not be read, or the task was cancelled.
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
        // These threads are not joined: a process that the command left behind may keep a pipe
        // open.
        spawn("stdout", move || read_lines(stdout, &sender))?;
        spawn("stderr", move || read_stderr(stderr, &words))?;
        let mut stderr_tail = StderrTail::default();
        let (status, fed) = thread::scope(|scope| {
            let feeding = scope.spawn(move || {
                let result = feed(&mut stdin);
                // Closes the stdin of the command.
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

/// Handles the output of a command until both its pipes have ended.
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
            // A reading thread has panicked.
            Err(RecvTimeoutError::Disconnected) => break,
        }
        handler.check()?;
    }
    Ok(())
}

/// Reads whole lines; the last line may lack its newline.
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
    // The receiver may have stopped before the end.
    let _ = events.send(end);
}

/// Longer lines of stderr are split.
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

/// A command and its process group.
struct ProcessGroup {
    child: Child,
    has_exited: bool,
}

impl ProcessGroup {
    /// Waits until the command has ended and `is_fed` returns true. The end is near when its pipes
    /// have ended.
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

    /// Kills the process group, and the command itself in case that the group could not be killed.
    /// If the command has already ended, another process of its group still holds its stdin,
    /// otherwise there would be no kill: so the number of the group is not reused.
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
