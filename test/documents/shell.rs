//! A shell to paste commands into, in a folder of its own.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::transcript::Command;

/// How long one command may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The first byte of the line that a shell prints after each command: no command prints it.
const MARK: char = '\u{1e}';

/// What a command printed, stdout and stderr together, and how it ended.
pub struct Output {
    pub lines: Vec<String>,
    pub status: i32,
}

/// A running shell. All that it has started ends with it.
pub struct Shell {
    folder: PathBuf,
    process: Child,
    stdin: ChildStdin,
    lines: Receiver<String>,
}

impl Shell {
    /// A shell in an empty folder, whose `cargo build --release` gives the binary under test.
    pub fn start() -> Shell {
        static COUNT: AtomicU16 = AtomicU16::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("agora-documents-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(folder.join("bin")).unwrap();
        symlink(env!("CARGO_BIN_EXE_agora"), folder.join("bin/agora")).unwrap();
        let cargo = folder.join("bin/cargo");
        let script = "#!/bin/sh\n[ \"$*\" = 'build --release' ] && mkdir -p target/release && \
                      ln -s ../../bin/agora target/release/agora\n";
        fs::write(&cargo, script).unwrap();
        fs::set_permissions(&cargo, fs::Permissions::from_mode(0o755)).unwrap();

        let path = format!("{}:{}", folder.join("bin").display(), std::env::var("PATH").unwrap());
        let mut process = std::process::Command::new("bash")
            .current_dir(&folder)
            .env("PATH", path)
            .env("AGORA_HOME", folder.join("identities"))
            .env_remove("RUST_LOG")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0)
            .spawn()
            .unwrap();
        let mut stdin = process.stdin.take().unwrap();
        writeln!(stdin, "exec 2>&1").unwrap();
        let stdout = BufReader::new(process.stdout.take().unwrap());
        let (sender, lines) = channel();
        thread::spawn(move || {
            // The test has ended when nobody receives.
            stdout.lines().map_while(Result::ok).try_for_each(|line| sender.send(line))
        });
        Shell { folder, process, stdin, lines }
    }

    /// Runs one command, and waits until all is printed that the document shows.
    pub fn run(&mut self, command: &Command) -> Output {
        let quoted = command.text.replace('\'', "'\\''");
        writeln!(self.stdin, "eval '{quoted}' </dev/null; printf '{MARK}%s\\n' $?").unwrap();
        let deadline = Instant::now() + TIMEOUT;
        let (mut lines, mut status) = (Vec::new(), None);
        let wanted = if command.is_background() { command.output.len() } else { 0 };
        while status.is_none() || lines.len() < wanted {
            match self.lines.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => match line.split_once(MARK) {
                    Some((unfinished, number)) => {
                        lines.extend((!unfinished.is_empty()).then(|| unfinished.to_owned()));
                        status = Some(number.parse().unwrap());
                    }
                    None => lines.push(line),
                },
                // The time is over, or the shell has exited.
                Err(_) => break,
            }
        }
        let status = status.unwrap_or_else(|| {
            panic!("$ {}\ndid not end in time; its output:\n{}", command.text, lines.join("\n"))
        });
        Output { lines, status }
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let group = format!("-{}", self.process.id());
        // Both fail only if everything has ended already.
        let _ = std::process::Command::new("kill").args(["-KILL", "--", &group]).status();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}
