//! Errors of a command, and their exit statuses.

use std::io::Write;
use std::process::ExitCode;

use log::Level;

use super::logging::LogFormat;
use crate::call::Status;
use crate::text::printable_lines;

/// Why a command did not do its work.
#[derive(Debug)]
pub enum Failure {
    /// The help text was requested: printed on stdout, exit 0.
    Help(String),
    /// The command line is wrong: exit 2.
    Usage(String),
    /// It was refused, or it failed: exit 1.
    Failed(String),
}

impl Failure {
    /// A failure: the operation, and its error.
    pub(super) fn because(what: &str, why: impl std::fmt::Display) -> Failure {
        Failure::Failed(format!("{what}: {why}"))
    }

    /// Prints it on stdout, or on stderr in the form of the log. The exit status does not depend on whether printing succeeds.
    pub(super) fn report(self, log_format: LogFormat) -> ExitCode {
        let (text, code) = match self {
            Failure::Help(text) => {
                let _ = std::io::stdout().write_all(text.as_bytes());
                return ExitCode::SUCCESS;
            }
            Failure::Usage(text) => (text, 2),
            Failure::Failed(text) => (text, 1),
        };
        // Reasons contain texts of servers, peers and files.
        log_format.print(Level::Error, &format!("{}\n", printable_lines(text.trim_end())));
        ExitCode::from(code)
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        Failure::Failed(status.to_string())
    }
}
