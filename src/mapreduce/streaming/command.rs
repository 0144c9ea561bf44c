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
use super::reporter::{self, LastWords, Report};
use crate::mapreduce::job::{Fault, MAX_LINE_BYTES, MapTask, ReduceTask};

/// A command with its environment.
pub(super) struct Command {
    text: String,
    environment: Vec<(&'static str, String)>,
}

/// Who hears what a command says.
pub(super) trait Listener {
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
enum Heard {
    Lines(Vec<u8>),
    Words(String),
    /// A pipe ended.
    End,
    /// A pipe broke.
    Broke(io::Error),
}

/// How often a task looks whether it is cancelled.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// The first look comes sooner.
const FIRST_PAUSE: Duration = Duration::from_micros(200);
const READ_BYTES: usize = 64 * 1024;
/// What waits between the threads, in pieces of up to [`READ_BYTES`].
const WAITING_PIECES: usize = 16;

impl Command {
    /// The mapper of a task.
    pub(super) fn for_map(text: &str, task: &MapTask<'_>) -> Command {
        let about = task.about;
        let environment = vec![
            ("mapreduce_task_is_map", "true".into()),
            ("mapreduce_task_partition", about.task.to_string()),
            ("mapreduce_task_attempt_id", about.attempt.to_string()),
            ("mapreduce_job_reduces", task.reduces.to_string()),
            ("mapreduce_map_input_file", about.file.clone()),
            ("map_input_file", about.file.clone()),
            ("mapreduce_map_input_start", about.start.to_string()),
            ("mapreduce_map_input_length", about.bytes.to_string()),
        ];
        Command { text: text.to_owned(), environment }
    }

    /// The reducer of a task.
    pub(super) fn for_reduce(text: &str, task: &ReduceTask<'_>) -> Command {
        let environment = vec![
            ("mapreduce_task_is_map", "false".into()),
            ("mapreduce_task_partition", task.about.task.to_string()),
            ("mapreduce_task_attempt_id", task.about.attempt.to_string()),
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
        listener: &mut dyn Listener,
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
        let mut group = Group { child, is_over: false };
        let (sender, heard) = sync_channel(WAITING_PIECES);
        let words = sender.clone();
        // Not waited for: something that the command left behind may hold a pipe open for ever.
        spawn("stdout", move || read_lines(stdout, &sender))?;
        spawn("stderr", move || read_words(stderr, &words))?;
        let mut last_words = LastWords::default();
        let (status, fed) = thread::scope(|scope| {
            let feeding = scope.spawn(move || {
                let result = feed(&mut stdin);
                // Dropped, stdin ends for the command.
                drop(stdin);
                result
            });
            let status = listen(&heard, listener, &mut last_words)
                .and_then(|()| group.wait(listener, || feeding.is_finished()));
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
        let reason = last_words.behind(&format!("{:?} {}", self.text, ended(status)));
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
fn listen(
    heard: &Receiver<Heard>,
    listener: &mut dyn Listener,
    last_words: &mut LastWords,
) -> Result<(), Fault> {
    let mut open = 2;
    while open > 0 {
        match heard.recv_timeout(LOOK_INTERVAL) {
            Ok(Heard::Lines(lines)) => {
                for line in lines.split_inclusive(|byte| *byte == b'\n') {
                    listener.line(line.strip_suffix(b"\n").unwrap_or(line))?;
                }
                listener.progress();
            }
            Ok(Heard::Words(line)) => match reporter::read(&line) {
                Report::Count { group, name, count } => listener.count(group, name, count),
                Report::Status(text) => listener.status(text),
                Report::Words(words) => last_words.add(words),
            },
            Ok(Heard::End) => open -= 1,
            Ok(Heard::Broke(error)) => return Err(Fault::io("reading from the command", &error)),
            Err(RecvTimeoutError::Timeout) => {}
            // A reading thread that panicked.
            Err(RecvTimeoutError::Disconnected) => break,
        }
        listener.check()?;
    }
    Ok(())
}

/// Reads whole lines; the last one may lack its newline.
fn read_lines(mut stdout: impl Read, heard: &SyncSender<Heard>) {
    let mut begun: Vec<u8> = Vec::new();
    let mut buffer = vec![0; READ_BYTES];
    let end = loop {
        match stdout.read(&mut buffer) {
            Ok(0) => break Heard::End,
            Ok(read) => {
                let (piece, newline) =
                    (&buffer[..read], buffer[..read].iter().rposition(|b| *b == b'\n'));
                let whole = newline.map_or(0, |at| at + 1);
                if whole > 0 {
                    begun.extend_from_slice(&piece[..whole]);
                    if heard.send(Heard::Lines(std::mem::take(&mut begun))).is_err() {
                        return;
                    }
                }
                begun.extend_from_slice(&piece[whole..]);
                if begun.len() > MAX_LINE_BYTES {
                    let reason = format!("a line of more than {MAX_LINE_BYTES} bytes");
                    break Heard::Broke(io::Error::new(io::ErrorKind::InvalidData, reason));
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => break Heard::Broke(error),
        }
    };
    if !begun.is_empty() && heard.send(Heard::Lines(begun)).is_err() {
        return;
    }
    // Whoever listened may have heard enough.
    let _ = heard.send(end);
}

/// No line of stderr is longer; what is longer comes as several.
const MAX_WORDS_BYTES: u64 = 8 * 1024;

fn read_words(stderr: impl Read, heard: &SyncSender<Heard>) {
    let mut reader = BufReader::new(stderr);
    loop {
        let mut line = Vec::new();
        match reader.by_ref().take(MAX_WORDS_BYTES).read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => break,
            Ok(_) => {
                let words = String::from_utf8_lossy(&line).trim_end().to_owned();
                if heard.send(Heard::Words(words)).is_err() {
                    return;
                }
            }
        }
    }
    let _ = heard.send(Heard::End);
}

/// A command and all that it started.
struct Group {
    child: Child,
    is_over: bool,
}

impl Group {
    /// Waits for the command's end, which is near when its pipes have ended, and until nobody feeds
    /// it any more.
    fn wait(
        &mut self,
        listener: &mut dyn Listener,
        is_fed: impl Fn() -> bool,
    ) -> Result<ExitStatus, Fault> {
        let mut pause = FIRST_PAUSE;
        loop {
            let ended = self.child.try_wait();
            if let Some(status) =
                ended.map_err(|error| Fault::io("waiting for the command", &error))?
            {
                self.is_over = true;
                if is_fed() {
                    return Ok(status);
                }
            }
            listener.check()?;
            thread::sleep(pause);
            pause = LOOK_INTERVAL.min(2 * pause);
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

impl Drop for Group {
    fn drop(&mut self) {
        if self.is_over {
            return;
        }
        self.kill();
        if let Err(error) = self.child.wait() {
            log::warn!("waiting for process {}: {error}", self.child.id());
        }
    }
}
