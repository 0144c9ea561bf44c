//! Processes of the binary, and folders for them.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

use crate::seed::Seed;
use crate::wait::poll_until;

pub const AGORA: &str = env!("CARGO_BIN_EXE_agora");

/// The time limit of every wait.
pub const LONG: Duration = Duration::from_secs(60);

/// A folder that is removed at the end of the test.
pub struct Folder(pub PathBuf);

impl Folder {
    pub fn new() -> Folder {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("agora-mapreduce-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Folder(path)
    }

    pub fn file(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, text).unwrap();
        path
    }

    pub fn read(&self, name: &str) -> String {
        let path = self.0.join(name);
        let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    pub fn has(&self, name: &str) -> bool {
        self.0.join(name).exists()
    }

    /// A command in this folder.
    pub fn agora(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(AGORA);
        command.args(arguments).current_dir(&self.0).stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> CommandOutput {
        CommandOutput::new(self.agora(arguments).output().unwrap())
    }

    /// Runs a command that must succeed.
    pub fn succeed(&self, arguments: &[&str]) -> CommandOutput {
        let output = self.run(arguments);
        assert_eq!(output.code, Some(0), "{arguments:?}: {}", output.stderr);
        output
    }

    /// Runs a command with this on its stdin.
    pub fn feed(&self, arguments: &[&str], stdin: &str) -> CommandOutput {
        let mut command = self.agora(arguments);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (mut pipe, text) = (child.stdin.take().unwrap(), stdin.to_owned());
        // A command that rejects its input need not read all of it.
        let feeding = std::thread::spawn(move || drop(pipe.write_all(text.as_bytes())));
        let output = child.wait_with_output().unwrap();
        feeding.join().unwrap();
        CommandOutput::new(output)
    }

    /// Starts a job with verbose output.
    pub fn start(&self, arguments: &[&str]) -> Job {
        let mut command = self.agora(arguments);
        let mut child =
            command.arg("-v").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let lines = LineReader::new(child.stderr.take().unwrap());
        Job { child, lines }
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// The output and exit status of a command.
pub struct CommandOutput {
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl CommandOutput {
    pub fn new(output: Output) -> CommandOutput {
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let code = output.status.code();
        CommandOutput { code, stdout: text(output.stdout), stderr: text(output.stderr) }
    }
}

/// Reads lines on a thread.
pub struct LineReader {
    lines: mpsc::Receiver<String>,
    pub seen: Vec<String>,
}

impl LineReader {
    pub fn new(output: impl Read + Send + 'static) -> LineReader {
        let (shown, lines) = mpsc::channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            let _ = lines.map(|line| shown.send(line)).take_while(Result::is_ok).count();
        });
        LineReader { lines, seen: Vec::new() }
    }

    /// Waits for a line that contains these words.
    pub fn wait_for(&mut self, words: &str) {
        loop {
            match self.lines.recv_timeout(LONG) {
                Ok(line) => {
                    self.seen.push(line);
                    if self.seen.last().unwrap().contains(words) {
                        return;
                    }
                }
                Err(_) => panic!("no line says {words:?}:\n{}", self.seen.join("\n")),
            }
        }
    }

    /// All lines until the end.
    pub fn rest(&mut self) -> String {
        while let Ok(line) = self.lines.recv_timeout(LONG) {
            self.seen.push(line);
        }
        self.seen.join("\n")
    }
}

/// A running job.
pub struct Job {
    pub child: Child,
    pub lines: LineReader,
}

impl Job {
    /// The worker processes of a kind, oldest first.
    pub fn workers(&self, kind: &str) -> Vec<u32> {
        let mut found = children(self.child.id());
        found.retain(|pid| command_line(*pid).get(1).is_some_and(|word| word == kind));
        found
    }

    /// Waits for its end with status 0; returns its output.
    pub fn succeed(mut self) -> String {
        let output = self.lines.rest();
        assert_eq!(self.child.wait().unwrap().code(), Some(0), "{output}");
        output
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A worker that the test starts, not the master.
pub struct Worker {
    pub child: Child,
    pub address: String,
}

impl Worker {
    pub fn start(folder: &Folder, kind: &str, arguments: &[&str]) -> Worker {
        Worker::at(folder, kind, "127.0.0.1:0", arguments)
    }

    pub fn at(folder: &Folder, kind: &str, listen: &str, arguments: &[&str]) -> Worker {
        let mut command = folder.agora(&[kind, "--listen", listen]);
        command.args(arguments).env("RUST_LOG", "warn").stderr(Stdio::inherit());
        Worker::run(command)
    }

    /// Starts a worker with the default log on stderr.
    pub fn start_logged(folder: &Folder, kind: &str, arguments: &[&str]) -> (Worker, LineReader) {
        let mut command = folder.agora(&[kind, "--listen", "127.0.0.1:0"]);
        command.args(arguments).env_remove("RUST_LOG").stderr(Stdio::piped());
        let mut worker = Worker::run(command);
        let lines = LineReader::new(worker.child.stderr.take().unwrap());
        (worker, lines)
    }

    fn run(mut command: Command) -> Worker {
        let mut child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut first).unwrap();
        let address = first.trim().strip_prefix("listening on ").unwrap().to_owned();
        Worker { child, address }
    }

    /// Ends the worker with SIGTERM.
    pub fn end(mut self) {
        signal(self.child.id(), "TERM");
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub fn signal(pid: u32, name: &str) {
    let status = Command::new("kill").args(["-s", name, &pid.to_string()]).status().unwrap();
    assert!(status.success(), "kill -s {name} {pid}");
}

/// The child processes of a process, oldest first.
pub fn children(parent: u32) -> Vec<u32> {
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").unwrap() {
        let name = entry.unwrap().file_name();
        let Ok(pid) = name.to_string_lossy().parse::<u32>() else { continue };
        // proc(5): the parent is the second field behind the name in brackets.
        let Ok(stat) = fs::read_to_string(format!("/proc/{pid}/stat")) else { continue };
        let rest = stat.rsplit_once(')').unwrap().1;
        if rest.split_whitespace().nth(1) == Some(&parent.to_string()) {
            found.push(pid);
        }
    }
    found.sort_unstable();
    found
}

pub fn command_line(pid: u32) -> Vec<String> {
    let line = fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    line.split(|byte| *byte == 0).map(|word| String::from_utf8_lossy(word).into_owned()).collect()
}

/// Whether a process exists and is not a zombie.
pub fn is_alive(pid: u32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat.rsplit_once(')').and_then(|(_, rest)| rest.split_whitespace().next());
    state.is_some_and(|state| state != "Z" && state != "X")
}

/// Polls until `condition` holds.
#[track_caller]
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    poll_until(what, LONG, condition);
}

/// Text, and its words counted as `agora wordcount` prints them.
pub fn some_text(seed: u64, bytes: usize) -> (String, String) {
    let mut seed = Seed::new(seed);
    let mut text = String::new();
    let mut counts: BTreeMap<String, u64> = BTreeMap::new();
    while text.len() < bytes {
        let rank = seed.below(40) * seed.below(40);
        let word = format!("w{rank}");
        text.push_str(&word);
        text.push(*seed.pick(&[' ', ' ', ' ', '\t', '\n', '\n']));
        *counts.entry(word).or_default() += 1;
    }
    let lines = counts.iter().map(|(word, count)| format!("{word}\t{count}\n"));
    (text, lines.collect())
}

/// All files in a folder and its subfolders.
pub fn files_in(path: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().unwrap().is_dir() {
            found.extend(files_in(&entry.path()).iter().map(|inner| format!("{name}/{inner}")));
        } else {
            found.push(name);
        }
    }
    found.sort();
    found
}
