//! Processes of `agora node`, and their output.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use crate::wait::poll_until;
use agora::kv::client::{ClientOptions, KvClient, NodeStatus, Role};
use agora::raft::NodeId;

pub const AGORA: &str = env!("CARGO_BIN_EXE_agora");
/// The timeout of any step of a test.
pub const LONG: Duration = Duration::from_secs(40);

/// Polls until `condition` holds; fails the test after the timeout.
#[track_caller]
pub fn eventually(what: &str, condition: impl FnMut() -> bool) {
    poll_until(what, LONG, condition);
}

/// A directory that is removed at the end of the test.
pub struct TestDirectory(pub PathBuf);

impl TestDirectory {
    pub fn new() -> TestDirectory {
        static COUNT: AtomicU16 = AtomicU16::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("agora-cluster-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).unwrap();
        TestDirectory(path)
    }
}

impl Drop for TestDirectory {
    fn drop(&mut self) {
        if std::thread::panicking() && std::env::var_os("AGORA_KEEP").is_some() {
            eprintln!("kept: {}", self.0.display());
            return;
        }
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Nodes in the format of `--peers`.
pub fn peers_flag(nodes: &[(NodeId, String)]) -> String {
    let nodes: Vec<String> = nodes.iter().map(|(id, at)| format!("{id}={at}")).collect();
    nodes.join(",")
}

/// A command that the kernel kills together with the test, however the test ends. It must be
/// started on the thread of the test.
pub fn bound(program: &str) -> Command {
    let mut command = Command::new("setpriv");
    command.args(["--pdeathsig", "KILL", program]);
    command
}

/// A running `agora node`. Killed when dropped.
pub struct Process {
    child: Child,
    /// The files of its output: `NAME.out` and `NAME.err`.
    output: PathBuf,
}

impl Process {
    /// Starts a command whose output goes to files with this name, without waiting.
    pub fn start(mut command: Command, output: &Path) -> Process {
        let file = |ending| File::create(output.with_extension(ending)).unwrap();
        let child = command
            .stdin(Stdio::null())
            .stdout(file("out"))
            .stderr(file("err"))
            .spawn()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"));
        Process { child, output: output.to_owned() }
    }

    pub fn stdout(&self) -> String {
        fs::read_to_string(self.output.with_extension("out")).unwrap()
    }

    pub fn stderr(&self) -> String {
        fs::read_to_string(self.output.with_extension("err")).unwrap()
    }

    #[track_caller]
    pub fn await_listening(&mut self) {
        eventually("it listens", || {
            let ended = self.child.try_wait().unwrap();
            assert!(ended.is_none(), "it ended, {}: {}", ended.unwrap(), self.stderr());
            self.stdout().contains("listening on ")
        });
    }

    /// kill -9, and waits for the end.
    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal: TERM, STOP, CONT.
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-s", name, &pid]).status().unwrap().success());
    }

    /// The exit status, if it has ended.
    pub fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().unwrap()
    }

    /// Waits for the exit status.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        let mut status = None;
        eventually("it ends", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        status.unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs a command to its end.
pub fn agora(arguments: &[&str]) -> CommandOutput {
    CommandOutput::of(Command::new(AGORA).args(arguments).stdin(Stdio::null()).output().unwrap())
}

/// The result of a command.
#[derive(Debug)]
pub struct CommandOutput {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl CommandOutput {
    pub fn of(output: Output) -> CommandOutput {
        CommandOutput {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

/// A client of some nodes, with this timeout for each call.
pub fn client_of(nodes: &[(NodeId, String)], timeout: Duration) -> KvClient {
    KvClient::new(nodes, &ClientOptions { timeout, ..ClientOptions::default() }).unwrap()
}

/// The leader by the status of the nodes; of several the one with the newest term.
pub fn leader_of(client: &KvClient) -> Option<NodeStatus> {
    let statuses = client.statuses().into_iter().filter_map(|(_, status)| status.ok());
    let leaders = statuses.filter(|status| status.role == Role::Leader);
    leaders.max_by_key(|status| status.term)
}
