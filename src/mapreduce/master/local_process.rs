//! Local workers: processes that the master starts.
//!
//! A worker process listens on a free port, prints the address on stdout, and exits when its stdin
//! ends. The kernel closes its stdin when the master exits, even if the master is killed, so worker
//! processes exit with the master.
//!
//! Every user of the host can connect to that port. So the master writes the id of its job to the
//! worker's stdin, and the worker serves no other job. The id is unpredictable, and unlike an
//! argument it is not shown by `ps`.

use std::io::{self, BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::thread;

use super::MasterOptions;
use crate::mapreduce::scheduler::TaskKind;

/// A worker process. It is killed when this is dropped.
#[derive(Debug)]
pub(super) struct LocalProcess {
    child: Child,
}

impl LocalProcess {
    /// Starts a worker process for a job. `listening` is called once, on another thread, with the worker's
    /// address; `ended` is called when its stdout has ended, which means that the process has
    /// ended.
    pub(super) fn start(
        kind: TaskKind,
        options: &MasterOptions,
        job_id: &str,
        listening: impl FnOnce(String) + Send + 'static,
        ended: impl FnOnce() + Send + 'static,
    ) -> io::Result<LocalProcess> {
        let role = match kind {
            TaskKind::Map => "mapper",
            TaskKind::Reduce => "reducer",
        };
        let child = Command::new(&options.program)
            .args([role, "--listen", "127.0.0.1:0", "--until-stdin-ends", "--data"])
            .arg(&options.data)
            .args(&options.worker_arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let mut process = LocalProcess { child };
        let stdin = process.child.stdin.as_mut().ok_or(io::ErrorKind::BrokenPipe)?;
        writeln!(stdin, "{job_id}")?;
        let stdout = process.child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        thread::Builder::new().name(format!("{role} stdout")).spawn(move || {
            let mut lines = BufReader::new(stdout).lines().map_while(Result::ok);
            let address =
                lines.find_map(|line| line.strip_prefix("listening on ").map(str::to_owned));
            if let Some(address) = address {
                listening(address);
            }
            // No more lines are expected: this waits for the end.
            lines.for_each(drop);
            ended();
        })?;
        Ok(process)
    }

    /// The process's id.
    pub(super) fn id(&self) -> u32 {
        self.child.id()
    }

    /// Kills the process, even if it is stopped.
    pub(super) fn kill(&mut self) {
        if let Err(error) = self.child.kill() {
            log::debug!("killing process {}: {error}", self.child.id());
        }
    }
}

impl Drop for LocalProcess {
    fn drop(&mut self) {
        self.kill();
        if let Err(error) = self.child.wait() {
            log::warn!("waiting for process {}: {error}", self.child.id());
        }
    }
}
