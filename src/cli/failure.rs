//! How a command ends when it does not end well.

use std::io::Write;
use std::process::ExitCode;

use crate::call::Status;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub enum Failure {
    /// It was asked for its help text: no failure at all, on stdout, exit 0.
    Help(String),
    /// The command line makes no sense: exit 2.
    Usage(String),
    /// It was refused, or it failed: exit 1.
    Failed(String),
}

impl Failure {
    /// A failure with a reason: what was tried, and what went wrong.
    pub(super) fn because(what: &str, why: impl std::fmt::Display) -> Failure {
        Failure::Failed(format!("{what}: {why}"))
    }

    /// Says it where it belongs. A reader that is gone already changes nothing of the status.
    pub(super) fn report(self) -> ExitCode {
        let (text, code) = match self {
            Failure::Help(text) => {
                let _ = std::io::stdout().write_all(text.as_bytes());
                return ExitCode::SUCCESS;
            }
            Failure::Usage(text) => (text, 2),
            Failure::Failed(text) => (text, 1),
        };
        let _ = writeln!(std::io::stderr(), "{}", text.trim_end());
        ExitCode::from(code)
    }
}

impl From<Status> for Failure {
    fn from(status: Status) -> Failure {
        Failure::Failed(status.to_string())
    }
}
