//! Processes of the binary, and a home for their identities.

use crate::wait::poll_until;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::time::Duration;

pub const AGORA: &str = env!("CARGO_BIN_EXE_agora");

/// The exit code after SIGTERM or SIGINT: without the feature `signals` the signal ends the process.
pub const END_CODE: Option<i32> = if cfg!(feature = "signals") { Some(0) } else { None };

/// A folder that is removed with the test.
pub struct Home(pub PathBuf);

impl Home {
    pub fn new() -> Home {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("agora-clients-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        Home(path)
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running market.
pub struct Market {
    pub child: Child,
    pub address: String,
    pub lines: Option<BufReader<ChildStdout>>,
}

impl Market {
    pub fn new() -> Market {
        Market::at("127.0.0.1:0")
    }

    pub fn at(listen: &str) -> Market {
        let mut child = Command::new(AGORA)
            .args(["market", "--listen", listen])
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap());
        let mut first = String::new();
        lines.read_line(&mut first).unwrap();
        let address = first.trim().strip_prefix("listening on ").unwrap().to_owned();
        Market { child, address, lines: Some(lines) }
    }

    /// Ends it by SIGTERM. Returns the rest of its output.
    pub fn end(mut self) -> Vec<String> {
        let status = Command::new("kill").arg(self.child.id().to_string()).status().unwrap();
        assert!(status.success());
        let lines = self.lines.take().unwrap().lines().map(Result::unwrap).collect();
        assert_eq!(self.child.wait().unwrap().code(), END_CODE);
        lines
    }
}

impl Drop for Market {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Reads lines in a thread, and waits for one with a certain beginning.
pub struct Follower(mpsc::Receiver<String>);

impl Follower {
    pub fn new(output: impl Read + Send + 'static) -> Follower {
        let (shown, seen) = mpsc::channel();
        std::thread::spawn(move || {
            let lines = BufReader::new(output).lines().map_while(Result::ok);
            let _ = lines.map(|line| shown.send(line)).take_while(Result::is_ok).count();
        });
        Follower(seen)
    }

    pub fn see(&self, beginning: &str) {
        self.next(beginning);
    }

    /// The next line with this beginning.
    pub fn next(&self, beginning: &str) -> String {
        loop {
            let line = self.0.recv_timeout(Duration::from_secs(20)).unwrap();
            if line.starts_with(beginning) {
                return line;
            }
        }
    }
}

/// `agora seller` and `agora buyer` at one market.
pub struct Traders {
    pub home: Home,
    pub market: String,
}

impl Traders {
    pub fn at(market: &str) -> Traders {
        Traders { home: Home::new(), market: market.to_owned() }
    }

    pub fn command(&self, role: &str, name: &str, words: &[&str]) -> Command {
        let mut command = Command::new(AGORA);
        command
            .args([role, "--market", &self.market, "--as", name])
            .args(words)
            .env("AGORA_HOME", &self.home.0)
            .stdin(Stdio::null());
        command
    }

    pub fn run(&self, role: &str, name: &str, words: &[&str]) -> Outcome {
        Outcome::of(self.command(role, name, words).output().unwrap())
    }

    /// Runs a command that must succeed. Returns its output.
    pub fn good(&self, role: &str, name: &str, words: &[&str]) -> String {
        let said = self.run(role, name, words);
        assert_eq!(said.code, 0, "{role} {name} {words:?}: {said:?}");
        said.stdout
    }

    /// Runs a command that must be refused. Returns the reason.
    pub fn refused(&self, role: &str, name: &str, words: &[&str]) -> String {
        let said = self.run(role, name, words);
        assert_eq!((said.code, said.stdout.as_str()), (1, ""), "{words:?}: {said:?}");
        said.stderr.trim().strip_prefix("FAIL: ").unwrap().to_owned()
    }

    /// Runs the shell with these lines on its input.
    pub fn shell(&self, role: &str, name: &str, lines: &str) -> Outcome {
        let mut child = self
            .command(role, name, &[])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(lines.as_bytes()).unwrap();
        Outcome::of(child.wait_with_output().unwrap())
    }
}

/// How a process ended.
#[derive(Debug)]
pub struct Outcome {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Outcome {
    pub fn of(output: Output) -> Outcome {
        Outcome {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// Polls until `condition` holds.
#[track_caller]
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    poll_until(what, Duration::from_secs(20), condition);
}
