//! The scripts of `scripts/`: help, wrong usage, and processes left running.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "what must not fail fails the test")]

mod cluster;
mod demo;
mod help;
mod steps;

#[allow(dead_code, reason = "other tests use the rest")]
#[path = "../support/wait.rs"]
mod wait;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use wait::poll_until;

/// How long a test waits before it fails.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A temporary folder, removed at the end of the test.
struct TempDir(PathBuf);

impl TempDir {
    fn new() -> TempDir {
        static COUNT: AtomicU16 = AtomicU16::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("agora-scripts-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        TempDir(path)
    }

    /// Creates an executable file in it.
    fn program(&self, name: &str, text: &str) -> PathBuf {
        use std::os::unix::fs::PermissionsExt;
        let path = self.0.join(name);
        fs::write(&path, text).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
        path
    }
}

impl Drop for TempDir {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A command that runs a script of `scripts/`.
fn script(name: &str) -> Command {
    let mut command = Command::new(root().join("scripts").join(name));
    command.stdin(Stdio::null());
    command
}

/// The exit status and output of a command.
#[derive(Debug)]
struct CommandOutput {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl CommandOutput {
    fn of(output: Output) -> CommandOutput {
        let text = |bytes| String::from_utf8(bytes).unwrap();
        let (stdout, stderr) = (text(output.stdout), text(output.stderr));
        CommandOutput { code: output.status.code(), stdout, stderr }
    }
}

fn run(command: &mut Command) -> CommandOutput {
    CommandOutput::of(command.output().unwrap())
}

/// Polls until `condition` holds; fails the test if it does not in time.
#[track_caller]
fn eventually(what: &str, condition: impl FnMut() -> bool) {
    poll_until(what, TIMEOUT, condition);
}

/// Whether a process exists and has not ended.
fn is_alive(pid: &str) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", pid.trim())).unwrap_or_default();
    !status.is_empty() && !status.contains("State:\tZ")
}
